/* Dropout (Srivastava et al., 2014): active in training only. */
#include "nn/keys.h"

typedef struct args { double p; } args;
static const ct_key keys[] = {CT_ROW_FLOAT(p, 0.5, 0, 1, "probability of zeroing an element"), {0}};

static ct_tensor *forward(ct_module *m, ct_tensor *x) {
    double p = ((const args *)m->args)->p;
    return ct_dropout(x, (ct_dropout_layer_args){.p = p != 0 ? p : CT_ZERO, .no_training = !m->training});
}

const ct_layer ct_layer_dropout = {{"dropout", keys, sizeof(args), "zeroes elements at random in training"}, NULL, forward};
