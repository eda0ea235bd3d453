/* Rows of a layer's own struct `args`. */
#ifndef CT_NN_KEYS_H
#define CT_NN_KEYS_H
#include "base/key.h"
#include "nn/module.h"
#include <math.h>

#define CT_ROW(field, type, count, def, min, max, help) \
    { #field, CT_KEY_##type, offsetof(args, field), count, def, min, max, NULL, NULL, help }
#define CT_ROW_INT(field, def, min, max, help) CT_ROW(field, INT, 1, def, min, max, help)
/* An index of many, a negative one from the end; `none` is CT_NO_INDEX. */
#define CT_ROW_INDEX(field, help) \
    { #field, CT_KEY_INT, offsetof(args, field), 1, CT_NO_INDEX, CT_NO_INDEX + 1, -CT_NO_INDEX, "none", NULL, help }
#define CT_ROW_INTS(field, n, def, min, max, help) CT_ROW(field, INTS, n, def, min, max, help)
#define CT_ROW_FLOAT(field, def, min, max, help) CT_ROW(field, FLOAT, 1, def, min, max, help)
/* A flag that is true by default: its field no_NAME holds the opposite. */
#define CT_ROW_NOT(field, help) \
    { #field, CT_KEY_NOT, offsetof(args, no_##field), 1, 1, 0, 1, NULL, NULL, help }
#define CT_ROW_BOOL(field, help) CT_ROW(field, BOOL, 1, 0, 0, 1, help)
#define CT_ROW_DIMS(field, help) CT_ROW(field, DIMS, 1, 0, 1, 1 << 30, help)
#define CT_ROW_ENUM(field, words, help) \
    { #field, CT_KEY_ENUM, offsetof(args, field), 1, 0, 0, 0, words, NULL, help }
#define CT_REQUIRED NAN

/* A number of a layer's, all defaults filled, in an op's args, where a zero would mean the op's default. */
#define CT_GIVEN(v) ((v) != 0 ? (v) : CT_ZERO)
/* Message texts of shapes are long: what a layer wants of its input's dimensions. */
static inline ct_status ct_want_dims(const ct_module *m, const ct_layout *in, int least, int most, const char *names) {
    if (in->ndim >= least && in->ndim <= most) return CT_OK;
    return ct_fail(CT_FAIL, "%s wants an input %s, it has %d dimensions", m->layer->kind.name, names, in->ndim);
}
#endif
