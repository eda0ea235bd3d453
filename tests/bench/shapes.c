/* The convolutions and products of the workloads, shape by shape and pass by pass, beside oneDNN's in turn, and their
   errors against f64: a table in Markdown. Without oneDNN's headers its columns are left out.
   usage: shapes [SECONDS [f32|bf16 [NAME]]]     a pass, 0.3 unless given; bf16: ours under autocast; rows of NAME alone
 */
#include "base/alloc.h"
#include "base/parallel.h"
#include "kernels/backend.h"
#include "ops/ops.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#if __has_include(<dnnl.h>)
#include "tests/bench/onednn.h"
#define PEER 1
#else
enum { FORWARD, DX, DW };
#define PEER 0
#endif

#define PASSES 3
#define SAMPLES_MAX 100000
#define REST_MS 8 /* libgomp's threads spin for up to some milliseconds */
#define BURST_MS 10
#define ERROR_IMAGES 2

typedef struct shape {
    const char *name;
    int64_t n, c, h, w, o, k, stride, padding, groups;
} shape;

static const shape convolutions[] = {{"mnist_cnn", 64, 1, 28, 28, 32, 3, 1, 0, 1},
                                     {"mnist_cnn", 64, 32, 26, 26, 64, 3, 1, 0, 1},
                                     {"resnet20", 128, 3, 32, 32, 16, 3, 1, 1, 1},
                                     {"resnet20", 128, 16, 32, 32, 16, 3, 1, 1, 1},
                                     {"resnet20", 128, 16, 32, 32, 32, 3, 2, 1, 1},
                                     {"resnet20", 128, 32, 16, 16, 32, 3, 1, 1, 1},
                                     {"resnet20", 128, 32, 16, 16, 64, 3, 2, 1, 1},
                                     {"resnet20", 128, 64, 8, 8, 64, 3, 1, 1, 1},
                                     {"resnet18", 32, 64, 32, 32, 64, 3, 1, 1, 1},
                                     {"resnet18", 32, 64, 32, 32, 128, 3, 2, 1, 1},
                                     {"resnet18", 32, 64, 32, 32, 128, 1, 2, 0, 1},
                                     {"resnet18", 32, 128, 16, 16, 128, 3, 1, 1, 1},
                                     {"resnet18", 32, 256, 8, 8, 256, 3, 1, 1, 1},
                                     {"resnet18", 32, 512, 4, 4, 512, 3, 1, 1, 1},
                                     {"mobilenet_v2", 16, 144, 28, 28, 144, 3, 1, 1, 144},
                                     {"mobilenet_v2", 16, 96, 56, 56, 96, 3, 2, 1, 96},
                                     {"mobilenet_v2", 16, 96, 28, 28, 24, 1, 1, 0, 1},
                                     {"convnext", 16, 80, 28, 28, 80, 7, 1, 3, 80},
                                     {"resnet20, one", 1, 16, 32, 32, 16, 3, 1, 1, 1},
                                     {"resnet20, one", 1, 64, 8, 8, 64, 3, 1, 1, 1},
                                     {"odd", 7, 17, 13, 13, 17, 3, 1, 1, 1},
                                     {"odd", 7, 3, 29, 29, 31, 5, 1, 2, 1},
                                     {"odd", 7, 64, 3, 3, 64, 3, 1, 1, 1},
                                     {"odd", 7, 64, 2, 2, 64, 3, 1, 1, 1}};

typedef struct product {
    const char *name;
    int64_t m, n, k; /* y (m, n) = x (m, k) w' (n, k) */
} product;

static const product products[] = {{"mnist_mlp", 64, 128, 784},   {"mnist_mlp", 64, 10, 128},
                                   {"mnist_cnn", 64, 128, 9216},  {"gpt_nano", 768, 384, 128},
                                   {"gpt_nano", 768, 512, 128},   {"gpt_nano", 768, 128, 512},
                                   {"gpt_nano", 768, 65, 128},    {"gpt_char", 4096, 1152, 384},
                                   {"gpt_char", 4096, 384, 1536}, {"lstm_char", 32, 1024, 256},
                                   {"one row", 1, 128, 784},      {"one row", 1, 384, 1536},
                                   {"odd", 61, 67, 71},           {"odd", 3, 1009, 5}};

static double seconds_each = 0.3;
static bool bf16;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *v, int n) {
    qsort(v, (size_t)n, sizeof *v, by_value);
    return n ? v[n / 2] : NAN;
}

/* ---- ours ---- */

