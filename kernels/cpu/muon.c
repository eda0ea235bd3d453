/* Muon: momentum in one pass, Newton-Schulz iterations as products, the step in one pass; a matrix after the other.
   Inputs and outputs as in kernels/ref/muon.c. */
#include "kernels/muon.h"
#include "base/alloc.h"
#include "base/parallel.h"
#include "kernels/cpu/gemm.h"
#include "kernels/cpu/lanes.h"
#include "kernels/cpu/layout.h"
#include <string.h>

#define CHUNK 4096

/* A matrix x (m, n): its Gram matrix over the smaller side, that squared, and the polynomial of it times x. */
typedef struct matrix {
    int64_t m, n, side;
    ct_gemm gram, square, next;
} matrix;

typedef struct muon_state {
    int n;
    size_t floats; /* of the largest matrix's own, before what products need */
    matrix matrix[];
} muon_state;

static size_t rounded(int64_t floats) { return ((size_t)floats + 15) / 16 * 16; }

/* In floats: x, the next x, Gram matrix, polynomial; squares of chunks, of doubles. */
static size_t own_floats(const matrix *w) {
    return 2 * rounded(w->m * w->n) + 2 * rounded(w->side * w->side) + rounded(2 * div_up_i64(w->m * w->n, CHUNK));
}

static size_t plan(const ct_layout *l, matrix *w) {
    int64_t m = l->size[0], n = l->size[1], s = CT_MIN(m, n);
    bool wide = m <= n;
    *w = (matrix){.m = m, .n = n, .side = s};
    w->gram = (ct_gemm){.ta = !wide, .tb = wide, .m = s, .n = s, .k = CT_MAX(m, n), .lda = n, .ldb = n, .ldc = s};
    w->square = (ct_gemm){.m = s, .n = s, .k = s, .lda = s, .ldb = s, .ldc = s};
    w->next = (ct_gemm){.m = m, .n = n, .k = s, .lda = wide ? s : n, .ldb = wide ? n : s, .ldc = n};
    w->gram.batch = w->square.batch = w->next.batch = 1;
    size_t bytes = ct_gemm_prepare(&w->gram), square = ct_gemm_prepare(&w->square), next = ct_gemm_prepare(&w->next);
    return CT_MAX(bytes, CT_MAX(square, next));
}

static ct_status muon_prepare(const ct_call *call, void **state, size_t *workspace) {
    int n = (call->n_in - 2) / 3;
    for (int i = 0; i < call->n_in - 2 + call->n_out; i++) {
        const ct_layout *l = i < call->n_in - 2 ? &call->in[i] : &call->out[i - call->n_in + 2];
        bool absent = i / n == 1 && l->dtype == CT_NONE;
        if (!absent && (!layout_is(l, CT_F32) || !ct_layout_numel(l))) return CT_UNSUPPORTED;
    }
    muon_state *s = ct_alloc(1, sizeof *s + (size_t)n * sizeof *s->matrix);
    if (!s) return CT_NO_MEMORY;
    size_t products = 0;
    s->n = n;
    for (int i = 0; i < n; i++) {
        products = CT_MAX(products, plan(&call->in[i], &s->matrix[i]));
        s->floats = CT_MAX(s->floats, own_floats(&s->matrix[i]));
    }
    *state = s;
    *workspace = s->floats * sizeof(float) + products;
    return CT_OK;
}

typedef struct muon_run {
    const ct_muon_args *args;
    const float *p, *g, *m;
    float *new_p, *new_m, *x;
    double *squares;
    float shrink, rate; /* of the weights, of x */
    int64_t n;
} muon_run;

CT_INLINE float lerp(float a, float b, float share, bool near) {
    return near ? b - (b - a) * (1 - share) : a + share * (b - a);
}

