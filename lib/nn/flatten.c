/* As torch.nn.Flatten: the batch dimension stays. */
#include "nn/keys.h"

typedef struct args { int64_t start_dim, end_dim; } args;
static const ct_key keys[] = {
    CT_ROW_INT(start_dim, 1, -8, 7, "first dimension joined"),
    CT_ROW_INT(end_dim, -1, -8, 7, "last dimension joined"),
    {0},
};

static ct_tensor *forward(ct_module *m, ct_tensor *x) {
    const args *a = m->args;
    return ct_flatten(x, (ct_flatten_args){a->start_dim, a->end_dim ? a->end_dim : CT_ZERO});
}

const ct_layer ct_layer_flatten = {{"flatten", keys, sizeof(args), "joins all dimensions but the batch's"}, NULL, forward};
