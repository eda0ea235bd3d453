/* Leaky ReLU whose slope is learned (He et al., 2015), as torch.nn.PReLU. */
#include "nn/keys.h"

typedef struct args {
    int64_t num_parameters;
    double init;
} args;
static const ct_key keys[] = {
    CT_ROW_INT(num_parameters, 1, 1, 1 << 30, "slopes: one, or one a channel"),
    CT_ROW_FLOAT(init, 0.25, -INFINITY, INFINITY, "where the slopes start"),
    {0},
};

static ct_status build(ct_module *m, const ct_layout *in) {
    const args *a = m->args;
    int64_t channels = in->ndim > 1 ? in->size[1] : 1;
    if (a->num_parameters != 1 && a->num_parameters != channels)
        return ct_fail(CT_FAIL, "prelu: %lld slopes for %lld channels", (long long)a->num_parameters,
                       (long long)channels);
    return ct_param_full(m, "weight", CT_DIMS(a->num_parameters), a->init);
}

static ct_tensor *forward(ct_module *m, ct_tensor *x) { return ct_prelu(x, ct_param_named(m, "weight")); }

const ct_layer ct_layer_prelu = {
    .kind = {"prelu", keys, sizeof(args), "leaky ReLU with a learned slope"}, .build = build, .forward = forward};
