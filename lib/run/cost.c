#include "run/cost.h"
#include "base/alloc.h"
#include "base/number.h"
#include "ops/work.h"
#include "run/model.h"
#include "run/train.h"
#include <stdlib.h>

/* ---- layers ---- */

typedef struct look {
    const ct_module *const *module;
    int n;
    ct_cost *out;
    const ct_storage **kept; /* what the backward reads, sorted */
    size_t n_kept;
} look;

static int by_address(const void *a, const void *b) {
    const ct_storage *x = *(const ct_storage *const *)a, *y = *(const ct_storage *const *)b;
    return (x > y) - (x < y);
}

static bool saves(unsigned bits, int i) { return bits >> CT_MIN(i, 31) & 1; }

/* Lists what the gradients of the forward's ops read. */
static ct_status find_kept(look *k, const ct_graph *g) {
    size_t n = 0;
    for (size_t i = 0; i < g->n; i++) n += (size_t)(g->node[i]->n_in + g->node[i]->n_out);
    if (!(k->kept = ct_alloc(n, sizeof *k->kept))) return CT_NO_MEMORY;
    for (size_t i = 0; i < g->n; i++) {
        const ct_node *node = g->node[i];
        if (node->quiet || !node->op->grad) continue;
        for (int j = 0; j < node->n_in; j++)
            if (node->in[j] && saves(node->op->saves_in, j)) k->kept[k->n_kept++] = node->in[j]->storage;
        for (int j = 0; j < node->n_out; j++)
            if (saves(node->op->saves_out, j)) k->kept[k->n_kept++] = node->out[j].storage;
    }
    qsort(k->kept, k->n_kept, sizeof *k->kept, by_address);
    return CT_OK;
}

static bool is_kept(const look *k, const ct_storage *s) {
    return s && bsearch(&s, k->kept, k->n_kept, sizeof s, by_address);
}

/* Ops that take lists, which may be longer, multiply nothing. */
static int64_t work_of(const ct_node *node) {
    ct_layout in[CT_MAX_IN] = {0}, out[CT_MAX_IN] = {0};
    int n_in = CT_MIN(node->n_in, CT_MAX_IN), n_out = CT_MIN(node->n_out, CT_MAX_IN);
    for (int i = 0; i < n_in; i++)
        if (node->in[i]) in[i] = node->in[i]->layout;
    for (int i = 0; i < n_out; i++) out[i] = node->out[i].layout;
    return ct_work(&(ct_call){ct_op_id(node->op), n_in, n_out, in, out, node->args, .bf16 = node->bf16});
}

static void add_node(const look *k, const ct_node *node, ct_cost *to) {
    to->ops++;
    to->multiply_adds = ct_count_add(to->multiply_adds, work_of(node));
    for (int j = 0; j < node->n_out && !(node->op->flags & CT_IS_VIEW); j++)
        if (is_kept(k, node->out[j].storage)) to->bytes = ct_count_add(to->bytes, (int64_t)node->out[j].storage->bytes);
}

/* Whether a list inside the module has the node. */
static bool is_inside(const ct_module *m, size_t i) {
    for (int c = 0; c < m->n_children; c++)
        if (!m->child[c]->layer && i - m->child[c]->node < m->child[c]->nodes) return true;
    return false;
}

static ct_status add_costs(void *ctx, const ct_graph *g) {
    look *k = ctx;
    ct_status status = find_kept(k, g);
    for (int i = 0; !status && i < k->n; i++) {
        const ct_module *m = k->module[i];
        for (size_t j = m->node; j < m->node + m->nodes; j++)
            if (!is_inside(m, j)) add_node(k, g->node[j], &k->out[i]);
    }
    ct_free(k->kept);
    return status;
}

/* ---- memory ---- */

static int64_t bytes_of(const ct_tensor *t) { return (int64_t)t->storage->bytes; }

