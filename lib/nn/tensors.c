/* A module's tensors, for those who train it, and by name. */
#include "base/alloc.h"
#include "nn/module.h"
#include <stdio.h>
#include <string.h>

/* Appends what is trained to out[n..]; how many there are then. */
static int collect(const ct_module *m, ct_tensor **out, int n) {
    for (int i = 0; i < m->n_params; i++)
        if (m->param[i].trained) out[n++] = m->param[i].tensor;
    for (int i = 0; i < m->n_children; i++) n = collect(m->child[i], out, n);
    return n;
}

ct_tensor *const *ct_module_params(ct_module *m, int *n) {
    *n = 0;
    if (!m) return NULL;
    if (!m->trained && !(m->trained = ct_alloc((size_t)ct_module_count(m), sizeof *m->trained))) return NULL;
    *n = collect(m, m->trained, 0);
    return m->trained;
}

/* Parameter i of all, and the module that has it. */
static const ct_param *find(const ct_module *m, int *i, const ct_module **owner) {
    *owner = m;
    if (*i < m->n_params) return &m->param[*i];
    *i -= m->n_params;
    const ct_param *p = NULL;
    for (int k = 0; !p && k < m->n_children; k++) p = find(m->child[k], i, owner);
    return p;
}

bool ct_module_name(const ct_module *m, int i, char name[256]) {
    const ct_module *owner;
    const ct_param *p = m && i >= 0 ? find(m, &i, &owner) : NULL;
    if (p) snprintf(name, 256, "%s%s%s", owner->path, *owner->path ? "." : "", p->name);
    return p != NULL;
}

ct_tensor *ct_module_tensor(const ct_module *m, const char *name) {
    char its[256];
    for (int i = 0; ct_module_name(m, i, its); i++) {
        const ct_module *owner;
        int k = i;
        if (!strcmp(its, name)) return find(m, &k, &owner)->tensor;
    }
    return NULL;
}
