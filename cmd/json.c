/* JSON on standard output: one value a line, its parts written as they come. */
#include "cmd/cmd.h"
#include <inttypes.h>
#include <math.h>
#include <string.h>

/* Bytes of the UTF-8 character at s, or 0 when it is none (RFC 3629: no surrogates, nothing overlong). */
static int utf8(const unsigned char *s) {
    if (*s < 0x80) return 1;
    int n = *s >= 0xf0 && *s < 0xf5 ? 4 : *s >= 0xe0 && *s < 0xf0 ? 3 : *s >= 0xc2 && *s < 0xe0 ? 2 : 0;
    for (int i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80) return 0;
    bool overlong = (*s == 0xe0 && s[1] < 0xa0) || (*s == 0xf0 && s[1] < 0x90);
    bool not_one = (*s == 0xed && s[1] > 0x9f) || (*s == 0xf4 && s[1] > 0x8f);
    return overlong || not_one ? 0 : n;
}

static void write_bytes(const char *text, size_t len) {
    const unsigned char *s = (const unsigned char *)text, *end = s + len;
    putchar('"');
    while (s < end) {
        int n = utf8(s);
        if (!n)
            fputs("\\ufffd", stdout);
        else if (*s == '"' || *s == '\\')
            printf("\\%c", *s);
        else if (*s < 0x20 || *s == 0x7f)
            printf("\\u%04x", *s);
        else
            fwrite(s, 1, (size_t)n, stdout);
        s += n ? n : 1;
    }
    putchar('"');
}

static void write_text(const char *text) { write_bytes(text, strlen(text)); }

static void start(ct_json *j, const char *key) {
    if (j->comma) fputs(", ", stdout);
    j->comma = true;
    if (!key) return;
    write_text(key);
    fputs(": ", stdout);
}

void ct_json_open(ct_json *j, const char *key, char bracket) {
    start(j, key);
    putchar(bracket);
    j->comma = false;
    j->depth++;
}

void ct_json_close(ct_json *j, char bracket) {
    putchar(bracket);
    j->comma = true;
    if (--j->depth) return;
    putchar('\n');
    j->comma = false;
}

void ct_json_text(ct_json *j, const char *key, const char *value) {
    start(j, key);
    if (value)
        write_text(value);
    else
        fputs("null", stdout);
}

void ct_json_bytes(ct_json *j, const char *key, const char *value, size_t n) {
    start(j, key);
    write_bytes(value, n);
}

void ct_json_number(ct_json *j, const char *key, double value) {
    start(j, key);
    if (isfinite(value))
        printf("%.9g", value);
    else
        fputs("null", stdout);
}

void ct_json_int(ct_json *j, const char *key, int64_t value) {
    start(j, key);
    printf("%" PRId64, value);
}

void ct_json_bool(ct_json *j, const char *key, bool value) {
    start(j, key);
    fputs(value ? "true" : "false", stdout);
}
