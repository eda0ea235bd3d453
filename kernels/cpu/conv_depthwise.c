/* Convolutions that filter each channel by itself: vectors of channels, window by window, read where they lie. The
   gradient of x is the same over g, with the taps that reach a pixel; that of the weight is a fixed number of slices'
   sums, added in order. */
#include "base/alloc.h"
#include "base/parallel.h"
#include "kernels/cpu/conv.h"
#include "kernels/cpu/layout.h"
#include <string.h>

#define WIDE 4       /* vectors of channels at a time, of a weight */
#define VECTORS 2    /* the same of a result, of which so many */
#define PIXELS 6     /* neighbours read each vector of the weight once */
#define FEW_PIXELS 3 /* where a row has not so many */
#define SLICES 16    /* of a weight gradient: part of the definition of the result */

/* A tap that reaches a pixel of the result, and the source's pixel that it reads. */
typedef struct reach {
    int32_t tap, from;
} reach;

typedef struct depthwise_plan {
    conv_problem p;
    int64_t c, taps, rows, slices; /* rows: of all images, of the result or, for the weight, of g */
    int64_t source[2], pixel[2];
    reach *reach[2];
    int64_t *first[2]; /* pixel[d] + 1: where each pixel's reach begins */
    int64_t inner[2];  /* pixels of a row that all taps reach, each `next` of the source after the last */
    int64_t next;
} depthwise_plan;

static bool depthwise_fits(const conv_problem *p) {
    return p->groups > 1 && p->groups == p->c && p->c == p->o && p->h < INT32_MAX && p->w < INT32_MAX &&
           p->oh < INT32_MAX && p->ow < INT32_MAX;
}

static int64_t source_at(const depthwise_plan *m, int d, int64_t i, int64_t tap) {
    const conv_problem *p = &m->p;
    int64_t stride = p->stride[d], at = i * stride - p->padding[d] + tap * p->dilation[d];
    if (p->pass == CONV_DX) {
        at = i + p->padding[d] - tap * p->dilation[d];
        if (at < 0 || at % stride) return -1;
        at /= stride;
    }
    return at < m->source[d] ? at : -1;
}

static ct_status list_reach(depthwise_plan *m, int d) {
    int64_t n = 0;
    m->first[d] = ct_alloc((size_t)m->pixel[d] + 1, sizeof *m->first[d]);
    m->reach[d] = ct_alloc((size_t)(m->pixel[d] * m->p.kernel[d]), sizeof *m->reach[d]);
    if (!m->first[d] || !m->reach[d]) return CT_NO_MEMORY;
    for (int64_t i = 0; i < m->pixel[d]; i++) {
        m->first[d][i] = n;
        for (int64_t tap = 0; tap < m->p.kernel[d]; tap++) {
            int64_t from = source_at(m, d, i, tap);
            if (from >= 0) m->reach[d][n++] = (reach){(int32_t)tap, (int32_t)from};
        }
    }
    m->first[d][m->pixel[d]] = n;
    return CT_OK;
}

static void find_inner(depthwise_plan *m) {
    const int64_t *first = m->first[1];
    bool even = m->p.pass == CONV_FORWARD || m->p.stride[1] == 1;
    int64_t x = 0;
    m->next = m->p.pass == CONV_FORWARD ? m->p.stride[1] : 1;
    while (x < m->pixel[1] && first[x + 1] - first[x] < m->p.kernel[1]) x++;
    m->inner[0] = m->inner[1] = x;
    while (even && x < m->pixel[1] && first[x + 1] - first[x] == m->p.kernel[1]) m->inner[1] = ++x;
}

static void depthwise_release(void *plan) {
    depthwise_plan *m = plan;
    if (!m) return;
    for (int d = 0; d < 2; d++) ct_free(m->reach[d]), ct_free(m->first[d]);
    ct_free(m);
}

static ct_status depthwise_prepare(const conv_problem *p, void **plan, size_t *workspace) {
    depthwise_plan *m = ct_alloc(1, sizeof *m);
    if (!m) return CT_NO_MEMORY;
    m->p = *p, m->c = p->c, m->taps = p->kernel[0] * p->kernel[1];
    int64_t x[2] = {p->h, p->w}, y[2] = {p->oh, p->ow};
    ct_status status = CT_OK;
    for (int d = 0; d < 2 && !status; d++) {
        m->source[d] = p->pass == CONV_DX ? y[d] : x[d], m->pixel[d] = p->pass == CONV_DX ? x[d] : y[d];
        status = list_reach(m, d);
    }
    if (status) {
        depthwise_release(m);
        return status;
    }
    find_inner(m);
    m->rows = p->n * m->pixel[0];
    m->slices = CT_MIN(SLICES, m->rows);
    *workspace = (size_t)((p->pass == CONV_DW ? m->slices : 1) * m->taps * m->c) * sizeof(float);
    *plan = m;
    return CT_OK;
}

