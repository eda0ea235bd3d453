/* One step of an optimizer over all its parameters: a formula on numbers, and one sweep over the lists for all of them.
   Inputs: n params, n grads, lists of n states, lr, step; outputs: new params, new states. */
#include "kernels/nadam.h"
#include "kernels/ref/ref.h"

/* What a formula knows, the same for all elements. */
typedef struct moment {
    const void *args;
    double lr, step, correct[2]; /* Adam: of averages that start at 0, by 1 - beta^step */
    ct_nadam_share nadam;
    double trust; /* LAMB: the parameter's norm over its step's */
} moment;

/* What it changes: p, a parameter's element, and s, its states in order. */
typedef struct place {
    double p, s[3];
} place;
typedef void update_fn(const moment *now, double g, place *at);

static void sgd_formula(const moment *now, double g, place *at) {
    const ct_sgd_args *a = now->args;
    g += a->weight_decay * at->p;
    if (a->momentum) {
        double *buffer = &at->s[0];
        *buffer = now->step == 1 ? g : a->momentum * *buffer + (1 - a->dampening) * g;
        g = a->nesterov ? g + a->momentum * *buffer : *buffer;
    }
    at->p -= now->lr * g;
}

/* s: the running averages of g and of its square, and with amsgrad the largest of the latter. */
static void adam_step(const moment *now, const double *betas, double eps, bool amsgrad, double g, place *at) {
    double *s = at->s;
    s[0] += (1 - betas[0]) * (g - s[0]);
    s[1] = betas[1] * s[1] + (1 - betas[1]) * g * g;
    if (amsgrad) s[2] = CT_MAX(s[2], s[1]);
    double size = sqrt(s[amsgrad ? 2 : 1]) / sqrt(now->correct[1]) + eps;
    at->p -= now->lr / now->correct[0] * s[0] / size;
}

static void adam_formula(const moment *now, double g, place *at) {
    const ct_adam_args *a = now->args;
    adam_step(now, a->betas, a->eps, a->amsgrad, g + a->weight_decay * at->p, at);
}

static void adamw_formula(const moment *now, double g, place *at) {
    const ct_adamw_args *a = now->args;
    at->p *= 1 - now->lr * a->weight_decay;
    adam_step(now, a->betas, a->eps, a->amsgrad, g, at);
}

/* s: the running average of g's square; with momentum, its buffer; if centered, the running average of g. */
static void rmsprop_formula(const moment *now, double g, place *at) {
    const ct_rmsprop_args *a = now->args;
    double *square = &at->s[0], *buffer = &at->s[1], *mean = &at->s[a->momentum > 0 ? 2 : 1];
    g += a->weight_decay * at->p;
    *square = a->alpha * *square + (1 - a->alpha) * g * g;
    if (a->centered) *mean += (1 - a->alpha) * (g - *mean);
    g /= sqrt(a->centered ? *square - *mean * *mean : *square) + a->eps;
    if (a->momentum > 0) g = *buffer = a->momentum * *buffer + g;
    at->p -= now->lr * g;
}

/* s: the sum of squares so far. */
static void adagrad_formula(const moment *now, double g, place *at) {
    const ct_adagrad_args *a = now->args;
    g += a->weight_decay * at->p;
    if (now->step == 1) at->s[0] += a->initial_accumulator_value;
    at->s[0] += g * g;
    at->p -= now->lr / (1 + (now->step - 1) * a->lr_decay) * g / (sqrt(at->s[0]) + a->eps);
}

/* s: the averages of the gradient's square and of the step's. */
static void adadelta_formula(const moment *now, double g, place *at) {
    const ct_adadelta_args *a = now->args;
    double *s = at->s;
    g += a->weight_decay * at->p;
    s[0] = a->rho * s[0] + (1 - a->rho) * g * g;
    double step = sqrt(s[1] + a->eps) / sqrt(s[0] + a->eps) * g;
    s[1] = a->rho * s[1] + (1 - a->rho) * step * step;
    at->p -= now->lr * step;
}

