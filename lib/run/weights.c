#include "run/weights.h"
#include "base/alloc.h"
#include <stdio.h>
#include <string.h>

ct_status ct_names_of(ct_module *m, const char *prefix, ct_names *out) {
    size_t n = (size_t)ct_module_count(m);
    int ties = ct_module_ties(m, NULL);
    *out = (ct_names){.n = (int)n,
                      .n_ties = ties,
                      .tie = ct_alloc((size_t)ties + 1, sizeof *out->tie),
                      .of = ct_alloc(n, sizeof *out->of),
                      .entry = ct_alloc(n, sizeof *out->entry),
                      .text = ct_alloc(n, sizeof *out->text)};
    if (!out->of || !out->entry || !out->text || !out->tie) {
        ct_names_free(out);
        return CT_NO_MEMORY;
    }
    ct_module_entries(m, out->entry);
    ct_module_ties(m, out->tie);
    for (size_t i = 0; i < n; i++) {
        snprintf(out->text[i], sizeof out->text[i], "%s%s", prefix, out->entry[i].name);
        out->of[i] = (ct_named){out->text[i], out->entry[i].param->tensor};
    }
    return CT_OK;
}

void ct_names_free(ct_names *n) {
    ct_free(n->of), ct_free(n->entry), ct_free(n->text), ct_free(n->tie);
    *n = (ct_names){0};
}

static bool same_shape(const ct_tensor *a, const ct_tensor *b) {
    const ct_layout *l = &a->layout, *k = &b->layout;
    return l->ndim == k->ndim && !memcmp(l->size, k->size, (size_t)l->ndim * sizeof l->size[0]);
}

/* Of t's type, or 16-bit floats, which wider ones hold exactly. */
static bool holds(const ct_tensor *t, const ct_tensor *from) {
    ct_dtype to = t->layout.dtype, dtype = from->layout.dtype;
    return to == dtype || (ct_is_half(dtype) && ct_is_float(to) && !ct_is_half(to));
}

ct_status ct_tensor_fits(const ct_tensor *t, const char *name, ct_safetensors *file, const char *path) {
    if (!ct_safetensors_has(file, name)) return ct_fail(CT_BAD_DATA, "%s: has no tensor '%s'", path, name);
    ct_scope *scope = ct_scope_open();
    if (!scope) return CT_NO_MEMORY;
    ct_tensor *from = ct_safetensors_get(file, name);
    bool fits = ct_why(from) || (holds(t, from) && same_shape(t, from));
    char want[128], got[128];
    ct_layout_text(&t->layout, want, sizeof want);
    ct_layout_text(&from->layout, got, sizeof got);
    const char *dtype = ct_dtype_name(from->layout.dtype);
    ct_status closed = ct_scope_close(scope);
    if (closed || fits) return closed;
    return ct_fail(CT_BAD_DATA, "%s: tensor '%s' is %s %s, %s %s is wanted", path, name, dtype, got,
                   ct_dtype_name(t->layout.dtype), want);
}

ct_status ct_tensor_load(ct_tensor *t, const char *name, ct_safetensors *file, const char *path) {
    CT_TRY(ct_tensor_fits(t, name, file, path));
    ct_scope *scope = ct_scope_open();
    if (!scope) return CT_NO_MEMORY;
    ct_tensor *from = ct_to(ct_safetensors_get(file, name), t->layout.dtype);
    ct_status status = ct_set(t, from), closed = ct_scope_close(scope);
    return status ? status : closed;
}

/* The name that the file has for tensor t: its own, or one that is tied to it. */
static const char *name_in(const ct_names *n, const ct_tensor *t, const char *own, ct_safetensors *file) {
    for (int i = 0; !ct_safetensors_has(file, own) && i < n->n_ties; i++)
        if (n->tie[i].param->tensor == t && ct_safetensors_has(file, n->tie[i].name)) return n->tie[i].name;
    return own;
}

/* That the file has one value under both names. */
static ct_status check_same(const char *name, const char *other, ct_safetensors *file, const char *path) {
    ct_scope *scope = ct_scope_open();
    if (!scope) return CT_NO_MEMORY;
    ct_tensor *a = ct_safetensors_get(file, name), *b = ct_safetensors_get(file, other);
    bool same = !ct_why(a) && !ct_why(b) && a->layout.dtype == b->layout.dtype && same_shape(a, b) &&
                !memcmp(ct_data(a), ct_data(b), ct_layout_bytes(&a->layout));
    ct_status closed = ct_scope_close(scope);
    if (closed || same) return closed;
    return ct_fail(CT_BAD_DATA, "%s: tensor '%s' differs from the one that the model ties it to", path, name);
}

/* All of it is looked at before any of it is loaded: what is refused changes nothing. */
ct_status ct_names_load(const ct_names *n, ct_safetensors *file, const char *path) {
    for (int load = 0; load < 2; load++)
        for (int i = 0; i < n->n; i++) {
            ct_tensor *t = n->entry[i].param->tensor;
            const char *name = name_in(n, t, n->of[i].name, file);
            CT_TRY(load ? ct_tensor_load(t, name, file, path) : ct_tensor_fits(t, name, file, path));
            for (int k = 0; !load && k < n->n_ties; k++)
                if (n->tie[k].param->tensor == t && ct_safetensors_has(file, n->tie[k].name))
                    CT_TRY(check_same(n->tie[k].name, name, file, path));
        }
    return CT_OK;
}

ct_status ct_module_save(ct_module *m, const char *path) {
    ct_names names;
    if (!m) return ct_fail(CT_FAIL, "%s: there is no module to save", path);
    CT_TRY(ct_names_of(m, "", &names));
    ct_status status = ct_safetensors_write(path, names.of, names.n, NULL, 0);
    ct_names_free(&names);
    return status;
}

ct_status ct_module_load(ct_module *m, const char *path) {
    ct_names names;
    ct_safetensors *file;
    if (!m) return ct_fail(CT_FAIL, "%s: there is no module to load it into", path);
    CT_TRY(ct_safetensors_open(path, &file));
    ct_status status = ct_safetensors_verify(file);
    if (!status && !(status = ct_names_of(m, "", &names))) {
        status = ct_names_load(&names, file, path);
        ct_names_free(&names);
    }
    ct_safetensors_close(file);
    return status;
}
