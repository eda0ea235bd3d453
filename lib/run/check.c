/* A spec looked at without its data. */
#include "base/alloc.h"
#include "data/manifest.h"
#include "ops/shape_util.h"
#include "run/model.h"
#include <stdio.h>
#include <string.h>

/* What is known of the input without data: from the manifest, or from data.size. classes 0: not known. */
static ct_status known_input(const ct_spec *spec, ct_layout *input, int *classes) {
    const ct_data_args *d = &spec->data;
    int64_t n = spec->train.batch_size > 1 ? 2 : 1; /* batch norm refuses a batch of one sample */
    *classes = 0, input->ndim = 0;
    if (d->images) {
        if (d->size[0])
            *input = ct_layout_of(CT_F32, CT_DIMS(n, d->channels ? d->channels : 1, d->size[0], d->size[1]));
        return CT_OK;
    }
    if (d->dataset && !strcmp(d->dataset, "random")) {
        ct_dims s = {d->shape.n + 1, {n}};
        for (int i = 0; i < d->shape.n && i < CT_MAX_DIMS - 1; i++) s.v[i + 1] = d->shape.v[i];
        *classes = (int)d->classes;
        if (d->shape.n && d->shape.n < CT_MAX_DIMS) *input = ct_layout_of(CT_F32, s);
        return CT_OK;
    }
    ct_manifest *m;
    CT_TRY(ct_manifest_load(d->dataset ? d->dataset : "digits", &m));
    char **names;
    ct_status status = ct_manifest_classes(m, d->labels, &names, classes);
    if (m->shape.n && m->shape.n < CT_MAX_DIMS) {
        ct_dims s = {m->shape.n + 1, {n}};
        for (int i = 0; i < m->shape.n; i++) s.v[i + 1] = m->shape.v[i];
        *input = ct_layout_of(CT_F32, s);
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

static void check_model(const ct_spec *spec, const ct_layout *input, int classes, ct_check_report *out) {
    ct_layout result;
    table t = {out, 0};
    ct_model_spec model = spec->model;
    model.shapes_only = true;
    if (ct_shape_make("data", input, CT_F32, input->size, input->ndim, &(ct_layout){0})) {
        ct_diag(spec->doc, CT_ERROR, ct_yaml_get(spec->root, "data"), "%s", ct_error());
        return;
    }
    ct_module *m = ct_model_build(spec->doc, &model, 0, input, &result, add_row, &t);
    if (m && classes) ct_run_check_output(spec, &result, classes);
    out->parameters = ct_module_parameters(m), out->trainable = ct_module_trained(m);
    ct_module_free(m);
}

ct_status ct_spec_check(ct_spec *spec, ct_check_report *out, char **messages) {
    ct_layout input;
    int classes;
    *out = (ct_check_report){0};
    if (messages) *messages = NULL;
    ct_scope *scope = ct_scope_open();
    if (!scope) return CT_NO_MEMORY;
    ct_status status = known_input(spec, &input, &classes);
    if (status == CT_BAD_SPEC)
        ct_diag(spec->doc, CT_ERROR, ct_yaml_get(ct_yaml_get(spec->root, "data"), "dataset"), "%s", ct_error()),
            status = CT_OK;
    else if (!status && input.ndim) {
        ct_batch_text(&input, out->input, sizeof out->input);
        check_model(spec, &input, classes, out);
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
