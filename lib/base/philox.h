/* Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011): counter-based, so a number
   depends on its key and its place alone, never on a thread or an order of calls. */
#ifndef CT_BASE_PHILOX_H
#define CT_BASE_PHILOX_H
#include <stdbool.h>
#include <stdint.h>

typedef struct ct_philox_key {
    uint32_t k[2];
} ct_philox_key;

/* A key from any two 64-bit words (a seed and a hash, say), mixed. */
ct_philox_key ct_philox_make(uint64_t a, uint64_t b);
/* The block of four words at counter (lo, hi). */
void ct_philox_block(ct_philox_key key, uint64_t lo, uint64_t hi, uint32_t out[4]);
/* out[i] = word i of the stream (i from `first`): the same numbers however the range is cut. */
void ct_philox_fill(ct_philox_key key, uint64_t stream, uint64_t first, int64_t n, uint32_t *out);
/* The uniform in [0, 1) with 24 bits that PyTorch takes from a word. */
static inline float ct_philox_uniform(uint32_t w) { return (float)(w >> 8) * 0x1p-24f; }
/* A uniform number of 32 bits that is neither 0 nor 1. */
static inline double ct_philox_open(uint32_t w) { return ((double)w + 0.5) * 0x1p-32; }
/* A normal number, of mean 0 and variance 1, of two words; `other`: the second of the pair that they make. */
double ct_philox_normal(const uint32_t two[2], bool other);
/* A permutation of 0..n-1 (Fisher-Yates), a function of key and n alone. */
void ct_philox_permute(ct_philox_key key, uint64_t stream, int64_t n, int64_t *out);
#endif
