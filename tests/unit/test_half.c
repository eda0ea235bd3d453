/* 16-bit floats: every one of them to f32 and back, and what PyTorch 2.15 makes of the same numbers. */
#include "ops/cases.h"
#include "check.h"
#include "file/safetensors.h"
#include "ops/ops.h"
#include "scratch.h"
#include "vectors.h"
#include <stdlib.h>

static const ct_dtype halves[] = {CT_BF16, CT_F16};
static const ct_reduce_args all = {0};

/* ---- each of the 65,536 ---- */
/* The number as IEEE 754 reads the bits: by `digits` of fraction. */
static double value_of(uint16_t bits, int digits, int bias) {
    int exponent = (bits & 0x7fff) >> digits, fraction = bits & ((1 << digits) - 1), top = 0x7fff >> digits;
    double size = exponent == top ? fraction ? NAN : INFINITY
                  : exponent      ? ldexp((1 << digits) + fraction, exponent - bias - digits)
                                  : ldexp(fraction, 1 - bias - digits);
    return bits & 0x8000 ? -size : size;
}

static uint16_t *rounded(ct_dtype dtype, ct_dtype from, const void *data, int64_t n) {
    return ct_data(ct_to(ct_from(from, CT_DIMS(n), data), dtype));
}

static void every_one_comes_back(void) {
    enum { N = 1 << 16 };
    static uint16_t bits[N];
    for (int i = 0; i < N; i++) bits[i] = (uint16_t)i;
    for (int k = 0; k < 2; k++) {
        int digits = k ? 10 : 7, bias = k ? 15 : 127, wrong = 0;
        ct_tensor *h = ct_from(halves[k], CT_DIMS(N), bits);
        const float *f = ct_data(ct_to(h, CT_F32));
        const double *d = ct_data(ct_to(h, CT_F64));
        const uint16_t *back = rounded(halves[k], CT_F32, f, N), *from_f64 = rounded(halves[k], CT_F64, d, N);
        for (int i = 0; i < N; i++) {
            double want = value_of(bits[i], digits, bias);
            bool nan = isnan(want), sign = !!signbit(f[i]) == (i >> 15);
            wrong += nan ? !isnan(f[i]) || !isnan(d[i]) : f[i] != want || d[i] != want || !sign;
            wrong += nan ? !isnan(value_of(back[i], digits, bias)) : back[i] != i || from_f64[i] != i;
            wrong += nan ? 0 : ct_element_get(halves[k], bits, i) != want;
        }
        CHECK(!wrong);
    }
}

/* Between each two neighbours: the middle goes to the even one, what is next to it to the nearer one. */
static void rounding_is_to_the_nearest(void) {
    enum { N = 0x7c00 };
    static float f[3 * 0x7f80];
    for (int k = 0; k < 2; k++) {
        int digits = k ? 10 : 7, bias = k ? 15 : 127, n = k ? N : 0x7f80, wrong = 0;
        for (int i = 0; i < n; i++) {
            double low = value_of((uint16_t)i, digits, bias), high = value_of((uint16_t)(i + 1), digits, bias);
            float middle = i == n - 1 ? (float)(low + (low - value_of((uint16_t)(i - 1), digits, bias)) / 2)
                                      : (float)(low + (high - low) / 2);
            f[3 * i] = nextafterf(middle, 0), f[3 * i + 1] = middle, f[3 * i + 2] = nextafterf(middle, INFINITY);
        }
        for (int sign = 0; sign < 2; sign++) {
            const uint16_t *h = rounded(halves[k], CT_F32, f, 3 * n);
            for (int i = 0; i < n; i++) {
                int low = i | sign << 15;
                wrong += h[3 * i] != low || h[3 * i + 1] != low + (i & 1) || h[3 * i + 2] != low + 1;
            }
            for (int i = 0; i < 3 * n; i++) f[i] = -f[i];
        }
        CHECK(!wrong);
    }
}

