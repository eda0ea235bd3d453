#include "kernels/ref/ref.h"
#include <string.h>

const int64_t ct_stride_none[CT_MAX_DIMS];

ct_status ct_prepare_floats(const ct_call *call, void **state CT_UNUSED, size_t *workspace CT_UNUSED) {
    ct_dtype dtype = ct_float_of(call);
    if (dtype != CT_F32 && dtype != CT_F64) return CT_UNSUPPORTED;
    ct_dtype other = dtype == CT_F32 ? CT_F64 : CT_F32;
    for (int i = 1; i < call->n_in; i++)
        if (call->in[i].dtype == other) return CT_UNSUPPORTED;
    for (int i = 0; i < call->n_out; i++)
        if (call->out[i].dtype == other) return CT_UNSUPPORTED;
    return CT_OK;
}

ct_status ct_prepare_same(const ct_call *call, void **state CT_UNUSED, size_t *workspace CT_UNUSED) {
    for (int i = 0; i < call->n_in; i++)
        if (call->in[i].dtype && call->in[i].dtype != call->out[0].dtype) return CT_UNSUPPORTED;
    return CT_OK;
}

void ct_stride_broadcast(const ct_layout *l, int ndim, int64_t *stride) {
    int more = ndim - l->ndim;
    for (int d = 0; d < ndim; d++) stride[d] = d < more || l->size[d - more] == 1 ? 0 : l->stride[d - more];
}

double ct_elem_get(ct_dtype dtype, const void *p, int64_t i) {
    switch (dtype) {
    case CT_F32:
        return ((const float *)p)[i];
    case CT_F64:
        return ((const double *)p)[i];
    case CT_BF16:
        return ct_bf16_to_f32(((const uint16_t *)p)[i]);
    case CT_F16:
        return ct_f16_to_f32(((const uint16_t *)p)[i]);
    default:
        return (double)ct_elem_get_int(dtype, p, i);
    }
}

int64_t ct_elem_get_int(ct_dtype dtype, const void *p, int64_t i) {
    switch (dtype) {
    case CT_I64:
        return ((const int64_t *)p)[i];
    case CT_I32:
        return ((const int32_t *)p)[i];
    case CT_U8:
    case CT_BOOL:
        return ((const uint8_t *)p)[i];
    default:
        return ct_truncate(ct_elem_get(dtype, p, i), INT64_MIN, INT64_MAX);
    }
}

void ct_elem_put(ct_dtype dtype, void *p, int64_t i, double v) {
    switch (dtype) {
    case CT_F32:
        ((float *)p)[i] = (float)v;
        return;
    case CT_F64:
        ((double *)p)[i] = v;
        return;
    case CT_I64:
        ((int64_t *)p)[i] = ct_truncate(v, INT64_MIN, INT64_MAX);
        return;
    case CT_I32:
        ((int32_t *)p)[i] = (int32_t)ct_truncate(v, INT32_MIN, INT32_MAX);
        return;
    case CT_U8:
        ((uint8_t *)p)[i] = (uint8_t)ct_truncate(v, 0, UINT8_MAX);
        return;
    case CT_BF16:
        ((uint16_t *)p)[i] = ct_bf16_from_f32((float)v);
        return;
    case CT_F16:
        ((uint16_t *)p)[i] = ct_f16_from_f32((float)v);
        return;
    default:
        ((uint8_t *)p)[i] = v != 0;
    }
}

void ct_elem_put_int(ct_dtype dtype, void *p, int64_t i, int64_t v) {
    switch (dtype) {
    case CT_F32:
        ((float *)p)[i] = (float)v;
        return;
    case CT_F64:
        ((double *)p)[i] = (double)v;
        return;
    case CT_I64:
        ((int64_t *)p)[i] = v;
        return;
    case CT_I32:
        ((int32_t *)p)[i] = (int32_t)v;
        return;
    case CT_U8:
        ((uint8_t *)p)[i] = (uint8_t)v;
        return;
    default:
        ((uint8_t *)p)[i] = v != 0;
    }
}

void ct_elem_add(ct_dtype dtype, void *y, int64_t i, const void *x, int64_t j) {
    switch (dtype) {
    case CT_F32:
        ((float *)y)[i] += ((const float *)x)[j];
        return;
    case CT_F64:
        ((double *)y)[i] += ((const double *)x)[j];
        return;
    default: /* as unsigned numbers: integers wrap */
        ct_elem_put_int(dtype, y, i,
                        (int64_t)((uint64_t)ct_elem_get_int(dtype, y, i) + (uint64_t)ct_elem_get_int(dtype, x, j)));
    }
}

/* Elements moved by their size alone. */
typedef uint64_t __attribute__((may_alias)) bytes8;
typedef uint32_t __attribute__((may_alias)) bytes4;
typedef uint16_t __attribute__((may_alias)) bytes2;

#define LINE(type) /* n elements, dy and dx apart */ \
    for (int64_t i = 0; i < n; i++) ((type *)y)[i * dy] = ((const type *)x)[i * dx]

static void line(int64_t n, size_t bytes, void *y, int64_t dy, const void *x, int64_t dx) {
    switch (bytes) {
    case 8:
        LINE(bytes8);
        return;
    case 4:
        LINE(bytes4);
        return;
    case 2:
        LINE(bytes2);
        return;
    default:
        LINE(uint8_t);
    }
}

void ct_elem_copy(size_t bytes, void *y, int64_t i, const void *x, int64_t j) {
    line(1, bytes, ct_elem_to(y, i, bytes), 0, ct_elem_from(x, j, bytes), 0);
}

void ct_elems_copy(int ndim, const int64_t *size, size_t bytes, void *y, const int64_t *ystride, const void *x,
                   const int64_t *xstride) {
    int last = ndim - 1;
    if (last < 0) {
        memcpy(y, x, bytes);
        return;
    }
    for (ct_sweep w = CT_SWEEP(ndim, size, 1u << last, ystride, xstride); w.more; ct_sweep_next(&w))
        line(size[last], bytes, ct_elem_to(y, w.at[0], bytes), ystride[last], ct_elem_from(x, w.at[1], bytes),
             xstride[last]);
}

void ct_elems_zero(const ct_layout *l, void *y) {
    static const double zero;
    ct_elems_copy(l->ndim, l->size, ct_dtype_bytes(l->dtype), y, l->stride, &zero, ct_stride_none);
}

bool ct_elem_index(const ct_exec *exec, const ct_layout *l, const void *p, int64_t i, int64_t n, int64_t *index) {
    *index = ct_elem_get_int(l->dtype, p, i);
    if (*index >= 0 && *index < n) return true;
    ct_exec_bad(exec, *index);
    return false;
}
