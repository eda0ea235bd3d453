/* JSON: one value a line, its parts written as they come. */
#include "cmd/cmd.h"
#include <inttypes.h>
#include <math.h>
#include <string.h>

static FILE *out_of(const ct_json *j) { return j->out ? j->out : stdout; }

static void write_bytes(FILE *out, const char *text, size_t len) {
    const char *s = text, *end = s + len;
    putc('"', out);
    while (s < end) {
        uint32_t c;
        int n = ct_utf8_read(s, (size_t)(end - s), &c);
        if (!n)
            fputs("\\ufffd", out);
        else if (c == '"' || c == '\\')
            fprintf(out, "\\%c", *s);
        else if (c < 0x20 || c == 0x7f)
            fprintf(out, "\\u%04x", c);
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
