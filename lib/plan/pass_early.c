/* Sums while their input is made: what a batch norm does first to each part of its input is done as soon as that part
   is there, and in the cache, by the item that makes it. */
#include "plan/launch.h"
#include "plan/pass.h"

/* Whether it is made by the item's head, in the order in which the op reads. */
static bool by_head(const ct_stage *item, int value) {
    for (int i = 0; i < item->n_head; i++)
        if (ct_stage_makes(&item->part[i], value)) return true;
    return false;
}

/* The item of those at k, if any, that makes what `use` reads, and hands it on as it lies there. */
static ct_status maker_of(const ct_program *p, int k, const ct_use *use, ct_stage **out) {
    int n;
    ct_stage *of = (ct_stage *)ct_stage_items(&p->item[k], &n);
    *out = NULL;
    for (int i = 0; i < n; i++) {
        const ct_use *made = ct_stage_makes(&of[i], use->value);
        bool second = made && made > &of[i].use[of[i].n_in] && made < &of[i].use[of[i].n_in + of[i].own_out];
        if (!made || second || by_head(&of[i], use->value) || !ct_use_same(made, use) || made->offset) continue;
        ct_takes takes;
        CT_TRY(ct_stage_takes(&of[i], &takes));
        if (takes.tails) *out = &of[i];
    }
    return CT_OK;
}

/* Whether item k makes something else that `by` reads. */
static bool makes_more(const ct_program *p, int k, const ct_stage *by) {
    for (int i = 1; i < by->n_in; i++)
        if (by->use[i].value >= 0 && ct_stage_makes(&p->item[k], by->use[i].value)) return true;
    return false;
}

/* The last item before `at` that makes what `by`, at it, reads first is told, if all else that it reads is there. */
static ct_status watch(ct_program *p, int at, ct_stage *by) {
    ct_takes takes;
    CT_TRY(ct_stage_takes(by, &takes));
    if (!takes.watches || by->n_head) return CT_OK;
    for (int k = at - 1; k >= 0 && !makes_more(p, k, by); k--) {
        if (!ct_stage_makes(&p->item[k], by->use[0].value)) continue;
        ct_stage *maker;
        CT_TRY(maker_of(p, k, &by->use[0], &maker));
        if (maker) maker->told = by->watches = true;
        return CT_OK;
    }
    return CT_OK;
}

ct_status ct_pass_early(ct_program *p) {
    for (int k = 0; k < p->n_items; k++) {
        int n;
        ct_stage *of = (ct_stage *)ct_stage_items(&p->item[k], &n);
        for (int i = 0; i < n; i++)
            if (of[i].use && of[i].n_in && of[i].op != CT_CHAIN) CT_TRY(watch(p, k, &of[i]));
    }
    return CT_OK;
}
