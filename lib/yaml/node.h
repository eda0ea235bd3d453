/* YAML as a tree in which every node knows its place. Read with libyaml's event parser; bounded in bytes, nodes, depth
   (aliases are copies and count as such), so that no input is slow or large. */
#ifndef CT_YAML_NODE_H
#define CT_YAML_NODE_H
#include "base/buf.h"
#include "base/error.h"

typedef enum ct_node_kind { CT_SCALAR, CT_LIST, CT_MAP } ct_node_kind;

/* A file, "-" or "--set"; made by ct_doc_parse and ct_doc_set alone. */
typedef struct ct_source {
    const char *name, *text;
    size_t len;
} ct_source;

typedef struct ct_yaml {
    ct_node_kind kind;
    const ct_source *source;
    int line, col, end_col;    /* from 1; columns count characters; end_col is past the node's last on its first line */
    const char *text;          /* SCALAR */
    bool quoted;               /* SCALAR: so it is a string, whatever it looks like */
    int n;                     /* LIST, MAP: children; only ct_yaml_add makes it larger */
    struct ct_yaml **key;      /* MAP: scalars */
    struct ct_yaml **value;    /* MAP, LIST */
    const struct ct_yaml *via; /* where the block was used that this node comes of, or NULL */
    const char *block;         /* MAP: the name of the block that was used here, or NULL */
} ct_yaml;

/* A spec's documents: owns every node, text and string, and the diagnostics about them. */
typedef struct ct_doc ct_doc;
ct_doc *ct_doc_new(void); /* NULL: no memory */
void ct_doc_free(ct_doc *doc);
/* Memory that lives as long as the doc; NULL: none. */
void *ct_doc_alloc(ct_doc *doc, size_t count, size_t size);
char *ct_doc_strdup(ct_doc *doc, const char *s);

/* Parses one document into *root. What is wrong becomes a diagnostic, and CT_BAD_SPEC (memory: CT_NO_MEMORY); *root is
   then NULL, unless the tree is whole all the same (a duplicate key), so that checking can go on. */
ct_status ct_doc_parse(ct_doc *doc, const char *name, const char *text, size_t len, ct_yaml **root);
ct_status ct_doc_parse_file(ct_doc *doc, const char *path, ct_yaml **root); /* "-" is stdin */
/* The same for a file that the node `at` names: every diagnostic in it gets a note there, "included here". */
ct_status ct_doc_include(ct_doc *doc, const char *path, const ct_yaml *at, ct_yaml **root);
/* Applies "a.b=value" (the value is YAML; list items by index) to the tree: replaces, or adds what is missing. */
ct_status ct_doc_set(ct_doc *doc, ct_yaml *root, const char *assignment);
/* The value of a key, or NULL (also when `map` is none). */
ct_yaml *ct_yaml_get(const ct_yaml *map, const char *key);
/* Trees made by hand: nodes at the place of `at`, counted against the doc's bounds. NULL after a diagnostic
   (or without memory); ct_yaml_add passes such a NULL value on as false. */
ct_yaml *ct_yaml_new(ct_doc *doc, ct_node_kind kind, const ct_yaml *at);
ct_yaml *ct_yaml_scalar(ct_doc *doc, const char *text, bool quoted, const ct_yaml *at); /* copies `text` */
ct_yaml *ct_yaml_copy(ct_doc *doc, const ct_yaml *node);
/* Appends to a list (key NULL) or a map. */
bool ct_yaml_add(ct_doc *doc, ct_yaml *node, ct_yaml *key, ct_yaml *value);
/* The tree as YAML text again (block style, scalars quoted where they must be). */
void ct_yaml_write(const ct_yaml *node, ct_buf *out);

/* ---- diagnostics ---- */
typedef enum ct_level { CT_ERROR, CT_WARNING, CT_NOTE } ct_level;
/* At `at` (NULL: no place). A note belongs to the diagnostic before it. */
void ct_diag(ct_doc *doc, ct_level level, const ct_yaml *at, const char *fmt, ...) CT_PRINTF(4, 5);
int ct_diag_count(const ct_doc *doc, ct_level level);
/* All of them as text, in order of place: "file:line:col: error: message", the source line, a caret line. */
void ct_diag_write(const ct_doc *doc, ct_buf *out);
/* CT_OK when there is no error, else CT_BAD_SPEC with the first one, "file:line:col: message", as ct_error(). */
ct_status ct_diag_status(const ct_doc *doc);
#endif
