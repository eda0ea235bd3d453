/* The spec's `loss:`: one or several, each an op on values that have names. */
#ifndef CT_RUN_LOSS_H
#define CT_RUN_LOSS_H
#include "ops/ops.h"
#include "yaml/node.h"

#define CT_MAX_LOSSES 8

/* What every loss may say beside the op's own settings. */
typedef struct ct_loss_more {
    const char *input, *target; /* names of values; NULL: the model's result, the data's target */
    double weight;
} ct_loss_more;

typedef struct ct_loss {
    const ct_op *op;
    const void *args; /* the op's */
    const ct_loss_more *more;
    const ct_yaml *inputs;     /* a list of names, of the op's inputs in order but for the target; or NULL */
    ct_yaml *weights;          /* what class_weights says: "balanced" or a list of numbers; or NULL */
    const float *class_weight; /* the list's n_class_weights; NULL: none, or still to be balanced */
    int n_class_weights;
    const ct_yaml *at;
    char name[64]; /* what logs call it: unique in a spec */
} ct_loss;

/* Every op whose result is a loss, by its own name and without "_loss". */
const ct_kind *const *ct_loss_kinds(int *n);
/* Reads one loss or a list into out[CT_MAX_LOSSES]; returns how many. What is wrong becomes a diagnostic. */
int ct_losses_read(ct_doc *doc, const ct_yaml *node, ct_loss *out);

/* class_weights: balanced becomes the list that it stands for, in the spec's tree too: n / (classes * count[c]). */
ct_status ct_loss_balance(ct_doc *doc, ct_loss *l, const int64_t *count, int classes);

/* Which of the op's inputs is the target, or -1. */
int ct_loss_target(const ct_op *op);
/* Whether it takes classes as integers, and the class that it leaves out (else INT64_MIN). */
bool ct_loss_takes_classes(const ct_op *op);
int64_t ct_loss_ignored(const ct_loss *l);
/* Whether it is a sum over the batch rather than a mean. */
bool ct_loss_is_sum(const ct_loss *l);

/* x as rows of scores, contiguous (R, C), for targets t of R elements: (N, C) for (N); (N, T, C) for (N, T), classes
   last as a language model gives them; (N, C, H, W) for (N, H, W); or rows already. NULL where they do not fit. */
ct_tensor *ct_loss_rows(ct_tensor *x, const ct_tensor *t);
/* Which of the op's inputs is the classes' weights, or -1. */
int ct_loss_weighs(const ct_op *op);
/* The loss of the op's inputs in[]; integer targets of losses that want values become values, one for each of `classes`
   where the prediction has that many. A prediction and a target that differ in shape are an error. */
ct_tensor *ct_loss_of(const ct_loss *l, ct_tensor *const *in, int classes);
#endif
