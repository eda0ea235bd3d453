/* Single elements of any type, and text of them. */
#include "base/buf.h"
#include "tensor/scope.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    size_t bytes;
} dtypes[] = {
    [CT_NONE] = {"none", 0}, [CT_F32] = {"f32", 4},   [CT_F64] = {"f64", 8},
    [CT_I64] = {"i64", 8},   [CT_I32] = {"i32", 4},   [CT_U8] = {"u8", 1},
    [CT_BOOL] = {"bool", 1}, [CT_BF16] = {"bf16", 2}, [CT_F16] = {"f16", 2},
};
const char *ct_dtype_name(ct_dtype d) { return dtypes[d].name; }
size_t ct_dtype_bytes(ct_dtype d) { return dtypes[d].bytes; }

double ct_element_get(ct_dtype dtype, const void *data, int64_t i) {
    switch (dtype) {
    case CT_F32:
        return ((const float *)data)[i];
    case CT_F64:
        return ((const double *)data)[i];
    case CT_I64:
        return (double)((const int64_t *)data)[i];
    case CT_I32:
        return ((const int32_t *)data)[i];
    case CT_U8:
    case CT_BOOL:
        return ((const unsigned char *)data)[i];
    case CT_BF16:
        return ct_bf16_to_f32(((const uint16_t *)data)[i]);
    case CT_F16:
        return ct_f16_to_f32(((const uint16_t *)data)[i]);
    default:
        return NAN;
    }
}

static double clip(double v, double lo, double hi) { return v >= lo ? (v <= hi ? v : hi) : v < lo ? lo : 0; }

void ct_element_set(ct_dtype dtype, void *data, int64_t i, double v) {
    switch (dtype) {
    case CT_F32:
        ((float *)data)[i] = (float)v;
        break;
    case CT_F64:
        ((double *)data)[i] = v;
        break;
    case CT_I64:
        ((int64_t *)data)[i] = v >= 0x1p63 ? INT64_MAX : (int64_t)clip(v, -0x1p63, 0x1p63);
        break;
    case CT_I32:
        ((int32_t *)data)[i] = (int32_t)clip(v, INT32_MIN, INT32_MAX);
        break;
    case CT_U8:
        ((unsigned char *)data)[i] = (unsigned char)clip(v, 0, 255);
        break;
    case CT_BOOL:
        ((unsigned char *)data)[i] = v != 0;
        break;
    case CT_BF16:
        ((uint16_t *)data)[i] = ct_bf16_from_f32((float)v);
        break;
    case CT_F16:
        ((uint16_t *)data)[i] = ct_f16_from_f32((float)v);
        break;
    default:
        break;
    }
}

/* Where element number `flat`, counted row-major, lies. */
static int64_t place(const ct_layout *l, int64_t flat) {
    int64_t at = 0;
    for (int d = l->ndim - 1; d >= 0; flat /= l->size[d--]) at += flat % l->size[d] * l->stride[d];
    return at;
}

ct_status ct_copy_out(const ct_tensor *t, ct_dtype dtype, void *out) {
    if (ct_why(t)) return ct_fail(t ? t->status : CT_FAIL, "%s", ct_why(t));
    const void *data = ct_tensor_data(t);
    int64_t n = ct_numel(t);
    if (!data && n) return ct_fail(CT_FAIL, "the tensor has a shape only: no value can be read from it");
    const ct_layout *l = &t->layout;
    if (dtype == l->dtype && ct_layout_contiguous(l)) {
        if (n) memcpy(out, data, (size_t)n * ct_dtype_bytes(dtype));
        return CT_OK;
    }
    for (int64_t i = 0; i < n; i++) {
        if (dtype == CT_I64 && l->dtype == CT_I64)
            ((int64_t *)out)[i] = ((const int64_t *)data)[place(l, i)];
        else
            ct_element_set(dtype, out, i, ct_element_get(l->dtype, data, place(l, i)));
    }
    return CT_OK;
}

double ct_item(const ct_tensor *t) {
    double v;
    if (!ct_why(t) && ct_numel(t) != 1)
        ct_fail(CT_FAIL, "item: the tensor has %lld elements, not 1", (long long)ct_numel(t));
    else if (!ct_copy_out(t, CT_F64, &v))
        return v;
    ct_scope_note(CT_FAIL); /* NAN alone could pass for a value */
    return NAN;
}

static void format_from(const ct_tensor *t, int dim, int64_t at, ct_buf *b) {
    const ct_layout *l = &t->layout;
    if (dim == l->ndim) {
        ct_buf_printf(b, "%.4g", ct_element_get(l->dtype, ct_tensor_data(t), at));
        return;
    }
    ct_buf_puts(b, "[");
    for (int64_t i = 0; i < l->size[dim]; i++) {
        if (i) ct_buf_puts(b, ", ");
        if (i == 3 && l->size[dim] > 6) ct_buf_puts(b, "..., "), i = l->size[dim] - 3;
        format_from(t, dim + 1, at + i * l->stride[dim], b);
    }
    ct_buf_puts(b, "]");
}

void ct_format(const ct_tensor *t, char *out, size_t size) {
    ct_buf b = CT_BUF(size ? size - 1 : 0);
    if (ct_why(t))
        snprintf(out, size, "error: %s", ct_why(t));
    else if (!ct_tensor_data(t))
        snprintf(out, size, "(shape only)");
    else {
        format_from(t, 0, 0, &b);
        snprintf(out, size, "%s%s", b.data ? b.data : "", b.failed ? "..." : "");
    }
    ct_buf_free(&b);
}
