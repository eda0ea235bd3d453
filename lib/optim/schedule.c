#include "optim/schedule.h"

bool ct_scheduler_chains(const ct_scheduler *kind, const void *args) {
    const ct_schedule_parts *a = kind->joins ? args : NULL;
    if (kind == &ct_chained) return true;
    for (int i = 0; a && i < a->n; i++)
        if (ct_scheduler_chains(a->part[i].kind, a->part[i].args)) return true;
    return false;
}

static double own_rate(const ct_schedule *s, double base, int64_t t) {
    if (s->kind->listen) return base == s->base ? s->lr : s->kind->at(s->args, base, s->drops);
    if (ct_scheduler_chains(s->kind, s->args)) return s->line[0] + base * (s->line[1] - s->line[0]);
    return s->kind->at(s->args, base, t);
}

double ct_schedule_rate(const ct_schedule *s, double base) {
    double rise = s->t < s->warmup ? (double)(s->t + 1) / (double)(s->warmup + 1) : 1;
    return rise * own_rate(s, base, CT_MAX(s->t - s->warmup, 0));
}

/* A chain's rates after its step t. */
static void follow(ct_schedule *s, int64_t t) {
    for (int i = 0; i < 2; i++) s->line[i] = s->kind->next(s->args, i, s->line[i], t);
}

ct_schedule ct_schedule_start(const ct_scheduler *kind, const void *args, int64_t warmup, double base) {
    ct_schedule s = {.kind = kind, .args = args, .base = base, .warmup = warmup, .lr = base};
    s.line[1] = 1;
    if (ct_scheduler_chains(kind, args)) follow(&s, 0);
    if (!kind->listen) s.lr = ct_schedule_rate(&s, base);
    return s;
}

void ct_schedule_seek(ct_schedule *s, int64_t t) {
    bool chains = ct_scheduler_chains(s->kind, s->args);
    while (chains && s->t < t)
        if (++s->t > s->warmup) follow(s, s->t - s->warmup);
    s->t = t;
    if (!s->kind->listen) s->lr = ct_schedule_rate(s, s->base);
}

void ct_schedule_step(ct_schedule *s, double metric) {
    ct_schedule_seek(s, s->t + 1);
    if (s->kind->listen && s->t > s->warmup) s->kind->listen(s, metric);
}
