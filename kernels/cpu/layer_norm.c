/* Normalisation of rows, about their mean (layer_norm) or 0 (rms_norm), and its gradients. What all rows share, the
   gradients of weight and bias, is summed in blocks of a fixed number of rows, which are joined in order, in double
   precision. */
#include "base/alloc.h"
#include "base/parallel.h"
#include "kernels/cpu/lanes.h"
#include "kernels/cpu/layout.h"
#include <float.h>
#include <math.h>
#include <string.h>

#define BLOCK 8192 /* elements of a block of rows, at least */
#define BLOCKS 64  /* of them, at most: both are part of the definition of the result */

typedef struct rows_state {
    int64_t rows, n, height, blocks; /* height: rows of a block */
    bool centred;
    double eps;
} rows_state;

typedef struct rows_run {
    const rows_state *s;
    const ct_exec *exec;
    const float *g, *x, *weight, *bias;
    const float *old_mean, *old_inv; /* of the forward direction */
    float *y, *mean, *inv;           /* y: or dx */
    float *part;                     /* [block][2][n]: of weight, of bias */
    const ct_tail *tail;
} rows_run;

/* Rows without gaps, in an order in which the statistics, a number a row, lie as well. */
static bool plan_rows(rows_state *s, const ct_layout *x, const ct_layout *stats) {
    if (x->dtype != CT_F32 || !ct_layout_numel(x) || !layout_dense(x)) return false;
    s->n = 1;
    for (int d = x->ndim - 1; d >= stats->ndim; s->n *= x->size[d--])
        if (x->size[d] != 1 && x->stride[d] != s->n) return false;
    for (int d = 0; d < stats->ndim; d++)
        if (x->size[d] != 1 && x->stride[d] != stats->stride[d] * s->n) return false;
    s->rows = ct_layout_numel(x) / s->n;
    s->height = CT_MAX(CT_MAX(BLOCK / s->n, 1), div_up_i64(s->rows, BLOCKS));
    s->blocks = div_up_i64(s->rows, s->height);
    return true;
}

static ct_status keep(const rows_state *s, void **state) {
    rows_state *copy = ct_alloc(1, sizeof *copy);
    if (!copy) return CT_NO_MEMORY;
    *copy = *s;
    *state = copy;
    return CT_OK;
}

static ct_status forward_prepare(const ct_call *call, bool centred, double eps, void **state, size_t *workspace) {
    rows_state s = {.centred = centred, .eps = eps};
    const ct_layout *x = &call->in[0], *stats = &call->out[1 + centred];
    bool fits = call->out[0].dtype == CT_F32 && ct_layout_alike(x, &call->out[0]) && plan_rows(&s, x, stats);
    for (int i = 1; i < call->n_in; i++) fits = fits && layout_is_or_none(&call->in[i], CT_F32);
    *workspace = 0;
    return fits ? keep(&s, state) : CT_UNSUPPORTED;
}

static ct_status layer_prepare(const ct_call *call, void **state, size_t *workspace) {
    return forward_prepare(call, true, ((const ct_layer_norm_args *)call->args)->eps, state, workspace);
}
static ct_status rms_prepare(const ct_call *call, void **state, size_t *workspace) {
    double eps = ((const ct_rms_norm_args *)call->args)->eps;
    return forward_prepare(call, false, eps >= 0 ? eps : FLT_EPSILON, state, workspace);
}

