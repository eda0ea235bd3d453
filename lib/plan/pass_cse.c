/* Common subexpressions: of two items that do the same to the same, the first stays. Never what draws random numbers.
 */
#include "base/alloc.h"
#include "plan/pass.h"
#include <string.h>

#define BUCKETS 1024 /* a power of two */

static bool may_share(const ct_program *p, const ct_stage *item) {
    if (item->op == CT_CHAIN || item->n_parts || ct_op_get(item->op)->flags & (CT_RANDOM | CT_INPLACE)) return false;
    for (int i = item->n_in; i < item->n_in + item->n_out; i++)
        if (item->use[i].value >= 0 && p->value[item->use[i].value].fixed) return false;
    return true;
}

static unsigned hash(const ct_stage *item) {
    unsigned h = (unsigned)item->op * 2654435761u;
    for (int i = 0; i < item->n_in; i++) h = (h ^ (unsigned)item->use[i].value) * 16777619u;
    return h >> 16 & (BUCKETS - 1);
}

static bool same(const ct_stage *a, const ct_stage *b) {
    if (a->op != b->op || a->n_in != b->n_in || a->n_out != b->n_out || a->again != b->again) return false;
    if (a->bf16 != b->bf16 || a->direct != b->direct) return false;
    if (!ct_keys_same(ct_op_get(a->op)->kind.keys, a->args, b->args)) return false;
    for (int i = 0; i < a->n_in; i++)
        if (!ct_use_same(&a->use[i], &b->use[i])) return false;
    for (int i = a->n_in; i < a->n_in + a->n_out; i++)
        if ((a->use[i].value < 0) != (b->use[i].value < 0)) return false;
    return true;
}

ct_status ct_pass_cse(ct_program *p) {
    int *is = ct_alloc((size_t)p->n_values, sizeof *is), *next = ct_alloc((size_t)p->n_items, sizeof *next);
    int first[BUCKETS];
    memset(first, -1, sizeof first);
    for (int v = 0; is && v < p->n_values; v++) is[v] = v;
    for (int i = 0; is && next && i < p->n_items; i++) {
        ct_stage *item = &p->item[i];
        for (int k = 0; k < item->n_in; k++)
            if (item->use[k].value >= 0) item->use[k].value = is[item->use[k].value];
        if (!may_share(p, item)) continue;
        unsigned h = hash(item);
        int twin = first[h];
        while (twin >= 0 && !same(&p->item[twin], item)) twin = next[twin];
        if (twin < 0) {
            next[i] = first[h], first[h] = i;
            continue;
        }
        for (int k = item->n_in; k < item->n_in + item->n_out; k++)
            if (item->use[k].value >= 0) is[item->use[k].value] = p->item[twin].use[k].value;
        ct_stage_clear(item);
    }
    for (int i = 0; is && i < p->n_keep; i++) p->keep[i].value = is[p->keep[i].value];
    ct_status status = is && next ? CT_OK : CT_NO_MEMORY;
    ct_free(is), ct_free(next);
    ct_program_close(p);
    return status;
}
