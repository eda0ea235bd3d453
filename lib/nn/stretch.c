#include "nn/stretch.h"
#include "base/alloc.h"
#include <math.h>

static bool contains(const ct_module *m, const ct_module *what) {
    for (int i = 0; i < m->n_children; i++)
        if (contains(m->child[i], what)) return true;
    for (int i = 0; i < m->n_outputs; i++)
        if (m->output[i] == what) return true;
    return m == what;
}

/* The first of the list's layers that m, or a module inside it, reads a value of; `first` if none is before that. */
static int reads_from(const ct_module *list, const ct_module *m, int first) {
    for (int s = 0; s < m->n_sources; s++)
        for (int i = 0; i < first; i++)
            if (contains(list->child[i], m->source[s])) first = i;
    for (int i = 0; i < m->n_children; i++) first = reads_from(list, m->child[i], first);
    return first;
}

ct_status ct_stretches_new(ct_module *list, ct_stretch **out, int *n) {
    int layers = list->n_children, size = layers ? (int)ceil(layers / round(sqrt(layers))) : 1;
    ct_stretch *s = ct_alloc((size_t)layers, sizeof *s);
    int *reach =
        ct_alloc((size_t)layers + 1, sizeof *reach); /* of a layer and all after it: the first that they read */
    *n = 0, *out = s;
    if (!s || !reach) {
        ct_free(s), ct_free(reach);
        return CT_NO_MEMORY;
    }
    reach[layers] = layers;
    for (int i = layers - 1; i >= 0; i--) reach[i] = CT_MIN(reads_from(list, list->child[i], i), reach[i + 1]);
    for (int from = 0, to = 1; from < layers; to++) {
        if (to < layers && (to - from < size || reach[to] < to)) continue;
        s[(*n)++] = (ct_stretch){list, from, to};
        from = to;
    }
    ct_free(reach);
    return CT_OK;
}

static ct_tensor *run(ct_tensor *const *in, int n, void *ctx) {
    const ct_stretch *s = ctx;
    ct_tensor *x = in[0];
    (void)n;
    for (int i = s->from; i < s->to; i++) x = ct_module_forward(s->list->child[i], x);
    return x;
}

ct_tensor *ct_stretches_forward(ct_stretch *s, int n, ct_tensor *x) {
    for (int i = 0; i < n; i++) x = ct_checkpoint(run, &s[i], &x, 1);
    return x;
}
