/* Means, variances, norms: formulas; softmax and its log. */
#include "ops/shape_util.h"
#include <math.h>

/* How many elements each result of a reduction of x over `dims` is made of. */
static ct_status count(const char *op, const ct_tensor *x, const ct_dims *dims, double *n) {
    unsigned mask;
    CT_TRY(ct_dims_mask(op, dims, x->layout.ndim, &mask));
    *n = 1;
    for (int d = 0; d < x->layout.ndim; d++)
        if (mask >> d & 1) *n *= (double)x->layout.size[d];
    return CT_OK;
}

static ct_tensor *constant(const ct_tensor *x, double value) {
    return ct_constant(x->layout.dtype, (ct_dims){0}, value);
}

/* x to the power p, for x >= 0, whose gradient at 0 is 0. */
static ct_tensor *power(ct_tensor *x, double p) {
    ct_tensor *zero = ct_eq(x, constant(x, 0)), *safe = ct_masked_fill(x, zero, (ct_fill_args){.value = 1});
    ct_tensor *y = p == 0.5 ? ct_sqrt(safe) : ct_pow_scalar(safe, p);
    return ct_masked_fill(y, zero, (ct_fill_args){.value = p < 0 ? INFINITY : 0});
}

FORMULA(mean) {
    ARGS(reduce);
    (void)n_in, (void)out;
    double n;
    ct_status status = count("mean", in[0], &args->dim, &n);
    return status ? ct_tensor_failed(status) : ct_times(ct_sum(ct_floats(in[0]), *args), 1 / n);
}

FORMULA(var) {
    ARGS(var);
    (void)n_in, (void)out;
    double n;
    ct_status status = count("var", in[0], &args->dim, &n);
    if (status) return ct_tensor_failed(status);
    ct_tensor *x = ct_floats(in[0]), *mean = ct_mean(x, (ct_reduce_args){.dim = args->dim, .keepdim = true});
    ct_tensor *sum = ct_sum(ct_square(ct_sub(x, mean)), (ct_reduce_args){.dim = args->dim, .keepdim = args->keepdim});
    return ct_times(sum, 1 / fmax(args->no_unbiased ? n : n - args->correction, 0));
}

/* In f64: second derivatives cancel, to 0 where there are but two numbers. */
FORMULA(std) {
    ARGS(var);
    (void)n_in, (void)out;
    ct_tensor *x = ct_floats(in[0]);
    ct_var_args by = *args;
    if (by.correction == 0) by.correction = (double)CT_ZERO;
    return ct_to(power(ct_var(ct_to(x, CT_F64), by), 0.5), x->layout.dtype);
}

FORMULA(logsumexp) {
    ARGS(reduce);
    (void)n_in, (void)out;
    double n;
    ct_status status = count("logsumexp", in[0], &args->dim, &n);
    if (status) return ct_tensor_failed(status);
    ct_tensor *x = ct_floats(in[0]);
    if (n == 0) return ct_log(ct_sum(ct_exp(x), *args));
    ct_tensor *max = ct_detach(ct_amax(x, (ct_reduce_args){.dim = args->dim, .keepdim = true}));
    ct_tensor *infinite = ct_eq(ct_abs(max), constant(max, INFINITY));
    max = ct_masked_fill(max, infinite, (ct_fill_args){.value = 0});
    ct_tensor *sum = ct_log(ct_sum(ct_exp(ct_sub(x, max)), *args));
    return ct_add(sum, args->keepdim ? max : ct_reshape(max, (ct_shape_args){.shape = ct_shape_of(sum)}));
}

FORMULA(norm) {
    ARGS(norm);
    (void)n_in, (void)out;
    ct_reduce_args over = {.dim = args->dim, .keepdim = args->keepdim};
    ct_tensor *x = ct_floats(in[0]);
    double p = args->ord;
    if (isnan(p)) return ct_tensor_error(CT_FAIL, "norm: ord is not a number");
    if (p == 2) return power(ct_sum(ct_square(x), over), 0.5);
    if (p == 0) return ct_sum(ct_to(ct_ne(x, constant(x, 0)), x->layout.dtype), over);
    ct_tensor *size = ct_abs(x);
    if (isinf(p)) return p > 0 ? ct_amax(size, over) : ct_amin(size, over);
    return p == 1 ? ct_sum(size, over) : power(ct_sum(power(size, p), over), 1 / p);
}

FORMULA(normalize) {
    ARGS(normalize);
    (void)n_in, (void)out;
    double p = args->p;
    ct_tensor *x = ct_floats(in[0]);
    ct_norm_args norm = {.ord = p == 0 ? (double)CT_ZERO : p, .dim = CT_DIMS(args->dim), .keepdim = true};
    return ct_div(x, ct_at_least(ct_norm(x, norm), args->eps));
}

ct_tensor *ct_standard(ct_tensor *x, ct_dims dims, double eps) {
    ct_reduce_args over = {.dim = dims, .keepdim = true};
    ct_tensor *apart = ct_sub(x, ct_mean(x, over));
    return ct_mul(apart, ct_rsqrt(ct_plus(ct_mean(ct_square(apart), over), eps)));
}

/* ---- softmax ---- */
static ct_status softmax_shape(const char *op, const ct_layout *in, const ct_dim_args *args, ct_layout *out,
                               int *n_out) {
    int64_t dim = args->dim;
    *n_out = 1;
    CT_TRY(ct_want_floats(op, in, 1));
    CT_TRY(ct_dim_fix(op, &dim, in->ndim));
    return ct_shape_make(op, in, in->dtype, in->size, in->ndim, out);
}

static ct_tensor *sum_along(ct_tensor *x, int64_t dim) { return x->layout.ndim ? ct_sum_dim(x, dim, true) : x; }

SHAPE(softmax) {
    (void)n_in;
    return softmax_shape("softmax", in, args_, out, n_out);
}
GRAD(softmax) {
    ARGS(dim);
    (void)in, (void)n_in, (void)need;
    din[0] = ct_mul(out[0], ct_sub(g[0], sum_along(ct_mul(g[0], out[0]), args->dim)));
}

FORMULA(softmin) {
    ARGS(dim);
    (void)n_in, (void)out;
    return ct_softmax(ct_neg(in[0]), *args);
}

SHAPE(log_softmax) {
    (void)n_in;
    return softmax_shape("log_softmax", in, args_, out, n_out);
}
GRAD(log_softmax) {
    ARGS(dim);
    (void)in, (void)n_in, (void)need;
    din[0] = ct_sub(g[0], ct_mul(ct_exp(out[0]), sum_along(g[0], args->dim)));
}
