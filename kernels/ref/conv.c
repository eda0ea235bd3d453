/* Convolution (cross-correlation) of volumes (N, C, D, H, W) by a weight (O, C / groups, KD, KH, KW), and its
   gradients. Images are volumes of depth 1. */
#ifndef T
#include "kernels/ref/ref.h"

typedef struct window {
    int64_t stride[3], padding[3], dilation[3], groups;
} window;

static window window_of(int dims, const int64_t *stride, const int64_t *padding, const int64_t *dilation,
                        int64_t groups) {
    window k = {{1, 1, 1}, {0, 0, 0}, {1, 1, 1}, groups};
    for (int i = 0; i < dims; i++) {
        int d = 3 - dims + i;
        k.stride[d] = stride[i], k.padding[d] = padding[i], k.dilation[d] = dilation[i];
    }
    return k;
}

static ct_layout volume_of(const ct_layout *l) {
    if (l->ndim == 5) return *l;
    ct_layout v = {l->dtype,
                   5,
                   {l->size[0], l->size[1], 1, l->size[2], l->size[3]},
                   {l->stride[0], l->stride[1], 0, l->stride[2], l->stride[3]}};
    return v;
}

/* Where x's element is along each side of the window: x at h by the kernel's k; false when it is outside. */
static bool input_of(const window *a, const int64_t *out, const int64_t *k, const int64_t *size, int64_t *h) {
    for (int d = 0; d < 3; d++) {
        h[d] = out[d] * a->stride[d] - a->padding[d] + k[d] * a->dilation[d];
        if (h[d] < 0 || h[d] >= size[d]) return false;
    }
    return true;
}

/* The element of y, of n along each side, that reads x at h by the kernel's k; false when there is none. */
static bool output_of(const window *a, const int64_t *h, const int64_t *k, const int64_t *n, int64_t *out) {
    for (int d = 0; d < 3; d++) {
        int64_t i = h[d] + a->padding[d] - k[d] * a->dilation[d];
        if (i < 0 || i % a->stride[d] || (out[d] = i / a->stride[d]) >= n[d]) return false;
    }
    return true;
}

/* How far the element of a plane is from its first. */
static int64_t place(const ct_layout *l, const int64_t *at) {
    return at[0] * l->stride[2] + at[1] * l->stride[3] + at[2] * l->stride[4];
}

#define BODY "kernels/ref/conv.c"
#include "kernels/ref/floats.h"
FLOAT_KERNEL(conv2d)
FLOAT_KERNEL(conv2d_dx)
FLOAT_KERNEL(conv2d_dw)
FLOAT_KERNEL(conv3d)
FLOAT_KERNEL(conv3d_dx)
FLOAT_KERNEL(conv3d_dw)
#else

/* Sum over n pairs. */
static double F(dot)(int64_t n, const T *a, int64_t sa, const T *b, int64_t sb) {
    double s = 0;
    for (int64_t i = 0; i < n; i++) s += (double)a[i * sa] * b[i * sb];
    return s;
}

static void F(forward)(const window *k, const ct_call *call, const void *const *in, T *y) {
    ct_layout lx = volume_of(&call->in[0]), lw = volume_of(&call->in[1]), ly = volume_of(call->out);
    const T *weight = in[1], *bias = in[2];
    int64_t outs = ly.size[1] / k->groups, ins = lw.size[1], h[3];
    for (ct_sweep w = CT_SWEEP(5, ly.size, 0, ly.stride); w.more; ct_sweep_next(&w)) {
        int64_t o = w.index[1];
        const T *x = (const T *)in[0] + w.index[0] * lx.stride[0] + o / outs * ins * lx.stride[1];
        double s = bias ? bias[o * call->in[2].stride[0]] : 0;
        for (ct_sweep v = CT_SWEEP(3, lw.size + 2, 0, lw.stride + 2); v.more; ct_sweep_next(&v))
            if (input_of(k, w.index + 2, v.index, lx.size + 2, h))
                s += F(dot)(ins, x + place(&lx, h), lx.stride[1], weight + o * lw.stride[0] + v.at[0], lw.stride[1]);
        y[w.at[0]] = (T)s;
    }
}

static void F(dx)(const window *k, const ct_call *call, const void *const *in, T *dx) {
    ct_layout lg = volume_of(&call->in[0]), lw = volume_of(&call->in[1]), ld = volume_of(call->out);
    int64_t outs = lg.size[1] / k->groups, ins = lw.size[1], i[3];
    for (ct_sweep w = CT_SWEEP(5, ld.size, 0, ld.stride); w.more; ct_sweep_next(&w)) {
        int64_t c = w.index[1] % ins, o = w.index[1] / ins * outs;
        const T *g = (const T *)in[0] + w.index[0] * lg.stride[0] + o * lg.stride[1];
        const T *weight = (const T *)in[1] + o * lw.stride[0] + c * lw.stride[1];
        double s = 0;
        for (ct_sweep v = CT_SWEEP(3, lw.size + 2, 0, lw.stride + 2); v.more; ct_sweep_next(&v))
            if (output_of(k, w.index + 2, v.index, lg.size + 2, i))
                s += F(dot)(outs, g + place(&lg, i), lg.stride[1], weight + v.at[0], lw.stride[0]);
        dx[w.at[0]] = (T)s;
    }
}

static void F(dw)(const window *k, const ct_call *call, const void *const *in, T *dw) {
    ct_layout lg = volume_of(&call->in[0]), lx = volume_of(&call->in[1]), ld = volume_of(call->out);
    int64_t outs = lg.size[1] / k->groups, ins = ld.size[1], h[3];
    for (ct_sweep w = CT_SWEEP(5, ld.size, 0, ld.stride); w.more; ct_sweep_next(&w)) {
        int64_t o = w.index[0], c = o / outs * ins + w.index[1];
        const T *g = (const T *)in[0] + o * lg.stride[1], *x = (const T *)in[1] + c * lx.stride[1];
        double s = 0;
        for (ct_sweep v = CT_SWEEP(3, lg.size + 2, 0, lg.stride + 2); v.more; ct_sweep_next(&v))
            if (input_of(k, v.index, w.index + 2, lx.size + 2, h))
                s += F(dot)(lg.size[0], g + v.at[0], lg.stride[0], x + place(&lx, h), lx.stride[0]);
        dw[w.at[0]] = (T)s;
    }
}

#define RUN_CONV(name, args_of, dims, fn)                                          \
    RUN_OF(F(name)) {                                                              \
        const ct_##args_of##_args *a = call->args;                                 \
        window k = window_of(dims, a->stride, a->padding, a->dilation, a->groups); \
        F(fn)(&k, call, in, out[0]);                                               \
    }
RUN_CONV(conv2d, conv2d, 2, forward)
RUN_CONV(conv2d_dx, conv2d_back, 2, dx)
RUN_CONV(conv2d_dw, conv2d_back, 2, dw)
RUN_CONV(conv3d, conv3d, 3, forward)
RUN_CONV(conv3d_dx, conv3d_back, 3, dx)
RUN_CONV(conv3d_dw, conv3d_back, 3, dw)
#undef RUN_CONV
#endif
