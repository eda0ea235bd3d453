/* What multi-head attention is made of, for layers that attend to more than they are given. */
#ifndef CT_OPS_ATTENTION_H
#define CT_OPS_ATTENTION_H
#include "ops/ops.h"

/* x's (N, L, E) queries, keys and values by weight (3 E, E) and bias (3 E) or NULL: (3, N, heads, L, E / heads). */
ct_tensor *ct_heads_in(ct_tensor *x, ct_tensor *weight, ct_tensor *bias, int64_t heads);
/* scaled_dot_product_attention of queries, keys and values, or of all three as one (3, .., L, E); weights (may be NULL)
   gets those that the values were averaged by. */
ct_tensor *ct_attention_of(ct_tensor *const *part, ct_tensor *mask, ct_attention_args args, ct_tensor **weights);
ct_tensor *ct_attention_packed(ct_tensor *packed, ct_tensor *mask, ct_attention_args args, ct_tensor **weights);
/* What the heads saw, (N, heads, L, E / heads), as (N, L, E), projected. */
ct_tensor *ct_heads_out(ct_tensor *y, ct_tensor *weight, ct_tensor *bias);
#endif
