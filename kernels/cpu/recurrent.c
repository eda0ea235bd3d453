/* The steps of one layer of an LSTM, and their gradients: a step is one parallel region, in which a task has some
   units: the product of the state with their columns of the weight, packed once, then their gates. The product has a
   place of its own: rows of the results may lie a power of two apart, and push each other out of the cache. */
#include "base/alloc.h"
#include "kernels/cpu/gemm.h"
#include "kernels/cpu/layout.h"
#include "kernels/cpu/math.h"
#include "kernels/cpu/slots.h"
#include <string.h>

#define UNITS_LEAST 32 /* of a task: a whole number of a packed weight's panels on every instruction set */
#define UNITS_MOST 128
#define TASKS_A_THREAD 2
enum { I, F, G, O, GATES };

typedef struct lstm_plan {
    int64_t steps, n, h, units; /* units: of a task */
    bool reverse;
    ct_gemm gemm[2]; /* of a task, and of the last one */
    int64_t packed;  /* floats of a task's part of the weight */
    int64_t room;    /* floats before a task's own workspace of the product: its result, or what is to be packed */
    int64_t slot;    /* floats of both */
    int slots;
} lstm_plan;

typedef struct lstm_run {
    const lstm_plan *p;
    const float *gates, *w, *h, *c;  /* forward: h and c before this step */
    float *y, *cell, *act;           /* of this step */
    const float *dy, *dcell, *after; /* backward: after, the gates' gradients of the step after; NULL: none */
    float *dgates, *dh, *dc;         /* dgates: NULL before the first step, whose dh is wanted */
    float *packed, *rooms;
    slots slots;
} lstm_run;

/* A task: its units from u on, their part of the packed weight, and room. */
typedef struct lstm_task {
    const ct_gemm *gemm;
    int64_t u, units;
    float *packed, *room;
} lstm_task;

/* From e^88.4 on infinite: most results that would be denormal are 0. */
CT_INLINE float sigmoid(float x) {
    float c = x < -89.0f ? 89.0f : -x; /* NaN passes */
    c = c < -87.0f ? -87.0f : c;
    return 1.0f / (1.0f + exp_near_f32(c));
}

/* ---- getting ready ---- */

static int64_t tasks_of(const lstm_plan *p) { return div_up_i64(p->h, p->units); }

/* Forward a task's four gates are its columns, one after the other; backward its units. */
static ct_gemm task_product(const ct_call *call, const lstm_plan *p, bool back, int64_t units) {
    int64_t n = back ? units : GATES * units, k = back ? GATES * p->h : p->h;
    return (ct_gemm){.tb = !back,
                     .bf16 = call->bf16,
                     .packed = true,
                     .m = p->n,
                     .n = n,
                     .k = k,
                     .lda = k,
                     .ldb = p->h,
                     .ldc = n,
                     .batch = 1,
                     .threads = 1};
}

static ct_status plan_new(const ct_call *call, const ct_layout *cell, bool back, void **state, size_t *workspace) {
    for (int i = 0; i < call->n_in; i++)
        if (call->in[i].dtype != CT_NONE && !layout_is(&call->in[i], CT_F32)) return CT_UNSUPPORTED;
    for (int i = 0; i < call->n_out; i++)
        if (!layout_is(&call->out[i], CT_F32)) return CT_UNSUPPORTED;
    if (!ct_layout_numel(cell)) return CT_UNSUPPORTED;
    lstm_plan *p = ct_alloc(1, sizeof *p);
    if (!p) return CT_NO_MEMORY;
    *p = (lstm_plan){.steps = cell->size[0], .n = cell->size[1], .h = cell->size[2]};
    p->reverse = ((const ct_recurrent_args *)call->args)->reverse;
    int64_t some = div_up_i64(p->h, TASKS_A_THREAD * (int64_t)ct_threads()), products = 0;
    p->units = CT_MIN(div_up_i64(some, UNITS_LEAST) * UNITS_LEAST, UNITS_MOST);
    int64_t tasks = tasks_of(p);
    for (int i = 0; i < 2; i++) {
        p->gemm[i] = task_product(call, p, back, i ? p->h - (tasks - 1) * p->units : CT_MIN(p->h, p->units));
        products = CT_MAX(products, (int64_t)(ct_gemm_prepare(&p->gemm[i]) / sizeof(float)));
    }
    p->packed = (int64_t)(ct_gemm_packed_size(&p->gemm[0]) / sizeof(float));
    p->room = GATES * p->units * CT_MAX(p->n, p->h);
    p->slot = p->room + div_up_i64(products, 16) * 16;
    p->slots = slots_wanted(tasks);
    *workspace = (size_t)(tasks * p->packed + p->slots * p->slot) * sizeof(float);
    *state = p;
    return CT_OK;
}

