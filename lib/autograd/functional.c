/* Functional transforms, as torch.autograd.functional: a function called on inputs of its own, then gradients. */
#include "ops/shape_util.h"

typedef struct call {
    ct_scope *scope;
    int no_grad;
    bool create_graph;
    int n, m;           /* inputs, and how many of them have gradients: */
    ct_tensor **x;      /* n inputs */
    ct_tensor **wanted; /* m of them */
    ct_tensor **got;    /* room for m */
    int *at;            /* which they are */
    ct_tensor *y;
} call;

static ct_status status_of(const ct_tensor *t) {
    return ct_why(t) ? ct_fail(t ? t->status : CT_FAIL, "%s", ct_why(t)) : CT_OK;
}

/* An input whose gradient can be asked for, apart from others of the same tensor. */
static ct_tensor *prepared(ct_tensor *t, bool create_graph) {
    if (create_graph && t->requires_grad) return ct_view(t, (ct_shape_args){.shape = ct_shape_of(t)});
    return ct_requires_grad(ct_detach(t), true);
}

static ct_status begin(call *c, ct_fn fn, void *ctx, ct_tensor *const *in, int n, bool create_graph) {
    *c = (call){.n = n, .create_graph = create_graph, .no_grad = ct_no_grad_swap(0), .scope = ct_scope_open()};
    c->x = ct_alloc(3 * (size_t)n, sizeof *c->x);
    c->at = ct_alloc((size_t)n, sizeof *c->at);
    if (!c->scope || !c->x || !c->at) return CT_NO_MEMORY;
    c->wanted = c->x + n, c->got = c->wanted + n;
    for (int i = 0; i < n; i++) {
        CT_TRY(status_of(in[i]));
        bool differentiable = ct_is_float(in[i]->layout.dtype);
        c->x[i] = differentiable ? prepared(in[i], create_graph) : in[i];
        CT_TRY(status_of(c->x[i]));
        if (differentiable) c->at[c->m] = i, c->wanted[c->m++] = c->x[i];
    }
    return status_of(c->y = fn(c->x, n, ctx));
}

/* What is in out[n_out], and the function's value, go to the caller's scope; nothing does after an error. */
static ct_status end(call *c, ct_status status, ct_tensor **y, ct_tensor **out, int n_out) {
    if (!status && y) status = status_of(c->y = c->create_graph ? c->y : ct_detach(c->y));
    if (!status && y) *y = ct_scope_return(c->scope, c->y);
    for (int i = 0; i < n_out; i++) {
        if (!status && out[i]) status = status_of(out[i]);
        if (!status && out[i]) out[i] = ct_scope_return(c->scope, out[i]);
    }
    ct_status inner = ct_scope_close(c->scope);
    if (!status) status = inner;
    for (int i = 0; status && i < n_out; i++) out[i] = NULL;
    if (status && y) *y = NULL;
    ct_free(c->x), ct_free(c->at);
    ct_no_grad_swap(c->no_grad);
    return status;
}

static ct_tensor *zeros(const ct_tensor *like) { return ct_constant(like->layout.dtype, ct_shape_of(like), 0); }

/* The m gradients of sum(y * v) in c->got, zeros where nothing leads there. */
static ct_status back(call *c, ct_tensor *y, ct_tensor *v, bool create_graph) {
    CT_TRY(ct_gradients(y, v, c->wanted, c->m, create_graph, c->got));
    for (int k = 0; k < c->m; k++)
        if (!c->got[k]) c->got[k] = zeros(c->wanted[k]);
    return CT_OK;
}

/* The sum over inputs of a gradient times what goes with it; 0 where that is nothing. */
static ct_status pair(const call *c, ct_tensor *const *v, ct_tensor **sum) {
    *sum = ct_constant(c->y->layout.dtype, (ct_dims){0}, 0);
    for (int k = 0; k < c->m; k++) {
        ct_tensor *with = v[c->at[k]];
        if (!with) continue;
        CT_TRY(status_of(with));
        if (!ct_same_sizes(&with->layout, &c->wanted[k]->layout))
            return ct_fail(CT_FAIL, "the vector of input %d is not of the input's shape", c->at[k]);
        *sum = ct_add(*sum, ct_sum(ct_mul(c->got[k], with), (ct_reduce_args){0}));
    }
    return status_of(*sum);
}

static void spread(const call *c, ct_tensor **out) {
    for (int i = 0; i < c->n; i++) out[i] = NULL;
    for (int k = 0; k < c->m; k++) out[c->at[k]] = c->got[k];
}

ct_status ct_vjp(ct_fn fn, void *ctx, ct_tensor *const *in, int n, ct_tensor *v, bool create_graph, ct_tensor **y,
                 ct_tensor **vjp) {
    call c;
    ct_status status = begin(&c, fn, ctx, in, n, create_graph);
    if (!status) status = back(&c, c.y, v, create_graph);
    if (!status) spread(&c, vjp);
    return end(&c, status, y, vjp, n);
}

