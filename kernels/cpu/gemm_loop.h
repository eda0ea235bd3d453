/* The product's loop over k with AVX2, in assembly: 86 instructions for 48 multiply-adds of vectors, where gcc makes
   100 (25 for 12; unrolled it moves sums between registers). Measured: a tenth faster on a core whose other thread is
   another's, and which so issues half as much; 2% alone. */
#ifndef CT_KERNELS_CPU_GEMM_LOOP_H
#define CT_KERNELS_CPU_GEMM_LOOP_H
#include "kernels/cpu/simd.h"
#if VW == 8

/* Places: of row i (or of step i, k-major) of A, of step u of B; bytes of four. */
#define A_0 "%[a0]"
#define A_1 "%[a0], %[as]"
#define A_2 "%[a0], %[as], 2"
#define A_3 "%[a3]"
#define A_4 "%[a3], %[as]"
#define A_5 "%[a3], %[as], 2"
#define B_0 "%[b0]"
#define B_1 "%[b0], %[bs]"
#define B_2 "%[b0], %[bs], 2"
#define B_3 "%[b3]"
#define BYTES_0 "0"
#define BYTES_1 "4"
#define BYTES_2 "8"
#define BYTES_3 "12"
#define BYTES_4 "16"
#define BYTES_5 "20"
#define AT_ROWS(i, u) BYTES_##u "(" A_##i ")"
#define AT_STEPS(i, u) BYTES_##i "(" A_##u ")"

/* Row i of the tile: sums 2 i and 2 i + 1. */
#define ROW_OF(at, s, c0, c1)                            \
    "vbroadcastss " at ", %%ymm" #s "\n\t"               \
    "vfmadd231ps %%ymm12, %%ymm" #s ", %%ymm" #c0 "\n\t" \
    "vfmadd231ps %%ymm13, %%ymm" #s ", %%ymm" #c1 "\n\t"
#define ROWS_1(at, u) ROW_OF(at(0, u), 14, 0, 1)
#define ROWS_2(at, u) ROWS_1(at, u) ROW_OF(at(1, u), 15, 2, 3)
#define ROWS_3(at, u) ROWS_2(at, u) ROW_OF(at(2, u), 14, 4, 5)
#define ROWS_4(at, u) ROWS_3(at, u) ROW_OF(at(3, u), 15, 6, 7)
#define ROWS_5(at, u) ROWS_4(at, u) ROW_OF(at(4, u), 14, 8, 9)
#define ROWS_6(at, u) ROWS_5(at, u) ROW_OF(at(5, u), 15, 10, 11)
#define LOAD_B(u)                      \
    "vmovups (" B_##u "), %%ymm12\n\t" \
                      "vmovups 32(" B_##u "), %%ymm13\n\t"
#define STEP_OF(rows, at, u) LOAD_B(u) rows(at, u)

/* On to the next steps: of rows of A, of steps of A, of B. */
#define ON_ROWS_4        \
    "add $16, %[a0]\n\t" \
    "add $16, %[a3]\n\t"
#define ON_ROWS_1       \
    "add $4, %[a0]\n\t" \
    "add $4, %[a3]\n\t"
#define ON_STEPS_4                     \
    "lea (%[a0], %[as], 4), %[a0]\n\t" \
    "lea (%[a3], %[as], 4), %[a3]\n\t"
#define ON_STEPS_1 "add %[as], %[a0]\n\t"
#define ON_B_4                         \
    "lea (%[b0], %[bs], 4), %[b0]\n\t" \
    "lea (%[b3], %[bs], 4), %[b3]\n\t"
#define ON_B_1 "add %[bs], %[b0]\n\t"

/* Four steps at a time, then one. */
#define FOUR(rows, at, on) \
    STEP_OF(rows, at, 0) STEP_OF(rows, at, 1) STEP_OF(rows, at, 2) STEP_OF(rows, at, 3) on##_4 ON_B_4
#define ONE(rows, at, on) STEP_OF(rows, at, 0) on##_1 ON_B_1
#define BEGIN          \
    "sub $4, %[k]\n\t" \
    "jl 2f\n1:\n\t"
#define THEN           \
    "sub $4, %[k]\n\t" \
    "jge 1b\n2:\n\t"   \
    "add $4, %[k]\n\t" \
    "jz 4f\n3:\n\t"
#define END        \
    "dec %[k]\n\t" \
    "jnz 3b\n4:\n\t"
#define LOOP(rows, at, on)   \
    BEGIN FOUR(rows, at, on) \
    THEN ONE(rows, at, on) END

#define ZERO(i) "vxorps %%ymm" #i ", %%ymm" #i ", %%ymm" #i "\n\t"
#define ZEROS ZERO(0) ZERO(1) ZERO(2) ZERO(3) ZERO(4) ZERO(5) ZERO(6) ZERO(7) ZERO(8) ZERO(9) ZERO(10) ZERO(11)

/* The sums of mr rows of A, `as` apart, times two vectors of B over k steps; k-major: of steps of A, `as` apart. */
#define GEMM_LOOP(mr, kmajor, at, on)                                                                                 \
    CT_INLINE void loop_##mr##_##kmajor(int64_t k, const float *a, int64_t as, const float *b, int64_t bs, vf *c) {   \
        const float *a3 = a + 3 * as, *b3 = b + 3 * bs;                                                               \
        register vf c0 __asm__("ymm0"), c1 __asm__("ymm1"), c2 __asm__("ymm2"), c3 __asm__("ymm3");                   \
        register vf c4 __asm__("ymm4"), c5 __asm__("ymm5"), c6 __asm__("ymm6"), c7 __asm__("ymm7");                   \
        register vf c8 __asm__("ymm8"), c9 __asm__("ymm9"), c10 __asm__("ymm10"), c11 __asm__("ymm11");               \
        __asm__ volatile(ZEROS LOOP(ROWS_##mr, at, on)                                                                \
                         : [k] "+r"(k), [a0] "+r"(a), [a3] "+r"(a3), [b0] "+r"(b), [b3] "+r"(b3), "=x"(c0), "=x"(c1), \
                           "=x"(c2), "=x"(c3), "=x"(c4), "=x"(c5), "=x"(c6), "=x"(c7), "=x"(c8), "=x"(c9), "=x"(c10), \
                           "=x"(c11)                                                                                  \
                         : [as] "r"(as * 4), [bs] "r"(bs * 4)                                                         \
                         : "ymm12", "ymm13", "ymm14", "ymm15", "memory", "cc");                                       \
        vf sums[] = {c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11};                                               \
        CT_EACH(i, 2 * mr) { c[i] = sums[i]; }                                                                        \
    }
#define GEMM_LOOPS(mr) GEMM_LOOP(mr, 0, AT_ROWS, ON_ROWS) GEMM_LOOP(mr, 1, AT_STEPS, ON_STEPS)
GEMM_LOOPS(1)
GEMM_LOOPS(2)
GEMM_LOOPS(3)
GEMM_LOOPS(4)
GEMM_LOOPS(5)
GEMM_LOOPS(6)
#define LOOP_OF(mr, kmajor) loop_##mr##_##kmajor
#else
#define LOOP_OF(mr, kmajor) NULL
#endif
#endif
