/* Inside the room: one value against one key's row, and the words of messages about it. */
#ifndef CT_YAML_VALUE_H
#define CT_YAML_VALUE_H
#include "base/key.h"
#include "yaml/doc.h"

typedef struct ct_words {
    char text[512];
} ct_words; /* room for part of a message */

/* Reads `node` into the key's field; false after a diagnostic, the field as it was. */
bool ct_value_read(ct_doc *doc, const ct_key *key, const ct_yaml *node, void *field);
/* "'ten'", "the string '10'", "a list", "nothing". */
const char *ct_value_words(const ct_yaml *node, ct_words *w);
/* "; did you mean 'epochs'?" where one of the names is near, else "". */
const char *ct_near_words(const ct_doc *doc, const char *word, const char *const *names, int n, ct_words *w);
/* "; expected one of mean, sum, none", as many as fit. */
const char *ct_list_words(const char *const *names, int n, ct_words *w);
#endif
