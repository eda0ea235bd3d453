/* Convolutions of images with few channels, a model's first as a rule: a window's few floats are read where they lie,
   in a band of the image with its padding, so that nothing is copied for each pixel. The gradient of the weight is a
   fixed number of slices' sums, added in order. There is none of x here: a product with few columns does. */
#include "base/alloc.h"
#include "kernels/cpu/conv.h"
#include "kernels/cpu/layout.h"
#include "kernels/cpu/slots.h"
#include <string.h>

#define CHANNELS_MAX 8
#define OUTPUTS_MIN 8
#define WINDOW_MAX 384   /* floats of a window */
#define BAND_FLOATS 8192 /* of the image, at a time: they stay in the first-level cache */
#define BAND_MAX (1 << 22)
#define SLICES 16               /* of a weight gradient: part of the definition of the result */
#define PIXELS 8                /* at most at a time, of the result */
#define TAPS (VW == 16 ? 9 : 5) /* at a time, of a weight gradient */
#define OUT (2 * VW)            /* channels of the result at a time */

typedef struct thin_plan {
    conv_problem p;
    int64_t k, width, rows;    /* a window's floats; floats of a band's row; rows of the result that a band makes */
    int64_t bands, slices;     /* of all images */
    int64_t weight, sum, band; /* floats: the weight, ordered; a slice's sum; a slot's band */
    int64_t panels, taps;      /* of OUT channels; the window's floats, rounded up to TAPS */
    int slots;
    int32_t at[WINDOW_MAX + TAPS]; /* where in a band each float of a window lies, from its first */
} thin_plan;

static int64_t span(const conv_problem *p, int d, int64_t n) { /* of the source, that n of the result see */
    return (n - 1) * p->stride[d] + (p->kernel[d] - 1) * p->dilation[d] + 1;
}

static bool thin_fits(const conv_problem *p) {
    return p->groups == 1 && p->c <= CHANNELS_MAX && p->o >= OUTPUTS_MIN && p->pass != CONV_DX &&
           p->kernel[0] * p->kernel[1] * p->c <= WINDOW_MAX && span(p, 0, 1) * span(p, 1, p->ow) * p->c <= BAND_MAX;
}

static void plan_bands(thin_plan *m) {
    const conv_problem *p = &m->p;
    m->width = span(p, 1, p->ow) * p->c;
    int64_t more = p->stride[0] * m->width, first = span(p, 0, 1) * m->width;
    m->rows = CT_MIN(CT_MAX((BAND_FLOATS - first) / more + 1, 1), p->oh);
    m->bands = p->n * div_up_i64(p->oh, m->rows);
    m->band = round_up_i64(span(p, 0, m->rows) * m->width, 16);
}

static ct_status thin_prepare(const conv_problem *p, void **plan, size_t *workspace) {
    thin_plan *m = ct_alloc(1, sizeof *m);
    if (!m) return CT_NO_MEMORY;
    m->p = *p;
    m->k = p->kernel[0] * p->kernel[1] * p->c;
    plan_bands(m);
    for (int64_t k = 0; k < m->k; k++) {
        int64_t i = k / p->c / p->kernel[1], j = k / p->c % p->kernel[1];
        m->at[k] = (int32_t)(i * p->dilation[0] * m->width + j * p->dilation[1] * p->c + k % p->c);
    }
    m->panels = div_up_i64(p->o, OUT), m->taps = round_up_i64(m->k, TAPS);
    for (int64_t k = m->k; k < m->taps; k++) m->at[k] = 0;
    m->slices = CT_MIN(SLICES, m->bands);
    m->weight = m->panels * m->k * OUT, m->sum = m->panels * m->taps * OUT;
    m->slots = slots_wanted(p->pass == CONV_DW ? m->slices : m->bands);
    *workspace = (size_t)((p->pass == CONV_DW ? m->slices * m->sum : m->weight) + m->slots * m->band) * sizeof(float);
    *plan = m;
    return CT_OK;
}

typedef struct thin_run {
    const thin_plan *m;
    const float *x, *g, *weight, *bias;
    float *y, *sums, *bands;
    const ct_tail *tail;
    slots slots;
} thin_run;

/* ---- a band ---- */

typedef struct band_place {
    int64_t image, first, rows; /* of the result */
} band_place;

static band_place band_at(const thin_plan *m, int64_t b) {
    int64_t each = div_up_i64(m->p.oh, m->rows), first = b % each * m->rows;
    return (band_place){b / each, first, CT_MIN(m->rows, m->p.oh - first)};
}

static void read_band(const thin_plan *m, const float *x, band_place at, float *band) {
    const conv_problem *p = &m->p;
    int64_t rows = span(p, 0, at.rows), top = at.first * p->stride[0] - p->padding[0];
    int64_t left = CT_MIN(p->padding[1] * p->c, m->width), some = CT_MIN(p->w * p->c, m->width - left);
    const float *image = x + at.image * p->h * p->w * p->c;
    for (int64_t i = 0; i < rows; i++, band += m->width) {
        int64_t row = top + i;
        bool inside = row >= 0 && row < p->h;
        memset(band, 0, (size_t)(inside ? left : m->width) * sizeof *band);
        if (!inside) continue;
        memcpy(band + left, image + row * p->w * p->c, (size_t)some * sizeof *band);
        memset(band + left + some, 0, (size_t)(m->width - left - some) * sizeof *band);
    }
}

