/* Training: epochs of steps, with checkpoints such that a run stopped anywhere ends as if it had not been. */
#include "base/alloc.h"
#include "base/parallel.h"
#include "data/sampler.h"
#include "file/file.h"
#include "run/dir.h"
#include "run/model.h"
#include "run/split.h"
#include "run/state.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

typedef struct run {
    ct_spec *spec;
    const ct_train_options *opt;
    ct_train_report *report;
    ct_dataset *data;
    ct_run_dir dir;
    ct_net net;
    ct_optim *optim;
    ct_step *step;
    ct_normalizer norm;
    ct_augment *augment;                  /* NULL: none */
    int64_t *train, *validation, *order;  /* sample numbers; order: of the epoch, as train[] says */
    int64_t n_train, n_validation, steps; /* steps of an epoch */
    ct_samples held_out;
    ct_schedule schedule; /* kind NULL: the rate stays */
    double *base_lr;      /* of each group of parameters */
    ct_run_state state;
    char *files; /* what the data is, for the checkpoint */
    double began, checkpointed, first_step;
    int64_t number_at_start;
} run;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void note(const run *r, const char *line) {
    if (r->opt->note) r->opt->note(r->opt->ctx, line);
}

/* ---- getting ready ---- */

static ct_status divide(run *r) {
    const ct_split *train = &r->data->train;
    int64_t n = train->x->layout.size[0];
    r->train = ct_alloc((size_t)n, sizeof *r->train), r->validation = ct_alloc((size_t)n, sizeof *r->validation);
    r->order = ct_alloc((size_t)n, sizeof *r->order);
    if (!r->train || !r->validation || !r->order) return CT_NO_MEMORY;
    double fraction = r->spec->data.validation;
    CT_TRY(ct_split_validation(train->y, n, CT_MAX(fraction, 0), (uint64_t)r->spec->seed, r->train, &r->n_train,
                               r->validation, &r->n_validation));
    r->held_out = (ct_samples){.split = train, .norm = &r->norm, .index = r->validation, .n = r->n_validation};
    if (fraction < 0) {
        if (!r->data->test.x) return ct_fail(CT_BAD_DATA, "%s: has no test samples to validate on", r->data->name);
        note(r, "validation: test: the best epoch is chosen by the test samples, so eval's figures for it flatter");
        r->held_out = (ct_samples){.split = &r->data->test, .norm = &r->norm, .n = r->data->test.x->layout.size[0]};
    }
    r->steps = (r->n_train + r->spec->train.batch_size - 1) / r->spec->train.batch_size;
    return CT_OK;
}

/* One directory holds one run: what is there decides whether this starts, goes on, or is refused. */
static ct_status enter_dir(run *r, bool *resume) {
    CT_TRY(ct_run_dir_open(r->opt->dir, &r->dir));
    *resume = ct_run_dir_has(&r->dir, "state.safetensors") && !r->opt->force;
    if (!*resume) return ct_run_dir_clear(&r->dir); /* of what a run without a checkpoint left */
    CT_TRY(ct_state_peek(ct_run_path(&r->dir, "state.safetensors"), &r->state, NULL));
    if (r->opt->resume) return CT_OK;
    return ct_fail(CT_FAIL, "%s: holds %s run; %s", r->opt->dir, r->state.finished ? "a finished" : "an unfinished",
                   r->state.finished ? "--force replaces it" : "--resume goes on with it, --force starts again");
}

/* Which files changed, where a checkpoint's account of its data differs from what is there now. */
static ct_status same_data(const run *r, const char *before) {
    if (!strcmp(before, r->files)) return CT_OK;
    for (int i = 0; i < r->data->files; i++) {
        char line[4096];
        snprintf(line, sizeof line, "%s %s\n", r->data->file_hash[i], r->data->file_name[i]);
        if (!strstr(before, line))
            return ct_fail(CT_BAD_DATA, "%s: the data is not what this run was trained on: %s has changed", r->opt->dir,
                           r->data->file_name[i]);
    }
    return ct_fail(CT_BAD_DATA, "%s: the data is not what this run was trained on: a file of it is missing",
                   r->opt->dir);
}

