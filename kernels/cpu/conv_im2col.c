/* Convolutions as products: the windows of a block of pixels are copied to rows, which multiply the weight; groups one
   after the other, of large windows some taps. The gradient of x is the same over g, with taps reversed; that of the
   weight sums products over blocks, in a fixed number of slices added in order. */
#include "base/alloc.h"
#include "kernels/cpu/conv.h"
#include "kernels/cpu/gemm.h"
#include "kernels/cpu/layout.h"
#include "kernels/cpu/slots.h"
#include <string.h>

#define BLOCK_MAX 512        /* pixels */
#define SLICES 16            /* of a weight gradient: part of the definition of the result */
#define SLICE_FLOATS 4194304 /* of all slices together, at most */

/* Pixel i of the result sees, by tap t, pixel i * mul + off + t * step of the source. */
typedef struct taps {
    int64_t mul, off, step;
} taps;

typedef struct im2col_plan {
    conv_problem p;
    taps tap[2];
    int64_t source[2], pixel[2];   /* the source image's sizes; the sizes of what its windows make */
    int64_t channels, out, k;      /* of a group: channels of the source, of the result; a window's floats */
    int64_t all_channels, all_out; /* of all groups */
    int64_t taps, spans, columns;  /* of a window at a time; how many times; their floats */
    int64_t pixels, block, blocks, slices;
    bool direct;          /* a window is one pixel: nothing to copy */
    ct_gemm gemm[2];      /* of a block, and of the last one */
    int64_t work, weight; /* floats of a slot; of the weight, packed, or all slices' sums */
    int64_t packed;       /* floats of a span of a group's packed weight */
    int64_t window;       /* floats of a slot's windows */
    int slots;
} im2col_plan;

static bool im2col_fits(const conv_problem *p) {
    return p->pass != CONV_DX || (p->stride[0] == 1 && p->stride[1] == 1);
}

static void plan_source(im2col_plan *m) {
    const conv_problem *p = &m->p;
    bool dx = p->pass == CONV_DX;
    int64_t x[2] = {p->h, p->w}, y[2] = {p->oh, p->ow};
    m->direct = p->kernel[0] == 1 && p->kernel[1] == 1;
    for (int d = 0; d < 2; d++) {
        m->source[d] = dx ? y[d] : x[d], m->pixel[d] = dx ? x[d] : y[d];
        m->tap[d] =
            dx ? (taps){1, p->padding[d], -p->dilation[d]} : (taps){p->stride[d], -p->padding[d], p->dilation[d]};
        m->direct = m->direct && p->stride[d] == 1 && p->padding[d] == 0;
    }
    m->all_channels = dx ? p->o : p->c, m->all_out = dx ? p->c : p->o;
    m->channels = m->all_channels / p->groups, m->out = m->all_out / p->groups;
    m->k = p->kernel[0] * p->kernel[1] * m->channels;
    m->pixels = p->n * m->pixel[0] * m->pixel[1];
}

static void plan_spans(im2col_plan *m) {
    const conv_problem *p = &m->p;
    int64_t taps = p->kernel[0] * p->kernel[1];
    m->taps = conv_taps_at_once(p, m->channels);
    m->spans = taps / m->taps, m->columns = m->taps * m->channels;
    m->block = CT_MIN(CT_MAX(CONV_BLOCK_FLOATS / m->columns, 32), BLOCK_MAX);
    m->blocks = div_up_i64(m->pixels, m->block);
    m->slices = CT_MIN(CT_MIN(div_up_i64(SLICES, m->spans), m->blocks), CT_MAX(SLICE_FLOATS / (m->all_out * m->k), 1));
}

static ct_gemm block_product(const im2col_plan *m, int64_t pixels) {
    if (m->p.pass == CONV_DW) /* (O, pixels) (pixels, columns) */
        return (ct_gemm){.ta = true,
                         .bf16 = m->p.bf16,
                         .m = m->out,
                         .n = m->columns,
                         .k = pixels,
                         .lda = m->all_out,
                         .ldb = m->direct ? m->all_channels : m->columns,
                         .ldc = m->k,
                         .batch = 1,
                         .threads = 1};
    return (ct_gemm){.packed = true,
                     .bf16 = m->p.bf16,
                     .m = pixels,
                     .n = m->out,
                     .k = m->columns,
                     .lda = m->direct ? m->all_channels : m->columns,
                     .ldb = m->out,
                     .ldc = m->all_out,
                     .batch = 1,
                     .threads = 1};
}

