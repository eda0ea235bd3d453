/* Compiled once an instruction set, like every file here but choice.c. */
#include "kernels/backend.h"
#include "kernels/cpu/simd.h"
#include "kernels/pointwise.h"

#define VIEW(...)
#define FORMULA(...)
/* A row whose BACKENDS field is CPU has a kernel here. */
#define IF_REF(name)
#define IF_CPU(name) extern const ct_kernel CT_ISA_NAME(ct_cpu_##name);
#define OP(name, ins, args, outs, saves, diff, backends, ...) IF_##backends(name)
#define PART OP
#include "kernels/ops.def"
#undef IF_CPU

extern const ct_kernel CT_ISA_NAME(ct_cpu_pointwise);
#define KERNEL(id) [CT_OP_##id] = &CT_ISA_NAME(ct_cpu_pointwise),
extern const ct_backend CT_ISA_NAME(ct_backend);
const ct_backend CT_ISA_NAME(ct_backend) = {CT_ISA_TEXT,
                                            {
#define POINTWISE1(name, ...) KERNEL(name) KERNEL(name##_d0)
#define POINTWISE2(name, ...) KERNEL(name) KERNEL(name##_d0) KERNEL(name##_d1)
#define POINTWISE3(name, ...) KERNEL(name) KERNEL(name##_d0) KERNEL(name##_d1) KERNEL(name##_d2)
#define COMPARE1(name, ...) KERNEL(name)
#define COMPARE2(name, ...) KERNEL(name)
#include "kernels/pointwise.def"
#define IF_CPU(name) [CT_OP_##name] = &CT_ISA_NAME(ct_cpu_##name),
#include "kernels/ops.def"
                                            },
                                            .fused = CT_FUSED,
                                            .bf16 = VW == 16};
