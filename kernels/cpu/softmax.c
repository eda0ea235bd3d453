/* softmax and log_softmax: along the innermost dimension row by row, along any other for many columns at once. */
#include "base/alloc.h"
#include "base/parallel.h"
#include "kernels/cpu/lanes.h"
#include "kernels/cpu/layout.h"
#include "kernels/cpu/math.h"
#include "kernels/ops.h"

#define TILE 64 /* columns at once */

typedef struct soft_state {
    int64_t outer, n, inner;
} soft_state;

static ct_status soft_prepare(const ct_call *call, void **state, size_t *workspace) {
    const ct_layout *x = &call->in[0], *y = &call->out[0];
    const ct_dim_args *args = call->args;
    int64_t numel = ct_layout_numel(x), d = args->dim < 0 ? args->dim + x->ndim : args->dim;
    if (x->dtype != CT_F32 || y->dtype != CT_F32 || !numel || !layout_dense(x) || !ct_layout_alike(x, y) ||
        d >= x->ndim)
        return CT_UNSUPPORTED;
    soft_state *s = ct_alloc(1, sizeof *s);
    if (!s) return CT_NO_MEMORY;
    s->n = x->size[d];
    s->inner = s->n > 1 ? x->stride[d] : 1;
    s->outer = numel / s->n / s->inner;
    *state = s;
    *workspace = 0;
    return CT_OK;
}

/* A NaN in x makes the sum, and so every result, NaN. */
static void soft_row(const float *x, float *y, int64_t n, bool log) {
    float most = max_f32(x, n);
#pragma omp simd
    for (int64_t i = 0; i < n; i++) y[i] = exp_f32(x[i] - most);
    float sum = sum_f32(y, n), log_sum = log_f32(sum);
    if (log)
#pragma omp simd
        for (int64_t i = 0; i < n; i++) y[i] = x[i] - most - log_sum;
    else
#pragma omp simd
        for (int64_t i = 0; i < n; i++) y[i] /= sum;
}

/* `width` columns of n elements, `step` apart. */
static void soft_columns(const float *x, float *y, int64_t n, int64_t step, int64_t width, bool log) {
    float most[TILE], sum[TILE];
    for (int64_t j = 0; j < width; j++) most[j] = x[j], sum[j] = 0;
    for (int64_t i = 1; i < n; i++)
#pragma omp simd
        for (int64_t j = 0; j < width; j++) most[j] = x[i * step + j] > most[j] ? x[i * step + j] : most[j];
    for (int64_t i = 0; i < n; i++)
#pragma omp simd
        for (int64_t j = 0; j < width; j++) {
            float e = exp_f32(x[i * step + j] - most[j]);
            y[i * step + j] = e;
            sum[j] += e;
        }
    if (log)
        for (int64_t j = 0; j < width; j++) most[j] += log_f32(sum[j]);
    for (int64_t i = 0; i < n; i++) {
        const float *row = x + i * step;
        float *to = y + i * step;
        if (log)
#pragma omp simd
            for (int64_t j = 0; j < width; j++) to[j] = row[j] - most[j];
        else
#pragma omp simd
            for (int64_t j = 0; j < width; j++) to[j] /= sum[j];
    }
}

typedef struct soft_run {
    const soft_state *s;
    const ct_exec *exec;
    const float *x;
    float *y;
    bool log;
} soft_run;

static void soft_tasks(void *ctx, int64_t begin, int64_t end) {
    const soft_run *r = ctx;
    const soft_state *s = r->s;
    int64_t tiles = div_up_i64(s->inner, TILE);
    float room[HEAD_FLOATS];
    for (int64_t row = begin, k; s->inner == 1 && row < end; row += k) {
        k = head_rows(r->exec, s->n, end - row);
        const float *x = ct_head_read(r->exec, r->x, row * s->n, k * s->n, room);
        for (int64_t i = 0; i < k; i++) soft_row(x + i * s->n, r->y + (row + i) * s->n, s->n, r->log);
    }
    for (int64_t id = begin; s->inner > 1 && id < end; id++) {
        int64_t j = id % tiles * TILE, at = id / tiles * s->n * s->inner + j;
        soft_columns(r->x + at, r->y + at, s->n, s->inner, CT_MIN(s->inner - j, TILE), r->log);
    }
}

static void soft_run_(const ct_exec *exec, const ct_call *call, void *state, const void *const *in, void *const *out) {
    const soft_state *s = state;
    soft_run r = {s, exec, in[0], out[0], call->op == CT_OP_log_softmax};
    int64_t tiles = div_up_i64(s->inner, TILE), cost = s->n * CT_MIN(s->inner, TILE) * 4;
    ct_parallel(s->outer * tiles, grain_of(cost), soft_tasks, &r);
}

static bool soft_heads(const ct_call *call, const void *state) {
    const soft_state *s = state;
    (void)call;
    return s->inner == 1 && s->n <= HEAD_FLOATS;
}

const ct_kernel CT_ISA_NAME(ct_cpu_softmax) = {.prepare = soft_prepare, .run = soft_run_, .heads = soft_heads};
const ct_kernel CT_ISA_NAME(ct_cpu_log_softmax) = {.prepare = soft_prepare, .run = soft_run_, .heads = soft_heads};
