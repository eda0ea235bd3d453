/* Pointwise ops on f32, by math that vectorises. */
#include "kernels/cpu/wide.h"
#include "kernels/ops.h"
#include "kernels/pointwise.h"
#include "kernels/words.h"

FLOAT_WORDS(f32, f)
#define CT_T f32
#include "kernels/rows.h"

static ct_row_fn row(const ct_call *call) {
    for (int i = 0; i < call->n_in; i++)
        if (call->in[i].dtype != CT_F32 && call->in[i].dtype != CT_NONE) return NULL;
    return rows_f32[call->op];
}

static ct_status prepare(const ct_call *call, void **state, size_t *workspace) {
    (void)workspace;
    return ct_walk_new(call, row(call), state);
}

extern const ct_kernel CT_ISA_NAME(ct_cpu_pointwise);
const ct_kernel CT_ISA_NAME(ct_cpu_pointwise) = {.prepare = prepare, .run = ct_walk_run, .row = row};
