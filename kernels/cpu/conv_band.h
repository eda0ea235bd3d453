/* Bands: some rows of an image with its padding around them, so that windows are read where they lie, and no pixel's is
   copied. */
#ifndef CT_KERNELS_CPU_CONV_BAND_H
#define CT_KERNELS_CPU_CONV_BAND_H
#include "kernels/cpu/conv.h"
#include "kernels/cpu/layout.h"
#include <string.h>

#define BAND_FLOATS 8192 /* at a time: they stay in the first-level cache */
#define BAND_MAX (1 << 22)

typedef struct conv_band {
    int64_t image[2], c;         /* the image's sizes */
    int64_t windows[2];          /* how many there are */
    int64_t origin[2];           /* where the first one starts, in the image; negative in the padding */
    int64_t stride[2], reach[2]; /* pixels from a window to the next; that one spans */
    int64_t width, rows, bands;  /* floats of a band's row; rows of windows in a band; bands of an image */
    int64_t room;                /* floats of a band: none where all windows lie inside, and so in the image itself */
} conv_band;

/* Bands of at most `most` rows of windows of x, or of CONV_DX (of stride 1) of g. */
static inline conv_band band_of(const conv_problem *p, int64_t most) {
    bool dx = p->pass == CONV_DX, inside = true;
    int64_t x[2] = {p->h, p->w}, y[2] = {p->oh, p->ow};
    conv_band b = {.c = dx ? p->o : p->c};
    for (int d = 0; d < 2; d++) {
        b.image[d] = dx ? y[d] : x[d], b.windows[d] = dx ? x[d] : y[d];
        b.stride[d] = dx ? 1 : p->stride[d], b.reach[d] = (p->kernel[d] - 1) * p->dilation[d] + 1;
        b.origin[d] = dx ? p->padding[d] + 1 - b.reach[d] : -p->padding[d];
        int64_t end = b.origin[d] + (b.windows[d] - 1) * b.stride[d] + b.reach[d];
        inside = inside && b.origin[d] >= 0 && end <= b.image[d];
    }
    b.width = (inside ? b.image[1] : (b.windows[1] - 1) * b.stride[1] + b.reach[1]) * b.c;
    int64_t first = b.reach[0] * b.width, more = b.stride[0] * b.width;
    b.rows = CT_MIN(CT_MIN(CT_MAX((BAND_FLOATS - first) / more + 1, 1), b.windows[0]), CT_MAX(most, 1));
    b.bands = div_up_i64(b.windows[0], b.rows);
    b.room = inside ? 0 : round_up_i64(first + (b.rows - 1) * more, 16);
    return b;
}

/* Whether places in a band fit into 32 bits. */
static inline bool band_fits(const conv_band *b) { return b->reach[0] * b->width <= BAND_MAX; }

/* Where float k of a window, of those of C channels one after the other, lies from its first; the last one first of
   CONV_DX, which turns windows round. */
static inline int32_t band_place(const conv_problem *p, const conv_band *b, int64_t c, int64_t tap) {
    int64_t taps = p->kernel[0] * p->kernel[1], t = p->pass == CONV_DX ? taps - 1 - tap : tap;
    int64_t y = t / p->kernel[1] * p->dilation[0], x = t % p->kernel[1] * p->dilation[1];
    return (int32_t)(y * b->width + x * b->c + c);
}

/* Windows of `rows` rows from `first` on of image i: the first one's first float. */
static inline const float *band_read(const conv_band *b, const float *images, int64_t i, int64_t first, int64_t rows,
                                     float *room) {
    int64_t top = first * b->stride[0] + b->origin[0], line = b->image[1] * b->c;
    const float *image = images + i * b->image[0] * line;
    if (!b->room) return image + top * line + b->origin[1] * b->c;
    int64_t height = (rows - 1) * b->stride[0] + b->reach[0];
    int64_t skip = CT_MAX(b->origin[1], 0) * b->c, left = CT_MIN(CT_MAX(-b->origin[1], 0) * b->c, b->width);
    int64_t some = CT_MAX(CT_MIN(line - skip, b->width - left), 0);
    float *to = room;
    for (int64_t y = top; y < top + height; y++, to += b->width) {
        bool inside = y >= 0 && y < b->image[0];
        memset(to, 0, (size_t)(inside ? left : b->width) * sizeof *to);
        if (!inside) continue;
        memcpy(to + left, image + y * line + skip, (size_t)some * sizeof *to);
        memset(to + left + some, 0, (size_t)(b->width - left - some) * sizeof *to);
    }
    return room;
}
#endif
