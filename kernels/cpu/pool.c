/* max_pool2d and its gradient over planes (NCHW) or, a vector of channels at a time, over channels-last images. An
   index is y * width + x in its plane, whatever the layout; the first of equal elements wins, and NaN wins over all. */
#include "base/alloc.h"
#include "base/parallel.h"
#include "kernels/cpu/layout.h"
#include "kernels/cpu/simd.h"
#include <string.h>

#define CHANNELS 64 /* at a time: their best so far stay in registers and the first-level cache */

typedef struct pool_state {
    bool channels_last;
    int64_t n, c, h, w, oh, ow; /* of the large image, and of the small one */
    int64_t kernel[2], stride[2], padding[2], dilation[2];
} pool_state;

/* Both images lie alike: planes, or channels-last. Images of one channel are both. */
static bool plan_layout(pool_state *s, const ct_layout *large, const ct_layout *small, const ct_layout *indices) {
    bool planes = ct_layout_contiguous(large) && ct_layout_contiguous(small) && ct_layout_contiguous(indices);
    s->channels_last = !planes;
    if (large->ndim < 3 ||
        (!planes && !(layout_channels_last(large) && layout_channels_last(small) && layout_channels_last(indices))))
        return false;
    int d = large->ndim - 3; /* of the channels; without a batch, n is 1 */
    s->n = d ? large->size[0] : 1, s->c = large->size[d];
    s->h = large->size[d + 1], s->w = large->size[d + 2];
    s->oh = small->size[d + 1], s->ow = small->size[d + 2];
    return large->dtype == CT_F32 && small->dtype == CT_F32 && indices->dtype == CT_I64 && ct_layout_numel(small) &&
           s->h * s->w <= INT32_MAX;
}

static ct_status pool_state_new(const pool_state *s, void **state, size_t *workspace) {
    pool_state *copy = ct_alloc(1, sizeof *copy);
    if (!copy) return CT_NO_MEMORY;
    *copy = *s;
    *state = copy;
    *workspace = 0;
    return CT_OK;
}

static ct_status pool_prepare(const ct_call *call, void **state, size_t *workspace) {
    const ct_max_pool2d_args *args = call->args;
    pool_state s;
    if (!plan_layout(&s, &call->in[0], &call->out[0], &call->out[1])) return CT_UNSUPPORTED;
    for (int i = 0; i < 2; i++) {
        s.kernel[i] = args->kernel_size[i], s.stride[i] = args->stride[i] ? args->stride[i] : args->kernel_size[i];
        s.padding[i] = args->padding[i], s.dilation[i] = args->dilation[i];
    }
    return pool_state_new(&s, state, workspace);
}

typedef struct pool_run {
    const pool_state *s;
    const float *x; /* what is read: the large image, or the small one's gradient */
    float *y;
    int64_t *index; /* may be NULL in the forward direction */
    const int64_t *from;
    const ct_exec *exec;
} pool_run;

/* Where window i along dimension d starts and ends inside the image. */
typedef struct span {
    int64_t begin, end;
} span;
static span window(const pool_state *s, int d, int64_t i) {
    int64_t size = d ? s->w : s->h, at = i * s->stride[d] - s->padding[d], step = s->dilation[d];
    int64_t skip = at < 0 ? div_up_i64(-at, step) : 0;
    return (span){at + skip * step, CT_MIN(at + s->kernel[d] * step, size)};
}

/* The index that a window has before any element: its first, or the nearest where all of it is padding. */
static int64_t first_index(const pool_state *s, span ys, span xs) {
    return CT_MIN(ys.begin, s->h - 1) * s->w + CT_MIN(xs.begin, s->w - 1);
}

/* ---- channels-last ---- */

/* One window: the largest of n <= CHANNELS channels, and where it was. */
static void best_channels(const pool_state *s, const float *x, span ys, span xs, int64_t n, float *y, int64_t *index) {
    float best[CHANNELS];
    int32_t at[CHANNELS], first = (int32_t)first_index(s, ys, xs);
    for (int64_t c = 0; c < n; c++) best[c] = -__builtin_inff(), at[c] = first;
    for (int64_t i = ys.begin; i < ys.end; i += s->dilation[0])
        for (int64_t j = xs.begin; j < xs.end; j += s->dilation[1]) {
            int32_t here = (int32_t)(i * s->w + j);
            const float *p = x + here * s->c;
#pragma omp simd
            for (int64_t c = 0; c < n; c++) {
                bool more = (p[c] > best[c]) | (p[c] != p[c]);
                at[c] = more ? here : at[c];
                best[c] = more ? p[c] : best[c];
            }
        }
    memcpy(y, best, (size_t)n * sizeof *y);
    if (index)
        for (int64_t c = 0; c < n; c++) index[c] = at[c];
}

/* Whether b is chosen over a, which came before it. */
#define BEATS(b, a) (((b) > (a)) | ((b) != (b)))

/* The same for 2 x 2 windows that lie inside; in a form that compilers turn into selections, not branches. */
static void best_of_four(const pool_state *s, const float *x, int64_t first, int64_t n, float *y, int64_t *index) {
    const float *p0 = x + first * s->c, *p1 = p0 + s->c, *p2 = p0 + s->w * s->c, *p3 = p2 + s->c;
    int32_t at[CHANNELS], here = (int32_t)first, down = (int32_t)s->w;
#pragma omp simd
    for (int64_t c = 0; c < n; c++) {
        float best = p0[c], b = p1[c], d = p2[c], e = p3[c];
        int32_t k = BEATS(b, best) ? here + 1 : here;
        best = BEATS(b, best) ? b : best;
        k = BEATS(d, best) ? here + down : k;
        best = BEATS(d, best) ? d : best;
        at[c] = BEATS(e, best) ? here + down + 1 : k;
        y[c] = BEATS(e, best) ? e : best;
    }
    if (index)
        for (int64_t c = 0; c < n; c++) index[c] = at[c];
}

