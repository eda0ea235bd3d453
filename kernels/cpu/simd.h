/* Vectors of floats, as wide as the instruction set this file is compiled for, and the fused multiply-add. Every file
   of kernels/cpu is compiled once a set (-DCT_ISA=v3 -march=x86-64-v3), so its external names carry the set's. */
#ifndef CT_KERNELS_CPU_SIMD_H
#define CT_KERNELS_CPU_SIMD_H
#include <stdint.h>
#if defined(__SSE2__)
#include <immintrin.h>
#endif

#ifndef CT_ISA
#define CT_ISA generic
#endif
#define CT_ISA_JOIN_(name, isa) name##_##isa
#define CT_ISA_JOIN(name, isa) CT_ISA_JOIN_(name, isa)
#define CT_ISA_NAME(name) CT_ISA_JOIN(name, CT_ISA) /* ct_gemm_run -> ct_gemm_run_v3 */
#define CT_ISA_TEXT_(isa) #isa
#define CT_ISA_TEXT_OF(isa) CT_ISA_TEXT_(isa)
#define CT_ISA_TEXT CT_ISA_TEXT_OF(CT_ISA) /* "v3" */

#if defined(__AVX512F__)
#define VW 16
#elif defined(__AVX2__)
#define VW 8
#else
#define VW 4
#endif

#define CT_INLINE static inline __attribute__((always_inline))

/* A loop whose turns are all written out, so that arrays of vectors become registers: n <= 32, constant once inlined.
 */
#if defined(__clang__)
#define CT_EACH(i, n) _Pragma("clang loop unroll(full)") for (int i = 0; i < (n); i++)
#else
#define CT_EACH(i, n) _Pragma("GCC unroll 32") for (int i = 0; i < (n); i++)
#endif

typedef float vf __attribute__((vector_size(VW * 4)));
typedef int32_t vi __attribute__((vector_size(VW * 4)));
typedef float vf_anywhere __attribute__((vector_size(VW * 4), aligned(4), may_alias)); /* as it lies in memory */

/* Elements of a, then of b, by their numbers. */
#define SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)

CT_INLINE vf vset(float x) { return x - (vf){0}; } /* minus: x + 0 would turn -0 into 0 */
CT_INLINE vf vload(const float *p) { return *(const vf_anywhere *)p; }
/* The first n < VW floats of a vector, and zeros: past them nothing is read. */
CT_INLINE vf vload_some(const float *p, int64_t n) {
#if VW == 16
    return (vf)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
#elif VW == 8
    return (vf)_mm256_maskload_ps(p, (__m256i)((vi){0, 1, 2, 3, 4, 5, 6, 7} < (int32_t)n));
#else
    vf x = {0};
    for (int64_t i = 0; i < n; i++) x[i] = p[i];
    return x;
#endif
}
CT_INLINE void vstore(float *p, vf x) { *(vf_anywhere *)p = x; }

/* Past the caches, so that what lies there is not fetched first: for results that will have left the caches before they
   are read. p is on a vector's boundary; whoever streams ends with vstreamed(), before others read. */
#define STREAM_FLOATS (1 << 19) /* so many, and more, leave the second-level cache (measured from 1 MiB on) */
CT_INLINE void vstream(float *p, vf x) {
#if VW == 16
    _mm512_stream_ps(p, (__m512)x);
#elif VW == 8
    _mm256_stream_ps(p, (__m256)x);
#elif defined(__SSE2__)
    _mm_stream_ps(p, (__m128)x);
#else
    vstore(p, x);
#endif
}
CT_INLINE void vstreamed(void) {
#if defined(__SSE2__)
    _mm_sfence();
#endif
}

/* Brings what will be read soon near, to the second-level cache. */
CT_INLINE void fetch_floats(const float *p, const float *end) {
    for (; p < end; p += 16) __builtin_prefetch(p, 0, 2);
}

CT_INLINE vf vrelu(vf x) { return (vf)((vi)x & ~(vi)(x <= (vf){0})); } /* NaN stays NaN */

/* a * b + c, rounded once where the hardware can (v3, v4); libm's fmaf is too slow to stand in elsewhere. The compiler
   never contracts by itself (-ffp-contract=off), so this word alone decides. */
#if defined(__FMA__) && VW == 16
CT_INLINE vf vfma(vf a, vf b, vf c) { return (vf)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c); }
#elif defined(__FMA__) && VW == 8
CT_INLINE vf vfma(vf a, vf b, vf c) { return (vf)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c); }
#elif defined(__FMA__)
CT_INLINE vf vfma(vf a, vf b, vf c) { return (vf)_mm_fmadd_ps((__m128)a, (__m128)b, (__m128)c); }
#else
CT_INLINE vf vfma(vf a, vf b, vf c) { return a * b + c; }
#endif

/* The products of the lower halves of 64-bit lanes. */
typedef uint64_t vu __attribute__((vector_size(VW * 4)));
#if VW == 16
CT_INLINE vu vmul_halves(vu a, vu b) { return (vu)_mm512_mul_epu32((__m512i)a, (__m512i)b); }
#elif VW == 8
CT_INLINE vu vmul_halves(vu a, vu b) { return (vu)_mm256_mul_epu32((__m256i)a, (__m256i)b); }
#elif defined(__SSE2__)
CT_INLINE vu vmul_halves(vu a, vu b) { return (vu)_mm_mul_epu32((__m128i)a, (__m128i)b); }
#else
CT_INLINE vu vmul_halves(vu a, vu b) { return (a & UINT32_MAX) * (b & UINT32_MAX); }
#endif

#if defined(__FMA__)
#define CT_FUSED true
CT_INLINE float sfma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
#else
#define CT_FUSED false
CT_INLINE float sfma(float a, float b, float c) { return a * b + c; }
#endif
#endif
