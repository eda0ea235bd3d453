/* Inside the room: what its files share of a document. */
#ifndef CT_YAML_DOC_H
#define CT_YAML_DOC_H
#include "base/key.h"
#include "yaml/node.h"
#include <stdint.h>

enum {
    CT_YAML_DEPTH = 64,
    CT_YAML_NODES = 200000,
    CT_YAML_TEXT = 4 << 20,     /* bytes of one source */
    CT_YAML_SCALARS = 16 << 20, /* bytes of all scalars, copies included */
    CT_YAML_DIAGS = 100         /* kept; the rest is counted */
};

/* A source and where its lines start; what every ct_source in a tree really is. */
typedef struct source {
    ct_source text;          /* first: the public face */
    const char *shown;       /* its name as a terminal may see it */
    int rank;                /* the order of reading */
    const ct_yaml *included; /* where another source includes it, or NULL */
    int lines;
    uint32_t *start; /* of line i, from 0; start[lines] is the end */
} source;

typedef struct diag {
    ct_level level;
    const ct_source *source; /* NULL: no place */
    int line, col, end_col;  /* line 0: the source as a whole */
    int64_t order;           /* of its place; a note has that of its diagnostic */
    const char *message;
} diag;

struct ct_doc {
    struct chunk *chunks;
    const ct_yaml *including; /* what sources are read for now, or NULL */
    int sources, nodes;
    size_t scalar_bytes;
    bool no_memory, too_large; /* said once */
    diag diags[CT_YAML_DIAGS];
    int n_diags, last; /* `last`: the diagnostic that notes follow, -1 when it was not kept */
    int counts[3], hidden;
    /* for messages: the rows of the whole document, those that stand beside the kind being read, names of the
       document's own that its layers have */
    const ct_key *keys, *beside;
    const ct_yaml *own_kinds;
};

/* ---- source.c ---- */
/* Copies `text` (without a byte order mark) into the doc; NULL after a diagnostic: too long, not UTF-8, not text. */
source *ct_source_new(ct_doc *doc, const char *name, const char *text, size_t len);
/* The line's bytes, without its end; line counts from 1, and may be one that is not there. */
const char *ct_source_line(const ct_source *s, int line, size_t *len);
/* Bytes of the character at s (n >= 1 bytes), which goes to *c; 0 when it is not UTF-8. */
int ct_utf8_read(const char *s, size_t n, uint32_t *c);
/* Characters in n bytes; a byte that is not UTF-8 counts as one. */
int ct_utf8_count(const char *s, size_t n);
/* Control characters, line and paragraph separators, marks that reorder text: never written to a terminal. */
bool ct_utf8_is_control(uint32_t c);
/* Replaces, in place, what a terminal should not see. */
void ct_utf8_make_printable(char *s);

/* ---- diag.c ---- */
bool ct_diag_is_full(const ct_doc *doc);

/* ---- node.c ---- */
/* The copy's root stands at `depth` below the tree's. */
ct_yaml *ct_yaml_copy_at(ct_doc *doc, const ct_yaml *node, int depth);
/* An unquoted nothing, ~ or null. */
bool ct_yaml_is_null(const ct_yaml *node);

/* ---- parse.c ---- */
/* Parses `text`, whose places are those of s. `depth`: of its root in a tree. `flow`: the value of an assignment, which
   is [..], {..} or a scalar, perhaps nothing. */
ct_status ct_yaml_parse(ct_doc *doc, const source *s, const char *text, size_t len, int depth, bool flow,
                        ct_yaml **root);

/* ---- problem.c ---- */
/* libyaml's error, at `at`, met while reading what starts at `start`. */
void ct_yaml_problem(ct_doc *doc, ct_yaml *at, const char *problem, const ct_yaml *start, const char *context);

/* ---- set.c ---- */
/* As ct_doc_set, for assignments that come from `name`. */
ct_status ct_yaml_assign(ct_doc *doc, ct_yaml *root, const char *name, const char *assignment);

/* ---- write.c ---- */
/* Whether a plain scalar of this text on one line reads back as itself. */
bool ct_yaml_is_plain(const char *text);
#endif
