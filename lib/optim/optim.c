#include "optim/optim.h"
#include "base/alloc.h"
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
struct ct_optim {
    const ct_optimizer *kind;
    void *args;
    ct_tensor **list; /* the op's inputs: n params, n gradients, states of n each, lr, count */
    int n, n_state;
    ct_tensor *lr, *count;
};

static ct_status fill(ct_optim *o, ct_tensor *const *params) {
    for (int p = 0; p < o->n; p++) {
        o->list[p] = params[p];
        for (int i = 0; i < o->n_state; i++) {
            ct_tensor *t = ct_zeros(params[p]->layout.dtype, ct_shape_of(params[p]));
            if (ct_why(t)) return t->status;
            o->list[(2 + i) * o->n + p] = ct_keep(t);
        }
    }
    double lr = 0;
    const ct_key *key = ct_key_find(o->kind->kind.keys, "lr");
    memcpy(&lr, (char *)o->args + key->offset, sizeof lr);
    o->lr = ct_keep(ct_scalar(CT_F64, lr)), o->count = ct_keep(ct_scalar(CT_F64, 0));
    return ct_why(o->lr) || ct_why(o->count) ? CT_NO_MEMORY : CT_OK;
}

/* How many tensors are remembered a parameter: all that have a name, unless the row counts by its arguments. */
static int states(const ct_optimizer *kind, const void *args) {
    if (kind->n_state) return kind->n_state(args);
    int n = 0;
    while (n < CT_MAX_STATES && kind->state_name[n]) n++;
    return n;
}

ct_status ct_optim_new(const ct_optimizer *kind, const void *args, ct_tensor *const *params, int n, ct_optim **out) {
    ct_optim *o = ct_alloc(1, sizeof *o);
    if (!o) return CT_NO_MEMORY;
    o->kind = kind, o->n = n, o->n_state = states(kind, args);
    o->args = ct_alloc(1, kind->kind.args_size);
    o->list = ct_alloc((size_t)(2 + o->n_state) * (size_t)n + 2, sizeof *o->list);
    ct_status status = o->args && o->list ? CT_OK : CT_NO_MEMORY;
    if (!status) memcpy(o->args, args, kind->kind.args_size);
    if (!status) status = fill(o, params);
    if (status) {
        ct_optim_free(o);
        return status;
    }
    *out = o;
    return CT_OK;
}

void ct_optim_free(ct_optim *o) {
    if (!o) return;
    for (int i = 2 * o->n; o->list && i < (2 + o->n_state) * o->n; i++) ct_drop(o->list[i]);
    ct_drop(o->lr), ct_drop(o->count);
    ct_free(o->args), ct_free(o->list), ct_free(o);
}

ct_status ct_optim_step(ct_optim *o) {
    ct_no_grad_begin();
    ct_status status = ct_set(o->count, ct_add_scalar(o->count, (ct_scalar_args){1}));
    int n_in = (2 + o->n_state) * o->n;
    for (int p = 0; p < o->n; p++) o->list[o->n + p] = ct_grad(o->list[p]);
    o->list[n_in] = o->lr, o->list[n_in + 1] = o->count;
    if (!status) status = ct_apply_in_place(o->kind->op, o->list, n_in + 2, o->args);
    ct_no_grad_end();
    return status;
}

void ct_optim_zero_grad(ct_optim *o) {
    for (int p = 0; p < o->n; p++) ct_zero_grad(o->list[p]);
}

ct_tensor *const *ct_optim_params(const ct_optim *o, int *n) {
    *n = o->n;
    return o->list;
}

ct_tensor *ct_optim_lr(ct_optim *o) { return o->lr; }
ct_tensor *ct_optim_count(ct_optim *o) { return o->count; }
int ct_optim_n_state(const ct_optim *o) { return o->n_state; }
ct_tensor *ct_optim_state(ct_optim *o, int p, int i) { return o->list[(2 + i) * o->n + p]; }
/* RMSprop without momentum skips a name: its states are those that are there, in order. */
const char *ct_optim_state_name(const ct_optim *o, int i) {
    bool skips = o->kind->op == CT_OP_rmsprop && i == 1 && ((const ct_rmsprop_args *)o->args)->momentum == 0;
    return o->kind->state_name[i + skips];
}
