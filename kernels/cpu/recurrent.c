/* The steps of one layer of an LSTM, and their gradients: a step is one parallel region, in which a task has 32 units:
   the products of the state with their columns of the weight, packed once, then their gates. */
#include "base/alloc.h"
#include "kernels/cpu/gemm.h"
#include "kernels/cpu/layout.h"
#include "kernels/cpu/math.h"
#include "kernels/cpu/slots.h"
#include <string.h>

#define UNITS 32 /* a whole number of a packed weight's panels on every instruction set */
enum { I, F, G, O, GATES };

typedef struct lstm_plan {
    int64_t steps, n, h;
    bool reverse;
    ct_gemm gemm[2]; /* of a task, and of the last one */
    int64_t packed;  /* floats of one packed matrix; four of them forward, one backward */
    int64_t product; /* floats of workspace of a product */
    int slots;
} lstm_plan;

typedef struct lstm_run {
    const lstm_plan *p;
    const float *gates, *w, *h, *c;  /* forward: h and c before this step */
    float *y, *cell, *act;           /* of this step */
    const float *dy, *dcell, *after; /* backward: after, the gates' gradients of the step after; NULL: none */
    float *dgates, *dh, *dc;
    float *packed, *products;
    slots slots;
} lstm_run;

CT_INLINE float sigmoid(float x) { return 1.0f / (1.0f + exp_f32(-x)); }

/* ---- getting ready ---- */

/* k: rows of the packed matrices, of which there are `matrices`. */
static ct_status plan_new(const ct_call *call, const ct_layout *cell, int64_t k, int matrices, bool transposed,
                          void **state, size_t *workspace) {
    for (int i = 0; i < call->n_in; i++)
        if (call->in[i].dtype != CT_NONE && !layout_is(&call->in[i], CT_F32)) return CT_UNSUPPORTED;
    for (int i = 0; i < call->n_out; i++)
        if (!layout_is(&call->out[i], CT_F32)) return CT_UNSUPPORTED;
    if (!ct_layout_numel(cell)) return CT_UNSUPPORTED;
    lstm_plan *p = ct_alloc(1, sizeof *p);
    if (!p) return CT_NO_MEMORY;
    *p = (lstm_plan){.steps = cell->size[0], .n = cell->size[1], .h = cell->size[2]};
    p->reverse = ((const ct_recurrent_args *)call->args)->reverse;
    size_t bytes[2];
    for (int i = 0; i < 2; i++) {
        int64_t units = i ? p->h - (p->h - 1) / UNITS * UNITS : CT_MIN(p->h, UNITS);
        p->gemm[i] = (ct_gemm){.packed = true,
                               .acc = true,
                               .tb = transposed,
                               .m = p->n,
                               .n = units,
                               .k = k,
                               .lda = k,
                               .ldb = p->h,
                               .ldc = transposed ? GATES * p->h : p->h,
                               .batch = 1,
                               .threads = 1};
        bytes[i] = ct_gemm_prepare(&p->gemm[i]);
    }
    p->packed = (int64_t)(ct_gemm_packed_size(&(ct_gemm){.n = p->h, .k = k}) / sizeof(float));
    p->product = (int64_t)(CT_MAX(bytes[0], bytes[1]) / sizeof(float) + 15) / 16 * 16;
    p->slots = slots_wanted(div_up_i64(p->h, UNITS));
    *workspace = (size_t)(matrices * p->packed + p->slots * p->product + p->n * p->h) * sizeof(float);
    *state = p;
    return CT_OK;
}

static ct_status steps_prepare(const ct_call *call, void **state, size_t *workspace) {
    return plan_new(call, &call->out[1], call->out[1].size[2], GATES, true, state, workspace);
}
static ct_status back_prepare(const ct_call *call, void **state, size_t *workspace) {
    return plan_new(call, &call->in[4], GATES * call->in[4].size[2], 1, false, state, workspace);
}

