#include "base/alloc.h"
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE_PAGE ((size_t)2 << 20)

/* What streams through memory, or reads here and there in it, finds its pages faster where they are large; systems give
   them to those that ask. */
static void ask_for_huge_pages(void *p, size_t bytes) {
    uintptr_t begin = ((uintptr_t)p + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    uintptr_t end = ((uintptr_t)p + bytes) / HUGE_PAGE * HUGE_PAGE;
    int before = errno; /* not having any is no error */
    if (bytes >= 2 * HUGE_PAGE && begin < end) madvise((char *)p + (begin - (uintptr_t)p), end - begin, MADV_HUGEPAGE);
    errno = before;
}

void *ct_alloc(size_t count, size_t size) {
    void *p = calloc(CT_MAX(count, 1), CT_MAX(size, 1)); /* calloc checks the product */
    if (!p) ct_fail_memory();
    if (p) ask_for_huge_pages(p, count * size);
    return p;
}

void *ct_alloc_aligned(size_t count, size_t size) {
    size_t bytes;
    void *p = NULL;
    bool overflow = __builtin_mul_overflow(count, size, &bytes);
    if (overflow || posix_memalign(&p, bytes >= 2 * HUGE_PAGE ? HUGE_PAGE : 64, CT_MAX(bytes, 64))) p = NULL;
    if (!p) ct_fail_memory();
    if (p) ask_for_huge_pages(p, bytes);
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
