/* A block is used as a layer is: `- basic: {width: 64}`, `- basic: 64` (its first parameter) or `- basic`. It becomes a
   `sequential` of its layers. `repeat: n` beside a layer makes n of it. `$name` is a variable or a block's parameter;
   alone it may stand for any value, in arithmetic for a number. */
#include "spec/expand.h"
#include "base/key.h"
#include "base/number.h"
#include "spec/expr.h"
#include "spec/model.h"
#include "yaml/read.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_NESTED 32

const ct_key ct_spec_language_keys[] = {
    {"include", CT_KEY_NODE, .choices = "includes", .help = "a path, or several: specs that this one is laid over"},
    {"vars", CT_KEY_NODE, .choices = "values", .help = "names and values: $name stands for its value"},
    {"blocks", CT_KEY_NODE, .choices = "blocks", .help = "names and blocks, which are used as layers are"},
    {0}};
const ct_key ct_block_keys[] = {
    {"params", CT_KEY_NODE, .choices = "values", .help = "names and defaults; nothing: a use must say it"},
    {"layers", CT_KEY_NODE, .def = NAN, .choices = "layers", .help = "what a use becomes, as a sequential"},
    {0}};

/* Names that hold in a place: a block's parameters, then the spec's vars. */
typedef struct names {
    const struct names *outer;
    const ct_yaml *map;
} names;

typedef struct expansion {
    ct_doc *doc;
    const ct_yaml *blocks; /* or NULL */
    const ct_yaml *via;    /* where the block under way was used */
    int depth;             /* of blocks in blocks */
} expansion;

static ct_yaml *expand(expansion *e, const ct_yaml *node, const names *in);

static const ct_yaml *lookup_node(const names *in, const char *name, size_t len) {
    for (; in; in = in->outer)
        for (int i = 0; in->map && i < in->map->n; i++)
            if (strlen(in->map->key[i]->text) == len && !memcmp(in->map->key[i]->text, name, len))
                return in->map->value[i];
    return NULL;
}

static bool lookup_number(void *ctx, const char *name, size_t len, ct_number *out) {
    const ct_yaml *v = lookup_node(ctx, name, len);
    const char *end = v && v->kind == CT_SCALAR && !v->quoted ? ct_number_read(v->text, &out->value) : NULL;
    if (!end || *end) return false;
    out->is_int = !strpbrk(v->text, ".eE");
    return true;
}

static ct_yaml *placed(const expansion *e, ct_yaml *node) {
    if (node) node->via = e->via;
    return node;
}