static ct_status add_weights(const ct_net *net, ct_optim *o, ct_memory_report *out) {
    ct_module *m = net->module;
    int n = ct_module_count(m), n_trained;
    ct_entry *entry = ct_alloc((size_t)n, sizeof *entry);
    if (!entry) return CT_NO_MEMORY;
    ct_module_entries(m, entry);
    ct_tensor *const *trained = ct_optim_params(o, &n_trained);
    for (int i = 0; i < n; i++) {
        int64_t bytes = bytes_of(entry[i].param->tensor);
        out->parameters = ct_count_add(out->parameters, bytes);
        if ((net->spec->train.ema.decay > 0 || net->spec->train.swa.start) &&
            ct_run_averages(net->spec, entry[i].param))
            out->averages = ct_count_add(out->averages, bytes);
    }
    for (int i = 0; i < n_trained; i++) {
        const char *name;
        const ct_tensor *state;
        out->gradients = ct_count_add(out->gradients, bytes_of(trained[i]));
        for (int s = 0; (state = ct_optim_state(o, trained[i], s, &name)); s++)
            out->optimizer = ct_count_add(out->optimizer, bytes_of(state));
    }
    ct_free(entry);
    return CT_OK;
}

void ct_cost_samples(const ct_spec *spec, const ct_data_size *data, int64_t *n_train, int64_t *n_held_out) {
    double fraction = spec->data.validation;
    int64_t train = data->train < 0 ? INT32_MAX : data->train, test = data->test < 0 ? INT32_MAX : data->test;
    *n_held_out = fraction < 0 ? test : (int64_t)((double)train * fraction + 0.5);
    *n_train = fraction < 0 ? train : train - *n_held_out;
}

/* The plan of training, and that of evaluation, which has the same arena. Gradients are values of it too, all there
   when the optimizer reads them; the others may lie where they come to be. */
static ct_status look_at_plans(ct_step *s, int64_t batch, int64_t held_out, look *k, ct_memory_report *out) {
    ct_step_view view = {.graph = add_costs, .ctx = k};
    ct_step_bytes train, eval = {0};
    CT_TRY(ct_step_look(s, batch, true, &view, &train));
    if (held_out) CT_TRY(ct_step_look(s, held_out, false, NULL, &eval));
    const ct_step_bytes *larger = eval.values + eval.workspace > train.values + train.workspace ? &eval : &train;
    int64_t gradients = CT_MIN(out->gradients, (int64_t)larger->values);
    out->activations = (int64_t)larger->values - gradients, out->workspace = (int64_t)larger->workspace;
    out->gradients = ct_step_net(s)->spec->train.accumulate > 1 ? ct_count_add(out->gradients, gradients) : gradients;
    out->plans = (int64_t)(train.own + eval.own);
    return CT_OK;
}

static int64_t sample_bytes(const ct_layout *l) { return (int64_t)ct_layout_bytes(l) / l->size[0]; }

static ct_status look_at_step(const ct_net *net, int64_t batch, int64_t held_out, ct_optim *optim, look *k,
                              ct_memory_report *out) {
    ct_step *s;
    CT_TRY(add_weights(net, optim, out));
    CT_TRY(ct_step_new(net, optim, CT_MAX(batch, held_out), false, &s));
    ct_status status = look_at_plans(s, batch, held_out, k, out);
    ct_step_free(s);
    for (int i = 0; i < k->n; i++) k->out[i].multiply_adds = (k->out[i].multiply_adds + batch - 1) / batch;
    int64_t samples = CT_MAX(batch, held_out) * (ct_threads() > 1 ? 2 : 1); /* the next batch too: ahead.h */
    for (int i = 0; i < net->fields.n; i++)
        out->batch = ct_count_add(out->batch, ct_count_mul(sample_bytes(&net->fields.of[i].layout), samples));
    return status;
}

ct_status ct_cost_look(const ct_net *net, const ct_data_size *data, const ct_module *const *module, int n, ct_cost *out,
                       int64_t *batch, ct_memory_report *memory) {
    look k = {.module = module, .n = n, .out = out};
    int64_t n_train, held_out;
    ct_optim *optim;
    ct_cost_samples(net->spec, data, &n_train, &held_out);
    *batch = CT_MIN(net->spec->train.batch_size, n_train), held_out = held_out ? ct_net_batch(net, held_out) : 0;
    *memory = (ct_memory_report){.data = data->bytes};
    CT_TRY(ct_run_optimizer(net->spec, net->module, &optim));
    ct_status status = look_at_step(net, *batch, held_out, optim, &k, memory);
    ct_optim_free(optim);
    return status;
}
