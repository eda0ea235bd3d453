/* Layers and what is made of them. A layer is a row; a module is a layer with its parameters, or a list of modules. */
#ifndef CT_NN_MODULE_H
#define CT_NN_MODULE_H
#include "ops/ops.h"

/* How a layer treats the elements of a sequence (N, L, ...), from the least that is known to the most. */
typedef enum ct_flow {
    CT_FLOW_MIXED,  /* each may depend on any other */
    CT_FLOW_WINDOW, /* on its place, or on those before it, of which a cache keeps as many as it has room for */
    CT_FLOW_STATE,  /* on those before it by what is kept of them, however many they are */
    CT_FLOW_ALONE   /* on itself alone */
} ct_flow;
#define CT_MAX_KEPT 2 /* tensors that a layer keeps in a cache (nn/cache.h) */

typedef struct ct_layer {
    ct_kind kind;
    /* Makes the parameters and the modules inside that inputs of these layouts need. NULL: none. */
    ct_status (*build)(ct_module *m, const ct_layout *in);
    ct_tensor *(*forward)(ct_module *m, ct_tensor *x);
    /* A layer of several inputs has this instead, and says how many: in[] has CT_MAX_IN of them (absent: NULL, in build
       a dtype of CT_NONE). Results after the first go to out[1]..., where out is given. */
    ct_tensor *(*forward_all)(ct_module *m, ct_tensor *const *in, ct_tensor **out);
    int min_in, max_in;
    /* How it treats a sequence, and the shapes of what it would keep of one with room for `capacity` elements: keeps[],
       CT_MAX_KEPT of no dimensions. NULL: CT_FLOW_MIXED. */
    ct_flow (*flow)(const ct_module *m, int64_t capacity, ct_dims *keeps);
    const ct_op *op; /* of a layer that is an op */
} ct_layer;

/* What parameters begin as: drawn numbers; zeros, for a file to fill; shapes without memory, for a look. */
typedef enum ct_begin { CT_BEGIN_DRAWN, CT_BEGIN_ZERO, CT_BEGIN_SHAPES } ct_begin;

typedef struct ct_param {
    char *name;        /* "weight" */
    ct_tensor *tensor; /* kept */
    bool trained;      /* else it is frozen, or a buffer: a running statistic */
    bool frozen;
    bool tied; /* another's tensor, which is counted, saved and trained there */
} ct_param;

struct ct_module {
    const ct_layer *layer; /* NULL: a list */
    char *name;            /* its own part of the dotted name; "" at the root */
    char *path;            /* all of it: "stage1.0.conv1" */
    void *args;            /* defaults resolved */
    uint64_t seed;         /* of its parameters' first values */
    bool training;
    bool cumulative; /* of a batch_norm: running statistics are means over all batches, not moving averages */
    ct_begin begin;  /* modules inside follow it */
    ct_param *param;
    int n_params;
    size_t cap_params;
    ct_tensor **trained; /* of ct_module_params, once asked for */
    ct_tensor *last;     /* its result in the forward under way */
    size_t node, nodes;  /* what its last forward added to the capture: from which node on, how many */
    ct_module
        *source[CT_MAX_IN]; /* modules whose results it reads, instead of what flows down its list; NULL: absent */
    int n_sources;
    ct_module *number[CT_MAX_IN]; /* of those: its own, which stand for numbers */
    int n_numbers;
    ct_module **output; /* stand-ins for its results after the first, once they have names */
    int n_outputs;
    ct_module **input; /* of a model: stand-ins whose results are what it was given, so that layers can read it */
    int n_inputs;
    ct_module **child; /* of a list, or what a layer is made of */
    int n_children;
    size_t cap_children;
};

ct_flow ct_flow_alone(const ct_module *m, int64_t capacity, ct_dims *keeps); /* CT_FLOW_ALONE */
/* A layer by name: one of those with parameters or modes, or any op of one input. NULL when there is none. */
const ct_layer *ct_layer_find(const char *name);
/* The kinds of all layers, ops included; *n of them. For messages and schemas. */
const ct_kind *const *ct_layer_kinds(int *n);

/* An empty list of modules; NULL: no memory. */
ct_module *ct_module_list(const char *name, uint64_t seed);
/* Adds a layer named `name` (NULL: its number) to `list` and makes its parameters for inputs of layout `in`. args: its
   struct, copied, as a spec gives it (all defaults filled). On failure the list is as before. */
ct_status ct_module_add(ct_module *list, const ct_layer *layer, const char *name, const void *args,
                        const ct_layout *in);
/* The same, for n_in inputs. */
ct_status ct_module_add_all(ct_module *list, const ct_layer *layer, const char *name, const void *args,
                            const ct_layout *in, int n_in);
/* Names a model's next input. */
ct_status ct_module_add_input(ct_module *model, const char *name);
/* What the named inputs are from now on; ct_module_forward_all of the model does it. Absent ones: NULL. */
void ct_module_give(ct_module *model, ct_tensor *const *in, int n_in);
/* With n_in inputs, of which all but the first may be NULL. Returns the first result; the others go to out[1]... where
   `out`, room for CT_MAX_IN, is given (what the layer lacks is NULL). A list hands them to its first module; one with
   named inputs hands it the first. */
ct_tensor *ct_module_forward_all(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out);

/* Every parameter and buffer in order, with its dotted name; tied ones under the first of theirs. */
typedef struct ct_entry {
    char name[256];
    ct_param *param;
} ct_entry;
int ct_module_count(const ct_module *m);
void ct_module_entries(ct_module *m, ct_entry *out); /* ct_module_count of them */
/* Those that are tied to others: how many; out may be NULL. */
int ct_module_ties(const ct_module *m, ct_entry *out);
/* Numbers in its parameters, the frozen ones too; INT64_MAX: more than that. */
int64_t ct_module_parameters(const ct_module *m);

/* ---- for layers' build ---- */
/* A parameter of uniform numbers in [-bound, bound), keyed by seed and dotted name. */
ct_status ct_param_new(ct_module *m, const char *name, ct_dims shape, double bound);
/* The same, of normal numbers; and of one value. */
ct_status ct_param_normal(ct_module *m, const char *name, ct_dims shape, double std);
ct_status ct_param_full(ct_module *m, const char *name, ct_dims shape, double value);
ct_status ct_buffer_new(ct_module *m, const char *name, ct_dtype dtype, ct_dims shape, double value);
ct_status ct_buffer_normal(ct_module *m, const char *name, ct_dims shape, double std);
/* Parameter i, or NULL when the module has fewer. */
static inline ct_tensor *ct_param_at(const ct_module *m, int i) { return i < m->n_params ? m->param[i].tensor : NULL; }
/* By name; NULL when there is none. */
ct_tensor *ct_param_named(const ct_module *m, const char *name);
/* A module inside a layer: layer `layer`, its settings as text ("out_features=4 bias=false"). */
ct_status ct_module_part(ct_module *m, const char *name, const char *layer, const ct_layout *in, const char *fmt, ...)
    CT_PRINTF(5, 6);
#endif
