#include "kernels/cpu/gemm_bf16.h"
#include "base/error.h"
#include "base/parallel.h"
#include "kernels/backend.h"
#include "kernels/cpu/gemm_bf16_tile.h"
#include "kernels/cpu/layout.h"

#define TASKS_A_THREAD 4
#define GROUP 4 /* strips of 16 rows packed by a task */

/* Of the plan: `tiles` and `panels` are A's and B's squares side by side, `kb` those along k, `gm` pairs of tiles, and
   `shared` the floats of A packed. */
size_t ct_gemm_bf16_prepare(ct_gemm *g) {
    int64_t threads = g->threads ? g->threads : ct_threads();
    ct_gemm_plan *p = &g->plan;
    *p = (ct_gemm_plan){
        .kb = div_up_i64(g->k, STEPS), .tiles = div_up_i64(g->m, SIDE), .panels = div_up_i64(g->n, SIDE)};
    p->gm = div_up_i64(p->tiles, 2);
    p->gn = CT_MIN(div_up_i64(p->panels, 2), div_up_i64(TASKS_A_THREAD * threads, p->gm * g->batch));
    p->shared = g->batch * p->tiles * p->kb * WORDS;
    int64_t b = g->packed ? 0 : (g->step_b ? g->batch : 1) * p->panels * p->kb * WORDS;
    return (size_t)(p->shared + b) * sizeof(float);
}

size_t ct_gemm_bf16_packed_size(const ct_gemm *g) {
    return (size_t)(div_up_i64(g->n, SIDE) * div_up_i64(g->k, STEPS) * WORDS) * sizeof(uint32_t);
}

static ct_bf16_way way_of(void) { return VW == 16 ? ct_cpu_bf16() : CT_BF16_PLAIN; }

typedef struct bf16_run {
    const ct_gemm *g;
    const float *a, *b, *bias;
    float *c;
    uint32_t *packed_a;
    const uint32_t *packed_b;
    uint32_t *packing_b; /* where B is packed to */
    int64_t step_b;      /* words of packed B from an item to the next */
    const ct_tail *tail;
    ct_bf16_way way;
} bf16_run;

/* ---- packing ---- */

/* One operand of one item of the batch, to be packed. */
typedef struct packing {
    bool hard, by_step, want_by_step; /* hard: by instructions for it; by_step: as it lies */
    const float *x;
    int64_t ld, rows, k;
    uint32_t *d;
} packing;

/* Strips [begin, end) of SIDE rows; where steps lie apart, all at once, so that what is read is in longer runs. */
static void pack_strips_of(const packing *p, int64_t begin, int64_t end) {
    int64_t blocks = div_up_i64(p->k, STEPS), across = p->by_step ? end - begin : 1;
    for (int64_t first = begin; first < end; first += across)
        for (int64_t k = 0; k < blocks; k++)
            for (int64_t at = first; at < first + across; at++) {
                int64_t row = at * SIDE, step = k * STEPS;
                pack_square(p->hard, p->by_step, p->want_by_step,
                            p->x + (p->by_step ? step * p->ld + row : row * p->ld + step), p->ld,
                            CT_MIN(p->rows - row, SIDE), CT_MIN(p->k - step, STEPS), p->d + (at * blocks + k) * WORDS);
            }
}

static packing packing_b(ct_bf16_way way, const ct_gemm *g, const float *b, uint32_t *d) {
    return (packing){way != CT_BF16_PLAIN, !g->tb, true, b, g->ldb, g->n, g->k, d};
}

/* Groups of strips of all of A, then of B. */
static void pack_groups(void *ctx, int64_t begin, int64_t end) {
    const bf16_run *r = ctx;
    const ct_gemm *g = r->g;
    const ct_gemm_plan *p = &g->plan;
    int64_t strip = p->kb * WORDS, groups_a = div_up_i64(p->tiles, GROUP), groups_b = div_up_i64(p->panels, GROUP);
    for (int64_t i = begin; i < end; i++) {
        bool is_a = i < g->batch * groups_a;
        int64_t j = is_a ? i : i - g->batch * groups_a, groups = is_a ? groups_a : groups_b, item = j / groups;
        int64_t first = j % groups * GROUP, strips = is_a ? p->tiles : p->panels;
        packing of = is_a ? (packing){r->way != CT_BF16_PLAIN,
                                      g->ta,
                                      false,
                                      r->a + item * g->step_a,
                                      g->lda,
                                      g->m,
                                      g->k,
                                      r->packed_a + item * strips * strip}
                          : packing_b(r->way, g, r->b + item * g->step_b, r->packing_b + item * strips * strip);
        pack_strips_of(&of, first, CT_MIN(first + GROUP, strips));
    }
}

