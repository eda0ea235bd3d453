#include "base/number.h"
#include "base/error.h"
#include <ctype.h>
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const char *skip_digits(const char *s) {
    while (isdigit((unsigned char)*s)) s++;
    return s;
}

static const char *skip_sign(const char *s) { return s + (*s == '-' || *s == '+'); }

/* The place after a number, NULL when there is none. */
static const char *number_end(const char *s) {
    const char *whole = skip_sign(s), *p = skip_digits(whole);
    bool digits = p > whole;
    if (*p == '.') {
        const char *fraction = p + 1;
        p = skip_digits(fraction);
        digits = digits || p > fraction;
    }
    if (!digits) return NULL;
    if (*p == 'e' || *p == 'E') {
        const char *exponent = skip_sign(p + 1), *end = skip_digits(exponent);
        if (end > exponent) p = end;
    }
    return p;
}

const char *ct_number_read(const char *s, double *out) {
    const char *end = number_end(s);
    locale_t c = end ? newlocale(LC_ALL_MASK, "C", (locale_t)0) : (locale_t)0;
    if (!c) return NULL;
    char *stop;
    *out = strtod_l(s, &stop, c);
    if (stop > end) *out = 0; /* 0x10: the number 0, then an x */
    freelocale(c);
    return end;
}

ct_number_fit ct_number_int(const char *s, int64_t *out) {
    double v;
    const char *end = ct_number_read(s, &v), *digits = skip_sign(s);
    if (!end || *end) return CT_NUMBER_NONE;
    if (!*skip_digits(digits)) {
        errno = 0;
        *out = strtoll(s, NULL, 10);
        return errno ? CT_NUMBER_TOO_LARGE : CT_NUMBER_FITS;
    }
    if (fabs(v) > 0x1p53) return CT_NUMBER_TOO_LARGE;
    if (v != trunc(v)) return CT_NUMBER_FRACTION;
    *out = (int64_t)v;
    return CT_NUMBER_FITS;
}

void ct_bytes_text(double bytes, char out[24]) {
    static const char *const unit[] = {"B", "kB", "MB", "GB"};
    int u = 0;
    for (; bytes >= 1000 && u + 1 < CT_COUNT(unit); u++) bytes /= 1000;
    snprintf(out, 24, "%.*f %s", u ? 1 : 0, bytes, unit[u]);
}