/* g, x, mean (if centred), inv, weight. Workspace: the parts, and a row of ones for a weight. */
static ct_status back_prepare(const ct_call *call, bool centred, void **state, size_t *workspace) {
    rows_state s = {.centred = centred};
    const ct_layout *x = &call->in[1], *stats = &call->in[2 + centred];
    bool fits = call->in[0].dtype == CT_F32 && ct_layout_alike(x, &call->in[0]) && ct_layout_alike(x, &call->out[0]);
    fits = fits && ct_layout_alike(stats, &call->in[2]) && plan_rows(&s, x, stats) &&
           layout_is_or_none(&call->in[3 + centred], CT_F32);
    for (int i = 1; i < call->n_out; i++) fits = fits && layout_is_or_none(&call->out[i], CT_F32);
    *workspace = (size_t)((2 * s.blocks + 1) * s.n) * sizeof(float);
    return fits ? keep(&s, state) : CT_UNSUPPORTED;
}
static ct_status layer_back_prepare(const ct_call *call, void **state, size_t *workspace) {
    return back_prepare(call, true, state, workspace);
}
static ct_status rms_back_prepare(const ct_call *call, void **state, size_t *workspace) {
    return back_prepare(call, false, state, workspace);
}

/* ---- forward: y = (x - mean) inv weight + bias ---- */

static void forward_row(const rows_run *r, const float *x, float *y, int64_t row) {
    const rows_state *s = r->s;
    int64_t n = s->n;
    const float *weight = r->weight, *bias = r->bias;
    float mean = s->centred ? sum_f32(x, n) / (float)n : 0;
    float inv = (float)(1 / sqrt((double)dot_f32(x, mean, x, mean, n) / (double)n + s->eps));
    if (r->mean) r->mean[row] = mean;
    if (r->inv) r->inv[row] = inv;
    if (weight && bias)
#pragma omp simd
        for (int64_t i = 0; i < n; i++) y[i] = sfma((x[i] - mean) * inv, weight[i], bias[i]);
    else
#pragma omp simd
        for (int64_t i = 0; i < n; i++) y[i] = (x[i] - mean) * inv * (weight ? weight[i] : 1) + (bias ? bias[i] : 0);
}

static void forward_tasks(void *ctx, int64_t begin, int64_t end) {
    const rows_run *r = ctx;
    float room[HEAD_FLOATS];
    int64_t n = r->s->n;
    for (int64_t row = begin, k; row < end; row += k) {
        k = head_rows(r->exec, n, end - row);
        const float *x = ct_head_read(r->exec, r->x, row * n, k * n, room);
        for (int64_t i = 0; i < k; i++) forward_row(r, x + i * n, r->y + (row + i) * n, row + i);
    }
    ct_tail_run(r->tail, r->y + begin * n, (end - begin) * n);
}

static void forward_run(const ct_exec *exec, const ct_call *call, void *state, const void *const *in,
                        void *const *out) {
    const rows_state *s = state;
    rows_run r = {.s = s, .exec = exec, .x = in[0], .weight = in[1], .y = out[0], .tail = exec->tail};
    if (s->centred) r.bias = in[2], r.mean = out[1];
    r.inv = out[1 + s->centred];
    ct_parallel(s->rows, grain_of(4 * s->n), forward_tasks, &r);
    (void)call;
}

/* ---- gradients: with z = (x - mean) inv and h = g weight,
   dx = inv (h - mean(h) - z mean(h z)), dw = sum(g z), db = sum(g) ---- */

typedef struct row_sums {
    float mean, inv;
    float h, hz; /* means over the row */
} row_sums;

static row_sums sums_of(const rows_run *r, const float *g, const float *x, int64_t row) {
    row_sums of = {.mean = r->old_mean ? r->old_mean[row] : 0, .inv = r->old_inv[row]};
    int64_t n = r->s->n, i = 0;
    lanes mean = lanes_set(of.mean), h = lanes_set(0), hx = h;
    for (; i + LANES <= n; i += LANES) {
        lanes t = lanes_mul(lanes_load(g + i), lanes_load(r->weight + i));
        h = lanes_add(h, t);
        hx = lanes_fma(t, lanes_sub(lanes_load(x + i), mean), hx);
    }
    if (i < n) {
        lanes t = lanes_mul(lanes_load_part(g + i, n - i, 0), lanes_load_part(r->weight + i, n - i, 0));
        h = lanes_add(h, t);
        hx = lanes_fma(t, lanes_sub(lanes_load_part(x + i, n - i, of.mean), mean), hx);
    }
    of.h = r->s->centred ? lanes_sum(h) / (float)n : 0;
    of.hz = lanes_sum(hx) * of.inv / (float)n;
    return of;
}

