/* Elements and slices by index, and back. */
#include "ops/shape_util.h"

/* `index` picks elements of x along dim: elsewhere it is no larger than x. */
static ct_status index_fits(const char *op, const ct_layout *x, const ct_layout *index, int64_t dim) {
    CT_TRY(ct_want_there(op, x, 1));
    CT_TRY(ct_want_index(op, index));
    CT_TRY(ct_dim_fix(op, &dim, x->ndim));
    bool fits = x->ndim == index->ndim;
    for (int d = 0; fits && d < x->ndim; d++) fits = d == dim || index->size[d] <= x->size[d];
    if (fits) return CT_OK;
    char a[CT_SHAPE_TEXT], b[CT_SHAPE_TEXT];
    ct_layout_text(index, a, sizeof a), ct_layout_text(x, b, sizeof b);
    return ct_shape_fail(op, "index %s does not fit %s but for dimension %lld", a, b, (long long)dim);
}

SHAPE(gather) {
    ARGS(dim);
    (void)n_in;
    *n_out = 1;
    CT_TRY(index_fits("gather", &in[0], &in[1], args->dim));
    return ct_shape_make("gather", NULL, in[0].dtype, in[1].size, in[1].ndim, out);
}
GRAD(gather) {
    ARGS(dim);
    (void)n_in, (void)out;
    if (need[0]) din[0] = ct_scatter_add(ct_constant(g[0]->layout.dtype, ct_shape_of(in[0]), 0), in[1], g[0], *args);
}

SHAPE(scatter_add) {
    ARGS(dim);
    *n_out = 1;
    CT_TRY(ct_want_there("scatter_add", in, n_in));
    CT_TRY(index_fits("scatter_add", &in[0], &in[1], args->dim));
    bool fits = in[1].ndim == in[2].ndim;
    for (int d = 0; fits && d < in[1].ndim; d++) fits = in[1].size[d] <= in[2].size[d];
    if (!fits) {
        char a[CT_SHAPE_TEXT], b[CT_SHAPE_TEXT];
        ct_layout_text(&in[1], a, sizeof a), ct_layout_text(&in[2], b, sizeof b);
        return ct_shape_fail("scatter_add", "index %s is larger than src %s", a, b);
    }
    if (in[0].dtype != in[2].dtype)
        return ct_shape_fail("scatter_add", "inputs are %s and %s; make them the same", ct_dtype_name(in[0].dtype),
                             ct_dtype_name(in[2].dtype));
    return ct_shape_make("scatter_add", &in[0], in[0].dtype, in[0].size, in[0].ndim, out);
}
GRAD(scatter_add) {
    ARGS(dim);
    (void)n_in, (void)out;
    din[0] = g[0];
    if (!need[2]) return;
    ct_tensor *src = ct_gather(g[0], in[1], *args);
    ct_slice_back_args whole = {
        .start = {.n = in[1]->layout.ndim}, .stop = ct_shape_of(in[1]), .size = ct_shape_of(in[2])};
    din[2] = ct_same_sizes(&in[1]->layout, &in[2]->layout) ? src : CT_PART(slice_back, &whole, src);
}

/* ---- slices along one dimension ---- */
SHAPE(index_select) {
    ARGS(dim);
    int64_t dim = args->dim, size[CT_MAX_DIMS];
    (void)n_in;
    *n_out = 1;
    CT_TRY(ct_want_there("index_select", in, 1));
    CT_TRY(ct_want_index("index_select", &in[1]));
    CT_TRY(ct_want_ndim("index_select", "the index", &in[1], 0, 1));
    CT_TRY(ct_want_ndim("index_select", "the input", &in[0], 1, CT_MAX_DIMS));
    CT_TRY(ct_dim_fix("index_select", &dim, in[0].ndim));
    for (int d = 0; d < in[0].ndim; d++) size[d] = d != dim ? in[0].size[d] : in[1].ndim ? in[1].size[0] : 1;
    return ct_shape_make("index_select", &in[0], in[0].dtype, size, in[0].ndim, out);
}
GRAD(index_select) {
    ARGS(dim);
    (void)n_in, (void)out;
    int64_t dim = args->dim;
    if (!need[0] || ct_dim_fix("index_select", &dim, in[0]->layout.ndim)) return;
    ct_index_back_args back = {.dim = dim, .n = in[0]->layout.size[dim]};
    ct_tensor *index = ct_reshape_to(in[1], (int64_t[]){ct_numel(in[1])}, 1);
    din[0] = CT_PART(index_back, &back, g[0], index);
}

