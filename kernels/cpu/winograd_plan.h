/* How a Winograd convolution is cut: which ones are worth it, blocks of tiles, their products, and the workspace. */
#ifndef CT_KERNELS_CPU_WINOGRAD_PLAN_H
#define CT_KERNELS_CPU_WINOGRAD_PLAN_H
#include "base/alloc.h"
#include "kernels/cpu/gemm_pack.h"
#include "kernels/cpu/slots.h"
#include "kernels/cpu/winograd_image.h"

#define WEIGHTS 36
#define BLOCK_FLOATS 57344  /* of a block's matrices: with what is fetched ahead, the second-level cache holds them */
#define BLOCK_TILES 28      /* at least, for the products' sake */
#define DW_TILES 84         /* the same of a gradient of the weight, whose sums are read and written for each block */
#define WIDE_FLOATS 2097152 /* of a wide block's; with a larger weight as many, or it would be read too often */
#define WIDE_WEIGHT 1048576 /* floats of a transformed weight above which blocks are wide */
#define WIDE_SUM 400000     /* the same of its gradient, which is written too */
#define GAP 16              /* floats between matrices, or all would share a set of the first-level cache */
#define WIDE_GRAIN 14       /* tiles of a wide block transformed by a task */
#define KEEP_TILES 128      /* with more, transforming the weight costs little beside the products */
#define APART_THREADS 6     /* more share out each of the products of a block that is strided and wide */
#define FEW 4               /* times the slices' sums: a gradient of tiles with fewer floats is wide too */
#define SLICES 8            /* of a weight gradient: part of the definition of the result, as are its blocks */

typedef struct wino_plan {
    conv_problem p;
    tiling from, to;  /* x and y; of CONV_DX g and dx; of CONV_DW x and g, both read */
    int side, points; /* points of a dimension, and of both: the matrices of a block */
    int64_t tiles, block, blocks, slices;
    bool strided;    /* by two */
    bool wide, thin; /* thin: sixteen channels of both */
    bool apart;      /* of a wide block, products run beside each other, by one thread each */
    bool shared;     /* a product is written over the matrix that the one before it read: half the cache does */
    bool kept;       /* the weight comes transformed */
    bool packed;     /* the second factor of a wide CONV_DW is made as ct_gemm_pack would */
    ct_gemm gemm[2]; /* of a block, and of the last one */
    int64_t panel;   /* floats of one transformed weight, or of one slice's sum of it */
    int64_t weight, bias, zeros, matrices, stage, products; /* floats of the workspace's parts */
    int64_t once, task; /* a wide block's part of it; a task's: what it stages, its block's matrices, the products' */
    int slots;
} wino_plan;

static bool shape_fits(const conv_problem *p, int64_t stride) {
    for (int d = 0; d < 2; d++) {
        bool padded = stride == 1 ? p->padding[d] <= 2 : p->padding[d] == 1;
        if (p->kernel[d] != 3 || p->dilation[d] != 1 || p->stride[d] != stride || !padded) return false;
    }
    return p->groups == 1 && CT_MIN(p->c, p->o) >= 16 && !p->direct;
}

/* Worth it: enough channels for vectors, tiles full enough (half, of stride 2 four fifths), and enough of them: 4, or
   16 to pay for the transform of a weight that leaves the cache (256 channels). */
static bool fits(const conv_problem *p, int64_t stride) {
    bool dx = p->pass == CONV_DX, dw = p->pass == CONV_DW;
    int64_t h = dx ? p->h : p->oh, w = dx ? p->w : p->ow, size = dx ? 4 * stride : 4;
    int64_t weight = WEIGHTS * p->c * p->o, least = !dw && weight > WIDE_WEIGHT ? 16 : 4, most = stride > 1 ? 5 : 8;
    return shape_fits(p, stride) && (dw || conv_weight_dense(p)) && p->n * h * w >= least * size * size &&
           4 * round_up_i64(h, size) * round_up_i64(w, size) <= most * h * w;
}

static bool fits_once(const conv_problem *p) { return fits(p, 1); }
static bool fits_strided(const conv_problem *p) { return fits(p, 2); }

/* The images' tiles: of x they overlap by the taps' reach, of CONV_DX those of g. */
static void plan_images(wino_plan *m) {
    const conv_problem *p = &m->p;
    const int64_t *pad = p->padding;
    m->strided = p->stride[0] > 1, m->side = m->strided ? 9 : 6, m->points = m->side * m->side;
    if (p->pass == CONV_DX) {
        int64_t top = m->strided ? 0 : pad[0] - 2, left = m->strided ? 0 : pad[1] - 2, size = m->strided ? 8 : 4;
        m->from = tiling_of(p->oh, p->ow, p->o, top, left, m->strided ? 5 : 6, 4);
        m->to = tiling_of(p->h, p->w, p->c, 0, 0, size, size);
    } else {
        m->from = tiling_of(p->h, p->w, p->c, -pad[0], -pad[1], m->side, m->strided ? 8 : 4);
        m->to = tiling_of(p->oh, p->ow, p->o, 0, 0, 4, 4);
    }
    m->from.rows = m->to.rows = div_up_i64(m->to.h, m->to.step);
    m->from.columns = m->to.columns = div_up_i64(m->to.w, m->to.step);
    m->tiles = p->n * m->to.rows * m->to.columns;
    m->from.floats = p->n * m->from.h * m->from.w * m->from.c / m->tiles;
    m->to.floats = p->n * m->to.h * m->to.w * m->to.c / m->tiles;
}

