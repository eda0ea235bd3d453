#include "yaml/value.h"
#include "base/number.h"
#include "yaml/read.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#define MAX_CHOICES 32

/* The words of "mean|sum|none" as an array. */
typedef struct choices {
    int n;
    const char *name[MAX_CHOICES];
    char text[MAX_CHOICES][48];
} choices;

static void split_choices(const ct_key *key, choices *c) {
    c->n = 0;
    while (c->n < MAX_CHOICES && ct_key_choice(key, c->n, c->text[c->n], sizeof c->text[0])) {
        c->name[c->n] = c->text[c->n];
        c->n++;
    }
}

/* "epochs must be an integer, got 'ten'", with a hint where one helps. */
static bool wrong_type(ct_doc *doc, const ct_key *key, const ct_yaml *node, const char *type, const char *hint) {
    ct_words got;
    ct_diag(doc, CT_ERROR, node, "%s must be %s, got %s%s", key->name, type, ct_value_words(node, &got), hint);
    return false;
}

/* ---- numbers ---- */
static bool check_range(ct_doc *doc, const ct_key *key, const ct_yaml *node, double v) {
    bool bounded = key->min != 0 || key->max != 0, least = key->min > -0x1p53, most = key->max < 0x1p53;
    if (!bounded || (v >= key->min && v <= key->max)) return true;
    if (least && most)
        ct_diag(doc, CT_ERROR, node, "%s must be between %.15g and %.15g, got %.40s", key->name, key->min, key->max,
                node->text);
    else
        ct_diag(doc, CT_ERROR, node, "%s must be at %s %.15g, got %.40s", key->name, v < key->min ? "least" : "most",
                v < key->min ? key->min : key->max, node->text);
    return false;
}

/* The index of the word that may stand beside numbers ("auto"), -1 when it is none. */
static int word_of(const ct_key *key, const ct_yaml *node) {
    return ct_key_has_words(key) && node->kind == CT_SCALAR ? ct_key_choice_index(key, node->text, strlen(node->text))
                                                            : -1;
}

/* Neither a number nor one of the words beside them. */
static bool wrong_number(ct_doc *doc, const ct_key *key, const ct_yaml *node, const char *type) {
    choices c = {0};
    if (ct_key_has_words(key)) split_choices(key, &c);
    char text[256];
    int len = snprintf(text, sizeof text, "%s", type);
    for (int i = 0; i < c.n && len < (int)sizeof text; i++)
        len += snprintf(text + len, sizeof text - (size_t)len, i == c.n - 1 ? " or %s" : ", %s", c.name[i]);
    double v;
    const char *end = node->kind == CT_SCALAR ? ct_number_read(node->text, &v) : NULL;
    ct_words near;
    const char *hint = node->kind == CT_SCALAR ? ct_near_words(doc, node->text, c.name, c.n, &near) : "";
    if (node->quoted && end && !*end) hint = "; a number stands without quotes";
    return wrong_type(doc, key, node, text, hint);
}

static bool read_int(ct_doc *doc, const ct_key *key, const ct_yaml *node, void *field) {
    int word = word_of(key, node);
    int64_t v = word < 0 ? 0 : ct_key_word(key, word);
    ct_number_fit fit = word >= 0                                  ? CT_NUMBER_FITS
                        : node->kind == CT_SCALAR && !node->quoted ? ct_number_int(node->text, &v)
                                                                   : CT_NUMBER_NONE;
    if (fit == CT_NUMBER_NONE || fit == CT_NUMBER_FRACTION) return wrong_number(doc, key, node, "an integer");
    if (fit == CT_NUMBER_TOO_LARGE || v == CT_ZERO) { /* CT_ZERO means another thing to ct_keys_resolve */
        ct_diag(doc, CT_ERROR, node, "%s is too large a number: %.40s", key->name, node->text);
        return false;
    }
    if (word < 0 && !check_range(doc, key, node, (double)v)) return false;
    *(int64_t *)field = v;
    return true;
}

static bool read_float(ct_doc *doc, const ct_key *key, const ct_yaml *node, void *field) {
    int word = word_of(key, node);
    double v = word < 0 ? 0 : (double)ct_key_word(key, word);
    if (word < 0) {
        const char *end = node->kind == CT_SCALAR && !node->quoted ? ct_number_read(node->text, &v) : NULL;
        if (!end || *end) return wrong_number(doc, key, node, "a number");
        if (isinf(v)) {
            ct_diag(doc, CT_ERROR, node, "%s is too large a number: %.40s", key->name, node->text);
            return false;
        }
        if (!check_range(doc, key, node, v)) return false;
    }
    *(double *)field = v;
    return true;
}

typedef bool read_fn(ct_doc *doc, const ct_key *key, const ct_yaml *node, void *field);

/* A list of just so many, or one that fills all. */
static bool read_several(ct_doc *doc, const ct_key *key, const ct_yaml *node, char *field, read_fn *read, size_t size) {
    bool ok = true;
    ct_key item = *key;
    item.choices = NULL; /* a word says all of it */
    double unused;
    const char *end = node->kind == CT_SCALAR ? ct_number_read(node->text, &unused) : NULL;
    if (node->kind == CT_SCALAR && !node->quoted && word_of(key, node) < 0 && (!end || *end)) {
        char type[64];
        snprintf(type, sizeof type, "a number or a list of %d", key->count);
        return wrong_number(doc, key, node, type);
    }
    if (node->kind != CT_LIST && !read(doc, key, node, field)) return false;
    int least = ct_key_least(key), n = node->kind == CT_LIST ? node->n : key->count;
    if (n < least || n > key->count) {
        ct_diag(doc, CT_ERROR, node, "%s must be a number or a list of %d%s, got a list of %d", key->name, least,
                least < key->count ? " or more" : "", n);
        return false;
    }
    for (int i = 0; i < n; i++) {
        char *at = field + (size_t)i * size;
        if (node->kind == CT_LIST)
            ok = read(doc, &item, node->value[i], at) && ok;
        else if (i)
            memcpy(at, field, size);
    }
    return ok;
}

