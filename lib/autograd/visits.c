#include "autograd/visits.h"
#include "base/alloc.h"
#include <stdlib.h>

static const void *key_of(const ct_visit *v) { return v->node ? (const void *)v->node : v->leaf; }

/* The slot where `key` is, or would go. */
static size_t *find_slot(const ct_visits *v, const void *key) {
    size_t h = (size_t)(((uint64_t)(uintptr_t)key * 0x9E3779B97F4A7C15u) >> 20), mask = v->n_slots - 1;
    while (v->slot[h & mask] && key_of(&v->at[v->slot[h & mask] - 1]) != key) h++;
    return &v->slot[h & mask];
}

static ct_status fill_slots(ct_visits *v, size_t n_slots) {
    size_t *slot = ct_alloc(n_slots, sizeof *slot);
    if (!slot) return CT_NO_MEMORY;
    ct_free(v->slot);
    v->slot = slot, v->n_slots = n_slots;
    for (size_t i = 0; i < v->n; i++) *find_slot(v, key_of(&v->at[i])) = i + 1;
    return CT_OK;
}

ct_status ct_visits_add(ct_visits *v, ct_node *node, ct_tensor *leaf) {
    if (2 * (v->n + 1) > v->n_slots) CT_TRY(fill_slots(v, CT_MAX(2 * v->n_slots, (size_t)64)));
    size_t *slot = find_slot(v, node ? (const void *)node : leaf);
    if (*slot) return CT_OK;
    ct_visit *p = ct_grow(v->at, v->n, &v->cap, sizeof *p);
    if (!p) return CT_NO_MEMORY;
    v->at = p;
    ct_tensor **g = ct_alloc(node ? (size_t)node->n_out : 1, sizeof(ct_tensor *));
    if (!g) return CT_NO_MEMORY;
    p[v->n] = (ct_visit){.node = node, .leaf = node ? NULL : leaf, .found = v->n, .g = g};
    *slot = ++v->n;
    return CT_OK;
}

ct_status ct_visits_collect(ct_visits *v, ct_node *root, uint64_t floor) {
    CT_TRY(ct_visits_add(v, root, NULL));
    for (size_t i = 0; i < v->n; i++) {
        const ct_node *node = v->at[i].node;
        for (int k = 0; node && node->seq > floor && k < node->n_in; k++) {
            ct_tensor *in = node->in[k];
            if (in && (in->node || node->leaf[k])) CT_TRY(ct_visits_add(v, in->node, node->leaf[k]));
        }
    }
    return CT_OK;
}

static int newest_first(const void *a, const void *b) {
    const ct_visit *x = a, *y = b;
    uint64_t i = x->node ? x->node->seq : 0, k = y->node ? y->node->seq : 0;
    return i == k ? (x->found > y->found) - (x->found < y->found) : (i < k) - (i > k);
}

ct_status ct_visits_sort(ct_visits *v) {
    if (v->n) qsort(v->at, v->n, sizeof *v->at, newest_first);
    return fill_slots(v, CT_MAX(v->n_slots, (size_t)64));
}

ct_visit *ct_visits_find(const ct_visits *v, const ct_node *node, const ct_tensor *leaf) {
    size_t slot = v->n ? *find_slot(v, node ? (const void *)node : leaf) : 0;
    return slot ? &v->at[slot - 1] : NULL;
}

ct_tensor **ct_visits_gradient(const ct_visits *v, const ct_tensor *t) {
    ct_visit *at = ct_visits_find(v, t->node, t);
    return at ? &at->g[t->node ? t->out_index : 0] : NULL;
}

void ct_visit_clear(ct_visit *v) {
    for (int k = 0; k < (v->node ? v->node->n_out : 1); k++) {
        ct_tensor_unref(v->g[k]);
        v->g[k] = NULL;
    }
}

void ct_visits_free(ct_visits *v) {
    for (size_t i = 0; i < v->n; i++) {
        ct_visit_clear(&v->at[i]);
        ct_free(v->at[i].g);
    }
    ct_free(v->at), ct_free(v->slot);
    *v = (ct_visits){0};
}
