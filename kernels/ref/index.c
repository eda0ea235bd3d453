/* Elements picked by number: gather, scatter_add, index_select, index_back, index_copy, one_hot. An index out of range
   is said in exec and skipped; where it was to be read there is 0. */
#include "kernels/ref/ref.h"

static ct_status prepare(const ct_call *call, void **state CT_UNUSED, size_t *workspace CT_UNUSED) {
    ct_dtype dtype = call->in[0].dtype, index = call->in[1].dtype;
    if (ct_is_float(index) || call->out[0].dtype != dtype) return CT_UNSUPPORTED;
    return call->n_in == 3 && call->in[2].dtype != dtype ? CT_UNSUPPORTED : CT_OK;
}

/* `l`'s strides without that of dim. */
static void strides_but(const ct_layout *l, int dim, int64_t *stride) {
    for (int d = 0; d < l->ndim; d++) stride[d] = d == dim ? 0 : l->stride[d];
}

RUN_OF(gather) {
    const ct_layout *x = call->in, *index = call->in + 1, *y = call->out;
    int dim = ct_dim_of(x, ((const ct_dim_args *)call->args)->dim);
    size_t bytes = ct_dtype_bytes(x->dtype);
    int64_t v, sx[CT_MAX_DIMS];
    strides_but(x, dim, sx);
    ct_elems_zero(y, out[0]);
    for (ct_sweep w = CT_SWEEP(y->ndim, y->size, 0, y->stride, index->stride, sx); w.more; ct_sweep_next(&w))
        if (ct_elem_index(exec, index, in[1], w.at[1], ct_dim_size(x, dim), &v))
            ct_elem_copy(bytes, out[0], w.at[0], in[0], w.at[2] + v * ct_dim_stride(x, dim));
}
const ct_kernel ct_ref_gather = {.prepare = prepare, .run = gather};

RUN_OF(scatter_add) {
    const ct_layout *x = call->in, *index = call->in + 1, *src = call->in + 2, *y = call->out;
    int dim = ct_dim_of(x, ((const ct_dim_args *)call->args)->dim);
    int64_t v, sy[CT_MAX_DIMS];
    strides_but(y, dim, sy);
    ct_elems_copy(y->ndim, y->size, ct_dtype_bytes(y->dtype), out[0], y->stride, in[0], x->stride);
    for (ct_sweep w = CT_SWEEP(index->ndim, index->size, 0, index->stride, src->stride, sy); w.more; ct_sweep_next(&w))
        if (ct_elem_index(exec, index, in[1], w.at[0], ct_dim_size(y, dim), &v))
            ct_elem_add(y->dtype, out[0], w.at[2] + v * ct_dim_stride(y, dim), in[2], w.at[1]);
}
const ct_kernel ct_ref_scatter_add = {.prepare = prepare, .run = scatter_add};

RUN_OF(index_select) {
    const ct_layout *x = call->in, *index = call->in + 1, *y = call->out;
    int dim = ct_dim_of(x, ((const ct_dim_args *)call->args)->dim);
    size_t bytes = ct_dtype_bytes(x->dtype);
    int64_t v, sx[CT_MAX_DIMS];
    strides_but(x, dim, sx);
    ct_elems_zero(y, out[0]);
    for (ct_sweep w = CT_SWEEP(y->ndim, y->size, 0, y->stride, sx); w.more; ct_sweep_next(&w)) {
        int64_t i = w.index[dim] * ct_dim_stride(index, 0);
        if (ct_elem_index(exec, index, in[1], i, ct_dim_size(x, dim), &v))
            ct_elem_copy(bytes, out[0], w.at[0], in[0], w.at[1] + v * ct_dim_stride(x, dim));
    }
}
const ct_kernel ct_ref_index_select = {.prepare = prepare, .run = index_select};

RUN_OF(index_back) {
    const ct_layout *g = call->in, *index = call->in + 1, *y = call->out;
    int dim = ct_dim_of(y, ((const ct_index_back_args *)call->args)->dim);
    int64_t v, sy[CT_MAX_DIMS];
    strides_but(y, dim, sy);
    ct_elems_zero(y, out[0]);
    for (ct_sweep w = CT_SWEEP(g->ndim, g->size, 0, g->stride, sy); w.more; ct_sweep_next(&w)) {
        int64_t i = w.index[dim] * ct_dim_stride(index, 0);
        if (ct_elem_index(exec, index, in[1], i, ct_dim_size(y, dim), &v))
            ct_elem_add(y->dtype, out[0], w.at[1] + v * ct_dim_stride(y, dim), in[0], w.at[0]);
    }
}
const ct_kernel ct_ref_index_back = {.prepare = prepare, .run = index_back};

/* In place, what the index does not name stays as it is. */
RUN_OF(index_copy) {
    const ct_layout *x = call->in, *index = call->in + 1, *src = call->in + 2, *y = call->out;
    int dim = ct_dim_of(y, ((const ct_dim_args *)call->args)->dim);
    size_t bytes = ct_dtype_bytes(y->dtype);
    int64_t v, sy[CT_MAX_DIMS];
    strides_but(y, dim, sy);
    if (out[0] != in[0]) ct_elems_copy(y->ndim, y->size, bytes, out[0], y->stride, in[0], x->stride);
    for (ct_sweep w = CT_SWEEP(src->ndim, src->size, 0, src->stride, sy); w.more; ct_sweep_next(&w)) {
        int64_t i = w.index[dim] * ct_dim_stride(index, 0);
        if (ct_elem_index(exec, index, in[1], i, y->size[dim], &v))
            ct_elem_copy(bytes, out[0], w.at[1] + v * y->stride[dim], in[2], w.at[0]);
    }
}
const ct_kernel ct_ref_index_copy = {.prepare = prepare, .run = index_copy};

static ct_status prepare_one_hot(const ct_call *call, void **state CT_UNUSED, size_t *workspace CT_UNUSED) {
    return ct_is_float(call->in[0].dtype) ? CT_UNSUPPORTED : CT_OK;
}

RUN_OF(one_hot_) {
    const ct_layout *index = call->in, *y = call->out;
    int dim = y->ndim - 1;
    int64_t v;
    ct_elems_zero(y, out[0]);
    for (ct_sweep w = CT_SWEEP(index->ndim, index->size, 0, index->stride, y->stride); w.more; ct_sweep_next(&w))
        if (ct_elem_index(exec, index, in[0], w.at[0], y->size[dim], &v))
            ct_elem_put_int(y->dtype, out[0], w.at[1] + v * y->stride[dim], 1);
}
const ct_kernel ct_ref_one_hot_ = {.prepare = prepare_one_hot, .run = one_hot_};
