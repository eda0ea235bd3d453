/* First values, as torch.nn.init's: their distributions, structures, scales, and what is refused. */
#include "check.h"
#include "nn/init.h"
#include "ops/ops.h"
#include <stdlib.h>

#define N 40000

typedef struct sample {
    double mean, std, low, high, near;
} sample; /* near: the share within one deviation of 0 */

static sample sample_of(const ct_tensor *t) {
    int64_t n = ct_numel(t);
    double *v = calloc((size_t)n, sizeof *v);
    sample s = {0, 0, INFINITY, -INFINITY, 0};
    CHECK(ct_copy_out(t, CT_F64, v) == CT_OK);
    for (int64_t i = 0; i < n; i++) s.mean += v[i] / (double)n, s.low = fmin(s.low, v[i]), s.high = fmax(s.high, v[i]);
    for (int64_t i = 0; i < n; i++) s.std += (v[i] - s.mean) * (v[i] - s.mean) / (double)n;
    s.std = sqrt(s.std);
    for (int64_t i = 0; i < n; i++) s.near += (fabs(v[i]) <= s.std) / (double)n;
    free(v);
    return s;
}

/* A scale of uniform numbers in +-bound, or of normal ones. */
static void expect_uniform(const ct_tensor *t, double bound) {
    sample s = sample_of(t);
    double tolerance = 5 * bound / sqrt((double)ct_numel(t));
    CHECK_NEAR(s.mean, 0, tolerance);
    CHECK_NEAR(s.std, bound / sqrt(3), tolerance);
    CHECK(s.low >= -bound * (1 + 1e-6) && s.high <= bound * (1 + 1e-6));
    CHECK(s.low < -0.99 * bound && s.high > 0.99 * bound);
}
static void expect_normal(const ct_tensor *t, double std) {
    sample s = sample_of(t);
    double tolerance = 5 * std / sqrt((double)ct_numel(t));
    CHECK_NEAR(s.mean, 0, tolerance);
    CHECK_NEAR(s.std, std, tolerance);
    CHECK_NEAR(s.near, 0.6827, 0.012);
    CHECK(s.low < -3.3 * std && s.high > 3.3 * std && s.high < 7 * std);
}

static void distributions(void) {
    ct_tensor *t = ct_zeros(CT_F32, CT_DIMS(N)), *d = ct_zeros(CT_F64, CT_DIMS(N));
    CHECK(ct_init_uniform(t, -2, 2) == CT_OK);
    expect_uniform(t, 2);
    CHECK(ct_init_uniform(t, 3, 5) == CT_OK);
    expect_uniform(ct_add_scalar(t, -4), 1);
    CHECK(ct_init_uniform(t, 3, 3) == CT_OK && sample_of(t).low == 3 && sample_of(t).high == 3);
    CHECK(ct_init_normal(t, 0, 0.02) == CT_OK);
    expect_normal(t, 0.02);
    CHECK(ct_init_normal(d, 10, 2) == CT_OK);
    expect_normal(ct_add_scalar(d, -10), 2);
    CHECK(ct_init_normal(d, 1.5, 0) == CT_OK && sample_of(d).low == 1.5 && sample_of(d).high == 1.5);
    CHECK(ct_init_constant(t, 2.5) == CT_OK && sample_of(t).low == 2.5 && sample_of(t).high == 2.5);
    CHECK(ct_init_ones(t) == CT_OK && sample_of(t).low == 1 && sample_of(t).high == 1);
    CHECK(ct_init_zeros(t) == CT_OK && sample_of(t).low == 0 && sample_of(t).high == 0);
}

