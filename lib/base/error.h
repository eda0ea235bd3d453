/* Errors are values: a function returns a status and leaves its message in this thread's slot. Nothing is printed. */
#ifndef CT_BASE_ERROR_H
#define CT_BASE_ERROR_H
#include "ctorch.h"
#include <stdarg.h>

#define CT_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* Sets this thread's message (read by ct_error()) and returns `status`, so that `return ct_fail(...)` is one line. */
ct_status ct_fail(ct_status status, const char *fmt, ...) CT_PRINTF(2, 3);
ct_status ct_fail_v(ct_status status, const char *fmt, va_list args);
/* Puts "prefix: " before this thread's message and returns `status`: `return ct_fail_in(s, "%s", path)`. */
ct_status ct_fail_in(ct_status status, const char *fmt, ...) CT_PRINTF(2, 3);
/* CT_NO_MEMORY with a message that needs no memory. */
ct_status ct_fail_memory(void);

#define CT_MIN(a, b) ((a) < (b) ? (a) : (b))
#define CT_MAX(a, b) ((a) > (b) ? (a) : (b))
#define CT_COUNT(array) ((int)(sizeof(array) / sizeof(array)[0]))
#endif
