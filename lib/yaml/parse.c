#include "yaml/doc.h"
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#define MAX_ANCHORS 256

typedef struct anchor {
    const char *name;
    ct_yaml *node;
    bool whole; /* all of it was read */
} anchor;

typedef struct parser {
    yaml_parser_t yaml;
    ct_doc *doc;
    const source *source;
    bool flow;
    int n_anchors;
    anchor anchors[MAX_ANCHORS];
} parser;

/* The place from start to end; when that is on a later line, to the end of the first. */
static ct_yaml place_of(const parser *p, yaml_mark_t start, yaml_mark_t end) {
    ct_yaml at = {.source = &p->source->text, .line = (int)start.line + 1, .col = (int)start.column + 1};
    at.end_col = (int)end.column + 1;
    if (end.line == start.line) return at;
    size_t len;
    const char *text = ct_source_line(at.source, at.line, &len);
    while (len && (text[len - 1] == ' ' || text[len - 1] == '\t')) len--;
    at.end_col = ct_utf8_count(text, len) + 1;
    return at;
}

static ct_yaml place_of_event(const parser *p, const yaml_event_t *e) {
    return place_of(p, e->start_mark, e->end_mark);
}

static void set_place(ct_yaml *node, const ct_yaml *at) {
    node->line = at->line, node->col = at->col, node->end_col = at->end_col;
}

static bool next_event(parser *p, yaml_event_t *e) {
    if (yaml_parser_parse(&p->yaml, e)) return true;
    const yaml_parser_t *y = &p->yaml;
    if (y->error == YAML_MEMORY_ERROR) {
        p->doc->no_memory = true;
        return false;
    }
    ct_yaml at = place_of(p, y->problem_mark, y->problem_mark), start = place_of(p, y->context_mark, y->context_mark);
    ct_yaml_problem(p->doc, &at, y->problem, &start, y->context);
    return false;
}

/* ---- nodes: each reads what its first event, which it ends, starts; NULL after a diagnostic ---- */
static ct_yaml *read_node(parser *p, yaml_event_t *e, int depth);

static bool add_anchor(parser *p, const yaml_char_t *name, ct_yaml *node) {
    if (!name) return true;
    if (p->n_anchors == MAX_ANCHORS)
        return ct_diag(p->doc, CT_ERROR, node, "there are more than %d anchors", MAX_ANCHORS), false;
    anchor *a = &p->anchors[p->n_anchors++];
    *a = (anchor){.name = ct_doc_strdup(p->doc, (const char *)name), .node = node, .whole = node->kind == CT_SCALAR};
    return a->name != NULL;
}

static void end_anchor(parser *p, const ct_yaml *node) {
    for (int i = 0; i < p->n_anchors; i++)
        if (p->anchors[i].node == node) p->anchors[i].whole = true;
}

static ct_yaml *read_alias(parser *p, const yaml_event_t *e, int depth) {
    const char *name = (const char *)e->data.alias.anchor;
    ct_yaml at = place_of_event(p, e);
    int i = p->n_anchors - 1;
    while (i >= 0 && strcmp(p->anchors[i].name, name)) i--; /* the last of a name holds */
    if (i < 0) return ct_diag(p->doc, CT_ERROR, &at, "no anchor '&%.60s' comes before this", name), NULL;
    if (!p->anchors[i].whole) return ct_diag(p->doc, CT_ERROR, &at, "'*%.60s' stands inside what it names", name), NULL;
    ct_yaml *copy = ct_yaml_copy_at(p->doc, p->anchors[i].node, depth);
    if (copy) set_place(copy, &at);
    return copy;
}

static ct_yaml *read_scalar(parser *p, const yaml_event_t *e) {
    const char *text = (const char *)e->data.scalar.value;
    ct_yaml at = place_of_event(p, e);
    if (strlen(text) != e->data.scalar.length)
        return ct_diag(p->doc, CT_ERROR, &at, "a text cannot hold character U+0000"), NULL;
    ct_yaml *node = ct_yaml_scalar(p->doc, text, e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE, &at);
    return node && add_anchor(p, e->data.scalar.anchor, node) ? node : NULL;
}

static bool read_items(parser *p, ct_yaml *list, int depth) {
    for (yaml_event_t e;;) {
        if (!next_event(p, &e)) return false;
        if (e.type == YAML_SEQUENCE_END_EVENT) {
            ct_yaml end = place_of(p, (yaml_mark_t){0, (size_t)list->line - 1, (size_t)list->col - 1}, e.end_mark);
            set_place(list, &end);
            return true;
        }
        if (!ct_yaml_add(p->doc, list, NULL, read_node(p, &e, depth + 1))) return false;
    }
}

static int by_text(const void *a, const void *b) {
    const ct_yaml *x = *(ct_yaml *const *)a, *y = *(ct_yaml *const *)b;
    int order = strcmp(x->text, y->text);
    if (!order) order = x->line != y->line ? (x->line < y->line ? -1 : 1) : (x->col > y->col) - (x->col < y->col);
    return order;
}

static bool check_duplicates(parser *p, const ct_yaml *map) {
    if (map->n < 2) return true;
    ct_yaml **key = ct_doc_alloc(p->doc, (size_t)map->n, sizeof *key);
    if (!key) return false;
    memcpy(key, map->key, (size_t)map->n * sizeof *key);
    qsort(key, (size_t)map->n, sizeof *key, by_text);
    for (int i = 1, first = 0; i < map->n; i++) {
        if (strcmp(key[i]->text, key[first]->text)) {
            first = i;
            continue;
        }
        ct_diag(p->doc, CT_ERROR, key[i], "duplicate key '%.60s'", key[i]->text);
        ct_diag(p->doc, CT_NOTE, key[first], "first given here");
    }
    return true;
}

