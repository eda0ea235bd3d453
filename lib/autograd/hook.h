/* What is done with whole gradients. */
#ifndef CT_AUTOGRAD_HOOK_H
#define CT_AUTOGRAD_HOOK_H
#include "ops/ops.h"

/* The hooks of output i, in their order, on the gradient *g (referenced), which they may replace; then, if `keep`, it
   is kept where that was asked for. */
ct_status ct_hooks_run(ct_hook_entry *list, int i, ct_tensor **g, bool keep);
/* *sum, referenced, or NULL, becomes the sum of both, a gradient that is no one else's to change. */
ct_status ct_gradient_add(ct_tensor **sum, ct_tensor *g);
#endif
