/* A dataset out of a CSV file whose first line names its columns. */
#include "base/alloc.h"
#include "data/csv.h"
#include "data/loader.h"
#include "data/source.h"
#include "yaml/doc.h"
#include <stdio.h>
#include <string.h>

typedef struct table {
    const ct_data_args *args;
    ct_dataset *d;
    ct_table *t; /* d's: what its columns are */
    ct_csv csv;
    int width, cells;   /* fields of a row; those that are used: the inputs, then the target if there is one */
    int *place;         /* in a row, of each cell */
    bool *number;       /* whether a cell is one */
    ct_csv_field *cell; /* n rows of them, training first */
    int64_t n, n_train;
    size_t cap;
    int64_t *label; /* of each row, where the target has classes */
} table;

static ct_csv_field *cell_at(const table *t, int64_t row, int i) { return t->cell + row * t->cells + i; }
static ct_column *column_of(const table *t, int i) { return i < t->t->n ? &t->t->input[i] : &t->t->target; }
static bool has_target(const table *t) { return t->cells > t->t->n; }

/* ---- the header ---- */

static bool is_in(const char *const *list, int n, const char *name) {
    for (int i = 0; i < n; i++)
        if (!strcmp(list[i], name)) return true;
    return false;
}

static bool is_utf8(const char *s, bool controls) {
    uint32_t c;
    for (int n; *s; s += n)
        if (!(n = ct_utf8_read(s, strlen(s), &c)) || (!controls && ct_utf8_is_control(c))) return false;
    return true;
}

static ct_status check_header(const ct_csv *c) {
    double x;
    int numbers = 0;
    for (int i = 0; i < c->n; i++) {
        numbers += ct_is_number(c->field[i].text, &x);
        if (!is_utf8(c->field[i].text, false))
            return ct_csv_wrong(c, &c->field[i], "the column's name is not UTF-8 without control characters");
        for (int k = 0; k < i; k++)
            if (!strcmp(c->field[k].text, c->field[i].text))
                return ct_csv_wrong(c, &c->field[i], "a second column '%.80s'", c->field[i].text);
    }
    return numbers == c->n ? ct_csv_wrong(c, c->field, "the first line must name the columns") : CT_OK;
}

/* Where the column of that name is. */
static ct_status find(const table *t, const char *name, int *place) {
    const ct_csv *c = &t->csv;
    const char **names = ct_alloc((size_t)c->n, sizeof *names);
    if (!names) return CT_NO_MEMORY;
    for (int i = 0; i < c->n; i++) names[i] = c->field[i].text;
    for (*place = 0; *place < c->n && strcmp(names[*place], name);) ++*place;
    const char *near = *place == c->n ? ct_nearest(name, names, c->n) : NULL;
    ct_free(names);
    if (*place < c->n) return CT_OK;
    return ct_csv_wrong(c, c->field, "no column is named '%.80s'%s%s%s", name, near ? "; did you mean '" : "",
                        near ? near : "", near ? "'?" : "");
}

/* The columns that args name, or all but the target. */
static ct_status name_columns(table *t) {
    const ct_data_args *a = t->args;
    int n = a->columns ? a->n_columns : t->csv.n;
    if (!(t->t->input = ct_alloc((size_t)n, sizeof *t->t->input))) return CT_NO_MEMORY;
    for (int i = 0; i < n; i++) {
        const char *name = a->columns ? a->columns[i] : t->csv.field[i].text;
        if (!a->columns && a->target_column && !strcmp(name, a->target_column)) continue;
        if (!(t->t->input[t->t->n++].name = ct_strdup(name))) return CT_NO_MEMORY;
    }
    if (!t->t->n) return ct_csv_wrong(&t->csv, t->csv.field, "no column is left beside the target");
    if (!a->target_column) return CT_OK;
    return (t->t->target.name = ct_strdup(a->target_column)) ? CT_OK : CT_NO_MEMORY;
}

