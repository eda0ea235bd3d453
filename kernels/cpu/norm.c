/* Batch normalisation by the batch's statistics, and its gradients. The input is cut into blocks of a fixed size (rows
   of channels, or one plane of one channel); each block gives two sums a channel while it is in the cache, and the
   blocks are joined in order, in double precision: mean and squared distances from it by Chan's rule, which loses
   nothing to cancellation. Few channels are counted `fold` times over, so that rows fill vectors. */
#include "base/alloc.h"
#include "base/parallel.h"
#include "kernels/cpu/lanes.h"
#include "kernels/cpu/layout.h"
#include <math.h>
#include <stdatomic.h>
#include <string.h>

#define BLOCK 8192  /* elements of a block of rows: part of the definition of the result */
#define CHANNELS 64 /* at once */

typedef struct norm_state {
    bool planes;                        /* (N, C, S) rather than (rows, C) */
    int64_t c, s, rows, blocks, height; /* rows: images, of planes; height: rows of a block */
    int64_t fold, channels;             /* rows side by side that count as one of c = fold * channels */
    int64_t count;                      /* elements of a channel */
    float *part;                        /* of one that watches: the blocks' sums, made as its input is, */
    _Atomic int64_t *left;              /* and how many elements each is still short of */
} norm_state;

typedef struct norm_run {
    const norm_state *s;
    const float *g, *x, *mean;     /* g: NULL in the forward direction, where a block's mean is its own */
    float *y, *part;               /* part: [block][2][c]; then, in its first c, what g is scaled by */
    float *scale, *shift, *middle; /* of each channel */
    const ct_tail *tail;
    bool stream; /* y, rows of whole vectors */
} norm_run;

static bool plan_layout(norm_state *s, const ct_layout *x) {
    if (x->dtype != CT_F32 || x->ndim < 2 || !ct_layout_numel(x)) return false;
    int64_t n = ct_layout_numel(x);
    s->c = x->size[1], s->count = n / s->c;
    s->s = s->count / x->size[0];
    s->planes = ct_layout_contiguous(x) && s->s > 1;
    s->rows = s->planes ? x->size[0] : s->count;
    s->channels = s->c, s->fold = 1;
    while (!s->planes && s->c * 2 <= CHANNELS && s->rows % 2 == 0) s->c *= 2, s->fold *= 2, s->rows /= 2;
    s->height = s->planes ? 1 : CT_MAX(BLOCK / s->c, 1);
    s->blocks = div_up_i64(s->rows, s->height);
    return ct_layout_contiguous(x) || layout_channels_last(x);
}

/* Room for the parts, three floats and two doubles a channel. */
static ct_status norm_state_new(const ct_call *call, const ct_layout *x, int vectors, void **state, size_t *workspace) {
    norm_state s = {0};
    bool fits = plan_layout(&s, x) && ct_layout_alike(x, &call->out[0]) && call->out[0].dtype == CT_F32;
    for (int i = call->n_in - vectors; i < call->n_in; i++) fits = fits && layout_is_or_none(&call->in[i], CT_F32);
    for (int i = 1; i < call->n_out; i++) fits = fits && layout_is_or_none(&call->out[i], CT_F32);
    if (!fits) return CT_UNSUPPORTED;
    norm_state *copy = ct_alloc(1, sizeof *copy);
    if (!copy) return CT_NO_MEMORY;
    *copy = s;
    *state = copy;
    *workspace = (size_t)s.c * (2 * sizeof(double) + (size_t)(2 * s.blocks + 3) * sizeof(float));
    return CT_OK;
}

static ct_status train_prepare(const ct_call *call, void **state, size_t *workspace) {
    return norm_state_new(call, &call->in[0], 4, state, workspace);
}

static ct_status back_prepare(const ct_call *call, void **state, size_t *workspace) {
    const ct_layout *g = &call->in[0], *x = &call->in[1];
    if (g->dtype != CT_F32 || !ct_layout_alike(g, x)) return CT_UNSUPPORTED;
    return norm_state_new(call, x, 3, state, workspace);
}

static norm_run run_begin(const ct_exec *exec, const norm_state *s, const float *x, float *y) {
    norm_run r = {.s = s, .x = x, .y = y, .tail = exec->tail};
    r.stream = !r.tail && !s->planes && s->c % VW == 0 && (uintptr_t)y % 64 == 0 && s->rows * s->c >= STREAM_FLOATS;
    r.part = (float *)((double *)exec->workspace + 2 * s->c);
    r.scale = r.part + 2 * s->blocks * s->c;
    if (s->part) r.part = s->part;
    r.shift = r.scale + s->c, r.middle = r.shift + s->c;
    return r;
}

