#include "nn/module.h"
#include "base/alloc.h"
#include "base/hash.h"
#include "base/philox.h"
#include <stdio.h>
#include <string.h>

static ct_module *module_new(const ct_module *parent, const char *name, uint64_t seed) {
    ct_module *m = ct_alloc(1, sizeof *m);
    if (!m) return NULL;
    char path[256];
    snprintf(path, sizeof path, "%s%s%s", parent ? parent->path : "", parent && *parent->path ? "." : "", name);
    m->seed = seed, m->training = true;
    if ((m->name = ct_strdup(name)) && (m->path = ct_strdup(path))) return m;
    ct_module_free(m);
    return NULL;
}

ct_module *ct_module_list(const char *name, uint64_t seed) { return module_new(NULL, name, seed); }

void ct_module_free(ct_module *m) {
    if (!m) return;
    for (int i = 0; i < m->n_children; i++) ct_module_free(m->child[i]);
    for (int i = 0; i < m->n_params; i++) {
        ct_drop(m->param[i].tensor);
        ct_free(m->param[i].name);
    }
    ct_free(m->child), ct_free(m->args), ct_free(m->name), ct_free(m->path), ct_free(m);
}

ct_status ct_module_add(ct_module *list, const ct_layer *layer, const char *name, const void *args, const ct_layout *in) {
    char number[16];
    snprintf(number, sizeof number, "%d", list->n_children);
    ct_module *m = module_new(list, name ? name : number, list->seed);
    if (!m) return CT_NO_MEMORY;
    m->layer = layer, m->op = ct_op_find(layer->kind.name), m->training = list->training;
    ct_status status = (m->args = ct_alloc(1, layer->kind.args_size)) ? CT_OK : CT_NO_MEMORY;
    if (!status && args) memcpy(m->args, args, layer->kind.args_size);
    if (!status && layer->build) status = layer->build(m, in);
    ct_module **p = status ? NULL : ct_grow(list->child, (size_t)list->n_children, &list->cap_children, sizeof *p);
    if (!p) {
        ct_module_free(m);
        return status ? status : CT_NO_MEMORY;
    }
    list->child = p, p[list->n_children++] = m;
    return CT_OK;
}

ct_tensor *ct_module_forward(ct_module *m, ct_tensor *x) {
    if (m->layer) {
        ct_random_name(m->path);
        return m->layer->forward(m, x);
    }
    for (int i = 0; i < m->n_children; i++) x = ct_module_forward(m->child[i], x);
    return x;
}

void ct_module_train(ct_module *m, bool training) {
    m->training = training;
    for (int i = 0; i < m->n_children; i++) ct_module_train(m->child[i], training);
}

int ct_module_count(const ct_module *m) {
    int n = m->n_params;
    for (int i = 0; i < m->n_children; i++) n += ct_module_count(m->child[i]);
    return n;
}

void ct_module_entries(ct_module *m, ct_entry *out) {
    for (int i = 0; i < m->n_params; i++, out++) {
        snprintf(out->name, sizeof out->name, "%s%s%s", m->path, *m->path ? "." : "", m->param[i].name);
        out->param = &m->param[i];
    }
    for (int i = 0; i < m->n_children; i++) {
        ct_module_entries(m->child[i], out);
        out += ct_module_count(m->child[i]);
    }
}

static ct_status add_param(ct_module *m, const char *name, ct_tensor *t, bool trained) {
    if (ct_why(t)) return t->status;
    if (m->n_params == CT_MAX_PARAMS) return ct_fail(CT_FAIL, "a layer has at most %d parameters", CT_MAX_PARAMS);
    char *copy = ct_strdup(name);
    if (!copy) return CT_NO_MEMORY;
    if (trained) ct_requires_grad(t, true);
    m->param[m->n_params++] = (ct_param){copy, ct_keep(t), trained};
    return CT_OK;
}

ct_status ct_param_new(ct_module *m, const char *name, ct_dims shape, double bound) {
    ct_tensor *t = ct_zeros(CT_F32, shape);
    if (ct_why(t)) return t->status;
    char path[256];
    snprintf(path, sizeof path, "%s.%s", m->path, name);
    ct_philox_key key = ct_philox_make(m->seed, ct_hash_name(path));
    float *w = ct_data(t);
    int64_t n = ct_numel(t);
    uint32_t words[1024];
    for (int64_t i = 0; i < n; i += CT_COUNT(words)) {
        int64_t k = CT_MIN(CT_COUNT(words), n - i);
        ct_philox_fill(key, 0, (uint64_t)i, k, words);
        for (int64_t j = 0; j < k; j++) w[i + j] = (float)((2.0 * ct_philox_uniform(words[j]) - 1) * bound);
    }
    return add_param(m, name, t, true);
}

ct_status ct_buffer_new(ct_module *m, const char *name, ct_dtype dtype, ct_dims shape, double value) {
    return add_param(m, name, ct_full(dtype, shape, value), false);
}

ct_status ct_param_full(ct_module *m, const char *name, ct_dims shape, double value) {
    return add_param(m, name, ct_full(CT_F32, shape, value), true);
}
