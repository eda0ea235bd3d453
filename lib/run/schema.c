/* The spec's keys as JSON Schema (draft 2020-12), and as a list. A $name may stand for any value. */
#include "run/form.h"
#include "base/alloc.h"
#include "nn/module.h"
#include "run/spec.h"
#include "spec/expand.h"
#include "spec/model.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A part that cannot be made is seen at the end, once. */
typedef struct writer {
    json_t *defs;
    const char *layer; /* the definition that items of lists of layers have: with blocks, or without */
    bool failed;
} writer;

static void put(writer *w, json_t *map, const char *key, json_t *value) {
    if (json_object_set_new(map, key, value)) w->failed = true;
}

static void add(writer *w, json_t *list, json_t *value) {
    if (json_array_append_new(list, value)) w->failed = true;
}

static json_t *typed(const char *type) { return json_pack("{s:s}", "type", type); }
static json_t *ref(const char *def) { return json_pack("{s:o}", "$ref", json_sprintf("#/$defs/%s", def)); }

static json_t *words(writer *w, const ct_key *key) {
    json_t *list = json_array();
    char word[64];
    for (int i = 0; ct_key_choice(key, i, word, sizeof word); i++) add(w, list, json_string(word));
    return json_pack("{s:o}", "enum", list);
}

/* ---- a key's value ---- */
static json_t *number(writer *w, const ct_key *key, bool integer) {
    json_t *o = typed(integer ? "integer" : "number");
    if (key->min == 0 && key->max == 0) return o;
    if (key->min > -0x1p53) put(w, o, "minimum", json_real(key->min));
    if (key->max < 0x1p53) put(w, o, "maximum", json_real(key->max));
    return o;
}

static json_t *map_of(writer *w, const ct_key *keys, const ct_key *more);
static void put_keys(writer *w, json_t *properties, json_t *required, const ct_key *keys);

/* A form's own schema, in which layers are w's. */
static json_t *form_json(writer *w, const ct_form *f) {
    json_error_t e;
    if (!f->json) return ref(f->name);
    json_t *o = json_loads(f->json, 0, &e), *items = o;
    while (json_is_object(items) && !json_object_get(items, "$ref")) items = json_object_get(items, "items");
    if (items && !strcmp(json_string_value(json_object_get(items, "$ref")), "#/$defs/layer"))
        put(w, items, "$ref", json_sprintf("#/$defs/%s", w->layer));
    if (f->sub && f->beside) put(w, o, "properties", json_object());
    if (f->sub && f->beside) put_keys(w, json_object_get(o, "properties"), NULL, f->beside);
    return o;
}

/* Its ways to be said, into a list of alternatives. */
static void add_ways(writer *w, const ct_key *key, json_t *ways) {
    bool integer = key->type == CT_KEY_INT || key->type == CT_KEY_INTS || key->type == CT_KEY_DIMS;
    const ct_form *f;
    switch (key->type) {
    case CT_KEY_INT:
    case CT_KEY_FLOAT:
        add(w, ways, number(w, key, integer));
        if (key->choices) add(w, ways, words(w, key));
        break;
    case CT_KEY_INTS:
    case CT_KEY_FLOATS:
        add(w, ways, number(w, key, integer));
        add(w, ways,
            json_pack("{s:s, s:i, s:i, s:o}", "type", "array", "minItems", ct_key_least(key), "maxItems", key->count,
                      "items", json_pack("{s:[o, o]}", "anyOf", number(w, key, integer), ref("variable"))));
        if (ct_key_has_words(key)) add(w, ways, words(w, key));
        break;
    case CT_KEY_DIMS:
        add(w, ways, number(w, key, integer));
        add(w, ways,
            json_pack("{s:s, s:i, s:o}", "type", "array", "maxItems", CT_MAX_DIMS, "items",
                      json_pack("{s:[o, o]}", "anyOf", number(w, key, integer), ref("variable"))));
        break;
    case CT_KEY_BOOL:
    case CT_KEY_NOT:
        add(w, ways, typed("boolean"));
        break;
    case CT_KEY_ENUM:
        add(w, ways, words(w, key));
        break;
    case CT_KEY_STRING:
    case CT_KEY_PATH:
        add(w, ways, json_pack("{s:[s, s, s]}", "type", "string", "number", "boolean"));
        break;
    case CT_KEY_MAP:
        add(w, ways, map_of(w, key->sub, NULL));
        break;
    case CT_KEY_NODE:
        f = ct_form_find(key->choices);
        add(w, ways, form_json(w, f));
        if (f->many)
            add(w, ways, json_pack("{s:s, s:i, s:o}", "type", "array", "minItems", 1, "items", form_json(w, f)));
        break;
    }
}

