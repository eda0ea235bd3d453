#include "optim/schedule.h"
#include "base/math.h"
#include <math.h>
#include <string.h>

/* A kind is `at`, its rate after t steps, and `next`, the same by what the step does to the rate before. */

#define PI 3.14159265358979323846
#define ROW(s, field, type, def, min, max, choices, help) \
    { #field, CT_KEY_##type, offsetof(s, field), 1, def, min, max, choices, NULL, help }
#define INT(s, field, def, min, help) ROW(s, field, INT, def, min, 1e15, NULL, help)
#define FLOAT(s, field, def, help) ROW(s, field, FLOAT, def, -INFINITY, INFINITY, NULL, help)

/* ---- step: times gamma every step_size ---- */
typedef struct step_args {
    int64_t step_size;
    double gamma;
} step_args;
static const ct_key step_keys[] = {INT(step_args, step_size, NAN, 1, "steps between two drops"),
                                   FLOAT(step_args, gamma, 0.1, "factor of a drop"),
                                   {0}};
static double step_at(const void *args, double base, int64_t t) {
    const step_args *a = args;
    return base * ct_pow_f64(a->gamma, (double)(t / a->step_size));
}
static double step_next(const void *args, double base, double lr, int64_t t) {
    (void)base;
    const step_args *a = args;
    return t && t % a->step_size == 0 ? lr * a->gamma : lr;
}

/* ---- multistep: times gamma at each milestone ---- */
typedef struct multistep_args {
    ct_dims milestones;
    double gamma;
} multistep_args;
static const ct_key multistep_keys[] = {ROW(multistep_args, milestones, DIMS, NAN, 0, 1e15, NULL, "steps of the drops"),
                                        FLOAT(multistep_args, gamma, 0.1, "factor of a drop"),
                                        {0}};
static double multistep_at(const void *args, double base, int64_t t) {
    const multistep_args *a = args;
    int passed = 0;
    for (int i = 0; i < a->milestones.n; i++) passed += t >= a->milestones.v[i];
    return base * ct_pow_f64(a->gamma, passed);
}
static double multistep_next(const void *args, double base, double lr, int64_t t) {
    (void)base;
    const multistep_args *a = args;
    for (int i = 0; i < a->milestones.n; i++) lr *= t == a->milestones.v[i] ? a->gamma : 1;
    return lr;
}

/* ---- exponential: times gamma every step ---- */
typedef struct exponential_args {
    double gamma;
} exponential_args;
static const ct_key exponential_keys[] = {FLOAT(exponential_args, gamma, NAN, "factor of a step"), {0}};
static double exponential_at(const void *args, double base, int64_t t) {
    return base * ct_pow_f64(((const exponential_args *)args)->gamma, (double)t);
}
static double exponential_next(const void *args, double base, double lr, int64_t t) {
    (void)base;
    return t ? lr * ((const exponential_args *)args)->gamma : lr;
}

/* ---- cosine annealing (Loshchilov and Hutter, SGDR, 2017) ---- */
typedef struct cosine_args {
    int64_t T_max;
    double eta_min;
} cosine_args;
static const ct_key cosine_keys[] = {
    INT(cosine_args, T_max, NAN, 1, "steps down to eta_min"), FLOAT(cosine_args, eta_min, 0, "lowest rate"), {0}};
static double cosine(double from, double to, double share) {
    return to + (from - to) * (1 + ct_cos_f64(PI * share)) / 2;
}
static double cosine_at(const void *args, double base, int64_t t) {
    const cosine_args *a = args;
    return cosine(base, a->eta_min, (double)t / (double)a->T_max);
}
static double cosine_next(const void *args, double base, double lr, int64_t t) {
    const cosine_args *a = args;
    if (!t) return lr;
    double low = a->eta_min, T = (double)a->T_max;
    if ((t - 1) % (2 * a->T_max) == a->T_max) return lr + (base - low) * (1 - ct_cos_f64(PI / T)) / 2; /* up from low */
    return low + (lr - low) * (1 + ct_cos_f64(PI * (double)t / T)) / (1 + ct_cos_f64(PI * (double)(t - 1) / T));
}

typedef struct restarts_args {
    int64_t T_0, T_mult;
    double eta_min;
} restarts_args;
static const ct_key restarts_keys[] = {INT(restarts_args, T_0, NAN, 1, "steps of the first cycle"),
                                       INT(restarts_args, T_mult, 1, 1, "each next cycle is longer by this factor"),
                                       FLOAT(restarts_args, eta_min, 0, "lowest rate"),
                                       {0}};
static double restarts_at(const void *args, double base, int64_t t) {
    const restarts_args *a = args;
    int64_t T = a->T_0;
    if (a->T_mult == 1)
        t %= T;
    else
        for (; t >= T && T < INT64_MAX / a->T_mult; T *= a->T_mult) t -= T;
    return cosine(base, a->eta_min, (double)t / (double)T);
}

/* ---- one cycle (Smith and Topin, 2018) ---- */
typedef struct one_cycle_args {
    double max_lr;
    int64_t total_steps;
    double pct_start, div_factor, final_div_factor;
    int anneal_strategy;
    bool no_cycle_momentum, three_phase;
} one_cycle_args;
static const ct_key one_cycle_keys[] = {
    FLOAT(one_cycle_args, max_lr, NAN, "the peak"),
    INT(one_cycle_args, total_steps, NAN, 1, "steps of the cycle"),
    ROW(one_cycle_args, pct_start, FLOAT, 0.3, 0, 1, NULL, "share of them spent rising"),
    FLOAT(one_cycle_args, div_factor, 25, "the peak over the first rate"),
    FLOAT(one_cycle_args, final_div_factor, 1e4, "the first rate over the last"),
    ROW(one_cycle_args, anneal_strategy, ENUM, 0, 0, 0, "cos|linear", "shape of the slopes"),
    {"cycle_momentum", CT_KEY_NOT, offsetof(one_cycle_args, no_cycle_momentum), 1, 1, 0, 1, NULL, NULL,
     "accepted for PyTorch's sake: momentum stays as it is"},
    ROW(one_cycle_args, three_phase, BOOL, 0, 0, 1, NULL, "fall to the first rate, then to the last"),
    {0}};
static double one_cycle_base(const void *args, double base, bool first) {
    (void)base, (void)first;
    const one_cycle_args *a = args;
    return a->max_lr / a->div_factor;
}
static double one_cycle_at(const void *args, double base, int64_t t) {
    const one_cycle_args *a = args;
    double first = one_cycle_base(args, base, true), last = first / a->final_div_factor, n = (double)a->total_steps;
    double end[3] = {a->pct_start * n - 1, n - 1, n - 1}, rate[4] = {first, a->max_lr, last, last};
    if (a->three_phase) end[1] = 2 * a->pct_start * n - 2, rate[2] = first;
    double at = (double)t, begin = 0;
    for (int k = 0; k < 3; begin = end[k++]) {
        if (at > end[k] && k < 2) continue;
        double share = end[k] > begin ? fmin((at - begin) / (end[k] - begin), 1) : 1;
        return a->anneal_strategy ? rate[k] + (rate[k + 1] - rate[k]) * share : cosine(rate[k], rate[k + 1], share);
    }
    return last;
}

/* ---- factors that move over total_iters ---- */
typedef struct linear_args {
    double start_factor, end_factor;
    int64_t total_iters;
} linear_args;
static const ct_key linear_keys[] = {FLOAT(linear_args, start_factor, 1.0 / 3, "factor of the first step"),
                                     FLOAT(linear_args, end_factor, 1, "factor at the end"),
                                     INT(linear_args, total_iters, 5, 1, "steps until then"),
                                     {0}};
static double linear_at(const void *args, double base, int64_t t) {
    const linear_args *a = args;
    double share = (double)(t < a->total_iters ? t : a->total_iters) / (double)a->total_iters;
    return base * (a->start_factor + (a->end_factor - a->start_factor) * share);
}
static double linear_next(const void *args, double base, double lr, int64_t t) {
    (void)base;
    const linear_args *a = args;
    if (!t) return lr * a->start_factor;
    return t > a->total_iters ? lr : lr * (linear_at(args, 1, t) / linear_at(args, 1, t - 1));
}

typedef struct polynomial_args {
    int64_t total_iters;
    double power;
} polynomial_args;
static const ct_key polynomial_keys[] = {
    INT(polynomial_args, total_iters, 5, 1, "steps down to 0"), FLOAT(polynomial_args, power, 1, "of the decay"), {0}};
static double polynomial_at(const void *args, double base, int64_t t) {
    const polynomial_args *a = args;
    double share = (double)(t < a->total_iters ? t : a->total_iters) / (double)a->total_iters;
    return base * ct_pow_f64(1 - share, a->power);
}
static double polynomial_next(const void *args, double base, double lr, int64_t t) {
    (void)base;
    const polynomial_args *a = args;
    return !t || t > a->total_iters ? lr : lr * (polynomial_at(args, 1, t) / polynomial_at(args, 1, t - 1));
}

typedef struct constant_args {
    double factor;
    int64_t total_iters;
} constant_args;
static const ct_key constant_keys[] = {FLOAT(constant_args, factor, 1.0 / 3, "until then"),
                                       INT(constant_args, total_iters, 5, 0, "steps until the factor is 1"),
                                       {0}};
static double constant_at(const void *args, double base, int64_t t) {
    const constant_args *a = args;
    return t < a->total_iters || !a->total_iters ? base * a->factor : base; /* as PyTorch: of 0 steps, forever */
}
static double constant_next(const void *args, double base, double lr, int64_t t) {
    (void)base;
    const constant_args *a = args;
    return !t ? constant_at(args, lr, t) : t == a->total_iters ? lr / a->factor : lr;
}

/* ---- cyclic (Smith, 2017) ---- */
typedef struct cyclic_args {
    double base_lr, max_lr;
    int64_t step_size_up, step_size_down;
    int mode;
    double gamma;
    bool no_cycle_momentum;
} cyclic_args;
static const ct_key cyclic_keys[] = {
    FLOAT(cyclic_args, base_lr, NAN, "lowest rate"),
    FLOAT(cyclic_args, max_lr, NAN, "highest rate"),
    INT(cyclic_args, step_size_up, 2000, 1, "steps up"),
    INT(cyclic_args, step_size_down, 0, 0, "steps down; 0: as many"),
    ROW(cyclic_args, mode, ENUM, 0, 0, 0, "triangular|triangular2|exp_range", "how later cycles shrink"),
    FLOAT(cyclic_args, gamma, 1, "of mode exp_range"),
    {"cycle_momentum", CT_KEY_NOT, offsetof(cyclic_args, no_cycle_momentum), 1, 1, 0, 1, NULL, NULL,
     "accepted for PyTorch's sake: momentum stays as it is"},
    {0}};
static double cyclic_base(const void *args, double base, bool first) {
    return first ? ((const cyclic_args *)args)->base_lr : base;
}
static double cyclic_at(const void *args, double base, int64_t t) {
    (void)base;
    const cyclic_args *a = args;
    double up = (double)a->step_size_up, total = up + (a->step_size_down ? (double)a->step_size_down : up);
    double cycle = floor(1 + (double)t / total), x = 1 + (double)t / total - cycle, ratio = up / total;
    double scale = x <= ratio ? x / ratio : (x - 1) / (ratio - 1);
    double shrink = a->mode == 1 ? 1 / ct_pow_f64(2, cycle - 1) : a->mode == 2 ? ct_pow_f64(a->gamma, (double)t) : 1;
    return a->base_lr + (a->max_lr - a->base_lr) * scale * shrink;
}

/* ---- reduce on plateau ---- */
typedef struct plateau_args {
    int mode, threshold_mode;
    double factor, threshold, min_lr, eps;
    int64_t patience, cooldown;
} plateau_args;
static const ct_key plateau_keys[] = {
    ROW(plateau_args, mode, ENUM, 0, 0, 0, "min|max", "which way the metric gets better"),
    FLOAT(plateau_args, factor, 0.1, "of a drop"),
    INT(plateau_args, patience, 10, 0, "steps without a better metric that are borne"),
    FLOAT(plateau_args, threshold, 1e-4, "what counts as better"),
    ROW(plateau_args, threshold_mode, ENUM, 0, 0, 0, "rel|abs", "of the best metric, or absolute"),
    INT(plateau_args, cooldown, 0, 0, "steps after a drop that are not counted"),
    FLOAT(plateau_args, min_lr, 0, "lowest rate"),
    FLOAT(plateau_args, eps, 1e-8, "smaller drops are not made"),
    {0}};
static bool better(const plateau_args *a, double metric, double best) {
    double sign = a->mode ? 1 : -1;
    double bar = a->threshold_mode ? best + sign * a->threshold : best * (1 + sign * a->threshold);
    return a->mode ? metric > bar : metric < bar;
}
/* After t drops. */
static double plateau_at(const void *args, double base, int64_t t) {
    const plateau_args *a = args;
    for (; t > 0; t--) {
        double lr = fmax(base * a->factor, a->min_lr);
        if (!(base - lr > a->eps)) break;
        base = lr;
    }
    return base;
}

static void plateau_listen(ct_schedule *s, double metric) {
    const plateau_args *a = s->args;
    if (s->t == s->warmup + 1) s->best = a->mode ? -INFINITY : INFINITY;
    if (better(a, metric, s->best))
        s->best = metric, s->bad = 0;
    else
        s->bad++;
    if (s->cooldown > 0) s->cooldown--, s->bad = 0;
    if (s->bad <= a->patience) return;
    s->lr = plateau_at(a, s->lr, 1), s->drops++;
    s->cooldown = a->cooldown, s->bad = 0;
}

#define KIND(name, help) .kind = {#name, name##_keys, sizeof(name##_args), help}
static const ct_scheduler rows[] = {
    {KIND(step, "drops by gamma every step_size"), .at = step_at, .next = step_next},
    {KIND(multistep, "drops by gamma at milestones"), .at = multistep_at, .next = multistep_next},
    {KIND(exponential, "falls by gamma every step"), .at = exponential_at, .next = exponential_next},
    {KIND(cosine, "falls along a cosine"), .at = cosine_at, .next = cosine_next},
    {.kind = {"cosine_warm_restarts", restarts_keys, sizeof(restarts_args), "cosines, one after another"},
     .at = restarts_at},
    {KIND(one_cycle, "rises to a peak and falls to almost nothing"), .at = one_cycle_at, .base = one_cycle_base},
    {KIND(linear, "a factor that moves linearly: a warm-up"), .at = linear_at, .next = linear_next},
    {KIND(polynomial, "falls to 0 along a power"), .at = polynomial_at, .next = polynomial_next},
    {KIND(constant, "a factor for the first steps"), .at = constant_at, .next = constant_next},
    {KIND(cyclic, "up and down between two rates"), .at = cyclic_at, .base = cyclic_base},
    {.kind = {"reduce_on_plateau", plateau_keys, sizeof(plateau_args), "drops when a metric gets no better"},
     .at = plateau_at,
     .listen = plateau_listen},
};
static const ct_scheduler *row(int i) {
    static const ct_scheduler *const joined[] = {&ct_sequential, &ct_chained};
    return i < CT_COUNT(rows) ? &rows[i] : joined[i - CT_COUNT(rows)];
}
enum { N_ROWS = CT_COUNT(rows) + 2 };

const ct_scheduler *ct_scheduler_find(const char *name) {
    for (int i = 0; i < N_ROWS; i++)
        if (!strcmp(row(i)->kind.name, name)) return row(i);
    return NULL;
}

const ct_kind *const *ct_scheduler_kinds(int *n) {
    static const ct_kind *kinds[N_ROWS];
    for (int i = 0; i < N_ROWS; i++) kinds[i] = &row(i)->kind;
    *n = N_ROWS;
    return kinds;
}
