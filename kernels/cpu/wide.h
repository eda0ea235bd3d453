/* Elementary functions on floats that compute in doubles, without branches as those of math.h, and without a fused
   multiply-add, so that their bits are those of every processor: the nearest float, or one within 0.51 units of the
   last place. */
#ifndef CT_KERNELS_CPU_WIDE_H
#define CT_KERNELS_CPU_WIDE_H
#include "kernels/cpu/math.h"
#include "kernels/cpu/turns.h"

#define WIDE_ROUND 0x1.8p52 /* added to a number below 2^51: the nearest integer, in its low bits */

/* sin(x + quarters pi / 2): x in quarters of a turn is n + r, |r| <= 1/2. */
CT_INLINE float sin_quarters_f32(float x, uint64_t quarters) {
    int64_t e = (int64_t)(ct_bits_of_float(x) >> 23 & 0xff) - (127 + 25), at = e < 0 ? 0 : e > 102 ? 102 : e;
    double whole = (double)x * turns_high[at], rest = (double)x * turns_low[at];
    double biased = whole + rest + WIDE_ROUND, r = (whole - (biased - WIDE_ROUND)) + rest, z = r * r;
    double s = 0x1.4bc88d15ac688p-13, c = 0x1.d9c34f987b58ep-11;
    s = s * z - 0x1.32ca9e41478c2p-8, c = c * z - 0x1.55c57abc452dfp-6;
    s = s * z + 0x1.466bbacaa6e2ap-4, c = c * z + 0x1.03c1dc1b10158p-2;
    s = s * z - 0x1.4abbce56b1bcbp-1, c = c * z - 0x1.3bd3cc7321a9ep+0;
    s = s * z + 0x1.921fb5443b5bdp+0, c = c * z + 0x1.ffffffff97bf2p-1;
    uint64_t n = ct_bits_of_double(biased) + quarters;
    double y = n & 1 ? c : s * r;
    return (float)ct_double_of_bits(ct_bits_of_double(y) ^ (n & 2) << 62);
}
CT_INLINE float sin_f32(float x) {
    float y = sin_quarters_f32(x, 0);
    return magnitude(x) < 0x1p-12f ? x : y; /* keeps -0 and denormals */
}
CT_INLINE float cos_f32(float x) { return sin_quarters_f32(x, 1); }

/* The angle of the shorter over the longer is atan(q), or pi / 4 + atan(q), |q| <= tan(pi / 8). */
CT_INLINE float atan2_f32(float y, float x) {
    double h = (double)magnitude(y), w = (double)magnitude(x), a = h < w ? h : w, b = h < w ? w : h;
    int far = a > 0.4142135623730950 * b, same = a == b; /* same: two zeros or infinities, too */
    double q = (far ? a - b : a) / (far ? a + b : b), z = q * q, p = -0x1.353800d137699p-5;
    p = p * z + 0x1.1de36f8698c79p-4;
    p = p * z - 0x1.70636668a6d90p-4;
    p = p * z + 0x1.c6cdc9546c6e9p-4;
    p = p * z - 0x1.24909da170b33p-3;
    p = p * z + 0x1.999990a1b740cp-3;
    p = p * z - 0x1.5555554c21c7ep-2;
    p = p * z + 0x1.fffffffffe733p-1;
    double t = (same ? 0 : p * q) + (far || (same && b > 0) ? 0x1.921fb54442d18p-1 : 0);
    t = h > w ? 0x1.921fb54442d18p+0 - t : t;
    t = ct_bits_of_float(x) >> 31 ? 0x1.921fb54442d18p+1 - t : t;
    t = h != h || w != w ? __builtin_nan("") : t;
    return (float)ct_double_of_bits(ct_bits_of_double(t) | (uint64_t)(ct_bits_of_float(y) & 0x80000000u) << 32);
}

/* log2(a), a a float's magnitude: a = 2^k m, m in [sqrt(1/2), sqrt(2)), by s = (m - 1) / (m + 1). */
CT_INLINE double log2_wide(double a) {
    const uint64_t root_half = 0x3fe6a09e667f3bcdu, one = 0x3ff0000000000000u;
    uint64_t u = ct_bits_of_double(a) - root_half + one;
    double m = ct_double_of_bits((u & 0xfffffffffffffu) + root_half);
    double k = ct_double_of_bits(u >> 52 | 0x4330000000000000u) - (0x1p52 + 1023), s = (m - 1) / (m + 1), z = s * s;
    double p = 0x1.21b33efbe0813p-2;
    p = p * z + 0x1.47952a5582c5dp-2;
    p = p * z + 0x1.a61a2feadda12p-2;
    p = p * z + 0x1.2776c291b9ec9p-1;
    p = p * z + 0x1.ec709dc53dd4ap-1;
    p = p * z + 0x1.71547652b8250p+1;
    double y = k + s * p;
    y = a == 0 ? -(double)__builtin_inff() : y;
    return a < 0x1p128 ? y : a; /* infinity, NaN */
}

CT_INLINE double exp2_wide(double t) {
    double c = t > 200 ? 200 : t; /* NaN passes */
    c = c < -200 ? -200 : c;
    double biased = c + WIDE_ROUND, f = c - (biased - WIDE_ROUND), p = 0x1.61afb625e5ea3p-20;
    p = p * f + 0x1.00daeb64e0bd2p-16;
    p = p * f + 0x1.430accfac146cp-13;
    p = p * f + 0x1.5d8748130dd6ap-10;
    p = p * f + 0x1.3b2ab5c4cb191p-7;
    p = p * f + 0x1.c6b08dd48bde4p-5;
    p = p * f + 0x1.ebfbdff932091p-3;
    p = p * f + 0x1.62e42fef8609fp-1;
    p = p * f + 0x1.ffffffffff79fp-1;
    return p * ct_double_of_bits((ct_bits_of_double(biased) + 1023) << 52);
}

CT_INLINE float pow_f32(float base, float exponent) {
    const uint64_t sign = 0x8000000000000000u;
    double x = (double)base, y = (double)exponent, a = ct_double_of_bits(ct_bits_of_double(x) & ~sign),
           t = y * log2_wide(a);
    double p = exp2_wide(a == 1 ? 0 : t),
           turned = ct_double_of_bits(ct_bits_of_double(p) | (ct_bits_of_double(x) & sign)); /* 1^inf is 1 */
    double whole = __builtin_floor(y), half = 0.5 * y, even = __builtin_floor(half);
    double other = half != even ? turned : p;
    double fraction = x < 0 ? __builtin_nan("") : p, of = a < 0x1p128 ? fraction : p;
    p = whole == y ? other : of;
    p = y == 0 ? 1 : p;
    return (float)(x == 1 ? 1 : p);
}
#endif
