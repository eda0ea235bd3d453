#include "optim/optim.h"
#include "base/alloc.h"
#include "tensor/scope.h"
#include <string.h>

/* ---- the rows: the op of a step, and PyTorch's names of what it remembers ---- */
static int sgd_states(const void *a) { return ((const ct_sgd_args *)a)->momentum != 0; }
static int adam_states(const void *a) { return 2 + ((const ct_adam_args *)a)->amsgrad; }
static int adamw_states(const void *a) { return 2 + ((const ct_adamw_args *)a)->amsgrad; }
static int rmsprop_states(const void *a) {
    const ct_rmsprop_args *r = a;
    return 1 + (r->momentum > 0) + r->centered;
}

static ct_optimizer rows[] = {
    {.op = CT_OP_sgd, .n_state = sgd_states, .state_name = {"momentum_buffer"}},
    {.op = CT_OP_adam, .n_state = adam_states, .state_name = {"exp_avg", "exp_avg_sq", "max_exp_avg_sq"}},
    {.op = CT_OP_adamw, .n_state = adamw_states, .state_name = {"exp_avg", "exp_avg_sq", "max_exp_avg_sq"}},
    {.op = CT_OP_rmsprop, .n_state = rmsprop_states, .state_name = {"square_avg", "momentum_buffer", "grad_avg"}},
    {.op = CT_OP_adagrad, .state_name = {"sum"}},
    {.op = CT_OP_adadelta, .state_name = {"square_avg", "acc_delta"}},
    {.op = CT_OP_adamax, .state_name = {"exp_avg", "exp_inf"}},
    {.op = CT_OP_radam, .state_name = {"exp_avg", "exp_avg_sq"}},
    {.op = CT_OP_nadam, .state_name = {"exp_avg", "exp_avg_sq"}},
    {.op = CT_OP_lion, .state_name = {"exp_avg"}},
    {.op = CT_OP_lamb, .state_name = {"exp_avg", "exp_avg_sq"}},
    {.op = CT_OP_muon, .state_name = {"momentum_buffer"}, .ndim = 2},
};
static const ct_kind *kinds[CT_COUNT(rows)];

__attribute__((constructor)) static void name_rows(void) {
    for (int i = 0; i < CT_COUNT(rows); i++) {
        rows[i].kind = ct_op_get(rows[i].op)->kind;
        kinds[i] = &rows[i].kind;
    }
}

const ct_kind *const *ct_optimizer_kinds(int *n) {
    *n = CT_COUNT(rows);
    return kinds;
}

const ct_optimizer *ct_optimizer_find(const char *name) {
    for (int i = 0; i < CT_COUNT(rows); i++)
        if (!strcmp(rows[i].kind.name, name)) return &rows[i];
    return NULL;
}

/* ---- an optimizer at work ---- */

/* Parameters that share optimizer and settings. */
typedef struct group {
    const ct_optimizer *kind;
    void *args;
    ct_tensor **list; /* the op's inputs: n params, n gradients, states of n each, lr, count */
    int n, n_state;
    bool maximize;
    ct_tensor *lr;
} group;

struct ct_optim {
    group *group;
    int n_groups;
    size_t cap;
    ct_tensor **params; /* of all groups, in order */
    int n;
    ct_tensor *count;
};

/* How many tensors are remembered a parameter: all that have a name, unless the row counts by its arguments. */
static int states(const ct_optimizer *kind, const void *args) {
    if (kind->n_state) return kind->n_state(args);
    int n = 0;
    while (n < CT_MAX_STATES && kind->state_name[n]) n++;
    return n;
}

static void group_free(group *g) {
    for (int i = 2 * g->n; g->list && i < (2 + g->n_state) * g->n; i++) ct_drop(g->list[i]);
    ct_drop(g->lr);
    ct_free(g->args), ct_free(g->list);
}

bool ct_optimizer_takes(const ct_optimizer *kind, const ct_tensor *param) {
    return !kind->ndim || param->layout.ndim == kind->ndim;
}

static ct_status fill(group *g, ct_tensor *const *params) {
    for (int p = 0; p < g->n; p++) {
        char is[128];
        ct_layout_text(&params[p]->layout, is, sizeof is);
        if (!ct_optimizer_takes(g->kind, params[p]))
            return ct_fail(CT_FAIL, "%s: parameter %d is %s, wanted %d dimensions", g->kind->kind.name, p, is,
                           g->kind->ndim);
        g->list[p] = params[p];
        for (int i = 0; i < g->n_state; i++) {
            ct_tensor *t = ct_zeros_as(params[p]);
            if (ct_why(t)) return t->status;
            g->list[(2 + i) * g->n + p] = ct_keep(t);
        }
    }
    double lr;
    memcpy(&lr, (char *)g->args + ct_key_find(g->kind->kind.keys, "lr")->offset, sizeof lr);
    g->lr = ct_keep(ct_scalar(CT_F64, lr));
    const ct_key *maximize = ct_key_find(g->kind->kind.keys, "maximize");
    g->maximize = maximize && *((const bool *)g->args + maximize->offset);
    return ct_why(g->lr) ? CT_NO_MEMORY : CT_OK;
}