/* ---- PyTorch's numbers ---- */
/* Each number these bits, or as many units in the last place beside them: PyTorch rounds inside some gradients. */
static bool has_bits_within(int units, const ct_tensor *t, ct_dtype dtype, const uint16_t *want, int64_t n) {
    static uint16_t got[32];
    bool ok = !ct_why(t) && ct_dtype_of(t) == dtype && ct_numel(t) == n && !ct_copy_out(t, dtype, got);
    for (int64_t i = 0; ok && i < n; i++) ok = abs(got[i] - want[i]) <= units;
    for (int64_t i = 0; !ok && !ct_why(t) && i < n; i++) printf("    %04x, not %04x\n", got[i], want[i]);
    if (ct_why(t)) printf("    %s\n", ct_why(t));
    return ok;
}
#define has_bits(t, dtype, ...) has_bits_within(0, t, dtype, __VA_ARGS__)
#define is_near_bits(t, dtype, ...) has_bits_within(1, t, dtype, __VA_ARGS__)
#define BITS(...) (const uint16_t[]){__VA_ARGS__}, sizeof((uint16_t[]){__VA_ARGS__}) / 2

static void casts(void) {
    ct_tensor *v = VECTOR(0.1, -1 / 3.0, 3.14159, 100.7, 1e-3, -65519, 65520, 1e-8, 6e-8, 1e39, 2.5, -INFINITY);
    ct_tensor *b = ct_to(v, CT_BF16), *h = ct_to(v, CT_F16);
    CHECK(
        has_bits(b, CT_BF16,
                 BITS(0x3dcd, 0xbeab, 0x4049, 0x42c9, 0x3a83, 0xc780, 0x4780, 0x322c, 0x3381, 0x7f80, 0x4020, 0xff80)));
    CHECK(has_bits(h, CT_F16,
                   BITS(0x2e66, 0xb555, 0x4248, 0x564b, 0x1419, 0xfbff, 0x7c00, 0, 1, 0x7c00, 0x4100, 0xfc00)));
    CHECK_HOLDS(ct_to(h, CT_BOOL), 1, 1, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1);
    ct_tensor *few = VECTOR(0.1, -7.9, 3.14159, 100.7),
              *ints = ct_from(CT_I64, CT_DIMS(4), (int64_t[]){2049, -7, 16777217, 300});
    const ct_dtype integers[] = {CT_I64, CT_I32};
    for (int i = 0; i < 2; i++)
        for (int k = 0; k < 2; k++) {
            CHECK(ct_dtype_of(ct_to(ct_to(few, halves[k]), integers[i])) == integers[i]);
            CHECK_HOLDS(ct_to(ct_to(few, halves[k]), integers[i]), 0, -7, 3, 100);
            CHECK(k ? has_bits(ct_to(ct_to(ints, CT_I64), CT_F16), CT_F16, BITS(0x6800, 0xc700, 0x7c00, 0x5cb0))
                    : has_bits(ct_to(ints, CT_BF16), CT_BF16, BITS(0x4500, 0xc0e0, 0x4b80, 0x4396)));
        }
    CHECK(has_bits(ct_to(b, CT_F16), CT_F16,
                   BITS(0x2e68, 0xb558, 0x4248, 0x5648, 0x1418, 0xfc00, 0x7c00, 0, 1, 0x7c00, 0x4100, 0xfc00)));
    CHECK_HOLDS(ct_to(ct_to(VECTOR(300, -5, 7.9), CT_F16), CT_U8), 255, 0, 7);
}

static ct_tensor *of(ct_dtype dtype, int ndim) { return ct_full(dtype, (ct_dims){ndim, {2}}, 1); }

static void promotion(void) {
    const struct {
        ct_dtype a;
        int a_dims;
        ct_dtype b;
        int b_dims;
        ct_dtype want;
    } rows[] = {{CT_BF16, 1, CT_F16, 1, CT_F32},  {CT_BF16, 1, CT_I64, 1, CT_BF16}, {CT_F16, 1, CT_BOOL, 1, CT_F16},
                {CT_BF16, 1, CT_F32, 1, CT_F32},  {CT_BF16, 1, CT_F32, 0, CT_BF16}, {CT_BF16, 0, CT_I64, 1, CT_BF16},
                {CT_BF16, 0, CT_F16, 1, CT_F16},  {CT_BF16, 0, CT_F16, 0, CT_F32},  {CT_BF16, 1, CT_F64, 0, CT_BF16},
                {CT_F16, 0, CT_F32, 1, CT_F32},   {CT_U8, 1, CT_F16, 1, CT_F16},    {CT_F16, 1, CT_F64, 1, CT_F64},
                {CT_BF16, 1, CT_BF16, 0, CT_BF16}};
    for (int i = 0; i < CT_COUNT(rows); i++) {
        ct_tensor *a = of(rows[i].a, rows[i].a_dims), *b = of(rows[i].b, rows[i].b_dims);
        CHECK(ct_dtype_of(ct_add(a, b)) == rows[i].want && ct_dtype_of(ct_add(b, a)) == rows[i].want);
        CHECK(ct_dtype_of(ct_where(ct_scalar(CT_BOOL, 1), a, b)) == rows[i].want);
        CHECK(ct_dtype_of(ct_lt(a, b)) == CT_BOOL);
    }
}

