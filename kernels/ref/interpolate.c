/* Resized sequences, images and volumes (N, C, ...): along each dimension an element of the result is a weighted sum of
   a few of the input's. */
#ifndef T
#include "kernels/ref/ref.h"

enum { NEAREST, BILINEAR, LINEAR, TRILINEAR, BICUBIC, AREA, NEAREST_EXACT };
enum { MAX_SPACE = 3, MAX_TAPS = 4 };

/* x[first] to x[first + n - 1], those beyond an edge the one there; the last weight is that of all that follow. */
typedef struct taps {
    int64_t first, n;
    double weight[MAX_TAPS];
} taps;

/* Along one dimension. factor: how many times larger the result was asked to be, 0 where its size was given. */
typedef struct line {
    int mode;
    bool align_corners;
    int64_t size, new_size, stride;
    double factor;
} line;

/* PyTorch takes the nearest in single precision. */
static taps nearest_of(const line *l, int64_t i) {
    float ratio = l->factor > 0 ? (float)(1 / l->factor) : (float)l->size / (float)l->new_size;
    float at = ((float)i + (l->mode == NEAREST_EXACT ? 0.5f : 0)) * ratio;
    return (taps){CT_MIN((int64_t)floorf(at), l->size - 1), 1, {1}};
}

/* Where result i lies among the input's elements. */
static double place_of(const line *l, int64_t i) {
    double ratio = l->factor > 0 ? 1 / l->factor : (double)l->size / (double)l->new_size;
    if (l->align_corners) return l->new_size > 1 ? (double)i * (double)(l->size - 1) / (double)(l->new_size - 1) : 0;
    return ((double)i + 0.5) * ratio - 0.5;
}

static taps linear_of(const line *l, int64_t i) {
    if (l->size == l->new_size) return (taps){i, 1, {1}};
    double at = CT_MAX(place_of(l, i), 0);
    int64_t a = CT_MIN((int64_t)at, l->size - 1);
    double weight = CT_MIN(at - (double)a, 1);
    return (taps){a, weight ? 2 : 1, {1 - weight, weight}};
}

/* Keys, "Cubic convolution interpolation for digital image processing" (1981), with -0.75 as PyTorch has it. */
static double cubic_near(double x) { return ((1.25 * x - 2.25) * x) * x + 1; }
static double cubic_far(double x) { return ((-0.75 * x + 3.75) * x - 6) * x + 3; }

static taps cubic_of(const line *l, int64_t i) {
    double at = place_of(l, i), a = floor(at), t = at - a;
    return (taps){(int64_t)a - 1, 4, {cubic_far(t + 1), cubic_near(t), cubic_near(1 - t), cubic_far(2 - t)}};
}

static taps mean_of(const line *l, int64_t i) {
    int64_t begin = i * l->size / l->new_size, end = ((i + 1) * l->size + l->new_size - 1) / l->new_size;
    double weight = 1 / (double)(end - begin);
    return (taps){begin, end - begin, {weight, weight, weight, weight}};
}

static taps taps_of(const line *l, int64_t i) {
    switch (l->mode) {
    case NEAREST:
    case NEAREST_EXACT:
        return nearest_of(l, i);
    case BICUBIC:
        return cubic_of(l, i);
    case AREA:
        return mean_of(l, i);
    default:
        return linear_of(l, i);
    }
}

static double weight_of(const taps *t, int64_t k) { return t->weight[CT_MIN(k, MAX_TAPS - 1)]; }
static int64_t at_of(const taps *t, int64_t k, const line *l) {
    return CT_MIN(CT_MAX(t->first + k, 0), l->size - 1) * l->stride;
}

/* The last three dimensions' lines of `from`, resized to `to`'s sizes; those that are not there have one element. */
static void lines_of(int mode, bool align_corners, const double *factor, const ct_layout *from, const ct_layout *to,
                     line *out) {
    int n = from->ndim - 2;
    for (int i = 0; i < MAX_SPACE; i++) {
        int own = i - (MAX_SPACE - n), d = 2 + own;
        out[i] = own < 0 ? (line){NEAREST, false, 1, 1, 0, 0}
                         : (line){mode, align_corners, from->size[d], to->size[d], from->stride[d], factor[own]};
    }
}

