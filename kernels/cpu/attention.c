/* Attention, a block of queries at a time: its scores, softmax and product stay in the cache, and no matrix of all
   queries and keys is ever stored (Dao et al., 2022). Queries, keys and values are read where they lie, heads beside
   each other or not; behind a causal mask only keys up to the block's last query are looked at. */
#include "kernels/attention.h"
#include "base/alloc.h"
#include "kernels/cpu/gemm.h"
#include "kernels/cpu/lanes.h"
#include "kernels/cpu/layout.h"
#include "kernels/cpu/math.h"
#include "kernels/cpu/slots.h"
#include <string.h>

#define BLOCK 64         /* queries at a time, a multiple of any panel's columns: part of the result's definition */
#define SERIAL_FLOPS 3e5 /* below, a fork costs more than it saves */
#define TASKS_A_THREAD 4
#define FEW 8 /* queries for which keys are not worth packing */

typedef struct attention_state {
    ct_attention a;
    ct_matrices g, d[3];        /* of the gradients */
    int64_t blocks, parts;      /* of queries; tasks an item */
    int64_t packed, work, slot; /* floats: keys (or values) packed; a product's workspace; a task's */
    int slots;
    bool packs;
} attention_state;

typedef struct attention_run {
    const attention_state *s;
    const ct_call *call;
    const float *q, *k, *v, *y, *g, *lse;
    const void *mask;
    ct_dtype mask_dtype;
    float *out[3], *lse_out; /* y; or the gradients of queries, keys and values */
    float *work;
    slots slots;
} attention_run;

/* One task's matrices, and its room. */
typedef struct attention_item {
    const float *q, *k, *v, *y, *g, *lse;
    const char *mask; /* of mask_bytes an element */
    float *out[3], *lse_out;
    float *keys, *values, *score, *grad, *work;
} attention_item;

/* ---- prepare ---- */

/* Whether rows lie as the product reads and writes them. */
static bool rows_lie(const ct_matrices *m, int64_t rows, int64_t columns) {
    return (columns == 1 || m->column == 1) && (rows == 1 || m->row >= columns);
}

static ct_gemm product_of(bool ta, bool tb, int64_t m, int64_t n, int64_t k, int64_t lda, int64_t ldb, int64_t ldc) {
    return (ct_gemm){
        .ta = ta, .tb = tb, .m = m, .n = n, .k = k, .lda = lda, .ldb = ldb, .ldc = ldc, .batch = 1, .threads = 1};
}

/* How many keys queries before `end` look at. Of a block, to its full height: whole panels of packed keys. */
static int64_t keys_seen(const ct_attention *a, int64_t end) { return a->is_causal ? CT_MIN(a->S, end) : a->S; }

/* The largest workspace of any product. */
static int64_t products_work(const attention_state *s) {
    const ct_attention *a = &s->a;
    size_t most = 0;
    for (int64_t i = 0; i < a->L; i += BLOCK) {
        int64_t rows = CT_MIN(BLOCK, a->L - i), n = keys_seen(a, i + BLOCK);
        ct_gemm all[] = {product_of(false, true, rows, n, a->E, a->q.row, a->k.row, n),
                         product_of(false, true, rows, n, a->V, s->g.row, a->v.row, n),
                         product_of(false, false, rows, a->V, n, n, a->v.row, a->y.row),
                         product_of(false, false, rows, a->E, n, n, a->k.row, s->d[0].row),
                         product_of(true, false, n, a->V, rows, n, s->g.row, s->d[2].row),
                         product_of(true, false, n, a->E, rows, n, a->q.row, s->d[1].row)};
        for (int k = 0; k < CT_COUNT(all); k++) {
            all[k].packed = k < 2 && s->packs, all[k].acc = k > 3;
            most = CT_MAX(most, ct_gemm_prepare(&all[k]));
        }
    }
    return div_up_i64((int64_t)(most / sizeof(float)), 16) * 16;
}

/* in: query, key, value, mask. */
static bool fits(const ct_layout *in, const ct_attention *a) {
    for (int i = 0; i < 3; i++)
        if (in[i].dtype != CT_F32 && in[i].dtype != CT_NONE) return false;
    if (in[3].dtype != CT_NONE && in[3].dtype != CT_BOOL && in[3].dtype != CT_F32) return false;
    if (!a->items || !a->L || !a->S || !a->E || !a->V) return false;
    return rows_lie(&a->q, a->L, a->E) && rows_lie(&a->k, a->S, a->E) && rows_lie(&a->v, a->S, a->V) &&
           rows_lie(&a->y, a->L, a->V);
}

