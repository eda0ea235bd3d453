/* Normalisation of vectors, the last dimensions of x, and its gradients: about their mean (layer_norm) or 0 (rms_norm).
 */
#ifndef T
#include "kernels/ref/ref.h"
#include <float.h>

/* The dimensions of l from `lead` on, as a sweep's size and stride; strides of 0 where l is absent. */
#define REST(l) ((l)->dtype ? (l)->stride : ct_stride_none)

#define BODY "kernels/ref/layer_norm.c"
#include "kernels/ref/floats.h"
FLOAT_KERNEL(layer_norm_)
FLOAT_KERNEL(layer_norm_back)
FLOAT_KERNEL(rms_norm_)
FLOAT_KERNEL(rms_norm_back)
#else

/* x, weight, bias (if centred): y, mean (if centred), inverse of the deviation. */
static void F(forward)(const ct_call *call, const void *const *in, void *const *out, bool centred, double eps) {
    static const ct_layout absent;
    static const T one = 1, zero = 0;
    const ct_layout *lx = call->in, *ly = call->out, *lw = &call->in[1], *lb = centred ? &call->in[2] : &absent;
    const ct_layout *li = &call->out[1 + centred];
    const T *weight = in[1] ? in[1] : &one, *bias = centred && in[2] ? in[2] : &zero;
    T *means = centred ? out[1] : NULL, *invs = out[1 + centred];
    int lead = li->ndim, rest = lx->ndim - lead;
    const int64_t *size = lx->size + lead, *sx = lx->stride + lead, *sy = ly->stride + lead;
    for (ct_sweep r = CT_SWEEP(lead, lx->size, 0, lx->stride, ly->stride, li->stride); r.more; ct_sweep_next(&r)) {
        const T *x = (const T *)in[0] + r.at[0];
        T *y = (T *)out[0] + r.at[1];
        double n = 0, mean = 0, square = 0;
        for (ct_sweep w = CT_SWEEP(rest, size, 0, sx); w.more; ct_sweep_next(&w)) n++, mean += x[w.at[0]];
        mean = centred ? mean / n : 0;
        for (ct_sweep w = CT_SWEEP(rest, size, 0, sx); w.more; ct_sweep_next(&w))
            square += (x[w.at[0]] - mean) * (x[w.at[0]] - mean);
        double inv = 1 / sqrt(square / n + eps);
        for (ct_sweep w = CT_SWEEP(rest, size, 0, sx, sy, REST(lw), REST(lb)); w.more && out[0]; ct_sweep_next(&w))
            y[w.at[1]] = (T)((x[w.at[0]] - mean) * inv * weight[w.at[2]] + bias[w.at[3]]);
        if (means) means[r.at[2]] = (T)mean;
        if (invs) invs[r.at[2]] = (T)inv;
    }
}

RUN_OF(F(layer_norm_)) { F(forward)(call, in, out, true, ((const ct_layer_norm_args *)call->args)->eps); }
RUN_OF(F(rms_norm_)) {
    double eps = ((const ct_rms_norm_args *)call->args)->eps;
    F(forward)(call, in, out, false, eps >= 0 ? eps : sizeof(T) == sizeof(float) ? FLT_EPSILON : DBL_EPSILON);
}

/* Gradients by a column of the vectors: of weight and bias. */
static void F(columns)(const ct_call *call, const void *const *in, void *const *out, bool centred) {
    const ct_layout *lg = &call->in[0], *lx = &call->in[1], *lm = &call->in[2], *li = &call->in[2 + centred];
    const ct_layout *ldw = &call->out[1];
    T *dw = out[1], *db = centred ? out[2] : NULL;
    int lead = li->ndim, rest = lx->ndim - lead;
    for (ct_sweep c = CT_SWEEP(rest, lx->size + lead, 0, lg->stride + lead, lx->stride + lead, ldw->stride); c.more;
         ct_sweep_next(&c)) {
        const T *g = (const T *)in[0] + c.at[0], *x = (const T *)in[1] + c.at[1], *mean = in[2], *inv = in[2 + centred];
        double w = 0, b = 0;
        for (ct_sweep r = CT_SWEEP(lead, lx->size, 0, lg->stride, lx->stride, lm->stride, li->stride); r.more;
             ct_sweep_next(&r)) {
            w += g[r.at[0]] * (x[r.at[1]] - (centred ? mean[r.at[2]] : 0)) * inv[r.at[3]];
            b += g[r.at[0]];
        }
        if (dw) dw[c.at[2]] = (T)w;
        if (db) db[c.at[2]] = (T)b;
    }
}

/* g, x, mean (if centred), inverse of the deviation, weight: dx, dw, db (if centred). */
static void F(backward)(const ct_call *call, const void *const *in, void *const *out, bool centred) {
    static const T one = 1;
    const ct_layout *lg = &call->in[0], *lx = &call->in[1], *lm = &call->in[2], *li = &call->in[2 + centred];
    const ct_layout *lw = &call->in[3 + centred], *ld = call->out;
    const T *weight = in[3 + centred] ? in[3 + centred] : &one;
    int lead = li->ndim, rest = lx->ndim - lead;
    const int64_t *size = lx->size + lead, *sg = lg->stride + lead, *sx = lx->stride + lead;
    F(columns)(call, in, out, centred);
    if (!out[0]) return;
    for (ct_sweep r = CT_SWEEP(lead, lx->size, 0, lg->stride, lx->stride, lm->stride, li->stride, ld->stride); r.more;
         ct_sweep_next(&r)) {
        const T *g = (const T *)in[0] + r.at[0], *x = (const T *)in[1] + r.at[1];
        T *dx = (T *)out[0] + r.at[4];
        double mean = centred ? ((const T *)in[2])[r.at[2]] : 0, inv = ((const T *)in[2 + centred])[r.at[3]];
        double n = 0, sum = 0, dot = 0;
        for (ct_sweep w = CT_SWEEP(rest, size, 0, sg, sx, REST(lw)); w.more; ct_sweep_next(&w)) {
            double gw = (double)g[w.at[0]] * weight[w.at[2]];
            n++, sum += gw, dot += gw * (x[w.at[1]] - mean) * inv;
        }
        if (!centred) sum = 0;
        for (ct_sweep w = CT_SWEEP(rest, size, 0, sg, sx, REST(lw), ld->stride + lead); w.more; ct_sweep_next(&w)) {
            double gw = (double)g[w.at[0]] * weight[w.at[2]], apart = (x[w.at[1]] - mean) * inv;
            dx[w.at[3]] = (T)(inv * (gw - sum / n - apart * dot / n));
        }
    }
}

RUN_OF(F(layer_norm_back)) { F(backward)(call, in, out, true); }
RUN_OF(F(rms_norm_back)) { F(backward)(call, in, out, false); }
#endif
