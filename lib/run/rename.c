#include "run/rename.h"
#include "base/alloc.h"
#include "file/file.h"
#include <string.h>

#define MAX_BYTES ((size_t)1 << 24)
static const char blank[] = " \t\r";

void ct_rename_free(ct_rename *r) {
    ct_free(r->row), ct_free(r->text);
    *r = (ct_rename){0};
}

static bool is_twice(const ct_rename *r, const ct_rename_row *row) {
    for (int i = 0; i < r->n; i++)
        if (!strcmp(r->row[i].theirs, row->theirs) || !strcmp(r->row[i].ours, row->ours)) return true;
    return false;
}

/* One line, which its words are cut out of. */
static ct_status add_line(ct_rename *r, size_t *cap, char *line, const char *path, int number) {
    char *rest, *theirs, *ours;
    line[strcspn(line, "#")] = 0;
    if (!(theirs = strtok_r(line, blank, &rest))) return CT_OK;
    ours = strtok_r(NULL, blank, &rest);
    if (!ours || strtok_r(NULL, blank, &rest))
        return ct_fail(CT_BAD_SPEC, "%s:%d: a line is `their.name our.name`", path, number);
    ct_rename_row *p = ct_grow(r->row, (size_t)r->n, cap, sizeof *p), row = {theirs, ours, number};
    if (!p) return CT_NO_MEMORY;
    r->row = p;
    if (is_twice(r, &row)) return ct_fail(CT_BAD_SPEC, "%s:%d: one of its names stood in a line before", path, number);
    r->row[r->n++] = row;
    return CT_OK;
}

static ct_status read_lines(ct_rename *r, const char *path, const ct_bytes *b) {
    size_t cap = 0;
    int number = 0;
    if (b->len && memchr(b->data, 0, b->len)) return ct_fail(CT_BAD_SPEC, "%s: is no text: it has a byte 0", path);
    if (!(r->text = ct_alloc(b->len + 1, 1))) return CT_NO_MEMORY;
    if (b->len) memcpy(r->text, b->data, b->len);
    for (char *line = r->text, *end; line; line = end) {
        if ((end = strchr(line, '\n'))) *end++ = 0;
        CT_TRY(add_line(r, &cap, line, path, ++number));
    }
    return CT_OK;
}

ct_status ct_rename_read(const char *path, ct_rename *out) {
    ct_bytes b;
    *out = (ct_rename){0};
    CT_TRY(ct_file_read(path, MAX_BYTES, &b));
    ct_status status = read_lines(out, path, &b);
    ct_bytes_free(&b);
    if (status) ct_rename_free(out);
    return status;
}

const char *ct_rename_theirs(const ct_rename *r, const char *name) {
    for (int i = 0; i < r->n; i++)
        if (!strcmp(r->row[i].ours, name)) return r->row[i].theirs;
    return name;
}
