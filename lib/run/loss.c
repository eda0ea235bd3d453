#include "run/loss.h"
#include "base/number.h"
#include "ops/shape_util.h"
#include "spec/model.h"
#include "yaml/read.h"
#include <float.h>
#include <stdio.h>
#include <string.h>

/* ---- the kinds: an op's keys, and the common ones behind them in the same struct ---- */
#define MAX_KEYS 16
#define MAX_KINDS 64

static const ct_key common[] = {
    {"input", CT_KEY_STRING, offsetof(ct_loss_more, input), .help = "the layer that predicts; else the last"},
    {"inputs", CT_KEY_NODE, .choices = "names", .help = "what it reads beside the target, in the op's order"},
    {"target", CT_KEY_STRING, offsetof(ct_loss_more, target),
     .help = "what it is compared with, a field of the data or a layer; else the data's target"},
    {"weight", CT_KEY_FLOAT, offsetof(ct_loss_more, weight), .def = 1, .min = 0, .max = 1e9,
     .help = "of this loss in the sum of all"},
    {0}};

static const ct_key of_classes[] = {{"class_weights", CT_KEY_NODE, .choices = "class_weights",
                                     .help = "a weight for each class, or balanced: as many times more as it is rarer"},
                                    {0}};

typedef struct row {
    ct_kind kind;
    ct_key keys[MAX_KEYS];
    const ct_op *op;
    size_t common; /* where the common ones start */
    char name[64];
} row;
static row rows[MAX_KINDS];
static const ct_kind *kinds[MAX_KINDS];
static int n_kinds;

static void add_row(const ct_op *op, size_t name_length) {
    row *r = &rows[n_kinds];
    int n = 0;
    if (n_kinds == MAX_KINDS) return;
    snprintf(r->name, sizeof r->name, "%.*s", (int)name_length, op->kind.name);
    r->op = op, r->common = (op->kind.args_size + 15) / 16 * 16;
    for (const ct_key *k = op->kind.keys; k && k->name; k++) r->keys[n++] = *k;
    if (ct_loss_weighs(op) >= 0) r->keys[n++] = *of_classes;
    for (const ct_key *k = common; k->name; k++) {
        r->keys[n] = *k;
        r->keys[n++].offset += r->common;
    }
    r->kind = (ct_kind){r->name, r->keys, r->common + sizeof(ct_loss_more), op->kind.help};
    kinds[n_kinds++] = &r->kind;
}

__attribute__((constructor)) static void find_losses(void) {
    for (int id = 0; id < CT_OP_COUNT; id++) {
        const ct_op *op = ct_op_get(id);
        if (!(op->flags & CT_IS_FORMULA) || !op->out_names[0] || strcmp(op->out_names[0], "loss")) continue;
        size_t n = strlen(op->kind.name), tail = strlen("_loss");
        add_row(op, n);
        if (n > tail && !strcmp(op->kind.name + n - tail, "_loss")) add_row(op, n - tail);
    }
}

const ct_kind *const *ct_loss_kinds(int *n) {
    *n = n_kinds;
    return kinds;
}

/* ---- reading ---- */
int ct_loss_target(const ct_op *op) {
    for (int i = 0; i < op->n_in; i++)
        if (!strcmp(op->in_names[i], "target")) return i;
    return -1;
}

static bool read_inputs(ct_doc *doc, const ct_yaml *list, const ct_op *op) {
    int most = op->n_in - (ct_loss_target(op) >= 0);
    bool ok = list->kind == CT_LIST && list->n && list->n <= most;
    for (int i = 0; ok && i < list->n; i++) ok = list->value[i]->kind == CT_SCALAR;
    if (!ok) ct_diag(doc, CT_ERROR, list, "inputs is a list of names of layers or data, at most %d", most);
    return ok;
}

