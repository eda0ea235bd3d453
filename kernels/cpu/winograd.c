/* 3 x 3 convolutions by Winograd's F(4 x 4, 3 x 3): a quarter of the multiplications, of stride 2 nine sixteenths. A
   block of tiles is transformed to 36 matrices (tiles, channels), of stride 2 to 81, multiplied by the 36 matrices of
   the transformed weight, and transformed back, most of it in the second-level cache. Where the weight does not fit
   there, blocks are large, and each step runs in parallel (`wide`). The gradient of x is a convolution with the weight
   turned round; that of the weight multiplies transformed x and g over all tiles, in a fixed number of slices added in
   order, or in wide blocks, one after the other. F(2 x 2, 3 x 3) is not here: measured on the ResNets' images, it
   takes 1.4 to 1.7 times as long forward and in dw. */
#include "kernels/cpu/winograd_plan.h"
#include "kernels/cpu/winograd_thin.h"

typedef struct wino_run {
    const wino_plan *m;
    const float *from, *weight, *g;
    float *to, *panels, *bias; /* panels: the transformed weight, or the slices' sums */
    float *zeros;              /* a row of a tile that is outside */
    float *wide, *work;        /* a wide block's matrices; places for tasks */
    int64_t first, held;       /* tile of the wide block; how many it has */
    const ct_tail *tail;
    bool stream; /* the result, of which a vector is a line of the cache */
    slots slots;
} wino_run;

/* ---- tiles ---- */

/* Brings channels c of the tile at `p` near, from column `x` on. */
CT_INLINE void fetch_tile(const tiling *t, const float *image, const tile_place *p, int64_t x, int64_t c) {
    for (int64_t i = p->part.y0; i < p->part.y1; i++)
        for (int64_t j = CT_MAX(x, p->part.x0); j < p->part.x1; j++)
            __builtin_prefetch(image + p->at + (i * t->w + j) * t->c + c);
}

/* Tiles [first, first + n) of an image, of `size`, by `map` to rows of side * side matrices, `panel` floats from NR
   channels to the next. A block of a gradient of the weight outgrows the cache that fetch_part filled: there, each tile
   is fetched while the one before it is transformed. */
CT_INLINE void tiles_in(const wino_run *r, const tiling *t, map_fn *map, const int size, const int side,
                        const float *image, int64_t first, int64_t n, float *stage, float *to, int64_t panel) {
    tile_walk w = walk_from(t, first);
    tile_place p = place_of(&w, t);
    bool fetches = r->g && !r->m->thin;
    for (int64_t i = 0; i < n; i++, to += t->ld) {
        const float *tile = image + p.at;
        square s = {.column = t->c, .x0 = p.part.x0, .x1 = p.part.x1};
        for (int y = 0; y < size; y++) s.rows[y] = y >= p.part.y0 && y < p.part.y1 ? tile + y * t->w * t->c : r->zeros;
        if (p.staged) {
            stage_in(t, &p.part, tile, stage);
            s = (square){.column = t->padded, .x1 = size};
            for (int y = 0; y < size; y++) s.rows[y] = stage + y * size * t->padded;
        }
        walk_on(t, &w);
        p = place_of(&w, t);
        int64_t fresh = w.column ? size - t->step : 0; /* the columns before it are this tile's too */
        for (int64_t c = 0; c < t->padded; c += VW) {
            if (fetches) fetch_tile(t, image, &p, fresh, c);
            (side > 6 ? map_large : map_memory)(map, size, side, &s, c, to + c / NR * panel + c % NR, side * t->plane,
                                                t->plane, NULL, NULL, false);
        }
    }
}

#define TILES_IN(name, map, size, side)                                                                              \
    static void name(const wino_run *r, const tiling *t, const float *image, int64_t first, int64_t n, float *stage, \
                     float *to, int64_t panel) {                                                                     \
        tiles_in(r, t, map, size, side, image, first, n, stage, to, panel);                                          \
    }
TILES_IN(tiles_in_6, map_input, 6, 6)
TILES_IN(tiles_in_9, map_input_2, 9, 9)
TILES_IN(tiles_in_4, map_gradient, 4, 6)
TILES_IN(tiles_in_4_2, map_gradient_2, 4, 9)
TILES_IN(tiles_in_5, map_back_2, 5, 9)

/* Of what the products read first: x, or of CONV_DX g. */
static void tiles_of_from(const wino_run *r, int64_t first, int64_t n, float *stage, float *to) {
    const tiling *t = &r->m->from;
    (t->size == 5 ? tiles_in_5 : t->size == 9 ? tiles_in_9 : tiles_in_6)(r, t, r->from, first, n, stage, to, NR);
}

static void tiles_of_g(const wino_run *r, int64_t first, int64_t n, float *stage, float *to) {
    int64_t panel = r->m->packed ? NR * r->held : NR;
    (r->m->strided ? tiles_in_4_2 : tiles_in_4)(r, &r->m->to, r->g, first, n, stage, to, panel);
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
        int64_t n = r->held = CT_MIN(m->block, m->tiles - r->first);
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
