/* Recurrent layers, step by step. */
#include "ops/recurrent.h"
#include "base/alloc.h"
#include "ops/shape_util.h"

enum { X, W_IH, W_HH, B_IH, B_HH, H0, C0 };

ct_tensor *ct_gate(ct_tensor *t, int64_t i, int64_t n) {
    return ct_slice(t, (ct_slice_args){.start = CT_DIMS(0, i * n), .stop = CT_DIMS(t->layout.size[0], (i + 1) * n)});
}

void ct_recurrent_steps(ct_recurrent *r, ct_tensor *gates, int64_t first) {
    int64_t n = gates->layout.size[0], half = n / 2;
    if (ct_why(gates) || n < 1) return;
    if (n == 1) {
        r->step(r, ct_squeeze(gates, (ct_squeeze_args){CT_DIMS(0)}), first);
        return;
    }
    ct_tensor *early = ct_slice(gates, (ct_slice_args){.start = CT_DIMS(0), .stop = CT_DIMS(half)});
    ct_tensor *late = ct_slice(gates, (ct_slice_args){.start = CT_DIMS(half), .stop = CT_DIMS(n)});
    if (r->reverse) ct_recurrent_steps(r, late, first + half);
    ct_recurrent_steps(r, early, first);
    if (!r->reverse) ct_recurrent_steps(r, late, first + half);
}

static ct_tensor *of_state(ct_recurrent *r) { return ct_linear(r->h, r->w_hh, r->b_hh); }

static void tanh_step(ct_recurrent *r, ct_tensor *gates, int64_t t) {
    r->y[t] = r->h = ct_tanh(ct_add(gates, of_state(r)));
}
static void relu_step(ct_recurrent *r, ct_tensor *gates, int64_t t) {
    r->y[t] = r->h = ct_relu(ct_add(gates, of_state(r)));
}

/* r, z, n: h = (1 - z) n + z h. */
static void gru_step(ct_recurrent *r_, ct_tensor *gates, int64_t t) {
    ct_tensor *state = of_state(r_);
    int64_t n = r_->hidden;
    ct_tensor *r = ct_sigmoid(ct_add(ct_gate(gates, 0, n), ct_gate(state, 0, n)));
    ct_tensor *z = ct_sigmoid(ct_add(ct_gate(gates, 1, n), ct_gate(state, 1, n)));
    ct_tensor *next = ct_tanh(ct_add(ct_gate(gates, 2, n), ct_mul(r, ct_gate(state, 2, n))));
    r_->y[t] = r_->h = ct_lerp(next, r_->h, z);
}

/* ---- the sequence ---- */
typedef struct kind {
    const char *op;
    int gates;
    void (*step)(ct_recurrent *r, ct_tensor *gates, int64_t t); /* NULL: an LSTM's, which are one op */
} kind;

static ct_status want_inputs(const kind *k, ct_tensor *const *in, int n_in, const ct_recurrent_args *args) {
    const ct_layout *x = &in[X]->layout;
    CT_TRY(ct_want_floats(k->op, x, 1));
    CT_TRY(ct_want_ndim(k->op, "x", x, 2, 3));
    if (!in[W_IH] || !in[W_HH]) return ct_shape_fail(k->op, "weights are wanted");
    CT_TRY(ct_want_ndim(k->op, "weight_hh", &in[W_HH]->layout, 2, 2));
    int64_t hidden = in[W_HH]->layout.size[1], rows = k->gates * hidden;
    if (args->hidden_size && args->hidden_size != hidden)
        return ct_shape_fail(k->op, "hidden_size is %lld, the weights are for %lld", (long long)args->hidden_size,
                             (long long)hidden);
    CT_TRY(ct_want_sizes(k->op, "weight_hh", &in[W_HH]->layout, (int64_t[]){rows, hidden}, 2));
    CT_TRY(ct_want_sizes(k->op, "weight_ih", &in[W_IH]->layout, (int64_t[]){rows, x->size[x->ndim - 1]}, 2));
    int64_t batch = x->ndim == 2 ? 1 : x->size[args->batch_first ? 0 : 1], state[] = {batch, hidden};
    bool one = x->ndim == 2;
    for (int i = H0; i < n_in; i++)
        if (in[i]) CT_TRY(ct_want_sizes(k->op, "the first state", &in[i]->layout, state + one, 2 - one));
    if (!x->size[one || !args->batch_first ? 0 : 1]) return ct_shape_fail(k->op, "the sequence is empty");
    return CT_OK;
}

