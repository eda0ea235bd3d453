/* Bags of rows of a table, each made into one row. */
#include "ops/shape_util.h"
#include <math.h>

enum { MEAN, SUM, MAX };

/* n indices in bags: rows of as many, or, by offsets, wherever a bag begins. */
typedef struct bags {
    int64_t n, count;
    ct_tensor *of; /* (n): which bag an index is in; NULL: each has n / count of them */
} bags;

/* As many offsets as lie up to an index's place, less 1. */
static ct_tensor *bag_of_each(ct_tensor *offsets, int64_t n) {
    ct_tensor *none = ct_constant(CT_I64, CT_DIMS(n + 1), 0), *one = ct_constant(CT_I64, ct_shape_of(offsets), 1);
    ct_tensor *begun = ct_cumsum(ct_scatter_add(none, offsets, one, (ct_dim_args){.dim = CT_ZERO}), (ct_dim_args){0});
    return ct_plus(ct_narrow(begun, (ct_narrow_args){.length = n ? n : CT_ZERO}), -1);
}

/* Sums of what the indices have, (n, D), a bag: (count, D). */
static ct_tensor *summed(const bags *b, ct_tensor *rows) {
    int64_t width = rows->layout.size[1];
    if (!b->of)
        return ct_sum_dim(ct_reshape_to(rows, (int64_t[]){b->count, b->n / CT_MAX(b->count, 1), width}, 3), 1, false);
    return CT_PART(index_back, &((ct_index_back_args){.n = b->count}), rows, b->of);
}

/* The largest; where nothing counts, 0. */
static ct_tensor *largest(const bags *b, ct_tensor *rows, ct_tensor *counts) {
    int64_t width = rows->layout.size[1];
    ct_tensor *all;
    if (!b->n) return ct_constant(rows->layout.dtype, CT_DIMS(b->count, width), 0);
    if (b->of) {
        ct_tensor *bag =
            ct_arange((ct_arange_args){.end = b->count ? (double)b->count : (double)CT_ZERO, .dtype = CT_I64});
        ct_tensor *inside =
            ct_eq(ct_reshape_to(bag, (int64_t[]){b->count, 1, 1}, 3), ct_reshape_to(b->of, (int64_t[]){b->n, 1}, 2));
        all = ct_where(inside, rows, ct_constant(rows->layout.dtype, (ct_dims){0}, -INFINITY));
    } else
        all = ct_reshape_to(rows, (int64_t[]){b->count, b->n / CT_MAX(b->count, 1), width}, 3);
    ct_tensor *most = ct_amax(all, (ct_reduce_args){.dim = CT_DIMS(1)});
    return ct_masked_fill(most, ct_logical_not(counts), (ct_fill_args){0});
}

static ct_status check(ct_tensor *const *in, const ct_embedding_bag_args *args, int64_t *padding_idx) {
    const char *op = "embedding_bag";
    const ct_layout *index = &in[0]->layout, *weights = in[3] ? &in[3]->layout : NULL;
    CT_TRY(ct_want_index(op, index));
    CT_TRY(ct_want_ndim(op, "the index", index, 1, 2));
    CT_TRY(ct_want_ndim(op, "weight", &in[1]->layout, 2, 2));
    CT_TRY(ct_row_fix(op, "padding_idx", padding_idx, in[1]->layout.size[0]));
    if ((index->ndim == 1) != (in[2] != NULL))
        return ct_shape_fail(op, "indices (n) want the offsets of their bags, indices (bags, n) have none");
    if (in[2]) CT_TRY(ct_want_index(op, &in[2]->layout));
    if (in[2]) CT_TRY(ct_want_ndim(op, "offsets", &in[2]->layout, 1, 1));
    if (in[2] && args->include_last_offset && !in[2]->layout.size[0])
        return ct_shape_fail(op, "the last offset is to be included, and there is none");
    if (weights && args->mode != SUM) return ct_shape_fail(op, "per_sample_weights are for mode sum");
    if (weights) CT_TRY(ct_want_sizes(op, "per_sample_weights", weights, index->size, index->ndim));
    return CT_OK;
}

FORMULA(embedding_bag) {
    ARGS(embedding_bag);
    (void)n_in, (void)out;
    ct_tensor *missing = ct_missing("embedding_bag", in, 2);
    int64_t padding_idx = args->padding_idx;
    ct_status status = missing ? CT_OK : check(in, args, &padding_idx);
    if (missing || status) return missing ? missing : ct_tensor_failed(status);
    bags b = {ct_numel(in[0]), in[0]->layout.size[0], NULL};
    if (in[2]) {
        b.count = in[2]->layout.size[0] - args->include_last_offset;
        ct_narrow_args begins = {.length = b.count ? b.count : CT_ZERO};
        b.of = bag_of_each(ct_to(ct_narrow(in[2], begins), CT_I64), b.n);
    }
    ct_dtype dtype = in[1]->layout.dtype;
    ct_tensor *index = ct_reshape_to(in[0], (int64_t[]){b.n}, 1), *counted = ct_constant(dtype, CT_DIMS(b.n, 1), 1);
    ct_tensor *rows =
        ct_embedding(index, in[1], (ct_embedding_args){.padding_idx = padding_idx ? padding_idx : CT_ZERO});
    if (in[3]) rows = ct_mul(rows, ct_reshape_to(in[3], (int64_t[]){b.n, 1}, 2));
    if (padding_idx >= 0) {
        ct_tensor *padding = ct_constant(index->layout.dtype, (ct_dims){0}, (double)padding_idx);
        ct_tensor *left_out = ct_unsqueeze(ct_eq(index, padding), (ct_dim_args){.dim = 1});
        rows = ct_masked_fill(rows, left_out, (ct_fill_args){.value = args->mode == MAX ? -INFINITY : CT_ZERO});
        counted = ct_to(ct_logical_not(left_out), dtype);
    }
    if (ct_why(rows)) return rows;
    if (args->mode == MAX) return largest(&b, rows, summed(&b, counted));
    ct_tensor *sum = summed(&b, rows);
    return args->mode == SUM ? sum : ct_div(sum, ct_at_least(summed(&b, counted), 1));
}