static bool is_name(const char *text) {
    return *text == '$' && text[1] &&
           !text[1 + strspn(text + 1, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")];
}

/* A $name that nothing defines, and the nearest that there is. */
static void undefined(const expansion *e, const ct_yaml *node, const names *in) {
    const char *name[64], *near;
    int n = 0;
    for (; in; in = in->outer)
        for (int i = 0; in->map && i < in->map->n && n < CT_COUNT(name); i++) name[n++] = in->map->key[i]->text;
    near = ct_nearest(node->text + 1, name, n);
    if (near)
        ct_diag(e->doc, CT_ERROR, node, "%.40s is not defined; did you mean '$%.40s'?", node->text, near);
    else
        ct_diag(e->doc, CT_ERROR, node, "%.40s is not defined; `vars` and a block's `params` define names", node->text);
}

static ct_yaml *expand_scalar(expansion *e, const ct_yaml *node, const names *in) {
    const ct_yaml *value =
        !node->quoted && is_name(node->text) ? lookup_node(in, node->text + 1, strlen(node->text + 1)) : NULL;
    if (value) return placed(e, ct_yaml_copy(e->doc, value));
    ct_yaml *copy = ct_yaml_new(e->doc, CT_SCALAR, node);
    if (!copy) return NULL;
    copy->text = node->text, copy->quoted = node->quoted;
    placed(e, copy);
    if (node->quoted || !strchr(node->text, '$')) return copy;
    ct_number v;
    char why[128], text[64];
    if (is_name(node->text) || !ct_expr_eval(node->text, lookup_number, (void *)in, &v, why)) {
        if (is_name(node->text))
            undefined(e, copy, in);
        else
            ct_diag(e->doc, CT_ERROR, copy, "%s", why);
        copy->text = "1"; /* which most keys take: one error is enough */
    } else {
        snprintf(text, sizeof text, v.is_int ? "%.0f" : "%.17g", v.value);
        copy->text = ct_doc_strdup(e->doc, text);
    }
    return copy->text ? copy : NULL;
}

/* ---- blocks ---- */

/* The use of a block: the scalar `basic`, or a map with the key `basic`. */
typedef struct use {
    const ct_yaml *at, *block; /* block NULL: it is none */
    const char *name;
    const ct_yaml *args; /* the key's value, or NULL */
} use;

static use use_of(const expansion *e, const ct_yaml *layer) {
    use u = {layer, NULL, layer->text, NULL};
    if (layer->kind == CT_SCALAR) u.block = ct_yaml_get(e->blocks, layer->text);
    for (int i = 0; layer->kind == CT_MAP && !u.block && i < layer->n; i++)
        u.name = layer->key[i]->text, u.args = layer->value[i], u.block = ct_yaml_get(e->blocks, u.name);
    if (u.block && ct_layer_find(u.name)) u.block = NULL; /* check_blocks says so */
    return u;
}

static bool is_null(const ct_yaml *n) {
    return n->kind == CT_SCALAR && !n->quoted && (!*n->text || !strcmp(n->text, "null"));
}

/* The spec's own vars, behind a block's parameters. */
static const ct_yaml *vars_of(const names *in) { return in->outer ? in->outer->map : in->map; }

static void unknown_parameter(expansion *e, const use *u, const ct_yaml *params, const ct_yaml *key) {
    const char *name[64], *near;
    int n = 0;
    for (int i = 0; params && i < params->n && n < CT_COUNT(name); i++) name[n++] = params->key[i]->text;
    near = ct_nearest(key->text, name, n);
    if (ct_key_find(ct_layer_beside, key->text))
        ct_diag(e->doc, CT_ERROR, key,
                "the block has no parameter '%s'; it belongs beside the block: {%s: ..., %s: ...}", key->text, u->name,
                key->text);
    else
        ct_diag(e->doc, CT_ERROR, key, "the block has no parameter '%s'%s%s%s", key->text,
                near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

/* The block's parameters with what the use says of them: a map. */
static ct_yaml *bind(expansion *e, const use *u, const names *in) {
    const ct_yaml *params = ct_yaml_get(u->block, "params"), *args = u->args;
    ct_yaml *bound = ct_yaml_new(e->doc, CT_MAP, u->at);
    bool map = args && args->kind == CT_MAP;
    for (int i = 0; bound && params && i < params->n; i++) {
        const ct_yaml *said = map                                ? ct_yaml_get(args, params->key[i]->text)
                              : i == 0 && args && !is_null(args) ? args
                                                                 : NULL;
        bool missing = !said && is_null(params->value[i]);
        if (missing)
            ct_diag(e->doc, CT_ERROR, args ? args : u->at, "parameter '%s' of the block is missing",
                    params->key[i]->text);
        ct_yaml *value = missing ? ct_yaml_scalar(e->doc, "1", false, u->at) /* one error is enough */
                                 : expand(e, said ? said : params->value[i], said ? in : &(names){.map = vars_of(in)});
        ct_yaml_add(e->doc, bound, params->key[i], value);
    }
    for (int i = 0; map && i < args->n; i++)
        if (!params || !ct_yaml_get(params, args->key[i]->text)) unknown_parameter(e, u, params, args->key[i]);
    if (args && !map && !is_null(args) && (!params || !params->n))
        ct_diag(e->doc, CT_ERROR, args, "the block has no parameters");
    return bound;
}

/* What stands beside a block's name belongs to its sequential. */
static void add_beside(expansion *e, ct_yaml *out, const use *u, int i, const names *in) {
    ct_yaml *key = u->at->key[i], *value = u->at->value[i];
    if (value == u->args || !strcmp(key->text, "repeat")) return;
    if (ct_key_find(ct_layer_beside, key->text))
        ct_yaml_add(e->doc, out, key, expand(e, value, in));
    else
        ct_diag_unknown(e->doc, key, " beside a block", ct_layer_beside, NULL);
}

static ct_yaml *expand_block(expansion *e, const use *u, const names *in) {
    const ct_yaml *layers = ct_yaml_get(u->block, "layers");
    const ct_yaml *params = ct_yaml_get(u->block, "params");
    bool wrong = !layers || layers->kind != CT_LIST || (params && params->kind != CT_MAP && !is_null(params));
    if (wrong) return ct_yaml_scalar(e->doc, "identity", false, u->at); /* check_blocks says so */
    for (const ct_yaml *around = e->via; around; around = around->via)
        if (around->block && !strcmp(around->block, u->name)) {
            ct_diag(e->doc, CT_ERROR, u->at, "block '%.40s' is used inside itself", u->name);
            return ct_yaml_scalar(e->doc, "identity", false, u->at);
        }
    ct_yaml *out = ct_yaml_new(e->doc, CT_MAP, u->at), *bound = bind(e, u, in);
    if (!out || !bound) return NULL;
    out->block = u->name;
    if (e->depth >= MAX_NESTED) {
        ct_diag(e->doc, CT_ERROR, u->at, "blocks use each other more than %d deep", MAX_NESTED);
        return ct_yaml_scalar(e->doc, "identity", false, u->at);
    }
    const ct_yaml *before = e->via;
    const names vars = {.map = vars_of(in)}, inside = {&vars, bound};
    e->via = placed(e, out), e->depth++;
    ct_yaml *body = expand(e, layers, &inside);
    e->via = before, e->depth--;
    ct_yaml_add(e->doc, out, ct_yaml_scalar(e->doc, "sequential", false, u->at), body);
    for (int i = 0; u->at->kind == CT_MAP && i < u->at->n; i++) add_beside(e, out, u, i, in);
    return out;
}

/* ---- lists and maps ---- */

static int64_t repeats(expansion *e, const ct_yaml *item, const names *in) {
    const ct_yaml *node = item->kind == CT_MAP ? ct_yaml_get(item, "repeat") : NULL;
    if (!node) return 1;
    const ct_yaml *n = expand(e, node, in);
    int64_t v;
    if (!n) return 0;
    if (n->kind == CT_SCALAR && ct_number_int(n->text, &v) == CT_NUMBER_FITS && v >= 0 && v <= CT_MAX_REPEAT) return v;
    ct_diag(e->doc, CT_ERROR, node, "repeat must be an integer from 0 to %d", CT_MAX_REPEAT);
    return 1;
}

static ct_yaml *expand_map(expansion *e, const ct_yaml *map, const names *in, bool item);

static ct_yaml *expand_item(expansion *e, const use *u, const names *in) {
    if (u->block) return expand_block(e, u, in);
    return u->at->kind == CT_MAP ? expand_map(e, u->at, in, true) : expand(e, u->at, in);
}

static ct_yaml *expand_list(expansion *e, const ct_yaml *list, const names *in) {
    ct_yaml *out = placed(e, ct_yaml_new(e->doc, CT_LIST, list));
    for (int i = 0; out && i < list->n; i++) {
        const use u = use_of(e, list->value[i]);
        int64_t copies = repeats(e, u.at, in);
        const ct_yaml *name = copies > 1 ? ct_yaml_get(u.at, "name") : NULL;
        if (name) {
            ct_diag(
                e->doc, CT_ERROR, name,
                "%lld layers of one name: name a list around them, {sequential: [{..., repeat: %lld}], name: %.40s}",
                (long long)copies, (long long)copies, name->kind == CT_SCALAR ? name->text : "...");
            copies = 1;
        }
        for (; copies > 0; copies--)
            if (!ct_yaml_add(e->doc, out, NULL, expand_item(e, &u, in))) return NULL;
    }
    return out;
}

/* `item`: of a list, whose `repeat` is done with. */
static ct_yaml *expand_map(expansion *e, const ct_yaml *map, const names *in, bool item) {
    ct_yaml *out = placed(e, ct_yaml_new(e->doc, CT_MAP, map));
    for (int i = 0; out && i < map->n; i++) {
        if (item && !strcmp(map->key[i]->text, "repeat")) continue;
        if (!ct_yaml_add(e->doc, out, map->key[i], expand(e, map->value[i], in))) return NULL;
    }
    return out;
}

static ct_yaml *expand(expansion *e, const ct_yaml *node, const names *in) {
    if (node->kind == CT_SCALAR) return expand_scalar(e, node, in);
    return node->kind == CT_LIST ? expand_list(e, node, in) : expand_map(e, node, in, false);
}

/* ---- include ---- */

/* b laid over a: maps are merged, anything else is replaced. */
static ct_yaml *overlay(ct_doc *doc, const ct_yaml *a, const ct_yaml *b) {
    if (a->kind != CT_MAP || b->kind != CT_MAP) return ct_yaml_copy(doc, b);
    ct_yaml *out = ct_yaml_new(doc, CT_MAP, b);
    for (int i = 0; out && i < a->n; i++) {
        const ct_yaml *over = ct_yaml_get(b, a->key[i]->text);
        if (!ct_yaml_add(doc, out, a->key[i], over ? overlay(doc, a->value[i], over) : ct_yaml_copy(doc, a->value[i])))
            return NULL;
    }
    for (int i = 0; out && i < b->n; i++)
        if (!ct_yaml_get(a, b->key[i]->text) && !ct_yaml_add(doc, out, b->key[i], ct_yaml_copy(doc, b->value[i])))
            return NULL;
    return out;
}

static ct_yaml *include_all(ct_doc *doc, ct_yaml *root, int depth);

static ct_yaml *include_one(ct_doc *doc, const ct_yaml *at, ct_yaml *below, int depth) {
    const char *from = at->source->name, *slash = strrchr(from, '/');
    char path[4096];
    ct_yaml *file = NULL;
    if (at->kind != CT_SCALAR || depth > MAX_NESTED) {
        ct_diag(doc, CT_ERROR, at, at->kind != CT_SCALAR ? "include wants a path" : "includes nested too deeply");
        return below;
    }
    snprintf(path, sizeof path, "%.*s%s", *at->text == '/' || !slash ? 0 : (int)(slash - from + 1), from, at->text);
    if (ct_doc_include(doc, path, at, &file) || !file) return below;
    ct_yaml *whole = include_all(doc, file, depth + 1);
    return below && whole ? overlay(doc, below, whole) : whole;
}

/* The files of `include`, in order, under the spec itself. */
static ct_yaml *include_all(ct_doc *doc, ct_yaml *root, int depth) {
    const ct_yaml *list = ct_yaml_get(root, "include");
    ct_yaml *below = NULL;
    if (!list) return root;
    for (int i = 0; i < (list->kind == CT_LIST ? list->n : 1); i++)
        below = include_one(doc, list->kind == CT_LIST ? list->value[i] : list, below, depth);
    return below ? overlay(doc, below, root) : root;
}

static void check_blocks(ct_doc *doc, const ct_yaml *blocks) {
    for (int i = 0; i < blocks->n; i++) {
        const ct_yaml *block = blocks->value[i], *layers = ct_yaml_get(block, "layers");
        const ct_yaml *params = ct_yaml_get(block, "params");
        ct_read_keys(doc, block, "a block", ct_block_keys, NULL, NULL);
        if (ct_layer_find(blocks->key[i]->text))
            ct_diag(doc, CT_ERROR, blocks->key[i], "a block cannot be called '%s', which is a layer",
                    blocks->key[i]->text);
        if (layers && layers->kind != CT_LIST) ct_diag(doc, CT_ERROR, layers, "layers must be a list of layers");
        if (params && params->kind != CT_MAP && !is_null(params))
            ct_diag(doc, CT_ERROR, params, "params must be a map of names and defaults, such as {width: , stride: 1}");
    }
}

ct_yaml *ct_spec_include(ct_doc *doc, ct_yaml *root) { return include_all(doc, root, 0); }

ct_yaml *ct_spec_expand(ct_doc *doc, const ct_yaml *whole) {
    const ct_yaml *vars = ct_yaml_get(whole, "vars"), *blocks = ct_yaml_get(whole, "blocks");
    expansion e = {.doc = doc, .blocks = blocks && blocks->kind == CT_MAP ? blocks : NULL};
    if (vars && vars->kind != CT_MAP)
        ct_diag(doc, CT_ERROR, vars, "vars must be a map of names and values, such as {width: 64}");
    if (blocks && blocks->kind != CT_MAP)
        ct_diag(doc, CT_ERROR, blocks,
                "blocks must be a map of names and blocks, such as {conv: {params: {width: }, layers: [..]}}");
    if (e.blocks) check_blocks(doc, blocks);
    ct_doc_own_kinds(doc, e.blocks);
    const names in = {.map = vars && vars->kind == CT_MAP ? vars : NULL};
    if (whole->kind != CT_MAP) return ct_yaml_copy(doc, whole);
    ct_yaml *out = ct_yaml_new(doc, CT_MAP, whole);
    for (int i = 0; out && i < whole->n; i++) {
        bool gone = ct_key_find(ct_spec_language_keys, whole->key[i]->text);
        if (!gone && !ct_yaml_add(doc, out, whole->key[i], expand(&e, whole->value[i], &in))) return NULL;
    }
    return out;
}
