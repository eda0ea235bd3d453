/* The optimizers: one pass over all parameters, in chunks. Inputs are n params, n grads, lists of n states, lr and
   step; outputs the new params and states, which may lie in the old ones' place. */
#include "base/alloc.h"
#include "base/parallel.h"
#include "kernels/cpu/layout.h"
#include "kernels/cpu/simd.h"
#include <math.h>
#include <string.h>

#define CHUNK 16384
#define LISTS 4 /* at most: params and three states */

typedef struct chunk {
    int param;
    int64_t begin, n;
} chunk;

typedef struct update_state {
    int n, lists; /* params; lists of outputs */
    int64_t chunks;
    chunk chunk[];
} update_state;

/* What a formula knows of a step. */
typedef struct moment {
    const void *args;
    double lr, step;
} moment;

/* n elements with gradients g: old[0] params and old[1...] states as they were, new[...] as they become. */
typedef void update_fn(const moment *now, int64_t n, const float *g, const float *const *old, float *const *new);

static ct_status update_prepare(const ct_call *call, void **state, size_t *workspace) {
    int n = call->n_in - 2 - call->n_out;
    if (n <= 0 || call->n_out % n || call->n_out / n > LISTS) return CT_UNSUPPORTED;
    int64_t chunks = 0;
    for (int i = 0; i < n; i++) chunks += div_up_i64(ct_layout_numel(&call->in[i]), CHUNK);
    for (int i = 0; i < call->n_in - 2 + call->n_out; i++) {
        const ct_layout *l = i < call->n_in - 2 ? &call->in[i] : &call->out[i - call->n_in + 2], *p = &call->in[i % n];
        bool absent = i / n == 1 && l->dtype == CT_NONE;
        if (!absent && (l->dtype != CT_F32 || !layout_same(l, p) || !layout_dense(p))) return CT_UNSUPPORTED;
    }
    for (int i = call->n_in - 2; i < call->n_in; i++) {
        ct_dtype dtype = call->in[i].dtype;
        if (dtype != CT_F32 && dtype != CT_F64 && dtype != CT_I64) return CT_UNSUPPORTED;
    }
    update_state *s = ct_alloc(1, sizeof *s + (size_t)chunks * sizeof *s->chunk);
    if (!s) return CT_NO_MEMORY;
    s->n = n, s->lists = call->n_out / n;
    for (int i = 0; i < n; i++)
        for (int64_t at = 0, size = ct_layout_numel(&call->in[i]); at < size; at += CHUNK)
            s->chunk[s->chunks++] = (chunk){i, at, CT_MIN(CHUNK, size - at)};
    *state = s;
    *workspace = 0;
    return CT_OK;
}

/* ---- formulas ---- */

static void sgd(const moment *now, int64_t n, const float *g, const float *const *old, float *const *new) {
    const ct_sgd_args *a = now->args;
    const float *p = old[0], *buffer = old[1], lr = (float)now->lr, decay = (float)a->weight_decay;
    float *q = new[0], *m = new[1], momentum = (float)a->momentum;
    if (!a->momentum) {
#pragma omp simd
        for (int64_t i = 0; i < n; i++) q[i] = p[i] - lr * (g[i] + decay * p[i]);
        if (m && m != buffer) memcpy(m, buffer, (size_t)n * sizeof *m);
        return;
    }
    float keep = now->step == 1 ? 0 : momentum, fresh = now->step == 1 ? 1 : (float)(1 - a->dampening);
    float direct = a->nesterov ? 1 : 0, ahead = a->nesterov ? momentum : 1;
#pragma omp simd
    for (int64_t i = 0; i < n; i++) {
        float grad = g[i] + decay * p[i], moving = keep * buffer[i] + fresh * grad;
        m[i] = moving;
        q[i] = p[i] - lr * (direct * grad + ahead * moving);
    }
}

typedef struct adam_rule {
    float l2, shrink;                           /* weight_decay, joined to the gradient or as a factor of the weights */
    float rest1, beta2, rest2, eps, size, root; /* rest: 1 - beta; root: of 1 - beta2^step */
} adam_rule;

static adam_rule rule_of(const moment *now, const double *betas, double eps) {
    double size = now->lr / (1 - pow(betas[0], now->step)), root = sqrt(1 - pow(betas[1], now->step));
    return (adam_rule){.shrink = 1,
                       .rest1 = (float)(1 - betas[0]),
                       .beta2 = (float)betas[1],
                       .rest2 = (float)(1 - betas[1]),
                       .eps = (float)eps,
                       .size = (float)size,
                       .root = (float)root};
}

CT_INLINE void adam_step(adam_rule r, bool amsgrad, int64_t n, const float *g, const float *const *old,
                         float *const *new) {
    const float *p = old[0], *m = old[1], *v = old[2], *most = old[amsgrad ? 3 : 2];
    float *new_p = new[0], *new_m = new[1], *new_v = new[2], *new_most = new[amsgrad ? 3 : 2];
#pragma omp simd
    for (int64_t i = 0; i < n; i++) {
        float grad = g[i] + r.l2 * p[i], mean = m[i] + r.rest1 * (grad - m[i]);
        float square = r.beta2 * v[i] + r.rest2 * grad * grad, largest = square;
        if (amsgrad) largest = most[i] > square ? most[i] : square, new_most[i] = largest;
        new_m[i] = mean, new_v[i] = square;
        new_p[i] = r.shrink * p[i] - r.size * mean / (__builtin_sqrtf(largest) / r.root + r.eps);
    }
}

