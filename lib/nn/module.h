/* Layers and what is made of them. A layer is a row; a module is a layer with its parameters, or a list of modules. */
#ifndef CT_NN_MODULE_H
#define CT_NN_MODULE_H
#include "ops/ops.h"

typedef struct ct_module ct_module;

typedef struct ct_layer {
    ct_kind kind;
    /* Makes the parameters that inputs of this layout need. NULL: none. */
    ct_status (*build)(ct_module *m, const ct_layout *in);
    ct_tensor *(*forward)(ct_module *m, ct_tensor *x);
} ct_layer;

typedef struct ct_param {
    char *name;        /* "weight" */
    ct_tensor *tensor; /* kept */
    bool trained;      /* else a buffer: a running statistic */
} ct_param;

#define CT_MAX_PARAMS 8

struct ct_module {
    const ct_layer *layer; /* NULL: a list */
    const ct_op *op;       /* of a layer that is an op */
    char *name;            /* its own part of the dotted name; "" at the root */
    char *path;            /* all of it: "stage1.0.conv1" */
    void *args;            /* defaults resolved */
    uint64_t seed;         /* of its parameters' first values */
    bool training;
    ct_param param[CT_MAX_PARAMS];
    int n_params;
    ct_module **child;
    int n_children;
    size_t cap_children;
};

/* A layer by name: one of those with parameters or modes, or any op of one input. NULL when there is none. */
const ct_layer *ct_layer_find(const char *name);
/* The kinds of all layers, ops included; *n of them. For messages and schemas. */
const ct_kind *const *ct_layer_kinds(int *n);

/* An empty list of modules; NULL: no memory. */
ct_module *ct_module_list(const char *name, uint64_t seed);
/* Adds a layer named `name` (NULL: its number) to `list` and makes its parameters for inputs of layout `in`. args: its
   struct, copied, as a spec gives it (all defaults filled). On failure the list is as before. */
ct_status ct_module_add(ct_module *list, const ct_layer *layer, const char *name, const void *args, const ct_layout *in);
void ct_module_free(ct_module *m);
ct_tensor *ct_module_forward(ct_module *m, ct_tensor *x);
void ct_module_train(ct_module *m, bool training);

/* Every parameter and buffer in order, with its dotted name. */
typedef struct ct_entry { char name[256]; ct_param *param; } ct_entry;
int ct_module_count(const ct_module *m);
void ct_module_entries(ct_module *m, ct_entry *out); /* ct_module_count of them */

/* ---- for layers' build ---- */
/* A parameter of uniform numbers in [-bound, bound), keyed by seed and dotted name. */
ct_status ct_param_new(ct_module *m, const char *name, ct_dims shape, double bound);
/* The same, of one value. */
ct_status ct_param_full(ct_module *m, const char *name, ct_dims shape, double value);
ct_status ct_buffer_new(ct_module *m, const char *name, ct_dtype dtype, ct_dims shape, double value);
/* Parameter i, or NULL when the module has fewer. */
static inline ct_tensor *ct_param_at(const ct_module *m, int i) { return i < m->n_params ? m->param[i].tensor : NULL; }
#endif
