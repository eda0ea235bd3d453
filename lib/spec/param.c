#include "spec/param.h"
#include "base/alloc.h"
#include "base/key.h"
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

/* A module's names at hand. */
typedef struct names {
    ct_doc *doc;
    ct_entry *entry;
    int n;
} names;

/* ---- a pattern that fits no name ---- */
/* The nearest name, or pattern whose first part is there: "stem.*" for "stme.*". False: none is near. */
static bool nearest(const names *all, const char *pattern, const char **list, char *near, size_t size) {
    for (int i = 0; i < all->n; i++) list[i] = all->entry[i].name;
    const char *found = ct_nearest(pattern, list, all->n), *rest = strchr(pattern, '.');
    char part[256];
    snprintf(near, size, "%s", found ? found : "");
    if (found || !rest || (size_t)(rest - pattern) >= sizeof part) return found;
    snprintf(part, sizeof part, "%.*s", (int)(rest - pattern), pattern);
    for (int i = 0; i < all->n; i++) *strchrnul(all->entry[i].name, '.') = 0; /* the names are not needed any more */
    if ((found = ct_nearest(part, list, all->n))) snprintf(near, size, "%s%s", found, rest);
    return found;
}

static void say_unmatched(const names *all, const ct_yaml *at) {
    char near[256];
    const char **list = ct_alloc((size_t)all->n + 1, sizeof *list), *first = all->n ? all->entry[0].name : "";
    if (list && nearest(all, at->text, list, near, sizeof near))
        ct_diag(all->doc, CT_ERROR, at, "no parameter's name fits '%.80s'; did you mean '%s'?", at->text, near);
    else
        ct_diag(all->doc, CT_ERROR, at, "no parameter's name fits '%.80s'%s%s", at->text,
                all->n ? "; `ctorch check` lists the layers, and the first parameter is " : "", first);
    ct_free(list);
}

static bool is_param(const ct_entry *e) { return e->param->trained || e->param->frozen; }

/* ---- freeze ---- */
void ct_freeze_read(ct_doc *doc, const ct_yaml *node, ct_model_spec *out) {
    bool ok = node->kind == CT_LIST && node->n;
    for (int i = 0; ok && i < node->n; i++) ok = node->value[i]->kind == CT_SCALAR && *node->value[i]->text;
    if (!ok)
        ct_diag(doc, CT_ERROR, node, "freeze is a list of patterns of parameters' names, such as [\"stem.*\"]");
    else
        out->freeze = node;
}

static void freeze(const names *all, const ct_yaml *list) {
    for (int i = 0; list && i < list->n; i++) {
        bool fits = false;
        for (int k = 0; k < all->n; k++) {
            ct_param *p = all->entry[k].param;
            if (!is_param(&all->entry[k]) || fnmatch(list->value[i]->text, all->entry[k].name, 0)) continue;
            ct_requires_grad(p->tensor, false);
            p->trained = false, p->frozen = fits = true;
        }
        if (!fits) {
            say_unmatched(all, list->value[i]);
            return;
        }
    }
    bool trained = !list;
    for (int k = 0; k < all->n; k++) trained = trained || all->entry[k].param->trained;
    if (!trained) ct_diag(all->doc, CT_ERROR, list, "freeze leaves no parameter to train");
}

ct_status ct_param_apply(ct_doc *doc, const ct_model_spec *spec, ct_module *m) {
    names all = {doc, NULL, ct_module_count(m)};
    if (!spec->freeze) return CT_OK;
    if (!(all.entry = ct_alloc((size_t)all.n + 1, sizeof *all.entry))) return CT_NO_MEMORY;
    ct_module_entries(m, all.entry);
    freeze(&all, spec->freeze);
    ct_free(all.entry);
    return ct_diag_status(doc);
}