/* s: the average of the gradient and its decaying largest size. */
static void adamax_formula(const moment *now, double g, place *at) {
    const ct_adamax_args *a = now->args;
    double *s = at->s;
    g += a->weight_decay * at->p;
    s[0] += (1 - a->betas[0]) * (g - s[0]);
    s[1] = CT_MAX(a->betas[1] * s[1], fabs(g) + a->eps);
    at->p -= now->lr / now->correct[0] * s[0] / s[1];
}

/* The gradient with L2 penalty, or the weights decayed themselves. */
static double decayed(double lr, double decay, bool decoupled, double g, place *at) {
    if (!decoupled) return g + decay * at->p;
    at->p *= 1 - lr * decay;
    return g;
}

static void averages(const double *betas, double g, double *s) {
    s[0] += (1 - betas[0]) * (g - s[0]);
    s[1] = betas[1] * s[1] + (1 - betas[1]) * g * g;
}

static void radam_formula(const moment *now, double g, place *at) {
    const ct_radam_args *a = now->args;
    g = decayed(now->lr, a->weight_decay, a->decoupled_weight_decay, g, at);
    averages(a->betas, g, at->s);
    double most = 2 / (1 - a->betas[1]) - 1, power = 1 - now->correct[1];
    double rho = most - 2 * now->step * power / now->correct[1], step = at->s[0] / now->correct[0];
    if (rho > 5) {
        double rect = sqrt((rho - 4) * (rho - 2) * most / ((most - 4) * (most - 2) * rho));
        step *= rect * sqrt(now->correct[1]) / (sqrt(at->s[1]) + a->eps);
    }
    at->p -= now->lr * step;
}

static void nadam_formula(const moment *now, double g, place *at) {
    const ct_nadam_args *a = now->args;
    g = decayed(now->lr, a->weight_decay, a->decoupled_weight_decay, g, at);
    averages(a->betas, g, at->s);
    double size = sqrt(at->s[1] / now->correct[1]) + a->eps;
    at->p -= now->lr * (now->nadam.grad * g + now->nadam.mean * at->s[0]) / size;
}

/* s: the running average of g. */
static void lion_formula(const moment *now, double g, place *at) {
    const ct_lion_args *a = now->args;
    double mean = at->s[0], mixed = a->betas[0] * mean + (1 - a->betas[0]) * g;
    double sign = mixed > 0 ? 1 : mixed < 0 ? -1 : mixed; /* 0, or NaN */
    at->p -= now->lr * (sign + a->weight_decay * at->p);
    at->s[0] = a->betas[1] * mean + (1 - a->betas[1]) * g;
}

/* Adam's step and the weights' share. */
static double lamb_direction(const moment *now, double g, place *at) {
    const ct_lamb_args *a = now->args;
    averages(a->betas, g, at->s);
    return at->s[0] / now->correct[0] / (sqrt(at->s[1] / now->correct[1]) + a->eps) + a->weight_decay * at->p;
}

static void lamb_formula(const moment *now, double g, place *at) {
    at->p -= now->lr * now->trust * lamb_direction(now, g, at);
}

/* p: the average of g; lr: g's share. As torch.lerp, which ends at g exactly. */
static void average_formula(const moment *now, double g, place *at) {
    double share = now->step == 1 ? 1 : now->lr;
    at->p = share < 0.5 ? at->p + share * (g - at->p) : g - (g - at->p) * (1 - share);
}

/* Parameter i of n; without a gradient it and its states are handed on. */
static void update_one(update_fn *formula, const moment *now, const ct_call *call, const void *const *in,
                       void *const *out, int n, int i) {
    const ct_layout *p = &call->in[i];
    const void *grad = in[n + i];
    const int64_t *stride[CT_SWEEP_MAX]; /* of param and states read, of them written, of the gradient */
    int lists = call->n_out / n, read[] = {i, 2 * n + i, 3 * n + i, 4 * n + i};
    for (int j = 0; j < lists; j++) {
        stride[j] = call->in[read[j]].stride;
        stride[lists + j] = call->out[j * n + i].stride;
    }
    stride[2 * lists] = grad ? call->in[n + i].stride : ct_stride_none;
    for (ct_sweep w = ct_sweep_new(p->ndim, p->size, 0, stride, 2 * lists + 1); w.more; ct_sweep_next(&w)) {
        double v[4] = {0};
        for (int j = 0; j < lists; j++) v[j] = ct_elem_get(p->dtype, in[read[j]], w.at[j]);
        place at = {v[0], {v[1], v[2], v[3]}};
        if (grad) formula(now, ct_elem_get(p->dtype, grad, w.at[2 * lists]), &at);
        ct_elem_put(p->dtype, out[i], w.at[lists], at.p);
        for (int j = 1; j < lists; j++) ct_elem_put(p->dtype, out[j * n + i], w.at[lists + j], at.s[j - 1]);
    }
}

