/* What multi-head attention is made of, for layers that attend to more than they are given. */
#ifndef CT_OPS_ATTENTION_H
#define CT_OPS_ATTENTION_H
#include "ops/ops.h"

/* Projection i (query, key, value) of those in weight (3 E, E) and bias (3 E) or NULL: x (N, L, E) as (N, heads, L, E /
   heads). */
ct_tensor *ct_heads_in(ct_tensor *x, ct_tensor *weight, ct_tensor *bias, int i, int64_t heads);
/* What the heads saw, (N, heads, L, E / heads), as (N, L, E), projected. */
ct_tensor *ct_heads_out(ct_tensor *y, ct_tensor *weight, ct_tensor *bias);
#endif
