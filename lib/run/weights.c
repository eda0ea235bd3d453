#include "run/weights.h"
#include "base/alloc.h"
#include <stdio.h>

ct_status ct_names_of(ct_module *m, const char *prefix, ct_names *out) {
    size_t n = (size_t)ct_module_count(m);
    *out = (ct_names){.n = (int)n,
                      .of = ct_alloc(n, sizeof *out->of),
                      .entry = ct_alloc(n, sizeof *out->entry),
                      .text = ct_alloc(n, sizeof *out->text)};
    if (!out->of || !out->entry || !out->text) {
        ct_names_free(out);
        return CT_NO_MEMORY;
    }
    ct_module_entries(m, out->entry);
    for (size_t i = 0; i < n; i++) {
        snprintf(out->text[i], sizeof out->text[i], "%s%s", prefix, out->entry[i].name);
        out->of[i] = (ct_named){out->text[i], out->entry[i].param->tensor};
    }
    return CT_OK;
}

void ct_names_free(ct_names *n) {
    ct_free(n->of), ct_free(n->entry), ct_free(n->text);
    *n = (ct_names){0};
}

ct_status ct_tensor_load(ct_tensor *t, const char *name, ct_safetensors *file, const char *path) {
    if (!ct_safetensors_has(file, name)) return ct_fail(CT_BAD_DATA, "%s: has no tensor '%s'", path, name);
    ct_scope *scope = ct_scope_open();
    if (!scope) return CT_NO_MEMORY;
    ct_tensor *from = ct_safetensors_get(file, name);
    ct_status status = ct_set(t, from);
    if (status == CT_FAIL) {
        char want[128], got[128];
        ct_layout_text(&t->layout, want, sizeof want);
        ct_layout_text(&from->layout, got, sizeof got);
        status = ct_fail(CT_BAD_DATA, "%s: tensor '%s' is %s %s, the model wants %s %s", path, name,
                         ct_dtype_name(from->layout.dtype), got, ct_dtype_name(t->layout.dtype), want);
    }
    ct_status closed = ct_scope_close(scope);
    return status ? status : closed;
}

ct_status ct_names_load(const ct_names *n, ct_safetensors *file, const char *path) {
    for (int i = 0; i < n->n; i++) CT_TRY(ct_tensor_load(n->entry[i].param->tensor, n->of[i].name, file, path));
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
