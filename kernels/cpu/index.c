/* Rows picked by number, and gradients added back to them: index_select and index_back on f32. */
#include "base/alloc.h"
#include "base/parallel.h"
#include "kernels/cpu/layout.h"
#include "kernels/cpu/simd.h"
#include "kernels/ops.h"
#include <string.h>

/* x (outer, rows, inner) and what is picked of it, (outer, picked, inner). */
typedef struct index_state {
    int64_t outer, rows, picked, inner;
} index_state;

typedef struct index_run {
    const index_state *s;
    const ct_exec *exec;
    const float *x;
    const int64_t *index;
    float *y;
} index_run;

static ct_status state_new(const ct_call *call, const ct_layout *whole, const ct_layout *part, int64_t dim,
                           void **state) {
    const ct_layout *index = &call->in[1];
    if (!layout_is(whole, CT_F32) || !layout_is(part, CT_F32) || !layout_is(index, CT_I64) || !whole->ndim)
        return CT_UNSUPPORTED;
    dim += dim < 0 ? whole->ndim : 0;
    index_state *s = ct_alloc(1, sizeof *s);
    if (!s) return CT_NO_MEMORY;
    *s = (index_state){.outer = 1, .rows = whole->size[dim], .picked = part->size[dim], .inner = 1};
    for (int64_t d = 0; d < dim; d++) s->outer *= whole->size[d];
    for (int64_t d = dim + 1; d < whole->ndim; d++) s->inner *= whole->size[d];
    *state = s;
    return CT_OK;
}

static ct_status select_prepare(const ct_call *call, void **state, size_t *workspace) {
    (void)workspace;
    return state_new(call, &call->in[0], &call->out[0], ((const ct_dim_args *)call->args)->dim, state);
}
static ct_status back_prepare(const ct_call *call, void **state, size_t *workspace) {
    (void)workspace;
    return state_new(call, &call->out[0], &call->in[0], ((const ct_index_back_args *)call->args)->dim, state);
}

/* Whether entry i is one of the rows; else it is said. */
static bool is_row(const index_run *r, int64_t i) {
    if ((uint64_t)r->index[i] < (uint64_t)r->s->rows) return true;
    ct_exec_bad(r->exec, r->index[i]);
    return false;
}

static void select_rows(void *ctx, int64_t begin, int64_t end) {
    const index_run *r = ctx;
    const index_state *s = r->s;
    for (int64_t i = begin; i < end; i++) {
        size_t bytes = (size_t)s->inner * sizeof *r->y;
        if (is_row(r, i % s->picked))
            memcpy(r->y + i * s->inner, r->x + (i / s->picked * s->rows + r->index[i % s->picked]) * s->inner, bytes);
        else
            memset(r->y + i * s->inner, 0, bytes);
    }
}

static void select_run(const ct_exec *exec, const ct_call *call, void *state, const void *const *in, void *const *out) {
    const index_state *s = state;
    index_run r = {s, exec, in[0], in[1], out[0]};
    ct_parallel(s->outer * s->picked, grain_of(s->inner), select_rows, &r);
    (void)call;
}

/* Columns [begin, end) of 16: each task adds to its own, in the order of the entries. */
static void back_columns(void *ctx, int64_t begin, int64_t end) {
    const index_run *r = ctx;
    const index_state *s = r->s;
    int64_t first = begin * 16, n = CT_MIN(end * 16, s->inner) - first;
    for (int64_t o = 0; o < s->outer; o++) {
        for (int64_t row = 0; row < s->rows; row++)
            memset(r->y + (o * s->rows + row) * s->inner + first, 0, (size_t)n * sizeof *r->y);
        for (int64_t i = 0; i < s->picked; i++) {
            if (!is_row(r, i)) continue;
            const float *x = r->x + (o * s->picked + i) * s->inner + first;
            float *y = r->y + (o * s->rows + r->index[i]) * s->inner + first;
#pragma omp simd
            for (int64_t c = 0; c < n; c++) y[c] += x[c];
        }
    }
}

static void back_run(const ct_exec *exec, const ct_call *call, void *state, const void *const *in, void *const *out) {
    const index_state *s = state;
    index_run r = {s, exec, in[0], in[1], out[0]};
    ct_parallel(div_up_i64(s->inner, 16), grain_of(16 * s->outer * (s->rows + s->picked)), back_columns, &r);
    (void)call;
}

const ct_kernel CT_ISA_NAME(ct_cpu_index_select) = {.prepare = select_prepare, .run = select_run};
const ct_kernel CT_ISA_NAME(ct_cpu_index_back) = {.prepare = back_prepare, .run = back_run};