static ct_status im2col_prepare(const conv_problem *p, void **plan, size_t *workspace) {
    im2col_plan *m = ct_alloc(1, sizeof *m);
    if (!m) return CT_NO_MEMORY;
    m->p = *p;
    plan_source(m);
    plan_spans(m);
    m->gemm[0] = block_product(m, CT_MIN(m->block, m->pixels));
    m->gemm[1] = block_product(m, m->pixels - (m->blocks - 1) * m->block);
    size_t bytes[2];
    for (int i = 0; i < 2; i++) bytes[i] = ct_gemm_prepare(&m->gemm[i]);
    m->window = m->direct ? 0 : round_up_i64(m->block * m->columns, 16);
    m->work = m->window + round_up_i64((int64_t)(CT_MAX(bytes[0], bytes[1]) / sizeof(float)), 16);
    m->packed = round_up_i64((int64_t)(ct_gemm_packed_size(&m->gemm[0]) / sizeof(float)), 16);
    m->weight = p->pass == CONV_DW ? m->slices * m->all_out * m->k : m->k * m->out + p->groups * m->spans * m->packed;
    m->weight = round_up_i64(m->weight, 16);
    m->slots = slots_wanted(p->pass == CONV_DW ? m->slices * m->spans : m->blocks);
    *workspace = (size_t)(m->weight + m->slots * m->work) * sizeof(float);
    *plan = m;
    return CT_OK;
}

/* ---- windows ---- */

static void copy_floats(float *d, const float *s, int64_t n) {
    if (n < 16)
        for (int64_t i = 0; i < n; i++) d[i] = s[i];
    else
        memcpy(d, s, (size_t)n * sizeof *d);
}

/* Where tap t of pixel i lies, or -1. */
static int64_t tap_at(const im2col_plan *m, int d, int64_t i, int64_t t) {
    int64_t at = i * m->tap[d].mul + m->tap[d].off + t * m->tap[d].step;
    return at >= 0 && at < m->source[d] ? at : -1;
}

/* A window's taps from `first` on. */
static void copy_window(const im2col_plan *m, const float *image, int64_t y, int64_t x, int64_t first, float *d) {
    int64_t c = m->channels, all = m->all_channels, kw = m->p.kernel[1], run = CT_MIN(m->taps, kw), j0 = first % kw;
    int64_t x0 = tap_at(m, 1, x, j0), x1 = tap_at(m, 1, x, j0 + run - 1);
    bool whole = c == all && x0 >= 0 && x1 - x0 == run - 1; /* a row of the window is one run */
    for (int64_t t = first; t < first + m->taps; t += run, d += run * c) {
        int64_t row = tap_at(m, 0, y, t / kw);
        const float *s = image + row * m->source[1] * all;
        if (row >= 0 && whole) copy_floats(d, s + x0 * c, run * c);
        for (int64_t j = 0; j < run && !(row >= 0 && whole); j++) {
            int64_t at = row < 0 ? -1 : tap_at(m, 1, x, j0 + j);
            if (at >= 0)
                copy_floats(d + j * c, s + at * all, c);
            else
                memset(d + j * c, 0, (size_t)c * sizeof *d);
        }
    }
}

/* Of the windows of n pixels from `first` span i, a row each; source: a group's. */
static const float *windows(const im2col_plan *m, const float *source, int64_t first, int64_t n, int64_t i,
                            float *rows) {
    float *d = rows;
    if (m->direct) return source + first * m->all_channels;
    int64_t size = m->pixel[0] * m->pixel[1], x = first % m->pixel[1], y = first / m->pixel[1] % m->pixel[0];
    const float *image = source + first / size * m->source[0] * m->source[1] * m->all_channels;
    for (; n > 0; n--, d += m->columns) {
        copy_window(m, image, y, x, i * m->taps, d);
        if (++x < m->pixel[1]) continue;
        x = 0;
        if (++y < m->pixel[0]) continue;
        y = 0, image += m->source[0] * m->source[1] * m->all_channels;
    }
    return rows;
}

/* ---- runs ---- */

typedef struct im2col_run {
    const im2col_plan *m;
    const float *source, *g, *weight, *bias;
    float *y, *sums, *packing, *work;
    const ct_tail *tail;
    slots slots;
} im2col_run;

static int64_t block_pixels(const im2col_plan *m, int64_t b) { return CT_MIN(m->block, m->pixels - b * m->block); }

/* A group's w as (taps and channels of the source, channels of the result). */
static void order_weight(void *ctx, int64_t begin, int64_t end) {
    const im2col_run *r = ctx;
    const im2col_plan *m = r->m;
    const int64_t *s = m->p.weight, kw = m->p.kernel[1];
    int64_t from = m->p.pass == CONV_DX ? s[0] : s[1], to = m->p.pass == CONV_DX ? s[1] : s[0];
    for (int64_t k = begin; k < end; k++) {
        const float *w = r->weight + k % m->channels * from + k / m->channels % kw * s[3] + k / m->channels / kw * s[2];
        for (int64_t j = 0; j < m->out; j++) r->sums[k * m->out + j] = w[j * to];
    }
}

static void pack_spans(void *ctx, int64_t begin, int64_t end) {
    const im2col_run *r = ctx;
    const im2col_plan *m = r->m;
    for (int64_t i = begin; i < end; i++)
        ct_gemm_pack(&m->gemm[0], r->sums + i * m->columns * m->out, r->packing + i * m->packed);
}

