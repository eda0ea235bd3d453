/* What safetensors' reader and writer share: the format's types, and the digest of a header. */
#ifndef CT_FILE_SAFETENSORS_FORMAT_H
#define CT_FILE_SAFETENSORS_FORMAT_H
#include "base/error.h"
#include <jansson.h>

#define CT_SAFETENSORS_HEADER_MAX ((size_t)100 << 20)

typedef struct ct_safetensors_type {
    const char *name;
    int bits;       /* of one number */
    ct_dtype dtype; /* what it is here; CT_NONE: a file may have such tensors, but they cannot be got */
    void (*widen)(void *out, const unsigned char *p, int64_t n); /* NULL: it is the dtype's own form, little-endian */
} ct_safetensors_type;

/* By the format's name, or the type that a dtype is written as. NULL: there is none. */
const ct_safetensors_type *ct_safetensors_type_named(const char *name);
const ct_safetensors_type *ct_safetensors_type_of(ct_dtype dtype);

/* Names go into messages and onto terminals: no control characters. */
bool ct_safetensors_name_ok(const char *name);
/* Over what the header says, whatever its order and spaces: `root` has no `header_digest` in its __metadata__ yet. */
ct_status ct_safetensors_header_digest(const json_t *root, char hex[65]);
#endif
