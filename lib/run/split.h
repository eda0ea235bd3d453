/* Samples of a dataset through a model. */
#ifndef CT_RUN_SPLIT_H
#define CT_RUN_SPLIT_H
#include "data/augment.h"
#include "run/tally.h"

/* Samples and what is done to them on their way. index NULL: all, in order. */
typedef struct ct_samples {
    const ct_rows *split;
    const ct_normalizer *norm;
    const int64_t *index;
    int64_t n;
    ct_augment *augment; /* training: changes those of an epoch; NULL: none */
    int64_t epoch;
} ct_samples;

/* Fills the step's fields with samples `first` to first + n; fields that the part lacks stay as they are. */
ct_status ct_samples_load(const ct_samples *s, int64_t first, int64_t n, ct_step *step);

/* The target's field alone. */
ct_status ct_samples_load_target(const ct_samples *s, int64_t first, int64_t n, ct_step *step);

/* After each batch of an evaluation: n samples from `first` on, and what the step said of them. */
typedef void (*ct_batch_seen)(void *ctx, int64_t first, int64_t n, ct_step *step, const ct_step_result *r);
/* Losses and right answers over all samples, in evaluation mode. stop: as in ct_train_options. */
ct_status ct_samples_eval(const ct_samples *s, ct_step *step, ct_tally *tally, ct_batch_seen seen, void *ctx,
                          const volatile int *stop);
#endif
