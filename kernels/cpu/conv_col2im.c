/* The gradient of x behind a stride: each pixel of g times the weight is what its window gets, and windows are added
   where they overlap, an image by one thread, in order: large windows some taps at a time, small images some at once,
   so that many pixels share what is read of the weight. Nothing is multiplied by the zeros between the pixels. */
#include "base/alloc.h"
#include "base/parallel.h"
#include "kernels/cpu/conv.h"
#include "kernels/cpu/gemm.h"
#include "kernels/cpu/layout.h"
#include "kernels/cpu/slots.h"
#include <string.h>

typedef struct col2im_plan {
    conv_problem p;
    int64_t c, o;                  /* of a group: channels of x and g */
    int64_t taps, spans, columns;  /* of a window at a time; how many times; their floats */
    int64_t pixels, images, block; /* of an image of g; images of a task; pixels at a time, of any of them */
    ct_gemm gemm;                  /* of a block */
    int64_t ordered, packed, work; /* floats: of a group's weight, in order, and of a span packed; of a slot */
    int64_t window, product;       /* of that: a block's windows; the product's own */
    int slots;
} col2im_plan;

static bool col2im_fits(const conv_problem *p) { return p->pass == CONV_DX; }

static ct_gemm block_product(const col2im_plan *m, int64_t pixels) {
    ct_gemm g = {.packed = true, .bf16 = m->p.bf16, .m = pixels, .n = m->columns, .k = m->o, .batch = 1, .threads = 1};
    g.lda = m->p.o, g.ldb = g.ldc = m->columns;
    return g;
}

static ct_status col2im_prepare(const conv_problem *p, void **plan, size_t *workspace) {
    col2im_plan *m = ct_alloc(1, sizeof *m);
    if (!m) return CT_NO_MEMORY;
    m->p = *p;
    m->c = p->c / p->groups, m->o = p->o / p->groups;
    m->taps = conv_taps_at_once(p, m->c);
    m->spans = p->kernel[0] * p->kernel[1] / m->taps, m->columns = m->taps * m->c;
    m->pixels = p->oh * p->ow;
    int64_t some = CT_MAX(CONV_BLOCK_FLOATS / m->columns, 16);
    m->images = CT_MIN(CT_MAX(some / m->pixels, 1), div_up_i64(p->n, 4 * (int64_t)ct_threads()));
    m->block = CT_MIN(some, m->images * m->pixels);
    m->gemm = block_product(m, m->block);
    m->product = round_up_i64((int64_t)(ct_gemm_prepare(&m->gemm) / sizeof(float)), 16);
    m->ordered = round_up_i64(p->o * m->spans * m->columns, 16);
    m->packed = round_up_i64((int64_t)(ct_gemm_packed_size(&m->gemm) / sizeof(float)), 16);
    m->window = round_up_i64(m->block * m->columns, 16);
    m->work = m->window + m->product;
    m->slots = slots_wanted(div_up_i64(p->n, m->images));
    *workspace = (size_t)(m->ordered + p->groups * m->spans * m->packed + m->slots * m->work) * sizeof(float);
    *plan = m;
    return CT_OK;
}

typedef struct col2im_run {
    const col2im_plan *m;
    const float *g, *weight;
    float *dx, *ordered, *packed, *work;
    const ct_tail *tail;
    slots slots;
} col2im_run;

/* A channel of g's weight, (taps, channels of x), where its spans have it: (groups, spans, O, columns). */
static void order_weight(void *ctx, int64_t begin, int64_t end) {
    const col2im_run *r = ctx;
    const col2im_plan *m = r->m;
    const int64_t *s = m->p.weight, kw = m->p.kernel[1];
    for (int64_t o = begin; o < end; o++)
        for (int64_t t = 0; t < m->taps * m->spans; t++) {
            const float *w = r->weight + o * s[0] + t / kw * s[2] + t % kw * s[3];
            int64_t span = o / m->o * m->spans + t / m->taps;
            float *to = r->ordered + (span * m->o + o % m->o) * m->columns + t % m->taps * m->c;
            for (int64_t c = 0; c < m->c; c++) to[c] = w[c * s[1]];
        }
}

