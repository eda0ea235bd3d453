/* What PyTorch gives at the edges of arguments and types: bounds, no elements, signs of remainders, words for all. */
#include "ops/ops.h"
#include "vectors.h"

#define NUMBERS(dtype, ...) ct_to(VECTOR(__VA_ARGS__), dtype)

static ct_tensor *grad(ct_tensor *y, ct_tensor *x) {
    ct_tensor *dx = NULL;
    ct_status status = ct_gradients(ct_sum(y, ALL), NULL, &x, 1, false, &dx);
    return status ? ct_tensor_error(CT_FAIL, "%s", ct_error()) : dx;
}

/* Signs: fmod's is the dividend's, remainder's and floor_divide's the divisor's. */
static void division(void) {
    const ct_dtype types[] = {CT_F32, CT_F64, CT_I64, CT_I32};
    for (int i = 0; i < CT_COUNT(types); i++) {
        ct_tensor *a = NUMBERS(types[i], 7, -7, 7, -7, 6), *b = NUMBERS(types[i], 3, 3, -3, -3, -1);
        CHECK_HOLDS(ct_fmod(a, b), 1, -1, 1, -1, 0);
        CHECK_HOLDS(ct_remainder(a, b), 1, 2, -2, -1, 0);
        CHECK_HOLDS(ct_floor_divide(a, b), 2, -3, -3, 2, -6);
        CHECK(ct_dtype_of(ct_floor_divide(a, b)) == types[i] && ct_dtype_of(ct_floor(a)) == types[i]);
    }
    CHECK_HOLDS(ct_remainder(NUMBERS(CT_U8, 250, 7), NUMBERS(CT_U8, 7, 0)), 5, 0);
    CHECK_HOLDS(ct_floor_divide(NUMBERS(CT_I64, 5, -5), NUMBERS(CT_I64, 0, 0)), 0, 0);
    CHECK_HOLDS(ct_floor_divide(VECTOR(5, -5), VECTOR(0, 0)), INFINITY, -INFINITY);
    CHECK_HOLDS(ct_remainder(VECTOR(5, 5), VECTOR(0, INFINITY)), NAN, 5);
    ct_tensor *b = LEAF(3, -3);
    CHECK_HOLDS(grad(ct_remainder(VECTOR(7, 7), b), b), -2, 3);
    CHECK_HOLDS(grad(ct_fmod(VECTOR(7, 7), b), b), -2, 2);
}

/* t's type, and its elements. */
#define CHECK_TYPE(t, dtype, ...)         \
    do {                                  \
        CHECK(ct_dtype_of(t) == (dtype)); \
        CHECK_HOLDS(t, __VA_ARGS__);      \
    } while (0)

/* Integers to integer powers stay integers, and wrap; a negative power is 0 but of 1 and -1. */
static void powers(void) {
    const ct_dtype types[] = {CT_I64, CT_I32};
    for (int i = 0; i < CT_COUNT(types); i++) {
        ct_tensor *a = NUMBERS(types[i], -3, -1, 0, 1, 2), *b = NUMBERS(types[i], 3, -3, 0, -2, -1);
        CHECK_TYPE(ct_pow(a, b), types[i], -27, -1, 1, 1, 0);
        CHECK_TYPE(ct_pow_scalar(a, 2), types[i], 9, 1, 0, 1, 4);
        CHECK_TYPE(ct_pow_scalar(a, 0.5), CT_F32, NAN, NAN, 0, 1, (float)sqrt(2));
        CHECK_HAS(ct_why(ct_pow_scalar(a, -1)), "integers have no negative powers");
        CHECK(ct_dtype_of(ct_pow(a, ct_scalar(CT_F32, -1))) == CT_F32);
    }
    CHECK_TYPE(ct_pow(NUMBERS(CT_U8, 2, 3, 16), NUMBERS(CT_U8, 7, 5, 2)), CT_U8, 128, 243, 0);
    CHECK(ct_item(ct_pow_scalar(ct_scalar(CT_I64, 3), 39)) == 4052555153018976267.0);
    ct_tensor *zero = LEAF(0, 2);
    CHECK_HOLDS(grad(ct_pow_scalar(zero, (double)CT_ZERO), zero), 0, 0);
}

