/* Elements in other places: slice_back, flip, roll, cat, tril, triu. */
#include "kernels/ref/ref.h"

RUN_OF(slice_back) {
    const ct_slice_back_args *args = call->args;
    const ct_layout *g = call->in, *y = call->out;
    size_t bytes = ct_dtype_bytes(y->dtype);
    int64_t first = 0, stride[CT_MAX_DIMS];
    for (int d = 0; d < y->ndim; d++) {
        int64_t start = d < args->start.n ? args->start.v[d] : 0, step = d < args->step.n ? args->step.v[d] : 1;
        if (start < 0) start = CT_MAX(start + y->size[d], 0);
        first += CT_MIN(start, y->size[d]) * y->stride[d];
        stride[d] = step * y->stride[d];
    }
    ct_elems_zero(y, out[0]);
    if (ct_layout_numel(g))
        ct_elems_copy(g->ndim, g->size, bytes, ct_elem_to(out[0], first, bytes), stride, in[0], g->stride);
}
const ct_kernel ct_ref_slice_back = {.prepare = ct_prepare_same, .run = slice_back};

RUN_OF(flip) {
    const ct_dims *dims = &((const ct_dims_args *)call->args)->dims;
    const ct_layout *x = call->in, *y = call->out;
    size_t bytes = ct_dtype_bytes(x->dtype);
    int64_t first = 0, stride[CT_MAX_DIMS];
    for (int d = 0; d < x->ndim; d++) stride[d] = x->stride[d];
    for (int i = 0; i < dims->n; i++) {
        int d = ct_dim_of(x, dims->v[i]);
        first += (ct_dim_size(x, d) - 1) * ct_dim_stride(x, d);
        stride[d] = -ct_dim_stride(x, d);
    }
    if (ct_layout_numel(x))
        ct_elems_copy(x->ndim, x->size, bytes, out[0], y->stride, ct_elem_from(in[0], first, bytes), stride);
}
const ct_kernel ct_ref_flip = {.prepare = ct_prepare_same, .run = flip};

static int64_t wrapped(int64_t i, int64_t n) { return (i % n + n) % n; }

/* Where element `flat` of the row-major order lies. */
static int64_t flat_at(const ct_layout *l, int64_t flat) {
    int64_t at = 0;
    for (int d = l->ndim - 1; d >= 0; flat /= l->size[d--]) at += flat % l->size[d] * l->stride[d];
    return at;
}

RUN_OF(roll) {
    const ct_roll_args *args = call->args;
    const ct_layout *x = call->in, *y = call->out;
    size_t bytes = ct_dtype_bytes(x->dtype);
    int64_t shift[CT_MAX_DIMS] = {0}, flat = 0, n = ct_layout_numel(x);
    bool flattened = !args->dims.n;
    for (int i = 0; i < args->dims.n && n; i++) {
        int d = ct_dim_of(x, args->dims.v[i]);
        shift[d] = wrapped(shift[d] + wrapped(args->shifts.v[i], ct_dim_size(x, d)), ct_dim_size(x, d));
    }
    if (flattened && n) flat = wrapped(-wrapped(args->shifts.v[0], n), n);
    for (ct_sweep w = CT_SWEEP(y->ndim, y->size, 0, y->stride); w.more; ct_sweep_next(&w), flat = (flat + 1) % n) {
        int64_t from = flattened ? flat_at(x, flat) : 0;
        for (int d = 0; d < x->ndim && !flattened; d++)
            from += wrapped(w.index[d] - shift[d], x->size[d]) * x->stride[d];
        ct_elem_copy(bytes, out[0], w.at[0], in[0], from);
    }
}
const ct_kernel ct_ref_roll = {.prepare = ct_prepare_same, .run = roll};

RUN_OF(cat) {
    const ct_layout *y = call->out;
    size_t bytes = ct_dtype_bytes(y->dtype);
    int dim = ct_dim_of(y, ((const ct_dim_args *)call->args)->dim);
    int64_t first = 0;
    for (int i = 0; i < call->n_in; i++) {
        const ct_layout *x = &call->in[i];
        if (!ct_layout_numel(x)) continue; /* maybe of another shape: PyTorch takes an empty (0) with anything */
        ct_elems_copy(x->ndim, x->size, bytes, ct_elem_to(out[0], first, bytes), y->stride, in[i], x->stride);
        first += x->size[dim] * y->stride[dim];
    }
}
const ct_kernel ct_ref_cat = {.prepare = ct_prepare_same, .run = cat};

/* y = x at and on one side of a diagonal, 0 on the other. */
static void triangle(const ct_call *call, const void *in, void *out, bool lower) {
    int64_t diagonal = ((const ct_diagonal_args *)call->args)->diagonal;
    const ct_layout *x = call->in, *y = call->out;
    size_t bytes = ct_dtype_bytes(y->dtype);
    ct_elems_zero(y, out);
    for (ct_sweep w = CT_SWEEP(y->ndim, y->size, 0, y->stride, x->stride); w.more; ct_sweep_next(&w)) {
        int64_t above = w.index[y->ndim - 1] - w.index[y->ndim - 2];
        if (lower ? above <= diagonal : above >= diagonal) ct_elem_copy(bytes, out, w.at[0], in, w.at[1]);
    }
}

static ct_status prepare_triangle(const ct_call *call, void **state, size_t *workspace) {
    return call->in[0].ndim < 2 ? CT_UNSUPPORTED : ct_prepare_same(call, state, workspace);
}

RUN_OF(tril) { triangle(call, in[0], out[0], true); }
RUN_OF(triu) { triangle(call, in[0], out[0], false); }
const ct_kernel ct_ref_tril = {.prepare = prepare_triangle, .run = tril};
const ct_kernel ct_ref_triu = {.prepare = prepare_triangle, .run = triu};
