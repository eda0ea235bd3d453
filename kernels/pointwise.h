/* Pointwise ops share one driver: dimensions are joined where they can be, then rows are run. */
#ifndef CT_KERNELS_POINTWISE_H
#define CT_KERNELS_POINTWISE_H
#include "kernels/kernel.h"

#define CT_POINTWISE_IN 5 /* g, a, b, c, y */

/* An iteration over inputs and one output, dimensions ordered by the output's strides and joined. */
typedef struct ct_walk {
    ct_row_fn row;
    int n_in, ndim;
    int64_t numel;
    int64_t size[CT_MAX_DIMS], out_stride[CT_MAX_DIMS], in_stride[CT_POINTWISE_IN][CT_MAX_DIMS];
    size_t in_bytes[CT_POINTWISE_IN], out_bytes;
} ct_walk;

/* A new walk over call's inputs (broadcast to the output) in *state; CT_NO_MEMORY. */
ct_status ct_walk_new(const ct_call *call, ct_row_fn row, void **state);
/* A kernel's run, for states made by ct_walk_new; rows run in parallel where there are many. */
void ct_walk_run(const ct_exec *exec, const ct_call *call, void *state, const void *const *in, void *const *out);

extern const ct_kernel ct_ref_pointwise;
#endif
