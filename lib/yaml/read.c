#include "yaml/read.h"
#include "base/alloc.h"
#include "yaml/doc.h"
#include "yaml/value.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#define MAX_NAMES 256 /* that a suggestion is taken from */

/* Sizes that PyTorch's constructors want, and that are inferred here. */
static bool is_inferred(const char *name) {
    static const char *const sizes[] = {"in_features", "in_channels", "num_features",
                                        "embed_dim",   "input_size",  "normalized_shape"};
    for (int i = 0; i < CT_COUNT(sizes); i++)
        if (!strcmp(name, sizes[i])) return true;
    return false;
}

/* Where a key that is not one of `keys` does belong; "": nowhere. */
static const char *home_words(const ct_doc *doc, const char *name, const char *where, const ct_key *keys, ct_words *w) {
    if (ct_key_find(doc->beside, name))
        return snprintf(w->text, sizeof w->text, "; it belongs beside%s", where + strlen(" in")), w->text;
    if (ct_key_find(doc->keys, name) && keys != doc->keys) return "; it is a key of the whole spec";
    for (const ct_key *key = doc->keys; key && key->name; key++)
        if (key->type == CT_KEY_MAP && key->sub != keys && ct_key_find(key->sub, name))
            return snprintf(w->text, sizeof w->text, "; it is a key of %s", key->name), w->text;
    return "";
}

void ct_diag_unknown(ct_doc *doc, const ct_yaml *node, const char *where, const ct_key *keys, const ct_key *also) {
    const char *names[MAX_NAMES] = {NULL};
    int n = 0;
    for (const ct_key *key = keys; key && key->name && n < MAX_NAMES; key++) names[n++] = key->name;
    for (; also && also->name && n < MAX_NAMES; also++) names[n++] = also->name;
    ct_words words;
    const char *hint = home_words(doc, node->text, where, keys, &words);
    if (!*hint && is_inferred(node->text)) hint = "; sizes of inputs are inferred: leave it out";
    if (!*hint && *node->text && !node->text[strspn(node->text, "0123456789")]) hint = "; a decimal point is a '.'";
    if (!*hint) hint = ct_near_words(doc, node->text, names, n, &words);
    ct_diag(doc, CT_ERROR, node, "unknown key '%.40s'%s%s", node->text, where,
            *hint || !n ? hint : ct_list_words(names, n, &words));
}

void ct_read_keys(ct_doc *doc, const ct_yaml *node, const char *where, const ct_key *keys, void *args,
                  const ct_key *also) {
    char in[128] = "";
    if (where) snprintf(in, sizeof in, " in %s", where);
    ct_keys_default(keys, args);
    if (!where) doc->keys = keys;
    if (node && node->kind != CT_MAP) {
        ct_words got;
        ct_diag(doc, CT_ERROR, node, "%s must be a map, got %s", where ? where : "the document",
                ct_value_words(node, &got));
        return;
    }
    for (int i = 0; node && i < node->n; i++) {
        const ct_key *key = ct_key_find(keys, node->key[i]->text);
        if (key)
            ct_value_read(doc, key, node->value[i], (char *)args + key->offset);
        else if (!ct_key_find(also, node->key[i]->text))
            ct_diag_unknown(doc, node->key[i], in, keys, also);
    }
    for (const ct_key *key = keys; key && key->name; key++)
        if (isnan(key->def) && !ct_yaml_get(node, key->name))
            ct_diag(doc, CT_ERROR, node, "%s '%s'%s%s%s", where ? "missing key" : "the document has no", key->name, in,
                    key->help ? ": " : "", key->help ? key->help : "");
}

/* ---- args as text ---- */
/* The bytes of the item at s: to a blank outside of brackets and quotes. */
static size_t item_length(const char *s) {
    size_t n = 0;
    int depth = 0;
    for (char quote = 0; s[n] && (quote || depth > 0 || s[n] != ' '); n++) {
        if (quote)
            quote = s[n] == quote ? 0 : quote;
        else if (s[n] == '"' || s[n] == '\'')
            quote = s[n];
        else
            depth += (s[n] == '[' || s[n] == '{') - (s[n] == ']' || s[n] == '}');
    }
    return n;
}

static ct_status read_items(ct_doc *doc, const char *text, ct_yaml *map) {
    for (const char *s = text + strspn(text, " "); *s; s += strspn(s, " ")) {
        size_t n = item_length(s);
        char *item = ct_doc_alloc(doc, n + 1, 1);
        if (!item) return CT_NO_MEMORY;
        memcpy(item, s, n);
        CT_TRY(ct_yaml_assign(doc, map, "args", item));
        s += n;
    }
    return CT_OK;
}

static ct_status read_text(ct_doc *doc, const ct_key *keys, const char *text, void *args) {
    ct_yaml *map = ct_yaml_new(doc, CT_MAP, NULL);
    if (!map) return CT_NO_MEMORY;
    CT_TRY(read_items(doc, text ? text : "", map));
    for (const ct_key *key = keys; key && key->name; key++)
        if ((key->type == CT_KEY_STRING || key->type == CT_KEY_PATH) && ct_yaml_get(map, key->name))
            return ct_fail(CT_BAD_SPEC, "args: %s cannot be given as text", key->name);
    ct_read_keys(doc, map, NULL, keys, args, NULL);
    return ct_diag_status(doc);
}

ct_status ct_read_args_text(const ct_key *keys, const char *text, void *args) {
    ct_doc *doc = ct_doc_new();
    ct_status status = doc ? read_text(doc, keys, text, args) : CT_NO_MEMORY;
    ct_doc_free(doc);
    return status;
}