static void truncated(void) {
    ct_tensor *t = ct_zeros(CT_F32, CT_DIMS(N));
    CHECK(ct_init_trunc_normal(t, 0, 1, -2, 2) == CT_OK);
    sample s = sample_of(t);
    CHECK(s.low >= -2 && s.low < -1.98 && s.high <= 2 && s.high > 1.98);
    CHECK_NEAR(s.mean, 0, 0.025);
    CHECK_NEAR(s.std, 0.8796, 0.015);                    /* of a normal distribution cut at 2 deviations */
    CHECK(ct_init_trunc_normal(t, 1, 2, 1, 9) == CT_OK); /* half of one: mean 1 + 2 sqrt(2 / pi), less a little */
    s = sample_of(t);
    CHECK(s.low >= 1 && s.high <= 9);
    CHECK_NEAR(s.mean, 2.5954, 0.03);
    CHECK_NEAR(s.std, 1.2041, 0.03);
    CHECK(ct_init_trunc_normal(t, 0, 0.02, -2, 2) == CT_OK); /* the bounds are 100 deviations away */
    expect_normal(t, 0.02);
    CHECK(ct_init_trunc_normal(t, 0, 1, 6, 7) == CT_OK); /* far in a tail: within the bounds at least */
    s = sample_of(t);
    CHECK(s.low >= 6 && s.high <= 7);
}

/* fan in 50 * 6, fan out 100 * 6. */
static void scales(void) {
    static const struct {
        ct_kaiming_args args;
        double std;
    } rows[] = {
        {{0}, 0.0816497},               /* sqrt(2 / 300) */
        {{.fan_out = true}, 0.0577350}, /* sqrt(2 / 600) */
        {{.nonlinearity = "relu"}, 0.0816497},
        {{.nonlinearity = "linear"}, 0.0577350},
        {{.nonlinearity = "tanh", .fan_out = true}, 0.0680414}, /* 5 / 3 / sqrt(600) */
        {{.a = 2.23606797749979}, 0.0333333},                   /* a linear layer's: 1 / sqrt(3 * 300) */
    };
    ct_tensor *t = ct_zeros(CT_F32, CT_DIMS(100, 50, 2, 3));
    for (int i = 0; i < CT_COUNT(rows); i++) {
        CHECK(ct_init_kaiming_uniform(t, rows[i].args) == CT_OK);
        expect_uniform(t, rows[i].std * sqrt(3));
        CHECK(ct_init_kaiming_normal(t, rows[i].args) == CT_OK);
        expect_normal(t, rows[i].std);
    }
    CHECK(ct_init_xavier_uniform(t, 1) == CT_OK);
    expect_uniform(t, sqrt(6.0 / 900));
    CHECK(ct_init_xavier_normal(t, 2) == CT_OK);
    expect_normal(t, 2 * sqrt(2.0 / 900));
}

static void gains(void) {
    CHECK_NEAR(ct_init_gain("linear", 0), 1, 0);
    CHECK_NEAR(ct_init_gain("conv_transpose3d", 0), 1, 0);
    CHECK_NEAR(ct_init_gain("sigmoid", 0), 1, 0);
    CHECK_NEAR(ct_init_gain("tanh", 0), 5.0 / 3, 0);
    CHECK_NEAR(ct_init_gain("relu", 0), sqrt(2), 1e-15);
    CHECK_NEAR(ct_init_gain("selu", 0), 0.75, 0);
    CHECK_NEAR(ct_init_gain("leaky_relu", 0.01), sqrt(2 / 1.0001), 1e-15);
    CHECK_NEAR(ct_init_gain(NULL, 1), 1, 1e-15);
    CHECK(isnan(ct_init_gain("swish", 0)));
    CHECK_HAS(ct_error(), "swish");
}

