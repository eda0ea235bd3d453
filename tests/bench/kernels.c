/* Milliseconds and GFLOP/s of the processor's kernels at the sizes of mnist-cnn's step, for each instruction set:
   kernels [threads] [isa]. */
#include "base/alloc.h"
#include "base/parallel.h"
#include "kernels/backend.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX 8
typedef struct bench {
    const char *name;
    int op;
    double flops; /* 0: bytes are what matters */
    const void *args;
    int n_in, n_out;
    ct_layout in[MAX], out[MAX];
} bench;

#define SCALAR \
    { .dtype = CT_F32 }
#define NONE \
    { .dtype = CT_NONE }
#define D1(t, a)         \
    {                    \
        t, 1, {a}, { 1 } \
    }
#define D2(t, a, b)            \
    {                          \
        t, 2, {a, b}, { b, 1 } \
    }
#define NHWC(t, n, c, h, w)                                      \
    {                                                            \
        t, 4, {n, c, h, w}, { (c) * (h) * (w), 1, (c) * (w), c } \
    }
#define OIHW(o, i, h, w)                                              \
    {                                                                 \
        CT_F32, 4, {o, i, h, w}, { (i) * (h) * (w), (h) * (w), w, 1 } \
    }
#define TURNED(t, a, b)        \
    {                          \
        t, 2, {a, b}, { 1, a } \
    }

static const ct_conv2d_args conv = {{1, 1}, {0, 0}, {1, 1}, 1};
static const ct_conv2d_back_args back1 = {{1, 1}, {0, 0}, {1, 1}, 1, {4, {32, 1, 3, 3}}};
static const ct_conv2d_back_args back2 = {{1, 1}, {0, 0}, {1, 1}, 1, {4, {64, 32, 3, 3}}};
static const ct_conv2d_back_args back2x = {{1, 1}, {0, 0}, {1, 1}, 1, {4, {64, 32, 26, 26}}};
static const ct_max_pool2d_args pool = {{2, 2}, {2, 2}, {0, 0}, {1, 1}, false};
static const ct_size_args pool_size = {{4, {64, 64, 24, 24}}};
static const ct_dropout_args drop = {0.25, 7};
static const ct_fill_args keep = {1.25};
static const ct_cross_entropy_args loss = {0, 0, -100};
static const ct_adam_args adam = {1e-3, {0.9, 0.999}, 1e-8, 0, false};
static const ct_reduce_args channels = {{3, {0, 2, 3}}, false}, rows = {{1, {0}}, false};
static const ct_batch_norm_args norm = {true, 0.1, 1e-5};

