/* One step of the workloads that ctorch is measured on, as the peers' scripts time it: a spec's model of random
   weights, random inputs that are in memory already, no loader. Run it where specs/ is. Prints one JSON object a
   workload, and with --peak the product rate that a floor is counted from. step [WORKLOAD ...] [--seconds S] [--threads
   N] [--isa NAME] [--passes LIST] [--bf16] [--peak] */
#include "base/alloc.h"
#include "base/philox.h"
#include "run/model.h"
#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WARM_UP 3
#define LEAST 5 /* samples, however slow a step is */

/* set: what the peers' model has other than the spec. first, rest: multiply-adds a sample of the first layer, whose
   input wants no gradient, and of the others. */
typedef struct workload {
    const char *name, *spec;
    int64_t batch;
    bool train;
    double first, rest;
    const char *set[8];
} workload;

#define MLP_WORK 784 * 128, 128 * 10
#define CNN_WORK 26 * 26 * 32 * 9, 24 * 24 * 64 * 32 * 9 + 9216 * 128 + 128 * 10
/* A stage of n blocks that halves the image, size x size afterwards, and doubles the channels, c of them then. */
#define HALVED(size, c, n) ((size) * (size) * ((c) * (c) / 2 * 10.0 + (2 * (n)-1) * (c) * (c)*9.0))
#define RESNET(c, n) 1024 * 27.0 * (c), 1024 * 18.0 * (n) * (c) * (c) + HALVED(16, 2 * (c), n) + HALVED(8, 4 * (c), n)
#define RESNET20_WORK RESNET(16, 3) + 640
#define RESNET18_WORK RESNET(64, 2) + HALVED(4, 512, 2) + 5120
#define GPT_WORK(T, d, depth) 0, (T) * ((depth) * (12.0 * (d) * (d) + 2 * (T) * (d)) + 65 * (d))
#define LSTM_WORK 0, 64 * (1024 * (128 + 3 * 256) + 256 * 65)
#define UNCLIPPED "train.clip_grad_norm=0"
#define LARGER "vars.dim=384", "vars.heads=6", "vars.depth=6", "data.shape=[256]"
static const workload workloads[] = {
    {"mnist_mlp", "mnist-mlp", 64, true, MLP_WORK, {0}},
    {"mnist_cnn", "mnist-cnn", 64, true, CNN_WORK, {0}},
    {"resnet20", "resnet20", 128, true, RESNET20_WORK, {0}},
    {"resnet18", "resnet18", 128, true, RESNET18_WORK, {0}},
    {"gpt_nano", "gpt-nano", 12, true, GPT_WORK(64, 128, 4), {UNCLIPPED}},
    {"gpt_char", "gpt-nano", 16, true, GPT_WORK(256, 384, 6), {UNCLIPPED, LARGER}},
    {"lstm_char", "lstm-lm", 32, true, LSTM_WORK, {UNCLIPPED}},
    {"infer_mlp", "mnist-mlp", 1, false, MLP_WORK, {0}},
    {"infer_cnn", "mnist-cnn", 1, false, CNN_WORK, {0}},
    {"infer_resnet20", "resnet20", 1, false, RESNET20_WORK, {0}},
};

static double operations(const workload *w) {
    double passes = w->train ? 2 * w->first + 3 * w->rest : w->first + w->rest;
    return 2 * (double)w->batch * passes;
}

/* ---- a workload made ready ---- */

typedef struct bench {
    ct_spec *spec;
    ct_net net;
    ct_optim *optim;
    ct_step *step;
} bench;

static void bench_free(bench *b) {
    ct_step_free(b->step);
    ct_optim_free(b->optim);
    ct_net_free(&b->net);
    ct_spec_free(b->spec);
}

/* A field of normal numbers, or of whole ones from 0 to `below` - 1. */
static void random_field(const ct_field *f, int64_t below, int64_t n, void *out) {
    ct_philox_key key = ct_philox_make(0, 1);
    for (int i = 1; i < f->layout.ndim; i++) n *= f->layout.size[i];
    for (int64_t i = 0; i < n; i++) {
        uint32_t word[2];
        ct_philox_fill(key, 0, (uint64_t)i * 2, 2, word);
        double u = ct_philox_uniform(word[0]), v = ct_philox_uniform(word[1]);
        if (f->layout.dtype == CT_I64)
            ((int64_t *)out)[i] = word[0] % below;
        else
            ((float *)out)[i] = (float)(sqrt(-2 * log(1 - u)) * cos(2 * M_PI * v));
    }
}

