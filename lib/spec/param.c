#include "spec/param.h"
#include "base/alloc.h"
#include "base/hash.h"
#include "nn/init.h"
#include "yaml/read.h"
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#define MAX_PATTERNS 256 /* in freeze, init or tie: each is compared with every name */

/* A module's names at hand. */
typedef struct names {
    ct_doc *doc;
    ct_entry *entry;
    bool *shared; /* others are tied to it */
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
    char first[256] = "";
    const char **list = ct_alloc((size_t)all->n + 1, sizeof *list);
    if (all->n) snprintf(first, sizeof first, "%s", all->entry[0].name); /* nearest() cuts the names */
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
    bool ok = node->kind == CT_LIST && node->n && node->n <= MAX_PATTERNS;
    for (int i = 0; ok && i < node->n; i++) ok = node->value[i]->kind == CT_SCALAR && *node->value[i]->text;
    if (!ok)
        ct_diag(doc, CT_ERROR, node, "freeze is a list of up to %d patterns of parameters' names, such as [\"stem.*\"]",
                MAX_PATTERNS);
    else
        out->freeze = node;
}

static bool freeze(const names *all, const ct_yaml *list) {
    for (int i = 0; list && i < list->n; i++) {
        bool fits = false;
        for (int k = 0; k < all->n; k++) {
            ct_param *p = all->entry[k].param;
            if (!is_param(&all->entry[k]) || fnmatch(list->value[i]->text, all->entry[k].name, 0)) continue;
            ct_requires_grad(p->tensor, false);
            p->trained = false, p->frozen = fits = true;
        }
        if (!fits) return say_unmatched(all, list->value[i]), false;
    }
    bool trained = !list;
    for (int k = 0; k < all->n; k++) trained = trained || all->entry[k].param->trained;
    if (!trained) ct_diag(all->doc, CT_ERROR, list, "freeze leaves no parameter to train");
    return trained;
}

/* ---- groups of the optimizer ---- */
int ct_group_of(const ct_model_spec *spec, const ct_entry *e) {
    for (int i = 0; i < spec->n_groups; i++) {
        const ct_group_use *g = &spec->group[i];
        if (!fnmatch(g->pattern->text, e->name, 0) && ct_optimizer_takes(g->optimizer, e->param->tensor)) return i;
    }
    return -1;
}

/* Whether group i has a trained parameter; else a diagnostic. */
static bool check_group(const names *all, const ct_model_spec *spec, int i) {
    const ct_group_use *g = &spec->group[i];
    bool fits = false, trained = false, taken = false;
    for (int k = 0; k < all->n; k++) {
        const ct_entry *e = &all->entry[k];
        if (!is_param(e) || fnmatch(g->pattern->text, e->name, 0)) continue;
        fits = true, trained |= e->param->trained;
        if (!e->param->trained || !ct_optimizer_takes(g->optimizer, e->param->tensor)) continue;
        if (ct_group_of(spec, e) == i) return true;
        taken = true;
    }
    if (!fits)
        say_unmatched(all, g->pattern);
    else
        ct_diag(all->doc, CT_ERROR, g->pattern, "no parameter is left for the group '%.80s': %s", g->pattern->text,
                !trained ? "what it fits is frozen"
                : taken  ? "groups before it have them"
                         : "its optimizer takes none of those that it fits");
    return false;
}

/* A diagnostic where the optimizer does not take what is left to it. */
static void check_rest(const names *all, const ct_model_spec *spec) {
    for (int k = 0; spec->optimizer && k < all->n; k++) {
        const ct_entry *e = &all->entry[k];
        if (!e->param->trained || ct_group_of(spec, e) >= 0 || ct_optimizer_takes(spec->optimizer, e->param->tensor))
            continue;
        const char *name = spec->optimizer->kind.name;
        char is[128];
        ct_layout_text(&e->param->tensor->layout, is, sizeof is);
        ct_diag(all->doc, CT_ERROR, spec->optimizer_at,
                "%s takes parameters of %d dimensions, and %.80s is %s; make it a group's, beside an optimizer of the "
                "others: {adamw: {lr: 1e-3}, groups: {\"*\": {%s: }}}",
                name, spec->optimizer->ndim, e->name, is, name);
        return;
    }
}

