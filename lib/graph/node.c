#include "graph/node.h"
#include "base/alloc.h"
#include <string.h>

static _Atomic uint64_t last_seq = 1; /* 0 is older than any node */

/* A handle outside all scopes with t's shape and place in the graph; with its memory too if `whole`. */
static ct_tensor *alias(const ct_tensor *t, bool whole) {
    ct_tensor *s = ct_alloc(1, sizeof *s);
    if (!s) return NULL;
    s->refs = 1;
    s->version = UINT32_MAX; /* as it was then, whatever comes after: a backward checks the node's versions */
    s->layout = t->layout, s->offset = t->offset;
    s->node = t->node, s->out_index = t->out_index, s->requires_grad = t->requires_grad;
    if (s->node) ct_node_ref(s->node);
    if (whole) s->storage = ct_storage_ref(t->storage);
    return s;
}

static bool saved(unsigned bits, int i) { return bits >> CT_MIN(i, 31) & 1; }
static uint32_t version_of(const ct_tensor *t) { return t->storage ? t->storage->version : 0; }

ct_node *ct_node_new(const ct_op *op, ct_tensor *const *in, int n_in, const void *args, ct_tensor *const *out,
                     int n_out, bool all) {
    ct_node *n = ct_alloc(1, sizeof *n);
    if (!n) return NULL;
    n->refs = 1;
    n->seq = ++last_seq;
    n->op = op, n->n_in = n_in, n->n_out = n_out;
    n->args = ct_alloc(1, op->kind.args_size);
    n->in = ct_alloc((size_t)n_in, sizeof *n->in);
    n->leaf = ct_alloc((size_t)n_in, sizeof *n->leaf);
    n->version = ct_alloc((size_t)n_in + (size_t)n_out, sizeof *n->version);
    n->out = ct_alloc((size_t)n_out, sizeof *n->out);
    bool ok = n->args && n->in && n->leaf && n->version && n->out;
    if (ok && args) memcpy(n->args, args, op->kind.args_size);
    for (int i = 0; ok && i < n_in; i++) {
        if (!in[i]) continue;
        bool whole = all || saved(op->saves_in, i);
        ok = (n->in[i] = alias(in[i], whole)) != NULL;
        if (in[i]->requires_grad && !in[i]->node) n->leaf[i] = ct_tensor_ref(in[i]);
        n->version[i] = version_of(in[i]);
    }
    for (int i = 0; ok && i < n_out; i++) {
        n->out[i] = (ct_tensor){.layout = out[i]->layout, .offset = out[i]->offset, .out_index = i};
        if (all || saved(op->saves_out, i)) n->out[i].storage = ct_storage_ref(out[i]->storage);
        n->version[n_in + i] = version_of(out[i]);
    }
    if (ok) return n;
    ct_free(n->args); /* what they hold stays the caller's */
    n->args = NULL;
    ct_node_unref(n);
    return NULL;
}

void ct_node_adopt(ct_tensor *t, const ct_tensor *from) {
    if (from->node) ct_node_ref(from->node);
    if (t->node) ct_node_unref(t->node);
    t->node = from->node, t->out_index = from->out_index, t->requires_grad = from->node != NULL;
}

ct_status ct_node_attach(ct_tensor *t, const ct_op *op, ct_tensor *const *in, int n_in, const void *args) {
    ct_node *n = ct_node_new(op, in, n_in, args, &t, 1, false);
    if (!n) return CT_NO_MEMORY;
    ct_node_adopt(t, &(ct_tensor){.node = n});
    ct_node_unref(n);
    return CT_OK;
}

uint64_t ct_node_newest(void) { return last_seq; }

void ct_node_ref(ct_node *n) { atomic_fetch_add_explicit(&n->refs, 1, memory_order_relaxed); }

void ct_node_free_saved(ct_node *n) {
    n->freed = true;
    for (int i = 0; i < n->n_in; i++) {
        if (!n->in[i]) continue;
        ct_storage_unref(n->in[i]->storage);
        n->in[i]->storage = NULL;
    }
    for (int i = 0; i < n->n_out; i++) {
        ct_storage_unref(n->out[i].storage);
        n->out[i].storage = NULL;
    }
}

static void release(ct_node *n) {
    for (int i = 0; n->in && i < n->n_in; i++) ct_tensor_unref(n->in[i]);
    for (int i = 0; n->leaf && i < n->n_in; i++) ct_tensor_unref(n->leaf[i]);
    for (int i = 0; n->out && i < n->n_out; i++) ct_storage_unref(n->out[i].storage);
    ct_hooks_free(n->hooks);
    if (n->op->release && n->args) n->op->release(n->args);
    ct_free(n->args), ct_free(n->in), ct_free(n->leaf), ct_free(n->version), ct_free(n->out), ct_free(n);
}

/* A long chain must not recurse once a node: nodes that die while one is released wait in a list. */
void ct_node_unref(ct_node *n) {
    static _Thread_local ct_node *waiting;
    static _Thread_local bool busy;
    if (atomic_fetch_sub(&n->refs, 1) != 1) return;
    n->next_dead = waiting, waiting = n;
    if (busy) return;
    busy = true;
    while ((n = waiting)) {
        waiting = n->next_dead;
        release(n);
    }
    busy = false;
}

__attribute__((constructor)) static void tell_tensors(void) { ct_tensor_on_node_unref(ct_node_unref); }
