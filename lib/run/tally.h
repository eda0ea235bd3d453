/* What batches add up to: losses and right answers, whatever the batches' sizes were. */
#ifndef CT_RUN_TALLY_H
#define CT_RUN_TALLY_H
#include "run/step.h"

typedef struct ct_tally {
    double sum[CT_MAX_LOSSES], weight[CT_MAX_LOSSES]; /* of each loss: over the samples, and what that is divided by */
    int64_t correct, counted;                         /* answers: of samples, tokens or pixels */
} ct_tally;                                           /* starts zeroed */

/* What each loss of the step's first n samples is a mean over: samples, or their targets that count. */
void ct_batch_weights(ct_step *step, int64_t n, double *weight);
/* Adds a step's result on its first n samples. */
void ct_tally_add(ct_tally *t, ct_step *step, int64_t n, const ct_step_result *r);
/* A loss over all of it; NAN before the first batch. */
double ct_tally_loss(const ct_tally *t, int i);
double ct_tally_total(const ct_tally *t, const ct_spec *spec);
/* NAN where the model gives no scores of classes. */
double ct_tally_accuracy(const ct_tally *t);
int ct_argmax_row(const float *row, int n);
void ct_softmax_row(const float *row, int n, float *p);
#endif
