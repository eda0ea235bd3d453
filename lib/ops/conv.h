/* What convolutions of images and volumes share: their sizes. */
#ifndef CT_OPS_CONV_H
#define CT_OPS_CONV_H
#include "ops/ops.h"

/* Arguments of a convolution with 2 or 3 sides. */
typedef struct ct_conv {
    const char *op;
    int dims;
    const int64_t *stride, *padding, *dilation;
    int64_t groups;
} ct_conv;

/* Sizes of the result for x (N, C, H, W) and weight (O, C / groups, KH, KW), or with a depth before the height. */
ct_status ct_conv_sizes(const ct_conv *c, const ct_layout *x, const ct_layout *w, int64_t *size);
/* x as a batch of one, where it has none (*alone); and a result without that batch again. */
ct_tensor *ct_conv_batch(const ct_conv *c, ct_tensor *x, bool *alone);
ct_tensor *ct_conv_unbatch(ct_tensor *y, bool alone);
/* x for a padding in numbers, which replace `same` and `valid` in padding[]: with one more at the end of sides where an
   odd number keeps the size. */
ct_tensor *ct_conv_padded(const ct_conv *c, ct_tensor *x, const ct_tensor *weight, int64_t *padding);
/* The gradient of a 3-d convolution's input, of the shape `size`, from x, that of its result. */
ct_tensor *ct_conv3d_back(const ct_conv *c, ct_tensor *x, ct_tensor *weight, const ct_dims *size);
#endif