static ct_status keep(attention_state *s, int scores, int packs, void **state, size_t *workspace) {
    const ct_attention *a = &s->a;
    s->blocks = div_up_i64(a->L, BLOCK), s->packs = a->L > FEW;
    s->packed = div_up_i64((int64_t)(ct_gemm_packed_size(a->S, CT_MAX(a->E, a->V)) / sizeof(float)), 16) * 16;
    s->work = products_work(s);
    s->slot = packs * s->packed + scores * BLOCK * a->S + s->work;
    s->slots = slots_wanted(a->items * s->parts);
    *workspace = (size_t)(s->slots * s->slot) * sizeof(float);
    attention_state *copy = ct_alloc(1, sizeof *copy);
    if (!copy) return CT_NO_MEMORY;
    *copy = *s;
    *state = copy;
    return CT_OK;
}

/* An item's queries are shared out where items alone would not keep the threads busy. */
static ct_status forward_prepare(const ct_call *call, void **state, size_t *workspace) {
    attention_state s = {.a = ct_attention_of(call->in, &call->out[0], &call->out[1], call->args)};
    if (call->out[0].dtype != CT_F32 || !fits(call->in, &s.a)) return CT_UNSUPPORTED;
    s.parts = CT_MIN(div_up_i64(s.a.L, BLOCK), div_up_i64(TASKS_A_THREAD * (int64_t)ct_threads(), s.a.items));
    return keep(&s, 1, 1, state, workspace);
}

static ct_status back_prepare(const ct_call *call, void **state, size_t *workspace) {
    attention_state s = {.a = ct_attention_of(call->in + 1, &call->in[5], &call->in[6], call->args), .parts = 1};
    const ct_attention *a = &s.a;
    s.g = ct_matrices_of(&call->in[0], 0, 2, a->n);
    ct_attention_parts(call->out, a->packed, a->n, s.d);
    bool lies = rows_lie(&s.g, a->L, a->V) && rows_lie(&s.d[0], a->L, a->E) && rows_lie(&s.d[1], a->S, a->E) &&
                rows_lie(&s.d[2], a->S, a->V);
    if (call->in[0].dtype != CT_F32 || !lies || !fits(call->in + 1, a)) return CT_UNSUPPORTED;
    return keep(&s, 2, 2, state, workspace);
}

/* ---- a block of queries ---- */

static void product(const attention_item *t, ct_gemm g, const float *a, const float *b, float *c) {
    ct_gemm_prepare(&g);
    ct_gemm_run(&g, a, b, NULL, c, t->work, NULL);
}

static void pack(int64_t n, int64_t k, int64_t row, const float *from, float *to) {
    ct_gemm g = product_of(false, true, 1, n, k, k, row, n);
    ct_gemm_pack(&g, from, to);
}

/* The products of m rows with n rows of k numbers, which are packed if they are to be. */
static void each_with_each(const attention_run *r, const attention_item *t, int64_t m, int64_t n, int64_t k,
                           const float *a, int64_t lda, const float *b, int64_t ldb, const float *packed, float *c) {
    ct_gemm g = product_of(false, true, m, n, k, lda, ldb, n);
    g.packed = r->s->packs;
    product(t, g, a, g.packed ? packed : b, c);
}

/* n scores of a query: scaled, masked. */
static void finish_scores(const attention_run *r, const char *mask, int64_t n, float *s) {
    const ct_attention *a = &r->s->a;
    const float scale = (float)a->scale, *term = (const float *)mask;
    int64_t step = a->mask.column;
    if (!mask)
#pragma omp simd
        for (int64_t j = 0; j < n; j++) s[j] *= scale;
    else if (r->mask_dtype == CT_BOOL)
        for (int64_t j = 0; j < n; j++) s[j] = mask[j * step] ? s[j] * scale : -__builtin_inff();
    else
#pragma omp simd
        for (int64_t j = 0; j < n; j++) s[j] = sfma(s[j], scale, term[j * step]);
}

static const char *mask_row(const attention_run *r, const attention_item *t, int64_t i) {
    int64_t bytes = r->mask_dtype == CT_BOOL ? 1 : (int64_t)sizeof(float);
    return t->mask ? t->mask + i * r->s->a.mask.row * bytes : NULL;
}

