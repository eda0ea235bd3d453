#include "base/error.h"
#include <stdio.h>
#include <string.h>

static _Thread_local char message[2048];

const char *ct_error(void) { return message; }

ct_status ct_fail_v(ct_status status, const char *fmt, va_list args) {
    char text[sizeof message]; /* the arguments may be the old message */
    vsnprintf(text, sizeof text, fmt, args);
    memcpy(message, text, sizeof message);
    return status;
}

ct_status ct_fail(ct_status status, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    ct_fail_v(status, fmt, args);
    va_end(args);
    return status;
}

ct_status ct_fail_in(ct_status status, const char *fmt, ...) {
    char text[sizeof message], before[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(before, sizeof before, fmt, args);
    va_end(args);
    memcpy(text, message, sizeof text);
    return ct_fail(status, "%s: %s", before, text);
}

ct_status ct_fail_memory(void) { return ct_fail(CT_NO_MEMORY, "out of memory"); }

#ifndef CT_VERSION
#define CT_VERSION "0.1.0"
#endif
const char *ct_version(void) { return CT_VERSION; }