static void pool_rows_channels(void *ctx, int64_t begin, int64_t end) {
    const pool_run *r = ctx;
    const pool_state *s = r->s;
    for (int64_t row = begin; row < end; row++) { /* a row of the small image */
        span ys = window(s, 0, row % s->oh);
        const float *x = r->x + row / s->oh * s->h * s->w * s->c;
        for (int64_t j = 0; j < s->ow; j++) {
            span xs = window(s, 1, j);
            int64_t at = (row * s->ow + j) * s->c;
            bool four = ys.end - ys.begin == 2 && xs.end - xs.begin == 2 && s->dilation[0] == 1 && s->dilation[1] == 1;
            for (int64_t c = 0; c < s->c; c += CHANNELS) {
                int64_t n = CT_MIN(s->c - c, CHANNELS), *index = r->index ? r->index + at + c : NULL;
                if (four)
                    best_of_four(s, x + c, ys.begin * s->w + xs.begin, n, r->y + at + c, index);
                else
                    best_channels(s, x + c, ys, xs, n, r->y + at + c, index);
            }
        }
        ct_tail_run(r->exec->tail, r->y + row * s->ow * s->c, s->ow * s->c);
    }
}

/* ---- planes ---- */

static void pool_rows_plane(void *ctx, int64_t begin, int64_t end) {
    const pool_run *r = ctx;
    const pool_state *s = r->s;
    for (int64_t row = begin; row < end; row++) {
        span ys = window(s, 0, row % s->oh);
        const float *x = r->x + row / s->oh * s->h * s->w;
        for (int64_t j = 0; j < s->ow; j++) {
            span xs = window(s, 1, j);
            float best = -__builtin_inff();
            int64_t at = first_index(s, ys, xs);
            for (int64_t i = ys.begin; i < ys.end; i += s->dilation[0])
                for (int64_t k = xs.begin; k < xs.end; k += s->dilation[1]) {
                    float v = x[i * s->w + k];
                    if (v > best || v != v) best = v, at = i * s->w + k;
                }
            r->y[row * s->ow + j] = best;
            if (r->index) r->index[row * s->ow + j] = at;
        }
    }
    ct_tail_run(r->exec->tail, r->y + begin * s->ow, (end - begin) * s->ow);
}

static void max_pool_run(const ct_exec *exec, const ct_call *call, void *state, const void *const *in,
                         void *const *out) {
    const pool_state *s = state;
    pool_run r = {.s = s, .x = in[0], .y = out[0], .index = call->n_out > 1 ? out[1] : NULL, .exec = exec};
    int64_t rows = s->n * s->oh * (s->channels_last ? 1 : s->c), cost = s->ow * s->kernel[0] * s->kernel[1];
    ct_parallel(rows, grain_of(cost * (s->channels_last ? s->c : 4)),
                s->channels_last ? pool_rows_channels : pool_rows_plane, &r);
}

/* ---- the gradient: each image (plane) is one task, as windows may overlap ---- */

static ct_status scatter_prepare(const ct_call *call, void **state, size_t *workspace) {
    pool_state s = {0};
    if (!plan_layout(&s, &call->out[0], &call->in[0], &call->in[1])) return CT_UNSUPPORTED;
    return pool_state_new(&s, state, workspace);
}

/* `n` sums of one place in each of n planes: y[index[c]][c] += g[c]. */
static void scatter(const pool_run *r, const float *g, const int64_t *index, float *y, int64_t n, int64_t step) {
    uint64_t size = (uint64_t)(r->s->h * r->s->w);
    for (int64_t c = 0; c < n; c++) {
        if ((uint64_t)index[c] < size)
            y[index[c] * step + (step > 1 ? c : 0)] += g[c];
        else
            ct_exec_bad(r->exec, index[c]);
    }
}

static void scatter_images(void *ctx, int64_t begin, int64_t end) {
    const pool_run *r = ctx;
    const pool_state *s = r->s;
    int64_t large = s->h * s->w, small = s->oh * s->ow, c = s->channels_last ? s->c : 1;
    for (int64_t i = begin; i < end; i++) {
        float *y = r->y + i * large * c;
        memset(y, 0, (size_t)(large * c) * sizeof *y);
        if (!s->channels_last) scatter(r, r->x + i * small, r->from + i * small, y, small, 1);
        for (int64_t p = i * small; p < (i + 1) * small && s->channels_last; p++)
            scatter(r, r->x + p * c, r->from + p * c, y, c, c);
        ct_tail_run(r->exec->tail, y, large * c);
    }
}

static void scatter_run(const ct_exec *exec, const ct_call *call, void *state, const void *const *in,
                        void *const *out) {
    const pool_state *s = state;
    pool_run r = {.s = s, .x = in[0], .y = out[0], .from = in[1], .exec = exec};
    int64_t images = s->n * (s->channels_last ? 1 : s->c), pixels = (s->h * s->w + 4 * s->oh * s->ow);
    ct_parallel(images, grain_of(pixels * (s->channels_last ? s->c : 1)), scatter_images, &r);
    (void)call;
}

/* Results lie without gaps, and are made in memory's order. */
static bool tails(const ct_call *call, void *state, size_t *workspace) {
    (void)call, (void)state, (void)workspace;
    return true;
}

const ct_kernel CT_ISA_NAME(ct_cpu_max_pool2d_) = {.prepare = pool_prepare, .run = max_pool_run, .tails = tails};
const ct_kernel CT_ISA_NAME(ct_cpu_pool_scatter) = {.prepare = scatter_prepare, .run = scatter_run, .tails = tails};
