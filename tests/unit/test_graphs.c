/* Random graphs of the table's ops: a plan gives the bits that eager ops give, in value and gradient, with all passes
   and with some, of formulas' parts and of their kernels. test_graphs [COUNT [SEED]] */
#include "autograd/backward.h"
#include "base/alloc.h"
#include "ops/cases.h"
#include "check.h"
#include "ops/shape_util.h"
#include "plan/pass.h"
#include "plan/plan.h"
#include <stdlib.h>

#define OPS 6 /* of a graph, at most */
#define POOL 64

static uint64_t next(uint64_t *state) { /* splitmix64 */
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}
static int below(uint64_t *state, int n) { return (int)(next(state) >> 33) % n; }

/* ---- a graph: cases of ops on leaves, and what is made of their results ---- */
typedef struct graph {
    ct_case of[OPS];
    int n;
    uint64_t choices;
    bool whole; /* formulas that have a kernel of their own are that */
    ct_tensor *leaf[OPS * CT_CASE_INPUTS];
    void *before[OPS * CT_CASE_INPUTS], *after[OPS * CT_CASE_INPUTS]; /* copies of what is in them */
    int n_leaves;
} graph;

static bool fits(const ct_op *op) { return !(op->flags & (CT_RANDOM | CT_INPLACE | CT_IS_GRAD)); }

static const ct_op *random_op(uint64_t *state) {
    for (;;) {
        const ct_op *op = ct_op_get(below(state, CT_OP_COUNT));
        if (fits(op) && ct_case_count(op)) return op;
    }
}

static bool graph_make(uint64_t seed, graph *g) {
    uint64_t state = seed * 1000003;
    *g = (graph){.n = 1 + below(&state, OPS)};
    for (int k = 0; k < g->n; k++) {
        const ct_op *op = random_op(&state);
        ct_case *c = &g->of[k];
        ct_dtype half = (ct_dtype[]){CT_BF16, CT_F16, 0, 0, 0, 0, 0, 0}[below(&state, 8)];
        int sample = below(&state, ct_case_count(op)); /* drawn apart: arguments are evaluated in any order */
        if (!CHECK(ct_case_make(op, sample, CT_F32, next(&state), c))) return false;
        for (int i = 0; i < c->n_in; i++) {
            if (!c->in[i]) continue;
            if (half && ct_is_float(ct_dtype_of(c->in[i]))) c->in[i] = ct_to(c->in[i], half);
            if (ct_is_float(ct_dtype_of(c->in[i])) && !c->constant[i]) ct_requires_grad(c->in[i], true);
            size_t bytes = c->in[i]->storage->bytes;
            g->before[g->n_leaves] = memcpy(malloc(bytes + 1), ct_data(c->in[i]), bytes);
            g->after[g->n_leaves] = malloc(bytes + 1);
            g->leaf[g->n_leaves++] = c->in[i];
        }
    }
    g->choices = next(&state);
    return true;
}

static bool views_a_leaf(const graph *g, const ct_tensor *t) {
    for (int i = 0; i < g->n_leaves; i++)
        if (g->leaf[i]->storage == t->storage) return true;
    return false;
}

/* Leaves that get the last results of their shape as new values, as parameters do. Not views of leaves: once those are
   set a plan refuses them. */
static void set_leaves(const graph *g, ct_tensor *const *pool, int n) {
    ct_tensor *own[POOL];
    int n_own = 0;
    for (int k = 0; k < n; k++)
        if (!views_a_leaf(g, pool[k])) own[n_own++] = pool[k];
    ct_no_grad_begin();
    for (int i = 0; i < g->n_leaves; i++)
        for (int k = n_own - 1; k >= 0; k--)
            if (ct_dtype_of(g->leaf[i]) == CT_F32 && ct_same_sizes(&g->leaf[i]->layout, &own[k]->layout)) {
                CHECK(ct_set(g->leaf[i], own[k]) == CT_OK);
                break;
            }
    ct_no_grad_end();
}

static ct_tensor *flat(ct_tensor *t) { return ct_reshape(t, (ct_shape_args){CT_DIMS(-1)}); }
static ct_tensor *total(ct_tensor *t) { return ct_sum(t, (ct_reduce_args){0}); }

/* One more tensor from those of the pool: a pointwise op with a scalar of another, a view, a copy, a reduction. */
static ct_tensor *combine(uint64_t *state, ct_tensor *const *pool, int n) {
    ct_tensor *a = pool[below(state, n)], *b = pool[below(state, n)];
    ct_tensor *s = ct_tanh(total(b));
    switch (below(state, 10)) {
    case 0:
        return ct_tanh(ct_mul(a, s));
    case 1:
        return ct_add(ct_sigmoid(a), s);
    case 2:
        return ct_relu(ct_sub(s, a));
    case 3:
        return ct_mul(ct_add_scalar(a, 0.5), ct_add_scalar(a, 0.5));
    case 4:
        return ct_where(ct_gt(a, s), ct_neg(a), ct_mul_scalar(a, 0.3));
    case 5:
        return flat(ct_atan(a));
    case 6:
        return ct_to(ct_to(ct_sin(a), CT_F64), CT_F32);
    case 7:
        return ct_contiguous(ct_flip(flat(a), (ct_dims_args){CT_DIMS(0)}));
    case 8:
        return ct_ndim(a) == 2 ? ct_transpose(ct_cos(a), (ct_transpose_args){0, 1}) : ct_square(a);
    default:
        return ct_add(a, pool[n - 1 - below(state, n) / 2]);
    }
}

