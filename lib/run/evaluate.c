/* What a model is worth on a split of its data. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/math.h"
#include "data/divide.h"
#include "run/model.h"
#include "run/values.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- which samples ---- */

typedef struct chosen {
    ct_dataset *data;
    ct_samples samples;
    ct_division parts;
    const char *split; /* as asked for; else test, or validation where only that was held out */
} chosen;

static void chosen_free(chosen *c) {
    ct_dataset_free(c->data);
    ct_division_free(&c->parts);
}

static bool has_masks(const ct_model *m) {
    int64_t size[2];
    return !strcmp(m->source->key, "images") && ct_model_mask(m, size);
}

/* `data` is what to use instead of what the spec names: a folder of images or of the dataset's files, a file. */
static ct_data_args data_args(const ct_model *m, const ct_eval_options *o) {
    ct_data_args a = m->spec->data;
    bool of_path = m->source != ct_data_sources;
    if (m->tokenizer.kind) a.tokens = &m->tokenizer;
    if (m->table.n) a.table = &m->table;
    if (m->table.n && o->data) a.test = 0;
    if (has_masks(m)) a.classes = m->classes;
    if (o->data || o->masks) a.masks = o->masks;
    if (o->data && of_path)
        *(const char **)((char *)&a + m->source->offset) = o->data, a.dataset = NULL;
    else if (o->data && m->tokenizer.kind)
        a.file = o->data, a.dataset = "text";
    else if (o->data)
        a.dir = o->data;
    return a;
}

static bool same_sample(const ct_layout *a, const ct_layout *b) {
    return a->ndim == b->ndim && a->dtype == b->dtype &&
           !memcmp(a->size + 1, b->size + 1, (size_t)CT_MAX(a->ndim - 1, 0) * sizeof a->size[0]);
}

/* That the data has the fields that the model was trained on. */
static ct_status check_fields(const ct_model *m, const ct_dataset *d) {
    ct_fields has;
    ct_dataset_fields(d, &has);
    for (int i = 0; i < m->fields.n; i++) {
        const ct_field *want = &m->fields.of[i], *got = i < has.n ? &has.of[i] : NULL;
        char a[128] = "nothing", b[128];
        if (got && !strcmp(got->name, want->name) && same_sample(&got->layout, &want->layout)) continue;
        if (got) ct_batch_text(&got->layout, a, sizeof a);
        ct_batch_text(&want->layout, b, sizeof b);
        if (got && strcmp(got->name, want->name))
            return ct_fail(CT_BAD_DATA, "%s: has a field '%s', the model was trained on '%s'", d->name, got->name,
                           want->name);
        return ct_fail(CT_BAD_DATA, "%s: its samples' %s is %s %s, the model takes %s %s", d->name, want->name,
                       got ? ct_dtype_name(got->layout.dtype) : "", a, ct_dtype_name(want->layout.dtype), b);
    }
    return CT_OK;
}

static ct_status check_data(const ct_model *m, const ct_dataset *d, const ct_rows *split, const char *name) {
    if (!split->x) return ct_fail(CT_BAD_DATA, "%s: has no %s samples", d->name, name);
    CT_TRY(check_fields(m, d));
    for (int i = 0; i < CT_MAX(d->classes, m->classes); i++)
        if (i >= d->classes || i >= m->classes || strcmp(d->class_name[i], m->class_name[i]))
            return ct_fail(CT_BAD_DATA, "%s: class %d is '%s', the model knows it as '%s'", d->name, i,
                           i < d->classes ? d->class_name[i] : "(none)", i < m->classes ? m->class_name[i] : "(none)");
    return CT_OK;
}

/* The validation and train parts are the ones that training used: by the spec's seed. */
static ct_status divide(const ct_model *m, bool validation, chosen *c) {
    ct_division *p = &c->parts;
    CT_TRY(ct_dataset_divide(c->data, CT_MAX(m->spec->data.validation, 0), (uint64_t)m->spec->seed, p));
    c->samples = (ct_samples){.split = &c->data->train,
                              .norm = &m->norm,
                              .index = validation ? p->validation : p->train,
                              .n = validation ? p->n_validation : p->n_train};
    return c->samples.n ? CT_OK : ct_fail(CT_BAD_DATA, "the run has no validation split (data.validation in its spec)");
}

/* A model file alone has no paths. */
static ct_status check_path(const ct_model *m, const ct_data_args *a) {
    bool of_text = m->tokenizer.kind && a->dataset && !strcmp(a->dataset, "text");
    bool of_path = m->source != ct_data_sources, none = of_path && !ct_data_path(a, m->source);
    const char *missing = none ? m->source->what : of_text && !a->file ? "text" : NULL;
    if (!missing && has_masks(m) && !a->masks)
        return ct_fail(CT_FAIL, "%s: was trained on images with masks; --masks says where these are", m->path);
    if (!missing) return CT_OK;
    return ct_fail(CT_FAIL, "%s: was trained on a %s; --data says where there is one", m->path, missing);
}

