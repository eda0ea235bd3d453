/* Reading `model:`. */
#include "spec/model.h"
#include "spec/expand.h"
#include "yaml/read.h"
#include <stdio.h>
#include <string.h>

#define BESIDE                                                                                                      \
    {"name", CT_KEY_STRING, .help = "its part of dotted names, instead of its place in the list"},                  \
        {"inputs", CT_KEY_NODE, .choices = "names", .help = "names of earlier layers whose results it reads"}, {    \
        "repeat", CT_KEY_INT, .def = 1, .max = CT_MAX_REPEAT, .help = "so many of it, each with its own parameters" \
    }
const ct_key ct_layer_beside[] = {BESIDE, {0}};
static const ct_key shortcut_beside[] = {
    BESIDE,
    {"shortcut", CT_KEY_NODE, .choices = "layers", .help = "what the input goes through on its way around"},
    {0}};

/* Layers whose value is made of lists: one list, or a list of branches. */
static const struct {
    const char *name;
    bool branches;
    const ct_key *beside;
} containers[] = {{"sequential", false, ct_layer_beside},
                  {"residual", false, shortcut_beside},
                  {"add", true, ct_layer_beside},
                  {"mul", true, ct_layer_beside},
                  {"concat", true, ct_layer_beside}};

const ct_key *ct_container_beside(const char *layer, const char **form) {
    for (int i = 0; i < CT_COUNT(containers); i++)
        if (!strcmp(containers[i].name, layer)) {
            *form = containers[i].branches ? "branches" : "layers";
            return containers[i].beside;
        }
    return NULL;
}

/* The name a layer is given: letters, digits, _ and -, as it becomes part of dotted names. */
static const char *read_name(ct_doc *doc, const ct_yaml *node, const ct_model_spec *sofar) {
    const ct_yaml *name = node->kind == CT_MAP ? ct_yaml_get(node, "name") : NULL;
    if (!name) return NULL;
    if (name->kind != CT_SCALAR || !*name->text || strlen(name->text) > 63 ||
        strspn(name->text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") != strlen(name->text)) {
        ct_diag(doc, CT_ERROR, name, "a layer's name is 1 to 63 letters, digits, '_' or '-'");
        return NULL;
    }
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
    if (!l->inputs) ct_diag(doc, CT_ERROR, value, "%s wants a list of branches, or inputs", l->layer->kind.name);
    bool nothing = value->kind == CT_SCALAR && !value->quoted && !*value->text;
    ct_read_keys(doc, nothing ? NULL : value, l->layer->kind.name,
                 l->layer->kind.keys ? l->layer->kind.keys : &(ct_key){0}, l->args, inputs);
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
    if (!containers[which].branches) {
        add_part(doc, value, l);
        if (shortcut) add_part(doc, shortcut, l);
    } else if (value->kind == CT_LIST && value->n)
        for (int i = 0; i < value->n && i < CT_MAX_IN; i++) add_part(doc, value->value[i], l);
    else if (value->kind == CT_MAP || l->inputs)
        read_join(doc, value, l);
    else
        ct_diag(doc, CT_ERROR, value, "%s wants a list of branches, or inputs", containers[which].name);
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
        if (item->kind == CT_MAP) l->inputs = read_inputs(doc, ct_yaml_get(item, "inputs"));
        int which = container_of(item, &value);
        if (which >= 0) {
            read_container(doc, item, which, value, l);
            out->n++;
            continue;
        }
        const ct_kind *kind = ct_read_kind(doc, item, "layer", kinds, n, &l->args, ct_layer_beside);
        const char *form;
        if (kind && ct_container_beside(kind->name, &form))
            ct_diag(doc, CT_ERROR, item, "%s wants %s", kind->name,
                    strcmp(form, "layers") ? "a list of branches, or inputs" : "a list of layers"),
                kind = NULL;
        if (!kind) continue;
        l->layer = ct_layer_find(kind->name);
        out->n++;
    }
}