/* Everything from the leaves on: results in out[0..], then the gradients; how many, 0 where something failed. */
static int compute(const graph *g, ct_tensor **out) {
    ct_tensor *pool[POOL], *loss = NULL;
    uint64_t state = g->choices;
    int n = 0, kept = 0;
    ct_manual_seed((int64_t)g->choices);
    for (int k = 0; k < g->n; k++) {
        ct_tensor *made[CT_MAX_IN] = {0};
        ct_tensor *y = ct_case_call(&g->of[k], NULL, made);
        if (ct_why(y)) return 0;
        if (ct_dtype_of(y) != CT_F32) y = ct_to(y, CT_F32);
        pool[n++] = y;
    }
    for (int k = below(&state, 12); k > 0; k--) {
        ct_tensor *y = combine(&state, pool, n);
        if (!ct_why(y)) pool[n++] = y; /* two shapes that do not go together */
    }
    for (int k = 0; k < n; k++) {
        ct_tensor *part = total(ct_mul(pool[k], ct_tanh(pool[k])));
        loss = loss ? ct_add(loss, part) : part;
    }
    out[kept++] = ct_mul_scalar(loss, 1);
    for (int k = 0; k < n; k += 3) out[kept++] = ct_mul_scalar(pool[k], 1);
    if (!loss->requires_grad) {
        set_leaves(g, pool, n);
        return kept;
    }
    ct_tensor *leaf[OPS * CT_CASE_INPUTS], *d[OPS * CT_CASE_INPUTS];
    int n_leaf = 0;
    for (int i = 0; i < g->n_leaves; i++)
        if (g->leaf[i]->requires_grad) leaf[n_leaf++] = g->leaf[i];
    if (ct_gradients(loss, NULL, leaf, n_leaf, false, d)) return 0;
    for (int i = 0; i < n_leaf; i++)
        if (d[i]) out[kept++] = ct_mul_scalar(ct_to(d[i], CT_F32), 1);
    set_leaves(g, pool, n);
    return kept;
}

static int graph_run(const graph *g, ct_tensor **out) {
    for (int i = 0; i < g->n_leaves; i++) memcpy(ct_data(g->leaf[i]), g->before[i], g->leaf[i]->storage->bytes);
    bool was = ct_whole_swap(g->whole);
    int n = compute(g, out);
    ct_whole_swap(was);
    return n;
}

/* ---- a plan of it ---- */
static bool same_floats(const float *x, const float *y, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (memcmp(&x[i], &y[i], sizeof *x) && !(isnan(x[i]) && isnan(y[i]))) return false;
    return true;
}

static bool same_bits(ct_tensor *a, ct_tensor *b) {
    return ct_numel(a) == ct_numel(b) &&
           same_floats(ct_data(ct_contiguous(a)), ct_data(ct_contiguous(b)), (size_t)ct_numel(a));
}

static void say(const graph *g, uint64_t seed, unsigned off, const ct_buf *text) {
    printf("    graph %llu%s, passes off %x:", (unsigned long long)seed, g->whole ? " of kernels" : "", off);
    for (int k = 0; k < g->n; k++) printf(" %s [%s]", g->of[k].op->kind.name, g->of[k].text);
    printf("\n%s", text->data ? text->data : "");
}

static void planned(graph *g, uint64_t seed, unsigned off, ct_tensor *const *eager, int n) {
    ct_tensor *out[2 * POOL + OPS * CT_CASE_INPUTS];
    ct_graph captured;
    ct_arena arena = {0};
    ct_plan *plan = NULL;
    ct_buf text = CT_BUF(1 << 20);
    CHECK(ct_capture_begin(&captured) == CT_OK);
    int kept = graph_run(g, out);
    CHECK(ct_capture_end(&captured) == CT_OK);
    if (kept == n && !ct_plan_new(&captured, out, n, &arena, &(ct_plan_options){.off = off, .after = &text}, &plan)) {
        bool ok = ct_plan_run(plan) == CT_OK;
        for (int i = 0; i < n && ok; i++) ok = same_bits(ct_plan_value(plan, i), eager[i]);
        for (int i = 0; i < g->n_leaves && ok; i++)
            ok = same_floats(ct_data(g->leaf[i]), g->after[i], g->leaf[i]->storage->bytes / sizeof(float));
        if (!CHECK(ok)) say(g, seed, off, &text);
    } else if (!CHECK(!kept && !n))
        say(g, seed, off, &text), printf("    %d %d %s\n", kept, n, ct_error());
    ct_plan_free(plan), ct_arena_free(&arena), ct_graph_free(&captured), ct_buf_free(&text);
}

static void check_graph(uint64_t seed) {
    ct_scope *scope = ct_scope_open();
    graph g;
    ct_tensor *eager[2 * POOL + OPS * CT_CASE_INPUTS];
    for (int whole = graph_make(seed, &g) ? 0 : 2; whole < 2; whole++) {
        g.whole = whole;
        int n = graph_run(&g, eager);
        for (int i = 0; i < g.n_leaves; i++) memcpy(g.after[i], ct_data(g.leaf[i]), g.leaf[i]->storage->bytes);
        planned(&g, seed, 0, eager, n);
        planned(&g, seed, (unsigned)(seed * 2654435761u >> 16), eager, n);
    }
    for (int i = 0; i < g.n_leaves; i++) free(g.before[i]), free(g.after[i]);
    ct_status told = ct_scope_close(scope); /* of shapes that did not go together */
    (void)told;
}

int main(int argc, char **argv) {
    long count = argc > 1 ? atol(argv[1]) : 1000, seed = argc > 2 ? atol(argv[2]) : 1;
    static const char *const isa[] = {NULL, "v3", "v2", "ref"};
    for (long i = 0; i < count; i++) {
        if (ct_backend_use(isa[i % 4])) continue; /* not on this processor */
        check_graph((uint64_t)(seed + i));
    }
    return check_done("graphs");
}
