/* A module's parameters in safetensors files. */
#ifndef CT_RUN_WEIGHTS_H
#define CT_RUN_WEIGHTS_H
#include "file/safetensors.h"
#include "nn/module.h"

/* Names and tensors of a module, `prefix` before each name; owns the names. */
typedef struct ct_names {
    ct_named *of;
    ct_entry *entry, *tie; /* tie: n_ties that are tied, which `of` has under another name */
    int n, n_ties;
    char (*text)[300];
} ct_names;
ct_status ct_names_of(ct_module *m, const char *prefix, ct_names *out);
void ct_names_free(ct_names *n);
/* The value of every name from the file, of exactly the shape and type it has; CT_BAD_DATA otherwise. What is tied is
   in the file under one of its names, or under several with the same value. */
ct_status ct_names_load(const ct_names *n, ct_safetensors *file, const char *path);
/* Whether the file has a value for t under this name; and t gets it. */
ct_status ct_tensor_fits(const ct_tensor *t, const char *name, ct_safetensors *file, const char *path);
ct_status ct_tensor_load(ct_tensor *t, const char *name, ct_safetensors *file, const char *path);
#endif
