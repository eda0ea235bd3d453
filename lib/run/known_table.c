/* What a spec says of a table, held against the table's first line. */
#include "base/alloc.h"
#include "data/csv.h"
#include "run/spec.h"
#include <stdio.h>
#include <string.h>

typedef struct header {
    const char **name; /* n, c's */
    int n;
    ct_csv c;
} header;

/* No names where the file has none, or cannot be read: what loads it says why. */
static ct_status open_header(const char *path, header *out) {
    bool more = false;
    *out = (header){0};
    if (ct_csv_open(path, &out->c) || ct_csv_next(&out->c, &more) || !more) return CT_OK;
    if (!(out->name = ct_alloc((size_t)out->c.n, sizeof *out->name))) return CT_NO_MEMORY;
    for (; out->n < out->c.n; out->n++) out->name[out->n] = out->c.field[out->n].text;
    return CT_OK;
}

static void close_header(header *h) { ct_csv_close(&h->c), ct_free(h->name); }

/* "; did you mean 'age'?", or what there is, as much as fits. */
static void other_names(const header *h, const char *name, char *out, size_t cap) {
    const char *near = ct_nearest(name, h->name, h->n);
    if (near) snprintf(out, cap, "; did you mean '%.80s'?", near);
    size_t len = near ? cap : (size_t)snprintf(out, cap, "; it has ");
    for (int i = 0; len < cap && i < h->n; i++) {
        bool fits = len + strlen(h->name[i]) + sizeof ", ..." < cap;
        int n = snprintf(out + len, cap - len, "%s%s", i ? ", " : "", fits ? h->name[i] : "...");
        len = fits ? len + (size_t)n : cap;
    }
}

static void check_name(const ct_spec *spec, const header *h, const ct_yaml *at) {
    char others[200];
    int i = 0;
    while (i < h->n && strcmp(h->name[i], at->text)) i++;
    if (i < h->n) return;
    other_names(h, at->text, others, sizeof others);
    ct_diag(spec->doc, CT_ERROR, at, "the table has no column '%.80s'%s", at->text, others);
}

ct_status ct_spec_check_columns(const ct_spec *spec) {
    static const char *const keys[] = {"target", "columns", "categories"};
    const ct_yaml *data = ct_yaml_get(spec->root, "data");
    header h;
    if (!spec->data.csv) return CT_OK;
    ct_status status = open_header(spec->data.csv, &h);
    for (int i = 0; h.n && i < CT_COUNT(keys); i++) {
        const ct_yaml *at = ct_yaml_get(data, keys[i]);
        if (at && at->kind == CT_SCALAR) check_name(spec, &h, at);
        for (int k = 0; at && at->kind == CT_LIST && k < at->n; k++) check_name(spec, &h, at->value[k]);
    }
    close_header(&h);
    return status ? status : ct_diag_status(spec->doc);
}
