/* Making and moving whole tensors: fill, contiguous, copy, where_. */
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

static ct_status prepare_where(const ct_call *call, void **state CT_UNUSED, size_t *workspace CT_UNUSED) {
    ct_dtype mask = call->in[0].dtype, dtype = call->out[0].dtype;
    bool same = call->in[1].dtype == dtype && call->in[2].dtype == dtype;
    return (mask == CT_BOOL || mask == CT_U8) && same ? CT_OK : CT_UNSUPPORTED;
}

RUN_OF(where_) {
    const ct_layout *y = call->out;
    const uint8_t *mask = in[0];
    size_t bytes = ct_dtype_bytes(y->dtype);
    int64_t s[3][CT_MAX_DIMS]; /* of mask, input, other */
    for (int i = 0; i < 3; i++) ct_stride_broadcast(&call->in[i], y->ndim, s[i]);
    for (ct_sweep w = CT_SWEEP(y->ndim, y->size, 0, y->stride, s[0], s[1], s[2]); w.more; ct_sweep_next(&w)) {
        int pick = mask[w.at[1]] ? 1 : 2;
        ct_elem_copy(bytes, out[0], w.at[0], in[pick], w.at[pick + 1]);
    }
}
const ct_kernel ct_ref_where_ = {.prepare = prepare_where, .run = where_};
