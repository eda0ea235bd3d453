/* Schedules made of others: torch.optim.lr_scheduler's SequentialLR and ChainedScheduler. */
#include "optim/schedule.h"
#include <math.h>

static double next(const ct_schedule_part *p, double base, double lr, int64_t t) {
    return p->kind->next ? p->kind->next(p->args, base, lr, t) : p->kind->at(p->args, base, t);
}

/* What parts 0 to `last` take for the optimizer's own rate: one with rates of its own leaves them to those after it. */
static double base_of(const ct_schedule_parts *a, int last, double base, bool first) {
    for (int i = 0; i <= last; i++)
        if (a->part[i].kind->base) base = a->part[i].kind->base(a->part[i].args, base, first && !i);
    return base;
}

static double parts_base(const void *args, double base, bool first) {
    const ct_schedule_parts *a = args;
    return base_of(a, a->n - 1, base, first);
}

/* The part of step t, how many of its own steps there were, and its base. The first part starts from what all of them
   leave, as all are there before the first step. */
static const ct_schedule_part *part_at(const ct_schedule_parts *a, int64_t *t, double *base) {
    int i = 0;
    while (i < a->milestones.n && *t >= a->milestones.v[i]) i++;
    if (i) *t -= a->milestones.v[i - 1];
    *base = base_of(a, i ? i : a->n - 1, *base, true);
    return &a->part[i];
}

static double sequential_at(const void *args, double base, int64_t t) {
    const ct_schedule_part *p = part_at(args, &t, &base);
    return p->kind->at(p->args, base, t);
}

static double sequential_next(const void *args, double base, double lr, int64_t t) {
    int64_t own = t;
    const ct_schedule_part *p = part_at(args, &own, &base);
    return next(p, base, own ? lr : base, own);
}

static double chained_next(const void *args, double base, double lr, int64_t t) {
    const ct_schedule_parts *a = args;
    for (int i = 0; i < a->n; i++) lr = next(&a->part[i], base_of(a, i, base, true), lr, t);
    return lr;
}

static const ct_key keys[] = {
    {"schedulers", CT_KEY_NODE, .def = NAN, .choices = "schedulers", .help = "one after another"},
    {"milestones", CT_KEY_DIMS, offsetof(ct_schedule_parts, milestones), .count = 1, .max = 1e15,
     .help = "the steps at which the second and each later one begin, as at their own step 0"},
    {0}};
const ct_scheduler ct_sequential = {{"sequential", keys, sizeof(ct_schedule_parts), "schedules one after another"},
                                    .at = sequential_at,
                                    .next = sequential_next,
                                    .base = parts_base,
                                    .joins = true};

static const ct_key chained_keys[] = {{"schedulers", CT_KEY_NODE, .def = NAN, .choices = "schedulers",
                                       .help = "each changes the rate that the one "
                                               "before it leaves"},
                                      {0}};
const ct_scheduler ct_chained = {{"chained", chained_keys, sizeof(ct_schedule_parts), "schedules all at once"},
                                 .next = chained_next,
                                 .base = parts_base,
                                 .joins = true};
