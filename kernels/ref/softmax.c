#ifndef T
#include "kernels/ref/ref.h"
#define BODY "kernels/ref/softmax.c"
#include "kernels/ref/floats.h"
FLOAT_KERNEL(softmax)
FLOAT_KERNEL(log_softmax)
#else

/* Along dim: y = e^(x - m) / s, or its logarithm, with m the maximum and s the sum of e^(x - m). */
static void F(softmax_lines)(const ct_call *call, const void *in, void *out, bool logarithm) {
    const ct_layout *lx = call->in, *ly = call->out;
    int dim = ct_dim_of(lx, ((const ct_dim_args *)call->args)->dim);
    int64_t n = ct_dim_size(lx, dim), dx = ct_dim_stride(lx, dim), dy = ct_dim_stride(ly, dim);
    for (ct_sweep w = CT_SWEEP(lx->ndim, lx->size, 1u << dim, lx->stride, ly->stride); w.more; ct_sweep_next(&w)) {
        const T *x = (const T *)in + w.at[0];
        T *y = (T *)out + w.at[1];
        double m = -INFINITY, s = 0;
        for (int64_t i = 0; i < n; i++) m = CT_MAX(m, x[i * dx]);
        for (int64_t i = 0; i < n; i++) s += ct_exp_f64(x[i * dx] - m);
        for (int64_t i = 0; i < n; i++)
            y[i * dy] = (T)(logarithm ? x[i * dx] - m - ct_log_f64(s) : ct_exp_f64(x[i * dx] - m) / s);
    }
}

RUN_OF(F(softmax)) { F(softmax_lines)(call, in[0], out[0], false); }
RUN_OF(F(log_softmax)) { F(softmax_lines)(call, in[0], out[0], true); }
#endif
