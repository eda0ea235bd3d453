/* A backend is a kernel for each op, or NULL where it has none; made from the rows. */
#ifndef CT_KERNELS_BACKEND_H
#define CT_KERNELS_BACKEND_H
#include "kernels/kernel.h"
#include "kernels/ops.h"

typedef struct ct_backend {
    const char *name;
    const ct_kernel *kernel[CT_OP_COUNT];
    bool fused; /* it has the fused multiply-add: any two of these give the same bits */
    bool bf16;  /* its products of bf16 are by ct_cpu_bf16's instructions */
} ct_backend;

extern const ct_backend ct_backend_ref; /* plain C, f32 and f64: every op */
/* One for each instruction set that this build has, best first: f32 only. NULL-terminated; `runs` says whether this
   processor can. */
typedef struct ct_backend_choice {
    const ct_backend *backend;
    bool (*runs)(void);
} ct_backend_choice;
extern const ct_backend_choice ct_backends_cpu[];
/* The instructions that this processor has for products of bf16, and the system lets this process use: none, AVX-512's
   dot products of pairs, or AMX. */
typedef enum ct_bf16_way { CT_BF16_PLAIN, CT_BF16_DOT, CT_BF16_AMX } ct_bf16_way;
ct_bf16_way ct_cpu_bf16(void);
/* From now on none whose bits no others can make, which dot products are. */
void ct_cpu_bf16_portable(void);
#endif