static ct_status pick_up(run *r) {
    const char *path = ct_run_path(&r->dir, "state.safetensors");
    char *before;
    CT_TRY(ct_state_peek(path, &r->state, &before));
    ct_status status = same_data(r, before);
    ct_free(before);
    CT_TRY(status);
    CT_TRY(ct_state_load(path, &r->state, r->net.module, r->optim));
    if (r->state.threads != ct_threads()) {
        char line[128];
        snprintf(line, sizeof line, "the run began with %" PRId64 " threads, this goes on with %d", r->state.threads,
                 ct_threads());
        note(r, line);
    }
    return ct_run_log_cut(&r->dir, r->state.log_length);
}

/* The spec as it stands in the directory; a resumed run must not have another. */
static ct_status keep_spec(run *r, bool resume) {
    ct_buf text = CT_BUF(1 << 22);
    const char *path = ct_run_path(&r->dir, "spec.yaml");
    ct_status status = ct_spec_text(r->spec, r->opt->dir, &text);
    if (!status && !resume)
        status = ct_file_write(path, text.data, text.len);
    else if (!status) {
        ct_bytes old;
        status = ct_file_map(path, &old);
        if (!status && (old.len != text.len || memcmp(old.data, text.data, text.len)))
            status = ct_fail(CT_BAD_SPEC,
                             "%s: differs from the spec given; leave the spec out to go on with the run's own", path);
        ct_bytes_free(&old);
    }
    ct_buf_free(&text);
    return status;
}

static ct_status list_skipped(run *r) {
    if (!r->data->skipped) return CT_OK;
    ct_buf text = CT_BUF(1 << 24);
    for (int i = 0; i < r->data->skipped; i++) ct_buf_printf(&text, "%s\n", r->data->skipped_file[i]);
    ct_status status = ct_buf_status(&text);
    if (!status) status = ct_file_write(ct_run_path(&r->dir, "skipped.txt"), text.data, text.len);
    ct_buf_free(&text);
    char line[4200];
    snprintf(line, sizeof line, "%d damaged files left out, listed in %s", r->data->skipped,
             ct_run_path(&r->dir, "skipped.txt"));
    if (!status) note(r, line);
    return status;
}

/* The schedule's rate for the next step, each group's from its own base, and what a checkpoint needs of it. */
static void set_rate(run *r) {
    const ct_schedule *c = &r->schedule;
    ct_run_state *s = &r->state;
    for (int g = 0; g < ct_optim_groups(r->optim); g++) {
        double *lr = ct_data(ct_optim_lr(r->optim, g)), base = r->base_lr[g];
        *lr = c->kind->at ? c->kind->at(c->args, base, c->t) : base * (c->lr / c->base);
    }
    s->schedule_t = c->t, s->schedule_bad = c->bad, s->schedule_cooldown = c->cooldown;
    s->schedule_lr = c->lr, s->schedule_best = c->best;
}

static void move_rate(run *r, double metric) {
    if (!r->schedule.kind) return;
    ct_schedule_step(&r->schedule, metric);
    set_rate(r);
}

static ct_status start_rate(run *r, bool resumed) {
    const ct_spec *spec = r->spec;
    const ct_run_state *s = &r->state;
    if (!spec->schedule) return CT_OK;
    int groups = ct_optim_groups(r->optim);
    if (!(r->base_lr = ct_alloc((size_t)groups, sizeof *r->base_lr))) return CT_NO_MEMORY;
    for (int g = 0; g < groups; g++) r->base_lr[g] = ct_item(ct_optim_lr(r->optim, g));
    r->schedule = ct_schedule_start(spec->schedule, spec->schedule_args, r->base_lr[0]);
    if (resumed)
        r->schedule.t = s->schedule_t, r->schedule.bad = s->schedule_bad, r->schedule.cooldown = s->schedule_cooldown,
        r->schedule.lr = s->schedule_lr, r->schedule.best = s->schedule_best;
    set_rate(r);
    return CT_OK;
}

