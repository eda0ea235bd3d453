/* Short calls that gradients and formulas are written in. */
#include "ops/shape_util.h"
#include <math.h>

ct_tensor *ct_missing(const char *op, ct_tensor *const *in, int n) {
    for (int i = 0; i < n; i++)
        if (!in[i]) return ct_tensor_error(CT_FAIL, "%s: input %d is missing", op, i + 1);
    return NULL;
}

ct_tensor *ct_floats(ct_tensor *x) { return ct_is_float(x->layout.dtype) ? x : ct_to(x, CT_F32); }
ct_tensor *ct_wide(ct_tensor *x) { return x && ct_is_half(x->layout.dtype) ? ct_to(x, CT_F32) : x; }

ct_tensor *ct_constant(ct_dtype dtype, ct_dims size, double value) {
    return ct_apply(CT_OP_fill, NULL, 0, &(ct_full_args){.size = size, .fill_value = value, .dtype = dtype}, NULL);
}

ct_tensor *ct_times(ct_tensor *x, double factor) { return ct_mul_scalar(x, factor); }

ct_tensor *ct_plus(ct_tensor *x, double term) { return ct_add_scalar(x, term); }

ct_tensor *ct_at_least(ct_tensor *x, double min) {
    return CT_PART(clamp, &((ct_clamp_args){.min = min, .max = INFINITY}), x);
}

ct_tensor *ct_lifted(ct_tensor *x, double min) {
    ct_tensor *value = ct_detach(x);
    return ct_add(x, ct_sub(ct_at_least(value, min), value));
}

ct_tensor *ct_sum_dim(ct_tensor *x, int64_t dim, bool keepdim) {
    return ct_sum(x, (ct_reduce_args){.dim = CT_DIMS(dim), .keepdim = keepdim});
}

ct_tensor *ct_reshape_to(ct_tensor *x, const int64_t *size, int ndim) {
    return ct_reshape(x, (ct_shape_args){.shape = ct_all_dims(size, ndim)});
}

ct_tensor *ct_by_channel(ct_tensor *t, const ct_layout *x) {
    int64_t size[CT_MAX_DIMS] = {1, x->size[1], 1, 1, 1, 1, 1, 1};
    return ct_reshape_to(t, size, x->ndim);
}

ct_tensor *ct_kept(const char *op, ct_tensor *t, const ct_layout *l, const ct_dims *dims) {
    ct_layout kept;
    int n;
    ct_reduce_args args = {.dim = *dims, .keepdim = true};
    ct_status status = ct_shape_reduce(op, l, 1, &args, &kept, &n, l->dtype);
    return status ? ct_tensor_failed(status) : ct_reshape_to(t, kept.size, kept.ndim);
}

ct_tensor *ct_sum_to(ct_tensor *t, const ct_layout *shape) {
    const ct_layout *l = &t->layout;
    int lead = l->ndim - shape->ndim;
    ct_reduce_args args = {.keepdim = true};
    for (int d = 0; d < l->ndim; d++)
        if (d < lead || (shape->size[d - lead] == 1 && l->size[d] != 1)) args.dim.v[args.dim.n++] = d;
    if (args.dim.n) t = ct_sum(t, args);
    return lead > 0 ? ct_reshape_to(t, shape->size, shape->ndim) : t;
}

ct_tensor *ct_reduced(ct_tensor *loss, int reduction) {
    enum { MEAN, SUM };
    if (reduction == MEAN) return ct_mean(loss, (ct_reduce_args){0});
    return reduction == SUM ? ct_sum(loss, (ct_reduce_args){0}) : loss;
}

ct_tensor *ct_unlike(const char *op, ct_tensor *const *in) {
    ct_tensor *missing = ct_missing(op, in, 2);
    if (missing || ct_same_sizes(&in[0]->layout, &in[1]->layout)) return missing;
    char a[CT_SHAPE_TEXT], b[CT_SHAPE_TEXT];
    ct_layout_text(&in[0]->layout, a, sizeof a), ct_layout_text(&in[1]->layout, b, sizeof b);
    return ct_tensor_error(CT_FAIL, "%s: prediction %s and target %s differ in shape", op, a, b);
}
