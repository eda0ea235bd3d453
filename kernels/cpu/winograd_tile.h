/* Winograd's transforms for 4 x 4 outputs of a 3 x 3 convolution (Lavin and Gray, "Fast algorithms for convolutional
   neural networks", 2016), points 0, 1, -1, 2, -2, infinity: a vector of channels at a time. Each is one linear map of
   a row of numbers, applied to the columns of a square, then to its rows.
   Of stride 2: x's elements 0, 2, 4, 6, 8 meet taps 0 and 2, by points 0, 1, -1, 2, infinity; elements 1, 3, 5, 7 meet
   tap 1 alone, multiplied as they are: 9 products for 4 outputs, not 12. */
#ifndef CT_KERNELS_CPU_WINOGRAD_TILE_H
#define CT_KERNELS_CPU_WINOGRAD_TILE_H
#include "kernels/cpu/simd.h"
#include <stdbool.h>

typedef void map_fn(const vf *x, vf *y);

CT_INLINE vf times(float a, vf x) { return vset(a) * x; }
CT_INLINE vf plus(vf x, float a, vf y) { return vfma(vset(a), y, x); } /* x + a y */

CT_INLINE void map_input(const vf *x, vf *y) { /* 6 to 6 */
    vf p = plus(x[4], -4, x[2]), q = plus(x[3], -4, x[1]), r = x[4] - x[2], s = x[3] - x[1];
    y[0] = plus(r, 4, x[0] - x[2]);
    y[1] = p + q, y[2] = p - q;
    y[3] = plus(r, 2, s), y[4] = plus(r, -2, s);
    y[5] = plus(x[5] - x[3], -4, s);
}
CT_INLINE void map_output(const vf *x, vf *y) { /* 6 to 4 */
    vf p = x[1] + x[2], q = x[1] - x[2], r = x[3] + x[4], s = x[3] - x[4];
    y[0] = x[0] + p + r, y[1] = plus(q, 2, s), y[2] = plus(p, 4, r), y[3] = plus(q, 8, s) + x[5];
}
CT_INLINE void map_gradient(const vf *x, vf *y) { /* 4 to 6: map_output, transposed */
    vf p = x[0] + x[2], q = x[1] + x[3], r = plus(x[0], 4, x[2]), s = plus(times(2, x[1]), 8, x[3]);
    y[0] = x[0], y[1] = p + q, y[2] = p - q, y[3] = r + s, y[4] = r - s, y[5] = x[3];
}
CT_INLINE void map_weight(const vf *x, vf *y) { /* 3 to 6 */
    vf p = times(-1.0f / 6, x[0] + x[2]), q = times(1.0f / 6, x[1]);
    vf r = plus(times(1.0f / 24, x[0]), 1.0f / 6, x[2]), s = times(1.0f / 12, x[1]);
    y[0] = times(0.25f, x[0]), y[1] = p - q, y[2] = p + q, y[3] = r + s, y[4] = r - s, y[5] = x[2];
}
CT_INLINE void map_weight_back(const vf *x, vf *y) { /* 6 to 3: map_weight, transposed */
    vf p = x[1] + x[2], r = x[3] + x[4];
    y[0] = plus(plus(times(0.25f, x[0]), -1.0f / 6, p), 1.0f / 24, r);
    y[1] = plus(times(1.0f / 6, x[2] - x[1]), 1.0f / 12, x[3] - x[4]);
    y[2] = plus(x[5], 1.0f / 6, r - p);
}

/* ---- stride 2: five points, then four that are multiplied as they are ---- */

CT_INLINE void map_five(vf a, vf b, vf c, vf d, vf e, vf *y) {
    vf p = d - c, q = d - b;
    y[0] = plus(q, 2, a - c), y[1] = plus(p, -2, b), y[2] = plus(p, 2, b - c), y[3] = q, y[4] = plus(e - c, -2, q);
}
CT_INLINE void map_input_2(const vf *x, vf *y) { /* 9 to 9 */
    map_five(x[0], x[2], x[4], x[6], x[8], y);
    CT_EACH(i, 4) y[5 + i] = x[2 * i + 1];
}
CT_INLINE void map_back_2(const vf *x, vf *y) { /* 5 to 9: of g, for the gradient of x */
    map_five(x[0], x[1], x[2], x[3], x[4], y);
    CT_EACH(i, 4) y[5 + i] = x[i];
}
CT_INLINE void map_four(const vf *x, vf *y) { /* 5 to 4 */
    vf p = x[1] + x[2], q = x[1] - x[2];
    y[0] = x[0] + p + x[3], y[1] = plus(q, 2, x[3]), y[2] = plus(p, 4, x[3]), y[3] = plus(q, 8, x[3]) + x[4];
}
CT_INLINE void map_output_2(const vf *x, vf *y) { /* 9 to 4 */
    map_four(x, y);
    CT_EACH(i, 4) y[i] += x[5 + i];
}
CT_INLINE void map_back_output_2(const vf *x, vf *y) { /* 9 to 8: tap 1 makes the even ones */
    vf odd[4];
    map_four(x, odd);
    CT_EACH(i, 4) y[2 * i] = x[5 + i], y[2 * i + 1] = odd[i];
}
CT_INLINE void map_gradient_2(const vf *x, vf *y) { /* 4 to 9: map_output_2, transposed */
    vf p = x[0] + x[2], q = x[1] + x[3];
    y[0] = x[0], y[1] = p + q, y[2] = p - q, y[4] = x[3];
    y[3] = plus(plus(x[0], 4, x[2]), 2, plus(x[1], 4, x[3]));
    CT_EACH(i, 4) y[5 + i] = x[i];
}
CT_INLINE void map_weight_2(const vf *x, vf *y) { /* 3 to 6: the last is all four's */
    y[0] = times(0.5f, x[0]), y[1] = times(-0.5f, x[0] + x[2]), y[2] = times(1.0f / 6, x[2] - x[0]);
    y[3] = times(1.0f / 6, plus(x[0], 2, x[2])), y[4] = x[2], y[5] = x[1];
}
CT_INLINE void map_weight_back_2(const vf *x, vf *y) { /* 6 to 3: map_weight_2, transposed */
    vf p = times(0.5f, x[1]);
    y[0] = plus(plus(times(0.5f, x[0]), 1.0f / 6, x[3] - x[2]), -1, p), y[1] = x[5];
    y[2] = plus(plus(x[4] - p, 1.0f / 6, x[2]), 1.0f / 3, x[3]);
}