/* A kernel with its operands: two that it reads, what it makes, and a bias that is absent. */
typedef struct job {
    ct_call call;
    ct_layout layout[3], in[3];
    void *data[3];
    const ct_kernel *kernel;
    void *state, *workspace;
} job;

static void fill(void *data, const ct_layout *l, uint64_t seed) {
    int64_t n = ct_layout_numel(l);
    for (int64_t i = 0; i < n; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        double v = (double)(seed >> 40) / (1 << 23) - 1;
        if (l->dtype == CT_F64)
            ((double *)data)[i] = (float)v;
        else
            ((float *)data)[i] = (float)v;
    }
}

static bool job_make(job *j, const ct_backend *backend, int op, const void *args) {
    j->in[0] = j->layout[0], j->in[1] = j->layout[1];
    j->call = (ct_call){
        op, op == CT_OP_conv2d_ ? 3 : 2, 1, j->in, &j->layout[2], args, .bf16 = bf16 && j->layout[0].dtype == CT_F32};
    j->kernel = backend->kernel[op];
    size_t bytes = 0;
    if (j->kernel->prepare && j->kernel->prepare(&j->call, &j->state, &bytes)) return false;
    if (!(j->workspace = ct_alloc_aligned(bytes, 1))) return false;
    for (int i = 0; i < 3; i++) {
        size_t size = j->layout[i].dtype == CT_F64 ? sizeof(double) : sizeof(float);
        if (!(j->data[i] = ct_alloc_aligned((size_t)ct_layout_numel(&j->layout[i]), size))) return false;
        fill(j->data[i], &j->layout[i], (uint64_t)i + 1);
    }
    return true;
}

static void job_run(job *j) {
    _Atomic int64_t bad = 0;
    ct_exec exec = {.workspace = j->workspace, .bad = &bad};
    j->kernel->run(&exec, &j->call, j->state, (const void *const[]){j->data[0], j->data[1], NULL}, &j->data[2]);
}

static void job_drop(job *j) {
    if (j->state) (j->kernel->release ? j->kernel->release : ct_free)(j->state);
    ct_free(j->workspace);
    for (int i = 0; i < 3; i++) ct_free(j->data[i]);
    memset(j, 0, sizeof *j);
}

static const ct_backend *fastest(void) {
    const ct_backend_choice *c = ct_backends_cpu;
    while (c->backend && !c->runs()) c++;
    return c->backend ? c->backend : &ct_backend_ref;
}

/* ---- convolutions ---- */

static int64_t after(const shape *s, int64_t size) { return (size + 2 * s->padding - s->k) / s->stride + 1; }

static ct_layout images(ct_dtype t, int64_t n, int64_t c, int64_t h, int64_t w) {
    return (ct_layout){t, 4, {n, c, h, w}, {c * h * w, 1, c * w, c}};
}

/* The operands of a pass: what it reads, and last what it makes. */
static void conv_layouts(const shape *s, int pass, ct_dtype t, ct_layout l[3]) {
    ct_layout x = images(t, s->n, s->c, s->h, s->w), y = images(t, s->n, s->o, after(s, s->h), after(s, s->w));
    ct_layout w = ct_layout_of(t, CT_DIMS(s->o, s->c / s->groups, s->k, s->k));
    l[0] = pass == FORWARD ? x : y, l[1] = pass == DW ? x : w, l[2] = pass == FORWARD ? y : pass == DX ? x : w;
}

typedef struct conv_args {
    ct_conv2d_args forward;
    ct_conv2d_back_args back;
} conv_args;

static const void *conv_args_of(const shape *s, int pass, conv_args *a) {
    ct_dims sizes = pass == DX ? CT_DIMS(s->n, s->c, s->h, s->w) : CT_DIMS(s->o, s->c / s->groups, s->k, s->k);
    a->forward = (ct_conv2d_args){{s->stride, s->stride}, {s->padding, s->padding}, {1, 1}, s->groups};
    a->back = (ct_conv2d_back_args){{s->stride, s->stride}, {s->padding, s->padding}, {1, 1}, s->groups, sizes};
    return pass == FORWARD ? (const void *)&a->forward : &a->back;
}

static bool conv_job(job *j, const ct_backend *backend, const shape *s, int pass, ct_dtype t, conv_args *args) {
    static const int op[] = {CT_OP_conv2d_, CT_OP_conv2d_dx, CT_OP_conv2d_dw};
    conv_layouts(s, pass, t, j->layout);
    if (!job_make(j, backend, op[pass], conv_args_of(s, pass, args))) return false;
    return true;
}

