/* Building `model:`: layers are made for the shapes that reach them. */
#include "base/number.h"
#include "nn/container.h"
#include "spec/param.h"
#include "yaml/doc.h"
#include <stdio.h>
#include <string.h>

typedef struct builder {
    ct_doc *doc;
    ct_layer_seen seen;
    void *ctx;
    const ct_model_spec *root; /* the model's own list */
    ct_named_value *value;     /* CT_MAX_VALUES, the last one for the result */
    ct_tensor *tensor[CT_MAX_VALUES];
    int n_values;
} builder;

static bool build_list(builder *b, const ct_model_spec *spec, ct_module *list, ct_tensor **x, const ct_yaml *from);

void ct_batch_text(const ct_layout *l, char *out, size_t size) {
    char text[128];
    ct_layout_text(l, text, sizeof text);
    const char *rest = strchr(text, ',');
    snprintf(out, size, l->ndim ? "(N%s" : "%s", l->ndim ? (rest ? rest : ")") : text);
}

int ct_value_find(const ct_named_value *value, int n, const char *name) {
    while (--n >= 0 && strcmp(value[n].name, name)) {}
    return n;
}

static bool add_value(builder *b, const char *name, ct_tensor *t, ct_module *m, const ct_yaml *at) {
    if (b->n_values == CT_MAX_VALUES) {
        ct_diag(b->doc, CT_ERROR, at, "a model has at most %d named values", CT_MAX_VALUES - 1);
        return false;
    }
    b->tensor[b->n_values] = t;
    b->value[b->n_values++] = (ct_named_value){.name = name, .layout = t->layout, .module = m, .at = at};
    return true;
}

/* The first layer in the list, or inside one of its, whose result gets that name; NULL: none. */
static const ct_yaml *find_name(const ct_model_spec *list, const char *name) {
    const ct_yaml *at = NULL;
    for (int i = 0; !at && i < list->n; i++) {
        const ct_layer_spec *l = &list->layer[i];
        if (l->name && !strcmp(l->name, name)) at = l->at;
        for (int k = 0; !at && l->outputs && k < l->outputs->n; k++)
            if (!strcmp(l->outputs->value[k]->text, name)) at = l->outputs->value[k];
        for (int k = 0; !at && k < l->n_parts; k++) at = find_name(&l->part[k], name);
    }
    return at;
}

