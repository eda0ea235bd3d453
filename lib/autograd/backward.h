/* What the autograd room itself needs of the backward. */
#ifndef CT_AUTOGRAD_BACKWARD_H
#define CT_AUTOGRAD_BACKWARD_H
#include "ops/ops.h"

/* ct_gradients over the nodes made after `floor` only; hooks outside of these are left to the backward around. */
ct_status ct_gradients_above(uint64_t floor, ct_tensor *output, ct_tensor *grad_output, ct_tensor *const *in, int n_in,
                             bool create_graph, ct_tensor **din);
#endif
