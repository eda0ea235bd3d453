/* Convolution (cross-correlation) of images (N, C, H, W) by a weight (O, C / groups, KH, KW), and its gradients. */
#ifndef T
#include "kernels/ref/ref.h"

typedef struct window {
    const int64_t *stride, *padding, *dilation;
    int64_t groups;
} window;

/* Where x's element is along each side of the window: x at h by the kernel's k; false when it is outside. */
static bool input_of(const window *a, const int64_t *out, const int64_t *k, const int64_t *size, int64_t *h) {
    for (int d = 0; d < 2; d++) {
        h[d] = out[d] * a->stride[d] - a->padding[d] + k[d] * a->dilation[d];
        if (h[d] < 0 || h[d] >= size[d]) return false;
    }
    return true;
}

/* The element of y, of n along each side, that reads x at h by the kernel's k; false when there is none. */
static bool output_of(const window *a, const int64_t *h, const int64_t *k, const int64_t *n, int64_t *out) {
    for (int d = 0; d < 2; d++) {
        int64_t i = h[d] + a->padding[d] - k[d] * a->dilation[d];
        if (i < 0 || i % a->stride[d] || (out[d] = i / a->stride[d]) >= n[d]) return false;
    }
    return true;
}

/* How far the element of a plane is from its first. */
static int64_t place(const ct_layout *l, const int64_t *at) { return at[0] * l->stride[2] + at[1] * l->stride[3]; }

#define BODY "kernels/ref/conv.c"
#include "kernels/ref/floats.h"
FLOAT_KERNEL(conv2d_)
FLOAT_KERNEL(conv2d_dx)
FLOAT_KERNEL(conv2d_dw)
#else

/* Sum over n pairs. */
static double F(dot)(int64_t n, const T *a, int64_t sa, const T *b, int64_t sb) {
    double s = 0;
    for (int64_t i = 0; i < n; i++) s += (double)a[i * sa] * b[i * sb];
    return s;
}

static void F(forward)(const window *k, const ct_call *call, const void *const *in, T *y) {
    ct_layout lx = call->in[0], lw = call->in[1], ly = *call->out;
    const T *weight = in[1], *bias = in[2];
    int64_t outs = ly.size[1] / k->groups, ins = lw.size[1], h[2];
    for (ct_sweep w = CT_SWEEP(4, ly.size, 0, ly.stride); w.more; ct_sweep_next(&w)) {
        int64_t o = w.index[1];
        const T *x = (const T *)in[0] + w.index[0] * lx.stride[0] + o / outs * ins * lx.stride[1];
        double s = bias ? bias[o * call->in[2].stride[0]] : 0;
        for (ct_sweep v = CT_SWEEP(2, lw.size + 2, 0, lw.stride + 2); v.more; ct_sweep_next(&v))
            if (input_of(k, w.index + 2, v.index, lx.size + 2, h))
                s += F(dot)(ins, x + place(&lx, h), lx.stride[1], weight + o * lw.stride[0] + v.at[0], lw.stride[1]);
        y[w.at[0]] = (T)s;
    }
}

static void F(dx)(const window *k, const ct_call *call, const void *const *in, T *dx) {
    ct_layout lg = call->in[0], lw = call->in[1], ld = *call->out;
    int64_t outs = lg.size[1] / k->groups, ins = lw.size[1], i[2];
    for (ct_sweep w = CT_SWEEP(4, ld.size, 0, ld.stride); w.more; ct_sweep_next(&w)) {
        int64_t c = w.index[1] % ins, o = w.index[1] / ins * outs;
        const T *g = (const T *)in[0] + w.index[0] * lg.stride[0] + o * lg.stride[1];
        const T *weight = (const T *)in[1] + o * lw.stride[0] + c * lw.stride[1];
        double s = 0;
        for (ct_sweep v = CT_SWEEP(2, lw.size + 2, 0, lw.stride + 2); v.more; ct_sweep_next(&v))
            if (output_of(k, w.index + 2, v.index, lg.size + 2, i))
                s += F(dot)(outs, g + place(&lg, i), lg.stride[1], weight + v.at[0], lw.stride[0]);
        dx[w.at[0]] = (T)s;
    }
}

static void F(dw)(const window *k, const ct_call *call, const void *const *in, T *dw) {
    ct_layout lg = call->in[0], lx = call->in[1], ld = *call->out;
    int64_t outs = lg.size[1] / k->groups, ins = ld.size[1], h[2];
    for (ct_sweep w = CT_SWEEP(4, ld.size, 0, ld.stride); w.more; ct_sweep_next(&w)) {
        int64_t o = w.index[0], c = o / outs * ins + w.index[1];
        const T *g = (const T *)in[0] + o * lg.stride[1], *x = (const T *)in[1] + c * lx.stride[1];
        double s = 0;
        for (ct_sweep v = CT_SWEEP(2, lg.size + 2, 0, lg.stride + 2); v.more; ct_sweep_next(&v))
            if (input_of(k, v.index, w.index + 2, lx.size + 2, h))
                s += F(dot)(lg.size[0], g + v.at[0], lg.stride[0], x + place(&lx, h), lx.stride[0]);
        dw[w.at[0]] = (T)s;
    }
}

#define RUN_CONV(name, args_of, fn)                                 \
    RUN_OF(F(name)) {                                               \
        const ct_##args_of##_args *a = call->args;                  \
        window k = {a->stride, a->padding, a->dilation, a->groups}; \
        F(fn)(&k, call, in, out[0]);                                \
    }
RUN_CONV(conv2d_, conv2d, forward)
RUN_CONV(conv2d_dx, conv2d_back, dx)
RUN_CONV(conv2d_dw, conv2d_back, dw)
#undef RUN_CONV
#endif
