/* The next batch, loaded by threads that would wait while the step is at work on the one before it. */
#ifndef CT_RUN_AHEAD_H
#define CT_RUN_AHEAD_H
#include "run/split.h"

typedef struct ct_ahead ct_ahead; /* a step's: it comes with the first, and goes with the step */
void ct_ahead_free(ct_ahead *a);

/* Begins to load samples `first` to first + n into the step's room for the next batch. What `s` points to must stay
   until they are taken, others are asked for, it is ended, or the step is freed. Does nothing where no thread ever
   waits, or memory is short. */
void ct_ahead_begin(const ct_samples *s, int64_t first, int64_t n, ct_step *step);
void ct_ahead_end(ct_step *step); /* gives it up */
/* True if these were begun: the rest of them is loaded, and they are in the step's fields now. */
bool ct_ahead_take(const ct_samples *s, int64_t first, int64_t n, ct_step *step);
#endif
