/* A batch as a picture: a grid of images, masks beside them, labels below. */
#include "cmd/picture.h"
#include "cmd/show.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 64, LEAST_SIDE = 96, WIDEST = 8192, GAP = 8 }; /* images; pixels of one, of the picture, between two */

void ct_picture_fill(ct_picture *p, int64_t x, int64_t y, int64_t side, const unsigned char colour[3]) {
    for (int c = 0; c < 3; c++)
        for (int64_t row = y; row < y + side && row < p->height; row++)
            for (int64_t column = x; column < x + side && column < p->width; column++)
                p->plane[(c * p->height + row) * p->width + column] = colour[c];
}

typedef struct grid {
    const ct_batch_report *batch;
    int64_t n, columns, rows, h, w;  /* samples and how they stand; an image's pixels */
    int64_t scale, cell, line, text; /* of its pixels; a sample's width and height; a label's scale, 0: there is none */
} grid;

static void draw_image(const grid *g, ct_picture *p, int64_t i, int64_t x, int64_t y) {
    int64_t C = ct_size(g->batch->images, 1), plane = g->h * g->w;
    const unsigned char *from = (const unsigned char *)ct_data(g->batch->images) + i * C * plane;
    for (int64_t at = 0; at < plane; at++) {
        unsigned char colour[3];
        for (int c = 0; c < 3; c++) colour[c] = from[(C == 3 ? c : 0) * plane + at];
        ct_picture_fill(p, x + at % g->w * g->scale, y + at / g->w * g->scale, g->scale, colour);
    }
}

/* What no class is, is white. */
static void draw_mask(const grid *g, ct_picture *p, int64_t i, int64_t x, int64_t y) {
    const int64_t *from = (const int64_t *)ct_data(g->batch->masks) + i * g->h * g->w;
    for (int64_t at = 0; at < g->h * g->w; at++) {
        unsigned char colour[3] = {255, 255, 255};
        if (from[at] >= 0) ct_mask_colour((int)(from[at] % 256), colour);
        ct_picture_fill(p, x + at % g->w * g->scale, y + at / g->w * g->scale, g->scale, colour);
    }
}

static grid arrange(const ct_batch_report *b) {
    grid g = {.batch = b, .h = ct_size(b->images, 2), .w = ct_size(b->images, 3), .text = 0};
    int64_t side = g.h > g.w ? g.h : g.w;
    g.scale = side < LEAST_SIDE ? (LEAST_SIDE + side - 1) / side : 1;
    g.cell = g.w * g.scale * (b->masks ? 2 : 1) + GAP;
    g.n = b->n < MOST ? b->n : MOST;
    for (int64_t i = 0; i < g.n; i++)
        if (*b->label[i] && g.text != 1) g.text = ct_font_width(b->label[i], 2) > g.cell ? 1 : 2;
    g.line = g.h * g.scale + GAP + (g.text ? CT_FONT_HEIGHT * g.text + GAP / 2 : 0);
    int64_t most = WIDEST / g.cell, rows = WIDEST / g.line;
    g.columns = (int64_t)ceil(sqrt((double)g.n));
    if (g.columns > most) g.columns = most > 0 ? most : 1;
    g.rows = (g.n + g.columns - 1) / g.columns;
    if (g.rows > rows) g.rows = rows > 0 ? rows : 1;
    if (g.n > g.rows * g.columns) g.n = g.rows * g.columns;
    return g;
}

static ct_status write_picture(const char *path, const ct_picture *p) {
    ct_scope *scope = ct_scope_open();
    ct_status status = ct_image_write(path, ct_from(CT_U8, CT_DIMS(3, p->height, p->width), p->plane));
    ct_status closed = ct_scope_close(scope);
    return ct_say_error(status ? status : closed);
}

static ct_status draw(const char *path, const ct_batch_report *b) {
    grid g = arrange(b);
    ct_picture p = {g.columns * g.cell + GAP, g.rows * g.line + GAP, NULL};
    p.plane = ct_cmd_alloc(3 * (size_t)p.width, (size_t)p.height);
    memset(p.plane, 255, 3 * (size_t)(p.width * p.height));
    for (int64_t i = 0; i < g.n; i++) {
        int64_t x = GAP + i % g.columns * g.cell, y = GAP + i / g.columns * g.line;
        draw_image(&g, &p, i, x, y);
        if (b->masks) draw_mask(&g, &p, i, x + g.w * g.scale, y);
        if (g.text) ct_font_draw(&p, x, y + g.h * g.scale + GAP / 2, (int)g.text, b->label[i], g.cell);
    }
    ct_status status = write_picture(path, &p);
    free(p.plane);
    return status;
}

/* Samples of a text one after another. */
static ct_status write_texts(const char *path, const ct_batch_report *b) {
    ct_output out;
    ct_status status = ct_output_open(path, &out);
    if (status) return status;
    for (int64_t i = 0; i < b->n; i++) {
        if (i) fputs("---------------\n", out.f);
        fprintf(out.f, "%s\n", b->label[i]);
    }
    return ct_output_close(&out, CT_OK);
}

ct_status ct_show_batch_file(const char *path, const ct_batch_report *b) {
    return (b->images ? draw : write_texts)(path, b);
}
