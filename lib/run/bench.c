/* A model at work on batch after batch, to be timed. */
#include "base/alloc.h"
#include "base/clock.h"
#include "data/divide.h"
#include "run/given.h"
#include "run/noise.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

struct ct_bench {
    ct_bench_options o;
    ct_given given;
    const ct_spec *spec; /* of it */
    ct_net own;          /* of a spec alone */
    const ct_net *net;
    ct_optim *optim;
    ct_step *step;
    ct_dataset *data; /* NULL: random numbers */
    ct_rows noise;    /* then */
    ct_normalizer norm;
    ct_augment *augment;
    ct_division parts;
    ct_samples samples;
    int64_t *order, *epoch_order; /* of all batches of an epoch, and as drawn */
    int64_t batch, at, number;    /* the next batch's first place in order, the step's number */
};

static void note(const ct_bench *b, const char *line) {
    if (b->o.note) b->o.note(b->o.ctx, line);
}

void ct_bench_close(ct_bench *b) {
    if (!b) return;
    ct_step_free(b->step);
    ct_optim_free(b->optim);
    ct_net_free(&b->own);
    ct_augment_free(b->augment);
    ct_division_free(&b->parts);
    ct_dataset_free(b->data);
    ct_noise_free(&b->noise);
    ct_given_free(&b->given);
    ct_free(b->order), ct_free(b->epoch_order), ct_free(b);
}

/* ---- made ready ---- */

static ct_status load_data(ct_bench *b) {
    char line[1024];
    const ct_model *m = b->given.model;
    ct_data_args args = b->spec->data;
    if (b->o.device_only) return CT_OK;
    if (m && m->table.n) args.table = &m->table;
    bool lost = m && m->source != ct_data_sources && !ct_data_path(&args, m->source);
    ct_status status = lost ? ct_fail(CT_FAIL, "a model file has no path of its %s", m->source->what)
                            : ct_dataset_load(&args, (uint64_t)b->spec->seed, b->o.data_dirs, &b->data);
    if (status != CT_BAD_DATA && status != CT_FAIL) return status;
    snprintf(line, sizeof line, "random numbers instead of the data: %s", ct_error());
    note(b, line);
    return CT_OK;
}

/* The fields of a spec, from its data or from what says their shapes. */
static ct_status find_fields(const ct_bench *b, const char *path, ct_fields *out) {
    *out = (ct_fields){0};
    if (b->data)
        ct_dataset_fields(b->data, out);
    else
        CT_TRY(ct_spec_fields(b->spec, out, &(ct_data_size){0}));
    return out->n ? CT_OK : ct_fail(CT_BAD_DATA, "%s: only its data would say what size the input has", path);
}

static ct_status make_net(ct_bench *b, const char *path) {
    ct_fields fields;
    b->net = b->given.model ? &b->given.model->net : &b->own;
    if (b->given.model) return CT_OK;
    CT_TRY(find_fields(b, path, &fields));
    return ct_net_build(b->spec, &fields, NULL, NULL, &b->own);
}

/* What an epoch goes through, as many as make whole batches. */
static ct_status make_order(ct_bench *b) {
    int64_t n = b->parts.n_train, all = (n + b->batch - 1) / b->batch * b->batch;
    b->order = ct_alloc((size_t)all, sizeof *b->order);
    b->epoch_order = ct_alloc((size_t)n, sizeof *b->epoch_order);
    b->samples.index = b->order, b->samples.n = all, b->at = all, b->samples.epoch = -1;
    return b->order && b->epoch_order ? CT_OK : CT_NO_MEMORY;
}

static ct_status make_samples(ct_bench *b) {
    const ct_data_args *args = &b->spec->data;
    uint64_t seed = (uint64_t)b->spec->seed;
    enum { BATCHES = 4 }; /* of random numbers */
    int64_t n = b->o.device_only ? b->batch : BATCHES * b->batch;
    if (!b->data) CT_TRY(ct_noise_make(&b->net->fields, n, &b->noise));
    const ct_rows *rows = b->data ? &b->data->train : &b->noise;
    b->samples = (ct_samples){.split = rows, .norm = &b->norm, .n = n};
    ct_normalizer_make(args->normalize.mean, args->normalize.std, &b->norm);
    if (args->n_augment && !b->o.eval && !b->o.device_only)
        CT_TRY(ct_augment_open(args->augment, args->n_augment, seed, rows->x, &b->augment));
    b->samples.augment = b->augment;
    if (!b->data) return CT_OK;
    CT_TRY(ct_dataset_divide(b->data, CT_MAX(args->validation, 0), seed, &b->parts));
    return make_order(b);
}

/* That the data is what the model was made for. */
static ct_status fits(const ct_bench *b, const char *path) {
    ct_fields fields;
    if (!b->data || !b->given.model) return CT_OK;
    ct_dataset_fields(b->data, &fields);
    bool same = fields.n == b->net->fields.n;
    for (int i = 0; same && i < fields.n; i++) {
        const ct_layout *x = &fields.of[i].layout, *y = &b->net->fields.of[i].layout;
        same = x->dtype == y->dtype && x->ndim == y->ndim;
        for (int d = 1; same && d < x->ndim; d++) same = x->size[d] == y->size[d];
    }
    return same ? CT_OK : ct_fail(CT_BAD_DATA, "%s: its data is not of the shape that it was trained on", path);
}

