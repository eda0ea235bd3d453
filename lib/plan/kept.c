#include "plan/kept.h"
#include "base/alloc.h"
#include <string.h>

bool ct_kept_can(const ct_program *p, const ct_use *use) {
    const ct_storage *s = use->value < 0 ? NULL : p->value[use->value].storage;
    if (!s || !s->counted) return false;
    for (size_t i = 0; i < p->graph.n_bindings; i++)
        if (p->graph.binding[i].before == s) return false;
    return true;
}

static bool alike(const ct_kept *a, const ct_kept *b) {
    return a->of == b->of && a->offset == b->offset && a->layout.dtype == b->layout.dtype &&
           ct_layout_alike(&a->layout, &b->layout) && a->form == b->form && a->bf16 == b->bf16 && a->bytes == b->bytes;
}

ct_kept *ct_kept_share(ct_kept **list, const ct_kept *like) {
    ct_kept *k = *list;
    while (k && !alike(k, like)) k = k->next;
    if (!k) {
        if (!(k = ct_alloc(1, sizeof *k))) return NULL;
        *k = *like;
        ct_storage_ref(k->of);
        k->list = list, k->next = *list, *list = k;
    }
    k->users++;
    return k;
}

void ct_kept_drop(ct_kept *k) {
    if (!k || --k->users) return;
    ct_kept **at = k->list;
    while (*at != k) at = &(*at)->next;
    *at = k->next;
    ct_storage_unref(k->of);
    ct_free(k->data), ct_free(k);
}

ct_status ct_kept_stale(ct_kept *k, bool *stale) {
    *stale = !k->data || k->version != k->of->version;
    if (!k->data && !(k->data = ct_alloc_aligned(k->bytes, 1))) return CT_NO_MEMORY;
    k->version = k->of->version;
    return CT_OK;
}
