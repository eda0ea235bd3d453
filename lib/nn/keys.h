/* Rows of a layer's own struct `args`. */
#ifndef CT_NN_KEYS_H
#define CT_NN_KEYS_H
#include "base/key.h"
#include "nn/module.h"
#include <math.h>

#define CT_ROW(field, type, count, def, min, max, help)                                                                \
    {#field, CT_KEY_##type, offsetof(args, field), count, def, min, max, NULL, NULL, help}
#define CT_ROW_INT(field, def, min, max, help) CT_ROW(field, INT, 1, def, min, max, help)
#define CT_ROW_INTS(field, n, def, min, max, help) CT_ROW(field, INTS, n, def, min, max, help)
#define CT_ROW_FLOAT(field, def, min, max, help) CT_ROW(field, FLOAT, 1, def, min, max, help)
/* A flag that is true by default: its field no_NAME holds the opposite. */
#define CT_ROW_NOT(field, help) {#field, CT_KEY_NOT, offsetof(args, no_##field), 1, 1, 0, 1, NULL, NULL, help}
#define CT_REQUIRED NAN
#endif
