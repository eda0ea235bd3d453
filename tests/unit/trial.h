/* Trials of a kernel: operands of any layout, a run on a backend, and the comparison of every instruction set's kernel
   with the plain one. */
#ifndef CT_TESTS_TRIAL_H
#define CT_TESTS_TRIAL_H
#include "base/alloc.h"
#include "base/parallel.h"
#include "kernels/backend.h"
#include "tests/unit/check.h"
#include <stdlib.h>

#define MAX 32 /* operands */
typedef struct operand {
    ct_layout l;
    char *data; /* where the elements are */
    size_t bytes;
} operand;
typedef struct trial {
    int n_in, n_out;
    operand in[MAX], out[MAX];
} trial;

enum { PLAIN, LAST, SWAPPED }; /* row-major; (N, C, ...) with C innermost; the last two dimensions swapped */

static uint32_t seed = 1;
static uint32_t next_random(void) { return (seed = seed * 1664525u + 1013904223u) >> 8; }
static float normal(void) {
    float s = 0;
    for (int i = 0; i < 4; i++) s += (float)next_random() * 0x1p-24f - 0.5f;
    return s * 1.7f;
}

static ct_layout layout(ct_dtype dtype, int order, int n, const int64_t *size) {
    ct_layout l = {.dtype = dtype, .ndim = n};
    int at[CT_MAX_DIMS];
    for (int i = 0; i < n; i++) at[i] = i, l.size[i] = size[i];
    if (order == LAST && n > 2) {
        for (int i = 1; i < n - 1; i++) at[i] = i + 1;
        at[n - 1] = 1;
    }
    if (order == SWAPPED && n > 1) at[n - 1] = n - 2, at[n - 2] = n - 1;
    int64_t step = 1;
    for (int i = n - 1; i >= 0; step *= l.size[at[i--]]) l.stride[at[i]] = step;
    return l;
}
#define SIZES(...) \
    (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), (int64_t[]) { __VA_ARGS__ }
#define F32(order, ...) layout(CT_F32, order, SIZES(__VA_ARGS__))
#define I64(order, ...) layout(CT_I64, order, SIZES(__VA_ARGS__))
static const ct_layout number = {.dtype = CT_F32}, absent = {.dtype = CT_NONE};

static operand operand_new(ct_layout l) {
    operand o = {.l = l};
    if (l.dtype == CT_NONE) return o;
    o.bytes = (size_t)ct_layout_numel(&l) * (l.dtype == CT_I64 ? 8 : l.dtype == CT_BOOL ? 1 : 4);
    o.data = malloc(o.bytes ? o.bytes : 1);
    memset(o.data, 0xff, o.bytes);
    return o;
}

static operand *input(trial *t, ct_layout l) {
    operand *o = &t->in[t->n_in++];
    *o = operand_new(l);
    for (size_t i = 0; l.dtype == CT_F32 && i < o->bytes / 4; i++) ((float *)o->data)[i] = normal();
    return o;
}
static operand *positive(trial *t, ct_layout l) {
    operand *o = input(t, l);
    for (size_t i = 0; i < o->bytes / 4; i++) ((float *)o->data)[i] = fabsf(((float *)o->data)[i]) + 0.1f;
    return o;
}
static inline operand *integers(trial *t, ct_layout l, int64_t below) {
    operand *o = input(t, l);
    for (size_t i = 0; i < o->bytes / 8; i++) ((int64_t *)o->data)[i] = next_random() % below;
    return o;
}
static void output(trial *t, ct_layout l) { t->out[t->n_out++] = operand_new(l); }

static ct_call call_of(int op, const trial *t, const void *args, ct_layout *in, ct_layout *out) {
    for (int i = 0; i < t->n_in; i++) in[i] = t->in[i].l;
    for (int i = 0; i < t->n_out; i++) out[i] = t->out[i].l;
    return (ct_call){op, t->n_in, t->n_out, in, out, .args = args};
}