/* ---- init ---- */
#define FIELD(name) offsetof(ct_init_from, name)
/* No parameter has such a name: a layer's name and a dot come first. */
const ct_key ct_init_beside[] = {
    {"from", CT_KEY_PATH, FIELD(path),
     .help = "a model file, a run's directory or PyTorch's safetensors, whose weights the run starts with"},
    {"rename", CT_KEY_PATH, FIELD(rename), .help = "a text file of lines `their.name our.name`"},
    {"on_mismatch", CT_KEY_ENUM, FIELD(on_mismatch), .choices = "error|reinit",
     .help = "what to do about a weight of another shape: refuse it, or leave ours as it is"},
    {0}};

/* What stands beside the patterns, apart. */
static void read_from(ct_doc *doc, const ct_yaml *node, ct_init_from *out) {
    ct_yaml *own = ct_yaml_new(doc, CT_MAP, node);
    for (int i = 0; own && i < node->n; i++)
        if (ct_key_find(ct_init_beside, node->key[i]->text)) ct_yaml_add(doc, own, node->key[i], node->value[i]);
    if (!own) return;
    ct_read_keys(doc, own, "init", ct_init_beside, out, NULL);
    if (own->n && !ct_yaml_get(own, "from"))
        ct_diag(doc, CT_ERROR, own->key[0], "%s is about the weights of a file; say from: FILE beside it",
                own->key[0]->text);
}

void ct_init_read(ct_doc *doc, const ct_yaml *node, ct_model_spec *out) {
    int n;
    const ct_kind *const *kinds = ct_init_kinds(&n);
    if (node->kind != CT_MAP || !node->n || node->n > MAX_PATTERNS) {
        ct_diag(
            doc, CT_ERROR, node,
            "init is a map of up to %d patterns of parameters' names, such as {\"*.bias\": zeros}, and of from: FILE",
            MAX_PATTERNS);
        return;
    }
    read_from(doc, node, &out->from);
    if (!(out->init = ct_doc_alloc(doc, (size_t)node->n, sizeof *out->init))) return;
    for (int i = 0; i < node->n; i++) {
        ct_init_use *u = &out->init[out->n_inits];
        if (ct_key_find(ct_init_beside, node->key[i]->text)) continue;
        u->pattern = node->key[i];
        u->kind = ct_read_kind(doc, node->value[i], "init", kinds, n, &u->args, NULL);
        out->n_inits += u->kind != NULL;
    }
}

const ct_init_use *ct_init_find(const ct_model_spec *spec, const char *name, bool *fits) {
    const ct_init_use *last = NULL;
    for (int i = 0; i < spec->n_inits; i++) {
        if (fnmatch(spec->init[i].pattern->text, name, 0)) continue;
        if (fits) fits[i] = true;
        last = &spec->init[i];
    }
    return last;
}

/* By the seed and the name alone, whatever else is drawn. */
static bool init(const names *all, const ct_model_spec *spec, uint64_t seed, bool *fits) {
    for (int k = 0; k < all->n; k++) {
        const ct_entry *e = &all->entry[k];
        const ct_init_use *use = is_param(e) ? ct_init_find(spec, e->name, fits) : NULL;
        if (!use) continue;
        ct_random_place was = ct_random_swap((ct_random_place){.seed = (int64_t)seed, .name = ct_hash_name(e->name)});
        if (ct_init_fill(use->kind, use->args, e->param->tensor, spec->begin != CT_BEGIN_DRAWN))
            ct_diag(all->doc, CT_ERROR, use->pattern, "%s: %s", e->name, ct_error());
        ct_random_swap(was);
    }
    for (int i = 0; i < spec->n_inits; i++)
        if (!fits[i]) return say_unmatched(all, spec->init[i].pattern), false;
    return true;
}

/* ---- tie ---- */
void ct_tie_read(ct_doc *doc, const ct_yaml *node, ct_model_spec *out) {
    bool ok = node->kind == CT_MAP && node->n && node->n <= MAX_PATTERNS;
    for (int i = 0; ok && i < node->n; i++) ok = node->value[i]->kind == CT_SCALAR && *node->value[i]->text;
    if (!ok)
        ct_diag(doc, CT_ERROR, node, "tie is a map of up to %d names, such as {head.weight: wte.weight}", MAX_PATTERNS);
    else
        out->tie = node;
}

