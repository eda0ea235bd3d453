/* What is legal in a spec but surely wrong. */
#include "nn/module.h"
#include "run/spec.h"
#include <stdio.h>
#include <string.h>

#define WARN(s, at, ...) ct_diag((s)->doc, CT_WARNING, at, __VA_ARGS__)

static bool is_in(const char *words, const char *word) { /* "adam|adamw" */
    ct_key k = {.choices = words};
    return word && ct_key_choice_index(&k, word, strlen(word)) >= 0;
}

static const char *name_of(const ct_layer_spec *l) { return l && l->layer ? l->layer->kind.name : NULL; }

/* A number among the settings of a kind; `none` where it has no such key. */
static double number_of(const ct_kind *kind, const void *args, const char *name, double none) {
    const ct_key *key = ct_key_find(kind->keys, name);
    const void *field = key ? (const char *)args + key->offset : NULL;
    if (!key) return none;
    if (key->type == CT_KEY_FLOAT) return *(const double *)field;
    if (key->type == CT_KEY_INT) return (double)*(const int64_t *)field;
    if (key->type == CT_KEY_ENUM) return *(const int *)field;
    if (key->type == CT_KEY_NOT || key->type == CT_KEY_BOOL) return *(const bool *)field != (key->type == CT_KEY_NOT);
    return none;
}

/* Where a kind's setting is said, else where the kind is. */
static const ct_yaml *place_of(const ct_spec *s, const char *section, const char *kind, const char *name) {
    const ct_yaml *all = ct_yaml_get(s->root, section), *own = ct_yaml_get(all, kind), *said = ct_yaml_get(own, name);
    return said ? said : own ? own : all;
}

/* ---- the model: what follows what, seen through sequentials ---- */
static void look_at_pair(ct_spec *s, const ct_layer_spec *a, const ct_layer_spec *b) {
    bool biased = is_in("linear|conv1d|conv2d|conv3d|conv_transpose1d|conv_transpose2d|conv_transpose3d", name_of(a)) &&
                  number_of(&a->layer->kind, a->args, "bias", 0) != 0;
    if (biased && is_in("batch_norm", name_of(b)) && number_of(&b->layer->kind, b->args, "affine", 1) != 0)
        WARN(s, a->at, "%s has a bias right before batch_norm, which takes it away again; say bias: false", name_of(a));
}

static void look_at_layer(ct_spec *s, const ct_layer_spec *l) {
    if (is_in("softmax|log_softmax", name_of(l)) && number_of(&l->layer->kind, l->args, "dim", 1) == 0)
        WARN(s, l->at, "%s over dimension 0 is over the samples of a batch; the classes are dim: 1", name_of(l));
    if (is_in("batch_norm", name_of(l)) && s->train.batch_size == 1)
        WARN(s, l->at, "batch_norm in steps of one sample (train.batch_size: 1): its mean and variance say little");
}

/* Returns the last layer that the list ends with, NULL where that is made of branches. */
static const ct_layer_spec *look_at_list(ct_spec *s, const ct_model_spec *list, const ct_layer_spec *before) {
    for (int i = 0; i < list->n; i++) {
        const ct_layer_spec *l = &list->layer[i];
        if (l->inputs) before = NULL;
        if (!l->n_parts) {
            if (before && !before->name) look_at_pair(s, before, l);
            look_at_layer(s, l);
            before = l;
            continue;
        }
        bool through = l->n_parts == 1 && is_in("sequential", name_of(l));
        for (int k = 0; k < l->n_parts; k++) {
            const ct_layer_spec *end = look_at_list(s, &l->part[k], through ? before : NULL);
            before = through ? end : NULL;
        }
    }
    return before;
}

/* Whether a layer may put another dimension than the samples' first. */
static bool turns(const ct_model_spec *list) {
    bool found = false;
    for (int i = 0; !found && i < list->n; i++) {
        const ct_layer_spec *l = &list->layer[i];
        found = is_in("transpose|permute|movedim|reshape|view|flatten|unflatten|einsum|stack", name_of(l));
        for (int k = 0; !found && k < l->n_parts; k++) found = turns(&l->part[k]);
    }
    return found;
}

/* PyTorch's layers of sequences begin with the steps, the data with the samples. */
static void look_at_sequences(ct_spec *s, const ct_model_spec *list) {
    for (int i = 0; i < list->n; i++) {
        const ct_layer_spec *l = &list->layer[i];
        if (l->layer && number_of(&l->layer->kind, l->args, "batch_first", 1) == 0)
            WARN(s, l->at, "%s takes the samples of a batch for the steps of a sequence; say batch_first: true",
                 name_of(l));
        for (int k = 0; k < l->n_parts; k++) look_at_sequences(s, &l->part[k]);
    }
}

