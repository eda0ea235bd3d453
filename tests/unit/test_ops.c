/* Every row, over its sample cases: gradients of first and second order against differences, fused gradients against
   written ones, f32 against f64, other strides, and shapes alone. Tolerances are those of PyTorch's gradcheck. */
#include "ops/cases.h"
#include "check.h"
#include "base/alloc.h"
#include "ops/ops.h"
#include <stdlib.h>

static void fail(const ct_case *c, const char *what, const char *why) {
    check_failed++;
    printf("%s (%s): %s: %s\n", c->op->kind.name, c->text, what, why ? why : "");
}

static double *numbers(const ct_tensor *t) {
    double *v = ct_alloc((size_t)ct_numel(t) + 1, sizeof *v);
    if (!v || ct_copy_out(t, CT_F64, v)) abort();
    return v;
}

/* norm(a - b) / norm(b). */
static double distance(const ct_tensor *a, const ct_tensor *b) {
    if (ct_numel(a) != ct_numel(b)) return INFINITY;
    double *x = numbers(a), *y = numbers(b), d = 0, n = 0;
    for (int64_t i = 0; i < ct_numel(a); i++) d += (x[i] - y[i]) * (x[i] - y[i]), n += y[i] * y[i];
    ct_free(x), ct_free(y);
    return sqrt(d) / fmax(sqrt(n), 1e-6);
}

static bool is_float(const ct_tensor *t) { return t && (ct_dtype_of(t) == CT_F32 || ct_dtype_of(t) == CT_F64); }
static ct_tensor *random_like(const ct_tensor *t, uint64_t seed) {
    ct_dims shape = {ct_ndim(t), {0}};
    for (int d = 0; d < shape.n; d++) shape.v[d] = ct_size(t, d);
    return ct_case_uniform(ct_dtype_of(t), shape, -1, 1, seed);
}

/* The same random numbers at each call. */
static ct_tensor *call(const ct_case *c, ct_tensor *const *in, ct_tensor **out) {
    ct_manual_seed(7);
    return ct_case_call(c, in, out);
}

/* Inputs that gradients are asked of. */
static int wanted(const ct_case *c, ct_tensor *const *in, ct_tensor **want) {
    int n = 0;
    bool none = !c->op->grad && !(c->op->flags & CT_IS_FORMULA);
    for (int i = 0; i < c->n_in && !none; i++)
        if (is_float(in[i]) && !c->constant[i]) want[n++] = ct_requires_grad(in[i], true);
    return n;
}

/* A call's result; of an op that users call, the sum of all its results, each element times a number of its own. */
static ct_tensor *all_of(const ct_case *c, ct_tensor *const *in) {
    ct_tensor *out[CT_CASE_INPUTS] = {0}, *sum = NULL, *y = call(c, in, out);
    if (ct_why(y) || c->op->flags & CT_IS_PART || !out[1] || !is_float(out[1])) return y;
    for (int k = 0; k < c->op->n_out; k++) {
        if (!out[k] || !is_float(out[k])) continue;
        ct_tensor *part = ct_sum(ct_mul(out[k], random_like(out[k], 3 + k)), (ct_reduce_args){0});
        sum = sum ? ct_add(sum, part) : part;
    }
    return sum;
}

/* A call as a function: of inputs in the case's places. */
static ct_tensor *of_inputs(ct_tensor *const *in, int n, void *ctx) {
    (void)n;
    return all_of(ctx, in);
}

static void check_gradients(ct_case *c) {
    ct_tensor *want[CT_CASE_INPUTS], *din[CT_CASE_INPUTS] = {0}, *written[CT_CASE_INPUTS] = {0};
    int n = wanted(c, c->in, want);
    ct_tensor *y = all_of(c, NULL);
    if (ct_why(y)) return fail(c, "call", ct_why(y));
    if (!n || !is_float(y)) return;
    ct_tensor *v = random_like(y, 3);
    if (ct_gradients(y, v, want, n, false, din)) return fail(c, "gradient", ct_error());
    if (ct_gradients(all_of(c, NULL), v, want, n, true, written)) return fail(c, "written gradient", ct_error());
    for (int k = 0; k < n; k++)
        if (!din[k] != !written[k] || (din[k] && distance(written[k], din[k]) > 1e-9))
            fail(c, "written gradient", "differs from the fused one");
    ct_gradcheck_args fast = {.fast_mode = true};
    if (ct_gradcheck(of_inputs, c, c->in, c->n_in, fast))
        fail(c, "first order", ct_error());
    else
        check_passed++;
    if (ct_gradgradcheck(of_inputs, c, c->in, c->n_in, fast))
        fail(c, "second order", ct_error());
    else
        check_passed++;
}

/* ---- the same results from other inputs ---- */
/* Results and gradients of a call on `in`; NULLs where there are none. */
typedef struct results {
    ct_tensor *out[CT_CASE_INPUTS], *din[CT_CASE_INPUTS];
} results;

static ct_status results_of(const ct_case *c, ct_tensor *const *in, results *r) {
    ct_tensor *want[CT_CASE_INPUTS];
    *r = (results){0};
    int n = wanted(c, in, want);
    ct_tensor *y = call(c, in, r->out);
    if (ct_why(y)) return ct_fail(CT_FAIL, "%s", ct_why(y));
    return n && is_float(y) ? ct_gradients(y, random_like(y, 3), want, n, false, r->din) : CT_OK;
}

