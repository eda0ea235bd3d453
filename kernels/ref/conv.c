/* Convolution (cross-correlation) of images (N, C, H, W) by a weight (O, C / groups, KH, KW), and its gradients. */
#ifndef T
#include "kernels/ref/ref.h"

/* The row (d = 0) or column i, of n, of y that reads x at h by the kernel's k: i * stride - padding + k * dilation = h.
   -1: none. */
static int64_t output_of(const ct_conv2d_back_args *a, int d, int64_t h, int64_t k, int64_t n) {
    int64_t i = h + a->padding[d] - k * a->dilation[d];
    return i < 0 || i % a->stride[d] || i / a->stride[d] >= n ? -1 : i / a->stride[d];
}

#define BODY "kernels/ref/conv.c"
#include "kernels/ref/floats.h"
FLOAT_KERNEL(conv2d)
FLOAT_KERNEL(conv2d_dx)
FLOAT_KERNEL(conv2d_dw)
#else

RUN_OF(F(conv2d)) {
    const ct_conv2d_args *a = call->args;
    const ct_layout *lx = &call->in[0], *lw = &call->in[1], *ly = call->out;
    const T *x = in[0], *weight = in[1], *bias = in[2];
    T *y = out[0];
    int64_t outs = ly->size[1] / a->groups, ins = lw->size[1];
    for (ct_sweep w = CT_SWEEP(4, ly->size, 0, ly->stride); w.more; ct_sweep_next(&w)) {
        int64_t n = w.index[0], o = w.index[1], c0 = o / outs * ins;
        int64_t top = w.index[2] * a->stride[0] - a->padding[0], left = w.index[3] * a->stride[1] - a->padding[1];
        double s = bias ? bias[o * call->in[2].stride[0]] : 0;
        for (int64_t ky = 0; ky < lw->size[2]; ky++) {
            for (int64_t kx = 0; kx < lw->size[3]; kx++) {
                int64_t h = top + ky * a->dilation[0], v = left + kx * a->dilation[1];
                if (h < 0 || h >= lx->size[2] || v < 0 || v >= lx->size[3]) continue;
                for (int64_t c = 0; c < ins; c++)
                    s += (double)x[ct_at4(lx, n, c0 + c, h, v)] * weight[ct_at4(lw, o, c, ky, kx)];
            }
        }
        y[w.at[0]] = (T)s;
    }
}

RUN_OF(F(conv2d_dx)) {
    const ct_conv2d_back_args *a = call->args;
    const ct_layout *lg = &call->in[0], *lw = &call->in[1], *ld = call->out;
    const T *g = in[0], *weight = in[1];
    T *dx = out[0];
    int64_t outs = lg->size[1] / a->groups, ins = lw->size[1];
    for (ct_sweep w = CT_SWEEP(4, ld->size, 0, ld->stride); w.more; ct_sweep_next(&w)) {
        int64_t n = w.index[0], c = w.index[1] % ins, o0 = w.index[1] / ins * outs;
        double s = 0;
        for (int64_t ky = 0; ky < lw->size[2]; ky++) {
            int64_t i = output_of(a, 0, w.index[2], ky, lg->size[2]);
            if (i < 0) continue;
            for (int64_t kx = 0; kx < lw->size[3]; kx++) {
                int64_t j = output_of(a, 1, w.index[3], kx, lg->size[3]);
                if (j < 0) continue;
                for (int64_t o = o0; o < o0 + outs; o++)
                    s += (double)g[ct_at4(lg, n, o, i, j)] * weight[ct_at4(lw, o, c, ky, kx)];
            }
        }
        dx[w.at[0]] = (T)s;
    }
}

RUN_OF(F(conv2d_dw)) {
    const ct_conv2d_back_args *a = call->args;
    const ct_layout *lg = &call->in[0], *lx = &call->in[1], *ld = call->out;
    const T *g = in[0], *x = in[1];
    T *dw = out[0];
    int64_t outs = lg->size[1] / a->groups, ins = ld->size[1];
    for (ct_sweep w = CT_SWEEP(4, ld->size, 0, ld->stride); w.more; ct_sweep_next(&w)) {
        int64_t o = w.index[0], c = o / outs * ins + w.index[1];
        int64_t top = w.index[2] * a->dilation[0] - a->padding[0], left = w.index[3] * a->dilation[1] - a->padding[1];
        double s = 0;
        for (int64_t i = 0; i < lg->size[2]; i++) {
            for (int64_t j = 0; j < lg->size[3]; j++) {
                int64_t h = top + i * a->stride[0], v = left + j * a->stride[1];
                if (h < 0 || h >= lx->size[2] || v < 0 || v >= lx->size[3]) continue;
                for (int64_t n = 0; n < lg->size[0]; n++)
                    s += (double)g[ct_at4(lg, n, o, i, j)] * x[ct_at4(lx, n, c, h, v)];
            }
        }
        dw[w.at[0]] = (T)s;
    }
}
#endif
