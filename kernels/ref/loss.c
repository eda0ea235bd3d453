/* Cross entropy of logits x (N, C) and classes (N), fused, and its gradient. The target is a distribution q: all of it
   on the class t, but for label_smoothing's share spread evenly. With w the classes' weights, a sample's loss is
   the sum over c of q[c] w[c] (lse - x[c]), lse being the logarithm of the sum of e^x. */
#ifndef T
#include "kernels/ref/ref.h"

enum { MEAN, SUM, NONE };

/* The target of sample n; -1 where it counts for nothing, said in exec if that is because there is no such class. */
static int64_t target_of(const ct_exec *exec, const ct_call *call, const void *target, int64_t n) {
    const ct_cross_entropy_args *a = call->args;
    const ct_layout *l = call->n_in == 3 ? &call->in[1] : &call->in[2];
    const ct_layout *x = call->n_in == 3 ? &call->in[0] : &call->in[1];
    int64_t t;
    if (ct_elem_get_int(l->dtype, target, n * l->stride[0]) == a->ignore_index) return -1;
    return ct_elem_index(exec, l, target, n * l->stride[0], x->size[1], &t) ? t : -1;
}

#define BODY "kernels/ref/loss.c"
#include "kernels/ref/floats.h"
FLOAT_KERNEL(cross_entropy_)
FLOAT_KERNEL(cross_entropy_back)
#else

static double F(weight_of)(const T *weight, const ct_layout *l, int64_t c) {
    return weight ? weight[c * l->stride[0]] : 1;
}

static double F(logsumexp)(const T *x, int64_t dx, int64_t n) {
    double m = -INFINITY, s = 0;
    for (int64_t c = 0; c < n; c++) m = CT_MAX(m, x[c * dx]);
    for (int64_t c = 0; c < n; c++) s += ct_exp_f64(x[c * dx] - m);
    return m + ct_log_f64(s);
}

RUN_OF(F(cross_entropy_)) { /* x, target, weight: loss, lse */
    const ct_cross_entropy_args *a = call->args;
    const ct_layout *lx = &call->in[0], *lw = &call->in[2], *ll = &call->out[0], *le = &call->out[1];
    int64_t classes = lx->size[1];
    double smooth = a->label_smoothing, total = 0, weights = 0;
    T *loss = out[0], *lse = out[1];
    for (int64_t n = 0; n < lx->size[0]; n++) {
        const T *x = (const T *)in[0] + n * lx->stride[0];
        int64_t t = target_of(exec, call, in[1], n);
        double e = F(logsumexp)(x, lx->stride[1], classes), w = t < 0 ? 0 : F(weight_of)(in[2], lw, t), l = 0;
        if (t >= 0) l = (1 - smooth) * w * (e - x[t * lx->stride[1]]);
        for (int64_t c = 0; c < classes && smooth > 0 && t >= 0; c++)
            l += smooth / (double)classes * F(weight_of)(in[2], lw, c) * (e - x[c * lx->stride[1]]);
        if (lse) lse[n * le->stride[0]] = (T)e;
        if (loss && a->reduction == NONE) loss[n * ll->stride[0]] = (T)l;
        total += l, weights += w;
    }
    if (loss && a->reduction != NONE) loss[0] = (T)(a->reduction == MEAN ? total / weights : total);
}

/* The sum of the targets' weights, which a mean is over. */
static double F(weight_sum)(const ct_exec *exec, const ct_call *call, const void *const *in) {
    double s = 0;
    for (int64_t n = 0; n < call->in[1].size[0]; n++) {
        int64_t t = target_of(exec, call, in[2], n);
        if (t >= 0) s += F(weight_of)(in[3], &call->in[3], t);
    }
    return s;
}

RUN_OF(F(cross_entropy_back)) { /* g, x, target, weight, lse: dx */
    const ct_cross_entropy_args *a = call->args;
    const ct_layout *lg = &call->in[0], *lx = &call->in[1], *lw = &call->in[3], *le = &call->in[4], *ld = call->out;
    const T *g = in[0], *lse = in[4];
    int64_t classes = lx->size[1];
    double smooth = a->label_smoothing, each = smooth / (double)classes, all = 0;
    double scale = a->reduction == NONE ? 1 : a->reduction == SUM ? g[0] : g[0] / F(weight_sum)(exec, call, in);
    for (int64_t c = 0; c < classes; c++) all += F(weight_of)(in[3], lw, c);
    for (int64_t n = 0; n < lx->size[0]; n++) {
        const T *x = (const T *)in[1] + n * lx->stride[0];
        T *dx = (T *)out[0] + n * ld->stride[0];
        int64_t t = target_of(exec, call, in[2], n);
        double wt = t < 0 ? 0 : F(weight_of)(in[3], lw, t), sum = (1 - smooth) * wt + each * all; /* of q w */
        double gn = a->reduction == NONE ? g[n * lg->stride[0]] : scale;
        for (int64_t c = 0; c < classes; c++) {
            double q = each * F(weight_of)(in[3], lw, c) + (c == t ? (1 - smooth) * wt : 0);
            double d = ct_exp_f64(x[c * lx->stride[1]] - (double)lse[n * le->stride[0]]) * sum - q;
            dx[c * ld->stride[1]] = (T)(t < 0 ? 0 : gn * d);
        }
    }
}
#endif