/* Adds to dw and db of the row's block; dx may be NULL. */
static void back_row(const rows_run *r, const float *g, const float *x, row_sums of, float *dx, float *dw, float *db) {
    const float *weight = r->weight;
    int64_t n = r->s->n;
    if (dx)
#pragma omp simd
        for (int64_t i = 0; i < n; i++) {
            float z = (x[i] - of.mean) * of.inv;
            dx[i] = of.inv * (sfma(g[i], weight[i], -of.h) - z * of.hz);
        }
#pragma omp simd
    for (int64_t i = 0; i < n; i++) {
        dw[i] = sfma(g[i], (x[i] - of.mean) * of.inv, dw[i]);
        db[i] += g[i];
    }
}

static void back_tasks(void *ctx, int64_t begin, int64_t end) {
    const rows_run *r = ctx;
    const rows_state *s = r->s;
    int64_t n = s->n;
    for (int64_t b = begin; b < end; b++) {
        int64_t first = b * s->height, last = CT_MIN(first + s->height, s->rows);
        float *dw = r->part + 2 * b * n, *db = dw + n;
        memset(dw, 0, (size_t)(2 * n) * sizeof *dw);
        for (int64_t row = first; row < last; row++) {
            const float *g = r->g + row * n, *x = r->x + row * n;
            back_row(r, g, x, sums_of(r, g, x, row), r->y ? r->y + row * n : NULL, dw, db);
        }
        if (r->y) ct_tail_run(r->tail, r->y + first * n, (last - first) * n);
    }
}

/* Part i (0: dw, 1: db) of all blocks, added. */
static void join(const rows_run *r, int i, float *to) {
    const rows_state *s = r->s;
    for (int64_t c = 0; to && c < s->n; c++) {
        double sum = 0;
        for (int64_t b = 0; b < s->blocks; b++) sum += (double)r->part[(2 * b + i) * s->n + c];
        to[c] = (float)sum;
    }
}

static void back_run(const ct_exec *exec, const ct_call *call, void *state, const void *const *in, void *const *out) {
    const rows_state *s = state;
    rows_run r = {.s = s, .g = in[0], .x = in[1], .y = out[0], .part = exec->workspace, .tail = exec->tail};
    float *ones = r.part + 2 * s->blocks * s->n;
    if (s->centred) r.old_mean = in[2];
    r.old_inv = in[2 + s->centred], r.weight = in[3 + s->centred];
    for (int64_t i = 0; !r.weight && i < s->n; i++) ones[i] = 1;
    if (!r.weight) r.weight = ones;
    ct_parallel(s->blocks, grain_of(4 * s->height * s->n), back_tasks, &r);
    join(&r, 0, out[1]);
    if (s->centred) join(&r, 1, out[2]);
    (void)call;
}

static bool tails(const ct_call *call, void *state, size_t *workspace) {
    (void)call, (void)state, (void)workspace;
    return true;
}

static bool heads(const ct_call *call, const void *state) {
    (void)call;
    return ((const rows_state *)state)->n <= HEAD_FLOATS;
}

const ct_kernel CT_ISA_NAME(ct_cpu_layer_norm_) = {
    .prepare = layer_prepare, .run = forward_run, .tails = tails, .heads = heads};
const ct_kernel CT_ISA_NAME(ct_cpu_rms_norm_) = {
    .prepare = rms_prepare, .run = forward_run, .tails = tails, .heads = heads};
const ct_kernel CT_ISA_NAME(ct_cpu_layer_norm_back) = {.prepare = layer_back_prepare, .run = back_run, .tails = tails};
const ct_kernel CT_ISA_NAME(ct_cpu_rms_norm_back) = {.prepare = rms_back_prepare, .run = back_run, .tails = tails};
