/* The optimizers: one pass over all parameters, in chunks. Inputs are n params, n grads, lists of n states, lr and
   step; outputs the new params and states, which may lie in the old ones' place. */
#include "base/alloc.h"
#include "base/math.h"
#include "base/parallel.h"
#include "kernels/cpu/layout.h"
#include "kernels/cpu/lanes.h"
#include "kernels/nadam.h"
#include <math.h>
#include <string.h>

#define CHUNK 4096
#define LISTS 4 /* at most: params and three states */

typedef struct chunk {
    int param;
    int64_t begin, n;
} chunk;

typedef struct update_state {
    int n, lists;          /* params; lists of outputs */
    int64_t chunks, grain; /* grain: of them, worth a thread's while */
    chunk chunk[];
} update_state;

/* What a formula knows of a step. */
typedef struct moment {
    const void *args;
    double lr, step;
    double trust;         /* LAMB: the parameter's norm over its step's */
    ct_nadam_share nadam; /* of NAdam alone */
} moment;

/* n elements with gradients g: old[0] params and old[1...] states as they were, new[...] as they become. */
typedef void update_fn(const moment *now, int64_t n, const float *g, const float *const *old, float *const *new);

static ct_status update_prepare(const ct_call *call, void **state, size_t *workspace) {
    int n = call->n_in - 2 - call->n_out;
    if (n <= 0 || call->n_out % n || call->n_out / n > LISTS) return CT_UNSUPPORTED;
    int64_t chunks = 0, all = 0;
    for (int i = 0; i < n; i++) all += ct_layout_numel(&call->in[i]);
    for (int i = 0; i < n; i++) chunks += div_up_i64(ct_layout_numel(&call->in[i]), CHUNK);
    for (int i = 0; i < call->n_in - 2 + call->n_out; i++) {
        const ct_layout *l = i < call->n_in - 2 ? &call->in[i] : &call->out[i - call->n_in + 2], *p = &call->in[i % n];
        bool absent = i / n == 1 && l->dtype == CT_NONE;
        if (!absent && (l->dtype != CT_F32 || !ct_layout_alike(l, p) || !layout_dense(p))) return CT_UNSUPPORTED;
    }
    for (int i = call->n_in - 2; i < call->n_in; i++) {
        ct_dtype dtype = call->in[i].dtype;
        if (dtype != CT_F32 && dtype != CT_F64 && dtype != CT_I64) return CT_UNSUPPORTED;
    }
    update_state *s = ct_alloc(1, sizeof *s + (size_t)chunks * sizeof *s->chunk);
    if (!s) return CT_NO_MEMORY;
    s->n = n, s->lists = call->n_out / n, s->grain = all < 4 * CHUNK ? chunks : 1;
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
    float rest1, beta2, rest2, eps, size, grow; /* rest: 1 - beta; grow: 1 / sqrt(1 - beta2^step) */
    float fresh;                                /* what a step takes of the gradient itself */
} adam_rule;

static adam_rule rule_of(const moment *now, const double *betas, double eps) {
    double size = now->lr / (1 - ct_pow_f64(betas[0], now->step)), root = sqrt(1 - ct_pow_f64(betas[1], now->step));
    return (adam_rule){.shrink = 1,
                       .rest1 = (float)(1 - betas[0]),
                       .beta2 = (float)betas[1],
                       .rest2 = (float)(1 - betas[1]),
                       .eps = (float)eps,
                       .size = (float)size,
                       .grow = (float)(1 / root)};
}

CT_INLINE void adam_loop(adam_rule r, bool amsgrad, bool nesterov, int64_t n, const float *g, const float *const *old,
                         float *const *new) {
    const float *p = old[0], *m = old[1], *v = old[2], *most = old[amsgrad ? 3 : 2];
    float *new_p = new[0], *new_m = new[1], *new_v = new[2], *new_most = new[amsgrad ? 3 : 2];
#pragma omp simd
    for (int64_t i = 0; i < n; i++) {
        float grad = g[i] + r.l2 * p[i], mean = m[i] + r.rest1 * (grad - m[i]);
        float square = r.beta2 * v[i] + r.rest2 * grad * grad, largest = square, step = r.size * mean;
        if (amsgrad) largest = most[i] > square ? most[i] : square, new_most[i] = largest;
        if (nesterov) step += r.fresh * grad;
        new_m[i] = mean, new_v[i] = square;
        new_p[i] = r.shrink * p[i] - step / (r.grow * __builtin_sqrtf(largest) + r.eps);
    }
}