static ct_tensor *a_of(ct_dtype d) { return ct_requires_grad(ct_to(VECTOR(1.1, -2.3, 0.7, 3.3, -0.4, 2.2), d), true); }
static ct_tensor *b_of(ct_dtype d) { return ct_requires_grad(ct_to(VECTOR(0.3, 1.7, -2.9, 0.9, 1.3, -0.6), d), true); }
static ct_tensor *matrix(ct_tensor *t, int64_t rows) { return ct_view(t, (ct_shape_args){CT_DIMS(rows, 6 / rows)}); }

/* What PyTorch prints for A and B, of which `want` is bf16's. */
static void pointwise(void) {
    ct_tensor *a = a_of(CT_BF16), *b = b_of(CT_BF16), *h = a_of(CT_F16);
    CHECK(has_bits(ct_add(a, b), CT_BF16, BITS(0x3fb4, 0xbf18, 0xc00d, 0x4086, 0x3f66, 0x3fcd)));
    CHECK(has_bits(ct_mul(a, b), CT_BF16, BITS(0x3eaa, 0xc07a, 0xc002, 0x403e, 0xbf05, 0xbfaa)));
    CHECK(has_bits(ct_div(a, b), CT_BF16, BITS(0x406a, 0xbfad, 0xbe76, 0x406b, 0xbe9e, 0xc06a)));
    CHECK(has_bits(ct_exp(a), CT_BF16, BITS(0x4041, 0x3dce, 0x4001, 0x41d8, 0x3f2c, 0x4111)));
    CHECK(has_bits(ct_tanh(h), CT_F16, BITS(0x3a67, 0xbbd7, 0x38d6, 0x3bfa, 0xb614, 0x3bce)));
    CHECK(has_bits(ct_gelu(a, (ct_gelu_args){0}), CT_BF16, BITS(0x3f74, 0xbccb, 0x3f08, 0x4053, 0xbe0d, 0x400b)));
    CHECK(has_bits(ct_mul_scalar(a, 0.1), CT_BF16, BITS(0x3de2, 0xbe6b, 0x3d8f, 0x3ea9, 0xbd24, 0x3e62)));
    CHECK(has_bits(ct_sigmoid(h), CT_F16, BITS(0x3a00, 0x2dd4, 0x3959, 0x3bb7, 0x366c, 0x3b34)));
    CHECK_HOLDS(ct_gt(a, b), 1, 0, 1, 1, 0, 1);
}

