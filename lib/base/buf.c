#include "base/buf.h"
#include "base/alloc.h"
#include <stdio.h>
#include <string.h>

static bool make_room(ct_buf *b, size_t n) {
    if (b->failed) return false;
    if (n > b->limit || b->len > b->limit - n) return !(b->failed = true);
    size_t need = b->len + n + 1;
    if (need <= b->cap) return true;
    size_t cap = CT_MAX(need, CT_MIN(2 * b->cap, b->limit + 1));
    char *p = ct_realloc(b->data, cap, 1);
    if (!p) return !(b->failed = true);
    b->data = p, b->cap = cap;
    return true;
}

void ct_buf_reserve(ct_buf *b) {
    size_t cap = b->limit + 1;
    b->failed |= !(b->data = ct_alloc_aligned(cap, 1));
    if (b->data) b->cap = cap;
}

void ct_buf_add(ct_buf *b, const void *bytes, size_t n) {
    if (!make_room(b, n)) return;
    if (n) memcpy(b->data + b->len, bytes, n);
    b->data[b->len += n] = 0;
}

void ct_buf_puts(ct_buf *b, const char *s) { ct_buf_add(b, s, strlen(s)); }

void ct_buf_printf(ct_buf *b, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (n < 0 || !make_room(b, (size_t)n)) {
        b->failed = true;
        return;
    }
    va_start(args, fmt);
    vsnprintf(b->data + b->len, (size_t)n + 1, fmt, args);
    va_end(args);
    b->len += (size_t)n;
}

ct_status ct_buf_status(const ct_buf *b) {
    return b->failed ? ct_fail(CT_FAIL, "text is over its limit of %zu bytes, or out of memory", b->limit) : CT_OK;
}

void ct_buf_free(ct_buf *b) {
    ct_free(b->data);
    b->data = NULL, b->len = b->cap = 0;
}