/* ---- forward ---- */

/* Where float k of a window's weight lies, from the first of its channel of the result. */
static int64_t weight_at(const conv_problem *p, int64_t k) {
    int64_t i = k / p->c / p->kernel[1], j = k / p->c % p->kernel[1];
    return k % p->c * p->weight[1] + i * p->weight[2] + j * p->weight[3];
}

/* w as panels of (k, OUT channels), zeros past the last one. */
static void order_weight(const thin_plan *m, const float *w, float *d) {
    for (int64_t k = 0; k < m->k; k++) {
        const float *from = w + weight_at(&m->p, k);
        for (int64_t o = 0; o < m->panels * OUT; o++)
            d[(o / OUT * m->k + k) * OUT + o % OUT] = o < m->p.o ? from[o * m->p.weight[0]] : 0;
    }
}

/* n pixels, `step` floats apart in the band, by v vectors of a panel. */
CT_INLINE void thin_tile(const thin_plan *m, const float *x, int64_t step, const float *w, vf acc[PIXELS][2], int n,
                         int v) {
    CT_EACH(i, n) acc[i][0] = acc[i][1] = vset(0);
    for (int64_t k = 0; k < m->k; k++, w += OUT) {
        vf w0 = vload(w), w1 = v > 1 ? vload(w + VW) : w0;
        const float *xk = x + m->at[k];
        CT_EACH(i, n) {
            vf xi = vset(xk[i * step]);
            acc[i][0] = vfma(xi, w0, acc[i][0]);
            if (v > 1) acc[i][1] = vfma(xi, w1, acc[i][1]);
        }
    }
}

/* A pixel's first n channels of a panel, fewer than its vectors hold. */
static void store_part(const vf acc[2], const float *bias, int64_t n, float *y) {
    float wide[OUT];
    vstore(wide, acc[0]), vstore(wide + VW, acc[1]);
    for (int64_t i = 0; i < n; i++) y[i] = bias ? wide[i] + bias[i] : wide[i];
}

CT_INLINE void store_pixel(const vf acc[2], const float *bias, int64_t n, float *y, int v) {
    if (n < v * VW) {
        store_part(acc, bias, n, y);
        return;
    }
    CT_EACH(i, v) vstore(y + i * VW, bias ? acc[i] + vload(bias + i * VW) : acc[i]);
}

/* What a row of the result by one panel works on. */
typedef struct thin_line {
    const float *band, *weight, *bias;
    float *y;
    int64_t n; /* channels from the panel's first on */
} thin_line;

/* Tiles of `each` pixels; the last one starts early enough to be whole, so that some pixels are made twice. */
CT_INLINE void thin_tiles(const thin_plan *m, const thin_line *l, int each, int v) {
    int64_t step = m->p.stride[1] * m->p.c, o = m->p.o;
    vf acc[PIXELS][2];
    for (int64_t x = 0; x < m->p.ow; x += each) {
        int64_t at = CT_MAX(CT_MIN(x, m->p.ow - each), 0);
        thin_tile(m, l->band + at * step, step, l->weight, acc, each, v);
        CT_EACH(i, each) store_pixel(acc[i], l->bias, l->n, l->y + (at + i) * o, v);
    }
}

#define TILES(v)                    \
    switch (each) {                 \
    case 8:                         \
        thin_tiles(r->m, &l, 8, v); \
        break;                      \
    case 7:                         \
        thin_tiles(r->m, &l, 7, v); \
        break;                      \
    case 6:                         \
        thin_tiles(r->m, &l, 6, v); \
        break;                      \
    case 5:                         \
        thin_tiles(r->m, &l, 5, v); \
        break;                      \
    default:                        \
        thin_tiles(r->m, &l, 1, v); \
    }
/* A row of the result by one panel, in tiles of the size that makes the fewest pixels twice. */
static void thin_row(const thin_run *r, const float *band, int64_t panel, float *y) {
    const thin_plan *m = r->m;
    thin_line l = {band, r->weight + panel * m->k * OUT, r->bias ? r->bias + panel * OUT : NULL, y + panel * OUT,
                   m->p.o - panel * OUT};
    int64_t ow = m->p.ow, least = INT64_MAX;
    int each = 1;
    for (int t = VW == 16 || l.n <= VW ? PIXELS : PIXELS - 2; t >= 5; t--)
        if (t <= ow && div_up_i64(ow, t) * t < least) least = div_up_i64(ow, t) * t, each = t;
    if (l.n > VW)
        TILES(2)
    else
        TILES(1)
}
#undef TILES

