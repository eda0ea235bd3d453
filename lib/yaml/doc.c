#include "yaml/doc.h"
#include "base/alloc.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define CHUNK 65536

typedef struct chunk {
    struct chunk *next;
    size_t size, used;
    _Alignas(16) char data[];
} chunk;

ct_doc *ct_doc_new(void) {
    ct_doc *doc = ct_alloc(1, sizeof *doc);
    if (doc) doc->last = -1;
    return doc;
}

void ct_doc_free(ct_doc *doc) {
    if (!doc) return;
    for (chunk *c = doc->chunks, *next; c; c = next) next = c->next, ct_free(c);
    ct_free(doc);
}

static chunk *chunk_new(ct_doc *doc, size_t bytes) {
    chunk *c = ct_alloc(1, sizeof *c + bytes);
    if (!c) return NULL;
    c->size = bytes;
    /* a large one goes behind the first, whose rest stays in use */
    chunk **at = doc->chunks && bytes > CHUNK ? &doc->chunks->next : &doc->chunks;
    c->next = *at;
    return *at = c;
}

void *ct_doc_alloc(ct_doc *doc, size_t count, size_t size) {
    size_t bytes;
    chunk *c = doc->chunks;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX / 2) bytes = SIZE_MAX / 2;
    bytes = (bytes + 15) & ~(size_t)15;
    if ((!c || c->size - c->used < bytes) && !(c = chunk_new(doc, CT_MAX(bytes, CHUNK)))) {
        doc->no_memory = true;
        return NULL;
    }
    c->used += bytes;
    return c->data + c->used - bytes;
}

char *ct_doc_strdup(ct_doc *doc, const char *s) {
    size_t n = strlen(s) + 1;
    char *p = ct_doc_alloc(doc, n, 1);
    return p ? memcpy(p, s, n) : NULL;
}

ct_status ct_doc_parse(ct_doc *doc, const char *name, const char *text, size_t len, ct_yaml **root) {
    *root = NULL;
    source *s = ct_source_new(doc, name, text, len);
    return s ? ct_yaml_parse(doc, s, s->text.text, s->text.len, 0, false, root) : ct_diag_status(doc);
}

static ct_status cannot_read(ct_doc *doc, const char *path, int error) {
    doc->no_memory |= error == ENOMEM;
    source *s = ct_source_new(doc, path, "", 0);
    if (!s) return ct_diag_status(doc);
    ct_diag(doc, CT_ERROR, &(ct_yaml){.source = &s->text}, "cannot be read: %s", strerror(error));
    return ct_diag_status(doc);
}

ct_status ct_doc_parse_file(ct_doc *doc, const char *path, ct_yaml **root) {
    *root = NULL;
    FILE *f = strcmp(path, "-") ? fopen(path, "rbe") : stdin;
    if (!f) return cannot_read(doc, path, errno);
    setvbuf(f, NULL, _IONBF, 0);                /* it is read at once */
    char *text = ct_alloc(CT_YAML_TEXT + 1, 1); /* one more than may be: the source says that it is too long */
    size_t len = text ? fread(text, 1, CT_YAML_TEXT + 1, f) : 0;
    int error = !text ? ENOMEM : ferror(f) ? errno : 0;
    if (f != stdin) fclose(f);
    ct_status status = error ? cannot_read(doc, path, error) : ct_doc_parse(doc, path, text, len, root);
    ct_free(text);
    return status;
}

ct_status ct_doc_include(ct_doc *doc, const char *path, const ct_yaml *at, ct_yaml **root) {
    const ct_yaml *before = doc->including;
    doc->including = at;
    ct_status status = ct_doc_parse_file(doc, path, root);
    doc->including = before;
    return status;
}
