/* What the table needs of the pointwise ops: their gradients, made from the rows, and one shape rule. */
#ifndef CT_OPS_POINTWISE_H
#define CT_OPS_POINTWISE_H
#include "ops/ops.h"

ct_status ct_shape_pointwise(const ct_layout *in, int n_in, const void *args, ct_layout *out, int *n_out);
/* The same, but integers have no negative powers. */
ct_status ct_shape_pow_scalar(const ct_layout *in, int n_in, const void *args, ct_layout *out, int *n_out);
#define POINTWISE1(name, ...)                                                                               \
    void ct_grad_##name##_pw(ct_tensor *const *, int, ct_tensor *const *, ct_tensor *const *, const void *, \
                             const bool *, ct_tensor **);
#define POINTWISE2 POINTWISE1
#define POINTWISE3 POINTWISE1
#define COMPARE1(...)
#define COMPARE2(...)
#include "kernels/pointwise.def"
#undef POINTWISE1
#undef POINTWISE2
#undef POINTWISE3
#undef COMPARE1
#undef COMPARE2
#endif
