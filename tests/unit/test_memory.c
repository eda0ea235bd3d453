/* Memory that runs out: the Nth allocation of the process fails, once or from then on, for each N until nothing is
   asked for any more. Every time there is an error, no crash, and nothing is left behind. */
#include "base/alloc.h"
#include "check.h"
#include "run/model.h"
#include "run/train.h"
#include "scratch.h"
#include <dlfcn.h>
#include <errno.h>
#include <unistd.h>

/* ---- the process's allocator, in front of the real one (a sanitizer's, where there is one) ---- */
static struct {
    void *(*malloc)(size_t), *(*calloc)(size_t, size_t), *(*realloc)(void *, size_t);
    int (*posix_memalign)(void **, size_t, size_t);
    void (*free)(void *);
} real;
static long asked, fail_at, live; /* fail_at 0: never */
static bool for_good, failed;
static char early[8192]; /* for dlsym itself */
static size_t early_used;

static bool is_early(const void *p) { return (const char *)p >= early && (const char *)p < early + sizeof early; }

static void *early_alloc(size_t n) {
    void *p = early + early_used;
    early_used += (n + 15) & ~(size_t)15;
    return early_used <= sizeof early ? p : NULL;
}

static bool find_real(void) {
    static bool finding;
    if (real.free) return true;
    if (finding) return false;
    finding = true;
    *(void **)&real.malloc = dlsym(RTLD_NEXT, "malloc");
    *(void **)&real.calloc = dlsym(RTLD_NEXT, "calloc");
    *(void **)&real.realloc = dlsym(RTLD_NEXT, "realloc");
    *(void **)&real.posix_memalign = dlsym(RTLD_NEXT, "posix_memalign");
    *(void **)&real.free = dlsym(RTLD_NEXT, "free");
    return true;
}

static bool refused(void) {
    asked++;
    bool now = fail_at && (for_good ? asked >= fail_at : asked == fail_at);
    failed |= now;
    if (now) errno = ENOMEM;
    return now;
}

static void *counted(void *p) {
    live += p != NULL;
    return p;
}

void *malloc(size_t n) {
    if (!find_real()) return early_alloc(n);
    return refused() ? NULL : counted(real.malloc(n));
}
void *calloc(size_t n, size_t size) {
    if (!find_real()) return early_alloc(n * size);
    return refused() ? NULL : counted(real.calloc(n, size));
}
void *realloc(void *p, size_t n) {
    if (!find_real() || refused()) return NULL;
    return p ? real.realloc(p, n) : counted(real.realloc(p, n));
}
int posix_memalign(void **p, size_t align, size_t n) {
    if (!find_real() || refused()) return ENOMEM;
    int error = real.posix_memalign(p, align, n);
    live += !error;
    return error;
}
char *strdup(const char *s) { /* a sanitizer's does not ask malloc */
    size_t n = strlen(s) + 1;
    char *p = malloc(n);
    return p ? memcpy(p, s, n) : NULL;
}
void free(void *p) {
    if (!p || is_early(p)) return;
    live--;
    real.free(p);
}

/* ---- what is tried: CT_OK, or what went wrong; out: a number that a whole run always ends with ---- */
typedef ct_status trial(double *out);

static ct_status steps(ct_module *m, ct_optim *o, ct_lr_scheduler *rate, double *loss) {
    int n;
    ct_tensor *const *params = ct_module_params(m, &n);
    for (int i = 0; i < 2; i++) {
        ct_scope *scope = ct_scope_open();
        ct_tensor *x = ct_rand(CT_F32, CT_DIMS(3, 2, 2)), *y = ct_randint(0, 3, CT_DIMS(3));
        ct_tensor *l = ct_cross_entropy(ct_module_forward(m, x), y, NULL, (ct_cross_entropy_args){0});
        ct_optim_zero_grad(o);
        ct_backward(l);
        ct_clip_grad_norm(params, n, 1);
        ct_optim_step(o);
        ct_lr_scheduler_step(rate, 0);
        *loss = ct_item(l);
        CT_TRY(ct_scope_close(scope));
    }
    return CT_OK;
}

