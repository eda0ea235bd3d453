/* Making, converting and choosing elements. */
#include "ops/shape_util.h"
#include <string.h>

ct_status ct_want_dtype(const char *op, int64_t dtype) {
    if (dtype >= CT_F32 && dtype <= CT_LAST_DTYPE) return CT_OK;
    return ct_shape_fail(op, "no element type has number %lld", (long long)dtype);
}

/* ---- fill, cast, copies ---- */
SHAPE(fill) {
    ARGS(full);
    (void)in, (void)n_in;
    *n_out = 1;
    CT_TRY(ct_want_dtype("full", args->dtype));
    return ct_shape_make("full", NULL, (ct_dtype)args->dtype, args->size.v, args->size.n, out);
}

SHAPE(cast) {
    ARGS(cast);
    (void)n_in;
    *n_out = 1;
    CT_TRY(ct_want_there("cast", in, 1));
    CT_TRY(ct_want_dtype("cast", args->dtype));
    return ct_shape_make("cast", NULL, (ct_dtype)args->dtype, in->size, in->ndim, out);
}
GRAD(cast) {
    (void)n_in, (void)out, (void)args_, (void)need;
    din[0] = ct_to(g[0], in[0]->layout.dtype);
}

SHAPE(contiguous) {
    (void)n_in, (void)args_;
    *n_out = 1;
    CT_TRY(ct_want_there("contiguous", in, 1));
    return ct_shape_make("contiguous", NULL, in->dtype, in->size, in->ndim, out);
}
ct_tensor *ct_in_order_of(ct_tensor *t, const ct_layout *x) {
    if (ct_why(t)) return t;
    ct_layout wanted = ct_layout_like(x, t->layout.dtype, t->layout.size, t->layout.ndim);
    if (!memcmp(wanted.stride, t->layout.stride, (size_t)x->ndim * sizeof x->stride[0])) return t;
    ct_dims order = {x->ndim, {0}}, back = {x->ndim, {0}};
    for (int d = 0; d < x->ndim; d++) {
        int k = d;
        for (; k > 0 && x->stride[order.v[k - 1]] < x->stride[d]; k--) order.v[k] = order.v[k - 1];
        order.v[k] = d;
    }
    for (int k = 0; k < x->ndim; k++) back.v[order.v[k]] = k;
    return ct_permute(ct_contiguous(ct_permute(t, (ct_dims_args){order})), (ct_dims_args){back});
}
/* So the gradient meets the values that it belongs to (channels-last) in their own order. */
GRAD(contiguous) {
    (void)n_in, (void)out, (void)args_, (void)need;
    din[0] = ct_in_order_of(g[0], &in[0]->layout);
}

SHAPE(copy) {
    (void)n_in, (void)args_;
    *n_out = 1;
    CT_TRY(ct_want_there("copy", in, 1));
    return ct_shape_make("copy", in, in->dtype, in->size, in->ndim, out);
}
GRAD(copy) {
    (void)in, (void)n_in, (void)out, (void)args_, (void)need;
    din[0] = g[0];
}

/* ---- choosing ---- */
SHAPE(where_) {
    (void)args_;
    *n_out = 1;
    CT_TRY(ct_want_there("where", in, n_in));
    if (in[0].dtype != CT_BOOL)
        return ct_shape_fail("where", "the condition is bool, not %s", ct_dtype_name(in[0].dtype));
    if (in[1].dtype != in[2].dtype)
        return ct_shape_fail("where", "inputs are %s and %s; make them the same", ct_dtype_name(in[1].dtype),
                             ct_dtype_name(in[2].dtype));
    CT_TRY(ct_shape_broadcast("where", in, n_in, out));
    out->dtype = in[1].dtype;
    return CT_OK;
}
GRAD(where_) {
    (void)n_in, (void)out, (void)args_;
    ct_tensor *zero = ct_constant(g[0]->layout.dtype, (ct_dims){0}, 0);
    if (need[1]) din[1] = ct_sum_to(ct_where(in[0], g[0], zero), &in[1]->layout);
    if (need[2]) din[2] = ct_sum_to(ct_where(in[0], zero, g[0]), &in[2]->layout);
}

FORMULA(where) {
    (void)n_in, (void)args_, (void)out;
    ct_tensor *missing = ct_missing("where", in, 3);
    if (missing) return missing;
    return CT_PART(where_, NULL, ct_to(in[0], CT_BOOL), in[1], in[2]);
}

FORMULA(masked_fill) {
    ARGS(fill);
    (void)n_in, (void)out;
    ct_tensor *missing = ct_missing("masked_fill", in, 2);
    if (missing) return missing;
    return ct_where(in[1], ct_constant(in[0]->layout.dtype, (ct_dims){0}, args->value), in[0]);
}

/* ---- activations with parameters or halves ---- */
FORMULA(prelu) {
    (void)n_in, (void)args_, (void)out;
    ct_tensor *missing = ct_missing("prelu", in, 2);
    if (missing) return missing;
    ct_tensor *x = in[0], *weight = in[1];
    int64_t channels = x->layout.ndim > 1 ? x->layout.size[1] : 1, n = ct_numel(weight);
    if (weight->layout.ndim > 1 || (n != 1 && n != channels))
        return ct_tensor_error(CT_FAIL, "prelu: %lld slopes for %lld channels; 1 or one a channel are possible",
                               (long long)n, (long long)channels);
    if (n != 1) { /* dimension 1 of x */
        int64_t size[CT_MAX_DIMS] = {1, n, 1, 1, 1, 1, 1, 1};
        weight = ct_reshape_to(weight, size, x->layout.ndim);
    } else
        weight = ct_reshape_to(weight, NULL, 0);
    ct_tensor *zero = ct_constant(x->layout.dtype, (ct_dims){0}, 0);
    return ct_where(ct_gt(x, zero), x, ct_mul(x, weight));
}

FORMULA(glu) {
    ARGS(glu);
    (void)n_in, (void)out;
    const ct_layout *l = &in[0]->layout;
    int64_t dim = args->dim;
    ct_status status = ct_dim_fix("glu", &dim, l->ndim);
    if (status) return ct_tensor_failed(status);
    if (!l->ndim || l->size[dim] % 2)
        return ct_tensor_error(CT_FAIL, "glu: dimension %lld is of an odd size and has no halves", (long long)dim);
    ct_slice_args first = {.stop = ct_shape_of(in[0])}, second = {.stop = ct_shape_of(in[0])};
    first.start.n = second.start.n = l->ndim;
    first.stop.v[dim] = second.start.v[dim] = l->size[dim] / 2;
    return ct_mul(ct_slice(in[0], first), ct_sigmoid(ct_slice(in[0], second)));
}