typedef struct depthwise_run {
    const depthwise_plan *m;
    const float *source, *g, *weight, *bias;
    float *y, *sums;
    const ct_tail *tail;
} depthwise_run;

/* w as (taps, channels) */
static void order_weight(const depthwise_plan *m, const float *w, float *d) {
    const int64_t *s = m->p.weight, kw = m->p.kernel[1];
    for (int64_t t = 0; t < m->taps; t++)
        for (int64_t c = 0; c < m->c; c++) d[t * m->c + c] = w[c * s[0] + t / kw * s[2] + t % kw * s[3]];
}

/* ---- the result, or the gradient of x ---- */

/* n vectors of channels from c on of pixels that lie side by side; image: the source's; row, col: what reaches the
   first. */
CT_INLINE void filter(const depthwise_run *r, const float *image, const int64_t row[2], const int64_t col[2], int64_t c,
                      float *y, const int n, const int pixels) {
    const depthwise_plan *m = r->m;
    int64_t next = m->next * m->c;
    vf acc[PIXELS * VECTORS];
    CT_EACH(v, pixels * n) acc[v] = vset(0);
    const reach *cols = m->reach[1] + col[0];
    int64_t taps = col[1] - col[0], on = 0, tap_on = 0; /* a stride leaves out the same number of taps each time */
    if (taps > 1) on = (cols[1].from - cols[0].from) * m->c, tap_on = (cols[1].tap - cols[0].tap) * m->c;
    for (int64_t i = row[0]; i < row[1] && taps; i++) {
        reach a = m->reach[0][i];
        const float *x = image + (a.from * m->source[1] + cols->from) * m->c + c;
        const float *w = r->weight + (a.tap * m->p.kernel[1] + cols->tap) * m->c + c;
#pragma GCC unroll 1
        for (int64_t j = taps; j > 0; j--, x += on, w += tap_on) {
            CT_EACH(v, n) {
                vf tap = vload(w + v * VW);
                CT_EACH(p, pixels) { acc[p * n + v] = vfma(vload(x + p * next + v * VW), tap, acc[p * n + v]); }
            }
        }
    }
    CT_EACH(v, pixels * n) {
        int64_t at = c + v % n * VW;
        vstore(y + v / n * m->c + at, r->bias ? acc[v] + vload(r->bias + at) : acc[v]);
    }
}

static void filter_one(const depthwise_run *r, const float *image, const int64_t row[2], const int64_t col[2],
                       int64_t c, float *y) {
    const depthwise_plan *m = r->m;
    float acc = 0;
    for (int64_t i = row[0]; i < row[1]; i++)
        for (int64_t j = col[0]; j < col[1]; j++) {
            reach a = m->reach[0][i], b = m->reach[1][j];
            acc = sfma(image[(a.from * m->source[1] + b.from) * m->c + c],
                       r->weight[(a.tap * m->p.kernel[1] + b.tap) * m->c + c], acc);
        }
    y[c] = r->bias ? acc + r->bias[c] : acc;
}

/* All channels in blocks, the last vector starting early enough to be whole. */
CT_INLINE void filter_pixels(const depthwise_run *r, const float *image, const int64_t *row, const int64_t *col,
                             float *y, const int pixels) {
    int64_t c = 0, all = r->m->c;
    for (; c + VECTORS * VW <= all; c += VECTORS * VW) filter(r, image, row, col, c, y, VECTORS, pixels);
    for (; c < all && all >= VW; c += VW) filter(r, image, row, col, CT_MIN(c, all - VW), y, 1, pixels);
    for (; c < all; c++)
        for (int64_t p = 0; p < pixels; p++) filter_one(r, image, row, col + p, c, y + p * all);
}

/* How many pixels from *x on are made at once; at the end of the inner ones it moves back over those before, which come
   out the same again. */
static int at_once(const depthwise_plan *m, int64_t *x) {
    int64_t inner = m->inner[1] - m->inner[0];
    int some = inner >= PIXELS ? PIXELS : inner >= FEW_PIXELS ? FEW_PIXELS : 1;
    if (*x < m->inner[0] || *x >= m->inner[1]) return 1;
    *x = CT_MIN(*x, m->inner[1] - some);
    return some;
}

static void filter_row(const depthwise_run *r, const float *image, int64_t at, float *y) {
    const depthwise_plan *m = r->m;
    const int64_t *row = m->first[0] + at, *col = m->first[1];
    for (int64_t x = 0, some; x < m->pixel[1]; x += some) {
        some = at_once(m, &x);
        if (some == PIXELS)
            filter_pixels(r, image, row, col + x, y + x * m->c, PIXELS);
        else if (some == FEW_PIXELS)
            filter_pixels(r, image, row, col + x, y + x * m->c, FEW_PIXELS);
        else
            filter_pixels(r, image, row, col + x, y + x * m->c, 1);
    }
}

