#include "kernels/cpu/gemm.h"
#include "base/error.h"
#include "kernels/cpu/gemm_bf16.h"
#include "kernels/cpu/gemm_tile.h"
#include "kernels/cpu/gemm_vector.h"
#include "kernels/cpu/layout.h"
#include "kernels/cpu/slots.h"
#include <math.h>

#define KB_MAX 384          /* part of the definition of the result */
#define A_FLOATS 32768      /* of A's tiles at a time: some of a second-level cache */
#define B_FLOATS 262144     /* of B's panels packed at a time by a task */
#define PACK_STEPS 8        /* of k, packed at a time */
#define NEAR_FLOATS 384     /* from a row to the next: such columns are read well where they lie; */
#define NEAR_FLOATS_FEW 512 /* for so few panels, these too */
#define FEW_PANELS 8
#define L1_FLOATS 6144                         /* of B that stay in the first-level cache beside a tile of A */
#define L2_FLOATS 131072                       /* of a matrix that stays near */
#define WIDE_N (VW == 16 ? 2 * NR : INT64_MAX) /* with as many columns, tiles have WIDE_MR rows: they load less */
#define SERIAL_FLOPS 3e5                       /* below, a fork costs more than it saves */
#define TASK_FLOPS 1e6                         /* a task worth claiming */
#define TASKS_A_THREAD 8
#define PIECE 500           /* vector multiply-adds that a piece of a row, handed to a tail, takes */
#define SPLIT_BLOCKS 3      /* of k, at most, that are made apart and then added */
#define SPLIT_FLOATS 262144 /* of C beside C then */

/* ---- the plan ---- */

static int64_t k_block(int64_t k) {
    int64_t blocks = CT_MAX(div_up_i64(k, KB_MAX), 1);
    return (div_up_i64(k, blocks) + 7) / 8 * 8;
}

/* One row (or column) times a matrix whose rows lie as they are read. */
static bool is_vector(const ct_gemm *g) {
    bool row = g->m == 1 && g->tb && (!g->ta || g->lda == 1), column = g->n == 1 && !g->ta && (g->tb || g->ldb == 1);
    return (row || column) && !g->packed;
}

/* What reading an element costs a task, roughly, in vector multiply-adds. */
static double reach(double floats) { return floats > L2_FLOATS ? 0.5 : 0.1; }

static int64_t most_rows(const ct_gemm_plan *p) { return p->rows + (p->rest > 0); } /* of a tile */

/* Panels that a grid leaves together: those taken at once by several tiles; one tile is not worth that. */
static int64_t panels_together(const ct_gemm_plan *p) { return p->tiles > 1 ? p->at_once : 1; }

/* Panels of the largest of gn parts; the first panel of part i. */
static int64_t largest_part(const ct_gemm_plan *p, int64_t gn) {
    int64_t some = panels_together(p);
    return CT_MIN(div_up_i64(div_up_i64(p->panels, some), gn) * some, p->panels);
}
static int64_t part_begin(const ct_gemm_plan *p, int64_t i) {
    int64_t some = panels_together(p);
    return CT_MIN(div_up_i64(p->panels, some) * i / p->gn * some, p->panels);
}

/* What a grid of gm x gn tasks costs: the longest thread's tiles, some waiting for the last task, A packed and read
   again for every column of the grid, B for every row of it, each task's own; a tail gets rows in pieces. */
static double grid_cost(const ct_gemm *g, const ct_gemm_plan *p, int threads, int64_t gm, int64_t gn) {
    double size_a = (double)g->m * g->k, size_b = (double)g->n * g->k;
    double tile = (double)(most_rows(p) * NR / VW) * g->k;
    double a = reach(size_a) + (p->pack_a ? 2 : 0), b = reach(size_b);
    if (!g->packed && !p->shared && !p->in_place) b += g->tb ? 2.1 : 1.2;
    double tasks = (double)(gm * gn), task = (double)(div_up_i64(p->tiles, gm) * largest_part(p, gn)) * tile;
    double time = ceil(tasks * g->batch / threads) / g->batch * task;
    double pieces = g->rows && gn > 1 ? (double)(gn * g->m * g->batch) : 0;
    return time + task / 4 + (gm * size_b * b + gn * size_a * a + tasks * 300 + pieces * PIECE) / threads;
}

