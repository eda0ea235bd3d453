/* Running averages of tensors, as torch.optim.swa_utils: exponential ones, or the mean of all values. */
#include "base/alloc.h"
#include "optim/optim.h"
#include "tensor/scope.h"

struct ct_average {
    ct_tensor **list; /* the op's inputs: n averages, n tensors, the newest value's share, count */
    int n;
    double decay; /* 0: every value has the same share */
    ct_tensor *share, *count;
};

/* Kept. */
static ct_status copy_of(ct_tensor *t, ct_tensor **copy) {
    *copy = ct_keep(ct_empty(ct_dtype_of(t), ct_shape_of(t)));
    return ct_set(*copy, t);
}

static ct_status start(ct_average *a, ct_tensor *const *of) {
    for (int i = 0; i < a->n; i++) {
        ct_dtype dtype = ct_dtype_of(of[i]);
        if (!ct_is_float(dtype))
            return ct_fail(CT_FAIL, "average: tensor %d is %s, wanted floats", i, ct_dtype_name(dtype));
        a->list[a->n + i] = of[i];
        CT_TRY(copy_of(of[i], &a->list[i]));
    }
    a->share = ct_keep(ct_scalar(CT_F64, 1 - a->decay)), a->count = ct_keep(ct_scalar(CT_F64, 0));
    a->list[2 * a->n + 1] = a->count;
    return ct_why(a->share) || ct_why(a->count) ? CT_NO_MEMORY : CT_OK;
}

ct_average *ct_average_open(ct_tensor *const *of, int n, double decay) {
    ct_average *a = ct_alloc(1, sizeof *a);
    ct_scope *guard = ct_scope_guard();
    ct_status status = !(decay >= 0 && decay < 1) ? ct_fail(CT_FAIL, "average: decay is %g, wanted 0 to below 1", decay)
                       : n < 1                    ? ct_fail(CT_FAIL, "average: there are no tensors")
                                                  : CT_OK;
    if (!status) status = a && (a->list = ct_alloc(2 * (size_t)n + 2, sizeof *a->list)) ? CT_OK : CT_NO_MEMORY;
    ct_no_grad_begin();
    if (!status) a->n = n, a->decay = decay, status = start(a, of);
    ct_no_grad_end();
    ct_scope_end(guard, NULL);
    ct_scope_note(status);
    if (!status) return a;
    ct_average_free(a);
    return NULL;
}

void ct_average_free(ct_average *a) {
    if (!a) return;
    for (int i = 0; i < a->n; i++) ct_drop(a->list[i]);
    ct_drop(a->share), ct_drop(a->count);
    ct_free(a->list), ct_free(a);
}

static ct_status update(ct_average *a) {
    CT_TRY(ct_scope_status());
    CT_TRY(ct_set(a->count, ct_add_scalar(a->count, 1)));
    a->list[2 * a->n] = a->decay > 0 ? a->share : ct_reciprocal(a->count);
    return ct_apply_in_place(CT_OP_average, a->list, 2 * a->n + 2, &(ct_none_args){0});
}

/* By way of a copy: plans know tensors by where they lie. */
static ct_status swap(ct_average *a) {
    ct_status status = ct_scope_status();
    for (int i = 0; !status && ct_item(a->count) > 0 && i < a->n; i++) {
        ct_tensor *average = a->list[i], *t = a->list[a->n + i], *value;
        status = copy_of(t, &value);
        if (!status) status = ct_set(t, average);
        if (!status) status = ct_set(average, value);
        ct_drop(value);
    }
    return status;
}

static ct_status without_grad(ct_status (*work)(ct_average *a), ct_average *a) {
    if (!a) return ct_fail(CT_FAIL, "average: there is none");
    ct_scope *guard = ct_scope_guard();
    ct_no_grad_begin();
    ct_status status = work(a);
    ct_no_grad_end();
    ct_scope_end(guard, NULL);
    ct_scope_note(status);
    return status;
}

ct_status ct_average_update(ct_average *a) { return without_grad(update, a); }
ct_status ct_average_swap(ct_average *a) { return without_grad(swap, a); }

ct_tensor *ct_average_of(const ct_average *a, const ct_tensor *t) {
    for (int i = 0; a && i < a->n; i++)
        if (a->list[a->n + i] == t) return a->list[i];
    return NULL;
}

ct_tensor *ct_average_count(const ct_average *a) { return a->count; }
