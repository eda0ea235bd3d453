/* Weights that are made of others at each use: the options weight_norm and spectral_norm, as in torch.nn.utils. */
#ifndef CT_NN_WEIGHT_H
#define CT_NN_WEIGHT_H
#include "nn/keys.h"

/* In a layer's args: CT_WEIGHT_FIELDS, and its rows. */
#define CT_WEIGHT_FIELDS bool weight_norm, spectral_norm
#define CT_WEIGHT_ROWS                                                                             \
    CT_ROW_BOOL(weight_norm, "learn the weight's direction (weight_v) and size (weight_g) apart"), \
        CT_ROW_BOOL(spectral_norm, "divide the weight (weight_orig) by its largest singular value")

typedef struct ct_weight_form {
    bool weight_norm, spectral_norm;
    int dim; /* spectral_norm: the dimension of the outputs */
} ct_weight_form;
/* The layer's weight, uniform in +-bound, in the form that was asked for. */
ct_status ct_weight_new(ct_module *m, ct_dims shape, double bound, ct_weight_form form);
/* Its value in a forward; dim as above. In training, spectral_norm's vectors move a step of the power iteration. */
ct_tensor *ct_weight_of(ct_module *m, int dim);
#endif
