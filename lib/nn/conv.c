/* Convolutions, as torch.nn.Conv1d and its like: weight (out, in/groups, window...), transposed ones (in, out/groups,
   window...), and bias uniform in +-1/sqrt(fan in). */
#include "nn/weight.h"
#include <string.h>

typedef struct args {
    int64_t out_channels, kernel_size[3], stride[3], padding[3], output_padding[3], dilation[3], groups;
    bool no_bias;
    int padding_mode;
    CT_WEIGHT_FIELDS;
} args;

#define FIRST(n)                                                                    \
    CT_ROW_INT(out_channels, CT_REQUIRED, 1, 1 << 20, "channels of the output"),    \
        CT_ROW_INTS(kernel_size, n, CT_REQUIRED, 1, 1 << 20, "size of the window"), \
        CT_ROW_INTS(stride, n, 1, 1, 1 << 20, "step between windows")
#define DILATION(n) CT_ROW_INTS(dilation, n, 1, 1, 1 << 20, "distance between a window's elements")
#define GROUPS CT_ROW_INT(groups, 1, 1, 1 << 20, "channels are split into this many groups")
#define BIAS CT_ROW_NOT(bias, "learn an additive bias")
#define PADDING(n)                                                                             \
    {                                                                                          \
        "padding", CT_KEY_INTS, offsetof(args, padding), n, 0, 0, 1 << 20, "same|valid", NULL, \
            "added on each side; same: as many as keep the size, valid: 0"                     \
    }
#define CONV(n)                                                                                           \
    FIRST(n), PADDING(n), DILATION(n), GROUPS, BIAS,                                                      \
        CT_ROW_ENUM(padding_mode, "zeros|reflect|replicate|circular", "what is added"), CT_WEIGHT_ROWS, { \
        0                                                                                                 \
    }
#define TRANSPOSED(n)                                                                                              \
    FIRST(n), CT_ROW_INTS(padding, n, 0, 0, 1 << 20, "cut off on each side"),                                      \
        CT_ROW_INTS(output_padding, n, 0, 0, 1 << 20, "added at the end of each side"), GROUPS, BIAS, DILATION(n), \
        CT_WEIGHT_ROWS, {                                                                                          \
        0                                                                                                          \
    }

static ct_status build(ct_module *m, const ct_layout *in, int n, bool transposed) {
    static const char *const names[] = {"(N, C, L)", "(N, C, H, W)", "(N, C, D, H, W)"};
    const args *a = m->args;
    CT_TRY(ct_want_dims(m, in, n + 2, n + 2, names[n - 1]));
    int64_t C = in->size[1];
    if (C % a->groups || a->out_channels % a->groups)
        return ct_fail(CT_FAIL, "%s: groups %lld must divide the input's %lld channels and out_channels %lld",
                       m->layer->kind.name, (long long)a->groups, (long long)C, (long long)a->out_channels);
    ct_dims shape = {n + 2, {a->out_channels, C / a->groups}};
    if (transposed) shape.v[0] = C, shape.v[1] = a->out_channels / a->groups;
    double fan_in = (double)shape.v[1];
    for (int i = 0; i < n; i++) {
        shape.v[2 + i] = a->kernel_size[i];
        fan_in *= (double)a->kernel_size[i];
    }
    double bound = 1 / sqrt(fmax(fan_in, 1));
    CT_TRY(ct_weight_new(m, shape, bound, (ct_weight_form){a->weight_norm, a->spectral_norm, transposed}));
    return a->no_bias ? CT_OK : ct_param_new(m, "bias", CT_DIMS(a->out_channels), bound);
}

/* x with more at its edges than the convolution itself would add: its padding becomes 0. */
static ct_tensor *padded(ct_tensor *x, const args *a, int64_t *padding, int n) {
    if (!a->padding_mode) return x;
    ct_pad_args by = {.mode = a->padding_mode, .pad.n = 2 * n}; /* its words are in the same order */
    for (int i = 0; i < n; i++) {
        int64_t total = padding[i] == CT_SAME ? (a->kernel_size[i] - 1) * a->dilation[i] : 2 * CT_MAX(padding[i], 0);
        if (padding[i] == CT_SAME && a->stride[i] != 1) return x; /* the convolution refuses it */
        by.pad.v[2 * (n - 1 - i)] = total / 2, by.pad.v[2 * (n - 1 - i) + 1] = total - total / 2;
        padding[i] = 0;
    }
    return ct_pad(x, by);
}

#define FORWARD(name, transposed)                                                       \
    static ct_tensor *forward_##name(ct_module *m, ct_tensor *x) {                      \
        const args *a = m->args;                                                        \
        ct_##name##_args c = {.groups = a->groups};                                     \
        memcpy(c.stride, a->stride, sizeof c.stride);                                   \
        memcpy(c.padding, a->padding, sizeof c.padding);                                \
        memcpy(c.dilation, a->dilation, sizeof c.dilation);                             \
        FORWARD_##transposed;                                                           \
        return ct_##name(x, ct_weight_of(m, transposed), ct_param_named(m, "bias"), c); \
    }
#define FORWARD_0 x = padded(x, a, c.padding, CT_COUNT(c.padding))
#define FORWARD_1 memcpy(c.output_padding, a->output_padding, sizeof c.output_padding)

#define LAYER(name, n, transposed, keys, help)                                                               \
    static const ct_key keys_of_##name[] = {keys(n)};                                                        \
    static ct_status build_##name(ct_module *m, const ct_layout *in) { return build(m, in, n, transposed); } \
    FORWARD(name, transposed)                                                                                \
    const ct_layer ct_layer_##name = {                                                                       \
        .kind = {#name, keys_of_##name, sizeof(args), help}, .build = build_##name, .forward = forward_##name};

LAYER(conv1d, 1, 0, CONV, "1-d convolution")
LAYER(conv2d, 2, 0, CONV, "2-d convolution")
LAYER(conv3d, 3, 0, CONV, "3-d convolution")
LAYER(conv_transpose1d, 1, 1, TRANSPOSED, "the gradient of a 1-d convolution, as a layer")
LAYER(conv_transpose2d, 2, 1, TRANSPOSED, "the gradient of a 2-d convolution, as a layer")
LAYER(conv_transpose3d, 3, 1, TRANSPOSED, "the gradient of a 3-d convolution, as a layer")
