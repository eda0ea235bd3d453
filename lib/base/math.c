/* Methods: reduction by Cody and Waite ("Software manual for the elementary functions", 1980); of angles by Payne and
   Hanek ("Radian reduction for trigonometric functions", 1983); log by atanh's series and its corrections as in Ng's
   fdlibm; erfc as Shepherd and Laframboise (1981). Sums of two doubles by Knuth and Dekker. The coefficients are
   minimax fits (Remez) of our own. No step relies on a fused multiply-add. */
#include "base/math.h"
#include "base/dtype.h"
#include "base/error.h"
#include <math.h>

#define POLY(x, c) poly(x, c, CT_COUNT(c))
static inline double poly(double x, const double *c, int n) {
    double y = c[n - 1];
    for (int i = n - 2; i >= 0; i--) y = y * x + c[i];
    return y;
}

/* ---- doubles by their parts, and in pairs ---- */
static double power_of_2(int n) { return ct_double_of_bits((uint64_t)(n + 1023) << 52); } /* -1023 < n < 1024 */
/* y 2^n, rounded once: the first factor keeps y normal. */
static double scale(double y, int n) { return y * power_of_2(n / 2) * power_of_2(n - n / 2); }

/* x = 2^k m, m in [sqrt(1/2), sqrt(2)); x is above 0 and finite. */
static int split(double x, double *m) {
    const uint64_t root_half = 0x3fe6a09e667f3bcdu;
    int tiny = x < 0x1p-1022 ? 54 : 0;
    uint64_t u = ct_bits_of_double(tiny ? x * 0x1p54 : x) - root_half + (1023ull << 52);
    *m = ct_double_of_bits((u & 0xfffffffffffffu) + root_half);
    return (int)(u >> 52) - 1023 - tiny;
}

typedef struct pair {
    double hi, lo; /* lo is less than a unit in hi's last place */
} pair;
static pair sum(double a, double b) {
    double s = a + b, of_b = s - a;
    return (pair){s, (a - (s - of_b)) + (b - of_b)};
}
static pair product(double a, double b) {
    double p = a * b, ca = 0x8000001p0 * a, cb = 0x8000001p0 * b;
    double ah = ca - (ca - a), al = a - ah, bh = cb - (cb - b), bl = b - bh;
    return (pair){p, ((ah * bh - p) + ah * bl + al * bh) + al * bl};
}
static pair times(pair a, pair b) {
    pair p = product(a.hi, b.hi);
    return sum(p.hi, p.lo + (a.hi * b.lo + a.lo * b.hi));
}
static pair over(pair a, pair b) {
    double q = a.hi / b.hi;
    pair p = product(q, b.hi);
    return (pair){q, ((a.hi - p.hi) - p.lo + (a.lo - q * b.lo)) / b.hi};
}

/* ---- exp ---- */
#define LN2_HIGH 0x1.62e42fefa38p-1 /* of 42 bits: exact times an exponent */
#define LN2_LOW 0x1.ef35793c76730p-45

/* x = n ln 2 + r, |r| <= ln 2 / 2; *rest is e^r - 1 - r.hi. */
static int exp_parts(pair x, double *r, double *rest) {
    static const double c[] = {0x1.0000000000000p-1,  0x1.555555555555bp-3,  0x1.5555555555503p-5,
                               0x1.111111110ec3fp-7,  0x1.6c16c16c305c0p-10, 0x1.a01a01b38a222p-13,
                               0x1.a01a013655e79p-16, 0x1.71ddf0026a277p-19, 0x1.27e5b483d64b6p-22,
                               0x1.af6c1ddf140a9p-26, 0x1.1e3d1d43d2029p-29};
    double n = rint(x.hi * 0x1.71547652b82fep+0);
    pair near = sum(x.hi - n * LN2_HIGH, x.lo - n * LN2_LOW);
    *r = near.hi;
    *rest = near.hi * near.hi * POLY(near.hi, c) + (near.lo + near.lo * near.hi);
    return (int)n;
}

static double exp_of(pair x) {
    if (x.hi > 746) return INFINITY;
    if (x.hi < -746) return 0;
    double r, rest;
    int n = exp_parts(x, &r, &rest);
    pair y = sum(1, r);
    return scale(y.hi + (y.lo + rest), n);
}

double ct_exp_f64(double x) { return isnan(x) ? x : exp_of((pair){x, 0}); }

/* e^x - 1, for |x| <= 40 */
static pair expm1_pair(double x) {
    double r, rest;
    int n = exp_parts((pair){x, 0}, &r, &rest);
    if (n == 0) return sum(r, rest);
    double p = power_of_2(n);
    pair less = sum(p, -1), y = sum(less.hi, p * r);
    return sum(y.hi, y.lo + (less.lo + p * rest));
}

