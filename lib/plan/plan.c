#include "plan/plan.h"
#include "base/alloc.h"
#include "ops/ops.h"
#include "plan/place.h"
#include <stdlib.h>
#include <string.h>

typedef struct ref {
    int value;
    int64_t offset;
} ref; /* a value and bytes into it; value -1: absent */

/* One kernel launch. */
typedef struct step {
    const ct_kernel *kernel;
    void *state;
    ct_call call;
    ref *ref;            /* inputs, then outputs */
    void **ptr;          /* the same as addresses */
    const ct_node *node; /* NULL: a copy into a slot */
} step;

struct ct_plan {
    ct_graph graph;
    ct_value *value;
    int n_values;
    step *step;
    int n_steps;
    size_t bytes, workspace; /* of values in the arena, then of the kernels */
    ct_arena *arena;
    unsigned moved;
    ct_tensor *keep; /* layouts and offsets of what is kept; storage as captured */
    int n_keep;
};

static int by_address(const void *a, const void *b) {
    const ct_storage *x = ((const ct_value *)a)->storage, *y = ((const ct_value *)b)->storage;
    return (x > y) - (x < y);
}

static int find(const ct_plan *p, ct_storage *s) {
    ct_value key = {.storage = s};
    const ct_value *v = s ? bsearch(&key, p->value, (size_t)p->n_values, sizeof key, by_address) : NULL;
    return v ? (int)(v - p->value) : -1;
}

/* The memory that the graph's tensors lie in, each once. */
static ct_status collect_values(ct_plan *p) {
    const ct_graph *g = &p->graph;
    size_t n = 2 * g->n_bindings, k = 0;
    for (size_t i = 0; i < g->n; i++) n += (size_t)(g->node[i]->n_in + g->node[i]->n_out);
    if (!(p->value = ct_alloc(n, sizeof *p->value))) return CT_NO_MEMORY;
    for (size_t i = 0; i < g->n; i++) {
        const ct_node *node = g->node[i];
        for (int j = 0; j < node->n_in; j++)
            if (node->in[j] && node->in[j]->storage) p->value[k++].storage = node->in[j]->storage;
        for (int j = 0; j < node->n_out; j++)
            if (node->out[j].storage) p->value[k++].storage = node->out[j].storage;
    }
    for (size_t i = 0; i < g->n_bindings; i++)
        p->value[k++].storage = g->binding[i].before, p->value[k++].storage = g->binding[i].after;
    qsort(p->value, k, sizeof *p->value, by_address);
    for (size_t i = 0; i < k; i++) {
        if (p->n_values && p->value[p->n_values - 1].storage == p->value[i].storage) continue;
        ct_storage *s = p->value[i].storage;
        p->value[p->n_values++] =
            (ct_value){.storage = s, .fixed = s->data, .bytes = s->bytes, .first = -1, .last = -1, .joined = -1};
    }
    return CT_OK;
}

static ref ref_of(const ct_plan *p, const ct_tensor *t) {
    if (!t || !t->storage) return (ref){-1, 0};
    return (ref){find(p, t->storage), t->offset * (int64_t)ct_dtype_bytes(t->layout.dtype)};
}

/* A step of `op` from the layouts and places of its tensors. */
static ct_status add_step(ct_plan *p, const ct_node *node, int op, ct_tensor *const *in, int n_in, const ct_tensor *out,
                          int n_out, const void *args) {
    step *s = &p->step[p->n_steps];
    size_t n = (size_t)(n_in + n_out);
    ct_layout *l = ct_alloc(n, sizeof *l);
    s->ref = ct_alloc(n, sizeof *s->ref), s->ptr = ct_alloc(n, sizeof *s->ptr);
    s->call = (ct_call){op, n_in, n_out, l, l + n_in, args};
    s->node = node;
    if (!l || !s->ref || !s->ptr) {
        ct_free(l);
        s->call.in = NULL;
        p->n_steps++;
        return CT_NO_MEMORY;
    }
    int now = p->n_steps++;
    for (int i = 0; i < n_in; i++) {
        if (in[i]) l[i] = in[i]->layout;
        s->ref[i] = ref_of(p, in[i]);
        if (s->ref[i].value >= 0) p->value[s->ref[i].value].last = now;
    }
    for (int i = 0; i < n_out; i++) {
        l[n_in + i] = out[i].layout;
        ref r = s->ref[n_in + i] = ref_of(p, &out[i]);
        if (r.value < 0) continue;
        if (p->value[r.value].first < 0) p->value[r.value].first = now;
        p->value[r.value].last = now;
    }
    return CT_OK;
}

