/* A spec as YAML again. */
#include "base/alloc.h"
#include "run/spec.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* `path` from the root on, without links as far as it is there. Room for 4096. */
static ct_status absolute(const char *path, char *out) {
    char part[4096];
    size_t n = strlen(path);
    if (n >= sizeof part) return ct_fail(CT_FAIL, "%.80s...: the path is too long", path);
    memcpy(part, path, n + 1);
    while (!realpath(*part ? part : ".", out)) { /* without its last name, until it is there */
        char *slash = strrchr(part, '/');
        if (!*part) return ct_fail(CT_FAIL, "%s: %s", path, strerror(errno));
        part[slash && slash > part ? slash - part : slash && slash[1] ? 1 : 0] = 0;
    }
    const char *rest = path + strlen(part);
    while (*rest == '/') rest++;
    if (strlen(out) + strlen(rest) + 2 > 4096) return ct_fail(CT_FAIL, "%.80s...: the path is too long", path);
    if (*rest && strcmp(out, "/")) strcat(out, "/");
    strcat(out, rest);
    return CT_OK;
}

/* `path` as seen from directory `dir`, which exists. Room for 4096. */
static ct_status relative(const char *path, const char *dir, char *out) {
    char a[4096], b[4096];
    CT_TRY(absolute(path, a));
    CT_TRY(absolute(dir, b));
    size_t i = 0, cut = 0;
    for (; a[i] && a[i] == b[i]; i++)
        if (a[i] == '/') cut = i;
    if ((!a[i] && b[i] == '/') || (!b[i] && a[i] == '/') || (!a[i] && !b[i])) cut = i;
    ct_buf r = CT_BUF(4095);
    for (const char *p = b + cut; *p; p++)
        if (*p == '/' && p[1]) ct_buf_puts(&r, "../");
    ct_buf_puts(&r, a[cut] ? a + cut + 1 : ".");
    ct_status status = ct_buf_status(&r);
    if (!status) memcpy(out, r.data, r.len + 1);
    ct_buf_free(&r);
    return status;
}

ct_status ct_spec_expanded(const ct_spec *spec, char **text) {
    ct_buf b = CT_BUF(64 << 20);
    ct_status status = ct_spec_text(spec, ".", &b);
    if (status)
        ct_buf_free(&b);
    else
        *text = b.data;
    return status;
}

/* Sections that have paths: their rows, and where what those fill is in a spec. */
typedef struct section {
    const char *name;
    const ct_key *keys;
    size_t offset;
    bool whole; /* without the paths the other keys mean nothing */
} section;
static const section with_paths[] = {{"data", ct_data_keys, offsetof(ct_spec, data), false},
                                     {"init", ct_init_beside, offsetof(ct_spec, model.from), true}};

/* A path's node with the path as seen from `dir`. */
static ct_status moved(const ct_spec *spec, const section *s, const ct_key *key, const char *dir, ct_yaml **node) {
    char text[4096] = "";
    ct_yaml *v = ct_doc_alloc(spec->doc, 1, sizeof *v);
    if (!v) return CT_NO_MEMORY;
    CT_TRY(relative(*(const char *const *)((const char *)spec + s->offset + key->offset), dir, text));
    *v = **node;
    *node = v;
    return (v->text = ct_doc_strdup(spec->doc, text)) ? CT_OK : CT_NO_MEMORY;
}

/* A section with its paths made relative to dir; or, without one, left out. */
static ct_status move_paths(const ct_spec *spec, const section *s, const char *dir, ct_yaml **map) {
    const ct_yaml *old = *map;
    ct_yaml *m = ct_doc_alloc(spec->doc, 1, sizeof *m);
    ct_yaml **kept = ct_doc_alloc(spec->doc, 2 * (size_t)old->n + 2, sizeof *kept);
    if (!m || !kept) return CT_NO_MEMORY;
    *m = *old, m->n = 0, m->key = kept, m->value = kept + old->n;
    for (int i = 0; i < old->n; i++) {
        const ct_key *key = ct_key_find(s->keys, old->key[i]->text);
        bool is_path = key && key->type == CT_KEY_PATH;
        ct_yaml *v = old->value[i];
        if (!dir && key && (is_path || s->whole)) continue;
        if (is_path) CT_TRY(moved(spec, s, key, dir, &v));
        m->key[m->n] = old->key[i], m->value[m->n++] = v;
    }
    *map = m;
    return CT_OK;
}

ct_status ct_spec_text(const ct_spec *spec, const char *dir, ct_buf *out) {
    ct_yaml root = *spec->root;
    ct_yaml **kept = ct_doc_alloc(spec->doc, 2 * (size_t)root.n + 2, sizeof *kept);
    if (!kept) return CT_NO_MEMORY;
    root.n = 0, root.key = kept, root.value = kept + spec->root->n;
    for (int i = 0; i < spec->root->n; i++) {
        ct_yaml *key = spec->root->key[i], *value = spec->root->value[i];
        for (int k = 0; k < CT_COUNT(with_paths); k++)
            if (!strcmp(key->text, with_paths[k].name) && value->kind == CT_MAP && value->n) {
                CT_TRY(move_paths(spec, &with_paths[k], dir, &value));
                if (!value->n && with_paths[k].whole) value = NULL;
                break;
            }
        if (value) root.key[root.n] = key, root.value[root.n++] = value;
    }
    ct_yaml_write(&root, out);
    return ct_buf_status(out);
}
