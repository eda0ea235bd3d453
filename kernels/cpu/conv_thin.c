/* The gradient of the weight for images with few channels, a model's first layer as a rule: a fixed number of slices'
   sums over windows that are read where they lie in a band, added in order. */
#include "base/alloc.h"
#include "base/parallel.h"
#include "kernels/cpu/conv_band.h"
#include "kernels/cpu/slots.h"

#define CHANNELS_MAX 16
#define OUTPUTS_MIN 8
#define WINDOW_MAX 384          /* floats of a window */
#define SLICES 16               /* of the gradient: part of the definition of the result */
#define TAPS (VW == 16 ? 9 : 5) /* at a time */
#define OUT (2 * VW)            /* channels of the result at a time */
#define MANY (VW == 16 ? 3 : 2) /* times TAPS at a time, for VW channels of the result or fewer */

typedef struct thin_plan {
    conv_problem p;
    conv_band band;
    int64_t k, bands, slices; /* a window's floats; of all images */
    int64_t sum;              /* floats of a slice's sum */
    int64_t panels, taps;     /* of OUT channels; the window's floats, rounded up to TAPS */
    bool dense;               /* TAPS floats of a window, from a multiple of TAPS on, lie side by side */
    int slots;
    int32_t at[WINDOW_MAX + TAPS]; /* where in a band each float of a window lies, from its first */
} thin_plan;

static bool thin_fits(const conv_problem *p) {
    conv_band b = band_of(p, 1);
    return p->pass == CONV_DW && p->groups == 1 && p->c <= CHANNELS_MAX && p->o >= OUTPUTS_MIN &&
           p->kernel[0] * p->kernel[1] * p->c <= WINDOW_MAX && band_fits(&b);
}

static ct_status thin_prepare(const conv_problem *p, void **plan, size_t *workspace) {
    int64_t taps = p->kernel[0] * p->kernel[1];
    thin_plan *m = ct_alloc(1, sizeof *m);
    if (!m) return CT_NO_MEMORY;
    m->p = *p, m->k = taps * p->c;
    m->band = band_of(p, p->oh), m->bands = p->n * m->band.bands;
    for (int64_t k = 0; k < m->k; k++) m->at[k] = band_place(p, &m->band, k / taps, k % taps);
    m->dense = m->k % TAPS == 0;
    for (int64_t k = 0; k < m->k; k++) m->dense &= k % TAPS == 0 || m->at[k] == m->at[k - 1] + 1;
    m->panels = div_up_i64(p->o, OUT), m->taps = round_up_i64(m->k, TAPS);
    m->slices = CT_MIN(SLICES, m->bands), m->sum = m->panels * m->taps * OUT;
    m->slots = slots_wanted(m->slices);
    *workspace = (size_t)(m->slices * m->sum + m->slots * m->band.room) * sizeof(float);
    *plan = m;
    return CT_OK;
}

typedef struct thin_run {
    const thin_plan *m;
    const float *x, *g;
    float *dw, *sums, *rooms;
    slots slots;
} thin_run;

/* sum (many TAPS, OUT) += a row's x by v vectors of g, of which n channels count: past them lie the next pixel's, which
   nobody reads, and after the last pixel's perhaps nothing. */
CT_INLINE void weigh_row(const thin_plan *m, const float *x, const int32_t *tap, const float *g, int64_t n, float *sum,
                         const int v, const int many, const bool dense) {
    int64_t step = m->p.stride[1] * m->p.c, o = m->p.o, last = n < v * VW ? m->p.ow - 1 : m->p.ow;
    vf acc[MANY * TAPS][2];
    float part[OUT] = {0};
    CT_EACH(t, many * TAPS) acc[t][0] = acc[t][1] = vset(0);
    for (int64_t i = 0; i < m->p.ow; i++, x += step, g += o) {
        if (i == last) g = memcpy(part, g, (size_t)n * sizeof *g);
        vf g0 = vload(g), g1 = v > 1 ? vload(g + VW) : g0;
        CT_EACH(t, many * TAPS) {
            vf xt = vset(dense ? x[tap[t / TAPS * TAPS] + t % TAPS] : x[tap[t]]);
            acc[t][0] = vfma(xt, g0, acc[t][0]);
            if (v > 1) acc[t][1] = vfma(xt, g1, acc[t][1]);
        }
    }
    CT_EACH(t, many * TAPS)
    CT_EACH(i, v) {
        float *s = sum + t * OUT + i * VW;
        vstore(s, vload(s) + acc[t][i]);
    }
}

