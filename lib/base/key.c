#include "base/key.h"
#include "base/number.h"
#include <ctype.h>
#include <math.h>
#include <string.h>

/* The default of a number, or of the i-th of several. */
static double number_default(const ct_key *key, int i) {
    double v = isnan(key->def) ? 0 : key->def;
    const char *s = key->type == CT_KEY_FLOATS ? key->choices : NULL;
    for (; s && i >= 0; i--) {
        s = ct_number_read(s, &v);
        if (s && *s == ',') s++;
    }
    return v;
}

static void set_int(const ct_key *key, int i, void *field) { *(int64_t *)field = (int64_t)number_default(key, i); }
static void set_float(const ct_key *key, int i, void *field) { *(double *)field = number_default(key, i); }
static void set_bool(const ct_key *key, int i, void *field) { *(bool *)field = number_default(key, i) != 0; }
static void set_enum(const ct_key *key, int i, void *field) { *(int *)field = (int)number_default(key, i); }

static void set_not(const ct_key *key, int i, void *field) {
    (void)key, (void)i;
    *(bool *)field = false;
}

static void set_text(const ct_key *key, int i, void *field) {
    (void)i;
    *(const char **)field = key->choices;
}

static void set_dims(const ct_key *key, int i, void *field) {
    (void)key, (void)i;
    *(ct_dims *)field = (ct_dims){0};
}

static void set_map(const ct_key *key, int i, void *field) {
    (void)i;
    ct_keys_default(key->sub, field);
}

static void set_nothing(const ct_key *key, int i, void *field) { (void)key, (void)i, (void)field; }

static void resolve_int(const ct_key *key, int i, void *field) {
    int64_t *v = field;
    if (!*v)
        set_int(key, i, v);
    else if (*v == CT_ZERO)
        *v = 0;
}

static void resolve_float(const ct_key *key, int i, void *field) {
    double *v = field;
    if (*v == 0)
        set_float(key, i, v);
    else if (*v == (double)CT_ZERO)
        *v = 0;
}

static void resolve_text(const ct_key *key, int i, void *field) {
    if (!*(const char **)field) set_text(key, i, field);
}

static void resolve_dims(const ct_key *key, int i, void *field) {
    (void)key, (void)i;
    ct_dims *d = field;
    for (int k = 0; k < CT_MAX_DIMS; k++)
        if (d->v[k] == CT_ZERO) d->v[k] = 0;
}

static void resolve_map(const ct_key *key, int i, void *field) {
    (void)i;
    ct_keys_resolve(key->sub, field);
}

static bool same_dims(const ct_key *key, const void *a, const void *b) {
    const ct_dims *x = a, *y = b;
    (void)key;
    return x->n == y->n && !memcmp(x->v, y->v, (size_t)x->n * sizeof *x->v);
}

static bool same_map(const ct_key *key, const void *a, const void *b) { return ct_keys_same(key->sub, a, b); }

static const struct type {
    size_t bytes;                                                  /* of a field; 0: it is no plain value */
    bool several;                                                  /* one key has `count` fields */
    void (*set)(const ct_key *key, int i, void *field);            /* to its default */
    void (*resolve)(const ct_key *key, int i, void *field);        /* NULL: a zero is what it says */
    bool (*same)(const ct_key *key, const void *a, const void *b); /* NULL: where all bytes are */
} types[] = {
    [CT_KEY_INT] = {sizeof(int64_t), false, set_int, resolve_int, NULL},
    [CT_KEY_FLOAT] = {sizeof(double), false, set_float, resolve_float, NULL},
    [CT_KEY_BOOL] = {sizeof(bool), false, set_bool, NULL, NULL},
    [CT_KEY_NOT] = {sizeof(bool), false, set_not, NULL, NULL},
    [CT_KEY_ENUM] = {sizeof(int), false, set_enum, NULL, NULL},
    [CT_KEY_STRING] = {sizeof(char *), false, set_text, resolve_text, NULL},
    [CT_KEY_PATH] = {sizeof(char *), false, set_text, resolve_text, NULL},
    [CT_KEY_INTS] = {sizeof(int64_t), true, set_int, resolve_int, NULL},
    [CT_KEY_FLOATS] = {sizeof(double), true, set_float, resolve_float, NULL},
    [CT_KEY_DIMS] = {0, false, set_dims, resolve_dims, same_dims},
    [CT_KEY_MAP] = {0, false, set_map, resolve_map, same_map},
    [CT_KEY_NODE] = {0, false, set_nothing, NULL, NULL},
};

static int fields_of(const ct_key *key) { return types[key->type].several ? key->count : 1; }

