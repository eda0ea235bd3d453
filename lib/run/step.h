/* A model at work on batches: one step of training, or one forward pass, from a plan for each batch size. */
#ifndef CT_RUN_STEP_H
#define CT_RUN_STEP_H
#include "plan/plan.h"
#include "run/spec.h"

typedef struct ct_step ct_step;
/* input: a sample's layout with a batch dimension of any size; capacity: the largest batch. optim NULL: no training.
   Refuses a model whose output is not (N, classes). `module` and `optim` must outlive it. */
ct_status ct_step_new(const ct_spec *spec, ct_module *module, ct_optim *optim, const ct_layout *input, int classes,
                      int64_t capacity, bool eager, ct_step **out);
void ct_step_free(ct_step *s);
/* Where the next batch goes: capacity samples as f32 (images channels-last), capacity labels. */
float *ct_step_input(ct_step *s);
int64_t *ct_step_labels(ct_step *s);
int64_t ct_step_capacity(const ct_step *s);

typedef struct ct_step_result {
    double loss;         /* over the batch, as the spec reduces it */
    const float *output; /* (n, classes): what the model said; valid until the next step */
} ct_step_result;
/* Forward, backward and update on the first n samples; `number` (from 0) keys the random numbers. */
ct_status ct_step_train(ct_step *s, int64_t n, int64_t number, ct_step_result *out);
/* Forward in evaluation mode; loss too if labels are there. */
ct_status ct_step_eval(ct_step *s, int64_t n, bool labelled, ct_step_result *out);
/* What a step on n samples runs, as text, before and after the passes (either may be NULL). */
ct_status ct_step_text(ct_step *s, int64_t n, bool train, ct_buf *before, ct_buf *after);
/* Bytes that a training step's values and kernels take, with checkpointed activations and without. */
ct_status ct_step_checkpoint_bytes(ct_step *s, int64_t n, size_t bytes[2]);
/* How many kernels its plan runs. */
ct_status ct_step_launches(ct_step *s, int64_t n, bool train, int *launches);
#endif