static ct_status bench_new(const workload *w, int precision, bench *b) {
    char path[64], *messages;
    ct_fields fields;
    ct_data_size size;
    snprintf(path, sizeof path, "specs/%s.yaml", w->spec);
    ct_status status = ct_spec_load(path, w->set, &b->spec, &messages);
    if (status && messages) ct_fail(status, "%s", messages);
    ct_text_free(messages);
    CT_TRY(status);
    b->spec->train.precision = precision;
    CT_TRY(ct_spec_fields(b->spec, &fields, &size));
    CT_TRY(ct_net_build(b->spec, &fields, NULL, NULL, &b->net));
    if (w->train) CT_TRY(ct_run_optimizer(b->spec, b->net.module, &b->optim));
    CT_TRY(ct_step_new(&b->net, b->optim, w->batch, false, &b->step));
    for (int i = 0; i < fields.n; i++) random_field(&fields.of[i], fields.classes, w->batch, ct_step_field(b->step, i));
    return CT_OK;
}

/* ---- timing ---- */

typedef struct options {
    bool chosen[CT_COUNT(workloads)], any, peak;
    int precision; /* ct_precision */
    double seconds;
    const char *isa, *passes;
} options;

typedef struct samples {
    double *s;
    size_t n, cap;
} samples;

static ct_status add_sample(samples *a, double s) {
    double *p = ct_grow(a->s, a->n, &a->cap, sizeof *p);
    if (!p) return CT_NO_MEMORY;
    a->s = p, p[a->n++] = s;
    return CT_OK;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static ct_status one_step(const workload *w, bench *b, int64_t number) {
    ct_step_result out;
    if (!w->train) return ct_step_eval(b->step, w->batch, false, &out);
    CT_TRY(ct_step_train(b->step, w->batch, number, &out));
    return isfinite(out.loss) ? CT_OK : ct_fail(CT_DIVERGED, "the loss is %g", out.loss);
}

static ct_status time_steps(const workload *w, bench *b, double seconds, samples *out) {
    int64_t number = 0;
    for (; number < WARM_UP; number++) CT_TRY(one_step(w, b, number));
    for (double end = ct_now() + seconds; ct_now() < end || out->n < LEAST; number++) {
        double start = ct_now();
        CT_TRY(one_step(w, b, number));
        CT_TRY(add_sample(out, ct_now() - start));
    }
    qsort(out->s, out->n, sizeof *out->s, by_value);
    return CT_OK;
}

static ct_status run(const workload *w, const options *o) {
    bench b = {0};
    samples s = {0};
    ct_scope *scope = ct_scope_open();
    if (!scope) return CT_NO_MEMORY;
    ct_status status = bench_new(w, o->precision, &b);
    if (!status) status = time_steps(w, &b, o->seconds, &s);
    ct_plan *plan;
    if (!status) status = ct_step_plan(b.step, w->batch, w->train ? CT_STEP_TRAIN : CT_STEP_FORWARD, &plan);
    if (!status) {
        double median = (s.s[(s.n - 1) / 2] + s.s[s.n / 2]) / 2, all = 0;
        for (size_t i = 0; i < s.n; i++) all += s.s[i];
        printf("{\"workload\": \"%s\", \"median_s\": %.7f, \"mean_s\": %.7f, \"min_s\": %.7f, \"per_s\": %.1f, "
               "\"operations\": %.0f, "
               "\"threads\": %d, \"kernels\": \"%s\", \"precision\": \"%s\", \"launches\": %d}\n",
               w->name, median, all / (double)s.n, s.s[0], (double)w->batch / median, operations(w), ct_threads(),
               ct_backend_name(), ct_precision_name(b.spec), ct_plan_launches(plan));
    }
    ct_free(s.s);
    bench_free(&b);
    ct_status closed = ct_scope_close(scope);
    return status ? status : closed;
}

/* ---- the product rate ---- */

#define SIZE 2048
typedef int sgemm_fn(char ta, char tb, int64_t m, int64_t n, int64_t k, float alpha, const float *a, int64_t lda,
                     const float *b, int64_t ldb, float beta, float *c, int64_t ldc);

/* oneDNN's, where there is one: opened here, so that this measures it whatever the library was built with. */
static sgemm_fn *find_sgemm(void) {
    void *lib = dlopen("libdnnl.so.3", RTLD_NOW);
    if (!lib) lib = dlopen("libdnnl.so.2", RTLD_NOW);
    void *symbol = lib ? dlsym(lib, "dnnl_sgemm") : NULL;
    sgemm_fn *fn;
    memcpy(&fn, &symbol, sizeof fn);
    return fn;
}

/* Operations a second of a product of 2048 x 2048 matrices, the best of several. sgemm NULL: ours. */
static double product_rate(sgemm_fn *sgemm, ct_tensor *a, ct_tensor *b, float *c) {
    double best = INFINITY;
    for (int i = 0; i < 16; i++) {
        ct_scope *scope = ct_scope_open();
        double start = ct_now();
        if (sgemm)
            sgemm('N', 'N', SIZE, SIZE, SIZE, 1, ct_data(a), SIZE, ct_data(b), SIZE, 0, c, SIZE);
        else
            ct_matmul(a, b);
        best = CT_MIN(best, ct_now() - start);
        if (!scope || ct_scope_close(scope)) return 0;
    }
    return 2.0 * SIZE * SIZE * SIZE / best;
}

static ct_status peak(void) {
    ct_scope *scope = ct_scope_open();
    if (!scope) return CT_NO_MEMORY;
    float *c = ct_alloc_aligned((size_t)SIZE * SIZE, sizeof *c);
    ct_tensor *a = ct_full(CT_F32, CT_DIMS(SIZE, SIZE), 0.5), *b = ct_full(CT_F32, CT_DIMS(SIZE, SIZE), 0.25);
    sgemm_fn *sgemm = find_sgemm();
    double ours = c && !ct_why(b) ? product_rate(NULL, a, b, c) : 0;
    double theirs = ours > 0 && sgemm ? product_rate(sgemm, a, b, c) : 0;
    ct_free(c);
    CT_TRY(ct_scope_close(scope));
    printf("{\"peak\": %.4g, \"ctorch\": %.4g, \"onednn\": %.4g}\n", CT_MAX(ours, theirs), ours, theirs);
    return CT_OK;
}

/* ---- the command line ---- */

static int usage(void) {
    fputs("usage: step [WORKLOAD ...] [--seconds S] [--threads N] [--isa NAME] [--passes LIST] [--bf16] "
          "[--peak]\nworkloads:",
          stderr);
    for (int i = 0; i < CT_COUNT(workloads); i++) fprintf(stderr, " %s", workloads[i].name);
    fputc('\n', stderr);
    return 2;
}

static bool read_options(int argc, char **argv, options *o) {
    for (int i = 1; i < argc; i++) {
        const char *a = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;
        int k = 0;
        while (k < CT_COUNT(workloads) && strcmp(a, workloads[k].name)) k++;
        if (k < CT_COUNT(workloads))
            o->chosen[k] = o->any = true;
        else if (!strcmp(a, "--peak"))
            o->peak = true;
        else if (!strcmp(a, "--bf16"))
            o->precision = CT_PRECISION_BF16;
        else if (!value)
            return false;
        else if (!strcmp(a, "--seconds"))
            o->seconds = atof(value), i++;
        else if (!strcmp(a, "--threads"))
            ct_set_threads(atoi(value)), i++;
        else if (!strcmp(a, "--isa"))
            o->isa = value, i++;
        else if (!strcmp(a, "--passes"))
            o->passes = value, i++;
        else
            return false;
    }
    return true;
}

int main(int argc, char **argv) {
    options o = {.seconds = 4};
    if (!read_options(argc, argv, &o)) return usage();
    ct_flush_denormals();
    ct_status status = ct_backend_use(o.isa);
    if (!status && o.passes) status = ct_passes_use(o.passes);
    if (!status && o.peak) status = peak();
    for (int k = 0; k < CT_COUNT(workloads) && !status; k++)
        if (o.chosen[k] || (!o.any && !o.peak)) status = run(&workloads[k], &o);
    if (status) fprintf(stderr, "step: %s\n", ct_error());
    return status ? 1 : 0;
}
