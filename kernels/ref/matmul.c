#ifndef T
#include "kernels/ref/ref.h"

/* One matrix of a batch: rows and columns, and their strides. A vector is a matrix of one row (a) or one column (b). */
typedef struct matrix {
    int64_t rows, cols, row, col;
} matrix;

static matrix left_matrix(const ct_layout *l) {
    int d = l->ndim - 1;
    if (!d) return (matrix){1, l->size[0], 0, l->stride[0]};
    return (matrix){l->size[d - 1], l->size[d], l->stride[d - 1], l->stride[d]};
}

static matrix right_matrix(const ct_layout *l) {
    int d = l->ndim - 1;
    if (!d) return (matrix){l->size[0], 1, l->stride[0], 0};
    return left_matrix(l);
}

/* The batch dimensions alone. */
static ct_layout batch_of(const ct_layout *l) {
    ct_layout batch = *l;
    batch.ndim = CT_MAX(l->ndim - 2, 0);
    return batch;
}

#define BODY "kernels/ref/matmul.c"
#include "kernels/ref/numbers.h"
NUMBER_KERNEL(matmul, ct_prepare_same)
NUMBER_KERNEL(linear, ct_prepare_same)
#else

/* As the call's products read it. */
static WIDE F(read)(const ct_call *call, T x) {
    bool narrow = call->bf16 && _Generic(x, float : true, default : false);
    return narrow ? (WIDE)ct_bf16_to_f32(ct_bf16_from_f32((float)x)) : (WIDE)x;
}

static WIDE F(dot)(const ct_call *call, int64_t n, const T *a, int64_t da, const T *b, int64_t db) {
    WIDE s = 0;
    for (int64_t i = 0; i < n; i++) s += F(read)(call, a[i * da]) * F(read)(call, b[i * db]);
    return s;
}

/* y (..., M, N) = a (..., M, K) b (..., K, N) */
RUN_OF(F(matmul)) {
    const ct_layout *ly = call->out;
    ct_layout la = batch_of(&call->in[0]), lb = batch_of(&call->in[1]);
    matrix ma = left_matrix(&call->in[0]), mb = right_matrix(&call->in[1]);
    int nd = CT_MAX(la.ndim, lb.ndim), d = ly->ndim - 1;
    int64_t col = call->in[1].ndim > 1 ? ly->stride[d--] : 0, row = call->in[0].ndim > 1 ? ly->stride[d] : 0;
    int64_t sa[CT_MAX_DIMS], sb[CT_MAX_DIMS];
    ct_stride_broadcast(&la, nd, sa);
    ct_stride_broadcast(&lb, nd, sb);
    for (ct_sweep w = CT_SWEEP(nd, ly->size, 0, sa, sb, ly->stride); w.more; ct_sweep_next(&w)) {
        const T *a = (const T *)in[0] + w.at[0], *b = (const T *)in[1] + w.at[1];
        T *y = (T *)out[0] + w.at[2];
        for (int64_t i = 0; i < ma.rows; i++)
            for (int64_t j = 0; j < mb.cols; j++)
                y[i * row + j * col] = (T)F(dot)(call, ma.cols, a + i * ma.row, ma.col, b + j * mb.col, mb.row);
    }
}

/* y (..., O) = x (..., I) weight (O, I)' + bias (O), or (1); y (...) of a weight (I). */
RUN_OF(F(linear)) {
    const ct_layout *lx = &call->in[0], *lw = &call->in[1], *lb = &call->in[2];
    ct_layout ly = *call->out;
    const T *bias = in[2];
    int last = lx->ndim - 1, inner = lw->ndim - 1;
    if (ly.ndim == last) ly.size[last] = 1, ly.stride[last] = 0;
    for (ct_sweep w = CT_SWEEP(lx->ndim, ly.size, 1u << last, lx->stride, ly.stride); w.more; ct_sweep_next(&w)) {
        const T *x = (const T *)in[0] + w.at[0];
        T *y = (T *)out[0] + w.at[1];
        for (int64_t o = 0; o < ly.size[last]; o++) {
            const T *weight = (const T *)in[1] + o * lw->stride[0];
            WIDE s = F(dot)(call, lw->size[inner], x, lx->stride[last], weight, lw->stride[inner]);
            int64_t at = bias && ct_layout_numel(lb) > 1 ? o * lb->stride[0] : 0;
            y[o * ly.stride[last]] = (T)(bias ? s + (WIDE)bias[at] : s);
        }
    }
}
#endif
