/* The learning rate that a spec means, anywhere in a run. */
#ifndef CT_RUN_LEARNING_RATE_H
#define CT_RUN_LEARNING_RATE_H
#include "run/spec.h"

/* Of parameters whose optimizer says `base`, in an epoch, from 0, with the schedule as it is by then (kind NULL: there
   is none): SWA may have a rate of its own. */
double ct_learning_rate(const ct_spec *spec, const ct_schedule *schedule, double base, int64_t epoch);
/* The first epoch whose steps, and whose end, no longer move the schedule. */
int64_t ct_learning_rate_rests(const ct_spec *spec);
#endif
