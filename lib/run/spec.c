#include "run/spec.h"
#include "base/alloc.h"
#include "spec/expand.h"
#include "spec/param.h"
#include "yaml/read.h"
#include <math.h>
#include <string.h>
#include <sys/stat.h>

#define ROW(s, field, type, def, min, max, choices, help) \
    { #field, CT_KEY_##type, offsetof(s, field), 1, def, min, max, choices, NULL, help }
static const ct_key ema_keys[] = {
    ROW(ct_ema_args, decay, FLOAT, 0, 0, 0.9999999, NULL, "what stays of the average in a step; 0: there is none"),
    {0},
};
static const ct_key swa_keys[] = {
    ROW(ct_swa_args, start, INT, 0, 0, 1e9, NULL,
        "epochs before the first whose weights are averaged; 0: there is none"),
    ROW(ct_swa_args, lr, FLOAT, 0, 0, INFINITY, NULL, "the learning rate from then on; 0: as the schedule says"),
    ROW(ct_swa_args, anneal_epochs, INT, 10, 0, 1e9, NULL, "epochs until it is reached"),
    ROW(ct_swa_args, anneal_strategy, ENUM, 0, 0, 1, "cos|linear", "the way there"),
    {0},
};
static const ct_key train_keys[] = {
    ROW(ct_train_args, epochs, INT, 10, 1, 1e9, NULL, "passes over the training data"),
    ROW(ct_train_args, steps, INT, 0, 0, 1e12, NULL, "steps of the whole run, whatever epochs says; 0: epochs decide"),
    ROW(ct_train_args, eval_every, INT, 0, 0, 1e12, NULL,
        "steps between evaluations on the validation split; 0: one at each epoch's end"),
    ROW(ct_train_args, batch_size, INT, 64, 1, 1 << 24, NULL, "samples a batch"),
    ROW(ct_train_args, accumulate, INT, 1, 1, 1 << 20, NULL, "batches whose gradients together make a step"),
    ROW(ct_train_args, monitor, ENUM, 0, 0, 1, "accuracy|loss",
        "what decides which epoch is best, on the validation split"),
    ROW(ct_train_args, early_stopping, INT, 0, 0, 1e9, NULL,
        "stop after this many evaluations without a better one; 0: never"),
    ROW(ct_train_args, checkpoint_every, FLOAT, 0, 0, 1e9, NULL,
        "seconds between checkpoints inside an epoch; 0: none"),
    ROW(ct_train_args, clip_grad_norm, FLOAT, 0, 0, INFINITY, NULL, "largest norm of all gradients together; 0: any"),
    ROW(ct_train_args, clip_grad_value, FLOAT, 0, 0, INFINITY, NULL, "largest size of a gradient's element; 0: any"),
    {"ema", CT_KEY_MAP, offsetof(ct_train_args, ema), 1, 0, 0, 0, NULL, ema_keys,
     "an exponential average of the weights, which is what is evaluated and saved"},
    {"swa", CT_KEY_MAP, offsetof(ct_train_args, swa), 1, 0, 0, 0, NULL, swa_keys,
     "the mean of the last epochs' weights, which is what is evaluated and saved"},
    ROW(ct_train_args, checkpoint_activations, BOOL, 0, 0, 1, NULL,
        "keep few of the layers' results, and compute the others again in the backward"),
    ROW(ct_train_args, precision, ENUM, CT_PRECISION_F32, 0, 2, "f32|bf16|auto",
        "what products and convolutions round their inputs to; auto: the faster one"),
    ROW(ct_train_args, log_every, INT, 100, 1, 1e9, NULL, "steps between two step records of log.jsonl"),
    {0},
};
const ct_key ct_spec_keys[] = {
    ROW(ct_spec, seed, INT, 0, 0, 0x1p62, NULL, "of all random numbers"),
    {"model", CT_KEY_NODE, .def = NAN, .choices = "layers", .help = "layers; data flows down them"},
    {"loss", CT_KEY_NODE, .def = NAN, .choices = "loss", .help = "what the output is compared with the target by"},
    {"optimizer", CT_KEY_NODE, .def = NAN, .choices = "optimizer", .help = "how gradients move parameters"},
    {"freeze", CT_KEY_NODE, .choices = "patterns", .help = "name patterns of the parameters that are not trained"},
    {"init", CT_KEY_NODE, .choices = "inits", .help = "name patterns and the first values of their parameters"},
    {"tie", CT_KEY_NODE, .choices = "ties", .help = "names and the names of the parameters that they share"},
    {"schedule", CT_KEY_NODE, .choices = "schedule", .help = "how the learning rate moves; none: it stays"},
    {"data", CT_KEY_MAP, offsetof(ct_spec, data), 1, 0, 0, 0, NULL, ct_data_keys, "what to learn from"},
    {"train", CT_KEY_MAP, offsetof(ct_spec, train), 1, 0, 0, 0, NULL, train_keys, "how long, in what steps"},
    {0},
};
const ct_key ct_optimizer_beside[] = {
    {"groups", CT_KEY_NODE, .choices = "groups", .help = "name patterns and the settings of their parameters"}, {0}};

/* The settings of a group: the optimizer's own, but for what the group says. */
static void read_settings(ct_spec *s, const ct_yaml *own, const ct_yaml *common, ct_group_use *g) {
    ct_yaml *all = ct_yaml_new(s->doc, CT_MAP, own);
    g->args = ct_doc_alloc(s->doc, 1, s->model.optimizer->kind.args_size);
    if (!g->args || !all) return;
    for (int i = 0; common && common->kind == CT_MAP && i < common->n; i++)
        if (!ct_yaml_get(own, common->key[i]->text)) ct_yaml_add(s->doc, all, common->key[i], common->value[i]);
    for (int i = 0; i < own->n; i++) ct_yaml_add(s->doc, all, own->key[i], own->value[i]);
    ct_read_keys(s->doc, all, s->model.optimizer->kind.name, s->model.optimizer->kind.keys, g->args, NULL);
}

/* Or another optimizer, which is the map's only key, with its own. */
static void read_group(ct_spec *s, const ct_yaml *pattern, const ct_yaml *own, const ct_yaml *common) {
    int n;
    const ct_kind *const *kinds = ct_optimizer_kinds(&n);
    ct_group_use g = {.pattern = pattern, .optimizer = s->model.optimizer};
    if (own->kind != CT_MAP) {
        ct_diag(s->doc, CT_ERROR, own,
                "a group is a map of settings, such as {weight_decay: 0}, or of another optimizer, such as "
                "{muon: {lr: 0.02}}");
        return;
    }
    const ct_optimizer *other = own->n == 1 ? ct_optimizer_find(own->key[0]->text) : NULL;
    if (other)
        g.optimizer = other, ct_read_kind(s->doc, own, "optimizer", kinds, n, &g.args, NULL);
    else
        read_settings(s, own, common, &g);
    if (g.args) s->model.group[s->model.n_groups++] = g;
}

/* `optimizer: {adamw: {lr: 1e-3}, groups: {"*.bias": {weight_decay: 0}}}` */
static void read_optimizer(ct_spec *s, const ct_yaml *node) {
    int n;
    const ct_kind *const *kinds = ct_optimizer_kinds(&n);
    const ct_kind *kind = ct_read_kind(s->doc, node, "optimizer", kinds, n, &s->optimizer_args, ct_optimizer_beside);
    const ct_yaml *groups = node->kind == CT_MAP ? ct_yaml_get(node, "groups") : NULL;
    if (!kind) return;
    s->model.optimizer = ct_optimizer_find(kind->name), s->model.optimizer_at = node;
    if (!groups) return;
    if (groups->kind != CT_MAP) {
        ct_diag(s->doc, CT_ERROR, groups, "groups is a map of name patterns, such as {\"*.bias\": {weight_decay: 0}}");
        return;
    }
    if (!(s->model.group = ct_doc_alloc(s->doc, (size_t)groups->n + 1, sizeof *s->model.group))) return;
    for (int i = 0; i < groups->n; i++) read_group(s, groups->key[i], groups->value[i], ct_yaml_get(node, kind->name));
}

static void read_schedule(ct_spec *s, const ct_yaml *node) {
    ct_schedule_read(s->doc, node, ct_schedule_beside, &s->schedule);
}

static void read_model(ct_spec *s, const ct_yaml *node) { ct_model_read(s->doc, node, &s->model); }

static void read_freeze(ct_spec *s, const ct_yaml *node) { ct_freeze_read(s->doc, node, &s->model); }

static void read_init(ct_spec *s, const ct_yaml *node) { ct_init_read(s->doc, node, &s->model); }

static void read_tie(ct_spec *s, const ct_yaml *node) { ct_tie_read(s->doc, node, &s->model); }

static void read_loss(ct_spec *s, const ct_yaml *node) { s->n_losses = ct_losses_read(s->doc, node, s->loss); }

static void read_train(ct_spec *s, const ct_yaml *node) {
    if (s->train.ema.decay > 0 && s->train.swa.start > 0)
        ct_diag(s->doc, CT_ERROR, ct_yaml_get(node, "swa"),
                "train has both ema and swa: only one average can be what is evaluated and saved");
}

static const struct {
    const char *name;
    void (*read)(ct_spec *s, const ct_yaml *node);
} sections[] = {{"data", ct_spec_read_data},   {"model", read_model},       {"freeze", read_freeze},
                {"init", read_init},           {"tie", read_tie},           {"loss", read_loss},
                {"optimizer", read_optimizer}, {"schedule", read_schedule}, {"train", read_train}};

static void read_sections(ct_spec *s) {
    if (s->root->kind != CT_MAP) {
        ct_diag(s->doc, CT_ERROR, s->root, "a spec is a map with data, model, loss, optimizer and train");
        return;
    }
    ct_read_keys(s->doc, s->root, NULL, ct_spec_keys, s, ct_spec_language_keys);
    for (int i = 0; i < CT_COUNT(sections); i++) {
        const ct_yaml *node = ct_yaml_get(s->root, sections[i].name);
        if (node) sections[i].read(s, node);
    }
    ct_spec_check_data(s);
}

ct_status ct_spec_messages(const ct_spec *spec, char **messages) {
    ct_buf b = CT_BUF(1 << 20);
    ct_diag_write(spec->doc, &b);
    ct_status written = ct_buf_status(&b);
    if (messages && b.len && !written)
        *messages = b.data;
    else
        ct_buf_free(&b);
    ct_status said = ct_diag_status(spec->doc);
    return written ? ct_fail_memory() : said;
}

/* What is set changes what is included too; but for what includes. */
static void apply(ct_spec *s, const char *const *set, bool includes) {
    for (; s->root && set && *set; set++) {
        size_t n = strcspn(*set, ".=");
        bool of_include = n == strlen("include") && !strncmp(*set, "include", n);
        if (of_include == includes) ct_doc_set(s->doc, s->root, *set);
    }
}

static ct_status finish(ct_spec *s, ct_status status, const char *const *set, ct_spec **out, char **messages) {
    apply(s, set, true);
    if (s->root) s->root = ct_spec_include(s->doc, s->root);
    apply(s, set, false);
    if (s->root && (s->root = ct_spec_expand(s->doc, s->root))) read_sections(s);
    if (s->root && !ct_diag_count(s->doc, CT_ERROR)) ct_spec_warn(s);
    ct_status said = ct_spec_messages(s, messages);
    if (!status) status = said;
    if (status)
        ct_spec_free(s);
    else
        *out = s;
    return status;
}

static ct_spec *spec_new(char **messages) {
    if (messages) *messages = NULL;
    ct_spec *s = ct_alloc(1, sizeof *s);
    if (s && (s->doc = ct_doc_new())) return s;
    ct_free(s);
    return NULL;
}

ct_status ct_spec_load(const char *path, const char *const *set, ct_spec **out, char **messages) {
    ct_spec *s = spec_new(messages);
    const char *end = strrchr(path, '.');
    struct stat st;
    if (!s) return CT_NO_MEMORY;
    if (!stat(path, &st) && S_ISDIR(st.st_mode))
        ct_diag(s->doc, CT_ERROR, NULL, "%s is a directory, and a spec is wanted; that of a run is its spec.yaml",
                path);
    else if (end && !strcmp(end, ".safetensors"))
        ct_diag(s->doc, CT_ERROR, NULL, "%s is a model, and a spec is wanted; `ctorch show` draws models", path);
    if (ct_diag_count(s->doc, CT_ERROR)) return finish(s, CT_BAD_SPEC, set, out, messages);
    return finish(s, ct_doc_parse_file(s->doc, path, &s->root), set, out, messages);
}

ct_status ct_spec_parse(const char *name, const char *text, size_t len, const char *const *set, ct_spec **out,
                        char **messages) {
    ct_spec *s = spec_new(messages);
    return s ? finish(s, ct_doc_parse(s->doc, name, text, len, &s->root), set, out, messages) : CT_NO_MEMORY;
}

void ct_spec_free(ct_spec *s) {
    if (!s) return;
    ct_doc_free(s->doc);
    ct_free(s);
}

void ct_text_free(char *text) { ct_free(text); }