static void adam_step(adam_rule r, bool amsgrad, int64_t n, const float *g, const float *const *old,
                      float *const *new) {
    if (amsgrad)
        adam_loop(r, true, false, n, g, old, new);
    else if (r.fresh)
        adam_loop(r, false, true, n, g, old, new);
    else
        adam_loop(r, false, false, n, g, old, new);
}

static void adam(const moment *now, int64_t n, const float *g, const float *const *old, float *const *new) {
    const ct_adam_args *a = now->args;
    adam_rule r = rule_of(now, a->betas, a->eps);
    r.l2 = (float)a->weight_decay;
    adam_step(r, a->amsgrad, n, g, old, new);
}

static void adamw(const moment *now, int64_t n, const float *g, const float *const *old, float *const *new) {
    const ct_adamw_args *a = now->args;
    adam_rule r = rule_of(now, a->betas, a->eps);
    r.shrink = (float)(1 - now->lr * a->weight_decay);
    adam_step(r, a->amsgrad, n, g, old, new);
}

/* weight_decay as L2 penalty, or of the weights themselves. */
static void decay_by(adam_rule *r, double lr, double decay, bool decoupled) {
    if (decoupled)
        r->shrink = (float)(1 - lr * decay);
    else
        r->l2 = (float)decay;
}

static void radam(const moment *now, int64_t n, const float *g, const float *const *old, float *const *new) {
    const ct_radam_args *a = now->args;
    adam_rule r = rule_of(now, a->betas, a->eps);
    double power = ct_pow_f64(a->betas[1], now->step), most = 2 / (1 - a->betas[1]) - 1;
    double rho = most - 2 * now->step * power / (1 - power);
    decay_by(&r, now->lr, a->weight_decay, a->decoupled_weight_decay);
    if (rho > 5)
        r.size *= (float)sqrt((rho - 4) * (rho - 2) * most / ((most - 4) * (most - 2) * rho)) / r.grow, r.grow = 1;
    else
        r.grow = 0, r.eps = 1; /* the average alone */
    adam_step(r, false, n, g, old, new);
}

static void nadam(const moment *now, int64_t n, const float *g, const float *const *old, float *const *new) {
    const ct_nadam_args *a = now->args;
    adam_rule r = rule_of(now, a->betas, a->eps);
    decay_by(&r, now->lr, a->weight_decay, a->decoupled_weight_decay);
    r.size = (float)(now->lr * now->nadam.mean), r.fresh = (float)(now->lr * now->nadam.grad);
    adam_step(r, false, n, g, old, new);
}

static void lamb(const moment *now, int64_t n, const float *g, const float *const *old, float *const *new) {
    const ct_lamb_args *a = now->args;
    adam_rule r = rule_of(now, a->betas, a->eps);
    r.size *= (float)now->trust, r.shrink = (float)(1 - now->lr * now->trust * a->weight_decay);
    adam_step(r, false, n, g, old, new);
}

static void lion(const moment *now, int64_t n, const float *g, const float *const *old, float *const *new) {
    const ct_lion_args *a = now->args;
    const float *p = old[0], *m = old[1], lr = (float)now->lr, shrink = (float)(1 - now->lr * a->weight_decay);
    float *new_p = new[0], *new_m = new[1], beta1 = (float)a->betas[0], rest1 = (float)(1 - a->betas[0]);
    float beta2 = (float)a->betas[1], rest2 = (float)(1 - a->betas[1]);
#pragma omp simd
    for (int64_t i = 0; i < n; i++) {
        float mixed = beta1 * m[i] + rest1 * g[i];
        float step = mixed > 0 ? lr : mixed < 0 ? -lr : mixed; /* 0, or NaN */
        new_m[i] = beta2 * m[i] + rest2 * g[i];
        new_p[i] = shrink * p[i] - step;
    }
}

