/* What is known of a spec's data without reading it. */
#include "run/spec.h"
#include "base/number.h"
#include "data/manifest.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* How many classes are left of `n` (-1: not known) with these names (NULL: their numbers, or not known). */
static int count_classes(const ct_spec *spec, char *const *name, int n) {
    const ct_yaml *only = ct_yaml_get(ct_yaml_get(spec->root, "data"), "only");
    for (int i = 0; name && i < spec->data.n_only; i++) {
        int k = 0;
        while (k < n && strcmp(name[k], spec->data.only[i])) k++;
        const char *near = k == n ? ct_nearest(spec->data.only[i], (const char *const *)name, n) : NULL;
        if (k == n)
            ct_diag(spec->doc, CT_ERROR, only->value[i], "the data has no class '%.40s'%s%s%s", spec->data.only[i],
                    near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    }
    return spec->data.only ? spec->data.n_only : n;
}

/* Samples of a manifest's parts, a byte a label in IDX files and archives; an archive is unpacked. */
static void size_of_manifest(const ct_spec *spec, const ct_manifest *m, ct_data_size *out) {
    enum { HEAD = 8 };
    out->bytes = 0;
    for (int i = 0; i < m->n_files; i++) {
        const ct_manifest_file *f = &m->file[i];
        int64_t *n = !strcmp(f->role, "train_y") ? &out->train : !strcmp(f->role, "test_y") ? &out->test : NULL;
        if (n && !spec->data.only) *n = f->size - HEAD;
        out->bytes = f->packed || out->bytes < 0 ? -1 : out->bytes + f->size;
    }
    if (!m->train || !m->shape.n) return;
    int64_t sample = 1;
    for (int i = 0; i < m->shape.n; i++) sample = ct_count_mul(sample, m->shape.v[i]);
    out->bytes = ct_count_mul(ct_count_add(sample, 1), m->train + m->test);
    if (!spec->data.only) out->train = m->train, out->test = m->test;
}

static int tokens(const ct_data_args *d) { return d->tokenizer == 1 ? 256 : -1; } /* characters: the text says it */

static ct_status of_manifest(const ct_spec *spec, const ct_manifest *m, ct_fields *out) {
    const ct_data_args *d = &spec->data;
    char **names;
    int classes;
    CT_TRY(ct_manifest_classes(m, d->labels, &names, &classes));
    if (!strcmp(m->format, "text"))
        ct_text_fields(d->block_size, tokens(d), out);
    else if (m->shape.n && m->shape.n < CT_MAX_DIMS) {
        ct_dims s = {m->shape.n + 1, {1}};
        for (int i = 0; i < m->shape.n; i++) s.v[i + 1] = m->shape.v[i];
        ct_layout input = ct_layout_of(CT_F32, s);
        ct_fields_classes(&input, count_classes(spec, names, classes), out);
    }
    return CT_OK;
}

/* Numbers of the fields, for both parts; a sample's tokens and the next ones are one row that is longer by one. */
static ct_status of_random(const ct_spec *spec, ct_fields *out, ct_data_size *size) {
    const ct_data_args *d = &spec->data;
    int64_t sample = 0;
    CT_TRY(ct_random_fields(d, out));
    bool shared = d->vocab && !d->classes && !d->target.n;
    for (int i = 0; i < out->n; i++)
        if (!shared || i != 1)
            sample = ct_count_add(sample, (int64_t)CT_MIN(ct_layout_bytes(&out->of[i].layout), INT64_MAX));
    size->train = size->test = d->samples;
    size->bytes = ct_count_mul(ct_count_add(sample, shared ? sizeof(int64_t) : 0), 2 * d->samples);
    out->classes = count_classes(spec, NULL, out->classes);
    return CT_OK;
}

/* What would have said it could not. */
static void unknown(ct_data_size *size) { snprintf(size->why, sizeof size->why, "%s", ct_error()); }

/* As the keys say, or the folder where it is there; else nothing is known. */
static ct_status of_images(const ct_spec *spec, ct_fields *out, ct_data_size *size) {
    const ct_data_args *d = &spec->data;
    ct_dims x = {3, {d->channels, d->size[0], d->size[1]}};
    size_t n = 0;
    int classes = -1;
    bool there = !ct_images_known(d, &x, &n, &classes);
    if (!there) unknown(size);
    if (!there && (!d->channels || !d->size[0] || !d->size[1])) return CT_OK;
    if (there && d->masks && access(d->masks, F_OK))
        snprintf(size->why, sizeof size->why, "%s: %s", d->masks, strerror(errno));
    ct_layout input = ct_layout_of(CT_F32, CT_DIMS(1, x.v[0], x.v[1], x.v[2]));
    if (d->masks) classes = d->classes ? (int)d->classes : -1;
    ct_fields_classes(&input, count_classes(spec, NULL, classes), out);
    if (d->masks) out->of[1].layout = ct_layout_of(CT_I64, CT_DIMS(1, x.v[1], x.v[2]));
    int64_t target = d->masks ? x.v[1] * x.v[2] : (int64_t)sizeof(int64_t);
    if (there)
        size->bytes =
            ct_count_mul((int64_t)n, ct_count_add(ct_count_mul(x.v[0], ct_count_mul(x.v[1], x.v[2])), target));
    return CT_OK;
}

static int64_t bytes_of(const ct_tensor *t) { return t ? (int64_t)ct_layout_bytes(&t->layout) : 0; }

static void size_of(const ct_dataset *d, ct_data_size *out) {
    const ct_rows *part[] = {&d->train, &d->test};
    int64_t *n[] = {&out->train, &out->test};
    out->bytes = 0;
    for (int p = 0; p < 2; p++) {
        *n[p] = part[p]->x ? ct_size(part[p]->x, 0) : 0;
        for (int i = 0; i < d->n_more + 2; i++) out->bytes += bytes_of(ct_split_field(part[p], i));
    }
    if (!d->tokenizer.kind) return;
    out->train = CT_MAX(out->train / ct_size(d->train.x, 1), 1); /* an epoch's windows are side by side */
    out->bytes = (int64_t)d->train.x->storage->bytes;            /* which all windows are views of */
}

/* A table, a file of tensors or a text says what it is by all of it: it is read where it is there. */
static ct_status of_file(const ct_spec *spec, const char *path, ct_fields *out, ct_data_size *size) {
    ct_dataset *data;
    CT_TRY(ct_spec_check_columns(spec));
    ct_status status = ct_dataset_load(&spec->data, (uint64_t)spec->seed, NULL, &data);
    if (status && access(path, F_OK)) return unknown(size), CT_OK;
    CT_TRY(status);
    ct_dataset_fields(data, out);
    size_of(data, size);
    for (int i = 0; !status && i < data->n_more; i++)
        if (!(out->of[out->n - data->n_more + i].name = ct_doc_strdup(spec->doc, data->more_name[i])))
            status = CT_NO_MEMORY;
    ct_dataset_free(data);
    return status;
}

static ct_status find(const ct_spec *spec, ct_fields *out, ct_data_size *size) {
    const ct_data_args *d = &spec->data;
    *out = (ct_fields){0}, *size = (ct_data_size){-1, -1, -1, ""};
    if (d->tensors || d->csv) return of_file(spec, d->tensors ? d->tensors : d->csv, out, size);
    if (d->images) return of_images(spec, out, size);
    if (d->dataset && !strcmp(d->dataset, "random")) return of_random(spec, out, size);
    if (d->dataset && !strcmp(d->dataset, "text")) {
        CT_TRY(ct_text_check(d));
        CT_TRY(of_file(spec, d->file, out, size));
        if (!out->n) ct_text_fields(d->block_size, tokens(d), out);
        return CT_OK;
    }
    ct_manifest *m;
    CT_TRY(ct_manifest_load(d->dataset ? d->dataset : "digits", &m));
    size_of_manifest(spec, m, size);
    ct_status status = of_manifest(spec, m, out);
    ct_manifest_free(m);
    return status;
}

ct_status ct_spec_fields(const ct_spec *spec, ct_fields *out, ct_data_size *size) {
    ct_status status = find(spec, out, size);
    const char *key = spec->data.dataset ? "dataset" : "only";
    if (status == CT_BAD_SPEC && !ct_diag_count(spec->doc, CT_ERROR))
        ct_diag(spec->doc, CT_ERROR, ct_yaml_get(ct_yaml_get(spec->root, "data"), key), "%s", ct_error());
    return status;
}