static ct_status make(ct_bench *b, const char *path) {
    CT_TRY(load_data(b));
    CT_TRY(make_net(b, path));
    CT_TRY(fits(b, path));
    if (!b->o.eval) CT_TRY(ct_run_optimizer(b->spec, b->net->module, &b->optim));
    if (b->spec->train.precision == CT_PRECISION_AUTO)
        note(b, "precision: auto is timed as f32; --set train.precision=bf16 times the other");
    if (!b->o.eval && (b->spec->train.accumulate > 1 || b->spec->train.ema.decay > 0))
        note(b, "a step is that of one batch: train's accumulate and ema are left out");
    b->batch = b->o.batch ? b->o.batch : b->spec->train.batch_size;
    CT_TRY(ct_step_new(b->net, b->optim, b->batch, false, &b->step));
    CT_TRY(make_samples(b));
    return b->o.device_only ? ct_samples_load(&b->samples, 0, b->batch, b->step) : CT_OK;
}

ct_status ct_bench_open(const char *path, const ct_bench_options *options, ct_bench **out, char **messages) {
    ct_bench *b = ct_alloc(1, sizeof *b);
    *messages = NULL;
    if (!b) return CT_NO_MEMORY;
    b->o = *options;
    ct_status status = ct_given_open(path, b->o.set, &b->given, messages);
    b->spec = b->given.spec;
    if (!status) {
        ct_scope *scope = ct_scope_open();
        status = scope ? make(b, path) : CT_NO_MEMORY;
        ct_status closed = ct_scope_close(scope);
        if (!status) status = closed;
        if (status == CT_BAD_SPEC && ct_diag_count(b->spec->doc, CT_ERROR)) {
            ct_text_free(*messages);
            ct_spec_messages(b->spec, messages);
        }
    }
    if (status)
        ct_bench_close(b);
    else
        *out = b;
    return status;
}

/* ---- at work ---- */

static void next_epoch(ct_bench *b) {
    int64_t n = b->parts.n_train;
    b->at = 0, b->samples.epoch++;
    ct_division_order(&b->parts, (uint64_t)b->spec->seed, b->samples.epoch, b->epoch_order);
    for (int64_t i = 0; i < b->samples.n; i++) b->order[i] = b->epoch_order[i % n];
}

static ct_status load(ct_bench *b) {
    if (b->o.device_only) return CT_OK;
    if (b->at == b->samples.n) {
        if (b->data)
            next_epoch(b);
        else
            b->at = 0, b->samples.epoch++;
    }
    CT_TRY(ct_samples_next(&b->samples, b->at, b->batch, b->step));
    b->at += b->batch;
    return CT_OK;
}

ct_status ct_bench_step(ct_bench *b) {
    ct_step_result out;
    CT_TRY(load(b));
    if (b->o.eval) return ct_step_eval(b->step, b->batch, false, &out);
    CT_TRY(ct_step_train(b->step, b->batch, b->number++, &out));
    return isfinite(out.loss) ? CT_OK
                              : ct_fail(CT_DIVERGED, "the loss is %g at step %lld", out.loss, (long long)b->number);
}

ct_status ct_bench_look(ct_bench *b, ct_bench_facts *out) {
    ct_plan *plan;
    CT_TRY(ct_step_plan(b->step, b->batch, b->o.eval ? CT_STEP_FORWARD : CT_STEP_TRAIN, &plan));
    *out = (ct_bench_facts){
        b->batch, ct_module_parameters(b->net->module), ct_plan_launches(plan), 0, 0, ct_precision_name(b->spec)};
    for (int i = 0; i < out->launches; i++) {
        ct_launch_facts f;
        ct_plan_launch_facts(plan, i, &f);
        out->operations += f.operations, out->bytes += f.bytes;
    }
    return CT_OK;
}

/* Samples as floats, from bytes or whatever they are. */
static void report_load(const ct_bench *b, double seconds, ct_kernel_report *out) {
    *out = (ct_kernel_report){.name = "load", .seconds = seconds};
    for (int i = 0; i < b->net->fields.n; i++) {
        const ct_layout *l = &b->net->fields.of[i].layout;
        const ct_tensor *from = ct_split_field(b->samples.split, i);
        double numel = (double)ct_layout_numel(l) / (double)l->size[0] * (double)b->batch;
        out->bytes += numel * (double)(ct_dtype_bytes(l->dtype) + (from ? ct_dtype_bytes(ct_dtype_of(from)) : 0));
    }
    ct_layout input = b->net->fields.of[0].layout;
    input.size[0] = b->batch;
    ct_layout_text(&input, out->shape, sizeof out->shape);
}

ct_status ct_bench_kernels(ct_bench *b, ct_kernel_report **out, int *n) {
    ct_plan *plan;
    CT_TRY(ct_step_plan(b->step, b->batch, b->o.eval ? CT_STEP_FORWARD : CT_STEP_TRAIN, &plan));
    int launches = ct_plan_launches(plan), k = 0;
    double *at = ct_alloc((size_t)launches + 1, sizeof *at);
    ct_kernel_report *r = ct_alloc((size_t)launches + 1, sizeof *r);
    double start = ct_now();
    ct_status status = at && r ? load(b) : CT_NO_MEMORY;
    double loaded = ct_now() - start;
    if (!status) status = ct_plan_run_timed(plan, at);
    if (!status && !b->o.device_only) report_load(b, loaded, &r[k++]);
    for (int i = 0; !status && i < launches; i++, k++) {
        ct_launch_facts f;
        ct_plan_launch_facts(plan, i, &f);
        r[k] = (ct_kernel_report){
            .operations = f.operations, .bytes = f.bytes, .start = at[i] - start, .seconds = at[i + 1] - at[i]};
        memcpy(r[k].name, f.name, sizeof f.name), memcpy(r[k].shape, f.shape, sizeof f.shape);
    }
    ct_free(at);
    if (status)
        ct_free(r);
    else
        *out = r, *n = k;
    return status;
}

void ct_kernels_free(ct_kernel_report *k) { ct_free(k); }
