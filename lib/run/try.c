/* Smoke tests: one step and one evaluation, or a few batches learned by heart. Nothing is left of them. */
#include "run/train.h"
#include "base/clock.h"
#include <inttypes.h>
#include <math.h>

#define MAX_PASSES 1000
#define NEAR_ZERO 0.01 /* of the first pass's loss */

typedef ct_status (*attempt)(ct_run *r, int64_t steps, ct_try_report *out);

static ct_status try_spec(ct_spec *spec, const ct_train_options *options, attempt what, int64_t steps,
                          ct_try_report *out, char **messages) {
    ct_train_report unused;
    ct_run r = ct_run_begin(spec, options, &unused);
    if (messages) *messages = NULL;
    *out = (ct_try_report){0};
    ct_scope *scope = ct_scope_open();
    if (!scope) return CT_NO_MEMORY;
    ct_status status = ct_run_make(&r, false, messages);
    if (!status) out->parameters = unused.parameters;
    if (!status) status = ct_run_tell_saving(&r);
    if (!status) status = ct_run_order(&r);
    if (!status) status = what(&r, steps, out);
    out->seconds = ct_run_spent(&r);
    ct_run_free(&r);
    ct_status closed = ct_scope_close(scope);
    return status ? status : closed;
}

static ct_status step(ct_run *r, ct_try_report *out) {
    ct_run_state *s = &r->state;
    ct_step_result got;
    double t = ct_now();
    CT_TRY(ct_run_update(r, &got));
    if (!s->number) out->step_s = ct_now() - t;
    s->step++, s->number++;
    return isfinite(got.loss) ? CT_OK : ct_fail(CT_DIVERGED, "the loss is %g at step %" PRId64, got.loss, s->number);
}

/* ---- a dry run ---- */
/* The validation samples; without any, the test samples, or those of training. */
static ct_samples evaluated(const ct_run *r, const char **split) {
    if (r->held_out.n) return *split = "validation", r->held_out;
    const ct_rows *test = &r->data->test;
    if (test->x) return *split = "test", (ct_samples){.split = test, .norm = &r->norm, .n = ct_size(test->x, 0)};
    *split = "training";
    return (ct_samples){.split = &r->data->train, .norm = &r->norm, .index = r->order, .n = r->parts.n_train};
}

static ct_status dry_run(ct_run *r, int64_t steps, ct_try_report *out) {
    (void)steps;
    ct_tally tally;
    CT_TRY(ct_run_try_last(r));
    CT_TRY(step(r, out));
    out->loss = out->first_loss = ct_tally_total(&r->state.tally, r->spec), out->passes = 1;
    out->samples = CT_MIN(ct_run_step_samples(r), r->parts.n_train);
    ct_samples some = evaluated(r, &out->split);
    some.n = CT_MIN(some.n, ct_step_capacity(r->step));
    CT_TRY(ct_samples_eval(&some, r->step, &tally, NULL, NULL, r->opt->stop));
    out->eval_loss = ct_tally_total(&tally, r->spec);
    return isfinite(out->eval_loss) ? CT_OK : ct_fail(CT_DIVERGED, "the loss of the evaluation is %g", out->eval_loss);
}

ct_status ct_train_dry_run(ct_spec *spec, const ct_train_options *options, ct_try_report *out, char **messages) {
    return try_spec(spec, options, dry_run, 1, out, messages);
}

/* ---- overfitting ---- */
static void show(const ct_run *r, const ct_try_report *out) {
    const ct_run_state *s = &r->state;
    double t = ct_run_spent(r), per_step = t / (double)s->number;
    ct_progress p = {.phase = "train",
                     .epoch = out->passes + 1,
                     .epochs = MAX_PASSES,
                     .step = s->step,
                     .steps = r->steps,
                     .loss = ct_tally_total(&s->tally, r->spec),
                     .accuracy = ct_tally_accuracy(&s->tally),
                     .samples_per_s = (double)ct_run_step_samples(r) / per_step,
                     .seconds_left = per_step * (double)(MAX_PASSES * r->steps - s->number)};
    if (r->opt->progress) r->opt->progress(r->opt->ctx, &p);
}

/* Over the same batches, in the same order. */
static ct_status pass(ct_run *r, ct_try_report *out) {
    r->state.step = 0, r->state.tally = (ct_tally){0};
    while (r->state.step < r->steps) {
        CT_TRY(step(r, out));
        show(r, out);
        if (r->opt->stop && *r->opt->stop)
            return ct_fail(CT_STOPPED, "stopped after step %" PRId64 " of overfitting", r->state.number);
    }
    out->loss = ct_tally_total(&r->state.tally, r->spec);
    if (!out->passes++) out->first_loss = out->loss;
    return CT_OK;
}

static ct_status overfit(ct_run *r, int64_t steps, ct_try_report *out) {
    ct_augment_free(r->augment);
    r->augment = NULL, r->steps = CT_MIN(steps, r->steps);
    r->parts.n_train = out->samples = CT_MIN(r->parts.n_train, r->steps * ct_run_step_samples(r));
    CT_TRY(pass(r, out));
    if (!(out->first_loss > 0))
        return ct_fail(CT_FAIL, "overfit: the loss begins with %.4g; only one above 0 can come near it",
                       out->first_loss);
    while (out->passes < MAX_PASSES && out->loss > NEAR_ZERO * out->first_loss) CT_TRY(pass(r, out));
    if (out->loss <= NEAR_ZERO * out->first_loss) return CT_OK;
    return ct_fail(CT_FAIL,
                   "overfit: after %d passes over %" PRId64
                   " samples the loss is %.4g, which began with %.4g: the model does not learn them by heart",
                   MAX_PASSES, out->samples, out->loss, out->first_loss);
}

ct_status ct_train_overfit(ct_spec *spec, int64_t steps, const ct_train_options *options, ct_try_report *out,
                           char **messages) {
    return try_spec(spec, options, overfit, steps, out, messages);
}