/* Scores become e^(score - most), whose sum is returned; without any key all are 0. */
static float exponentials(float *s, int64_t n, float *most) {
    float m = *most = CT_MAX(max_f32(s, n), -FLT_MAX);
#pragma omp simd
    for (int64_t j = 0; j < n; j++) s[j] = exp_f32(s[j] - m);
    return sum_f32(s, n);
}

/* Queries [i, i + rows), which look at n keys. */
static void forward_block(const attention_run *r, const attention_item *t, int64_t i, int64_t rows, int64_t n) {
    const ct_attention *a = &r->s->a;
    float *y = t->out[0] + i * a->y.row, factor[BLOCK];
    each_with_each(r, t, rows, n, a->E, t->q + i * a->q.row, a->q.row, t->k, a->k.row, t->keys, t->score);
    for (int64_t q = 0; q < rows; q++) {
        float *s = t->score + q * n, most;
        int64_t seen = keys_seen(a, i + q + 1);
        finish_scores(r, mask_row(r, t, i + q), seen, s);
        float sum = exponentials(s, seen, &most);
        memset(s + seen, 0, (size_t)(n - seen) * sizeof *s);
        factor[q] = sum == 0 ? 0 : 1 / sum;
        if (t->lse_out) t->lse_out[(i + q) * a->lse.row] = sum == 0 ? CT_NO_KEYS : most + log_f32(sum);
    }
    product(t, product_of(false, false, rows, a->V, n, n, a->v.row, a->y.row), t->score, t->v, y);
    for (int64_t q = 0; q < rows; q++)
#pragma omp simd
        for (int64_t e = 0; e < a->V; e++) y[q * a->y.row + e] *= factor[q];
}

/* With p the weights and d(p) their gradients: d(score) = p (d(p) - g y'). */
static void back_scores(const attention_run *r, const attention_item *t, int64_t i, int64_t rows, int64_t n) {
    const ct_attention *a = &r->s->a;
    const float scale = (float)a->scale;
    for (int64_t q = 0; q < rows; q++) {
        float *s = t->score + q * n, *d = t->grad + q * n;
        const float *g = t->g + (i + q) * r->s->g.row, *y = t->y + (i + q) * a->y.row;
        float lse = t->lse[(i + q) * a->lse.row], dot = dot_f32(g, 0, y, 0, a->V);
        int64_t seen = keys_seen(a, i + q + 1);
        finish_scores(r, mask_row(r, t, i + q), seen, s);
#pragma omp simd
        for (int64_t j = 0; j < seen; j++) {
            s[j] = exp_f32(s[j] - lse);
            d[j] = s[j] * (d[j] - dot) * scale;
        }
        memset(s + seen, 0, (size_t)(n - seen) * sizeof *s);
        memset(d + seen, 0, (size_t)(n - seen) * sizeof *d);
    }
}

static void back_block(const attention_run *r, const attention_item *t, int64_t i, int64_t rows, int64_t n) {
    const attention_state *s = r->s;
    const ct_attention *a = &s->a;
    const float *q = t->q + i * a->q.row, *g = t->g + i * s->g.row;
    ct_gemm dk = product_of(true, false, n, a->E, rows, n, a->q.row, s->d[1].row);
    ct_gemm dv = product_of(true, false, n, a->V, rows, n, s->g.row, s->d[2].row);
    dk.acc = dv.acc = i > 0;
    each_with_each(r, t, rows, n, a->E, q, a->q.row, t->k, a->k.row, t->keys, t->score);
    each_with_each(r, t, rows, n, a->V, g, s->g.row, t->v, a->v.row, t->values, t->grad);
    back_scores(r, t, i, rows, n);
    if (t->out[2]) product(t, dv, t->score, g, t->out[2]);
    if (t->out[1]) product(t, dk, t->grad, q, t->out[1]);
    if (t->out[0])
        product(t, product_of(false, false, rows, a->E, n, n, a->k.row, s->d[0].row), t->grad, t->k,
                t->out[0] + i * s->d[0].row);
}

/* Of keys that the first block does not look at, other blocks add to gradients of 0. */
static void zero_rest(const attention_run *r, const attention_item *t) {
    const attention_state *s = r->s;
    const ct_attention *a = &s->a;
    const int64_t columns[] = {0, a->E, a->V};
    for (int p = 1; p < 3; p++)
        for (int64_t j = keys_seen(a, BLOCK); t->out[p] && j < a->S; j++)
            memset(t->out[p] + j * s->d[p].row, 0, (size_t)columns[p] * sizeof(float));
}