static void pack_weight(im2col_run *r, const float *w, float *packed) {
    const im2col_plan *m = r->m;
    for (int64_t g = 0; g < m->p.groups; g++) {
        r->weight = w + g * (m->p.o / m->p.groups) * m->p.weight[0];
        ct_parallel(m->k, grain_of(m->out * 8), order_weight, r);
        r->packing = packed + g * m->spans * m->packed;
        ct_parallel(m->spans, grain_of(m->packed), pack_spans, r);
    }
    r->weight = packed;
}

/* A group's part of a block of pixels: the spans' products, added. */
static void run_block(const im2col_run *r, int64_t b, int64_t group, float *work) {
    const im2col_plan *m = r->m;
    ct_gemm g = m->gemm[b == m->blocks - 1];
    float *y = r->y + b * m->block * m->all_out + group * m->out;
    const float *weight = r->weight + group * m->spans * m->packed, *bias = r->bias ? r->bias + group * m->out : NULL;
    for (int64_t i = 0; i < m->spans; i++, weight += m->packed, g.acc = true) {
        const float *source = r->source + group * m->channels;
        const float *rows = windows(m, source, b * m->block, block_pixels(m, b), i, work);
        ct_gemm_run(&g, rows, weight, i == m->spans - 1 ? bias : NULL, y, work + m->window, NULL);
    }
}

static void run_blocks(void *ctx, int64_t begin, int64_t end) {
    im2col_run *r = ctx;
    const im2col_plan *m = r->m;
    int slot = slots_take(&r->slots);
    for (int64_t b = begin; b < end; b++) {
        for (int64_t g = 0; g < m->p.groups; g++) run_block(r, b, g, r->work + slot * m->work);
        ct_tail_run(r->tail, r->y + b * m->block * m->all_out, block_pixels(m, b) * m->all_out);
    }
    slots_give(&r->slots, slot);
}

/* Span i of slice s of a group's gradient. */
static void run_span(const im2col_run *r, int64_t s, int64_t i, int64_t group, float *work) {
    const im2col_plan *m = r->m;
    const float *source = r->source + group * m->channels, *g = r->g + group * m->out;
    float *sum = r->sums + (s * m->all_out + group * m->out) * m->k + i * m->columns;
    int64_t first = m->blocks * s / m->slices, end = m->blocks * (s + 1) / m->slices;
    for (int64_t b = first; b < end; b++) {
        const float *rows = windows(m, source, b * m->block, block_pixels(m, b), i, work);
        ct_gemm product = m->gemm[b == m->blocks - 1];
        product.acc = b > first;
        ct_gemm_run(&product, g + b * m->block * m->all_out, rows, NULL, sum, work + m->window, NULL);
    }
}

static void run_spans(void *ctx, int64_t begin, int64_t end) {
    im2col_run *r = ctx;
    const im2col_plan *m = r->m;
    int slot = slots_take(&r->slots);
    for (int64_t i = begin; i < end; i++)
        for (int64_t group = 0; group < m->p.groups; group++)
            run_span(r, i / m->spans, i % m->spans, group, r->work + slot * m->work);
    slots_give(&r->slots, slot);
}

/* The slices' sums, added in order, to the weight's own strides. */
static void join_slices(void *ctx, int64_t begin, int64_t end) {
    const im2col_run *r = ctx;
    const im2col_plan *m = r->m;
    const int64_t *s = m->p.weight, kw = m->p.kernel[1], taps = m->k / m->channels;
    for (int64_t o = begin; o < end; o++)
        for (int64_t t = 0; t < taps; t++) {
            const float *from = r->sums + o * m->k + t * m->channels;
            float *to = r->y + o * s[0] + t / kw * s[2] + t % kw * s[3];
            for (int64_t c = 0; c < m->channels; c++) {
                float sum = from[c];
                for (int64_t i = 1; i < m->slices; i++) sum += from[i * m->all_out * m->k + c];
                to[c * s[1]] = sum;
            }
        }
}

static void im2col_run_(void *plan, const float *a, const float *b, const float *bias, float *y, void *work,
                        const ct_tail *tail) {
    const im2col_plan *m = plan;
    im2col_run r = {.m = m,
                    .bias = bias,
                    .y = y,
                    .tail = tail,
                    .sums = work,
                    .work = (float *)work + m->weight,
                    .slots.n = m->slots};
    if (m->p.pass == CONV_DW) {
        r.g = a, r.source = b;
        ct_parallel(m->slices * m->spans, 1, run_spans, &r);
        ct_parallel(m->all_out, grain_of(m->k * m->slices * 2), join_slices, &r);
        return;
    }
    r.source = a;
    pack_weight(&r, b, r.sums + m->k * m->out);
    ct_parallel(m->blocks, 1, run_blocks, &r);
}

const conv_method ct_conv_im2col = {im2col_fits, im2col_prepare, im2col_run_, ct_free, NULL, NULL};
