/* A step of a run: the batches whose gradients make one update. */
#include "data/sampler.h"
#include "run/train.h"

int64_t ct_run_step_samples(const ct_run *r) { return r->spec->train.batch_size * r->spec->train.accumulate; }

/* What each loss is a mean over, of n samples in batches: the targets say it before any of them is learned from. */
static ct_status add_weights(const ct_run *r, const ct_samples *of, int64_t first, int64_t n, double *all) {
    int64_t batch = r->spec->train.batch_size;
    for (int64_t at = 0; at < n; at += batch) {
        int64_t some = CT_MIN(batch, n - at);
        double weight[CT_MAX_LOSSES];
        CT_TRY(ct_samples_load_target(of, first + at, some, r->step));
        ct_batch_weights(r->step, some, weight);
        for (int i = 0; i < r->spec->n_losses; i++) all[i] += weight[i];
    }
    return CT_OK;
}

/* The loaded batch's share in each loss of all; a sum over the samples has all of its own. */
static void find_shares(const ct_run *r, int64_t n, const double *all, double *share) {
    ct_batch_weights(r->step, n, share);
    for (int i = 0; i < r->spec->n_losses; i++)
        share[i] = ct_loss_is_sum(&r->spec->loss[i]) ? 1 : all[i] > 0 ? share[i] / all[i] : 0;
}

/* A batch in which nothing counts has a loss that is no number, and no share. */
static void add_losses(const ct_run *r, const double *share, const ct_step_result *part, ct_step_result *out) {
    for (int i = 0; i < r->spec->n_losses; i++) {
        double add = share[i] > 0 ? share[i] * part->each[i] : 0;
        out->each[i] += add, out->loss += r->spec->loss[i].more->weight * add;
    }
}

/* Several batches: the gradient is that of the losses over all of their samples, as if they were one batch. */
static ct_status several(ct_run *r, const ct_samples *of, int64_t first, int64_t n, ct_step_result *out) {
    int64_t batch = r->spec->train.batch_size, number = r->state.number * r->spec->train.accumulate;
    double all[CT_MAX_LOSSES] = {0};
    *out = (ct_step_result){0};
    CT_TRY(add_weights(r, of, first, n, all));
    for (int64_t at = 0; at < n; at += batch, number++) {
        int64_t some = CT_MIN(batch, n - at);
        ct_step_part part = {.first = !at, .last = at + some == n};
        ct_step_result own;
        CT_TRY(ct_samples_next(of, first + at, some, r->step));
        find_shares(r, some, all, part.share);
        CT_TRY(ct_step_train_part(r->step, some, number, &part, &own));
        add_losses(r, part.share, &own, out);
        ct_tally_add(&r->state.tally, r->step, some, &own);
    }
    return CT_OK;
}

ct_status ct_run_update(ct_run *r, ct_step_result *out) {
    ct_run_state *s = &r->state;
    int64_t size = ct_run_step_samples(r), first = s->step * size, n = CT_MIN(size, r->parts.n_train - first);
    ct_samples of = {&r->data->train, &r->norm, r->order, r->parts.n_train, r->augment, s->epoch};
    if (n > r->spec->train.batch_size) return several(r, &of, first, n, out);
    CT_TRY(ct_samples_next(&of, first, n, r->step));
    CT_TRY(ct_step_train(r->step, n, s->number * r->spec->train.accumulate, out));
    ct_tally_add(&s->tally, r->step, n, out);
    return CT_OK;
}

ct_status ct_run_order(ct_run *r) {
    uint64_t seed = (uint64_t)r->spec->seed;
    if (r->ordered == r->state.epoch) return CT_OK;
    r->ordered = r->state.epoch;
    const ct_tensor *y = r->data->train.y;
    if (r->spec->data.sampler && (!y || y->layout.ndim != 1))
        return ct_fail(CT_BAD_SPEC, "data: sampler balanced wants a class for each sample; %s has none", r->data->name);
    if (r->spec->data.sampler)
        return ct_sample_balanced(y, r->data->classes, r->parts.train, r->parts.n_train, seed, r->state.epoch,
                                  r->order);
    ct_division_order(&r->parts, seed, r->state.epoch, r->order);
    return CT_OK;
}