/* What checkpointed activations save. */
static ct_status tell_saving(const run *r) {
    size_t bytes[2];
    char line[128];
    CT_TRY(ct_step_checkpoint_bytes(r->step, CT_MIN(r->spec->train.batch_size, r->n_train), bytes));
    snprintf(line, sizeof line, "checkpoint_activations: a step's values take %.1f MB, %.1f MB without it",
             (double)bytes[0] / 1e6, (double)bytes[1] / 1e6);
    note(r, line);
    return CT_OK;
}

static ct_status start(run *r, char **messages) {
    bool resume;
    CT_TRY(enter_dir(r, &resume));
    CT_TRY(ct_dataset_load(&r->spec->data, (uint64_t)r->spec->seed, r->opt->data_dirs, &r->data));
    CT_TRY(ct_data_text(r->data, &r->files));
    ct_fields fields;
    ct_dataset_fields(r->data, &fields);
    ct_status built = ct_net_build(r->spec, &fields, NULL, NULL, &r->net);
    if (messages && built == CT_BAD_SPEC) {
        ct_text_free(*messages);
        *messages = NULL;
        ct_spec_messages(r->spec, messages);
    }
    CT_TRY(built);
    CT_TRY(ct_run_optimizer(r->spec, r->net.module, &r->optim));
    r->report->parameters = ct_module_trained(r->net.module);
    ct_normalizer_make(r->spec->data.normalize.mean, r->spec->data.normalize.std, &r->norm);
    CT_TRY(divide(r));
    const ct_data_args *data = &r->spec->data;
    if (data->n_augment)
        CT_TRY(ct_augment_open(data->augment, data->n_augment, (uint64_t)r->spec->seed, r->data->train.x, &r->augment));
    int64_t batch = CT_MIN(r->spec->train.batch_size, r->n_train);
    if (r->held_out.n) batch = CT_MAX(batch, CT_MIN(256, r->held_out.n));
    CT_TRY(ct_step_new(&r->net, r->optim, batch, r->opt->eager, &r->step));
    CT_TRY(keep_spec(r, resume));
    r->state.threads = ct_threads(), r->state.best = r->state.best_loss = r->state.best_accuracy = NAN;
    r->state.val_loss = r->state.val_accuracy = NAN;
    int launches = 0;
    if (r->spec->train.checkpoint_activations && !r->opt->eager) CT_TRY(tell_saving(r));
    if (!resume && !r->opt->eager)
        CT_TRY(ct_step_launches(r->step, CT_MIN(r->spec->train.batch_size, r->n_train), true, &launches));
    if (resume)
        CT_TRY(pick_up(r));
    else
        CT_TRY(ct_run_log(
            &r->dir,
            "{\"version\":1,\"type\":\"run\",\"ctorch\":\"%s\",\"kernels\":\"%s\",\"threads\":%d,"
            "\"launches\":%d,\"parameters\":%" PRId64 ",\"samples\":%" PRId64 ",\"validation\":%" PRId64 "}",
            ct_version(), ct_backend_name(), ct_threads(), launches, r->report->parameters, r->n_train, r->held_out.n));
    r->number_at_start = r->state.number;
    CT_TRY(start_rate(r, resume));
    return list_skipped(r);
}

/* ---- checkpoints ---- */

static ct_status checkpoint(run *r) {
    CT_TRY(ct_run_log_sync(&r->dir));
    double t = now();
    ct_run_state s = r->state;
    s.log_length = r->dir.log_length;
    s.seconds += t - r->began;
    r->checkpointed = t;
    return ct_state_save(ct_run_path(&r->dir, "state.safetensors"), &s, r->net.module, r->optim, r->files);
}

static ct_status save_model(run *r, const char *name) {
    return ct_model_save(ct_run_path(&r->dir, name), &r->net, r->data);
}

/* ---- steps and epochs ---- */