static void run_rows(void *ctx, int64_t begin, int64_t end) {
    const depthwise_run *r = ctx;
    const depthwise_plan *m = r->m;
    for (int64_t i = begin; i < end; i++) {
        const float *image = r->source + i / m->pixel[0] * m->source[0] * m->source[1] * m->c;
        float *y = r->y + i * m->pixel[1] * m->c;
        filter_row(r, image, i % m->pixel[0], y);
        ct_tail_run(r->tail, y, m->pixel[1] * m->c);
    }
}

/* ---- the weight's gradient ---- */

/* The pixels of a row of g that a column's tap reaches, and where their sources begin. */
typedef struct run_of {
    int64_t first, n, from;
} run_of;

static run_of reached(const depthwise_plan *m, int64_t tap) {
    const conv_problem *p = &m->p;
    int64_t off = tap * p->dilation[1] - p->padding[1], s = p->stride[1];
    int64_t first = off < 0 ? div_up_i64(-off, s) : 0, end = p->w > off ? div_up_i64(p->w - off, s) : 0;
    return (run_of){first, CT_MIN(end, p->ow) - first, first * s + off};
}

CT_INLINE void weigh(const float *g, const float *x, int64_t c, int64_t step, int64_t n, float *sum, int vectors) {
    vf acc[WIDE];
    CT_EACH(v, vectors) acc[v] = vset(0);
    for (int64_t i = 0; i < n; i++, g += c, x += step)
        CT_EACH(v, vectors) acc[v] = vfma(vload(g + v * VW), vload(x + v * VW), acc[v]);
    CT_EACH(v, vectors) vstore(sum + v * VW, vload(sum + v * VW) + acc[v]);
}

static float weigh_one(const float *g, const float *x, int64_t c, int64_t step, int64_t n) {
    float acc = 0;
    for (int64_t i = 0; i < n; i++) acc = sfma(g[i * c], x[i * step], acc);
    return acc;
}

/* sum (channels) += a row of g by the source pixels that one tap reads. */
static void weigh_row(const depthwise_plan *m, const float *g, const float *x, int64_t n, float *sum) {
    int64_t c = 0, step = m->p.stride[1] * m->c;
    for (; c + WIDE * VW <= m->c; c += WIDE * VW) weigh(g + c, x + c, m->c, step, n, sum + c, WIDE);
    for (; c + VW <= m->c; c += VW) weigh(g + c, x + c, m->c, step, n, sum + c, 1);
    for (; c < m->c; c++) sum[c] += weigh_one(g + c, x + c, m->c, step, n);
}

static void run_slices(void *ctx, int64_t begin, int64_t end) {
    const depthwise_run *r = ctx;
    const depthwise_plan *m = r->m;
    int64_t oh = m->pixel[0], c = m->c, kw = m->p.kernel[1];
    for (int64_t s = begin; s < end; s++) {
        float *sum = r->sums + s * m->taps * c;
        memset(sum, 0, (size_t)(m->taps * c) * sizeof *sum);
        for (int64_t row = m->rows * s / m->slices; row < m->rows * (s + 1) / m->slices; row++) {
            const float *g = r->g + row * m->pixel[1] * c;
            const float *image = r->source + row / oh * m->source[0] * m->source[1] * c;
            for (int64_t i = m->first[0][row % oh]; i < m->first[0][row % oh + 1]; i++)
                for (int64_t t = 0; t < kw; t++) {
                    reach a = m->reach[0][i];
                    run_of to = reached(m, t);
                    if (to.n > 0)
                        weigh_row(m, g + to.first * c, image + (a.from * m->source[1] + to.from) * c, to.n,
                                  sum + (a.tap * kw + t) * c);
                }
        }
    }
}

/* The slices' sums, added in order, to the weight's own strides. */
static void join_slices(const depthwise_run *r) {
    const depthwise_plan *m = r->m;
    const int64_t *s = m->p.weight, kw = m->p.kernel[1];
    for (int64_t t = 0; t < m->taps; t++)
        for (int64_t c = 0; c < m->c; c++) {
            const float *from = r->sums + t * m->c + c;
            float sum = *from;
            for (int64_t i = 1; i < m->slices; i++) sum += from[i * m->taps * m->c];
            r->y[c * s[0] + t / kw * s[2] + t % kw * s[3]] = sum;
        }
}

static void depthwise_run_(void *plan, const float *a, const float *b, const float *bias, float *y, void *work,
                           const ct_tail *tail) {
    const depthwise_plan *m = plan;
    depthwise_run r = {.m = m, .source = a, .weight = work, .bias = bias, .y = y, .tail = tail};
    if (m->p.pass == CONV_DW) {
        r.g = a, r.source = b, r.sums = work;
        ct_parallel(m->slices, 1, run_slices, &r);
        join_slices(&r);
        return;
    }
    order_weight(m, b, work);
    ct_parallel(m->rows, grain_of(m->pixel[1] * m->c * m->taps / 4), run_rows, &r);
}

const conv_method ct_conv_depthwise = {
    depthwise_fits, depthwise_prepare, depthwise_run_, depthwise_release, NULL, NULL};