/* ---- tasks ---- */

static const float *at(const attention_run *r, const float *p, const ct_matrices *m, int64_t b) {
    return p ? p + ct_matrices_at(&r->s->a, m, b) : NULL;
}

static attention_item item_of(const attention_run *r, int64_t b, float *room) {
    const attention_state *s = r->s;
    const ct_attention *a = &s->a;
    int64_t bytes = r->mask_dtype == CT_BOOL ? 1 : (int64_t)sizeof(float), scores = BLOCK * a->S;
    attention_item t = {.q = at(r, r->q, &a->q, b), .k = at(r, r->k, &a->k, b), .v = at(r, r->v, &a->v, b)};
    if (r->mask) t.mask = (const char *)r->mask + ct_matrices_at(a, &a->mask, b) * bytes;
    t.work = room, t.keys = room + s->work, t.score = t.keys + s->packed;
    if (r->g) {
        t.g = at(r, r->g, &s->g, b), t.y = at(r, r->y, &a->y, b), t.lse = at(r, r->lse, &a->lse, b);
        t.values = t.score + scores, t.grad = t.values + s->packed;
        for (int i = 0; i < 3; i++) t.out[i] = (float *)at(r, r->out[i], &s->d[i], b);
    } else {
        t.out[0] = (float *)at(r, r->out[0], &a->y, b), t.lse_out = (float *)at(r, r->lse_out, &a->lse, b);
    }
    return t;
}

static void run_task(attention_run *r, int64_t id) {
    const attention_state *s = r->s;
    const ct_attention *a = &s->a;
    int slot = slots_take(&r->slots);
    attention_item t = item_of(r, id / s->parts, r->work + slot * s->slot);
    if (s->packs) pack(a->S, a->E, a->k.row, t.k, t.keys);
    if (s->packs && t.values) pack(a->S, a->V, a->v.row, t.v, t.values);
    if (t.values) zero_rest(r, &t);
    for (int64_t block = id % s->parts; block < s->blocks; block += s->parts) {
        int64_t i = block * BLOCK, rows = CT_MIN(BLOCK, a->L - i), n = keys_seen(a, i + BLOCK);
        (r->g ? back_block : forward_block)(r, &t, i, rows, n);
    }
    slots_give(&r->slots, slot);
}

static void run_tasks(void *ctx, int64_t begin, int64_t end) {
    for (int64_t id = begin; id < end; id++) run_task(ctx, id);
}

static void run_all(attention_run *r) {
    const ct_attention *a = &r->s->a;
    double tasks = (double)(a->items * r->s->parts), flops = 2.0 * a->items * a->L * a->S * (a->E + a->V);
    ct_parallel(a->items * r->s->parts, (int64_t)CT_MIN(tasks, ceil(SERIAL_FLOPS * tasks / flops)), run_tasks, r);
}

static void forward_run(const ct_exec *exec, const ct_call *call, void *state, const void *const *in,
                        void *const *out) {
    const attention_state *s = state;
    bool packed = s->a.packed;
    attention_run r = {.s = s, .q = in[0], .k = in[packed ? 0 : 1], .v = in[packed ? 0 : 2], .mask = in[3]};
    r.mask_dtype = call->in[3].dtype;
    r.out[0] = out[0], r.lse_out = out[1], r.work = exec->workspace, r.slots.n = s->slots;
    run_all(&r);
}

static void back_run(const ct_exec *exec, const ct_call *call, void *state, const void *const *in, void *const *out) {
    const attention_state *s = state;
    bool packed = s->a.packed;
    attention_run r = {.s = s, .g = in[0], .q = in[1], .k = in[packed ? 1 : 2], .v = in[packed ? 1 : 3]};
    r.mask = in[4], r.mask_dtype = call->in[4].dtype, r.y = in[5], r.lse = in[6];
    for (int i = 0; i < 3; i++) r.out[i] = out[packed ? 0 : i];
    r.work = exec->workspace, r.slots.n = s->slots;
    run_all(&r);
}

const ct_kernel CT_ISA_NAME(ct_cpu_attention_) = {.prepare = forward_prepare, .run = forward_run};
const ct_kernel CT_ISA_NAME(ct_cpu_attention_back) = {.prepare = back_prepare, .run = back_run};