static ct_status choose(const ct_model *m, const ct_eval_options *o, chosen *c) {
    *c = (chosen){0};
    ct_data_args a = data_args(m, o);
    CT_TRY(check_path(m, &a));
    CT_TRY(ct_dataset_load(&a, (uint64_t)m->spec->seed, o->data_dirs, &c->data));
    bool held_out = !c->data->test.x && m->spec->data.validation > 0, all = m->table.n && o->data && !o->split;
    const char *split = c->split = o->split ? o->split : all ? "whole" : held_out ? "validation" : "test";
    bool test = !strcmp(split, "test");
    ct_status status = check_data(m, c->data, test ? &c->data->test : &c->data->train, split);
    if (!status && all)
        c->samples = (ct_samples){.split = &c->data->train, .norm = &m->norm, .n = c->data->train.x->layout.size[0]};
    else if (!status && test)
        c->samples = (ct_samples){.split = &c->data->test, .norm = &m->norm, .n = c->data->test.x->layout.size[0]};
    else if (!status && strcmp(split, "train") && strcmp(split, "validation"))
        status = ct_fail(CT_BAD_SPEC, "there is no split '%s': test, train or validation", split);
    else if (!status)
        status = divide(m, *split == 'v', c);
    if (status) chosen_free(c);
    return status;
}

/* ---- counting ---- */

typedef struct tally {
    const ct_eval_options *o;
    const ct_samples *samples;
    ct_eval_report *r;
    int classes;
    bool whole; /* a sample has one class */
    int64_t top5;
    float *probability;
    ct_values values;
} tally;

/* Row i of a batch, whose class is `is`: where it is one of a whole sample, top-5 and the caller's view too. */
static void count_row(tally *t, int64_t sample, const float *row, int is) {
    int C = t->classes, said = ct_argmax_row(row, C), above = 0;
    t->r->confusion[(int64_t)is * C + said]++;
    for (int k = 0; k < C; k++) above += row[k] > row[is];
    t->top5 += above < 5;
    if (!t->o->sample || !t->whole) return;
    int64_t at = t->samples->index ? t->samples->index[sample] : sample;
    const char *file = t->samples->split->file ? t->samples->split->file[at] : NULL;
    ct_softmax_row(row, C, t->probability);
    t->o->sample(t->o->ctx, at, file, is, said, t->probability);
}

static void count_batch(void *ctx, int64_t first, int64_t n, ct_step *step, const ct_step_result *r) {
    tally *t = ctx;
    const ct_net *net = ct_step_net(step);
    const int64_t *is = t->r->confusion ? ct_step_field(step, net->target) : NULL, rows = ct_net_rows(net);
    int64_t ignored = is ? ct_loss_ignored(&net->spec->loss[net->scores]) : 0;
    for (int64_t i = 0; is && i < n * rows; i++)
        if (is[i] != ignored) count_row(t, first + i / rows, r->output + i * t->classes, (int)is[i]);
    if (t->values.columns) ct_values_add(&t->values, n, r->output, ct_step_field(step, net->target));
    if (t->o->progress) t->o->progress(t->o->ctx, first + n, t->samples->n);
}

/* Wilson's score interval (1927), at 95%. */
static void interval(ct_eval_report *r) {
    double n = (double)r->counted, p = r->accuracy, z = 1.959963984540054, d = 1 + z * z / n;
    double mid = (p + z * z / (2 * n)) / d, half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / d;
    r->low = CT_MAX(mid - half, 0), r->high = CT_MIN(mid + half, 1);
}

static void per_class(ct_eval_report *r) {
    int C = r->classes;
    for (int k = 0; k < C; k++) {
        int64_t right = r->confusion[(int64_t)k * C + k], is = 0, said = 0;
        for (int j = 0; j < C; j++) is += r->confusion[(int64_t)k * C + j], said += r->confusion[(int64_t)j * C + k];
        ct_class_report *c = &r->of[k];
        c->support = is;
        c->precision = said ? (double)right / (double)said : 0;
        c->recall = is ? (double)right / (double)is : 0;
        c->f1 = c->precision + c->recall > 0 ? 2 * c->precision * c->recall / (c->precision + c->recall) : 0;
    }
}

void ct_eval_report_free(ct_eval_report *r) {
    for (int i = 0; r->of && i < r->classes; i++) ct_free((char *)r->of[i].name);
    for (int i = 0; i < r->n_losses; i++) ct_free((char *)r->loss_of[i].name);
    ct_free(r->of), ct_free(r->confusion), ct_free(r->loss_of), ct_free(r->value_of);
    *r = (ct_eval_report){0};
}

/* Of tokens, classes are too many for a table of them. */
static bool has_table(const ct_net *net) { return net->scores >= 0 && net->fields.of[net->target].layout.ndim != 2; }

