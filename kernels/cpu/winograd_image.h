/* Images cut into tiles, by Winograd's algorithm: where each lies, and copies of those that do not fill vectors. */
#ifndef CT_KERNELS_CPU_WINOGRAD_IMAGE_H
#define CT_KERNELS_CPU_WINOGRAD_IMAGE_H
#include "kernels/cpu/conv.h"
#include "kernels/cpu/layout.h"
#include "kernels/cpu/winograd_tile.h"
#include <string.h>

/* An image that is cut into tiles, and the first tile's place in it. */
typedef struct tiling {
    int64_t h, w, c;           /* its sizes */
    int64_t top, left;         /* of tile (0, 0) */
    int64_t size, step;        /* of a tile; from one to the next */
    int64_t rows, columns;     /* of tiles in the image */
    int64_t padded, ld, plane; /* channels rounded up; a row of its matrices; from one matrix to the next */
    int64_t floats;            /* of a tile's share of the image, nearly */
} tiling;

static tiling tiling_of(int64_t h, int64_t w, int64_t c, int64_t top, int64_t left, int64_t size, int64_t step) {
    int64_t padded = round_up_i64(c, 16);
    int64_t ld = padded + (padded >= 64 ? 16 : 0);
    return (tiling){h, w, c, top, left, size, step, .padded = padded, .ld = ld};
}

/* Where a tile starts in its image; the part of it that lies inside. */
typedef struct tile_place {
    int64_t at; /* of element (0, 0), which may be outside */
    inside part;
    bool whole, staged; /* all of it lies inside; its channels do not fill vectors */
} tile_place;

/* The place of tiles of an image one after the other: of one, and of that after it. */
typedef struct tile_walk {
    int64_t image, row, column;
} tile_walk;

static tile_walk walk_from(const tiling *t, int64_t tile) {
    int64_t row = tile / t->columns;
    return (tile_walk){row / t->rows, row % t->rows, tile % t->columns};
}

static void walk_on(const tiling *t, tile_walk *w) {
    if (++w->column < t->columns) return;
    w->column = 0;
    if (++w->row < t->rows) return;
    w->row = 0, w->image++;
}

CT_INLINE tile_place place_of(const tile_walk *w, const tiling *t) {
    int64_t x = w->column * t->step + t->left, y = w->row * t->step + t->top;
    inside part = {CT_MAX(-y, 0), CT_MIN(t->h - y, t->size), CT_MAX(-x, 0), CT_MIN(t->w - x, t->size)};
    bool whole = part.y0 == 0 && part.x0 == 0 && part.y1 == t->size && part.x1 == t->size;
    return (tile_place){((w->image * t->h + y) * t->w + x) * t->c, part, whole, t->c != t->padded};
}

/* A tile whose channels do not fill vectors is copied, with zeros around it. */
static void stage_in(const tiling *t, const inside *p, const float *tile, float *stage) {
    memset(stage, 0, (size_t)(t->size * t->size * t->padded) * sizeof *stage);
    for (int64_t y = p->y0; y < p->y1; y++)
        for (int64_t x = p->x0; x < p->x1; x++)
            memcpy(stage + (y * t->size + x) * t->padded, tile + (y * t->w + x) * t->c, (size_t)t->c * sizeof *stage);
}

static void stage_out(const tiling *t, const inside *p, const float *stage, float *tile) {
    for (int64_t y = p->y0; y < p->y1; y++)
        for (int64_t x = p->x0; x < p->x1; x++)
            memcpy(tile + (y * t->w + x) * t->c, stage + (y * t->size + x) * t->padded, (size_t)t->c * sizeof *stage);
}
#endif