static json_t *value_of(writer *w, const ct_key *key) {
    json_t *o = json_object(), *ways = json_array(), *def = ct_key_default_json(key);
    if (key->help) put(w, o, "description", json_string(key->help));
    if (def) put(w, o, "default", def);
    add_ways(w, key, ways);
    add(w, ways, ref("variable"));
    put(w, o, "anyOf", ways);
    return o;
}

static void put_keys(writer *w, json_t *properties, json_t *required, const ct_key *keys) {
    for (const ct_key *key = keys; key && key->name; key++) {
        put(w, properties, key->name, value_of(w, key));
        if (required && isnan(key->def)) add(w, required, json_string(key->name));
    }
}

static json_t *map_of(writer *w, const ct_key *keys, const ct_key *more) {
    json_t *properties = json_object(), *required = json_array();
    put_keys(w, properties, required, keys);
    put_keys(w, properties, required, more);
    return json_pack("{s:s, s:o, s:o, s:b}", "type", "object", "properties", properties, "required", required,
                     "additionalProperties", 0);
}

/* ---- one of several kinds ---- */
static bool is_whole(const ct_kind *kind) {
    for (const ct_key *key = kind->keys; key && key->name; key++)
        if (isnan(key->def)) return false;
    return true;
}

/* What follows a kind's name: a map of its settings, the first one's value, or nothing. */
static json_t *settings(writer *w, const ct_kind *kind) {
    json_t *ways = json_array();
    add(w, ways, map_of(w, kind->keys, NULL));
    if (kind->keys && kind->keys->name) add_ways(w, kind->keys, ways);
    if (is_whole(kind)) add(w, ways, typed("null"));
    add(w, ways, ref("variable"));
    return json_pack("{s:s, s:o}", "description", kind->help ? kind->help : kind->name, "anyOf", ways);
}

/* A layer made of lists: those, or a map of them by name, or of what it joins. */
static json_t *container(writer *w, const ct_kind *kind, const char *form) {
    static const ct_key inputs[] = {{"inputs", CT_KEY_NODE, .choices = "inputs", .help = "what is joined"}, {0}};
    json_t *lists = form_json(w, ct_form_find(form));
    if (!strcmp(form, "layers")) return lists;
    if (!strcmp(form, "named_branches"))
        return json_pack("{s:s, s:[o, {s:s, s:i, s:o}]}", "description", kind->help, "anyOf", lists, "type", "object",
                         "minProperties", 1, "additionalProperties", form_json(w, ct_form_find("layers")));
    return json_pack("{s:s, s:[o, o, {s:s}]}", "description", kind->help, "anyOf", lists, map_of(w, kind->keys, inputs),
                     "type", "null");
}

/* What stands beside this kind alone. */
static void put_own(writer *w, json_t *properties, json_t *needs, const char *name, const ct_key *beside,
                    const ct_key *common) {
    for (const ct_key *key = beside; key->name; key++) {
        if (ct_key_find(common, key->name)) continue;
        put(w, properties, key->name, value_of(w, key));
        put(w, needs, key->name, json_pack("[s]", name));
    }
}

