/* Sums, extremes, products along dimensions, and what is written in them. */
#include "ops/shape_util.h"

SHAPE(sum) { return ct_shape_reduce("sum", in, n_in, args_, out, n_out, ct_sum_dtype(in->dtype)); }
GRAD(sum) {
    ARGS(reduce);
    (void)n_in, (void)out, (void)need;
    ct_tensor *back = ct_kept("sum", g[0], &in[0]->layout, &args->dim);
    din[0] = ct_expand(back, (ct_expand_args){.size = ct_shape_of(in[0])});
}

/* ---- extremes: elements equal to the result share its gradient ---- */
static ct_tensor *extreme_grad(const char *op, ct_tensor *x, ct_tensor *y, ct_tensor *g, const ct_reduce_args *args) {
    ct_tensor *hit = ct_eq(x, ct_kept(op, y, &x->layout, &args->dim));
    ct_tensor *count = ct_to(ct_sum(hit, (ct_reduce_args){.dim = args->dim, .keepdim = true}), g->layout.dtype);
    ct_tensor *share = ct_div(ct_kept(op, g, &x->layout, &args->dim), count);
    return ct_where(hit, share, ct_constant(g->layout.dtype, (ct_dims){0}, 0));
}

static ct_status extreme_shape(const char *op, const ct_layout *in, int n_in, const void *args, ct_layout *out,
                               int *n_out) {
    CT_TRY(ct_shape_reduce(op, in, n_in, args, out, n_out, in->dtype));
    if (!ct_layout_numel(in) && ct_layout_numel(out)) return ct_shape_fail(op, "no elements to choose from");
    return CT_OK;
}

SHAPE(amax) { return extreme_shape("amax", in, n_in, args_, out, n_out); }
GRAD(amax) {
    (void)n_in, (void)need;
    din[0] = extreme_grad("amax", in[0], out[0], g[0], args_);
}

SHAPE(amin) { return extreme_shape("amin", in, n_in, args_, out, n_out); }
GRAD(amin) {
    (void)n_in, (void)need;
    din[0] = extreme_grad("amin", in[0], out[0], g[0], args_);
}

static ct_status arg_shape(const char *op, const ct_layout *in, int n_in, const ct_arg_args *args, ct_layout *out,
                           int *n_out, ct_dtype dtype) {
    ct_reduce_args reduce = {.dim = CT_DIMS(args->dim), .keepdim = args->keepdim};
    return ct_shape_reduce(op, in, n_in, &reduce, out, n_out, dtype);
}

static ct_status place_shape(const char *op, const ct_layout *in, int n_in, const void *args, ct_layout *out,
                             int *n_out) {
    CT_TRY(arg_shape(op, in, n_in, args, out, n_out, CT_I64));
    return !ct_layout_numel(in) && ct_layout_numel(out) ? ct_shape_fail(op, "no elements to choose from") : CT_OK;
}
SHAPE(argmax_) { return place_shape("argmax", in, n_in, args_, out, n_out); }
SHAPE(argmin_) { return place_shape("argmin", in, n_in, args_, out, n_out); }

/* The place that op finds along the dimension asked for, or, without one, among all elements. */
static ct_tensor *place(int id, const char *op, ct_tensor *x, const ct_reduce_args *args) {
    static const int64_t ones[CT_MAX_DIMS] = {1, 1, 1, 1, 1, 1, 1, 1};
    int ndim = x->layout.ndim;
    if (args->dim.n > 1) return ct_tensor_error(CT_FAIL, "%s: along one dimension, or of all", op);
    ct_arg_args along = {.dim = args->dim.n ? args->dim.v[0] : 0, .keepdim = args->dim.n && args->keepdim};
    if (!args->dim.n) x = ct_reshape_to(x, (int64_t[]){-1}, 1);
    ct_tensor *y = ct_apply(id, &x, 1, &along, NULL);
    return !args->dim.n && args->keepdim ? ct_reshape_to(y, ones, ndim) : y;
}
FORMULA(argmax) {
    (void)n_in, (void)out;
    return place(CT_OP_argmax_, "argmax", in[0], args_);
}
FORMULA(argmin) {
    (void)n_in, (void)out;
    return place(CT_OP_argmin_, "argmin", in[0], args_);
}

/* ---- products ---- */
SHAPE(prod_) { return arg_shape("prod", in, n_in, args_, out, n_out, ct_sum_dtype(in->dtype)); }