/* A model built and trained as a C program does it. */
static ct_status through_the_api(double *out) {
    ct_manual_seed(3);
    int n;
    ct_scope *scope = ct_scope_open();
    ct_module *m = ct_module_open("[flatten, linear: 4, relu, dropout: 0.5, linear: 3]", CT_F32, CT_DIMS(2, 2));
    ct_tensor *const *params = ct_module_params(m, &n);
    ct_optim *o = ct_optim_open("adam: {lr: 1e-2, amsgrad: true}", params, n);
    ct_lr_scheduler *rate = ct_lr_scheduler_open("cosine: {T_max: 5}", o);
    ct_status status = steps(m, o, rate, out);
    ct_lr_scheduler_free(rate), ct_optim_free(o), ct_module_free(m);
    ct_status closed = ct_scope_close(scope);
    return status ? status : closed;
}

static const char *const text = "vars: {width: 4}\n"
                                "blocks: {wide: {params: {n: 2}, layers: [linear: $n*$width, relu]}}\n"
                                "model: [flatten, wide: {n: 1}, residual: [linear: 4], linear: 3]\n"
                                "loss: cross_entropy\n"
                                "optimizer: {sgd: {lr: 0.1, momentum: 0.9}, groups: {'*.bias': {lr: 0.01}}}\n"
                                "train: {clip_grad_norm: 1}\n";

/* A spec's step: from a plan, or define-by-run. */
static ct_status run_step(bool eager, double *out) {
    ct_spec *spec = NULL;
    ct_net net = {0};
    ct_fields fields;
    ct_optim *o = NULL;
    ct_step *s = NULL;
    ct_step_result r = {0};
    ct_layout input = ct_layout_of(CT_F32, CT_DIMS(3, 1, 2, 2));
    ct_status status = ct_spec_parse("spec", text, strlen(text), NULL, &spec, NULL);
    ct_fields_classes(&input, 3, &fields);
    if (!status) status = ct_net_build(spec, &fields, NULL, NULL, &net);
    if (!status) status = ct_run_optimizer(spec, net.module, &o);
    if (!status) status = ct_step_new(&net, o, 3, eager, &s);
    for (int i = 0; !status && i < 2; i++) status = ct_step_train(s, 3, i, &r);
    if (!status) status = ct_step_eval(s, 2, true, &r);
    *out = r.loss;
    ct_step_free(s), ct_optim_free(o), ct_net_free(&net), ct_spec_free(spec);
    return status;
}
static ct_status planned_step(double *out) { return run_step(false, out); }
static ct_status eager_step(double *out) { return run_step(true, out); }

static ct_status load_spec(const char *name, double *out) {
    ct_spec *spec = NULL;
    char *messages = NULL;
    ct_status status = ct_spec_load(at(name), (const char *[]){"train.epochs=3", NULL}, &spec, &messages);
    *out = messages ? (double)strlen(messages) : 0;
    ct_text_free(messages);
    ct_spec_free(spec);
    return status;
}
static ct_status good_spec(double *out) { return load_spec("good.yaml", out); }

/* Its mistakes are what there is to say, all of them, or that there was no memory. */
static ct_status wrong_spec(double *out) {
    ct_status status = load_spec("wrong.yaml", out);
    return status == CT_BAD_SPEC && *out > 0 ? CT_OK : status;
}

static ct_status save_and_load(double *out) {
    ct_scope *scope = ct_scope_open();
    ct_module *m = ct_module_open("[linear: 2]", CT_F32, CT_DIMS(2));
    ct_status status = ct_module_save(m, at("weights"));
    if (!status) status = ct_module_load(m, at("weights"));
    *out = (double)ct_module_trained(m);
    ct_module_free(m);
    ct_status closed = ct_scope_close(scope);
    return status ? status : closed;
}

/* An average's weights taken and given back, in a run made while there is memory: whatever fails, the buffers are what
   they were once they are given back. */
