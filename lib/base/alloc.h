/* The one allocator of the library: sizes are checked for overflow, memory comes zeroed. */
#ifndef CT_BASE_ALLOC_H
#define CT_BASE_ALLOC_H
#include "base/error.h"
#include <stddef.h>

/* count * size bytes, zeroed; NULL with CT_NO_MEMORY's message set when that overflows or there is none. */
void *ct_alloc(size_t count, size_t size);
/* The same, on a 64-byte boundary (vectors, cache lines); not zeroed. Freed by ct_free like any other. */
void *ct_alloc_aligned(size_t count, size_t size);
/* Grows `p` to count * size bytes (the new part is not zeroed); on failure NULL, and `p` stays valid. */
void *ct_realloc(void *p, size_t count, size_t size);
char *ct_strdup(const char *s);
void ct_free(void *p);

/* Makes room for one more in a growing array: `items` (elements of `size` bytes), `*cap` elements allocated, `n` used.
   Returns the array, or NULL on failure with the old one valid. */
void *ct_grow(void *items, size_t n, size_t *cap, size_t size);
#endif
