#include "spec/model.h"
#include "yaml/read.h"
#include <stdio.h>
#include <string.h>

static const char *const beside[] = {"name", NULL};

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

void ct_model_read(ct_doc *doc, const ct_yaml *node, ct_model_spec *out) {
    *out = (ct_model_spec){.at = node};
    if (node->kind != CT_LIST || !node->n) {
        ct_diag(doc, CT_ERROR, node, "model must be a list of layers, such as [flatten, linear: 128, relu, linear: 10]");
        return;
    }
    int n;
    const ct_kind *const *kinds = ct_layer_kinds(&n);
    if (!(out->layer = ct_doc_alloc(doc, (size_t)node->n, sizeof *out->layer))) return;
    for (int i = 0; i < node->n; i++) {
        ct_layer_spec *l = &out->layer[out->n];
        *l = (ct_layer_spec){.name = read_name(doc, node->value[i], out), .at = node->value[i]};
        const ct_kind *kind = ct_read_kind(doc, l->at, "layer", kinds, n, &l->args, beside);
        if (!kind) continue;
        l->layer = ct_layer_find(kind->name);
        out->n++;
    }
}

void ct_batch_text(const ct_layout *l, char *out, size_t size) {
    char text[128];
    ct_layout_text(l, text, sizeof text);
    const char *rest = strchr(text, ',');
    snprintf(out, size, l->ndim ? "(N%s" : "%s", l->ndim ? (rest ? rest : ")") : text);
}

/* Adds layer i and sends a shape through it: *x becomes its output. */
static bool build_layer(ct_doc *doc, const ct_model_spec *spec, int i, ct_module *list, ct_tensor **x) {
    const ct_layer_spec *l = &spec->layer[i];
    const ct_layout in = (*x)->layout;
    char text[128];
    ct_tensor *y = NULL;
    ct_status status = ct_module_add(list, l->layer, l->name, l->args, &in);
    if (!status) y = ct_module_forward(list->child[i], *x);
    if (y && !ct_why(y)) {
        *x = y;
        return true;
    }
    ct_batch_text(&in, text, sizeof text);
    ct_diag(doc, CT_ERROR, l->at, "%s", y ? ct_why(y) : ct_error());
    if (i) ct_diag(doc, CT_NOTE, spec->layer[i - 1].at, "its input, %s, comes from here", text);
    else ct_diag(doc, CT_NOTE, spec->at, "its input is the data, %s", text);
    return false;
}

ct_module *ct_model_build(ct_doc *doc, const ct_model_spec *spec, uint64_t seed, const ct_layout *in, ct_layout *out,
                          ct_layer_seen seen, void *ctx) {
    ct_module *list = ct_module_list("", seed);
    ct_scope *scope = ct_scope_open();
    ct_graph g;
    bool ok = list && scope && !ct_capture_begin(&g);
    if (ok) {
        ct_tensor *x = ct_tensor_make(in, NULL, 0);
        for (int i = 0; ok && i < spec->n; i++) {
            ct_layout before = x->layout;
            ok = build_layer(doc, spec, i, list, &x);
            if (ok && seen) seen(ctx, list->child[i], &before, &x->layout);
        }
        *out = x->layout;
        ct_capture_end(&g);
        ct_graph_free(&g);
    }
    if (scope && ct_scope_close(scope)) ok = false;
    if (ok) return list;
    ct_module_free(list);
    return NULL;
}