/* How many tiles are a block, and where its matrices lie. */
static void plan_blocks(wino_plan *m) {
    bool dw = m->p.pass == CONV_DW;
    m->panel = dw ? m->from.c * m->to.padded
                  : (int64_t)(ct_gemm_packed_size(&(ct_gemm){.n = m->to.c, .k = m->from.c}) / sizeof(float));
    m->panel = round_up_i64(m->panel, 16) + GAP;
    bool few = m->tiles * m->points * (m->from.ld + m->to.ld) < FEW * SLICES * WEIGHTS * m->panel;
    m->wide = WEIGHTS * m->panel > (dw ? WIDE_SUM : WIDE_WEIGHT) || (dw && few);
    m->thin = !m->wide && !m->strided && m->from.c == 16 && m->to.c == 16;
    m->shared = !dw && !m->wide;
    m->apart = m->wide && m->strided && ct_threads() <= APART_THREADS;
    if (m->shared) m->from.ld = m->to.ld = CT_MAX(m->from.ld, m->to.ld);
    int64_t each = m->points * (m->from.ld + (m->shared ? 0 : m->to.ld));
    int64_t rows = m->thin ? 48 : 14; /* that products take at a time */
    m->block = m->wide ? CT_MAX(WIDE_FLOATS, WEIGHTS * m->panel) / each
                       : CT_MAX(BLOCK_FLOATS / each, dw ? DW_TILES : BLOCK_TILES);
    m->block = CT_MAX(m->block / rows, 1) * rows;
    int64_t least = dw ? SLICES : CT_MAX(CT_MIN(m->tiles / 14, 4 * ct_threads()), ct_threads());
    m->block = CT_MIN(m->block, m->wide ? m->tiles : div_up_i64(m->tiles, least));
    m->blocks = div_up_i64(m->tiles, m->block);
    m->slices = dw && !m->wide ? CT_MIN(SLICES, m->blocks) : 1;
    m->from.plane = m->block * m->from.ld + GAP, m->to.plane = m->block * m->to.ld + GAP;
    m->packed = dw && m->wide && m->to.c % NR == 0;
    if (m->packed) m->to.ld = NR;
}

/* A block's products: one of them, of which the others are neighbours, or of a wide block of stride 1 a batch. */
static ct_gemm block_product(const wino_plan *m, int64_t tiles) {
    ct_gemm g = {.batch = m->wide && !m->strided ? WEIGHTS : 1,
                 .threads = m->wide && !m->apart ? 0 : 1,
                 .n = m->to.c,
                 .step_a = m->from.plane};
    g.lda = m->from.ld, g.ldb = m->to.ld;
    if (m->p.pass == CONV_DW) { /* (C, tiles) (tiles, O) */
        g.ta = true, g.packed = m->packed, g.m = m->from.c, g.k = tiles;
        g.step_b = m->to.plane, g.step_c = m->panel, g.ldc = m->to.padded;
    } else {
        g.packed = true, g.m = tiles, g.k = m->from.c;
        g.step_b = m->panel, g.step_c = m->to.plane, g.ldc = m->to.ld;
    }
    return g;
}

static ct_status wino_prepare(const conv_problem *p, void **plan, size_t *workspace) {
    wino_plan *m = ct_alloc(1, sizeof *m);
    if (!m) return CT_NO_MEMORY;
    m->p = *p;
    plan_images(m);
    plan_blocks(m);
    size_t bytes[2];
    m->gemm[0] = block_product(m, m->block), m->gemm[1] = block_product(m, m->tiles - (m->blocks - 1) * m->block);
    for (int i = 0; i < 2; i++) bytes[i] = ct_gemm_prepare(&m->gemm[i]);
    m->weight = WEIGHTS * m->panel * m->slices, m->bias = p->pass == CONV_DW ? 0 : m->to.padded;
    m->zeros = m->side * CT_MAX(m->from.padded, m->to.padded);
    m->matrices = m->points * m->from.plane + (m->shared ? 1 : m->points) * m->to.plane;
    m->stage = m->points * CT_MAX(m->from.padded, m->to.padded);
    m->products = round_up_i64((int64_t)(CT_MAX(bytes[0], bytes[1]) / sizeof(float)), 16);
    int64_t tasks = m->wide ? CT_MAX(div_up_i64(m->block, WIDE_GRAIN), m->apart ? WEIGHTS : 1) : m->blocks;
    m->slots = slots_wanted(p->pass == CONV_DW && !m->wide ? m->slices : tasks);
    m->task = m->stage + (m->wide ? 0 : m->matrices) + (m->wide && !m->apart ? 0 : m->products);
    m->once = m->wide ? m->matrices + (m->apart ? 0 : m->products) : 0;
    *workspace = (size_t)(m->weight + m->bias + m->zeros + m->once + m->slots * m->task) * sizeof(float);
    *plan = m;
    return CT_OK;
}
#endif
