/* matmul and linear: both become products of row-major or transposed matrices, and dimensions of a batch are joined to
   the rows, or stepped through by the product itself, where strides allow. */
#include "base/alloc.h"
#include "kernels/cpu/gemm.h"
#include "kernels/cpu/layout.h"

#define KEEP_ROWS 32 /* of A: with more, packing B costs little beside the product */

typedef struct batch_dim {
    int64_t size, a, b, c;
} batch_dim;

typedef struct matmul_state {
    ct_gemm gemm;
    bool swap; /* C' = B' A' */
    int n;     /* dimensions of the batch that the product does not step through */
    int64_t count;
    batch_dim batch[CT_MAX_DIMS];
} matmul_state;

typedef struct matrix {
    int64_t rows, columns, sr, sc; /* sizes and strides */
} matrix;

/* From a stored row to the next, and whether the matrix is stored transposed; false if it is neither. */
static bool matrix_lead(const matrix *m, bool *transposed, int64_t *lead) {
    *transposed = !(m->sc == 1 || m->columns == 1) || (m->columns == 1 && m->rows > 1 && m->sr == 1);
    if (*transposed)
        *lead = m->columns == 1 ? m->rows : m->sc;
    else
        *lead = m->rows == 1 ? m->columns : m->sr;
    return !*transposed || m->sr == 1 || m->rows == 1;
}

static matrix swapped(matrix m) { return (matrix){m.columns, m.rows, m.sc, m.sr}; }

/* Fills in the product of one item of the batch; false if a matrix lies in no way that it takes. */
static bool plan_product(matmul_state *s, matrix a, matrix b, matrix c) {
    ct_gemm *g = &s->gemm;
    bool tc;
    if (!matrix_lead(&c, &tc, &g->ldc) || g->ldc < (tc ? c.rows : c.columns)) return false;
    if (tc && c.columns > 1) {
        matrix t = swapped(a);
        s->swap = true, a = swapped(b), b = t, c = swapped(c);
        if (!matrix_lead(&c, &tc, &g->ldc)) return false;
    }
    if (tc) g->ldc = c.sr; /* one column: its elements are rows of one */
    g->m = c.rows, g->n = c.columns, g->k = a.columns;
    return matrix_lead(&a, &g->ta, &g->lda) && matrix_lead(&b, &g->tb, &g->ldb);
}

/* Joins neighbouring dimensions of the batch; then the innermost becomes rows of A where all share B, else the
   product's own batch. */
static void plan_batch(matmul_state *s, const batch_dim *dims, int n) {
    ct_gemm *g = &s->gemm;
    for (int i = 0; i < n; i++) {
        batch_dim d = dims[i], *last = &s->batch[s->n - 1];
        if (d.size == 1) continue;
        if (s->swap) d = (batch_dim){d.size, d.b, d.a, d.c};
        bool joins = s->n && last->a == d.a * d.size && last->b == d.b * d.size && last->c == d.c * d.size;
        if (joins)
            *last = (batch_dim){last->size * d.size, d.a, d.b, d.c};
        else
            s->batch[s->n++] = d;
    }
    const batch_dim *d = &s->batch[s->n - 1];
    g->batch = 1;
    if (s->n && g->m == 1 && !g->ta) g->lda = d->a, g->ldc = d->c;
    if (s->n && !g->ta && d->b == 0 && d->a == g->m * g->lda && d->c == g->m * g->ldc)
        g->m *= d->size, s->n--;
    else if (s->n)
        g->batch = d->size, g->step_a = d->a, g->step_b = d->b, g->step_c = d->c, s->n--;
    s->count = 1;
    for (int i = 0; i < s->n; i++) s->count *= s->batch[i].size;
}

static ct_status finish(const ct_call *call, matmul_state *s, bool fits, void **state, size_t *workspace) {
    if (!fits) {
        ct_free(s);
        return CT_UNSUPPORTED;
    }
    s->gemm.bf16 = call->bf16;
    *workspace = ct_gemm_prepare(&s->gemm);
    *state = s;
    return CT_OK;
}

static bool all_f32(const ct_call *call) {
    for (int i = 0; i < call->n_in; i++)
        if (call->in[i].dtype != CT_F32 && call->in[i].dtype != CT_NONE) return false;
    for (int i = 0; i < call->n_in; i++)
        if (call->in[i].dtype && !ct_layout_numel(&call->in[i])) return false;
    return call->out[0].dtype == CT_F32 && ct_layout_numel(&call->out[0]);
}