double ct_expm1_f64(double x) {
    if (isnan(x) || fabs(x) < 0x1p-54) return x;
    if (fabs(x) > 40) return x > 0 ? ct_exp_f64(x) : -1;
    return expm1_pair(x).hi;
}

double ct_tanh_f64(double x) {
    if (isnan(x) || fabs(x) < 0x1p-28) return x;
    if (fabs(x) > 20) return copysign(1, x);
    pair e = expm1_pair(2 * fabs(x)), two = sum(e.hi, 2), y = over(e, (pair){two.hi, two.lo + e.lo});
    return copysign(y.hi + y.lo, x);
}

/* ---- log ---- */
/* log(2^k (1 + f)) + lost, by s = f / (2 + f): log(1 + f) = 2s + 2s^3/3 + ... = f - f^2/2 + s (f^2/2 + z L(z)). */
static double log_of(int k, double f, double lost) {
    static const double c[] = {0x1.5555555555593p-1, 0x1.999999997fb30p-2, 0x1.2492494217ab9p-2, 0x1.c71c51e7f74f6p-3,
                               0x1.7466462b72cb5p-3, 0x1.39a0f5325ecc1p-3, 0x1.2f0d8c2de3e11p-3};
    double s = f / (2 + f), z = s * s, half = 0.5 * f * f;
    return k * LN2_HIGH - ((half - (s * (half + z * POLY(z, c)) + (k * LN2_LOW + lost))) - f);
}

double ct_log_f64(double x) {
    double m;
    if (x == 0) return -INFINITY;
    if (!(x > 0) || isinf(x)) return x < 0 ? NAN : x;
    int k = split(x, &m);
    return log_of(k, m - 1, 0);
}

double ct_log1p_f64(double x) {
    double m;
    if (x == -1) return -INFINITY;
    if (!(x > -1) || isinf(x)) return x < -1 ? NAN : x;
    if (fabs(x) < 0x1p-54) return x;
    pair u = sum(1, x);
    int k = split(u.hi, &m);
    return log_of(k, m - 1, u.lo / u.hi);
}

/* log(x) to some 64 bits: 2s and 2s^3/3 as pairs, the rest of the series as a double. */
static pair log_pair(double x) {
    static const double c[] = {0x1.9999999999996p-2, 0x1.2492492492ebbp-2, 0x1.c71c71c5a4ccfp-3, 0x1.745d1823b9ff3p-3,
                               0x1.3b13660acce45p-3, 0x1.112045f3b206dp-3, 0x1.de4316256b3b5p-4, 0x1.ea9cbec58479cp-4};
    double m;
    int k = split(x, &m);
    pair s = over((pair){m - 1, 0}, sum(2, m - 1)), z = times(s, s);
    pair cube = times(times(s, z), (pair){0x1.5555555555555p-1, 0x1.5555555555555p-55});
    double rest = s.hi * (z.hi * z.hi) * POLY(z.hi, c);
    pair big = sum(k * LN2_HIGH, 2 * s.hi), all = sum(big.hi, cube.hi);
    return sum(all.hi, all.lo + (big.lo + (k * LN2_LOW + (2 * s.lo + (cube.lo + rest)))));
}

/* ---- pow ---- */
typedef enum parity { FRACTION, ODD, EVEN } parity;
static parity parity_of(double y) {
    if (y != floor(y)) return FRACTION;
    return fmod(y, 2) == 0 ? EVEN : ODD;
}

/* Of a and y neither 0 nor NaN, a above 0. */
static double pow_above_0(double a, double y) {
    if (a == 1) return 1;
    if (isinf(a) || isinf(y)) return (a > 1) == (y > 0) ? INFINITY : 0;
    pair l = log_pair(a);
    y = fmin(fmax(y, -0x1p70), 0x1p70); /* beyond, 0 and infinity are long reached */
    pair p = product(y, l.hi);
    return exp_of((pair){p.hi, p.lo + y * l.lo});
}

double ct_pow_f64(double x, double y) {
    if (y == 0 || x == 1) return 1;
    if (isnan(x) || isnan(y)) return x + y;
    parity of = isinf(y) ? EVEN : parity_of(y);
    if (x < 0 && isfinite(x) && of == FRACTION) return NAN;
    double p = x == 0 ? (y < 0 ? INFINITY : 0) : pow_above_0(fabs(x), y);
    return signbit(x) && of == ODD ? -p : p;
}

/* ---- sin and cos ---- */
/* An angle as quarters of a turn, counted modulo 4, and what is left, |r| <= pi / 4. */
typedef struct angle {
    unsigned quarters;
    pair r;
} angle;