/* At most as many tasks as are worth claiming; a batch brings its own. */
static void plan_grid(const ct_gemm *g, ct_gemm_plan *p, double flops, int threads) {
    double want = CT_MIN(CT_MAX(flops / TASK_FLOPS, threads), threads * TASKS_A_THREAD) / (double)g->batch;
    double best = INFINITY;
    p->gm = p->gn = 1;
    for (int64_t gn = 1; gn <= div_up_i64(p->panels, panels_together(p)) && gn <= want; gn++)
        for (int64_t gm = 1; gm <= p->tiles && gm * gn <= want + gn - 1; gm++) {
            double cost = grid_cost(g, p, threads, gm, gn);
            if (cost < best) best = cost, p->gm = gm, p->gn = gn;
        }
}

/* Blocks of k, rows of both matrices, for tasks of their own, which write beside C: a thread then reads the rows that
   it made itself, of a gradient and of a layer's input, and the larger matrix is packed once. */
static bool plan_split(const ct_gemm *g, ct_gemm_plan *p, int threads) {
    int64_t blocks = div_up_i64(g->k, p->kb);
    bool few = blocks >= threads && blocks <= SPLIT_BLOCKS && (blocks - 1) * g->m * g->n <= SPLIT_FLOATS;
    if (!g->ta || g->tb || g->batch > 1 || g->packed || !few) return false;
    p->gk = blocks;
    *(p->columns_first ? &p->gn : &p->gm) =
        CT_MIN(div_up_i64(p->columns_first ? p->panels : p->tiles, 4), div_up_i64(4 * threads, blocks));
    p->sums = div_up_i64((blocks - 1) * g->m * g->n, 16) * 16;
    return true;
}

/* How much a task packs at a time, and the room for it. */
static void plan_blocks(const ct_gemm *g, ct_gemm_plan *p) {
    int64_t most = largest_part(p, p->gn), kb = CT_MAX(p->kb, 1), rows = most_rows(p);
    p->mc = CT_MAX(A_FLOATS / (kb * rows), 1);
    bool near = !g->ta && div_up_i64(p->tiles, p->gm) * rows * g->k <= A_FLOATS;
    p->as_used = near && !g->tb && !g->rows;
    int64_t groups = p->as_used ? 1 : CT_MAX(B_FLOATS / (kb * NR * p->at_once), 1);
    p->nc = p->in_place ? most : CT_MIN(groups * p->at_once, most);
    if (p->kb >= g->k && p->nc == most && most > 1 && most * NR * kb <= L1_FLOATS && !p->pack_a) p->mc = 2 * MR / rows;
    p->mc = CT_MIN(p->mc, div_up_i64(p->tiles, p->gm));
    int64_t floats_b = g->packed || p->shared ? 0 : p->nc * NR * kb;
    int64_t floats_a = p->pack_a ? p->mc * rows * kb : 0;
    p->slot = (floats_a + floats_b + 15) / 16 * 16;
}

/* Whether B is read where it lies: rows of A are too few for packing to pay, or B is small, or its rows lie well. */
static bool in_place(const ct_gemm *g) {
    int64_t size = g->n * g->k;
    if (g->packed || g->tb) return false;
    if (g->m <= 2 * MR || (g->m <= 5 * MR && size <= 2 * L2_FLOATS)) return true;
    return size <= 4096 || (g->k <= 128 && g->ldb % 256);
}

static void plan_product(const ct_gemm *g, ct_gemm_plan *p, double flops, int threads) {
    int64_t size_a = g->m * g->k, size_b = g->n * g->k;
    p->tiles = div_up_i64(g->m, g->n >= WIDE_N ? WIDE_MR : MR), p->panels = div_up_i64(g->n, NR);
    p->rows = g->m / p->tiles, p->rest = g->m % p->tiles;
    int64_t rows = most_rows(p), wide = rows <= WIDE_MR ? wide_tiles[rows - 1].panels : 1;
    p->at_once = wide <= p->panels ? wide : 1;
    p->in_place = in_place(g);
    int64_t near = p->panels > FEW_PANELS ? NEAR_FLOATS : NEAR_FLOATS_FEW;
    p->pack_a = g->ta && size_a > 8192 && p->panels > 1 && g->lda > near;
    p->columns_first = size_b > size_a;
    bool parallel = threads > 1 && flops >= SERIAL_FLOPS, split = parallel && plan_split(g, p, threads);
    if (parallel && !split) plan_grid(g, p, flops, threads);
    bool packs = !g->packed && !p->in_place && g->batch == 1;
    if (packs && (p->gm >= 3 || (split && p->gm > 1))) { /* B once for all */
        p->shared = (int64_t)(ct_gemm_packed_size(g) / sizeof(float) + 15) / 16 * 16;
        if (!split) plan_grid(g, p, flops, threads);
    }
    plan_blocks(g, p);
}

