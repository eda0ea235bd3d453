/* Elementary functions on floats, within 2 units in the last place where nothing else is said: branch-free, so that a
   loop over them becomes vectors. Coefficients of exp, log and tanh are those of S. Moshier's Cephes library, of erf
   minimax fits of our own. */
#ifndef CT_KERNELS_CPU_MATH_H
#define CT_KERNELS_CPU_MATH_H
#include "base/dtype.h"
#include "kernels/cpu/simd.h"

CT_INLINE float magnitude(float x) { return ct_float_of_bits(ct_bits_of_float(x) & 0x7fffffffu); }
/* x, which is not negative, with the sign of s. */
CT_INLINE float sign_like_f32(float x, float s) {
    return ct_float_of_bits(ct_bits_of_float(x) | (ct_bits_of_float(s) & 0x80000000u));
}

/* x = n ln 2 + r, |r| <= ln 2 / 2. n comes as the low bits of 1.5 * 2^23 + n, which needs no conversion. */
typedef struct exp_parts {
    uint32_t n;
    float r;
} exp_parts;
CT_INLINE exp_parts exp_reduce(float x) {
    const float round = 0x1.8p23f;
    float biased = sfma(x, 0x1.715476p+0f, round), n = biased - round;
    return (exp_parts){ct_bits_of_float(biased) - ct_bits_of_float(round),
                       sfma(n, 2.12194440e-4f, sfma(n, -0.693359375f, x))};
}
CT_INLINE float exp_power(uint32_t n) { return ct_float_of_bits((n + 127u) << 23); } /* 2^n, -127 < n < 128 */
CT_INLINE float expm1_poly(float r) {                                                /* e^r - 1 */
    float p = 1.9875691500e-4f;
    p = sfma(p, r, 1.3981999507e-3f);
    p = sfma(p, r, 8.3334519073e-3f);
    p = sfma(p, r, 4.1665795894e-2f);
    p = sfma(p, r, 1.6666665459e-1f);
    p = sfma(p, r, 5.0000001201e-1f);
    return sfma(p, r * r, r);
}

/* e^x for -87 <= x <= 89; infinite from 88.4 on. */
CT_INLINE float exp_near_f32(float x) {
    exp_parts e = exp_reduce(x);
    return (1.0f + expm1_poly(e.r)) * exp_power(e.n);
}

/* Two steps reach infinity and the denormals; 0 is not reached by rounding, which many processors do by microcode. */
CT_INLINE float exp_f32(float x) {
    float c = x > 89.0f ? 89.0f : x; /* NaN passes */
    c = c < -104.5f ? -104.5f : c;
    exp_parts e = exp_reduce(c);
    uint32_t half = (uint32_t)((int32_t)e.n >> 1);
    float power = x < -104.0f ? 0.0f : exp_power(half);
    return (1.0f + expm1_poly(e.r)) * power * exp_power(e.n - half);
}

CT_INLINE float expm1_f32(float x) {
    float c = x > 89.0f ? 89.0f : x;
    c = c < -18.0f ? -18.0f : c;
    exp_parts e = exp_reduce(c);
    float half = exp_power(e.n - 1), y = 2.0f * sfma(half, expm1_poly(e.r), half - 0.5f);
    return magnitude(x) < 1e-8f ? x : y; /* keeps -0 and denormals */
}

/* log(2^e m), m in [sqrt(1/2), sqrt(2)) given as m - 1. */
CT_INLINE float log_poly(float f, float e) {
    float z = f * f, p = 7.0376836292e-2f;
    p = sfma(p, f, -1.1514610310e-1f);
    p = sfma(p, f, 1.1676998740e-1f);
    p = sfma(p, f, -1.2420140846e-1f);
    p = sfma(p, f, 1.4249322787e-1f);
    p = sfma(p, f, -1.6668057665e-1f);
    p = sfma(p, f, 2.0000714765e-1f);
    p = sfma(p, f, -2.4999993993e-1f);
    p = sfma(p, f, 3.3333331174e-1f);
    float y = sfma(e, -2.12194440e-4f, p * f * z);
    return sfma(e, 0.693359375f, f + sfma(-0.5f, z, y));
}

