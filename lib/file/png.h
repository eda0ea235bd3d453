/* PNG, by libpng: any colour type, depth and interlacing, as planes of u8. For tensors there is ctorch.h. */
#ifndef CT_FILE_PNG_H
#define CT_FILE_PNG_H
#include "tensor/tensor.h"

#define CT_PNG_SIDE 16384 /* at most */
#define CT_PNG_PIXELS ((int64_t)64 << 20)

/* The image as c (1 or 3) planes of h x w, resized where the file has another size. For use on any thread. */
ct_status ct_png_decode(const char *path, int64_t c, int64_t h, int64_t w, unsigned char *out);
/* The class numbers of a mask, grey or of a palette, as they are, resized to the nearest where the file has another
   size, which becomes *own. For use on any thread. */
ct_status ct_png_mask(const char *path, int64_t h, int64_t w, int64_t own[2], unsigned char *out);
#endif