SHAPE(index_back) {
    ARGS(index_back);
    int64_t dim = args->dim, size[CT_MAX_DIMS];
    (void)n_in;
    *n_out = 1;
    CT_TRY(ct_want_there("index_back", in, 1));
    CT_TRY(ct_want_index("index_back", &in[1]));
    CT_TRY(ct_want_ndim("index_back", "the index", &in[1], 1, 1));
    CT_TRY(ct_want_ndim("index_back", "the gradient", &in[0], 1, CT_MAX_DIMS));
    CT_TRY(ct_dim_fix("index_back", &dim, in[0].ndim));
    for (int d = 0; d < in[0].ndim; d++) size[d] = d == dim ? in[1].size[0] : in[0].size[d];
    CT_TRY(ct_want_sizes("index_back", "the gradient", &in[0], size, in[0].ndim));
    size[dim] = args->n;
    return ct_shape_make("index_back", &in[0], in[0].dtype, size, in[0].ndim, out);
}
GRAD(index_back) {
    ARGS(index_back);
    (void)n_in, (void)out;
    if (need[0]) din[0] = ct_index_select(g[0], in[1], (ct_dim_args){.dim = args->dim});
}

SHAPE(index_copy) {
    ARGS(dim);
    int64_t dim = args->dim, size[CT_MAX_DIMS];
    (void)n_in;
    *n_out = 1;
    CT_TRY(ct_want_there("index_copy", in, 3));
    CT_TRY(ct_want_index("index_copy", &in[1]));
    CT_TRY(ct_want_ndim("index_copy", "the index", &in[1], 1, 1));
    CT_TRY(ct_want_ndim("index_copy", "the input", &in[0], 1, CT_MAX_DIMS));
    CT_TRY(ct_dim_fix("index_copy", &dim, in[0].ndim));
    if (in[2].dtype != in[0].dtype)
        return ct_shape_fail("index_copy", "the input is %s, src %s", ct_dtype_name(in[0].dtype),
                             ct_dtype_name(in[2].dtype));
    for (int d = 0; d < in[0].ndim; d++) size[d] = d == dim ? in[1].size[0] : in[0].size[d];
    CT_TRY(ct_want_sizes("index_copy", "src", &in[2], size, in[0].ndim));
    return ct_shape_make("index_copy", &in[0], in[0].dtype, in[0].size, in[0].ndim, out);
}
int ct_place_index_copy(int n_in, const void *args, int i) {
    (void)n_in, (void)args;
    return i;
}

FORMULA(embedding) {
    ARGS(embedding);
    (void)n_in, (void)out;
    ct_tensor *missing = ct_missing("embedding", in, 2), *weight = in[1];
    if (missing) return missing;
    const ct_layout *index = &in[0]->layout, *w = &weight->layout;
    ct_status status = ct_want_ndim("embedding", "weight", w, 2, 2);
    if (!status) status = ct_want_ndim("embedding", "the index", index, 0, CT_MAX_DIMS - 1);
    int64_t padding_idx = args->padding_idx;
    if (!status) status = ct_row_fix("embedding", "padding_idx", &padding_idx, w->size[0]);
    if (status) return ct_tensor_failed(status);
    ct_tensor *flat = ct_reshape_to(in[0], (int64_t[]){ct_numel(in[0])}, 1);
    ct_tensor *rows = ct_index_select(weight, flat, (ct_dim_args){.dim = 0});
    if (padding_idx >= 0) { /* the value stays, the gradient does not */
        ct_tensor *padding = ct_constant(index->dtype, (ct_dims){0}, (double)padding_idx);
        ct_tensor *mask = ct_unsqueeze(ct_eq(flat, padding), (ct_dim_args){.dim = 1});
        rows = ct_where(mask, ct_detach(rows), rows);
    }
    ct_dims size = ct_shape_of(in[0]);
    size.v[size.n++] = w->size[1];
    return ct_reshape(rows, (ct_shape_args){.shape = size});
}

FORMULA(one_hot) {
    ct_one_hot_args args = *(const ct_one_hot_args *)args_;
    (void)n_in, (void)out;
    if (args.num_classes == -1) {
        if (ct_capturing())
            return ct_tensor_error(CT_FAIL,
                                   "one_hot: num_classes is to be said where a plan is made: it has no values");
        ct_tensor *most = ct_amax(in[0], (ct_reduce_args){0});
        if (ct_why(most)) return most;
        args.num_classes = (int64_t)ct_item(most) + 1;
    }
    return CT_PART(one_hot_, &args, in[0]);
}

SHAPE(one_hot_) {
    ARGS(one_hot);
    (void)n_in;
    *n_out = 1;
    CT_TRY(ct_want_index("one_hot", in));
    CT_TRY(ct_want_ndim("one_hot", "the index", in, 0, CT_MAX_DIMS - 1));
    if (args->num_classes < 1) return ct_shape_fail("one_hot", "num_classes is not positive");
    int64_t size[CT_MAX_DIMS];
    for (int d = 0; d < in->ndim; d++) size[d] = in->size[d];
    size[in->ndim] = args->num_classes;
    return ct_shape_make("one_hot", NULL, CT_I64, size, in->ndim + 1, out);
}
