/* Packing for products of bf16: squares of 16 rows of A, or columns of B, by 32 steps of k. A word of a square is two
   steps that follow each other, the first in its lower half; A's words go row by row, B's step by step. */
#ifndef CT_KERNELS_CPU_GEMM_BF16_PACK_H
#define CT_KERNELS_CPU_GEMM_BF16_PACK_H
#include "kernels/cpu/transpose.h"
#include <stdbool.h>
#include <string.h>

#define SIDE 16          /* rows of a square, and words of one */
#define STEPS (2 * SIDE) /* of k */
#define WORDS (SIDE * SIDE)

typedef uint32_t words __attribute__((vector_size(VW * 4)));

/* As bf16 in the upper half of each word, to nearest even; NaN stays NaN. */
CT_INLINE words round_bf16(vf x) {
    words bits = (words)x, even = bits >> 16 & 1, nan = (words)(x != x);
    return ((nan & (bits | 0x400000)) | (~nan & (bits + 0x7fff + even))) & 0xffff0000;
}

/* 2 VW numbers side by side, in as many halves of words. */
CT_INLINE words narrow_plain(vf low, vf high) {
    typedef uint16_t halves __attribute__((vector_size(VW * 2)));
    halves h[2] = {__builtin_convertvector(round_bf16(low) >> 16, halves),
                   __builtin_convertvector(round_bf16(high) >> 16, halves)};
    words w;
    memcpy(&w, h, sizeof w);
    return w;
}
/* Two steps of k, each VW rows, as words. */
CT_INLINE words pair_plain(vf first, vf second) { return round_bf16(first) >> 16 | round_bf16(second); }

#if VW == 16 && defined(__x86_64__)
/* The same by AVX-512's instruction, which takes denormals for 0 as all of bf16's do. */
CT_INLINE words narrow_hard(vf low, vf high) {
    words w;
    __asm__("vcvtne2ps2bf16 %1, %2, %0" : "=v"(w) : "v"(low), "v"(high));
    return w;
}
CT_INLINE words pair_hard(vf first, vf second) {
    typedef uint16_t halves __attribute__((vector_size(VW * 4)));
    halves h = (halves)narrow_hard(first, second);
    return (words)SHUFFLE(h, h, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23, 8, 24, 9, 25, 10, 26, 11, 27,
                          12, 28, 13, 29, 14, 30, 15, 31);
}
#else
#define narrow_hard narrow_plain
#define pair_hard pair_plain
#endif

/* The words of a square whose steps lie apart, each row's (or column's) next to the other's. */
CT_INLINE void words_by_step(const bool hard, const float *x, int64_t ld, uint32_t *d) {
    for (int q = 0; q < SIDE; q++, x += 2 * ld, d += SIDE)
        for (int i = 0; i < SIDE; i += VW) {
            vf first = vload(x + i), second = vload(x + ld + i);
            vstore((float *)d + i, (vf)(hard ? pair_hard(first, second) : pair_plain(first, second)));
        }
}

/* And of one whose steps lie side by side. */
CT_INLINE void words_by_row(const bool hard, const float *x, int64_t ld, uint32_t *d) {
    for (int i = 0; i < SIDE; i++, x += ld, d += SIDE)
        for (int q = 0; q < SIDE; q += VW) {
            vf low = vload(x + 2 * q), high = vload(x + 2 * q + VW);
            vstore((float *)d + q, (vf)(hard ? narrow_hard(low, high) : narrow_plain(low, high)));
        }
}

static void turn_words(const uint32_t *s, uint32_t *d) {
    for (int i = 0; i < SIDE; i += VW)
        for (int j = 0; j < SIDE; j += VW) {
            vf r[VW];
            CT_EACH(k, VW) { r[k] = vload((const float *)s + (i + k) * SIDE + j); }
            transpose(r);
            CT_EACH(k, VW) { vstore((float *)d + (j + k) * SIDE + i, r[k]); }
        }
}

/* A square of which there are `rows` and `steps`, zero beyond. by_step: how it lies; want_by_step: how it is to. */
static void pack_square(bool hard, bool by_step, bool want_by_step, const float *x, int64_t ld, int64_t rows,
                        int64_t steps, uint32_t *d) {
    float whole[SIDE * STEPS];
    uint32_t turned[WORDS], *to = by_step == want_by_step ? d : turned;
    if (rows < SIDE || steps < STEPS) {
        int64_t many = by_step ? steps : rows, n = by_step ? rows : steps, to_ld = by_step ? SIDE : STEPS;
        memset(whole, 0, sizeof whole);
        for (int64_t i = 0; i < many; i++) memcpy(whole + i * to_ld, x + i * ld, (size_t)n * sizeof *x);
        x = whole, ld = to_ld;
    }
    if (by_step)
        hard ? words_by_step(true, x, ld, to) : words_by_step(false, x, ld, to);
    else
        hard ? words_by_row(true, x, ld, to) : words_by_row(false, x, ld, to);
    if (to != d) turn_words(to, d);
}
#endif
