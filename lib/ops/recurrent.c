/* Recurrent layers, step by step. */
#include "ops/shape_util.h"

enum { X, W_IH, W_HH, B_IH, B_HH, H0, C0 };

/* One layer at work. The steps are found by halving the sequence: so the gradient of the parts costs what the sequence
   does times the logarithm of its length, not times its length. */
typedef struct layer {
    ct_tensor *w_hh, *b_hh, *h, *c; /* h and c (N, hidden): the state */
    int64_t hidden;
    bool reverse;
    ct_tensor **y; /* h of each step */
    void (*step)(struct layer *l, ct_tensor *gates);
} layer;

static ct_tensor *columns(ct_tensor *t, int64_t i, int64_t n) {
    return ct_slice(t, (ct_slice_args){.start = CT_DIMS(0, i * n), .stop = CT_DIMS(t->layout.size[0], (i + 1) * n)});
}

/* Steps `first` on, of which `gates` (steps, N, gates) has the inputs' share. */
static void steps(layer *l, ct_tensor *gates, int64_t first) {
    int64_t n = gates->layout.size[0], half = n / 2;
    if (ct_why(gates) || n < 1) return;
    if (n == 1) {
        l->step(l, ct_squeeze(gates, (ct_dim_args){.dim = 0}));
        l->y[first] = l->h;
        return;
    }
    ct_tensor *early = ct_slice(gates, (ct_slice_args){.start = CT_DIMS(0), .stop = CT_DIMS(half)});
    ct_tensor *late = ct_slice(gates, (ct_slice_args){.start = CT_DIMS(half), .stop = CT_DIMS(n)});
    if (l->reverse) steps(l, late, first + half);
    steps(l, early, first);
    if (!l->reverse) steps(l, late, first + half);
}

static ct_tensor *of_state(layer *l) { return ct_linear(l->h, l->w_hh, l->b_hh); }

static void tanh_step(layer *l, ct_tensor *gates) { l->h = ct_tanh(ct_add(gates, of_state(l))); }
static void relu_step(layer *l, ct_tensor *gates) { l->h = ct_relu(ct_add(gates, of_state(l))); }

/* r, z, n: h = (1 - z) n + z h. */
static void gru_step(layer *l, ct_tensor *gates) {
    ct_tensor *state = of_state(l);
    if (ct_why(state)) {
        l->h = state;
        return;
    }
    int64_t n = l->hidden;
    ct_tensor *r = ct_sigmoid(ct_add(columns(gates, 0, n), columns(state, 0, n)));
    ct_tensor *z = ct_sigmoid(ct_add(columns(gates, 1, n), columns(state, 1, n)));
    ct_tensor *next = ct_tanh(ct_add(columns(gates, 2, n), ct_mul(r, columns(state, 2, n))));
    l->h = ct_lerp(next, l->h, z);
}

/* i, f, g, o: c = f c + i g, h = o tanh(c). */
static void lstm_step(layer *l, ct_tensor *gates) {
    gates = ct_add(gates, of_state(l));
    if (ct_why(gates)) {
        l->h = gates;
        return;
    }
    int64_t n = l->hidden;
    ct_tensor *i = ct_sigmoid(columns(gates, 0, n)), *f = ct_sigmoid(columns(gates, 1, n));
    ct_tensor *g = ct_tanh(columns(gates, 2, n)), *o = ct_sigmoid(columns(gates, 3, n));
    l->c = ct_add(ct_mul(f, l->c), ct_mul(i, g));
    l->h = ct_mul(o, ct_tanh(l->c));
}

/* ---- the sequence ---- */
typedef struct kind {
    const char *op;
    int gates;
    void (*step)(layer *l, ct_tensor *gates);
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

/* Outputs (N, L, hidden) and last states, in the shapes that x came in. */
static ct_tensor *run(const kind *k, ct_tensor *const *in, int n_in, const ct_recurrent_args *args, ct_tensor **out) {
    ct_status status = want_inputs(k, in, n_in, args);
    if (status) return ct_tensor_failed(status);
    bool one = in[X]->layout.ndim == 2, swap = args->batch_first && !one;
    ct_transpose_args turn = {.dim0 = 0, .dim1 = 1};
    ct_tensor *gates = ct_linear(swap ? ct_transpose(in[X], turn) : in[X], in[W_IH], in[B_IH]);
    if (one) gates = ct_unsqueeze(gates, (ct_dim_args){.dim = 1});
    if (ct_why(gates)) return gates;
    layer l = {.w_hh = in[W_HH],
               .b_hh = in[B_HH],
               .hidden = in[W_HH]->layout.size[1],
               .reverse = args->reverse,
               .step = k->step};
    l.h = first_state(in[H0], &gates->layout, l.hidden);
    l.c = n_in > C0 ? first_state(in[C0], &gates->layout, l.hidden) : NULL;
    int n = (int)gates->layout.size[0];
    if (!(l.y = ct_alloc((size_t)n, sizeof *l.y))) return ct_tensor_failed(CT_NO_MEMORY);
    steps(&l, gates, 0);
    ct_tensor *y = ct_stack(l.y, n, (ct_dim_args){.dim = swap});
    ct_free(l.y);
    ct_dim_args batch = {.dim = 0};
    if (out) out[1] = one ? ct_squeeze(l.h, batch) : l.h;
    if (out && l.c) out[2] = one ? ct_squeeze(l.c, batch) : l.c;
    return one ? ct_squeeze(y, (ct_dim_args){.dim = 1}) : y;
}

#define RECURRENT(name, gates, step) \
    FORMULA(name) { return run(&(kind){#name, gates, step}, in, n_in, args_, out); }
RECURRENT(rnn_tanh, 1, tanh_step)
RECURRENT(rnn_relu, 1, relu_step)
RECURRENT(gru, 3, gru_step)
RECURRENT(lstm, 4, lstm_step)
