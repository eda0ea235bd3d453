#include "nn/container.h"
#include "base/alloc.h"
#include "tensor/scope.h"
#include "yaml/read.h"
#include <stdio.h>
#include <string.h>

#define MAX_PATH 200 /* with a parameter's name behind it, a path fits into a ct_entry */

static ct_status module_new(const ct_module *parent, const char *name, uint64_t seed, ct_module **out) {
    char path[MAX_PATH];
    const char *dot = parent && *parent->path && *name ? "." : "";
    int n = snprintf(path, sizeof path, "%s%s%s", parent ? parent->path : "", dot, name);
    if (n < 0 || (size_t)n >= sizeof path) return ct_fail(CT_FAIL, "a module's name is too long: '%.60s...'", path);
    ct_module *m = ct_alloc(1, sizeof *m);
    if (!m) return CT_NO_MEMORY;
    m->seed = seed, m->training = true;
    if (parent) m->training = parent->training, m->begin = parent->begin;
    if ((m->name = ct_strdup(name)) && (m->path = ct_strdup(path))) {
        *out = m;
        return CT_OK;
    }
    ct_module_free(m);
    return CT_NO_MEMORY;
}

ct_module *ct_module_list(const char *name, uint64_t seed) {
    ct_module *m;
    return module_new(NULL, name, seed, &m) ? NULL : m;
}

void ct_module_free(ct_module *m) {
    if (!m) return;
    for (int i = 0; i < m->n_children; i++) ct_module_free(m->child[i]);
    for (int i = 0; i < m->n_inputs; i++) ct_module_free(m->input[i]);
    for (int i = 0; i < m->n_outputs; i++) ct_module_free(m->output[i]);
    for (int i = 0; i < m->n_numbers; i++) ct_module_free(m->number[i]);
    for (int i = 0; i < m->n_params; i++) {
        ct_drop(m->param[i].tensor);
        ct_free(m->param[i].name);
    }
    ct_free(m->param), ct_free(m->trained), ct_free(m->input), ct_free(m->output), ct_free(m->child), ct_free(m->args),
        ct_free(m->name), ct_free(m->path), ct_free(m);
}

/* Whether a layer takes n inputs, of which those are absent whose bits are set: none that it must have, and none of a
   join. */
static ct_status want_inputs(const ct_layer *layer, int n, unsigned absent) {
    int least = layer->forward_all ? layer->min_in : 1, most = layer->forward_all ? layer->max_in : 1;
    int needed = most == CT_MAX_IN ? n : least;
    for (int i = 0; i < needed && i < n; i++)
        if (absent >> i & 1) return ct_fail(CT_FAIL, "%s: its input %d is missing", layer->kind.name, i + 1);
    if (n >= least && n <= most) return CT_OK;
    char range[32] = "";
    if (most > least) snprintf(range, sizeof range, " to %d", most);
    return ct_fail(CT_FAIL, "%s wants %d%s input%s, it has %d", layer->kind.name, least, range, most > 1 ? "s" : "", n);
}

static ct_status build(ct_module *m, const void *args, const ct_layout *in, int n_in) {
    ct_layout all[CT_MAX_IN] = {0};
    unsigned absent = 0;
    for (int i = 0; i < n_in; i++) absent |= (unsigned)!in[i].dtype << i;
    CT_TRY(want_inputs(m->layer, n_in, absent));
    if (n_in) memcpy(all, in, (size_t)n_in * sizeof *in);
    if (!(m->args = ct_alloc(1, m->layer->kind.args_size))) return CT_NO_MEMORY;
    if (args) memcpy(m->args, args, m->layer->kind.args_size);
    return m->layer->build ? m->layer->build(m, all) : CT_OK;
}

ct_status ct_module_add_all(ct_module *list, const ct_layer *layer, const char *name, const void *args,
                            const ct_layout *in, int n_in) {
    char number[16];
    snprintf(number, sizeof number, "%d", list->n_children);
    ct_module **p = ct_grow(list->child, (size_t)list->n_children, &list->cap_children, sizeof *p);
    if (!p) return CT_NO_MEMORY;
    list->child = p;
    ct_module *m;
    CT_TRY(module_new(list, name ? name : number, list->seed, &m));
    m->layer = layer;
    ct_status status = build(m, args, in, n_in);
    if (status)
        ct_module_free(m);
    else
        p[list->n_children++] = m;
    return status;
}

ct_status ct_module_add(ct_module *list, const ct_layer *layer, const char *name, const void *args,
                        const ct_layout *in) {
    return ct_module_add_all(list, layer, name, args, in, 1);
}

ct_status ct_module_part(ct_module *m, const char *name, const char *layer, const ct_layout *in, const char *fmt, ...) {
    char text[512];
    va_list list;
    va_start(list, fmt);
    vsnprintf(text, sizeof text, fmt, list);
    va_end(list);
    const ct_layer *l = ct_layer_find(layer);
    if (!l) return ct_fail(CT_FAIL, "there is no layer '%s'", layer);
    void *args = ct_alloc(1, l->kind.args_size);
    ct_status status = args ? ct_read_args_text(l->kind.keys, text, args) : CT_NO_MEMORY;
    if (!status) status = ct_module_add(m, l, name, args, in);
    ct_free(args);
    return status;
}

ct_module *ct_module_part_list(ct_module *m, const char *name) {
    ct_module **p = ct_grow(m->child, (size_t)m->n_children, &m->cap_children, sizeof *p), *list;
    if (!p) return NULL;
    m->child = p;
    return module_new(m, name, m->seed, &list) ? NULL : (p[m->n_children++] = list);
}

