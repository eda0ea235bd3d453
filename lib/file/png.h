/* PNG, by libpng: any colour type, depth and interlacing, as planes of u8. For tensors there is ctorch.h. */
#ifndef CT_FILE_PNG_H
#define CT_FILE_PNG_H
#include "tensor/tensor.h"

/* Height, width, and 3 channels if the file has colour (a palette counts as colour), else 1; from the header alone. */
ct_status ct_png_size(const char *path, int64_t hwc[3]);
/* The image as c (1 or 3) planes of h x w, resized where the file has another size. For use on any thread. */
ct_status ct_png_decode(const char *path, int64_t c, int64_t h, int64_t w, unsigned char *out);
#endif
