/* The ops' numbers, from their rows. A differentiable pointwise op is followed by its fused gradients, one an input. */
#ifndef CT_KERNELS_OPS_H
#define CT_KERNELS_OPS_H
enum ct_op_id {
#define POINTWISE1(name, ...) CT_OP_##name, CT_OP_##name##_d0,
#define POINTWISE2(name, ...) CT_OP_##name, CT_OP_##name##_d0, CT_OP_##name##_d1,
#define POINTWISE3(name, ...) CT_OP_##name, CT_OP_##name##_d0, CT_OP_##name##_d1, CT_OP_##name##_d2,
#define COMPARE1(name, ...) CT_OP_##name,
#define COMPARE2(name, ...) CT_OP_##name,
#include "kernels/pointwise.def"
#undef POINTWISE1
#undef POINTWISE2
#undef POINTWISE3
#undef COMPARE1
#undef COMPARE2
#define OP(name, ...) CT_OP_##name,
#define PART(name, ...) CT_OP_##name,
#define VIEW(name, ...) CT_OP_##name,
#define FORMULA(name, ...) CT_OP_##name,
#include "kernels/ops.def"
#undef OP
#undef PART
#undef VIEW
#undef FORMULA
    CT_OP_COUNT
};
#endif
