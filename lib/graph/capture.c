#include "base/alloc.h"
#include "graph/node.h"

static _Thread_local ct_graph *capturing;

ct_graph *ct_capturing(void) { return capturing; }

ct_status ct_capture_begin(ct_graph *g) {
    *g = (ct_graph){.outer = capturing};
    capturing = g;
    return CT_OK;
}

ct_status ct_capture_end(ct_graph *g) {
    if (capturing != g) return ct_fail(CT_FAIL, "this capture is not open on this thread");
    capturing = g->outer;
    for (size_t i = g->n_bindings; i-- > 0;) { /* backwards: two may share memory */
        ct_binding *b = &g->binding[i];
        ct_tensor *t = b->slot;
        b->after = t->storage, b->offset_after = t->offset, b->layout_after = t->layout; /* takes the reference over */
        t->storage = ct_storage_ref(b->before), t->offset = b->offset_before, t->layout = b->layout_before;
        t->storage->followed = b->followed, t->version = t->storage->version;
    }
    return CT_OK;
}

ct_status ct_graph_add(ct_graph *g, ct_node *n) {
    ct_node **p = ct_grow(g->node, g->n, &g->cap, sizeof *p);
    if (!p) return CT_NO_MEMORY;
    g->node = p, p[g->n++] = n;
    ct_node_ref(n);
    return CT_OK;
}

ct_status ct_graph_bind(ct_graph *g, ct_tensor *slot, ct_tensor *value) {
    size_t i = 0;
    while (i < g->n_bindings && g->binding[i].slot != slot) i++;
    if (i == g->n_bindings) {
        ct_binding *p = ct_grow(g->binding, g->n_bindings, &g->cap_bindings, sizeof *p);
        if (!p) return CT_NO_MEMORY;
        g->binding = p, g->n_bindings++;
        p[i] = (ct_binding){.slot = ct_tensor_ref(slot),
                            .before = slot->storage,
                            .followed = slot->storage->followed,
                            .offset_before = slot->offset,
                            .layout_before = slot->layout};
        slot->storage->followed = ++slot->storage->version;
    } else
        ct_storage_unref(slot->storage);
    slot->storage = ct_storage_ref(value->storage), slot->offset = value->offset, slot->layout = value->layout;
    slot->version = slot->storage->version;
    return CT_OK;
}

void ct_graph_free(ct_graph *g) {
    for (size_t i = 0; i < g->n; i++) ct_node_unref(g->node[i]);
    for (size_t i = 0; i < g->n_bindings; i++) {
        ct_storage_unref(g->binding[i].before);
        ct_storage_unref(g->binding[i].after);
        ct_tensor_unref(g->binding[i].slot);
    }
    ct_free(g->node), ct_free(g->binding);
    *g = (ct_graph){0};
}
