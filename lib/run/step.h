/* A model at work on batches: one step of training, or one forward pass, from a plan for each batch size. */
#ifndef CT_RUN_STEP_H
#define CT_RUN_STEP_H
#include "plan/plan.h"
#include "run/net.h"

typedef struct ct_step ct_step;
/* capacity: the largest batch. optim NULL: no training. `net` and `optim` must outlive it; its precision is what the
   spec says now, f32 for `auto`. */
ct_status ct_step_new(const ct_net *net, ct_optim *optim, int64_t capacity, bool eager, ct_step **out);
void ct_step_free(ct_step *s);
/* The average, which must outlive it, is updated after every step: to be said before the first. */
void ct_step_follow(ct_step *s, ct_average *average);
/* Where the next batch's field i of net->fields goes: capacity samples of f32 (images channels-last) or i64. */
void *ct_step_field(ct_step *s, int i);
/* Room for the batch after that, as large and laid out alike; NULL: no memory. */
void *ct_step_next(ct_step *s, int i);
/* What is in the room of field i is in the field now, and the other way round. */
void ct_step_exchange(ct_step *s, int i);
/* What ahead.c knows of the batch that it loads there. */
struct ct_ahead **ct_step_ahead(ct_step *s);
int64_t ct_step_capacity(const ct_step *s);
const ct_net *ct_step_net(const ct_step *s);

typedef struct ct_step_result {
    double loss;                /* the weighted sum of all, over the batch, as the spec reduces them */
    double each[CT_MAX_LOSSES]; /* each one's own value */
    const float *output;        /* rows of scores (n ct_net_rows, classes), or the model's result; valid until the next
                                   step */
} ct_step_result;
/* Forward, backward and update on the first n samples; `number` (from 0) keys the random numbers. */
ct_status ct_step_train(ct_step *s, int64_t n, int64_t number, ct_step_result *out);
/* One of the batches that make an update together. */
typedef struct ct_step_part {
    bool first, last;
    double share[CT_MAX_LOSSES]; /* of the batch in each loss of all of them */
} ct_step_part;
/* Forward, backward and, of the last part, the update from all parts' gradients. The losses are the batch's own. */
ct_status ct_step_train_part(ct_step *s, int64_t n, int64_t number, const ct_step_part *part, ct_step_result *out);
/* Forward as in training, for what it does to running statistics. */
ct_status ct_step_statistics(ct_step *s, int64_t n, int64_t number);
/* Forward in evaluation mode; the losses too if wanted. */
ct_status ct_step_eval(ct_step *s, int64_t n, bool losses, ct_step_result *out);
/* What is wanted to be known of a plan; each may be NULL. */
typedef struct ct_step_view {
    ct_buf *before, *after;                           /* what it runs, as text, before and after the passes */
    const struct ct_pass_watch *watch;                /* of the passes */
    unsigned off;                                     /* those that do not run, besides those that are off anyway */
    ct_status (*graph)(void *ctx, const ct_graph *g); /* called with all the ops that it is made of */
    ct_status (*plan)(void *ctx, const ct_plan *p);   /* called with the plan itself */
    void *ctx;
} ct_step_view;
typedef struct ct_step_bytes {
    size_t values, workspace, own; /* of the arena: all values and the kernels' workspace; of the plan itself */
} ct_step_bytes;
/* Plans a training step, or an evaluation with its losses, on n samples, and runs nothing: the net may be one that was
   looked at (ct_net_look). */
ct_status ct_step_look(ct_step *s, int64_t n, bool train, const ct_step_view *view, ct_step_bytes *bytes);
/* What a training step's values and kernels take, and its products and convolutions: with checkpointed activations and
   without. */
typedef struct ct_step_cost {
    size_t bytes;
    double operations;
} ct_step_cost;
ct_status ct_step_checkpoint_cost(ct_step *s, int64_t n, ct_step_cost cost[2]);
/* What runs: the forward in evaluation mode; ct_step_train; the last batch of an update as the spec wants it, which is
   ct_step_train but where it accumulates. */
typedef enum ct_step_kind { CT_STEP_FORWARD, CT_STEP_TRAIN, CT_STEP_UPDATE } ct_step_kind;
/* Its plan, the cache's: valid until the next step of another kind or size. */
ct_status ct_step_plan(ct_step *s, int64_t n, ct_step_kind kind, ct_plan **out);
#endif
