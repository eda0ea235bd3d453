#include "data/columns.h"
#include "base/alloc.h"
#include "base/number.h"
#include "data/source.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void free_column(ct_column *c) {
    for (int i = 0; c->category && i < c->n; i++) ct_free(c->category[i]);
    ct_free(c->category), ct_free(c->name);
    *c = (ct_column){0};
}

void ct_table_free(ct_table *t) {
    for (int i = 0; t->input && i < t->n; i++) free_column(&t->input[i]);
    free_column(&t->target);
    ct_free(t->input);
    *t = (ct_table){0};
}

static ct_status copy_column(const ct_column *c, ct_column *out) {
    *out = (ct_column){.mean = c->mean, .std = c->std};
    if (c->name && !(out->name = ct_strdup(c->name))) return CT_NO_MEMORY;
    if (!c->n) return CT_OK;
    if (!(out->category = ct_alloc((size_t)c->n, sizeof *out->category))) return CT_NO_MEMORY;
    for (; out->n < c->n; out->n++)
        if (!(out->category[out->n] = ct_strdup(c->category[out->n]))) return CT_NO_MEMORY;
    return CT_OK;
}

ct_status ct_table_copy(const ct_table *t, ct_table *out) {
    *out = (ct_table){.input = ct_alloc((size_t)t->n, sizeof *out->input), .n = t->n};
    ct_status s = out->input ? copy_column(&t->target, &out->target) : CT_NO_MEMORY;
    for (int i = 0; !s && i < t->n; i++) s = copy_column(&t->input[i], &out->input[i]);
    if (s) ct_table_free(out);
    return s;
}

int64_t ct_table_width(const ct_table *t) {
    int64_t width = 0;
    for (int i = 0; i < t->n; i++) width += CT_MAX(t->input[i].n, 1);
    return width;
}

bool ct_is_missing(const char *text) {
    static const char *const words[] = {"", "NA", "N/A", "NaN", "null", "None", "?"};
    for (int i = 0; i < CT_COUNT(words); i++)
        if (!strcasecmp(text, words[i])) return true;
    return false;
}

bool ct_is_number(const char *text, double *out) {
    const char *end = ct_number_read(text, out);
    return end && !*end && isfinite(*out);
}

ct_status ct_column_fit_numbers(ct_column *c, const double *x, int64_t n) {
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < n; i++) sum += x[i];
    c->mean = sum / (double)CT_MAX(n, 1);
    for (int64_t i = 0; i < n; i++) squares += (x[i] - c->mean) * (x[i] - c->mean);
    c->std = sqrt(squares / (double)CT_MAX(n, 1));
    if (!isfinite(c->std)) return ct_fail(CT_BAD_DATA, "column '%s' has numbers that are too large", c->name);
    if (c->std == 0) c->std = 1; /* all are the same */
    return CT_OK;
}

ct_status ct_column_fit_texts(ct_column *c, const char **text, int64_t n, int most) {
    int64_t distinct = 0;
    qsort(text, (size_t)n, sizeof *text, ct_class_order);
    for (int64_t i = 0; i < n; i++)
        if (!i || strcmp(text[i], text[i - 1])) text[distinct++] = text[i];
    if (distinct > (most ? most : 1 << 20))
        return ct_fail(CT_BAD_DATA, "column '%s' has %lld different texts, too many for categories; leave it out",
                       c->name, (long long)distinct);
    if (!(c->category = ct_alloc((size_t)CT_MAX(distinct, 1), sizeof *c->category))) return CT_NO_MEMORY;
    for (; c->n < distinct; c->n++)
        if (!(c->category[c->n] = ct_strdup(text[c->n]))) return CT_NO_MEMORY;
    return CT_OK;
}

int ct_column_category(const ct_column *c, const char *text) {
    char **at = bsearch(&text, c->category, (size_t)c->n, sizeof *c->category, ct_class_order);
    return at ? (int)(at - c->category) : -1;
}

float *ct_column_write(const ct_column *c, const char *text, float *out) {
    double x = 0;
    if (c->n) {
        int said = ct_column_category(c, text);
        for (int i = 0; i < c->n; i++) out[i] = i == said;
        return out + c->n;
    }
    ct_is_number(text, &x);
    *out = (float)((x - c->mean) / c->std);
    return out + 1;
}
