/* What ctorch bench counts and how it sums up; never how long anything takes. */
#include "ctorch_run.h"
#include "tests/unit/scratch.h"

/* ---- statistics ---- */

static void quantiles(void) {
    double x[] = {5, 1, 4, 2, 3}, one = 7;
    ct_sort_numbers(x, 5);
    for (int i = 0; i < 5; i++) CHECK(x[i] == i + 1);
    CHECK(ct_quantile(x, 5, 0) == 1 && ct_quantile(x, 5, 0.5) == 3 && ct_quantile(x, 5, 1) == 5);
    CHECK_NEAR(ct_quantile(x, 5, 0.9), 4.6, 1e-12);
    CHECK_NEAR(ct_quantile(x, 4, 0.5), 2.5, 1e-12);
    CHECK(ct_quantile(&one, 1, 0.99) == 7);
}

/* i-th of a fixed series of numbers spread over [0, 1). */
static double spread(int i) { return fmod(i * 0.6180339887498949, 1); }

static void intervals(void) {
    double a[20], b[20];
    ct_interval m;
    for (int i = 0; i < 20; i++) a[i] = 1 + spread(i), b[i] = exp(3 + (i % 2 ? 0.1 : -0.1));
    CHECK(ct_mean_interval(a, 20, &m) == CT_OK);
    CHECK(m.low < m.value && m.value < m.high && m.low > 1 && m.high < 2 && m.high - m.low < 0.8);
    CHECK_NEAR(m.value, 1.5, 0.1);
    CHECK(ct_mean_interval(b, 4, &m) == CT_OK); /* t of 3 degrees, 3.182, times 0.2 / sqrt(3) / sqrt(4) */
    CHECK_NEAR(m.value, exp(3), 1e-9);
    CHECK_NEAR(log(m.high), 3 + 3.182 * 0.2 / sqrt(12), 1e-9);
    CHECK_NEAR(log(m.low), 3 - 3.182 * 0.2 / sqrt(12), 1e-9);
    CHECK(ct_mean_interval(a, 1, &m) == CT_OK && m.low == 0 && m.high == INFINITY);
    a[3] = 0;
    CHECK(ct_mean_interval(a, 20, &m) == CT_FAIL);
}

/* Of 95% intervals of ten numbers around 0, some 95% have 0 in them. */
static void coverage(void) {
    enum { TRIES = 2000, TURNS = 10 };
    int outside = 0;
    ct_manual_seed(1);
    ct_scope *scope = ct_scope_open();
    const float *x = ct_data(ct_randn(CT_F32, CT_DIMS(TRIES * TURNS)));
    for (int i = 0; i < TRIES; i++) {
        double turn[TURNS];
        ct_interval m;
        for (int k = 0; k < TURNS; k++) turn[k] = exp(0.01 * (double)x[i * TURNS + k]);
        CHECK(ct_mean_interval(turn, TURNS, &m) == CT_OK);
        outside += m.low > 1 || m.high < 1;
    }
    CHECK(outside > 0.035 * TRIES && outside < 0.065 * TRIES);
    CHECK(ct_scope_close(scope) == CT_OK);
}

/* ---- what is counted ---- */

static char noted[1024];
static void note(void *ctx, const char *line) {
    (void)ctx;
    snprintf(noted, sizeof noted, "%s", line);
}

static ct_bench *open_bench(const char *spec, ct_bench_options o) {
    ct_bench *b = NULL;
    char *messages;
    o.note = note, *noted = 0;
    if (!CHECK(ct_bench_open(put("spec.yaml", spec, strlen(spec)), &o, &b, &messages) == CT_OK))
        printf("    %s\n", messages ? messages : ct_error());
    ct_text_free(messages);
    return b;
}

#define REST "loss: cross_entropy\noptimizer: {sgd: {lr: 0.01}}\n"
#define DIGITS "data: {dataset: digits}\n"
#define IMAGES "data: {dataset: random, shape: [4, 9, 9], classes: 3}\n"
#define TOKENS "data: {dataset: random, shape: [6], vocab: 11}\n"

