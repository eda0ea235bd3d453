/* Recurrent layers, as torch.nn.RNN, LSTM and GRU: weight_ih_l0 (gates hidden, input), weight_hh_l0, bias_ih_l0,
   bias_hh_l0, ..._l0_reverse, ..._l1, all uniform in +-1/sqrt(hidden). Inputs are x and the first states (layers
   directions, N, hidden); results the last layer's outputs and the last states. */
#include "nn/cache.h"
#include "nn/keys.h"
#include "ops/shape_util.h"
#include <stdio.h>

typedef struct args {
    int64_t hidden_size, num_layers;
    int nonlinearity;
    bool no_bias, batch_first, bidirectional;
    double dropout;
} args;
#define FIRST                                                              \
    CT_ROW_INT(hidden_size, CT_REQUIRED, 1, 1 << 30, "size of the state"), \
        CT_ROW_INT(num_layers, 1, 1, 1 << 10, "layers, each reading the one before")
#define REST                                                                                        \
    CT_ROW_NOT(bias, "learn additive biases"),                                                      \
        CT_ROW_BOOL(batch_first, "the input is (N, L, features), else (L, N, features)"),           \
        CT_ROW_FLOAT(dropout, 0, 0, 1, "probability of zeroing an element between layers"),         \
        CT_ROW_BOOL(bidirectional, "read the sequence from both ends; outputs lie side by side"), { \
        0                                                                                           \
    }
static const ct_key rnn_keys[] = {FIRST, CT_ROW_ENUM(nonlinearity, "tanh|relu", "what a step ends with"), REST};
static const ct_key gated_keys[] = {FIRST, REST};

static ct_status add(ct_module *m, const char *what, int64_t layer, bool reverse, ct_dims shape) {
    char name[64];
    snprintf(name, sizeof name, "%s_l%lld%s", what, (long long)layer, reverse ? "_reverse" : "");
    return ct_param_new(m, name, shape, 1 / sqrt((double)((const args *)m->args)->hidden_size));
}

static ct_status build(ct_module *m, const ct_layout *in, int gates) {
    const args *a = m->args;
    CT_TRY(ct_want_dims(m, in, 2, 3, a->batch_first ? "(N, L, features)" : "(L, N, features)"));
    int64_t input = in->size[in->ndim - 1], hidden = a->hidden_size, rows = gates * hidden,
            directions = 1 + a->bidirectional;
    for (int64_t i = 0; i < a->num_layers; i++)
        for (int64_t r = 0; r < directions; r++) {
            CT_TRY(add(m, "weight_ih", i, r, CT_DIMS(rows, i ? hidden * directions : input)));
            CT_TRY(add(m, "weight_hh", i, r, CT_DIMS(rows, hidden)));
            if (a->no_bias) continue;
            CT_TRY(add(m, "bias_ih", i, r, CT_DIMS(rows)));
            CT_TRY(add(m, "bias_hh", i, r, CT_DIMS(rows)));
        }
    return CT_OK;
}

static ct_status build_rnn(ct_module *m, const ct_layout *in) { return build(m, in, 1); }
static ct_status build_gru(ct_module *m, const ct_layout *in) { return build(m, in, 3); }
static ct_status build_lstm(ct_module *m, const ct_layout *in) { return build(m, in, 4); }

/* State i of those in t; NULL of NULL. */
static ct_tensor *state(ct_tensor *t, int64_t i) {
    if (!t) return NULL;
    return ct_squeeze(ct_slice(t, (ct_slice_args){.start = CT_DIMS(i), .stop = CT_DIMS(i + 1)}),
                      (ct_squeeze_args){CT_DIMS(0)});
}

/* One direction of one layer, number i of all: its parameters are in this order. out: y, h and c. */
static ct_tensor *direction(ct_module *m, const ct_op *op, ct_tensor *x, int64_t i, ct_tensor *const *first,
                            ct_tensor **out) {
    const args *a = m->args;
    int each = a->no_bias ? 2 : 4;
    ct_tensor *in[7] = {x};
    for (int k = 0; k < each; k++) in[1 + k] = ct_param_at(m, (int)i * each + k);
    in[5] = state(first[0], i), in[6] = state(first[1], i);
    bool reverse = a->bidirectional && i % 2;
    return ct_call_op(op, in, op->n_in, &(ct_recurrent_args){a->hidden_size, a->batch_first, reverse}, out);
}

/* The states of all directions, on top of each other. */
static ct_status want_states(const ct_module *m, ct_tensor *const *first, int64_t n) {
    for (int i = 0; i < 2; i++)
        if (first[i] && (first[i]->layout.ndim < 2 || first[i]->layout.size[0] != n))
            return ct_fail(CT_FAIL, "%s: a first state is (%lld, N, hidden_size)", m->layer->kind.name, (long long)n);
    return CT_OK;
}

