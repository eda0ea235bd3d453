#include "base/alloc.h"
#include "data/folder.h"
#include "file/file.h"
#include <string.h>
#include <strings.h>

#define MAX_BYTES ((size_t)1 << 30)
#define MAX_FIELDS 2

bool ct_is_png_name(const char *name) {
    size_t n = strlen(name);
    const char *slash = strrchr(name, '/');
    return n > 4 && !strcasecmp(name + n - 4, ".png") && (slash ? slash[1] : name[0]) != '.';
}

/* Where reading stands: text ends with a 0, which is nowhere else in it. */
typedef struct reader {
    const char *path;
    char *at;
    int line, next_line; /* of the row being read, and of what follows */
} reader;

static ct_status wrong(const reader *r, const char *what) {
    return ct_fail(CT_BAD_DATA, "%s:%d: %s", r->path, r->line, what);
}

/* A quoted field, unquoted in place; r->at is past its closing quote. */
static ct_status quoted(reader *r) {
    char *out = r->at;
    for (char *p = r->at + 1; *p; p++) {
        if (*p == '"' && *++p != '"') {
            r->at = p;
            if (*p && !strchr(",\r\n", *p)) return wrong(r, "text after a closing quote");
            *out = 0;
            return CT_OK;
        }
        if (*p == '\n') r->next_line++;
        *out++ = *p;
    }
    return wrong(r, "a quote is not closed");
}

/* One row into field[0..*n). The separators become the fields' ends. */
static ct_status row_of(reader *r, char *field[MAX_FIELDS], int *n) {
    for (*n = 0;;) {
        if (*n == MAX_FIELDS) return wrong(r, "more than two fields; `file,label` was expected");
        field[(*n)++] = r->at;
        if (*r->at == '"')
            CT_TRY(quoted(r));
        else
            r->at += strcspn(r->at, ",\r\n");
        char end = *r->at;
        if (end) *r->at++ = 0;
        if (end == ',') continue;
        if (end == '\r' && *r->at == '\n') r->at++;
        r->next_line += end != 0;
        return CT_OK;
    }
}

static ct_status rows(reader *r, ct_label_fn row, void *ctx) {
    for (bool first = true; *r->at; first = false, r->line = r->next_line) {
        char *field[MAX_FIELDS];
        int n;
        CT_TRY(row_of(r, field, &n));
        if (n == 1 && !*field[0]) continue; /* an empty line */
        if (n != 2 || !*field[0] || !*field[1]) return wrong(r, "`file,label` was expected");
        if (ct_is_png_name(field[0]))
            CT_TRY(row(ctx, r->line, field[0], field[1]));
        else if (!first)
            return wrong(r, "the first field must be the name of a .png file");
    }
    return CT_OK;
}

ct_status ct_labels_read(const char *path, ct_label_fn row, void *ctx, char **text) {
    ct_bytes b;
    *text = NULL;
    CT_TRY(ct_file_read(path, MAX_BYTES, &b));
    ct_status s = CT_OK;
    if (b.len && memchr(b.data, 0, b.len)) s = ct_fail(CT_BAD_DATA, "%s: is not text: it has a byte 0", path);
    if (!s && !(*text = ct_alloc(b.len + 1, 1))) s = CT_NO_MEMORY;
    if (!s && b.len) memcpy(*text, b.data, b.len);
    ct_bytes_free(&b);
    CT_TRY(s);
    reader r = {path, *text, 1, 1};
    if (!strncmp(r.at, "\xEF\xBB\xBF", 3)) r.at += 3; /* a byte order mark */
    return rows(&r, row, ctx);
}
