/* What a user reads on stderr, and text that is safe to show. */
#include "cmd/cmd.h"
#include <stdarg.h>
#include <string.h>

/* Controls, and the marks that reorder text, could make a terminal lie; what is no character, a drawing invalid. */
int ct_text_char(const char *s) {
    uint32_t c = 0;
    int n = *s ? ct_utf8_read(s, strnlen(s, 4), &c) : 0;
    return ct_utf8_is_control(c) ? 0 : n;
}

void ct_say_text(FILE *out, const char *s, int width) {
    for (; *s && width != 0; width--) {
        int n = ct_text_char(s);
        if (n)
            fwrite(s, 1, (size_t)n, out);
        else
            putc('?', out);
        s += n ? n : 1;
    }
}

int ct_text_width(const char *s) {
    int width = 0;
    for (; *s; width++) {
        int n = ct_text_char(s);
        s += n ? n : 1;
    }
    return width;
}

int ct_text_bytes(const char *s, int n) {
    const char *end = s;
    for (; n && *end; n--) end += ct_text_char(end) ? ct_text_char(end) : 1;
    return (int)(end - s);
}

/* In one piece, so that lines of processes that share a terminal or a file stay whole. A message's own line ends are
   kept: a library's message may have several lines. */
ct_status ct_say(ct_status status, const char *fmt, ...) {
    char text[8192] = "ctorch: ";
    size_t n = strlen(text);
    va_list args;
    va_start(args, fmt);
    vsnprintf(text + n, sizeof text - n - 1, fmt, args);
    va_end(args);
    for (char *s = text; *s; s += ct_text_char(s) ? ct_text_char(s) : 1)
        if (!ct_text_char(s) && *s != '\n') *s = '?';
    n = strlen(text);
    if (text[n - 1] != '\n') text[n] = '\n', text[n + 1] = 0;
    ct_line_clear();
    fputs(text, stderr);
    return status;
}

ct_status ct_say_error(ct_status status) { return status ? ct_say(status, "%s", ct_error()) : status; }

ct_status ct_say_spec(ct_status status, char *messages) {
    ct_line_clear();
    if (messages) fputs(messages, stderr);
    if (status && !(messages && status == CT_BAD_SPEC)) ct_say_error(status);
    ct_text_free(messages);
    return status;
}

ct_status ct_say_warnings(const ct_spec *spec, const char *warn) {
    int n = ct_spec_warnings(spec);
    if (!warn) return CT_OK;
    if (strcmp(warn, "error")) return ct_say(CT_BAD_SPEC, "-W%s: -Werror is what there is", warn);
    return n ? ct_say(CT_BAD_SPEC, "%d warning%s; -Werror makes them errors", n, n == 1 ? "" : "s") : CT_OK;
}

/* Levenshtein's distance; words of a command line are short. */
static int distance(const char *a, const char *b) {
    int row[64], n = (int)strlen(b);
    if (n >= 64) return 64;
    for (int j = 0; j <= n; j++) row[j] = j;
    for (int i = 1; *a; a++, i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= n; j++) {
            int change = diagonal + (*a != b[j - 1]), gap = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            diagonal = row[j];
            row[j] = change < gap ? change : gap;
        }
    }
    return row[n];
}

const char *ct_say_nearest(const char *word, const void *rows, size_t n, size_t stride) {
    const char *best = NULL;
    int least = 3; /* further away it is no slip */
    for (size_t i = 0; i < n; i++) {
        const char *name = *(const char *const *)((const char *)rows + i * stride);
        int d = distance(word, name);
        if (d < least && d < (int)strlen(name)) least = d, best = name;
    }
    return best;
}
