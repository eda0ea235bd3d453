/* Pooling of images (N, C, H, W): the largest or the mean of each window, over windows of one size or a grid. */
#ifndef T
#include "kernels/ref/ref.h"

/* How windows lie, in height (0) and width (1). */
typedef struct windows {
    bool grid;      /* as many as fit the result, of sizes as even as can be; else as said below */
    bool in_bounds; /* the mean's divisor leaves out the padding */
    int64_t by;     /* or is this number */
    int64_t kernel[2], stride[2], padding[2], dilation[2];
} windows;

/* Positions begin, begin + step, ... below end, inside the image; `all` counts the padding's too. */
typedef struct span {
    int64_t begin, end, step, all;
} span;

static windows windows_of(const int64_t *kernel, const int64_t *stride, const int64_t *padding, bool in_bounds) {
    windows w = {.in_bounds = in_bounds};
    for (int d = 0; d < 2; d++) {
        w.kernel[d] = kernel[d], w.padding[d] = padding[d], w.dilation[d] = 1;
        w.stride[d] = stride[d] ? stride[d] : kernel[d];
    }
    return w;
}

/* Window i of `n`, along d, of an image of this size. */
static span span_of(const windows *w, int d, int64_t i, int64_t n, int64_t size) {
    if (w->grid) {
        int64_t begin = i * size / n, end = ((i + 1) * size + n - 1) / n;
        return (span){begin, end, 1, end - begin};
    }
    int64_t begin = i * w->stride[d] - w->padding[d], end = begin + (w->kernel[d] - 1) * w->dilation[d] + 1;
    int64_t all = CT_MIN(end, size + w->padding[d]) - begin;
    if (begin < 0) begin += (-begin + w->dilation[d] - 1) / w->dilation[d] * w->dilation[d];
    return (span){begin, CT_MIN(end, size), w->dilation[d], all};
}

static double divisor(const windows *w, span v, span h) {
    if (w->by) return (double)w->by;
    if (w->in_bounds) return (double)((v.end - v.begin) * (h.end - h.begin));
    return (double)(v.all * h.all);
}

RUN_OF(pool_scatter) {
    const ct_layout *g = &call->in[0], *index = &call->in[1], *dx = call->out;
    int64_t width = dx->size[3], v;
    ct_elems_zero(dx, out[0]);
    for (ct_sweep w = CT_SWEEP(4, g->size, 0, g->stride, index->stride); w.more; ct_sweep_next(&w))
        if (ct_elem_index(exec, index, in[1], w.at[1], dx->size[2] * width, &v))
            ct_elem_add(dx->dtype, out[0], ct_at4(dx, w.index[0], w.index[1], v / width, v % width), in[0], w.at[0]);
}
const ct_kernel ct_ref_pool_scatter = {.prepare = ct_prepare_floats, .run = pool_scatter};

RUN_OF(pool_gather) {
    const ct_layout *x = &call->in[0], *index = &call->in[1], *y = call->out;
    size_t bytes = ct_dtype_bytes(x->dtype);
    int64_t width = x->size[3], v;
    for (ct_sweep w = CT_SWEEP(4, y->size, 0, y->stride, index->stride); w.more; ct_sweep_next(&w))
        if (ct_elem_index(exec, index, in[1], w.at[1], x->size[2] * width, &v))
            ct_elem_copy(bytes, out[0], w.at[0], in[0], ct_at4(x, w.index[0], w.index[1], v / width, v % width));
}
const ct_kernel ct_ref_pool_gather = {.prepare = ct_prepare_floats, .run = pool_gather};

#define BODY "kernels/ref/pool.c"
#include "kernels/ref/floats.h"
FLOAT_KERNEL(max_pool2d_)
FLOAT_KERNEL(adaptive_max_pool2d_)
FLOAT_KERNEL(avg_pool2d_)
FLOAT_KERNEL(avg_pool2d_back)
FLOAT_KERNEL(adaptive_avg_pool2d_)
FLOAT_KERNEL(adaptive_avg_pool2d_back)
#else