/* Matrices [begin, end) of the weight: a gate's (h, h) transposed, or all of (4 h, h). */
static void pack(void *ctx, int64_t begin, int64_t end) {
    const lstm_run *r = ctx;
    const lstm_plan *p = r->p;
    ct_gemm all = p->gemm[0];
    all.n = p->h;
    for (int64_t q = begin; q < end; q++) ct_gemm_pack(&all, r->w + q * p->h * p->h, r->packed + q * p->packed);
}

static void tasks_of(lstm_run *r, void (*run)(void *, int64_t, int64_t)) {
    const lstm_plan *p = r->p;
    ct_parallel(div_up_i64(p->h, UNITS), grain_of(GATES * p->n * UNITS * (p->h / 10 + 4)), run, r);
}

/* A task's product added to C: rows of a by the packed columns from unit u on. */
static void product(lstm_run *r, const float *a, const float *packed, int64_t u, float *c) {
    const lstm_plan *p = r->p;
    int slot = slots_take(&r->slots);
    ct_gemm_run(&p->gemm[u + UNITS >= p->h], a, packed + u * p->gemm[0].k, NULL, c, r->products + slot * p->product,
                NULL);
    slots_give(&r->slots, slot);
}

/* ---- forward ---- */

static void units_forward(const lstm_run *r, int64_t n, int64_t u, int64_t units) {
    int64_t h = r->p->h, at = n * h + u;
    float *a = r->act + n * GATES * h + u;
    const float *before = r->c + at;
    float *c = r->cell + at, *y = r->y + at;
#pragma omp simd
    for (int64_t j = 0; j < units; j++) {
        float i = sigmoid(a[I * h + j]), f = sigmoid(a[F * h + j]), o = sigmoid(a[O * h + j]),
              g = tanh_f32(a[G * h + j]);
        float now = sfma(f, before[j], i * g);
        a[I * h + j] = i, a[F * h + j] = f, a[G * h + j] = g, a[O * h + j] = o;
        c[j] = now;
        y[j] = o * tanh_f32(now);
    }
}

static void step_forward(void *ctx, int64_t begin, int64_t end) {
    lstm_run *r = ctx;
    const lstm_plan *p = r->p;
    for (int64_t u = begin * UNITS; u < CT_MIN(end * UNITS, p->h); u += UNITS) {
        int64_t units = CT_MIN(UNITS, p->h - u);
        for (int64_t q = 0; q < GATES; q++) {
            for (int64_t n = 0; n < p->n; n++)
                memcpy(r->act + (n * GATES + q) * p->h + u, r->gates + (n * GATES + q) * p->h + u,
                       (size_t)units * sizeof *r->act);
            product(r, r->h, r->packed + q * p->packed, u, r->act + q * p->h + u);
        }
        for (int64_t n = 0; n < p->n; n++) units_forward(r, n, u, units);
    }
}

static lstm_run run_begin(const ct_exec *exec, const lstm_plan *p, const float *w, int matrices) {
    lstm_run r = {.p = p, .w = w, .packed = exec->workspace};
    r.slots.n = p->slots;
    r.products = r.packed + matrices * p->packed;
    r.dh = r.products + p->slots * p->product;
    ct_parallel(matrices, 1, pack, &r);
    return r;
}

static void steps_run(const ct_exec *exec, const ct_call *call, void *state, const void *const *in, void *const *out) {
    const lstm_plan *p = state;
    lstm_run r = run_begin(exec, p, in[1], GATES);
    int64_t size = p->n * p->h;
    r.h = in[2], r.c = in[3];
    for (int64_t s = 0; s < p->steps; s++) {
        int64_t t = p->reverse ? p->steps - 1 - s : s;
        r.gates = (const float *)in[0] + t * GATES * size, r.act = (float *)out[2] + t * GATES * size;
        r.y = (float *)out[0] + t * size, r.cell = (float *)out[1] + t * size;
        tasks_of(&r, step_forward);
        r.h = r.y, r.c = r.cell;
    }
    (void)call;
}

