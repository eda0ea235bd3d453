/* What a model is worth on a split of its data, and what it says of images. */
#include "base/alloc.h"
#include "run/model.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define BATCH 256

/* ---- which samples ---- */

typedef struct chosen {
    ct_dataset *data;
    ct_samples samples;
    int64_t *train, *validation;
} chosen;

static void chosen_free(chosen *c) {
    ct_dataset_free(c->data);
    ct_free(c->train), ct_free(c->validation);
}

/* `data` is a folder to use instead of what the spec names: its images, or its dataset's files. */
static ct_data_args data_args(const ct_model *m, const ct_eval_options *o) {
    ct_data_args a = m->spec->data;
    if (o->data && m->of_images)
        a.images = o->data, a.dataset = NULL;
    else if (o->data)
        a.dir = o->data;
    return a;
}

static ct_status check_data(const ct_model *m, const ct_dataset *d, const ct_split *split, const char *name) {
    if (!split->x) return ct_fail(CT_BAD_DATA, "%s: has no %s samples", d->name, name);
    ct_layout l = ct_sample_layout(split);
    if (l.ndim != m->input.ndim || memcmp(l.size + 1, m->input.size + 1, (size_t)(l.ndim - 1) * sizeof l.size[0])) {
        char got[128], want[128];
        ct_layout_text(&l, got, sizeof got);
        ct_layout_text(&m->input, want, sizeof want);
        return ct_fail(CT_BAD_DATA, "%s: its samples are %s, the model takes %s", d->name, got, want);
    }
    for (int i = 0; i < CT_MAX(d->classes, m->classes); i++)
        if (i >= d->classes || i >= m->classes || strcmp(d->class_name[i], m->class_name[i]))
            return ct_fail(CT_BAD_DATA, "%s: class %d is '%s', the model knows it as '%s'", d->name, i,
                           i < d->classes ? d->class_name[i] : "(none)", i < m->classes ? m->class_name[i] : "(none)");
    return CT_OK;
}

/* The validation and train parts are the ones that training used: by the spec's seed. */
static ct_status divide(const ct_model *m, bool validation, chosen *c) {
    const ct_split *s = &c->data->train;
    int64_t n = s->x->layout.size[0], n_train, n_validation;
    c->train = ct_alloc((size_t)n, sizeof *c->train), c->validation = ct_alloc((size_t)n, sizeof *c->validation);
    if (!c->train || !c->validation) return CT_NO_MEMORY;
    CT_TRY(ct_split_validation(s->y, n, CT_MAX(m->spec->data.validation, 0), (uint64_t)m->spec->seed, c->train,
                               &n_train, c->validation, &n_validation));
    c->samples = (ct_samples){.split = s,
                              .norm = &m->norm,
                              .index = validation ? c->validation : c->train,
                              .n = validation ? n_validation : n_train};
    return c->samples.n ? CT_OK : ct_fail(CT_BAD_DATA, "the run has no validation split (data.validation in its spec)");
}

static ct_status choose(const ct_model *m, const ct_eval_options *o, const char *split, chosen *c) {
    *c = (chosen){0};
    ct_data_args a = data_args(m, o);
    if (m->of_images && !a.images)
        return ct_fail(CT_FAIL, "%s: was trained on a folder of images; --data says where there is one", m->path);
    CT_TRY(ct_dataset_load(&a, (uint64_t)m->spec->seed, o->data_dirs, &c->data));
    bool test = !strcmp(split, "test");
    ct_status status = check_data(m, c->data, test ? &c->data->test : &c->data->train, split);
    if (!status && test)
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
    int64_t top5;
    float *probability;
} tally;

static void softmax(const float *x, int n, float *p) {
    float top = x[ct_argmax_row(x, n)], sum = 0;
    for (int i = 0; i < n; i++) sum += p[i] = expf(x[i] - top);
    for (int i = 0; i < n; i++) p[i] /= sum;
}

static void count_batch(void *ctx, int64_t first, int64_t n, const float *output, const int64_t *label) {
    tally *t = ctx;
    int C = t->r->classes;
    for (int64_t i = 0; i < n; i++) {
        const float *row = output + i * C;
        int said = ct_argmax_row(row, C), is = (int)label[i], above = 0;
        t->r->confusion[(int64_t)is * C + said]++;
        for (int k = 0; k < C; k++) above += row[k] > row[is];
        t->top5 += above < 5;
        if (!t->o->sample) continue;
        int64_t at = t->samples->index ? t->samples->index[first + i] : first + i;
        softmax(row, C, t->probability);
        t->o->sample(t->o->ctx, at, t->samples->split->file ? t->samples->split->file[at] : NULL, is, said,
                     t->probability);
    }
    if (t->o->progress) t->o->progress(t->o->ctx, first + n, t->samples->n);
}

/* Wilson's score interval (1927), at 95%. */
static void interval(ct_eval_report *r) {
    double n = (double)r->n, p = r->accuracy, z = 1.959963984540054, d = 1 + z * z / n;
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
    ct_free(r->of), ct_free(r->confusion);
    *r = (ct_eval_report){0};
}