size_t ct_gemm_prepare(ct_gemm *g) {
    int threads = g->threads ? g->threads : ct_threads();
    double flops = 2.0 * g->m * g->n * g->k * g->batch;
    ct_gemm_plan *p = &g->plan;
    *p = (ct_gemm_plan){.kb = k_block(g->k), .gm = 1, .gn = 1, .gk = 1, .vector = is_vector(g)};
    if (g->m < 1 || g->n < 1 || g->k < 1 || g->batch < 1) return 0;
    if (g->bf16) return ct_gemm_bf16_prepare(g);
    if (p->vector) {
        p->panels = div_up_i64(g->m == 1 ? g->n : g->m, VR);
        if (flops >= SERIAL_FLOPS / 2) p->gn = CT_MIN(p->panels, threads * 4);
    } else {
        plan_product(g, p, flops, threads);
    }
    double tasks = (double)g->batch * p->gm * p->gn * p->gk;
    p->slots = (int)CT_MIN(CT_MIN(tasks, threads), CT_MOST_THREADS);
    p->grain = (int64_t)CT_MIN(tasks, ceil(SERIAL_FLOPS / 8 * tasks / flops));
    return (size_t)(p->shared + p->sums + p->slots * p->slot) * sizeof(float);
}

/* ---- a task: tiles [t0, t1) times panels [p0, p1) of one item of the batch ---- */

typedef struct block {
    const ct_gemm *g;
    const float *a, *b, *packed, *bias;
    float *c, *work_a, *work_b;
    const ct_tail *tail;
    int64_t ldc, t0, t1, p0, p1, k1; /* k1: where its part of k ends */
    bool add, finish;                /* to what C holds; with bias, ReLU and tail */
    int64_t i0, j0, k0, kc;          /* now: the first row whose tile is packed, the first panel, the block of k */
    gemm_rows next;                  /* of A, packed next: to be fetched during products */
} block;

static int64_t tile_begin(const ct_gemm *g, int64_t t) { return t * g->plan.rows + CT_MIN(t, g->plan.rest); }

static bool reads_in_place(const ct_gemm *g, int64_t panel) {
    return g->plan.in_place && panel_columns(g->n, panel) % VW == 0;
}

static const float *b_at(const block *x, int64_t k) { return x->b + (x->g->tb ? k : k * x->g->ldb); }

static void pack_b(const block *x, int64_t p1) {
    const ct_gemm *g = x->g;
    if (x->packed) return;
    for (int64_t p = x->j0; p < p1; p++)
        if (!reads_in_place(g, p))
            pack_panel(g->tb, g->n, p, x->kc, b_at(x, x->k0), g->ldb, x->work_b + (p - x->j0) * NR * x->kc);
}

/* Tiles of A whose columns are rows in memory: some rows at a time for all tiles, so that a line is read once. */
static void pack_a(const block *x, int64_t t0, int64_t t1) {
    const ct_gemm *g = x->g;
    const float *a = x->a + x->k0 * g->lda;
    for (int64_t k = 0, n; k < x->kc; k += n, a += n * g->lda) {
        n = CT_MIN(x->kc - k, PACK_STEPS);
        for (int64_t t = t0; t < t1; t++) {
            int64_t i = tile_begin(g, t), rows = tile_begin(g, t + 1) - i;
            tiles[rows - 1].pack(n, a + i, g->lda, x->work_a + (i - x->i0) * x->kc + k * rows);
        }
    }
}

static void set_a(const block *x, int64_t i, int64_t rows, gemm_tile *tile) {
    const ct_gemm *g = x->g;
    if (!g->plan.pack_a) {
        tile->a = x->a + (g->ta ? x->k0 * g->lda + i : i * g->lda + x->k0);
        tile->as = g->lda;
        return;
    }
    tile->as = rows;
    tile->a = x->work_a + (i - x->i0) * x->kc;
}

