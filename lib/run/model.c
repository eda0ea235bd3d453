#include "run/model.h"
#include "base/alloc.h"
#include "spec/param.h"
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static ct_status add_groups(const ct_spec *spec, const ct_entry *entry, int n, ct_tensor **list, ct_optim **out) {
    const ct_model_spec *m = &spec->model;
    for (int g = -1; g < m->n_groups; g++) { /* -1: of no group */
        int k = 0;
        for (int i = 0; i < n; i++)
            if (entry[i].param->trained && ct_group_of(m, &entry[i]) == g) list[k++] = entry[i].param->tensor;
        CT_TRY(g < 0 ? ct_optim_new(m->optimizer, spec->optimizer_args, list, k, out)
                     : ct_optim_add(*out, m->group[g].optimizer, m->group[g].args, list, k));
    }
    return CT_OK;
}

ct_status ct_run_trainable(const ct_spec *spec, const ct_module *m) {
    if (!ct_module_trained(m))
        ct_diag(spec->doc, CT_ERROR, ct_yaml_get(spec->root, "model"), "the model has no parameters to train");
    return ct_diag_status(spec->doc);
}

ct_status ct_run_optimizer(const ct_spec *spec, ct_module *m, ct_optim **out) {
    *out = NULL;
    CT_TRY(ct_run_trainable(spec, m));
    int n = ct_module_count(m);
    ct_entry *entry = ct_alloc((size_t)n, sizeof *entry);
    ct_tensor **list = ct_alloc((size_t)n, sizeof *list);
    ct_status status = entry && list ? CT_OK : CT_NO_MEMORY;
    if (!status) ct_module_entries(m, entry);
    if (!status) status = add_groups(spec, entry, n, list, out);
    if (status) {
        ct_optim_free(*out);
        *out = NULL;
    }
    ct_free(entry), ct_free(list);
    return status;
}

ct_status ct_data_text(const ct_dataset *d, char **out) {
    ct_buf b = CT_BUF(64 << 20);
    for (int i = 0; i < d->files; i++) ct_buf_printf(&b, "%s %s\n", d->file_hash[i], d->file_name[i]);
    ct_buf_puts(&b, "");
    ct_status status = ct_buf_status(&b);
    if (status)
        ct_buf_free(&b);
    else
        *out = b.data;
    return status;
}

/* ---- writing ---- */

static char *classes_json(const ct_dataset *d) {
    json_t *list = json_array();
    for (int i = 0; i < d->classes; i++) json_array_append_new(list, json_string(d->class_name[i]));
    char *text = json_dumps(list, JSON_COMPACT);
    json_decref(list);
    return text;
}

/* [{"name": "input", "dtype": "f32", "shape": [1, 28, 28]}, ...] */
static char *fields_json(const ct_fields *f) {
    json_t *list = json_array();
    for (int i = 0; i < f->n; i++) {
        const ct_layout *l = &f->of[i].layout;
        json_t *shape = json_array();
        for (int d = 1; d < l->ndim; d++) json_array_append_new(shape, json_integer(l->size[d]));
        json_array_append_new(list, json_pack("{s:s, s:s, s:o}", "name", f->of[i].name, "dtype",
                                              ct_dtype_name(l->dtype), "shape", shape));
    }
    char *text = json_dumps(list, JSON_COMPACT);
    json_decref(list);
    return text;
}

ct_status ct_model_save(const char *path, const ct_net *net, const ct_dataset *data) {
    ct_names names;
    ct_buf text = CT_BUF(1 << 22);
    char *classes = classes_json(data), *fields = fields_json(&net->fields);
    char *columns = data->table.n ? ct_columns_json(&data->table) : NULL;
    ct_status status =
        classes && fields && !columns == !data->table.n ? ct_spec_text(net->spec, NULL, &text) : CT_NO_MEMORY;
    if (!status) status = ct_names_of(net->module, "", &names);
    if (!status) {
        ct_meta meta[] = {{"format", CT_MODEL_FORMAT},
                          {"ctorch", ct_version()},
                          {"spec", text.data},
                          {"classes", classes},
                          {"fields", fields},
                          {"dataset", data->name},
                          {"fingerprint", data->fingerprint},
                          {"samples", ct_data_source_of(&net->spec->data)->key},
                          {columns ? "columns" : "tokenizer", columns ? columns : data->tokenizer.kind}};
        bool whole = columns || data->tokenizer.kind; /* whose tokens are the classes */
        status = ct_safetensors_write(path, names.of, names.n, meta, CT_COUNT(meta) - !whole);
        ct_names_free(&names);
    }
    free(classes), free(fields), free(columns);
    ct_buf_free(&text);
    return status;
}