/* That there is no value of that name yet; the nearest that there is, or where it comes. */
static void say_unknown(builder *b, const ct_yaml *name) {
    const char *known[CT_MAX_VALUES];
    for (int i = 0; i < b->n_values; i++) known[i] = b->value[i].name;
    const ct_yaml *later = find_name(b->root, name->text);
    const char *near = later ? NULL : ct_nearest(name->text, known, b->n_values);
    ct_diag(b->doc, CT_ERROR, name, "no layer before this one is named '%.40s'%s%s%s", name->text,
            near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    if (later) ct_diag(b->doc, CT_NOTE, later, "this one comes later");
}

/* Input i of a layer by name, the newest of that name, or a number, or null: absent. m: once the layer is there, it is
   told. */
static bool gather_one(builder *b, const ct_yaml *name, ct_tensor **in, ct_module *m) {
    if (ct_yaml_is_null(name)) {
        *in = NULL;
        return !m || !ct_module_read_value(m, NULL);
    }
    int k = ct_value_find(b->value, b->n_values, name->text);
    double number;
    const char *end = k < 0 && !name->quoted ? ct_number_read(name->text, &number) : NULL;
    if (end && !*end) {
        ct_dtype dtype = strpbrk(name->text, ".eE") ? CT_F32 : CT_I64;
        *in = ct_full(dtype, (ct_dims){0}, number);
        return !m || !ct_module_read_number(m, dtype, number);
    }
    if (k < 0) {
        say_unknown(b, name);
        return false;
    }
    *in = b->tensor[k];
    return !m || !ct_module_read_value(m, b->value[k].module);
}

/* What a layer reads: what flows down, or the values it names. How many, or -1. */
static int gather(builder *b, const ct_layer_spec *l, ct_tensor *x, ct_tensor **in, ct_module *m) {
    in[0] = x;
    for (int i = 0; l->inputs && i < l->inputs->n; i++)
        if (!gather_one(b, l->inputs->value[i], &in[i], m)) return -1;
    return l->inputs ? l->inputs->n : 1;
}

/* The words of an op, in which shapes begin with the size of the batch that is tried, with N in its place. */
static void say_batch(const char *why, const ct_layout *in, char *out, size_t size) {
    char batch[24];
    int skip = in->ndim && in->size[0] > 1 ? snprintf(batch, sizeof batch, "(%lld,", (long long)in->size[0]) : 0;
    size_t n = 0;
    for (; *why && n + sizeof "(N," < size; why++)
        if (skip && !strncmp(why, batch, (size_t)skip))
            memcpy(out + n, "(N,", 3), n += 3, why += skip - 1;
        else
            out[n++] = *why;
    out[n] = 0;
}

/* That layer's error, and where its input comes from. */
static bool refuse(builder *b, const ct_layer_spec *l, const ct_layout *in, const ct_yaml *from, const char *why) {
    char text[128], words[600];
    ct_batch_text(in, text, sizeof text);
    say_batch(why, in, words, sizeof words);
    ct_diag(b->doc, CT_ERROR, l->at, "%s", words);
    if (from == b->root->at)
        ct_diag(b->doc, CT_NOTE, from, "its input is the data, %s", text);
    else if (from->kind == CT_LIST)
        ct_diag(b->doc, CT_NOTE, from, "its input is what enters this list, %s", text);
    else
        ct_diag(b->doc, CT_NOTE, from, "its input, %s, comes from here", text);
    return false;
}

/* A shortcut where a residual's body changes the shape: a 1x1 convolution with batch norm (He et al., 2016), or a
 * linear. */
static ct_status project(ct_module *list, const ct_layout *in, const ct_layout *out) {
    if (in->ndim != 4 || out->ndim != 4) {
        if (in->ndim != out->ndim) return ct_fail(CT_FAIL, "residual: the body changes the number of dimensions");
        return ct_module_part(list, "0", "linear", in, "out_features=%lld bias=false",
                              (long long)out->size[out->ndim - 1]);
    }
    int64_t s[2] = {1, 1};
    for (int i = 0; i < 2; i++)
        if (out->size[2 + i]) s[i] = (in->size[2 + i] + out->size[2 + i] - 1) / out->size[2 + i];
    CT_TRY(ct_module_part(list, "0", "conv2d", in, "out_channels=%lld kernel_size=1 stride=[%lld,%lld] bias=false",
                          (long long)out->size[1], (long long)s[0], (long long)s[1]));
    return ct_module_part(list, "1", "batch_norm", out, "eps=1e-5");
}

/* What a residual adds must be of one shape. */
static bool check_sum(builder *b, const ct_layer_spec *l, const ct_tensor *body, const ct_tensor *shortcut) {
    char is[128], beside[128];
    if (ct_same_shape(body, shortcut)) return true;
    ct_batch_text(&body->layout, is, sizeof is), ct_batch_text(&shortcut->layout, beside, sizeof beside);
    ct_diag(b->doc, CT_ERROR, l->at, "residual: its list makes %s and its shortcut %s, which cannot be added", is,
            beside);
    return false;
}

static bool build_parts(builder *b, const ct_layer_spec *l, ct_module *m, ct_tensor *x) {
    bool residual = m->layer == &ct_layer_residual;
    ct_tensor *y = x;
    for (int i = 0; i < l->n_parts; i++) {
        char number[16];
        snprintf(number, sizeof number, "%d", i);
        const char *own = l->part[i].name ? l->part[i].name : l->n_parts == 1 ? "" : number;
        const char *name = !residual ? own : i ? "shortcut" : "";
        ct_module *list = ct_module_part_list(m, name);
        ct_tensor *z = x;
        if (!list || !build_list(b, &l->part[i], list, &z, l->part[i].at)) return false;
        if (!i) y = z;
        if (residual && i && !check_sum(b, l, y, z)) return false;
    }
    if (!residual || l->n_parts > 1 || ct_same_shape(x, y)) return true;
    ct_module *list = ct_module_part_list(m, "shortcut");
    ct_status status = list ? project(list, &x->layout, &y->layout) : CT_NO_MEMORY;
    if (status) return refuse(b, l, &x->layout, l->at, ct_error());
    for (int i = 0; b->seen && i < list->n_children; i++) b->seen(b->ctx, list->child[i], &x->layout, &y->layout);
    return true;
}

/* Results that have names become values. */
static bool name_results(builder *b, const ct_layer_spec *l, ct_module *m, ct_tensor *const *out) {
    if (l->name && !add_value(b, l->name, out[0], m, l->at)) return false;
    for (int i = 0; l->outputs && i < l->outputs->n; i++) {
        const ct_yaml *at = l->outputs->value[i];
        if (!out[i]) {
            ct_diag(b->doc, CT_ERROR, at, "%s has %d result%s here, this is number %d", m->layer->kind.name, i,
                    i > 1 ? "s" : "", i + 1);
            return false;
        }
        if (i && ct_module_add_output(m, at->text)) return false;
        ct_module *whose = i ? m->output[i - 1] : m;
        whose->last = out[i];
        if (!add_value(b, at->text, out[i], whose, at)) return false;
    }
    return true;
}

/* A table has a row for each number of the field that it is read by: else an error, and the rest is looked at too. */
static void check_table(const builder *b, const ct_layer_spec *l, const ct_module *m, const ct_tensor *index) {
    const ct_tensor *table = strncmp(m->layer->kind.name, "embedding", 9) ? NULL : ct_param_at(m, 0);
    for (int i = 0; table && i < b->n_values; i++)
        if (b->tensor[i] == index && b->value[i].below > table->layout.size[0])
            ct_diag(b->doc, CT_ERROR, l->at,
                    "%s has %lld rows, but the data's numbers are up to %lld: num_embeddings must be %lld",
                    m->layer->kind.name, (long long)table->layout.size[0], (long long)b->value[i].below - 1,
                    (long long)b->value[i].below);
}

/* Adds layer l and sends a shape through it: *x becomes its output. */
static bool build_layer(builder *b, const ct_layer_spec *l, ct_module *list, ct_tensor **x, const ct_yaml *from) {
    ct_tensor *in[CT_MAX_IN];
    ct_layout layout[CT_MAX_IN];
    int n = gather(b, l, *x, in, NULL);
    if (n < 0) return false;
    for (int i = 0; i < n; i++) layout[i] = in[i] ? in[i]->layout : (ct_layout){0};
    if (ct_module_add_all(list, l->layer, l->name, l->args, layout, n)) return refuse(b, l, layout, from, ct_error());
    ct_module *m = list->child[list->n_children - 1];
    check_table(b, l, m, in[0]);
    if (gather(b, l, *x, in, m) < 0 || !build_parts(b, l, m, in[0])) return false;
    ct_tensor *out[CT_MAX_IN], *y = ct_module_forward_all(m, in, n, l->outputs ? out : NULL);
    if (ct_why(y)) return refuse(b, l, layout, from, ct_why(y));
    if (b->seen) b->seen(b->ctx, m, layout, &y->layout);
    *x = out[0] = y;
    return name_results(b, l, m, out);
}

static bool build_list(builder *b, const ct_model_spec *spec, ct_module *list, ct_tensor **x, const ct_yaml *from) {
    for (int i = 0; i < spec->n; i++) {
        if (!build_layer(b, &spec->layer[i], list, x, from)) return false;
        from = spec->layer[i].at;
    }
    return true;
}

/* The data's fields as values, the list through them, the result. */
static bool build_model(builder *b, const ct_model_spec *spec, const ct_named_value *in, int n_in, ct_module *list) {
    ct_tensor *x = NULL;
    for (int i = 0; i < n_in; i++) {
        ct_tensor *t = ct_tensor_make(&in[i].layout, NULL, 0);
        if (ct_module_add_input(list, in[i].name) || !add_value(b, in[i].name, t, list->input[i], spec->at))
            return false;
        list->input[i]->last = t;
        b->value[i].below = in[i].below;
        if (!i) x = t;
    }
    return build_list(b, spec, list, &x, spec->at) && add_value(b, "", x, list, spec->layer[spec->n - 1].at);
}

ct_module *ct_model_build(ct_doc *doc, const ct_model_spec *spec, uint64_t seed, const ct_named_value *in, int n_in,
                          const ct_named_value **value, int *n_values, ct_layer_seen seen, void *ctx) {
    ct_module *list = ct_module_list("", seed);
    ct_scope *scope = ct_scope_open();
    ct_graph g;
    builder b = {.doc = doc, .seen = seen, .ctx = ctx, .root = spec};
    b.value = ct_doc_alloc(doc, CT_MAX_VALUES, sizeof *b.value);
    bool ok = list && b.value && scope && !ct_capture_begin(&g);
    if (list) list->begin = spec->begin;
    if (ok) {
        ok = build_model(&b, spec, in, n_in, list);
        ct_capture_end(&g);
        ct_graph_free(&g);
    }
    if (ok && ct_param_apply(doc, spec, list)) ok = false;
    *value = b.value, *n_values = b.n_values;
    if (scope && ct_scope_close(scope)) ok = false;
    if (ok) return list;
    ct_module_free(list);
    return NULL;
}
