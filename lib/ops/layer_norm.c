/* Normalisation over the last dimensions. */
#include "ops/shape_util.h"
#include <float.h>

/* The last dimensions of x, which have the shape that was said, as weight and bias do. */
static ct_status last_dims(const char *op, ct_tensor *const *in, int n_in, const ct_dims *shape, ct_dims *dims) {
    const ct_layout *l = &in[0]->layout;
    CT_TRY(ct_want_floats(op, l, 1));
    if (shape->n < 1 || shape->n > l->ndim)
        return ct_shape_fail(op, "normalized_shape has %d dimensions, the input %d", shape->n, l->ndim);
    ct_layout last = {.ndim = shape->n};
    *dims = (ct_dims){.n = shape->n};
    for (int i = 0; i < shape->n; i++) {
        dims->v[i] = l->ndim - shape->n + i;
        last.size[i] = l->size[dims->v[i]];
    }
    CT_TRY(ct_want_sizes(op, "the end of the input's shape", &last, shape->v, shape->n));
    for (int i = 1; i < n_in; i++)
        if (in[i]) CT_TRY(ct_want_sizes(op, i == 1 ? "weight" : "bias", &in[i]->layout, shape->v, shape->n));
    return CT_OK;
}

FORMULA(layer_norm) {
    ARGS(layer_norm);
    (void)out;
    ct_dims dims;
    ct_status status = last_dims("layer_norm", in, n_in, &args->normalized_shape, &dims);
    if (status) return ct_tensor_failed(status);
    ct_tensor *y = ct_standard(in[0], dims, args->eps);
    if (in[1]) y = ct_mul(y, in[1]);
    return in[2] ? ct_add(y, in[2]) : y;
}

FORMULA(rms_norm) {
    ARGS(rms_norm);
    (void)out;
    ct_dims dims;
    ct_status status = last_dims("rms_norm", in, n_in, &args->normalized_shape, &dims);
    if (status) return ct_tensor_failed(status);
    ct_tensor *x = in[0], *mean = ct_mean(ct_square(x), (ct_reduce_args){.dim = dims, .keepdim = true});
    double eps = args->eps >= 0 ? args->eps : x->layout.dtype == CT_F32 ? FLT_EPSILON : DBL_EPSILON;
    ct_tensor *y = ct_mul(x, ct_rsqrt(ct_plus(mean, eps)));
    return in[1] ? ct_mul(y, in[1]) : y;
}
