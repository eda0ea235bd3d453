/* safetensors: a JSON header and raw data, mapped. Read as hostile input, written whole or not at all. */
#ifndef CT_FILE_SAFETENSORS_H
#define CT_FILE_SAFETENSORS_H
#include "tensor/tensor.h"

typedef struct ct_safetensors ct_safetensors;
/* Header checked whole (sizes, offsets, overlaps, dtypes, names) before anything is believed. */
ct_status ct_safetensors_open(const char *path, ct_safetensors **out);
void ct_safetensors_close(ct_safetensors *s); /* tensors got from it stay valid */
int ct_safetensors_count(const ct_safetensors *s);
const char *ct_safetensors_name(const ct_safetensors *s, int i); /* in order of their offsets */
/* The tensor in this thread's scope, mapped; I8 and I16 come as i32. An error when there is none.
   Writing to it changes what is got later, never the file. */
ct_tensor *ct_safetensors_get(ct_safetensors *s, const char *name);
bool ct_safetensors_has(const ct_safetensors *s, const char *name);
/* A string of __metadata__, or NULL. */
const char *ct_safetensors_meta(const ct_safetensors *s, const char *key);
/* Compares the data part's SHA-256 with metadata `digest`, where there is one: CT_BAD_DATA if not equal. (What the
   header says has a `header_digest` of its own, which opening compares.) */
ct_status ct_safetensors_verify(ct_safetensors *s);

typedef struct ct_named {
    const char *name;
    const ct_tensor *tensor;
} ct_named;
typedef struct ct_meta {
    const char *key, *value;
} ct_meta;
/* Writes path.tmp, fsync, rename, fsync of the directory. Adds `digest` and `header_digest` to the metadata. Tensors of
   any strides; unique names, kept in order, but larger types come before smaller ones in the data, so that all of it
   can be mapped. The bytes are a function of the arguments alone. */
ct_status ct_safetensors_write(const char *path, const ct_named *tensor, int n, const ct_meta *meta, int n_meta);
#endif