static bool read_pairs(parser *p, ct_yaml *map, int depth) {
    for (yaml_event_t e;;) {
        if (!next_event(p, &e)) return false;
        if (e.type == YAML_MAPPING_END_EVENT) {
            ct_yaml end = place_of(p, (yaml_mark_t){0, (size_t)map->line - 1, (size_t)map->col - 1}, e.end_mark);
            set_place(map, &end);
            return check_duplicates(p, map);
        }
        ct_yaml *key = read_node(p, &e, depth + 1);
        if (!key || !next_event(p, &e)) return false;
        ct_yaml *value = read_node(p, &e, depth + 1);
        if (!value) return false;
        if (key->kind != CT_SCALAR)
            ct_diag(p->doc, CT_ERROR, key, "a key must be a word, got a %s", key->kind == CT_LIST ? "list" : "map");
        else if (!ct_yaml_add(p->doc, map, key, value))
            return false;
    }
}

static ct_yaml *read_collection(parser *p, const yaml_event_t *e, int depth) {
    bool is_list = e->type == YAML_SEQUENCE_START_EVENT;
    const yaml_char_t *name = is_list ? e->data.sequence_start.anchor : e->data.mapping_start.anchor;
    bool is_flow = is_list ? e->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE
                           : e->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE;
    ct_yaml at = place_of_event(p, e);
    if (depth >= CT_YAML_DEPTH)
        return ct_diag(p->doc, CT_ERROR, &at, "nested deeper than %d levels", CT_YAML_DEPTH), NULL;
    if (p->flow && !is_flow)
        return ct_diag(p->doc, CT_ERROR, &at, "a list is written [a, b] here, and a map {a: b}"), NULL;
    ct_yaml *node = ct_yaml_new(p->doc, is_list ? CT_LIST : CT_MAP, &at);
    if (!node || !add_anchor(p, name, node)) return NULL;
    if (!(is_list ? read_items : read_pairs)(p, node, depth)) return NULL;
    if (name) end_anchor(p, node);
    return node;
}

static const yaml_char_t *tag_of(const yaml_event_t *e) {
    return e->type == YAML_SCALAR_EVENT           ? e->data.scalar.tag
           : e->type == YAML_SEQUENCE_START_EVENT ? e->data.sequence_start.tag
           : e->type == YAML_MAPPING_START_EVENT  ? e->data.mapping_start.tag
                                                  : NULL;
}

static ct_yaml *read_node(parser *p, yaml_event_t *e, int depth) {
    ct_yaml *node = NULL, at = place_of_event(p, e);
    if (tag_of(e))
        ct_diag(p->doc, CT_ERROR, &at, "tags are not supported, got '%.60s'", (const char *)tag_of(e));
    else if (e->type == YAML_ALIAS_EVENT)
        node = read_alias(p, e, depth);
    else if (e->type == YAML_SCALAR_EVENT)
        node = read_scalar(p, e);
    else
        node = read_collection(p, e, depth);
    yaml_event_delete(e);
    return node;
}

/* ---- the document ---- */
static void fail_source(parser *p, const char *message) {
    ct_diag(p->doc, CT_ERROR, &(ct_yaml){.source = &p->source->text}, "%s", message);
}

/* The one document of the stream, whose next event is *e; NULL after a diagnostic. */
static ct_yaml *read_document(parser *p, yaml_event_t *e, int depth) {
    ct_yaml at = place_of(p, e->start_mark, e->start_mark), *root = NULL;
    if (e->type == YAML_DOCUMENT_START_EVENT) {
        if (!next_event(p, e) || !(root = read_node(p, e, depth))) return NULL;
        if (!next_event(p, e) || !next_event(p, e)) return NULL; /* the document's end, and what follows */
    }
    if (e->type == YAML_DOCUMENT_START_EVENT) {
        at = place_of_event(p, e);
        return ct_diag(p->doc, CT_ERROR, &at, "a second document starts here; there can be one"), NULL;
    }
    bool empty = !root || (root->kind == CT_SCALAR && !root->quoted && !*root->text);
    if (empty && !p->flow) return fail_source(p, "the document is empty"), NULL;
    return root ? root : ct_yaml_new(p->doc, CT_SCALAR, &at);
}

ct_status ct_yaml_parse(ct_doc *doc, const source *s, const char *text, size_t len, int depth, bool flow,
                        ct_yaml **root) {
    *root = NULL;
    int errors = ct_diag_count(doc, CT_ERROR);
    parser p = {.doc = doc, .source = s, .flow = flow};
    if (!yaml_parser_initialize(&p.yaml)) {
        doc->no_memory = true;
        return ct_diag_status(doc);
    }
    yaml_parser_set_encoding(&p.yaml, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&p.yaml, (const unsigned char *)text, len);
    yaml_event_t e; /* the stream's start, then the document's, which own nothing */
    if (next_event(&p, &e) && next_event(&p, &e)) *root = read_document(&p, &e, depth);
    yaml_parser_delete(&p.yaml);
    return *root && errors == ct_diag_count(doc, CT_ERROR) ? CT_OK : ct_diag_status(doc);
}