static void adagrad(const moment *now, int64_t n, const float *g, const float *const *old, float *const *new) {
    const ct_adagrad_args *a = now->args;
    const float *p = old[0], *sum = old[1], decay = (float)a->weight_decay, eps = (float)a->eps;
    float *new_p = new[0], *new_sum = new[1], lr = (float)(now->lr / (1 + (now->step - 1) * a->lr_decay));
    float start = now->step == 1 ? (float)a->initial_accumulator_value : 0;
#pragma omp simd
    for (int64_t i = 0; i < n; i++) {
        float grad = g[i] + decay * p[i], squares = sum[i] + start + grad * grad;
        new_sum[i] = squares;
        new_p[i] = p[i] - lr * grad / (__builtin_sqrtf(squares) + eps);
    }
}

static void adadelta(const moment *now, int64_t n, const float *g, const float *const *old, float *const *new) {
    const ct_adadelta_args *a = now->args;
    const float *p = old[0], *square = old[1], *moved = old[2], decay = (float)a->weight_decay, eps = (float)a->eps;
    float *new_p = new[0], *new_square = new[1], *new_moved = new[2];
    float lr = (float)now->lr, rho = (float)a->rho, rest = (float)(1 - a->rho);
#pragma omp simd
    for (int64_t i = 0; i < n; i++) {
        float grad = g[i] + decay * p[i], size = rho * square[i] + rest * grad * grad;
        float step = __builtin_sqrtf(moved[i] + eps) / __builtin_sqrtf(size + eps) * grad;
        new_square[i] = size;
        new_moved[i] = rho * moved[i] + rest * step * step;
        new_p[i] = p[i] - lr * step;
    }
}

static void adamax(const moment *now, int64_t n, const float *g, const float *const *old, float *const *new) {
    const ct_adamax_args *a = now->args;
    const float *p = old[0], *m = old[1], *u = old[2], decay = (float)a->weight_decay, eps = (float)a->eps;
    float *new_p = new[0], *new_m = new[1], *new_u = new[2];
    float size = (float)(now->lr / (1 - ct_pow_f64(a->betas[0], now->step)));
    float rest1 = (float)(1 - a->betas[0]), beta2 = (float)a->betas[1];
#pragma omp simd
    for (int64_t i = 0; i < n; i++) {
        float grad = g[i] + decay * p[i], mean = m[i] + rest1 * (grad - m[i]);
        float kept = beta2 * u[i], fresh = __builtin_fabsf(grad) + eps, largest = fresh < kept ? kept : fresh;
        new_m[i] = mean, new_u[i] = largest;
        new_p[i] = p[i] - size * mean / largest;
    }
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

/* Of values g, whose share is lr; as torch.lerp, which ends at g exactly. */
static void average(const moment *now, int64_t n, const float *g, const float *const *old, float *const *new) {
    double share = now->step == 1 ? 1 : now->lr;
    bool near = share >= 0.5;
    const float *p = old[0], part = (float)(near ? share - 1 : share);
    float *q = new[0];
#pragma omp simd
    for (int64_t i = 0; i < n; i++) q[i] = (near ? g[i] : p[i]) + part * (g[i] - p[i]);
}

/* ---- the pass ---- */

typedef struct update_run {
    const update_state *s;
    const void *const *in;
    void *const *out;
    update_fn *formula;
    moment now;
    double *trust;     /* LAMB: a parameter's */
    double (*sums)[2]; /* and squares, of a chunk's weights and of its direction */
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
        moment now = r->now;
        if (r->trust) now.trust = r->trust[at.param];
        if (g) r->formula(&now, at.n, g + at.begin, old, new);
        for (int j = 0; j < lists && !g; j++) /* without a gradient all is handed on */
            if (new[j] != old[j]) memcpy(new[j], old[j], (size_t)at.n * sizeof(float));
    }
}

/* ---- LAMB's trust, before its pass ---- */
#define BLOCK 256

