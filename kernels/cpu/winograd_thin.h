/* Products of sixteen channels with sixteen: too few steps of k for ct_gemm to be worth its setting up, and of constant
   strides, so that all of k is written out. The bits are ct_gemm's. */
#ifndef CT_KERNELS_CPU_WINOGRAD_THIN_H
#define CT_KERNELS_CPU_WINOGRAD_THIN_H
#include "kernels/cpu/gemm_pack.h"

#define THIN 16
#define THIN_VECTORS (NR < THIN ? 2 : THIN / VW) /* of a panel */
#define THIN_ROWS (VW == 16 ? 16 : MR)           /* at a time */

/* Rows of A times a panel. */
CT_INLINE void thin_rows(const float *a, const float *panel, float *c, const int rows) {
    vf acc[2 * MR];
    CT_EACH(i, rows * THIN_VECTORS) acc[i] = (vf){0};
    CT_EACH(k, THIN) {
        CT_EACH(i, rows) {
            vf s = vset(a[i * THIN + k]);
            CT_EACH(v, THIN_VECTORS) {
                vf *sum = &acc[i * THIN_VECTORS + v];
                *sum = vfma(s, vload(panel + (k * THIN_VECTORS + v) * VW), *sum);
            }
        }
        CT_EACH(i, rows * THIN_VECTORS) { PIN(acc[i]); }
    }
    CT_EACH(i, rows * THIN_VECTORS) vstore(c + i / THIN_VECTORS * THIN + i % THIN_VECTORS * VW, acc[i]);
}

/* `rows` at a time; the last ones are made again with those before them. */
CT_INLINE void thin_loop(int64_t n, const float *a, const float *packed, float *c, const int rows) {
    for (int64_t p = 0; p < THIN; p += THIN_VECTORS * VW, packed += THIN * THIN_VECTORS * VW, c += THIN_VECTORS * VW)
        for (int64_t i = 0; i < n; i += rows) {
            int64_t at = CT_MIN(i, n - rows) * THIN;
            thin_rows(a + at, packed, c + at, rows);
        }
}

#define LOOP(name, rows)                                                                                   \
    static __attribute__((noinline)) void name(int64_t n, const float *a, const float *packed, float *c) { \
        thin_loop(n, a, packed, c, rows);                                                                  \
    }
LOOP(thin_many, THIN_ROWS)
LOOP(thin_some, 4)
LOOP(thin_each, 1)

/* C (n, 16) = A (n, 16) B (16, 16), packed. */
static void thin_product(int64_t n, const float *a, const float *packed, float *c) {
    (n >= THIN_ROWS ? thin_many : n >= 4 ? thin_some : thin_each)(n, a, packed, c);
}

/* sum (rows, 16) += A' B of n rows each, by `rows` of A's columns. */
CT_INLINE void thin_columns(int64_t n, const float *a, const float *b, float *sum, const int rows) {
    vf acc[2 * MR];
    CT_EACH(i, rows * THIN_VECTORS) acc[i] = (vf){0};
#pragma GCC unroll 2
    for (int64_t k = 0; k < n; k++, a += THIN, b += THIN) {
        CT_EACH(i, rows * THIN_VECTORS) {
            acc[i] = vfma(vset(a[i / THIN_VECTORS]), vload(b + i % THIN_VECTORS * VW), acc[i]);
        }
        CT_EACH(i, rows * THIN_VECTORS) { PIN(acc[i]); }
    }
    CT_EACH(i, rows * THIN_VECTORS) {
        float *to = sum + i / THIN_VECTORS * THIN + i % THIN_VECTORS * VW;
        vstore(to, vload(to) + acc[i]);
    }
}

/* sum (16, 16) += A' B, of n rows of sixteen each. */
static __attribute__((noinline)) void thin_sums(int64_t n, const float *a, const float *b, float *sum) {
    enum { SOME = THIN_VECTORS == 1 ? THIN : MR, LAST = (THIN - 1) % SOME + 1 };
    for (int64_t p = 0; p < THIN; p += THIN_VECTORS * VW) {
        for (int64_t i = 0; i < THIN - LAST; i += SOME) thin_columns(n, a + i, b + p, sum + i * THIN + p, SOME);
        thin_columns(n, a + THIN - LAST, b + p, sum + (THIN - LAST) * THIN + p, LAST);
    }
}
#endif
