/* Every key of a spec, as a list. */
#include "nn/module.h"
#include "run/form.h"
#include "run/spec.h"
#include "spec/expand.h"
#include "spec/model.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct walk {
    void (*each)(void *ctx, const ct_schema_key *key);
    void *ctx;
} walk;

static void visit_keys(const walk *w, const char *path, const ct_key *keys);

/* Each kind and its settings. */
static void visit_choice(const walk *w, const char *path, const ct_form *f) {
    int n;
    const ct_kind *const *kinds = f->kinds(&n);
    for (int i = 0; i < n; i++) {
        char own[512];
        const char *form;
        snprintf(own, sizeof own, "%s.%s", path, kinds[i]->name);
        bool lists = f->kinds == ct_layer_kinds && ct_container_beside(kinds[i]->name, &form);
        w->each(w->ctx,
                &(ct_schema_key){own, lists ? ct_form_find(form)->words : "settings", NULL, false, kinds[i]->help});
        visit_keys(w, own, kinds[i]->keys);
    }
}

/* Layers are listed once, below `model`. */
static void visit_key(const walk *w, const char *path, const ct_key *key) {
    char type[256], own[256], below[264];
    json_t *def = ct_key_default_json(key);
    char *text = def && !json_is_string(def) ? json_dumps(def, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15)) : NULL;
    const ct_form *f = key->type == CT_KEY_NODE ? ct_form_find(key->choices) : NULL;
    ct_key_type_words(key, type, sizeof type);
    snprintf(own, sizeof own, "%s%s%s", path, *path ? "." : "", key->name);
    w->each(w->ctx, &(ct_schema_key){own, type, text ? text : json_string_value(def), isnan(key->def), key->help});
    free(text);
    json_decref(def);
    if (key->type == CT_KEY_MAP) visit_keys(w, own, key->sub);
    snprintf(below, sizeof below, f && f->sub ? "%s.NAME" : f && f->json && f->kinds ? "%s.N" : "%s", own);
    bool listed = f && f->kinds && (f->kinds != ct_layer_kinds || !*path);
    if (listed) visit_choice(w, below, f);
    if (listed) visit_keys(w, f->sub ? own : below, f->beside);
    if (f && f->sub) visit_keys(w, below, f->sub);
}

static void visit_keys(const walk *w, const char *path, const ct_key *keys) {
    for (const ct_key *key = keys; key && key->name; key++) visit_key(w, path, key);
}

void ct_schema_each(void (*each)(void *ctx, const ct_schema_key *key), void *ctx) {
    walk w = {each, ctx};
    visit_keys(&w, "", ct_spec_keys);
    visit_keys(&w, "", ct_spec_language_keys);
}
