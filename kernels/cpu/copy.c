/* Copies between layouts, f32: rows where both sides run along, squares turned over in registers where one side is the
   other transposed (NCHW and channels-last), in bands of whole cache lines. */
#include "base/parallel.h"
#include "kernels/cpu/layout.h"
#include "kernels/cpu/transpose.h"
#include "kernels/ops.h"
#include "kernels/pointwise.h"
#include <string.h>

#define TILE 16

static void copy_row(int64_t n, const void *const *in, const int64_t *stride, void *out, int64_t so, const void *args) {
    (void)args;
    const float *a = in[0];
    float *o = out;
    int64_t s = stride[0];
    if (s == 1 && so == 1)
        memmove(o, a, (size_t)n * sizeof *o);
    else
        for (int64_t i = 0; i < n; i++) o[i * so] = a[i * s];
}

/* The walk's last two dimensions are a transpose: out[r][c] with c running, in[c][r] with r running. */
static bool is_transpose(const ct_walk *w) {
    int d = w->ndim - 2;
    return d >= 0 && w->out_stride[d + 1] == 1 && w->in_stride[0][d] == 1 && w->size[d] >= 4 && w->size[d + 1] >= 4;
}

typedef struct transposes {
    const ct_walk *w;
    const float *in;
    float *out;
    int64_t bands;
    const ct_tail *tail;
} transposes;

/* A square of VW rows and columns, in registers. */
static void transpose_square(const float *in, int64_t si, float *out, int64_t so) {
    vf r[VW];
    CT_EACH(j, VW) { r[j] = vload(in + j * si); }
    transpose(r);
    CT_EACH(j, VW) { vstore(out + j * so, r[j]); }
}

/* Rows r0..r1 of one matrix, a band of TILE rows high: squares, and what is left of a row. */
static void transpose_band(const ct_walk *w, const float *in, float *out, int64_t r0, int64_t r1) {
    int d = w->ndim - 2;
    int64_t C = w->size[d + 1], si = w->in_stride[0][d + 1], so = w->out_stride[d];
    int64_t r2 = r1 - (r1 - r0) % VW, c2 = C - C % VW;
    for (int64_t c = 0; c < c2; c += VW)
        for (int64_t r = r0; r < r2; r += VW) transpose_square(in + c * si + r, si, out + r * so + c, so);
    for (int64_t r = r0; r < r1; r++)
        for (int64_t c = r < r2 ? c2 : 0; c < C; c++) out[r * so + c] = in[c * si + r];
}

static void transpose_bands(void *ctx, int64_t begin, int64_t end) {
    const transposes *t = ctx;
    const ct_walk *w = t->w;
    int last = w->ndim - 2;
    for (int64_t at = begin; at < end; at++) {
        int64_t matrix = at / t->bands, r0 = at % t->bands * TILE, in = 0, out = 0;
        for (int d = last - 1; d >= 0; matrix /= w->size[d--]) {
            in += matrix % w->size[d] * w->in_stride[0][d];
            out += matrix % w->size[d] * w->out_stride[d];
        }
        int64_t rows = CT_MIN(TILE, w->size[last] - r0), width = w->size[last + 1], step = w->out_stride[last];
        float *made = t->out + out + r0 * step;
        transpose_band(w, t->in + in, t->out + out, r0, r0 + rows);
        if (step == width)
            ct_tail_run(t->tail, made, rows * width);
        else
            for (int64_t r = 0; r < rows; r++) ct_tail_run(t->tail, made + r * step, width);
    }
}

static void run(const ct_exec *exec, const ct_call *call, void *state, const void *const *in, void *const *out) {
    const ct_walk *w = state;
    if (!is_transpose(w) || !w->numel) {
        ct_walk_run(exec, call, state, in, out);
        return;
    }
    int last = w->ndim - 2;
    transposes t = {w, in[0], out[0], (w->size[last] + TILE - 1) / TILE, exec->tail};
    int64_t matrices = w->numel / (w->size[last] * w->size[last + 1]), band = TILE * w->size[last + 1];
    ct_parallel(matrices * t.bands, CT_MAX(1, (1 << 14) / band), transpose_bands, &t);
}

/* In a chain, where runs stay runs: a transpose is better off alone. */
static ct_row_fn row(const ct_call *call) {
    const ct_layout *x = &call->in[0], *y = &call->out[0];
    bool runs = x->dtype == CT_F32 && y->dtype == CT_F32;
    for (int d = 0; d < y->ndim; d++)
        if (y->stride[d] == 1 && y->size[d] > 1) runs &= x->stride[d] == 1;
    return runs ? copy_row : NULL;
}

/* Of a copy without gaps. */
static bool tails(const ct_call *call, void *state, size_t *workspace) {
    const ct_walk *w = state;
    (void)workspace;
    return is_transpose(w) && w->numel && layout_dense(call->out);
}

static ct_status prepare(const ct_call *call, void **state, size_t *workspace) {
    (void)workspace;
    if (call->in[0].dtype != CT_F32 || call->out[0].dtype != CT_F32) return CT_UNSUPPORTED;
    return ct_walk_new(call, copy_row, state);
}

#define COPIES(name)                                   \
    extern const ct_kernel CT_ISA_NAME(ct_cpu_##name); \
    const ct_kernel CT_ISA_NAME(ct_cpu_##name) = {.prepare = prepare, .run = run, .row = row, .tails = tails};
COPIES(contiguous)
COPIES(copy)