static void show_progress(run *r, const char *phase, double elapsed) {
    if (!r->opt->progress) return;
    const ct_run_state *s = &r->state;
    int64_t done = s->number - r->number_at_start, left = r->spec->train.epochs * r->steps - s->number;
    double per_step = done ? elapsed / (double)done : 0;
    ct_progress p = {phase,
                     s->epoch + 1,
                     r->spec->train.epochs,
                     s->step,
                     r->steps,
                     .loss = s->step ? ct_tally_total(&s->tally, r->spec) : 0,
                     .accuracy = ct_tally_accuracy(&s->tally),
                     .samples_per_s = per_step > 0 ? (double)r->spec->train.batch_size / per_step : 0,
                     .seconds_left = per_step * (double)left};
    r->opt->progress(r->opt->ctx, &p);
}

static ct_status diverged(const run *r, double loss) {
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

static ct_status log_step(run *r, const ct_step_result *out) {
    char each[1024];
    return ct_run_log(&r->dir, "{\"type\":\"step\",\"epoch\":%" PRId64 ",\"step\":%" PRId64 ",\"loss\":%.9g%s}",
                      r->state.epoch + 1, r->state.number, out->loss, each_loss(r->spec, "losses", out->each, each));
}

/* One step; what it says is counted, and a loss that is no number ends the run. */
static ct_status one_step(run *r) {
    ct_run_state *s = &r->state;
    int64_t first = s->step * r->spec->train.batch_size, n = CT_MIN(r->spec->train.batch_size, r->n_train - first);
    ct_samples batch = {&r->data->train, &r->norm, r->order, r->n_train, r->augment, s->epoch};
    ct_step_result out;
    CT_TRY(ct_samples_load(&batch, first, n, r->step));
    CT_TRY(ct_step_train(r->step, n, s->number, &out));
    if (!isfinite(out.loss)) return diverged(r, out.loss);
    ct_tally_add(&s->tally, r->step, n, &out);
    s->step++, s->number++;
    if (r->spec->per_step) move_rate(r, out.loss);
    if (r->first_step == 0) r->first_step = now() - r->began;
    return s->number % r->spec->train.log_every ? CT_OK : log_step(r, &out);
}

/* What the epoch's steps see, in order. */
static ct_status order_epoch(run *r) {
    uint64_t seed = (uint64_t)r->spec->seed;
    const ct_tensor *y = r->data->train.y;
    if (r->spec->data.sampler && (!y || y->layout.ndim != 1))
        return ct_fail(CT_BAD_SPEC, "data: sampler balanced wants a class for each sample; %s has none", r->data->name);
    if (r->spec->data.sampler)
        return ct_sample_balanced(y, r->data->classes, r->train, r->n_train, seed, r->state.epoch, r->order);
    ct_epoch_order(seed, r->state.epoch, r->n_train, r->order);
    for (int64_t i = 0; i < r->n_train; i++) r->order[i] = r->train[r->order[i]];
    return CT_OK;
}

static ct_status run_epoch(run *r) {
    CT_TRY(order_epoch(r));
    double every = r->spec->train.checkpoint_every;
    while (r->state.step < r->steps) {
        CT_TRY(one_step(r));
        double t = now();
        show_progress(r, "train", t - r->began);
        if (r->opt->stop && *r->opt->stop) {
            CT_TRY(checkpoint(r));
            return ct_fail(CT_STOPPED, "stopped after step %" PRId64 "; --resume goes on from there", r->state.number);
        }
        if (every > 0 && t - r->checkpointed >= every) CT_TRY(checkpoint(r));
    }
    return CT_OK;
}

/* Whether the loss decides: it was asked to, or there is no accuracy. */
static bool monitors_loss(const run *r) { return r->spec->train.monitor == 1 || r->net.scores < 0; }

static ct_status validate(run *r, ct_epoch_report *e, ct_tally *t) {
    ct_run_state *s = &r->state;
    *t = (ct_tally){0};
    if (!r->held_out.n) {
        s->best_epoch = s->epoch; /* without a validation split the last epoch counts as the best */
        e->best = true;
        return CT_OK;
    }
    show_progress(r, "validation", now() - r->began);
    CT_TRY(ct_samples_eval(&r->held_out, r->step, t, NULL, NULL, r->opt->stop));
    s->val_loss = ct_tally_total(t, r->spec), s->val_accuracy = ct_tally_accuracy(t);
    bool by_loss = monitors_loss(r);
    double value = by_loss ? s->val_loss : s->val_accuracy;
    e->best = !(s->best_epoch > 0) || (by_loss ? value < s->best : value > s->best);
    if (e->best) {
        s->best = value, s->best_epoch = s->epoch, s->best_step = s->number;
        s->best_loss = s->val_loss, s->best_accuracy = s->val_accuracy;
    }
    return CT_OK;
}

static ct_status log_epoch(run *r, const ct_epoch_report *e, const ct_tally *seen, const ct_tally *held_out) {
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

/* Validation, log, best and last, and the checkpoint that commits them. */
static ct_status end_epoch(run *r) {
    ct_run_state *s = &r->state;
    ct_run_state before = *s;
    ct_tally seen = s->tally, held_out;
    double loss = ct_tally_total(&seen, r->spec), accuracy = ct_tally_accuracy(&seen);
    s->epoch++, s->step = 0, s->tally = (ct_tally){0}, s->loss = loss;
    ct_epoch_report e = {
        .epoch = s->epoch, .epochs = r->spec->train.epochs, .step = s->number, .loss = loss, .accuracy = accuracy};
    ct_status status = validate(r, &e, &held_out);
    if (status == CT_STOPPED) { /* in the middle of validation: as it was after the epoch's last step */
        *s = before;
        CT_TRY(checkpoint(r));
        return ct_fail(CT_STOPPED, "stopped after step %" PRId64 "; --resume goes on from there", s->number);
    }
    CT_TRY(status);
    if (!r->spec->per_step) move_rate(r, !r->held_out.n ? loss : monitors_loss(r) ? s->val_loss : s->val_accuracy);
    e.val_loss = s->val_loss, e.val_accuracy = s->val_accuracy, e.seconds = s->seconds + now() - r->began;
    CT_TRY(log_epoch(r, &e, &seen, &held_out));
    int64_t patience = r->spec->train.early_stopping;
    if (patience && r->held_out.n && s->epoch - s->best_epoch >= patience) s->stopped_early = 1;
    s->finished = s->epoch >= r->spec->train.epochs || s->stopped_early;
    if (e.best) CT_TRY(save_model(r, "best.safetensors"));
    CT_TRY(save_model(r, "last.safetensors"));
    CT_TRY(checkpoint(r));
    if (r->opt->epoch) r->opt->epoch(r->opt->ctx, &e);
    return CT_OK;
}

static void finish(run *r) {
    ct_run_state *s = &r->state;
    ct_train_report *t = r->report;
    t->epochs = s->epoch, t->steps = s->number, t->best_epoch = s->best_epoch;
    t->loss = s->loss, t->val_loss = s->best_loss, t->val_accuracy = s->best_accuracy;
    t->stopped_early = s->stopped_early;
    t->seconds = s->seconds + now() - r->began, t->first_step_s = r->first_step;
    ct_step_free(r->step);
    ct_augment_free(r->augment);
    ct_optim_free(r->optim);
    ct_net_free(&r->net);
    ct_dataset_free(r->data);
    ct_run_dir_close(&r->dir);
    ct_free(r->train), ct_free(r->validation), ct_free(r->order), ct_free(r->files), ct_free(r->base_lr);
}

ct_status ct_train(ct_spec *spec, const ct_train_options *options, ct_train_report *out, char **messages) {
    if (messages) *messages = NULL;
    *out = (ct_train_report){0};
    run r = {.spec = spec, .opt = options, .report = out, .dir = {.log = -1}, .began = now()};
    r.checkpointed = r.began;
    ct_scope *scope = ct_scope_open();
    if (!scope) return CT_NO_MEMORY;
    ct_status status = start(&r, messages);
    while (!status && !r.state.finished) {
        status = run_epoch(&r);
        if (!status) status = end_epoch(&r);
    }
    finish(&r);
    ct_status closed = ct_scope_close(scope);
    return status ? status : closed;
}

ct_status ct_train_resume_spec(const char *dir, ct_spec **out, char **messages) {
    char path[4096];
    snprintf(path, sizeof path, "%s/spec.yaml", dir);
    return ct_spec_load(path, NULL, out, messages);
}
