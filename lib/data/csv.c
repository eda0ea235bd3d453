#include "data/csv.h"
#include "base/alloc.h"
#include "file/file.h"
#include "yaml/doc.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MAX_BYTES ((size_t)1 << 30)
#define MAX_FIELDS 20000

ct_status ct_csv_wrong(const ct_csv *c, const ct_csv_field *at, const char *format, ...) {
    char text[1000];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    ct_utf8_make_printable(text);
    return ct_fail(CT_BAD_DATA, "%s:%lld:%lld: %s", c->path, (long long)at->line, (long long)at->column, text);
}

/* ---- a field ---- */

/* The end of a quoted field, unquoted in place, just past its closing quote. */
static ct_status quoted(ct_csv *c, const ct_csv_field *f, char **end) {
    char *out = c->at;
    for (char *p = c->at + 1; *p; p++) {
        if (*p == '"' && *++p != '"') {
            if (*p && !strchr(",\r\n", *p)) return ct_csv_wrong(c, f, "text after a closing quote");
            *end = p, *out = 0;
            return CT_OK;
        }
        if (*p == '\n') c->line++, c->line_start = p + 1;
        *out++ = *p;
    }
    return ct_csv_wrong(c, f, "a quote is not closed");
}

/* Without the spaces around it. */
static char *trimmed(char *text, size_t n) {
    while (n && strchr(" \t", text[n - 1])) n--;
    text[n] = 0;
    return text + strspn(text, " \t");
}

/* The next field; its separator, which becomes its end, goes to *end. */
static ct_status next_field(ct_csv *c, char *end) {
    ct_csv_field *p = ct_grow(c->field, (size_t)c->n, &c->cap, sizeof *p);
    if (!p) return CT_NO_MEMORY;
    c->field = p, p += c->n;
    *p = (ct_csv_field){c->at, c->line, c->at - c->line_start + 1};
    if (c->n++ == MAX_FIELDS) return ct_csv_wrong(c, p, "more than %d fields", MAX_FIELDS);
    char *stop = c->at + strcspn(c->at, ",\r\n");
    bool is_quoted = *c->at == '"';
    if (is_quoted) CT_TRY(quoted(c, p, &stop));
    *end = *stop;
    if (!is_quoted) p->text = trimmed(c->at, (size_t)(stop - c->at));
    *stop = 0;
    c->at = stop + (*end != 0);
    return CT_OK;
}

ct_status ct_csv_next(ct_csv *c, bool *more) {
    for (*more = false; *c->at && !*more; *more = c->n > 1 || *c->field->text) {
        char end = ',';
        for (c->n = 0; end == ',';) CT_TRY(next_field(c, &end));
        if (end == '\r' && *c->at == '\n') c->at++;
        c->line++, c->line_start = c->at;
    }
    return CT_OK;
}

/* ---- the file ---- */

/* Where a byte 0 is. */
static ct_status no_text(const ct_csv *c, const unsigned char *data, const unsigned char *zero) {
    ct_csv_field at = {NULL, 1, 1};
    for (const unsigned char *p = data; p < zero; p++)
        if (*p == '\n')
            at.line++, at.column = 1;
        else
            at.column++;
    return ct_csv_wrong(c, &at, "a byte 0, so it is no text");
}

ct_status ct_csv_open(const char *path, ct_csv *out) {
    ct_bytes b;
    *out = (ct_csv){.path = path, .line = 1};
    CT_TRY(ct_file_read(path, MAX_BYTES, &b));
    const unsigned char *zero = b.len ? memchr(b.data, 0, b.len) : NULL;
    ct_status s = zero ? no_text(out, b.data, zero) : CT_OK;
    if (!s && !(out->text = ct_alloc(b.len + 1, 1))) s = CT_NO_MEMORY;
    if (!s && b.len) memcpy(out->text, b.data, b.len);
    ct_bytes_free(&b);
    CT_TRY(s);
    bool marked = !strncmp(out->text, "\xEF\xBB\xBF", 3); /* a byte order mark */
    out->at = out->line_start = out->text + (marked ? 3 : 0);
    return CT_OK;
}

void ct_csv_close(ct_csv *c) { ct_free(c->text), ct_free(c->field); }
