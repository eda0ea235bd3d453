/* A picture in memory, to be a PNG. */
#ifndef CT_CMD_PICTURE_H
#define CT_CMD_PICTURE_H
#include "cmd/cmd.h"

typedef struct ct_picture {
    int64_t width, height;
    unsigned char *plane; /* three, of red, green and blue */
} ct_picture;
/* A square of `side` pixels of one colour. */
void ct_picture_fill(ct_picture *p, int64_t x, int64_t y, int64_t side, const unsigned char colour[3]);

/* ---- font.c ---- */
#define CT_FONT_HEIGHT 7 /* pixels at scale 1 */
int ct_font_width(const char *text, int scale);
/* In black, as many characters as fit into `width`. */
void ct_font_draw(ct_picture *p, int64_t x, int64_t y, int scale, const char *text, int64_t width);
#endif
