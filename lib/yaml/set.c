#include "yaml/doc.h"
#include "base/alloc.h"
#include <stdlib.h>
#include <string.h>

/* One word of "train.epochs": a key, or a list's index. */
typedef struct part {
    char *word;
    ct_yaml at;
} part;

typedef struct path {
    int n;
    part part[CT_YAML_DEPTH];
} path;

static bool read_path(ct_doc *doc, const ct_source *s, size_t len, path *out) {
    ct_yaml at = {.source = s, .line = 1, .col = 1};
    out->n = 0;
    for (const char *word = s->text, *end = s->text + len; word <= end; out->n++) {
        const char *dot = memchr(word, '.', (size_t)(end - word));
        size_t n = (size_t)((dot ? dot : end) - word);
        at.end_col = at.col + ct_utf8_count(word, n);
        if (!n || memchr(word, ' ', n) || memchr(word, '\t', n) || memchr(word, '\n', n))
            return ct_diag(doc, CT_ERROR, &at, "expected a path of words and dots, as in train.epochs=10"), false;
        if (out->n == CT_YAML_DEPTH)
            return ct_diag(doc, CT_ERROR, &at, "nested deeper than %d levels", CT_YAML_DEPTH), false;
        part *p = &out->part[out->n];
        p->at = at;
        if (!(p->word = ct_doc_alloc(doc, n + 1, 1))) return false;
        memcpy(p->word, word, n);
        at.col = at.end_col + 1;
        word += n + 1;
    }
    return true;
}

/* What stands after the '=', its places those of the assignment: blanks stand for what comes before. */
static ct_yaml *read_value(ct_doc *doc, const source *s, size_t from, int depth) {
    size_t before = (size_t)ct_utf8_count(s->text.text, from), len = s->text.len - from;
    char *text = ct_alloc(before + len + 1, 1);
    ct_yaml *value = NULL;
    if (!text) {
        doc->no_memory = true;
        return NULL;
    }
    memset(text, ' ', before);
    memcpy(text + before, s->text.text + from, len);
    int errors = ct_diag_count(doc, CT_ERROR);
    ct_yaml_parse(doc, s, text, before + len, depth, true, &value);
    ct_free(text);
    return ct_diag_count(doc, CT_ERROR) == errors ? value : NULL;
}

/* Where a list's item is, or one past its last, made now. */
static ct_yaml **item_of(ct_doc *doc, ct_yaml *list, const part *p) {
    char *end;
    unsigned long i = strtoul(p->word, &end, 10);
    bool is_index = strspn(p->word, "0123456789") == strlen(p->word);
    if (!is_index || i > (unsigned long)list->n) {
        ct_diag(doc, CT_ERROR, &p->at, "this is a list of %d, whose items go by numbers from 0; got '%.60s'", list->n,
                p->word);
        return NULL;
    }
    if (i == (unsigned long)list->n && !ct_yaml_add(doc, list, NULL, ct_yaml_new(doc, CT_SCALAR, &p->at))) return NULL;
    return &list->value[i];
}

/* Where a key's value is, added (as nothing) where the map lacks it. */
static ct_yaml **value_of(ct_doc *doc, ct_yaml *map, const part *p) {
    for (int i = 0; i < map->n; i++)
        if (!strcmp(map->key[i]->text, p->word)) return &map->value[i];
    ct_yaml *key = ct_yaml_scalar(doc, p->word, false, &p->at);
    return key && ct_yaml_add(doc, map, key, ct_yaml_new(doc, CT_SCALAR, &p->at)) ? &map->value[map->n - 1] : NULL;
}

static ct_yaml **slot_of(ct_doc *doc, ct_yaml *node, const part *p) {
    if (node->kind == CT_LIST) return item_of(doc, node, p);
    if (node->kind == CT_MAP) return value_of(doc, node, p);
    ct_diag(doc, CT_ERROR, &p->at, "there is no '%.60s' inside the value '%.60s'", p->word, node->text);
    if (node->line) ct_diag(doc, CT_NOTE, node, "the value is here");
    return NULL;
}

static void put(ct_doc *doc, ct_yaml *root, const path *path, ct_yaml *value) {
    ct_yaml *node = root;
    for (int i = 0; i < path->n; i++) {
        const part *p = &path->part[i];
        ct_yaml **slot = slot_of(doc, node, p);
        if (!slot) return;
        if (i == path->n - 1)
            *slot = value;
        else if (ct_yaml_is_null(*slot) && !(*slot = ct_yaml_new(doc, CT_MAP, &p->at)))
            return;
        node = *slot;
    }
}

ct_status ct_yaml_assign(ct_doc *doc, ct_yaml *root, const char *name, const char *assignment) {
    int errors = ct_diag_count(doc, CT_ERROR);
    source *s = ct_source_new(doc, name, assignment, strlen(assignment));
    if (!s) return ct_diag_status(doc);
    const char *equals = strchr(s->text.text, '=');
    path path;
    if (!equals) {
        ct_yaml at = {.source = &s->text, .line = 1, .col = 1, .end_col = ct_utf8_count(s->text.text, s->text.len) + 1};
        ct_diag(doc, CT_ERROR, &at, "expected path=value, as in train.epochs=10");
    } else if (read_path(doc, &s->text, (size_t)(equals - s->text.text), &path)) {
        ct_yaml *value = read_value(doc, s, (size_t)(equals + 1 - s->text.text), path.n);
        if (value) put(doc, root, &path, value);
    }
    return ct_diag_count(doc, CT_ERROR) == errors && !doc->no_memory ? CT_OK : ct_diag_status(doc);
}

ct_status ct_doc_set(ct_doc *doc, ct_yaml *root, const char *assignment) {
    return ct_yaml_assign(doc, root, "--set", assignment);
}
