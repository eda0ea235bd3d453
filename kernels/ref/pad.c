/* More at the edges, by one rule for both directions: which element of x the element i of y shows. */
#include "kernels/ref/ref.h"

enum { CONSTANT, REFLECT, REPLICATE, CIRCULAR };

/* Along a dimension of size n, for i counted from x's first element; -1: none. What a circle goes round is what a
   negative `before` or `after` leaves. */
static int64_t source(int mode, int64_t i, int64_t n, int64_t before, int64_t after) {
    if (i >= 0 && i < n && mode != CIRCULAR) return i;
    int64_t first = CT_MAX(-before, 0), end = n + CT_MIN(after, 0);
    switch (mode) {
    case REFLECT:
        i = i < 0 ? -i : 2 * (n - 1) - i;
        break;
    case REPLICATE:
        i = i < 0 ? 0 : n - 1;
        break;
    case CIRCULAR:
        if (i < first || i >= end) i += i < first ? end - first : first - end;
        break;
    }
    return i < n ? CT_MAX(i, -1) : -1;
}

/* How far from x's first element the one that y shows at `index` is; -1: none. `pad` starts with the last dimension. */
static int64_t source_at(const ct_layout *x, const ct_dims *pad, int mode, const int64_t *index) {
    int64_t at = 0;
    for (int d = 0; d < x->ndim; d++) {
        int k = 2 * (x->ndim - 1 - d);
        int64_t before = k < pad->n ? pad->v[k] : 0, after = k < pad->n ? pad->v[k + 1] : 0;
        int64_t i = source(mode, index[d] - before, x->size[d], before, after);
        if (i < 0) return -1;
        at += i * x->stride[d];
    }
    return at;
}

RUN_OF(pad) {
    const ct_pad_args *args = call->args;
    const ct_layout *x = call->in, *y = call->out;
    size_t bytes = ct_dtype_bytes(x->dtype);
    for (ct_sweep w = CT_SWEEP(y->ndim, y->size, 0, y->stride); w.more; ct_sweep_next(&w)) {
        int64_t from = source_at(x, &args->pad, args->mode, w.index);
        if (from < 0)
            ct_elem_put(y->dtype, out[0], w.at[0], args->value);
        else
            ct_elem_copy(bytes, out[0], w.at[0], in[0], from);
    }
}
const ct_kernel ct_ref_pad = {.prepare = ct_prepare_same, .run = pad};

RUN_OF(pad_back) {
    const ct_pad_back_args *args = call->args;
    const ct_layout *g = call->in, *dx = call->out;
    ct_elems_zero(dx, out[0]);
    for (ct_sweep w = CT_SWEEP(g->ndim, g->size, 0, g->stride); w.more; ct_sweep_next(&w)) {
        int64_t to = source_at(dx, &args->pad, args->mode, w.index);
        if (to >= 0) ct_elem_add(dx->dtype, out[0], to, in[0], w.at[0]);
    }
}
const ct_kernel ct_ref_pad_back = {.prepare = ct_prepare_same, .run = pad_back};
