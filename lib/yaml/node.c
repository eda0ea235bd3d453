#include "yaml/doc.h"
#include <string.h>

ct_yaml *ct_yaml_get(const ct_yaml *map, const char *key) {
    for (int i = 0; map && map->kind == CT_MAP && i < map->n; i++)
        if (!strcmp(map->key[i]->text, key)) return map->value[i];
    return NULL;
}

bool ct_yaml_is_null(const ct_yaml *node) {
    return node->kind == CT_SCALAR && !node->quoted &&
           (!*node->text || !strcmp(node->text, "~") || !strcmp(node->text, "null"));
}

/* Counts a node and its text; false, said once, when the document is over its bounds. */
static bool count(ct_doc *doc, size_t bytes, const ct_yaml *at) {
    if (doc->nodes < CT_YAML_NODES && bytes <= CT_YAML_SCALARS - doc->scalar_bytes) {
        doc->nodes++, doc->scalar_bytes += bytes;
        return true;
    }
    if (!doc->too_large)
        ct_diag(doc, CT_ERROR, at,
                "the document is too large: over %d values or %d MB of text, copies by alias included", CT_YAML_NODES,
                CT_YAML_SCALARS >> 20);
    doc->too_large = true;
    return false;
}

static ct_yaml *node_new(ct_doc *doc, ct_node_kind kind, size_t bytes, const ct_yaml *at) {
    ct_yaml *node = count(doc, bytes, at) ? ct_doc_alloc(doc, 1, sizeof *node) : NULL;
    if (!node) return NULL;
    node->kind = kind;
    if (at) node->source = at->source, node->line = at->line, node->col = at->col, node->end_col = at->end_col;
    return node;
}

ct_yaml *ct_yaml_new(ct_doc *doc, ct_node_kind kind, const ct_yaml *at) {
    ct_yaml *node = node_new(doc, kind, 0, at);
    if (node && kind == CT_SCALAR) node->text = "";
    return node;
}

ct_yaml *ct_yaml_scalar(ct_doc *doc, const char *text, bool quoted, const ct_yaml *at) {
    ct_yaml *node = node_new(doc, CT_SCALAR, strlen(text) + 1, at);
    if (!node || !(node->text = ct_doc_strdup(doc, text))) return NULL;
    node->quoted = quoted || (*text && !ct_yaml_is_plain(text));
    return node;
}

/* Twice the room whenever n is a power of two: the array's room need not be kept. */
static bool make_room(ct_doc *doc, ct_yaml ***items, int n) {
    if (n & (n - 1)) return true;
    ct_yaml **p = ct_doc_alloc(doc, n ? 2 * (size_t)n : 1, sizeof *p);
    if (p && n) memcpy(p, *items, (size_t)n * sizeof *p);
    return p && (*items = p, true);
}

bool ct_yaml_add(ct_doc *doc, ct_yaml *node, ct_yaml *key, ct_yaml *value) {
    if (!value || !make_room(doc, &node->value, node->n) || (key && !make_room(doc, &node->key, node->n))) return false;
    if (key) node->key[node->n] = key;
    node->value[node->n++] = value;
    return true;
}

ct_yaml *ct_yaml_copy_at(ct_doc *doc, const ct_yaml *node, int depth) {
    ct_yaml *copy = node_new(doc, node->kind, node->kind == CT_SCALAR ? strlen(node->text) + 1 : 0, node);
    if (!copy) return NULL;
    copy->text = node->text, copy->quoted = node->quoted;
    if (node->kind != CT_SCALAR && depth >= CT_YAML_DEPTH)
        return ct_diag(doc, CT_ERROR, node, "nested deeper than %d levels", CT_YAML_DEPTH), NULL;
    for (int i = 0; i < node->n; i++) {
        ct_yaml *key = node->kind == CT_MAP ? ct_yaml_copy_at(doc, node->key[i], depth + 1) : NULL;
        if (node->kind == CT_MAP && !key) return NULL;
        if (!ct_yaml_add(doc, copy, key, ct_yaml_copy_at(doc, node->value[i], depth + 1))) return NULL;
    }
    return copy;
}

ct_yaml *ct_yaml_copy(ct_doc *doc, const ct_yaml *node) { return ct_yaml_copy_at(doc, node, 0); }