static ct_tensor *shifted(ct_tensor *x, int64_t by, bool after) {
    return ct_pad(x, (ct_pad_args){.pad = after ? CT_DIMS(-by, by) : CT_DIMS(by, -by), .value = 1});
}

/* Along the last dimension, of size n, the product of all before each element (or after it), by doubling: right where
   there are zeros, and differentiable any number of times. */
static ct_tensor *products(ct_tensor *x, int64_t n, bool after) {
    if (!n) return x;
    x = shifted(x, 1, after);
    for (int64_t by = 1; by < n; by *= 2) x = ct_mul(x, shifted(x, by, after));
    return x;
}

GRAD(prod_) {
    ARGS(arg);
    (void)n_in, (void)out, (void)need;
    const ct_layout *l = &in[0]->layout;
    int64_t dim = args->dim;
    if (ct_dim_fix("prod", &dim, l->ndim) || !l->ndim) {
        din[0] = g[0];
        return;
    }
    ct_transpose_args swap = {.dim0 = dim, .dim1 = -1};
    ct_tensor *x = ct_transpose(in[0], swap);
    ct_tensor *others = ct_mul(products(x, l->size[dim], false), products(x, l->size[dim], true));
    din[0] = ct_mul(ct_kept("prod", g[0], l, &CT_DIMS(dim)), ct_transpose(others, swap));
}

FORMULA(prod) {
    ARGS(reduce);
    (void)n_in, (void)out;
    ct_layout kept;
    int n = 1;
    ct_status status = ct_shape_reduce("prod", &in[0]->layout, 1, args, &kept, &n, in[0]->layout.dtype);
    if (status) return ct_tensor_failed(status);
    unsigned mask;
    ct_dims_mask("prod", &args->dim, in[0]->layout.ndim, &mask);
    ct_dims order = {0}, size = {0}; /* the dimensions kept, then those reduced, joined */
    int64_t joined = 1;
    for (int d = 0; d < in[0]->layout.ndim; d++)
        if (!(mask >> d & 1)) order.v[order.n++] = d, size.v[size.n++] = in[0]->layout.size[d];
    for (int d = 0; d < in[0]->layout.ndim; d++)
        if (mask >> d & 1) order.v[order.n++] = d, joined *= in[0]->layout.size[d];
    size.v[size.n++] = joined;
    ct_tensor *x = ct_reshape(ct_permute(in[0], (ct_dims_args){.dims = order}), (ct_shape_args){.shape = size});
    x = CT_PART(prod_, &(ct_arg_args){.dim = -1}, x);
    return args->keepdim ? ct_reshape_to(x, kept.size, kept.ndim) : x;
}

/* ---- along one dimension ---- */
SHAPE(cumsum) {
    ARGS(dim);
    (void)n_in;
    int64_t dim = args->dim;
    *n_out = 1;
    CT_TRY(ct_want_there("cumsum", in, 1));
    CT_TRY(ct_dim_fix("cumsum", &dim, in->ndim));
    return ct_shape_make("cumsum", in, ct_sum_dtype(in->dtype), in->size, in->ndim, out);
}
GRAD(cumsum) {
    ARGS(dim);
    (void)in, (void)n_in, (void)out, (void)need;
    ct_dims_args along = {.dims = CT_DIMS(args->dim)};
    din[0] = in[0]->layout.ndim ? ct_flip(ct_cumsum(ct_flip(g[0], along), *args), along) : g[0];
}

/* By doubling, as the products of prod's gradient. */
FORMULA(cumprod) {
    ARGS(dim);
    (void)n_in, (void)out;
    ct_tensor *x = ct_to(in[0], ct_sum_dtype(in[0]->layout.dtype));
    int64_t dim = args->dim;
    ct_status status = ct_dim_fix("cumprod", &dim, x->layout.ndim);
    if (status) return ct_tensor_failed(status);
    if (ct_why(x) || !x->layout.ndim) return x;
    int64_t n = x->layout.size[dim];
    ct_transpose_args swap = {.dim0 = dim, .dim1 = -1};
    x = ct_transpose(x, swap);
    for (int64_t by = 1; by < n; by *= 2) x = ct_mul(x, shifted(x, by, false));
    return ct_transpose(x, swap);
}

