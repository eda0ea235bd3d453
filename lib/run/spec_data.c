/* The spec's `data:`, where it is more than keys and values. */
#include "base/number.h"
#include "data/augment.h"
#include "data/transform.h"
#include "run/spec.h"
#include "yaml/read.h"
#include <string.h>

#define MAX_TRANSFORMS 64
#define MAX_NAMES 20000

/* `augment: [random_crop: 4, random_flip]` */
static void read_augment(ct_spec *s, const ct_yaml *list) {
    int n;
    const ct_kind *const *kinds = ct_transform_kinds(&n);
    if (list->kind != CT_LIST || list->n > MAX_TRANSFORMS) {
        ct_diag(s->doc, CT_ERROR, list,
                "augment is a list of at most %d transforms, such as [random_crop: 4, random_flip]", MAX_TRANSFORMS);
        return;
    }
    ct_transform_use *use = ct_doc_alloc(s->doc, (size_t)list->n + 1, sizeof *use);
    s->data.augment = use;
    for (int i = 0; use && i < list->n; i++) {
        ct_transform_use *u = &use[s->data.n_augment];
        const ct_kind *kind = ct_read_kind(s->doc, list->value[i], "transform", kinds, n, &u->args, NULL);
        if (kind) u->transform = ct_transform_find(kind->name), s->data.n_augment++;
    }
}

/* `inputs: {a: [3, 8, 8], b: [10]}` */
static void read_inputs(ct_spec *s, const ct_yaml *map) {
    ct_data_args *d = &s->data;
    if (map->kind != CT_MAP || map->n > CT_MAX_MORE) {
        ct_diag(s->doc, CT_ERROR, map, "inputs is a map of at most %d names and their shapes, such as {a: [3, 8, 8]}",
                CT_MAX_MORE);
        return;
    }
    for (int i = 0; i < map->n; i++) {
        const char *name = map->key[i]->text;
        ct_key keys[] = {{name, CT_KEY_DIMS, .min = 1, .max = 1 << 24}, {0}};
        ct_yaml own = *map;
        own.n = 1, own.key += i, own.value += i;
        ct_read_keys(s->doc, &own, "inputs", keys, &d->inputs[d->n_inputs].shape, NULL);
        if (!strcmp(name, "input") || !strcmp(name, "target"))
            ct_diag(s->doc, CT_ERROR, map->key[i], "inputs are fields beside '%s', which has a key of its own", name);
        else
            d->inputs[d->n_inputs++].name = name;
    }
}

/* A list of names, none of them twice: NULL after a diagnostic. What they are of: "classes", such as "[cat, dog]". */
static const char **read_names(ct_spec *s, const ct_yaml *list, const char *key, const char *of, const char *such) {
    bool ok = list->kind == CT_LIST && list->n && list->n <= MAX_NAMES;
    for (int i = 0; ok && i < list->n; i++) ok = list->value[i]->kind == CT_SCALAR && *list->value[i]->text;
    if (!ok) {
        ct_diag(s->doc, CT_ERROR, list, "%s is a list of names of %s, such as %s", key, of, such);
        return NULL;
    }
    const char **name = ct_doc_alloc(s->doc, (size_t)list->n, sizeof *name);
    for (int i = 0; name && i < list->n; i++) {
        name[i] = list->value[i]->text;
        for (int k = 0; k < i; k++)
            if (!strcmp(name[k], name[i]))
                ct_diag(s->doc, CT_ERROR, list->value[i], "%s has '%.40s' twice", key, name[i]);
    }
    return name;
}

/* `target: price`, or `target: [3]`: entry `at` of the map. */
static void read_target(ct_spec *s, const ct_yaml *map, int at) {
    static const ct_key keys[] = {{"target", CT_KEY_DIMS, .min = 1, .max = 1 << 24}, {0}};
    ct_yaml own = *map, *node = map->value[at];
    double number;
    bool is_text = node->kind == CT_SCALAR && *node->text;
    own.n = 1, own.key += at, own.value += at;
    if (s->data.csv && !is_text)
        ct_diag(s->doc, CT_ERROR, node, "target is the name of one column of the table, such as target: price");
    else if (is_text && (s->data.csv || !ct_number_read(node->text, &number)))
        s->data.target_column = node->text;
    else
        ct_read_keys(s->doc, &own, "data", keys, &s->data.target, NULL);
}

void ct_spec_read_data(ct_spec *s, const ct_yaml *node) {
    ct_data_args *d = &s->data;
    const ct_yaml *augment = ct_yaml_get(node, "augment"), *inputs = ct_yaml_get(node, "inputs");
    const struct {
        const char *key, *of, *such;
        const char *const **names;
        int *n;
    } list[] = {{"only", "classes", "[cat, dog]", &d->only, &d->n_only},
                {"columns", "columns", "[age, height]", &d->columns, &d->n_columns},
                {"categories", "columns", "[zip]", &d->categories, &d->n_categories}};
    for (int i = 0; i < CT_COUNT(list); i++) {
        const ct_yaml *own = ct_yaml_get(node, list[i].key);
        if (!own) continue;
        *list[i].names = read_names(s, own, list[i].key, list[i].of, list[i].such);
        *list[i].n = *list[i].names ? own->n : 0;
    }
    if (augment) read_augment(s, augment);
    if (inputs) read_inputs(s, inputs);
    for (int i = 0; node->kind == CT_MAP && i < node->n; i++)
        if (!strcmp(node->key[i]->text, "target")) read_target(s, node, i);
}

/* That what is learned from is said once, and what stands beside it fits. */
void ct_spec_check_data(ct_spec *s) {
    ct_data_args *d = &s->data;
    const ct_yaml *at = ct_yaml_get(s->root, "data");
    const ct_data_source *first = NULL;
    static const char *const of_table[] = {"target", "columns", "categories"};
    for (const ct_data_source *i = ct_data_sources; i->key; i++) {
        if (!ct_data_path(d, i)) continue;
        if (first)
            ct_diag(s->doc, CT_ERROR, ct_yaml_get(at, i->key), "data has both %s and %s: only one can be learned from",
                    first->key, i->key);
        first = i;
    }
    if (d->masks && !d->images)
        ct_diag(s->doc, CT_ERROR, ct_yaml_get(at, "masks"), "masks are of images; say images: DIR beside them");
    for (int i = 0; i < CT_COUNT(of_table); i++)
        if (first && !d->csv && ct_yaml_get(at, of_table[i]) && (i || d->target_column))
            ct_diag(s->doc, CT_ERROR, ct_yaml_get(at, of_table[i]), "%s %s a table; say csv: FILE, not %s", of_table[i],
                    i ? "are of" : "is a shape, or the name of a column of", first->key);
    if (d->file && (!d->dataset || !strcmp(d->dataset, "random")))
        ct_diag(s->doc, CT_ERROR, ct_yaml_get(at, "file"), "file is the path of a text; say dataset: text beside it");
    d->ignored = -1;
    for (int i = 0; i < s->n_losses; i++)
        if (ct_loss_takes_classes(s->loss[i].op)) d->by_class = true, d->ignored = ct_loss_ignored(&s->loss[i]);
}