/* ---- gradients: dc holds what reaches the cell from the step after ---- */

static void units_back(const lstm_run *r, int64_t n, int64_t u, int64_t units) {
    int64_t h = r->p->h, at = n * h + u;
    const float *a = r->act + n * GATES * h + u, *cell = r->cell + at, *before = r->c + at, *dh = r->dh + at;
    const float *dcell = r->dcell ? r->dcell + at : NULL;
    float *d = r->dgates + n * GATES * h + u, *dc = r->dc + at;
#pragma omp simd
    for (int64_t j = 0; j < units; j++) {
        float i = a[I * h + j], f = a[F * h + j], g = a[G * h + j], o = a[O * h + j], c = tanh_f32(cell[j]);
        float dnow = sfma(dh[j] * o, 1.0f - c * c, dc[j]) + (dcell ? dcell[j] : 0.0f);
        d[I * h + j] = dnow * g * i * (1.0f - i), d[F * h + j] = dnow * before[j] * f * (1.0f - f);
        d[G * h + j] = dnow * i * (1.0f - g * g), d[O * h + j] = dh[j] * c * o * (1.0f - o);
        dc[j] = dnow * f;
    }
}

/* dh of units [u, u + units): what the step's own result gets, and what the step after says. */
static void gather_dh(lstm_run *r, const float *dy, float *dh, int64_t u, int64_t units) {
    const lstm_plan *p = r->p;
    for (int64_t n = 0; n < p->n; n++) {
        if (dy)
            memcpy(dh + n * p->h + u, dy + n * p->h + u, (size_t)units * sizeof *dh);
        else
            memset(dh + n * p->h + u, 0, (size_t)units * sizeof *dh);
    }
    if (r->after) product(r, r->after, r->packed, u, dh + u);
}

static void step_back(void *ctx, int64_t begin, int64_t end) {
    lstm_run *r = ctx;
    const lstm_plan *p = r->p;
    for (int64_t u = begin * UNITS; u < CT_MIN(end * UNITS, p->h); u += UNITS) {
        int64_t units = CT_MIN(UNITS, p->h - u);
        gather_dh(r, r->dy, r->dh, u, units);
        for (int64_t n = 0; n < p->n && r->dgates; n++) units_back(r, n, u, units);
    }
}

static const float *at_step(const void *p, int64_t t, int64_t size) { return p ? (const float *)p + t * size : NULL; }

static void back_run(const ct_exec *exec, const ct_call *call, void *state, const void *const *in, void *const *out) {
    const lstm_plan *p = state;
    lstm_run r = run_begin(exec, p, in[2], 1);
    int64_t size = p->n * p->h, turn = p->reverse ? -1 : 1;
    r.dc = out[2];
    memset(r.dc, 0, (size_t)size * sizeof *r.dc);
    for (int64_t s = p->steps - 1; s >= 0; s--) {
        int64_t t = p->reverse ? p->steps - 1 - s : s;
        r.dy = at_step(in[0], t, size), r.dcell = at_step(in[1], t, size);
        r.c = s ? at_step(in[4], t - turn, size) : in[3];
        r.cell = (float *)in[4] + t * size, r.act = (float *)in[5] + t * GATES * size;
        r.dgates = (float *)out[0] + t * GATES * size;
        tasks_of(&r, step_back);
        r.after = r.dgates;
    }
    r.dy = NULL, r.dgates = NULL, r.dh = out[1]; /* before the first step */
    tasks_of(&r, step_back);
    (void)call;
}

const ct_kernel CT_ISA_NAME(ct_cpu_lstm_steps) = {.prepare = steps_prepare, .run = steps_run};
const ct_kernel CT_ISA_NAME(ct_cpu_lstm_back) = {.prepare = back_prepare, .run = back_run};
