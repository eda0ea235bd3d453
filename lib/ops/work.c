#include "ops/work.h"
#include "kernels/ops.h"

static int64_t times(int64_t a, int64_t b) {
    int64_t product;
    return __builtin_mul_overflow(a, b, &product) ? INT64_MAX : product;
}

/* Elements of a weight a channel, which the first dimension counts. */
static int64_t window(const ct_layout *weight) {
    return weight->size[0] ? ct_layout_numel(weight) / weight->size[0] : 0;
}

/* A row of the first input for each result. */
static int64_t of_rows(const ct_call *c) { return times(ct_layout_numel(c->out), c->in[0].size[c->in[0].ndim - 1]); }
static int64_t of_conv(const ct_call *c) { return times(ct_layout_numel(c->out), window(&c->in[1])); }
/* Each element of the first input with a window of the weight. */
static int64_t of_conv_dx(const ct_call *c) { return times(ct_layout_numel(c->in), window(&c->in[1])); }
static int64_t of_conv_dw(const ct_call *c) { return times(ct_layout_numel(c->in), window(c->out)); }
/* All of the state for each gate of each step, whose gradient comes the same way back. */
static int64_t of_lstm(const ct_call *c) { return times(ct_layout_numel(c->in), c->in[1].size[1]); }
static int64_t of_lstm_back(const ct_call *c) { return times(ct_layout_numel(c->out), c->in[2].size[1]); }
/* Each query with each key, and each of these weights with a value; lse has an element a query. Key absent: query is
   all three. */
static int64_t of_queries(const ct_layout *query, const ct_layout *key, const ct_layout *y, const ct_layout *lse) {
    const ct_layout *k = key->dtype ? key : query;
    int64_t keys = times(ct_layout_numel(lse), k->size[k->ndim - 2]);
    return times(keys, query->size[query->ndim - 1] + y->size[y->ndim - 1]);
}
static int64_t of_attention(const ct_call *c) { return of_queries(&c->in[0], &c->in[1], &c->out[0], &c->out[1]); }
static int64_t of_attention_back(const ct_call *c) {
    return times(2, of_queries(&c->in[1], &c->in[2], &c->in[5], &c->in[6]));
}

static const struct {
    int op;
    int64_t (*work)(const ct_call *c);
} rows[] = {
    {CT_OP_matmul, of_rows},         {CT_OP_linear, of_rows},          {CT_OP_conv2d_, of_conv},
    {CT_OP_conv2d_dx, of_conv_dx},   {CT_OP_conv2d_dw, of_conv_dw},    {CT_OP_lstm_steps, of_lstm},
    {CT_OP_lstm_back, of_lstm_back}, {CT_OP_attention_, of_attention}, {CT_OP_attention_back, of_attention_back}};

int64_t ct_work(const ct_call *call) {
    for (int i = 0; i < (int)(sizeof rows / sizeof *rows); i++)
        if (rows[i].op == call->op) return rows[i].work(call);
    return 0;
}