/* A fraction makes integers floats, a whole number wraps with them; bools stay bools. */
static void mixtures(void) {
    ct_tensor *u = NUMBERS(CT_U8, 1, 200), *a = NUMBERS(CT_BOOL, 0, 1, 1), *b = NUMBERS(CT_BOOL, 0, 0, 1);
    CHECK_TYPE(ct_add_scalar(u, -128), CT_U8, 129, 72);
    CHECK_TYPE(ct_mul_scalar(u, -1), CT_U8, 255, 56);
    CHECK_TYPE(ct_mul_scalar(NUMBERS(CT_I64, 2, -3), 0.5), CT_F32, 1, -1.5);
    CHECK_TYPE(ct_clamp(NUMBERS(CT_I32, -4, 4), (ct_clamp_args){.min = 1.5}), CT_F32, 1.5, 4);
    CHECK_TYPE(ct_clamp(u, (ct_clamp_args){.min = -2, .max = 7}), CT_U8, 1, 7);
    CHECK_TYPE(ct_add(a, b), CT_BOOL, 0, 1, 1);
    CHECK_TYPE(ct_mul(a, b), CT_BOOL, 0, 0, 1);
    CHECK_TYPE(ct_maximum(a, b), CT_BOOL, 0, 1, 1);
    CHECK_TYPE(ct_minimum(a, b), CT_BOOL, 0, 0, 1);
    CHECK_TYPE(ct_add_scalar(a, 1), CT_I64, 1, 2, 2);
    CHECK_TYPE(ct_sum(a, ALL), CT_I64, 2);
}

static void bounds(void) {
    ct_tensor *x = LEAF(-2, -1, 0, 1, 2);
    CHECK_HOLDS(ct_clamp(x, (ct_clamp_args){.min = 1, .max = -1}), -1, -1, -1, -1, -1);
    CHECK_HOLDS(grad(ct_clamp(x, (ct_clamp_args){.min = -1, .max = 1}), x), 0, 0, 1, 0, 0);
    CHECK_HOLDS(ct_hardshrink(x, (ct_shrink_args){.lambd = 1}), -2, 0, 0, 0, 2);
    CHECK_HOLDS(ct_softshrink(x, (ct_shrink_args){.lambd = 1}), -1, 0, 0, 0, 1);
    CHECK_HOLDS(grad(ct_softshrink(x, (ct_shrink_args){.lambd = 1}), x), 1, 0, 0, 0, 1);
    CHECK_HOLDS(ct_threshold(x, (ct_threshold_args){.threshold = (double)CT_ZERO, .value = 9}), 9, 9, 9, 1, 2);
    ct_tensor *none = LEAF(NAN, 1);
    CHECK_HOLDS(grad(ct_maximum(none, VECTOR(0, 1)), none), 1, 0.5);
    CHECK_HOLDS(grad(ct_elu(none, (ct_elu_args){0}), none), 1, 1);
    ct_tensor *far = LEAF(100, 0, -200), *slope;
    CHECK(!ct_gradients(ct_sum(ct_elu(far, (ct_elu_args){0}), ALL), NULL, &far, 1, true, &slope));
    CHECK_HOLDS(grad(slope, far), 0, 0, 0); /* exp(100) is no f32 */
    ct_tensor *corners = LEAF(-3, 3);
    CHECK_HOLDS(grad(ct_hardswish(corners), corners), 0, 1);
    CHECK_HOLDS(ct_isinf(VECTOR(1, INFINITY, -INFINITY, NAN)), 0, 1, 1, 0);
    CHECK_HOLDS(ct_isfinite(VECTOR(1, INFINITY, -INFINITY, NAN)), 1, 0, 0, 0);
    CHECK_HOLDS(ct_isfinite(NUMBERS(CT_I64, 1, -1)), 1, 1);
    CHECK_HOLDS(ct_logical_xor(VECTOR(0, 0, 2, 2), VECTOR(0, 1, 0, 1)), 0, 1, 1, 0);
    CHECK_HOLDS(ct_asinh(VECTOR(INFINITY, -INFINITY, 0)), INFINITY, -INFINITY, 0);
}

