/* 3 x 3 convolutions by Winograd's F(4 x 4, 3 x 3): a quarter of the multiplications, of stride 2 nine sixteenths. A
   block of tiles is transformed to 36 matrices (tiles, channels), of stride 2 to 81, multiplied by the 36 matrices of
   the transformed weight, and transformed back, most of it in the second-level cache. Where the weight does not fit
   there, blocks are large, and each step runs in parallel (`wide`). The gradient of x is a convolution with the weight
   turned round; that of the weight multiplies transformed x and g over all tiles, in a fixed number of slices added in
   order. F(2 x 2, 3 x 3) is not here: measured on the ResNets' images, it takes 1.4 to 1.7 times as long forward and in
   dw. */
#include "base/alloc.h"
#include "kernels/cpu/gemm_pack.h"
#include "kernels/cpu/slots.h"
#include "kernels/cpu/winograd_image.h"
#include "kernels/cpu/winograd_thin.h"

#define WEIGHTS 36
#define BLOCK_FLOATS 57344  /* of a block's matrices: with what is fetched ahead, the second-level cache holds them */
#define BLOCK_TILES 28      /* at least, for the products' sake */
#define DW_TILES 84         /* the same of a gradient of the weight, whose sums are read and written for each block */
#define WIDE_FLOATS 4194304 /* of a wide block's; with a larger weight as many, or it would be read too often */
#define WIDE_WEIGHT 1048576 /* floats of a transformed weight above which blocks are wide */
#define WIDE_SUM 400000     /* the same of its gradient, which is written too */
#define GAP 16              /* floats between matrices, or all would share a set of the first-level cache */
#define WIDE_GRAIN 14       /* tiles of a wide block transformed by a task */
#define KEEP_TILES 128      /* with more, transforming the weight costs little beside the products */
#define APART_THREADS 6     /* more share out each of the products of a block that is strided and wide */
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

/* Worth it: enough channels for vectors, tiles full enough (half, of stride 2 four fifths), and enough of them to pay
   for the weight's transform: 4 (measured: 64 channels), or 16 where it leaves the cache (256 channels); of its
   gradient 32, of whose sums there are slices to add, or 8. */
static bool fits(const conv_problem *p, int64_t stride) {
    bool dx = p->pass == CONV_DX, dw = p->pass == CONV_DW;
    int64_t h = dx ? p->h : p->oh, w = dx ? p->w : p->ow, size = dx ? 4 * stride : 4;
    int64_t weight = WEIGHTS * p->c * p->o, least = weight > WIDE_WEIGHT ? 16 : 4, most = stride > 1 ? 5 : 8;
    if (dw) least = weight > WIDE_SUM ? 8 : 32;
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
    m->wide = WEIGHTS * m->panel > (dw ? WIDE_SUM : WIDE_WEIGHT);
    m->thin = !m->strided && m->from.c == 16 && m->to.c == 16;
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
}

