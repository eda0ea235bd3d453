/* Reading `model:`. */
#include "spec/model.h"
#include "spec/expand.h"
#include "yaml/read.h"
#include <stdio.h>
#include <string.h>

#define BESIDE                                                                                                       \
    {"name", CT_KEY_STRING, .help = "its part of dotted names, instead of its place in the list"},                   \
        {"inputs", CT_KEY_NODE, .choices = "inputs",                                                                 \
         .help = "names of the earlier results that it reads, or numbers"},                                          \
        {"outputs", CT_KEY_NODE, .choices = "names", .help = "names of its results, of a layer that has several"}, { \
        "repeat", CT_KEY_INT, .def = 1, .max = CT_MAX_REPEAT, .help = "so many of it, each with its own parameters"  \
    }
const ct_key ct_layer_beside[] = {BESIDE, {0}};
static const ct_key shortcut_beside[] = {
    BESIDE,
    {"shortcut", CT_KEY_NODE, .choices = "layers", .help = "what the input goes through on its way around"},
    {0}};

/* Layers whose value is made of lists: one list, or a list of branches. */
static const struct {
    const char *name, *form;
    const ct_key *beside;
} containers[] = {{"sequential", "layers", ct_layer_beside},
                  {"residual", "layers", shortcut_beside},
                  {"parallel", "named_branches", ct_layer_beside},
                  {"add", "branches", ct_layer_beside},
                  {"mul", "branches", ct_layer_beside},
                  {"concat", "branches", ct_layer_beside}};
/* What such a value is, in messages. */
static const char *form_words(const char *form) {
    return !strcmp(form, "layers")     ? "a list of layers"
           : !strcmp(form, "branches") ? "a list of branches, or inputs"
                                       : "branches, a list or a map of lists of layers";
}

const ct_key *ct_container_beside(const char *layer, const char **form) {
    for (int i = 0; i < CT_COUNT(containers); i++)
        if (!strcmp(containers[i].name, layer)) {
            *form = containers[i].form;
            return containers[i].beside;
        }
    return NULL;
}

