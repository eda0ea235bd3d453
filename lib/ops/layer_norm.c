/* Normalisation over the last dimensions: by parts, and in a plan by one kernel each way. */
#include "ops/shape_util.h"
#include <float.h>
#include <string.h>

enum { X, WEIGHT, BIAS };

/* The last dimensions of x, which have the shape that was said, as weight and bias do. */
static ct_status last_dims(const char *op, const ct_layout *in, int n_in, const ct_dims *shape, ct_dims *dims) {
    CT_TRY(ct_want_floats(op, in, 1));
    if (shape->n < 1 || shape->n > in->ndim)
        return ct_shape_fail(op, "normalized_shape has %d dimensions, the input %d", shape->n, in->ndim);
    ct_layout last = {.ndim = shape->n};
    *dims = (ct_dims){.n = shape->n};
    for (int i = 0; i < shape->n; i++) {
        dims->v[i] = in->ndim - shape->n + i;
        last.size[i] = in->size[dims->v[i]];
    }
    CT_TRY(ct_want_sizes(op, "the end of the input's shape", &last, shape->v, shape->n));
    for (int i = WEIGHT; i < n_in; i++)
        if (in[i].dtype) CT_TRY(ct_want_sizes(op, i == WEIGHT ? "weight" : "bias", &in[i], shape->v, shape->n));
    return CT_OK;
}

/* A result like x, and `n` statistics, a number a vector each, in the same order. */
static ct_status norm_shape(const char *op, const ct_layout *in, int n_in, const ct_dims *shape, int n, ct_layout *out,
                            int *n_out) {
    ct_dims dims;
    *n_out = 1 + n;
    CT_TRY(ct_want_floats(op, in, n_in));
    CT_TRY(last_dims(op, in, n_in, shape, &dims));
    CT_TRY(ct_shape_make(op, in, in->dtype, in->size, in->ndim, &out[0]));
    ct_layout lead = *in;
    lead.ndim -= dims.n;
    for (int i = 1; i <= n; i++) CT_TRY(ct_shape_make(op, &lead, in->dtype, in->size, lead.ndim, &out[i]));
    return CT_OK;
}

/* Of g, x, n statistics, weight: a gradient like x, then some of the vectors' shape. */
static ct_status back_shape(const char *op, const ct_layout *in, int n, int vectors, ct_layout *out, int *n_out) {
    const ct_layout *x = &in[1], *stats = &in[2], *weight = &in[2 + n];
    *n_out = 1 + vectors;
    CT_TRY(ct_want_there(op, in, 2 + n));
    CT_TRY(ct_want_floats(op, in, 3 + n));
    CT_TRY(ct_want_sizes(op, "the gradient", &in[0], x->size, x->ndim));
    CT_TRY(ct_want_ndim(op, "the input", x, stats->ndim + 1, CT_MAX_DIMS));
    const int64_t *size = x->size + stats->ndim;
    int last = x->ndim - stats->ndim;
    for (int i = 0; i < n; i++) CT_TRY(ct_want_sizes(op, "a statistic", &stats[i], x->size, stats->ndim));
    if (weight->dtype) CT_TRY(ct_want_sizes(op, "weight", weight, size, last));
    CT_TRY(ct_shape_make(op, x, x->dtype, x->size, x->ndim, &out[0]));
    for (int i = 1; i <= vectors; i++) CT_TRY(ct_shape_make(op, NULL, x->dtype, size, last, &out[i]));
    return CT_OK;
}

/* Whether one kernel can do all of it: a plan asks for that, and the types are one. The inputs for it are in `as`, the
   vectors without gaps. What comes of it is to lie as x did, as that of the parts does: random ops go by that order. */
static bool whole(ct_tensor *const *in, int n_in, int last, ct_tensor **as) {
    memcpy(as, in, (size_t)n_in * sizeof *as);
    for (int i = 1; i < n_in; i++)
        if (in[i] && in[i]->layout.dtype != in[X]->layout.dtype) return false;
    const ct_layout *x = &in[X]->layout;
    int64_t step = 1;
    for (int d = x->ndim - 1; d >= x->ndim - last; step *= x->size[d--])
        if (x->size[d] != 1 && x->stride[d] != step) as[X] = ct_contiguous(in[X]);
    return ct_whole();
}

/* ---- about the mean ---- */
enum { Y, MEAN, INVSTD };

static ct_tensor *standardised(ct_tensor *const *in, ct_dims dims, double eps, ct_tensor **out) {
    ct_reduce_args over = {.dim = dims, .keepdim = true};
    ct_tensor *mean = ct_mean(in[X], over), *apart = ct_sub(in[X], mean);
    ct_tensor *invstd = ct_rsqrt(ct_plus(ct_mean(ct_square(apart), over), eps)), *y = ct_mul(apart, invstd);
    if (in[WEIGHT]) y = ct_mul(y, in[WEIGHT]);
    if (in[BIAS]) y = ct_add(y, in[BIAS]);
    if (!out) return y;
    int lead = in[X]->layout.ndim - dims.n;
    out[Y] = y;
    out[MEAN] = ct_reshape_to(mean, in[X]->layout.size, lead);
    out[INVSTD] = ct_reshape_to(invstd, in[X]->layout.size, lead);
    return y;
}