/* One more module that does nothing, at the end of a list of n. */
static ct_status add_stand_in(ct_module ***list, int *n, const ct_module *m, const char *name) {
    ct_module **p = ct_realloc(*list, (size_t)*n + 1, sizeof *p);
    if (!p) return CT_NO_MEMORY;
    *list = p;
    CT_TRY(module_new(NULL, name, m->seed, &p[*n]));
    ++*n;
    return CT_OK;
}

ct_status ct_module_add_input(ct_module *model, const char *name) {
    return add_stand_in(&model->input, &model->n_inputs, model, name);
}

ct_status ct_module_add_output(ct_module *m, const char *name) {
    return add_stand_in(&m->output, &m->n_outputs, m, name);
}

void ct_module_give(ct_module *model, ct_tensor *const *in, int n_in) {
    for (int i = 0; i < model->n_inputs; i++) model->input[i]->last = i < n_in ? in[i] : NULL;
}

ct_status ct_module_read_value(ct_module *m, ct_module *from) {
    if (m->n_sources == CT_MAX_IN) return ct_fail(CT_FAIL, "a layer reads at most %d values", CT_MAX_IN);
    m->source[m->n_sources++] = from;
    return CT_OK;
}

ct_status ct_module_read_number(ct_module *m, ct_dtype dtype, double value) {
    ct_module *one;
    CT_TRY(module_new(m, "", m->seed, &one));
    ct_status status = ct_buffer_new(one, "value", dtype, (ct_dims){0}, value);
    if (!status) status = ct_module_read_value(m, one);
    if (status) {
        ct_module_free(one);
        return status;
    }
    one->last = ct_param_at(one, 0);
    m->number[m->n_numbers++] = one;
    return CT_OK;
}

static ct_tensor *forward_layer(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out) {
    ct_tensor *all[CT_MAX_IN] = {0};
    unsigned absent = 0;
    for (int i = 0; i < n_in; i++) absent |= (unsigned)!in[i] << i;
    ct_status status = want_inputs(m->layer, n_in, absent);
    if (status) return ct_tensor_failed(status);
    for (int i = 0; i < n_in; i++) {
        if (in[i] && ct_why(in[i])) return in[i];
        all[i] = in[i];
    }
    ct_random_name(m->path);
    return m->layer->forward_all ? m->layer->forward_all(m, all, out) : m->layer->forward(m, in[0]);
}

ct_tensor *ct_module_forward_all(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out) {
    ct_tensor *read[CT_MAX_IN], *own[CT_MAX_IN];
    const ct_graph *g = ct_capturing();
    m->node = g ? g->n : 0;
    if (!out && m->n_outputs) out = own;
    if (out) memset(out, 0, CT_MAX_IN * sizeof *out);
    ct_module_give(m, in, n_in);
    if (m->n_inputs) n_in = 1;
    for (int i = 0; i < m->n_sources; i++) read[i] = m->source[i] ? m->source[i]->last : NULL;
    if (m->n_sources) in = read, n_in = m->n_sources;
    ct_tensor *y = in[0];
    if (m->layer)
        y = forward_layer(m, in, n_in, out);
    else if (m->n_children)
        y = ct_module_forward_all(m->child[0], in, n_in, out);
    for (int i = 1; !m->layer && i < m->n_children; i++) y = ct_module_forward_all(m->child[i], &y, 1, out);
    if (out) out[0] = y;
    for (int i = 0; i < m->n_outputs; i++) m->output[i]->last = out[1 + i];
    m->nodes = g ? g->n - m->node : 0;
    return m->last = y;
}

ct_tensor *ct_module_forward(ct_module *m, ct_tensor *x) {
    if (!m) return ct_tensor_error(CT_FAIL, "forward: there is no module");
    ct_scope *guard = ct_scope_guard();
    return ct_scope_end(guard, ct_module_forward_all(m, &x, 1, NULL));
}

void ct_module_train(ct_module *m, bool training) {
    if (!m) return;
    m->training = training;
    for (int i = 0; i < m->n_children; i++) ct_module_train(m->child[i], training);
}

/* Those of a module that are tied, or that are not: how many; out may be NULL. */
static int list_entries(const ct_module *m, bool tied, ct_entry *out) {
    int n = 0;
    for (int i = 0; i < m->n_params; i++) {
        if (m->param[i].tied != tied) continue;
        if (out) {
            snprintf(out[n].name, sizeof out->name, "%s%s%s", m->path, *m->path ? "." : "", m->param[i].name);
            out[n].param = &m->param[i];
        }
        n++;
    }
    for (int i = 0; i < m->n_children; i++) n += list_entries(m->child[i], tied, out ? out + n : NULL);
    return n;
}

int ct_module_count(const ct_module *m) { return list_entries(m, false, NULL); }
void ct_module_entries(ct_module *m, ct_entry *out) { list_entries(m, false, out); }
int ct_module_ties(const ct_module *m, ct_entry *out) { return list_entries(m, true, out); }

static int64_t numbers(const ct_module *m, bool frozen_too) {
    int64_t n = 0;
    for (int i = 0; m && i < m->n_params; i++) {
        const ct_param *p = &m->param[i];
        if (!p->trained && !(frozen_too && p->frozen)) continue;
        if (__builtin_add_overflow(n, ct_numel(p->tensor), &n)) return INT64_MAX;
    }
    for (int i = 0; m && i < m->n_children; i++)
        if (__builtin_add_overflow(n, numbers(m->child[i], frozen_too), &n)) return INT64_MAX;
    return n;
}

int64_t ct_module_trained(const ct_module *m) { return numbers(m, false); }
int64_t ct_module_parameters(const ct_module *m) { return numbers(m, true); }
