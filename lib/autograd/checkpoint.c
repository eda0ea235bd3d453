/* Checkpoints (Chen et al., 2016): a stretch of the graph that keeps its inputs only, and runs again in the backward.
 */
#include "autograd/backward.h"
#include "autograd/visits.h"
#include "base/alloc.h"
#include <string.h>

typedef struct stretch {
    ct_fn fn;
    void *ctx;
    int n;               /* inputs given */
    ct_tensor **outside; /* what fn read besides and has a history: the node's further inputs, referenced */
    int n_outside;
    ct_random_place place;
    bool autocast;
} stretch;

static void release(void *args) {
    stretch *s = args;
    for (int i = 0; i < s->n_outside; i++) ct_tensor_unref(s->outside[i]);
    ct_free(s->outside);
    ct_tensor_unref(s->place.used);
}

/* The gradients of the stretch run again: its new graph hangs on what the first one hung on. */
static ct_status run_again(const stretch *s, ct_tensor *const *in, ct_tensor *g, ct_tensor *const *want, int n,
                           bool graph, ct_tensor **got) {
    int depth = ct_no_grad_swap(0);
    uint64_t floor = ct_node_newest();
    ct_random_place was = ct_random_swap(s->place);
    bool outer = ct_recompute_swap(true);
    int autocast = ct_autocast_swap(s->autocast);
    ct_tensor *y = s->fn(in, s->n, s->ctx);
    ct_autocast_swap(autocast), ct_recompute_swap(outer), ct_random_swap(was);
    ct_status status = ct_gradients_above(floor, y, g, want, n, graph, got);
    ct_no_grad_swap(depth);
    return status;
}

static void recompute(ct_tensor *const *in, int n_in, ct_tensor *const *out, ct_tensor *const *g, const void *args,
                      const bool *need, ct_tensor **din) {
    (void)out;
    const stretch *s = args;
    ct_tensor **want = ct_alloc(2 * (size_t)n_in, sizeof *want), **got = want + n_in;
    int n = 0;
    for (int i = 0; want && i < n_in; i++)
        if (need[i]) want[n++] = i < s->n ? in[i] : s->outside[i - s->n];
    ct_status status = want ? run_again(s, in, g[0], want, n, ct_grad_enabled(), got) : CT_NO_MEMORY;
    for (int i = 0, k = 0; i < n_in; i++)
        if (need[i]) din[i] = status ? ct_tensor_failed(status) : got[k++];
    ct_free(want);
}

static const ct_op row = {
    .kind = {"checkpoint", NULL, sizeof(stretch), "recomputed in the backward"},
    .n_in = -1,
    .n_out = 1,
    .saves_in = UINT32_MAX,
    .grad = recompute,
    .release = release,
};

static bool same(const ct_tensor *a, const ct_tensor *b) {
    return a == b || (a && a->node && a->node == b->node && a->out_index == b->out_index);
}

/* Adds what `n` reads from outside of the stretch, unless it is known. */
static ct_status add_outside(stretch *s, size_t *cap, const ct_node *n, uint64_t floor, ct_tensor *const *in) {
    for (int k = 0; k < n->n_in; k++) {
        ct_tensor *t = n->leaf[k] ? n->leaf[k] : n->in[k];
        bool known = !t || (t->node ? t->node->seq > floor : !t->requires_grad);
        for (int j = 0; j < s->n && !known; j++) known = same(in[j], t);
        for (int j = 0; j < s->n_outside && !known; j++) known = same(s->outside[j], t);
        if (known) continue;
        ct_tensor **p = ct_grow(s->outside, (size_t)s->n_outside, cap, sizeof *p);
        if (!p) return CT_NO_MEMORY;
        s->outside = p, p[s->n_outside++] = ct_tensor_ref(t);
    }
    return CT_OK;
}

/* A handle of its own on y's value, which came from all that the stretch read. */
static ct_tensor *cut(stretch *s, ct_tensor *const *in, const ct_tensor *y, uint64_t floor) {
    ct_visits all = {0};
    ct_status status = ct_visits_collect(&all, y->node, floor);
    size_t cap = 0;
    for (size_t i = 0; !status && i < all.n; i++)
        if (all.at[i].node && all.at[i].node->seq > floor) status = add_outside(s, &cap, all.at[i].node, floor, in);
    ct_visits_free(&all);
    int n = s->n + s->n_outside;
    ct_tensor **inputs = status ? NULL : ct_alloc((size_t)n, sizeof *inputs);
    if (!inputs) return ct_tensor_failed(CT_NO_MEMORY);
    for (int i = 0; i < n; i++) inputs[i] = i < s->n ? in[i] : s->outside[i - s->n];
    ct_tensor *z = ct_tensor_make(&y->layout, y->storage, y->offset);
    if (!ct_why(z) && ct_node_attach(z, &row, inputs, n, s))
        z = ct_tensor_failed(CT_NO_MEMORY);
    else if (!ct_why(z))
        *s = (stretch){0}; /* the node's now */
    ct_free(inputs);
    return z;
}

ct_tensor *ct_checkpoint(ct_fn fn, void *ctx, ct_tensor *const *in, int n) {
    if (!ct_grad_enabled()) return fn(in, n, ctx);
    uint64_t floor = ct_node_newest();
    stretch s = {.fn = fn, .ctx = ctx, .n = n, .place = ct_random_here(), .autocast = ct_autocast()};
    ct_tensor_ref(s.place.used);
    ct_scope *scope = ct_scope_open();
    ct_tensor *y = scope ? fn(in, n, ctx) : ct_tensor_failed(CT_NO_MEMORY);
    if (!ct_why(y) && y->node && y->node->seq > floor) y = cut(&s, in, y, floor);
    release(&s);
    y = ct_scope_return(scope, y);
    ct_status status = ct_scope_close(scope);
    return status && !ct_why(y) ? ct_tensor_failed(status) : y;
}
