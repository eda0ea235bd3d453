/* Attention, a block of queries at a time: its scores, softmax and product stay in the cache, and no matrix of all
   queries and keys is ever stored (Dao et al., 2022). Scores lie a key a row, so that vectors hold a key's scores for
   neighbouring queries. Queries, keys and values are read where they lie, heads beside each other or not; behind a
   causal mask only keys up to the block's last query are looked at. */
#include "kernels/attention.h"
#include "base/alloc.h"
#include "kernels/cpu/gemm.h"
#include "kernels/cpu/lanes.h"
#include "kernels/cpu/layout.h"
#include "kernels/cpu/math.h"
#include "kernels/cpu/slots.h"
#include <string.h>

#define BLOCK 64         /* queries at a time, and keys whose exponentials are summed first: part of the definition */
#define SERIAL_FLOPS 3e5 /* below, a fork costs more than it saves */
#define TASKS_A_THREAD 4

typedef struct attention_state {
    ct_attention a;
    ct_matrices g, d[3];   /* of the gradients */
    int64_t blocks, parts; /* of queries; tasks an item */
    int64_t work, slot;    /* floats: a product's workspace; a task's */
    int slots;
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
    const char *mask;
    float *out[3], *lse_out;
    float *score, *grad, *work;
} attention_item;

/* ---- prepare ---- */

/* Whether rows lie as the product reads and writes them. */
static bool rows_lie(const ct_matrices *m, int64_t rows, int64_t columns) {
    return (columns == 1 || m->column == 1) && (rows == 1 || m->row >= columns);
}

/* How many keys the block of queries from i on looks at. */
static int64_t keys_seen(const ct_attention *a, int64_t i) { return a->is_causal ? CT_MIN(a->S, i + BLOCK) : a->S; }

/* The products of a block of queries from i on. */
enum { SCORES, RESULT, GRADS, D_QUERY, D_KEY, D_VALUE, PRODUCTS };

static ct_gemm product_of(const attention_state *s, int what, int64_t i) {
    const ct_attention *a = &s->a;
    int64_t rows = CT_MIN(BLOCK, a->L - i), n = keys_seen(a, i);
    const ct_gemm all[PRODUCTS] = {
        [SCORES] = {.tb = true, .m = n, .n = rows, .k = a->E, .lda = a->k.row, .ldb = a->q.row, .ldc = BLOCK},
        [RESULT] = {.ta = true, .m = rows, .n = a->V, .k = n, .lda = BLOCK, .ldb = a->v.row, .ldc = a->y.row},
        [GRADS] = {.tb = true, .m = n, .n = rows, .k = a->V, .lda = a->v.row, .ldb = s->g.row, .ldc = BLOCK},
        [D_QUERY] = {.ta = true, .m = rows, .n = a->E, .k = n, .lda = BLOCK, .ldb = a->k.row, .ldc = s->d[0].row},
        [D_KEY] = {.m = n, .n = a->E, .k = rows, .lda = BLOCK, .ldb = a->q.row, .ldc = s->d[1].row, .acc = i > 0},
        [D_VALUE] = {.m = n, .n = a->V, .k = rows, .lda = BLOCK, .ldb = s->g.row, .ldc = s->d[2].row, .acc = i > 0},
    };
    ct_gemm g = all[what];
    g.batch = g.threads = 1;
    return g;
}

