#include "kernels/backend.h"
#include "kernels/pointwise.h"

#define OP(name, ...) extern const ct_kernel ct_ref_##name;
#define PART(name, ...) extern const ct_kernel ct_ref_##name;
#define VIEW(...)
#define FORMULA(...)
#include "kernels/ops.def"
#undef OP
#undef PART

const ct_backend ct_backend_ref = {"ref",
                                   {
#define POINTWISE1(name, ...) [CT_OP_##name] = &ct_ref_pointwise, [CT_OP_##name##_d0] = &ct_ref_pointwise,
#define POINTWISE2(name, ...) POINTWISE1(name)[CT_OP_##name##_d1] = &ct_ref_pointwise,
#define POINTWISE3(name, ...) POINTWISE2(name)[CT_OP_##name##_d2] = &ct_ref_pointwise,
#define COMPARE1(name, ...) [CT_OP_##name] = &ct_ref_pointwise,
#define COMPARE2(name, ...) [CT_OP_##name] = &ct_ref_pointwise,
#include "kernels/pointwise.def"
#define OP(name, ...) [CT_OP_##name] = &ct_ref_##name,
#define PART(name, ...) [CT_OP_##name] = &ct_ref_##name,
#include "kernels/ops.def"
                                   },
                                   .fused = false};