static ct_status averaged_run(double *out) {
    long at_ = fail_at;
    fail_at = 0;
    ct_spec *spec = NULL;
    ct_train_report unused;
    ct_train_options none = {0};
    ct_scope *scope = ct_scope_open();
    ct_status status = ct_spec_load(at("averaged.yaml"), NULL, &spec, NULL);
    ct_run r = ct_run_begin(spec, &none, &unused);
    if (!status) status = ct_run_make(&r, false, NULL);
    r.state.epoch = 2;
    if (!status) status = ct_run_average_epoch(&r);
    const ct_module *norm = r.net.module->child[0];
    float *mean = ct_data(ct_param_named(norm, "running_mean")), first = mean[0];
    mean[0] = 7, asked = 0, fail_at = status ? 0 : at_;
    if (!status) status = ct_run_average_enter(&r);
    *out = mean[0];
    ct_status back = ct_run_average_leave(&r);
    fail_at = 0;
    if (!CHECK(back || mean[0] == 7)) printf("    a buffer is %g, not 7 (%g)\n", mean[0], first);
    ct_run_free(&r), ct_spec_free(spec);
    ct_status closed = ct_scope_close(scope);
    return status ? status : back ? back : closed;
}

/* ---- functions of tensors ---- */
static ct_tensor *curve(ct_tensor *const *in, int n, void *ctx) {
    (void)n, (void)ctx;
    return ct_mul(ct_softmax(in[0], (ct_dim_args){0}), ct_tanh(in[1]));
}
static ct_tensor *total(ct_tensor *const *in, int n, void *ctx) {
    return ct_sum(curve(in, n, ctx), (ct_reduce_args){0});
}

/* Recomputed, differentiated as functions, and mapped. */
static ct_status transforms(double *out) {
    ct_scope *scope = ct_scope_open();
    ct_manual_seed(4);
    ct_tensor *in[] = {ct_requires_grad(ct_rand(CT_F32, CT_DIMS(3)), true), ct_rand(CT_F32, CT_DIMS(3))};
    ct_tensor *rows[] = {ct_rand(CT_F32, CT_DIMS(2, 3)), ct_rand(CT_F32, CT_DIMS(2, 3))}, *d[2] = {0}, *h[4] = {0}, *y;
    ct_status status = ct_backward(ct_sum(ct_checkpoint(curve, NULL, in, 2), (ct_reduce_args){0}));
    if (!status) status = ct_vjp(curve, NULL, in, 2, in[1], true, &y, d);
    if (!status) status = ct_hessian(total, NULL, in, 2, false, h);
    y = ct_vmap(curve, NULL, rows, 2, (ct_vmap_args){0});
    *out =
        status ? 0 : ct_item(ct_sum(y, (ct_reduce_args){0})) + ct_item(ct_sum(ct_add(d[0], h[1]), (ct_reduce_args){0}));
    ct_status closed = ct_scope_close(scope);
    return status ? status : closed;
}

/* In 16 bits, over planes, in place, in parts, and by value. */
static ct_status many_ways(double *out) {
    ct_scope *scope = ct_scope_open();
    ct_manual_seed(5);
    ct_tensor *x = ct_requires_grad(ct_to(ct_rand(CT_F32, CT_DIMS(1, 2, 3, 2, 2)), CT_BF16), true), *part[3], *sum;
    ct_tensor *w = ct_uniform_(ct_zeros(CT_BF16, CT_DIMS(2, 2, 2, 2, 2)), -1, 1);
    ct_tensor *y = ct_conv3d(x, w, NULL, (ct_conv3d_args){.padding = {CT_SAME}});
    ct_status status = ct_unbind(y, 2, part);
    sum = status ? y : ct_sum(ct_mul(part[0], part[2]), (ct_reduce_args){0});
    if (!status) status = ct_backward(sum);
    ct_tensor *most = ct_amax(ct_unique(ct_detach(y), NULL, NULL), (ct_reduce_args){0});
    *out = status ? 0 : ct_item(most) + ct_item(ct_sum(ct_grad(x), (ct_reduce_args){0}));
    ct_status closed = ct_scope_close(scope);
    return status ? status : closed;
}