/* ---- reading ---- */

ct_status ct_classes_read(const char *path, const char *text, char ***name, int *count) {
    json_t *list = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    size_t n = json_array_size(list);
    ct_status status =
        json_is_array(list) && n < 1 << 20 ? CT_OK : ct_fail(CT_BAD_DATA, "%s: its class names are damaged", path);
    *name = NULL, *count = 0;
    if (!status && !(*name = ct_alloc(n, sizeof **name))) status = CT_NO_MEMORY;
    for (size_t i = 0; !status && i < n; i++) {
        const char *one = json_string_value(json_array_get(list, i));
        if (!one)
            status = ct_fail(CT_BAD_DATA, "%s: its class names are damaged", path);
        else if (!((*name)[i] = ct_strdup(one)))
            status = CT_NO_MEMORY;
        else
            ++*count;
    }
    json_decref(list);
    return status;
}

void ct_classes_free(char **name, int n) {
    for (int i = 0; i < n; i++) ct_free(name[i]);
    ct_free(name);
}

static bool read_field(ct_model *m, const json_t *json) {
    const char *name = json_string_value(json_object_get(json, "name"));
    const char *type = json_string_value(json_object_get(json, "dtype"));
    const json_t *shape = json_object_get(json, "shape");
    ct_dims d = {(int)json_array_size(shape) + 1, {1}};
    bool is_f32 = type && !strcmp(type, "f32"), is_i64 = type && !strcmp(type, "i64");
    if (!name || (!is_f32 && !is_i64) || json_array_size(shape) >= CT_MAX_DIMS) return false;
    for (int i = 1; i < d.n; i++) {
        d.v[i] = json_integer_value(json_array_get(shape, (size_t)i - 1));
        if (d.v[i] < 1 || d.v[i] > 1 << 24) return false;
    }
    if (!(m->field_name[m->fields.n] = ct_strdup(name))) return false;
    m->fields.of[m->fields.n] = (ct_field){m->field_name[m->fields.n], ct_layout_of(is_f32 ? CT_F32 : CT_I64, d), 0};
    m->fields.n++;
    return true;
}

static ct_status read_fields(ct_model *m, const char *text) {
    json_t *list = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    size_t n = json_array_size(list);
    bool ok = n && n <= CT_MAX_FIELDS;
    for (size_t i = 0; ok && i < n; i++) ok = read_field(m, json_array_get(list, i));
    ok = ok && m->fields.of[0].layout.ndim > 1 && !strcmp(m->fields.of[0].name, "input");
    json_decref(list);
    m->fields.classes = m->classes;
    return ok ? CT_OK : ct_fail(CT_BAD_DATA, "%s: its input shape is damaged", m->path);
}

/* The run's own spec beside it, for its paths; else what the file carries. */
static ct_status read_spec(ct_model *m, const char *beside, const char *text) {
    char *messages = NULL;
    ct_status status = beside ? ct_spec_load(beside, NULL, &m->spec, &messages)
                              : ct_spec_parse(m->path, text, strlen(text), NULL, &m->spec, &messages);
    ct_text_free(messages);
    return status == CT_BAD_SPEC ? ct_fail_in(CT_BAD_DATA, "%s: its spec is not one of ours", m->path) : status;
}

static const ct_data_source *source_named(const char *key) {
    const ct_data_source *s = ct_data_sources;
    while (key && s->key && strcmp(s->key, key)) s++;
    return s->key ? s : ct_data_sources;
}

static ct_status open_model(ct_model *m, const char *beside, ct_safetensors *file) {
    const char *spec = ct_safetensors_meta(file, "spec"), *classes = ct_safetensors_meta(file, "classes");
    const char *fields = ct_safetensors_meta(file, "fields"), *format = ct_safetensors_meta(file, "format");
    if (!format || strcmp(format, CT_MODEL_FORMAT) || !spec || !classes || !fields ||
        !ct_safetensors_meta(file, "digest"))
        return ct_fail(CT_BAD_DATA, "%s: is no model of ctorch (a model is written by ctorch train)", m->path);
    CT_TRY(ct_safetensors_verify(file));
    m->source = source_named(ct_safetensors_meta(file, "samples"));
    CT_TRY(ct_classes_read(m->path, classes, &m->class_name, &m->classes));
    const char *tokenizer = ct_safetensors_meta(file, "tokenizer");
    if (tokenizer && ct_tokenizer_from(tokenizer, m->class_name, m->classes, &m->tokenizer))
        return ct_fail_in(CT_BAD_DATA, "%s", m->path);
    const char *columns = ct_safetensors_meta(file, "columns");
    if (columns) CT_TRY(ct_columns_read(m->path, columns, &m->table));
    CT_TRY(read_fields(m, fields));
    CT_TRY(read_spec(m, beside, spec));
    ct_status status = ct_net_blank(m->spec, &m->fields, &m->net);
    if (status == CT_BAD_SPEC) return ct_fail_in(CT_BAD_DATA, "%s: its spec does not fit its fields", m->path);
    CT_TRY(status);
    ct_names names;
    CT_TRY(ct_names_of(m->net.module, "", &names));
    status = ct_names_load(&names, file, m->path);
    ct_names_free(&names);
    ct_normalizer_make(m->spec->data.normalize.mean, m->spec->data.normalize.std, &m->norm);
    return status;
}

