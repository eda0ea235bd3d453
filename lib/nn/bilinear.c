/* y[o] = x1 W[o] x2' + b[o], as torch.nn.Bilinear: weight (out, in1, in2) and bias uniform in +-1/sqrt(in1). */
#include "nn/keys.h"

typedef struct args {
    int64_t out_features;
    bool no_bias;
} args;
static const ct_key keys[] = {
    CT_ROW_INT(out_features, CT_REQUIRED, 1, 1 << 30, "size of each output sample"),
    CT_ROW_NOT(bias, "learn an additive bias"),
    {0},
};

static ct_status build(ct_module *m, const ct_layout *in) {
    const args *a = m->args;
    int64_t size[2];
    for (int i = 0; i < 2; i++) {
        CT_TRY(ct_want_dims(m, &in[i], 1, CT_MAX_DIMS, "of at least one dimension"));
        size[i] = in[i].size[in[i].ndim - 1];
    }
    double bound = 1 / sqrt((double)CT_MAX(size[0], 1));
    CT_TRY(ct_param_new(m, "weight", CT_DIMS(a->out_features, size[0], size[1]), bound));
    return a->no_bias ? CT_OK : ct_param_new(m, "bias", CT_DIMS(a->out_features), bound);
}

static ct_tensor *forward(ct_module *m, ct_tensor *const *in, ct_tensor **out) {
    (void)out;
    return ct_bilinear(in[0], in[1], ct_param_named(m, "weight"), ct_param_named(m, "bias"));
}

const ct_layer ct_layer_bilinear = {.kind = {"bilinear", keys, sizeof(args), "product form of two inputs"},
                                    .build = build,
                                    .forward_all = forward,
                                    .min_in = 2,
                                    .max_in = 2};
