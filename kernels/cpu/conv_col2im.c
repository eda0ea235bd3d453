/* The gradient of x behind a stride: each pixel of g times the weight is what its window gets, and windows are added
   where they overlap, an image by one thread, in order. Nothing is multiplied by the zeros between the pixels. */
#include "base/alloc.h"
#include "kernels/cpu/conv.h"
#include "kernels/cpu/gemm.h"
#include "kernels/cpu/layout.h"
#include "kernels/cpu/slots.h"
#include <string.h>

#define BLOCK_FLOATS 49152 /* of windows at a time: they stay in the second-level cache */

typedef struct col2im_plan {
    conv_problem p;
    int64_t c, o, k;               /* of a group: channels of x and g; floats of a window */
    int64_t pixels, block;         /* of an image of g; at a time */
    ct_gemm gemm[2];               /* of a block, and of the last one */
    int64_t ordered, packed, work; /* floats: of a group's weight, in order and packed; of a slot */
    int64_t window;
    int slots;
} col2im_plan;

static bool col2im_fits(const conv_problem *p) { return p->pass == CONV_DX; }

static ct_status col2im_prepare(const conv_problem *p, void **plan, size_t *workspace) {
    col2im_plan *m = ct_alloc(1, sizeof *m);
    if (!m) return CT_NO_MEMORY;
    m->p = *p;
    m->c = p->c / p->groups, m->o = p->o / p->groups, m->k = p->kernel[0] * p->kernel[1] * m->c;
    m->pixels = p->oh * p->ow;
    m->block = CT_MIN(CT_MAX(BLOCK_FLOATS / m->k, 16), m->pixels);
    size_t bytes[2];
    for (int i = 0; i < 2; i++) {
        int64_t last = m->pixels - (div_up_i64(m->pixels, m->block) - 1) * m->block;
        m->gemm[i] = (ct_gemm){.packed = true,
                               .bf16 = p->bf16,
                               .m = i ? last : m->block,
                               .n = m->k,
                               .k = m->o,
                               .lda = p->o,
                               .ldb = m->k,
                               .ldc = m->k,
                               .batch = 1,
                               .threads = 1};
        bytes[i] = ct_gemm_prepare(&m->gemm[i]);
    }
    m->ordered = round_up_i64(m->o * m->k, 16);
    m->packed = round_up_i64((int64_t)(ct_gemm_packed_size(&m->gemm[0]) / sizeof(float)), 16);
    m->window = round_up_i64(m->block * m->k, 16);
    m->work = m->window + round_up_i64((int64_t)(CT_MAX(bytes[0], bytes[1]) / sizeof(float)), 16);
    m->slots = slots_wanted(p->n);
    *workspace = (size_t)(m->ordered + p->groups * m->packed + m->slots * m->work) * sizeof(float);
    *plan = m;
    return CT_OK;
}

typedef struct col2im_run {
    const col2im_plan *m;
    const float *g, *weight;
    float *dx, *work;
    const ct_tail *tail;
    slots slots;
} col2im_run;

/* A group's w as (O, taps and channels of x), then packed. */
static void pack_weight(const col2im_plan *m, const float *w, float *ordered, float *packed) {
    const int64_t *s = m->p.weight, kw = m->p.kernel[1];
    for (int64_t g = 0; g < m->p.groups; g++, w += m->o * s[0], packed += m->packed) {
        for (int64_t o = 0; o < m->o; o++)
            for (int64_t k = 0; k < m->k; k++)
                ordered[o * m->k + k] = w[o * s[0] + k % m->c * s[1] + k / m->c / kw * s[2] + k / m->c % kw * s[3]];
        ct_gemm_pack(&m->gemm[0], ordered, packed);
    }
}

static void add_floats(float *d, const float *s, int64_t n) {
    int64_t i = 0;
    for (; i + VW <= n; i += VW) vstore(d + i, vload(d + i) + vload(s + i));
    for (; i < n; i++) d[i] += s[i];
}

/* Pixel `at` of g adds its window to the image: a row of taps at a time where they are neighbours. */
static void add_window(const col2im_plan *m, const float *window, int64_t at, float *image) {
    const conv_problem *p = &m->p;
    int64_t top = at / p->ow * p->stride[0] - p->padding[0], left = at % p->ow * p->stride[1] - p->padding[1];
    int64_t kw = p->kernel[1], run = p->dilation[1] == 1 && p->groups == 1 ? kw : 1;
    for (int64_t i = 0; i < p->kernel[0]; i++) {
        int64_t y = top + i * p->dilation[0];
        if (y < 0 || y >= p->h) continue;
        for (int64_t j = 0; j < kw; j += run) {
            int64_t x = left + j * p->dilation[1], x0 = CT_MAX(x, 0), x1 = CT_MIN(x + run, p->w);
            if (x0 < x1)
                add_floats(image + (y * p->w + x0) * p->c, window + (i * kw + j + x0 - x) * m->c, (x1 - x0) * m->c);
        }
    }
}

static void run_image(const col2im_run *r, int64_t n, float *work) {
    const col2im_plan *m = r->m;
    const conv_problem *p = &m->p;
    float *image = r->dx + n * p->h * p->w * p->c;
    memset(image, 0, (size_t)(p->h * p->w * p->c) * sizeof *image);
    for (int64_t first = 0; first < m->pixels; first += m->block) {
        int64_t some = CT_MIN(m->block, m->pixels - first);
        for (int64_t g = 0; g < p->groups; g++) {
            const float *rows = r->g + (n * m->pixels + first) * p->o + g * m->o;
            ct_gemm_run(&m->gemm[some < m->block], rows, r->weight + g * m->packed, NULL, work, work + m->window, NULL);
            for (int64_t i = 0; i < some; i++) add_window(m, work + i * m->k, first + i, image + g * m->c);
        }
    }
    ct_tail_run(r->tail, image, p->h * p->w * p->c);
}

static void run_images(void *ctx, int64_t begin, int64_t end) {
    col2im_run *r = ctx;
    int slot = slots_take(&r->slots);
    for (int64_t n = begin; n < end; n++) run_image(r, n, r->work + slot * r->m->work);
    slots_give(&r->slots, slot);
}

static void col2im_run_(void *plan, const float *a, const float *b, const float *bias, float *y, void *work,
                        const ct_tail *tail) {
    const col2im_plan *m = plan;
    (void)bias;
    float *packed = (float *)work + m->ordered;
    col2im_run r = {.m = m,
                    .g = a,
                    .weight = packed,
                    .dx = y,
                    .work = packed + m->p.groups * m->packed,
                    .tail = tail,
                    .slots = {0, m->slots}};
    pack_weight(m, b, work, packed);
    ct_parallel(m->p.n, 1, run_images, &r);
}

const conv_method ct_conv_col2im = {col2im_fits, col2im_prepare, col2im_run_, ct_free, NULL, NULL};