ct_status ct_model_path(const char *path, char out[4096], bool *dir) {
    struct stat st;
    *dir = !stat(path, &st) && S_ISDIR(st.st_mode);
    snprintf(out, 4096, *dir ? "%s/best.safetensors" : "%s", path);
    if (*dir && stat(out, &st)) return ct_fail(CT_FAIL, "%s: holds no model: it has no best.safetensors", path);
    const char *end = strrchr(path, '.');
    if (!*dir && end && (!strcmp(end, ".yaml") || !strcmp(end, ".yml")))
        return ct_fail(CT_FAIL, "%s: is a spec; a model is what `ctorch train` makes of it", path);
    return CT_OK;
}

ct_status ct_model_open(const char *path, ct_model **out) {
    char file_path[4096], spec_path[4096];
    struct stat st;
    bool dir;
    CT_TRY(ct_model_path(path, file_path, &dir));
    snprintf(spec_path, sizeof spec_path, "%s/spec.yaml", path);
    ct_safetensors *file;
    CT_TRY(ct_safetensors_open(file_path, &file));
    ct_model *m = ct_alloc(1, sizeof *m);
    ct_scope *scope = ct_scope_open();
    ct_status status = m && scope && (m->path = ct_strdup(file_path)) ? CT_OK : CT_NO_MEMORY;
    if (!status) status = open_model(m, dir && !stat(spec_path, &st) ? spec_path : NULL, file);
    ct_safetensors_close(file);
    ct_status closed = ct_scope_close(scope);
    if (!status) status = closed;
    if (status)
        ct_model_close(m);
    else
        *out = m;
    return status;
}

void ct_model_close(ct_model *m) {
    if (!m) return;
    ct_step_free(m->step);
    ct_generator_free(m->generator);
    ct_net_free(&m->net);
    ct_spec_free(m->spec);
    for (int i = 0; i < CT_MAX_FIELDS; i++) ct_free(m->field_name[i]);
    ct_tokenizer_free(&m->tokenizer);
    ct_table_free(&m->table);
    ct_classes_free(m->class_name, m->classes);
    ct_free(m->path), ct_free(m);
}

int ct_model_classes(const ct_model *m) { return m->classes; }
const char *ct_model_class(const ct_model *m, int i) { return m->class_name[i]; }

bool ct_model_image(const ct_model *m, int64_t size[2], int64_t *channels) {
    const ct_layout *l = &m->fields.of[0].layout;
    if (l->ndim != 4 || l->dtype != CT_F32) return false;
    *channels = l->size[1], size[0] = l->size[2], size[1] = l->size[3];
    return *channels == 1 || *channels == 3;
}

bool ct_model_classifies(const ct_model *m) {
    return m->net.scores >= 0 && ct_net_rows(&m->net) == 1 && m->net.module->n_inputs == 1;
}

bool ct_model_mask(const ct_model *m, int64_t size[2]) {
    const ct_layout *l = m->net.scores < 0 ? NULL : &m->fields.of[m->net.target].layout;
    if (!l || l->ndim != 3 || m->net.module->n_inputs != 1 || m->classes > 256) return false;
    size[0] = l->size[1], size[1] = l->size[2];
    return true;
}

int64_t ct_model_parameters(const ct_model *m) { return ct_module_parameters(m->net.module); }

ct_status ct_model_step(ct_model *m, int64_t n, ct_step **out) {
    if (m->step && ct_step_capacity(m->step) < n) {
        ct_step_free(m->step);
        m->step = NULL;
    }
    if (!m->step) CT_TRY(ct_step_new(&m->net, NULL, n, false, &m->step));
    *out = m->step;
    return CT_OK;
}
