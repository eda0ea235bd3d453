/* Decimal numbers in text: the same in every locale of the host program. */
#ifndef CT_BASE_NUMBER_H
#define CT_BASE_NUMBER_H
#include <stdbool.h>
#include <stdint.h>

/* Reads the number at the start of `s`: sign, digits with or without a point, exponent; no hex, inf or nan. Returns the
   place after it, NULL when there is none. What is too large comes as an infinity. */
const char *ct_number_read(const char *s, double *out);
/* The whole of `s` as an integer: digits, or a number as above that is integral and at most 2^53 (1e3). */
typedef enum ct_number_fit { CT_NUMBER_FITS, CT_NUMBER_NONE, CT_NUMBER_FRACTION, CT_NUMBER_TOO_LARGE } ct_number_fit;
ct_number_fit ct_number_int(const char *s, int64_t *out);

/* As "512 B", "18.8 MB"; a kB is 1000 B. */
void ct_bytes_text(double bytes, char out[24]);

/* Of counts, none negative; INT64_MAX: that or more. */
static inline int64_t ct_count_add(int64_t a, int64_t b) {
    int64_t y;
    return __builtin_add_overflow(a, b, &y) ? INT64_MAX : y;
}
static inline int64_t ct_count_mul(int64_t a, int64_t b) {
    int64_t y;
    return __builtin_mul_overflow(a, b, &y) ? INT64_MAX : y;
}
#endif
