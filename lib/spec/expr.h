/* Arithmetic in a spec's values: numbers, $names, + - * / // % and parentheses. Nothing else is evaluated. */
#ifndef CT_SPEC_EXPR_H
#define CT_SPEC_EXPR_H
#include "base/error.h"

typedef struct ct_number {
    double value;
    bool is_int;
} ct_number;
/* The value of $name; false where there is none or it is no number (`why` then says so, if given). */
typedef bool (*ct_expr_lookup)(void *ctx, const char *name, size_t len, ct_number *out);

/* Integers stay integers under + - * // %; / gives one where it divides without a rest. False with a reason in *why, a
   static text or one of 128 bytes in `room`. */
bool ct_expr_eval(const char *text, ct_expr_lookup lookup, void *ctx, ct_number *out, char room[128]);
#endif
