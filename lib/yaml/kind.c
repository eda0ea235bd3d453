#include "yaml/doc.h"
#include "yaml/read.h"
#include "yaml/value.h"
#include <stdio.h>
#include <string.h>

#define MAX_KINDS 512 /* that a suggestion is taken from */

/* What a node is read against. */
typedef struct choice {
    ct_doc *doc;
    const char *what;
    const ct_kind *const *kinds;
    int n;
    const ct_key *also;
} choice;

static const ct_kind *find_kind(const choice *c, const char *name) {
    for (int i = 0; i < c->n; i++)
        if (!strcmp(c->kinds[i]->name, name)) return c->kinds[i];
    return NULL;
}

static bool is_also(const choice *c, const char *name) { return ct_key_find(c->also, name); }

static const char *article(const char *what) { return strchr("aeiou", *what) ? "an" : "a"; }

/* {type: adam, lr: 1e-3}, as others have it. */
static bool is_tag(const char *name) {
    static const char *const tags[] = {"type", "name", "kind", "class", "class_name", "_target_"};
    for (int i = 0; i < CT_COUNT(tags); i++)
        if (!strcmp(name, tags[i])) return true;
    return false;
}

/* PyTorch's nn.ReLU is relu here. */
static const char *without_module(const char *name) {
    const char *dot = strrchr(name, '.');
    return dot && dot[1] && !strchr(name, ':') ? dot + 1 : name;
}

static void unknown_kind(const choice *c, const ct_yaml *name, const ct_yaml *value) {
    const char *names[MAX_KINDS];
    int n = 0;
    for (int i = 0; c->doc->own_kinds && !strcmp(c->what, "layer") && i < c->doc->own_kinds->n && n < MAX_KINDS; i++)
        names[n++] = c->doc->own_kinds->key[i]->text;
    int own = n;
    for (int i = 0; i < c->n && n < MAX_KINDS; i++) names[n++] = c->kinds[i]->name;
    ct_words words;
    const char *hint = ct_near_words(c->doc, without_module(name->text), names, n, &words);
    if (value && is_tag(name->text))
        ct_diag(c->doc, CT_ERROR, name, "unknown %s '%.40s': %s %s is its name and then its settings, as {%s: {...}}",
                c->what, name->text, article(c->what), c->what, value->kind == CT_SCALAR ? value->text : names[own]);
    else
        ct_diag(c->doc, CT_ERROR, name, "unknown %s '%.40s'%s", c->what, name->text,
                *hint ? hint : ct_list_words(names, n, &words));
}

/* The pair of a map that names the kind: a known one, else the first that is not `also`; -1 when there is none. */
static int find_pair(const choice *c, const ct_yaml *map) {
    int other = -1;
    for (int i = 0; i < map->n; i++) {
        if (is_also(c, map->key[i]->text)) continue;
        if (find_kind(c, map->key[i]->text)) return i;
        if (other < 0) other = i;
    }
    return other;
}

/* Whatever else stands beside the kind's name is refused. */
static void check_rest(const choice *c, const ct_yaml *map, int named, const ct_kind *kind) {
    char beside[128];
    snprintf(beside, sizeof beside, " beside %s", kind->name);
    for (int i = 0; i < map->n; i++) {
        const ct_yaml *key = map->key[i];
        if (i == named || is_also(c, key->text) || !strcmp(key->text, kind->name)) continue;
        if (find_kind(c, key->text))
            ct_diag(c->doc, CT_ERROR, key, "'%s' and '%s' are two %s%s; each is an item of its own", kind->name,
                    key->text, c->what, c->what[strlen(c->what) - 1] == 's' ? "es" : "s");
        else if (ct_key_find(kind->keys, key->text))
            ct_diag(c->doc, CT_ERROR, key, "'%.40s' belongs inside: %s: {%s: ...}", key->text, kind->name, key->text);
        else
            ct_diag_unknown(c->doc, key, beside, c->also, NULL);
    }
}

/* The settings: a map of keys, or the first key's value alone, or nothing. */
static void read_settings(const choice *c, const ct_yaml *name, const ct_yaml *value, const ct_kind *kind, void *args) {
    bool given = value && !ct_yaml_is_null(value);
    ct_yaml key = *name, *first = &key, *only = (ct_yaml *)value, map = *name;
    ct_words got;
    if (given && value->kind == CT_MAP) {
        c->doc->beside = c->also;
        ct_read_keys(c->doc, value, kind->name, kind->keys, args, NULL);
        c->doc->beside = NULL;
    } else if (given && (!kind->keys || !kind->keys->name)) {
        ct_diag(c->doc, CT_ERROR, value, "%s has no settings, got %s", kind->name, ct_value_words(value, &got));
    } else {
        if (given) key.text = kind->keys->name;
        map.kind = CT_MAP, map.n = given, map.key = &first, map.value = &only;
        ct_read_keys(c->doc, &map, kind->name, kind->keys, args, NULL);
    }
}

const ct_kind *ct_read_kind(ct_doc *doc, const ct_yaml *node, const char *what, const ct_kind *const *kinds, int n,
                            void **args, const ct_key *also) {
    choice c = {doc, what, kinds, n, also};
    ct_words got;
    int errors = ct_diag_count(doc, CT_ERROR), pair = node->kind == CT_MAP ? find_pair(&c, node) : -1;
    const ct_yaml *name = pair >= 0 ? node->key[pair] : node;
    *args = NULL;
    if (name->kind != CT_SCALAR || (name == node && ct_yaml_is_null(name))) {
        ct_diag(doc, CT_ERROR, node, "expected %s %s: its name, or its name and settings, got %s", article(what), what,
                node->kind == CT_MAP && node->n ? "neither" : ct_value_words(node, &got));
        return NULL;
    }
    const ct_kind *kind = find_kind(&c, name->text);
    if (!kind) return unknown_kind(&c, name, pair >= 0 ? node->value[pair] : NULL), NULL;
    if (!(*args = ct_doc_alloc(doc, 1, CT_MAX(kind->args_size, 1)))) return NULL;
    if (pair >= 0) check_rest(&c, node, pair, kind);
    read_settings(&c, name, pair >= 0 ? node->value[pair] : NULL, kind, *args);
    return ct_diag_count(doc, CT_ERROR) == errors ? kind : NULL;
}

void ct_doc_own_kinds(ct_doc *doc, const ct_yaml *names) { doc->own_kinds = names; }