/* |ours - theirs| / |theirs| of what two jobs made, in f32 and f64. */
static double distance(const job *a, const job *b) {
    double d = 0, w = 0;
    for (int64_t i = 0; i < ct_layout_numel(&a->layout[2]); i++) {
        double x = ((float *)a->data[2])[i], y = ((double *)b->data[2])[i];
        d += (x - y) * (x - y), w += y * y;
    }
    return sqrt(d / w);
}

static double conv_error(shape s, int pass) {
    job ours = {0}, plain = {0};
    conv_args args, same;
    s.n = CT_MIN(s.n, ERROR_IMAGES);
    double error = NAN;
    if (conv_job(&ours, fastest(), &s, pass, CT_F32, &args) &&
        conv_job(&plain, &ct_backend_ref, &s, pass, CT_F64, &same)) {
        job_run(&ours), job_run(&plain);
        error = distance(&ours, &plain);
    }
    job_drop(&ours), job_drop(&plain);
    return error;
}

#if PEER
static bool conv_peer(peer *p, const shape *s, int pass, float *x, float *y) {
    int64_t oh = after(s, s->h), ow = after(s, s->w), grouped = s->groups > 1;
    int64_t w[] = {s->groups, s->o / s->groups, s->c / s->groups, s->k, s->k};
    memcpy(p->x, (dnnl_dims_t){s->n, s->c, s->h, s->w}, sizeof p->x);
    memcpy(p->y, (dnnl_dims_t){s->n, s->o, oh, ow}, sizeof p->y);
    p->w_dims = 4 + (int)grouped;
    memcpy(p->w, w + !grouped, (size_t)p->w_dims * sizeof *w);
    for (int d = 0; d < 2; d++) p->stride[d] = s->stride, p->padding[d] = s->padding;
    return peer_make(p, pass, x, y);
}
#endif

typedef struct samples {
    double took[SAMPLES_MAX];
    int n;
} samples;

static void run_job(void *ctx) { job_run(ctx); }

/* A burst of runs, when the other's threads no longer spin for more work; the first run wakes up, and is not kept. */
static void burst(void (*run)(void *ctx), void *ctx, samples *s) {
    nanosleep(&(struct timespec){.tv_nsec = REST_MS * 1000000}, NULL);
    run(ctx);
    double begin = now(), t0 = begin, t1 = begin;
    for (int i = 0; s->n < SAMPLES_MAX && (i < 1 || t1 - begin < BURST_MS * 1e-3); i++, t0 = t1) {
        run(ctx);
        s->took[s->n++] = (t1 = now()) - t0;
    }
}

/* Medians of bursts in turn; theirs NAN where there is no peer. */
static void in_turn(job *ours, void (*theirs)(void *ctx), void *ctx, double took[2]) {
    static samples mine, other;
    mine.n = other.n = 0;
    double begin = now();
    for (int i = 0; i < 3 || now() - begin < seconds_each; i++) {
        burst(run_job, ours, &mine);
        if (theirs) burst(theirs, ctx, &other);
    }
    took[0] = median(mine.took, mine.n), took[1] = theirs ? median(other.took, other.n) : NAN;
}

static void print_pass(const double took[2], double operations) {
    printf(" %.3f ms, %.0f GFLOP/s", took[0] * 1e3, operations / took[0] * 1e-9);
    if (!isnan(took[1])) printf(", %.2f", took[0] / took[1]);
    printf(" |");
}

#if PEER
typedef struct turn {
    peer peer;
    int pass;
} turn;
static void take_turn(void *ctx) {
    turn *t = ctx;
    peer_run(&t->peer, t->pass);
}
#endif

static void measure_conv(const shape *s) {
    double error = 0, operations = 2.0 * s->n * after(s, s->h) * after(s, s->w) * s->o * s->c / s->groups * s->k * s->k;
    printf("| %s | %lld x %lld, %lld x %lld to %lld, %lld x %lld%s%s |", s->name, (long long)s->n, (long long)s->c,
           (long long)s->h, (long long)s->w, (long long)s->o, (long long)s->k, (long long)s->k,
           s->stride > 1 ? ", stride 2" : "", s->groups > 1 ? ", depthwise" : "");
    for (int pass = FORWARD; pass < PASSES; pass++) {
        job ours = {0};
        conv_args args;
        double took[2] = {NAN, NAN};
        if (conv_job(&ours, fastest(), s, pass, CT_F32, &args)) {
#if PEER
            turn t = {.pass = pass};
            float *x = ours.data[pass == FORWARD ? 0 : pass == DX ? 2 : 1], *y = ours.data[pass == FORWARD ? 2 : 0];
            in_turn(&ours, conv_peer(&t.peer, s, pass, x, y) ? take_turn : NULL, &t, took);
            peer_drop(&t.peer);
#else
            in_turn(&ours, NULL, NULL, took);
#endif
        }
        job_drop(&ours);
        print_pass(took, operations);
        error = fmax(error, conv_error(*s, pass));
    }
    printf(" %.1e |\n", error);
    fflush(stdout);
}