/* The squares of n weights and of LAMB's directions for them, summed in blocks. */
static void add_squares(adam_rule r, float decay, int64_t n, const float *g, const float *const *old, double sum[2]) {
    const float *p = old[0], *m = old[1], *v = old[2];
    float weight[BLOCK], direction[BLOCK];
    for (int64_t at = 0; at < n; at += BLOCK, g += BLOCK, p += BLOCK, m += BLOCK, v += BLOCK) {
        int64_t some = CT_MIN(BLOCK, n - at);
#pragma omp simd
        for (int64_t i = 0; i < some; i++) {
            float mean = m[i] + r.rest1 * (g[i] - m[i]), square = r.beta2 * v[i] + r.rest2 * g[i] * g[i];
            float d = r.size * mean / (r.grow * __builtin_sqrtf(square) + r.eps) + decay * p[i];
            weight[i] = p[i] * p[i], direction[i] = d * d;
        }
        sum[0] += (double)sum_f32(weight, some), sum[1] += (double)sum_f32(direction, some);
    }
}

static void square_chunks(void *ctx, int64_t begin, int64_t end) {
    const update_run *run = ctx;
    const ct_lamb_args *a = run->now.args;
    adam_rule r = rule_of(&run->now, a->betas, a->eps);
    r.size = (float)(1 / (1 - ct_pow_f64(a->betas[0], run->now.step)));
    for (int64_t c = begin; c < end; c++) {
        chunk at = run->s->chunk[c];
        const float *old[3], *g = run->in[run->s->n + at.param];
        run->sums[c][0] = run->sums[c][1] = 0;
        for (int j = 0; j < 3; j++) old[j] = (const float *)run->in[(j ? j + 1 : 0) * run->s->n + at.param] + at.begin;
        if (g) add_squares(r, (float)a->weight_decay, at.n, g + at.begin, old, run->sums[c]);
    }
}

static void find_trust(const ct_exec *exec, update_run *r) {
    const update_state *s = r->s;
    r->sums = exec->workspace, r->trust = (double *)(r->sums + s->chunks);
    ct_parallel(s->chunks, s->grain, square_chunks, r);
    for (int64_t c = 0; c < s->chunks;) {
        int param = s->chunk[c].param;
        double sum[2] = {0};
        for (; c < s->chunks && s->chunk[c].param == param; c++) sum[0] += r->sums[c][0], sum[1] += r->sums[c][1];
        r->trust[param] = sum[0] > 0 && sum[1] > 0 ? sqrt(sum[0] / sum[1]) : 1;
    }
}

static ct_status trust_prepare(const ct_call *call, void **state, size_t *workspace) {
    ct_status status = update_prepare(call, state, workspace);
    if (status) return status;
    const update_state *s = *state;
    *workspace = (size_t)(2 * s->chunks + s->n) * sizeof(double);
    return CT_OK;
}

static double number_of(const ct_layout *l, const void *p) {
    if (l->dtype == CT_F32) return (double)*(const float *)p;
    return l->dtype == CT_F64 ? *(const double *)p : (double)*(const int64_t *)p;
}

static void update(update_fn *formula, const ct_exec *exec, const ct_call *call, void *state, const void *const *in,
                   void *const *out) {
    const update_state *s = state;
    int lr = call->n_in - 2, step = lr + 1;
    moment now = {.args = call->args,
                  .lr = number_of(&call->in[lr], in[lr]),
                  .step = number_of(&call->in[step], in[step]),
                  .trust = 1};
    if (formula == nadam) now.nadam = ct_nadam_shares(call->args, now.step);
    update_run r = {s, in, out, formula, now, NULL, NULL};
    if (formula == lamb) find_trust(exec, &r);
    ct_parallel(s->chunks, s->grain, update_chunks, &r);
}

#define UPDATE(name, prepare_)                                                                           \
    static void name##_run(const ct_exec *exec, const ct_call *call, void *state, const void *const *in, \
                           void *const *out) {                                                           \
        update(name, exec, call, state, in, out);                                                        \
    }                                                                                                    \
    const ct_kernel CT_ISA_NAME(ct_cpu_##name) = {.prepare = prepare_, .run = name##_run};
UPDATE(sgd, update_prepare)
UPDATE(adam, update_prepare)
UPDATE(adamw, update_prepare)
UPDATE(rmsprop, update_prepare)
UPDATE(adagrad, update_prepare)
UPDATE(adadelta, update_prepare)
UPDATE(adamax, update_prepare)
UPDATE(radam, update_prepare)
UPDATE(nadam, update_prepare)
UPDATE(lion, update_prepare)
UPDATE(lamb, trust_prepare)
UPDATE(average, update_prepare)
