/* Heads: a chain whose result a sum, a softmax, a norm of rows or a loss reads runs on each range of it as that does.
 */
#include "base/alloc.h"
#include "plan/launch.h"
#include "plan/merge.h"
#include "plan/pass.h"

/* The chain, or pointwise op, that makes what item reads first, all of it and nothing else of item's; -1: none. */
static int source(const ct_program *p, int at) {
    const ct_stage *item = &p->item[at];
    const ct_use *x = item->use;
    for (int k = at - 1; k >= 0 && x->value >= 0; k--) {
        const ct_stage *from = &p->item[k];
        if (!from->use || !ct_stage_makes(from, x->value)) continue;
        bool pointwise = from->op == CT_CHAIN || (!from->n_parts && ct_stage_row(from));
        for (int i = 1; i < item->n_in; i++) pointwise &= !ct_stage_makes(from, item->use[i].value);
        const ct_layout *space = &from->use[from->n_in].layout;
        return pointwise && !x->offset && ct_layout_numel(&x->layout) == ct_layout_numel(space) ? k : -1;
    }
    return -1;
}

ct_status ct_pass_reduce(ct_program *p) {
    int *reads = ct_program_reads(p);
    ct_status status = reads ? CT_OK : CT_NO_MEMORY;
    for (int i = 0; !status && i < p->n_items; i++) {
        const ct_stage *item = &p->item[i];
        if (!item->use || item->op == CT_CHAIN || item->own_in < 1 || item->n_head || ct_stage_row(item)) continue;
        ct_takes takes = {0};
        int from = source(p, i), to;
        if (from >= 0) status = ct_stage_takes(item, &takes);
        if (!status && takes.heads) status = ct_merge(p, reads, from, i, &to);
    }
    ct_free(reads);
    ct_program_close(p);
    return status;
}