/* Multiply-adds a sample: the first layer's input wants no gradient. */
static void operations(void) {
    static const struct {
        const char *spec;
        double first, rest;
    } of[] = {
        {DIGITS "model: [flatten, linear: 32, relu, linear: 10]\n" REST, 64 * 32, 32 * 10},
        {IMAGES "model: [conv2d: {out_channels: 6, kernel_size: 3, stride: 2}, relu, conv2d: {out_channels: 8, "
                "kernel_size: 3, padding: 1, groups: 2}, flatten, linear: 3]\n" REST,
         16 * 6 * 36, 16 * 8 * 27 + 128 * 3},
        {IMAGES "model: [conv_transpose2d: {out_channels: 2, kernel_size: 2}, flatten, linear: 3]\n" REST, 81 * 4 * 8,
         200 * 3},
        {TOKENS
         "model: [embedding: {num_embeddings: 11, embedding_dim: 8}, lstm: {hidden_size: 16, batch_first: true}, "
         "linear: 11]\n" REST,
         0, 6 * (64 * (8 + 16) + 16 * 11)},
        {TOKENS "model: [embedding: {num_embeddings: 11, embedding_dim: 8}, multi_head_attention: {num_heads: 2, "
                "batch_first: true, is_causal: true}, linear: 11]\n" REST,
         0, 6 * (8 * (24 + 8 + 11) + 2 * 6 * 8)},
    };
    for (size_t i = 0; i < sizeof of / sizeof *of; i++)
        for (int eval = 0; eval < 2; eval++) {
            ct_bench *b = open_bench(of[i].spec, (ct_bench_options){.batch = 5, .eval = eval});
            ct_bench_facts f = {0};
            CHECK(b && ct_bench_look(b, &f) == CT_OK && f.batch == 5 && f.launches > 1 && f.bytes > 0);
            CHECK_NEAR(f.operations, 2 * 5 * (eval ? of[i].first + of[i].rest : 2 * of[i].first + 3 * of[i].rest), 0);
            ct_bench_close(b);
        }
}

/* The kernels are those of the step, one after another. */
static void kernels(void) {
    for (int alone = 0; alone < 2; alone++) {
        ct_bench *b = open_bench(DIGITS "model: [flatten, linear: 32, relu, linear: 10]\n" REST,
                                 (ct_bench_options){.device_only = alone});
        ct_bench_facts f = {0};
        ct_kernel_report *k = NULL;
        int n = 0;
        double operations = 0;
        CHECK(b && ct_bench_step(b) == CT_OK && ct_bench_look(b, &f) == CT_OK);
        CHECK(b && ct_bench_kernels(b, &k, &n) == CT_OK && n == f.launches + !alone);
        for (int i = 0; i < n; i++) operations += k[i].operations;
        for (int i = 1; i < n; i++) CHECK(k[i].start >= k[i - 1].start && k[i].seconds >= 0 && *k[i].name);
        CHECK(n && operations == f.operations);
        if (n) CHECK_STR(k[0].name, alone ? "linear+relu" : "load");
        if (n) CHECK_STR(k[!alone].shape, "(64, 32)");
        if (n && alone) CHECK(k[0].bytes == 4 * (64 * 64 + 32 * 64 + 32 + 64 * 32));
        if (n && !alone) CHECK(k[0].bytes == 64 * (64 * (4 + 1) + 8 + 1)); /* f32 from u8, i64 from u8 */
        ct_kernels_free(k);
        ct_bench_close(b);
    }
}