/* Layer i of n / directions; what its directions end with goes to last[] (h) and last[n] on (c). */
static ct_tensor *layer(ct_module *m, const ct_op *op, ct_tensor *x, int64_t i, ct_tensor *const *first,
                        ct_tensor **last, int64_t n) {
    const args *a = m->args;
    int directions = 1 + a->bidirectional;
    ct_tensor *y[2];
    if (i && a->dropout > 0) x = ct_dropout(x, (ct_dropout_layer_args){.p = a->dropout, .no_training = !m->training});
    for (int r = 0; r < directions; r++) {
        int64_t k = i * directions + r;
        ct_tensor *result[CT_MAX_IN] = {0};
        y[r] = direction(m, op, x, k, first, result);
        if (ct_why(y[r])) return y[r];
        last[k] = result[1], last[n + k] = result[2];
    }
    return directions > 1 ? ct_cat(y, 2, (ct_dim_args){.dim = -1}) : y[0];
}

/* With a cache: the last states, which are the first ones of the next elements. */
static ct_flow flow(const ct_module *m, int states, ct_dims *keeps) {
    const args *a = m->args;
    if (!a->batch_first || a->bidirectional || m->n_sources > 1 || m->n_outputs) return CT_FLOW_MIXED;
    for (int i = 0; i < states; i++) keeps[i] = CT_DIMS(a->num_layers, 1, a->hidden_size);
    return CT_FLOW_STATE;
}
static ct_flow flow_h(const ct_module *m, int64_t capacity, ct_dims *keeps) {
    (void)capacity;
    return flow(m, 1, keeps);
}
static ct_flow flow_h_c(const ct_module *m, int64_t capacity, ct_dims *keeps) {
    (void)capacity;
    return flow(m, 2, keeps);
}

static ct_tensor *run(ct_module *m, int op_id, ct_tensor *const *in, ct_tensor **out) {
    const args *a = m->args;
    const ct_op *op = ct_op_get(op_id);
    int64_t n = a->num_layers * (1 + a->bidirectional);
    ct_tensor *kept[2] = {ct_cache_kept(m, 0), ct_cache_kept(m, 1)}, *const *first = kept[0] ? kept : in + 1;
    ct_status status = want_states(m, first, n);
    ct_tensor *x = in[0], **last = status ? NULL : ct_alloc(2 * (size_t)n, sizeof *last);
    if (!last) return ct_tensor_failed(status ? status : CT_NO_MEMORY);
    for (int64_t i = 0; !ct_why(x) && i < a->num_layers; i++) x = layer(m, op, x, i, first, last, n);
    for (int s = 1; !ct_why(x) && !status && (out || kept[0]) && s < op->n_out; s++) {
        ct_tensor *ends = ct_stack(last + (s - 1) * n, (int)n, (ct_dim_args){0});
        if (out) out[s] = ends;
        if (kept[0] && kept[s - 1]) status = ct_set(kept[s - 1], ends);
    }
    ct_free(last);
    return status ? ct_tensor_failed(status) : x;
}

static ct_tensor *forward_rnn(ct_module *m, ct_tensor *const *in, ct_tensor **out) {
    return run(m, ((const args *)m->args)->nonlinearity ? CT_OP_rnn_relu : CT_OP_rnn_tanh, in, out);
}
static ct_tensor *forward_gru(ct_module *m, ct_tensor *const *in, ct_tensor **out) {
    return run(m, CT_OP_gru, in, out);
}
static ct_tensor *forward_lstm(ct_module *m, ct_tensor *const *in, ct_tensor **out) {
    return run(m, CT_OP_lstm, in, out);
}

const ct_layer ct_layer_rnn = {.kind = {"rnn", rnn_keys, sizeof(args), "recurrent layers of Elman's kind"},
                               .build = build_rnn,
                               .forward_all = forward_rnn,
                               .min_in = 1,
                               .max_in = 2,
                               .flow = flow_h};
const ct_layer ct_layer_gru = {.kind = {"gru", gated_keys, sizeof(args), "gated recurrent units"},
                               .build = build_gru,
                               .forward_all = forward_gru,
                               .min_in = 1,
                               .max_in = 2,
                               .flow = flow_h};
const ct_layer ct_layer_lstm = {.kind = {"lstm", gated_keys, sizeof(args), "long short-term memory"},
                                .build = build_lstm,
                                .forward_all = forward_lstm,
                                .min_in = 1,
                                .max_in = 3,
                                .flow = flow_h_c};
