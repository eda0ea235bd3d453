#include "ops/cases.h"
#include "base/alloc.h"
#include "base/number.h"
#include "base/philox.h"
#include "ops/ops.h"
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- numbers ---- */
static uint64_t next(uint64_t *state) { /* splitmix64 */
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}
static double uniform(uint64_t *state) { return (double)(next(state) >> 11) * 0x1p-53; }

typedef double draw_fn(uint64_t *state, double lo, double hi);
static double draw_uniform(uint64_t *state, double lo, double hi) { return lo + (hi - lo) * uniform(state); }
static double draw_below(uint64_t *state, double lo, double hi) { return floor(draw_uniform(state, lo, hi)); }
static double draw_normal(uint64_t *state, double lo, double hi) {
    (void)lo, (void)hi;
    uint64_t w = next(state);
    return ct_philox_normal((uint32_t[]){(uint32_t)w, (uint32_t)(w >> 32)}, false);
}

static ct_tensor *drawn(ct_dtype dtype, ct_dims shape, draw_fn *draw, double lo, double hi, uint64_t *state) {
    size_t n = 1;
    for (int d = 0; d < shape.n; d++) n *= (size_t)shape.v[d];
    double *v = ct_alloc(n, sizeof *v);
    if (!v) return ct_tensor_failed(CT_NO_MEMORY);
    for (size_t i = 0; i < n; i++) v[i] = (float)draw(state, lo, hi);
    ct_tensor *t = ct_to(ct_from(CT_F64, shape, v), dtype);
    ct_free(v);
    return t;
}

ct_tensor *ct_case_uniform(ct_dtype dtype, ct_dims shape, double lo, double hi, uint64_t seed) {
    return drawn(dtype, shape, draw_uniform, lo, hi, &seed);
}

/* ---- arguments ---- */
static const char *after_space(const char *s) { return s + strspn(s, " \t\r\n"); }

/* Numbers of "3" or "[1, 2]" into `out`, as doubles; how many, or -1. */
static int read_list(const char *s, double *out, int most) {
    int n = 0;
    bool list = *(s = after_space(s)) == '[';
    if (list && *(s = after_space(s + 1)) == ']') return 0;
    for (;; s = after_space(s + 1)) {
        if (n == most || !(s = ct_number_read(s, &out[n++]))) return -1;
        s = after_space(s);
        if (!list) return *s ? -1 : n;
        if (*s == ']') return n;
        if (*s != ',') return -1;
    }
}

static bool set_words(const ct_key *key, void *field, const char *value) {
    size_t quote = value[0] == '"', n = strlen(value);
    bool yes = !strcmp(value, "true");
    if (key->type == CT_KEY_ENUM) {
        int i = n < 2 * quote ? -1 : ct_key_choice_index(key, value + quote, n - 2 * quote);
        *(int *)field = i;
        return i >= 0;
    }
    *(bool *)field = yes == (key->type == CT_KEY_BOOL);
    return yes || !strcmp(value, "false");
}

/* A word beside numbers, in quotes as JSON has it or without. */
static bool set_word(const ct_key *key, void *field, int count, const char *value) {
    size_t quote = value[0] == '"', n = strlen(value);
    int i = n < 2 * quote || !ct_key_has_words(key) ? -1 : ct_key_choice_index(key, value + quote, n - 2 * quote);
    for (int k = 0; i >= 0 && k < count && key->type != CT_KEY_FLOAT; k++) ((int64_t *)field)[k] = ct_key_word(key, i);
    if (i >= 0 && key->type == CT_KEY_FLOAT) *(double *)field = (double)ct_key_word(key, i);
    return i >= 0;
}

ct_status ct_case_set(const ct_key *keys, void *args, const char *name, const char *value) {
    const ct_key *key = ct_key_find(keys, name);
    if (!key) return ct_fail(CT_FAIL, "no argument '%s'", name);
    void *field = (char *)args + key->offset;
    double v[CT_MAX_DIMS];
    int count = key->type == CT_KEY_INTS || key->type == CT_KEY_FLOATS ? key->count : 1;
    bool ok = false;
    if (key->type == CT_KEY_BOOL || key->type == CT_KEY_NOT || key->type == CT_KEY_ENUM)
        ok = set_words(key, field, value);
    else if (key->type == CT_KEY_STRING)
        ok = (*(const char **)field = value) != NULL;
    else if (!(ok = set_word(key, field, count, value))) {
        int n = read_list(value, v, CT_MAX_DIMS);
        ok = key->type == CT_KEY_DIMS ? n >= 0 : n == 1 || (n <= count && n >= ct_key_least(key));
        for (int i = 0; ok && i < (n == 1 ? count : n) && key->type != CT_KEY_DIMS; i++) {
            double x = v[n == 1 ? 0 : i];
            if (key->type == CT_KEY_FLOAT || key->type == CT_KEY_FLOATS)
                ((double *)field)[i] = x;
            else
                ((int64_t *)field)[i] = (int64_t)x;
        }
        if (ok && key->type == CT_KEY_DIMS) {
            ct_dims *dims = field;
            dims->n = n;
            for (int i = 0; i < n; i++) dims->v[i] = (int64_t)v[i];
        }
    }
    return ok ? CT_OK : ct_fail(CT_FAIL, "argument '%s' cannot be '%s'", name, value);
}

/* "dim=[1] keepdim=true", by spaces. */
static ct_status read_args(const ct_key *keys, void *args, char *text) {
    char *rest = NULL;
    for (char *word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        char *value = strchr(word, '=');
        if (!value) return ct_fail(CT_FAIL, "'%s' is no argument", word);
        *value++ = 0;
        CT_TRY(ct_case_set(keys, args, word, value));
    }
    return CT_OK;
}

