/* Training: steps and evaluations, with checkpoints such that a run stopped anywhere ends as if it had not been. */
#include "run/train.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "file/file.h"
#include "run/model.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- checkpoints ---- */

static ct_status checkpoint(ct_run *r) {
    CT_TRY(ct_run_log_sync(&r->dir));
    double t = ct_now();
    ct_run_state s = r->state;
    s.log_length = r->dir.log_length;
    s.seconds += t - r->began;
    r->checkpointed = t;
    return ct_state_save(ct_run_path(&r->dir, "state.safetensors"), &s, r->net.module, r->optim, r->average, r->files);
}

static ct_status save_model(ct_run *r, const char *name) {
    return ct_model_save(ct_run_path(&r->dir, name), &r->net, r->data);
}

/* ---- steps and epochs ---- */

static void show_progress(ct_run *r, const char *phase, double elapsed) {
    if (!r->opt->progress) return;
    const ct_run_state *s = &r->state;
    int64_t done = s->number - r->number_at_start, left = ct_run_total(r) - s->number;
    double per_step = done ? elapsed / (double)done : 0, limit = s->max_seconds > 0 ? s->max_seconds : INFINITY;
    ct_progress p = {phase,
                     s->epoch + 1,
                     ct_run_epochs(r),
                     s->step,
                     r->steps,
                     .loss = s->tally.weight[0] > 0 ? ct_tally_total(&s->tally, r->spec) : 0,
                     .accuracy = ct_tally_accuracy(&s->tally),
                     .samples_per_s = per_step > 0 ? (double)ct_run_step_samples(r) / per_step : 0,
                     .seconds_left = CT_MIN(per_step * (double)left, CT_MAX(limit - ct_run_spent(r), 0))};
    r->opt->progress(r->opt->ctx, &p);
}

static ct_status diverged(const ct_run *r, double loss) {
    const ct_run_state *s = &r->state;
    bool saved = ct_run_dir_has(&r->dir, "state.safetensors");
    return ct_fail(CT_DIVERGED,
                   "the loss is %g at step %" PRId64 " (epoch %" PRId64 ", step %" PRId64 " of %" PRId64 "); %s%s",
                   loss, s->number + 1, s->epoch + 1, s->step + 1, r->steps,
                   saved ? "the last good checkpoint is kept: " : "there is no checkpoint yet",
                   saved ? ct_run_path(&r->dir, "state.safetensors") : "");
}

static const char *number(double v, char text[32]) {
    if (isfinite(v))
        snprintf(text, 32, "%.9g", v);
    else
        strcpy(text, "null");
    return text;
}

/* `,"NAME":{"mse":0.1,"kl_normal":2.5}` where there are several losses, else nothing. */
static const char *each_loss(const ct_spec *spec, const char *name, const double *value, char text[1024]) {
    char v[32];
    int n = snprintf(text, 1024, ",\"%s\":{", name);
    for (int i = 0; i < spec->n_losses; i++)
        n += snprintf(text + n, 1024 - (size_t)n, "%s\"%s\":%s", i ? "," : "", spec->loss[i].name, number(value[i], v));
    snprintf(text + n, 1024 - (size_t)n, "}");
    return spec->n_losses > 1 ? text : "";
}

static ct_status log_step(ct_run *r, const ct_step_result *out) {
    char each[1024];
    return ct_run_log(&r->dir, "{\"type\":\"step\",\"epoch\":%" PRId64 ",\"step\":%" PRId64 ",\"loss\":%.9g%s}",
                      r->state.epoch + 1, r->state.number, out->loss, each_loss(r->spec, "losses", out->each, each));
}

/* One step; what it says is counted, and a loss that is no number ends the run. */
static ct_status one_step(ct_run *r) {
    ct_run_state *s = &r->state;
    ct_step_result out;
    CT_TRY(ct_run_update(r, &out));
    if (!isfinite(out.loss)) return diverged(r, out.loss);
    s->step++, s->number++;
    if (r->spec->schedule.per_step) ct_run_move_rate(r, out.loss, false);
    if (r->first_step == 0) r->first_step = ct_now() - r->began;
    return s->number % r->spec->train.log_every ? CT_OK : log_step(r, &out);
}

