/* What a sample is made of, as batches hold it. */
#include "base/alloc.h"
#include "data/source.h"
#include <stdio.h>
#include <string.h>

ct_tensor *ct_split_field(const ct_rows *s, int i) {
    if (!i) return s->x;
    if (s->y && i == 1) return s->y;
    i -= s->y ? 2 : 1;
    return i < CT_MAX_MORE ? s->more[i] : NULL;
}

/* Pixels and values become f32, classes and other integers i64; grey images get a channel dimension. */
static ct_layout layout_of(const ct_tensor *t, bool target) {
    ct_dtype dtype = ct_dtype_of(t) == CT_F32 || (ct_dtype_of(t) == CT_U8 && !target) ? CT_F32 : CT_I64;
    ct_dims d = {ct_ndim(t), {1}};
    for (int i = 1; i < d.n; i++) d.v[i] = ct_size(t, i);
    if (ct_dtype_of(t) == CT_U8 && !target && d.n == 3) d = CT_DIMS(1, 1, d.v[1], d.v[2]);
    return ct_layout_of(dtype, d);
}

void ct_dataset_fields(const ct_dataset *d, ct_fields *out) {
    const ct_rows *s = &d->train;
    if (d->tokenizer.kind) {
        ct_text_fields(ct_size(s->x, 1), d->classes, out);
        return;
    }
    *out = (ct_fields){.classes = d->classes};
    out->of[out->n++] = (ct_field){"input", layout_of(s->x, false), 0};
    if (s->y) out->of[out->n++] = (ct_field){"target", layout_of(s->y, true), 0};
    for (int i = 0; i < d->n_more; i++)
        out->of[out->n++] = (ct_field){d->more_name[i], layout_of(s->more[i], false), 0};
}

void ct_fields_classes(const ct_layout *input, int classes, ct_fields *out) {
    *out = (ct_fields){.of = {{"input", *input, 0}, {"target", ct_layout_of(CT_I64, CT_DIMS(1)), 0}},
                       .n = classes ? 2 : 1,
                       .classes = classes};
}

ct_status ct_dataset_number(ct_dataset *d, int64_t classes) {
    if (classes && !(d->class_name = ct_alloc((size_t)classes, sizeof *d->class_name))) return CT_NO_MEMORY;
    for (char text[32]; d->classes < classes; d->classes++) {
        snprintf(text, sizeof text, "%d", d->classes);
        if (!(d->class_name[d->classes] = ct_strdup(text))) return CT_NO_MEMORY;
    }
    return CT_OK;
}

/* ---- classes ---- */

static bool is_number(const char *s) { return *s && !s[strspn(s, "0123456789")]; }

int ct_class_order(const void *a, const void *b) {
    const char *x = *(const char *const *)a, *y = *(const char *const *)b;
    if (is_number(x) != is_number(y)) return is_number(x) ? -1 : 1;
    if (!is_number(x)) return strcmp(x, y);
    const char *p = x + strspn(x, "0"), *q = y + strspn(y, "0");
    size_t n = strlen(p), m = strlen(q);
    int order = n != m ? (n < m ? -1 : 1) : strcmp(p, q);
    return order ? order : strcmp(x, y);
}
