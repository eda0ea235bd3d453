/* Every pointwise op on every type, by base/math.h. */
#include "base/math.h"
#include "kernels/ops.h"
#include "kernels/pointwise.h"
#include "kernels/words.h"

MATH_WORDS(f32)
MATH_WORDS(f64)
FLOAT_WORDS(f32, f)
FLOAT_WORDS(f64, )

#define CT_T f32
#include "kernels/rows.h"
#undef CT_T
#define CT_T f64
#include "kernels/rows.h"
#undef CT_T
#define CT_INTEGER
#define CT_T i64
#include "kernels/rows.h"
#undef CT_T
#define CT_T i32
#include "kernels/rows.h"
#undef CT_T
#define CT_T u8
#include "kernels/rows.h"

static const ct_row_fn *const rows[] = {[CT_F32] = rows_f32, [CT_F64] = rows_f64, [CT_I64] = rows_i64,
                                        [CT_I32] = rows_i32, [CT_U8] = rows_u8,   [CT_BOOL] = rows_u8};

/* A sum of bools is whether one is. */
static ct_row_fn row(const ct_call *call) {
    ct_dtype dtype = call->in[0].dtype;
    return rows[dtype][dtype == CT_BOOL && call->op == CT_OP_add ? CT_OP_logical_or : call->op];
}

static ct_status prepare(const ct_call *call, void **state, size_t *workspace) {
    (void)workspace;
    return ct_walk_new(call, row(call), state);
}

const ct_kernel ct_ref_pointwise = {.prepare = prepare, .run = ct_walk_run, .row = row};
