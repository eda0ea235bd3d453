/* A backend is a kernel for each op, or NULL where it has none; made from the rows. */
#ifndef CT_KERNELS_BACKEND_H
#define CT_KERNELS_BACKEND_H
#include "kernels/kernel.h"
#include "kernels/ops.h"

typedef struct ct_backend {
    const char *name;
    const ct_kernel *kernel[CT_OP_COUNT];
    bool fused; /* it has the fused multiply-add: any two of these give the same bits */
    bool amx;   /* its products of bf16 are AMX's where ct_cpu_amx */
} ct_backend;

extern const ct_backend ct_backend_ref; /* plain C, f32 and f64: every op */
/* One for each instruction set that this build has, best first: f32 only. NULL-terminated; `runs` says whether this
   processor can. */
typedef struct ct_backend_choice {
    const ct_backend *backend;
    bool (*runs)(void);
} ct_backend_choice;
extern const ct_backend_choice ct_backends_cpu[];
/* Whether this processor multiplies matrices of bf16, and the system lets this process. */
bool ct_cpu_amx(void);
#endif