/* A state before the first step, (N, hidden). */
static ct_tensor *first_state(ct_tensor *t, const ct_layout *gates, int64_t hidden) {
    if (!t) return ct_constant(gates->dtype, CT_DIMS(gates->size[1], hidden), 0);
    return ct_reshape_to(t, (int64_t[]){gates->size[1], hidden}, 2);
}

/* All steps of gates (L, N, gates) from the states h and c (NULL but in an LSTM): results (L, N, hidden), last states.
 */
static ct_tensor *in_steps(const kind *k, ct_tensor *gates, ct_tensor *const *in, ct_tensor *h, bool reverse,
                           ct_tensor **last) {
    int n = (int)gates->layout.size[0];
    ct_recurrent r = {.w_hh = in[W_HH],
                      .b_hh = in[B_HH],
                      .h = h,
                      .hidden = in[W_HH]->layout.size[1],
                      .reverse = reverse,
                      .step = k->step};
    if (!(r.y = ct_alloc((size_t)n, sizeof *r.y))) return ct_tensor_failed(CT_NO_MEMORY);
    ct_recurrent_steps(&r, gates, 0);
    ct_tensor *y = ct_stack(r.y, n, (ct_dim_args){.dim = 0});
    ct_free(r.y);
    last[0] = r.h;
    return y;
}
static ct_tensor *in_one(ct_tensor *gates, ct_tensor *const *in, ct_tensor *h, ct_tensor *c, bool reverse,
                         ct_tensor **last) {
    int64_t L = gates->layout.size[0], at = reverse ? 0 : L - 1;
    ct_slice_args end = {.start = CT_DIMS(at), .stop = CT_DIMS(at + 1)};
    ct_tensor *out[8], *y = ct_apply(CT_OP_lstm_steps, (ct_tensor *[]){gates, in[W_HH], h, c}, 4,
                                     &(ct_recurrent_args){.reverse = reverse}, out);
    if (ct_why(y)) return y;
    for (int i = 0; i < 2; i++) last[i] = ct_squeeze(ct_slice(out[i], end), (ct_squeeze_args){CT_DIMS(0)});
    return y;
}

/* Outputs (N, L, hidden) and last states, in the shapes that x came in. */
static ct_tensor *run(const kind *k, ct_tensor *const *in, int n_in, const ct_recurrent_args *args, ct_tensor **out) {
    ct_status status = want_inputs(k, in, n_in, args);
    if (status) return ct_tensor_failed(status);
    bool one = in[X]->layout.ndim == 2, swap = args->batch_first && !one;
    ct_transpose_args turn = {.dim0 = 0, .dim1 = 1};
    int64_t hidden = in[W_HH]->layout.size[1];
    ct_tensor *bias = k->step || !in[B_HH] ? in[B_IH] : in[B_IH] ? ct_add(in[B_IH], in[B_HH]) : in[B_HH];
    ct_tensor *gates = ct_linear(swap ? ct_transpose(in[X], turn) : in[X], in[W_IH], bias);
    if (one) gates = ct_unsqueeze(gates, (ct_dim_args){.dim = 1});
    if (ct_why(gates)) return gates;
    ct_tensor *last[2] = {0}, *h = first_state(in[H0], &gates->layout, hidden);
    ct_tensor *y = k->step ? in_steps(k, gates, in, h, args->reverse, last)
                           : in_one(gates, in, h, first_state(in[C0], &gates->layout, hidden), args->reverse, last);
    for (int i = 0; i < 2 && out && last[i]; i++)
        out[1 + i] = one ? ct_squeeze(last[i], (ct_squeeze_args){CT_DIMS(0)}) : last[i];
    if (one) return ct_squeeze(y, (ct_squeeze_args){CT_DIMS(1)});
    return swap ? ct_transpose(y, turn) : y;
}

#define RECURRENT(name, gates, step) \
    FORMULA(name) { return run(&(kind){#name, gates, step}, in, n_in, args_, out); }
RECURRENT(rnn_tanh, 1, tanh_step)
RECURRENT(rnn_relu, 1, relu_step)
RECURRENT(gru, 3, gru_step)
RECURRENT(lstm, 4, NULL)
