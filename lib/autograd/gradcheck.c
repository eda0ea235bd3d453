/* Gradients against differences, as torch.autograd.gradcheck: the Jacobian row by row from backward, column by column
   from moving an element of an input. */
#include "base/philox.h"
#include "ops/shape_util.h"
#include <math.h>
#include <stdio.h>

#define FAST_ELEMENTS 48 /* of an input that are moved in fast mode */

typedef struct check {
    ct_fn fn;
    void *ctx;
    ct_tensor *const *in;
    int n_in, n_wanted;
    ct_tensor **wanted;           /* inputs that require a gradient */
    int *at;                      /* which they are */
    double **jacobian;            /* of each: rows times elements */
    double *weight, *more, *less; /* n_out numbers each: of fast mode's sum; results when an element has moved */
    ct_gradcheck_args args;
    ct_layout out;
    int64_t n_out, rows;
} check;

static void weigh(double *weight, int64_t n) {
    ct_philox_key key = ct_philox_make(7, 1);
    uint32_t w[4];
    for (int64_t i = 0; i < n; i++) {
        ct_philox_block(key, (uint64_t)i, 0, w);
        weight[i] = 2 * (double)ct_philox_uniform(w[0]) - 1;
    }
}

static ct_status find_wanted(check *c) {
    c->wanted = ct_alloc((size_t)c->n_in, sizeof *c->wanted);
    c->at = ct_alloc((size_t)c->n_in, sizeof *c->at);
    c->jacobian = ct_alloc((size_t)c->n_in, sizeof *c->jacobian);
    if (!c->wanted || !c->at || !c->jacobian) return CT_NO_MEMORY;
    for (int i = 0; i < c->n_in; i++) {
        const ct_tensor *t = c->in[i];
        if (t && ct_why(t)) return ct_fail(t->status, "%s", ct_why(t));
        if (!t || !t->requires_grad) continue;
        if (t->layout.dtype != CT_F64)
            return ct_fail(CT_FAIL, "gradcheck: input %d is %s; differences need f64", i,
                           ct_dtype_name(t->layout.dtype));
        for (int d = 0; d < t->layout.ndim; d++)
            if (!t->layout.stride[d] && t->layout.size[d] > 1)
                return ct_fail(CT_FAIL, "gradcheck: elements of input %d share their memory: make it contiguous", i);
        c->at[c->n_wanted] = i, c->wanted[c->n_wanted++] = c->in[i];
    }
    return c->n_wanted ? CT_OK : ct_fail(CT_FAIL, "gradcheck: no input requires a gradient");
}

/* Row r of each Jacobian, by a backward from result r (or from all, weighted). */
static ct_status analytic_row(check *c, ct_tensor *y, int64_t r) {
    ct_tensor **din = ct_alloc((size_t)c->n_wanted, sizeof *din), *g = ct_zeros(CT_F64, ct_shape_of(y));
    ct_status status = !din ? CT_NO_MEMORY : ct_why(g) ? g->status : CT_OK;
    for (int64_t i = 0; !status && i < c->n_out; i++)
        ((double *)ct_data(g))[i] = c->args.fast_mode ? c->weight[i] : i == r;
    if (!status) status = ct_gradients(y, g, c->wanted, c->n_wanted, false, din);
    for (int k = 0; !status && k < c->n_wanted; k++)
        if (din[k]) status = ct_copy_out(din[k], CT_F64, c->jacobian[k] + r * ct_numel(c->wanted[k]));
    ct_free(din);
    return status;
}

static ct_status analytic(check *c) {
    ct_tensor *y = c->fn(c->in, c->n_in, c->ctx);
    if (ct_why(y)) return ct_fail(y ? y->status : CT_FAIL, "%s", ct_why(y));
    if (y->layout.dtype != CT_F64)
        return ct_fail(CT_FAIL, "gradcheck: the result is %s, not f64", ct_dtype_name(y->layout.dtype));
    c->out = y->layout, c->n_out = ct_numel(y), c->rows = c->args.fast_mode ? 1 : c->n_out;
    c->weight = ct_alloc((size_t)c->n_out, sizeof *c->weight);
    c->more = ct_alloc((size_t)c->n_out, sizeof *c->more);
    c->less = ct_alloc((size_t)c->n_out, sizeof *c->less);
    if (!c->weight || !c->more || !c->less) return CT_NO_MEMORY;
    weigh(c->weight, c->n_out);
    for (int k = 0; k < c->n_wanted; k++) {
        size_t row = (size_t)ct_numel(c->wanted[k]) * sizeof(double);
        if (!(c->jacobian[k] = ct_alloc((size_t)c->rows, row))) return CT_NO_MEMORY;
    }
    for (int64_t r = 0; r < c->rows; r++) {
        ct_scope *scope = ct_scope_open();
        if (!scope) return CT_NO_MEMORY;
        ct_status status = analytic_row(c, y, r), inner = ct_scope_close(scope);
        if (status || inner) return status ? status : inner;
    }
    return CT_OK;
}

static ct_status value(const check *c, double *out) {
    ct_scope *scope = ct_scope_open();
    if (!scope) return CT_NO_MEMORY;
    ct_no_grad_begin();
    ct_tensor *y = c->fn(c->in, c->n_in, c->ctx);
    ct_no_grad_end();
    ct_status status = CT_OK;
    if (ct_why(y))
        status = ct_fail(y ? y->status : CT_FAIL, "%s", ct_why(y));
    else if (!ct_same_sizes(&y->layout, &c->out))
        status = ct_fail(CT_FAIL, "gradcheck: the result's shape changes");
    else
        status = ct_copy_out(y, CT_F64, out);
    ct_status inner = ct_scope_close(scope);
    return status ? status : inner;
}