static void reductions(void) {
    ct_tensor *a = a_of(CT_BF16), *b = b_of(CT_BF16), *h = a_of(CT_F16), *tenths = ct_full(CT_BF16, CT_DIMS(4096), 0.1);
    ct_dim_args first = {0};
    CHECK(has_bits(ct_sum(a, all), CT_BF16, BITS(0x4093)) && has_bits(ct_mean(a, all), CT_BF16, BITS(0x3f44)));
    CHECK(ct_item(ct_sum(tenths, all)) == 410 && ct_item(ct_mean(tenths, all)) == 0.10009765625);
    CHECK(has_bits(ct_var(h, (ct_var_args){0}), CT_F16, BITS(0x43be)));
    CHECK(has_bits(ct_norm(a, (ct_norm_args){0}), CT_BF16, BITS(0x4099)) &&
          has_bits(ct_prod(h, all), CT_F16, BITS(0x4524)));
    CHECK(has_bits(ct_logsumexp(a, all), CT_BF16, BITS(0x406f)));
    CHECK(has_bits(ct_softmax(a, first), CT_BF16, BITS(0x3d93, 0x3b1d, 0x3d45, 0x3f25, 0x3c83, 0x3e5d)));
    CHECK(is_near_bits(ct_log_softmax(h, first), CT_F16, BITS(0xc146, 0xc60a, 0xc212, 0xb6f8, 0xc423, 0xbe26)));
    CHECK(has_bits(ct_cumsum(a, first), CT_BF16, BITS(0x3f8d, 0xbf99, 0xbefe, 0x4033, 0x401a, 0x4093)));
    CHECK(has_bits(ct_matmul(matrix(a, 2), matrix(b, 3)), CT_BF16, BITS(0x40fd, 0xbf1c, 0x40a0, 0x407c)));
    CHECK(has_bits(ct_layer_norm(matrix(a, 2), NULL, NULL, (ct_layer_norm_args){.normalized_shape = CT_DIMS(3)}),
                   CT_BF16, BITS(0x3f56, 0xbfb4, 0x3f12, 0x3f84, 0xbfad, 0x3ea6)));
    CHECK(has_bits(ct_mse_loss(a, b, (ct_loss_args){0}), CT_BF16, BITS(0x40f6)));
    CHECK(has_bits(ct_cross_entropy(matrix(a, 2), ct_from(CT_I64, CT_DIMS(2), (int64_t[]){2, 0}), NULL,
                                    (ct_cross_entropy_args){0}),
                   CT_BF16, BITS(0x3f1f)));
    CHECK(has_bits(ct_arange((ct_arange_args){.end = 1, .step = 0.3, .dtype = CT_BF16}), CT_BF16,
                   BITS(0, 0x3e9a, 0x3f1a, 0x3f66)));
    CHECK(has_bits(ct_linspace((ct_linspace_args){.end = 1, .steps = 7, .dtype = CT_F16}), CT_F16,
                   BITS(0, 0x3155, 0x3555, 0x3800, 0x3955, 0x3aab, 0x3c00)));
}

static ct_tensor *gradient(ct_tensor *y, ct_tensor *x) {
    ct_tensor *dx = NULL;
    ct_status status = ct_gradients(ct_sum(y, all), NULL, &x, 1, false, &dx);
    return status ? ct_tensor_error(status, "%s", ct_error()) : dx;
}

static void gradients(void) {
    ct_tensor *a = a_of(CT_BF16), *b = b_of(CT_BF16), *h = a_of(CT_F16), *wide = ct_requires_grad(VECTOR(2, 4), true);
    CHECK(has_bits(gradient(ct_mul(a, b), a), CT_BF16, BITS(0x3e9a, 0x3fda, 0xc03a, 0x3f66, 0x3fa6, 0xbf1a)));
    CHECK(has_bits(gradient(ct_div(a, b), a), CT_BF16, BITS(0x4055, 0x3f16, 0xbeb0, 0x3f8e, 0x3f45, 0xbfd5)));
    CHECK(has_bits(gradient(ct_gelu(h, (ct_gelu_args){0}), h), CT_F16,
                   BITS(0x3c6a, 0xaaf5, 0x3bd0, 0x3c05, 0x3251, 0x3c42)));
    CHECK(has_bits(gradient(ct_mean(a, all), a), CT_BF16, BITS(0x3e2b, 0x3e2b, 0x3e2b, 0x3e2b, 0x3e2b, 0x3e2b)));
    CHECK(has_bits(gradient(ct_matmul(matrix(a, 2), matrix(b, 3)), b), CT_BF16,
                   BITS(0x408d, 0x408d, 0xc02d, 0xc02d, 0x403a, 0x403a)));
    CHECK(is_near_bits(gradient(ct_mse_loss(a, b, (ct_loss_args){0}), a), CT_BF16,
                       BITS(0x3e89, 0xbfab, 0x3f9a, 0x3f4e, 0xbf11, 0x3f70)));
    CHECK(is_near_bits(gradient(ct_prod(h, all), h), CT_F16, BITS(0x44ad, 0xc078, 0x4757, 0x3e3b, 0xca6d, 0x40ad)));
    CHECK_HOLDS(gradient(ct_square(ct_to(wide, CT_F16)), wide), 4, 8);
    CHECK(!ct_backward(ct_sum(ct_mul(a, a), all)) && ct_dtype_of(ct_grad(a)) == CT_BF16);
}