/* ---- two sums of a block: g and g (x - mean), or x and (x - its mean) squared ---- */

CT_INLINE void rows_sum(const float *x, int64_t rows, int64_t step, int64_t n, float *sum) {
    for (int64_t r = 0; r < rows; r++)
#pragma omp simd
        for (int64_t c = 0; c < n; c++) sum[c] += x[r * step + c];
}

CT_INLINE void rows_dot(const float *a, const float *am, const float *b, const float *bm, int64_t rows, int64_t step,
                        int64_t n, float *dot) {
    for (int64_t r = 0; r < rows; r++)
#pragma omp simd
        for (int64_t c = 0; c < n; c++) dot[c] = sfma(a[r * step + c] - am[c], b[r * step + c] - bm[c], dot[c]);
}

/* The sums go to to[i] and to[c + i] of each channel i < n. mean: of x, with g. */
CT_INLINE void rows_part(const norm_state *s, const float *g, const float *x, const float *mean, int64_t rows,
                         int64_t n, float *to) {
    float sum[CHANNELS] = {0}, dot[CHANNELS] = {0}, middle[CHANNELS] = {0};
    rows_sum(g ? g : x, rows, s->c, n, sum);
    for (int64_t i = 0; i < n && !g; i++) middle[i] = sum[i] / (float)rows;
    if (g)
        rows_dot(g, middle, x, mean, rows, s->c, n, dot);
    else
        rows_dot(x, middle, x, middle, rows, s->c, n, dot);
    memcpy(to, sum, (size_t)n * sizeof *to);
    memcpy(to + s->c, dot, (size_t)n * sizeof *to);
}

static void rows_parts(const norm_run *r, int64_t block) {
    const norm_state *s = r->s;
    int64_t first = block * s->height, rows = CT_MIN(s->height, s->rows - first);
    for (int64_t c = 0; c < s->c; c += CHANNELS) {
        int64_t n = CT_MIN(s->c - c, CHANNELS), at = first * s->c + c;
        const float *g = r->g ? r->g + at : NULL, *mean = r->g ? r->mean + c : NULL;
        float *to = r->part + block * 2 * s->c + c;
        if (n == CHANNELS)
            rows_part(s, g, r->x + at, mean, rows, CHANNELS, to);
        else
            rows_part(s, g, r->x + at, mean, rows, n, to);
    }
}

static void plane_parts(const norm_run *r, int64_t plane) {
    const norm_state *s = r->s;
    int64_t at = plane * s->s, c = plane % s->c;
    const float *x = r->x + at, *g = r->g ? r->g + at : NULL;
    float *to = r->part + plane / s->c * 2 * s->c + c;
    to[0] = sum_f32(g ? g : x, s->s);
    float mean = g ? r->mean[c] : to[0] / (float)s->s;
    to[s->c] = g ? dot_f32(g, 0, x, mean, s->s) : dot_f32(x, mean, x, mean, s->s);
}

static void parts_of(const norm_run *r, int64_t i) {
    if (r->s->planes)
        plane_parts(r, i);
    else
        rows_parts(r, i);
}

static void part_tasks(void *ctx, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) parts_of(ctx, i);
}

/* Blocks, or planes: how many, and the elements of each but perhaps the last. */
static int64_t parts(const norm_state *s) { return s->planes ? s->rows * s->c : s->blocks; }
static int64_t part_size(const norm_state *s) { return s->planes ? s->s : s->height * s->c; }

static void make_parts(norm_run *r) {
    const norm_state *s = r->s;
    if (!s->part) ct_parallel(parts(s), grain_of(2 * part_size(s)), part_tasks, r);
}

static int64_t elements_of(const norm_state *s, int64_t part) {
    return CT_MIN(part_size(s), s->count * s->channels - part * part_size(s));
}

static bool watches(void *state) {
    norm_state *s = state;
    if (!s->part) s->part = ct_alloc(2 * (size_t)(s->blocks * s->c), sizeof *s->part);
    if (s->left || !s->part) return s->part != NULL;
    if (!(s->left = ct_alloc((size_t)parts(s), sizeof *s->left))) return false;
    for (int64_t i = 0; i < parts(s); i++) s->left[i] = elements_of(s, i);
    return true;
}

