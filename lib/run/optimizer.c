/* What an optimizer remembers, in a safetensors file: PyTorch's names after the parameter's number, `0.exp_avg`. */
#include "base/alloc.h"
#include "optim/optim.h"
#include "run/weights.h"
#include <stdio.h>

typedef struct memory {
    ct_named *of;
    char (*text)[64];
    int n;
} memory;

static void add(memory *m, const ct_tensor *t, const char *name, int number) {
    if (number < 0)
        snprintf(m->text[m->n], sizeof m->text[0], "%s", name);
    else
        snprintf(m->text[m->n], sizeof m->text[0], "%d.%s", number, name);
    m->of[m->n] = (ct_named){m->text[m->n], t};
    m->n++;
}

static void memory_free(memory *m) { ct_free(m->of), ct_free(m->text); }

static ct_status memory_of(ct_optim *o, memory *m) {
    int n, groups = ct_optim_groups(o);
    ct_tensor *const *params = ct_optim_params(o, &n), *t;
    size_t most = (size_t)n * CT_MAX_STATES + (size_t)groups + 1;
    const char *name;
    char rate[32];
    *m = (memory){.of = ct_alloc(most, sizeof *m->of), .text = ct_alloc(most, sizeof *m->text)};
    if (!m->of || !m->text) {
        memory_free(m);
        return CT_NO_MEMORY;
    }
    for (int p = 0; p < n; p++)
        for (int i = 0; (t = ct_optim_state(o, params[p], i, &name)); i++) add(m, t, name, p);
    for (int g = 0; g < groups; g++) {
        snprintf(rate, sizeof rate, "lr.%d", g);
        add(m, ct_optim_lr(o, g), rate, -1);
    }
    add(m, ct_optim_count(o), "step", -1);
    return CT_OK;
}

ct_status ct_optim_save(ct_optim *o, const char *path) {
    memory m;
    if (!o) return ct_fail(CT_FAIL, "%s: there is no optimizer to save", path);
    CT_TRY(memory_of(o, &m));
    ct_status status = ct_safetensors_write(path, m.of, m.n, NULL, 0);
    memory_free(&m);
    return status;
}

/* All of it is looked at before any of it is loaded. */
static ct_status load(const memory *m, ct_safetensors *file, const char *path) {
    for (int i = 0; i < m->n; i++) CT_TRY(ct_tensor_fits(m->of[i].tensor, m->of[i].name, file, path));
    for (int i = 0; i < m->n; i++) CT_TRY(ct_tensor_load((ct_tensor *)m->of[i].tensor, m->of[i].name, file, path));
    return CT_OK;
}

ct_status ct_optim_load(ct_optim *o, const char *path) {
    memory m;
    ct_safetensors *file;
    if (!o) return ct_fail(CT_FAIL, "%s: there is no optimizer to load it into", path);
    CT_TRY(ct_safetensors_open(path, &file));
    ct_status status = ct_safetensors_verify(file);
    if (!status && !(status = memory_of(o, &m))) {
        status = load(&m, file, path);
        memory_free(&m);
    }
    ct_safetensors_close(file);
    return status;
}