/* ---- elements as they are: views, copies, places by number, text ---- */
static void moves(void) {
    for (int k = 0; k < 2; k++) {
        ct_tensor *x = ct_to(ct_reshape(VECTOR(1, 2, 3, 4, 5, 6), (ct_shape_args){CT_DIMS(2, 3)}), halves[k]);
        ct_tensor *t = ct_transpose(x, (ct_transpose_args){.dim0 = 0, .dim1 = 1}), *one = ct_scalar(CT_I64, 1);
        char text[64];
        CHECK(ct_data(t) == ct_data(x) &&
              ct_data(ct_select(x, (ct_select_args){.index = 1})) == (char *)ct_data(x) + 6);
        CHECK_HOLDS(ct_contiguous(t), 1, 4, 2, 5, 3, 6);
        CHECK_HOLDS(ct_cat((ct_tensor *[]){t, t}, 2, (ct_dim_args){.dim = 1}), 1, 4, 1, 4, 2, 5, 2, 5, 3, 6, 3, 6);
        CHECK_HOLDS(ct_index_select(x, ct_reshape(one, (ct_shape_args){CT_DIMS(1)}), (ct_dim_args){.dim = 0}), 4, 5, 6);
        CHECK_HOLDS(ct_flip(x, (ct_dims_args){CT_DIMS(1)}), 3, 2, 1, 6, 5, 4);
        CHECK_HOLDS(ct_masked_select(x, ct_gt(x, ct_scalar(CT_F32, 4))), 5, 6);
        CHECK_HOLDS(ct_sort(x, (ct_sort_args){.descending = true}, NULL), 3, 2, 1, 6, 5, 4);
        CHECK_HOLDS(ct_masked_fill(x, ct_gt(x, ct_scalar(CT_F32, 4)), (ct_fill_args){.value = -2.5}), 1, 2, 3, 4, -2.5,
                    -2.5);
        CHECK(ct_dtype_of(ct_unique(x, NULL, NULL)) == halves[k] && ct_item(ct_amax(x, all)) == 6);
        ct_format(ct_mul_scalar(x, 0.1), text, sizeof text);
        CHECK_STR(text, k ? "[[0.09998, 0.2, 0.3], [0.3999, 0.5, 0.6001]]"
                          : "[[0.1001, 0.2002, 0.3008], [0.4004, 0.5, 0.6016]]");
        CHECK_STR(ct_dtype_name(halves[k]), k ? "f16" : "bf16");
        CHECK(ct_dtype_bytes(halves[k]) == 2);
        ct_fill_(ct_select(x, (ct_select_args){.index = 0}), 0.1);
        CHECK_HOLDS(x, k ? 0.0999755859375 : 0.10009765625, k ? 0.0999755859375 : 0.10009765625,
                    k ? 0.0999755859375 : 0.10009765625, 4, 5, 6);
    }
}

static void in_place(void) {
    ct_tensor *x = ct_to(VECTOR(1, 2), CT_BF16);
    CHECK(ct_add_(x, ct_to(VECTOR(0.001, 3.3), CT_F32)) == x && has_bits(x, CT_BF16, BITS(0x3f80, 0x40aa)));
    CHECK(!ct_why(ct_copy_(x, VECTOR(0.1, 1e39))) && has_bits(x, CT_BF16, BITS(0x3dcd, 0x7f80)));
    ct_manual_seed(3);
    for (int k = 0; k < 2; k++) { /* rounding must not reach the end of the range */
        ct_tensor *u = ct_rand(halves[k], CT_DIMS(10000)), *v = ct_rand_like(u),
                  *p = ct_full(halves[k], CT_DIMS(10000), 0.3);
        CHECK(ct_item(ct_amax(u, all)) < 1 && ct_item(ct_amin(u, all)) >= 0 && ct_item(ct_amax(v, all)) < 1);
        CHECK_NEAR(ct_item(ct_mean(ct_to(u, CT_F32), all)), 0.5, 0.02);
        CHECK_NEAR(ct_item(ct_mean(ct_to(ct_bernoulli(p), CT_F32), all)), 0.3, 0.02);
    }
}

