#include "run/form.h"
#include "data/transform.h"
#include "nn/init.h"
#include "nn/module.h"
#include "run/spec.h"
#include "spec/expand.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#define REF(def) "{\"$ref\": \"#/$defs/" def "\"}"
#define LIST(items) "{\"type\": \"array\", \"minItems\": 1, \"items\": " items "}"
#define MAP(values) "{\"type\": \"object\", \"additionalProperties\": " values "}"
static const ct_key no_rows[] = {{0}}; /* of a map whose values are choices */
const ct_form ct_forms[] = {
    {"layers", "list of layers", ct_layer_kinds, ct_layer_beside, NULL, LIST(REF("layer")), false},
    {"branches", "list of lists of layers", NULL, NULL, NULL, LIST(LIST(REF("layer"))), false},
    {"named_branches", "list or map of lists of layers", NULL, NULL, NULL, LIST(LIST(REF("layer"))), false},
    {"loss", "loss or list of losses", ct_loss_kinds, NULL, NULL, NULL, true},
    {"optimizer", "optimizer", ct_optimizer_kinds, ct_optimizer_beside, NULL, NULL, false},
    {"schedule", "schedule", ct_scheduler_kinds, ct_schedule_beside, NULL, NULL, false},
    {"schedulers", "list of schedules", NULL, NULL, NULL, LIST(REF("schedule")), false},
    {"transforms", "list of transforms", ct_transform_kinds, NULL, NULL, LIST(REF("transform")), false},
    {"transform", "transform", ct_transform_kinds, NULL, NULL, NULL, false},
    {"groups", "map of patterns and settings", NULL, NULL, NULL, MAP(REF("group")), false},
    {"class_weights", "balanced or list of numbers", NULL, NULL, NULL,
     "{\"anyOf\": [{\"const\": \"balanced\"}, " LIST("{\"type\": \"number\", \"minimum\": 0}") "]}", false},
    {"names", "list of names", NULL, NULL, NULL, LIST("{\"type\": [\"string\", \"integer\"]}"), false},
    {"shape_or_column", "shape or name of a column", NULL, NULL, NULL,
     "{\"type\": [\"array\", \"integer\", \"string\"]}", false},
    {"inputs", "list of names and numbers", NULL, NULL, NULL, LIST("{\"type\": [\"string\", \"number\", \"null\"]}"),
     false},
    {"patterns", "list of name patterns", NULL, NULL, NULL, LIST("{\"type\": [\"string\", \"integer\"]}"), false},
    {"init", "init", ct_init_kinds, NULL, NULL, NULL, false},
    {"inits", "map of name patterns and inits", ct_init_kinds, ct_init_beside, no_rows, MAP(REF("init")), false},
    {"ties", "map of names and names", NULL, NULL, NULL, MAP("{\"type\": [\"string\", \"integer\"]}"), false},
    {"shapes", "map of names and shapes", NULL, NULL, NULL, MAP("{\"type\": [\"array\", \"integer\", \"string\"]}"),
     false},
    {"values", "map of names and values", NULL, NULL, NULL, "{\"type\": [\"object\", \"null\"]}", false},
    {"blocks", "map of names and blocks", NULL, NULL, ct_block_keys, MAP(REF("block")), false},
    {"includes", "path or list of paths", NULL, NULL, NULL,
     "{\"anyOf\": [{\"type\": \"string\"}, " LIST("{\"type\": \"string\"}") "]}", false},
    {0}};

const ct_form *ct_form_find(const char *name) {
    for (const ct_form *f = ct_forms; f->name; f++)
        if (!strcmp(f->name, name)) return f;
    return NULL;
}

/* ---- what a key's value is, in words ---- */
static const char *const type_words[] = {
    [CT_KEY_INT] = "integer",     [CT_KEY_FLOAT] = "number",
    [CT_KEY_BOOL] = "true|false", [CT_KEY_STRING] = "text",
    [CT_KEY_NOT] = "true|false",  [CT_KEY_PATH] = "path",
    [CT_KEY_INTS] = "integer",    [CT_KEY_DIMS] = "integer or list of integers",
    [CT_KEY_FLOATS] = "number",   [CT_KEY_MAP] = "map",
};

