/* Convolutions as they are written down: tiles of pixels of the result, times the vectors of a panel of its channels,
   stay in registers while all of a window passes by, which is read where it lies in a band. No float is copied for each
   window, and none transformed. The gradient of x, of stride 1, is the same over g, with windows turned round. */
#include "base/alloc.h"
#include "base/parallel.h"
#include "kernels/cpu/conv_band.h"
#include "kernels/cpu/gemm_pack.h"
#include "kernels/cpu/slots.h"

#define OUTPUTS_MIN 8
#define WIDTH_MIN 5         /* pixels of a row: fewer leave registers idle, and the weight is read for few */
#define TASK_FLOPS 500000   /* a task worth claiming; fewer where there would be less than one a thread */
#define KEEP_PIXELS 1024    /* of the result: with more, packing the weight costs little */
#define STRIDED_CHANNELS 64 /* of x: from here on, behind a stride, products of copied windows are faster */
#define WEIGHT_NEAR 262144  /* floats of a weight that stay in the second-level cache: a larger one is shared out */

typedef struct direct_plan {
    conv_band band;
    int64_t n, out, k;      /* images; channels of the result; floats of a window, channel by channel */
    int64_t taps, from, to; /* of a channel; the weight's strides: of channels read, and made */
    int64_t panels, each;   /* of the weight; in a task */
    int64_t packed;         /* floats of the weight, as panels */
    int64_t grain;          /* tasks worth claiming at a time */
    int64_t tasks;          /* bands of images, times shares of the panels */
    int slots;
    bool kept;    /* the weight comes packed */
    int32_t at[]; /* where in a band each float of a window lies, from its first */
} direct_plan;

static int64_t outputs(const conv_problem *p) { return p->pass == CONV_DX ? p->c : p->o; }

/* A window of a single pixel is a product's; so are many channels behind a stride, if there are pixels enough to pay
   for a weight packed anew. */
static bool direct_fits(const conv_problem *p) {
    bool pixel = true, step = true;
    for (int d = 0; d < 2; d++) {
        pixel = pixel && p->kernel[d] == 1 && p->stride[d] == 1 && p->padding[d] == 0;
        step = step && p->stride[d] == 1;
    }
    conv_band b = band_of(p, 1);
    if (!step && p->c >= STRIDED_CHANNELS && p->n * p->oh * p->ow > KEEP_PIXELS) return false;
    return (p->pass == CONV_FORWARD || (p->pass == CONV_DX && step)) && !pixel && p->groups == 1 &&
           conv_weight_dense(p) && outputs(p) >= OUTPUTS_MIN && b.windows[1] >= WIDTH_MIN && band_fits(&b);
}

static ct_status direct_prepare(const conv_problem *p, void **plan, size_t *workspace) {
    bool dx = p->pass == CONV_DX;
    int64_t taps = p->kernel[0] * p->kernel[1], k = taps * (dx ? p->o : p->c);
    direct_plan *m = ct_alloc(1, sizeof *m + (size_t)k * sizeof *m->at);
    if (!m) return CT_NO_MEMORY;
    m->n = p->n, m->out = outputs(p), m->k = k, m->taps = taps;
    m->from = p->weight[dx ? 0 : 1], m->to = p->weight[dx ? 1 : 0];
    m->panels = div_up_i64(m->out, NR), m->packed = round_up_i64(m->out, VW) * k;
    m->each = m->packed > WEIGHT_NEAR ? 1 : m->panels;
    int64_t row = 2 * (dx ? p->w : p->ow) * k * CT_MIN(m->each * NR, m->out); /* operations */
    int64_t share = row * p->n * (dx ? p->h : p->oh) / ct_threads() + 1,
            task = CT_MIN(CT_MAX(share, TASK_FLOPS / 4), TASK_FLOPS);
    m->band = band_of(p, task / row), m->grain = task / 2 / (row * m->band.rows);
    for (int64_t i = 0; i < k; i++) m->at[i] = band_place(p, &m->band, i / taps, i % taps);
    m->tasks = m->n * m->band.bands * div_up_i64(m->panels, m->each), m->slots = slots_wanted(m->tasks);
    *workspace = (size_t)(m->packed + m->slots * m->band.room) * sizeof(float);
    *plan = m;
    return CT_OK;
}

typedef struct direct_run {
    const direct_plan *m;
    const float *images, *weight, *bias;
    const float *packed; /* the weight */
    float *packing;      /* where it is packed to */
    float *y, *rooms;
    const ct_tail *tail;
    slots slots;
} direct_run;

static void pack_weight(void *ctx, int64_t begin, int64_t end) {
    const direct_run *r = ctx;
    const direct_plan *m = r->m;
    int64_t run = m->from == m->taps ? m->k : m->taps; /* floats of a window that lie one after the other */
    for (int64_t p = begin; p < end; p++) {
        float *d = r->packing + p * NR * m->k;
        const float *w = r->weight;
        for (int64_t k = 0; k < m->k; k += run, w += m->from, d += run * panel_width(m->out, p))
            pack_panel(true, m->out, p, run, w, m->to, d);
    }
}

static void pack(direct_run *r) { ct_parallel(r->m->panels, grain_of(r->m->k * NR * 8), pack_weight, r); }

static size_t direct_keeps(void *plan) {
    direct_plan *m = plan;
    m->kept = m->n * m->band.windows[0] * m->band.windows[1] <= KEEP_PIXELS;
    return m->kept ? (size_t)m->packed * sizeof(float) : 0;
}

static void direct_keep(const void *plan, const float *weight, float *kept) {
    direct_run r = {.m = plan, .weight = weight, .packing = kept};
    pack(&r);
}

/* ---- tiles ---- */

