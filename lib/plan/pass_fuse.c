/* Chains: pointwise ops that read each other's results, or the same input, become one item. */
#include "base/alloc.h"
#include "plan/launch.h"
#include "plan/merge.h"
#include "plan/pass.h"

static bool reads_flat(const ct_stage *item, const ct_use *u) {
    int n;
    const ct_stage *part = ct_parts(item, &n);
    for (int k = 0; k < n; k++)
        for (int i = 0; i < part[k].n_in; i++)
            if (part[k].use[i].value == u->value && part[k].use[i].offset == u->offset &&
                ct_chain_flat(&part[k].use[i].layout, &part[k].use[part[k].n_in].layout))
                return true;
    return false;
}

/* Both read an input that lies as their results do: it is loaded once. */
static bool share_input(const ct_stage *a, const ct_stage *b) {
    for (int i = 0; i < a->n_in; i++)
        if (a->use[i].value >= 0 && reads_flat(a, &a->use[i]) && reads_flat(b, &a->use[i])) return true;
    return false;
}

/* Counters and the like: any two are better off together. */
static bool is_number(const ct_stage *item) {
    int n;
    const ct_stage *part = ct_parts(item, &n);
    return ct_layout_numel(&part->use[part->n_in].layout) == 1;
}

static bool joinable(const ct_stage *a, const ct_stage *b) {
    bool whole;
    if (!ct_same_count(a, b)) return false;
    return (ct_feeds(a, b, &whole) || share_input(a, b) || is_number(a)) && !whole;
}

/* The item at `at` joins one before it, the nearest first; *to: where it is then, or -1. */
static ct_status join_one(ct_program *p, const int *reads, const bool *pointwise, int at, int *to) {
    *to = -1;
    for (int i = at - 1; i >= CT_MAX(at - CT_MERGE_WINDOW, 0) && *to < 0; i--)
        if (p->item[i].use && pointwise[i] && joinable(&p->item[i], &p->item[at]))
            CT_TRY(ct_merge(p, reads, i, at, to));
    return CT_OK;
}

ct_status ct_pass_fuse(ct_program *p) {
    int *reads = ct_program_reads(p);
    bool *pointwise = ct_alloc((size_t)p->n_items, sizeof *pointwise);
    ct_status status = reads && pointwise ? CT_OK : CT_NO_MEMORY;
    for (int i = 0; !status && i < p->n_items; i++) {
        pointwise[i] = !p->item[i].n_parts && !p->item[i].sets && ct_stage_row(&p->item[i]);
        for (int at = pointwise[i] ? i : -1; !status && at >= 0;) status = join_one(p, reads, pointwise, at, &at);
    }
    ct_free(reads), ct_free(pointwise);
    ct_program_close(p);
    return status;
}