static void mixed_types(void) {
    ct_scope *scope = ct_scope_open();
    ct_tensor *a = matrix(a_of(CT_BF16), 2), *b = matrix(ct_to(b_of(CT_F64), CT_F32), 3);
    CHECK_STR(ct_why(ct_matmul(a, b)), "matmul: inputs are bf16 and f32; make them the same");
    CHECK(ct_dtype_of(ct_cat((ct_tensor *[]){a, ct_to(a, CT_F16)}, 2, (ct_dim_args){0})) == CT_F32);
    CHECK(ct_scope_close(scope) == CT_FAIL);
    CHECK(ct_dtype_of(ct_mse_loss(a_of(CT_BF16), ct_to(b_of(CT_F64), CT_F32), (ct_loss_args){0})) == CT_F32);
}

/* ---- updates ---- */
static void optimizers(void) {
    const struct {
        const char *optimizer;
        double want[2], tolerance;
    } rows[] = {{"sgd: {lr: 0.1, momentum: 0.9}", {0.08984375, -0.13671875}, 0.008},
                {"adam: {lr: 0.1}", {1.1953125, -1.9609375}, 0.008}};
    for (int i = 0; i < CT_COUNT(rows); i++) {
        ct_tensor *p = ct_requires_grad(ct_to(VECTOR(1.5, -2.25), CT_BF16), true);
        ct_optim *o = ct_optim_open(rows[i].optimizer, &p, 1);
        for (int step = 0; step < 3; step++) {
            ct_optim_zero_grad(o);
            CHECK(!ct_backward(ct_sum(ct_square(p), all)) && !ct_optim_step(o));
        }
        double got[2];
        CHECK(!ct_copy_out(p, CT_F64, got) && ct_dtype_of(p) == CT_BF16);
        for (int k = 0; k < 2; k++) CHECK_NEAR(got[k], rows[i].want[k], rows[i].tolerance);
        ct_optim_free(o);
    }
}

static void running_statistics(void) {
    ct_tensor *x = ct_to(matrix(b_of(CT_F64), 3), CT_BF16), *mean = ct_full(CT_BF16, CT_DIMS(2), 0);
    ct_tensor *var = ct_full(CT_BF16, CT_DIMS(2), 1);
    ct_tensor *y = ct_batch_norm(x, mean, var, NULL, NULL, (ct_batch_norm_args){.training = true});
    CHECK(has_bits_within(2, y, CT_BF16, BITS(0x3ed3, 0x3f8b, 0xbfb1, 0x3e77, 0x3f78, 0xbfaa)));
    CHECK(has_bits(mean, CT_BF16, BITS(0xbd33, 0x3d89)));
    CHECK(has_bits(var, CT_BF16, BITS(0x3fb1, 0x3f85)));
    CHECK(ct_dtype_of(ct_batch_norm(x, mean, var, NULL, NULL, (ct_batch_norm_args){0})) == CT_BF16);
}

/* ---- files ---- */
static ct_status load(ct_module *m, ct_tensor *weight, ct_tensor *bias) {
    const ct_named named[] = {{"0.weight", weight}, {"0.bias", bias}};
    CT_TRY(ct_safetensors_write(at("half"), named, 2, NULL, 0));
    return ct_module_load(m, at("half"));
}

static void models(void) {
    ct_tensor *row = ct_reshape(VECTOR(0.1, -2, 3), (ct_shape_args){CT_DIMS(1, 3)}), *one = VECTOR(0.3);
    ct_module *m = ct_module_open("[linear: 1]", CT_F32, CT_DIMS(3));
    if (!CHECK(m)) return;
    CHECK(!load(m, ct_to(row, CT_BF16), ct_to(one, CT_F16)));
    CHECK_HOLDS(ct_module_tensor(m, "0.weight"), 0.10009765625, -2, 3);
    CHECK_HOLDS(ct_module_tensor(m, "0.bias"), 0.300048828125);
    CHECK(load(m, row, ct_to(one, CT_F16)) == CT_BAD_DATA);
    CHECK_HAS(ct_error(), "/half: tensor '0.weight' is f64 (1, 3), f32 (1, 3) is wanted");
    CHECK(load(m, ct_to(row, CT_BF16), ct_to(row, CT_F16)) == CT_BAD_DATA);
    CHECK_HAS(ct_error(), "'0.bias' is f16 (1, 3), f32 (1) is wanted");
    CHECK_HOLDS(ct_module_tensor(m, "0.weight"), 0.10009765625, -2, 3);
    ct_module_free(m);
    ct_safetensors *s = NULL;
    const ct_named turned = {"x", ct_transpose(ct_to(ct_cat((ct_tensor *[]){row, row}, 2, (ct_dim_args){0}), CT_BF16),
                                               (ct_transpose_args){.dim0 = 0, .dim1 = 1})};
    CHECK(!ct_safetensors_write(at("turned"), &turned, 1, NULL, 0) && !ct_safetensors_open(at("turned"), &s));
    CHECK(has_bits(ct_safetensors_get(s, "x"), CT_BF16, BITS(0x3dcd, 0x3dcd, 0xc000, 0xc000, 0x4040, 0x4040)));
    ct_safetensors_close(s);
}

