#include "run/net.h"
#include "graph/node.h"
#include "nn/container.h"
#include "ops/shape_util.h"
#include <stdio.h>
#include <string.h>

void ct_net_free(ct_net *net) {
    for (int i = 0; i < CT_MAX_LOSSES; i++) ct_drop(net->class_weight[i]);
    ct_module_free(net->module);
    *net = (ct_net){0};
}

/* ---- what losses read ---- */

/* A value's place by its name, n_values for the target; -1 after a diagnostic. */
static int find(const ct_net *net, const char *name, const ct_yaml *at) {
    const char *known[CT_MAX_VALUES];
    int i = ct_value_find(net->value, net->n_values - 1, name), n = 0;
    if (i >= 0) return i;
    if (!strcmp(name, "target") && net->target >= 0) return net->n_values;
    if (!strcmp(name, "target"))
        ct_diag(net->spec->doc, CT_ERROR, at, "the data has no target; say what is compared, as target: input");
    else {
        for (; n < net->n_values - 1; n++) known[n] = net->value[n].name;
        const char *near = ct_nearest(name, known, n);
        ct_diag(net->spec->doc, CT_ERROR, at, "no layer and no field of the data is named '%.40s'%s%s%s", name,
                near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    }
    return -1;
}

/* Where a loss says that key, else the loss. */
static const ct_yaml *said(const ct_loss *l, const char *key) {
    const ct_yaml *at = NULL;
    for (int i = 0; l->at->kind == CT_MAP && !at && i < l->at->n; i++) at = ct_yaml_get(l->at->value[i], key);
    return at ? at : l->at;
}

/* The op's inputs in their order, the target apart: `inputs`, or `input` or the result as the first. */
static bool bind(ct_net *net, int which) {
    const ct_loss *l = &net->spec->loss[which];
    int *in = net->in[which], target = ct_loss_target(l->op), next = 0;
    bool ok = true;
    for (int i = 0; i < l->op->n_in; i++) {
        in[i] = -1;
        if (i == target)
            ok = (in[i] = find(net, l->more->target ? l->more->target : "target", said(l, "target"))) >= 0 && ok;
        else if (l->inputs && next < l->inputs->n)
            ok = (in[i] = find(net, l->inputs->value[next]->text, l->inputs->value[next])) >= 0 && ok, next++;
        else if (!l->inputs && !next++)
            ok = (in[i] = l->more->input ? find(net, l->more->input, said(l, "input")) : net->n_values - 1) >= 0 && ok;
    }
    return ok;
}

/* Whether it compares with the data's target by class. */
static bool is_of_classes(const ct_net *net, int i) {
    return ct_loss_target(net->spec->loss[i].op) == 1 && net->in[i][1] == net->n_values &&
           net->fields.of[net->target].layout.dtype == CT_I64;
}

static ct_tensor *shell(const ct_layout *l) { return ct_tensor_make(l, NULL, 0); }

static const ct_yaml *place(const ct_net *net, int value) {
    return value < 0 || value >= net->n_values ? NULL : net->value[value].at;
}

/* The prediction has not as many scores as the data has classes. */
static void wrong_classes(const ct_net *net, const ct_loss *l, int x, const ct_layout *is, const ct_layout *target) {
    char text[128], want[128];
    int classes = net->fields.classes;
    ct_batch_text(is, text, sizeof text), ct_batch_text(target, want, sizeof want);
    const char *what = x == net->n_values - 1 ? "the model's output" : "this value";
    if (target->ndim == 1)
        ct_diag(net->spec->doc, CT_ERROR, place(net, x), "%s is %s, but the data has %d classes: it must be (N, %d)%s",
                what, text, classes, classes, is->ndim > 2 ? "; is a flatten missing?" : "");
    else
        ct_diag(net->spec->doc, CT_ERROR, place(net, x),
                "%s is %s, but the data has %d classes and the target is %s: it must have %d scores for each", what,
                text, classes, want, classes);
    ct_diag(net->spec->doc, CT_NOTE, l->at, "%s compares them", l->name);
}

/* The weights of loss i's classes; ones, where they are still to be balanced. */
static bool weigh_classes(ct_net *net, int i) {
    const ct_loss *l = &net->spec->loss[i];
    int64_t classes = net->fields.classes;
    if (!l->weights || classes < 0) return true;
    bool fits = is_of_classes(net, i) && classes && (!l->class_weight || l->n_class_weights == classes);
    if (!is_of_classes(net, i) || !classes)
        ct_diag(net->spec->doc, CT_ERROR, l->weights, "class_weights is of classes, and the target has none");
    else if (!fits)
        ct_diag(net->spec->doc, CT_ERROR, l->weights, "class_weights has %d numbers, but the data has %lld classes",
                l->n_class_weights, (long long)classes);
    else
        net->class_weight[i] = ct_keep(l->class_weight ? ct_from(CT_F32, CT_DIMS(classes), l->class_weight)
                                                       : ct_full(CT_F32, CT_DIMS(classes), 1));
    return fits;
}

/* What may help with a loss that does not fit its values. */
static void hint(const ct_net *net, int i, ct_tensor *const *value) {
    const ct_loss *l = &net->spec->loss[i];
    const int *in = net->in[i], n = l->op->n_in;
    char names[128] = "";
    bool missing = false;
    for (int k = 0; k < n; k++) {
        size_t len = strlen(names);
        missing |= in[k] < 0 && k != ct_loss_weighs(l->op);
        if (k != ct_loss_target(l->op))
            snprintf(names + len, sizeof names - len, "%s%s", len ? ", " : "", l->op->in_names[k]);
    }
    if (missing)
        ct_diag(net->spec->doc, CT_NOTE, l->at, "it reads %s: inputs is a list of the layers that give these", names);
    else if (ct_loss_target(l->op) == 1 && in[1] == net->n_values && ct_same_shape(value[in[0]], value[0]))
        ct_diag(net->spec->doc, CT_NOTE, l->at,
                "the prediction has the shape of the input: target: input compares them");
}

/* Loss i on shapes: what is wrong becomes a diagnostic. Finds out whether its prediction is scores. */
static void look_at_loss(ct_net *net, int i, ct_tensor *const *value) {
    const ct_loss *l = &net->spec->loss[i];
    ct_doc *doc = net->spec->doc;
    int x = net->in[i][0], classes = net->fields.classes;
    bool by_class = is_of_classes(net, i);
    ct_tensor *rows = by_class && x >= 0 ? ct_loss_rows(value[x], value[net->n_values]) : NULL;
    bool fits = rows && (classes < 0 || rows->layout.size[1] == classes);
    if (by_class && !fits && ct_loss_takes_classes(l->op) && classes > 0) {
        wrong_classes(net, l, x, &value[x]->layout, &value[net->n_values]->layout);
        return;
    }
    ct_tensor *y = ct_net_loss(net, value, i);
    if (ct_why(y)) {
        char text[128];
        ct_diag(doc, CT_ERROR, l->at, "%s", ct_why(y));
        if (x >= 0) ct_batch_text(&value[x]->layout, text, sizeof text);
        if (place(net, x)) ct_diag(doc, CT_NOTE, place(net, x), "the prediction, %s, comes from here", text);
        hint(net, i, value);
    } else if (ct_numel(y) != 1)
        ct_diag(doc, CT_ERROR, l->at, "%s is no single number; reduction must be mean or sum", l->name);
    if (fits && net->scores < 0 && classes) net->scores = i;
}

static void look_at_losses(ct_net *net) {
    ct_graph g;
    ct_scope *scope = ct_scope_open();
    ct_tensor *value[CT_MAX_VALUES + 1];
    if (scope && !ct_capture_begin(&g)) {
        for (int i = 0; i < net->n_values; i++) value[i] = shell(&net->value[i].layout);
        if (net->target >= 0) value[net->n_values] = shell(&net->fields.of[net->target].layout);
        for (int i = 0; i < net->spec->n_losses; i++)
            if (bind(net, i) && weigh_classes(net, i)) look_at_loss(net, i, value);
        ct_capture_end(&g);
        ct_graph_free(&g);
    }
    (void)!ct_scope_close(scope); /* what went wrong is a diagnostic */
}

/* ---- building ---- */

/* That fields are of sizes that can be, and what data: says of them. */
static bool check_fields(const ct_spec *spec, const ct_fields *f) {
    const ct_yaml *data = ct_yaml_get(spec->root, "data");
    if (spec->data.n_augment && f->of[0].layout.ndim < 3)
        ct_diag(spec->doc, CT_ERROR, ct_yaml_get(data, "augment"), "augment changes images, and the data has none");
    bool by_class = f->classes && f->n > 1 && f->of[1].layout.ndim == 1;
    if (spec->data.sampler && !by_class)
        ct_diag(spec->doc, CT_ERROR, ct_yaml_get(data, "sampler"),
                "a balanced sampler wants a class for each sample, and the data has none");
    for (int i = 0; i < f->n; i++) {
        const ct_layout *l = &f->of[i].layout;
        if (!ct_shape_make("data", l, l->dtype, l->size, l->ndim, &(ct_layout){0})) continue;
        ct_diag(spec->doc, CT_ERROR, ct_yaml_get(spec->root, "data"), "%s", ct_error());
        return false;
    }
    return true;
}

static ct_status build(const ct_spec *spec, const ct_fields *fields, ct_begin begin, ct_layer_seen seen, void *ctx,
                       ct_net *net) {
    ct_model_spec model = spec->model;
    ct_named_value in[CT_MAX_FIELDS];
    int n = 0;
    model.begin = begin;
    *net = (ct_net){.spec = spec, .fields = *fields, .target = -1, .scores = -1};
    for (int i = 0; i < fields->n; i++) {
        ct_layout *l = &net->fields.of[i].layout;
        l->size[0] = spec->train.batch_size > 1 ? 2 : 1; /* batch norm refuses a batch of one sample */
        if (!strcmp(fields->of[i].name, "target"))
            net->target = i;
        else
            in[n++] = (ct_named_value){.name = fields->of[i].name, .layout = *l, .below = fields->of[i].below};
    }
    if (check_fields(spec, fields))
        net->module =
            ct_model_build(spec->doc, &model, (uint64_t)spec->seed, in, n, &net->value, &net->n_values, seen, ctx);
    if (net->module) look_at_losses(net);
    const ct_yaml *monitor = ct_yaml_get(ct_yaml_get(spec->root, "train"), "monitor");
    if (net->module && net->scores < 0 && fields->classes >= 0 && monitor && !spec->train.monitor &&
        !ct_diag_status(spec->doc))
        ct_diag(spec->doc, CT_ERROR, monitor,
                "no loss compares scores of classes with the data's target, so there is "
                "no accuracy; say monitor: loss");
    ct_status status = ct_diag_status(spec->doc);
    if (!status && !net->module) status = CT_NO_MEMORY;
    if (status) ct_net_free(net);
    return status;
}

ct_status ct_net_build(const ct_spec *spec, const ct_fields *fields, ct_layer_seen seen, void *ctx, ct_net *out) {
    return build(spec, fields, CT_BEGIN_DRAWN, seen, ctx, out);
}

ct_status ct_net_blank(const ct_spec *spec, const ct_fields *fields, ct_net *out) {
    return build(spec, fields, CT_BEGIN_ZERO, NULL, NULL, out);
}

ct_status ct_net_look(const ct_spec *spec, const ct_fields *fields, ct_layer_seen seen, void *ctx, ct_net *out) {
    return build(spec, fields, CT_BEGIN_SHAPES, seen, ctx, out);
}

/* ---- at work ---- */
ct_status ct_net_forward(const ct_net *net, ct_tensor *const *field,
                         ct_tensor *(*forward)(void *ctx, ct_tensor *const *in, int n_in), void *ctx,
                         ct_tensor **value) {
    ct_tensor *in[CT_MAX_FIELDS], *target = NULL;
    int n = 0;
    for (int i = 0; i < net->fields.n; i++) {
        if (ct_why(field[i])) return ct_fail(field[i]->status, "%s", ct_why(field[i]));
        if (i == net->target)
            target = field[i];
        else
            in[n++] = field[i];
    }
    ct_tensor *y = forward ? forward(ctx, in, n) : ct_module_forward_all(net->module, in, n, NULL);
    for (int i = 0; i < net->n_values - 1; i++) value[i] = net->value[i].module->last;
    value[net->n_values - 1] = y, value[net->n_values] = target;
    return ct_why(y) ? ct_fail(y->status, "%s", ct_why(y)) : CT_OK;
}

ct_tensor *ct_net_loss(const ct_net *net, ct_tensor *const *value, int i) {
    ct_tensor *in[CT_MAX_IN] = {0};
    for (int k = 0; k < net->spec->loss[i].op->n_in; k++)
        if (net->in[i][k] >= 0) in[k] = value[net->in[i][k]];
    if (net->class_weight[i]) in[ct_loss_weighs(net->spec->loss[i].op)] = net->class_weight[i];
    return ct_loss_of(&net->spec->loss[i], in, net->fields.classes);
}

ct_tensor *ct_net_total(const ct_net *net, ct_tensor *const *loss) {
    ct_tensor *sum = NULL;
    for (int i = 0; i < net->spec->n_losses; i++) {
        double weight = net->spec->loss[i].more->weight;
        ct_tensor *y = weight == 1 ? loss[i] : ct_mul_scalar(loss[i], weight);
        sum = sum ? ct_add(sum, y) : y;
    }
    return sum;
}

ct_tensor *ct_net_output(const ct_net *net, ct_tensor *const *value) {
    if (net->scores < 0) return value[net->n_values - 1];
    return ct_loss_rows(value[net->in[net->scores][0]], value[net->n_values]);
}

int64_t ct_net_rows(const ct_net *net) {
    const ct_layout *l = net->target >= 0 ? &net->fields.of[net->target].layout : NULL;
    int64_t n = 1;
    for (int i = 1; l && i < l->ndim; i++) n *= l->size[i];
    return n;
}

int64_t ct_net_batch(const ct_net *net, int64_t n) {
    enum { SAMPLES = 256, ROWS = 16384 };
    return CT_MIN(n, CT_MIN(SAMPLES, CT_MAX(ROWS / ct_net_rows(net), 1)));
}
