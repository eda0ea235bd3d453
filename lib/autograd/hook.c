/* Gradients that are kept, and hooks on them. A leaf's belong to the tensor, others to the node it comes from: so that
   a handle may end before the backward comes. */
#include "autograd/hook.h"
#include "ops/shape_util.h"
#include "tensor/scope.h"

ct_tensor *ct_requires_grad(ct_tensor *t, bool on) {
    if (ct_why(t)) return t;
    if (on && !ct_is_float(t->layout.dtype))
        return ct_tensor_error(CT_FAIL, "only f32 and f64 tensors have gradients, not %s",
                               ct_dtype_name(t->layout.dtype));
    if (!t->node) t->requires_grad = on;
    return t;
}

/* Where t's gradient is kept; NULL: nowhere. */
static ct_tensor **kept(const ct_tensor *t) {
    if (!t) return NULL;
    if (!t->node) return (ct_tensor **)&t->grad;
    for (ct_hook_entry *h = t->node->hooks; h; h = h->next)
        if (!h->fn && h->out_index == t->out_index) return &h->grad;
    return NULL;
}

ct_tensor *ct_grad(const ct_tensor *t) {
    ct_tensor **g = kept(t);
    return g ? *g : NULL;
}

void ct_zero_grad(ct_tensor *t) {
    ct_tensor **g = kept(t), *was = g ? *g : NULL;
    if (was) *g = NULL;
    ct_tensor_unref(was);
}

/* After the hooks there are, but before what keeps the gradient: that sees the last one. */
static ct_status add(ct_tensor *t, ct_hook_fn fn, void *ctx) {
    if (ct_why(t)) return ct_fail(t ? t->status : CT_FAIL, "%s", ct_why(t));
    if (!t->requires_grad) return ct_fail(CT_FAIL, "the tensor requires no gradient: there is none to see");
    ct_hook_entry *h = ct_alloc(1, sizeof *h), **p = t->node ? &t->node->hooks : &t->hooks;
    if (!h) return CT_NO_MEMORY;
    while (*p && (!fn || (*p)->fn)) p = &(*p)->next;
    *h = (ct_hook_entry){.next = *p, .out_index = t->node ? t->out_index : 0, .fn = fn, .ctx = ctx};
    *p = h;
    return CT_OK;
}

ct_status ct_hook(ct_tensor *t, ct_hook_fn fn, void *ctx) {
    ct_status status = add(t, fn, ctx);
    ct_scope_note(status);
    return status;
}

ct_status ct_retain_grad(ct_tensor *t) {
    return !ct_why(t) && kept(t) && t->requires_grad ? CT_OK : ct_hook(t, NULL, NULL);
}

void ct_unhook(ct_tensor *t, ct_hook_fn fn, void *ctx) {
    int i = t->node ? t->out_index : 0;
    for (ct_hook_entry **p = t->node ? &t->node->hooks : &t->hooks; *p; p = &(*p)->next) {
        ct_hook_entry *h = *p;
        if (h->fn != fn || h->ctx != ctx || h->out_index != i) continue;
        *p = h->next;
        h->next = NULL;
        ct_hooks_free(h);
        return;
    }
}

/* Whether g's memory is its own, each element once. */
static bool is_own(const ct_tensor *g) {
    bool own = g->refs == 1 && g->storage->refs == 1;
    for (int d = 0; d < g->layout.ndim; d++) own &= g->layout.stride[d] || g->layout.size[d] <= 1;
    return own;
}

ct_status ct_gradient_add(ct_tensor **sum, ct_tensor *g) {
    ct_tensor *t = g;
    if (*sum)
        t = ct_add(*sum, g);
    else if (!ct_grad_enabled() && !ct_capturing() && !is_own(g))
        t = CT_PART(copy, &(ct_none_args){0}, g);
    else if (!ct_grad_enabled())
        t = ct_detach(g);
    if (ct_why(t)) return t->status;
    ct_tensor_ref(t);
    ct_tensor_unref(*sum);
    *sum = t;
    return CT_OK;
}

static ct_status call(const ct_hook_entry *h, ct_tensor **g) {
    if (ct_capturing()) return ct_fail(CT_FAIL, "a hook would run once, not in every step of a plan: run eagerly");
    ct_tensor *t = h->fn(*g, h->ctx);
    if (!t) return CT_OK;
    if (ct_why(t)) return ct_fail(t->status, "hook: %s", ct_why(t));
    if (t->layout.dtype != (*g)->layout.dtype || !ct_same_sizes(&t->layout, &(*g)->layout))
        return ct_fail(CT_FAIL, "hook: what it returned has another shape or type than the gradient");
    ct_tensor_ref(t);
    ct_tensor_unref(*g);
    *g = t;
    return CT_OK;
}

ct_status ct_hooks_run(ct_hook_entry *list, int i, ct_tensor **g, bool keep) {
    for (ct_hook_entry *h = list, *next; h; h = next) {
        next = h->next; /* a hook may take itself away */
        if (h->out_index == i && (h->fn || keep)) CT_TRY(h->fn ? call(h, g) : ct_gradient_add(&h->grad, *g));
    }
    return CT_OK;
}
