#ifndef T
#include "kernels/pointwise.h"
#include "kernels/ref/ref.h"
#define VALUE(v) (v)
#define BODY "kernels/ref/cast.c"
#include "kernels/ref/numbers.h"

/* 16-bit floats by way of f32. */
#define INTEGER(v, lo, hi) ct_truncate(v, lo, hi)
#define T uint16_t
#undef VALUE
#define VALUE(v) ct_bf16_to_f32(v)
#define F(name) name##_bf16
#include "kernels/ref/cast.c"
#undef VALUE
#undef F
#define VALUE(v) ct_f16_to_f32(v)
#define F(name) name##_f16
#include "kernels/ref/cast.c"

#define FROM(t)                                                                                              \
    {                                                                                                        \
        [CT_F32] = cast_f32_##t, [CT_F64] = cast_f64_##t, [CT_I64] = cast_i64_##t, [CT_I32] = cast_i32_##t,  \
        [CT_U8] = cast_u8_##t, [CT_BOOL] = cast_bool_##t, [CT_BF16] = cast_bf16_##t, [CT_F16] = cast_f16_##t \
    }
static ct_row_fn row(const ct_call *call) {
    static const ct_row_fn of[][CT_LAST_DTYPE + 1] = {
        [CT_F32] = FROM(f32), [CT_F64] = FROM(f64), [CT_I64] = FROM(i64),   [CT_I32] = FROM(i32),
        [CT_U8] = FROM(u8),   [CT_BOOL] = FROM(u8), [CT_BF16] = FROM(bf16), [CT_F16] = FROM(f16)};
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
        if (st[0] == 1 && so == 1)                                                                         \
            for (int64_t i = 0; i < n; i++) y[i] = (type)(v(VALUE(x[i])));                                 \
        else                                                                                               \
            for (int64_t i = 0; i < n; i++) y[i * so] = (type)(v(VALUE(x[i * st[0]])));                    \
    }
#define AS_IS(v) (v)
#define AS_I64(v) INTEGER(v, INT64_MIN, INT64_MAX)
#define AS_I32(v) INTEGER(v, INT32_MIN, INT32_MAX)
#define AS_U8(v) INTEGER(v, 0, UINT8_MAX)
#define AS_BOOL(v) (v) != 0
#define AS_BF16(v) ct_bf16_from_f32((float)(v))
#define AS_F16(v) ct_f16_from_f32((float)(v))
TO(f32, float, AS_IS)
TO(f64, double, AS_IS)
TO(i64, int64_t, AS_I64)
TO(i32, int32_t, AS_I32)
TO(u8, uint8_t, AS_U8)
TO(bool, uint8_t, AS_BOOL)
TO(bf16, uint16_t, AS_BF16)
TO(f16, uint16_t, AS_F16)
#undef TO
#undef AS_IS
#undef AS_I64
#undef AS_I32
#undef AS_U8
#undef AS_BOOL
#undef AS_BF16
#undef AS_F16
#endif
