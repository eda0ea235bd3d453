/* Chains: pointwise ops that read each other's results, or the same input, become one item. */
#include "base/alloc.h"
#include "plan/launch.h"
#include "plan/merge.h"
#include "plan/pass.h"

/* Both read an input that lies as their results do: it is loaded once. */
static bool share_input(const ct_stage *a, const ct_stage *b) {
    for (int i = 0; i < a->n_in; i++)
        for (int k = 0; k < b->n_in && a->use[i].value >= 0; k++)
            if (ct_use_same(&a->use[i], &b->use[k]) && ct_layout_alike(&a->use[i].layout, ct_stage_space(a)))
                return true;
    return false;
}

/* b reads a result of a in another shape: it needs all of it. */
static bool reads_reshaped(const ct_stage *a, const ct_stage *b) {
    for (int o = a->n_in; o < a->n_in + a->n_out; o++)
        for (int i = 0; i < b->n_in; i++)
            if (a->use[o].value >= 0 && a->use[o].value == b->use[i].value && !ct_use_same(&a->use[o], &b->use[i]))
                return true;
    return false;
}

static bool joinable(const ct_stage *a, const ct_stage *b) {
    return ct_layout_alike(ct_stage_space(a), ct_stage_space(b)) && !reads_reshaped(a, b) &&
           (ct_feeds(a, b) || share_input(a, b));
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
        pointwise[i] = !p->item[i].n_parts && ct_stage_row(&p->item[i]);
        for (int at = pointwise[i] ? i : -1; !status && at >= 0;) status = join_one(p, reads, pointwise, at, &at);
    }
    ct_free(reads), ct_free(pointwise);
    ct_program_close(p);
    return status;
}