static ct_status read_header(table *t) {
    bool more;
    int unused;
    CT_TRY(ct_csv_next(&t->csv, &more));
    if (!more) return ct_fail(CT_BAD_DATA, "%s: is empty", t->csv.path);
    CT_TRY(check_header(&t->csv));
    CT_TRY(t->args->table ? ct_table_copy(t->args->table, t->t) : name_columns(t));
    for (int i = 0; !t->args->table && i < t->args->n_categories; i++) CT_TRY(find(t, t->args->categories[i], &unused));
    t->cells = t->t->n + (t->t->target.name && !t->args->inputs_only), t->width = t->csv.n;
    t->place = ct_alloc((size_t)t->cells, sizeof *t->place), t->number = ct_alloc((size_t)t->cells, sizeof *t->number);
    if (!t->place || !t->number) return CT_NO_MEMORY;
    for (int i = 0; i < t->cells; i++) CT_TRY(find(t, column_of(t, i)->name, &t->place[i]));
    return CT_OK;
}

/* ---- the rows ---- */

static ct_status read_rows(table *t) {
    bool more;
    for (;;) {
        CT_TRY(ct_csv_next(&t->csv, &more));
        if (!more) break;
        if (t->csv.n != t->width)
            return ct_csv_wrong(&t->csv, t->csv.field, "the row has %d fields, the first line %d", t->csv.n, t->width);
        for (int i = 0; i < t->cells; i++) {
            ct_csv_field *p = ct_grow(t->cell, (size_t)(t->n * t->cells + i), &t->cap, sizeof *p);
            if (!p) return CT_NO_MEMORY;
            t->cell = p, p[t->n * t->cells + i] = t->csv.field[t->place[i]];
        }
        t->n++;
    }
    return t->n ? CT_OK : ct_fail(CT_BAD_DATA, "%s: has no row but the first, which names the columns", t->csv.path);
}

/* A column is of numbers where its first value is one, unless it is said to be of categories, or of classes. */
static void find_numbers(table *t) {
    const ct_data_args *a = t->args;
    for (int i = 0; i < t->cells; i++) {
        const ct_column *c = column_of(t, i);
        bool named = is_in(a->categories, a->n_categories, c->name) || (i == t->t->n && a->by_class);
        int64_t row = 0;
        double x;
        while (row < t->n - 1 && ct_is_missing(cell_at(t, row, i)->text)) row++;
        t->number[i] = a->table ? !c->n : !named && ct_is_number(cell_at(t, row, i)->text, &x);
    }
}

static ct_status check_cell(const table *t, const ct_csv_field *f, int i) {
    const ct_column *c = column_of(t, i);
    double x;
    if (ct_is_missing(f->text))
        return ct_csv_wrong(&t->csv, f, "column '%.80s' has no value%s%.20s%s", c->name, *f->text ? ", but '" : "",
                            f->text, *f->text ? "'" : "");
    if (t->number[i] && !ct_is_number(f->text, &x))
        return ct_csv_wrong(&t->csv, f,
                            "column '%.80s' has '%.80s' among numbers; categories: [...] makes it one of texts",
                            c->name, f->text);
    if (!t->number[i] && !is_utf8(f->text, true))
        return ct_csv_wrong(&t->csv, f, "column '%.80s' is not UTF-8", c->name);
    if (i == t->t->n && c->n && ct_column_category(c, f->text) < 0)
        return ct_csv_wrong(&t->csv, f, "column '%.80s' has '%.80s', a class that training did not have", c->name,
                            f->text);
    return CT_OK;
}

static ct_status check_row(const table *t, int64_t row) {
    for (int i = 0; i < t->cells; i++) CT_TRY(check_cell(t, cell_at(t, row, i), i));
    return CT_OK;
}