void ct_gemm_bf16_pack(const ct_gemm *g, const float *b, float *packed) {
    packing of = packing_b(way_of(), g, b, (uint32_t *)packed);
    int64_t strips = div_up_i64(g->n, SIDE);
    for (int64_t first = 0; first < strips; first += GROUP) pack_strips_of(&of, first, CT_MIN(first + GROUP, strips));
}

/* ---- the product ---- */

/* What happens to rows x columns finished sums on their way to C. */
static void store_sums(const ct_gemm *g, const float *sum, const float *bias, float *c, int64_t rows, int64_t columns) {
    for (; rows; rows--, sum += SUMS, c += g->ldc)
        for (int64_t j = 0; j < columns; j++) {
            float x = g->acc ? c[j] + sum[j] : sum[j];
            if (bias) x += bias[j];
            c[j] = g->relu && x <= 0 ? 0 : x;
        }
}

static void (*const tile_by[])(const bf16_tile *t, float *sum) = {
    [CT_BF16_PLAIN] = tile_plain, [CT_BF16_DOT] = tile_dot, [CT_BF16_AMX] = tile_amx};
static const int64_t cost_by[] = {[CT_BF16_PLAIN] = 16, [CT_BF16_DOT] = 4, [CT_BF16_AMX] = 1};

/* Two tiles of rows, panels [p0, p1). */
static void run_strip(const bf16_run *r, int64_t item, int64_t at, int64_t p0, int64_t p1) {
    const ct_gemm *g = r->g;
    const ct_gemm_plan *p = &g->plan;
    int64_t strip = p->kb * WORDS, i = at * 2 * SIDE, rows = CT_MIN(g->m - i, 2 * SIDE);
    float *c = r->c + item * g->step_c + i * g->ldc, sum[2 * SIDE * SUMS];
    bf16_tile t = {.a = r->packed_a + (item * p->tiles + at * 2) * strip, .blocks = p->kb, .two_a = rows > SIDE};
    for (int64_t q = p0; q < p1; q += 2) {
        int64_t j = q * SIDE, columns = CT_MIN(CT_MIN(g->n, p1 * SIDE) - j, 2 * SIDE);
        t.b = r->packed_b + item * r->step_b + q * strip, t.two_b = columns > SIDE;
        tile_by[r->way](&t, sum);
        store_sums(g, sum, r->bias ? r->bias + j : NULL, c + j, rows, columns);
    }
    int64_t first = p0 * SIDE, n = CT_MIN(p1 * SIDE, g->n) - first;
    for (int64_t k = 0; r->tail && k < rows; k++) ct_tail_run(r->tail, c + k * g->ldc + first, n);
}

static void run_strips(void *ctx, int64_t begin, int64_t end) {
    const bf16_run *r = ctx;
    const ct_gemm_plan *p = &r->g->plan;
    int64_t pairs = div_up_i64(p->panels, 2);
    if (r->way == CT_BF16_AMX) amx_begin();
    for (int64_t id = begin; id < end; id++) {
        int64_t at = id % p->gn, strip = id / p->gn;
        int64_t p0 = pairs * at / p->gn * 2, p1 = CT_MIN(pairs * (at + 1) / p->gn * 2, p->panels);
        run_strip(r, strip / p->gm, strip % p->gm, p0, p1);
    }
    if (r->way == CT_BF16_AMX) amx_end();
}

void ct_gemm_bf16_run(const ct_gemm *g, const float *a, const float *b, const float *bias, float *c, void *work,
                      const ct_tail *tail) {
    const ct_gemm_plan *p = &g->plan;
    bf16_run r = {.g = g, .a = a, .b = b, .bias = bias, .c = c, .packed_a = work, .tail = tail};
    int64_t groups = g->batch * div_up_i64(p->tiles, GROUP), strip = p->kb * WORDS;
    r.way = way_of();
    if (g->packed) {
        r.packed_b = (const uint32_t *)b, r.step_b = g->step_b;
    } else {
        groups += (g->step_b ? g->batch : 1) * div_up_i64(p->panels, GROUP);
        r.packed_b = r.packing_b = r.packed_a + p->shared, r.step_b = g->step_b ? p->panels * strip : 0;
    }
    ct_parallel(groups, grain_of(2 * GROUP * strip), pack_groups, &r);
    ct_parallel(g->batch * p->gm * p->gn, grain_of(div_up_i64(p->panels, p->gn) * cost_by[r.way] * strip / 8),
                run_strips, &r);
}