/* ---- the last layer and the loss ---- */
static const struct {
    const char *loss, *layer, *why;
} ends[] = {
    {"cross_entropy", "softmax|log_softmax", "cross_entropy takes logits and has the softmax in it; leave this out"},
    {"cross_entropy", "sigmoid|logsigmoid|hardsigmoid", "cross_entropy takes logits, of any size; leave this out"},
    {"cross_entropy", "relu|relu6|leaky_relu|elu|gelu|silu|hardswish|hardtanh|tanh",
     "cross_entropy takes logits, which an activation cuts short; leave this out"},
    {"binary_cross_entropy_with_logits", "sigmoid|logsigmoid|hardsigmoid|softmax|log_softmax",
     "binary_cross_entropy_with_logits has the sigmoid in it; leave this out"},
    {"binary_cross_entropy_with_logits", "relu|relu6|leaky_relu|elu|gelu|silu|hardswish|hardtanh|tanh",
     "binary_cross_entropy_with_logits takes logits, which an activation cuts short; leave this out"},
    {"binary_cross_entropy", "linear|relu|tanh|log_softmax|logsigmoid",
     "binary_cross_entropy takes probabilities; end with sigmoid, or say binary_cross_entropy_with_logits"},
    {"nll_loss", "linear|softmax|sigmoid|relu|tanh",
     "nll_loss takes log-probabilities; end with log_softmax, or say cross_entropy"},
};

static void look_at_end(ct_spec *s, const ct_layer_spec *last) {
    const ct_loss *own = s->n_losses == 1 && !s->loss->inputs && !s->loss->more->input ? s->loss : NULL;
    const char *loss = own ? own->op->kind.name : NULL;
    for (int i = 0; i < CT_COUNT(ends); i++)
        if (is_in(ends[i].loss, loss) && is_in(ends[i].layer, name_of(last))) WARN(s, last->at, "%s", ends[i].why);
    if (is_in("dropout|dropout1d|dropout2d|dropout3d", name_of(last)))
        WARN(s, last->at, "%s after the last layer makes the model's own output zero at random", name_of(last));
}

/* ---- optimizer and schedule ---- */
static const char adam_like[] = "adam|adamw|adamax|nadam|radam|lion|lamb|rmsprop";

/* Settings that are looked at. */
enum { LR, MOMENTUM, NESTEROV, DECAY, LOOKED_AT };
static const char *const setting[LOOKED_AT] = {"lr", "momentum", "nesterov", "weight_decay"};

/* Of an optimizer, or of a group's; at: where each is said, NULL: not there. */
static void look_at_settings(ct_spec *s, const ct_kind *kind, const void *args, const ct_yaml *const *at) {
    double v[LOOKED_AT];
    for (int i = 0; i < LOOKED_AT; i++) v[i] = at[i] ? number_of(kind, args, setting[i], 0) : 0;
    if (is_in(adam_like, kind->name) && v[LR] > 1)
        WARN(s, at[LR], "a learning rate over 1 moves every weight by more than 1 a step with %s; 1e-3 is usual",
             kind->name);
    if (v[MOMENTUM] >= 1) WARN(s, at[MOMENTUM], "a momentum of 1 or more forgets no gradient; 0.9 is usual");
    if (is_in("sgd", kind->name) && v[NESTEROV] != 0 && number_of(kind, args, "momentum", 0) == 0)
        WARN(s, at[NESTEROV], "nesterov looks ahead along the momentum, and there is none; say momentum: 0.9");
    if (is_in("adam", kind->name) && v[DECAY] > 0)
        WARN(s, at[DECAY],
             "adam divides weight_decay by the size of the gradients; adamw decays the weights themselves");
}

/* A table's target among what it is told from, and categories of columns that are not used. */
static void look_at_columns(ct_spec *s) {
    const ct_yaml *columns = ct_yaml_get(ct_yaml_get(s->root, "data"), "columns"),
                  *categories = ct_yaml_get(ct_yaml_get(s->root, "data"), "categories");
    const char *target = s->data.target_column ? s->data.target_column : "";
    for (int i = 0; i < s->data.n_columns; i++)
        if (!strcmp(s->data.columns[i], target))
            WARN(s, columns->value[i], "the target is among the columns, so that the model is told what it is to tell");
    for (int i = 0; s->data.columns && i < s->data.n_categories; i++) {
        int k = 0;
        while (k < s->data.n_columns && strcmp(s->data.columns[k], s->data.categories[i])) k++;
        if (k == s->data.n_columns && strcmp(s->data.categories[i], target))
            WARN(s, categories->value[i], "'%.40s' is neither among the columns nor the target: it is not used",
                 s->data.categories[i]);
    }
}

