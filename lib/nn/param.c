/* Parameters and buffers of a module, with their first values. */
#include "base/alloc.h"
#include "base/hash.h"
#include "nn/init.h"
#include "nn/module.h"
#include <stdio.h>
#include <string.h>

static ct_tensor *blank(const ct_module *m, ct_dtype dtype, ct_dims shape) {
    return m->begin == CT_BEGIN_SHAPES ? ct_tensor_shell(dtype, shape) : ct_zeros(dtype, shape);
}

static ct_status add(ct_module *m, const char *name, ct_tensor *t, bool trained) {
    if (ct_why(t)) return t->status;
    ct_param *p = ct_grow(m->param, (size_t)m->n_params, &m->cap_params, sizeof *p);
    if (!p) return CT_NO_MEMORY;
    m->param = p;
    char *copy = ct_strdup(name);
    if (!copy) return CT_NO_MEMORY;
    if (trained) ct_requires_grad(t, true);
    t->storage->counted = true;
    p[m->n_params++] = (ct_param){.name = copy, .tensor = ct_keep(t), .trained = trained};
    return CT_OK;
}

typedef ct_status fill_fn(ct_tensor *t, ct_philox_key key, double a, double b);

static ct_status add_random(ct_module *m, const char *name, ct_dims shape, bool trained, fill_fn *fill, double a,
                            double b) {
    ct_tensor *t = blank(m, CT_F32, shape);
    if (ct_why(t)) return t->status;
    char path[512];
    snprintf(path, sizeof path, "%s.%s", m->path, name);
    if (m->begin == CT_BEGIN_DRAWN) CT_TRY(fill(t, ct_philox_make(m->seed, ct_hash_name(path)), a, b));
    return add(m, name, t, trained);
}

static ct_status add_full(ct_module *m, const char *name, ct_dtype dtype, ct_dims shape, double value, bool trained) {
    return add(m, name, m->begin == CT_BEGIN_SHAPES ? blank(m, dtype, shape) : ct_full(dtype, shape, value), trained);
}

ct_status ct_param_new(ct_module *m, const char *name, ct_dims shape, double bound) {
    return add_random(m, name, shape, true, ct_fill_uniform, -bound, bound);
}

ct_status ct_param_normal(ct_module *m, const char *name, ct_dims shape, double std) {
    return add_random(m, name, shape, true, ct_fill_normal, 0, std);
}

ct_status ct_buffer_normal(ct_module *m, const char *name, ct_dims shape, double std) {
    return add_random(m, name, shape, false, ct_fill_normal, 0, std);
}

ct_status ct_param_full(ct_module *m, const char *name, ct_dims shape, double value) {
    return add_full(m, name, CT_F32, shape, value, true);
}

ct_status ct_buffer_new(ct_module *m, const char *name, ct_dtype dtype, ct_dims shape, double value) {
    return add_full(m, name, dtype, shape, value, false);
}

ct_tensor *ct_param_named(const ct_module *m, const char *name) {
    for (int i = 0; i < m->n_params; i++)
        if (!strcmp(m->param[i].name, name)) return m->param[i].tensor;
    return NULL;
}
