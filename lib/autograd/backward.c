/* Reverse-mode differentiation: nodes are visited from the newest to the oldest, so that each has its whole gradient
   when its turn comes. */
#include "base/alloc.h"
#include "ops/ops.h"
#include "tensor/scope.h"
#include <stdlib.h>

ct_tensor *ct_requires_grad(ct_tensor *t, bool on) {
    if (ct_why(t)) return t;
    if (on && t->layout.dtype != CT_F32 && t->layout.dtype != CT_F64)
        return ct_tensor_error(CT_FAIL, "only f32 and f64 tensors have gradients, not %s", ct_dtype_name(t->layout.dtype));
    if (!t->node) t->requires_grad = on;
    return t;
}

ct_tensor *ct_grad(const ct_tensor *t) { return t->grad; }

void ct_zero_grad(ct_tensor *t) {
    ct_tensor_unref(t->grad);
    t->grad = NULL;
}

/* The nodes behind a root and what has arrived at them: g has one tensor an output, NULL until there is one. */
typedef struct visit { ct_node *node; ct_tensor **g; } visit;

typedef struct sweep {
    visit *at;
    size_t n, cap;
    size_t *slot, n_slots; /* hash table of indices into `at`, plus 1; n_slots is a power of two */
    ct_tensor *const *target; /* whose gradients are wanted; NULL: every leaf's */
    int n_target;
    ct_tensor **result;
    bool create_graph;
} sweep;

/* The slot where `node` is, or would go. */
static size_t *find_slot(const sweep *s, const ct_node *node) {
    size_t h = (size_t)((node->seq * 0x9E3779B97F4A7C15u) >> 20);
    while (s->slot[h & (s->n_slots - 1)] && s->at[s->slot[h & (s->n_slots - 1)] - 1].node != node) h++;
    return &s->slot[h & (s->n_slots - 1)];
}

static ct_status grow_slots(sweep *s) {
    ct_free(s->slot);
    s->n_slots = s->n_slots ? 2 * s->n_slots : 64;
    if (!(s->slot = ct_alloc(s->n_slots, sizeof *s->slot))) return CT_NO_MEMORY;
    for (size_t i = 0; i < s->n; i++) *find_slot(s, s->at[i].node) = i + 1;
    return CT_OK;
}

static ct_status add(sweep *s, ct_node *node) {
    if (2 * (s->n + 1) > s->n_slots) CT_TRY(grow_slots(s));
    size_t *slot = find_slot(s, node);
    if (*slot) return CT_OK;
    visit *p = ct_grow(s->at, s->n, &s->cap, sizeof *p);
    if (!p) return CT_NO_MEMORY;
    s->at = p;
    if (!(p[s->n].g = ct_alloc((size_t)node->n_out, sizeof *p->g))) return CT_NO_MEMORY;
    p[s->n].node = node;
    *slot = ++s->n;
    return CT_OK;
}

static int newest_first(const void *a, const void *b) {
    uint64_t x = ((const visit *)a)->node->seq, y = ((const visit *)b)->node->seq;
    return (x < y) - (x > y);
}

static ct_status collect(sweep *s, ct_node *root) {
    CT_TRY(add(s, root));
    for (size_t i = 0; i < s->n; i++)
        for (int k = 0; k < s->at[i].node->n_in; k++) {
            ct_tensor *in = s->at[i].node->in[k];
            if (in && in->node) CT_TRY(add(s, in->node));
        }
    qsort(s->at, s->n, sizeof *s->at, newest_first);
    s->n_slots /= 2;
    return grow_slots(s);
}

/* Adds g to what has arrived at *sum. */
static ct_status accumulate(ct_tensor **sum, ct_tensor *g) {
    ct_tensor *t = *sum ? ct_add(*sum, g) : g;
    if (ct_why(t)) return t->status;
    *sum = t;
    return CT_OK;
}

/* A leaf owns its gradient, outside all scopes. */
static ct_status give_leaf(ct_tensor *leaf, ct_tensor *g, bool create_graph) {
    ct_tensor *sum = leaf->grad;
    CT_TRY(accumulate(&sum, create_graph ? g : ct_detach(g)));
    if (ct_why(sum)) return sum->status;
    ct_tensor_ref(sum);
    ct_zero_grad(leaf);
    leaf->grad = sum;
    return CT_OK;
}

/* Hands a gradient on: to a wanted tensor, and to the node or leaf that it belongs to. */
static ct_status deliver(sweep *s, const ct_tensor *in, ct_tensor *leaf, ct_tensor *g) {
    if (ct_why(g)) return g->status;
    for (int i = 0; i < s->n_target; i++) {
        const ct_tensor *t = s->target[i];
        if (leaf ? t == leaf : in->node && t->node == in->node && t->out_index == in->out_index)
            CT_TRY(accumulate(&s->result[i], g));
    }
    if (in->node) return accumulate(&s->at[*find_slot(s, in->node) - 1].g[in->out_index], g);
    return leaf && !s->target ? give_leaf(leaf, g, s->create_graph) : CT_OK;
}

static ct_status check_saved(const ct_node *n) {
    const char *name = n->op->kind.name;
    if (n->freed)
        return ct_fail(CT_FAIL, "backward through %s a second time: its inputs were let go by the first; "
                                "ct_gradients keeps them", name);
    for (int i = 0; i < n->n_in; i++)
        if (n->in[i] && n->in[i]->storage && n->in[i]->storage->version != n->version[i] && !ct_capturing())
            return ct_fail(CT_FAIL, "%s: input %d was changed in place after it was used; its gradient needs the old value",
                           name, i);
    return CT_OK;
}