static void look_at_optimizer(ct_spec *s) {
    const ct_kind *kind = s->model.optimizer ? &s->model.optimizer->kind : NULL;
    if (!kind) return;
    const ct_yaml *at[LOOKED_AT];
    for (int i = 0; i < LOOKED_AT; i++) at[i] = place_of(s, "optimizer", kind->name, setting[i]);
    look_at_settings(s, kind, s->optimizer_args, at);
    const ct_yaml *groups = ct_yaml_get(ct_yaml_get(s->root, "optimizer"), "groups");
    for (int i = 0; i < s->model.n_groups; i++) {
        const ct_group_use *g = &s->model.group[i];
        const ct_yaml *own = ct_yaml_get(groups, g->pattern->text), *other = ct_yaml_get(own, g->optimizer->kind.name);
        if (other) own = other;
        for (int k = 0; k < LOOKED_AT; k++) at[k] = ct_yaml_get(own, setting[k]);
        look_at_settings(s, &g->optimizer->kind, g->args, at);
    }
}

static void look_at_schedule(ct_spec *s) {
    const ct_kind *kind = s->schedule.kind ? &s->schedule.kind->kind : NULL;
    if (!kind) return;
    double epochs = (double)(s->train.epochs - s->schedule.warmup),
           top = number_of(kind, s->schedule.args, "T_max", epochs);
    bool by_epoch = !s->schedule.per_step && !s->train.steps; /* how many epochs steps are, the data would say */
    if (by_epoch && top < epochs)
        WARN(s, place_of(s, "schedule", kind->name, "T_max"),
             "the rate is lowest after %.15g of %.15g epochs, and then rises again; T_max: %.15g spans them", top,
             epochs, epochs);
    double steps = number_of(kind, s->schedule.args, "total_steps", epochs);
    if (by_epoch && steps != epochs)
        WARN(s, place_of(s, "schedule", kind->name, "total_steps"),
             "one_cycle moves once an epoch, %.15g times, not total_steps: %.15g; `per: step` makes it move each step",
             epochs, steps);
    if (is_in(adam_like, s->model.optimizer ? s->model.optimizer->kind.name : NULL) &&
        number_of(kind, s->schedule.args, "max_lr", 0) > 1)
        WARN(s, place_of(s, "schedule", kind->name, "max_lr"), "a learning rate over 1 with %s; 1e-3 is usual",
             s->model.optimizer->kind.name);
    bool downwards = is_in("reduce_on_plateau", kind->name) && number_of(kind, s->schedule.args, "mode", 1) == 0;
    if (downwards && s->data.validation != 0 && s->train.monitor == 0)
        WARN(s, place_of(s, "schedule", kind->name, "mode"),
             "the accuracy, which is monitored, gets better upwards: say mode: max, or train.monitor: loss");
}

static void look_at_training(ct_spec *s) {
    const ct_yaml *data = ct_yaml_get(s->root, "data"), *train = ct_yaml_get(s->root, "train");
    if (s->data.target_column && !s->data.csv)
        WARN(s, ct_yaml_get(data, "target"),
             "target is a column of a table, and there is none (csv: FILE): dataset digits is learned from");
    if (s->data.validation < 0)
        WARN(s, ct_yaml_get(data, "validation"),
             "the test samples choose the best epoch, so what is measured on them later says too much good");
    if (s->train.early_stopping && s->data.validation == 0)
        WARN(s, ct_yaml_get(train, "early_stopping"),
             "early_stopping looks at the validation samples, and there are none; say data.validation: 0.1");
}

static void look_at_averages(ct_spec *s) {
    const ct_train_args *t = &s->train;
    if (!t->steps && t->swa.start >= t->epochs)
        WARN(s, ct_yaml_get(ct_yaml_get(ct_yaml_get(s->root, "train"), "swa"), "start"),
             "there are %lld epochs, so that none is left to be averaged", (long long)t->epochs);
}

void ct_spec_warn(ct_spec *s) {
    look_at_end(s, look_at_list(s, &s->model, NULL));
    if (!turns(&s->model)) look_at_sequences(s, &s->model);
    look_at_optimizer(s);
    look_at_columns(s);
    look_at_schedule(s);
    look_at_training(s);
    look_at_averages(s);
}

int ct_spec_warnings(const ct_spec *s) { return ct_diag_count(s->doc, CT_WARNING); }
