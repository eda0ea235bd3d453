/* The steps of one layer of an LSTM as one op: a kernel that keeps the gates, and one for all its gradients. */
#include "base/alloc.h"
#include "ops/recurrent.h"
#include "ops/shape_util.h"

enum { GATES, W_HH, H0, C0 };
enum { Y, CELL, ACT };

static ct_status want(const ct_layout *gates, const ct_layout *w, const ct_layout *h0, const ct_layout *c0) {
    CT_TRY(ct_want_ndim("lstm", "the gates", gates, 3, 3));
    CT_TRY(ct_want_ndim("lstm", "weight_hh", w, 2, 2));
    CT_TRY(ct_want_sizes("lstm", "weight_hh", w, (int64_t[]){gates->size[2], gates->size[2] / 4}, 2));
    int64_t state[] = {gates->size[1], gates->size[2] / 4};
    if (h0) CT_TRY(ct_want_sizes("lstm", "h0", h0, state, 2));
    return ct_want_sizes("lstm", "c0", c0, state, 2);
}

SHAPE(lstm_steps) {
    (void)args_;
    *n_out = 3;
    CT_TRY(ct_want_there("lstm", in, n_in));
    CT_TRY(ct_want_floats("lstm", in, n_in));
    CT_TRY(want(&in[GATES], &in[W_HH], &in[H0], &in[C0]));
    const int64_t *size = in[GATES].size, small[] = {size[0], size[1], size[2] / 4};
    for (int i = Y; i <= ACT; i++) CT_TRY(ct_shape_make("lstm", NULL, in->dtype, i == ACT ? size : small, 3, &out[i]));
    return CT_OK;
}

/* The state before each step (L N, H): the first one, then the results of all but the last. */
static ct_tensor *states_before(ct_tensor *h0, ct_tensor *y, bool reverse) {
    const int64_t *n = y->layout.size;
    ct_slice_args others = {.start = CT_DIMS(reverse), .stop = CT_DIMS(n[0] - !reverse)};
    ct_tensor *first = ct_unsqueeze(h0, (ct_dim_args){.dim = 0}), *rest = ct_slice(y, others);
    ct_tensor *all = n[0] > 1 ? ct_cat(reverse ? (ct_tensor *[]){rest, first} : (ct_tensor *[]){first, rest}, 2,
                                       (ct_dim_args){.dim = 0})
                              : first;
    return ct_reshape_to(all, (int64_t[]){n[0] * n[1], n[2]}, 2);
}

GRAD(lstm_steps) {
    ARGS(recurrent);
    (void)n_in;
    ct_tensor *d[8], *back[] = {g[Y], g[CELL], in[W_HH], in[C0], out[CELL], out[ACT]};
    if (!g[Y] && !g[CELL]) return;
    for (int i = 0; i < 2; i++) back[i] = back[i] ? ct_contiguous(back[i]) : NULL;
    if (ct_why(d[0] = ct_apply(CT_OP_lstm_back, back, 6, args, d))) d[1] = d[2] = d[0];
    const int64_t *size = out[ACT]->layout.size;
    if (need[GATES]) din[GATES] = d[0];
    if (need[W_HH])
        din[W_HH] = ct_matmul(ct_transpose(ct_reshape_to(d[0], (int64_t[]){size[0] * size[1], size[2]}, 2),
                                           (ct_transpose_args){.dim1 = 1}),
                              states_before(in[H0], out[Y], args->reverse));
    if (need[H0]) din[H0] = d[1];
    if (need[C0]) din[C0] = d[2];
}

SHAPE(lstm_back) {
    (void)args_;
    *n_out = 3;
    CT_TRY(ct_want_there("lstm", in + 2, n_in - 2));
    CT_TRY(ct_want_floats("lstm", in + 2, n_in - 2));
    CT_TRY(want(&in[5], &in[2], NULL, &in[3]));
    for (int i = 0; i < 2; i++)
        if (in[i].dtype) CT_TRY(ct_want_sizes("lstm", "a gradient", &in[i], in[4].size, 3));
    CT_TRY(ct_shape_make("lstm", NULL, in[4].dtype, in[5].size, 3, &out[0]));
    for (int i = 1; i < 3; i++) CT_TRY(ct_shape_make("lstm", NULL, in[4].dtype, in[3].size, 2, &out[i]));
    return CT_OK;
}

/* i, f, g, o: c = f c + i g, h = o tanh(c). */
static void step(ct_recurrent *r, ct_tensor *gates, int64_t t) {
    gates = ct_add(gates, ct_linear(r->h, r->w_hh, NULL));
    int64_t n = r->hidden;
    ct_tensor *i = ct_sigmoid(ct_gate(gates, 0, n)), *f = ct_sigmoid(ct_gate(gates, 1, n));
    ct_tensor *g = ct_tanh(ct_gate(gates, 2, n)), *o = ct_sigmoid(ct_gate(gates, 3, n));
    r->cell[t] = r->c = ct_add(ct_mul(f, r->c), ct_mul(i, g));
    r->act[t] = ct_cat((ct_tensor *[]){i, f, g, o}, 4, (ct_dim_args){.dim = 1});
    r->y[t] = r->h = ct_mul(o, ct_tanh(r->c));
}

FORMULA(lstm_steps) {
    ARGS(recurrent);
    (void)n_in;
    int n = (int)in[GATES]->layout.size[0];
    ct_tensor **all = ct_alloc(3 * (size_t)n, sizeof *all);
    if (!all) return ct_tensor_failed(CT_NO_MEMORY);
    ct_recurrent r = {.w_hh = in[W_HH],
                      .h = in[H0],
                      .c = in[C0],
                      .hidden = in[W_HH]->layout.size[1],
                      .reverse = args->reverse,
                      .y = all,
                      .cell = all + n,
                      .act = all + 2 * n,
                      .step = step};
    ct_recurrent_steps(&r, in[GATES], 0);
    ct_tensor *result[3];
    for (int i = Y; i <= ACT; i++) result[i] = out || !i ? ct_stack(all + i * n, n, (ct_dim_args){.dim = 0}) : NULL;
    for (int i = Y; out && i <= ACT; i++) out[i] = result[i];
    ct_free(all);
    return result[Y];
}
