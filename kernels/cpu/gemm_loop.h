/* The product's loop over k with AVX2, in assembly: for six rows 86 instructions make 48 multiply-adds, where gcc's
   make 41 (12 in 25; unrolled, it moves sums between registers). Measured: a tenth faster on a core whose other thread
   works for someone else, so that it issues half as much; 2% alone. Names of its text start with L_. */
#ifndef CT_KERNELS_CPU_GEMM_LOOP_H
#define CT_KERNELS_CPU_GEMM_LOOP_H
#include "kernels/cpu/simd.h"
#if VW == 8 && defined(__FMA__) && defined(__x86_64__)

/* Where row i of A is (k-major: step i), and step u of B; how many bytes i floats are. */
#define L_A0 "%[a0]"
#define L_A1 "%[a0], %[as]"
#define L_A2 "%[a0], %[as], 2"
#define L_A3 "%[a3]"
#define L_A4 "%[a3], %[as]"
#define L_A5 "%[a3], %[as], 2"
#define L_B0 "%[b0]"
#define L_B1 "%[b0], %[bs]"
#define L_B2 "%[b0], %[bs], 2"
#define L_B3 "%[b3]"
#define L_BYTES0 "0"
#define L_BYTES1 "4"
#define L_BYTES2 "8"
#define L_BYTES3 "12"
#define L_BYTES4 "16"
#define L_BYTES5 "20"
/* Element (row i, step u) of A. */
#define L_BY_ROW(i, u) L_BYTES##u "(" L_A##i ")"
#define L_BY_STEP(i, u) L_BYTES##i "(" L_A##u ")"

/* A row of the tile, through register s: sums c and d of step u. */
#define L_ROW(at, s, c, d)                            \
    "vbroadcastss " at ", %%ymm" #s "\n\t"            \
    "vfmadd231ps %%ymm12, %%ymm" #s ", %[" #c "]\n\t" \
    "vfmadd231ps %%ymm13, %%ymm" #s ", %[" #d "]\n\t"
#define L_ROWS1(at, u) L_ROW(at(0, u), 14, c0, c1)
#define L_ROWS2(at, u) L_ROWS1(at, u) L_ROW(at(1, u), 15, c2, c3)
#define L_ROWS3(at, u) L_ROWS2(at, u) L_ROW(at(2, u), 14, c4, c5)
#define L_ROWS4(at, u) L_ROWS3(at, u) L_ROW(at(3, u), 15, c6, c7)
#define L_ROWS5(at, u) L_ROWS4(at, u) L_ROW(at(4, u), 14, c8, c9)
#define L_ROWS6(at, u) L_ROWS5(at, u) L_ROW(at(5, u), 15, c10, c11)
#define L_LOAD(at, n) "vmovups " at ", %%ymm" #n "\n\t"
#define L_STEP(rows, at, u) L_LOAD("(" L_B##u ")", 12) L_LOAD("32(" L_B##u ")", 13) rows(at, u)

/* To the next four steps, or the next one: by rows, by steps, of B. */
#define L_ADD(n, p) "add " n ", %[" #p "]\n\t"
#define L_ADD_4(s, p) "lea (%[" #p "], %[" #s "], 4), %[" #p "]\n\t"
#define L_BY_ROW_4 L_ADD("$16", a0) L_ADD("$16", a3)
#define L_BY_ROW_1 L_ADD("$4", a0) L_ADD("$4", a3)
#define L_BY_STEP_4 L_ADD_4(as, a0) L_ADD_4(as, a3)
#define L_BY_STEP_1 L_ADD("%[as]", a0)
#define L_FOUR(rows, by) \
    L_STEP(rows, by, 0)  \
    L_STEP(rows, by, 1) L_STEP(rows, by, 2) L_STEP(rows, by, 3) by##_4 L_ADD_4(bs, b0) L_ADD_4(bs, b3)
#define L_ONE(rows, by) L_STEP(rows, by, 0) by##_1 L_ADD("%[bs]", b0)

/* Four steps at a time, then one. */
#define L_BEGIN "sub $4, %[k]\n\t jl 2f\n 1:\n\t"
#define L_THEN "sub $4, %[k]\n\t jge 1b\n 2:\n\t add $4, %[k]\n\t jz 4f\n 3:\n\t"
#define L_END "dec %[k]\n\t jnz 3b\n 4:\n\t"
#define L_LOOP(rows, by)     \
    L_BEGIN L_FOUR(rows, by) \
    L_THEN L_ONE(rows, by) L_END
#define L_ZERO(c) "vxorps %[" #c "], %[" #c "], %[" #c "]\n\t"
#define L_ZEROS \
    L_ZERO(c0)  \
    L_ZERO(c1)  \
    L_ZERO(c2) L_ZERO(c3) L_ZERO(c4) L_ZERO(c5) L_ZERO(c6) L_ZERO(c7) L_ZERO(c8) L_ZERO(c9) L_ZERO(c10) L_ZERO(c11)
#define L_SUM(i) [c##i] "=&x"(c[i])

/* The sums c[12], those of mr rows first, of k steps of A times two vectors of B. as: from a row of A to the next, or
   k-major from a step to the next. */
#define L_FUNCTION(mr, kmajor, by)                                                                                   \
    static inline void loop_##mr##_##kmajor(int64_t k, const float *a, int64_t as, const float *b, int64_t bs,       \
                                            vf *c) {                                                                 \
        const float *a3 = a + 3 * as, *b3 = b + 3 * bs;                                                              \
        __asm__ volatile(L_ZEROS L_LOOP(L_ROWS##mr, by)                                                              \
                         : [k] "+&r"(k), [a0] "+&r"(a), [a3] "+&r"(a3), [b0] "+&r"(b), [b3] "+&r"(b3), L_SUM(0),     \
                           L_SUM(1), L_SUM(2), L_SUM(3), L_SUM(4), L_SUM(5), L_SUM(6), L_SUM(7), L_SUM(8), L_SUM(9), \
                           L_SUM(10), L_SUM(11)                                                                      \
                         : [as] "r"(as * 4), [bs] "r"(bs * 4)                                                        \
                         : "ymm12", "ymm13", "ymm14", "ymm15", "memory", "cc");                                      \
    }
#define L_FUNCTIONS(mr) L_FUNCTION(mr, 0, L_BY_ROW) L_FUNCTION(mr, 1, L_BY_STEP)
L_FUNCTIONS(1)
L_FUNCTIONS(2)
L_FUNCTIONS(3)
L_FUNCTIONS(4)
L_FUNCTIONS(5)
L_FUNCTIONS(6)
#define LOOP_OF(mr, kmajor) loop_##mr##_##kmajor
#else
#define LOOP_OF(mr, kmajor) NULL
#endif
#endif
