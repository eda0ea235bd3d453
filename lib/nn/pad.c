/* More at the edges, as torch.nn.ConstantPad1d and its like: padding is before and after, last dimension first. */
#include "nn/keys.h"

typedef struct args {
    int64_t padding[6];
    double value;
} args;

static ct_tensor *forward(ct_module *m, ct_tensor *x, int n, int mode) {
    const args *a = m->args;
    if (x->layout.ndim < n + 1 || x->layout.ndim > n + 2)
        return ct_tensor_error(CT_FAIL, "%s wants an input of %d or %d dimensions, it has %d", m->layer->kind.name,
                               n + 1, n + 2, x->layout.ndim);
    ct_pad_args by = {.mode = mode, .value = CT_GIVEN(a->value), .pad.n = 2 * n};
    for (int i = 0; i < 2 * n; i++) by.pad.v[i] = a->padding[i];
    return ct_pad(x, by);
}

enum { CONSTANT, REFLECT, REPLICATE, CIRCULAR }; /* the words of pad's mode */
#define VALUE() CT_ROW_FLOAT(value, CT_REQUIRED, -INFINITY, INFINITY, "what is added"),
#define NO_VALUE()
#define PAD(name, n, mode, more, help)                                                                          \
    static const ct_key keys_of_##name##n[] = {CT_ROW_INTS(padding, 2 * n, CT_REQUIRED, -(1 << 20), 1 << 20,    \
                                                           "how many, before and after, last dimension first"), \
                                               more(){0}};                                                      \
    static ct_tensor *forward_##name##n(ct_module *m, ct_tensor *x) { return forward(m, x, n, mode); }          \
    const ct_layer ct_layer_##name##n##d = {.kind = {#name #n "d", keys_of_##name##n, sizeof(args), help},      \
                                            .forward = forward_##name##n};
#define PADS(name, mode, more, help) \
    PAD(name, 1, mode, more, help)   \
    PAD(name, 2, mode, more, help)   \
    PAD(name, 3, mode, more, help)

PADS(constant_pad, CONSTANT, VALUE, "a value at the edges")
PADS(zero_pad, CONSTANT, NO_VALUE, "zeros at the edges")
PADS(reflection_pad, REFLECT, NO_VALUE, "the input mirrored at its edges")
PADS(replication_pad, REPLICATE, NO_VALUE, "the edges repeated")
PADS(circular_pad, CIRCULAR, NO_VALUE, "the other end at each edge")
