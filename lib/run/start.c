/* A run made ready: its directory, data, model and optimizer, as new or as a checkpoint left them. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/parallel.h"
#include "file/file.h"
#include "run/learning_rate.h"
#include "run/model.h"
#include "run/train.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

ct_run ct_run_begin(ct_spec *spec, const ct_train_options *options, ct_train_report *report) {
    return (ct_run){
        .spec = spec, .opt = options, .report = report, .dir = {.log = -1}, .began = ct_now(), .ordered = -1};
}

void ct_run_note(const ct_run *r, const char *line) {
    if (r->opt->note) r->opt->note(r->opt->ctx, line);
}

static ct_status divide(ct_run *r) {
    const ct_rows *train = &r->data->train;
    ct_division *p = &r->parts;
    double fraction = r->spec->data.validation;
    CT_TRY(ct_dataset_divide(r->data, CT_MAX(fraction, 0), (uint64_t)r->spec->seed, p));
    if (!(r->order = ct_alloc((size_t)p->n_train, sizeof *r->order))) return CT_NO_MEMORY;
    r->held_out = (ct_samples){.split = train, .norm = &r->norm, .index = p->validation, .n = p->n_validation};
    if (fraction < 0) {
        if (!r->data->test.x) return ct_fail(CT_BAD_DATA, "%s: has no test samples to validate on", r->data->name);
        ct_run_note(r,
                    "validation: test: the best epoch is chosen by the test samples, so eval's figures for it flatter");
        r->held_out = (ct_samples){.split = &r->data->test, .norm = &r->norm, .n = r->data->test.x->layout.size[0]};
    }
    r->steps = (r->parts.n_train + ct_run_step_samples(r) - 1) / ct_run_step_samples(r);
    return CT_OK;
}

int64_t ct_run_total(const ct_run *r) {
    const ct_train_args *t = &r->spec->train;
    return t->steps ? t->steps : t->epochs * r->steps;
}

int64_t ct_run_epochs(const ct_run *r) { return (ct_run_total(r) + r->steps - 1) / r->steps; }
double ct_run_spent(const ct_run *r) { return r->state.seconds + ct_now() - r->began; }

/* One directory holds one run: what is there decides whether this starts, goes on, or is refused. */
static ct_status enter_dir(ct_run *r, bool *resume) {
    CT_TRY(ct_run_dir_open(r->opt->dir, &r->dir));
    *resume = ct_run_dir_has(&r->dir, "state.safetensors") && !r->opt->force;
    if (!*resume) return CT_OK;
    CT_TRY(ct_state_peek(ct_run_path(&r->dir, "state.safetensors"), &r->state, NULL));
    if (r->opt->resume) return CT_OK;
    return ct_fail(CT_FAIL, "%s: holds %s run; %s", r->opt->dir, r->state.finished ? "a finished" : "an unfinished",
                   r->state.finished ? "--force replaces it" : "--resume goes on with it, --force starts again");
}

