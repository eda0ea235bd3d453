/* A square of words, as many as a vector has, turned over in registers. */
#ifndef CT_KERNELS_CPU_TRANSPOSE_H
#define CT_KERNELS_CPU_TRANSPOSE_H
#include "kernels/cpu/simd.h"

/* Words and pairs of words of two rows, interleaved within each four; then fours (a stage for each doubling of VW). */
#if VW == 16
#define WORDS_LO(a, b) SHUFFLE(a, b, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29)
#define WORDS_HI(a, b) SHUFFLE(a, b, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31)
#define PAIRS_LO(a, b) SHUFFLE(a, b, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29)
#define PAIRS_HI(a, b) SHUFFLE(a, b, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31)
#define FOURS_LO(a, b) SHUFFLE(a, b, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27)
#define FOURS_HI(a, b) SHUFFLE(a, b, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31)
#elif VW == 8
#define WORDS_LO(a, b) SHUFFLE(a, b, 0, 8, 1, 9, 4, 12, 5, 13)
#define WORDS_HI(a, b) SHUFFLE(a, b, 2, 10, 3, 11, 6, 14, 7, 15)
#define PAIRS_LO(a, b) SHUFFLE(a, b, 0, 1, 8, 9, 4, 5, 12, 13)
#define PAIRS_HI(a, b) SHUFFLE(a, b, 2, 3, 10, 11, 6, 7, 14, 15)
#define FOURS_LO(a, b) SHUFFLE(a, b, 0, 1, 2, 3, 8, 9, 10, 11)
#define FOURS_HI(a, b) SHUFFLE(a, b, 4, 5, 6, 7, 12, 13, 14, 15)
#else
#define WORDS_LO(a, b) SHUFFLE(a, b, 0, 4, 1, 5)
#define WORDS_HI(a, b) SHUFFLE(a, b, 2, 6, 3, 7)
#define PAIRS_LO(a, b) SHUFFLE(a, b, 0, 1, 4, 5)
#define PAIRS_HI(a, b) SHUFFLE(a, b, 2, 3, 6, 7)
#endif

/* r[i][j] becomes r[j][i]. */
CT_INLINE void transpose(vf r[VW]) {
    vf s[VW];
    CT_EACH(q, VW / 4) { /* 4 x 4 in each four of a register */
        vf *x = r + 4 * q, *y = s + 4 * q;
        vf a = WORDS_LO(x[0], x[1]), b = WORDS_LO(x[2], x[3]), c = WORDS_HI(x[0], x[1]), d = WORDS_HI(x[2], x[3]);
        y[0] = PAIRS_LO(a, b), y[1] = PAIRS_HI(a, b), y[2] = PAIRS_LO(c, d), y[3] = PAIRS_HI(c, d);
    }
    CT_EACH(i, 4) { /* fours */
#if VW == 4
        r[i] = s[i];
#elif VW == 8
        r[i] = FOURS_LO(s[i], s[i + 4]), r[i + 4] = FOURS_HI(s[i], s[i + 4]);
#else
        vf a = FOURS_LO(s[i], s[i + 4]), b = FOURS_LO(s[i + 8], s[i + 12]);
        vf c = FOURS_HI(s[i], s[i + 4]), d = FOURS_HI(s[i + 8], s[i + 12]);
        r[i] = FOURS_LO(a, b), r[i + 8] = FOURS_HI(a, b), r[i + 4] = FOURS_LO(c, d), r[i + 12] = FOURS_HI(c, d);
#endif
    }
}
#endif