static ct_status add_nodes(ct_plan *p) {
    const ct_graph *g = &p->graph;
    if (!(p->step = ct_alloc(g->n + g->n_bindings, sizeof *p->step))) return CT_NO_MEMORY;
    for (size_t i = 0; i < g->n; i++) {
        const ct_node *n = g->node[i];
        if (n->op->flags & CT_IS_VIEW) continue;
        CT_TRY(add_step(p, n, ct_op_id(n->op), n->in, n->n_in, n->out, n->n_out, n->args));
    }
    return CT_OK;
}

/* Whether a rebound slot's new value can be made in the slot's own memory: its op says that it may take the place of
   the old value, which nothing reads later. */
static bool made_in_place(const ct_plan *p, const ct_binding *b, int before, int after) {
    const ct_value *v = &p->value[after];
    if (v->fixed || v->joined >= 0 || v->first < 0 || p->value[before].last > v->first) return false;
    if (b->offset_before || b->offset_after) return false;
    const step *s = &p->step[v->first];
    if (!s->node || !s->node->op->place || memcmp(&b->layout_before, &b->layout_after, sizeof b->layout_before))
        return false;
    for (int i = 0; i < s->call.n_out; i++)
        if (s->ref[s->call.n_in + i].value == after)
            return s->ref[s->node->op->place(s->call.n_in, s->call.args, i)].value == before;
    return false;
}

static ct_status bind(ct_plan *p) {
    static const ct_none_args none;
    for (size_t i = 0; i < p->graph.n_bindings; i++) {
        const ct_binding *b = &p->graph.binding[i];
        int before = find(p, b->before), after = find(p, b->after);
        if (before == after) continue;
        if (made_in_place(p, b, before, after)) {
            p->value[after].fixed = p->value[before].fixed;
            continue;
        }
        ct_tensor src = {.layout = b->layout_after, .storage = b->after, .offset = b->offset_after};
        ct_tensor dst = {.layout = b->layout_before, .storage = b->before, .offset = b->offset_before};
        ct_tensor *in = &src;
        CT_TRY(add_step(p, NULL, CT_OP_copy, &in, 1, &dst, 1, &none));
    }
    return CT_OK;
}

/* A pointwise result takes the place of an input that dies with it. */
static void join(ct_plan *p) {
    for (int k = 0; k < p->n_steps; k++) {
        const step *s = &p->step[k];
        if (!s->node || !(s->node->op->flags & CT_POINTWISE)) continue;
        ref o = s->ref[s->call.n_in];
        ct_value *out = &p->value[o.value];
        for (int i = 0; i < s->call.n_in && !out->fixed && out->joined < 0; i++) {
            ref r = s->ref[i];
            if (r.value < 0 || r.value == o.value || r.offset || o.offset) continue;
            int root = p->value[r.value].joined >= 0 ? p->value[r.value].joined : r.value;
            ct_value *in = &p->value[root];
            if (in->fixed || in->last != k || p->value[r.value].last != k || p->value[r.value].bytes != out->bytes)
                continue;
            if (memcmp(&s->call.in[i], &s->call.out[0], sizeof(ct_layout))) continue;
            out->joined = root;
            in->last = out->last;
        }
    }
}

static ct_status prepare(ct_plan *p) {
    for (int k = 0; k < p->n_steps; k++) {
        step *s = &p->step[k];
        size_t bytes = 0;
        CT_TRY(ct_kernel_pick(&s->call, &s->kernel, &s->state, &bytes));
        p->workspace = CT_MAX(p->workspace, bytes);
    }
    return CT_OK;
}

static ct_status keep_values(ct_plan *p, ct_tensor *const *keep, int n) {
    if (!(p->keep = ct_alloc((size_t)n, sizeof *p->keep))) return CT_NO_MEMORY;
    p->n_keep = n;
    for (int i = 0; i < n; i++) {
        p->keep[i] = (ct_tensor){
            .layout = keep[i]->layout, .storage = ct_storage_ref(keep[i]->storage), .offset = keep[i]->offset};
        int v = find(p, keep[i]->storage);
        if (v < 0) return ct_fail(CT_FAIL, "plan: a kept value is not of this capture");
        p->value[v].last = p->n_steps;
    }
    return CT_OK;
}