/* ---- inputs ---- */
/* "2x3", "s". */
static bool read_shape(const char *s, ct_dims *shape) {
    *shape = (ct_dims){0};
    if (!strcmp(s, "s")) return true;
    for (;; s++) {
        char *end;
        if (!isdigit((unsigned char)*s) || shape->n == CT_MAX_DIMS) return false;
        shape->v[shape->n++] = strtoll(s, &end, 10);
        if (!*end) return true;
        if (*(s = end) != 'x') return false;
    }
}

static ct_status read_input(const char *word, ct_dtype dtype, uint64_t *state, ct_tensor **out, bool *constant) {
    ct_dims shape;
    const char *colon = strchr(word, ':');
    *constant = word[0] == '=';
    bool positive = word[0] == '+' || *constant, known = read_shape(colon ? colon + 1 : word + positive, &shape);
    *out = NULL;
    if (!strcmp(word, "-")) return CT_OK;
    if (!strcmp(word, "rng"))
        *out = ct_from(CT_I64, CT_DIMS(2), (int64_t[]){7, 3});
    else if (!known)
        return ct_fail(CT_FAIL, "'%s' is no input", word);
    else if (word[0] == 'b')
        *out = ct_to(drawn(CT_I64, shape, draw_below, 0, 2, state), CT_BOOL);
    else if (word[0] == 'i')
        *out = drawn(CT_I64, shape, draw_below, 0, atof(word + 1), state);
    else if (word[0] == 'p')
        *out = drawn(dtype, shape, draw_uniform, 0.1, 0.9, state);
    else
        *out = drawn(dtype, shape, positive ? draw_uniform : draw_normal, 0.2, 2, state);
    return ct_why(*out) ? (*out)->status : CT_OK;
}

static ct_status read_inputs(ct_case *c, char *text, ct_dtype dtype, uint64_t *state) {
    char *rest = NULL;
    for (char *word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        if (c->n_in == CT_CASE_INPUTS) return ct_fail(CT_FAIL, "more than %d inputs", CT_CASE_INPUTS);
        int k = c->n_in++;
        CT_TRY(read_input(word, dtype, state, &c->in[k], &c->constant[k]));
    }
    return CT_OK;
}

/* ---- pointwise rows: shapes that broadcast, numbers of their domains, arguments that are not the defaults ---- */
static const char *const pointwise_shapes[][3] = {
    {"2x3x4", "3x1", "2x1x4"}, {"5x1", "1x6", "s"}, {"4x33", "4x33", "33"}};

static ct_status make_pointwise(ct_case *c, int i, ct_dtype dtype, uint64_t *state) {
    const ct_op *op = c->op;
    c->n_in = op->n_in;
    for (int k = 0; k < op->n_in; k++) {
        ct_dims shape;
        read_shape(pointwise_shapes[i][k], &shape);
        snprintf(c->text + strlen(c->text), sizeof c->text - strlen(c->text), "%s ", pointwise_shapes[i][k]);
        c->in[k] = drawn(dtype, shape, draw_uniform, op->domain[k][0], op->domain[k][1], state);
        if (ct_why(c->in[k])) return c->in[k]->status;
    }
    for (const ct_key *key = op->kind.keys; key->name; key++) {
        if (key->type != CT_KEY_FLOAT) continue;
        double *v = (double *)(c->args.bytes + key->offset);
        *v = isinf(*v) ? (*v < 0 ? -0.5 : 0.7) : *v + 0.5;
    }
    return CT_OK;
}

/* ---- cases ---- */
int ct_case_count(const ct_op *op) {
    if (op->flags & CT_IS_GRAD) return 0; /* made and tested by the op it is the gradient of */
    if (op->flags & CT_POINTWISE) return CT_COUNT(pointwise_shapes);
    int n = 1;
    for (const char *s = op->cases; *s; s++) n += *s == ';';
    return n;
}

bool ct_case_read(const ct_op *op, const char *text, ct_dtype dtype, uint64_t seed, ct_case *c) {
    char inputs[sizeof c->text];
    *c = (ct_case){.op = op};
    if (op->kind.args_size > sizeof c->args) return ct_fail(CT_FAIL, "args of %s are large", op->kind.name), false;
    ct_keys_default(op->kind.keys, c->args.bytes);
    const char *begin = after_space(text), *bar = begin + strcspn(begin, "|;"), *end = begin + strcspn(begin, ";");
    snprintf(c->text, sizeof c->text, "%.*s", (int)(end - begin), begin);
    snprintf(inputs, sizeof inputs, "%.*s", (int)(bar - begin), begin);
    if (bar < end) snprintf(c->words, sizeof c->words, "%.*s", (int)(end - bar - 1), bar + 1);
    return !read_inputs(c, inputs, dtype, &seed) && !read_args(op->kind.keys, c->args.bytes, c->words);
}

bool ct_case_make(const ct_op *op, int i, ct_dtype dtype, uint64_t seed, ct_case *c) {
    const char *text = op->cases;
    if (!(op->flags & CT_POINTWISE)) {
        for (; i > 0; text++) i -= *text == ';';
        return ct_case_read(op, text, dtype, seed, c);
    }
    *c = (ct_case){.op = op};
    ct_keys_default(op->kind.keys, c->args.bytes);
    return make_pointwise(c, i, dtype, &seed) == CT_OK;
}

ct_tensor *ct_case_call(const ct_case *c, ct_tensor *const *in, ct_tensor **out) {
    return ct_call_filled(c->op, in ? in : c->in, c->n_in, &c->args, out);
}
