/* Antialiased bilinear resize of u8 planes: across, then down, with the numbers of Image.resize(size, BILINEAR) of
   Pillow up to 12 (13 goes down first for some sizes, and differs by 1 here and there). */
#ifndef CT_FILE_RESIZE_H
#define CT_FILE_RESIZE_H
#include "base/error.h"

/* c planes of h x w into c planes of out_h x out_w; all sizes at least 1. */
ct_status ct_resize_u8(const unsigned char *in, int64_t c, int64_t h, int64_t w, unsigned char *out, int64_t out_h,
                       int64_t out_w);
/* One plane to another size, each place as the input's nearest to its middle: Pillow's NEAREST. */
void ct_resize_nearest(const unsigned char *in, int64_t h, int64_t w, unsigned char *out, int64_t out_h, int64_t out_w);
#endif
