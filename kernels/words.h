/* The words of pointwise.def as C on a type: W(add) is add_f32 where CT_T is f32. Each argument is evaluated once.
   Math functions (exp_f32, ...) come from the includer: base/math.h's in kernels/ref, vectorisable ones in kernels/cpu.
 */
#ifndef CT_KERNELS_WORDS_H
#define CT_KERNELS_WORDS_H
#include <math.h>
#include <stdint.h>
#define WORD_PASTE_(a, b) a##_##b
#define WORD_PASTE(a, b) WORD_PASTE_(a, b)
#define W(word) WORD_PASTE(word, CT_T)

typedef float f32;
typedef double f64;
typedef int64_t i64;
typedef int32_t i32;
typedef unsigned char u8;
#define WORD static inline __attribute__((always_inline, unused))

/* Words of every type; integers wrap, as PyTorch's do. */
#define WORDS(T, wide)                                          \
    WORD T add_##T(T a, T b) { return (T)((wide)a + (wide)b); } \
    WORD T sub_##T(T a, T b) { return (T)((wide)a - (wide)b); } \
    WORD T mul_##T(T a, T b) { return (T)((wide)a * (wide)b); } \
    WORD T neg_##T(T a) { return (T)(-(wide)a); }               \
    WORD int lt_##T(T a, T b) { return a < b; }                 \
    WORD int le_##T(T a, T b) { return a <= b; }                \
    WORD int gt_##T(T a, T b) { return a > b; }                 \
    WORD int ge_##T(T a, T b) { return a >= b; }                \
    WORD int eq_##T(T a, T b) { return a == b; }                \
    WORD int ne_##T(T a, T b) { return a != b; }                \
    WORD T where_##T(int c, T a, T b) { return c ? a : b; }
#define WHOLE_WORDS(T)                  \
    WORD T floor_##T(T a) { return a; } \
    WORD T ceil_##T(T a) { return a; }  \
    WORD T round_##T(T a) { return a; }
#define SIGNED_WORDS(T)                                    \
    WORD T abs_##T(T a) { return a < 0 ? neg_##T(a) : a; } \
    WORD T sign_##T(T a) { return (T)((a > 0) - (a < 0)); }
/* Of integers: what is left of a division, with a's sign, and its quotient, rounded down; by 0 both are 0. */
#define DIVISION_WORDS(T)                                               \
    WORD T fmod_##T(T a, T b) { return b == 0 || b == -1 ? 0 : a % b; } \
    WORD T floordiv_##T(T a, T b) {                                     \
        if (b == 0 || b == -1) return b ? neg_##T(a) : 0;               \
        return a / b - ((a < 0) != (b < 0) && a % b != 0);              \
    }
/* Of integers; with a negative exponent what is left of the fraction. */
#define POWER_WORD(T)                                                                \
    WORD T pow_##T(T a, T b) {                                                       \
        T y = 1;                                                                     \
        if (lt_##T(b, 0)) return a == 1 || a == (T)-1 ? (T)(b & 1 ? a : 1) : 0;      \
        for (; b; b = (T)(b >> 1), a = mul_##T(a, a)) y = b & 1 ? mul_##T(y, a) : y; \
        return y;                                                                    \
    }
WORDS(i64, uint64_t)
WORDS(i32, uint32_t)
WORDS(u8, uint32_t)
SIGNED_WORDS(i64)
SIGNED_WORDS(i32)
WHOLE_WORDS(i64)
WHOLE_WORDS(i32)
WHOLE_WORDS(u8)
DIVISION_WORDS(i64)
DIVISION_WORDS(i32)
POWER_WORD(i64)
POWER_WORD(i32)
POWER_WORD(u8)
WORD u8 abs_u8(u8 a) { return a; }
WORD u8 sign_u8(u8 a) { return a > 0; }
WORD u8 fmod_u8(u8 a, u8 b) { return b ? a % b : 0; }
WORD u8 floordiv_u8(u8 a, u8 b) { return b ? a / b : 0; }
WORD i64 num_i64(double v) { return v >= 0x1p63 ? INT64_MAX : v >= -0x1p63 ? (i64)v : INT64_MIN; }
WORD i32 num_i32(double v) { return v >= INT32_MAX ? INT32_MAX : v >= INT32_MIN ? (i32)v : INT32_MIN; }
WORD u8 num_u8(double v) { return v >= 255 ? 255 : v >= 0 ? (u8)v : 0; }
/* Of a whole number, the low bits: what is added to an integer, or multiplies it, wraps as the result does. */
WORD i64 wrap_i64(double v) { return num_i64(v); }
WORD i32 wrap_i32(double v) { return (i32)num_i64(v); }
WORD u8 wrap_u8(double v) { return (u8)num_i64(v); }

#define FLOAT_WORDS(T, s)                                                                  \
    WORDS(T, T) SIGNED_WORDS(T) WORD T num_##T(double v) { return (T)v; }                  \
    WORD T wrap_##T(double v) { return (T)v; }                                             \
    WORD T div_##T(T a, T b) { return a / b; }                                             \
    WORD T sqrt_##T(T a) { return __builtin_sqrt##s(a); }                                  \
    WORD T floor_##T(T a) { return __builtin_floor##s(a); }                                \
    WORD T ceil_##T(T a) { return __builtin_ceil##s(a); }                                  \
    WORD T round_##T(T a) { return __builtin_rint##s(a); }                                 \
    WORD T fmod_##T(T a, T b) { return fmod##s(a, b); }                                    \
    WORD T floordiv_##T(T a, T b) {                                                        \
        T rest = fmod##s(a, b), whole = (a - rest) / b;                                    \
        return b == 0 ? a / b : round_##T(whole - (rest != 0 && (rest < 0) != (b < 0)));   \
    }                                                                                      \
    WORD T sigmoid_##T(T a) { return 1 / (1 + exp_##T(-a)); }                              \
    WORD T softplus_##T(T a) { return (a > 0 ? a : 0) + log1p_##T(exp_##T(-abs_##T(a))); } \
    WORD T gelu_inner_##T(T a) { return (T)0.7978845608028654 * (a + (T)0.044715 * a * a * a); }