static ct_status report_new(const ct_model *m, const char *dataset, const char *split, ct_eval_report *r) {
    size_t C = (size_t)m->classes;
    *r = (ct_eval_report){
        .classes = m->classes, .of = ct_alloc(C, sizeof *r->of), .confusion = ct_alloc(C * C, sizeof *r->confusion)};
    snprintf(r->dataset, sizeof r->dataset, "%s", dataset);
    snprintf(r->split, sizeof r->split, "%s", split);
    for (size_t i = 0; r->of && i < C; i++)
        if (!(r->of[i].name = ct_strdup(m->class_name[i]))) return CT_NO_MEMORY;
    return r->of && r->confusion ? CT_OK : CT_NO_MEMORY;
}

static ct_status evaluate(ct_model *m, const ct_eval_options *o, const char *split, const chosen *c,
                          ct_eval_report *r) {
    if (!c->samples.split->y) return ct_fail(CT_BAD_DATA, "%s: has no labels to compare with", c->data->name);
    ct_step *step;
    tally t = {o, &c->samples, r, 0, ct_alloc((size_t)m->classes, sizeof(float))};
    ct_status status = t.probability ? report_new(m, c->data->name, split, r) : CT_NO_MEMORY;
    if (!status) status = ct_model_step(m, CT_MIN(BATCH, c->samples.n), &step);
    if (!status) status = ct_samples_eval(&c->samples, step, m->classes, &r->loss, &r->correct, count_batch, &t, NULL);
    ct_free(t.probability);
    CT_TRY(status);
    r->n = c->samples.n;
    r->accuracy = (double)r->correct / (double)r->n;
    r->top5 = r->classes > 10 ? (double)t.top5 / (double)r->n : NAN;
    interval(r);
    per_class(r);
    return CT_OK;
}

ct_status ct_evaluate(ct_model *m, const ct_eval_options *options, ct_eval_report *out) {
    struct timespec a, b;
    clock_gettime(CLOCK_MONOTONIC, &a);
    *out = (ct_eval_report){0};
    const char *split = options->split ? options->split : "test";
    chosen c;
    ct_scope *scope = ct_scope_open();
    if (!scope) return CT_NO_MEMORY;
    ct_status status = choose(m, options, split, &c);
    if (!status) {
        status = evaluate(m, options, split, &c, out);
        chosen_free(&c);
    }
    ct_status closed = ct_scope_close(scope);
    if (!status) status = closed;
    if (status) ct_eval_report_free(out);
    clock_gettime(CLOCK_MONOTONIC, &b);
    out->seconds = (double)(b.tv_sec - a.tv_sec) + 1e-9 * (double)(b.tv_nsec - a.tv_nsec);
    return status;
}

ct_tensor *ct_model_samples(ct_model *m, const ct_eval_options *options, int64_t first, int64_t n, int64_t *labels) {
    chosen c;
    ct_status status = choose(m, options, options->split ? options->split : "test", &c);
    if (status) return ct_tensor_failed(status);
    const ct_split *s = c.samples.split;
    first = CT_MIN(first, c.samples.n), n = CT_MIN(n, c.samples.n - first);
    ct_dims shape = {m->input.ndim, {n}};
    size_t size = 1;
    for (int i = 1; i < shape.n; i++) shape.v[i] = m->input.size[i], size *= (size_t)shape.v[i];
    ct_tensor *t = s->x->layout.dtype == CT_U8
                       ? ct_empty(CT_U8, shape)
                       : ct_tensor_error(CT_FAIL, "%s: its samples are no images", c.data->name);
    for (int64_t i = 0; !ct_why(t) && i < n; i++) {
        int64_t at = c.samples.index ? c.samples.index[first + i] : first + i;
        memcpy((char *)ct_data(t) + (size_t)i * size, (const char *)ct_data(s->x) + (size_t)at * size, size);
        if (labels && s->y) ct_batch_labels(s->y, &at, 1, &labels[i]);
    }
    chosen_free(&c);
    return t;
}

ct_status ct_model_predict(ct_model *m, const ct_tensor *images, float *out) {
    if (ct_why(images)) return ct_fail(images->status, "%s", ct_why(images));
    const ct_layout *l = &images->layout;
    if (l->ndim != m->input.ndim || memcmp(l->size + 1, m->input.size + 1, (size_t)(l->ndim - 1) * sizeof l->size[0]))
        return ct_fail(CT_FAIL, "predict: the images' shape is not what the model takes");
    ct_split split = {.x = (ct_tensor *)images};
    ct_samples s = {.split = &split, .norm = &m->norm, .n = l->size[0]};
    ct_step *step;
    CT_TRY(ct_model_step(m, CT_MIN(BATCH, s.n), &step));
    for (int64_t first = 0; first < s.n; first += BATCH) {
        int64_t n = CT_MIN(BATCH, s.n - first);
        ct_step_result r;
        CT_TRY(ct_samples_load(&s, first, n, step));
        CT_TRY(ct_step_eval(step, n, false, &r));
        for (int64_t i = 0; i < n; i++) softmax(r.output + i * m->classes, m->classes, out + (first + i) * m->classes);
    }
    return CT_OK;
}
