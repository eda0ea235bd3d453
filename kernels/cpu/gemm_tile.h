/* The product's innermost loops: a tile of C held in registers, a function for each number of rows and of vectors. */
#ifndef CT_KERNELS_CPU_GEMM_TILE_H
#define CT_KERNELS_CPU_GEMM_TILE_H
#include "kernels/cpu/gemm_loop.h"
#include "kernels/cpu/gemm_pack.h"

/* Of k, from the fetch of a row of C to the next row's: all at once they would hold up what A and B bring from the
   second-level cache. 0, where tiles have few rows: all at once. */
#define FETCH_STEPS (VW == 16 ? 8 : 0)

/* Rows in memory that are needed next; those fetched are taken off. */
typedef struct gemm_rows {
    const float *p;
    int64_t n, width, ld;
} gemm_rows;

typedef struct gemm_tile {
    int64_t k;
    const float *a, *b, *bias; /* bias: of the tile's first column, or NULL */
    float *c;
    int64_t as;     /* A: from a row to the next; k-major: from a step of k to the next */
    int64_t bs, bp; /* B: from a step of k to the next, from a panel to the next */
    int64_t ldc;
    bool add, relu;
    gemm_rows *next; /* fetched meanwhile, or NULL */
} gemm_tile;

/* What happens to mr x w finished sums on their way to C. */
CT_INLINE void tile_store(const gemm_tile *t, vf *acc, const int mr, const int w) {
    float *c = t->c;
    int64_t ldc = t->ldc;
    if (t->add) {
        CT_EACH(i, mr * w) { acc[i] = vload(c + i / w * ldc + i % w * VW) + acc[i]; }
    }
    if (t->bias) {
        CT_EACH(i, mr * w) { acc[i] += vload(t->bias + i % w * VW); }
    }
    if (t->relu) {
        CT_EACH(i, mr * w) { acc[i] = vrelu(acc[i]); }
    }
    CT_EACH(i, mr * w) { vstore(c + i / w * ldc + i % w * VW, acc[i]); }
}

/* A row of C's w vectors, which will be written. */
CT_INLINE void fetch_row(const float *c, const int w) {
    CT_EACH(i, (w * VW + 15) / 16) { __builtin_prefetch(c + i * 16, 1); }
    __builtin_prefetch(c + w * VW - 1, 1);
}

CT_INLINE void fetch_next(gemm_rows *r) {
    if (!r->n) return;
    fetch_floats(r->p, r->p + r->width);
    r->p += r->ld, r->n--;
}

/* The sums of mr rows of A times np panels of nv vectors. A's rows are reached from every third, so that few pointers
   do. */
CT_INLINE void tile_sums(const gemm_tile *t, vf *acc, const int mr, const int nv, const int np, const bool kmajor) {
    const int w = nv * np, thirds = (mr + 2) / 3;
    const int64_t as = t->as, row = kmajor ? 1 : as, step = kmajor ? as : 1;
    const float *b = t->b, *a[(MR + 2) / 3];
    gemm_rows *next = t->next;
    CT_EACH(i, mr * w) { acc[i] = (vf){0}; }
    CT_EACH(i, thirds) { a[i] = t->a + 3 * i * row; }
#pragma GCC unroll 1
    for (int64_t left = t->k, n, i = 0; left > 0; left -= n, i++) {
        n = left;
        if (FETCH_STEPS && (i < mr || next)) {
            if (i < mr)
                fetch_row(t->c + i * t->ldc, w);
            else
                fetch_next(next);
            n = CT_MIN(left, FETCH_STEPS);
        }
#pragma GCC unroll 1
        for (int64_t k = n; k > 0; k--, b += t->bs) {
            CT_EACH(i, mr) {
                vf s = vset(a[i / 3][i % 3 * row]);
                CT_EACH(v, w) { acc[i * w + v] = vfma(s, vload(b + v / nv * t->bp + v % nv * VW), acc[i * w + v]); }
            }
            CT_EACH(i, mr * w) { PIN(acc[i]); }
            CT_EACH(i, thirds) { a[i] += step; }
        }
    }
}

/* What makes the sums of one panel of two vectors in place of tile_sums; it fetches nothing meanwhile. */
typedef void loop_fn(int64_t k, const float *a, int64_t as, const float *b, int64_t bs, vf *sums);

/* loop: NULL, or what makes the sums. */
CT_INLINE void tile_run(const gemm_tile *t, const int mr, const int nv, const int np, const bool kmajor,
                        loop_fn *const loop) {
    vf acc[2 * MR];
    if (!FETCH_STEPS) {
        CT_EACH(i, mr) { fetch_row(t->c + i * t->ldc, nv * np); }
    }
    if (loop)
        loop(t->k, t->a, t->as, t->b, t->bs, acc);
    else
        tile_sums(t, acc, mr, nv, np, kmajor);
    tile_store(t, acc, mr, nv * np);
}

typedef void (*tile_fn)(const gemm_tile *t);
typedef void (*pack_tile_fn)(int64_t k, const float *a, int64_t lda, float *d);

#define TILE(mr, nv, np, kmajor, loop)                                                             \
    static __attribute__((noinline)) void tile_##mr##_##nv##_##np##_##kmajor(const gemm_tile *t) { \
        tile_run(t, mr, nv, np, kmajor, loop);                                                     \
    }
#define TILES(mr)                     \
    TILE(mr, 1, 1, 0, NULL)           \
    TILE(mr, 2, 1, 0, LOOP_OF(mr, 0)) \
    TILE(mr, 1, 1, 1, NULL)           \
    TILE(mr, 2, 1, 1, LOOP_OF(mr, 1)) \
    static void pack_tile_##mr(int64_t k, const float *a, int64_t lda, float *d) { pack_tile(mr, k, a, lda, d); }
EACH_MR(TILES)
#define WIDE(mr, np) TILE(mr, 2, np, 0, NULL) TILE(mr, 2, np, 1, NULL)
EACH_WIDE(WIDE)

/* By rows - 1: tiles by [k-major][vectors - 1]. */
#define ROW(mr) {{{tile_##mr##_1_1_0, tile_##mr##_2_1_0}, {tile_##mr##_1_1_1, tile_##mr##_2_1_1}}, pack_tile_##mr},
static const struct {
    tile_fn run[2][2];
    pack_tile_fn pack;
} tiles[MR] = {EACH_MR(ROW)};

/* Few rows leave registers for more panels at once; by rows - 1. */
#define WIDE_ROW(mr, np) {{tile_##mr##_2_##np##_0, tile_##mr##_2_##np##_1}, np},
static const struct {
    tile_fn run[2];
    int panels;
} wide_tiles[WIDE_MR] = {EACH_WIDE(WIDE_ROW)};
#endif
