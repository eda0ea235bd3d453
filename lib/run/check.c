/* A spec looked at without its data. */
#include "base/alloc.h"
#include "data/manifest.h"
#include "run/model.h"
#include <stdio.h>
#include <string.h>

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

ct_status ct_spec_fields(const ct_spec *spec, ct_fields *out) {
    const ct_data_args *d = &spec->data;
    *out = (ct_fields){0};
    if (d->tensors || (d->images && !d->size[0])) return CT_OK;
    if (d->images) {
        ct_layout input = ct_layout_of(CT_F32, CT_DIMS(1, d->channels ? d->channels : 1, d->size[0], d->size[1]));
        ct_fields_classes(&input, count_classes(spec, NULL, -1), out);
        return CT_OK;
    }
    if (d->dataset && !strcmp(d->dataset, "random")) {
        CT_TRY(ct_random_fields(d, out));
        out->classes = count_classes(spec, NULL, out->classes);
        return CT_OK;
    }
    int tokens = d->tokenizer == 1 ? 256 : -1; /* characters are known when the text is read */
    if (d->dataset && !strcmp(d->dataset, "text")) {
        ct_text_fields(d->block_size, tokens, out);
        return ct_text_check(d);
    }
    ct_manifest *m;
    CT_TRY(ct_manifest_load(d->dataset ? d->dataset : "digits", &m));
    char **names;
    int classes;
    ct_status status = ct_manifest_classes(m, d->labels, &names, &classes);
    if (!status && !strcmp(m->format, "text"))
        ct_text_fields(d->block_size, tokens, out);
    else if (!status && m->shape.n && m->shape.n < CT_MAX_DIMS) {
        ct_dims s = {m->shape.n + 1, {1}};
        for (int i = 0; i < m->shape.n; i++) s.v[i + 1] = m->shape.v[i];
        ct_layout input = ct_layout_of(CT_F32, s);
        ct_fields_classes(&input, count_classes(spec, names, classes), out);
    }
    ct_manifest_free(m);
    return status;
}

typedef struct table {
    ct_check_report *r;
    size_t cap;
} table;

static void add_row(void *ctx, const ct_module *m, const ct_layout *in, const ct_layout *out) {
    (void)in;
    table *t = ctx;
    ct_layer_report *p = ct_grow(t->r->layer, (size_t)t->r->n_layers, &t->cap, sizeof *p);
    if (!p) return;
    t->r->layer = p, p += t->r->n_layers++;
    *p = (ct_layer_report){0};
    snprintf(p->name, sizeof p->name, "%s", m->path);
    snprintf(p->layer, sizeof p->layer, "%s", m->layer->kind.name);
    ct_batch_text(out, p->output, sizeof p->output);
    p->parameters = ct_module_parameters(m);
}

ct_status ct_spec_check(ct_spec *spec, ct_check_report *out, char **messages) {
    ct_fields fields;
    ct_net net;
    table t = {out, 0};
    *out = (ct_check_report){0};
    if (messages) *messages = NULL;
    ct_scope *scope = ct_scope_open();
    if (!scope) return CT_NO_MEMORY;
    ct_status status = ct_spec_fields(spec, &fields);
    if (status == CT_BAD_SPEC)
        ct_diag(spec->doc, CT_ERROR, ct_yaml_get(ct_yaml_get(spec->root, "data"), "dataset"), "%s", ct_error()),
            status = CT_OK;
    else if (!status && fields.n) {
        ct_batch_text(&fields.of[0].layout, out->input, sizeof out->input);
        status = ct_net_look(spec, &fields, add_row, &t, &net);
        if (!status) out->parameters = ct_module_parameters(net.module), out->trainable = ct_module_trained(net.module);
        if (!status) status = ct_run_trainable(spec, net.module);
        ct_net_free(&net);
    }
    ct_status closed = ct_scope_close(scope); /* what went wrong inside is a diagnostic already */
    ct_status said = ct_spec_messages(spec, messages);
    if (!status) status = said ? said : closed;
    if (status) ct_check_report_free(out);
    return status;
}

void ct_check_report_free(ct_check_report *r) {
    ct_free(r->layer);
    *r = (ct_check_report){0};
}
