/* The innermost loops of products of bf16: sums of up to 2 x 2 squares, by AMX, by AVX-512's dot
   products or by the vectors there are. */
#ifndef CT_KERNELS_CPU_GEMM_BF16_TILE_H
#define CT_KERNELS_CPU_GEMM_BF16_TILE_H
#include "base/dtype.h"
#include "kernels/cpu/gemm_bf16_pack.h"

#define SUMS (2 * SIDE) /* a row of them */

/* `blocks` squares of each of A's and B's rows and columns of squares, which are `blocks` squares apart. */
typedef struct bf16_tile {
    const uint32_t *a, *b;
    int64_t blocks;
    bool two_a, two_b;
} bf16_tile;

CT_INLINE float low_half(uint32_t word) { return ct_float_of_bits(word << 16); }
CT_INLINE float high_half(uint32_t word) { return ct_float_of_bits(word & 0xffff0000); }

/* A product of two numbers of bf16 is exact in f32, so that these are AMX's bits with or without a fused
   multiply-add. */
static void square_plain(const uint32_t *a, const uint32_t *b, int64_t blocks, float *sum) {
    enum { ROWS = VW / 4, V = SIDE / VW };
    for (int i = 0; i < SIDE; i += ROWS) {
        vf s[ROWS * V];
        CT_EACH(v, ROWS * V) { s[v] = (vf){0}; }
        for (int64_t k = 0; k < blocks; k++) {
            const uint32_t *row = a + k * WORDS + i * SIDE, *step = b + k * WORDS;
            vf low[ROWS * V], high[ROWS * V];
            CT_EACH(v, ROWS * V) { low[v] = high[v] = (vf){0}; }
            for (int q = 0; q < SIDE; q++, step += SIDE) CT_EACH(v, ROWS * V) {
                    words w = (words)vload((const float *)step + v % V * VW);
                    uint32_t word = row[v / V * SIDE + q];
                    low[v] = vfma(vset(low_half(word)), (vf)(w << 16), low[v]);
                    high[v] = vfma(vset(high_half(word)), (vf)(w & 0xffff0000), high[v]);
                }
            CT_EACH(v, ROWS * V) { s[v] += low[v] + high[v]; }
        }
        CT_EACH(v, ROWS * V) { vstore(sum + (i + v / V) * SUMS + v % V * VW, s[v]); }
    }
}

static void tile_plain(const bf16_tile *t, float *sum) {
    const int64_t next = t->blocks * WORDS;
    for (int i = 0; i <= t->two_a; i++)
        for (int j = 0; j <= t->two_b; j++)
            square_plain(t->a + i * next, t->b + j * next, t->blocks, sum + i * SIDE * SUMS + j * SIDE);
}

#if VW == 16 && defined(__x86_64__)
/* In assembly rather than by intrinsics: gcc 12's do not say which memory they read. */
#define AMX_LOAD(tile, p) \
    __asm__ volatile("tileloadd (%0,%1,1), %%tmm" #tile ::"r"(p), "r"((int64_t)(4 * SIDE)) : "memory")
#define AMX_STORE(tile, p) \
    __asm__ volatile("tilestored %%tmm" #tile ", (%0,%1,1)" ::"r"(p), "r"((int64_t)(4 * SUMS)) : "memory")
#define AMX_ZERO(tile) __asm__ volatile("tilezero %%tmm" #tile::)
#define AMX_DOT(sum, a, b) __asm__ volatile("tdpbf16ps %%tmm" #b ", %%tmm" #a ", %%tmm" #sum::)

/* HALF rows of A's squares along k, times one or two squares' columns of B. */
#define HALF (SIDE / 2)
CT_INLINE void half_dot(const bool two, const uint32_t *a, const uint32_t *b, int64_t next, int64_t blocks,
                        float *sum) {
    vf s[2 * HALF];
    CT_EACH(i, 2 * HALF) { s[i] = (vf){0}; }
    for (; blocks; blocks--, a += WORDS, b += WORDS)
        for (int q = 0; q < SIDE; q++) {
            vf first = vload((const float *)b + q * SIDE), second = first;
            if (two) second = vload((const float *)b + next + q * SIDE);
            CT_EACH(i, HALF) {
                words pair = (words){0} + a[i * SIDE + q];
                __asm__("vdpbf16ps %2, %1, %0" : "+v"(s[2 * i]) : "v"(first), "v"(pair));
                if (two) __asm__("vdpbf16ps %2, %1, %0" : "+v"(s[2 * i + 1]) : "v"(second), "v"(pair));
            }
        }
    CT_EACH(i, 2 * HALF) { vstore(sum + i / 2 * SUMS + i % 2 * SIDE, s[i]); }
}

static void tile_dot(const bf16_tile *t, float *sum) {
    const int64_t next = t->blocks * WORDS;
    for (int i = 0; i < (t->two_a ? 4 : 2); i++) {
        const uint32_t *a = t->a + i / 2 * next + i % 2 * HALF * SIDE;
        float *to = sum + i * HALF * SUMS;
        if (t->two_b)
            half_dot(true, a, t->b, next, t->blocks, to);
        else
            half_dot(false, a, t->b, next, t->blocks, to);
    }
}

static void amx_begin(void) {
    static const struct {
        uint8_t palette, start_row, reserved[14];
        uint16_t row_bytes[16];
        uint8_t rows[16];
    } eight = {1, 0, {0}, {64, 64, 64, 64, 64, 64, 64, 64}, {16, 16, 16, 16, 16, 16, 16, 16}};
    __asm__ volatile("ldtilecfg %0" ::"m"(eight));
}
static void amx_end(void) { __asm__ volatile("tilerelease" ::); }

static void tile_amx(const bf16_tile *t, float *sum) {
    const uint32_t *a = t->a, *b = t->b;
    const int64_t next = t->blocks * WORDS;
    AMX_ZERO(0);
    AMX_ZERO(1);
    AMX_ZERO(2);
    AMX_ZERO(3);
    for (int64_t k = t->blocks; k > 0; k--, a += WORDS, b += WORDS) {
        AMX_LOAD(4, a);
        AMX_LOAD(6, b);
        AMX_DOT(0, 4, 6);
        if (t->two_b) {
            AMX_LOAD(7, b + next);
            AMX_DOT(1, 4, 7);
        }
        if (!t->two_a) continue;
        AMX_LOAD(5, a + next);
        AMX_DOT(2, 5, 6);
        if (t->two_b) AMX_DOT(3, 5, 7);
    }
    AMX_STORE(0, sum);
    AMX_STORE(1, sum + SIDE);
    AMX_STORE(2, sum + SIDE * SUMS);
    AMX_STORE(3, sum + SIDE * SUMS + SIDE);
}
#else
static void amx_begin(void) {}
static void amx_end(void) {}
#define tile_amx tile_plain
#define tile_dot tile_plain
#endif
#endif