/* Below 2^20: pi / 2 as two parts of 33 bits, exact times n, and a third. */
static angle near_angle_of(double x) {
    double n = rint(x * 0x1.45f306dc9c883p-1);
    pair r = sum(x - n * 0x1.921fb544p+0, -n * 0x1.0b4611a6p-34);
    return (angle){(unsigned)n, sum(r.hi, r.lo - n * 0x1.3198a2e037073p-69)};
}

/* x = M 2^e, M of 53 bits, times 2 / pi, of which only the 192 bits count whose products with M lie below 4. */
static angle angle_of(double x) {
    static const uint64_t two_over_pi[] = {0, /* bits before the point */
                                           0xa2f9836e4e441529,
                                           0xfc2757d1f534ddc0,
                                           0xdb6295993c439041,
                                           0xfe5163abdebbc561,
                                           0xb7246e3a424dd2e0,
                                           0x06492eea09d1921c,
                                           0xfe1deb1cb129a73e,
                                           0xe88235f52ebb4484,
                                           0xe99c7026b45f7e41,
                                           0x3991d639835339f4,
                                           0x9c845f8bbdf9283b,
                                           0x1ff897ffde05980f,
                                           0xef2f118b5a0a6d1f,
                                           0x6d367ecf27cb09b7,
                                           0x4f463f669e5fea2d,
                                           0x7527bac7ebe5f17b,
                                           0x3d0739f78a5292ea,
                                           0x6bfb5fb11f8d5d08,
                                           0x56033046fc7b6bab};
    if (x < 0x1.921fb54442d18p-1) return (angle){0, {x, 0}};
    if (x < 0x1p20) return near_angle_of(x);
    uint64_t m = (ct_bits_of_double(x) & 0xfffffffffffffu) | 1ull << 52, w[3];
    int first = 62 + (int)(ct_bits_of_double(x) >> 52) - 1075, by = first % 64;
    for (int i = 0; i < 3; i++) {
        const uint64_t *at = &two_over_pi[first / 64 + i];
        w[i] = by ? at[0] << by | at[1] >> (64 - by) : at[0];
    }
    unsigned __int128 low = (unsigned __int128)m * w[2], middle = (unsigned __int128)m * w[1] + (low >> 64);
    uint64_t top = m * w[0] + (uint64_t)(middle >> 64); /* two bits of quarters, then the fraction */
    uint64_t high = top << 2 | (uint64_t)middle >> 62, rest = (uint64_t)middle << 2 | (uint64_t)low >> 62;
    __int128 f = (__int128)((unsigned __int128)high << 64 | rest) >> 2; /* from 1/2 on it is below 0: a quarter more */
    double big = (double)f, little = (double)(f - (__int128)big);
    pair r = times((pair){big * 0x1p-126, little * 0x1p-126}, (pair){0x1.921fb54442d18p+0, 0x1.1a62633145c07p-54});
    return (angle){(unsigned)(top >> 62) + (unsigned)(top >> 61 & 1), r};
}

static pair sin_near(pair r) {
    static const double c[] = {-0x1.5555555555549p-3, 0x1.111111110f861p-7,   -0x1.a01a019c0e4fap-13,
                               0x1.71de3574bc3d3p-19, -0x1.ae5e63ce279bap-26, 0x1.5d9246c7372b2p-33};
    double z = r.hi * r.hi;
    return sum(r.hi, z * r.hi * POLY(z, c) + r.lo * (1 - 0.5 * z));
}

static pair cos_near(pair r) {
    static const double c[] = {0x1.555555555554cp-5,   -0x1.6c16c16c15163p-10, 0x1.a01a019caefc0p-16,
                               -0x1.27e4f807db4ffp-22, 0x1.1ee9ea6fb5be7p-29,  -0x1.8fadd1ba16ec2p-37};
    double z = r.hi * r.hi, half = 0.5 * z, y = 1 - half;
    return sum(y, ((1 - y) - half) + (z * z * POLY(z, c) - r.hi * r.lo));
}

/* sin(a + quarters pi / 2) */
static double sin_of(angle a, unsigned quarters) {
    unsigned q = a.quarters + quarters;
    double y = (q % 2 ? cos_near(a.r) : sin_near(a.r)).hi;
    return q & 2 ? -y : y;
}

double ct_sin_f64(double x) {
    if (!isfinite(x)) return NAN;
    double y = sin_of(angle_of(fabs(x)), 0);
    return signbit(x) ? -y : y;
}

double ct_cos_f64(double x) { return isfinite(x) ? sin_of(angle_of(fabs(x)), 1) : NAN; }