static void adam(const moment *now, int64_t n, const float *g, const float *const *old, float *const *new) {
    const ct_adam_args *a = now->args;
    adam_rule r = rule_of(now, a->betas, a->eps);
    r.l2 = (float)a->weight_decay;
    if (a->amsgrad)
        adam_step(r, true, n, g, old, new);
    else
        adam_step(r, false, n, g, old, new);
}

static void adamw(const moment *now, int64_t n, const float *g, const float *const *old, float *const *new) {
    const ct_adamw_args *a = now->args;
    adam_rule r = rule_of(now, a->betas, a->eps);
    r.shrink = (float)(1 - now->lr * a->weight_decay);
    if (a->amsgrad)
        adam_step(r, true, n, g, old, new);
    else
        adam_step(r, false, n, g, old, new);
}

/* States: the average of the gradient's square; with momentum, its buffer; if centered, the average of the gradient. */
CT_INLINE void rmsprop_step(const moment *now, bool moves, bool centered, int64_t n, const float *g,
                            const float *const *old, float *const *new) {
    const ct_rmsprop_args *a = now->args;
    const int b = moves ? 2 : 0, c = !centered ? 0 : moves ? 3 : 2;
    const float *p = old[0], *v = old[1], *buffer = old[b], *average = old[c];
    float *new_p = new[0], *new_v = new[1], *new_buffer = new[b], *new_average = new[c];
    float lr = (float)now->lr, decay = (float)a->weight_decay, alpha = (float)a->alpha, rest = (float)(1 - a->alpha);
    float eps = (float)a->eps, momentum = (float)a->momentum;
#pragma omp simd
    for (int64_t i = 0; i < n; i++) {
        float grad = g[i] + decay * p[i], square = alpha * v[i] + rest * grad * grad, size = square;
        if (centered) {
            float mean = average[i] + rest * (grad - average[i]);
            new_average[i] = mean;
            size = square - mean * mean;
        }
        float step = grad / (__builtin_sqrtf(size) + eps);
        if (moves) step += momentum * buffer[i], new_buffer[i] = step;
        new_v[i] = square;
        new_p[i] = p[i] - lr * step;
    }
}

static void rmsprop(const moment *now, int64_t n, const float *g, const float *const *old, float *const *new) {
    const ct_rmsprop_args *a = now->args;
    bool moves = a->momentum > 0;
    if (moves && a->centered)
        rmsprop_step(now, true, true, n, g, old, new);
    else if (moves)
        rmsprop_step(now, true, false, n, g, old, new);
    else if (a->centered)
        rmsprop_step(now, false, true, n, g, old, new);
    else
        rmsprop_step(now, false, false, n, g, old, new);
}

/* ---- the pass ---- */

typedef struct update_run {
    const update_state *s;
    const void *const *in;
    void *const *out;
    update_fn *formula;
    moment now;
} update_run;

static void update_chunks(void *ctx, int64_t begin, int64_t end) {
    const update_run *r = ctx;
    int n = r->s->n, lists = r->s->lists;
    for (int64_t c = begin; c < end; c++) {
        chunk at = r->s->chunk[c];
        const float *old[LISTS] = {0}, *g = r->in[n + at.param];
        float *new[LISTS] = {0};
        for (int j = 0; j < lists; j++) {
            old[j] = (const float *)r->in[(j ? j + 1 : 0) * n + at.param] + at.begin;
            new[j] = (float *)r->out[j * n + at.param] + at.begin;
        }
        if (g) r->formula(&r->now, at.n, g + at.begin, old, new);
        for (int j = 0; j < lists && !g; j++) /* without a gradient all is handed on */
            if (new[j] != old[j]) memcpy(new[j], old[j], (size_t)at.n * sizeof(float));
    }
}

static double number_of(const ct_layout *l, const void *p) {
    if (l->dtype == CT_F32) return (double)*(const float *)p;
    return l->dtype == CT_F64 ? *(const double *)p : (double)*(const int64_t *)p;
}

static void update(update_fn *formula, const ct_call *call, void *state, const void *const *in, void *const *out) {
    const update_state *s = state;
    int lr = call->n_in - 2, step = lr + 1;
    moment now = {call->args, number_of(&call->in[lr], in[lr]), number_of(&call->in[step], in[step])};
    update_run r = {s, in, out, formula, now};
    ct_parallel(s->chunks, 2, update_chunks, &r);
}

#define UPDATE(name)                                                                                     \
    static void name##_run(const ct_exec *exec, const ct_call *call, void *state, const void *const *in, \
                           void *const *out) {                                                           \
        (void)exec;                                                                                      \
        update(name, call, state, in, out);                                                              \
    }                                                                                                    \
    const ct_kernel CT_ISA_NAME(ct_cpu_##name) = {.prepare = update_prepare, .run = name##_run};
UPDATE(sgd) UPDATE(adam) UPDATE(adamw) UPDATE(rmsprop)
