/* `only: [cat, dog]`: a dataset without its other classes, whose numbers are then their places in the list. */
#include "base/alloc.h"
#include "data/source.h"
#include <string.h>

static ct_status unknown_class(const ct_dataset *d, const char *name) {
    const char *near = ct_nearest(name, (const char *const *)d->class_name, d->classes);
    return ct_fail(CT_BAD_SPEC, "data: only: %s has no class '%.80s'%s%s%s", d->name, name,
                   near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

/* A class's new number, or -1; the names are copied. */
static ct_status number_classes(const ct_dataset *d, const char *const *only, int n, int64_t *number, char **name) {
    for (int i = 0; i < d->classes; i++) number[i] = -1;
    for (int i = 0; i < n; i++) {
        int at = 0;
        while (at < d->classes && strcmp(d->class_name[at], only[i])) at++;
        if (at == d->classes) return unknown_class(d, only[i]);
        number[at] = i;
        if (!(name[i] = ct_strdup(only[i]))) return CT_NO_MEMORY;
    }
    return CT_OK;
}

static ct_status replace(ct_tensor **field, ct_tensor *index) {
    ct_tensor *t = ct_index_select(*field, index, (ct_dim_args){0});
    CT_TRY(ct_source_check(t));
    ct_drop(*field);
    *field = ct_keep(t);
    return CT_OK;
}

/* The rows at index[n], in place of all. */
static ct_status keep_rows(ct_rows *s, ct_tensor *index, int64_t n) {
    const int64_t *at = ct_data(index);
    int64_t all = ct_size(s->x, 0), k = 0;
    CT_TRY(replace(&s->x, index));
    CT_TRY(replace(&s->y, index));
    for (int i = 0; i < CT_MAX_MORE; i++)
        if (s->more[i]) CT_TRY(replace(&s->more[i], index));
    for (int64_t i = 0; s->file && i < all; i++) {
        char *file = s->file[i];
        s->file[i] = NULL;
        if (k < n && at[k] == i)
            s->file[k++] = file;
        else
            ct_free(file);
    }
    return CT_OK;
}

static ct_status keep_classes(const ct_dataset *d, ct_rows *s, const char *which, const int64_t *number) {
    int64_t n = 0, all = ct_numel(s->y);
    ct_tensor *y = ct_to(s->y, CT_I64), *index = ct_empty(CT_I64, CT_DIMS(all));
    CT_TRY(ct_source_check(y));
    CT_TRY(ct_source_check(index));
    const int64_t *label = ct_data(y);
    for (int64_t i = 0; i < all; i++)
        if (number[label[i]] >= 0) ((int64_t *)ct_data(index))[n++] = i;
    if (!n) return ct_fail(CT_BAD_DATA, "%s: no %s sample is of a class that only names", d->name, which);
    index = ct_narrow(index, (ct_narrow_args){.start = CT_ZERO, .length = n});
    CT_TRY(ct_source_check(index));
    CT_TRY(keep_rows(s, index, n));
    y = ct_to(s->y, CT_I64);
    CT_TRY(ct_source_check(y));
    if (y != s->y) ct_drop(s->y), s->y = ct_keep(y);
    for (int64_t i = 0, *own = ct_data(s->y); i < n; i++) own[i] = number[own[i]];
    return CT_OK;
}

ct_status ct_dataset_only(ct_dataset *d, const char *const *only, int n) {
    if (!d->train.y || d->train.y->layout.ndim != 1 || !d->classes)
        return ct_fail(CT_BAD_SPEC, "data: only wants a class for each sample; %s has none", d->name);
    int64_t *number = ct_alloc((size_t)d->classes, sizeof *number);
    char **name = ct_alloc((size_t)n, sizeof *name);
    ct_status status = number && name ? number_classes(d, only, n, number, name) : CT_NO_MEMORY;
    if (!status) status = keep_classes(d, &d->train, "training", number);
    if (!status && d->test.x) status = keep_classes(d, &d->test, "test", number);
    if (!status) { /* old names for new ones */
        char **old = d->class_name;
        int k = d->classes;
        d->class_name = name, d->classes = n;
        name = old, n = k;
    }
    for (int i = 0; name && i < n; i++) ct_free(name[i]);
    ct_free(name), ct_free(number);
    return status;
}
