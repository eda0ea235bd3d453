#include "run/parts.h"
#include "base/alloc.h"
#include "nn/container.h"
#include <stdio.h>
#include <string.h>

_Static_assert(CT_PART_IN >= CT_MAX_IN && CT_PART_IN > CT_MAX_FIELDS - 1, "a part has room for all that it reads");

void ct_outputs_add(void *ctx, const ct_module *m, const ct_layout *in, const ct_layout *out) {
    (void)m, (void)in;
    ct_outputs *o = ctx;
    char(*p)[64] = ct_grow(o->text, o->n, &o->cap, sizeof *p);
    o->failed = o->failed || !p;
    if (!p) return;
    o->text = p;
    ct_batch_text(out, p[o->n++], sizeof *p);
}

/* A module whose result can be read, and the part that makes it. */
typedef struct maker {
    const ct_module *module;
    int part;
} maker;

typedef struct walk {
    const ct_net *net;
    ct_parts *out;
    const ct_outputs *outputs;
    maker *maker;
    size_t cap, next, n_makers, cap_makers; /* next: of the outputs */
    bool failed;                            /* for memory */
} walk;

/* What a layer made of branches does with their results; NULL: nothing, the first one's flows on. */
static const char *join_of(const ct_layer *layer) {
    static const char *const rows[][2] = {{"residual", "add"}, {"add", "add"}, {"mul", "mul"}, {"concat", "concat"}};
    for (int i = 0; i < CT_COUNT(rows); i++)
        if (!strcmp(rows[i][0], layer->kind.name)) return rows[i][1];
    return NULL;
}

/* ---- texts ---- */

/* As YAML on one line, the key `but` left out. */
static void write_flow(const ct_yaml *node, const char *but, ct_buf *out) {
    bool first = true;
    if (node->kind == CT_SCALAR) ct_buf_puts(out, node->text);
    if (node->kind == CT_LIST) ct_buf_puts(out, "[");
    for (int i = 0; i < node->n; i++) {
        const char *key = node->kind == CT_MAP ? node->key[i]->text : NULL;
        if (key && but && !strcmp(key, but)) continue;
        if (!first) ct_buf_puts(out, ", ");
        if (key) ct_buf_printf(out, "%s: ", key);
        bool map = key && node->value[i]->kind == CT_MAP;
        ct_buf_puts(out, map ? "{" : "");
        write_flow(node->value[i], NULL, out);
        ct_buf_puts(out, map ? "}" : "");
        first = false;
    }
    if (node->kind == CT_LIST) ct_buf_puts(out, "]");
}

/* A value alone is the first key's. */
static void write_settings(const ct_yaml *node, const ct_key *keys, char out[128]) {
    ct_buf b = CT_BUF(1 << 16);
    if (keys && node->kind != CT_MAP && (node->kind == CT_LIST || *node->text)) ct_buf_printf(&b, "%s: ", keys->name);
    write_flow(node, "inputs", &b);
    snprintf(out, 128, "%.127s", b.data ? b.data : "");
    if (b.len > 127) memcpy(out + 124, "...", 4);
    ct_buf_free(&b);
}

static void add_word(char out[128], const char *word) {
    size_t n = strlen(out);
    snprintf(out + n, 128 - n, "%s%s", n ? ", " : "", word);
}

/* ---- parts ---- */

static ct_part *add_part(walk *w, ct_part_kind kind, int group, const char *name, const char *what) {
    ct_part *p = ct_grow(w->out->part, (size_t)w->out->n, &w->cap, sizeof *p);
    w->failed = w->failed || !p;
    if (!p) return NULL;
    w->out->part = p, p += w->out->n++;
    *p = (ct_part){.kind = kind, .group = group};
    snprintf(p->name, sizeof p->name, "%s", name);
    snprintf(p->what, sizeof p->what, "%s", what);
    return p;
}

static void read_part(ct_part *p, int in) {
    if (p->n_in < CT_PART_IN) p->in[p->n_in++] = in;
}

static void add_maker(walk *w, const ct_module *m, int part) {
    maker *p = ct_grow(w->maker, w->n_makers, &w->cap_makers, sizeof *p);
    w->failed = w->failed || !p;
    if (!p) return;
    w->maker = p;
    p[w->n_makers++] = (maker){m, part};
}

/* -1: a number's stand-in has none. */
static int maker_of(const walk *w, const ct_module *m) {
    size_t i = w->n_makers;
    while (i && w->maker[i - 1].module != m) i--;
    return i ? w->maker[i - 1].part : -1;
}

static void take_output(walk *w, ct_part *p) {
    if (w->next < w->outputs->n) memcpy(p->output, w->outputs->text[w->next++], sizeof p->output);
}

/* Which of a layer's parameters are those of another, by their dotted names. */
static void describe_ties(const walk *w, ct_part *p, const ct_module *m) {
    int n = ct_module_ties(m, NULL), n_all = ct_module_count(w->net->module);
    ct_entry *tie = n ? ct_alloc((size_t)n, sizeof *tie) : NULL,
             *all = tie ? ct_alloc((size_t)n_all, sizeof *all) : NULL;
    if (all) {
        ct_module_ties(m, tie);
        ct_module_entries(w->net->module, all);
    }
    for (int i = 0; all && i < n; i++)
        for (int k = 0; k < n_all; k++) {
            char text[300];
            if (all[k].param->tensor != tie[i].param->tensor) continue;
            snprintf(text, sizeof text, "%s tied to %s", tie[i].param->name, all[k].name);
            add_word(p->settings, text);
        }
    ct_free(tie), ct_free(all);
}

