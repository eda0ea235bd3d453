/* The keys' tables as one tree: what a spec can say, and where. */
#ifndef CT_RUN_FORM_H
#define CT_RUN_FORM_H
#include "base/key.h"
#include <jansson.h>

/* What the value of a NODE key may be. A choice is one of `kinds`, by its name. */
typedef struct ct_form {
    const char *name, *words;               /* what a key's row calls it, and people do */
    const ct_kind *const *(*kinds)(int *n); /* of a choice, or of the items of a list of choices */
    const ct_key *beside;                   /* what stands beside a choice's name, or a map's names */
    const ct_key *sub;                      /* of a map of names: the rows of each value */
    const char *json;                       /* its JSON Schema; NULL: a choice */
    bool many;                              /* of a choice: a list of them will do too */
} ct_form;
extern const ct_form ct_forms[]; /* ends with a NULL name */
const ct_form *ct_form_find(const char *name);

/* "integer from 1 to 1024", "mean|sum|none". */
void ct_key_type_words(const ct_key *key, char *out, size_t size);
/* The default as JSON; NULL: there is none (or no memory). */
json_t *ct_key_default_json(const ct_key *key);
#endif