/* The compiler forgets where `p` came from, and so keeps one pointer that moves, not 36 that it spills. */
#define LAUNDER(p) __asm__("" : "+r"(p))

/* y (m x m) = map of x (n x n), its columns, then its rows. */
CT_INLINE void map_square(map_fn *map, const int n, const int m, const vf *x, vf *y) {
    vf t[36], column[6], mapped[6];
    CT_EACH(j, n) {
        CT_EACH(i, n) column[i] = x[i * n + j];
        map(column, mapped);
        CT_EACH(i, m) t[i * n + j] = mapped[i];
    }
    CT_EACH(i, m) map(t + i * n, y + i * m);
}

/* The part of a square that lies inside its image: rows [y0, y1), columns [x0, x1). */
typedef struct inside {
    int64_t y0, y1, x0, x1;
} inside;

CT_INLINE bool is_inside(const inside *part, int i, int j) {
    return !part || (i >= part->y0 && i < part->y1 && j >= part->x0 && j < part->x1);
}

/* A square in memory: a pointer to each of its rows, to zeros where a row is not there; columns [x0, x1) are there. */
typedef struct square {
    const float *rows[9];
    int64_t column, x0, x1; /* column: from one element of a row to the next */
} square;

/* From memory: element (i, j) of `from`, `at` floats on; results, plus `bias`'s where that is given, at
   y + i * to_row + j * to, inside `into`, NULL for all; streamed or stored. */
CT_INLINE void map_memory(map_fn *map, const int n, const int m, const square *from, int64_t at, float *y,
                          int64_t to_row, int64_t to, const inside *into, const float *bias, const bool stream) {
    vf t[36], in[6], out[6];
    CT_EACH(j, n) {
        if (j >= from->x0 && j < from->x1) {
            CT_EACH(i, n) in[i] = vload(from->rows[i] + at);
            map(in, out);
        } else
            CT_EACH(i, m) out[i] = (vf){0};
        CT_EACH(i, m) t[i * n + j] = out[i];
        at += from->column;
    }
    CT_EACH(i, m) {
        float *p = y;
        map(t + i * n, out);
        CT_EACH(j, m) {
            if (bias) out[j] += vload(bias);
            if (stream)
                vstream(p, out[j]);
            else if (is_inside(into, i, j))
                vstore(p, out[j]);
            p += to;
            LAUNDER(p);
        }
        y += to_row;
        LAUNDER(y);
    }
}

/* The same of squares too large for registers, of which some side is 9: a column at a time, then a row. (Measured: one
   function for both makes small squares a twentieth slower.) */
CT_INLINE void map_large(map_fn *map, const int n, const int m, const square *from, int64_t at, float *y,
                         int64_t to_row, int64_t to, const inside *into, const float *bias, const bool stream) {
    vf t[81], in[9], out[9], b = bias ? vload(bias) : (vf){0};
#pragma GCC unroll 1
    for (int j = 0; j < n; j++, at += from->column) {
        bool there = j >= from->x0 && j < from->x1;
        CT_EACH(i, n) in[i] = there ? vload(from->rows[i] + at) : (vf){0};
        map(in, out);
        CT_EACH(i, m) t[i * n + j] = out[i];
    }
#pragma GCC unroll 1
    for (int i = 0; i < m; i++, y += to_row) {
        map(t + i * n, out);
        CT_EACH(j, m) {
            if (bias) out[j] += b;
            if (stream)
                vstream(y + j * to, out[j]);
            else if (is_inside(into, i, j))
                vstore(y + j * to, out[j]);
        }
    }
}
#endif