/* Whether the loss decides: it was asked to, or there is no accuracy. */
static bool monitors_loss(const ct_run *r) { return r->spec->train.monitor == 1 || r->net.scores < 0; }

/* Whether to evaluate now: where an epoch ends or as often as the spec says, and at the end of all. */
static bool is_due(const ct_run *r) {
    const ct_run_state *s = &r->state;
    int64_t every = r->spec->train.eval_every;
    if (s->number == s->evaluated) return false;
    return s->number >= ct_run_total(r) || s->out_of_time || (every ? s->number % every == 0 : s->step == r->steps);
}

static void move_epoch_rate(ct_run *r) {
    const ct_run_state *s = &r->state;
    ct_run_move_rate(r, !r->held_out.n ? s->loss : monitors_loss(r) ? s->val_loss : s->val_accuracy, true);
}

static ct_status end_epoch(ct_run *r) {
    r->state.epoch++, r->state.step = 0;
    return ct_run_average_epoch(r);
}

/* Steps up to the next evaluation. */
static ct_status run_steps(ct_run *r) {
    ct_run_state *s = &r->state;
    double every = r->spec->train.checkpoint_every;
    while (!is_due(r)) {
        if (s->step == r->steps) {
            CT_TRY(end_epoch(r));
            move_epoch_rate(r);
        }
        CT_TRY(ct_run_order(r));
        CT_TRY(one_step(r));
        double t = ct_now();
        s->out_of_time = s->max_seconds > 0 && s->number < ct_run_total(r) && ct_run_spent(r) >= s->max_seconds;
        show_progress(r, "train", t - r->began);
        if (r->opt->stop && *r->opt->stop) {
            CT_TRY(checkpoint(r));
            return ct_fail(CT_STOPPED, "stopped after step %" PRId64 "; --resume goes on from there", s->number);
        }
        if (every > 0 && t - r->checkpointed >= every) CT_TRY(checkpoint(r));
    }
    return CT_OK;
}

static ct_status validate(ct_run *r, ct_epoch_report *e, ct_tally *t) {
    ct_run_state *s = &r->state;
    *t = (ct_tally){0};
    if (!r->held_out.n) {
        s->best_epoch = e->epoch; /* without a validation split the last epoch counts as the best */
        e->best = true;
        return CT_OK;
    }
    show_progress(r, "validation", ct_now() - r->began);
    CT_TRY(ct_samples_eval(&r->held_out, r->step, t, NULL, NULL, r->opt->stop));
    s->val_loss = ct_tally_total(t, r->spec), s->val_accuracy = ct_tally_accuracy(t);
    bool by_loss = monitors_loss(r);
    double value = by_loss ? s->val_loss : s->val_accuracy;
    e->best = !(s->best_epoch > 0) || (by_loss ? value < s->best : value > s->best);
    if (e->best) {
        s->best = value, s->best_epoch = e->epoch, s->best_step = s->number, s->best_evaluation = s->evaluations;
        s->best_loss = s->val_loss, s->best_accuracy = s->val_accuracy;
    }
    return CT_OK;
}

static ct_status log_epoch(ct_run *r, const ct_epoch_report *e, const ct_tally *seen, const ct_tally *held_out) {
    double each[2][CT_MAX_LOSSES];
    char acc[32], vl[32], va[32], losses[2][1024];
    for (int i = 0; i < r->spec->n_losses; i++)
        each[0][i] = ct_tally_loss(seen, i), each[1][i] = ct_tally_loss(held_out, i);
    return ct_run_log(&r->dir,
                      "{\"type\":\"epoch\",\"epoch\":%" PRId64 ",\"step\":%" PRId64
                      ",\"loss\":%.9g,\"accuracy\":%s,\"val_loss\":%s,\"val_accuracy\":%s%s%s,\"best\":%s,"
                      "\"seconds\":%.3f}",
                      e->epoch, e->step, e->loss, number(e->accuracy, acc), number(e->val_loss, vl),
                      number(e->val_accuracy, va), each_loss(r->spec, "losses", each[0], losses[0]),
                      each_loss(r->spec, "val_losses", each[1], losses[1]), e->best ? "true" : "false", e->seconds);
}

/* One file then, of two names: each is replaced, never written to. */
static bool last_is_best(ct_run *r) {
    return ct_file_link(ct_run_path(&r->dir, "best.safetensors"), ct_run_path(&r->dir, "last.safetensors"));
}