static void run_bands(void *ctx, int64_t begin, int64_t end) {
    thin_run *r = ctx;
    const thin_plan *m = r->m;
    const conv_problem *p = &m->p;
    int slot = slots_take(&r->slots);
    float *band = r->bands + slot * m->band;
    for (int64_t b = begin; b < end; b++) {
        band_place at = band_at(m, b);
        float *y = r->y + (at.image * p->oh + at.first) * p->ow * p->o;
        read_band(m, r->x, at, band);
        for (int64_t i = 0; i < at.rows; i++)
            for (int64_t panel = 0; panel < m->panels; panel++)
                thin_row(r, band + i * p->stride[0] * m->width, panel, y + i * p->ow * p->o);
        ct_tail_run(r->tail, y, at.rows * p->ow * p->o);
    }
    slots_give(&r->slots, slot);
}

/* ---- the weight's gradient ---- */

/* sum (TAPS, OUT) += a row's x by v vectors of g, of which n channels count: past them lie the next pixel's, which
   nobody reads, and after the last pixel's perhaps nothing. */
CT_INLINE void weigh_row(const thin_plan *m, const float *x, const int32_t *tap, const float *g, int64_t n, float *sum,
                         int v) {
    int64_t step = m->p.stride[1] * m->p.c, o = m->p.o, last = n < v * VW ? m->p.ow - 1 : m->p.ow;
    vf acc[TAPS][2];
    float part[OUT] = {0};
    CT_EACH(t, TAPS) acc[t][0] = acc[t][1] = vset(0);
    for (int64_t i = 0; i < m->p.ow; i++, x += step, g += o) {
        if (i == last) g = memcpy(part, g, (size_t)n * sizeof *g);
        vf g0 = vload(g), g1 = v > 1 ? vload(g + VW) : g0;
        CT_EACH(t, TAPS) {
            vf xt = vset(x[tap[t]]);
            acc[t][0] = vfma(xt, g0, acc[t][0]);
            if (v > 1) acc[t][1] = vfma(xt, g1, acc[t][1]);
        }
    }
    CT_EACH(t, TAPS)
    CT_EACH(i, v) {
        float *s = sum + t * OUT + i * VW;
        vstore(s, vload(s) + acc[t][i]);
    }
}

/* A row of g, by all panels and taps. */
static void weigh(const thin_plan *m, const float *x, const float *g, float *sum) {
    for (int64_t panel = 0; panel < m->panels; panel++) {
        int64_t n = m->p.o - panel * OUT;
        for (int64_t k = 0; k < m->taps; k += TAPS) {
            float *to = sum + (panel * m->taps + k) * OUT;
            if (n > VW)
                weigh_row(m, x, m->at + k, g + panel * OUT, n, to, 2);
            else
                weigh_row(m, x, m->at + k, g + panel * OUT, n, to, 1);
        }
    }
}

static void run_slices(void *ctx, int64_t begin, int64_t end) {
    thin_run *r = ctx;
    const thin_plan *m = r->m;
    const conv_problem *p = &m->p;
    int slot = slots_take(&r->slots);
    float *band = r->bands + slot * m->band;
    for (int64_t s = begin; s < end; s++) {
        float *sum = r->sums + s * m->sum;
        memset(sum, 0, (size_t)m->sum * sizeof *sum);
        for (int64_t b = m->bands * s / m->slices; b < m->bands * (s + 1) / m->slices; b++) {
            band_place at = band_at(m, b);
            const float *g = r->g + (at.image * p->oh + at.first) * p->ow * p->o;
            read_band(m, r->x, at, band);
            for (int64_t i = 0; i < at.rows; i++)
                weigh(m, band + i * p->stride[0] * m->width, g + i * p->ow * p->o, sum);
        }
    }
    slots_give(&r->slots, slot);
}

/* The slices' sums, added in order, to the weight's own strides. */
static void join_slices(const thin_run *r) {
    const thin_plan *m = r->m;
    const conv_problem *p = &m->p;
    for (int64_t k = 0; k < m->k; k++) {
        float *to = r->y + weight_at(p, k);
        for (int64_t o = 0; o < p->o; o++) {
            const float *from = r->sums + (o / OUT * m->taps + k) * OUT + o % OUT;
            float sum = *from;
            for (int64_t s = 1; s < m->slices; s++) sum += from[s * m->sum];
            to[o * p->weight[0]] = sum;
        }
    }
}

static void thin_run_(void *plan, const float *a, const float *b, const float *bias, float *y, void *work,
                      const ct_tail *tail) {
    const thin_plan *m = plan;
    thin_run r = {.m = m, .bias = bias, .y = y, .tail = tail, .slots = {0, m->slots}};
    if (m->p.pass == CONV_DW) {
        r.g = a, r.x = b, r.sums = work, r.bands = r.sums + m->slices * m->sum;
        ct_parallel(m->slices, 1, run_slices, &r);
        join_slices(&r);
        return;
    }
    float *weight = work;
    order_weight(m, b, weight);
    r.x = a, r.weight = weight, r.bands = weight + m->weight;
    int64_t cost = m->rows * m->p.ow * m->k * m->panels * OUT / 10;
    ct_parallel(m->bands, grain_of(cost), run_bands, &r);
}

const conv_method ct_conv_thin = {thin_fits, thin_prepare, thin_run_, ct_free};
