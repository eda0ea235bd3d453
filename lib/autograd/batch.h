/* A captured node's op for many samples at once. */
#ifndef CT_AUTOGRAD_BATCH_H
#define CT_AUTOGRAD_BATCH_H
#include "ops/ops.h"

typedef struct ct_batch {
    const ct_node *node; /* of one sample: layouts of its results, arguments */
    int64_t size;        /* how many samples */
    ct_tensor **in;      /* inputs of the node */
    bool *mapped;        /* whether an input has all samples, in its first dimension; else it is the same for all */
} ct_batch;

/* Results with all samples, in their first dimension. At least one input is mapped. */
ct_status ct_batch_apply(const ct_batch *b, ct_tensor **out);
#endif