/* ---- every N ---- */
/* One allocation fails, or all from it on; false when none was asked for any more. */
static bool check_one(const char *name, trial *t, double want, int *unharmed) {
    double got;
    long before = live, n = fail_at;
    asked = 0, failed = false;
    ct_status status = t(&got);
    fail_at = 0;
    bool same = !status && got == want;
    *unharmed += failed && same && t != wrong_spec;
    if (!CHECK(same || (failed && (t == wrong_spec || (status && *ct_error())))))
        printf("    %s: allocation %ld: status %d, %g (%g)\n", name, n, status, got, want);
    if (!CHECK(live == before)) printf("    %s: allocation %ld: %ld left behind\n", name, n, live - before);
    return failed;
}

static void check(const char *name, trial *t) {
    double want;
    int unharmed = 0;
    ct_status status = t(&want); /* what is made once and stays is made here */
    if (!CHECK(status == CT_OK)) {
        printf("    %s: %s\n", name, ct_error());
        return;
    }
    for (int good = 0; good < 2; good++) {
        for_good = good, fail_at = 0;
        for (long n = 1, more = 1; more; n++) fail_at = n, more = check_one(name, t, want, &unharmed);
    }
    /* libc's qsort does without its buffer, OpenSSL without a copy of a name */
    if (!CHECK(unharmed <= 4)) printf("    %s: %d failures without an error\n", name, unharmed);
    printf("%s: %ld allocations\n", name, asked);
}

/* ---- what a replay asks for ---- */

typedef struct trainee {
    ct_spec *spec;
    ct_net net;
    ct_optim *o;
    ct_step *s;
} trainee;

static bool trainee_new(trainee *t, const char *model, ct_layout input, int64_t batch) {
    char spec[1024];
    ct_fields fields;
    *t = (trainee){0};
    ct_fields_classes(&input, 10, &fields);
    snprintf(spec, sizeof spec, "model: %s\nloss: cross_entropy\noptimizer: {adam: {lr: 1e-3}}\n", model);
    return CHECK(ct_spec_parse("spec", spec, strlen(spec), NULL, &t->spec, NULL) == CT_OK) &&
           CHECK(ct_net_build(t->spec, &fields, NULL, NULL, &t->net) == CT_OK) &&
           CHECK(ct_run_optimizer(t->spec, t->net.module, &t->o) == CT_OK) &&
           CHECK(ct_step_new(&t->net, t->o, batch, false, &t->s) == CT_OK);
}

static void trainee_free(trainee *t) {
    ct_step_free(t->s), ct_optim_free(t->o), ct_net_free(&t->net), ct_spec_free(t->spec);
}

/* The allocations of steps and an evaluation that were there before. */
static void replay_asks_nothing(const char *model, ct_layout input) {
    trainee t;
    ct_step_result r;
    ct_scope *scope = ct_scope_open();
    bool ok = trainee_new(&t, model, input, 8);
    for (int i = 0; ok && i < 3; i++) {
        asked = 0;
        ok = CHECK(ct_step_train(t.s, 8, i, &r) == CT_OK && ct_step_train(t.s, 5, i, &r) == CT_OK &&
                   ct_step_eval(t.s, 8, true, &r) == CT_OK);
    }
    if (!CHECK(asked == 0)) printf("    %s: %ld allocations\n", model, asked);
    trainee_free(&t);
    CHECK(ct_scope_close(scope) == CT_OK);
}

/* A thousand shapes: the plans of those used longest ago go. */
static void many_shapes(void) {
    trainee t;
    ct_step_result r;
    ct_scope *scope = ct_scope_open();
    bool ok = trainee_new(&t, "[flatten, linear: 16, relu, linear: 10]", ct_layout_of(CT_F32, CT_DIMS(1, 8)), 1000);
    long before = live, middle = 0;
    for (int64_t n = 1000; ok && n > 0; n--) {
        ok = CHECK(ct_step_eval(t.s, n, true, &r) == CT_OK);
        if (n == 250) middle = live - before;
    }
    if (!CHECK(live - before < middle + middle / 20)) printf("    %ld, then %ld allocations\n", middle, live - before);
    asked = 0;
    CHECK(ct_step_eval(t.s, 1, true, &r) == CT_OK && asked == 0); /* the latest is kept */
    CHECK(ct_step_eval(t.s, 1000, true, &r) == CT_OK && asked > 0);
    trainee_free(&t);
    CHECK(ct_scope_close(scope) == CT_OK);
}

