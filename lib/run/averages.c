/* Averaged weights of a run: what is evaluated and saved, while training goes on with its own. */
#include "base/alloc.h"
#include "run/train.h"

/* EMA's statistics are averaged with the weights that they belong to. SWA's weights are too far apart for that: theirs
   are counted anew. */
bool ct_run_averages(const ct_spec *spec, const ct_param *p) {
    return p->trained || (spec->train.ema.decay > 0 && !p->frozen && ct_dtype_of(p->tensor) == CT_F32);
}

static bool is_buffer(const ct_param *p) { return !p->trained && !p->frozen; }

/* The model's parameters and buffers, *n of them, to be ct_free'd; NULL: no memory. */
static ct_entry *entries(const ct_run *r, int *n) {
    *n = ct_module_count(r->net.module);
    ct_entry *entry = ct_alloc((size_t)*n, sizeof *entry);
    if (entry) ct_module_entries(r->net.module, entry);
    return entry;
}

ct_status ct_run_average_start(ct_run *r) {
    const ct_train_args *t = &r->spec->train;
    int n, k = 0;
    if (!(t->ema.decay > 0) && !t->swa.start) return CT_OK;
    ct_entry *entry = entries(r, &n);
    ct_tensor **list = ct_alloc((size_t)n, sizeof *list);
    for (int i = 0; entry && list && i < n; i++)
        if (ct_run_averages(r->spec, entry[i].param)) list[k++] = entry[i].param->tensor;
    if (k) r->average = ct_average_open(list, k, t->ema.decay);
    ct_free(entry), ct_free(list);
    if (!r->average) return CT_NO_MEMORY;
    if (!t->swa.start) ct_step_follow(r->step, r->average);
    return CT_OK;
}

ct_status ct_run_average_epoch(ct_run *r) {
    int64_t start = r->spec->train.swa.start, epochs = r->state.epoch - start;
    if (!start || (double)epochs <= ct_item(ct_average_count(r->average))) return CT_OK;
    return ct_average_update(r->average);
}

/* ---- SWA's running statistics ---- */

/* Copies of the buffers, or the copies back. */
static ct_status move_buffers(ct_run *r, bool back) {
    int n, k = 0;
    ct_status status = CT_OK;
    ct_entry *entry = entries(r, &n);
    if (!back) r->own = ct_alloc((size_t)n, sizeof *r->own);
    if (!entry || !r->own) status = CT_NO_MEMORY;
    for (int i = 0; !status && i < n; i++) {
        ct_tensor *t = entry[i].param->tensor;
        if (!is_buffer(entry[i].param)) continue;
        if (!back) r->own[k] = ct_keep(ct_empty(ct_dtype_of(t), ct_shape_of(t)));
        status = back ? ct_set(t, r->own[k]) : ct_set(r->own[k], t);
        if (back) ct_drop(r->own[k]);
        k++;
    }
    ct_free(entry);
    if (back) ct_free(r->own), r->own = NULL;
    return status;
}

/* A pass over the training samples. */
static ct_status count_statistics(ct_run *r) {
    int64_t n = r->parts.n_train, batch = CT_MIN(r->spec->train.batch_size, n);
    ct_samples of = {&r->data->train, &r->norm, r->order, n, r->augment, r->state.epoch};
    CT_TRY(ct_run_order(r));
    for (int64_t first = 0; first < n; first += batch) {
        int64_t some = CT_MIN(batch, n - first);
        if (r->opt->stop && *r->opt->stop) return CT_STOPPED;
        CT_TRY(ct_samples_load(&of, first, some, r->step));
        CT_TRY(ct_step_statistics(r->step, some, first / batch));
    }
    return CT_OK;
}

ct_status ct_run_average_enter(ct_run *r) {
    int norms;
    if (!r->average || ct_item(ct_average_count(r->average)) == 0) return CT_OK;
    CT_TRY(ct_average_swap(r->average));
    if (!r->spec->train.swa.start) return CT_OK;
    CT_TRY(move_buffers(r, false));
    ct_status status = ct_update_bn_begin(r->net.module, &norms);
    if (!status && norms) status = count_statistics(r);
    ct_status ended = ct_update_bn_end(r->net.module);
    return status ? status : ended;
}

ct_status ct_run_average_leave(ct_run *r) {
    if (!r->average) return CT_OK;
    if (r->own) CT_TRY(move_buffers(r, true));
    return ct_average_swap(r->average);
}