typedef struct direct_tile {
    const int32_t *at;
    const float *x, *w, *bias;
    float *y;
    int64_t k, step, ld, n; /* floats from a pixel of x to the next, of y; channels from the panel's first on */
} direct_tile;

/* A pixel's channels of a last panel, fewer than its vectors hold. */
static void store_part(const vf *acc, int nv, const direct_tile *t, float *y) {
    float wide[NR];
    for (int v = 0; v < nv; v++) vstore(wide + v * VW, acc[v]);
    for (int64_t i = 0; i < t->n; i++) y[i] = t->bias ? wide[i] + t->bias[i] : wide[i];
}

CT_INLINE void tile_store(const direct_tile *t, const vf *acc, const int mr, const int nv) {
    if (t->n < nv * VW) {
        CT_EACH(i, mr) store_part(acc + i * nv, nv, t, t->y + i * t->ld);
        return;
    }
    CT_EACH(i, mr * nv) {
        vf y = t->bias ? acc[i] + vload(t->bias + i % nv * VW) : acc[i];
        vstore(t->y + i / nv * t->ld + i % nv * VW, y);
    }
}

/* mr pixels times nv vectors. Pixels are reached from every third, so that few pointers do. */
CT_INLINE void tile_run(const direct_tile *t, const int mr, const int nv) {
    const int thirds = (mr + 2) / 3;
    const float *w = t->w;
    int64_t step = t->step;
    vf acc[2 * MR];
    CT_EACH(i, mr * nv) { acc[i] = (vf){0}; }
#pragma GCC unroll 1
    for (int64_t k = 0; k < t->k; k++, w += nv * VW) {
        const float *x[(MR + 2) / 3];
        x[0] = t->x + t->at[k];
        CT_EACH(i, thirds - 1) { x[i + 1] = x[i] + 3 * step; }
        CT_EACH(i, mr) {
            vf s = vset(x[i / 3][i % 3 * step]);
            CT_EACH(v, nv) { acc[i * nv + v] = vfma(s, vload(w + v * VW), acc[i * nv + v]); }
        }
        CT_EACH(i, mr * nv) { PIN(acc[i]); }
    }
    tile_store(t, acc, mr, nv);
}

#define TILES(mr)                                                                                     \
    static __attribute__((noinline)) void tile_##mr##_1(const direct_tile *t) { tile_run(t, mr, 1); } \
    static __attribute__((noinline)) void tile_##mr##_2(const direct_tile *t) { tile_run(t, mr, 2); }
EACH_MR(TILES)
#define ROW(mr) {tile_##mr##_1, tile_##mr##_2},
static void (*const tiles[MR][2])(const direct_tile *t) = {EACH_MR(ROW)}; /* by pixels - 1, vectors - 1 */

/* A row of the result by a panel: tiles as even as can be. */
static void run_row(const direct_run *r, const float *x, int64_t panel, float *y) {
    const direct_plan *m = r->m;
    int64_t width = m->band.windows[1], n = div_up_i64(width, MR);
    direct_tile t = {.at = m->at, .k = m->k, .ld = m->out, .n = panel_columns(m->out, panel)};
    t.step = m->band.stride[1] * m->band.c, t.w = r->packed + panel * NR * m->k;
    t.bias = r->bias ? r->bias + panel * NR : NULL;
    for (int64_t i = 0; i < n; i++) {
        int64_t from = width * i / n, to = width * (i + 1) / n;
        t.x = x + from * t.step, t.y = y + from * m->out + panel * NR;
        tiles[to - from - 1][panel_width(m->out, panel) / VW - 1](&t);
    }
}

/* Panels [p0, p1) of n pixels are whole. */
static void hand_on(const direct_run *r, int64_t p0, int64_t p1, const float *y, int64_t n) {
    int64_t out = r->m->out, columns = CT_MIN(p1 * NR, out) - p0 * NR;
    if (columns == out) columns *= n, n = 1;
    for (y += p0 * NR; n; n--, y += out) ct_tail_run(r->tail, y, columns);
}

static void run_tasks(void *ctx, int64_t begin, int64_t end) {
    direct_run *r = ctx;
    const direct_plan *m = r->m;
    const conv_band *b = &m->band;
    int64_t groups = div_up_i64(m->panels, m->each), line = b->windows[1] * m->out;
    int slot = slots_take(&r->slots);
    for (int64_t task = begin; task < end; task++) {
        int64_t at = task / groups, first = at % b->bands * b->rows, rows = CT_MIN(b->rows, b->windows[0] - first);
        int64_t p0 = task % groups * m->each, p1 = CT_MIN(p0 + m->each, m->panels);
        const float *x = band_read(b, r->images, at / b->bands, first, rows, r->rooms + slot * b->room);
        float *y = r->y + (at / b->bands * b->windows[0] + first) * line;
        for (int64_t p = p0; p < p1; p++)
            for (int64_t i = 0; i < rows; i++) run_row(r, x + i * b->stride[0] * b->width, p, y + i * line);
        if (r->tail) hand_on(r, p0, p1, y, rows * b->windows[1]);
    }
    slots_give(&r->slots, slot);
}

static void direct_run_(void *plan, const float *a, const float *b, const float *bias, float *y, void *work,
                        const ct_tail *tail) {
    const direct_plan *m = plan;
    direct_run r = {.m = m, .images = a, .weight = b, .bias = bias, .y = y, .packing = work, .tail = tail};
    r.rooms = r.packing + m->packed, r.slots.n = m->slots;
    r.packed = m->kept ? b : r.packing;
    if (!m->kept) pack(&r);
    ct_parallel(m->tasks, m->grain, run_tasks, &r);
}

const conv_method ct_conv_direct = {direct_fits, direct_prepare, direct_run_, ct_free, direct_keeps, direct_keep};
