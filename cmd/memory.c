/* Memory of the command. A library reports that there is none; a command says so and ends. */
#include "cmd/cmd.h"
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static void *or_end(void *p) {
    if (p) return p;
    ct_say(CT_NO_MEMORY, "out of memory");
    exit(1);
}

void *ct_cmd_alloc(size_t count, size_t size) { return or_end(calloc(count ? count : 1, size)); }

char *ct_cmd_format(const char *fmt, ...) {
    char *text = NULL;
    va_list args;
    va_start(args, fmt);
    if (vasprintf(&text, fmt, args) < 0) text = NULL;
    va_end(args);
    return or_end(text);
}

void ct_list_add(ct_list *l, const char *s) {
    if (l->n + 1 >= l->cap) {
        l->cap = l->cap ? 2 * l->cap : 16;
        l->v = or_end(reallocarray(l->v, l->cap, sizeof *l->v));
    }
    l->v[l->n++] = or_end(strdup(s));
    l->v[l->n] = NULL;
}

void ct_list_free(ct_list *l) {
    for (size_t i = 0; i < l->n; i++) free(l->v[i]);
    free(l->v);
    *l = (ct_list){0};
}