static void set_b(const block *x, int64_t p, gemm_tile *tile) {
    const ct_gemm *g = x->g;
    int64_t w = panel_width(g->n, p);
    tile->bs = w;
    if (x->packed) {
        tile->bp = NR * g->k;
        tile->b = x->packed + p * NR * g->k + x->k0 * w;
    } else if (reads_in_place(g, p)) {
        tile->bs = g->ldb, tile->bp = NR;
        tile->b = x->b + x->k0 * g->ldb + p * NR;
    } else {
        tile->bp = NR * x->kc;
        tile->b = x->work_b + (p - x->j0) * NR * x->kc;
    }
}

/* A tile with fewer columns than its panel is made beside C. */
static void run_edge(tile_fn run, const gemm_tile *tile, int64_t rows, int64_t columns, int64_t w) {
    float c[MR * NR], bias[NR] = {0};
    gemm_tile whole = *tile;
    whole.c = c, whole.ldc = w;
    if (tile->bias) whole.bias = memcpy(bias, tile->bias, (size_t)columns * sizeof *bias);
    for (int64_t i = 0; i < rows && tile->add; i++)
        for (int64_t j = 0; j < w; j++) c[i * w + j] = j < columns ? tile->c[i * tile->ldc + j] : 0;
    run(&whole);
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++) tile->c[i * tile->ldc + j] = c[i * w + j];
}

/* Tiles [t0, t1) of panel p, or of some panels from there: how many panels that were. */
static int64_t run_panel(block *x, int64_t t0, int64_t t1, int64_t p, int64_t p1) {
    const ct_gemm *g = x->g;
    int64_t many = g->plan.at_once, columns = panel_columns(g->n, p), w = panel_width(g->n, p);
    bool last = x->finish && x->k0 + x->kc == x->k1;
    gemm_tile tile = {.k = x->kc, .ldc = x->ldc, .add = x->add, .relu = last && g->relu};
    if (p + many > p1 || g->n - p * NR < many * NR) many = 1;
    if (many > 1) columns = w = many * NR;
    if (x->next.n) tile.next = &x->next;
    tile.bias = last && x->bias ? x->bias + p * NR : NULL;
    set_b(x, p, &tile);
    for (int64_t t = t0; t < t1; t++) {
        int64_t i = tile_begin(g, t), rows = tile_begin(g, t + 1) - i;
        set_a(x, i, rows, &tile);
        tile.c = x->c + i * x->ldc + p * NR;
        for (int64_t r = 0; r < rows && last; r++) ct_tail_fetch(x->tail, tile.c + r * x->ldc, columns);
        tile_fn run = many > 1 ? wide_tiles[rows - 1].run[g->ta] : tiles[rows - 1].run[g->ta][w / VW - 1];
        if (columns == w)
            run(&tile);
        else
            run_edge(run, &tile, rows, columns, w);
    }
    return many;
}

/* Tiles [t0, t1) of panels [p0, p1) are whole. */
static void hand_on(const block *x, int64_t t0, int64_t t1, int64_t p0, int64_t p1) {
    const ct_gemm *g = x->g;
    int64_t rows = tile_begin(g, t1) - tile_begin(g, t0), column = p0 * NR, n = CT_MIN(p1 * NR, g->n) - column;
    const float *c = x->c + tile_begin(g, t0) * g->ldc + column;
    if (n == g->ldc) n *= rows, rows = 1;
    for (; rows; rows--, c += g->ldc) ct_tail_run(x->tail, c, n);
}

/* After tiles up to t come those from t on, or the first ones of the next block of k. */
static void set_next(block *x, int64_t t) {
    const ct_gemm *g = x->g;
    int64_t k = x->k0, t0 = t;
    if (t == x->t1) k += g->plan.kb, t0 = x->t0;
    int64_t i = tile_begin(g, t0), end = tile_begin(g, CT_MIN(t0 + g->plan.mc, x->t1));
    x->next = (gemm_rows){x->a + k * g->lda + i, CT_MAX(CT_MIN(g->plan.kb, x->k1 - k), 0), end - i, g->lda};
}

