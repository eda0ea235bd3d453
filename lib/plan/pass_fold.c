/* Constants: what is made of nothing but arguments is computed once, when the plan is made. */
#include "base/alloc.h"
#include "plan/pass.h"

#define LARGEST (1 << 20) /* bytes of a constant: more would crowd out what a step needs */

static bool is_constant(const ct_program *p, const ct_stage *item, const bool *known) {
    if (item->op == CT_CHAIN || item->n_parts || item->sets) return false;
    if (ct_op_get(item->op)->flags & (CT_RANDOM | CT_INPLACE)) return false;
    for (int i = 0; i < item->n_in + item->n_out; i++) {
        int v = item->use[i].value;
        if (v >= 0 && i < item->n_in && !known[v]) return false;
        if (v >= 0 && i >= item->n_in && p->value[v].bytes > LARGEST) return false;
    }
    return true;
}

static ct_status give_memory(ct_program *p, const ct_stage *item) {
    void **list = ct_realloc(p->constant, (size_t)(p->n_constants + item->n_out), sizeof *list);
    if (!list) return CT_NO_MEMORY;
    p->constant = list;
    for (int i = item->n_in; i < item->n_in + item->n_out; i++) {
        ct_value *v = item->use[i].value < 0 ? NULL : &p->value[item->use[i].value];
        if (!v) continue;
        if (!(v->at = ct_alloc_aligned(v->bytes, 1))) return CT_NO_MEMORY;
        v->fixed = true, list[p->n_constants++] = v->at, p->constant_bytes += v->bytes;
    }
    return CT_OK;
}

static ct_status compute(ct_program *p, const ct_stage *item, ct_layout *l, void **at) {
    int n = item->n_in + item->n_out;
    CT_TRY(give_memory(p, item));
    for (int i = 0; i < n; i++) {
        const ct_use *u = &item->use[i];
        l[i] = u->layout;
        at[i] = u->value < 0 ? NULL : p->value[u->value].at + u->offset;
    }
    ct_call call = {item->op, item->n_in, item->n_out, l, l + item->n_in, item->args, item->bf16, item->direct};
    return ct_kernel_run(&call, (const void *const *)at, at + item->n_in);
}

ct_status ct_pass_fold(ct_program *p) {
    bool *known = ct_alloc((size_t)p->n_values, sizeof *known);
    ct_status status = known ? CT_OK : CT_NO_MEMORY;
    for (int i = 0; !status && i < p->n_items; i++) {
        ct_stage *item = &p->item[i];
        if (!is_constant(p, item, known)) continue;
        size_t n = (size_t)(item->n_in + item->n_out);
        ct_layout *l = ct_alloc(n, sizeof *l);
        void **at = ct_alloc(n, sizeof *at);
        status = l && at ? compute(p, item, l, at) : CT_NO_MEMORY;
        ct_free(l), ct_free(at);
        for (int k = item->n_in; k < item->n_in + item->n_out; k++)
            if (item->use[k].value >= 0) known[item->use[k].value] = true;
        ct_stage_clear(item);
    }
    ct_free(known);
    ct_program_close(p);
    return status;
}
