/* JSON: one value a line, its parts written as they come. */
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

static FILE *out_of(const ct_json *j) { return j->out ? j->out : stdout; }

static void write_bytes(FILE *out, const char *text, size_t len) {
    const unsigned char *s = (const unsigned char *)text, *end = s + len;
    putc('"', out);
    while (s < end) {
        int n = utf8(s);
        if (!n)
            fputs("\\ufffd", out);
        else if (*s == '"' || *s == '\\')
            fprintf(out, "\\%c", *s);
        else if (*s < 0x20 || *s == 0x7f)
            fprintf(out, "\\u%04x", *s);
        else
            fwrite(s, 1, (size_t)n, out);
        s += n ? n : 1;
    }
    putc('"', out);
}

static void write_text(FILE *out, const char *text) { write_bytes(out, text, strlen(text)); }

static void start(ct_json *j, const char *key) {
    if (j->comma) fputs(", ", out_of(j));
    j->comma = true;
    if (!key) return;
    write_text(out_of(j), key);
    fputs(": ", out_of(j));
}

void ct_json_open(ct_json *j, const char *key, char bracket) {
    start(j, key);
    putc(bracket, out_of(j));
    j->comma = false;
    j->depth++;
}

void ct_json_close(ct_json *j, char bracket) {
    putc(bracket, out_of(j));
    j->comma = true;
    if (--j->depth) return;
    putc('\n', out_of(j));
    j->comma = false;
}

void ct_json_text(ct_json *j, const char *key, const char *value) {
    start(j, key);
    if (value)
        write_text(out_of(j), value);
    else
        fputs("null", out_of(j));
}

void ct_json_bytes(ct_json *j, const char *key, const char *value, size_t n) {
    start(j, key);
    write_bytes(out_of(j), value, n);
}

void ct_json_number(ct_json *j, const char *key, double value) {
    start(j, key);
    if (isfinite(value))
        fprintf(out_of(j), "%.9g", value);
    else
        fputs("null", out_of(j));
}

void ct_json_int(ct_json *j, const char *key, int64_t value) {
    start(j, key);
    fprintf(out_of(j), "%" PRId64, value);
}

void ct_json_bool(ct_json *j, const char *key, bool value) {
    start(j, key);
    fputs(value ? "true" : "false", out_of(j));
}
