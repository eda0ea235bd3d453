/* Learning-rate schedules, as torch.optim.lr_scheduler defines them. Pure functions of the count of steps, but for
   reduce_on_plateau, which listens to a metric. */
#ifndef CT_OPTIM_SCHEDULE_H
#define CT_OPTIM_SCHEDULE_H
#include "base/key.h"

typedef struct ct_schedule {
    const struct ct_scheduler *kind;
    const void *args; /* the kind's struct, defaults filled; outlives it */
    double base;      /* the optimizer's own learning rate */
    int64_t warmup;   /* steps before those of the kind, in which the rate rises to its first */
    int64_t t;        /* steps taken */
    double lr;        /* for the next one; of a kind that listens: without the warm-up */
    double best;      /* reduce_on_plateau: the best metric, steps without a better one, steps left of the cooldown */
    int64_t bad, cooldown;
} ct_schedule;

typedef struct ct_scheduler {
    ct_kind kind;
    double (*at)(const void *args, double base, int64_t t); /* the rate after t steps; NULL: by `listen` */
    void (*listen)(ct_schedule *s, double metric);
} ct_scheduler;

const ct_scheduler *ct_scheduler_find(const char *name);
const ct_kind *const *ct_scheduler_kinds(int *n);
ct_schedule ct_schedule_start(const ct_scheduler *kind, const void *args, int64_t warmup, double base);
/* The rate for the next step of parameters whose own is `base`. A warm-up of n steps begins at 1 / (n + 1) of the
   kind's first rate: SequentialLR([LinearLR(start_factor=1 / (n + 1), total_iters=n), kind], milestones=[n]). */
double ct_schedule_rate(const ct_schedule *s, double base);
/* After a step (or an epoch): s->lr is the rate of the next. metric: of kinds that listen. */
void ct_schedule_step(ct_schedule *s, double metric);
#endif