/* An op has its runs' times in order, and their median. */
static void ops(void) {
    ct_op_report r;
    CHECK(ct_op_time("matmul", 0.001, &r) == CT_OK && r.n >= 8);
    CHECK(r.of.operations == 2 * pow(512, 3) && r.of.bytes == 3 * 4 * 512 * 512);
    CHECK_STR(r.of.shape, "(512, 512)");
    ct_sort_numbers(r.s, r.n);
    CHECK(r.of.seconds == ct_quantile(r.s, r.n, 0.5) && r.s[0] > 0);
    ct_op_report_free(&r);
    CHECK(ct_op_time("matmlu", 0.001, &r) == CT_BAD_SPEC && !r.s);
}

/* ---- data ---- */

static void data(void) {
    static const char away[] = "data: {dataset: cifar-10, augment: [random_flip]}\nmodel: [flatten, linear: 10]\n" REST;
    ct_bench *b = open_bench(DIGITS "model: [flatten, linear: 10]\n" REST, (ct_bench_options){.batch = 1000});
    for (int i = 0; i < 4; i++) CHECK(b && ct_bench_step(b) == CT_OK); /* two epochs, of batches that are whole */
    CHECK_STR(noted, "");
    ct_bench_close(b);
    b = open_bench(DIGITS "model: [flatten, linear: 10]\n" REST, (ct_bench_options){.batch = 4000});
    CHECK(b && ct_bench_step(b) == CT_OK);
    ct_bench_close(b);
    b = open_bench(away, (ct_bench_options){0});
    for (int i = 0; i < 6; i++) CHECK(b && ct_bench_step(b) == CT_OK);
    CHECK_HAS(noted, "random numbers instead of the data: cifar-10: ");
    ct_bench_close(b);
    b = open_bench(away, (ct_bench_options){.device_only = true, .eval = true});
    CHECK(b && ct_bench_step(b) == CT_OK);
    CHECK_STR(noted, "");
    ct_bench_close(b);
}

/* What a run does besides steps of one batch is not in them, and a note says so. */
static void left_out(void) {
    static const char *const train[] = {"train: {accumulate: 2}\n", "train: {ema: {decay: 0.9}}\n", ""};
    for (int i = 0; i < 3; i++)
        for (int eval = 0; eval < 2; eval++) {
            char spec[256];
            snprintf(spec, sizeof spec, DIGITS "model: [flatten, linear: 10]\n" REST "%s", train[i]);
            ct_bench *b = open_bench(spec, (ct_bench_options){.eval = eval});
            CHECK_STR(noted,
                      i < 2 && !eval ? "a step is that of one batch: train's accumulate and ema are left out" : "");
            ct_bench_close(b);
        }
}

/* status and what is said of a spec that cannot be timed. */
static void refused(const char *spec, ct_status want, const char *says) {
    ct_bench *b = NULL;
    char *messages;
    ct_bench_options o = {.note = note};
    CHECK(ct_bench_open(put("spec.yaml", spec, strlen(spec)), &o, &b, &messages) == want);
    CHECK_HAS(messages ? messages : ct_error(), says);
    ct_text_free(messages);
}

static void refusals(void) {
    refused("data: {images: nowhere}\nmodel: [flatten, linear: 10]\n" REST, CT_BAD_DATA, "only its data would say");
    refused(DIGITS "model: [linear: 10, conv2d: {out_channels: 3, kernel_size: 99}]\n" REST, CT_BAD_SPEC,
            "spec.yaml:2:");
    refused(DIGITS "model: [flatten, linar: 10]\n" REST, CT_BAD_SPEC, "did you mean 'linear'");
    refused(DIGITS "model: [flatten, linear: 10]\nfreeze: ['*']\n" REST, CT_BAD_SPEC, "freeze leaves no parameter");
}

int main(void) {
    if (!scratch_open()) return 1;
    RUN(quantiles);
    RUN(intervals);
    RUN(coverage);
    RUN(operations);
    RUN(kernels);
    RUN(ops);
    RUN(data);
    RUN(left_out);
    RUN(refusals);
    scratch_close();
    return check_done("test_bench");
}