/* ---- structures ---- */
static void identities(void) {
    ct_tensor *t = ct_full(CT_F32, CT_DIMS(3, 5), 9);
    CHECK(ct_init_eye(t) == CT_OK);
    for (int i = 0; i < 15; i++) CHECK(((float *)ct_data(t))[i] == (i / 5 == i % 5));
    t = ct_full(CT_F32, CT_DIMS(4, 3, 3, 2), 9);
    CHECK(ct_init_dirac(t, 2) == CT_OK); /* in each of two groups, 2 of 3 inputs; the middle of 3x2 is (1, 1) */
    for (int i = 0; i < 72; i++) CHECK(((float *)ct_data(t))[i] == (i / 6 % 3 == i / 18 % 2 && i % 6 == 3));
    /* a convolution with it is the identity */
    ct_tensor *x = ct_zeros(CT_F32, CT_DIMS(1, 3, 7)), *w = ct_zeros(CT_F32, CT_DIMS(3, 3, 5));
    CHECK(ct_init_normal(x, 0, 1) == CT_OK && ct_init_dirac(w, 0) == CT_OK);
    ct_tensor *y = ct_conv1d(x, w, NULL, (ct_conv1d_args){.padding = {2}});
    for (int i = 0; i < 21; i++) CHECK(((float *)ct_data(y))[i] == ((float *)ct_data(x))[i]);
}

/* The fewer of rows and columns are orthogonal, of norm gain. */
static void expect_orthogonal(ct_tensor *t, double gain) {
    CHECK(ct_init_orthogonal(t, gain) == CT_OK);
    int64_t rows = ct_size(t, 0), columns = ct_numel(t) / rows, few = CT_MIN(rows, columns);
    ct_tensor *m = ct_to(ct_reshape(t, (ct_shape_args){CT_DIMS(rows, columns)}), CT_F64);
    ct_tensor *turned = ct_transpose(m, (ct_transpose_args){0, 1});
    ct_tensor *gram = rows <= columns ? ct_matmul(m, turned) : ct_matmul(turned, m);
    for (int64_t i = 0; i < few * few; i++)
        CHECK_NEAR(((double *)ct_data(gram))[i], i / few == i % few ? gain * gain : 0, 1e-6);
}

static void orthogonal(void) {
    expect_orthogonal(ct_zeros(CT_F64, CT_DIMS(6, 6)), 1);
    expect_orthogonal(ct_zeros(CT_F32, CT_DIMS(4, 9)), 1);
    expect_orthogonal(ct_zeros(CT_F32, CT_DIMS(9, 4)), 2);
    expect_orthogonal(ct_zeros(CT_F32, CT_DIMS(4, 3, 2, 2)), 1.5);
    CHECK(ct_init_orthogonal(ct_zeros(CT_F32, CT_DIMS(0, 4)), 1) == CT_OK);
}

static void sparse(void) {
    ct_tensor *t = ct_zeros(CT_F32, CT_DIMS(50, 400));
    CHECK(ct_init_sparse(t, 0.25, 0.1) == CT_OK);
    const float *v = ct_data(t);
    int first = 0;
    double sum = 0;
    for (int c = 0; c < 400; c++) {
        int zeros = 0;
        for (int r = 0; r < 50; r++) zeros += v[r * 400 + c] == 0, sum += v[r * 400 + c] * v[r * 400 + c];
        CHECK(zeros == 13); /* 12.5, rounded up */
        first += v[c] == 0;
    }
    CHECK_NEAR(sum / (400 * 37), 0.01, 0.0006);
    CHECK(first > 60 && first < 150); /* other rows in each column */
}