static void pack_spans(void *ctx, int64_t begin, int64_t end) {
    const col2im_run *r = ctx;
    const col2im_plan *m = r->m;
    for (int64_t i = begin; i < end; i++)
        ct_gemm_pack(&m->gemm, r->ordered + i * m->o * m->columns, r->packed + i * m->packed);
}

static void add_floats(float *d, const float *s, int64_t n) {
    int64_t i = 0;
    for (; i + VW <= n; i += VW) vstore(d + i, vload(d + i) + vload(s + i));
    for (; i < n; i++) d[i] += s[i];
}

/* Pixel `at` of g adds a window's taps from `first` on to the image: a row of them at a time where they are neighbours.
 */
static void add_window(const col2im_plan *m, const float *window, int64_t at, int64_t first, float *image) {
    const conv_problem *p = &m->p;
    int64_t top = at / p->ow * p->stride[0] - p->padding[0], left = at % p->ow * p->stride[1] - p->padding[1];
    int64_t kw = p->kernel[1], run = p->dilation[1] == 1 && p->groups == 1 ? CT_MIN(kw, m->taps) : 1;
    for (int64_t t = first; t < first + m->taps; t += run, window += run * m->c) {
        int64_t y = top + t / kw * p->dilation[0], x = left + t % kw * p->dilation[1];
        int64_t x0 = CT_MAX(x, 0), x1 = CT_MIN(x + run, p->w);
        if (y >= 0 && y < p->h && x0 < x1)
            add_floats(image + (y * p->w + x0) * p->c, window + (x0 - x) * m->c, (x1 - x0) * m->c);
    }
}

/* Pixels of g, counted over all images, add span i of a group's windows. */
static void add_block(const col2im_run *r, int64_t first, int64_t n, int64_t group, int64_t i, float *work) {
    const col2im_plan *m = r->m;
    const conv_problem *p = &m->p;
    ct_gemm g = m->gemm;
    if (n < m->block) g = block_product(m, n), ct_gemm_prepare(&g);
    ct_gemm_run(&g, r->g + first * p->o + group * m->o, r->packed + (group * m->spans + i) * m->packed, NULL, work,
                work + m->window, NULL);
    for (int64_t q = first; q < first + n; q++) {
        float *image = r->dx + q / m->pixels * p->h * p->w * p->c + group * m->c;
        add_window(m, work + (q - first) * m->columns, q % m->pixels, i * m->taps, image);
    }
}

static void run_images(void *ctx, int64_t begin, int64_t end) {
    col2im_run *r = ctx;
    const col2im_plan *m = r->m;
    const conv_problem *p = &m->p;
    int slot = slots_take(&r->slots);
    float *work = r->work + slot * m->work;
    for (int64_t task = begin; task < end; task++) {
        int64_t n = task * m->images, size = p->h * p->w * p->c, images = CT_MIN(m->images, p->n - n);
        float *dx = r->dx + n * size;
        memset(dx, 0, (size_t)(images * size) * sizeof *dx);
        for (int64_t i = 0; i < p->groups * m->spans; i++)
            for (int64_t q = 0; q < images * m->pixels; q += m->block)
                add_block(r, n * m->pixels + q, CT_MIN(m->block, images * m->pixels - q), i / m->spans, i % m->spans,
                          work);
        ct_tail_run(r->tail, dx, images * size);
    }
    slots_give(&r->slots, slot);
}

static void col2im_run_(void *plan, const float *a, const float *b, const float *bias, float *y, void *work,
                        const ct_tail *tail) {
    const col2im_plan *m = plan;
    const conv_problem *p = &m->p;
    col2im_run r = {.m = m, .g = a, .weight = b, .dx = y, .ordered = work, .tail = tail, .slots.n = m->slots};
    (void)bias;
    r.packed = r.ordered + m->ordered, r.work = r.packed + p->groups * m->spans * m->packed;
    ct_parallel(p->o, grain_of(m->spans * m->columns * 2), order_weight, &r);
    ct_parallel(p->groups * m->spans, grain_of(m->packed), pack_spans, &r);
    ct_parallel(div_up_i64(p->n, m->images), 1, run_images, &r);
}

const conv_method ct_conv_col2im = {col2im_fits, col2im_prepare, col2im_run_, ct_free, NULL, NULL};
