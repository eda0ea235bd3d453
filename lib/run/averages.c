/* Averaged weights of a run: what is evaluated and saved, while training goes on with its own. */
#include "base/alloc.h"
#include "run/train.h"

/* What is trained, and the running statistics with it: those that the averaged weights would have are nearer to the
   average of all than to the last. */
static bool is_averaged(const ct_param *p) { return p->trained || (!p->frozen && ct_dtype_of(p->tensor) == CT_F32); }

ct_status ct_run_average_start(ct_run *r) {
    const ct_train_args *t = &r->spec->train;
    int n = ct_module_count(r->net.module), k = 0;
    if (!(t->ema.decay > 0)) return CT_OK;
    ct_entry *entry = ct_alloc((size_t)n, sizeof *entry);
    ct_tensor **list = ct_alloc((size_t)n, sizeof *list);
    if (entry && list) {
        ct_module_entries(r->net.module, entry);
        for (int i = 0; i < n; i++)
            if (is_averaged(entry[i].param)) list[k++] = entry[i].param->tensor;
        r->average = ct_average_open(list, k, t->ema.decay);
    }
    ct_free(entry), ct_free(list);
    if (!r->average) return CT_NO_MEMORY;
    ct_step_follow(r->step, r->average);
    return CT_OK;
}

ct_status ct_run_average_swap(ct_run *r) { return r->average ? ct_average_swap(r->average) : CT_OK; }