/* Which files changed, where a checkpoint's account of its data differs from what is there now. */
static ct_status same_data(const ct_run *r, const char *before) {
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

static bool reproducible(const ct_run *r) {
    return ct_backend_reproducible(r->spec->train.precision == CT_PRECISION_BF16);
}

static ct_status pick_up(ct_run *r) {
    CT_TRY(ct_state_load(ct_run_path(&r->dir, "state.safetensors"), &r->state, r->net.module, r->optim, r->average));
    if (r->state.reproducible != reproducible(r))
        ct_run_note(r, "the run began on kernels with other bits: its own will be neither's");
    return ct_run_log_cut(&r->dir, r->state.log_length);
}

/* The spec as it stands in the directory; a resumed run must not have another. */
static ct_status keep_spec(ct_run *r, bool resume) {
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

/* That a run to go on with has the spec and the data that it began with. */
static ct_status check_resumed(ct_run *r) {
    char *before;
    CT_TRY(ct_run_precision_recall(r));
    CT_TRY(keep_spec(r, true));
    CT_TRY(ct_state_peek(ct_run_path(&r->dir, "state.safetensors"), &r->state, &before));
    ct_status status = same_data(r, before);
    ct_free(before);
    return status;
}

static ct_status list_skipped(ct_run *r) {
    if (!r->data->skipped) return CT_OK;
    ct_buf text = CT_BUF(1 << 24);
    for (int i = 0; i < r->data->skipped; i++) ct_buf_printf(&text, "%s\n", r->data->skipped_file[i]);
    ct_status status = ct_buf_status(&text);
    if (!status) status = ct_file_write(ct_run_path(&r->dir, "skipped.txt"), text.data, text.len);
    ct_buf_free(&text);
    char line[4200];
    snprintf(line, sizeof line, "%d damaged samples left out, listed in %s", r->data->skipped,
             ct_run_path(&r->dir, "skipped.txt"));
    if (!status) ct_run_note(r, line);
    return status;
}

/* The schedule's rate for the next step, each group's from its own base, and what a checkpoint needs of it. */
static void set_rate(ct_run *r) {
    const ct_schedule *c = &r->schedule;
    ct_run_state *s = &r->state;
    for (int g = 0; g < ct_optim_groups(r->optim); g++)
        *(double *)ct_data(ct_optim_lr(r->optim, g)) = ct_learning_rate(r->spec, c, r->base_lr[g], s->epoch);
    s->schedule_t = c->t, s->schedule_bad = c->bad, s->schedule_cooldown = c->cooldown, s->schedule_drops = c->drops;
    s->schedule_lr = c->lr, s->schedule_best = c->best;
}

/* With a limit of time the schedule is at least as far as the clock, so that both end together. */
static void keep_up(ct_run *r) {
    double limit = r->state.max_seconds, share = limit > 0 ? CT_MIN(ct_run_spent(r) / limit, 1) : 0;
    int64_t moves = r->spec->schedule.per_step ? ct_run_total(r) : ct_run_epochs(r),
            due = (int64_t)(share * (double)moves);
    if (!r->schedule.kind->listen) ct_schedule_seek(&r->schedule, CT_MAX(r->schedule.t, due - 1));
}

void ct_run_move_rate(ct_run *r, double metric, bool after_epoch) {
    int64_t epoch = r->state.epoch - after_epoch; /* that of the steps so far */
    bool rests = epoch >= ct_learning_rate_rests(r->spec);
    if (r->schedule.kind && !rests && after_epoch != r->spec->schedule.per_step) {
        keep_up(r);
        ct_schedule_step(&r->schedule, metric);
    }
    if (r->base_lr) set_rate(r);
}

static ct_status start_rate(ct_run *r, bool resumed) {
    const ct_spec *spec = r->spec;
    const ct_run_state *s = &r->state;
    const ct_schedule_use *use = &spec->schedule;
    if (!use->kind && !spec->train.swa.start) return CT_OK;
    int groups = ct_optim_groups(r->optim);
    if (!(r->base_lr = ct_alloc((size_t)groups, sizeof *r->base_lr))) return CT_NO_MEMORY;
    for (int g = 0; g < groups; g++) r->base_lr[g] = ct_item(ct_optim_lr(r->optim, g));
    if (use->kind) r->schedule = ct_schedule_start(use->kind, use->args, use->warmup, r->base_lr[0]);
    if (use->kind && resumed) {
        ct_schedule_seek(&r->schedule, s->schedule_t);
        r->schedule.bad = s->schedule_bad, r->schedule.cooldown = s->schedule_cooldown, r->schedule.lr = s->schedule_lr,
        r->schedule.best = s->schedule_best, r->schedule.drops = s->schedule_drops;
    }
    set_rate(r);
    return CT_OK;
}

ct_status ct_run_tell_saving(const ct_run *r) {
    ct_step_cost cost[2];
    char line[192], bytes[2][24];
    if (!r->spec->train.checkpoint_activations || r->opt->eager) return CT_OK;
    CT_TRY(ct_step_checkpoint_cost(r->step, CT_MIN(r->spec->train.batch_size, r->parts.n_train), cost));
    for (int i = 0; i < 2; i++) ct_bytes_text((double)cost[i].bytes, bytes[i]);
    if (cost[0].bytes >= cost[1].bytes) {
        snprintf(line, sizeof line, "checkpoint_activations: saves nothing here: a step's values take %s", bytes[0]);
        ct_run_note(r, line);
        return CT_OK;
    }
    snprintf(line, sizeof line,
             "checkpoint_activations: a step's values take %s, %s without it; what is computed again makes %.1f%% more "
             "operations of its products and convolutions",
             bytes[0], bytes[1], cost[1].operations > 0 ? 100 * (cost[0].operations / cost[1].operations - 1) : 0);
    ct_run_note(r, line);
    return CT_OK;
}

/* A failure's diagnostics, where there are any. */
static ct_status with_messages(const ct_run *r, ct_status status, char **messages) {
    if (!messages || status != CT_BAD_SPEC || !ct_diag_count(r->spec->doc, CT_ERROR)) return status;
    ct_text_free(*messages);
    *messages = NULL;
    ct_spec_messages(r->spec, messages);
    return status;
}

/* The weights of another model, and a table of what was done with them. */
static ct_status take_weights(ct_run *r, ct_origin *from) {
    if (!from) return CT_OK;
    CT_TRY(ct_origin_load(from, &r->net, r->data, &r->taken));
    ct_run_note(r, r->taken.table);
    ct_free(r->taken.table);
    return CT_OK;
}

/* The model, as new or to be filled from a checkpoint. */
static ct_status make_net(ct_run *r, bool resume) {
    ct_fields fields;
    ct_origin *from = NULL;
    ct_dataset_fields(r->data, &fields);
    CT_TRY(ct_net_build(r->spec, &fields, NULL, NULL, &r->net));
    ct_status status = resume ? CT_OK : ct_origin_open(r->spec, &from);
    if (!status) status = take_weights(r, from);
    ct_origin_close(from);
    return status;
}

ct_status ct_run_make(ct_run *r, bool resume, char **messages) {
    const ct_data_args *data = &r->spec->data;
    uint64_t seed = (uint64_t)r->spec->seed;
    CT_TRY(with_messages(r, ct_spec_check_columns(r->spec), messages));
    CT_TRY(ct_dataset_load(data, seed, r->opt->data_dirs, &r->data));
    CT_TRY(ct_data_text(r->data, &r->files));
    CT_TRY(divide(r));
    CT_TRY(ct_run_balance(r));
    if (resume) CT_TRY(check_resumed(r)); /* before what other data makes of the model */
    CT_TRY(with_messages(r, make_net(r, resume), messages));
    CT_TRY(with_messages(r, ct_run_optimizer(r->spec, r->net.module, &r->optim), messages));
    r->report->parameters = ct_module_trained(r->net.module);
    ct_normalizer_make(data->normalize.mean, data->normalize.std, &r->norm);
    if (data->n_augment) CT_TRY(ct_augment_open(data->augment, data->n_augment, seed, r->data->train.x, &r->augment));
    int64_t batch = CT_MIN(r->spec->train.batch_size, r->parts.n_train);
    if (r->held_out.n) batch = CT_MAX(batch, ct_net_batch(&r->net, r->held_out.n));
    CT_TRY(ct_run_precision_choose(r));
    CT_TRY(ct_step_new(&r->net, r->optim, batch, r->opt->eager, &r->step));
    return ct_run_average_start(r);
}

ct_status ct_run_try_last(const ct_run *r) {
    int64_t n = r->parts.n_train, batch = r->spec->train.batch_size, last = n % batch;
    ct_plan *plan;
    if (!last || n < batch || r->opt->eager || ct_run_total(r) < r->steps) return CT_OK;
    ct_status status = ct_step_plan(r->step, last, CT_STEP_UPDATE, &plan);
    if (!status || status == CT_NO_MEMORY) return status;
    return ct_fail_in(CT_BAD_SPEC,
                      "train.batch_size: %" PRId64 ": the last batch of an epoch has %" PRId64 " of the %" PRId64
                      " samples",
                      batch, last, n);
}

/* The log's first records. */
static ct_status log_start(ct_run *r) {
    ct_plan *plan = NULL;
    const int *n = r->taken.n;
    if (!r->opt->eager)
        CT_TRY(ct_step_plan(r->step, CT_MIN(r->spec->train.batch_size, r->parts.n_train), CT_STEP_UPDATE, &plan));
    CT_TRY(ct_run_log(&r->dir,
                      "{\"version\":1,\"type\":\"run\",\"ctorch\":\"%s\",\"kernels\":\"%s\",\"threads\":%d,"
                      "\"precision\":\"%s\",\"launches\":%d,\"parameters\":%" PRId64 ",\"samples\":%" PRId64
                      ",\"validation\":%" PRId64 "}",
                      ct_version(), ct_backend_name(), ct_threads(), ct_precision_name(r->spec),
                      plan ? ct_plan_launches(plan) : 0, r->report->parameters, r->parts.n_train, r->held_out.n));
    if (!r->spec->model.from.path) return CT_OK;
    return ct_run_log(
        &r->dir, "{\"type\":\"init\",\"loaded\":%d,\"by_class\":%d,\"reinitialised\":%d,\"missing\":%d,\"unused\":%d}",
        n[CT_LOADED], n[CT_BY_CLASS], n[CT_REINITIALISED], n[CT_MISSING], n[CT_UNUSED]);
}

ct_status ct_run_start(ct_run *r, char **messages) {
    bool resume;
    CT_TRY(enter_dir(r, &resume));
    if (r->dir.made) CT_TRY(keep_spec(r, false)); /* killed while it reads its data, it can be gone on with */
    CT_TRY(ct_run_make(r, resume, messages));
    CT_TRY(ct_run_try_last(r));
    if (!resume) CT_TRY(ct_run_dir_clear(&r->dir)); /* only now: what is refused leaves a run that was there */
    if (!resume) CT_TRY(keep_spec(r, false));
    r->state.reproducible = reproducible(r);
    r->state.best = r->state.best_loss = r->state.best_accuracy = NAN;
    r->state.val_loss = r->state.val_accuracy = NAN;
    CT_TRY(ct_run_tell_saving(r));
    CT_TRY(resume ? pick_up(r) : log_start(r));
    if (r->opt->max_seconds > 0) r->state.max_seconds = r->opt->max_seconds;
    r->number_at_start = r->state.number;
    CT_TRY(start_rate(r, resume));
    return list_skipped(r);
}

void ct_run_free(ct_run *r) {
    ct_step_free(r->step);
    ct_augment_free(r->augment);
    ct_average_free(r->average);
    ct_optim_free(r->optim);
    ct_net_free(&r->net);
    ct_dataset_free(r->data);
    ct_run_dir_close(&r->dir);
    ct_division_free(&r->parts);
    ct_free(r->order), ct_free(r->files), ct_free(r->base_lr);
}
