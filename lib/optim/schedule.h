/* Learning-rate schedules, as torch.optim.lr_scheduler defines them. Pure functions of the count of steps, but for
   reduce_on_plateau, which listens to a metric. */
#ifndef CT_OPTIM_SCHEDULE_H
#define CT_OPTIM_SCHEDULE_H
#include "base/key.h"

typedef struct ct_schedule {
    const struct ct_scheduler *kind;
    const void *args; /* the kind's struct, defaults filled; outlives it */
    double base;      /* the optimizer's own learning rate */
    int64_t t;        /* steps taken */
    double lr;        /* for the next one */
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
ct_schedule ct_schedule_start(const ct_scheduler *kind, const void *args, double base);
/* After a step (or an epoch): s->lr is the rate of the next. metric: of kinds that listen. */
void ct_schedule_step(ct_schedule *s, double metric);
#endif
