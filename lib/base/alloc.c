#include "base/alloc.h"
#include <stdlib.h>
#include <string.h>

void *ct_alloc(size_t count, size_t size) {
    void *p = calloc(CT_MAX(count, 1), CT_MAX(size, 1)); /* calloc checks the product */
    if (!p) ct_fail_memory();
    return p;
}

void *ct_alloc_aligned(size_t count, size_t size) {
    size_t bytes;
    void *p = NULL;
    if (__builtin_mul_overflow(count, size, &bytes) || posix_memalign(&p, 64, CT_MAX(bytes, 64))) p = NULL;
    if (!p) ct_fail_memory();
    return p;
}

void *ct_realloc(void *p, size_t count, size_t size) {
    size_t bytes;
    void *q = __builtin_mul_overflow(count, size, &bytes) ? NULL : realloc(p, CT_MAX(bytes, 1));
    if (!q) ct_fail_memory();
    return q;
}

char *ct_strdup(const char *s) {
    size_t n = strlen(s) + 1;
    char *p = ct_alloc(n, 1);
    if (p) memcpy(p, s, n);
    return p;
}

void ct_free(void *p) { free(p); }

void *ct_grow(void *items, size_t n, size_t *cap, size_t size) {
    if (n < *cap) return items;
    size_t want = CT_MAX(*cap * 2, 8);
    void *p = ct_realloc(items, want, size);
    if (p) *cap = want;
    return p;
}