/* Dimensions that are left out. */
static void over_all(void) {
    ct_tensor *x = ct_reshape(VECTOR(3, 1, 4, 1, 5, 9), (ct_shape_args){CT_DIMS(2, 3)}), *at;
    CHECK_HOLDS(ct_argmax(x, ALL), 5);
    ct_tensor *kept = ct_argmin(x, (ct_reduce_args){.keepdim = true});
    CHECK(ct_ndim(kept) == 2 && ct_size(kept, 1) == 1);
    CHECK_HOLDS(kept, 1);
    CHECK_HOLDS(ct_argmax(x, (ct_reduce_args){.dim = CT_DIMS(-1)}), 2, 2);
    CHECK_HAS(ct_why(ct_argmax(x, (ct_reduce_args){.dim = CT_DIMS(0, 1)})), "along one dimension, or of all");
    CHECK_HOLDS(ct_topk(x, (ct_topk_args){.k = 2, .no_largest = true}, &at), 1, 3, 1, 5);
    CHECK_HOLDS(at, 1, 0, 0, 1);
    ct_tensor *ones = ct_zeros(CT_F32, CT_DIMS(1, 3, 1, 2, 1));
    CHECK(ct_ndim(ct_squeeze(ones, (ct_squeeze_args){{0}})) == 2);
    CHECK(ct_ndim(ct_squeeze(ones, (ct_squeeze_args){CT_DIMS(0, 1, -1)})) == 3);
    CHECK_HOLDS(ct_var(VECTOR(1, 2, 6), (ct_var_args){.correction = 2}), 14);
    CHECK_HOLDS(ct_std(VECTOR(1, 2, 6), (ct_var_args){.correction = (double)CT_ZERO}), sqrt(14 / 3.0));
    CHECK_HOLDS(ct_var(VECTOR(1, 3), (ct_var_args){.correction = 3}), INFINITY);
}

static void no_elements(void) {
    ct_tensor *x = ct_requires_grad(ct_zeros(CT_F32, CT_DIMS(2, 0, 3)), true), *at;
    ct_tensor *y = ct_prod(x, (ct_reduce_args){.dim = CT_DIMS(1)});
    CHECK_HOLDS(y, 1, 1, 1, 1, 1, 1);
    CHECK(ct_numel(grad(y, x)) == 0 && !ct_why(grad(y, x)));
    ct_tensor *m = ct_median(x, (ct_median_args){.dim = CT_DIMS(2)}, &at);
    CHECK(!ct_why(m) && ct_numel(m) == 0 && ct_size(at, 0) == 2);
    CHECK_HAS(ct_why(ct_median(x, (ct_median_args){.dim = CT_DIMS(1)}, NULL)), "no elements to choose from");
    CHECK_HOLDS(ct_logsumexp(x, (ct_reduce_args){.dim = CT_DIMS(1, 2)}), -INFINITY, -INFINITY);
    ct_tensor *bags = ct_embedding_bag(ct_zeros(CT_I64, CT_DIMS(0)), ct_full(CT_F64, CT_DIMS(3, 2), 7),
                                       ct_zeros(CT_I64, CT_DIMS(2)), NULL, (ct_embedding_bag_args){.mode = 2});
    CHECK_HOLDS(bags, 0, 0, 0, 0);
}

/* A window of ceil_mode may be wider than what it looks at. */
static void windows(void) {
    ct_tensor *x = ct_reshape(VECTOR(1, 5, 2, 4), (ct_shape_args){CT_DIMS(1, 1, 4)});
    ct_max_pool1d_args wide = {.kernel_size = {3}, .dilation = {2}, .ceil_mode = true};
    CHECK_HOLDS(ct_max_pool1d(x, wide, NULL), 2);
    wide.ceil_mode = false;
    CHECK_HAS(ct_why(ct_max_pool1d(x, wide, NULL)), "does not fit");
    ct_tensor *index = ct_zeros(CT_I64, CT_DIMS(2)), *w = ct_zeros(CT_F32, CT_DIMS(3, 2));
    CHECK_HAS(ct_why(ct_embedding(index, w, (ct_embedding_args){.padding_idx = 3})), "padding_idx 3 is not one of 3");
}

int main(void) {
    ct_scope *scope = ct_scope_open();
    RUN(division), RUN(powers), RUN(mixtures), RUN(bounds), RUN(over_all), RUN(no_elements), RUN(windows);
    CHECK(ct_scope_close(scope) == CT_FAIL); /* of the calls that were to fail */
    return check_done("edges");
}
