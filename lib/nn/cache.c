#include "nn/cache.h"
#include "base/alloc.h"
#include <string.h>

typedef struct kept {
    const ct_module *module;
    ct_tensor *tensor[CT_MAX_KEPT];
} kept;

struct ct_cache {
    ct_flow flow;
    int64_t capacity;
    ct_tensor *place; /* (capacity): where the next elements stand */
    kept *kept;       /* n of them, one a layer that keeps anything */
    size_t n, cap;
};

static _Thread_local ct_cache *used;

void ct_cache_use(ct_cache *c) { used = c; }

ct_flow ct_flow_alone(const ct_module *m, int64_t capacity, ct_dims *keeps) {
    (void)m, (void)capacity, (void)keeps;
    return CT_FLOW_ALONE;
}

static ct_status keep(ct_cache *c, const ct_module *m, const ct_dims *shape) {
    if (!shape[0].n) return CT_OK;
    kept *p = ct_grow(c->kept, c->n, &c->cap, sizeof *p);
    if (!p) return CT_NO_MEMORY;
    c->kept = p, p[c->n++] = (kept){.module = m};
    for (int i = 0; i < CT_MAX_KEPT && shape[i].n; i++) p[c->n - 1].tensor[i] = ct_keep(ct_zeros(CT_F32, shape[i]));
    return CT_OK;
}

/* The flow of all is that of the least. */
static ct_status visit(ct_cache *c, const ct_module *m) {
    ct_dims keeps[CT_MAX_KEPT] = {{0}};
    ct_flow flow = !m->layer ? CT_FLOW_ALONE : m->layer->flow ? m->layer->flow(m, c->capacity, keeps) : CT_FLOW_MIXED;
    c->flow = CT_MIN(c->flow, flow);
    if (c->flow == CT_FLOW_MIXED) return CT_OK;
    CT_TRY(keep(c, m, keeps));
    for (int i = 0; i < m->n_children; i++) CT_TRY(visit(c, m->child[i]));
    return CT_OK;
}

ct_status ct_cache_new(const ct_module *m, int64_t capacity, ct_cache **out) {
    ct_cache *c = ct_alloc(1, sizeof *c);
    *out = NULL;
    if (!c) return CT_NO_MEMORY;
    *c = (ct_cache){.flow = CT_FLOW_ALONE, .capacity = capacity};
    ct_scope *scope = ct_scope_open();
    c->place = ct_keep(ct_zeros(CT_I64, CT_DIMS(capacity)));
    ct_status status = visit(c, m), closed = ct_scope_close(scope);
    if (!status) status = closed;
    if (status || c->flow == CT_FLOW_MIXED)
        ct_cache_free(c);
    else
        *out = c;
    return status;
}

void ct_cache_free(ct_cache *c) {
    if (!c) return;
    for (size_t k = 0; k < c->n; k++)
        for (int i = 0; i < CT_MAX_KEPT; i++) ct_drop(c->kept[k].tensor[i]);
    ct_drop(c->place);
    ct_free(c->kept), ct_free(c);
}

ct_flow ct_cache_flow(const ct_cache *c) { return c->flow; }

void ct_cache_clear(ct_cache *c) {
    for (size_t k = 0; k < c->n; k++)
        for (int i = 0; i < CT_MAX_KEPT && c->kept[k].tensor[i]; i++) {
            const ct_tensor *t = c->kept[k].tensor[i];
            memset(ct_tensor_data(t), 0, ct_layout_bytes(&t->layout));
        }
    ct_cache_go(c, 0);
}

void ct_cache_go(ct_cache *c, int64_t place) {
    int64_t *p = ct_tensor_data(c->place);
    for (int64_t i = 0; i < c->capacity; i++) p[i] = place + i;
}

ct_tensor *ct_cache_places(int64_t length) {
    if (!used) return NULL;
    return ct_slice(used->place, (ct_slice_args){.start = CT_DIMS(0), .stop = CT_DIMS(length)});
}

ct_tensor *ct_cache_kept(const ct_module *m, int i) {
    for (size_t k = 0; used && k < used->n; k++)
        if (used->kept[k].module == m) return used->kept[k].tensor[i];
    return NULL;
}
