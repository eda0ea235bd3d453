#include "file/resize.h"
#include "base/alloc.h"
#include <math.h>
#include <string.h>

/* Weights are fixed-point numbers: with 22 bits, 255 times a sum of 1 stays within 32 bits. */
#define BITS 22

/* Where each output's inputs begin, how many they are, and their weights (`width` places an output). */
typedef struct taps {
    int64_t n_out, width;
    int64_t *begin, *count;
    int32_t *weight;
} taps;

static void taps_free(taps *t) { ct_free(t->begin), ct_free(t->count), ct_free(t->weight); }

/* A triangle of half-width 1, stretched when shrinking to cover all that falls into an output's place. */
static void taps_fill(taps *t, int64_t o, int64_t n_in, double scale, double *w) {
    double stretch = fmax(scale, 1.0), center = ((double)o + 0.5) * scale, sum = 0;
    int64_t begin = CT_MAX((int64_t)(center - stretch + 0.5), 0), end = CT_MIN((int64_t)(center + stretch + 0.5), n_in);
    int32_t *weight = t->weight + o * t->width;
    for (int64_t k = 0; k < end - begin; k++) {
        double x = fabs(((double)(k + begin) - center + 0.5) * (1.0 / stretch));
        sum += w[k] = x < 1.0 ? 1.0 - x : 0.0;
    }
    for (int64_t k = 0; k < end - begin; k++) weight[k] = (int32_t)(0.5 + (sum != 0 ? w[k] / sum : w[k]) * (1 << BITS));
    t->begin[o] = begin, t->count[o] = end - begin;
}

static ct_status taps_make(int64_t n_in, int64_t n_out, taps *t) {
    double scale = (double)n_in / (double)n_out;
    *t = (taps){.n_out = n_out, .width = 2 * (int64_t)ceil(fmax(scale, 1.0)) + 1};
    t->begin = ct_alloc((size_t)n_out, sizeof *t->begin), t->count = ct_alloc((size_t)n_out, sizeof *t->count);
    t->weight = ct_alloc((size_t)(n_out * t->width), sizeof *t->weight);
    double *w = ct_alloc((size_t)t->width, sizeof *w);
    ct_status status = t->begin && t->count && t->weight && w ? CT_OK : CT_NO_MEMORY;
    for (int64_t o = 0; !status && o < n_out; o++) taps_fill(t, o, n_in, scale, w);
    ct_free(w);
    if (status) taps_free(t);
    return status;
}

/* out[o, x] = the weighted sum of in[begin[o] + k, x], rounded; rows of `row` bytes. */
static void blend(const taps *t, const unsigned char *in, unsigned char *out, int64_t row) {
    for (int64_t o = 0; o < t->n_out; o++, out += row) {
        const int32_t *weight = t->weight + o * t->width;
        const unsigned char *from = in + t->begin[o] * row;
        for (int64_t x = 0; x < row; x++) {
            int32_t sum = 1 << (BITS - 1);
            for (int64_t k = 0; k < t->count[o]; k++) sum += weight[k] * from[k * row + x];
            out[x] = (unsigned char)CT_MIN(sum >> BITS, 255);
        }
    }
}

static ct_status across(const unsigned char *in, int64_t rows, int64_t w, unsigned char *out, int64_t out_w) {
    taps t;
    CT_TRY(taps_make(w, out_w, &t));
    for (int64_t i = 0; i < rows; i++) blend(&t, in + i * w, out + i * out_w, 1);
    taps_free(&t);
    return CT_OK;
}

static ct_status down(const unsigned char *in, int64_t c, int64_t h, int64_t w, unsigned char *out, int64_t out_h) {
    taps t;
    CT_TRY(taps_make(h, out_h, &t));
    for (int64_t i = 0; i < c; i++) blend(&t, in + i * h * w, out + i * out_h * w, w);
    taps_free(&t);
    return CT_OK;
}

ct_status ct_resize_u8(const unsigned char *in, int64_t c, int64_t h, int64_t w, unsigned char *out, int64_t out_h,
                       int64_t out_w) {
    if (h == out_h && w == out_w) {
        memcpy(out, in, (size_t)(c * h * w));
        return CT_OK;
    }
    if (w == out_w) return down(in, c, h, w, out, out_h);
    if (h == out_h) return across(in, c * h, w, out, out_w);
    unsigned char *between = ct_alloc((size_t)(c * h), (size_t)out_w);
    if (!between) return CT_NO_MEMORY;
    ct_status status = across(in, c * h, w, between, out_w);
    if (!status) status = down(between, c, h, out_w, out, out_h);
    ct_free(between);
    return status;
}

void ct_resize_nearest(const unsigned char *in, int64_t h, int64_t w, unsigned char *out, int64_t out_h,
                       int64_t out_w) {
    for (int64_t y = 0; y < out_h; y++) {
        const unsigned char *row = in + (2 * y + 1) * h / (2 * out_h) * w;
        for (int64_t x = 0; x < out_w; x++) *out++ = row[(2 * x + 1) * w / (2 * out_w)];
    }
}