/* The largest workspace of any product. */
static int64_t products_work(const attention_state *s) {
    size_t most = 0;
    for (int64_t i = 0; i < s->a.L; i += BLOCK)
        for (int what = 0; what < PRODUCTS; what++) {
            ct_gemm g = product_of(s, what, i);
            most = CT_MAX(most, ct_gemm_prepare(&g));
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

static ct_status keep(attention_state *s, int scores, void **state, size_t *workspace) {
    const ct_attention *a = &s->a;
    s->blocks = div_up_i64(a->L, BLOCK);
    s->work = products_work(s);
    s->slot = scores * BLOCK * a->S + s->work;
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
    return keep(&s, 1, state, workspace);
}

static ct_status back_prepare(const ct_call *call, void **state, size_t *workspace) {
    attention_state s = {.a = ct_attention_of(call->in + 1, &call->in[5], &call->in[6], call->args), .parts = 1};
    const ct_attention *a = &s.a;
    s.g = ct_matrices_of(&call->in[0], 0, 2, a->n);
    ct_attention_parts(call->out, a->packed, a->n, s.d);
    bool lies = rows_lie(&s.g, a->L, a->V) && rows_lie(&s.d[0], a->L, a->E) && rows_lie(&s.d[1], a->S, a->E) &&
                rows_lie(&s.d[2], a->S, a->V);
    if (call->in[0].dtype != CT_F32 || !lies || !fits(call->in + 1, a)) return CT_UNSUPPORTED;
    return keep(&s, 2, state, workspace);
}

/* ---- a block of queries ---- */

static void product(const attention_run *r, const attention_item *t, int what, int64_t i, const float *a,
                    const float *b, float *c) {
    ct_gemm g = product_of(r->s, what, i);
    ct_gemm_prepare(&g);
    ct_gemm_run(&g, a, b, NULL, c, t->work, NULL);
}

/* Of the block of queries from i on, the first that looks at key j, rounded down to whole vectors: those before it have
   weights of 0. */
CT_INLINE int64_t first_query(const ct_attention *a, int64_t i, int64_t j) {
    return a->is_causal && j > i ? (j - i) / 16 * 16 : 0;
}

/* Key j's scores for queries [i + from, i + rows), scaled; -inf where a mask hides it. */
CT_INLINE void finish_scores(const attention_run *r, const attention_item *t, int64_t i, int64_t from, int64_t rows,
                             int64_t j, float *s) {
    const ct_attention *a = &r->s->a;
    const float scale = (float)a->scale, hidden = -__builtin_inff();
    int64_t step = a->mask.row, at = i * step + j * a->mask.column;
    if (!t->mask)
#pragma omp simd
        for (int64_t q = from; q < rows; q++) s[q] *= scale;
    else if (r->mask_dtype == CT_BOOL)
        for (int64_t q = from; q < rows; q++) s[q] = t->mask[at + q * step] ? s[q] * scale : hidden;
    else
        for (int64_t q = from; q < rows; q++) s[q] = sfma(s[q], scale, ((const float *)t->mask)[at + q * step]);
    for (int64_t q = from; a->is_causal && q < rows && i + q < j; q++) s[q] = hidden;
}

/* Scores of n keys become e^(score - the query's most); the sums of those. A query without keys has 0 and 0. */
CT_INLINE void exponentials(const attention_run *r, const attention_item *t, int64_t i, int64_t rows, int64_t n,
                            float *most, float *sum) {
    const ct_attention *a = &r->s->a;
    for (int64_t q = 0; q < rows; q++) most[q] = -FLT_MAX, sum[q] = 0;
    for (int64_t j = 0; j < n; j++) {
        float *s = t->score + j * BLOCK;
        int64_t from = first_query(a, i, j);
        finish_scores(r, t, i, from, rows, j, s);
#pragma omp simd
        for (int64_t q = from; q < rows; q++) most[q] = s[q] > most[q] ? s[q] : most[q];
    }
    for (int64_t begin = 0; begin < n; begin += BLOCK) {
        float part[BLOCK] = {0};
        for (int64_t j = begin; j < CT_MIN(begin + BLOCK, n); j++) {
            float *s = t->score + j * BLOCK;
            int64_t from = first_query(a, i, j);
            memset(s, 0, (size_t)from * sizeof *s);
#pragma omp simd
            for (int64_t q = from; q < rows; q++) {
                s[q] = exp_f32(s[q] - most[q]);
                part[q] += s[q];
            }
        }
        for (int64_t q = 0; q < rows; q++) sum[q] += part[q];
    }
}

static void forward_block(const attention_run *r, const attention_item *t, int64_t i) {
    const ct_attention *a = &r->s->a;
    int64_t rows = CT_MIN(BLOCK, a->L - i), n = keys_seen(a, i);
    float *y = t->out[0] + i * a->y.row, most[BLOCK], sum[BLOCK];
    product(r, t, SCORES, i, t->k, t->q + i * a->q.row, t->score);
    if (rows == BLOCK)
        exponentials(r, t, i, BLOCK, n, most, sum);
    else
        exponentials(r, t, i, rows, n, most, sum);
    product(r, t, RESULT, i, t->score, t->v, y);
    for (int64_t q = 0; q < rows; q++) {
        float factor = sum[q] == 0 ? 0 : 1 / sum[q];
        if (t->lse_out) t->lse_out[(i + q) * a->lse.row] = sum[q] == 0 ? CT_NO_KEYS : most[q] + log_f32(sum[q]);
#pragma omp simd
        for (int64_t e = 0; e < a->V; e++) y[q * a->y.row + e] *= factor;
    }
}

/* With p the weights and d(p) their gradients: d(score) = p (d(p) - g y'). */
CT_INLINE void back_scores(const attention_run *r, const attention_item *t, int64_t i, int64_t rows, int64_t n,
                           const float *lse, const float *dot) {
    const float scale = (float)r->s->a.scale;
    for (int64_t j = 0; j < n; j++) {
        float *s = t->score + j * BLOCK, *d = t->grad + j * BLOCK;
        int64_t from = first_query(&r->s->a, i, j);
        memset(s, 0, (size_t)from * sizeof *s), memset(d, 0, (size_t)from * sizeof *d);
        finish_scores(r, t, i, from, rows, j, s);
#pragma omp simd
        for (int64_t q = from; q < rows; q++) {
            s[q] = exp_f32(s[q] - lse[q]);
            d[q] = s[q] * (d[q] - dot[q]) * scale;
        }
    }
}

static void back_block(const attention_run *r, const attention_item *t, int64_t i) {
    const attention_state *s = r->s;
    const ct_attention *a = &s->a;
    int64_t rows = CT_MIN(BLOCK, a->L - i), n = keys_seen(a, i);
    const float *q = t->q + i * a->q.row, *g = t->g + i * s->g.row, *y = t->y + i * a->y.row;
    float lse[BLOCK], dot[BLOCK];
    for (int64_t k = 0; k < rows; k++) {
        lse[k] = t->lse[(i + k) * a->lse.row];
        dot[k] = dot_f32(g + k * s->g.row, 0, y + k * a->y.row, 0, a->V);
    }
    product(r, t, SCORES, i, t->k, q, t->score);
    product(r, t, GRADS, i, t->v, g, t->grad);
    if (rows == BLOCK)
        back_scores(r, t, i, BLOCK, n, lse, dot);
    else
        back_scores(r, t, i, rows, n, lse, dot);
    if (t->out[2]) product(r, t, D_VALUE, i, t->score, g, t->out[2]);
    if (t->out[1]) product(r, t, D_KEY, i, t->grad, q, t->out[1]);
    if (t->out[0]) product(r, t, D_QUERY, i, t->grad, t->k, t->out[0] + i * s->d[0].row);
}

/* Of keys that the first block does not look at, other blocks add to gradients of 0. */
static void zero_rest(const attention_run *r, const attention_item *t) {
    const attention_state *s = r->s;
    const ct_attention *a = &s->a;
    const int64_t columns[] = {0, a->E, a->V};
    for (int p = 1; p < 3; p++)
        for (int64_t j = keys_seen(a, 0); t->out[p] && j < a->S; j++)
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
    t.work = room, t.score = room + s->work;
    if (r->g) {
        t.g = at(r, r->g, &s->g, b), t.y = at(r, r->y, &a->y, b), t.lse = at(r, r->lse, &a->lse, b);
        t.grad = t.score + scores;
        for (int i = 0; i < 3; i++) t.out[i] = (float *)at(r, r->out[i], &s->d[i], b);
    } else {
        t.out[0] = (float *)at(r, r->out[0], &a->y, b), t.lse_out = (float *)at(r, r->lse_out, &a->lse, b);
    }
    return t;
}

static void run_task(attention_run *r, int64_t id) {
    const attention_state *s = r->s;
    int slot = slots_take(&r->slots);
    attention_item t = item_of(r, id / s->parts, r->work + slot * s->slot);
    if (r->g) zero_rest(r, &t);
    for (int64_t block = id % s->parts; block < s->blocks; block += s->parts)
        (r->g ? back_block : forward_block)(r, &t, block * BLOCK);
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
