/* Steps of optimizers. Inputs: n parameters, n gradients (some may be absent), the lists of state, of n each, learning
   rate, step. Outputs: the new parameters and state, each in the place of the old. */
#include "ops/shape_util.h"

static ct_status update_shape(const char *op, const ct_layout *in, int n_in, int states, ct_layout *out, int *n_out) {
    int n = (n_in - 2) / (2 + states);
    if (n < 1 || n_in != n * (2 + states) + 2)
        return ct_shape_fail(op, "%d inputs are not parameters, gradients, %d lists of state, lr and step", n_in,
                             states);
    for (int i = n_in - 2; i < n_in; i++) {
        if (!ct_is_float(in[i].dtype)) return ct_shape_fail(op, "lr and step are floats");
        CT_TRY(ct_want_ndim(op, "lr, and step,", &in[i], 0, 0));
    }
    for (int i = 0; i < n_in - 2; i++) {
        const ct_layout *p = &in[i % n];
        bool absent = in[i].dtype == CT_NONE && i / n == 1;
        CT_TRY(ct_want_floats(op, p, 1));
        if (absent) continue;
        if (in[i].dtype != p->dtype)
            return ct_shape_fail(op, "a parameter is %s, its gradient or state %s", ct_dtype_name(p->dtype),
                                 ct_dtype_name(in[i].dtype));
        CT_TRY(ct_want_sizes(op, "a gradient or state", &in[i], p->size, p->ndim));
    }
    *n_out = n * (1 + states);
    for (int i = 0; i < *n_out; i++) {
        const ct_layout *old = &in[i < n ? i : n + i];
        CT_TRY(ct_shape_make(op, old, old->dtype, old->size, old->ndim, &out[i]));
    }
    return CT_OK;
}

static int update_place(int n_in, int states, int i) {
    int n = (n_in - 2) / (2 + states);
    return i < n ? i : n + i;
}

static int sgd_states(const ct_sgd_args *a) { return a->momentum != 0; }
static int adam_states(const ct_adam_args *a) { return 2 + a->amsgrad; }
static int adamw_states(const ct_adamw_args *a) { return 2 + a->amsgrad; }
static int rmsprop_states(const ct_rmsprop_args *a) { return 1 + (a->momentum > 0) + a->centered; }

static int no_state(const void *a) {
    (void)a;
    return 0;
}
static int one_state(const void *a) {
    (void)a;
    return 1;
}
static int two_states(const void *a) {
    (void)a;
    return 2;
}
#define adagrad_states one_state
#define adadelta_states two_states
#define adamax_states two_states
#define radam_states two_states
#define nadam_states two_states
#define lion_states one_state
#define lamb_states two_states
#define muon_states one_state
#define average_states no_state

#define PLACE(name) \
    int ct_place_##name(int n_in, const void *args, int i) { return update_place(n_in, name##_states(args), i); }
#define UPDATE(name)                                                                        \
    SHAPE(name) { return update_shape(#name, in, n_in, name##_states(args_), out, n_out); } \
    PLACE(name)
UPDATE(sgd)
UPDATE(adam)
UPDATE(adamw)
UPDATE(rmsprop)
UPDATE(adagrad)
UPDATE(adadelta)
UPDATE(adamax)
UPDATE(radam)
UPDATE(nadam)
UPDATE(lion)
UPDATE(lamb)
UPDATE(average)

SHAPE(muon) {
    for (int i = 0; i < (n_in - 2) / 3; i++) CT_TRY(ct_want_ndim("muon", "a parameter,", &in[i], 2, 2));
    return update_shape("muon", in, n_in, muon_states(args_), out, n_out);
}
PLACE(muon)