static bool read_ints(ct_doc *doc, const ct_key *key, const ct_yaml *node, void *field) {
    return read_several(doc, key, node, field, read_int, sizeof(int64_t));
}

static bool read_floats(ct_doc *doc, const ct_key *key, const ct_yaml *node, void *field) {
    return read_several(doc, key, node, field, read_float, sizeof(double));
}

static bool read_dims(ct_doc *doc, const ct_key *key, const ct_yaml *node, void *field) {
    ct_dims dims = {.n = node->kind == CT_LIST ? node->n : 1};
    if (node->kind == CT_LIST && node->n > CT_MAX_DIMS) {
        ct_diag(doc, CT_ERROR, node, "%s has %d numbers, the most is %d", key->name, node->n, CT_MAX_DIMS);
        return false;
    }
    bool ok = true;
    for (int i = 0; i < dims.n; i++)
        ok = read_int(doc, key, node->kind == CT_LIST ? node->value[i] : node, &dims.v[i]) && ok;
    if (ok) *(ct_dims *)field = dims;
    return ok;
}

/* ---- words ---- */
static bool is_one_of(const char *text, const char *const *words) {
    while (*words && strcasecmp(text, *words)) words++;
    return *words;
}

static bool read_truth(ct_doc *doc, const ct_key *key, const ct_yaml *node, bool *v) {
    static const char *const old_booleans[] = {"yes", "no", "on", "off", "y", "n", NULL};
    static const char *const cased[] = {"true", "false", NULL};
    const char *text = node->kind == CT_SCALAR ? node->text : "";
    *v = !strcmp(text, "true");
    if (!node->quoted && (*v || !strcmp(text, "false"))) return true;
    const char *hint = is_one_of(text, old_booleans) ? "; yes, no, on and off are words, not booleans"
                       : !is_one_of(text, cased)     ? ""
                       : node->quoted                ? "; a boolean stands without quotes"
                                                     : "; a boolean is lower case";
    return wrong_type(doc, key, node, "true or false", hint);
}

static bool read_bool(ct_doc *doc, const ct_key *key, const ct_yaml *node, void *field) {
    bool v;
    if (!read_truth(doc, key, node, &v)) return false;
    *(bool *)field = v;
    return true;
}

static bool read_not(ct_doc *doc, const ct_key *key, const ct_yaml *node, void *field) {
    bool v;
    if (!read_truth(doc, key, node, &v)) return false;
    *(bool *)field = !v;
    return true;
}

static bool read_enum(ct_doc *doc, const ct_key *key, const ct_yaml *node, void *field) {
    choices c;
    ct_words list, near;
    int i = node->kind == CT_SCALAR ? ct_key_choice_index(key, node->text, strlen(node->text)) : -1;
    if (i >= 0) return *(int *)field = i, true;
    split_choices(key, &c);
    const char *expected = ct_list_words(c.name, c.n, &list);
    if (node->kind != CT_SCALAR || ct_yaml_is_null(node)) return wrong_type(doc, key, node, "a word", expected);
    ct_diag(doc, CT_ERROR, node, "unknown %s '%.40s'%s%s", key->name, node->text, expected,
            ct_near_words(doc, node->text, c.name, c.n, &near));
    return false;
}

static bool read_string(ct_doc *doc, const ct_key *key, const ct_yaml *node, void *field) {
    if (node->kind != CT_SCALAR || ct_yaml_is_null(node)) return wrong_type(doc, key, node, "a text", "");
    *(const char **)field = node->text;
    return true;
}

static bool read_path(ct_doc *doc, const ct_key *key, const ct_yaml *node, void *field) {
    if (node->kind != CT_SCALAR || !*node->text || ct_yaml_is_null(node))
        return wrong_type(doc, key, node, "a path", "");
    const char *from = node->source ? node->source->name : "", *slash = strrchr(from, '/');
    size_t dir = slash && *node->text != '/' ? (size_t)(slash - from) + 1 : 0, n = strlen(node->text) + 1;
    char *path = ct_doc_alloc(doc, dir + n, 1);
    if (!path) return false;
    memcpy(path, from, dir);
    memcpy(path + dir, node->text, n);
    *(const char **)field = path;
    return true;
}

static bool read_map(ct_doc *doc, const ct_key *key, const ct_yaml *node, void *field) {
    int errors = ct_diag_count(doc, CT_ERROR);
    ct_read_keys(doc, node, key->name, key->sub, field, NULL);
    return errors == ct_diag_count(doc, CT_ERROR);
}

static bool read_node(ct_doc *doc, const ct_key *key, const ct_yaml *node, void *field) {
    (void)doc, (void)key, (void)node, (void)field;
    return true;
}

static read_fn *const readers[] = {
    [CT_KEY_INT] = read_int,       [CT_KEY_FLOAT] = read_float,   [CT_KEY_BOOL] = read_bool, [CT_KEY_NOT] = read_not,
    [CT_KEY_ENUM] = read_enum,     [CT_KEY_STRING] = read_string, [CT_KEY_PATH] = read_path, [CT_KEY_INTS] = read_ints,
    [CT_KEY_FLOATS] = read_floats, [CT_KEY_DIMS] = read_dims,     [CT_KEY_MAP] = read_map,   [CT_KEY_NODE] = read_node,
};

bool ct_value_read(ct_doc *doc, const ct_key *key, const ct_yaml *node, void *field) {
    return readers[key->type](doc, key, node, field);
}
