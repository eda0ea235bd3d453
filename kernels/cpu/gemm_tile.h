/* The product's innermost loops: a tile of C held in registers, a function for each number of rows and of vectors. */
#ifndef CT_KERNELS_CPU_GEMM_TILE_H
#define CT_KERNELS_CPU_GEMM_TILE_H
#include "kernels/cpu/gemm_pack.h"

#if VW == 16
#define MR 12
#else
#define MR 6
#endif

typedef struct gemm_tile {
    int64_t k;
    const float *a, *b, *bias; /* bias: of the tile's first column, or NULL */
    float *c;
    int64_t as;     /* A: from a row to the next; k-major: from a step of k to the next */
    int64_t bs, bp; /* B: from a step of k to the next, from a panel to the next */
    int64_t ldc;
    bool add, relu;
} gemm_tile;

/* gcc, left alone, shuffles accumulators between registers from one turn to the next: each is pinned where it is. */
#if defined(__clang__)
#define PIN(x) (void)0
#elif VW == 16
#define PIN(x) __asm__("" : "+v"(x))
#elif VW == 8
#define PIN(x) __asm__("" : "+x"(x))
#else
#define PIN(x) (void)0
#endif

/* What happens to mr x w finished sums on their way to C. */
CT_INLINE void tile_store(const gemm_tile *t, vf *acc, const int mr, const int w) {
    float *c = t->c;
    int64_t ldc = t->ldc;
    if (t->add) CT_UNROLL(14) for (int i = 0; i < mr; i++)
        CT_UNROLL(8) for (int v = 0; v < w; v++) acc[i * w + v] = vload(c + i * ldc + v * VW) + acc[i * w + v];
    if (t->bias) CT_UNROLL(8) for (int v = 0; v < w; v++) {
        vf bias = vload(t->bias + v * VW);
        CT_UNROLL(14) for (int i = 0; i < mr; i++) acc[i * w + v] += bias;
    }
    if (t->relu) CT_UNROLL(28) for (int i = 0; i < mr * w; i++) acc[i] = vrelu(acc[i]);
    CT_UNROLL(14) for (int i = 0; i < mr; i++)
        CT_UNROLL(8) for (int v = 0; v < w; v++) vstore(c + i * ldc + v * VW, acc[i * w + v]);
}

/* mr rows of A times np panels of nv vectors. A's rows are reached from every third, so that few pointers do. */
CT_INLINE void tile_run(const gemm_tile *t, const int mr, const int nv, const int np, const bool kmajor) {
    const int w = nv * np;
    const int64_t as = t->as, bs = t->bs, bp = t->bp;
    const float *b = t->b, *a[(MR + 2) / 3];
    vf acc[2 * MR];
    CT_UNROLL(28) for (int i = 0; i < mr * w; i++) acc[i] = (vf){0};
    CT_UNROLL(14) for (int i = 0; i < mr; i += 3) a[i / 3] = t->a + (kmajor ? i : i * as);
    CT_UNROLL(14) for (int i = 0; i < mr; i++) {
        __builtin_prefetch(t->c + i * t->ldc, 1);
        __builtin_prefetch(t->c + i * t->ldc + w * VW - 1, 1);
    }
#pragma GCC unroll 1
    for (int64_t k = t->k; k > 0; k--) {
        vf x[8];
        CT_UNROLL(4) for (int p = 0; p < np; p++)
            CT_UNROLL(2) for (int v = 0; v < nv; v++) x[p * nv + v] = vload(b + p * bp + v * VW);
        CT_UNROLL(14) for (int i = 0; i < mr; i++) {
            vf s = vset(a[i / 3][i % 3 * (kmajor ? 1 : as)]);
            CT_UNROLL(8) for (int v = 0; v < w; v++) acc[i * w + v] = vfma(s, x[v], acc[i * w + v]);
        }
        CT_UNROLL(28) for (int i = 0; i < mr * w; i++) PIN(acc[i]);
        CT_UNROLL(14) for (int i = 0; i < mr; i += 3) a[i / 3] += kmajor ? as : 1;
        b += bs;
    }
    tile_store(t, acc, mr, w);
}

typedef void (*tile_fn)(const gemm_tile *t);
typedef void (*pack_tile_fn)(int64_t k, const float *a, int64_t lda, float *d);

#define TILE(mr, nv, np, kmajor)                                                                                       \
    static __attribute__((noinline)) void tile_##mr##_##nv##_##np##_##kmajor(const gemm_tile *t) {                     \
        tile_run(t, mr, nv, np, kmajor);                                                                               \
    }
#define TILES(mr)                                                                                                      \
    TILE(mr, 1, 1, 0)                                                                                                  \
    TILE(mr, 2, 1, 0)                                                                                                  \
    TILE(mr, 1, 1, 1)                                                                                                  \
    TILE(mr, 2, 1, 1)                                                                                                  \
    static void pack_tile_##mr(int64_t k, const float *a, int64_t lda, float *d) { pack_tile(mr, k, a, lda, d); }
#if VW == 16
#define EACH_MR(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12)
#else
#define EACH_MR(X) X(1) X(2) X(3) X(4) X(5) X(6)
#endif
EACH_MR(TILES)
TILE(1, 2, 4, 0) TILE(1, 2, 4, 1) TILE(2, 2, 2, 0) TILE(2, 2, 2, 1) TILE(3, 2, 2, 0) TILE(3, 2, 2, 1)

/* By rows - 1: tiles by [k-major][vectors - 1]. */
#define ROW(mr) {{{tile_##mr##_1_1_0, tile_##mr##_2_1_0}, {tile_##mr##_1_1_1, tile_##mr##_2_1_1}}, pack_tile_##mr},
static const struct {
    tile_fn run[2][2];
    pack_tile_fn pack;
} tiles[MR] = {EACH_MR(ROW)};

/* Few rows leave registers for more panels at once. */
static const struct {
    tile_fn run[2];
    int panels;
} wide_tiles[3] = {
    {{tile_1_2_4_0, tile_1_2_4_1}, 4}, {{tile_2_2_2_0, tile_2_2_2_1}, 2}, {{tile_3_2_2_0, tile_3_2_2_1}, 2}};
#endif
