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

/* Fields from..to-1 of a batch, each of any number of samples. */
typedef struct ct_batch {
    const ct_net *net;
    int from, to;
    void *field[CT_MAX_FIELDS];
} ct_batch;
/* Samples `first` to first + n into the batch from place `at` on; fields that the part lacks stay as they are. */
ct_status ct_batch_load(const ct_samples *s, int64_t first, int64_t n, const ct_batch *to, int64_t at);

/* Fills the step's fields with samples `first` to first + n. */
ct_status ct_samples_load(const ct_samples *s, int64_t first, int64_t n, ct_step *step);
/* And has the next n, or as many as there are, loaded while the step is at work: as ct_ahead_begin. */
ct_status ct_samples_next(const ct_samples *s, int64_t first, int64_t n, ct_step *step);

/* The target's field alone. */
ct_status ct_samples_load_target(const ct_samples *s, int64_t first, int64_t n, ct_step *step);

/* After each batch of an evaluation: n samples from `first` on, and what the step said of them. */
typedef void (*ct_batch_seen)(void *ctx, int64_t first, int64_t n, ct_step *step, const ct_step_result *r);
/* Losses and right answers over all samples, in evaluation mode. stop: as in ct_train_options. */
ct_status ct_samples_eval(const ct_samples *s, ct_step *step, ct_tally *tally, ct_batch_seen seen, void *ctx,
                          const volatile int *stop);
#endif
