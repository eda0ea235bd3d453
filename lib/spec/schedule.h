/* A learning rate's schedule, as a spec says it. */
#ifndef CT_SPEC_SCHEDULE_H
#define CT_SPEC_SCHEDULE_H
#include "optim/schedule.h"
#include "yaml/node.h"

typedef struct ct_schedule_use {
    const ct_scheduler *kind; /* NULL: the rate stays */
    void *args;
    int64_t warmup;
    int per_step; /* it moves after each step, else after each epoch */
} ct_schedule_use;

/* What stands beside a schedule of a run; and of a program, which moves it itself. */
extern const ct_key ct_schedule_beside[], ct_scheduler_beside[];

/* `{cosine: {T_max: 20}, per: epoch, warmup: 5}`; beside: one of the tables above. What is wrong is a diagnostic, and
   use->kind is NULL then. */
void ct_schedule_read(ct_doc *doc, const ct_yaml *node, const ct_key *beside, ct_schedule_use *use);
#endif