/* ---- every row ---- */
static bool same(const ct_tensor *a, const ct_tensor *b) {
    if (!a || !b) return a == b;
    double *v = malloc((size_t)(2 * ct_numel(a) + 1) * sizeof *v), *w = v + ct_numel(a);
    bool ok = ct_numel(a) == ct_numel(b) && !ct_copy_out(a, CT_F64, v) && !ct_copy_out(b, CT_F64, w);
    for (int64_t i = 0; ok && i < ct_numel(a); i++)
        ok = v[i] == w[i] || (isnan(v[i]) && isnan(w[i])) || fabs(v[i] - w[i]) <= 0.02 * fmax(fabs(w[i]), 0.25);
    free(v);
    return ok;
}

/* A case in 16 bits gives what it gives in f32 on the same numbers, rounded: of the same types elsewhere. */
static bool row_holds(const ct_op *op, int i, ct_dtype half) {
    ct_case c;
    ct_tensor *wide[CT_CASE_INPUTS], *y[CT_CASE_INPUTS] = {0}, *z[CT_CASE_INPUTS] = {0};
    if (!ct_case_make(op, i, CT_F32, 11, &c)) return false;
    bool any = false;
    for (int k = 0; k < c.n_in; k++) {
        bool is = c.in[k] && ct_is_float(ct_dtype_of(c.in[k]));
        any |= is;
        if (is) c.in[k] = ct_to(c.in[k], half);
        wide[k] = is ? ct_to(c.in[k], CT_F32) : c.in[k];
    }
    ct_manual_seed(5);
    if (ct_why(ct_case_call(&c, c.in, y))) return false;
    ct_manual_seed(5);
    if (ct_why(ct_case_call(&c, wide, z))) return false;
    for (int k = 0; k < CT_CASE_INPUTS; k++) {
        ct_dtype d = ct_dtype_of(z[k]);
        if (any && d == CT_F32 && !(op->flags & CT_IS_FORMULA && op->n_in == 0)) z[k] = ct_to(z[k], half);
        if (ct_dtype_of(y[k]) != ct_dtype_of(z[k]) || (d && !same(y[k], z[k]))) return false;
    }
    return true;
}

static void every_row(void) {
    for (int id = 0; id < CT_OP_COUNT; id++) {
        const ct_op *op = ct_op_get(id);
        for (int i = 0; i < 2 * ct_case_count(op); i++) {
            ct_scope *scope = ct_scope_open();
            bool ok = row_holds(op, i / 2, halves[i % 2]);
            if (!CHECK(ok))
                printf("    %s, case %d, %s: %s\n", op->kind.name, i / 2, ct_dtype_name(halves[i % 2]), ct_error());
            ok = !ct_scope_close(scope);
        }
    }
}

int main(void) {
    if (!CHECK(scratch_open())) return check_done("test_half");
    ct_scope *scope = ct_scope_open();
    RUN(every_one_comes_back);
    RUN(rounding_is_to_the_nearest);
    RUN(casts);
    RUN(promotion);
    RUN(pointwise);
    RUN(reductions);
    RUN(gradients);
    RUN(moves);
    RUN(in_place);
    RUN(mixed_types);
    RUN(optimizers);
    RUN(running_statistics);
    RUN(models);
    RUN(every_row);
    CHECK(ct_scope_close(scope) == CT_OK);
    scratch_close();
    return check_done("test_half");
}
