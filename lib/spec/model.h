/* The spec's `model:`, layers and lists of layers, read and built. */
#ifndef CT_SPEC_MODEL_H
#define CT_SPEC_MODEL_H
#include "nn/module.h"
#include "optim/optim.h"
#include "yaml/node.h"

struct ct_layer_spec;
/* `"*.weight": {normal: 0.02}` of `init:`. */
typedef struct ct_init_use {
    const ct_yaml *pattern;
    const ct_kind *kind;
    void *args; /* the doc's */
} ct_init_use;
/* And what stands beside the patterns: `from: FILE`, whose weights the model starts with. */
typedef struct ct_init_from {
    const char *path, *rename; /* a model file, or a run; a table of names; NULL: none */
    int on_mismatch;           /* of a shape; 0: error, 1: reinit */
} ct_init_from;
extern const ct_key ct_init_beside[];

/* Parameters whose dotted names fit a pattern ("*.bias") have an optimizer or settings of their own. */
typedef struct ct_group_use {
    const ct_yaml *pattern;
    const ct_optimizer *optimizer;
    void *args; /* the doc's */
} ct_group_use;

typedef struct ct_model_spec {
    struct ct_layer_spec *layer;
    int n;
    const char *name; /* of a branch that has one, else NULL */
    const ct_yaml *at;
    const ct_yaml *freeze;         /* of the whole model: a list of patterns, or NULL */
    const ct_yaml *tie;            /* a map of names and names, or NULL */
    const ct_optimizer *optimizer; /* of the parameters of no group; NULL: they are not trained */
    const ct_yaml *optimizer_at;
    ct_group_use *group; /* and n_groups of these */
    int n_groups;
    ct_init_use *init; /* and n_inits of these */
    int n_inits;
    ct_init_from from;
    ct_begin begin; /* of its parameters */
} ct_model_spec;

typedef struct ct_layer_spec {
    const ct_layer *layer;
    void *args;             /* the doc's */
    const char *name;       /* or NULL: its number */
    const ct_yaml *inputs;  /* a list of names of values and numbers, or NULL: what flows down the list */
    const ct_yaml *outputs; /* a list of names that its results get, or NULL */
    ct_model_spec *part;    /* of a layer made of lists: residual's body and shortcut, branches */
    int n_parts;
    const ct_yaml *at;
} ct_layer_spec;

/* Everything that is wrong becomes a diagnostic. */
void ct_model_read(ct_doc *doc, const ct_yaml *node, ct_model_spec *out);
/* Rows of what may stand beside any layer; and beside one made of lists, whose value has that form: "layers",
   "branches" or "named_branches". NULL for other layers. */
extern const ct_key ct_layer_beside[];
const ct_key *ct_container_beside(const char *layer, const char **form);
/* "(N, 1, 28, 28)": the batch is whatever it will be. */
void ct_batch_text(const ct_layout *l, char *out, size_t size);
/* What a layer did, for the table of `check`. */
typedef void (*ct_layer_seen)(void *ctx, const ct_module *m, const ct_layout *in, const ct_layout *out);
#define CT_MAX_VALUES 256
/* A value that has a name: a field of the data, or a layer's result. */
typedef struct ct_named_value {
    const char *name;  /* of the model's result: "" */
    ct_layout layout;  /* for a batch of one */
    ct_module *module; /* whose last result it is */
    int64_t below;     /* of a field: whole numbers are below this; 0: not known */
    const ct_yaml *at;
} ct_named_value;

/* Builds the modules for n_in inputs (name, layout and below are read; shapes only: nothing is computed). The first
   flows into the first layer, all can be read by name. A layer that does not fit is a diagnostic at its line, with a
   note at the line its input comes from. *value gets the doc's list of *n_values: the inputs, each named layer's, and
   last the model's own. seen may be NULL. */
ct_module *ct_model_build(ct_doc *doc, const ct_model_spec *spec, uint64_t seed, const ct_named_value *in, int n_in,
                          const ct_named_value **value, int *n_values, ct_layer_seen seen, void *ctx);
/* The newest value of that name, or -1. */
int ct_value_find(const ct_named_value *value, int n, const char *name);
#endif