/* ---- products ---- */

/* y (m, n) = a b, of which either may lie transposed. */
typedef struct factors {
    int64_t m, n, k;
    bool ta, tb;
    const float *a, *b;
    float *y;
} factors;

/* Forward: x w'; the gradient of x: g w; of w: g' x. */
static factors factors_of(const product *p, int pass) {
    if (pass == FORWARD) return (factors){p->m, p->n, p->k, false, true, NULL, NULL, NULL};
    if (pass == DX) return (factors){p->m, p->k, p->n, false, false, NULL, NULL, NULL};
    return (factors){p->n, p->k, p->m, true, false, NULL, NULL, NULL};
}

static ct_layout matrix(ct_dtype t, int64_t rows, int64_t columns, bool turned) {
    ct_layout l = {t, 2, {rows, columns}, {turned ? 1 : columns, turned ? rows : 1}};
    return l;
}

static bool product_job(job *j, const ct_backend *backend, const factors *f, ct_dtype t) {
    j->layout[0] = matrix(t, f->m, f->k, f->ta), j->layout[1] = matrix(t, f->k, f->n, f->tb);
    j->layout[2] = matrix(t, f->m, f->n, false);
    return job_make(j, backend, CT_OP_matmul, NULL);
}

#if PEER
static void run_sgemm(void *ctx) {
    const factors *f = ctx;
    dnnl_sgemm(f->ta ? 'T' : 'N', f->tb ? 'T' : 'N', f->m, f->n, f->k, 1, f->a, f->ta ? f->m : f->k, f->b,
               f->tb ? f->k : f->n, 0, f->y, f->n);
}
#endif

static void measure_product(const product *p) {
    double error = 0;
    printf("| %s | %lld x %lld by %lld |", p->name, (long long)p->m, (long long)p->k, (long long)p->n);
    for (int pass = FORWARD; pass < PASSES; pass++) {
        factors f = factors_of(p, pass);
        job ours = {0}, plain = {0};
        double took[2] = {NAN, NAN};
        if (product_job(&ours, fastest(), &f, CT_F32) && product_job(&plain, &ct_backend_ref, &f, CT_F64)) {
            job_run(&ours), job_run(&plain);
            error = fmax(error, distance(&ours, &plain));
            f.a = ours.data[0], f.b = ours.data[1], f.y = ours.data[2];
#if PEER
            in_turn(&ours, run_sgemm, &f, took);
#else
            in_turn(&ours, NULL, NULL, took);
#endif
        }
        job_drop(&ours), job_drop(&plain);
        print_pass(took, 2.0 * f.m * f.n * f.k);
    }
    printf(" %.1e |\n", error);
    fflush(stdout);
}

int main(int argc, char **argv) {
    if (argc > 1) seconds_each = atof(argv[1]);
    bf16 = argc > 2 && !strcmp(argv[2], "bf16");
    const char *only = argc > 3 ? argv[3] : "";
    const char *ratio = PEER ? ", time / oneDNN's" : "";
    printf("%d threads, kernels %s; a pass: time, rate of the direct operations%s; the largest relative error of the "
           "passes against f64 (of at most %d images).\n\n",
           ct_threads(), ct_backend_name(), ratio, ERROR_IMAGES);
    printf("| of | convolution | forward | gradient of x | gradient of w | error |\n| --- | --- | --- | --- | --- | "
           "--- |\n");
    for (size_t i = 0; i < sizeof convolutions / sizeof *convolutions; i++)
        if (strstr(convolutions[i].name, only)) measure_conv(&convolutions[i]);
    printf("\n| of | product | x w' | g w | g' x | error |\n| --- | --- | --- | --- | --- | --- |\n");
    for (size_t i = 0; i < sizeof products / sizeof *products; i++)
        if (strstr(products[i].name, only)) measure_product(&products[i]);
    return 0;
}
