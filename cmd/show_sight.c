/* Which parts of a model are drawn: groups may be closed, and then are boxes that hide what is in them. */
#include "cmd/show.h"
#include <stdlib.h>

bool ct_sight_is_box(const ct_sight *v, int i) { return v->as[i] == i && !v->is_open[i]; }

static void add_edges(ct_sight *v, int i) {
    const ct_part *p = &v->all->part[i];
    for (int k = 0; k < p->n_in; k++) {
        ct_edge e = {p->in[k] < 0 ? -1 : v->as[p->in[k]], v->as[i]};
        bool again = e.from < 0 || e.from == e.to;
        for (int j = v->n_edges - 1; j >= 0 && v->edge[j].to == e.to; j--) again = again || v->edge[j].from == e.from;
        if (!again) v->edge[v->n_edges++] = e;
    }
}

void ct_sight_open(const ct_parts *all, int64_t depth, ct_sight *v) {
    size_t n = (size_t)all->n;
    *v = (ct_sight){.all = all};
    v->as = ct_cmd_alloc(n, sizeof *v->as), v->is_open = ct_cmd_alloc(n, sizeof *v->is_open);
    v->depth = ct_cmd_alloc(n, sizeof *v->depth), v->edge = ct_cmd_alloc(n * CT_PART_IN, sizeof *v->edge);
    for (int i = 0; i < all->n; i++) {
        const ct_part *p = &all->part[i];
        bool hidden = p->group >= 0 && !v->is_open[p->group];
        v->as[i] = hidden ? v->as[p->group] : i;
        v->depth[i] = p->group < 0 ? 1 : v->depth[p->group] + 1;
        bool holds = p->kind == CT_PART_GROUP || p->kind == CT_PART_BRANCH;
        v->is_open[i] = holds && !hidden && (!depth || v->depth[i] < depth);
    }
    for (int i = 0; i < all->n; i++) add_edges(v, i);
}

void ct_sight_free(ct_sight *v) { free(v->as), free(v->is_open), free(v->depth), free(v->edge); }
