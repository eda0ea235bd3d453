#include "kernels/pointwise.h"
#include "base/alloc.h"
#include "base/parallel.h"

/* Stride of input l along dimension d of the output, broadcast. */
static int64_t broadcast_stride(const ct_layout *l, const ct_layout *out, int d) {
    int k = d - (out->ndim - l->ndim);
    return l->dtype == CT_NONE || k < 0 || l->size[k] == 1 ? 0 : l->stride[k];
}

static bool joins(const ct_walk *w, int outer, int inner) {
    if (w->out_stride[outer] != w->out_stride[inner] * w->size[inner]) return false;
    for (int i = 0; i < w->n_in; i++)
        if (w->in_stride[i][outer] != w->in_stride[i][inner] * w->size[inner]) return false;
    return true;
}

static void copy_dim(ct_walk *w, int to, int from) {
    w->size[to] = w->size[from], w->out_stride[to] = w->out_stride[from];
    for (int i = 0; i < w->n_in; i++) w->in_stride[i][to] = w->in_stride[i][from];
}

/* Joins neighbours that step as one; the last dimension is the innermost. */
static void join(ct_walk *w) {
    int n = 0;
    for (int d = 1; d < w->ndim; d++) {
        if (joins(w, n, d)) {
            int64_t size = w->size[n] * w->size[d];
            copy_dim(w, n, d);
            w->size[n] = size;
        } else
            copy_dim(w, ++n, d);
    }
    w->ndim = w->ndim ? n + 1 : 0;
}

ct_status ct_walk_new(const ct_call *call, ct_row_fn row, void **state) {
    if (call->n_in > CT_POINTWISE_IN || !row) return CT_UNSUPPORTED;
    const ct_layout *out = &call->out[0];
    ct_walk *w = ct_alloc(1, sizeof *w);
    if (!w) return CT_NO_MEMORY;
    w->row = row, w->n_in = call->n_in, w->numel = ct_layout_numel(out), w->out_bytes = ct_dtype_bytes(out->dtype);
    int order[CT_MAX_DIMS];
    for (int d = 0; d < out->ndim; d++) {
        if (out->size[d] == 1) continue;
        int k = w->ndim++;
        for (; k > 0 && out->stride[order[k - 1]] < out->stride[d]; k--) order[k] = order[k - 1];
        order[k] = d;
    }
    for (int k = 0; k < w->ndim; k++) {
        w->size[k] = out->size[order[k]], w->out_stride[k] = out->stride[order[k]];
        for (int i = 0; i < call->n_in; i++) w->in_stride[i][k] = broadcast_stride(&call->in[i], out, order[k]);
    }
    for (int i = 0; i < call->n_in; i++) w->in_bytes[i] = ct_dtype_bytes(call->in[i].dtype);
    join(w);
    *state = w;
    return CT_OK;
}

typedef struct job {
    const ct_walk *w;
    const void *const *in;
    char *out;
    const void *args;
} job;

static const double nothing; /* what an absent input points at */

/* Elements [begin, end) of the walk, a row or a part of one at a time. */
static void run_range(void *ctx, int64_t begin, int64_t end) {
    const job *j = ctx;
    const ct_walk *w = j->w;
    int last = w->ndim - 1;
    int64_t stride[CT_POINTWISE_IN];
    const void *in[CT_POINTWISE_IN];
    for (int i = 0; i < w->n_in; i++) stride[i] = w->ndim ? w->in_stride[i][last] : 0;
    for (int64_t at = begin; at < end;) {
        int64_t rest = at, out = 0, offset[CT_POINTWISE_IN] = {0};
        for (int d = last; d >= 0; rest /= w->size[d--]) {
            int64_t k = rest % w->size[d];
            out += k * w->out_stride[d];
            for (int i = 0; i < w->n_in; i++) offset[i] += k * w->in_stride[i][d];
        }
        for (int i = 0; i < w->n_in; i++)
            in[i] = j->in[i] ? (const char *)j->in[i] + offset[i] * (int64_t)w->in_bytes[i] : (const void *)&nothing;
        int64_t row = w->ndim ? w->size[last] : 1, n = CT_MIN(row - at % row, end - at);
        w->row(n, in, stride, j->out + out * (int64_t)w->out_bytes, w->ndim ? w->out_stride[last] : 1, j->args);
        at += n;
    }
}

void ct_walk_run(const ct_exec *exec, const ct_call *call, void *state, const void *const *in, void *const *out) {
    (void)exec;
    const ct_walk *w = state;
    job j = {w, in, out[0], call->args};
    ct_parallel(w->numel, 1 << 15, run_range, &j);
}