/* Forward mode by going back twice: the gradient is linear in u, what it is multiplied with, and its own gradient by u
   is the Jacobian times v. */
ct_status ct_jvp(ct_fn fn, void *ctx, ct_tensor *const *in, int n, ct_tensor *const *v, bool create_graph,
                 ct_tensor **y, ct_tensor **jvp) {
    call c;
    ct_tensor *u = NULL, *s = NULL;
    *jvp = NULL;
    ct_status status = begin(&c, fn, ctx, in, n, create_graph);
    if (!status) status = status_of(u = ct_requires_grad(zeros(c.y), true));
    if (!status) status = back(&c, c.y, u, true);
    if (!status) status = pair(&c, v, &s);
    if (!status) status = ct_gradients(s, NULL, &u, 1, create_graph, jvp);
    if (!status && !*jvp) *jvp = zeros(c.y);
    return end(&c, status, y, jvp, 1);
}

ct_status ct_hvp(ct_fn fn, void *ctx, ct_tensor *const *in, int n, ct_tensor *const *v, bool create_graph,
                 ct_tensor **y, ct_tensor **hvp) {
    call c;
    ct_tensor *s = NULL;
    ct_status status = begin(&c, fn, ctx, in, n, create_graph);
    if (!status) status = back(&c, c.y, NULL, true);
    if (!status) status = pair(&c, v, &s);
    if (!status) status = back(&c, s, NULL, create_graph);
    if (!status) spread(&c, hvp);
    return end(&c, status, y, hvp, n);
}

/* ---- whole matrices: a row for each element of y ---- */
static ct_tensor *one_hot(const ct_tensor *y, int64_t e) {
    ct_tensor *v = ct_zeros(y->layout.dtype, ct_shape_of(y));
    if (!ct_why(v)) ct_element_set(y->layout.dtype, ct_data(v), e, 1);
    return v;
}

/* rows[k * n + e], of the k-th input and element e of y, as a tensor of both shapes. */
static ct_tensor *assembled(ct_tensor **row, int64_t n, const ct_tensor *y, const ct_tensor *x) {
    ct_dims size = ct_shape_of(y), inner = ct_shape_of(x);
    if (size.n + inner.n > CT_MAX_DIMS)
        return ct_tensor_error(CT_FAIL, "jacobian: %d dimensions; up to %d are possible", size.n + inner.n,
                               CT_MAX_DIMS);
    for (int d = 0; d < inner.n; d++) size.v[size.n++] = inner.v[d];
    if (!n) return ct_constant(x->layout.dtype, size, 0);
    return ct_reshape(ct_stack(row, (int)n, (ct_dim_args){0}), (ct_shape_args){.shape = size});
}

/* The Jacobian of y by each differentiable input, in out[c->at[k]]. */
static ct_status jacobian(call *c, ct_tensor *y, bool create_graph, ct_tensor **out) {
    int64_t n = ct_numel(y);
    if (n > INT32_MAX) return ct_fail(CT_FAIL, "jacobian: of %lld elements", (long long)n);
    ct_tensor **row = ct_alloc((size_t)c->m, (size_t)(n + 1) * sizeof *row);
    if (!row) return CT_NO_MEMORY;
    ct_status status = CT_OK;
    for (int64_t e = 0; !status && e < n; e++) {
        status = back(c, y, one_hot(y, e), create_graph);
        for (int k = 0; !status && k < c->m; k++) row[k * n + e] = c->got[k];
    }
    for (int k = 0; !status && k < c->m; k++) {
        out[c->at[k]] = assembled(row + k * n, n, y, c->wanted[k]);
        status = status_of(out[c->at[k]]);
    }
    ct_free(row);
    return status;
}

ct_status ct_jacobian(ct_fn fn, void *ctx, ct_tensor *const *in, int n, bool create_graph, ct_tensor **out) {
    call c;
    for (int i = 0; i < n; i++) out[i] = NULL;
    ct_status status = begin(&c, fn, ctx, in, n, create_graph);
    if (!status) status = jacobian(&c, c.y, create_graph, out);
    return end(&c, status, NULL, out, n);
}

ct_status ct_hessian(ct_fn fn, void *ctx, ct_tensor *const *in, int n, bool create_graph, ct_tensor **hessian) {
    call c;
    for (int i = 0; i < n * n; i++) hessian[i] = NULL;
    ct_status status = begin(&c, fn, ctx, in, n, create_graph);
    ct_tensor **first = ct_alloc((size_t)n, sizeof *first);
    if (!status && !first) status = CT_NO_MEMORY;
    if (!status) status = back(&c, c.y, NULL, true);
    for (int k = 0; !status && k < c.m; k++) first[k] = c.got[k];
    for (int k = 0; !status && k < c.m; k++) status = jacobian(&c, first[k], create_graph, hessian + c.at[k] * n);
    ct_free(first);
    return end(&c, status, NULL, hessian, n * n);
}
