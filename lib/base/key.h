/* Settings are rows beside the struct they fill. The same rows make the parser, the messages, the documents. */
#ifndef CT_BASE_KEY_H
#define CT_BASE_KEY_H
#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef enum ct_key_type {
    CT_KEY_INT,    /* int64_t */
    CT_KEY_FLOAT,  /* double */
    CT_KEY_BOOL,   /* bool */
    CT_KEY_NOT,    /* bool no_NAME, default false: holds the opposite of what is said of NAME */
    CT_KEY_ENUM,   /* int: index in `choices`, "mean|sum|none", the first is the default */
    CT_KEY_STRING, /* const char *, or NULL */
    CT_KEY_PATH,   /* const char *: a path relative to the file that says it */
    CT_KEY_INTS,   /* int64_t[count]: one number fills all */
    CT_KEY_FLOATS, /* double[count]: one number fills all, what a shorter list lacks stays */
    CT_KEY_DIMS,   /* ct_dims: a list of any length up to CT_MAX_DIMS */
    CT_KEY_MAP,    /* a struct with its own rows, `sub` */
    CT_KEY_NODE    /* no field: its owner reads the node itself; `choices` names the form it has (run/form.h) */
} ct_key_type;

typedef struct ct_key {
    const char *name;
    ct_key_type type;
    size_t offset;            /* of the field in its struct */
    int count;                /* of INTS and FLOATS */
    double def, min, max;     /* default (the enum's index, the bool's 0 or 1; NAN: a spec must say it) and inclusive
                                 bounds, both 0 for none */
    const char *choices;      /* ENUM: the words; INT, INTS, FLOAT: words allowed beside numbers (ct_key_word), or
                                 NULL; STRING, PATH: the default text or NULL; FLOATS: the defaults as "0.9,0.999" where
                                 they differ, else NULL; NODE: the name of its form */
    const struct ct_key *sub; /* MAP */
    const char *help;
} ct_key; /* a table ends with a row whose name is NULL */

/* What a layer, an optimizer, a loss, an op starts with: a name that a spec can say, and its settings. The first key is
   the one that a bare scalar sets: `linear: 128`. */
typedef struct ct_kind {
    const char *name;
    const ct_key *keys; /* may be NULL: no settings */
    size_t args_size;
    const char *help; /* one sentence */
} ct_kind;

/* Writes every default into `args` (recursively through MAP). */
void ct_keys_default(const ct_key *keys, void *args);
/* C callers leave a field zero for its default; an explicit zero is CT_ZERO. Replaces both by the value meant. */
void ct_keys_resolve(const ct_key *keys, void *args);
/* Whether all fields are the same, whatever lies between them. */
bool ct_keys_same(const ct_key *keys, const void *a, const void *b);
const ct_key *ct_key_find(const ct_key *keys, const char *name);
/* The word of an ENUM key's choice i into `out`; false when there is none. And the index of a word, or -1. */
bool ct_key_choice(const ct_key *key, int i, char *out, size_t size);
int ct_key_choice_index(const ct_key *key, const char *word, size_t len);
/* Whether words may stand beside its numbers. */
static inline bool ct_key_has_words(const ct_key *key) {
    return key->choices && (key->type == CT_KEY_INT || key->type == CT_KEY_INTS || key->type == CT_KEY_FLOAT);
}
/* How many numbers a list of them must have, up to count: all, or two where by default there are none, "0,0,0". */
static inline int ct_key_least(const ct_key *key) {
    return key->type == CT_KEY_FLOATS && key->choices && !strncmp(key->choices, "0,", 2) ? 2 : key->count;
}
/* No index, where a negative one counts from the end. */
#define CT_NO_INDEX (-(1 << 30) - 1)
/* What word i beside a key's numbers is held as: a whole number below all of them. */
static inline int64_t ct_key_word(const ct_key *key, int i) { return (key->min < 0 ? (int64_t)key->min : 0) - 1 - i; }
/* The nearest of `names` to `word` by edit distance, if near enough to suggest, or the first that begins as it does;
   NULL otherwise. */
const char *ct_nearest(const char *word, const char *const *names, int n);
#endif
