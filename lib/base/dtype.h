/* Types of elements by class, and 16-bit floats: kept in a uint16_t, computed with as f32. */
#ifndef CT_BASE_DTYPE_H
#define CT_BASE_DTYPE_H
#include "ctorch.h"
#include <string.h>

#define CT_LAST_DTYPE CT_F16

static inline bool ct_is_half(ct_dtype t) { return t == CT_BF16 || t == CT_F16; }
static inline bool ct_is_float(ct_dtype t) { return t == CT_F32 || t == CT_F64 || ct_is_half(t); }
static inline bool ct_is_index(ct_dtype t) { return t == CT_I64 || t == CT_I32 || t == CT_U8; }

/* Binary digits that a float's value has. */
static inline int ct_float_digits(ct_dtype t) { return t == CT_BF16 ? 8 : t == CT_F16 ? 11 : t == CT_F32 ? 24 : 53; }

static inline float ct_float_of_bits(uint32_t bits) {
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}
static inline uint32_t ct_bits_of_float(float f) {
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return bits;
}
static inline double ct_double_of_bits(uint64_t bits) {
    double f;
    memcpy(&f, &bits, sizeof f);
    return f;
}
static inline uint64_t ct_bits_of_double(double f) {
    uint64_t bits;
    memcpy(&bits, &f, sizeof bits);
    return bits;
}

/* To f32 is exact; from it rounds to the nearest, ties to even, as IEEE 754 does. No branches: loops of these become
   vectors. */
static inline float ct_bf16_to_f32(uint16_t h) { return ct_float_of_bits((uint32_t)h << 16); }

static inline uint16_t ct_bf16_from_f32(float f) {
    uint32_t bits = ct_bits_of_float(f), nan = (bits >> 16 & 0x8000) | 0x7fc0;
    return (uint16_t)(f != f ? nan : (bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static inline float ct_f16_to_f32(uint16_t h) {
    uint32_t exponent = h >> 10 & 31, fraction = h & 1023, sign = (uint32_t)(h & 0x8000) << 16;
    uint32_t normal = (exponent == 31 ? 255 : exponent + 112) << 23 | fraction << 13;
    uint32_t small = ct_bits_of_float((float)fraction * 0x1p-24f);
    return ct_float_of_bits(sign | (exponent ? normal : small));
}

/* The last place of 0.5 is that of f16's small numbers: adding it rounds to them. */
static inline uint16_t ct_f16_from_f32(float f) {
    uint32_t bits = ct_bits_of_float(f), sign = bits >> 16 & 0x8000, size = bits & 0x7fffffff;
    uint32_t normal = (size - (112u << 23) + 0xfff + (size >> 13 & 1)) >> 13;
    uint32_t small = ct_bits_of_float(ct_float_of_bits(size) + 0.5f) - (126u << 23);
    uint32_t finite = size < 113u << 23 ? small : normal, infinite = f != f ? 0x7e00 : 0x7c00;
    return (uint16_t)(sign | (size < 143u << 23 ? finite : infinite));
}
#endif