/* What stands in name behind `part`: "" or ".weight"; NULL where that is no part of it. */
static const char *behind(const char *name, const char *part) {
    size_t n = strlen(part);
    return !strncmp(name, part, n) && (!name[n] || name[n] == '.') ? name + n : NULL;
}

/* The name's place, or -1; the search begins at `from`: modules of one kind have their parts in one order. */
static int find(const names *all, const char *part, const char *rest, int from) {
    for (int i = 0; i < all->n; i++) {
        int k = (from + i) % all->n;
        const char *own = behind(all->entry[k].name, part);
        if (own && !strcmp(own, rest)) return k;
    }
    return -1;
}

/* Why the one cannot be the other; NULL: it can. */
static const char *untieable(const names *all, int one, int other) {
    const ct_param *p = all->entry[one].param, *to = all->entry[other].param;
    if (p == to) return "it is that one";
    if (p->tied) return "it is tied already";
    if (to->tied) return "that is tied itself";
    if (all->shared[one]) return "others are tied to it";
    if (p->trained != to->trained) return "one is a parameter and the other is none";
    const ct_layout *a = &p->tensor->layout, *b = &to->tensor->layout;
    bool same = a->dtype == b->dtype && a->ndim == b->ndim;
    for (int d = 0; same && d < a->ndim; d++) same = a->size[d] == b->size[d];
    return same ? NULL : "their shapes differ";
}

static bool tie_one(const names *all, int one, int other, const ct_yaml *at) {
    ct_param *p = all->entry[one].param, *to = all->entry[other].param;
    char own[128], its[128];
    const char *why = untieable(all, one, other);
    if (why) {
        ct_layout_text(&p->tensor->layout, own, sizeof own), ct_layout_text(&to->tensor->layout, its, sizeof its);
        ct_diag(all->doc, CT_ERROR, at, "%s, %s, cannot be tied to %s, %s: %s", all->entry[one].name, own,
                all->entry[other].name, its, why);
        return false;
    }
    ct_drop(p->tensor);
    *p = (ct_param){.name = p->name, .tensor = ct_tensor_ref(to->tensor), .tied = true};
    all->shared[other] = true;
    return true;
}

/* A parameter, or all that are in a module. */
static bool tie(const names *all, const ct_yaml *name, const ct_yaml *target) {
    int other = -1;
    for (int i = 0; i < all->n; i++) {
        const char *rest = behind(all->entry[i].name, name->text);
        if (!rest) continue;
        if ((other = find(all, target->text, rest, other + 1)) < 0) return say_unmatched(all, target), false;
        if (!tie_one(all, i, other, target)) return false;
    }
    if (other < 0) say_unmatched(all, name);
    return other >= 0;
}

/* Ties come first: what is tied has no name of its own for the others. What does not fit is said once: the names are
   not whole after it. */
static void apply(names *all, const ct_model_spec *spec, ct_module *m, bool *fits) {
    ct_module_entries(m, all->entry);
    for (int i = 0; spec->tie && i < spec->tie->n; i++)
        if (!tie(all, spec->tie->key[i], spec->tie->value[i])) return;
    all->n = ct_module_count(m);
    ct_module_entries(m, all->entry);
    bool ok = init(all, spec, m->seed, fits) && freeze(all, spec->freeze);
    for (int i = 0; ok && i < spec->n_groups; i++) ok = check_group(all, spec, i);
    if (ok) check_rest(all, spec);
}

ct_status ct_param_apply(ct_doc *doc, const ct_model_spec *spec, ct_module *m) {
    names all = {.doc = doc, .n = ct_module_count(m)};
    if (!spec->freeze && !spec->n_inits && !spec->tie && !spec->optimizer) return CT_OK;
    all.entry = ct_alloc((size_t)all.n + 1, sizeof *all.entry);
    all.shared = ct_alloc((size_t)all.n + 1, sizeof *all.shared);
    bool *fits = ct_alloc((size_t)spec->n_inits + 1, sizeof *fits);
    bool room = all.entry && all.shared && fits;
    int errors = ct_diag_count(doc, CT_ERROR); /* of others, which must not hide what the losses will say */
    if (room) apply(&all, spec, m, fits);
    ct_free(all.entry), ct_free(all.shared), ct_free(fits);
    if (!room) return CT_NO_MEMORY;
    return ct_diag_count(doc, CT_ERROR) > errors ? ct_diag_status(doc) : CT_OK;
}