/* A name alone, or a map of the name and its settings and what stands beside it. */
static json_t *choice(writer *w, const ct_form *f, bool open) {
    int n;
    const ct_kind *const *kinds = f->kinds(&n);
    json_t *names = json_array(), *properties = json_object(), *needs = json_object();
    for (int i = 0; i < n; i++) {
        const char *name = kinds[i]->name, *form;
        const ct_key *beside = f->kinds == ct_layer_kinds ? ct_container_beside(name, &form) : NULL;
        char def[128];
        snprintf(def, sizeof def, "%s.%s", f->name, name);
        if (beside)
            put(w, properties, name, container(w, kinds[i], form));
        else
            put(w, properties, name, ref(def));
        if (beside) put_own(w, properties, needs, name, beside, f->beside);
        if (!beside && !json_object_get(w->defs, def)) put(w, w->defs, def, settings(w, kinds[i]));
        if (!beside && is_whole(kinds[i])) add(w, names, json_string(name));
    }
    put_keys(w, properties, NULL, f->beside);
    json_t *word = open ? typed("string") : json_pack("{s:o}", "enum", names);
    if (open) json_decref(names);
    return json_pack("{s:[o, {s:s, s:i, s:o, s:o, s:b}, o]}", "anyOf", word, "type", "object", "minProperties", 1,
                     "properties", properties, "dependentRequired", needs, "additionalProperties", open,
                     ref("variable"));
}

/* A group of parameters: settings of the optimizer, whichever it is, or another one with its own. */
static json_t *group(writer *w) {
    int n;
    const ct_kind *const *kinds = ct_optimizer_kinds(&n);
    json_t *ways = json_array(), *others = json_object();
    for (int i = 0; i < n; i++) {
        add(w, ways, map_of(w, kinds[i]->keys, NULL));
        char def[128];
        snprintf(def, sizeof def, "optimizer.%s", kinds[i]->name);
        put(w, others, kinds[i]->name, ref(def));
    }
    add(w, ways,
        json_pack("{s:s, s:o, s:i, s:i, s:b}", "type", "object", "properties", others, "minProperties", 1,
                  "maxProperties", 1, "additionalProperties", 0));
    return json_pack("{s:o}", "anyOf", ways);
}

/* ---- the whole ---- */
/* Without blocks and includes a layer's name is known; without includes all sections are there. */
static json_t *whole(writer *w) {
    const ct_form *layers = ct_form_find("layers");
    w->defs = json_object();
    put(w, w->defs, "variable",
        json_pack("{s:s, s:s, s:s}", "type", "string", "pattern", "\\$", "description",
                  "a variable, or arithmetic on variables"));
    w->layer = "layer";
    for (const ct_form *f = ct_forms; f->name; f++)
        if (!f->json) put(w, w->defs, f->name, choice(w, f, false));
    put(w, w->defs, "layer", choice(w, layers, false));
    json_t *closed = form_json(w, layers);
    put(w, w->defs, "group", group(w));
    w->layer = "layer_or_block";
    put(w, w->defs, "layer_or_block", choice(w, layers, true));
    put(w, w->defs, "block", map_of(w, ct_block_keys, NULL));
    json_t *o = map_of(w, ct_spec_keys, ct_spec_language_keys), *required = json_incref(json_object_get(o, "required"));
    json_object_del(o, "required");
    put(w, o, "allOf",
        json_pack("[{s:{s:{s:[s]}}, s:{s:o}}, {s:{s:{s:[{s:[s]}, {s:[s]}]}}, s:{s:{s:o}}}]", "if", "not", "required",
                  "include", "then", "required", required, "if", "not", "anyOf", "required", "blocks", "required",
                  "include", "then", "properties", "model", closed));
    put(w, o, "$defs", w->defs);
    return o;
}

ct_status ct_schema_json(char **text) {
    writer w = {0};
    json_t *o = json_pack("{s:s, s:s}", "$schema", "https://json-schema.org/draft/2020-12/schema", "title",
                          "a spec of ctorch"),
           *rest = whole(&w);
    if (!o || !rest || json_object_update(o, rest)) w.failed = true;
    json_decref(rest);
    char *dump = w.failed ? NULL : json_dumps(o, JSON_INDENT(1) | JSON_REAL_PRECISION(15));
    json_decref(o);
    *text = dump ? ct_strdup(dump) : NULL;
    free(dump);
    return *text ? CT_OK : ct_fail_memory();
}
