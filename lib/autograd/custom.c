/* Ops with a gradient of their own: torch.autograd.Function. */
#include "base/alloc.h"
#include "ops/ops.h"

typedef struct custom {
    ct_op row; /* of this one node */
    const ct_custom_op *op;
    void *ctx;
} custom;

static void release(void *args) {
    custom *c = args;
    if (c->op->release) c->op->release(c->ctx);
}

static void backward(ct_tensor *const *in, int n_in, ct_tensor *const *out, ct_tensor *const *g, const void *args,
                     const bool *need, ct_tensor **din) {
    const custom *c = args;
    c->op->backward(in, n_in, out[0], g[0], c->ctx, need, din);
    for (int i = 0; i < n_in; i++) {
        const ct_tensor *d = need[i] ? din[i] : NULL;
        if (!d || ct_why(d)) continue;
        bool same = d->layout.ndim == in[i]->layout.ndim && d->layout.dtype == in[i]->layout.dtype;
        for (int k = 0; same && k < d->layout.ndim; k++) same = d->layout.size[k] == in[i]->layout.size[k];
        if (!same) din[i] = ct_tensor_error(CT_FAIL, "the gradient of input %d is not of its shape and type", i);
    }
}

/* The node holds ctx from here on. */
static ct_status attach(ct_tensor *y, const ct_custom_op *op, ct_tensor *const *in, int n, void *ctx) {
    custom c = {.row = {.kind = {op->name, NULL, sizeof(custom), "a user's own"},
                        .n_in = n,
                        .n_out = 1,
                        .saves_in = UINT32_MAX,
                        .saves_out = 1,
                        .grad = backward,
                        .release = release},
                .op = op,
                .ctx = ctx};
    CT_TRY(ct_node_attach(y, &c.row, in, n, &c));
    y->node->op = &((const custom *)y->node->args)->row;
    return CT_OK;
}

static ct_status forward(const ct_custom_op *op, ct_tensor *const *in, int n, void *ctx, ct_tensor **out) {
    for (int i = 0; i < n; i++)
        if (in[i] && ct_why(in[i])) return ct_fail(in[i]->status, "%s", ct_why(in[i]));
    if (ct_capturing())
        return ct_fail(CT_FAIL, "%s: an op in C cannot be captured: run eagerly, or write it in ops", op->name);
    ct_no_grad_begin();
    ct_tensor *y = op->forward(in, n, ctx);
    ct_no_grad_end();
    if (ct_why(y)) return ct_fail(y ? y->status : CT_FAIL, "%s: %s", op->name, ct_why(y));
    if (ct_anomaly()) CT_TRY(ct_anomaly_check(op->name, in, n, &y, 1));
    *out = ct_tensor_make(&y->layout, y->storage, y->offset); /* forward may have given an input back */
    return ct_why(*out) ? (*out)->status : CT_OK;
}

ct_tensor *ct_custom(const ct_custom_op *op, ct_tensor *const *in, int n, void *ctx) {
    ct_tensor *y = NULL;
    ct_status status = forward(op, in, n, ctx, &y);
    bool wants_grad = false;
    for (int i = 0; i < n && ct_grad_enabled() && op->backward; i++) wants_grad |= in[i] && in[i]->requires_grad;
    if (!status && wants_grad) status = attach(y, op, in, n, ctx);
    if (op->release && (status || !wants_grad)) op->release(ctx);
    return status ? ct_tensor_failed(status) : y;
}