/* ---- where the numbers come from ---- */
static void streams(void) {
    ct_tensor *a = ct_zeros(CT_F32, CT_DIMS(5000)), *b = ct_zeros(CT_F32, CT_DIMS(5000));
    int threads = ct_threads();
    ct_manual_seed(7);
    CHECK(ct_init_normal(a, 0, 1) == CT_OK && ct_init_normal(b, 0, 1) == CT_OK);
    CHECK(memcmp(ct_data(a), ct_data(b), 5000 * sizeof(float))); /* each draw is another */
    ct_manual_seed(7);
    ct_set_threads(3);
    CHECK(ct_init_normal(b, 0, 1) == CT_OK);
    CHECK(!memcmp(ct_data(a), ct_data(b), 5000 * sizeof(float))); /* of the seed alone, with any number of threads */
    ct_set_threads(threads);
    ct_manual_seed(8);
    CHECK(ct_init_normal(b, 0, 1) == CT_OK);
    CHECK(memcmp(ct_data(a), ct_data(b), 5000 * sizeof(float)));
    /* elements are counted in a tensor's own order, wherever they lie */
    ct_tensor *turned = ct_transpose(ct_zeros(CT_F32, CT_DIMS(50, 100)), (ct_transpose_args){0, 1});
    ct_manual_seed(7);
    CHECK(ct_init_normal(turned, 0, 1) == CT_OK);
    CHECK(ct_copy_out(turned, CT_F32, ct_data(b)) == CT_OK);
    CHECK(!memcmp(ct_data(a), ct_data(b), 5000 * sizeof(float)));
}

static void refusals(void) {
    ct_tensor *v = ct_zeros(CT_F32, CT_DIMS(4)), *m = ct_zeros(CT_F32, CT_DIMS(4, 4)),
              *i = ct_zeros(CT_I64, CT_DIMS(4));
    CHECK(ct_init_uniform(v, 2, 1) == CT_FAIL);
    CHECK(ct_init_uniform(v, NAN, 1) == CT_FAIL);
    CHECK(ct_init_normal(v, 0, -1) == CT_FAIL);
    CHECK(ct_init_trunc_normal(v, 0, 0, -1, 1) == CT_FAIL);
    CHECK(ct_init_trunc_normal(v, 0, 1, 1, -1) == CT_FAIL);
    CHECK(ct_init_normal(i, 0, 1) == CT_FAIL);
    CHECK_HAS(ct_error(), "normal: wants floats, got i64");
    CHECK(ct_init_eye(v) == CT_FAIL && ct_init_dirac(m, 1) == CT_FAIL && ct_init_orthogonal(v, 1) == CT_FAIL);
    CHECK(ct_init_sparse(m, 1.5, 1) == CT_FAIL && ct_init_sparse(v, 0.5, 1) == CT_FAIL);
    CHECK(ct_init_dirac(ct_zeros(CT_F32, CT_DIMS(4, 4, 3)), 3) == CT_FAIL);
    CHECK_HAS(ct_error(), "3 groups do not divide 4 channels");
    CHECK(ct_init_xavier_normal(v, 1) == CT_FAIL);
    CHECK_HAS(ct_error(), "at least 2 dimensions, got 1");
    CHECK(ct_init_kaiming_normal(m, (ct_kaiming_args){.nonlinearity = "swish"}) == CT_FAIL);
    for (int k = 0; k < 4; k++) CHECK(((float *)ct_data(v))[k] == 0); /* and nothing was changed */
}

/* An error in, an error out; in a scope of its own, which keeps it. */
static void errors(void) {
    ct_scope *scope = ct_scope_open();
    ct_tensor *bad = ct_add(ct_zeros(CT_F32, CT_DIMS(2)), ct_zeros(CT_F32, CT_DIMS(3)));
    CHECK(ct_init_normal(bad, 0, 1) != CT_OK && ct_init_kaiming_uniform(bad, (ct_kaiming_args){0}) != CT_OK);
    CHECK(ct_init_eye(bad) != CT_OK);
    CHECK(ct_scope_close(scope) != CT_OK);
}

int main(void) {
    ct_scope *scope = ct_scope_open();
    RUN(distributions);
    RUN(truncated);
    RUN(scales);
    RUN(gains);
    RUN(identities);
    RUN(orthogonal);
    RUN(sparse);
    RUN(streams);
    RUN(refusals);
    RUN(errors);
    if (!CHECK(ct_scope_close(scope) == CT_OK)) printf("%s\n", ct_error());
    return check_done("init");
}