static ct_status steps_prepare(const ct_call *call, void **state, size_t *workspace) {
    return plan_new(call, &call->out[1], false, state, workspace);
}
static ct_status back_prepare(const ct_call *call, void **state, size_t *workspace) {
    return plan_new(call, &call->in[4], true, state, workspace);
}

/* ---- tasks ---- */

/* Tasks [begin, end), one by one, each with a room. */
static void each_task(lstm_run *r, int64_t begin, int64_t end, void (*run)(const lstm_run *, const lstm_task *)) {
    const lstm_plan *p = r->p;
    int slot = slots_take(&r->slots);
    for (int64_t i = begin; i < end; i++) {
        int64_t u = i * p->units;
        bool last = u + p->units >= p->h;
        run(r, &(lstm_task){&p->gemm[last], u, last ? p->h - u : p->units, r->packed + i * p->packed,
                            r->rooms + slot * p->slot});
    }
    slots_give(&r->slots, slot);
}

/* What `run` does with all tasks, in parallel. */
static void all_tasks(lstm_run *r, void (*run)(void *, int64_t, int64_t)) {
    const lstm_plan *p = r->p;
    ct_parallel(tasks_of(p), grain_of(GATES * p->n * p->units * (p->h / 10 + 4)), run, r);
}

static void product(const lstm_run *r, const lstm_task *t, const float *a) {
    ct_gemm_run(t->gemm, a, t->packed, NULL, t->room, t->room + r->p->room, NULL);
}

static lstm_run run_begin(const ct_exec *exec, const lstm_plan *p, const float *w,
                          void (*pack)(void *, int64_t, int64_t)) {
    lstm_run r = {.p = p, .w = w, .packed = exec->workspace};
    r.slots.n = p->slots;
    r.rooms = r.packed + tasks_of(p) * p->packed;
    all_tasks(&r, pack);
    return r;
}

/* ---- forward ---- */

static void pack_forward_task(const lstm_run *r, const lstm_task *t) {
    int64_t h = r->p->h;
    for (int64_t q = 0; q < GATES; q++)
        memcpy(t->room + q * t->units * h, r->w + (q * h + t->u) * h, (size_t)(t->units * h) * sizeof *t->room);
    ct_gemm_pack(t->gemm, t->room, t->packed);
}

/* The units of sample n. */
static void units_forward(const lstm_run *r, const lstm_task *t, int64_t n) {
    int64_t h = r->p->h, units = t->units, at = n * h + t->u;
    const float *z = t->room + n * GATES * units, *gates = r->gates + n * GATES * h + t->u, *before = r->c + at;
    float *a = r->act + n * GATES * h + t->u, *c = r->cell + at, *y = r->y + at;
#pragma omp simd
    for (int64_t j = 0; j < units; j++) {
        float i = sigmoid(gates[I * h + j] + z[I * units + j]), f = sigmoid(gates[F * h + j] + z[F * units + j]);
        float g = tanh_f32(gates[G * h + j] + z[G * units + j]), o = sigmoid(gates[O * h + j] + z[O * units + j]);
        float now = sfma(f, before[j], i * g);
        a[I * h + j] = i, a[F * h + j] = f, a[G * h + j] = g, a[O * h + j] = o;
        c[j] = now;
        y[j] = o * tanh_f32(now);
    }
}

static void forward_task(const lstm_run *r, const lstm_task *t) {
    product(r, t, r->h);
    for (int64_t n = 0; n < r->p->n; n++) units_forward(r, t, n);
}

static void pack_forward(void *r, int64_t begin, int64_t end) { each_task(r, begin, end, pack_forward_task); }
static void step_forward(void *r, int64_t begin, int64_t end) { each_task(r, begin, end, forward_task); }