static ct_status report_new(const ct_model *m, const char *dataset, const char *split, ct_eval_report *r) {
    static const char *const units[] = {"samples", "tokens", "pixels"};
    const ct_net *net = &m->net;
    size_t C = has_table(net) ? (size_t)m->classes : 0, losses = (size_t)m->spec->n_losses;
    *r = (ct_eval_report){.loss_of = ct_alloc(losses, sizeof *r->loss_of),
                          .accuracy = NAN,
                          .low = NAN,
                          .high = NAN,
                          .top5 = NAN,
                          .perplexity = NAN,
                          .mae = NAN,
                          .rmse = NAN,
                          .r2 = NAN,
                          .classes = (int)C};
    if (net->scores >= 0) r->unit = units[CT_MIN(net->fields.of[net->target].layout.ndim - 1, 2)];
    if (C) r->of = ct_alloc(C, sizeof *r->of), r->confusion = ct_alloc(C * C, sizeof *r->confusion);
    snprintf(r->dataset, sizeof r->dataset, "%s", dataset);
    snprintf(r->split, sizeof r->split, "%s", split);
    for (size_t i = 0; r->of && i < C; i++)
        if (!(r->of[i].name = ct_strdup(m->class_name[i]))) return CT_NO_MEMORY;
    for (; r->loss_of && (size_t)r->n_losses < losses; r->n_losses++)
        if (!(r->loss_of[r->n_losses].name = ct_strdup(m->spec->loss[r->n_losses].name))) return CT_NO_MEMORY;
    return r->loss_of && (!C || (r->of && r->confusion)) ? CT_OK : CT_NO_MEMORY;
}

static void fill(const ct_model *m, const ct_tally *sum, int64_t top5, ct_eval_report *r) {
    const ct_net *net = &m->net;
    r->loss = ct_tally_total(sum, m->spec);
    for (int i = 0; i < r->n_losses; i++) r->loss_of[i].value = ct_tally_loss(sum, i);
    if (net->scores < 0) return;
    r->counted = sum->counted, r->correct = sum->correct;
    r->accuracy = ct_tally_accuracy(sum);
    if (net->fields.of[net->target].layout.ndim == 2) r->perplexity = ct_exp_f64(ct_tally_loss(sum, net->scores));
    if (r->classes > 10) r->top5 = (double)top5 / (double)r->counted;
    interval(r);
    per_class(r);
}

static ct_status evaluate(ct_model *m, const ct_eval_options *o, const chosen *c, ct_eval_report *r) {
    ct_step *step;
    ct_tally sum;
    tally t = {.o = o,
               .samples = &c->samples,
               .r = r,
               .classes = m->classes,
               .whole = ct_net_rows(&m->net) == 1,
               .probability = ct_alloc((size_t)m->classes, sizeof(float)),
               .values.columns = ct_values_columns(&m->net)};
    t.values.of = ct_alloc((size_t)t.values.columns, sizeof *t.values.of);
    ct_status status = t.probability && t.values.of ? report_new(m, c->data->name, c->split, r) : CT_NO_MEMORY;
    if (!status) status = ct_model_step(m, ct_net_batch(&m->net, c->samples.n), &step);
    if (!status) status = ct_samples_eval(&c->samples, step, &sum, count_batch, &t, NULL);
    if (!status) status = ct_values_report(&t.values, m->table.target.name, r);
    ct_free(t.probability), ct_free(t.values.of);
    CT_TRY(status);
    r->n = c->samples.n;
    fill(m, &sum, t.top5, r);
    return CT_OK;
}

ct_status ct_evaluate(ct_model *m, const ct_eval_options *options, ct_eval_report *out) {
    double began = ct_now();
    *out = (ct_eval_report){0};
    chosen c;
    ct_scope *scope = ct_scope_open();
    if (!scope) return CT_NO_MEMORY;
    ct_status status = choose(m, options, &c);
    if (!status) {
        status = evaluate(m, options, &c, out);
        chosen_free(&c);
    }
    ct_status closed = ct_scope_close(scope);
    if (!status) status = closed;
    if (status) ct_eval_report_free(out);
    out->seconds = ct_now() - began;
    return status;
}

ct_tensor *ct_model_samples(ct_model *m, const ct_eval_options *options, int64_t first, int64_t n, int64_t *labels) {
    chosen c;
    ct_status status = choose(m, options, &c);
    if (status) return ct_tensor_failed(status);
    const ct_rows *s = c.samples.split;
    first = CT_MIN(first, c.samples.n), n = CT_MIN(n, c.samples.n - first);
    const ct_layout *input = &m->fields.of[0].layout;
    ct_dims shape = {input->ndim, {n}};
    size_t size = 1;
    for (int i = 1; i < shape.n; i++) shape.v[i] = input->size[i], size *= (size_t)shape.v[i];
    ct_tensor *t = s->x->layout.dtype == CT_U8
                       ? ct_empty(CT_U8, shape)
                       : ct_tensor_error(CT_FAIL, "%s: its samples are no images", c.data->name);
    for (int64_t i = 0; !ct_why(t) && i < n; i++) {
        int64_t at = c.samples.index ? c.samples.index[first + i] : first + i;
        memcpy((char *)ct_data(t) + (size_t)i * size, (const char *)ct_data(s->x) + (size_t)at * size, size);
        if (labels && s->y && ct_ndim(s->y) == 1 && ct_dtype_of(s->y) != CT_F32)
            ct_batch_numbers(s->y, &at, 1, &labels[i]);
    }
    chosen_free(&c);
    return t;
}