/* New buffers and the step's matrix x, its squares summed a chunk. */
static void move(void *ctx, int64_t begin, int64_t end) {
    const muon_run *r = ctx;
    float keep = (float)r->args->momentum, fresh = (float)(1 - r->args->momentum);
    bool ahead = !r->args->no_nesterov, near = keep >= 0.5f;
    for (int64_t c = begin; c < end; c++) {
        int64_t first = c * CHUNK, n = CT_MIN(CHUNK, r->n - first);
        const float *g = r->g + first, *m = r->m + first;
        float *new_m = r->new_m + first, *x = r->x + first, square[CHUNK];
#pragma omp simd
        for (int64_t i = 0; i < n; i++) {
            float now = near ? m[i] + fresh * (g[i] - m[i]) : g[i] - (g[i] - m[i]) * keep;
            new_m[i] = now;
            x[i] = !ahead ? now : lerp(g[i], now, keep, near);
            square[i] = x[i] * x[i];
        }
        r->squares[c] = (double)sum_f32(square, n);
    }
}

static void step(void *ctx, int64_t begin, int64_t end) {
    const muon_run *r = ctx;
#pragma omp simd
    for (int64_t i = begin; i < end; i++) r->new_p[i] = r->shrink * r->p[i] - r->rate * r->x[i];
}

/* x = (a + b x x' + c (x x')^2) x, again and again, from x of norm 1; with x' x behind x where that is smaller. Returns
   where it ends. */
static float *orthogonalise(const ct_muon_args *a, const matrix *w, float *x, void *work) {
    int64_t s = w->side;
    float *next = x + rounded(w->m * w->n), *gram = next + rounded(w->m * w->n), *poly = gram + rounded(s * s);
    float b = (float)a->ns_coefficients[1], c = (float)a->ns_coefficients[2];
    for (int64_t k = 0; k < a->ns_steps; k++) {
        ct_gemm_run(&w->gram, x, x, NULL, gram, work, NULL);
        ct_gemm_run(&w->square, gram, gram, NULL, poly, work, NULL);
#pragma omp simd
        for (int64_t i = 0; i < s * s; i++) poly[i] = b * gram[i] + c * poly[i];
        for (int64_t i = 0; i < s; i++) poly[i * s + i] += (float)a->ns_coefficients[0];
        bool wide = w->m <= w->n;
        ct_gemm_run(&w->next, wide ? poly : x, wide ? x : poly, NULL, next, work, NULL);
        float *old = x;
        x = next, next = old;
    }
    return x;
}

static void one(muon_run *r, const matrix *w, double lr, float *memory, void *work) {
    int64_t chunks = div_up_i64(r->n, CHUNK);
    double norm = 0;
    r->x = memory;
    r->squares = (double *)(memory + 2 * rounded(r->n) + 2 * rounded(w->side * w->side));
    ct_parallel(chunks, 2, move, r);
    for (int64_t c = 0; c < chunks; c++) norm += r->squares[c];
    float scale = (float)(1 / CT_MAX(sqrt(norm), r->args->eps));
#pragma omp simd
    for (int64_t i = 0; i < r->n; i++) r->x[i] *= scale;
    r->x = orthogonalise(r->args, w, r->x, work);
    r->shrink = (float)(1 - lr * r->args->weight_decay), r->rate = (float)ct_muon_rate(r->args, lr, w->m, w->n);
    ct_parallel(r->n, 32768, step, r);
}

static double number_of(const ct_layout *l, const void *p) {
    return l->dtype == CT_F32 ? (double)*(const float *)p : *(const double *)p;
}

static void muon_run_(const ct_exec *exec, const ct_call *call, void *state, const void *const *in, void *const *out) {
    const muon_state *s = state;
    int n = s->n;
    float *memory = exec->workspace;
    double lr = number_of(&call->in[3 * n], in[3 * n]);
    for (int i = 0; i < n; i++) {
        const matrix *w = &s->matrix[i];
        muon_run r = {.args = call->args, .p = in[i], .g = in[n + i], .m = in[2 * n + i]};
        r.new_p = out[i], r.new_m = out[n + i], r.n = w->m * w->n;
        if (r.g) {
            one(&r, w, lr, memory, memory + s->floats);
            continue;
        }
        if (r.new_p != r.p) memcpy(r.new_p, r.p, (size_t)r.n * sizeof(float)); /* without a gradient all is handed on */
        if (r.new_m != r.m) memcpy(r.new_m, r.m, (size_t)r.n * sizeof(float));
    }
}

const ct_kernel CT_ISA_NAME(ct_cpu_muon) = {.prepare = muon_prepare, .run = muon_run_};