/* A block's products: one of them, of which the others are neighbours, or of a wide block of stride 1 a batch. */
static ct_gemm block_product(const wino_plan *m, int64_t tiles) {
    ct_gemm g = {.batch = m->wide && !m->strided ? WEIGHTS : 1,
                 .threads = m->wide && !m->apart ? 0 : 1,
                 .n = m->to.c,
                 .step_a = m->from.plane};
    g.lda = m->from.ld, g.ldb = m->to.ld;
    if (m->p.pass == CONV_DW) { /* (C, tiles) (tiles, O) */
        g.ta = true, g.m = m->from.c, g.k = tiles;
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

typedef struct wino_run {
    const wino_plan *m;
    const float *from, *weight, *g;
    float *to, *panels, *bias; /* panels: the transformed weight, or the slices' sums */
    float *zeros;              /* a row of a tile that is outside */
    float *wide, *work;        /* a wide block's matrices; places for tasks */
    int64_t first;             /* tile of the wide block */
    const ct_tail *tail;
    bool stream; /* the result, of which a vector is a line of the cache */
    slots slots;
} wino_run;

/* ---- tiles ---- */

/* Tiles [first, first + n) of an image, of `size`, by `map` to rows of side * side matrices. */
CT_INLINE void tiles_in(const wino_run *r, const tiling *t, map_fn *map, const int size, const int side,
                        const float *image, int64_t first, int64_t n, float *stage, float *to) {
    tile_walk w = walk_from(t, first);
    for (int64_t i = 0; i < n; i++, to += t->ld, walk_on(t, &w)) {
        tile_place p = place_of(&w, t);
        const float *tile = image + p.at;
        square s = {.column = t->c, .x0 = p.part.x0, .x1 = p.part.x1};
        for (int y = 0; y < size; y++) s.rows[y] = y >= p.part.y0 && y < p.part.y1 ? tile + y * t->w * t->c : r->zeros;
        if (p.staged) {
            stage_in(t, &p.part, tile, stage);
            s = (square){.column = t->padded, .x1 = size};
            for (int y = 0; y < size; y++) s.rows[y] = stage + y * size * t->padded;
        }
        for (int64_t c = 0; c < t->padded; c += VW)
            (side > 6 ? map_large : map_memory)(map, size, side, &s, c, to + c, side * t->plane, t->plane, NULL, NULL,
                                                false);
    }
}

#define TILES_IN(name, map, size, side)                                                                              \
    static void name(const wino_run *r, const tiling *t, const float *image, int64_t first, int64_t n, float *stage, \
                     float *to) {                                                                                    \
        tiles_in(r, t, map, size, side, image, first, n, stage, to);                                                 \
    }
TILES_IN(tiles_in_6, map_input, 6, 6)
TILES_IN(tiles_in_9, map_input_2, 9, 9)
TILES_IN(tiles_in_4, map_gradient, 4, 6)
TILES_IN(tiles_in_4_2, map_gradient_2, 4, 9)
TILES_IN(tiles_in_5, map_back_2, 5, 9)

/* Of what the products read first: x, or of CONV_DX g. */
static void tiles_of_from(const wino_run *r, int64_t first, int64_t n, float *stage, float *to) {
    const tiling *t = &r->m->from;
    (t->size == 5 ? tiles_in_5 : t->size == 9 ? tiles_in_9 : tiles_in_6)(r, t, r->from, first, n, stage, to);
}

static void tiles_of_g(const wino_run *r, int64_t first, int64_t n, float *stage, float *to) {
    (r->m->strided ? tiles_in_4_2 : tiles_in_4)(r, &r->m->to, r->g, first, n, stage, to);
}

/* Tiles [first, first + n) of the result are whole: rows of tiles are one run of pixels, neighbours in a row four. */
static void hand_on(const wino_run *r, int64_t first, int64_t n) {
    const wino_plan *m = r->m;
    const tiling *t = &m->to;
    for (int64_t end = first + n, next; first < end; first = next) {
        int64_t rows = first % t->columns ? 0 : (end - first) / t->columns, line = t->w * t->c;
        next = rows ? first + rows * t->columns : CT_MIN(end, (first / t->columns + 1) * t->columns);
        tile_walk from = walk_from(t, first), to = walk_from(t, next - 1);
        tile_place a = place_of(&from, t), b = place_of(&to, t);
        int64_t length = b.at + b.part.x1 * t->c - a.at;
        if (rows)
            ct_tail_run(r->tail, r->to + a.at, length + (b.part.y1 - 1) * line);
        else
            for (int64_t y = 0; y < a.part.y1; y++) ct_tail_run(r->tail, r->to + a.at + y * line, length);
    }
}

/* A row of side * side matrices to a tile at `to`, of `size`, of which `part` is there, NULL for all. */
CT_INLINE void tile_out(const wino_run *r, map_fn *map, const int side, const int size, const float *from, float *to,
                        int64_t row, int64_t column, const inside *part, const bool stream) {
    const tiling *t = &r->m->to;
    square s = {.column = t->plane, .x1 = side};
    for (int y = 0; y < side; y++) s.rows[y] = from + side * y * t->plane;
    for (int64_t c = 0; c < t->padded; c += VW)
        (side > 6 ? map_large : map_memory)(map, side, size, &s, c, to + c, row, column, part, r->bias + c, stream);
}

/* Rows of matrices to tiles of the result. */
CT_INLINE void tiles_out_by(const wino_run *r, map_fn *map, const int side, const int size, int64_t first, int64_t n,
                            const float *from, float *stage) {
    const tiling *t = &r->m->to;
    int64_t row = t->w * t->c;
    tile_walk w = walk_from(t, first);
    for (int64_t i = 0; i < n; i++, from += t->ld, walk_on(t, &w)) {
        tile_place p = place_of(&w, t);
        float *tile = r->to + p.at;
        if (p.staged) {
            tile_out(r, map, side, size, from, stage, size * t->padded, t->padded, NULL, false);
            stage_out(t, &p.part, stage, tile);
        } else if (!p.whole)
            tile_out(r, map, side, size, from, tile, row, t->c, &p.part, false);
        else if (r->stream)
            tile_out(r, map, side, size, from, tile, row, t->c, NULL, true);
        else
            tile_out(r, map, side, size, from, tile, row, t->c, NULL, false);
    }
}

static void tiles_out(const wino_run *r, int64_t first, int64_t n, const float *from, float *stage) {
    if (r->m->to.size == 8)
        tiles_out_by(r, map_back_output_2, 9, 8, first, n, from, stage);
    else if (r->m->strided)
        tiles_out_by(r, map_output_2, 9, 4, first, n, from, stage);
    else
        tiles_out_by(r, map_output, 6, 4, first, n, from, stage);
    if (r->stream) vstreamed();
    if (r->tail) hand_on(r, first, n);
}

/* ---- forward, and the gradient of x ---- */

/* Parts of the weight: VW channels read times a panel of those made, transformed and packed as ct_gemm_pack would. */
static void transform_weight(void *ctx, int64_t begin, int64_t end) {
    const wino_run *r = ctx;
    const wino_plan *m = r->m;
    bool dx = m->p.pass == CONV_DX;
    int64_t parts = div_up_i64(m->from.c, VW), from = m->p.weight[dx ? 0 : 1], to = m->p.weight[dx ? 1 : 0];
    for (int64_t i = begin; i < end; i++) {
        int64_t panel = i / parts, c = i % parts * VW, n = CT_MIN(m->from.c - c, VW);
        int64_t width = panel_width(m->to.c, panel), run = from == 9 ? n : 1, turn = dx ? -width : width;
        float tap[VW * 9 * NR], *x = tap, *d = r->panels + panel * NR * m->from.c + c * width;
        for (int64_t k = 0; k < n; k += run)
            pack_panel(true, m->to.c, panel, 9 * run, r->weight + (c + k) * from, to, tap + k * 9 * width);
        for (int64_t k = 0; k < n; k++, x += 9 * width, d += width) {
            square s = {.column = turn, .x1 = 3};
            for (int y = 0; y < 3; y++) s.rows[y] = x + (dx ? 8 * width : 0) + 3 * y * turn;
            for (int64_t v = 0; v < width; v += VW)
                if (m->strided)
                    map_memory(map_weight_2, 3, 6, &s, v, d + v, 6 * m->panel, m->panel, NULL, NULL, false);
                else
                    map_memory(map_weight, 3, 6, &s, v, d + v, 6 * m->panel, m->panel, NULL, NULL, false);
        }
    }
}

static void transform(wino_run *r) {
    const wino_plan *m = r->m;
    int64_t parts = div_up_i64(m->to.c, NR) * div_up_i64(m->from.c, VW);
    ct_parallel(parts, grain_of(VW * NR * 64), transform_weight, r);
}

static int64_t block_tiles(const wino_plan *m, int64_t b) { return CT_MIN(m->block, m->tiles - b * m->block); }

/* Brings the floats that tiles [first, end) of an image take up, nearly, near. tail: or what it reads with them. */
CT_INLINE void fetch(const wino_plan *m, const tiling *t, const float *image, int64_t first, int64_t end,
                     const ct_tail *tail) {
    const float *p = image + CT_MIN(first, m->tiles) * t->floats, *last = image + CT_MIN(end, m->tiles) * t->floats;
    if (tail)
        ct_tail_fetch(tail, p, last - p);
    else
        fetch_floats(p, last);
}

/* During product i, which keeps the processor busy and memory idle: the block that most likely comes next, and the
   places of this one's results. */
CT_INLINE void fetch_part(const wino_run *r, int64_t first, int64_t n, int i) {
    const wino_plan *m = r->m;
    int64_t from = first + n * i / m->points, to = first + n * (i + 1) / m->points;
    fetch(m, &m->from, r->from, from + n, to + n, NULL);
    if (r->g)
        fetch(m, &m->to, r->g, from + n, to + n, NULL);
    else if (!r->stream)
        fetch(m, &m->to, r->to, from, to, NULL);
    if (r->tail) fetch(m, &m->to, r->to, from, to, r->tail);
}

/* The weight of product i: the points that stride 2 multiplies as they are have one in common. */
static int64_t weight_of(const wino_plan *m, int i) { return CT_MIN(i / m->side, 5) * 6 + CT_MIN(i % m->side, 5); }

/* Whether a product before i has its weight, to whose gradient it is added. */
static bool repeats(const wino_plan *m, int i) { return i / m->side > 5 || i % m->side > 5; }

/* A block by one task, in the task's own place of the workspace. */
static void run_block(const wino_run *r, int64_t b, float *work, float *sum, bool add) {
    const wino_plan *m = r->m;
    float *in = work + (m->shared ? m->to.plane : 0), *out = m->shared ? work : in + m->points * m->from.plane;
    float *products = work + m->matrices, *stage = products + m->products;
    ct_gemm g = m->gemm[b == m->blocks - 1];
    int64_t first = b * m->block, n = block_tiles(m, b);
    tiles_of_from(r, first, n, stage, in);
    if (sum) tiles_of_g(r, first, n, stage, out);
    for (int i = 0; i < m->points; i++) {
        int64_t at = weight_of(m, i) * m->panel;
        const float *a = in + i * m->from.plane, *panel = r->panels + at;
        float *c = out + i * m->to.plane;
        g.acc = sum && (add || repeats(m, i));
        fetch_part(r, first, n, i);
        if (sum && m->thin)
            thin_sums(n, a, c, sum + at);
        else if (sum)
            ct_gemm_run(&g, a, c, NULL, sum + at, products, NULL);
        else if (m->thin)
            thin_product(n, a, panel, c);
        else
            ct_gemm_run(&g, a, panel, NULL, c, products, NULL);
    }
    if (!sum) tiles_out(r, first, n, out, stage);
}

static float *slot_at(const wino_run *r, int slot) { return r->work + slot * r->m->task; }

static void run_blocks(void *ctx, int64_t begin, int64_t end) {
    wino_run *r = ctx;
    int slot = slots_take(&r->slots);
    for (int64_t b = begin; b < end; b++) run_block(r, b, slot_at(r, slot), NULL, false);
    slots_give(&r->slots, slot);
}

static void run_slices(void *ctx, int64_t begin, int64_t end) {
    wino_run *r = ctx;
    const wino_plan *m = r->m;
    int slot = slots_take(&r->slots);
    for (int64_t s = begin; s < end; s++) {
        float *sum = r->panels + s * WEIGHTS * m->panel;
        if (m->thin) memset(sum, 0, (size_t)(WEIGHTS * m->panel) * sizeof *sum);
        for (int64_t b = m->blocks * s / m->slices; b < m->blocks * (s + 1) / m->slices; b++)
            run_block(r, b, slot_at(r, slot), sum, b > m->blocks * s / m->slices);
    }
    slots_give(&r->slots, slot);
}

/* ---- wide blocks: matrices first in the workspace, then a place to stage tiles for each task ---- */

static void wide_in(void *ctx, int64_t begin, int64_t end) {
    wino_run *r = ctx;
    const wino_plan *m = r->m;
    float *in = r->wide, *out = in + m->points * m->from.plane;
    int slot = slots_take(&r->slots);
    tiles_of_from(r, r->first + begin, end - begin, slot_at(r, slot), in + begin * m->from.ld);
    if (r->g) tiles_of_g(r, r->first + begin, end - begin, slot_at(r, slot), out + begin * m->to.ld);
    slots_give(&r->slots, slot);
}

static void wide_out(void *ctx, int64_t begin, int64_t end) {
    wino_run *r = ctx;
    const wino_plan *m = r->m;
    int slot = slots_take(&r->slots);
    const float *out = r->wide + m->points * m->from.plane + begin * m->to.ld;
    tiles_out(r, r->first + begin, end - begin, out, slot_at(r, slot));
    slots_give(&r->slots, slot);
}

/* The products of weight w with a wide block's matrices; those of its gradient are added up. */
static void weight_products(const wino_run *r, int w, float *products) {
    const wino_plan *m = r->m;
    float *in = r->wide, *out = in + m->points * m->from.plane, *panel = r->panels + w * m->panel;
    int y0 = w / 6, x0 = w % 6, y1 = y0 < 5 ? y0 + 1 : m->side, x1 = x0 < 5 ? x0 + 1 : m->side;
    ct_gemm g = m->gemm[r->first + m->block >= m->tiles];
    g.acc = r->g && r->first;
    for (int y = y0; y < y1; y++)
        for (int x = x0; x < x1; x++, g.acc = r->g) {
            int i = y * m->side + x;
            float *a = in + i * m->from.plane, *c = out + i * m->to.plane;
            ct_gemm_run(&g, a, r->g ? c : panel, NULL, r->g ? panel : c, products, NULL);
        }
}

/* The last weight, which has the most, first. */
static void products_apart(void *ctx, int64_t begin, int64_t end) {
    wino_run *r = ctx;
    int slot = slots_take(&r->slots);
    for (int64_t i = begin; i < end; i++) weight_products(r, WEIGHTS - 1 - (int)i, slot_at(r, slot) + r->m->stage);
    slots_give(&r->slots, slot);
}

static void run_wide(wino_run *r) {
    const wino_plan *m = r->m;
    for (r->first = 0; r->first < m->tiles; r->first += m->block) {
        int64_t n = CT_MIN(m->block, m->tiles - r->first);
        ct_parallel(n, WIDE_GRAIN, wide_in, r);
        if (m->apart)
            ct_parallel(WEIGHTS, 1, products_apart, r);
        else
            for (int w = 0; w < WEIGHTS; w += (int)m->gemm->batch) weight_products(r, w, r->wide + m->matrices);
        if (!r->g) ct_parallel(n, WIDE_GRAIN, wide_out, r);
    }
}

/* ---- the gradient of the weight ---- */

/* Channels [begin, end) of x: the slices' sums, added in order, transformed back. */
static void join_slices(void *ctx, int64_t begin, int64_t end) {
    const wino_run *r = ctx;
    const wino_plan *m = r->m;
    const int64_t *s = m->p.weight;
    for (int64_t c = begin; c < end; c++)
        for (int64_t o = 0; o < m->to.c; o += VW) {
            vf u[WEIGHTS], dw[9];
            for (int i = 0; i < WEIGHTS; i++) {
                const float *sum = r->panels + i * m->panel + c * m->to.padded + o;
                u[i] = vload(sum);
                for (int64_t k = 1; k < m->slices; k++) u[i] += vload(sum + k * WEIGHTS * m->panel);
            }
            if (m->strided)
                map_square(map_weight_back_2, 6, 3, u, dw);
            else
                map_square(map_weight_back, 6, 3, u, dw);
            for (int t = 0; t < 9; t++)
                for (int64_t i = 0; i < CT_MIN(m->to.c - o, VW); i++)
                    r->to[(o + i) * s[0] + c * s[1] + t / 3 * s[2] + t % 3 * s[3]] = dw[t][i];
        }
}

static void wino_run_(void *plan, const float *a, const float *b, const float *bias, float *y, void *work,
                      const ct_tail *tail) {
    const wino_plan *m = plan;
    bool dw = m->p.pass == CONV_DW;
    wino_run r = {.m = m, .from = dw ? b : a, .weight = b, .g = dw ? a : NULL, .to = y, .panels = work, .tail = tail};
    r.slots.n = m->slots;
    r.stream = VW == 16 && !tail && !dw && (uintptr_t)y % 64 == 0 && m->to.c == m->to.padded &&
               m->p.n * m->to.h * m->to.w * m->to.c >= STREAM_FLOATS;
    r.bias = r.panels + m->weight, r.zeros = r.bias + m->bias, r.wide = r.zeros + m->zeros;
    memset(r.zeros, 0, (size_t)m->zeros * sizeof *r.zeros);
    r.work = r.wide + m->once;
    if (!dw) {
        memset(r.bias, 0, (size_t)m->bias * sizeof *r.bias);
        if (bias) memcpy(r.bias, bias, (size_t)m->to.c * sizeof *bias);
        if (m->kept)
            r.panels = (float *)b;
        else
            transform(&r);
    }
    if (m->wide)
        run_wide(&r);
    else if (dw)
        ct_parallel(m->slices, 1, run_slices, &r);
    else
        ct_parallel(m->blocks, 1, run_blocks, &r);
    if (dw) ct_parallel(m->from.c, grain_of(WEIGHTS * m->to.padded * m->slices), join_slices, &r);
}

static size_t wino_keeps(void *plan) {
    wino_plan *m = plan;
    m->kept = m->tiles <= KEEP_TILES;
    return m->kept ? (size_t)(WEIGHTS * m->panel) * sizeof(float) : 0;
}

static void wino_keep(const void *plan, const float *weight, float *kept) {
    wino_run r = {.m = plan, .weight = weight, .panels = kept};
    transform(&r);
}

const conv_method ct_conv_winograd = {fits_once, wino_prepare, wino_run_, ct_free, wino_keeps, wino_keep};
const conv_method ct_conv_winograd_2 = {fits_strided, wino_prepare, wino_run_, ct_free, wino_keeps, wino_keep};
