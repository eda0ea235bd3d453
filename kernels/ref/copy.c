/* Making and moving whole tensors: fill, contiguous, copy, where_. */
#include "kernels/pointwise.h"
#include "kernels/ref/ref.h"

RUN_OF(fill) {
    const ct_layout *y = call->out;
    if (!ct_layout_numel(y)) return;
    ct_elem_put(y->dtype, out[0], 0, ((const ct_full_args *)call->args)->fill_value);
    ct_elems_copy(y->ndim, y->size, ct_dtype_bytes(y->dtype), out[0], y->stride, out[0], ct_stride_none);
}
const ct_kernel ct_ref_fill = {.run = fill};

RUN_OF(copy) {
    const ct_layout *x = call->in, *y = call->out;
    ct_elems_copy(y->ndim, y->size, ct_dtype_bytes(y->dtype), out[0], y->stride, in[0], x->stride);
}
const ct_kernel ct_ref_copy = {.prepare = ct_prepare_same, .run = copy};
const ct_kernel ct_ref_contiguous = {.prepare = ct_prepare_same, .run = copy};

#define WHERE_ROW(T)                                                                                   \
    static void where_##T(int64_t n, const void *const *in, const int64_t *st, void *out, int64_t so,  \
                          const void *args CT_UNUSED) {                                                \
        const uint8_t *mask = in[0];                                                                   \
        const T *a = in[1], *b = in[2];                                                                \
        T *y = out;                                                                                    \
        if (st[0] == 1 && st[1] == 1 && st[2] == 1 && so == 1)                                         \
            for (int64_t i = 0; i < n; i++) y[i] = mask[i] ? a[i] : b[i];                              \
        else                                                                                           \
            for (int64_t i = 0; i < n; i++) y[i * so] = mask[i * st[0]] ? a[i * st[1]] : b[i * st[2]]; \
    }
WHERE_ROW(uint8_t)
WHERE_ROW(uint16_t)
WHERE_ROW(uint32_t)
WHERE_ROW(uint64_t)

/* Of elements of 1, 2, 4 or 8 bytes; NULL where the types do not fit. */
static ct_row_fn row_where(const ct_call *call) {
    static const ct_row_fn of[] = {
        [1] = where_uint8_t, [2] = where_uint16_t, [4] = where_uint32_t, [8] = where_uint64_t};
    ct_dtype mask = call->in[0].dtype, dtype = call->out[0].dtype;
    bool same = call->in[1].dtype == dtype && call->in[2].dtype == dtype;
    return (mask == CT_BOOL || mask == CT_U8) && same ? of[ct_dtype_bytes(dtype)] : NULL;
}

static ct_status prepare_where(const ct_call *call, void **state, size_t *workspace CT_UNUSED) {
    return ct_walk_new(call, row_where(call), state);
}
const ct_kernel ct_ref_where_ = {.prepare = prepare_where, .run = ct_walk_run, .row = row_where};