static bool read_weights(ct_doc *doc, ct_loss *l) {
    const ct_yaml *node = l->weights;
    if (!node || (node->kind == CT_SCALAR && !strcmp(node->text, "balanced"))) return true;
    float *w = node->kind == CT_LIST && node->n ? ct_doc_alloc(doc, (size_t)node->n, sizeof *w) : NULL;
    double v = 0;
    bool ok = w != NULL;
    for (int i = 0; ok && i < node->n; i++) {
        const char *text = node->value[i]->kind == CT_SCALAR ? node->value[i]->text : "",
                   *end = ct_number_read(text, &v);
        ok = end && !*end && v >= 0 && v <= FLT_MAX;
        w[i] = (float)v;
    }
    if (!ok) ct_diag(doc, CT_ERROR, node, "class_weights is balanced, or a list of numbers from 0, one for each class");
    l->class_weight = w, l->n_class_weights = node->n;
    return ok;
}

static void name_loss(const ct_loss *before, int n, const char *kind, char out[64]) {
    int same = 1;
    for (int i = 0; i < n; i++) same += before[i].op == before[n].op;
    if (same > 1)
        snprintf(out, 64, "%s_%d", kind, same);
    else
        snprintf(out, 64, "%s", kind);
}

static bool read_one(ct_doc *doc, const ct_yaml *node, ct_loss *all, int n) {
    void *args;
    ct_loss *l = &all[n];
    const ct_kind *kind = ct_read_kind(doc, node, "loss", kinds, n_kinds, &args, NULL);
    if (!kind) return false;
    const row *r = (const row *)kind; /* its first member */
    *l = (ct_loss){.op = r->op, .args = args, .more = (const ct_loss_more *)((char *)args + r->common), .at = node};
    l->inputs = ct_yaml_get(ct_yaml_get(node, kind->name), "inputs");
    if (l->inputs && !read_inputs(doc, l->inputs, l->op)) return false;
    l->weights = ct_yaml_get(ct_yaml_get(node, kind->name), "class_weights");
    if (!read_weights(doc, l)) return false;
    if (l->inputs && l->more->input) ct_diag(doc, CT_ERROR, node, "input and inputs: one of them is wanted");
    name_loss(all, n, kind->name, l->name);
    return true;
}

int ct_losses_read(ct_doc *doc, const ct_yaml *node, ct_loss *out) {
    int n = 0;
    if (node->kind != CT_LIST) return read_one(doc, node, out, 0);
    if (!node->n || node->n > CT_MAX_LOSSES) {
        ct_diag(doc, CT_ERROR, node, "loss is one loss, or a list of 1 to %d", CT_MAX_LOSSES);
        return 0;
    }
    for (int i = 0; i < node->n; i++) n += read_one(doc, node->value[i], out, n);
    return n;
}

/* ---- what a loss is ---- */
int ct_loss_weighs(const ct_op *op) {
    for (int i = 0; ct_loss_takes_classes(op) && i < op->n_in; i++)
        if (!strcmp(op->in_names[i], "weight")) return i;
    return -1;
}

ct_status ct_loss_balance(ct_doc *doc, ct_loss *l, const int64_t *count, int classes) {
    int64_t all = 0;
    for (int c = 0; c < classes; c++) all += count[c];
    l->weights->kind = CT_LIST;
    for (int c = 0; c < classes; c++) {
        char text[32];
        snprintf(text, sizeof text, "%.9g", (float)((double)all / ((double)classes * (double)count[c])));
        if (!ct_yaml_add(doc, l->weights, NULL, ct_yaml_scalar(doc, text, false, l->weights))) return CT_NO_MEMORY;
    }
    return read_weights(doc, l) ? CT_OK : CT_NO_MEMORY;
}

bool ct_loss_takes_classes(const ct_op *op) { return ct_key_find(op->kind.keys, "ignore_index") != NULL; }

