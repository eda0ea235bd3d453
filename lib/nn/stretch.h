/* A model's layers in stretches that keep only what they begin with, and run again in the backward. */
#ifndef CT_NN_STRETCH_H
#define CT_NN_STRETCH_H
#include "nn/module.h"

/* Layers [from, to) of a list. */
typedef struct ct_stretch {
    ct_module *list;
    int from, to;
} ct_stretch;

/* A list cut into about the root of its number of layers (Chen et al., "Training deep nets with sublinear memory cost",
   2016), never between a value and a layer that reads it by name. ct_free'd by the caller. */
ct_status ct_stretches_new(ct_module *list, ct_stretch **out, int *n);
/* What ct_module_forward of the list gives; the stretches must be there until the backward. */
ct_tensor *ct_stretches_forward(ct_stretch *s, int n, ct_tensor *x);
#endif