ct_status ct_plan_new(ct_graph *g, ct_tensor *const *keep, int n_keep, ct_arena *arena, ct_plan **out) {
    ct_plan *p = ct_alloc(1, sizeof *p);
    if (!p) return CT_NO_MEMORY;
    p->graph = *g, p->arena = arena;
    *g = (ct_graph){0};
    p->moved = arena->moved - 1;
    ct_status status = collect_values(p);
    if (!status) status = add_nodes(p);
    if (!status) status = bind(p);
    if (!status) status = keep_values(p, keep, n_keep);
    if (!status) join(p);
    if (!status) status = prepare(p);
    if (!status) status = ct_place(p->value, p->n_values, &p->bytes);
    if (status) {
        ct_plan_free(p);
        return status;
    }
    *out = p;
    return CT_OK;
}

static char *address(const ct_plan *p, int v) {
    if (p->value[v].joined >= 0) v = p->value[v].joined;
    return p->value[v].fixed ? p->value[v].fixed : p->arena->data + p->value[v].offset;
}

static ct_status settle(ct_plan *p) {
    ct_arena *a = p->arena;
    if (a->bytes < ct_plan_bytes(p)) {
        char *data = ct_alloc_aligned(ct_plan_bytes(p), 1);
        if (!data) return CT_NO_MEMORY;
        ct_free(a->data);
        a->data = data, a->bytes = ct_plan_bytes(p), a->moved++;
    }
    if (p->moved == a->moved) return CT_OK;
    for (int k = 0; k < p->n_steps; k++) {
        step *s = &p->step[k];
        for (int i = 0; i < s->call.n_in + s->call.n_out; i++)
            s->ptr[i] = s->ref[i].value < 0 ? NULL : address(p, s->ref[i].value) + s->ref[i].offset;
    }
    p->moved = a->moved;
    return CT_OK;
}

ct_status ct_plan_run(ct_plan *p) {
    CT_TRY(settle(p));
    _Atomic int64_t bad = 0;
    ct_exec exec = {p->arena->data + p->bytes, &bad};
    for (int k = 0; k < p->n_steps; k++) {
        step *s = &p->step[k];
        s->kernel->run(&exec, &s->call, s->state, (const void *const *)s->ptr, s->ptr + s->call.n_in);
    }
    return bad ? ct_fail(CT_FAIL, "index %lld is out of range", (long long)ct_bad_value(bad)) : CT_OK;
}

static void nothing(void *owner) { (void)owner; }

ct_tensor *ct_plan_value(ct_plan *p, int i) {
    const ct_tensor *k = &p->keep[i];
    ct_storage *s = ct_alloc(1, sizeof *s);
    if (!s) return ct_tensor_failed(CT_NO_MEMORY);
    *s = (ct_storage){
        .refs = 1, .data = address(p, find(p, k->storage)), .bytes = k->storage->bytes, .release = nothing};
    ct_tensor *t = ct_tensor_make(&k->layout, s, k->offset);
    ct_storage_unref(s);
    return t;
}

size_t ct_plan_bytes(const ct_plan *p) { return p->bytes + p->workspace; }
int ct_plan_launches(const ct_plan *p) { return p->n_steps; }

void ct_plan_free(ct_plan *p) {
    if (!p) return;
    for (int k = 0; k < p->n_steps; k++) {
        step *s = &p->step[k];
        if (s->state) (s->kernel->release ? s->kernel->release : ct_free)(s->state);
        ct_free((void *)s->call.in), ct_free(s->ref), ct_free(s->ptr);
    }
    for (int i = 0; i < p->n_keep; i++) ct_storage_unref(p->keep[i].storage);
    ct_graph_free(&p->graph);
    ct_free(p->value), ct_free(p->step), ct_free(p->keep), ct_free(p);
}

void ct_arena_free(ct_arena *a) {
    ct_free(a->data);
    *a = (ct_arena){.moved = a->moved + 1};
}
