/* y = x W' + b, as torch.nn.Linear: weight (out, in) and bias uniform in +-1/sqrt(in). */
#include "nn/weight.h"

typedef struct args {
    int64_t out_features;
    bool no_bias;
    CT_WEIGHT_FIELDS;
} args;
static const ct_key keys[] = {
    CT_ROW_INT(out_features, CT_REQUIRED, 1, 1 << 30, "size of each output sample"),
    CT_ROW_NOT(bias, "learn an additive bias"),
    CT_WEIGHT_ROWS,
    {0},
};

static ct_status build(ct_module *m, const ct_layout *in) {
    const args *a = m->args;
    if (in->ndim < 1) return ct_fail(CT_FAIL, "linear wants an input of at least one dimension");
    int64_t features = in->size[in->ndim - 1];
    double bound = 1 / sqrt((double)CT_MAX(features, 1));
    ct_weight_form form = {a->weight_norm, a->spectral_norm, 0};
    CT_TRY(ct_weight_new(m, CT_DIMS(a->out_features, features), bound, form));
    return a->no_bias ? CT_OK : ct_param_new(m, "bias", CT_DIMS(a->out_features), bound);
}

static ct_tensor *forward(ct_module *m, ct_tensor *x) {
    return ct_linear(x, ct_weight_of(m, 0), ct_param_named(m, "bias"));
}

const ct_layer ct_layer_linear = {.kind = {"linear", keys, sizeof(args), "affine map of the last dimension"},
                                  .build = build,
                                  .forward = forward,
                                  .flow = ct_flow_alone};
