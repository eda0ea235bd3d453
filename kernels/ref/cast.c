#ifndef T
#include "kernels/ref/ref.h"
#define BODY "kernels/ref/cast.c"
#include "kernels/ref/numbers.h"
NUMBER_KERNEL(cast, NULL)
#else

/* n elements, dy and dx apart: to bool is != 0, a float becomes an integer by truncation, within the type's extremes.
 */
static void F(cast_line)(int64_t n, ct_dtype to, void *y, int64_t dy, const T *x, int64_t dx) {
#define TO(type, v) \
    for (int64_t i = 0; i < n; i++) ((type *)y)[i * dy] = (type)(v)
    switch (to) {
    case CT_F32:
        TO(float, x[i * dx]);
        return;
    case CT_F64:
        TO(double, x[i * dx]);
        return;
    case CT_I64:
        TO(int64_t, INTEGER(x[i * dx], INT64_MIN, INT64_MAX));
        return;
    case CT_I32:
        TO(int32_t, INTEGER(x[i * dx], INT32_MIN, INT32_MAX));
        return;
    case CT_U8:
        TO(uint8_t, INTEGER(x[i * dx], 0, UINT8_MAX));
        return;
    default:
        TO(uint8_t, x[i * dx] != 0);
    }
#undef TO
}

RUN_OF(F(cast)) {
    const ct_layout *lx = call->in, *ly = call->out;
    int last = CT_MAX(ly->ndim - 1, 0);
    int64_t n = ct_dim_size(ly, last), dx = ct_dim_stride(lx, last), dy = ct_dim_stride(ly, last);
    size_t bytes = ct_dtype_bytes(ly->dtype);
    for (ct_sweep w = CT_SWEEP(ly->ndim, ly->size, 1u << last, ly->stride, lx->stride); w.more; ct_sweep_next(&w))
        F(cast_line)(n, ly->dtype, ct_elem_to(out[0], w.at[0], bytes), dy, (const T *)in[0] + w.at[1], dx);
}
#endif
