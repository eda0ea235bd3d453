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

static void drop_own(ct_run *r) {
    for (int i = 0; i < r->n_own; i++) ct_drop(r->own[i].copy);
    ct_free(r->own);
    r->own = NULL, r->n_own = 0;
}

/* Copies of the buffers: all of them, or none after an error. */
static ct_status keep_buffers(ct_run *r) {
    int n;
    ct_entry *entry = entries(r, &n);
    r->own = ct_alloc((size_t)n, sizeof *r->own);
    ct_status status = entry && r->own ? CT_OK : CT_NO_MEMORY;
    for (int i = 0; !status && i < n; i++) {
        ct_tensor *t = entry[i].param->tensor;
        if (!is_buffer(entry[i].param)) continue;
        ct_own *own = &r->own[r->n_own++];
        *own = (ct_own){t, ct_keep(ct_empty(ct_dtype_of(t), ct_shape_of(t)))};
        status = ct_set(own->copy, t);
    }
    ct_free(entry);
    if (status) drop_own(r);
    return status;
}

/* The copies back, as many as can be. */
static ct_status restore_buffers(ct_run *r) {
    ct_status status = CT_OK;
    for (int i = 0; i < r->n_own; i++) {
        ct_status back = ct_set(r->own[i].of, r->own[i].copy);
        if (!status) status = back;
    }
    drop_own(r);
    return status;
}

/* A pass over the training samples. */
static ct_status count_statistics(ct_run *r) {
    int64_t n = r->parts.n_train, batch = CT_MIN(r->spec->train.batch_size, n);
    ct_samples of = {&r->data->train, &r->norm, r->order, n, r->augment, r->state.epoch};
    CT_TRY(ct_run_order(r));
    for (int64_t first = 0; first < n; first += batch) {
        int64_t some = CT_MIN(batch, n - first);
        if (r->opt->stop && *r->opt->stop) return ct_fail(CT_STOPPED, "stopped while running statistics were counted");
        CT_TRY(ct_samples_next(&of, first, some, r->step));
        CT_TRY(ct_step_statistics(r->step, some, first / batch));
    }
    return CT_OK;
}

ct_status ct_run_average_enter(ct_run *r) {
    int norms;
    if (!r->average || ct_item(ct_average_count(r->average)) == 0) return CT_OK;
    CT_TRY(ct_average_swap(r->average));
    if (!r->spec->train.swa.start) return CT_OK;
    CT_TRY(keep_buffers(r));
    ct_status status = ct_update_bn_begin(r->net.module, &norms);
    if (!status && norms) status = count_statistics(r);
    ct_status ended = ct_update_bn_end(r->net.module);
    return status ? status : ended;
}

ct_status ct_run_average_leave(ct_run *r) {
    if (!r->average) return CT_OK;
    ct_status status = restore_buffers(r), swapped = ct_average_swap(r->average);
    return status ? status : swapped;
}
