#include "plan/share.h"
#include "plan/launch.h"

static void set_lifetimes(ct_program *p) {
    for (int v = 0; v < p->n_values; v++) p->value[v].first = p->value[v].last = -1;
    for (int k = 0; k < p->n_items; k++) {
        const ct_stage *item = &p->item[k];
        for (int i = 0; i < item->n_in + item->n_out; i++) {
            ct_value *v = item->use[i].value < 0 ? NULL : &p->value[item->use[i].value];
            bool out = i >= item->n_in;
            if (!v) continue;
            if (out && v->first < 0) v->first = k;
            if (!out || !v->fixed) v->last = k;
        }
    }
    for (int i = 0; i < p->n_keep; i++) p->value[p->keep[i].value].last = p->n_items;
}

/* Whether op reads `value` (*any), and only where its own result lies. */
static bool reads_flat(const ct_stage *op, int value, bool *any) {
    for (int i = 0; i < op->n_in; i++) {
        if (op->use[i].value != value) continue;
        *any = true;
        if (op->use[i].offset || !ct_chain_flat(&op->use[i].layout, &op->use[op->n_in].layout)) return false;
    }
    return true;
}

/* Whether `out` is made element by element after the same element of `in` was read for the last time. */
static bool parts_allow(const ct_stage *item, int in, int out) {
    bool made = false, own = false;
    for (int i = 0; i < item->own_in; i++)
        if (item->use[i].value == in) return false;
    for (int i = item->n_in; i < item->n_in + item->own_out; i++) own |= item->use[i].value == in;
    for (int k = own ? item->n_head : 0; k < item->n_parts; k++) {
        bool any = false;
        if (!reads_flat(&item->part[k], in, &any) || (made && any)) return false;
        made |= item->part[k].use[item->part[k].n_in].value == out;
    }
    return made;
}

/* The same of what the item's op makes, not its parts. */
static bool op_allows(const ct_stage *item, int in, int out) {
    bool any = false;
    const ct_op *op = ct_stage_op(item);
    for (int k = 0; k < item->n_parts && !any; k++)
        if (!reads_flat(&item->part[k], in, &any) || any) return false;
    if (ct_stage_row(item)) return reads_flat(item, in, &any);
    for (int i = 0; op->place && i < item->own_out; i++) {
        int place = op->place(item->own_in, item->args, i);
        if (item->use[item->n_in + i].value == out && place >= 0) return item->use[place].value == in;
    }
    return false;
}

/* Whether item may write `out` where it reads `in` (or, before its parts, writes it), and nothing that runs beside it
   reads that. */
static bool may_overwrite(const ct_stage *item, int in, int out) {
    int n;
    const ct_stage *of = ct_stage_items(item, &n), *maker = of;
    for (int k = 0; k < n; k++)
        if (ct_stage_makes(&of[k], out))
            maker = &of[k];
        else if (ct_stage_reads(&of[k], in))
            return false;
    for (int i = maker->n_in; i < maker->n_in + maker->own_out; i++)
        if (maker->use[i].value == out) return op_allows(maker, in, out);
    return parts_allow(maker, in, out);
}

static bool lie_alike(const ct_use *a, const ct_use *b) {
    return !a->offset && !b->offset && a->layout.dtype == b->layout.dtype && ct_layout_alike(&a->layout, &b->layout);
}

/* A slot's new value is made in the slot, if nothing reads the old one later. */
static void set_in_place(ct_program *p) {
    for (int k = 0; k < p->n_items; k++) {
        ct_stage *set = &p->item[k];
        if (!set->sets) continue;
        const ct_use *new = &set->use[0], *slot = &set->use[1];
        ct_value *v = &p->value[new->value], *s = &p->value[slot->value];
        if (v->fixed || v->first < 0 || s->last > v->first) continue;
        const ct_stage *maker = &p->item[v->first];
        const ct_use *made = ct_stage_makes(maker, new->value);
        if (!made || !lie_alike(made, slot) || !lie_alike(new, slot)) continue;
        if (s->last == v->first && !may_overwrite(maker, slot->value, new->value)) continue;
        v->fixed = true, v->at = s->at;
        ct_stage_clear(set);
    }
    ct_program_close(p);
}

/* out, made by item k, joins `in` if that dies there. */
static void join(ct_program *p, int k, const ct_use *in, const ct_use *out) {
    ct_value *o = &p->value[out->value], *i = in->value < 0 ? NULL : &p->value[in->value];
    if (!i || o->fixed || o->joined >= 0 || o->first != k || in->value == out->value || !lie_alike(in, out)) return;
    int root = i->joined >= 0 ? i->joined : in->value;
    ct_value *r = &p->value[root];
    if (r->fixed || r->last != k || i->last != k || r->bytes != o->bytes) return;
    if (!may_overwrite(&p->item[k], in->value, out->value)) return;
    o->joined = root;
    r->last = o->last;
}

/* Of item k, or of one that runs in it. */
static void join_results(ct_program *p, int k, const ct_stage *item) {
    for (int o = item->n_in; o < item->n_in + item->n_out; o++) {
        if (item->use[o].value < 0) continue;
        for (int i = 0; i < item->n_in; i++) join(p, k, &item->use[i], &item->use[o]);
        if (item->n_parts && item->own_out) join(p, k, &item->use[item->n_in], &item->use[o]);
    }
}

void ct_program_share(ct_program *p) {
    set_lifetimes(p);
    set_in_place(p);
    set_lifetimes(p);
    for (int k = 0; k < p->n_items; k++) {
        int n;
        const ct_stage *of = ct_stage_items(&p->item[k], &n);
        for (int i = 0; i < n; i++) join_results(p, k, &of[i]);
    }
}
