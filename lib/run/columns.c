/* A table's columns in a model file's metadata. */
#include "data/columns.h"
#include "base/alloc.h"
#include "run/model.h"
#include <jansson.h>
#include <math.h>
#include <string.h>

/* {"name": "age", "mean": 40.1, "std": 12.5}, or {"name": "city", "categories": ["Bonn", "Ulm"]} */
static json_t *column_json(const ct_column *c) {
    if (!c->n) return json_pack("{s:s, s:f, s:f}", "name", c->name, "mean", c->mean, "std", c->std);
    json_t *list = json_array();
    for (int i = 0; i < c->n; i++) json_array_append_new(list, json_string(c->category[i]));
    return json_pack("{s:s, s:o}", "name", c->name, "categories", list);
}

char *ct_columns_json(const ct_table *t) {
    json_t *list = json_array(), *all = json_pack("{s:O}", "input", list);
    for (int i = 0; i < t->n; i++) json_array_append_new(list, column_json(&t->input[i]));
    if (t->target.name) json_object_set_new(all, "target", column_json(&t->target));
    char *text = json_dumps(all, JSON_COMPACT | JSON_REAL_PRECISION(17));
    json_decref(list), json_decref(all);
    return text;
}

static bool read_column(const json_t *json, ct_column *c) {
    const char *name = json_string_value(json_object_get(json, "name"));
    const json_t *list = json_object_get(json, "categories");
    size_t n = json_array_size(list);
    *c = (ct_column){.mean = json_number_value(json_object_get(json, "mean")),
                     .std = json_number_value(json_object_get(json, "std"))};
    if (!name || (list && (!json_is_array(list) || !n || n > 1 << 20)) || !(c->name = ct_strdup(name))) return false;
    if (!list) return true;
    if (!(c->category = ct_alloc(n, sizeof *c->category))) return false;
    for (; c->n < (int)n; c->n++) {
        const char *one = json_string_value(json_array_get(list, (size_t)c->n));
        if (!one || !(c->category[c->n] = ct_strdup(one))) return false;
    }
    return true;
}

/* That numbers are scaled by something. */
static bool is_sound(const ct_column *c) { return c->n || (isfinite(c->mean) && isfinite(c->std) && c->std > 0); }

ct_status ct_columns_read(const char *path, const char *text, ct_table *out) {
    json_t *all = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    const json_t *list = json_object_get(all, "input"), *target = json_object_get(all, "target");
    size_t n = json_array_size(list);
    *out = (ct_table){0};
    bool ok = n && n < 1 << 20 && (out->input = ct_alloc(n, sizeof *out->input));
    for (size_t i = 0; ok && i < n; i++, out->n++)
        ok = read_column(json_array_get(list, i), &out->input[i]) && is_sound(&out->input[i]);
    ok = ok && (!target || read_column(target, &out->target));
    json_decref(all);
    if (!ok) ct_table_free(out);
    return ok ? CT_OK : ct_fail(CT_BAD_DATA, "%s: its columns are damaged", path);
}