/* Leaves out the rows that are damaged, or says of the first what is wrong. */
static ct_status check_rows(table *t) {
    int64_t n = 0;
    if (!(t->d->skipped_file = ct_alloc((size_t)t->n, sizeof *t->d->skipped_file))) return CT_NO_MEMORY;
    for (int64_t row = 0; row < t->n; row++) {
        ct_status s = check_row(t, row);
        if (s && t->args->on_bad != 1) return s;
        if (!s)
            memmove(cell_at(t, n++, 0), cell_at(t, row, 0), (size_t)t->cells * sizeof *t->cell);
        else if (!(t->d->skipped_file[t->d->skipped++] = ct_strdup(ct_error())))
            return CT_NO_MEMORY;
    }
    t->n = n;
    return n ? CT_OK
             : ct_fail(CT_BAD_DATA, "%s: all rows are damaged; the first: %s", t->csv.path, t->d->skipped_file[0]);
}

/* ---- the target, and what is held out ---- */

/* The texts of cell i in those rows of the training part; rows NULL: in all there are. */
static ct_status fit_texts(const table *t, int i, const int64_t *rows, int64_t n, int most) {
    const char **text = ct_alloc((size_t)n, sizeof *text);
    if (!text) return CT_NO_MEMORY;
    for (int64_t k = 0; k < n; k++) text[k] = cell_at(t, rows ? rows[k] : k, i)->text;
    ct_status s = ct_column_fit_texts(column_of(t, i), text, n, most);
    ct_free(text);
    return s;
}

static ct_status find_classes(table *t) {
    ct_column *c = &t->t->target;
    int at = t->t->n;
    if (!has_target(t) || t->number[at]) return CT_OK;
    if (!c->n) CT_TRY(fit_texts(t, at, NULL, t->n, 0));
    if (!(t->label = ct_alloc((size_t)t->n, sizeof *t->label))) return CT_NO_MEMORY;
    for (int64_t row = 0; row < t->n; row++) t->label[row] = ct_column_category(c, cell_at(t, row, at)->text);
    if (!(t->d->class_name = ct_alloc((size_t)c->n, sizeof *t->d->class_name))) return CT_NO_MEMORY;
    for (; t->d->classes < c->n; t->d->classes++)
        if (!(t->d->class_name[t->d->classes] = ct_strdup(c->category[t->d->classes]))) return CT_NO_MEMORY;
    return CT_OK;
}

/* Moves a fraction of each class to the end: the test part. */
static ct_status hold_out(table *t, uint64_t seed) {
    size_t row = (size_t)t->cells, n[2] = {0, 0};
    bool *held = ct_alloc((size_t)t->n, sizeof *held);
    ct_csv_field *part[2] = {ct_alloc((size_t)t->n, row * sizeof *part[0]),
                             ct_alloc((size_t)t->n, row * sizeof *part[0])};
    int64_t *label[2] = {ct_alloc((size_t)t->n, sizeof *label[0]), ct_alloc((size_t)t->n, sizeof *label[0])};
    ct_status s = held && part[0] && part[1] && label[0] && label[1] ? CT_OK : CT_NO_MEMORY;
    if (!s) s = ct_stratify(t->label, t->n, CT_MAX(t->d->classes, 1), t->args->test, seed, "test", held);
    for (int64_t i = 0; !s && i < t->n; i++) {
        int p = held[i];
        memcpy(part[p] + n[p] * row, cell_at(t, i, 0), row * sizeof *t->cell);
        if (t->label) label[p][n[p]] = t->label[i];
        n[p]++;
    }
    for (int p = 0; !s && p < 2; p++) {
        memcpy(cell_at(t, p ? (int64_t)n[0] : 0, 0), part[p], n[p] * row * sizeof *t->cell);
        if (t->label) memcpy(t->label + (p ? n[0] : 0), label[p], n[p] * sizeof *t->label);
    }
    t->n_train = (int64_t)n[0];
    for (int p = 0; p < 2; p++) ct_free(part[p]), ct_free(label[p]);
    ct_free(held);
    return s;
}

/* ---- the tensors ---- */

static ct_status make_target(const table *t, int64_t first, int64_t n, ct_tensor **out) {
    bool classes = t->label != NULL;
    ct_tensor *y = *out = ct_keep(ct_empty(classes ? CT_I64 : CT_F32, classes ? CT_DIMS(n) : CT_DIMS(n, 1)));
    CT_TRY(ct_source_check(y));
    if (classes) memcpy(ct_data(y), t->label + first, (size_t)n * sizeof *t->label);
    for (int64_t i = 0; !classes && i < n; i++) {
        double x = 0;
        ct_is_number(cell_at(t, first + i, t->t->n)->text, &x);
        ((float *)ct_data(y))[i] = (float)x;
    }
    return CT_OK;
}