/* Whoever brings a part its last elements makes its sums. (Of gradients nothing watches: the second tensor that their
   sums read would be read from memory twice.) */
static void watched(void *state, const void *const *in, int64_t begin, int64_t end) {
    const norm_state *s = state;
    norm_run r = {.s = s, .x = in[0], .part = s->part};
    int64_t size = part_size(s);
    for (int64_t i = begin / size; i * size < end; i++) {
        int64_t all = elements_of(s, i), n = CT_MIN(end, i * size + all) - CT_MAX(begin, i * size);
        if (atomic_fetch_sub(&s->left[i], n) != n) continue;
        s->left[i] = all; /* of the next run */
        parts_of(&r, i);
    }
}

static void release(void *state) {
    norm_state *s = state;
    if (!s) return;
    ct_free(s->part), ct_free((void *)s->left);
    ct_free(s);
}

/* ---- y = (x - middle) scale + shift, or (x - middle) scale + (g factor + shift) ---- */

static void map_plane(const norm_run *r, int64_t plane) {
    int64_t n = r->s->s, c = plane % r->s->c, at = plane * n;
    float scale = r->scale[c], shift = r->shift[c], middle = r->middle[c];
    const float *x = r->x + at;
    float *y = r->y + at;
    if (!r->g)
#pragma omp simd
        for (int64_t i = 0; i < n; i++) y[i] = sfma(x[i] - middle, scale, shift);
    else {
        const float *g = r->g + at;
        float factor = r->part[c];
#pragma omp simd
        for (int64_t i = 0; i < n; i++) y[i] = sfma(x[i] - middle, scale, sfma(g[i], factor, shift));
    }
}

/* A vector of a row from channel c on, or less than one, apart. */
CT_INLINE vf map_vector(const norm_run *r, const float *x, const float *g, int64_t c) {
    vf shift = vload(r->shift + c);
    if (g) shift = vfma(vload(g + c), vload(r->part + c), shift);
    return vfma(vload(x + c) - vload(r->middle + c), vload(r->scale + c), shift);
}
CT_INLINE float map_one(const norm_run *r, const float *x, const float *g, int64_t c) {
    float shift = g ? sfma(g[c], r->part[c], r->shift[c]) : r->shift[c];
    return sfma(x[c] - r->middle[c], r->scale[c], shift);
}

CT_INLINE void map_row(const norm_run *r, int64_t row, const bool back) {
    int64_t n = r->s->c, c = 0;
    const float *x = r->x + row * n, *g = back ? r->g + row * n : NULL;
    float *y = r->y + row * n;
    for (; c + VW <= n; c += VW) {
        vf v = map_vector(r, x, g, c);
        if (r->stream)
            vstream(y + c, v);
        else
            vstore(y + c, v);
    }
    for (; c < n; c++) y[c] = map_one(r, x, g, c);
}

static void map_tasks(void *ctx, int64_t begin, int64_t end) {
    const norm_run *r = ctx;
    for (int64_t i = begin; i < end; i++) {
        if (r->s->planes)
            map_plane(r, i);
        else if (r->g)
            map_row(r, i, true);
        else
            map_row(r, i, false);
    }
    if (r->stream) vstreamed();
    int64_t n = r->s->planes ? r->s->s : r->s->c;
    ct_tail_run(r->tail, r->y + begin * n, (end - begin) * n);
}

static void map_all(norm_run *r) {
    const norm_state *s = r->s;
    ct_parallel(s->planes ? s->rows * s->c : s->rows, grain_of(2 * (s->planes ? s->s : s->c)), map_tasks, r);
}

/* ---- forward ---- */

/* Mean and the sum of squared distances from it, of each channel. */
static void join_moments(const norm_run *r, double *mean, double *square) {
    const norm_state *s = r->s;
    int64_t k = s->channels;
    double before = 0;
    for (int64_t c = 0; c < k; c++) mean[c] = square[c] = 0;
    for (int64_t part = 0; part < s->blocks * s->fold; part++) {
        int64_t b = part / s->fold;
        const float *sum = r->part + b * 2 * s->c + part % s->fold * k, *dot = sum + s->c;
        double n = (double)(s->planes ? s->s : CT_MIN(s->height, s->rows - b * s->height)), share = n / (before + n);
        for (int64_t c = 0; c < k; c++) {
            double delta = (double)sum[c] / n - mean[c];
            mean[c] += delta * share;
            square[c] += (double)dot[c] + delta * delta * before * share;
        }
        before += n;
    }
}