CT_INLINE float log_f32(float x) {
    const uint32_t root_half = 0x3f3504f3u;
    float tiny = x < 0x1p-126f ? 23.0f : 0.0f;
    uint32_t u = ct_bits_of_float(x < 0x1p-126f ? x * 0x1p23f : x) - root_half;
    float m = ct_float_of_bits((u & 0x007fffffu) + root_half), e = (float)((int32_t)u >> 23) - tiny;
    float y = log_poly(m - 1.0f, e);
    y = x == __builtin_inff() ? x : y;
    y = x == 0.0f ? -__builtin_inff() : y;
    return x >= 0.0f ? y : __builtin_nanf("");
}

CT_INLINE float log1p_f32(float x) {
    float u = 1.0f + x, lost = x < 1.0f ? x - (u - 1.0f) : 1.0f - (u - x); /* by rounding u */
    float y = log_f32(u) + (u < 0x1p126f ? lost / u : 0.0f);
    y = u == 0.0f ? -__builtin_inff() : y;
    return magnitude(x) < 1e-8f ? x : y;
}

CT_INLINE float tanh_f32(float x) {
    float a = magnitude(x), z = x * x, p = -5.70498872745e-3f;
    p = sfma(p, z, 2.06390887954e-2f);
    p = sfma(p, z, -5.37397155531e-2f);
    p = sfma(p, z, 1.33314422036e-1f);
    p = sfma(p, z, -3.33332819422e-1f);
    float twice = a > 10.0f ? 20.0f : 2.0f * a; /* where it is 1 to a float */
    float small = sfma(p * z, x, x), far = sign_like_f32(1.0f - 2.0f / (exp_near_f32(twice) + 1.0f), x);
    return a < 0.625f ? small : far;
}

/* x + x p(x^2) near 0; else 1 - erfc(|x|), erfc(a) as e^(a q(a)), which is 0 to a float from 4 on. */
CT_INLINE float erf_f32(float x) {
    float z = x * x, p = -6.0903287e-4f;
    p = sfma(p, z, 5.011957e-3f);
    p = sfma(p, z, -2.6778905e-2f);
    p = sfma(p, z, 1.1282141e-1f);
    p = sfma(p, z, -3.7612525e-1f);
    p = sfma(p, z, 1.2837915e-1f);
    float a = magnitude(x) > 4.0f ? 4.0f : magnitude(x), q = -1.0432444e-5f;
    q = sfma(q, a, 3.1485155e-4f);
    q = sfma(q, a, -3.610316e-3f);
    q = sfma(q, a, 2.3694512e-2f);
    q = sfma(q, a, -1.0615899e-1f);
    q = sfma(q, a, -6.3519806e-1f);
    q = sfma(q, a, -1.1286371f);
    return a < 0.9f ? sfma(p, x, x) : sign_like_f32(1.0f - exp_near_f32(a * q), x);
}

/* The normal distribution, of mean 0 and variance 1: both from one e^(-x^2 / 2), the part beyond |x| as that times
   p(|x|). Within 2e-7 of 1. */
CT_INLINE float bell_f32(float x) {
    float c = -0.5f * (x * x);
    return c < -80.0f ? 0.0f : exp_near_f32(c);
}
CT_INLINE float normal_pdf_f32(float x) { return 0.39894228f * bell_f32(x); }
CT_INLINE float normal_cdf_f32(float x) {
    float a = magnitude(x) > 5.0f ? 5.0f : magnitude(x), p = -2.36782822e-7f;
    p = sfma(p, a, 6.07042599e-6f);
    p = sfma(p, a, -7.02560159e-5f);
    p = sfma(p, a, 4.91946304e-4f);
    p = sfma(p, a, -2.3729075e-3f);
    p = sfma(p, a, 8.58625493e-3f);
    p = sfma(p, a, -2.49615983e-2f);
    p = sfma(p, a, 6.15387306e-2f);
    p = sfma(p, a, -1.32637217e-1f);
    p = sfma(p, a, 2.49934846e-1f);
    p = sfma(p, a, -3.98937300e-1f);
    p = sfma(p, a, 4.99999935e-1f);
    float beyond = p * bell_f32(x);
    return x < 0.0f ? beyond : 1.0f - beyond;
}
#endif