/* The taps of the row of the result that w is at, but for those along it. */
static void taps_at(const line *l, const ct_sweep *w, taps *out) {
    for (int i = 0; i < MAX_SPACE - 1; i++) {
        int d = w->ndim - MAX_SPACE + i;
        out[i] = taps_of(&l[i], d < 2 ? 0 : w->index[d]);
    }
}

#define BODY "kernels/ref/interpolate.c"
#include "kernels/ref/floats.h"
FLOAT_KERNEL(interpolate)
FLOAT_KERNEL(interpolate_back)
#else

static double F(blend)(const T *x, const line *l, const taps *t) {
    double y = 0;
    for (int64_t i = 0; i < t[0].n; i++)
        for (int64_t j = 0; j < t[1].n; j++) {
            const T *row = x + at_of(&t[0], i, &l[0]) + at_of(&t[1], j, &l[1]);
            double sum = 0;
            for (int64_t k = 0; k < t[2].n; k++) sum += weight_of(&t[2], k) * row[at_of(&t[2], k, &l[2])];
            y += weight_of(&t[0], i) * weight_of(&t[1], j) * sum;
        }
    return y;
}

static void F(spread)(double g, const line *l, const taps *t, T *dx) {
    for (int64_t i = 0; i < t[0].n; i++)
        for (int64_t j = 0; j < t[1].n; j++) {
            T *row = dx + at_of(&t[0], i, &l[0]) + at_of(&t[1], j, &l[1]);
            double part = g * weight_of(&t[0], i) * weight_of(&t[1], j);
            for (int64_t k = 0; k < t[2].n; k++) row[at_of(&t[2], k, &l[2])] += (T)(part * weight_of(&t[2], k));
        }
}

RUN_OF(F(interpolate)) {
    const ct_interpolate_args *a = call->args;
    const ct_layout *lx = call->in, *ly = call->out;
    const double none[MAX_SPACE] = {0};
    line l[MAX_SPACE];
    taps t[MAX_SPACE];
    T *y = out[0];
    lines_of(a->mode, a->align_corners, a->size.n ? none : a->scale_factor, lx, ly, l);
    int last = ly->ndim - 1;
    for (ct_sweep w = CT_SWEEP(ly->ndim, ly->size, 1u << last, ly->stride); w.more; ct_sweep_next(&w)) {
        const T *x = (const T *)in[0] + w.index[0] * lx->stride[0] + w.index[1] * lx->stride[1];
        taps_at(l, &w, t);
        for (int64_t i = 0; i < ly->size[last]; i++) {
            t[MAX_SPACE - 1] = taps_of(&l[MAX_SPACE - 1], i);
            y[w.at[0] + i * ly->stride[last]] = (T)F(blend)(x, l, t);
        }
    }
}

RUN_OF(F(interpolate_back)) {
    const ct_interpolate_back_args *a = call->args;
    const ct_layout *lg = call->in, *ld = call->out;
    line l[MAX_SPACE];
    taps t[MAX_SPACE];
    T *dx = out[0];
    ct_elems_zero(ld, dx);
    lines_of(a->mode, a->align_corners, a->scale_factor, ld, lg, l);
    int last = lg->ndim - 1;
    for (ct_sweep w = CT_SWEEP(lg->ndim, lg->size, 1u << last, lg->stride); w.more; ct_sweep_next(&w)) {
        const T *g = (const T *)in[0] + w.at[0];
        T *to = dx + w.index[0] * ld->stride[0] + w.index[1] * ld->stride[1];
        taps_at(l, &w, t);
        for (int64_t i = 0; i < lg->size[last]; i++) {
            t[MAX_SPACE - 1] = taps_of(&l[MAX_SPACE - 1], i);
            F(spread)(g[i * lg->stride[last]], l, t, to);
        }
    }
}
#endif
