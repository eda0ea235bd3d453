/* Resized images (N, C, H, W). A result's element is a blend of two rows and two columns of the input. */
#ifndef T
#include "kernels/ref/ref.h"

enum { NEAREST, BILINEAR };

/* Along one dimension: (1 - weight) * x[a] + weight * x[b]. */
typedef struct blend {
    int64_t a, b;
    double weight;
} blend;

/* factor: how many times larger the result was asked to be, 0 where its size was given. PyTorch takes the nearest in
   single precision. */
static blend nearest_of(int64_t i, int64_t size, int64_t new_size, double factor) {
    float ratio = factor > 0 ? (float)(1 / factor) : (float)size / (float)new_size;
    int64_t a = new_size == size ? i : new_size == 2 * size ? i / 2 : (int64_t)floorf((float)i * ratio);
    return (blend){CT_MIN(a, size - 1), CT_MIN(a, size - 1), 0};
}

static blend linear_of(int64_t i, int64_t size, int64_t new_size, double factor, bool align_corners) {
    if (size == new_size) return (blend){i, i, 0};
    double ratio = factor > 0 ? 1 / factor : (double)size / (double)new_size;
    double at = CT_MAX(((double)i + 0.5) * ratio - 0.5, 0);
    if (align_corners) at = new_size > 1 ? (double)i * (double)(size - 1) / (double)(new_size - 1) : 0;
    int64_t a = CT_MIN((int64_t)at, size - 1);
    return (blend){a, CT_MIN(a + 1, size - 1), CT_MIN(at - (double)a, 1)};
}

static blend blend_of(int mode, int64_t i, int64_t size, int64_t new_size, double factor, bool align_corners) {
    if (mode == NEAREST) return nearest_of(i, size, new_size, factor);
    return linear_of(i, size, new_size, factor, align_corners);
}

#define BODY "kernels/ref/interpolate.c"
#include "kernels/ref/floats.h"
FLOAT_KERNEL(interpolate)
FLOAT_KERNEL(interpolate_back)
#else

static double F(mix)(double a, double b, double weight) { return weight ? (1 - weight) * a + weight * b : a; }

RUN_OF(F(interpolate)) {
    const ct_interpolate_args *a = call->args;
    const ct_layout *lx = call->in, *ly = call->out;
    const double none[2] = {0}, *factor = a->size.n ? none : a->scale_factor;
    const T *x = in[0];
    T *y = out[0];
    for (ct_sweep w = CT_SWEEP(4, ly->size, 0, ly->stride); w.more; ct_sweep_next(&w)) {
        int64_t n = w.index[0], c = w.index[1];
        blend v = blend_of(a->mode, w.index[2], lx->size[2], ly->size[2], factor[0], a->align_corners);
        blend h = blend_of(a->mode, w.index[3], lx->size[3], ly->size[3], factor[1], a->align_corners);
        double top = F(mix)(x[ct_at4(lx, n, c, v.a, h.a)], x[ct_at4(lx, n, c, v.a, h.b)], h.weight);
        double bottom = F(mix)(x[ct_at4(lx, n, c, v.b, h.a)], x[ct_at4(lx, n, c, v.b, h.b)], h.weight);
        y[w.at[0]] = (T)F(mix)(top, bottom, v.weight);
    }
}

RUN_OF(F(interpolate_back)) {
    const ct_interpolate_back_args *a = call->args;
    const ct_layout *lg = call->in, *ld = call->out;
    T *dx = out[0];
    ct_elems_zero(ld, dx);
    for (ct_sweep w = CT_SWEEP(4, lg->size, 0, lg->stride); w.more; ct_sweep_next(&w)) {
        int64_t n = w.index[0], c = w.index[1];
        blend v = blend_of(a->mode, w.index[2], ld->size[2], lg->size[2], a->scale_factor[0], a->align_corners);
        blend h = blend_of(a->mode, w.index[3], ld->size[3], lg->size[3], a->scale_factor[1], a->align_corners);
        double g = ((const T *)in[0])[w.at[0]], top = g * (1 - v.weight), bottom = g * v.weight;
        dx[ct_at4(ld, n, c, v.a, h.a)] += (T)(top * (1 - h.weight));
        dx[ct_at4(ld, n, c, v.a, h.b)] += (T)(top * h.weight);
        dx[ct_at4(ld, n, c, v.b, h.a)] += (T)(bottom * (1 - h.weight));
        dx[ct_at4(ld, n, c, v.b, h.b)] += (T)(bottom * h.weight);
    }
}
#endif