/* The gradients of one node's inputs, by its fused rule; or, to be differentiated again, through the op's formula. */
static ct_status differentiate(sweep *s, const visit *v, ct_tensor *const *in, ct_tensor **out, bool *need,
                               ct_tensor **din) {
    ct_node *n = v->node;
    if (!s->create_graph || !n->op->formula) {
        n->op->grad(in, n->n_in, out, v->g, n->args, need, din);
        return CT_OK;
    }
    ct_tensor *wanted[CT_MAX_IN], *got[CT_MAX_IN];
    int at[CT_MAX_IN], count = 0;
    for (int i = 0; i < n->n_in; i++)
        if (need[i]) at[count] = i, wanted[count++] = in[i];
    CT_TRY(ct_gradients(n->op->formula(in, n->n_in, n->args, NULL), v->g[0], wanted, count, true, got));
    for (int k = 0; k < count; k++) din[at[k]] = got[k];
    return CT_OK;
}

typedef struct frame { ct_tensor **in, **out, **din; bool *need; } frame; /* of one node's turn */

static ct_status visit_node(sweep *s, const visit *v, const frame *f) {
    ct_node *n = v->node;
    CT_TRY(check_saved(n));
    for (int i = 0; i < n->n_out; i++) {
        ct_tensor *t = f->out[i] = ct_tensor_make(&n->out[i].layout, n->out[i].storage, n->out[i].offset);
        if (ct_why(t)) return t->status;
        t->node = n, t->out_index = i, t->requires_grad = true;
        ct_node_ref(n);
    }
    for (int i = 0; i < n->n_in; i++) {
        f->need[i] = n->in[i] && (n->in[i]->node || n->leaf[i]);
        f->in[i] = s->create_graph && n->leaf[i] ? n->leaf[i] : n->in[i];
    }
    if (!s->create_graph) ct_no_grad_begin();
    ct_status status = differentiate(s, v, f->in, f->out, f->need, f->din);
    for (int i = 0; !status && i < n->n_in; i++)
        if (f->need[i] && f->din[i]) status = deliver(s, n->in[i], n->leaf[i], f->din[i]);
    if (!s->create_graph) ct_no_grad_end();
    return status;
}

static ct_status walk(sweep *s) {
    for (size_t i = 0; i < s->n; i++) {
        ct_node *n = s->at[i].node;
        bool any = false;
        for (int k = 0; k < n->n_out; k++) any |= s->at[i].g[k] != NULL;
        if (!any) continue;
        size_t n_in = (size_t)n->n_in;
        ct_tensor **t = ct_alloc(2 * n_in + (size_t)n->n_out, sizeof *t);
        bool *need = ct_alloc(n_in, sizeof *need);
        ct_status status = CT_NO_MEMORY;
        if (t && need) status = visit_node(s, &s->at[i], &(frame){t, t + 2 * n_in, t + n_in, need});
        ct_free(t), ct_free(need);
        CT_TRY(status);
        if (!s->target && !ct_capturing()) ct_node_free_saved(n);
    }
    return CT_OK;
}

/* g flows back from root. Temporary tensors end with a scope of their own. */
static ct_status run(sweep *s, ct_tensor *root, ct_tensor *g) {
    ct_scope *scope = ct_scope_open();
    if (!scope) return CT_NO_MEMORY;
    ct_status status = root->node ? collect(s, root->node) : CT_OK;
    if (!status && !g) g = ct_full(root->layout.dtype, ct_shape_of(root), 1);
    if (!status && ct_why(g)) status = g->status;
    if (!status && ct_capturing() && g->storage->data) { /* in a plan, constants are nodes too */
        ct_full_args one = {.size = ct_shape_of(root), .dtype = root->layout.dtype, .fill_value = 1};
        g = ct_apply(CT_OP_fill, NULL, 0, &one, NULL);
    }
    if (!status) status = deliver(s, root, root->node ? NULL : root, g);
    if (!status) status = walk(s);
    for (int i = 0; i < s->n_target; i++)
        if (s->result[i]) s->result[i] = ct_scope_return(scope, s->result[i]);
    for (size_t i = 0; i < s->n; i++) ct_free(s->at[i].g);
    ct_free(s->at), ct_free(s->slot);
    ct_status inner = ct_scope_close(scope);
    if (!status) status = inner;
    ct_scope_note(status);
    return status;
}

ct_status ct_backward(ct_tensor *loss) {
    if (ct_why(loss)) return ct_fail(loss ? loss->status : CT_FAIL, "%s", ct_why(loss));
    if (ct_layout_numel(&loss->layout) != 1)
        return ct_fail(CT_FAIL, "backward: the loss must have one element, it has %lld", (long long)ct_numel(loss));
    if (!loss->requires_grad) return ct_fail(CT_FAIL, "backward: nothing that the loss depends on requires a gradient");
    sweep s = {0};
    return run(&s, loss, NULL);
}

ct_status ct_gradients(ct_tensor *output, ct_tensor *grad_output, ct_tensor *const *in, int n_in, bool create_graph,
                       ct_tensor **din) {
    if (ct_why(output)) return ct_fail(output ? output->status : CT_FAIL, "%s", ct_why(output));
    for (int i = 0; i < n_in; i++) din[i] = NULL;
    sweep s = {.target = in, .n_target = n_in, .result = din, .create_graph = create_graph};
    return run(&s, output, grad_output);
}
