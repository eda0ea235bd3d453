/* Dropout (Srivastava et al., 2014), of elements or (Tompson et al., 2015) of whole channels: active in training only.
 */
#include "nn/keys.h"
#include "ops/shape_util.h"

typedef struct args {
    double p;
} args;
static const ct_key keys[] = {CT_ROW_FLOAT(p, 0.5, 0, 1, "probability of zeroing an element"), {0}};
static const ct_key channel_keys[] = {CT_ROW_FLOAT(p, 0.5, 0, 1, "probability of zeroing a channel"), {0}};

static ct_tensor *forward(ct_module *m, ct_tensor *x) {
    double p = ((const args *)m->args)->p;
    return ct_dropout(x, (ct_dropout_layer_args){.p = CT_GIVEN(p), .no_training = !m->training});
}

static ct_status build_channels(ct_module *m, const ct_layout *in) {
    return ct_want_dims(m, in, 3, CT_MAX_DIMS, "(N, C, L, ...)");
}

static ct_tensor *forward_channels(ct_module *m, ct_tensor *x) {
    if (!m->training) return x;
    ct_dims each = {x->layout.ndim, {x->layout.size[0], x->layout.size[1], 1, 1, 1, 1, 1, 1}};
    return ct_mul(x, forward(m, ct_constant(x->layout.dtype, each, 1)));
}

#define CHANNELS(name)                                                                                                \
    {                                                                                                                 \
        .kind = {name, channel_keys, sizeof(args), "zeroes channels at random in training"}, .build = build_channels, \
        .forward = forward_channels                                                                                   \
    }
const ct_layer ct_layer_dropout = {.kind = {"dropout", keys, sizeof(args), "zeroes elements at random in training"},
                                   .forward = forward,
                                   .flow = ct_flow_alone};
const ct_layer ct_layer_dropout1d = CHANNELS("dropout1d");
const ct_layer ct_layer_dropout2d = CHANNELS("dropout2d");
const ct_layer ct_layer_dropout3d = CHANNELS("dropout3d");