/* Runs op on a backend into fresh outputs. */
static ct_status run_on(const ct_backend *backend, int op, trial *t, const void *args, int64_t *bad) {
    ct_layout in_l[MAX], out_l[MAX];
    ct_call call = call_of(op, t, args, in_l, out_l);
    const ct_kernel *kernel = backend->kernel[op];
    void *state = NULL, *out[MAX];
    const void *in[MAX];
    size_t bytes = 0;
    _Atomic int64_t word = 0;
    ct_status status = kernel->prepare ? kernel->prepare(&call, &state, &bytes) : CT_OK;
    if (status) return status;
    ct_exec exec = {.workspace = ct_alloc_aligned(bytes, 1), .bad = &word};
    memset(exec.workspace, 0xff, bytes);
    for (int i = 0; i < t->n_in; i++) in[i] = t->in[i].data;
    for (int i = 0; i < t->n_out; i++) out[i] = t->out[i].data;
    for (int i = 0; i < t->n_out; i++)
        if (out[i]) memset(out[i], 0xff, t->out[i].bytes);
    kernel->run(&exec, &call, state, in, out);
    ct_free(exec.workspace);
    if (kernel->release)
        kernel->release(state);
    else
        ct_free(state);
    *bad = word;
    return CT_OK;
}

static void copy_outputs(const trial *t, char **to) {
    for (int i = 0; i < t->n_out; i++) {
        to[i] = malloc(t->out[i].bytes + 1);
        if (t->out[i].bytes) memcpy(to[i], t->out[i].data, t->out[i].bytes);
    }
}
static void drop_outputs(const trial *t, char **p) {
    for (int i = 0; i < t->n_out; i++) free(p[i]);
}
/* Bit for bit. */
static int same_outputs(const trial *t, char **a) {
    for (int i = 0; i < t->n_out; i++)
        if (t->out[i].bytes && memcmp(a[i], t->out[i].data, t->out[i].bytes)) return 0;
    return 1;
}

/* The relative distance of floats, in the norm; 0 or 1 for integers. */
static double distance(const operand *got, const char *want) {
    double d = 0, w = 0;
    if (!got->bytes) return 0;
    if (got->l.dtype != CT_F32) return memcmp(got->data, want, got->bytes) ? 1 : 0;
    for (size_t i = 0; i < got->bytes / 4; i++) {
        double a = ((const float *)got->data)[i], b = ((const float *)want)[i];
        if ((isnan(a) && isnan(b)) || (isinf(b) && a == b)) continue;
        d += (a - b) * (a - b), w += b * b;
    }
    return sqrt(d) / fmax(sqrt(w), 1e-6);
}

static const char *trial_name;
static int fused(const char *isa) { return !strcmp(isa, "v3") || !strcmp(isa, "v4"); }

static void compare(int op, trial *t, const void *args, double tolerance) {
    char *want[MAX], *first[MAX], *fast[MAX] = {0};
    int64_t want_bad, bad;
    if (!CHECK(run_on(&ct_backend_ref, op, t, args, &want_bad) == CT_OK)) return;
    copy_outputs(t, want);
    for (const ct_backend_choice *c = ct_backends_cpu; c->backend; c++) {
        if (!c->runs()) continue;
        int failed = check_failed;
        static const int counts[] = {1, 2, 7};
        for (int i = 0; i < CT_COUNT(counts); i++) {
            ct_set_threads(counts[i]);
            ct_status status = run_on(c->backend, op, t, args, &bad);
            if (!CHECK(status == CT_OK)) break;
            if (i == 0)
                copy_outputs(t, first);
            else
                CHECK(same_outputs(t, first));
            CHECK(!!bad == !!want_bad);
        }
        if (check_failed != failed) printf("    in %s on %s\n", trial_name, c->backend->name);
        if (check_failed != failed) break;
        for (int i = 0; i < t->n_out; i++) {
            double d = distance(&t->out[i], want[i]);
            if (!CHECK(d <= tolerance))
                printf("    %s on %s: output %d is off by %.3g\n", trial_name, c->backend->name, i, d);
        }
        if (fused(c->backend->name) && fast[0] && !CHECK(same_outputs(t, fast)))
            printf("    in %s: v3 is not v4\n", trial_name);
        if (fused(c->backend->name) && !fast[0]) copy_outputs(t, fast);
        drop_outputs(t, first);
    }
    if (fast[0]) drop_outputs(t, fast);
    drop_outputs(t, want);
}

static void end(trial *t) {
    for (int i = 0; i < t->n_in; i++) free(t->in[i].data);
    for (int i = 0; i < t->n_out; i++) free(t->out[i].data);
    *t = (trial){0};
}

#define TRY(op, args, tolerance) (trial_name = #op, compare(CT_OP_##op, &t, args, tolerance), end(&t))
#endif
