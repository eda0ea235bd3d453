/* The learning rate over the run of what is shown. */
#include "base/alloc.h"
#include "base/number.h"
#include "data/divide.h"
#include "run/cost.h"
#include "run/learning_rate.h"
#include "run/show.h"
#include <stdio.h>
#include <string.h>

/* From the size of the data, which are read where it is not known otherwise. */
static ct_status count_samples(ct_show *s, int64_t *n) {
    const ct_spec *spec = s->given.spec;
    ct_fields unused;
    int64_t held_out;
    if (s->given.model) CT_TRY(ct_spec_fields(spec, &unused, &s->size)); /* it was opened without */
    ct_cost_samples(spec, &s->size, n, &held_out);
    if (s->size.train >= 0) return CT_OK;
    CT_TRY(ct_show_data(s));
    ct_division parts;
    ct_status status = ct_dataset_divide(s->data, CT_MAX(spec->data.validation, 0), (uint64_t)spec->seed, &parts);
    *n = parts.n_train;
    ct_division_free(&parts);
    return status;
}

static double base_rate(const ct_optimizer *kind, const void *args) {
    const ct_key *key = ct_key_find(kind->kind.keys, "lr");
    return key ? *(const double *)((const char *)args + key->offset) : 0;
}

static double base_of(const ct_spec *spec, int g) {
    const ct_model_spec *m = &spec->model;
    return g ? base_rate(m->group[g - 1].optimizer, m->group[g - 1].args)
             : base_rate(m->optimizer, spec->optimizer_args);
}

/* Of all groups at step r->step[i], no earlier than that of i - 1: the schedule has moved with every step before it, or
   every epoch. */
static void rates_at(const ct_spec *spec, ct_schedule *c, ct_rates_report *r, int64_t i) {
    int64_t step = r->step[i], epoch = step / r->epoch_steps, rests = ct_learning_rate_rests(spec);
    int64_t t = r->per_step ? CT_MIN(step, ct_count_mul(rests, r->epoch_steps)) : CT_MIN(epoch, rests);
    if (c->kind) ct_schedule_seek(c, t);
    for (int g = 0; g < r->n_groups; g++)
        r->rate[i * r->n_groups + g] = ct_learning_rate(spec, c, base_of(spec, g), epoch);
}

static ct_status make(ct_show *s, int64_t most, ct_rates_report *r) {
    const ct_spec *spec = s->given.spec;
    const ct_train_args *t = &spec->train;
    int64_t samples;
    CT_TRY(count_samples(s, &samples));
    int64_t size = t->batch_size * t->accumulate;
    r->epoch_steps = CT_MAX((samples + size - 1) / size, 1);
    r->steps = t->steps ? t->steps : ct_count_mul(t->epochs, r->epoch_steps);
    const ct_schedule_use *use = &spec->schedule;
    r->schedule = use->kind ? use->kind->kind.name : NULL;
    r->per_step = use->per_step, r->listens = use->kind && use->kind->listen;
    r->n_groups = spec->model.n_groups + 1, r->n = CT_MIN(r->steps, CT_MAX(most, 1));
    r->group = ct_alloc((size_t)r->n_groups, sizeof *r->group);
    r->step = ct_alloc((size_t)r->n, sizeof *r->step);
    r->rate = ct_alloc((size_t)r->n * (size_t)r->n_groups, sizeof *r->rate);
    if (!r->group || !r->step || !r->rate) return CT_NO_MEMORY;
    for (int g = 1; g < r->n_groups; g++)
        snprintf(r->group[g], sizeof *r->group, "%s", spec->model.group[g - 1].pattern->text);
    ct_schedule c = {0};
    if (use->kind) c = ct_schedule_start(use->kind, use->args, use->warmup, base_of(spec, 0));
    double apart = r->n > 1 ? (double)(r->steps - 1) / (double)(r->n - 1) : 0;
    for (int64_t i = 0; i < r->n; i++) {
        r->step[i] = CT_MIN((int64_t)((double)i * apart + 0.5), r->steps - 1);
        rates_at(spec, &c, r, i);
    }
    return CT_OK;
}

ct_status ct_show_rates(ct_show *s, int64_t most, ct_rates_report *out) {
    *out = (ct_rates_report){0};
    ct_status status = make(s, most, out);
    if (status) ct_rates_report_free(out);
    return status;
}

void ct_rates_report_free(ct_rates_report *r) {
    ct_free(r->group), ct_free(r->step), ct_free(r->rate);
    *r = (ct_rates_report){0};
}
