/* Batch normalisation by the batch's own statistics, x (N, C, ...), and its gradients. */
#ifndef T
#include "kernels/ref/ref.h"

/* Element c of a vector that may be absent. */
#define AT(i, c, absent) (in[i] ? (double)((const T *)in[i])[(c)*call->in[i].stride[0]] : (absent))
#define SET(i, c, v) \
    if (out[i]) ((T *)out[i])[(c)*call->out[i].stride[0]] = (T)(v)
/* All elements of channel c of up to three tensors of x's shape. */
#define CHANNEL(lx, ...) CT_SWEEP((lx)->ndim, (lx)->size, 2, __VA_ARGS__)

#define BODY "kernels/ref/norm.c"
#include "kernels/ref/floats.h"
FLOAT_KERNEL(batch_norm_train)
FLOAT_KERNEL(batch_norm_back)
#else

RUN_OF(F(batch_norm_train)) { /* x, running_mean, running_var, weight, bias: y, new_mean, new_var, mean, invstd */
    const ct_batch_norm_args *a = call->args;
    const ct_layout *lx = call->in, *ly = call->out;
    int64_t channels = lx->size[1];
    double m = a->momentum, n = channels ? (double)(ct_layout_numel(lx) / channels) : 0;
    for (int64_t c = 0; c < channels; c++) {
        const T *x = (const T *)in[0] + c * lx->stride[1];
        T *y = out[0] ? (T *)out[0] + c * ly->stride[1] : NULL;
        double mean = 0, var = 0;
        for (ct_sweep w = CHANNEL(lx, lx->stride); w.more; ct_sweep_next(&w)) mean += x[w.at[0]];
        mean /= n;
        for (ct_sweep w = CHANNEL(lx, lx->stride); w.more; ct_sweep_next(&w))
            var += (x[w.at[0]] - mean) * (x[w.at[0]] - mean);
        double invstd = 1 / sqrt(var / n + a->eps), scale = invstd * AT(3, c, 1.0), bias = AT(4, c, 0.0);
        for (ct_sweep w = CHANNEL(lx, lx->stride, ly->stride); w.more && y; ct_sweep_next(&w))
            y[w.at[1]] = (T)((x[w.at[0]] - mean) * scale + bias);
        SET(1, c, (1 - m) * AT(1, c, 0.0) + m * mean);
        SET(2, c, (1 - m) * AT(2, c, 0.0) + m * var / (n - 1));
        SET(3, c, mean);
        SET(4, c, invstd);
    }
}

RUN_OF(F(batch_norm_back)) { /* g, x, mean, invstd, weight: dx, dw, db */
    const ct_layout *lg = &call->in[0], *lx = &call->in[1], *ld = call->out;
    int64_t channels = lx->size[1];
    double n = channels ? (double)(ct_layout_numel(lx) / channels) : 0;
    for (int64_t c = 0; c < channels; c++) {
        const T *g = (const T *)in[0] + c * lg->stride[1], *x = (const T *)in[1] + c * lx->stride[1];
        T *dx = out[0] ? (T *)out[0] + c * ld->stride[1] : NULL;
        double mean = AT(2, c, 0.0), invstd = AT(3, c, 1.0), db = 0, dw = 0;
        for (ct_sweep w = CHANNEL(lx, lg->stride, lx->stride); w.more; ct_sweep_next(&w)) {
            db += g[w.at[0]];
            dw += g[w.at[0]] * (x[w.at[1]] - mean) * invstd;
        }
        double scale = AT(4, c, 1.0) * invstd;
        for (ct_sweep w = CHANNEL(lx, lg->stride, lx->stride, ld->stride); w.more && dx; ct_sweep_next(&w))
            dx[w.at[2]] = (T)(scale * (g[w.at[0]] - db / n - (x[w.at[1]] - mean) * invstd * dw / n));
        SET(1, c, dw);
        SET(2, c, db);
    }
}
#endif
