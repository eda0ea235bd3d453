/* 2-d convolution, as torch.nn.Conv2d: weight (out, in/groups, kh, kw) and bias uniform in +-1/sqrt(fan in). */
#include "nn/keys.h"

typedef struct args {
    int64_t out_channels, kernel_size[2], stride[2], padding[2], dilation[2], groups;
    bool no_bias;
} args;
static const ct_key keys[] = {
    CT_ROW_INT(out_channels, CT_REQUIRED, 1, 1 << 20, "channels of the output"),
    CT_ROW_INTS(kernel_size, 2, CT_REQUIRED, 1, 1 << 20, "height and width of the window"),
    CT_ROW_INTS(stride, 2, 1, 1, 1 << 20, "step between windows"),
    CT_ROW_INTS(padding, 2, 0, 0, 1 << 20, "zeros added on each side"),
    CT_ROW_INTS(dilation, 2, 1, 1, 1 << 20, "distance between a window's elements"),
    CT_ROW_INT(groups, 1, 1, 1 << 20, "channels are split into this many groups"),
    CT_ROW_NOT(bias, "learn an additive bias"),
    {0},
};

static ct_status build(ct_module *m, const ct_layout *in) {
    const args *a = m->args;
    if (in->ndim != 4) return ct_fail(CT_FAIL, "conv2d wants an input of 4 dimensions (N, C, H, W), it has %d", in->ndim);
    int64_t C = in->size[1];
    if (C % a->groups || a->out_channels % a->groups)
        return ct_fail(CT_FAIL, "conv2d: groups %lld must divide the input's %lld channels and out_channels %lld",
                       (long long)a->groups, (long long)C, (long long)a->out_channels);
    int64_t Cg = C / a->groups;
    double bound = 1 / sqrt((double)Cg * (double)a->kernel_size[0] * (double)a->kernel_size[1]);
    CT_TRY(ct_param_new(m, "weight", CT_DIMS(a->out_channels, Cg, a->kernel_size[0], a->kernel_size[1]), bound));
    return a->no_bias ? CT_OK : ct_param_new(m, "bias", CT_DIMS(a->out_channels), bound);
}

static ct_tensor *forward(ct_module *m, ct_tensor *x) {
    const args *a = m->args;
    ct_conv2d_args c = {.groups = a->groups};
    for (int i = 0; i < 2; i++) c.stride[i] = a->stride[i], c.padding[i] = a->padding[i], c.dilation[i] = a->dilation[i];
    return ct_conv2d(x, ct_param_at(m, 0), ct_param_at(m, 1), c);
}

const ct_layer ct_layer_conv2d = {{"conv2d", keys, sizeof(args), "2-d convolution"}, build, forward};
