/* What a C program says in a spec's words: a model, an optimizer. */
#include "base/alloc.h"
#include "optim/optim.h"
#include "spec/expand.h"
#include "spec/model.h"
#include "tensor/scope.h"
#include "yaml/read.h"
#include <string.h>

/* Nothing was opened: the open scope hears of it, as of any other error. */
static void *refuse(ct_status status) {
    ct_scope_note(status);
    return NULL;
}

/* ---- models ---- */
/* The model's tree, with what a spec may say beyond layers (repeat) worked out. */
static ct_status read_model(ct_doc *doc, const char *text, ct_model_spec *out) {
    ct_yaml *list;
    CT_TRY(ct_doc_parse(doc, "model", text, strlen(text), &list));
    ct_yaml *root = ct_yaml_new(doc, CT_MAP, list), *key = ct_yaml_scalar(doc, "model", false, list);
    if (root && key && ct_yaml_add(doc, root, key, list)) root = ct_spec_expand(doc, root);
    const ct_yaml *model = ct_yaml_get(root, "model");
    if (model) ct_model_read(doc, model, out);
    ct_status status = ct_diag_status(doc);
    return status || model ? status : CT_NO_MEMORY;
}

/* A batch of two: batch norm could not look at one. */
static ct_status batch_layout(ct_dtype dtype, const ct_dims *sample, ct_layout *in) {
    ct_dims batch = {sample->n + 1, {2}};
    if (dtype <= CT_NONE || dtype > CT_LAST_DTYPE) return ct_fail(CT_FAIL, "model: no such element type: %d", dtype);
    if (sample->n < 0 || sample->n >= CT_MAX_DIMS)
        return ct_fail(CT_FAIL, "model: a sample has 0 to %d dimensions, got %d", CT_MAX_DIMS - 1, sample->n);
    for (int i = 0; i < sample->n; i++)
        if ((batch.v[i + 1] = sample->v[i]) < 1) return ct_fail(CT_FAIL, "model: a sample's sizes are at least 1");
    *in = ct_layout_of(dtype, batch);
    return CT_OK;
}

static ct_status open_module(ct_doc *doc, const char *text, const ct_layout *in, ct_module **out) {
    ct_model_spec spec;
    const ct_named_value *value, input = {.name = "input", .layout = *in};
    int n;
    CT_TRY(read_model(doc, text, &spec));
    ct_philox_key key = ct_random_key();
    uint64_t seed = (uint64_t)key.k[0] << 32 | key.k[1];
    if ((*out = ct_model_build(doc, &spec, seed, &input, 1, &value, &n, NULL, NULL))) return CT_OK;
    ct_status status = ct_diag_status(doc);
    return status ? status : CT_NO_MEMORY;
}

ct_module *ct_module_open(const char *model, ct_dtype dtype, ct_dims sample) {
    ct_layout in;
    ct_module *m = NULL;
    ct_status status = batch_layout(dtype, &sample, &in);
    ct_doc *doc = status ? NULL : ct_doc_new();
    if (!status) status = doc ? open_module(doc, model, &in, &m) : CT_NO_MEMORY;
    ct_doc_free(doc);
    return status ? refuse(status) : m;
}

/* ---- optimizers ---- */
static ct_status read_optimizer(ct_doc *doc, const char *text, const ct_optimizer **kind, void **args) {
    int n;
    ct_yaml *root;
    const ct_kind *const *kinds = ct_optimizer_kinds(&n);
    CT_TRY(ct_doc_parse(doc, "optimizer", text, strlen(text), &root));
    const ct_kind *found = ct_read_kind(doc, root, "optimizer", kinds, n, args, NULL);
    CT_TRY(ct_diag_status(doc));
    if (!found) return CT_NO_MEMORY;
    *kind = ct_optimizer_find(found->name);
    return CT_OK;
}

ct_optim *ct_optim_open(const char *optimizer, ct_tensor *const *params, int n) {
    const ct_optimizer *kind;
    void *args;
    ct_optim *o = NULL;
    ct_doc *doc = ct_doc_new();
    ct_status status = doc ? read_optimizer(doc, optimizer, &kind, &args) : CT_NO_MEMORY;
    if (!status && n < 1) status = ct_fail(CT_FAIL, "optimizer: there are no parameters to train");
    if (!status) status = ct_optim_new(kind, args, params, n, &o);
    ct_doc_free(doc);
    return status ? refuse(status) : o;
}

ct_status ct_optim_add_group(ct_optim *o, const char *optimizer, ct_tensor *const *params, int n) {
    const ct_optimizer *kind;
    void *args;
    ct_doc *doc = ct_doc_new();
    ct_status status = doc ? read_optimizer(doc, optimizer, &kind, &args) : CT_NO_MEMORY;
    if (!status) status = ct_optim_add(o, kind, args, params, n);
    ct_doc_free(doc);
    ct_scope_note(status);
    return status;
}