static ct_status make_input(const table *t, int64_t first, int64_t n, ct_rows *out) {
    int64_t width = ct_table_width(t->t);
    ct_tensor *x = out->x = ct_keep(ct_empty(CT_F32, CT_DIMS(n, width)));
    CT_TRY(ct_source_check(x));
    if (!(out->file = ct_alloc((size_t)n + 1, sizeof *out->file))) return CT_NO_MEMORY;
    for (int64_t i = 0; i < n; i++) {
        float *to = (float *)ct_data(x) + i * width;
        char name[300];
        for (int k = 0; k < t->t->n; k++) to = ct_column_write(&t->t->input[k], cell_at(t, first + i, k)->text, to);
        snprintf(name, sizeof name, "%.255s:%lld", t->d->name, (long long)cell_at(t, first + i, 0)->line);
        if (!(out->file[i] = ct_strdup(name))) return CT_NO_MEMORY;
    }
    return CT_OK;
}

/* What the input's columns are, from those n rows of the training part. */
static ct_status fit(const table *t, const int64_t *rows, int64_t n) {
    double *x = ct_alloc((size_t)n, sizeof *x);
    ct_status s = x ? CT_OK : CT_NO_MEMORY;
    for (int i = 0; !s && i < t->t->n; i++) {
        for (int64_t k = 0; t->number[i] && k < n; k++) ct_is_number(cell_at(t, rows[k], i)->text, &x[k]);
        s = !t->number[i] ? fit_texts(t, i, rows, n, CT_MAX_CATEGORIES) : ct_column_fit_numbers(column_of(t, i), x, n);
    }
    ct_free(x);
    return s ? ct_fail_in(s, "%s", t->csv.path) : CT_OK;
}

/* Validation samples are for no statistics either. */
static ct_status fit_training(table *t, uint64_t seed) {
    int64_t *train = ct_alloc((size_t)t->n_train, sizeof *train), n = 0, held_out;
    int64_t *validation = ct_alloc((size_t)t->n_train, sizeof *validation);
    ct_status s = train && validation ? CT_OK : CT_NO_MEMORY;
    if (!s)
        s = ct_split_validation(t->d->train.y, t->n_train, CT_MAX(t->args->validation, 0), seed, train, &n, validation,
                                &held_out);
    if (!s) s = fit(t, train, n);
    ct_free(train), ct_free(validation);
    return s;
}

static ct_status load(table *t, uint64_t seed) {
    ct_dataset *d = t->d;
    CT_TRY(ct_source_file(d, t->args->csv));
    CT_TRY(ct_csv_open(t->args->csv, &t->csv));
    CT_TRY(read_header(t));
    CT_TRY(read_rows(t));
    find_numbers(t);
    CT_TRY(check_rows(t));
    CT_TRY(find_classes(t));
    CT_TRY(hold_out(t, seed));
    int64_t n_test = t->n - t->n_train;
    if (has_target(t)) CT_TRY(make_target(t, 0, t->n_train, &d->train.y));
    if (!t->args->table) CT_TRY(fit_training(t, seed));
    CT_TRY(make_input(t, 0, t->n_train, &d->train));
    if (!n_test) return CT_OK;
    if (has_target(t)) CT_TRY(make_target(t, t->n_train, n_test, &d->test.y));
    return make_input(t, t->n_train, n_test, &d->test);
}

ct_status ct_source_csv(const ct_data_args *args, uint64_t seed, ct_dataset *d) {
    table t = {.args = args, .d = d, .t = &d->table};
    ct_status s = load(&t, seed);
    ct_csv_close(&t.csv);
    ct_free(t.place), ct_free(t.number), ct_free(t.cell), ct_free(t.label);
    return s;
}
