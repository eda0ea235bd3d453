/* What a user reads on stderr, and text that is safe to show. */
#include "cmd/cmd.h"
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* C1 controls, and the marks that reorder text, could make a terminal lie; what is no character, a drawing invalid. */
int ct_text_char(const char *text) {
    const unsigned char *s = (const unsigned char *)text;
    if (*s < 0x80) return *s >= 0x20 && *s != 0x7f;
    int n = *s >= 0xf0 && *s < 0xf5 ? 4 : *s >= 0xe0 && *s < 0xf0 ? 3 : *s >= 0xc2 && *s < 0xe0 ? 2 : 0;
    for (int i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80) return 0;
    if (n == 2 && *s == 0xc2 && s[1] < 0xa0) return 0;
    if (n == 3 && *s == 0xe2 && ((s[1] == 0x80 && s[2] >= 0xa8 && s[2] <= 0xae) || (s[1] == 0x81 && s[2] >= 0xa6)))
        return 0;
    if (n == 3 && *s == 0xef && s[1] == 0xbf && s[2] >= 0xbe) return 0;
    return n;
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

/* A message's own line ends are kept: a library's message may have several lines. */
static void say_lines(const char *text) {
    for (const char *end; *text; text = *end ? end + 1 : end) {
        end = strchrnul(text, '\n');
        char *line = strndup(text, (size_t)(end - text));
        ct_say_text(stderr, line ? line : "", -1);
        putc('\n', stderr);
        free(line);
    }
}

ct_status ct_say(ct_status status, const char *fmt, ...) {
    char text[8192];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    ct_line_clear();
    fputs("ctorch: ", stderr);
    say_lines(text);
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
