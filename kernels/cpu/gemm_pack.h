/* Packing for the product, and the sizes of its tiles: panels of B and tiles of A, k by k; by transposes in registers
   where rows become columns. */
#ifndef CT_KERNELS_CPU_GEMM_PACK_H
#define CT_KERNELS_CPU_GEMM_PACK_H
#include "kernels/cpu/gemm.h"
#include "kernels/cpu/transpose.h"
#include <string.h>

#define NR (2 * VW) /* columns of a panel; the last may be VW wide */
#if VW == 16
#define MR 14 /* rows of a tile: with two vectors a row, 28 of 32 registers; 12 of 16 else */
#define EACH_MR(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14)
/* Tiles of several panels, by rows and panels, and their most rows. A product's tiles differ by one row and must take
   as many panels (two tiles have three rows at least). Six rows make 24 multiply-adds for 10 loads. Fourteen of one
   panel make 28 for 16, too many where a core loads a vector a cycle and multiplies two (measured: Ice Lake). */
#define EACH_WIDE(X) X(1, 4) X(2, 2) X(3, 2) X(4, 2) X(5, 2) X(6, 2)
#define WIDE_MR 6
#else
#define MR 6
#define EACH_MR(X) X(1) X(2) X(3) X(4) X(5) X(6)
#define EACH_WIDE(X) X(1, 4) X(2, 2) X(3, 2)
#define WIDE_MR 3
#endif

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

CT_INLINE void load_rows(int64_t n, const float *b, int64_t ldb, vf r[VW]) { /* zero beyond n */
    if (n >= VW) {
        CT_EACH(j, VW) { r[j] = vload(b + j * ldb); }
    } else {
        CT_EACH(j, VW) { r[j] = j < n ? vload(b + j * ldb) : (vf){0}; }
    }
}

/* Columns of B stored as rows: d[q * w + j] = b[j * ldb + q], j < n, zero up to VW. The last vectors of the rows
   overlap those before. */
static void pack_transposed(int64_t n, int64_t w, int64_t k, const float *b, int64_t ldb, float *d) {
    for (int64_t q = 0; q < k && k >= VW; q += VW) {
        vf r[VW];
        if (q + VW > k) q = k - VW;
        load_rows(n, b + q, ldb, r);
        transpose(r);
        CT_EACH(j, VW) { vstore(d + (q + j) * w, r[j]); }
    }
    if (k < VW) {
        vf r[VW];
        CT_EACH(j, VW) { r[j] = j < n ? vload_some(b + j * ldb, k) : (vf){0}; }
        transpose(r);
        CT_EACH(j, VW) {
            if (j < k) vstore(d + j * w, r[j]);
        }
    }
}

static void pack_rows(int64_t n, int64_t w, int64_t k, const float *b, int64_t ldb, float *d) {
    if (n == NR)
        for (; k > 0; k--, b += ldb, d += NR) vstore(d, vload(b)), vstore(d + VW, vload(b + VW));
    for (; k > 0; k--, b += ldb, d += w)
        for (int64_t j = 0; j < w; j++) d[j] = j < n ? b[j] : 0;
}

/* The width of panel p of n columns, and how many of them it has. */
CT_INLINE int64_t panel_columns(int64_t n, int64_t p) { return n - p * NR < NR ? n - p * NR : NR; }
CT_INLINE int64_t panel_width(int64_t n, int64_t p) { return panel_columns(n, p) > VW ? NR : VW; }

/* Panel p, k steps of it: `b` points at B's element (first k, column 0). */
static void pack_panel(bool tb, int64_t n, int64_t p, int64_t k, const float *b, int64_t ldb, float *d) {
    int64_t cols = panel_columns(n, p), w = panel_width(n, p);
    if (!tb) {
        pack_rows(cols, w, k, b + p * NR, ldb, d);
        return;
    }
    b += p * NR * ldb;
    for (int64_t j = 0; j < w; j += VW) pack_transposed(cols - j < VW ? cols - j : VW, w, k, b + j * ldb, ldb, d + j);
}

/* mr columns of A stored as rows: d[q * mr + i] = a[q * lda + i]. */
CT_INLINE void pack_tile(const int mr, int64_t k, const float *a, int64_t lda, float *d) {
    for (; k > 0; k--, a += lda, d += mr) memcpy(d, a, (size_t)mr * sizeof *d);
}
#endif