#define CONV1 (2.0 * 64 * 32 * 26 * 26 * 9)
#define CONV2 (2.0 * 64 * 64 * 24 * 24 * 9 * 32)
#define FC1 (2.0 * 64 * 9216 * 128)
static const bench benches[] = {
    {"conv1 forward",
     CT_OP_conv2d_,
     CONV1,
     &conv,
     3,
     1,
     {NHWC(CT_F32, 64, 1, 28, 28), OIHW(32, 1, 3, 3), D1(CT_F32, 32)},
     {NHWC(CT_F32, 64, 32, 26, 26)}},
    {"conv1 dw",
     CT_OP_conv2d_dw,
     CONV1,
     &back1,
     2,
     1,
     {NHWC(CT_F32, 64, 32, 26, 26), NHWC(CT_F32, 64, 1, 28, 28)},
     {OIHW(32, 1, 3, 3)}},
    {"conv2 forward",
     CT_OP_conv2d_,
     CONV2,
     &conv,
     3,
     1,
     {NHWC(CT_F32, 64, 32, 26, 26), OIHW(64, 32, 3, 3), D1(CT_F32, 64)},
     {NHWC(CT_F32, 64, 64, 24, 24)}},
    {"conv2 dx",
     CT_OP_conv2d_dx,
     CONV2,
     &back2x,
     2,
     1,
     {NHWC(CT_F32, 64, 64, 24, 24), OIHW(64, 32, 3, 3)},
     {NHWC(CT_F32, 64, 32, 26, 26)}},
    {"conv2 dw",
     CT_OP_conv2d_dw,
     CONV2,
     &back2,
     2,
     1,
     {NHWC(CT_F32, 64, 64, 24, 24), NHWC(CT_F32, 64, 32, 26, 26)},
     {OIHW(64, 32, 3, 3)}},
    {"conv2 bias gradient", CT_OP_sum, 0, &channels, 1, 1, {NHWC(CT_F32, 64, 64, 24, 24)}, {D1(CT_F32, 64)}},
    {"max_pool2d",
     CT_OP_max_pool2d,
     0,
     &pool,
     1,
     2,
     {NHWC(CT_F32, 64, 64, 24, 24)},
     {NHWC(CT_F32, 64, 64, 12, 12), NHWC(CT_I64, 64, 64, 12, 12)}},
    {"pool_scatter",
     CT_OP_pool_scatter,
     0,
     &pool_size,
     2,
     1,
     {NHWC(CT_F32, 64, 64, 12, 12), NHWC(CT_I64, 64, 64, 12, 12)},
     {NHWC(CT_F32, 64, 64, 24, 24)}},
    {"dropout_",
     CT_OP_dropout_,
     0,
     &drop,
     2,
     2,
     {D2(CT_F32, 64, 9216), D1(CT_I64, 2)},
     {D2(CT_F32, 64, 9216), D2(CT_BOOL, 64, 9216)}},
    {"mask_scale",
     CT_OP_mask_scale,
     0,
     &keep,
     2,
     1,
     {D2(CT_F32, 64, 9216), D2(CT_BOOL, 64, 9216)},
     {D2(CT_F32, 64, 9216)}},
    {"linear 9216-128",
     CT_OP_linear,
     FC1,
     NULL,
     3,
     1,
     {D2(CT_F32, 64, 9216), D2(CT_F32, 128, 9216), D1(CT_F32, 128)},
     {D2(CT_F32, 64, 128)}},
    {"linear dx", CT_OP_matmul, FC1, NULL, 2, 1, {D2(CT_F32, 64, 128), D2(CT_F32, 128, 9216)}, {D2(CT_F32, 64, 9216)}},
    {"linear dw",
     CT_OP_matmul,
     FC1,
     NULL,
     2,
     1,
     {TURNED(CT_F32, 128, 64), D2(CT_F32, 64, 9216)},
     {D2(CT_F32, 128, 9216)}},
    {"linear bias gradient", CT_OP_sum, 0, &rows, 1, 1, {D2(CT_F32, 64, 128)}, {D1(CT_F32, 128)}},
    {"cross_entropy_",
     CT_OP_cross_entropy_,
     0,
     &loss,
     3,
     2,
     {D2(CT_F32, 64, 10), D1(CT_I64, 64), NONE},
     {SCALAR, D1(CT_F32, 64)}},
    {"cross_entropy_back",
     CT_OP_cross_entropy_back,
     0,
     &loss,
     5,
     1,
     {SCALAR, D2(CT_F32, 64, 10), D1(CT_I64, 64), NONE, D1(CT_F32, 64)},
     {D2(CT_F32, 64, 10)}},
    {"adam 9216x128",
     CT_OP_adam,
     0,
     &adam,
     6,
     3,
     {D2(CT_F32, 128, 9216), D2(CT_F32, 128, 9216), D2(CT_F32, 128, 9216), D2(CT_F32, 128, 9216), SCALAR, SCALAR},
     {D2(CT_F32, 128, 9216), D2(CT_F32, 128, 9216), D2(CT_F32, 128, 9216)}},
    {"batch_norm_train",
     CT_OP_batch_norm_train,
     0,
     &norm,
     5,
     5,
     {NHWC(CT_F32, 64, 64, 24, 24), D1(CT_F32, 64), D1(CT_F32, 64), D1(CT_F32, 64), D1(CT_F32, 64)},
     {NHWC(CT_F32, 64, 64, 24, 24), D1(CT_F32, 64), D1(CT_F32, 64), D1(CT_F32, 64), D1(CT_F32, 64)}},
    {"batch_norm_back",
     CT_OP_batch_norm_back,
     0,
     NULL,
     5,
     3,
     {NHWC(CT_F32, 64, 64, 24, 24), NHWC(CT_F32, 64, 64, 24, 24), D1(CT_F32, 64), D1(CT_F32, 64), D1(CT_F32, 64)},
     {NHWC(CT_F32, 64, 64, 24, 24), D1(CT_F32, 64), D1(CT_F32, 64)}},
    {"log_softmax 4096x1000",
     CT_OP_log_softmax,
     0,
     &(const ct_dim_args){1},
     1,
     1,
     {D2(CT_F32, 4096, 1000)},
     {D2(CT_F32, 4096, 1000)}},
};

