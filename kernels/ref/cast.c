#ifndef T
#include "kernels/pointwise.h"
#include "kernels/ref/ref.h"
#define BODY "kernels/ref/cast.c"
#include "kernels/ref/numbers.h"

#define FROM(t)                                                                                             \
    {                                                                                                       \
        [CT_F32] = cast_f32_##t, [CT_F64] = cast_f64_##t, [CT_I64] = cast_i64_##t, [CT_I32] = cast_i32_##t, \
        [CT_U8] = cast_u8_##t, [CT_BOOL] = cast_bool_##t                                                    \
    }
static ct_row_fn row(const ct_call *call) {
    static const ct_row_fn of[][CT_BOOL + 1] = {[CT_F32] = FROM(f32), [CT_F64] = FROM(f64), [CT_I64] = FROM(i64),
                                                [CT_I32] = FROM(i32), [CT_U8] = FROM(u8),   [CT_BOOL] = FROM(u8)};
    return of[call->in[0].dtype][call->out[0].dtype];
}

static ct_status prepare(const ct_call *call, void **state, size_t *workspace CT_UNUSED) {
    return ct_walk_new(call, row(call), state);
}
const ct_kernel ct_ref_cast = {.prepare = prepare, .run = ct_walk_run, .row = row};
#else

/* To bool is != 0, a float becomes an integer by truncation, within the type's extremes. */
#define TO(name, type, v)                                                                                  \
    static void F(cast_##name)(int64_t n, const void *const *in, const int64_t *st, void *out, int64_t so, \
                               const void *args CT_UNUSED) {                                               \
        const T *x = in[0];                                                                                \
        type *y = out;                                                                                     \
        for (int64_t i = 0; i < n; i++) y[i * so] = (type)(v);                                             \
    }
TO(f32, float, x[i * st[0]])
TO(f64, double, x[i * st[0]])
TO(i64, int64_t, INTEGER(x[i * st[0]], INT64_MIN, INT64_MAX))
TO(i32, int32_t, INTEGER(x[i * st[0]], INT32_MIN, INT32_MAX))
TO(u8, uint8_t, INTEGER(x[i * st[0]], 0, UINT8_MAX))
TO(bool, uint8_t, x[i * st[0]] != 0)
#undef TO
#endif