static void compare(const ct_case *c, const char *what, const results *got, const results *want, double tolerance) {
    for (int i = 0; i < CT_CASE_INPUTS; i++) {
        ct_tensor *pairs[][2] = {{got->out[i], want->out[i]}, {got->din[i], want->din[i]}};
        for (int k = 0; k < 2; k++) {
            ct_tensor *a = pairs[k][0], *b = pairs[k][1];
            if (!a && !b) continue;
            if (a && b && is_float(a) == is_float(b) && distance(a, b) <= (is_float(a) ? tolerance : 0))
                check_passed++;
            else
                fail(c, what, k ? "a gradient differs" : "a result differs");
        }
    }
}

static void check_precision(const ct_op *op, int i) {
    ct_case c32, c64;
    results r32, r64;
    if (!ct_case_make(op, i, CT_F32, 1, &c32) || !ct_case_make(op, i, CT_F64, 1, &c64))
        return fail(&c32, "case", ct_error());
    if (results_of(&c32, c32.in, &r32) || results_of(&c64, c64.in, &r64)) return fail(&c64, "f32", ct_error());
    compare(&c64, "f32 against f64", &r32, &r64, 5e-5);
}

/* t with its dimensions the other way round in memory. */
static ct_tensor *turned(ct_tensor *t) {
    ct_dims_args back = {.dims = {ct_ndim(t), {0}}};
    for (int d = 0; d < ct_ndim(t); d++) back.dims.v[d] = ct_ndim(t) - 1 - d;
    return ct_permute(ct_contiguous(ct_permute(t, back)), back);
}

/* t as every second element of what it lies in. */
static ct_tensor *spaced(ct_tensor *t) {
    ct_tensor *more = ct_unsqueeze(t, (ct_dim_args){.dim = -1}), *pair[] = {more, more};
    ct_tensor *y = ct_cat(pair, 2, (ct_dim_args){.dim = -1});
    ct_slice_args first = {.start = {.n = ct_ndim(y)}, .stop = ct_shape_of(y)};
    first.start.v[ct_ndim(t)] = 1;
    return ct_squeeze(ct_slice(y, first), (ct_squeeze_args){CT_DIMS(-1)});
}

static void check_strides(const ct_op *op, int i, ct_dtype dtype, const char *what, ct_tensor *(*moved)(ct_tensor *)) {
    ct_case c;
    results plain, other;
    ct_tensor *in[CT_CASE_INPUTS] = {0};
    if (!ct_case_make(op, i, dtype, 1, &c)) return;
    for (int k = 0; k < c.n_in; k++) {
        ct_no_grad_begin();
        in[k] = c.in[k] ? ct_detach(moved(c.in[k])) : NULL;
        ct_no_grad_end();
        if (in[k] && ct_why(in[k])) return fail(&c, what, ct_why(in[k]));
    }
    if (results_of(&c, c.in, &plain)) return fail(&c, what, ct_error());
    if (!results_of(&c, in, &other)) return compare(&c, what, &other, &plain, dtype == CT_F32 ? 5e-5 : 1e-9);
    if (ct_op_id(op) != CT_OP_view) fail(&c, what, ct_error()); /* which may say that it would need a copy */
}

/* Random masks go by place in memory: another order gives other numbers. */
static bool by_place(const ct_op *op) { return op->flags & CT_RANDOM || ct_op_id(op) == CT_OP_dropout; }

/* In a capture the same layouts come out, and no data. */
static void check_shapes_alone(const ct_op *op, int i) {
    ct_case c;
    ct_tensor *eager[CT_CASE_INPUTS] = {0}, *alone[CT_CASE_INPUTS] = {0};
    ct_graph graph;
    if (!ct_case_make(op, i, CT_F32, 1, &c)) return;
    ct_tensor *y = call(&c, NULL, eager);
    if (!CHECK(!ct_capture_begin(&graph))) return;
    ct_tensor *z = call(&c, NULL, alone);
    if (ct_why(y) || ct_why(z)) fail(&c, "shapes alone", ct_why(z));
    for (int k = 0; k < CT_CASE_INPUTS && !ct_why(z); k++)
        if (eager[k] && !(alone[k] && !memcmp(&eager[k]->layout, &alone[k]->layout, sizeof(ct_layout))))
            fail(&c, "shapes alone", "another layout");
    CHECK(!ct_capture_end(&graph));
    ct_graph_free(&graph);
}

static void check_case(const ct_op *op, int i) {
    ct_case c;
    ct_scope *scope = ct_scope_open();
    if (ct_case_make(op, i, CT_F64, 1, &c))
        check_gradients(&c);
    else
        fail(&c, "case", ct_error());
    check_precision(op, i);
    for (ct_dtype dtype = CT_F32; dtype <= CT_F64; dtype++) {
        if (!by_place(op)) check_strides(op, i, dtype, "turned inputs", turned);
        check_strides(op, i, dtype, "spaced inputs", spaced);
    }
    check_shapes_alone(op, i);
    if (ct_scope_close(scope)) check_failed += ct_op_id(op) != CT_OP_view;
}

int main(int argc, char **argv) { /* of the named ops, or all */
    for (int id = 0; id < CT_OP_COUNT; id++) {
        const ct_op *op = ct_op_get(id);
        bool chosen = argc < 2;
        for (int k = 1; k < argc; k++) chosen |= !strcmp(argv[k], op->kind.name);
        for (int i = 0; chosen && i < ct_case_count(op); i++) check_case(op, i);
    }
    return check_done("ops");
}