SHAPE(layer_norm_) {
    ARGS(layer_norm);
    return norm_shape("layer_norm", in, n_in, &args->normalized_shape, 2, out, n_out);
}
FORMULA(layer_norm_) {
    ARGS(layer_norm);
    (void)n_in;
    ct_dims dims = {.n = args->normalized_shape.n};
    for (int i = 0; i < dims.n; i++) dims.v[i] = i - dims.n;
    return standardised(in, dims, args->eps, out);
}
GRAD(layer_norm_) {
    (void)n_in, (void)args_;
    if (!g[Y]) return;
    ct_tensor *d[8], *back[] = {ct_in_order_of(g[Y], &in[X]->layout), in[X], out[MEAN], out[INVSTD], in[WEIGHT]};
    if (ct_why(d[0] = ct_apply(CT_OP_layer_norm_back, back, 5, NULL, d))) d[1] = d[2] = d[0];
    for (int i = X; i <= BIAS; i++)
        if (need[i]) din[i] = d[i];
}
SHAPE(layer_norm_back) {
    (void)args_, (void)n_in;
    return back_shape("layer_norm", in, 2, 2, out, n_out);
}

FORMULA(layer_norm) {
    ARGS(layer_norm);
    (void)out;
    ct_dims dims;
    ct_layout l[3] = {0};
    ct_tensor *as[3];
    for (int i = 0; i < n_in; i++)
        if (in[i]) l[i] = in[i]->layout;
    ct_status status = last_dims("layer_norm", l, n_in, &args->normalized_shape, &dims);
    if (status) return ct_tensor_failed(status);
    if (whole(in, n_in, dims.n, as)) return ct_in_order_of(ct_apply(CT_OP_layer_norm_, as, n_in, args, NULL), &l[X]);
    return standardised(in, dims, args->eps, NULL);
}

/* ---- about 0 ---- */
enum { INVRMS = 1 };

static ct_tensor *scaled(ct_tensor *const *in, ct_dims dims, double eps, ct_tensor **out) {
    ct_tensor *x = in[X], *mean = ct_mean(ct_square(x), (ct_reduce_args){.dim = dims, .keepdim = true});
    if (eps < 0) eps = x->layout.dtype == CT_F32 ? FLT_EPSILON : DBL_EPSILON;
    ct_tensor *inv = ct_rsqrt(ct_plus(mean, eps)), *y = ct_mul(x, inv);
    if (in[WEIGHT]) y = ct_mul(y, in[WEIGHT]);
    if (out) out[Y] = y, out[INVRMS] = ct_reshape_to(inv, x->layout.size, x->layout.ndim - dims.n);
    return y;
}

SHAPE(rms_norm_) {
    ARGS(rms_norm);
    return norm_shape("rms_norm", in, n_in, &args->normalized_shape, 1, out, n_out);
}
FORMULA(rms_norm_) {
    ARGS(rms_norm);
    (void)n_in;
    ct_dims dims = {.n = args->normalized_shape.n};
    for (int i = 0; i < dims.n; i++) dims.v[i] = i - dims.n;
    return scaled(in, dims, args->eps, out);
}
GRAD(rms_norm_) {
    (void)n_in, (void)args_;
    if (!g[Y]) return;
    ct_tensor *d[8], *back[] = {ct_in_order_of(g[Y], &in[X]->layout), in[X], out[INVRMS], in[WEIGHT]};
    if (ct_why(d[0] = ct_apply(CT_OP_rms_norm_back, back, 4, NULL, d))) d[1] = d[0];
    for (int i = X; i <= WEIGHT; i++)
        if (need[i]) din[i] = d[i];
}
SHAPE(rms_norm_back) {
    (void)args_, (void)n_in;
    return back_shape("rms_norm", in, 1, 1, out, n_out);
}

FORMULA(rms_norm) {
    ARGS(rms_norm);
    (void)out;
    ct_dims dims;
    ct_layout l[2] = {0};
    ct_tensor *as[2];
    for (int i = 0; i < n_in; i++)
        if (in[i]) l[i] = in[i]->layout;
    ct_status status = last_dims("rms_norm", l, n_in, &args->normalized_shape, &dims);
    if (status) return ct_tensor_failed(status);
    if (whole(in, n_in, dims.n, as)) return ct_in_order_of(ct_apply(CT_OP_rms_norm_, as, n_in, args, NULL), &l[X]);
    return scaled(in, dims, args->eps, NULL);
}