/* Validation and the model's files, of the averaged weights where there are any. */
static ct_status measure(ct_run *r, ct_epoch_report *e, ct_tally *held_out) {
    ct_status status = ct_run_average_enter(r);
    if (!status) status = validate(r, e, held_out);
    if (!status && e->best) status = save_model(r, "best.safetensors");
    if (!status && !(e->best && last_is_best(r))) status = save_model(r, "last.safetensors");
    ct_status back = ct_run_average_leave(r);
    return status ? status : back;
}

/* Validation, best and last, log, and the checkpoint that commits them. */
static ct_status evaluate(ct_run *r) {
    ct_run_state *s = &r->state;
    ct_run_state before = *s;
    ct_tally seen = s->tally, held_out;
    double loss = ct_tally_total(&seen, r->spec), accuracy = ct_tally_accuracy(&seen);
    bool whole = s->step == r->steps; /* the epoch's last step */
    if (whole) CT_TRY(end_epoch(r));
    s->tally = (ct_tally){0}, s->loss = loss, s->evaluated = s->number, s->evaluations++;
    ct_epoch_report e = {
        .epoch = s->epoch + !whole, .epochs = ct_run_epochs(r), .step = s->number, .loss = loss, .accuracy = accuracy};
    ct_status status = measure(r, &e, &held_out);
    if (status == CT_STOPPED) { /* in the middle of validation: as it was after the last step */
        *s = before;
        CT_TRY(checkpoint(r));
        return ct_fail(CT_STOPPED, "stopped after step %" PRId64 "; --resume goes on from there", s->number);
    }
    CT_TRY(status);
    if (whole) move_epoch_rate(r);
    e.val_loss = s->val_loss, e.val_accuracy = s->val_accuracy, e.seconds = ct_run_spent(r);
    CT_TRY(log_epoch(r, &e, &seen, &held_out));
    int64_t patience = r->spec->train.early_stopping;
    if (patience && r->held_out.n && s->evaluations - s->best_evaluation >= patience) s->stopped_early = 1;
    s->finished = s->number >= ct_run_total(r) || s->stopped_early || s->out_of_time;
    if (s->out_of_time)
        CT_TRY(ct_run_log(&r->dir,
                          "{\"type\":\"end\",\"reason\":\"max_time\",\"step\":%" PRId64 ",\"max_seconds\":%.9g}",
                          s->number, s->max_seconds));
    CT_TRY(checkpoint(r));
    if (r->opt->epoch) r->opt->epoch(r->opt->ctx, &e);
    return CT_OK;
}

static ct_status hash_model(const char *dir, char hex[65]) {
    char path[4096];
    snprintf(path, sizeof path, "%s/best.safetensors", dir);
    return ct_file_sha256(path, hex);
}

static void finish(ct_run *r) {
    ct_run_state *s = &r->state;
    ct_train_report *t = r->report;
    t->epochs = s->epoch, t->steps = s->number, t->best_epoch = s->best_epoch;
    t->best_step = s->best_step;
    t->loss = s->loss, t->val_loss = s->best_loss, t->val_accuracy = s->best_accuracy;
    t->stopped_early = s->stopped_early, t->out_of_time = s->out_of_time;
    t->seconds = ct_run_spent(r), t->first_step_s = r->first_step;
    ct_run_free(r);
}

ct_status ct_train(ct_spec *spec, const ct_train_options *options, ct_train_report *out, char **messages) {
    if (messages) *messages = NULL;
    *out = (ct_train_report){0};
    ct_run r = ct_run_begin(spec, options, out);
    r.checkpointed = r.began;
    ct_scope *scope = ct_scope_open();
    if (!scope) return CT_NO_MEMORY;
    ct_status status = ct_run_start(&r, messages);
    while (!status && !r.state.finished) {
        status = run_steps(&r);
        if (!status) status = evaluate(&r);
    }
    finish(&r);
    ct_status closed = ct_scope_close(scope);
    if (!status) status = closed;
    return status ? status : hash_model(options->dir, out->sha256);
}

ct_status ct_train_resume_spec(const char *dir, ct_spec **out, char **messages) {
    char path[4096];
    snprintf(path, sizeof path, "%s/spec.yaml", dir);
    return ct_spec_load(path, NULL, out, messages);
}
