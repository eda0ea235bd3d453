/* Tails: what follows a product or a convolution element by element (bias, activation, residual, the gradient of an
   activation) runs on each part of the result as soon as that is made. */
#include "base/alloc.h"
#include "plan/launch.h"
#include "plan/merge.h"
#include "plan/pass.h"

/* The first item after `at` that is a chain on its result, or a pointwise op; -1: none. */
static int follower(const ct_program *p, int at) {
    const ct_stage *item = &p->item[at];
    for (int k = at + 1; k < p->n_items; k++) {
        const ct_stage *by = &p->item[k];
        bool whole, fits = by->op == CT_CHAIN || (by->use && !by->n_parts && !by->sets && ct_stage_row(by));
        if (fits && ct_same_count(item, by) && ct_feeds(item, by, &whole) && !whole) return k;
    }
    return -1;
}

/* The item at `at` takes what follows it, one after another. */
static ct_status join_all(ct_program *p, const int *reads, int at) {
    for (int next; at >= 0 && (next = follower(p, at)) >= 0;) {
        ct_takes takes;
        CT_TRY(ct_stage_takes(&p->item[at], &takes));
        if (!takes.tails) return CT_OK;
        CT_TRY(ct_merge(p, reads, at, next, &at));
    }
    return CT_OK;
}

ct_status ct_pass_join(ct_program *p) {
    int *reads = ct_program_reads(p);
    ct_status status = reads ? CT_OK : CT_NO_MEMORY;
    for (int i = 0; !status && i < p->n_items; i++) {
        const ct_stage *item = &p->item[i];
        if (item->use && item->op != CT_CHAIN && !ct_stage_row(item)) status = join_all(p, reads, i);
    }
    ct_free(reads);
    ct_program_close(p);
    return status;
}