/* After panels [j, j1) of this block of k come those of the next block, or the next panels. */
static void set_next_panels(block *x, int64_t k, int64_t j, int64_t j1) {
    const ct_gemm *g = x->g;
    int64_t k0 = x->k0 + g->plan.kb;
    if (k0 >= x->k1) k0 = k, j = j1, j1 = CT_MIN(j1 + g->plan.nc, x->p1);
    int64_t columns = CT_MIN(j1 * NR, g->n) - j * NR;
    x->next = (gemm_rows){b_at(x, k0) + j * NR, CT_MIN(g->plan.kb, x->k1 - k0), columns, g->ldb};
}

static void run_block(block *x, int64_t k) {
    const ct_gemm *g = x->g;
    const ct_gemm_plan *plan = &g->plan;
    bool add = x->add;
    for (int64_t j = x->p0; j < x->p1; j += plan->nc) {
        int64_t j1 = CT_MIN(j + plan->nc, x->p1);
        x->j0 = j, x->add = add;
        for (x->k0 = k; x->k0 < x->k1; x->k0 += plan->kb, x->add = true) {
            x->kc = CT_MIN(plan->kb, x->k1 - x->k0);
            pack_b(x, j1);
            if (plan->as_used && !x->packed && !plan->in_place) set_next_panels(x, k, j, j1);
            for (int64_t t = x->t0; t < x->t1; t += plan->mc) {
                int64_t t1 = CT_MIN(t + plan->mc, x->t1);
                x->i0 = tile_begin(g, t);
                if (plan->pack_a) pack_a(x, t, t1);
                if (plan->pack_a) set_next(x, t1);
                for (int64_t p = j; p < j1;) p += run_panel(x, t, t1, p, j1);
                if (x->tail && x->finish && x->k0 + x->kc == x->k1) hand_on(x, t, t1, j, j1);
            }
        }
    }
}

/* ---- the run ---- */

typedef struct run {
    const ct_gemm *g;
    const float *a, *b, *bias;
    float *c, *work, *sums; /* work: B packed for all; then blocks of k beside C, then slots */
    const ct_tail *tail;
    slots room; /* of workspace */
} run;

static void run_task(run *r, int64_t id) {
    const ct_gemm *g = r->g;
    const ct_gemm_plan *p = &g->plan;
    int64_t grid = p->gm * p->gn, item = id / (grid * p->gk), at = id - item * grid * p->gk;
    int64_t part = p->gk > 1 ? at / grid : 0;
    at -= part * grid;
    int64_t im = p->columns_first ? at % p->gm : at / p->gn, in = p->columns_first ? at / p->gm : at % p->gn;
    int64_t k = part * p->kb;
    block x = {.g = g, .bias = r->bias, .c = r->c + item * g->step_c, .tail = r->tail, .ldc = g->ldc, .add = g->acc};
    x.a = r->a + item * g->step_a, x.b = r->b + item * g->step_b;
    x.finish = p->gk == 1, x.k1 = x.finish ? g->k : CT_MIN(k + p->kb, g->k);
    if (part) x.c = r->sums + (part - 1) * g->m * g->n, x.ldc = g->n, x.add = false;
    x.packed = g->packed ? x.b : p->shared ? r->work : NULL;
    x.t0 = p->tiles * im / p->gm, x.t1 = p->tiles * (im + 1) / p->gm;
    x.p0 = part_begin(p, in), x.p1 = part_begin(p, in + 1);
    int slot = p->slot ? slots_take(&r->room) : 0;
    x.work_b = p->slot ? r->sums + p->sums + slot * p->slot : NULL;
    x.work_a = x.packed ? x.work_b : p->slot ? x.work_b + p->nc * NR * p->kb : NULL;
    run_block(&x, k);
    if (p->slot) slots_give(&r->room, slot);
}

/* Rows of C, and the blocks of k beside it, in order. */
static void join_blocks(void *ctx, int64_t begin, int64_t end) {
    const run *r = ctx;
    const ct_gemm *g = r->g;
    for (int64_t i = begin; i < end; i++) {
        float *c = r->c + i * g->ldc;
        for (int64_t part = 1; part < g->plan.gk; part++) {
            const float *sum = r->sums + ((part - 1) * g->m + i) * g->n;
            for (int64_t j = 0; j < g->n; j++) c[j] += sum[j];
        }
        for (int64_t j = 0; r->bias && j < g->n; j++) c[j] += r->bias[j];
        for (int64_t j = 0; g->relu && j < g->n; j++) c[j] = c[j] <= 0 ? 0 : c[j];
        ct_tail_run(r->tail, c, g->n);
    }
}

