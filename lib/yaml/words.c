/* Parts of messages. */
#include "yaml/value.h"
#include <stdio.h>
#include <string.h>

#define SHOWN 40 /* bytes of a value that a message repeats */

const char *ct_value_words(const ct_yaml *node, ct_words *w) {
    if (node->kind == CT_LIST) return node->n ? "a list" : "an empty list";
    if (node->kind == CT_MAP) return "a map";
    if (!node->quoted && !*node->text) return "nothing";
    size_t n = strlen(node->text), shown = CT_MIN(n, SHOWN);
    while (shown < n && (node->text[shown] & 0xc0) == 0x80) shown--; /* whole characters */
    snprintf(w->text, sizeof w->text, "%s'%.*s%s'", node->quoted ? "the string " : "", (int)shown, node->text,
             shown < n ? "..." : "");
    return w->text;
}

const char *ct_near_words(const ct_doc *doc, const char *word, const char *const *names, int n, ct_words *w) {
    const char *near = ct_diag_is_full(doc) ? NULL : ct_nearest(word, names, n); /* work that nobody would see */
    if (!near) return "";
    snprintf(w->text, sizeof w->text, "; did you mean '%s'?", near);
    return w->text;
}

const char *ct_list_words(const char *const *names, int n, ct_words *w) {
    static const char more[] = ", ... (`ctorch schema --keys` lists all)";
    size_t room = CT_MIN(sizeof w->text, 240) - sizeof more;
    size_t len = (size_t)snprintf(w->text, sizeof w->text, n == 1 ? "; expected " : "; expected one of ");
    for (int i = 0; i < n; i++) {
        const char *comma = i ? ", " : "";
        if (len + strlen(comma) + strlen(names[i]) > room) {
            strcpy(w->text + len, more);
            break;
        }
        len += (size_t)snprintf(w->text + len, sizeof w->text - len, "%s%s", comma, names[i]);
    }
    return w->text;
}
