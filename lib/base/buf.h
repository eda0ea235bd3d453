/* Text that grows to a limit given at birth. A failure sticks: check `failed` once, at the end. */
#ifndef CT_BASE_BUF_H
#define CT_BASE_BUF_H
#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>

typedef struct ct_buf {
    char *data; /* always 0-terminated once something was added; NULL before */
    size_t len, cap, limit;
    bool failed;
} ct_buf;

#define CT_BUF(max) ((ct_buf){.limit = (max)})
/* Room for all of its limit at once, of a buffer that nothing was added to: what grows is copied. */
void ct_buf_reserve(ct_buf *b);
void ct_buf_add(ct_buf *b, const void *bytes, size_t n);
void ct_buf_puts(ct_buf *b, const char *s);
void ct_buf_printf(ct_buf *b, const char *fmt, ...) CT_PRINTF(2, 3);
/* CT_OK, or why the buffer is not whole (memory, or over its limit). */
ct_status ct_buf_status(const ct_buf *b);
void ct_buf_free(ct_buf *b);
#endif