/* ---- order ---- */
static ct_status order_shape(const char *op, const ct_layout *in, int64_t dim, const int64_t *k, ct_layout *out,
                             int *n_out) {
    *n_out = 2;
    CT_TRY(ct_want_there(op, in, 1));
    CT_TRY(ct_dim_fix(op, &dim, in->ndim));
    ct_layout l = *in;
    int64_t n = l.ndim ? l.size[dim] : 1;
    if (k && (*k < 0 || *k > n))
        return ct_shape_fail(op, "k %lld is out of range: dimension %lld has size %lld", (long long)*k, (long long)dim,
                             (long long)n);
    if (k && l.ndim) l.size[dim] = *k;
    CT_TRY(ct_shape_make(op, in, in->dtype, l.size, l.ndim, &out[0]));
    return ct_shape_make(op, in, CT_I64, l.size, l.ndim, &out[1]);
}

/* The gradient of elements that were moved to where `index` says. */
static ct_tensor *order_grad(const ct_tensor *x, ct_tensor *index, ct_tensor *g, int64_t dim) {
    ct_tensor *zeros = ct_constant(g->layout.dtype, ct_shape_of(x), 0);
    return ct_scatter_add(zeros, index, g, (ct_dim_args){.dim = dim});
}

SHAPE(sort) {
    ARGS(sort);
    (void)n_in;
    return order_shape("sort", in, args->dim, NULL, out, n_out);
}
GRAD(sort) {
    ARGS(sort);
    (void)n_in, (void)need;
    if (g[0]) din[0] = order_grad(in[0], out[1], g[0], args->dim);
}

SHAPE(topk) {
    ARGS(topk);
    (void)n_in;
    return order_shape("topk", in, args->dim, &args->k, out, n_out);
}
GRAD(topk) {
    ARGS(topk);
    (void)n_in, (void)need;
    if (g[0]) din[0] = order_grad(in[0], out[1], g[0], args->dim);
}

FORMULA(argsort) {
    ARGS(sort);
    (void)n_in, (void)out;
    ct_tensor *made[8], *x = ct_detach(in[0]);
    ct_tensor *y = ct_apply(CT_OP_sort, &x, 1, args, made);
    return ct_why(y) ? y : made[1];
}

/* Where the median along dim is, that dimension kept: the lower of two; where there is a NaN, the first of them. */
static ct_tensor *median_index(ct_tensor *x, int64_t dim) {
    x = ct_detach(x);
    ct_tensor *made[8], *y = ct_apply(CT_OP_sort, &x, 1, &(ct_sort_args){.dim = dim}, made);
    if (ct_why(y)) return y;
    ct_tensor *largest = ct_amax(x, (ct_reduce_args){.dim = CT_DIMS(dim), .keepdim = true});
    ct_narrow_args middle = {.dim = dim, .start = (x->layout.size[dim] - 1) / 2, .length = 1};
    ct_reduce_args first = {.dim = CT_DIMS(dim), .keepdim = true};
    return ct_where(ct_isnan(largest), ct_argmax(x, first), ct_narrow(made[1], middle));
}

/* The median of all: elements equal to it share its gradient, as amax's do. */
static ct_tensor *median_of_all(ct_tensor *x, ct_tensor **index) {
    x = ct_reshape(x, (ct_shape_args){.shape = CT_DIMS(-1)});
    ct_dim_args along = {.dim = 0};
    *index = ct_squeeze(median_index(x, 0), (ct_squeeze_args){CT_DIMS(0)});
    ct_tensor *value = ct_index_select(ct_detach(x), ct_unsqueeze(*index, along), along);
    ct_tensor *same = ct_where(ct_isnan(value), ct_isnan(x), ct_eq(x, value));
    ct_tensor *least = ct_amin(ct_detach(x), (ct_reduce_args){0});
    return ct_amax(ct_where(same, x, least), (ct_reduce_args){0});
}

FORMULA(median) {
    ARGS(median);
    (void)n_in;
    ct_tensor *x = in[0], *index, *y;
    const ct_layout *l = &x->layout;
    int64_t dim = args->dim.n ? args->dim.v[0] : 0;
    ct_status status = ct_dim_fix("median", &dim, l->ndim);
    if (!status && args->dim.n > 1) status = ct_shape_fail("median", "along one dimension, or of all");
    if (!status && !ct_layout_numel(l) && (!args->dim.n || !l->size[dim]))
        status = ct_shape_fail("median", "no elements to choose from");
    if (status) return ct_tensor_failed(status);
    if (!args->dim.n || !l->ndim)
        y = median_of_all(x, &index);
    else {
        ct_dim_args along = {.dim = dim};
        index = median_index(x, dim);
        y = ct_gather(x, index, along);
        ct_squeeze_args gone = {args->dim};
        if (!args->keepdim) y = ct_squeeze(y, gone), index = ct_squeeze(index, gone);
    }
    if (out) out[1] = index;
    return y;
}
