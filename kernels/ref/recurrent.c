/* The steps of one layer of an LSTM (Hochreiter and Schmidhuber, 1997; gates i, f, g, o as in PyTorch), and their
   gradients. */
#ifndef T
#include "kernels/ref/ref.h"

/* The times at step s and at the one before it, -1 at the first. */
typedef struct lstm_time {
    int64_t now, before;
} lstm_time;

static lstm_time time_of(const ct_call *call, int64_t steps, int64_t s) {
    if (((const ct_recurrent_args *)call->args)->reverse) return (lstm_time){steps - 1 - s, s ? steps - s : -1};
    return (lstm_time){s, s - 1};
}

static int64_t at3(const ct_layout *l, int64_t i, int64_t j, int64_t k) {
    return i * l->stride[0] + j * l->stride[1] + k * l->stride[2];
}
static int64_t at2(const ct_layout *l, int64_t i, int64_t j) { return i * l->stride[0] + j * l->stride[1]; }

#define BODY "kernels/ref/recurrent.c"
#include "kernels/ref/floats.h"
FLOAT_KERNEL(lstm_steps)
FLOAT_KERNEL(lstm_back)
#else

/* The gates (four) of unit j of sample n, from the state h. */
static void F(lstm_gates)(const ct_call *call, const T *gates, const T *w, const T *h, const int64_t h_step, int64_t j,
                          double z[4]) {
    const ct_layout *lw = &call->in[1];
    int64_t H = lw->size[1];
    for (int64_t q = 0; q < 4; q++) {
        z[q] = gates[(q * H + j) * call->in[0].stride[2]];
        for (int64_t k = 0; k < H; k++) z[q] += (double)h[k * h_step] * w[at2(lw, q * H + j, k)];
        z[q] = q == 2 ? ct_tanh_f64(z[q]) : 1 / (1 + ct_exp_f64(-z[q]));
    }
}

RUN_OF(F(lstm_steps)) { /* gates (L, N, 4 H), w_hh (4 H, H), h0, c0 (N, H): y, cell (L, N, H), act (L, N, 4 H) */
    const ct_layout *lg = &call->in[0], *lh = &call->in[2], *lc = &call->in[3], *ly = call->out, *lcell = &call->out[1];
    const T *gates = in[0], *h0 = in[2], *c0 = in[3];
    T *y = out[0], *cell = out[1], *act = out[2];
    int64_t L = lg->size[0], N = lg->size[1], H = call->in[1].size[1];
    for (int64_t s = 0; s < L; s++) {
        lstm_time t = time_of(call, L, s);
        for (int64_t n = 0; n < N; n++)
            for (int64_t j = 0; j < H; j++) {
                double z[4], c = s ? cell[at3(lcell, t.before, n, j)] : c0[at2(lc, n, j)];
                F(lstm_gates)
                (call, gates + at3(lg, t.now, n, 0), in[1], s ? y + at3(ly, t.before, n, 0) : h0 + at2(lh, n, 0),
                 s ? ly->stride[2] : lh->stride[1], j, z);
                for (int64_t q = 0; q < 4; q++) act[at3(&call->out[2], t.now, n, q * H + j)] = (T)z[q];
                c = z[1] * c + z[0] * z[2];
                cell[at3(lcell, t.now, n, j)] = (T)c;
                y[at3(ly, t.now, n, j)] = (T)(z[3] * ct_tanh_f64(c));
            }
    }
}

/* What reaches h of sample n, unit j, from the gates' gradients at time t. */
static double F(lstm_through)(const ct_call *call, const T *w, const T *dgates, int64_t t, int64_t n, int64_t j) {
    const ct_layout *lw = &call->in[2], *ld = call->out;
    double sum = 0;
    for (int64_t r = 0; r < lw->size[0]; r++) sum += (double)dgates[at3(ld, t, n, r)] * w[at2(lw, r, j)];
    return sum;
}

RUN_OF(F(lstm_back)) { /* dy, dcell, w_hh, c0, cell, act: dgates, dh0, dc0 */
    const ct_layout *lc = &call->in[4], *la = &call->in[5], *ld = call->out;
    const T *dy = in[0], *dcell = in[1], *c0 = in[3], *cell = in[4], *act = in[5];
    T *dgates = out[0], *dh0 = out[1], *dc0 = out[2];
    int64_t L = lc->size[0], N = lc->size[1], H = lc->size[2];
    for (int64_t n = 0; n < N; n++)
        for (int64_t j = 0; j < H; j++) dc0[at2(&call->out[2], n, j)] = 0; /* on its way: the gradient of the cell */
    for (int64_t s = L - 1; s >= 0; s--) {
        lstm_time t = time_of(call, L, s), after = s + 1 < L ? time_of(call, L, s + 1) : (lstm_time){-1, -1};
        for (int64_t n = 0; n < N; n++)
            for (int64_t j = 0; j < H; j++) {
                double a[4], d[4], dh = dy ? dy[at3(&call->in[0], t.now, n, j)] : 0;
                if (s + 1 < L) dh += F(lstm_through)(call, in[2], dgates, after.now, n, j);
                for (int64_t q = 0; q < 4; q++) a[q] = act[at3(la, t.now, n, q * H + j)];
                double before = s ? cell[at3(lc, t.before, n, j)] : c0[at2(&call->in[3], n, j)];
                double c = ct_tanh_f64(cell[at3(lc, t.now, n, j)]),
                       dc = dc0[at2(&call->out[2], n, j)] + dh * a[3] * (1 - c * c);
                if (dcell) dc += dcell[at3(&call->in[1], t.now, n, j)];
                d[0] = dc * a[2] * a[0] * (1 - a[0]), d[1] = dc * before * a[1] * (1 - a[1]);
                d[2] = dc * a[0] * (1 - a[2] * a[2]), d[3] = dh * c * a[3] * (1 - a[3]);
                for (int64_t q = 0; q < 4; q++) dgates[at3(ld, t.now, n, q * H + j)] = (T)d[q];
                dc0[at2(&call->out[2], n, j)] = (T)(dc * a[1]);
            }
    }
    int64_t first = L ? time_of(call, L, 0).now : 0;
    for (int64_t n = 0; n < N; n++)
        for (int64_t j = 0; j < H; j++)
            dh0[at2(&call->out[1], n, j)] = L ? (T)F(lstm_through)(call, in[2], dgates, first, n, j) : 0;
}
#endif