#define MATH_WORDS(T)                                                                              \
    WORD T exp_##T(T a) { return (T)ct_exp_f64((double)a); }                                       \
    WORD T expm1_##T(T a) { return (T)ct_expm1_f64((double)a); }                                   \
    WORD T log_##T(T a) { return (T)ct_log_f64((double)a); }                                       \
    WORD T log1p_##T(T a) { return (T)ct_log1p_f64((double)a); }                                   \
    WORD T pow_##T(T a, T b) { return (T)ct_pow_f64((double)a, (double)b); }                       \
    WORD T sin_##T(T a) { return (T)ct_sin_f64((double)a); }                                       \
    WORD T cos_##T(T a) { return (T)ct_cos_f64((double)a); }                                       \
    WORD T atan2_##T(T a, T b) { return (T)ct_atan2_f64((double)a, (double)b); }                   \
    WORD T tanh_##T(T a) { return (T)ct_tanh_f64((double)a); }                                     \
    WORD T erf_##T(T a) { return (T)ct_erf_f64((double)a); }                                       \
    WORD T normal_cdf_##T(T a) { return (T)(0.5 * ct_erfc_f64(-0.7071067811865476 * (double)a)); } \
    WORD T normal_pdf_##T(T a) { return (T)(0.3989422804014327 * ct_exp_f64(-0.5 * (double)a * (double)a)); }

#define ADD W(add)
#define SUB W(sub)
#define MUL W(mul)
#define DIV W(div)
#define NEG W(neg)
#define ABS W(abs)
#define SIGN W(sign)
#define SQRT W(sqrt)
#define FLOOR W(floor)
#define CEIL W(ceil)
#define ROUND W(round)
#define FMOD W(fmod)
#define FLOORDIV W(floordiv)
#define EXP W(exp)
#define EXPM1 W(expm1)
#define LOG W(log)
#define LOG1P W(log1p)
#define SIN W(sin)
#define COS W(cos)
#define TANH W(tanh)
#define ERF W(erf)
#define NORMAL_CDF W(normal_cdf)
#define NORMAL_PDF W(normal_pdf)
#define POW W(pow)
#define ATAN2 W(atan2)
#define SIGMOID W(sigmoid)
#define SOFTPLUS W(softplus)
#define GELU_INNER W(gelu_inner)
#define LT W(lt)
#define LE W(le)
#define GT W(gt)
#define GE W(ge)
#define EQ W(eq)
#define NE W(ne)
#define AND(p, q) ((p) & (q))
#define OR(p, q) ((p) | (q))
#define WHERE W(where)
#define K(v) W(num)(v)
#define ZERO W(num)(0)
#define ONE W(num)(1)
#define P(field) W(num)(p->field)
#define WRAP(field) W(wrap)(p->field)
#endif
