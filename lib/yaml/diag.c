#include "yaml/doc.h"
#include <stdio.h>
#include <string.h>

#define LINE_MAX_SHOWN 160
#define LINE_BEFORE 80 /* characters before the caret that a clipped line shows */
#define CLIP "..."

static const char *const level_name[] = {[CT_ERROR] = "error", [CT_WARNING] = "warning", [CT_NOTE] = "note"};

bool ct_diag_is_full(const ct_doc *doc) { return doc->n_diags == CT_YAML_DIAGS; }

static int64_t order_of(const ct_yaml *at) {
    if (!at || !at->source) return -1;
    return (int64_t)((const source *)at->source)->rank << 48 | (int64_t)at->line << 24 | CT_MIN(at->col, (1 << 24) - 1);
}

/* Where the new one goes, or -1 when it is not kept. */
static int find_slot(const ct_doc *doc, ct_level level, int64_t order) {
    if (ct_diag_is_full(doc)) return -1;
    if (level == CT_NOTE) return doc->last < 0 ? -1 : doc->last + 1;
    int i = doc->n_diags;
    while (i && doc->diags[i - 1].order > order) i--;
    return i;
}

/* What a block's layers are told is told once, however often it is used. */
static bool is_said(const ct_doc *doc, ct_level level, int64_t order, const char *text) {
    for (int i = 0; order >= 0 && level != CT_NOTE && i < doc->n_diags; i++)
        if (doc->diags[i].order == order && !strcmp(doc->diags[i].message, text)) return true;
    return false;
}

static void keep(ct_doc *doc, ct_level level, const ct_yaml *at, const char *text) {
    int64_t order = level == CT_NOTE && doc->last >= 0 ? doc->diags[doc->last].order : order_of(at);
    bool said = is_said(doc, level, order, text);
    doc->counts[level] += !said || level == CT_ERROR; /* readers count errors to see whether there was one */
    int i = said ? -1 : find_slot(doc, level, order);
    char *message = i < 0 ? NULL : ct_doc_strdup(doc, text);
    if (level != CT_NOTE || message) doc->last = message ? i : -1;
    if (!message) {
        doc->hidden += level != CT_NOTE && !said;
        return;
    }
    memmove(doc->diags + i + 1, doc->diags + i, sizeof *doc->diags * (size_t)(doc->n_diags++ - i));
    doc->diags[i] = (diag){.level = level, .order = order, .message = message};
    if (!at || !at->source) return;
    diag *d = &doc->diags[i];
    d->source = at->source, d->line = at->line, d->col = at->col, d->end_col = at->end_col;
}

/* Where the file that a node stands in is included, or NULL. */
static const ct_yaml *included(const ct_yaml *at) { return at->source ? ((const source *)at->source)->included : NULL; }

void ct_diag(ct_doc *doc, ct_level level, const ct_yaml *at, const char *fmt, ...) {
    char text[1024];
    va_list args;
    va_start(args, fmt);
    if (vsnprintf(text, sizeof text, fmt, args) >= (int)sizeof text)
        memcpy(text + sizeof text - sizeof CLIP, CLIP, sizeof CLIP);
    va_end(args);
    ct_utf8_make_printable(text);
    keep(doc, level, at, text);
    const ct_yaml *file = at && level != CT_NOTE ? included(at) : NULL;
    for (; file; file = included(file)) keep(doc, CT_NOTE, file, "included here");
    for (const ct_yaml *use = at && level != CT_NOTE ? at->via : NULL, *last = NULL; use; use = use->via) {
        if (!last || order_of(last) != order_of(use)) keep(doc, CT_NOTE, use, "used here"); /* a block in itself */
        last = use;
    }
}

int ct_diag_count(const ct_doc *doc, ct_level level) { return doc->counts[level]; }

/* "spec.yaml:3:12: ", as much of it as there is. */
static void write_place(const diag *d, ct_buf *out) {
    if (!d->source) return;
    ct_buf_printf(out, "%s:", ((const source *)d->source)->shown);
    if (d->line) ct_buf_printf(out, "%d:%d:", d->line, d->col);
    ct_buf_puts(out, " ");
}

/* The line's characters from..to: a space for a tab, ? for what cannot be shown, dots where it is clipped. */
static void write_clipped(const char *text, size_t len, int from, int to, int count, ct_buf *out) {
    uint32_t c = 0;
    int dots = (int)strlen(CLIP);
    if (from > 0) ct_buf_puts(out, CLIP);
    for (int i = 0; len && i < to - (to < count ? dots : 0); i++) {
        int read = ct_utf8_read(text, len, &c);
        size_t size = (size_t)CT_MAX(read, 1);
        if (i >= from + (from > 0 ? dots : 0)) {
            if (*text == '\t' || !read || ct_utf8_is_control(c))
                ct_buf_puts(out, *text == '\t' ? " " : "?");
            else
                ct_buf_add(out, text, size);
        }
        text += size, len -= size;
    }
    ct_buf_puts(out, to < count ? CLIP "\n" : "\n");
}

static void write_source(const diag *d, ct_buf *out) {
    size_t len;
    const char *text = ct_source_line(d->source, d->line, &len);
    int count = ct_utf8_count(text, len);
    int from = count > LINE_MAX_SHOWN ? CT_MAX(0, CT_MIN(d->col - LINE_BEFORE, count - LINE_MAX_SHOWN)) : 0;
    int to = CT_MIN(count, from + LINE_MAX_SHOWN);
    ct_buf_printf(out, "%5d | ", d->line);
    write_clipped(text, len, from, to, count, out);
    ct_buf_printf(out, "%*s | %*s^", CT_MAX(5, snprintf(NULL, 0, "%d", d->line)), "", d->col - 1 - from, "");
    for (int i = d->col + 1; i < CT_MIN(d->end_col, to + 1); i++) ct_buf_puts(out, "~");
    ct_buf_puts(out, "\n");
}

void ct_diag_write(const ct_doc *doc, ct_buf *out) {
    for (int i = 0; i < doc->n_diags; i++) {
        const diag *d = &doc->diags[i];
        write_place(d, out);
        ct_buf_printf(out, "%s: %s\n", level_name[d->level], d->message);
        if (d->source && d->line) write_source(d, out);
    }
    if (doc->hidden) ct_buf_printf(out, "note: %d more are not shown\n", doc->hidden);
}

ct_status ct_diag_status(const ct_doc *doc) {
    if (doc->no_memory) return ct_fail_memory();
    if (!doc->counts[CT_ERROR]) return CT_OK;
    const diag *d = doc->diags;
    while (d < doc->diags + doc->n_diags && d->level != CT_ERROR) d++;
    if (d == doc->diags + doc->n_diags) return ct_fail(CT_BAD_SPEC, "%d errors", doc->counts[CT_ERROR]);
    ct_buf line = CT_BUF(8192);
    write_place(d, &line);
    ct_fail(CT_BAD_SPEC, "%s%s", line.data ? line.data : "", d->message);
    ct_buf_free(&line);
    return CT_BAD_SPEC;
}
