/* Gradient clipping, as torch.nn.utils: written in ops, so that it is part of a captured step. */
#include "optim/optim.h"
#include "tensor/scope.h"

ct_status ct_grad_replace(ct_tensor *t, ct_tensor *g) {
    if (ct_why(g)) return g->status;
    ct_tensor_ref(g);
    ct_zero_grad(t);
    t->grad = g;
    return CT_OK;
}

static ct_tensor *total_norm(ct_tensor *const *params, int n) {
    ct_tensor *sum = NULL;
    for (int i = 0; i < n; i++) {
        ct_tensor *g = ct_grad(params[i]);
        if (!g) continue;
        ct_tensor *s = ct_sum(ct_square(g), (ct_reduce_args){0});
        sum = sum ? ct_add(sum, s) : s;
    }
    return sum ? ct_sqrt(sum) : NULL;
}

ct_status ct_clip_grad_norm(ct_tensor *const *params, int n, double max_norm) {
    ct_scope *guard = ct_scope_guard();
    ct_no_grad_begin();
    ct_tensor *norm = total_norm(params, n);
    ct_status status = norm && ct_why(norm) ? norm->status : CT_OK;
    ct_tensor *factor = norm ? ct_mul_scalar(ct_reciprocal(ct_add_scalar(norm, 1e-6)), max_norm) : NULL;
    if (factor) factor = ct_clamp(factor, (ct_clamp_args){.max = 1});
    for (int i = 0; factor && !status && i < n; i++)
        if (ct_grad(params[i])) status = ct_grad_replace(params[i], ct_mul(ct_grad(params[i]), factor));
    ct_no_grad_end();
    ct_scope_end(guard, NULL);
    ct_scope_note(status);
    return status;
}

ct_status ct_clip_grad_value(ct_tensor *const *params, int n, double max) {
    ct_scope *guard = ct_scope_guard();
    ct_no_grad_begin();
    ct_status status = CT_OK;
    for (int i = 0; !status && i < n; i++)
        if (ct_grad(params[i]))
            status = ct_grad_replace(params[i], ct_clamp(ct_grad(params[i]), (ct_clamp_args){.min = -max, .max = max}));
    ct_no_grad_end();
    ct_scope_end(guard, NULL);
    ct_scope_note(status);
    return status;
}