/* What ctorch bench does. */
static ct_status timed_step(double *out) {
    ct_bench *b = NULL;
    ct_bench_facts f = {0};
    ct_kernel_report *k = NULL;
    char *messages;
    int n = 0;
    ct_status status = ct_bench_open(at("timed.yaml"), &(ct_bench_options){.batch = 4}, &b, &messages);
    ct_text_free(messages);
    if (!status) status = ct_bench_step(b);
    if (!status) status = ct_bench_look(b, &f);
    if (!status) status = ct_bench_kernels(b, &k, &n);
    *out = status ? 0 : f.bytes + n;
    ct_kernels_free(k);
    ct_bench_close(b);
    return status;
}

/* Large memory asks for huge pages, where the system has them: its mapping says so. */
static void huge_pages(void) {
    size_t bytes = (size_t)32 << 20;
    char line[512], *p = ct_alloc_aligned(bytes, 1);
    uintptr_t at = (uintptr_t)p + bytes / 2;
    bool inside = false, asked_for = false;
    FILE *f = access("/sys/kernel/mm/transparent_hugepage/enabled", F_OK) ? NULL : fopen("/proc/self/smaps", "r");
    while (f && fgets(line, sizeof line, f)) {
        unsigned long from, to;
        if (sscanf(line, "%lx-%lx ", &from, &to) == 2) inside = from <= at && at < to;
        if (inside && !strncmp(line, "VmFlags:", 8)) asked_for = strstr(line, " hg");
    }
    CHECK(p && (!f || asked_for));
    if (f) fclose(f);
    ct_free(p);
}

int main(void) {
    ct_free(ct_alloc(1, 1));
    if (!asked) return puts("memory: 0 passed, 0 failed, 1 skipped"), 0; /* memcheck has an allocator of its own */
    if (!CHECK(scratch_open())) return 1;
    puts_in("good.yaml", "include: wrong.yaml\nloss: mse_loss\nvars: {lr: 0.1}\n");
    puts_in("wrong.yaml", "include: rest.yaml\nloss: mse_los\noptimizer: {sgd: {lr: 2*$lr}}\n");
    puts_in("rest.yaml", text);
    ct_set_threads(1);
    check("a step through the C API", through_the_api);
    check("a planned step", planned_step);
    check("an eager step", eager_step);
    puts_in("timed.yaml", "data: {dataset: random, shape: [4], classes: 3, samples: 6}\nmodel: [linear: 3]\n"
                          "loss: cross_entropy\noptimizer: {sgd: {lr: 0.1}}\n");
    check("a timed step", timed_step);
    puts_in("averaged.yaml", "data: {dataset: random, shape: [4], classes: 3, samples: 6, validation: 0}\n"
                             "model: [batch_norm, linear: 3]\nloss: cross_entropy\noptimizer: {sgd: {lr: 0.1}}\n"
                             "train: {swa: {start: 1}}\n");
    check("a run with averages", averaged_run);
    check("a spec", good_spec);
    check("a wrong spec", wrong_spec);
    check("save and load", save_and_load);
    check("transforms", transforms);
    check("many ways", many_ways);
    replay_asks_nothing("[flatten, linear: 128, relu, linear: 10]", ct_layout_of(CT_F32, CT_DIMS(1, 1, 28, 28)));
    replay_asks_nothing("[conv2d: {out_channels: 32, kernel_size: 3}, relu, max_pool2d: 2, dropout: 0.25, "
                        "conv2d: {out_channels: 16, kernel_size: 3, padding: 1, bias: false}, batch_norm, gelu, "
                        "flatten, linear: 10]",
                        ct_layout_of(CT_F32, CT_DIMS(1, 16, 14, 14)));
    many_shapes();
    huge_pages();
    scratch_close();
    return check_done("memory");
}