/* LAMB's trust in parameter i of n: its norm over that of its direction, 1 where either is 0. */
static double trust_of(const moment *now, const ct_call *call, const void *const *in, int n, int i) {
    const ct_layout *p = &call->in[i];
    const void *grad = in[n + i];
    double weights = 0, directions = 0;
    if (!grad) return 1;
    for (ct_sweep w = CT_SWEEP(p->ndim, p->size, 0, p->stride, call->in[n + i].stride, call->in[2 * n + i].stride,
                               call->in[3 * n + i].stride);
         w.more; ct_sweep_next(&w)) {
        double mean = ct_elem_get(p->dtype, in[2 * n + i], w.at[2]);
        double square = ct_elem_get(p->dtype, in[3 * n + i], w.at[3]);
        place at = {ct_elem_get(p->dtype, in[i], w.at[0]), {mean, square}};
        weights += at.p * at.p;
        double direction = lamb_direction(now, ct_elem_get(p->dtype, grad, w.at[1]), &at);
        directions += direction * direction;
    }
    return weights > 0 && directions > 0 ? sqrt(weights / directions) : 1;
}

static void update(update_fn *formula, const double *betas, const ct_call *call, const void *const *in,
                   void *const *out) {
    int n = call->n_in - 2 - call->n_out, lr = call->n_in - 2, step = lr + 1;
    moment now = {.args = call->args,
                  .lr = ct_elem_get(call->in[lr].dtype, in[lr], 0),
                  .step = ct_elem_get(call->in[step].dtype, in[step], 0),
                  .correct = {1, 1}};
    for (int i = 0; i < 2 && betas; i++) now.correct[i] = 1 - ct_pow_f64(betas[i], now.step);
    if (formula == nadam_formula) now.nadam = ct_nadam_shares(call->args, now.step);
    for (int i = 0; i < n; i++) {
        if (formula == lamb_formula) now.trust = trust_of(&now, call, in, n, i);
        update_one(formula, &now, call, in, out, n, i);
    }
}

/* All of a parameter's tensors are of one type of floats. */
static ct_status prepare(const ct_call *call, void **state CT_UNUSED, size_t *workspace CT_UNUSED) {
    int n = call->n_in - 2 - call->n_out;
    if (n <= 0 || call->n_out % n || call->n_out / n > 4) return CT_UNSUPPORTED;
    for (int i = 0; i < call->n_in - 2; i++) {
        ct_dtype dtype = call->in[i % n].dtype;
        bool absent = i / n == 1 && call->in[i].dtype == CT_NONE, is_float = ct_is_float(dtype);
        if (!is_float || (!absent && call->in[i].dtype != dtype)) return CT_UNSUPPORTED;
    }
    for (int i = 0; i < call->n_out; i++)
        if (call->out[i].dtype != call->in[i % n].dtype) return CT_UNSUPPORTED;
    return CT_OK;
}

#define UPDATE(name, betas)                                        \
    RUN_OF(name) { update(name##_formula, betas, call, in, out); } \
    const ct_kernel ct_ref_##name = {.prepare = prepare, .run = name};
#define BETAS(name) ((const ct_##name##_args *)call->args)->betas
UPDATE(sgd, NULL)
UPDATE(adam, BETAS(adam))
UPDATE(adamw, BETAS(adamw))
UPDATE(rmsprop, NULL)
UPDATE(adagrad, NULL)
UPDATE(adadelta, NULL)
UPDATE(adamax, BETAS(adamax))
UPDATE(radam, BETAS(radam))
UPDATE(nadam, BETAS(nadam))
UPDATE(lion, NULL)
UPDATE(lamb, BETAS(lamb))
UPDATE(average, NULL)