static void each_field(const ct_key *key, void *args, void (*fn)(const ct_key *, int, void *)) {
    size_t step = types[key->type].bytes;
    int n = fields_of(key);
    for (int i = 0; i < n; i++) fn(key, i, (char *)args + key->offset + (size_t)i * step);
}

bool ct_keys_same(const ct_key *keys, const void *a, const void *b) {
    for (const ct_key *key = keys; key && key->name; key++) {
        const struct type *t = &types[key->type];
        const void *x = (const char *)a + key->offset, *y = (const char *)b + key->offset;
        if (t->same ? !t->same(key, x, y) : memcmp(x, y, t->bytes * (size_t)fields_of(key)) != 0) return false;
    }
    return true;
}

void ct_keys_default(const ct_key *keys, void *args) {
    for (const ct_key *key = keys; key && key->name; key++) each_field(key, args, types[key->type].set);
}

void ct_keys_resolve(const ct_key *keys, void *args) {
    for (const ct_key *key = keys; key && key->name; key++)
        if (types[key->type].resolve) each_field(key, args, types[key->type].resolve);
}

const ct_key *ct_key_find(const ct_key *keys, const char *name) {
    for (const ct_key *key = keys; key && key->name; key++)
        if (!strcmp(key->name, name)) return key;
    return NULL;
}

/* ---- words: "mean|sum|none" ---- */
static size_t word_length(const char *s) { return strcspn(s, "|"); }

static const char *next_word(const char *s) {
    s += word_length(s);
    return *s ? s + 1 : NULL;
}

bool ct_key_choice(const ct_key *key, int i, char *out, size_t size) {
    const char *s = i < 0 ? NULL : key->choices;
    while (s && i--) s = next_word(s);
    if (!s || !size) return false;
    size_t n = CT_MIN(word_length(s), size - 1);
    memcpy(out, s, n);
    out[n] = 0;
    return true;
}

int ct_key_choice_index(const ct_key *key, const char *word, size_t len) {
    int i = 0;
    for (const char *s = key->choices; s; s = next_word(s), i++)
        if (word_length(s) == len && !memcmp(s, word, len)) return i;
    return -1;
}

/* ---- the nearest name ---- */
#define WORD_MAX 64 /* longer ones are not worth a suggestion */

/* PyTorch's BatchNorm2d is batch_norm here: case and the kind of dash are no difference. */
static int fold(char c) { return c == '-' || c == ' ' ? '_' : tolower((unsigned char)c); }

/* How many edits make b of a: insert, delete, replace, swap two neighbours. */
static int edit_distance(const char *a, int n, const char *b, int m) {
    int d[3][WORD_MAX + 1]; /* rows i - 2, i - 1 and i, in turn */
    for (int j = 0; j <= m; j++) d[0][j] = j;
    for (int i = 1; i <= n; i++) {
        int *row = d[i % 3], *up = d[(i + 2) % 3], *up2 = d[(i + 1) % 3];
        row[0] = i;
        for (int j = 1; j <= m; j++) {
            int replaced = up[j - 1] + (fold(a[i - 1]) != fold(b[j - 1]));
            row[j] = CT_MIN(CT_MIN(up[j], row[j - 1]) + 1, replaced);
            if (i > 1 && j > 1 && fold(a[i - 1]) == fold(b[j - 2]) && fold(a[i - 2]) == fold(b[j - 1]))
                row[j] = CT_MIN(row[j], up2[j - 2] + 1);
        }
    }
    return d[n % 3][m];
}

/* Whether one is how the other begins: kernel of kernel_size. */
static bool begins(const char *a, const char *b) {
    enum { LEAST = 4 };
    int n = 0;
    while (a[n] && b[n] && fold(a[n]) == fold(b[n])) n++;
    return n >= LEAST && (!a[n] || !b[n]);
}

const char *ct_nearest(const char *word, const char *const *names, int n) {
    int len = (int)strnlen(word, WORD_MAX + 1), best = WORD_MAX;
    const char *nearest = NULL;
    for (int i = 0; i < n; i++) {
        int m = (int)strnlen(names[i], WORD_MAX + 1);
        if (len > WORD_MAX || m > WORD_MAX) continue;
        int d = edit_distance(word, len, names[i], m);
        /* a third of the longer may be wrong, but never a whole word */
        if (d > CT_MAX(1, CT_MAX(len, m) / 3) || d >= CT_MIN(len, m) || d >= best) continue;
        best = d, nearest = names[i];
    }
    for (int i = 0; !nearest && i < n; i++)
        if (begins(word, names[i])) nearest = names[i];
    return nearest;
}