/* A row of g, by all panels and taps. */
static void weigh(const thin_plan *m, const float *x, const float *g, float *sum) {
    for (int64_t panel = 0; panel < m->panels; panel++) {
        int64_t n = m->p.o - panel * OUT;
        const float *from = g + panel * OUT;
        for (int64_t k = 0, many; k < m->taps; k += many * TAPS) {
            float *to = sum + (panel * m->taps + k) * OUT;
            const int32_t *at = m->at + k;
            many = n <= VW && m->dense && k + MANY * TAPS <= m->taps ? MANY : 1;
            if (many > 1)
                weigh_row(m, x, at, from, n, to, 1, MANY, true);
            else if (n <= VW)
                weigh_row(m, x, at, from, n, to, 1, 1, false);
            else if (m->dense)
                weigh_row(m, x, at, from, n, to, 2, 1, true);
            else
                weigh_row(m, x, at, from, n, to, 2, 1, false);
        }
    }
}

static void run_slices(void *ctx, int64_t begin, int64_t end) {
    thin_run *r = ctx;
    const thin_plan *m = r->m;
    const conv_band *b = &m->band;
    int64_t line = m->p.ow * m->p.o;
    int slot = slots_take(&r->slots);
    for (int64_t s = begin; s < end; s++) {
        float *sum = r->sums + s * m->sum;
        memset(sum, 0, (size_t)m->sum * sizeof *sum);
        for (int64_t at = m->bands * s / m->slices; at < m->bands * (s + 1) / m->slices; at++) {
            int64_t image = at / b->bands, first = at % b->bands * b->rows, rows = CT_MIN(b->rows, m->p.oh - first);
            const float *x = band_read(b, r->x, image, first, rows, r->rooms + slot * b->room);
            const float *g = r->g + (image * m->p.oh + first) * line;
            for (int64_t i = 0; i < rows; i++) weigh(m, x + i * b->stride[0] * b->width, g + i * line, sum);
        }
    }
    slots_give(&r->slots, slot);
}

/* The slices' sums, added in order, to the weight's own strides. */
static void join_slices(const thin_run *r) {
    const thin_plan *m = r->m;
    const int64_t *stride = m->p.weight, kw = m->p.kernel[1], taps = m->p.kernel[0] * kw;
    for (int64_t k = 0; k < m->k; k++) {
        float *to = r->dw + k / taps * stride[1] + k % taps / kw * stride[2] + k % kw * stride[3];
        for (int64_t o = 0; o < m->p.o; o++) {
            const float *from = r->sums + (o / OUT * m->taps + k) * OUT + o % OUT;
            float sum = *from;
            for (int64_t s = 1; s < m->slices; s++) sum += from[s * m->sum];
            to[o * stride[0]] = sum;
        }
    }
}

static void thin_run_(void *plan, const float *a, const float *b, const float *bias, float *y, void *work,
                      const ct_tail *tail) {
    const thin_plan *m = plan;
    thin_run r = {.m = m, .x = b, .g = a, .dw = y, .sums = work, .slots.n = m->slots};
    r.rooms = r.sums + m->slices * m->sum;
    ct_parallel(m->slices, 1, run_slices, &r);
    join_slices(&r);
    (void)bias, (void)tail;
}

const conv_method ct_conv_thin = {thin_fits, thin_prepare, thin_run_, ct_free, NULL, NULL};