ct_status ct_optim_add(ct_optim *o, const ct_optimizer *kind, const void *args, ct_tensor *const *params, int n) {
    group *all = ct_grow(o->group, (size_t)o->n_groups, &o->cap, sizeof *all);
    if (!all) return CT_NO_MEMORY;
    o->group = all;
    ct_tensor **list = ct_realloc(o->params, (size_t)(o->n + n) + 1, sizeof *list);
    if (!list) return CT_NO_MEMORY;
    o->params = list;
    group g = {.kind = kind, .n = n, .n_state = states(kind, args), .args = ct_alloc(1, kind->kind.args_size)};
    g.list = ct_alloc((size_t)(2 + g.n_state) * (size_t)n + 2, sizeof *g.list);
    ct_status status = g.args && g.list ? CT_OK : CT_NO_MEMORY;
    if (!status) memcpy(g.args, args, kind->kind.args_size);
    if (!status) status = fill(&g, params);
    if (status) {
        group_free(&g);
        return status;
    }
    memcpy(o->params + o->n, params, (size_t)n * sizeof *params);
    o->n += n;
    o->group[o->n_groups++] = g;
    return CT_OK;
}

ct_status ct_optim_new(const ct_optimizer *kind, const void *args, ct_tensor *const *params, int n, ct_optim **out) {
    ct_optim *o = ct_alloc(1, sizeof *o);
    if (!o) return CT_NO_MEMORY;
    o->count = ct_keep(ct_scalar(CT_F64, 0));
    ct_status status = ct_why(o->count) ? CT_NO_MEMORY : ct_optim_add(o, kind, args, params, n);
    if (status)
        ct_optim_free(o);
    else
        *out = o;
    return status;
}

void ct_optim_free(ct_optim *o) {
    if (!o) return;
    for (int i = 0; i < o->n_groups; i++) group_free(&o->group[i]);
    ct_drop(o->count);
    ct_free(o->group), ct_free(o->params), ct_free(o);
}

static ct_status step(ct_optim *o) {
    CT_TRY(ct_scope_status());
    CT_TRY(ct_set(o->count, ct_add_scalar(o->count, 1)));
    for (group *g = o->group; g < o->group + o->n_groups; g++) {
        int n_in = (2 + g->n_state) * g->n;
        for (int p = 0; p < g->n; p++) {
            ct_tensor *grad = ct_grad(g->list[p]);
            g->list[g->n + p] = grad && g->maximize ? ct_neg(grad) : grad;
        }
        g->list[n_in] = g->lr, g->list[n_in + 1] = o->count;
        if (g->n) CT_TRY(ct_apply_in_place(g->kind->op, g->list, n_in + 2, g->args));
    }
    return CT_OK;
}

ct_status ct_optim_step(ct_optim *o) {
    if (!o) return ct_fail(CT_FAIL, "step: there is no optimizer");
    ct_scope *guard = ct_scope_guard();
    ct_no_grad_begin();
    ct_status status = step(o);
    ct_no_grad_end();
    ct_scope_end(guard, NULL);
    ct_scope_note(status);
    return status;
}

void ct_optim_zero_grad(ct_optim *o) {
    for (int p = 0; o && p < o->n; p++) ct_zero_grad(o->params[p]);
}

ct_tensor *const *ct_optim_params(const ct_optim *o, int *n) {
    *n = o->n;
    return o->params;
}

int ct_optim_groups(const ct_optim *o) { return o->n_groups; }
ct_tensor *ct_optim_lr(ct_optim *o, int i) { return o->group[i].lr; }
ct_tensor *ct_optim_count(ct_optim *o) { return o->count; }

ct_tensor *ct_optim_state(const ct_optim *o, const ct_tensor *param, int i, const char **name) {
    for (const group *g = o->group; g < o->group + o->n_groups; g++)
        for (int p = 0; p < g->n; p++) {
            if (g->list[p] != param || i >= g->n_state) continue;
            /* RMSprop without momentum skips a name */
            bool skips = g->kind->op == CT_OP_rmsprop && i == 1 && ((const ct_rmsprop_args *)g->args)->momentum == 0;
            *name = g->kind->state_name[i + skips];
            return g->list[(2 + i) * g->n + p];
        }
    return NULL;
}
