/* Dead code: what neither a kept value nor a slot comes from. */
#include "base/alloc.h"
#include "plan/pass.h"

static bool wanted(const ct_program *p, const ct_stage *item, const bool *read) {
    for (int i = item->n_in; i < item->n_in + item->n_out; i++) {
        int v = item->use[i].value;
        if (v >= 0 && (read[v] || p->value[v].fixed)) return true;
    }
    return false;
}

ct_status ct_pass_dead(ct_program *p) {
    bool *read = ct_alloc((size_t)p->n_values, sizeof *read);
    if (!read) return CT_NO_MEMORY;
    for (int i = 0; i < p->n_keep; i++) read[p->keep[i].value] = true;
    for (int i = p->n_items - 1; i >= 0; i--) {
        ct_stage *item = &p->item[i];
        if (!wanted(p, item, read))
            ct_stage_clear(item);
        else
            for (int k = 0; k < item->n_in; k++)
                if (item->use[k].value >= 0) read[item->use[k].value] = true;
    }
    ct_free(read);
    ct_program_close(p);
    return CT_OK;
}