/* What the spec says of a layer; NULL: a shortcut that it does not mention. */
static void describe(ct_part *p, const ct_module *m, const ct_layer_spec *l) {
    p->parameters = ct_module_parameters(m);
    if (!l) return;
    if (l->at->block) snprintf(p->what, sizeof p->what, "%s", l->at->block);
    for (int i = 0; l->inputs && i < l->inputs->n; i++) add_word(p->reads, l->inputs->value[i]->text);
    const ct_yaml *said = l->n_parts ? NULL : ct_yaml_get(l->at, m->layer->kind.name);
    if (said) write_settings(said, m->layer->kind.keys, p->settings);
}

static int walk_list(walk *w, const ct_module *list, const ct_model_spec *spec, int group, int x);

/* A branch; one that has a name of its own is a group. */
static int walk_branch(walk *w, const ct_module *list, const ct_model_spec *spec, int group, int x) {
    int own = group;
    if (*list->name) {
        own = w->out->n;
        ct_part *p = add_part(w, CT_PART_BRANCH, group, list->path, "branch");
        if (p) p->parameters = ct_module_parameters(list);
    }
    int end = walk_list(w, list, spec, own, x);
    if (own != group && !w->failed && end >= 0)
        memcpy(w->out->part[own].output, w->out->part[end].output, sizeof w->out->part->output);
    return end;
}

/* A layer made of lists: which part has its result. */
static int walk_group(walk *w, const ct_module *m, const ct_layer_spec *l, int group, int x) {
    int end[CT_MAX_IN + 1], n = 0, own = w->out->n;
    const char *join = join_of(m->layer);
    ct_part *p = add_part(w, CT_PART_GROUP, group, m->path, m->layer->kind.name);
    if (p) describe(p, m, l);
    for (int k = 0; k < m->n_children && n < CT_MAX_IN && !w->failed; k++)
        end[n++] = walk_branch(w, m->child[k], l && k < l->n_parts ? &l->part[k] : NULL, own, x);
    if (m->layer == &ct_layer_residual && n == 1) end[n++] = x;
    if (w->failed) return -1;
    int result = join ? w->out->n : end[0];
    ct_part *joint = join ? add_part(w, CT_PART_JOIN, own, m->path, join) : NULL;
    for (int i = 0; joint && i < n; i++) read_part(joint, end[i]);
    if (w->failed) return -1;
    take_output(w, &w->out->part[own]);
    if (joint) memcpy(joint->output, w->out->part[own].output, sizeof joint->output);
    for (int i = 0; i < m->n_outputs; i++) add_maker(w, m->output[i], !join && i + 1 < n ? end[i + 1] : result);
    return result;
}

static int walk_layer(walk *w, const ct_module *m, const ct_layer_spec *l, int group, const int *in, int n_in) {
    int own = w->out->n;
    ct_part *p = add_part(w, CT_PART_LAYER, group, m->path, m->layer->kind.name);
    if (!p) return -1;
    describe(p, m, l);
    describe_ties(w, p, m);
    for (int i = 0; i < n_in; i++) read_part(p, in[i]);
    take_output(w, p);
    for (int i = 0; i < m->n_outputs; i++) add_maker(w, m->output[i], own);
    return own;
}

/* x: the part whose result flows down the list. */
static int walk_list(walk *w, const ct_module *list, const ct_model_spec *spec, int group, int x) {
    for (int i = 0; i < list->n_children && !w->failed; i++) {
        const ct_module *m = list->child[i];
        const ct_layer_spec *l = spec ? &spec->layer[i] : NULL;
        int in[CT_MAX_IN] = {x}, n_in = m->n_sources ? m->n_sources : 1;
        for (int k = 0; k < m->n_sources; k++) in[k] = maker_of(w, m->source[k]);
        bool of_lists = m->n_children && !m->child[0]->layer;
        x = of_lists ? walk_group(w, m, l, group, in[0]) : walk_layer(w, m, l, group, in, n_in);
        add_maker(w, m, x);
    }
    return x;
}

/* ---- what is around the model ---- */

/* The first one flows into the model. */
static void add_fields(walk *w) {
    const ct_net *net = w->net;
    for (int i = 0, k = 0; i < net->fields.n; i++) {
        if (i == net->target) continue;
        ct_part *p = add_part(w, CT_PART_FIELD, -1, net->fields.of[i].name, "data");
        if (p) ct_batch_text(&net->fields.of[i].layout, p->output, sizeof p->output);
        add_maker(w, net->module->input[k++], w->out->n - 1);
    }
}

static void add_loss(walk *w, int which, int result) {
    const ct_net *net = w->net;
    const ct_loss *l = &net->spec->loss[which];
    ct_part *p = add_part(w, CT_PART_LOSS, -1, l->name, l->op->kind.name);
    if (!p) return;
    for (int k = 0; k < l->op->n_in; k++) {
        int v = net->in[which][k];
        if (v < 0) continue;
        if (v < net->n_values) read_part(p, v < net->n_values - 1 ? maker_of(w, net->value[v].module) : result);
        add_word(p->reads, v == net->n_values ? "target" : w->out->part[p->in[p->n_in - 1]].name);
    }
}

ct_status ct_parts_of(const ct_net *net, const ct_outputs *outputs, ct_parts *out) {
    *out = (ct_parts){.parameters = ct_module_parameters(net->module), .trainable = ct_module_trained(net->module)};
    walk w = {.net = net, .out = out, .outputs = outputs, .failed = outputs->failed};
    add_fields(&w);
    int x = walk_list(&w, net->module, &net->spec->model, -1, 0);
    for (int i = 0; i < net->spec->n_losses && !w.failed; i++) add_loss(&w, i, x);
    ct_free(w.maker);
    return w.failed ? CT_NO_MEMORY : CT_OK;
}
