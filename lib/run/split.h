/* Samples of a dataset through a model. */
#ifndef CT_RUN_SPLIT_H
#define CT_RUN_SPLIT_H
#include "data/augment.h"
#include "run/step.h"

/* Samples and what is done to them on their way. index NULL: all, in order. */
typedef struct ct_samples {
    const ct_split *split;
    const ct_normalizer *norm;
    const int64_t *index;
    int64_t n;
    ct_augment *augment; /* training: changes those of an epoch; NULL: none */
    int64_t epoch;
} ct_samples;

/* Layout of a batch of one such sample: (1, C, H, W), or (1, features...). */
ct_layout ct_sample_layout(const ct_split *split);
/* Fills the step's input (and labels) with samples `first` to first + n. */
ct_status ct_samples_load(const ct_samples *s, int64_t first, int64_t n, ct_step *step);

/* After each batch of an evaluation: n samples from `first` on, what the model said, their labels (or NULL). */
typedef void (*ct_batch_seen)(void *ctx, int64_t first, int64_t n, const float *output, const int64_t *label);
/* Mean loss and count of right answers over all samples, in evaluation mode. stop: as in ct_train_options. */
ct_status ct_samples_eval(const ct_samples *s, ct_step *step, int classes, double *loss, int64_t *correct,
                          ct_batch_seen seen, void *ctx, const volatile int *stop);
int ct_argmax_row(const float *row, int n);
#endif
