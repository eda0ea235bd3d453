/* Learning-rate schedules, as torch.optim.lr_scheduler defines them. Pure functions of the count of steps, but for
   reduce_on_plateau, which listens to a metric, and those with a chain in them, which go on from their last rate. */
#ifndef CT_OPTIM_SCHEDULE_H
#define CT_OPTIM_SCHEDULE_H
#include "base/key.h"
#include "ctorch.h"

typedef struct ct_schedule {
    const struct ct_scheduler *kind;
    const void *args; /* the kind's struct, defaults filled; outlives it */
    double base;      /* the optimizer's own learning rate */
    int64_t warmup;   /* steps before those of the kind, in which the rate rises to its first */
    int64_t t;        /* steps taken */
    double lr;        /* for the next one; of a kind that listens: without the warm-up */
    double line[2]; /* a chain: without the warm-up, of a base of 0 and of 1; any other's is on the line through both */
    double best;    /* reduce_on_plateau: the best metric, steps without a better one, steps left of the cooldown */
    int64_t bad, cooldown;
    int64_t drops; /* of its rate so far: what others than `base` are found by */
} ct_schedule;

typedef struct ct_scheduler {
    ct_kind kind;
    double (*at)(const void *args, double base, int64_t t); /* the rate after t steps, of a kind that listens after t
                                                               drops; NULL: by the others */
    /* The rate after step t by that before it, which another schedule may have changed too; NULL: `at`'s. */
    double (*next)(const void *args, double base, double lr, int64_t t);
    double (*base)(const void *args, double base, bool first); /* what it takes for the optimizer's own rate, and leaves
                                                                  to the next; first: none is before it; NULL: that */
    void (*listen)(ct_schedule *s, double metric);
    bool joins; /* args is a ct_schedule_parts */
} ct_scheduler;

/* Of sequential and chained: their parts, which whoever reads them fills in. */
typedef struct ct_schedule_part {
    const ct_scheduler *kind; /* none that listens */
    const void *args;
} ct_schedule_part;
typedef struct ct_schedule_parts {
    ct_dims milestones; /* sequential: n - 1, none below the one before */
    int n;
    ct_schedule_part *part;
} ct_schedule_parts;
extern const ct_scheduler ct_sequential, ct_chained;

const ct_scheduler *ct_scheduler_find(const char *name);
const ct_kind *const *ct_scheduler_kinds(int *n);
/* Whether its rate follows from the one before it, not from the count of steps alone: there is a chain in it. */
bool ct_scheduler_chains(const ct_scheduler *kind, const void *args);

ct_schedule ct_schedule_start(const ct_scheduler *kind, const void *args, int64_t warmup, double base);
/* The rate for the next step of parameters whose own is `base`. A warm-up of n steps begins at 1 / (n + 1) of the
   kind's first rate: SequentialLR([LinearLR(start_factor=1 / (n + 1), total_iters=n), kind], milestones=[n]). */
double ct_schedule_rate(const ct_schedule *s, double base);
/* After a step (or an epoch): s->lr is the rate of the next. metric: of kinds that listen. */
void ct_schedule_step(ct_schedule *s, double metric);
/* Onward to t steps taken; a kind that listens heard nothing in them. */
void ct_schedule_seek(ct_schedule *s, int64_t t);
#endif