static double now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static void *operand(const ct_layout *l) {
    int64_t n = ct_layout_numel(l);
    if (l->dtype == CT_NONE) return NULL;
    void *p = ct_alloc_aligned((size_t)n, 8);
    memset(p, 0, (size_t)n * 8);
    for (int64_t i = 0; i < n && l->dtype == CT_F32; i++) ((float *)p)[i] = (float)(i * 7919 % 1000) * 1e-3f;
    for (int64_t i = 0; i < n && l->dtype == CT_I64; i++) ((int64_t *)p)[i] = i % 10;
    return p;
}

/* The best of many runs; negative where the backend declines. */
static double measure(const ct_backend *backend, const bench *b, void **in, void **out) {
    ct_call call = {b->op, b->n_in, b->n_out, b->in, b->out, b->args};
    const ct_kernel *kernel = backend->kernel[b->op];
    void *state = NULL;
    size_t bytes = 0;
    _Atomic int64_t bad = 0;
    if (kernel->prepare && kernel->prepare(&call, &state, &bytes)) return -1;
    ct_exec exec = {.workspace = ct_alloc_aligned(bytes, 1), .bad = &bad};
    double best = 1e30, begin = now_ms();
    for (int i = 0; i < 3 || (i < 200 && now_ms() - begin < 300); i++) {
        double start = now_ms();
        kernel->run(&exec, &call, state, (const void *const *)in, out);
        double took = now_ms() - start;
        if (took < best) best = took;
    }
    if (kernel->release)
        kernel->release(state);
    else
        ct_free(state);
    ct_free(exec.workspace);
    return best;
}

int main(int argc, char **argv) {
    if (argc > 1) ct_set_threads(atoi(argv[1]));
    printf("%d threads; ms (GFLOP/s)\n%-24s", ct_threads(), "");
    for (const ct_backend_choice *c = ct_backends_cpu; c->backend; c++)
        if (c->runs() && (argc < 3 || !strcmp(argv[2], c->backend->name))) printf("%20s", c->backend->name);
    for (size_t i = 0; i < sizeof benches / sizeof *benches; i++) {
        const bench *b = &benches[i];
        void *in[MAX], *out[MAX];
        for (int j = 0; j < b->n_in; j++) in[j] = operand(&b->in[j]);
        for (int j = 0; j < b->n_out; j++) out[j] = operand(&b->out[j]);
        printf("\n%-24s", b->name);
        for (const ct_backend_choice *c = ct_backends_cpu; c->backend; c++) {
            if (!c->runs() || (argc > 2 && strcmp(argv[2], c->backend->name))) continue;
            double ms = measure(c->backend, b, in, out);
            if (b->flops > 0)
                printf("%10.3f (%7.1f)", ms, b->flops / ms * 1e-6);
            else
                printf("%10.3f          ", ms);
            fflush(stdout);
        }
        for (int j = 0; j < b->n_in; j++) ct_free(in[j]);
        for (int j = 0; j < b->n_out; j++) ct_free(out[j]);
    }
    printf("\n");
    return 0;
}