/* Where element number `flat`, counted row-major, lies. */
static double *element(const ct_tensor *t, int64_t flat) {
    double *p = ct_data(t);
    for (int d = t->layout.ndim - 1; d >= 0; flat /= t->layout.size[d--])
        p += flat % t->layout.size[d] * t->layout.stride[d];
    return p;
}

/* Column e of the k-th Jacobian against what moving the element does. */
static ct_status numeric_column(const check *c, int k, int64_t e) {
    double *p = element(c->wanted[k], e), was = *p, sum = 0;
    *p = was + c->args.eps;
    ct_status status = value(c, c->more);
    *p = was - c->args.eps;
    if (!status) status = value(c, c->less);
    *p = was;
    CT_TRY(status);
    for (int64_t i = 0; i < c->n_out; i++) {
        c->more[i] = (c->more[i] - c->less[i]) / (2 * c->args.eps);
        sum += c->more[i] * c->weight[i];
    }
    for (int64_t r = 0; r < c->rows; r++) {
        double got = c->jacobian[k][r * ct_numel(c->wanted[k]) + e], want = c->args.fast_mode ? sum : c->more[r];
        if (fabs(got - want) <= c->args.atol + c->args.rtol * fabs(want) || got == want) continue;
        char of[48] = "";
        if (!c->args.fast_mode) snprintf(of, sizeof of, " of result %lld", (long long)r);
        return ct_fail(CT_FAIL, "gradcheck: input %d, element %lld: the gradient%s is %.9g, by differences %.9g",
                       c->at[k], (long long)e, of, got, want);
    }
    return CT_OK;
}

static ct_status run(check *c) {
    CT_TRY(find_wanted(c));
    CT_TRY(analytic(c));
    for (int k = 0; k < c->n_wanted; k++) {
        int64_t n = ct_numel(c->wanted[k]), step = c->args.fast_mode ? CT_MAX(1, n / FAST_ELEMENTS) : 1;
        for (int64_t e = 0; e < n; e += step) CT_TRY(numeric_column(c, k, e));
    }
    return CT_OK;
}

ct_status ct_gradcheck(ct_fn fn, void *ctx, ct_tensor *const *in, int n, ct_gradcheck_args args) {
    if (!args.eps) args.eps = 1e-6;
    if (!args.atol) args.atol = 1e-5;
    if (!args.rtol) args.rtol = 1e-3;
    check c = {.fn = fn, .ctx = ctx, .in = in, .n_in = n, .args = args};
    ct_scope *scope = ct_scope_open();
    if (!scope) return CT_NO_MEMORY;
    int depth = ct_no_grad_swap(0);
    ct_status status = run(&c);
    ct_no_grad_swap(depth);
    for (int k = 0; c.jacobian && k < c.n_wanted; k++) ct_free(c.jacobian[k]);
    ct_free(c.wanted), ct_free(c.at), ct_free(c.jacobian), ct_free(c.weight), ct_free(c.more), ct_free(c.less);
    ct_status inner = ct_scope_close(scope);
    return status ? status : inner;
}

/* ---- second order: the gradients as a function of the inputs and of the result's gradient, the last input ---- */
typedef struct second {
    ct_fn fn;
    void *ctx;
} second;

static ct_tensor *joined(ct_tensor **part, int n) {
    for (int i = 0; i < n; i++) part[i] = ct_flatten(part[i], (ct_flatten_args){0});
    return ct_cat(part, n, (ct_dim_args){0});
}

static ct_tensor *gradients(ct_tensor *const *in, int n, void *ctx) {
    const second *s = ctx;
    ct_tensor **wanted = ct_alloc(2 * (size_t)n, sizeof *wanted), **din = wanted + n;
    if (!wanted) return ct_tensor_failed(CT_NO_MEMORY);
    int m = 0, depth = ct_no_grad_swap(0);
    for (int i = 0; i < n - 1; i++)
        if (in[i] && in[i]->requires_grad) wanted[m++] = in[i];
    ct_tensor *y = s->fn(in, n - 1, s->ctx);
    ct_status status = ct_gradients(y, in[n - 1], wanted, m, !depth, din);
    for (int i = 0; !status && i < m; i++)
        if (!din[i]) din[i] = ct_constant(CT_F64, ct_shape_of(wanted[i]), 0);
    ct_no_grad_swap(depth);
    y = status ? ct_tensor_failed(status) : joined(din, m);
    ct_free(wanted);
    return y;
}

ct_status ct_gradgradcheck(ct_fn fn, void *ctx, ct_tensor *const *in, int n, ct_gradcheck_args args) {
    ct_scope *scope = ct_scope_open();
    ct_tensor **all = ct_alloc((size_t)n + 1, sizeof *all);
    ct_tensor *y = scope && all ? fn(in, n, ctx) : ct_tensor_failed(CT_NO_MEMORY);
    ct_tensor *v = ct_why(y) ? y : ct_zeros(CT_F64, ct_shape_of(y));
    ct_status status = CT_OK;
    if (ct_why(v))
        status = ct_fail(v ? v->status : CT_FAIL, "%s", ct_why(v));
    else {
        weigh(ct_data(v), ct_numel(v));
        for (int i = 0; i < n; i++) all[i] = in[i];
        all[n] = ct_requires_grad(v, true);
        status = ct_gradcheck(gradients, &(second){fn, ctx}, all, n + 1, args);
    }
    ct_free(all);
    ct_status inner = ct_scope_close(scope);
    return status ? status : inner;
}
