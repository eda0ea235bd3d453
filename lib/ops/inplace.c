/* In-place forms: a new value is made, which then takes the old one's place, in memory and in the graph. */
#include "ops/shape_util.h"
#include <stdio.h>

/* Of a thing that a write would change under autograd's feet. */
static ct_status check_target(const char *what, const ct_tensor *x) {
    if (!x->storage) return ct_fail(CT_FAIL, "%s: the tensor is empty of values", what);
    for (int d = 0; d < x->layout.ndim; d++)
        if (!x->layout.stride[d] && x->layout.size[d] > 1)
            return ct_fail(CT_FAIL, "%s: elements of the tensor share their memory; make it contiguous first", what);
    if (!ct_grad_enabled()) return CT_OK;
    if (x->requires_grad && !x->node)
        return ct_fail(CT_FAIL, "%s: a leaf that requires a gradient cannot change in place outside no_grad", what);
    for (const ct_node *n = x->node; n && n->op->flags & CT_IS_VIEW; n = n->in[0]->node)
        if (n->leaf[0])
            return ct_fail(
                CT_FAIL, "%s: a view of a leaf that requires a gradient cannot change in place outside no_grad", what);
    return CT_OK;
}

static int kind(ct_dtype d) { return d == CT_BOOL ? 0 : ct_is_float(d) ? 2 : 1; }

static ct_status check_value(const char *what, const ct_tensor *x, const ct_tensor *y) {
    char is[CT_SHAPE_TEXT], wants[CT_SHAPE_TEXT];
    ct_layout_text(&y->layout, is, sizeof is), ct_layout_text(&x->layout, wants, sizeof wants);
    if (!ct_same_sizes(&x->layout, &y->layout))
        return ct_fail(CT_FAIL, "%s: the result has shape %s, the tensor %s", what, is, wants);
    if (kind(y->layout.dtype) > kind(x->layout.dtype))
        return ct_fail(CT_FAIL, "%s: the result is %s, which a tensor of %s cannot hold", what,
                       ct_dtype_name(y->layout.dtype), ct_dtype_name(x->layout.dtype));
    return CT_OK;
}

static ct_status put(const char *what, ct_tensor *x, ct_tensor *y) {
    if (ct_why(y)) return ct_fail(y->status, "%s", ct_why(y));
    CT_TRY(check_target(what, x));
    CT_TRY(check_value(what, x, y));
    y = ct_to(y, x->layout.dtype);
    if (ct_why(y)) return y->status;
    bool followed = ct_capturing() || (ct_grad_enabled() && (x->node || y->node));
    if (ct_capturing()) x->version = ++x->storage->version; /* ct_set moves x to memory of its own */
    ct_storage *s = x->storage;
    CT_TRY(ct_set(x, y));
    x->version = s->version;
    if (followed) s->followed = s->version;
    if (ct_grad_enabled()) ct_node_adopt(x, y);
    return CT_OK;
}

ct_tensor *ct_overwrite(const char *what, ct_tensor *x, ct_tensor *y) {
    ct_status status = put(what, x, y);
    return status ? ct_tensor_failed(status) : x;
}

/* A copy of x: what its op's gradient reads when x has changed. */
static ct_tensor *before(ct_tensor *x) { return CT_PART(copy, &(ct_none_args){0}, x); }

ct_tensor *ct_apply_over(int id, ct_tensor *const *in, int n_in, const void *args) {
    const ct_op *op = ct_op_get(id);
    ct_tensor *x = in[0], *list[CT_MAX_IN];
    char what[64];
    snprintf(what, sizeof what, "%s_", op->kind.name);
    if (ct_why(x)) return x ? x : ct_tensor_error(CT_FAIL, "%s: there is no tensor", what);
    ct_status status = check_target(what, x);
    if (status) return ct_tensor_failed(status);
    bool recorded = false;
    for (int i = 0; i < n_in; i++) recorded |= in[i] && in[i]->requires_grad && ct_grad_enabled() && !ct_capturing();
    ct_tensor *old = recorded && op->saves_in & 1 ? before(x) : x;
    for (int i = 0; i < n_in; i++) list[i] = in[i] == x ? old : in[i];
    return ct_overwrite(what, x, ct_call_op(op, list, n_in, args, NULL));
}

ct_tensor *ct_copy_(ct_tensor *x, ct_tensor *src) {
    if (ct_why(x)) return x ? x : ct_tensor_error(CT_FAIL, "copy_: there is no tensor");
    if (ct_why(src)) return src ? src : ct_tensor_error(CT_FAIL, "copy_: there is nothing to copy");
    ct_tensor *y = ct_expand(ct_to(src, x->layout.dtype), (ct_expand_args){.size = ct_shape_of(x)});
    return ct_overwrite("copy_", x, ct_why(y) ? y : before(y));
}

ct_tensor *ct_fill_(ct_tensor *x, double value) {
    if (ct_why(x)) return x ? x : ct_tensor_error(CT_FAIL, "fill_: there is no tensor");
    return ct_overwrite("fill_", x, ct_constant(x->layout.dtype, ct_shape_of(x), value));
}

ct_tensor *ct_zero_(ct_tensor *x) { return ct_fill_(x, 0); }
