/* Attention of several heads. */
#include "ops/attention.h"
#include "ops/shape_util.h"

static ct_tensor *swapped(ct_tensor *x, int64_t a, int64_t b) {
    return ct_transpose(x, (ct_transpose_args){.dim0 = a, .dim1 = b});
}

enum { X, IN_WEIGHT, IN_BIAS, OUT_WEIGHT, OUT_BIAS, KEY, VALUE, MASK };

static ct_status heads_inputs(ct_tensor *const *in, const ct_multi_head_attention_args *args) {
    static const char op[] = "multi_head_attention";
    const ct_layout *x = &in[X]->layout;
    CT_TRY(ct_want_floats(op, x, 1));
    CT_TRY(ct_want_ndim(op, "x", x, 2, 3));
    int64_t size = x->size[x->ndim - 1];
    if (args->embed_dim && args->embed_dim != size)
        return ct_shape_fail(op, "x has vectors of %lld, embed_dim is %lld", (long long)size,
                             (long long)args->embed_dim);
    if (args->num_heads < 1 || size % args->num_heads)
        return ct_shape_fail(op, "%lld heads do not divide %lld", (long long)args->num_heads, (long long)size);
    CT_TRY(ct_want_sizes(op, "in_proj_weight", &in[IN_WEIGHT]->layout, (int64_t[]){3 * size, size}, 2));
    if (in[IN_BIAS]) CT_TRY(ct_want_sizes(op, "in_proj_bias", &in[IN_BIAS]->layout, (int64_t[]){3 * size}, 1));
    for (int i = KEY; i <= VALUE; i++)
        if (in[i]) CT_TRY(ct_want_ndim(op, i == KEY ? "key" : "value", &in[i]->layout, x->ndim, x->ndim));
    return CT_OK;
}

/* Third i of t's first dimension; NULL of NULL. */
static ct_tensor *third(ct_tensor *t, int i) {
    if (!t) return NULL;
    int64_t n = t->layout.size[0] / 3;
    return ct_slice(t, (ct_slice_args){.start = CT_DIMS(i * n), .stop = CT_DIMS((i + 1) * n)});
}

/* x (L, N, E), (N, L, E) or (L, E) as (N, L, E). */
static ct_tensor *batched(ct_tensor *x, bool batch_first) {
    if (x->layout.ndim == 2) return ct_unsqueeze(x, (ct_dim_args){.dim = 0});
    return batch_first ? x : swapped(x, 0, 1);
}

/* (N, L, E) as (N, heads, L, E / heads). */
static ct_tensor *split(ct_tensor *x, int64_t heads) {
    if (ct_why(x)) return x;
    const int64_t *n = x->layout.size;
    return swapped(ct_reshape_to(x, (int64_t[]){n[0], n[1], heads, n[2] / heads}, 4), 1, 2);
}

ct_tensor *ct_heads_in(ct_tensor *x, ct_tensor *weight, ct_tensor *bias, int64_t heads) {
    x = ct_linear(x, weight, bias);
    if (ct_why(x)) return x;
    const int64_t *n = x->layout.size;
    x = ct_reshape_to(x, (int64_t[]){n[0], n[1], 3, heads, n[2] / 3 / heads}, 5);
    return ct_permute(x, (ct_dims_args){.dims = CT_DIMS(2, 0, 3, 1, 4)});
}

ct_tensor *ct_heads_out(ct_tensor *y, ct_tensor *weight, ct_tensor *bias) {
    y = swapped(y, 1, 2);
    if (ct_why(y)) return y;
    const int64_t *n = y->layout.size;
    return ct_linear(ct_reshape_to(y, (int64_t[]){n[0], n[1], n[2] * n[3]}, 3), weight, bias);
}

/* As scaled_dot_product_attention wants it: bools say what counts, and (N * heads, L, S) has its dimensions apart. */
static ct_tensor *mask_of(ct_tensor *mask, int64_t heads) {
    if (!mask) return NULL;
    const ct_layout *l = &mask->layout;
    if (l->ndim == 3 && l->size[0] % heads == 0)
        mask = ct_reshape_to(mask, (int64_t[]){l->size[0] / heads, heads, l->size[1], l->size[2]}, 4);
    return ct_is_float(l->dtype) ? mask : ct_logical_not(mask);
}

static ct_tensor *attend_to_self(ct_tensor *const *in, const ct_multi_head_attention_args *args, ct_tensor *mask,
                                 ct_attention_args by, ct_tensor **weights) {
    ct_tensor *x = batched(in[X], args->batch_first);
    return ct_attention_packed(ct_heads_in(x, in[IN_WEIGHT], in[IN_BIAS], args->num_heads), mask, by, weights);
}

static ct_tensor *attend_to_others(ct_tensor *const *in, const ct_multi_head_attention_args *args, ct_tensor *mask,
                                   ct_attention_args by, ct_tensor **weights) {
    ct_tensor *from[3] = {in[X], in[KEY] ? in[KEY] : in[X], in[VALUE]}, *part[3];
    if (!from[2]) from[2] = from[1];
    for (int i = 0; i < 3; i++) {
        ct_tensor *x = batched(from[i], args->batch_first);
        part[i] = split(ct_linear(x, third(in[IN_WEIGHT], i), third(in[IN_BIAS], i)), args->num_heads);
    }
    return ct_attention_of(part, mask, by, weights);
}

static ct_tensor *without_batch(ct_tensor *x) { return ct_squeeze(x, (ct_squeeze_args){CT_DIMS(0)}); }

FORMULA(multi_head_attention) {
    ARGS(multi_head_attention);
    (void)n_in;
    if (!in[IN_WEIGHT] || !in[OUT_WEIGHT])
        return ct_tensor_error(CT_FAIL, "multi_head_attention: both projections' weights are wanted");
    ct_status status = heads_inputs(in, args);
    if (status) return ct_tensor_failed(status);
    bool one = in[X]->layout.ndim == 2;
    ct_tensor *mask = mask_of(in[MASK], args->num_heads);
    ct_attention_args by = {.dropout_p = args->dropout, .is_causal = args->is_causal};
    ct_tensor *w, **weights = args->need_weights && out ? &w : NULL;
    ct_tensor *y = in[KEY] || in[VALUE] ? attend_to_others(in, args, mask, by, weights)
                                        : attend_to_self(in, args, mask, by, weights);
    y = ct_heads_out(y, in[OUT_WEIGHT], in[OUT_BIAS]);
    if (ct_why(y)) return y;
    if (weights && !args->no_average_attn_weights) w = ct_mean(w, (ct_reduce_args){.dim = CT_DIMS(1)});
    if (weights) out[1] = one ? without_batch(w) : w;
    return one ? without_batch(y) : args->batch_first ? y : swapped(y, 0, 1);
}