/* The largest of each window and where it is in its plane: the first of equals, the last NaN. */
static void F(largest)(const windows *k, const ct_call *call, const T *x, void *const *out) {
    const ct_layout *lx = call->in, *ly = &call->out[0], *li = &call->out[1];
    int64_t height = lx->size[2], width = lx->size[3], *index = out[1];
    T *y = out[0];
    for (ct_sweep w = CT_SWEEP(4, ly->size, 0, ly->stride, li->stride); w.more; ct_sweep_next(&w)) {
        span v = span_of(k, 0, w.index[2], ly->size[2], height), h = span_of(k, 1, w.index[3], ly->size[3], width);
        T best = -INFINITY;
        int64_t at = CT_MIN(v.begin, height - 1) * width + CT_MIN(h.begin, width - 1);
        for (int64_t i = v.begin; i < v.end; i += v.step) {
            for (int64_t j = h.begin; j < h.end; j += h.step) {
                T value = x[ct_at4(lx, w.index[0], w.index[1], i, j)];
                if (value > best || isnan(value)) best = value, at = i * width + j;
            }
        }
        if (y) y[w.at[0]] = best;
        if (index) index[w.at[1]] = at;
    }
}

RUN_OF(F(max_pool2d_)) {
    const ct_max_pool2d_args *a = call->args;
    windows k = windows_of(a->kernel_size, a->stride, a->padding, true);
    k.dilation[0] = a->dilation[0], k.dilation[1] = a->dilation[1];
    F(largest)(&k, call, in[0], out);
}
RUN_OF(F(adaptive_max_pool2d_)) { F(largest)(&(windows){.grid = true}, call, in[0], out); }

static void F(means)(const windows *k, const ct_call *call, const T *x, T *y) {
    const ct_layout *lx = call->in, *ly = call->out;
    for (ct_sweep w = CT_SWEEP(4, ly->size, 0, ly->stride); w.more; ct_sweep_next(&w)) {
        span v = span_of(k, 0, w.index[2], ly->size[2], lx->size[2]);
        span h = span_of(k, 1, w.index[3], ly->size[3], lx->size[3]);
        double s = 0;
        for (int64_t i = v.begin; i < v.end; i++)
            for (int64_t j = h.begin; j < h.end; j++) s += x[ct_at4(lx, w.index[0], w.index[1], i, j)];
        y[w.at[0]] = (T)(s ? s / divisor(k, v, h) : s);
    }
}

RUN_OF(F(avg_pool2d_)) {
    const ct_avg_pool2d_args *a = call->args;
    windows k = windows_of(a->kernel_size, a->stride, a->padding, a->no_count_include_pad);
    k.by = a->divisor_override;
    F(means)(&k, call, in[0], out[0]);
}
RUN_OF(F(adaptive_avg_pool2d_)) { F(means)(&(windows){.grid = true}, call, in[0], out[0]); }

/* The gradient of means: each element of g is shared by its window. */
static void F(shares)(const windows *k, const ct_call *call, const T *g, T *dx) {
    const ct_layout *lg = call->in, *ld = call->out;
    ct_elems_zero(ld, dx);
    for (ct_sweep w = CT_SWEEP(4, lg->size, 0, lg->stride); w.more; ct_sweep_next(&w)) {
        span v = span_of(k, 0, w.index[2], lg->size[2], ld->size[2]);
        span h = span_of(k, 1, w.index[3], lg->size[3], ld->size[3]);
        T share = (T)(g[w.at[0]] / divisor(k, v, h));
        for (int64_t i = v.begin; i < v.end; i++)
            for (int64_t j = h.begin; j < h.end; j++) dx[ct_at4(ld, w.index[0], w.index[1], i, j)] += share;
    }
}

RUN_OF(F(avg_pool2d_back)) {
    const ct_avg_pool2d_back_args *a = call->args;
    windows k = windows_of(a->kernel_size, a->stride, a->padding, a->no_count_include_pad);
    k.by = a->divisor_override;
    F(shares)(&k, call, in[0], out[0]);
}
RUN_OF(F(adaptive_avg_pool2d_back)) { F(shares)(&(windows){.grid = true}, call, in[0], out[0]); }
#endif