/* A name: letters, digits, _ and -, as it becomes part of dotted names. */
static bool check_name(ct_doc *doc, const ct_yaml *name, const char *whose) {
    static const char known[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    bool ok =
        name->kind == CT_SCALAR && *name->text && strlen(name->text) < 64 && !name->text[strspn(name->text, known)];
    if (!ok) ct_diag(doc, CT_ERROR, name, "a %s's name is 1 to 63 letters, digits, '_' or '-'", whose);
    return ok;
}

static const char *read_name(ct_doc *doc, const ct_yaml *node, const ct_model_spec *sofar) {
    const ct_yaml *name = node->kind == CT_MAP ? ct_yaml_get(node, "name") : NULL;
    if (!name || !check_name(doc, name, "layer")) return NULL;
    for (int i = 0; i < sofar->n; i++)
        if (sofar->layer[i].name && !strcmp(sofar->layer[i].name, name->text)) {
            ct_diag(doc, CT_ERROR, name, "a second layer named '%s'", name->text);
            ct_diag(doc, CT_NOTE, sofar->layer[i].at, "the first one");
        }
    return name->text;
}

static const ct_yaml *read_inputs(ct_doc *doc, const ct_yaml *list) {
    bool ok = list && list->kind == CT_LIST && list->n && list->n <= CT_MAX_IN;
    for (int i = 0; ok && i < list->n; i++) ok = list->value[i]->kind == CT_SCALAR;
    if (list && !ok) ct_diag(doc, CT_ERROR, list, "inputs is a list of 1 to %d names of layers", CT_MAX_IN);
    return ok ? list : NULL;
}

static const ct_yaml *read_outputs(ct_doc *doc, const ct_yaml *list) {
    bool ok = list && list->kind == CT_LIST && list->n && list->n <= CT_MAX_IN;
    if (list && !ok) ct_diag(doc, CT_ERROR, list, "outputs is a list of 1 to %d names of results", CT_MAX_IN);
    for (int i = 0; ok && i < list->n; i++) ok = check_name(doc, list->value[i], "result");
    return ok ? list : NULL;
}

/* The container that a map names, or -1; *value is what it is made of. */
static int container_of(const ct_yaml *node, const ct_yaml **value) {
    for (int i = 0; node->kind == CT_MAP && i < CT_COUNT(containers); i++)
        if ((*value = ct_yaml_get(node, containers[i].name))) return i;
    return -1;
}

static bool add_part(ct_doc *doc, const ct_yaml *list, ct_layer_spec *l) {
    ct_model_spec *p = ct_doc_alloc(doc, (size_t)l->n_parts + 1, sizeof *p);
    if (!p) return false;
    if (l->n_parts) memcpy(p, l->part, (size_t)l->n_parts * sizeof *p);
    l->part = p;
    ct_model_read(doc, list, &p[l->n_parts++]);
    return true;
}

/* {add: {inputs: [a, b]}} or {concat: {inputs: [a, b], dim: 1}}: a join of named values. */
static void read_join(ct_doc *doc, const ct_yaml *value, ct_layer_spec *l) {
    static const ct_key inputs[] = {{.name = "inputs"}, {0}};
    if (!l->inputs) l->inputs = read_inputs(doc, ct_yaml_get(value, "inputs"));
    if (!l->inputs) ct_diag(doc, CT_ERROR, value, "%s wants %s", l->layer->kind.name, form_words("branches"));
    bool nothing = value->kind == CT_SCALAR && !value->quoted && !*value->text;
    ct_read_keys(doc, nothing ? NULL : value, l->layer->kind.name,
                 l->layer->kind.keys ? l->layer->kind.keys : &(ct_key){0}, l->args, inputs);
}

/* The branches of a list, or of a map, where their names are their results' too. */
static void read_branches(ct_doc *doc, const ct_yaml *value, ct_layer_spec *l, bool joins) {
    if (value->n > CT_MAX_IN) {
        ct_diag(doc, CT_ERROR, value, "%s has %d branches, at most %d are possible", l->layer->kind.name, value->n,
                CT_MAX_IN);
        return;
    }
    bool map = value->kind == CT_MAP;
    ct_yaml *names = map ? ct_yaml_new(doc, CT_LIST, value) : NULL;
    for (int i = 0; i < value->n; i++) {
        if (value->value[i]->kind == CT_SCALAR) {
            ct_diag(doc, CT_ERROR, value->value[i], "a branch of %s is a list of layers, such as [linear: 20]%s",
                    l->layer->kind.name, joins ? "; named results are joined by {inputs: [a, b]}" : "");
            return;
        }
        if (!add_part(doc, value->value[i], l)) return;
        if (!map || !check_name(doc, value->key[i], "branch")) continue;
        l->part[i].name = value->key[i]->text;
        ct_yaml_add(doc, names, NULL, value->key[i]);
    }
    if (map && !l->outputs) l->outputs = names;
}

static void read_container(ct_doc *doc, const ct_yaml *node, int which, const ct_yaml *value, ct_layer_spec *l) {
    const ct_key *beside = containers[which].beside;
    const ct_yaml *shortcut = ct_key_find(beside, "shortcut") ? ct_yaml_get(node, "shortcut") : NULL;
    char where[64];
    snprintf(where, sizeof where, " beside %s", containers[which].name);
    l->layer = ct_layer_find(containers[which].name);
    if (!(l->args = ct_doc_alloc(doc, 1, l->layer->kind.args_size))) return;
    if (l->layer->kind.keys) ct_keys_default(l->layer->kind.keys, l->args);
    for (int i = 0; i < node->n; i++) {
        const char *key = node->key[i]->text;
        if (strcmp(key, containers[which].name) && !ct_key_find(beside, key))
            ct_diag_unknown(doc, node->key[i], where, beside, NULL);
    }
    const char *form = containers[which].form;
    bool joins = !strcmp(form, "branches");
    if (!strcmp(form, "layers")) {
        add_part(doc, value, l);
        if (shortcut) add_part(doc, shortcut, l);
    } else if (value->n && (value->kind == CT_LIST || !joins))
        read_branches(doc, value, l, joins);
    else if (joins && (value->kind == CT_MAP || l->inputs))
        read_join(doc, value, l);
    else
        ct_diag(doc, CT_ERROR, value, "%s wants %s", containers[which].name, form_words(form));
}

void ct_model_read(ct_doc *doc, const ct_yaml *node, ct_model_spec *out) {
    *out = (ct_model_spec){.at = node};
    if (node->kind != CT_LIST || !node->n) {
        ct_diag(doc, CT_ERROR, node, "expected a list of layers, such as [flatten, linear: 128, relu, linear: 10]");
        return;
    }
    int n;
    const ct_kind *const *kinds = ct_layer_kinds(&n);
    if (!(out->layer = ct_doc_alloc(doc, (size_t)node->n, sizeof *out->layer))) return;
    for (int i = 0; i < node->n; i++) {
        const ct_yaml *item = node->value[i], *value;
        ct_layer_spec *l = &out->layer[out->n];
        *l = (ct_layer_spec){.name = read_name(doc, item, out), .at = item};
        if (item->kind == CT_MAP) {
            l->inputs = read_inputs(doc, ct_yaml_get(item, "inputs"));
            l->outputs = read_outputs(doc, ct_yaml_get(item, "outputs"));
        }
        int which = container_of(item, &value);
        if (which >= 0) {
            read_container(doc, item, which, value, l);
            out->n++;
            continue;
        }
        const ct_kind *kind = ct_read_kind(doc, item, "layer", kinds, n, &l->args, ct_layer_beside);
        const char *form;
        if (kind && ct_container_beside(kind->name, &form))
            ct_diag(doc, CT_ERROR, item, "%s wants %s", kind->name, form_words(form)), kind = NULL;
        if (!kind) continue;
        l->layer = ct_layer_find(kind->name);
        out->n++;
    }
}