double ct_tan_f64(double x) {
    if (!isfinite(x) || x == 0) return x == 0 ? x : NAN;
    angle a = angle_of(fabs(x));
    pair s = sin_near(a.r), c = cos_near(a.r), y = a.quarters % 2 ? over(c, s) : over(s, c);
    return (a.quarters % 2 != 0) != (x < 0) ? -(y.hi + y.lo) : y.hi + y.lo;
}

/* ---- atan2 ---- */
/* The smaller of two lengths over the larger is the tangent of an angle of k pi / 4 + atan(q), |q| <= tan(pi / 8), k 0
   or 1; its mirror images are those of atan(q) or -atan(q) from another k. */
double ct_atan2_f64(double y, double x) {
    static const double c[] = {-0x1.5555555555554p-2, 0x1.9999999999652p-3,  -0x1.2492492475990p-3,
                               0x1.c71c71b75b4f6p-4,  -0x1.745d14bba514bp-4, 0x1.3b136e507a5c0p-4,
                               -0x1.110c74645c958p-4, 0x1.e17218263fbe0p-5,  -0x1.ab7df5067931dp-5,
                               0x1.70ee9974324a2p-5,  -0x1.1239b8bacf07cp-5, 0x1.f1eccd923c533p-7};
    if (isnan(x) || isnan(y)) return x + y;
    double a = fmin(fabs(x), fabs(y)), b = fmax(fabs(x), fabs(y)), sign = 1;
    if (isinf(b)) a = isinf(a), b = 1;
    pair q = {b == 0 ? 0 : a / b, 0};
    int k = q.hi > 0x1.a827999fcef32p-2;
    if (q.hi > 0x1p-60) { /* else it is the angle */
        a = scale(a, -split(b, &b));
        q = k ? over(sum(a, -b), sum(b, a)) : over((pair){a, 0}, (pair){b, 0});
    }
    if (fabs(y) > fabs(x)) k = 2 - k, sign = -sign;
    if (signbit(x)) k = 4 - k, sign = -sign;
    pair all = sum(k * 0x1.921fb54442d18p-1, sign * q.hi);
    double z = q.hi * q.hi, rest = sign * (q.hi * z * POLY(z, c) + q.lo / (1 + z)) + k * 0x1.1a62633145c07p-55;
    return copysign(all.hi + (all.lo + rest), y);
}

/* ---- erf ---- */
/* erfc for a from 1/2 on: e^(-a^2) P(t) / (1 + 2a), t = (a - 4) / (a + 4). */
static double erfc_far(double a) {
    static const double c[] = {
        0x1.3ba5916e9fd7fp+0,   -0x1.1df1ad154a28ep-3,  0x1.f7f5df66fd532p-7,   0x1.16ecefcfa5312p-4,
        -0x1.9ddb23c3e7acbp-4,  0x1.7fee004e13b4ap-4,   -0x1.0fb06dfe6e8c9p-4,  0x1.3079edf649d6bp-5,
        -0x1.0962387d01af9p-6,  0x1.49c6729b345e3p-8,   -0x1.8d4aa2087208ap-11, -0x1.a1df38e1cb28bp-13,
        0x1.3be0e04cbc10cp-13,  -0x1.995656d86db9fp-16, -0x1.78a565263b9a7p-17, 0x1.7f037fa84d945p-18,
        0x1.41facd329bdecp-22,  -0x1.b8a8af7fbb9b1p-21, 0x1.1eb68bef6e41ep-24,  0x1.c0141fad926dcp-24,
        -0x1.a09d33dad7108p-27, -0x1.58b1df5d59d57p-27};
    if (a > 28) return 0;
    pair square = product(a, a);
    return exp_of((pair){-square.hi, -square.lo}) * (POLY((a - 4) / (a + 4), c) / (1 + 2 * a));
}

double ct_erf_f64(double x) {
    static const double c[] = {-0x1.812746b0379e6p-2,  0x1.ce2f21a042b13p-4,   -0x1.b82ce31282f06p-6,
                               0x1.565bcd0d20e7ap-8,   -0x1.c02db3aac9e12p-11, 0x1.f9a319041736fp-14,
                               -0x1.f4d0dd19028d8p-17, 0x1.b9cb61b55a40fp-20,  -0x1.5e277b6df0c11p-23,
                               0x1.e88f1de11cb3dp-27,  -0x1.ea11226afe333p-31};
    double z = x * x;
    if (fabs(x) < 0.84) return x + x * (0x1.06eba8214db69p-3 + z * POLY(z, c));
    return isnan(x) ? x : copysign(1 - erfc_far(fabs(x)), x);
}

double ct_erfc_f64(double x) {
    if (isnan(x)) return x;
    if (fabs(x) < 0.5) return 1 - ct_erf_f64(x);
    return x > 0 ? erfc_far(x) : 2 - erfc_far(-x);
}