/* The first channels' factors for the rows beside them. */
static void repeat(const norm_state *s, float *v) {
    for (int64_t c = s->channels; c < s->c; c++) v[c] = v[c - s->channels];
}

static void train_run(const ct_exec *exec, const ct_call *call, void *state, const void *const *in, void *const *out) {
    const norm_state *s = state;
    const ct_batch_norm_args *args = call->args;
    norm_run r = run_begin(exec, s, in[0], out[0]);
    const float *old[2] = {in[1], in[2]}, *weight = in[3], *bias = in[4];
    float *new[2] = {out[1], out[2]}, *out_mean = out[3], *out_invstd = out[4];
    double *mean = exec->workspace, *square = mean + s->c, n = (double)s->count;
    make_parts(&r);
    join_moments(&r, mean, square);
    for (int64_t c = 0; c < s->channels; c++) {
        double value[2] = {mean[c], square[c] / (n - 1)}, invstd = 1 / sqrt(square[c] / n + args->eps);
        for (int i = 0; i < 2; i++)
            if (new[i] && old[i]) new[i][c] = (float)((1 - args->momentum) * old[i][c] + args->momentum * value[i]);
        if (out_mean) out_mean[c] = (float)mean[c];
        if (out_invstd) out_invstd[c] = (float)invstd;
        r.middle[c] = (float)mean[c];
        r.scale[c] = (float)(weight ? weight[c] * invstd : invstd);
        /* what the mean loses by rounding, and the bias */
        r.shift[c] = (float)((bias ? bias[c] : 0) - (mean[c] - r.middle[c]) * r.scale[c]);
    }
    repeat(s, r.middle), repeat(s, r.scale), repeat(s, r.shift);
    map_all(&r);
}

/* ---- gradients ----
   dx = w invstd (g - mean(g) - (x - mean) invstd^2 mean(g (x - mean))), dw = invstd sum(g (x - mean)), db = sum(g) */

static void back_run(const ct_exec *exec, const ct_call *call, void *state, const void *const *in, void *const *out) {
    const norm_state *s = state;
    norm_run r = run_begin(exec, s, in[1], out[0]);
    const float *invstd = in[3], *weight = in[4];
    float *dw = out[1], *db = out[2];
    double *sum = exec->workspace, *dot = sum + s->c, n = (double)s->count;
    int64_t k = s->channels;
    r.g = in[0], r.mean = r.middle;
    memcpy(r.middle, in[2], (size_t)k * sizeof *r.middle);
    repeat(s, r.middle);
    make_parts(&r);
    for (int64_t c = 0; c < 2 * s->c; c++) sum[c] = 0;
    for (int64_t b = 0; b < s->blocks; b++)
        for (int64_t c = 0; c < 2 * s->c; c++) sum[c] += (double)r.part[b * 2 * s->c + c];
    for (int64_t c = k; c < s->c; c++) sum[c % k] += sum[c], dot[c % k] += dot[c];
    for (int64_t c = 0; c < k; c++) {
        double factor = weight ? weight[c] * (double)invstd[c] : invstd[c];
        if (dw) dw[c] = (float)(dot[c] * invstd[c]);
        if (db) db[c] = (float)sum[c];
        r.part[c] = (float)factor; /* the parts are no longer needed */
        r.scale[c] = (float)(-factor * invstd[c] * invstd[c] * dot[c] / n);
        r.shift[c] = (float)(-factor * sum[c] / n);
    }
    repeat(s, r.part), repeat(s, r.scale), repeat(s, r.shift);
    if (r.y) map_all(&r);
    (void)call;
}

static bool tails(const ct_call *call, void *state, size_t *workspace) {
    (void)call, (void)state, (void)workspace;
    return true;
}

const ct_kernel CT_ISA_NAME(ct_cpu_batch_norm_train) = {.prepare = train_prepare,
                                                        .run = train_run,
                                                        .release = release,
                                                        .tails = tails,
                                                        .watches = watches,
                                                        .watched = watched};
const ct_kernel CT_ISA_NAME(ct_cpu_batch_norm_back) = {.prepare = back_prepare, .run = back_run, .tails = tails};
