/* A spec looked at without its data. */
#include "base/alloc.h"
#include "base/number.h"
#include "run/cost.h"
#include "run/model.h"
#include <stdio.h>
#include <string.h>

typedef struct table {
    ct_check_report *r;
    const ct_module **module; /* of each row */
    size_t cap, cap_modules;
} table;

static void add_row(void *ctx, const ct_module *m, const ct_layout *in, const ct_layout *out) {
    (void)in;
    table *t = ctx;
    size_t n = (size_t)t->r->n_layers;
    ct_layer_report *p = ct_grow(t->r->layer, n, &t->cap, sizeof *p);
    if (p) t->r->layer = p, p += n;
    const ct_module **module = ct_grow(t->module, n, &t->cap_modules, sizeof *module);
    if (module) t->module = module;
    if (!p || !module) return;
    *p = (ct_layer_report){0};
    snprintf(p->name, sizeof p->name, "%s", m->path);
    snprintf(p->layer, sizeof p->layer, "%s", m->layer->kind.name);
    ct_batch_text(out, p->output, sizeof p->output);
    module[t->r->n_layers++] = m;
}

/* Fills the rows with what their modules cost. Of layers made of lists it is what they add to them; those that add
   nothing are left out. */
static ct_status add_costs(const table *t, const ct_net *net, const ct_data_size *data) {
    ct_check_report *r = t->r;
    int n = 0;
    ct_cost *cost = ct_alloc((size_t)r->n_layers, sizeof *cost);
    if (!cost) return CT_NO_MEMORY;
    ct_status status = ct_cost_look(net, data, t->module, r->n_layers, cost, &r->batch, &r->memory);
    for (int i = 0; i < r->n_layers; i++) {
        bool of_lists = t->module[i]->n_children && !t->module[i]->child[0]->layer;
        if (of_lists && !cost[i].ops) continue;
        ct_layer_report *p = &r->layer[n++];
        *p = r->layer[i];
        p->parameters = of_lists ? 0 : ct_module_parameters(t->module[i]);
        p->multiply_adds = cost[i].multiply_adds, p->activations = cost[i].bytes;
        r->multiply_adds = ct_count_add(r->multiply_adds, p->multiply_adds);
        r->activations = ct_count_add(r->activations, p->activations);
    }
    r->n_layers = n;
    ct_free(cost);
    return status;
}

static int64_t sum(const ct_memory_report *m) {
    int64_t weights = ct_count_add(ct_count_add(m->parameters, m->averages), ct_count_add(m->gradients, m->optimizer));
    int64_t arena = ct_count_add(m->activations, m->workspace),
            rest = ct_count_add(m->batch, ct_count_add(m->plans, CT_MAX(m->data, 0)));
    return ct_count_add(ct_count_add(weights, arena), rest);
}

static ct_status look(const ct_spec *spec, const ct_fields *fields, const ct_data_size *data, ct_check_report *out) {
    ct_net net;
    table t = {.r = out};
    ct_batch_text(&fields->of[0].layout, out->input, sizeof out->input);
    ct_status status = ct_net_look(spec, fields, add_row, &t, &net);
    if (!status) {
        out->parameters = ct_module_parameters(net.module), out->trainable = ct_module_trained(net.module);
        status = ct_run_trainable(spec, net.module);
        if (!status) status = add_costs(&t, &net, data);
        out->peak = sum(&out->memory);
    }
    ct_net_free(&net);
    ct_free(t.module);
    return status;
}

ct_status ct_spec_check(ct_spec *spec, ct_check_report *out, char **messages) {
    ct_fields fields;
    ct_data_size data;
    *out = (ct_check_report){0};
    if (messages) *messages = NULL;
    ct_scope *scope = ct_scope_open();
    if (!scope) return CT_NO_MEMORY;
    ct_status status = ct_spec_fields(spec, &fields, &data);
    if (!status) snprintf(out->why, sizeof out->why, "%s", data.why);
    if (!status && fields.n) status = look(spec, &fields, &data, out);
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