static void range_words(const ct_key *key, char *out, size_t size) {
    bool bounded = key->min != 0 || key->max != 0, least = key->min > -0x1p53, most = key->max < 0x1p53;
    if (bounded && least && most)
        snprintf(out, size, " from %.15g to %.15g", key->min, key->max);
    else if (bounded && (least || most))
        snprintf(out, size, least ? " from %.15g" : " up to %.15g", least ? key->min : key->max);
}

void ct_key_type_words(const ct_key *key, char *out, size_t size) {
    char range[64] = "", rest[64] = "";
    if (key->type == CT_KEY_NODE || key->type == CT_KEY_ENUM) {
        const ct_form *f = key->type == CT_KEY_NODE ? ct_form_find(key->choices) : NULL;
        snprintf(out, size, "%s", f ? f->words : key->choices);
        return;
    }
    const char *words = key->type < CT_COUNT(type_words) ? type_words[key->type] : NULL;
    bool several = key->type == CT_KEY_INTS || key->type == CT_KEY_FLOATS;
    if (key->type == CT_KEY_INT || key->type == CT_KEY_FLOAT || several || key->type == CT_KEY_DIMS)
        range_words(key, range, sizeof range);
    if (several) snprintf(rest, sizeof rest, " or list of %d", ct_key_least(key));
    if (several && ct_key_least(key) < key->count)
        snprintf(rest + strlen(rest), sizeof rest - strlen(rest), " to %d", key->count);
    if (ct_key_has_words(key)) snprintf(rest + strlen(rest), sizeof rest - strlen(rest), "|%s", key->choices);
    snprintf(out, size, "%s%s%s", words ? words : "value", range, rest);
}

/* ---- defaults ---- */
typedef union field {
    int64_t i[CT_MAX_DIMS];
    double f[CT_MAX_DIMS];
    const char *text;
} field;

static json_t *number(double v) {
    return fabs(v) < 0x1p53 && v == floor(v) ? json_integer((json_int_t)v) : json_real(v);
}

/* One of several numbers; all of them where they differ. */
static json_t *numbers(const ct_key *key, const field *v) {
    bool ints = key->type == CT_KEY_INTS, same = true;
    json_t *list = json_array();
    for (int i = 0; i < key->count; i++) {
        double x = ints ? (double)v->i[i] : v->f[i];
        same = same && x == (ints ? (double)v->i[0] : v->f[0]);
        json_array_append_new(list, number(x));
    }
    json_t *one = same ? json_incref(json_array_get(list, 0)) : NULL;
    if (one) json_decref(list);
    return one ? one : list;
}

json_t *ct_key_default_json(const ct_key *key) {
    ct_key row[2] = {*key};
    field v = {0};
    char word[64];
    if (isnan(key->def)) return NULL;
    row[0].offset = 0;
    switch (key->type) {
    case CT_KEY_BOOL:
    case CT_KEY_NOT:
        return json_boolean(key->def != 0);
    case CT_KEY_INT:
    case CT_KEY_FLOAT:
        if (ct_key_has_words(key) && key->def <= (double)ct_key_word(key, 0) &&
            ct_key_choice(key, (int)((double)ct_key_word(key, 0) - key->def), word, sizeof word))
            return json_string(word);
        return number(key->def);
    case CT_KEY_ENUM:
        return ct_key_choice(key, (int)key->def, word, sizeof word) ? json_string(word) : NULL;
    case CT_KEY_STRING:
    case CT_KEY_PATH:
        return key->choices ? json_string(key->choices) : NULL;
    case CT_KEY_INTS:
    case CT_KEY_FLOATS:
        ct_keys_default(row, &v);
        return numbers(key, &v);
    default:
        return NULL;
    }
}
