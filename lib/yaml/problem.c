/* libyaml's errors in plain words. */
#include "yaml/doc.h"
#include <string.h>

typedef struct phrase {
    const char *theirs, *ours;
    bool at_start; /* the place to show is where the broken thing starts, not where libyaml gave up */
} phrase;

static const phrase problems[] = {
    {"mapping values are not allowed in this context",
     "a ':' cannot stand here; is the indentation right, or does a text need quotes?", false},
    {"did not find expected key", "expected a key here; is the indentation right?", false},
    {"did not find expected '-' indicator", "expected '- ' here; is the indentation right?", false},
    {"block sequence entries are not allowed in this context", "a '- ' item cannot stand here", false},
    {"mapping keys are not allowed in this context", "a '? ' key cannot stand here", false},
    {"could not find expected ':'", "expected ':' after this key", true},
    {"did not find expected ',' or ']'", "expected ',' or ']'", false},
    {"did not find expected ',' or '}'", "expected ',' or '}'", false},
    {"found unexpected end of stream", "these quotes are not closed", true},
    {"found unexpected document indicator", "these quotes are not closed", true},
    {"found unknown escape character", "unknown escape in double quotes; a backslash itself is '\\\\'", false},
    {"did not find expected node content", "expected a value here", false},
    {"found character that cannot start any token", "a value cannot start so; does the text need quotes?", false},
    {"did not find expected <document start>", "expected nothing more here; is the indentation right?", false},
    {"found a tab character that violates indentation", "a tab cannot indent; use spaces", false},
    {"found a tab character where an indentation space is expected", "a tab cannot indent; use spaces", false},
    {"found undefined tag handle", "tags are not supported; does the text need quotes?", false},
    {"did not find expected alphabetic or numeric character",
     "expected a name after '&' or '*'; does the text need quotes?", false},
};

static const phrase contexts[] = {
    {"while parsing a flow sequence", "the list starts here", false},
    {"while parsing a flow mapping", "the map starts here", false},
    {"while parsing a block collection", "the list starts here", false},
    {"while parsing a block mapping", "the map starts here", false},
    {"while scanning a quoted scalar", "the text starts here", false},
};

static const phrase *find(const phrase *list, int n, const char *theirs) {
    for (int i = 0; theirs && i < n; i++)
        if (!strcmp(list[i].theirs, theirs)) return &list[i];
    return NULL;
}

static bool is_tab_indent(const ct_yaml *at) {
    size_t len;
    const char *text = ct_source_line(at->source, at->line, &len);
    size_t col = (size_t)at->col;
    return len >= col && strspn(text, " \t") >= col && text[col - 1] == '\t';
}

/* libyaml meets the end of the text on a line after it; what is missing is missing where the text ends. */
static void leave_empty_end(ct_yaml *at) {
    size_t len;
    int lines = ((const source *)at->source)->lines;
    while (at->line > 1 && at->line >= lines && (ct_source_line(at->source, at->line, &len), !len)) {
        const char *before = ct_source_line(at->source, --at->line, &len);
        lines = at->line;
        at->col = at->end_col = ct_utf8_count(before, len) + 1;
    }
}

/* Where an item of a list lacks the space after its dash. */
static bool is_tight_item(const ct_yaml *at) {
    size_t len, col = (size_t)at->col;
    const char *text = ct_source_line(at->source, at->line, &len);
    return col < len && text[col - 1] == '-' && !strchr(" \t-", text[col]);
}

void ct_yaml_problem(ct_doc *doc, ct_yaml *at, const char *problem, const ct_yaml *start, const char *context) {
    leave_empty_end(at);
    if (is_tab_indent(at)) problem = "found a tab character that violates indentation";
    const phrase *p = find(problems, CT_COUNT(problems), problem), *note = find(contexts, CT_COUNT(contexts), context);
    bool at_start = p && p->at_start, elsewhere = start->line != at->line || start->col != at->col;
    bool tight = at_start && is_tight_item(start);
    ct_diag(doc, CT_ERROR, at_start ? start : at, "%s",
            tight ? "expected ':' after this key; or does a space belong after '-'?"
            : p   ? p->ours
                  : problem);
    if (note && !at_start && elsewhere) ct_diag(doc, CT_NOTE, start, "%s", note->ours);
}