int64_t ct_loss_ignored(const ct_loss *l) {
    const ct_key *key = ct_key_find(l->op->kind.keys, "ignore_index");
    return key ? *(const int64_t *)((const char *)l->args + key->offset) : INT64_MIN;
}

bool ct_loss_is_sum(const ct_loss *l) {
    const ct_key *key = ct_key_find(l->op->kind.keys, "reduction");
    char word[16];
    return key && ct_key_choice(key, *(const int *)((const char *)l->args + key->offset), word, sizeof word) &&
           !strcmp(word, "sum");
}

/* ---- computing ---- */
static ct_tensor *row_major(ct_tensor *x) { return ct_is_contiguous(x) ? x : ct_contiguous(x); }
static bool same_sizes(const int64_t *a, const int64_t *b, int n) { return !memcmp(a, b, (size_t)n * sizeof *a); }

ct_tensor *ct_loss_rows(ct_tensor *x, const ct_tensor *t) {
    const ct_layout *l = &x->layout, *is = &t->layout;
    int64_t R = ct_numel(t);
    if (l->ndim == 2 && (is->ndim == 1 || l->size[0] == R)) return l->size[0] == R ? row_major(x) : NULL;
    if (l->ndim != is->ndim + 1 || l->ndim < 3 || l->size[0] != is->size[0]) return NULL;
    int classes = l->ndim == 3 && l->size[1] == is->size[1] ? 2 : 1;
    if (classes == 1 && !same_sizes(l->size + 2, is->size + 1, l->ndim - 2)) return NULL;
    ct_dims order = {.n = l->ndim}, shape = CT_DIMS(R, l->size[classes]);
    for (int d = 0, k = 0; d < l->ndim; d++)
        if (d != classes) order.v[k++] = d;
    order.v[l->ndim - 1] = classes;
    if (classes == 1) x = ct_permute(x, (ct_dims_args){order});
    return row_major(ct_reshape(x, (ct_shape_args){shape}));
}

static ct_tensor *differ(const ct_loss *l, const ct_tensor *x, const ct_tensor *t) {
    char a[128], b[128];
    ct_batch_text(&x->layout, a, sizeof a), ct_batch_text(&t->layout, b, sizeof b);
    return ct_tensor_error(CT_FAIL, "%s: the prediction is %s and the target %s", l->name, a, b);
}

ct_tensor *ct_loss_of(const ct_loss *l, ct_tensor *const *given, int classes) {
    ct_tensor *in[CT_MAX_IN] = {0};
    memcpy(in, given, (size_t)l->op->n_in * sizeof *in);
    bool pair = ct_loss_target(l->op) == 1 && in[0] && in[1] && !ct_why(in[0]) && !ct_why(in[1]);
    bool whole = pair && !ct_is_float(in[1]->layout.dtype), takes_classes = ct_loss_takes_classes(l->op);
    ct_tensor *rows = whole ? ct_loss_rows(in[0], in[1]) : NULL;
    if (whole && takes_classes) {
        if (!rows) return differ(l, in[0], in[1]);
        in[0] = rows, in[1] = ct_reshape(in[1], (ct_shape_args){CT_DIMS(ct_numel(in[1]))});
    } else if (whole) {
        bool each = rows && in[0]->layout.ndim == in[1]->layout.ndim + 1 && rows->layout.size[1] == classes;
        if (each) in[0] = rows, in[1] = ct_reshape(in[1], (ct_shape_args){CT_DIMS(ct_numel(in[1]))});
        in[1] = ct_to(each ? ct_one_hot(in[1], (ct_one_hot_args){classes}) : in[1], CT_F32);
    }
    bool like = pair && !(whole && takes_classes);
    if (like &&
        (ct_ndim(in[0]) != ct_ndim(in[1]) || !same_sizes(in[0]->layout.size, in[1]->layout.size, ct_ndim(in[0]))))
        return differ(l, in[0], in[1]);
    return ct_call_filled(l->op, in, l->op->n_in, l->args, NULL);
}