static void run_tasks(void *ctx, int64_t begin, int64_t end) {
    for (int64_t id = begin; id < end; id++) run_task(ctx, id);
}

static void run_vectors(void *ctx, int64_t begin, int64_t end) {
    const run *r = ctx;
    const ct_gemm *g = r->g;
    const ct_gemm_plan *p = &g->plan;
    bool row = g->m == 1 && g->tb && (!g->ta || g->lda == 1);
    for (int64_t id = begin; id < end; id++) {
        int64_t item = id / p->gn, at = id % p->gn, rows = row ? g->n : g->m;
        const float *a = r->a + item * g->step_a, *b = r->b + item * g->step_b;
        gemm_vector v = {.k = g->k, .kb = p->kb, .acc = g->acc, .relu = g->relu, .bias = r->bias};
        v.x = row ? a : b, v.rows = row ? b : a, v.ld = row ? g->ldb : g->lda;
        v.c = r->c + item * g->step_c, v.step = row ? 1 : g->ldc, v.bias_step = row;
        int64_t first = p->panels * at / p->gn * VR, end = CT_MIN(p->panels * (at + 1) / p->gn * VR, rows);
        vector_rows(&v, first, end);
        for (int64_t i = first; r->tail && i < end; i += v.step == 1 ? end - first : 1)
            ct_tail_run(r->tail, v.c + i * v.step, v.step == 1 ? end - first : 1);
    }
}

static void pack_panels(const ct_gemm *g, const float *b, float *packed, int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; p++) pack_panel(g->tb, g->n, p, g->k, b, g->ldb, packed + p * NR * g->k);
}

static void pack_shared(void *ctx, int64_t begin, int64_t end) {
    const run *r = ctx;
    pack_panels(r->g, r->b, r->work, begin, end);
}

/* k is 0: the sums are 0. */
static void run_nothing(const ct_gemm *g, const float *bias, float *c, const ct_tail *tail) {
    for (int64_t r = 0; r < g->batch * g->m; r++) {
        float *row = c + r / g->m * g->step_c + r % g->m * g->ldc;
        for (int64_t j = 0; j < g->n; j++) {
            float x = (g->acc ? row[j] : 0) + (bias ? bias[j] : 0);
            row[j] = g->relu && x <= 0 ? 0 : x;
        }
        ct_tail_run(tail, row, g->n);
    }
}

void ct_gemm_run(const ct_gemm *g, const float *a, const float *b, const float *bias, float *c, void *work,
                 const ct_tail *tail) {
    const ct_gemm_plan *p = &g->plan;
    run r = {.g = g, .a = a, .b = b, .bias = bias, .c = c, .work = work, .tail = tail, .room.n = p->slots};
    if (g->m < 1 || g->n < 1 || g->batch < 1) return;
    if (g->k < 1) {
        run_nothing(g, bias, c, tail);
        return;
    }
    if (g->bf16) {
        ct_gemm_bf16_run(g, a, b, bias, c, work, tail);
        return;
    }
    if (work) r.sums = r.work + p->shared;
    if (p->shared) ct_parallel(p->panels, div_up_i64(p->panels, 4 * (int64_t)p->slots), pack_shared, &r);
    ct_parallel(g->batch * p->gm * p->gn * p->gk, p->grain, p->vector ? run_vectors : run_tasks, &r);
    if (p->gk > 1) ct_parallel(g->m, CT_MAX(16384 / g->n, 1), join_blocks, &r);
}

size_t ct_gemm_packed_size(const ct_gemm *g) {
    return g->bf16 ? ct_gemm_bf16_packed_size(g) : (size_t)(div_up_i64(g->n, VW) * VW * g->k) * sizeof(float);
}

void ct_gemm_pack(const ct_gemm *g, const float *b, float *packed) {
    if (g->bf16)
        ct_gemm_bf16_pack(g, b, packed);
    else
        pack_panels(g, b, packed, 0, div_up_i64(g->n, NR));
}