static ct_status matmul_prepare(const ct_call *call, void **state, size_t *workspace) {
    const ct_layout *a = &call->in[0], *b = &call->in[1], *c = &call->out[0];
    if (!all_f32(call)) return CT_UNSUPPORTED;
    matmul_state *s = ct_alloc(1, sizeof *s);
    if (!s) return CT_NO_MEMORY;
    int na = a->ndim, nb = b->ndim, dims = CT_MAX(CT_MAX(na, nb) - 2, 0);
    matrix ma = {1, a->size[na - 1], 0, a->stride[na - 1]}, mb = {b->size[0], 1, b->stride[0], 0}, mc;
    if (na > 1) ma.rows = a->size[na - 2], ma.sr = a->stride[na - 2];
    if (nb > 1) mb = (matrix){b->size[nb - 2], b->size[nb - 1], b->stride[nb - 2], b->stride[nb - 1]};
    mc = (matrix){ma.rows, mb.columns, 0, 0};
    if (nb > 1) mc.sc = c->stride[c->ndim - 1];
    if (na > 1) mc.sr = c->stride[c->ndim - (nb > 1 ? 2 : 1)];
    if (!plan_product(s, ma, mb, mc)) return finish(call, s, false, state, workspace);
    batch_dim batch[CT_MAX_DIMS];
    for (int i = 0; i < dims; i++) {
        int ia = i + na - 2 - dims, ib = i + nb - 2 - dims; /* negative: the operand has no such dimension */
        batch[i] = (batch_dim){c->size[i], 0, 0, c->stride[i]};
        if (na > 2 && ia >= 0 && a->size[ia] > 1) batch[i].a = a->stride[ia];
        if (nb > 2 && ib >= 0 && b->size[ib] > 1) batch[i].b = b->stride[ib];
    }
    plan_batch(s, batch, dims);
    return finish(call, s, true, state, workspace);
}

static ct_status linear_prepare(const ct_call *call, void **state, size_t *workspace) {
    const ct_layout *x = &call->in[0], *w = &call->in[1], *bias = &call->in[2], *y = &call->out[0];
    bool plain = !bias->dtype || (bias->ndim == 1 && bias->size[0] == w->size[0] && ct_layout_contiguous(bias));
    if (!all_f32(call) || !plain || w->ndim != 2) return CT_UNSUPPORTED;
    matmul_state *s = ct_alloc(1, sizeof *s);
    if (!s) return CT_NO_MEMORY;
    int n = x->ndim, dims = CT_MAX(n - 2, 0);
    matrix mx = {1, x->size[n - 1], 0, x->stride[n - 1]}, my = {1, y->size[n - 1], 0, y->stride[n - 1]};
    if (n > 1) mx.rows = my.rows = x->size[n - 2], mx.sr = x->stride[n - 2], my.sr = y->stride[n - 2];
    bool fits = plan_product(s, mx, (matrix){w->size[1], w->size[0], w->stride[1], w->stride[0]}, my) && !s->swap;
    batch_dim batch[CT_MAX_DIMS];
    for (int i = 0; i < dims; i++) batch[i] = (batch_dim){y->size[i], x->stride[i], 0, y->stride[i]};
    if (fits) plan_batch(s, batch, dims);
    return finish(call, s, fits, state, workspace);
}

static void product_run(const ct_exec *exec, const ct_call *call, void *state, const void *const *in,
                        void *const *out) {
    const matmul_state *s = state;
    const float *a = in[s->swap], *b = exec->kept ? exec->kept : in[!s->swap], *bias = call->n_in > 2 ? in[2] : NULL;
    for (int64_t item = 0; item < s->count; item++) {
        int64_t i = item, at_a = 0, at_b = 0, at_c = 0;
        for (int d = s->n - 1; d >= 0; i /= s->batch[d--].size) {
            int64_t at = i % s->batch[d].size;
            at_a += at * s->batch[d].a, at_b += at * s->batch[d].b, at_c += at * s->batch[d].c;
        }
        ct_gemm_run(&s->gemm, a + at_a, b + at_b, bias, (float *)out[0] + at_c, exec->workspace, exec->tail);
    }
}

static bool tails(const ct_call *call, void *state, size_t *workspace) {
    matmul_state *s = state;
    s->gemm.rows = true;
    *workspace = ct_gemm_prepare(&s->gemm);
    return layout_dense(&call->out[0]);
}

/* B packed, where it lies as columns of which few rows of A would be reason to pack it. */
static size_t keeps(const ct_call *call, void *state, size_t *workspace, const void **form) {
    matmul_state *s = state;
    ct_gemm *g = &s->gemm;
    (void)call, (void)form;
    if (s->swap || s->n || g->batch != 1 || !g->tb || g->m > KEEP_ROWS || g->n < 2 * VW) return 0;
    g->packed = true;
    *workspace = ct_gemm_prepare(g);
    return ct_gemm_packed_size(g);
}

static void keep(const void *state, const void *weight, void *kept) {
    ct_gemm_pack(&((const matmul_state *)state)->gemm, weight, kept);
}

const ct_kernel CT_ISA_NAME(ct_cpu_matmul) = {
    .prepare = matmul_prepare, .run = product_run, .tails = tails, .keeps = keeps, .keep = keep};
const ct_kernel CT_ISA_NAME(ct_cpu_linear) = {
    .prepare = linear_prepare, .run = product_run, .tails = tails, .keeps = keeps, .keep = keep};
