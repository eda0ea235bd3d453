/* A spec's model on the data's fields: its modules, its named values, what its losses read. */
#ifndef CT_RUN_NET_H
#define CT_RUN_NET_H
#include "run/spec.h"

typedef struct ct_net {
    const ct_spec *spec;
    ct_module *module;
    ct_fields fields;            /* of the data; names as long-lived as what they came from */
    int target;                  /* its place among them, or -1 */
    const ct_named_value *value; /* fields but the target, named layers, the result: n_values, the doc's */
    int n_values;
    int in[CT_MAX_LOSSES][CT_MAX_IN];       /* what each loss reads: a value, n_values for the target, -1: absent */
    ct_tensor *class_weight[CT_MAX_LOSSES]; /* (classes) of f32; NULL: a loss has none */
    int scores; /* the loss whose prediction is a score for each of the data's classes; -1: there is none */
} ct_net;

/* What does not fit is a diagnostic of the spec and CT_BAD_SPEC. seen may be NULL. */
ct_status ct_net_build(const ct_spec *spec, const ct_fields *fields, ct_layer_seen seen, void *ctx, ct_net *out);
/* The same, its parameters zeros that a file will fill. */
ct_status ct_net_blank(const ct_spec *spec, const ct_fields *fields, ct_net *out);
/* The same on shapes alone, for a look: parameters have no memory. */
ct_status ct_net_look(const ct_spec *spec, const ct_fields *fields, ct_layer_seen seen, void *ctx, ct_net *out);
void ct_net_free(ct_net *net);

/* The model's result for a batch of the fields, in evaluation or training as its mode is: value[n_values + 1] gets
   every value's tensor, and last the target's. forward NULL: the module's own. */
ct_status ct_net_forward(const ct_net *net, ct_tensor *const *field,
                         ct_tensor *(*forward)(void *ctx, ct_tensor *const *in, int n_in), void *ctx,
                         ct_tensor **value);
/* Loss i, and the weighted sum of all. */
ct_tensor *ct_net_loss(const ct_net *net, ct_tensor *const *value, int i);
ct_tensor *ct_net_total(const ct_net *net, ct_tensor *const *loss);
/* What metrics look at: rows of scores (R, classes), or the model's result. */
ct_tensor *ct_net_output(const ct_net *net, ct_tensor *const *value);
/* Elements of a sample's target, each of which has a row of scores: 1, tokens or pixels. */
int64_t ct_net_rows(const ct_net *net);
/* Samples of a batch when n are evaluated: fewer where each has many rows. */
int64_t ct_net_batch(const ct_net *net, int64_t n);
#endif