static void steps_run(const ct_exec *exec, const ct_call *call, void *state, const void *const *in, void *const *out) {
    const lstm_plan *p = state;
    lstm_run r = run_begin(exec, p, in[1], pack_forward);
    int64_t size = p->n * p->h;
    r.h = in[2], r.c = in[3];
    for (int64_t s = 0; s < p->steps; s++) {
        int64_t t = p->reverse ? p->steps - 1 - s : s;
        r.gates = (const float *)in[0] + t * GATES * size, r.act = (float *)out[2] + t * GATES * size;
        r.y = (float *)out[0] + t * size, r.cell = (float *)out[1] + t * size;
        all_tasks(&r, step_forward);
        r.h = r.y, r.c = r.cell;
    }
    (void)call;
}

/* ---- gradients: dc holds what reaches the cell from the step after ---- */

static void pack_back_task(const lstm_run *r, const lstm_task *t) { ct_gemm_pack(t->gemm, r->w + t->u, t->packed); }

/* The units of sample n: what their own results get, and what the step after says. What is absent is read as zeros: a
   load that a mask keeps from NULL costs hundreds of cycles. */
static void units_back(const lstm_run *r, const lstm_task *t, int64_t n) {
    static const float none[UNITS_MOST];
    int64_t h = r->p->h, units = t->units, at = n * h + t->u;
    const float *a = r->act + n * GATES * h + t->u, *cell = r->cell + at, *before = r->c + at;
    const float *z = t->room + n * units, *dy = r->dy ? r->dy + at : none, *dcell = r->dcell ? r->dcell + at : none;
    float *d = r->dgates + n * GATES * h + t->u, *dc = r->dc + at;
#pragma omp simd
    for (int64_t j = 0; j < units; j++) {
        float i = a[I * h + j], f = a[F * h + j], g = a[G * h + j], o = a[O * h + j], c = tanh_f32(cell[j]);
        float dh = z[j] + dy[j];
        float dnow = sfma(dh * o, 1.0f - c * c, dc[j]) + dcell[j];
        d[I * h + j] = dnow * g * i * (1.0f - i), d[F * h + j] = dnow * before[j] * f * (1.0f - f);
        d[G * h + j] = dnow * i * (1.0f - g * g), d[O * h + j] = dh * c * o * (1.0f - o);
        dc[j] = dnow * f;
    }
}

static void back_task(const lstm_run *r, const lstm_task *t) {
    const lstm_plan *p = r->p;
    if (r->after)
        product(r, t, r->after);
    else
        memset(t->room, 0, (size_t)(p->n * t->units) * sizeof *t->room);
    for (int64_t n = 0; n < p->n; n++) {
        if (!r->dgates) {
            memcpy(r->dh + n * p->h + t->u, t->room + n * t->units, (size_t)t->units * sizeof *r->dh);
            continue;
        }
        units_back(r, t, n);
    }
}

static void pack_back(void *r, int64_t begin, int64_t end) { each_task(r, begin, end, pack_back_task); }
static void step_back(void *r, int64_t begin, int64_t end) { each_task(r, begin, end, back_task); }

static const float *at_step(const void *p, int64_t t, int64_t size) { return p ? (const float *)p + t * size : NULL; }

static void back_run(const ct_exec *exec, const ct_call *call, void *state, const void *const *in, void *const *out) {
    const lstm_plan *p = state;
    lstm_run r = run_begin(exec, p, in[2], pack_back);
    int64_t size = p->n * p->h, turn = p->reverse ? -1 : 1;
    r.dc = out[2];
    memset(r.dc, 0, (size_t)size * sizeof *r.dc);
    for (int64_t s = p->steps - 1; s >= 0; s--) {
        int64_t t = p->reverse ? p->steps - 1 - s : s;
        r.dy = at_step(in[0], t, size), r.dcell = at_step(in[1], t, size);
        r.c = s ? at_step(in[4], t - turn, size) : in[3];
        r.cell = (float *)in[4] + t * size, r.act = (float *)in[5] + t * GATES * size;
        r.dgates = (float *)out[0] + t * GATES * size;
        all_tasks(&r, step_back);
        r.after = r.dgates;
    }
    r.dgates = NULL, r.dh = out[1];
    all_tasks(&r, step_back);
    (void)call;
}

const ct_kernel CT_ISA_NAME(ct_cpu_lstm_steps) = {.prepare = steps_prepare, .run = steps_run};
const ct_kernel CT_ISA_NAME(ct_cpu_lstm_back) = {.prepare = back_prepare, .run = back_run};
