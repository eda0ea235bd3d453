/* Reductions over some dimensions, and running sums along one. */
#ifndef T
#include "kernels/kernel.h"
#include "kernels/ref/ref.h"

/* Bit d is set where dimension d is reduced; stride[d] is y's in the dimensions of x, 0 where d is reduced. */
static unsigned reduced_dims(const ct_call *call, const ct_dims *dims, bool keepdim, int64_t *stride) {
    const ct_layout *x = call->in, *y = call->out;
    unsigned mask = dims->n ? 0 : ~0u;
    for (int i = 0; i < dims->n; i++) mask |= 1u << ct_dim_of(x, dims->v[i]);
    for (int d = 0, k = 0; d < x->ndim; d++) {
        bool reduced = mask >> d & 1;
        stride[d] = reduced ? 0 : y->stride[k];
        if (!reduced || keepdim) k++;
    }
    return mask;
}

static unsigned dims_of_reduce(const ct_call *call, int64_t *stride) {
    const ct_reduce_args *args = call->args;
    return reduced_dims(call, &args->dim, args->keepdim, stride);
}

static unsigned dims_of_arg(const ct_call *call, int64_t *stride) {
    const ct_arg_args *args = call->args;
    return reduced_dims(call, &CT_DIMS(args->dim), args->keepdim, stride);
}

/* Sums of integers are i64. */
static ct_status prepare_sum(const ct_call *call, void **state CT_UNUSED, size_t *workspace CT_UNUSED) {
    ct_dtype dtype = call->in[0].dtype, sum = dtype == CT_F32 || dtype == CT_F64 ? dtype : CT_I64;
    return call->out[0].dtype == sum ? CT_OK : CT_UNSUPPORTED;
}

/* There is no largest of nothing. */
static ct_status prepare_extreme(const ct_call *call, void **state CT_UNUSED, size_t *workspace CT_UNUSED) {
    return ct_layout_numel(call->in) || !ct_layout_numel(call->out) ? CT_OK : CT_UNSUPPORTED;
}

#define BODY "kernels/ref/reduce.c"
#include "kernels/ref/numbers.h"
NUMBER_KERNEL(sum, prepare_sum)
NUMBER_KERNEL(prod_, prepare_sum)
NUMBER_KERNEL(cumsum, prepare_sum)
NUMBER_KERNEL(amax, prepare_extreme)
NUMBER_KERNEL(amin, prepare_extreme)
NUMBER_KERNEL(argmax_, prepare_extreme)
NUMBER_KERNEL(argmin_, prepare_extreme)
#else

/* y = s, where s starts as `first` and becomes `next` for each v of x, v the i-th. */
#define REDUCE(name, dims_of, Y, S, first, next)                                                            \
    RUN_OF(F(name)) {                                                                                       \
        const ct_layout *lx = call->in;                                                                     \
        const T *x = in[0];                                                                                 \
        Y *y = out[0];                                                                                      \
        int64_t sy[CT_MAX_DIMS];                                                                            \
        unsigned mask = dims_of(call, sy);                                                                  \
        for (ct_sweep w = CT_SWEEP(lx->ndim, lx->size, mask, sy, lx->stride); w.more; ct_sweep_next(&w)) {  \
            S s = first;                                                                                    \
            for (ct_sweep r = CT_SWEEP(lx->ndim, lx->size, ~mask, lx->stride); r.more; ct_sweep_next(&r)) { \
                T v = x[w.at[1] + r.at[0]];                                                                 \
                s = next;                                                                                   \
            }                                                                                               \
            y[w.at[0]] = (Y)s;                                                                              \
        }                                                                                                   \
    }
REDUCE(sum, dims_of_reduce, SUM, WIDE, 0, s + (WIDE)v)
REDUCE(prod_, dims_of_arg, SUM, WIDE, 1, s *(WIDE)v)
REDUCE(amax, dims_of_reduce, T, T, x[w.at[1]], v > s || IS_NAN(v) ? v : s)
REDUCE(amin, dims_of_reduce, T, T, x[w.at[1]], v < s || IS_NAN(v) ? v : s)

/* y = the place along dim of the first x that is better than all before it; the first NaN ends the search. */
#define ARG(name, better)                                                                                  \
    RUN_OF(F(name)) {                                                                                      \
        const ct_layout *lx = call->in;                                                                    \
        int64_t *y = out[0], sy[CT_MAX_DIMS];                                                              \
        unsigned mask = dims_of_arg(call, sy);                                                             \
        int dim = ct_dim_of(lx, ((const ct_arg_args *)call->args)->dim);                                   \
        int64_t n = ct_dim_size(lx, dim), dx = ct_dim_stride(lx, dim);                                     \
        for (ct_sweep w = CT_SWEEP(lx->ndim, lx->size, mask, sy, lx->stride); w.more; ct_sweep_next(&w)) { \
            const T *x = (const T *)in[0] + w.at[1];                                                       \
            int64_t best = 0;                                                                              \
            for (int64_t i = 1; i < n && !IS_NAN(x[best * dx]); i++)                                       \
                if (x[i * dx] better x[best * dx] || IS_NAN(x[i * dx])) best = i;                          \
            y[w.at[0]] = best;                                                                             \
        }                                                                                                  \
    }
ARG(argmax_, >)
ARG(argmin_, <)

RUN_OF(F(cumsum)) {
    const ct_layout *lx = call->in, *ly = call->out;
    int dim = ct_dim_of(lx, ((const ct_dim_args *)call->args)->dim);
    int64_t n = ct_dim_size(lx, dim), dx = ct_dim_stride(lx, dim), dy = ct_dim_stride(ly, dim);
    for (ct_sweep w = CT_SWEEP(lx->ndim, lx->size, 1u << dim, ly->stride, lx->stride); w.more; ct_sweep_next(&w)) {
        const T *x = (const T *)in[0] + w.at[1];
        SUM *y = (SUM *)out[0] + w.at[0];
        WIDE s = 0;
        for (int64_t i = 0; i < n; i++) s += (WIDE)x[i * dx], y[i * dy] = (SUM)s;
    }
}
#endif
