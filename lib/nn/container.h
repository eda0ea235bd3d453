/* Building modules out of lists of modules, and values that are read by name. */
#ifndef CT_NN_CONTAINER_H
#define CT_NN_CONTAINER_H
#include "nn/module.h"

extern const ct_layer ct_layer_residual;
/* A new, empty list inside a container; "" gives it no part of its own in dotted names. NULL: no memory. */
ct_module *ct_module_part_list(ct_module *m, const char *name);
/* From now on m reads the last result of `from` as its next input (NULL: it has none there), instead of what flows down
   its list. */
ct_status ct_module_read_value(ct_module *m, ct_module *from);
/* And a number as its next input, of no dimensions. */
ct_status ct_module_read_number(ct_module *m, ct_dtype dtype, double value);
/* A module whose last result is m's next one after the first, to be read by name. */
ct_status ct_module_add_output(ct_module *m, const char *name);
bool ct_same_shape(const ct_tensor *a, const ct_tensor *b);
#endif
