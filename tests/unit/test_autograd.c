/* Backward, hooks, in-place forms, checkpoints, custom ops and gradient checks: what PyTorch does. */
#include "ops/ops.h"
#include "vectors.h"

static const ct_backward_args retain = {.retain_graph = true}, create = {.create_graph = true};

static ct_tensor *cube(ct_tensor *x) { return ct_mul(x, ct_mul(x, x)); }
static ct_tensor *sum(ct_tensor *x) { return ct_sum(x, ALL); }

/* A scope whose errors are expected. */
#define REFUSED(call, text)                 \
    do {                                    \
        ct_scope *scope_ = ct_scope_open(); \
        CHECK((call) != CT_OK);             \
        CHECK_HAS(ct_error(), text);        \
        if (ct_scope_close(scope_)) {}      \
    } while (0)
static ct_status why(const ct_tensor *t) { return ct_why(t) ? CT_FAIL : CT_OK; }

static void accumulation(void) {
    ct_tensor *x = LEAF(1, 2), *y = sum(cube(x));
    CHECK(ct_grad(x) == NULL);
    CHECK(ct_backward_with(y, NULL, retain) == CT_OK);
    CHECK_HOLDS(ct_grad(x), 3, 12);
    CHECK(ct_backward(y) == CT_OK);
    CHECK_HOLDS(ct_grad(x), 6, 24);
    REFUSED(ct_backward(y), "backward of mul: a second time");
    ct_zero_grad(x);
    CHECK(ct_grad(x) == NULL);
    CHECK(ct_backward_with(cube(x), VECTOR(1, 10), (ct_backward_args){0}) == CT_OK);
    CHECK_HOLDS(ct_grad(x), 3, 120);
    REFUSED(ct_backward(cube(x)), "must have one element, or its gradient be given; it has 2");
    REFUSED(ct_backward_with(cube(x), VECTOR(1, 2, 3), create), "the gradient is f64 (3), the result f64 (2)");
    REFUSED(ct_backward(sum(VECTOR(1, 2))), "nothing that the result depends on");
    ct_tensor *w = LEAF(3), *z = sum(TIMES(w, 2)); /* saves nothing: may go back twice */
    CHECK(ct_backward(z) == CT_OK && ct_backward(z) == CT_OK);
    CHECK_HOLDS(ct_grad(w), 4);
}

static void own_gradients(void) {
    ct_tensor *x = LEAF(1, 2), *y = LEAF(3, 4);
    CHECK(ct_backward(sum(ct_add(x, y))) == CT_OK);
    CHECK(ct_data(ct_grad(x)) != ct_data(ct_grad(y)) && ct_is_contiguous(ct_grad(x)));
    TIMES(ct_grad(x), 1);
    ct_mul_scalar_(ct_grad(x), 5);
    CHECK_HOLDS(ct_grad(y), 1, 1);
    CHECK_HOLDS(ct_grad(x), 5, 5);
}

static void higher_order(void) {
    ct_tensor *x = LEAF(2), *d[1], *dd[1];
    CHECK(ct_backward_with(sum(cube(x)), NULL, create) == CT_OK);
    ct_tensor *first = ct_grad(x);
    CHECK(ct_gradients(first, NULL, &x, 1, true, d) == CT_OK && ct_gradients(d[0], NULL, &x, 1, false, dd) == CT_OK);
    CHECK_HOLDS(first, 12);
    CHECK_HOLDS(d[0], 12);
    CHECK_HOLDS(dd[0], 6);
    ct_zero_grad(x); /* else gradient and graph hold one another */
}

static void any_tensor(void) {
    ct_tensor *x = LEAF(1, 2), *h = ct_square(x), *y = sum(cube(h)), *of[] = {h, x, y, VECTOR(1)}, *d[4];
    CHECK(ct_gradients(y, NULL, of, 4, false, d) == CT_OK);
    CHECK_HOLDS(d[0], 3, 48);
    CHECK_HOLDS(d[1], 6, 192);
    CHECK_HOLDS(d[2], 1);
    CHECK(d[3] == NULL && ct_grad(x) == NULL);
    CHECK(ct_retain_grad(h) == CT_OK && ct_retain_grad(h) == CT_OK && ct_retain_grad(x) == CT_OK);
    CHECK(ct_backward_with(y, NULL, retain) == CT_OK);
    CHECK_HOLDS(ct_grad(h), 3, 48);
    CHECK(ct_grad(y) == NULL);
    CHECK(ct_backward(y) == CT_OK);
    CHECK_HOLDS(ct_grad(h), 6, 96);
    ct_zero_grad(h);
    CHECK(ct_grad(h) == NULL);
    REFUSED(ct_retain_grad(VECTOR(1)), "requires no gradient");
    REFUSED(ct_gradients(ct_square(x), NULL, &x, 1, false, d), "must have one element");
}

/* ---- hooks ---- */
typedef struct seen {
    int calls;
    double first, factor;
} seen;

static ct_tensor *watch(ct_tensor *g, void *ctx) {
    seen *s = ctx;
    s->calls++;
    double v[8];
    s->first = ct_copy_out(g, CT_F64, v) ? NAN : v[0];
    return s->factor ? TIMES(g, s->factor) : NULL;
}
static ct_tensor *shorten(ct_tensor *g, void *ctx) {
    (void)ctx;
    return sum(g);
}

static void hooks(void) {
    ct_tensor *x = LEAF(3, 1), *h = ct_square(x), *y = ct_add(sum(TIMES(h, 2)), sum(TIMES(h, 3))), *dx;
    seen a = {0}, b = {.factor = 10}, leaf = {.factor = 2};
    CHECK(!ct_retain_grad(h) && !ct_hook(h, watch, &b) && !ct_hook(h, watch, &a) && !ct_hook(x, watch, &leaf));
    CHECK(ct_backward_with(y, NULL, retain) == CT_OK);
    CHECK(a.calls == 1 && b.calls == 1 && leaf.calls == 1); /* once, with the whole gradient */
    CHECK(b.first == 5 && a.first == 50 && leaf.first == 300);
    CHECK_HOLDS(ct_grad(h), 50, 50); /* kept after the hooks */
    CHECK_HOLDS(ct_grad(x), 600, 200);
    CHECK(ct_gradients(y, NULL, &x, 1, false, &dx) == CT_OK);
    CHECK_HOLDS(dx, 600, 200);
    ct_unhook(h, watch, &b), ct_unhook(x, watch, &leaf), ct_unhook(x, watch, &leaf);
    CHECK(ct_gradients(y, NULL, &x, 1, false, &dx) == CT_OK && leaf.calls == 2 && b.calls == 2 && a.calls == 3);
    CHECK_HOLDS(dx, 30, 10);
    CHECK(ct_hook(h, shorten, NULL) == CT_OK);
    REFUSED(ct_backward(y), "another shape or type");
    REFUSED(ct_hook(VECTOR(1), watch, &a), "requires no gradient");
    ct_graph graph;
    CHECK(ct_capture_begin(&graph) == CT_OK);
    ct_tensor *z = ct_square(x);
    CHECK(ct_hook(z, watch, &a) == CT_OK);
    REFUSED(ct_backward(sum(z)), "run eagerly");
    CHECK(ct_capture_end(&graph) == CT_OK);
    ct_graph_free(&graph);
}

/* A hook outlives the handle it was set through. */
static void hook_of_a_lost_handle(void) {
    ct_tensor *x = LEAF(3);
    seen a = {0};
    ct_scope *scope = ct_scope_open();
    ct_tensor *h = ct_square(x);
    CHECK(ct_hook(h, watch, &a) == CT_OK);
    ct_tensor *y = ct_scope_return(scope, sum(TIMES(h, 2)));
    CHECK(ct_scope_close(scope) == CT_OK && ct_backward(y) == CT_OK && a.calls == 1 && a.first == 2);
}

static void anomalies(void) {
    ct_detect_anomaly(true);
    ct_tensor *x = LEAF(4, 0), *inf = VECTOR(INFINITY, 1);
    CHECK_HOLDS(ct_add(inf, VECTOR(1, 1)), INFINITY, 2); /* was there before */
    CHECK(!ct_why(ct_masked_fill(x, ct_eq(x, ct_scalar(CT_F64, 0)), (ct_fill_args){-INFINITY})));
    REFUSED(why(ct_log(x)), "log made the first infinity, in element 1 of result 0");
    REFUSED(why(ct_sqrt(VECTOR(-1))), "sqrt made the first NaN, in element 0");
    REFUSED(ct_backward(sum(ct_sqrt(x))), "backward of sqrt: ");
    CHECK_HAS(ct_error(), "infinity, in element 1");
    ct_detect_anomaly(false);
    CHECK_HOLDS(ct_log(x), log(4), -INFINITY);
    CHECK(ct_backward(sum(ct_sqrt(x))) == CT_OK);
    CHECK_HOLDS(ct_grad(x), 0.25, INFINITY);
}

/* ---- in place ---- */
static void in_place_values(void) {
    ct_tensor *x = VECTOR(1, -2, 3), *row = ct_slice(x, (ct_slice_args){.start = CT_DIMS(1)});
    void *data = ct_data(x);
    CHECK(ct_add_(x, VECTOR(10, 10, 10)) == x && ct_data(x) == data);
    CHECK_HOLDS(row, 8, 13);
    CHECK(ct_mul_scalar_(row, 2) == row);
    CHECK_HOLDS(x, 11, 16, 26);
    CHECK_HOLDS(ct_clamp_(x, (ct_clamp_args){.max = 20}), 11, 16, 20);
    CHECK_HOLDS(ct_sub_(x, ct_scalar(CT_F64, 1)), 10, 15, 19);
    CHECK_HOLDS(ct_fill_(row, 7), 7, 7);
    CHECK_HOLDS(x, 10, 7, 7);
    CHECK_HOLDS(ct_copy_(x, ct_from(CT_I64, CT_DIMS(1), (int64_t[]){3})), 3, 3, 3);
    CHECK_HOLDS(ct_zero_(x), 0, 0, 0);
    ct_tensor *single = ct_full(CT_F32, CT_DIMS(2), 1), *whole = ct_full(CT_I64, CT_DIMS(2), 5);
    CHECK(ct_dtype_of(ct_add_(single, VECTOR(1, 2))) == CT_F32);
    CHECK_HOLDS(single, 2, 3);
    CHECK_HOLDS(ct_mul_(whole, ct_full(CT_I32, CT_DIMS(2), 3)), 15, 15);
    REFUSED(why(ct_add_(whole, VECTOR(1, 2))), "add_: the result is f64, which a tensor of i64 cannot hold");
    REFUSED(why(ct_sqrt_(whole)), "sqrt_: the result is f32");
    REFUSED(why(ct_add_(VECTOR(1), VECTOR(1, 2))), "add_: the result has shape (2), the tensor (1)");
    REFUSED(why(ct_copy_(VECTOR(1), VECTOR(1, 2))), "expand");
    REFUSED(why(ct_neg_(ct_expand(VECTOR(1), (ct_expand_args){CT_DIMS(3)}))), "share their memory");
    CHECK_HOLDS(whole, 15, 15); /* an error changes nothing */
    REFUSED(why(ct_add_(x, ct_empty(CT_F64, CT_DIMS(-1)))), "negative");
    CHECK_HOLDS(x, 0, 0, 0);
}

/* d/dx of sum(f(x)), where f works in place on a copy of x. */
static ct_tensor *through(ct_tensor *(*f)(ct_tensor *), ct_tensor *x) {
    ct_tensor *dx = NULL;
    ct_status status = ct_gradients(sum(f(TIMES(x, 1))), NULL, &x, 1, true, &dx);
    return status ? ct_tensor_error(CT_FAIL, "%s", ct_error()) : dx;
}
static ct_tensor *sin_square(ct_tensor *h) { return ct_mul_(ct_sin_(h), h); } /* both inputs are the tensor itself */
static ct_tensor *exp_plus(ct_tensor *h) { return ct_add_(ct_exp_(h), ct_scalar(CT_F64, 1)); }
static ct_tensor *flat_relu(ct_tensor *h) {
    return TIMES(ct_relu_(ct_flatten(ct_unsqueeze(h, (ct_dim_args){0}), (ct_flatten_args){0})), 3);
}
static ct_tensor *filled(ct_tensor *h) { return ct_add(ct_fill_(h, 2), h); }
static ct_tensor *copied(ct_tensor *h) { return ct_copy_(VECTOR(0, 0), cube(h)); }

static void in_place_history(void) {
    ct_tensor *x = LEAF(1, -2), *dx;
    CHECK_HOLDS(through(sin_square, x), sin(2), sin(-4));
    CHECK_HOLDS(through(exp_plus, x), exp(1), exp(-2));
    CHECK_HOLDS(through(flat_relu, x), 3, 0);
    CHECK_HOLDS(through(copied, x), 3, 12);
    CHECK(filled(TIMES(x, 1))->requires_grad == false);
    dx = through(sin_square, x); /* differentiable again: d/dx sin(2x) */
    ct_tensor *ddx = NULL;
    CHECK(ct_gradients(sum(dx), NULL, &x, 1, false, &ddx) == CT_OK);
    CHECK_HOLDS(ddx, 2 * cos(2), 2 * cos(-4));
    ct_tensor *buffer = VECTOR(0, 0);
    ct_add_(buffer, x); /* a tensor without history gets one */
    CHECK(ct_gradients(sum(ct_square(buffer)), NULL, &x, 1, false, &dx) == CT_OK);
    CHECK_HOLDS(dx, 2, -4);
}

static void in_place_refused(void) {
    ct_tensor *x = LEAF(1, 2);
    REFUSED(why(ct_add_(x, VECTOR(1, 1))), "add_: a leaf that requires a gradient");
    REFUSED(why(ct_zero_(ct_slice(x, (ct_slice_args){.stop = CT_DIMS(1)}))), "a view of a leaf");
    ct_no_grad_begin();
    CHECK_HOLDS(ct_mul_(x, VECTOR(2, 2)), 2, 4);
    ct_no_grad_end();
    ct_tensor *h = TIMES(x, 1), *y = ct_square(h);
    ct_add_(h, VECTOR(1, 1));
    REFUSED(ct_backward(sum(y)), "backward of square: input 0 was changed in place after it was used");
    y = ct_exp(x);
    ct_no_grad_begin(), ct_zero_(y), ct_no_grad_end();
    REFUSED(ct_backward(sum(y)), "backward of exp: result 0 was changed in place");
    h = TIMES(x, 1), y = ct_mul_scalar(h, 3);
    ct_add_(h, VECTOR(1, 1)); /* which that gradient does not read */
    CHECK(ct_backward(sum(y)) == CT_OK);
    CHECK_HOLDS(ct_grad(x), 3, 3);
}

/* Where one handle's history would miss a change made through another, that handle is refused. */
static void in_place_through_views(void) {
    ct_tensor *x = LEAF(5), *base = VECTOR(1, 2), *part = ct_slice(base, (ct_slice_args){.start = CT_DIMS(1)}), *dx;
    ct_add_(part, x);
    CHECK_HOLDS(base, 1, 7);
    CHECK(ct_gradients(sum(ct_square(part)), NULL, &x, 1, false, &dx) == CT_OK);
    CHECK_HOLDS(dx, 14);
    REFUSED(why(ct_square(base)), "square: input 0 was changed in place through another view");
    ct_no_grad_begin();
    CHECK_HOLDS(ct_square(base), 1, 49);
    ct_no_grad_end();
    ct_mul_scalar_(part, 2); /* again, through the same handle */
    CHECK(ct_gradients(sum(part), NULL, &x, 1, false, &dx) == CT_OK);
    CHECK_HOLDS(dx, 2);
    ct_tensor *fresh = VECTOR(1, 2), *view = ct_slice(fresh, (ct_slice_args){.start = CT_DIMS(1)});
    ct_add_(fresh, x);
    REFUSED(why(ct_square(view)), "another view");
    CHECK(!ct_why(ct_square(ct_slice(fresh, (ct_slice_args){.start = CT_DIMS(1)}))));
}

static void in_place_captured(void) {
    ct_tensor *x = VECTOR(1, 2), *slot = VECTOR(5, 5), *view = ct_slice(slot, (ct_slice_args){.start = CT_DIMS(1)});
    ct_graph graph;
    CHECK(ct_capture_begin(&graph) == CT_OK);
    ct_add_(slot, x);
    ct_tensor *y = ct_square(slot); /* reads the new value */
    CHECK(graph.n == 2 && graph.n_bindings == 1 && graph.node[1]->in[0]->storage == graph.node[0]->out[0].storage);
    REFUSED(why(ct_square(view)), "another view");
    CHECK(!ct_why(y) && ct_capture_end(&graph) == CT_OK);
    CHECK_HOLDS(slot, 5, 5);
    CHECK_HOLDS(ct_square(slot), 25, 25);
    ct_graph_free(&graph);
}

/* ---- checkpoints ---- */
typedef struct layer {
    ct_tensor *w, *h;
    int calls;
    double p;
} layer;

static ct_tensor *run_layer(ct_tensor *const *in, int n, void *ctx) {
    layer *l = ctx;
    (void)n;
    l->calls++;
    ct_tensor *y = ct_sin(ct_mul(ct_tanh(in[0]), l->w));
    if (l->h) y = ct_mul(y, l->h);
    return l->p ? ct_dropout(y, (ct_dropout_layer_args){.p = l->p}) : y;
}

/* Gradients of a layer between others, plain or as a checkpoint: of x, of w, of what ctx holds; and those of their sum.
 */
static void layer_gradients(bool checkpoint, bool closure, double p, ct_tensor **d) {
    ct_tensor *x =
        ct_requires_grad(ct_linspace((ct_linspace_args){.start = -1, .end = 1, .steps = 20, .dtype = CT_F64}), true);
    ct_tensor *w = LEAF(1.5), *h = ct_square(x), *of[] = {x, w, h}, *first[3];
    layer l = {.w = w, .h = closure ? h : NULL, .p = p};
    ct_manual_seed(3);
    ct_tensor *y = checkpoint ? ct_checkpoint(run_layer, &l, &h, 1) : run_layer(&h, 1, &l);
    CHECK(!ct_why(y) && ct_numel(y) == 20);
    ct_tensor *z = ct_dropout(y, (ct_dropout_layer_args){.p = 0.5}); /* the draws after it are the same too */
    CHECK(ct_gradients(sum(ct_square(z)), NULL, of, 3, true, first) == CT_OK);
    ct_tensor *s = ct_add(sum(cube(first[0])), ct_add(sum(first[1]), sum(ct_square(first[2]))));
    CHECK(ct_gradients(s, NULL, of, 2, false, d + 3) == CT_OK);
    memcpy(d, first, sizeof first);
    CHECK(l.calls == (checkpoint ? 3 : 1));
    CHECK(ct_backward(sum(ct_square(z))) == CT_OK); /* leaves' gradients, and what fn reads through ctx */
    CHECK(holds(ct_grad(w), (double[]){ct_item(d[1])}, 1));
}

static void checkpoints(void) {
    for (int i = 0; i < 4; i++) {
        ct_tensor *want[5], *got[5];
        layer_gradients(false, i & 1, i & 2 ? 0.5 : 0, want);
        layer_gradients(true, i & 1, i & 2 ? 0.5 : 0, got);
        for (int k = 0; k < 5; k++)
            CHECK(ct_item(ct_norm(ct_sub(want[k], got[k]), (ct_norm_args){0})) <=
                  1e-12 * ct_item(ct_norm(want[k], (ct_norm_args){0})));
    }
}

static ct_tensor *twice(ct_tensor *const *in, int n, void *ctx) {
    return ct_checkpoint(run_layer, ctx, (ct_tensor *[]){ct_checkpoint(run_layer, ctx, in, n)}, 1);
}

static void checkpoint_corners(void) {
    ct_tensor *x = LEAF(0.3), *w = LEAF(2);
    layer plain = {.w = w}, nested = {.w = w};
    ct_tensor *y = run_layer((ct_tensor *[]){run_layer(&x, 1, &plain)}, 1, &plain);
    seen leaf = {.factor = 2};
    CHECK(ct_backward(y) == CT_OK && plain.calls == 2);
    double dx = ct_item(ct_grad(x)), dw = ct_item(ct_grad(w));
    ct_zero_grad(x), ct_zero_grad(w);
    CHECK(ct_hook(w, watch, &leaf) == CT_OK);
    y = ct_checkpoint(twice, &nested, &x, 1);
    CHECK(nested.calls == 2 && ct_backward(y) == CT_OK && nested.calls == 6);
    CHECK_NEAR(ct_item(ct_grad(x)), dx, 1e-12);
    CHECK_NEAR(ct_item(ct_grad(w)), 2 * dw, 1e-12);
    CHECK(leaf.calls == 1 && leaf.first != 0);
    REFUSED(ct_backward(y), "backward of checkpoint: a second time");
    y = ct_checkpoint(run_layer, &plain, &x, 1);
    ct_no_grad_begin(), ct_zero_(w), ct_no_grad_end();
    REFUSED(ct_backward(y), "was changed in place");
    ct_no_grad_begin();
    CHECK(!ct_checkpoint(run_layer, &plain, &x, 1)->requires_grad);
    ct_no_grad_end();
}

/* What a checkpoint is for: nothing of the stretch is kept. */
static void checkpoint_memory(void) {
    ct_tensor *x = LEAF(1, 2), *w = LEAF(1);
    layer l = {.w = w};
    ct_tensor *y = ct_checkpoint(run_layer, &l, &x, 1);
    CHECK(y->node->n_in == 2 && y->node->n_out == 1 && y->node->out[0].storage == NULL);
    CHECK(y->node->in[0]->storage == x->storage && !y->node->in[0]->node && !y->node->in[1]->node);
}

/* ---- custom ops ---- */
static ct_tensor *half_square(ct_tensor *const *in, int n, void *ctx) {
    (void)ctx;
    ct_tensor *y = ct_empty(CT_F64, (ct_dims){1, {ct_numel(in[0])}});
    const double *a = ct_data(in[0]), *b = n > 1 && in[1] ? ct_data(in[1]) : NULL;
    for (int64_t i = 0; i < ct_numel(y); i++) ((double *)ct_data(y))[i] = a[i] * a[i] / 2 * (b ? b[i] : 1);
    return y;
}
static void half_square_back(ct_tensor *const *in, int n, ct_tensor *y, ct_tensor *g, void *ctx, const bool *need,
                             ct_tensor **din) {
    double wrong = ctx ? *(double *)ctx : 1;
    (void)y;
    ct_tensor *d = ct_mul(g, TIMES(in[0], wrong));
    if (need[0]) din[0] = n > 1 ? ct_mul(d, in[1]) : d;
    if (n > 1 && need[1]) din[1] = ct_mul(g, TIMES(ct_square(in[0]), 0.5));
}
static void count(void *ctx) { ++*(int *)ctx; }
static ct_tensor *same(ct_tensor *const *in, int n, void *ctx) {
    (void)n, (void)ctx;
    return in[0];
}
static void too_short(ct_tensor *const *in, int n, ct_tensor *y, ct_tensor *g, void *ctx, const bool *need,
                      ct_tensor **din) {
    (void)in, (void)n, (void)y, (void)ctx, (void)need;
    din[0] = sum(g);
}
static const ct_custom_op square_op = {"half_square", half_square, half_square_back, NULL},
                          counted_op = {"counted", same, too_short, count};

static ct_tensor *call_square(ct_tensor *const *in, int n, void *ctx) { return ct_custom(&square_op, in, n, ctx); }

static void custom_ops(void) {
    ct_tensor *x = LEAF(3, 4), *b = LEAF(1, 10), *in[] = {x, b}, *d[2], *dd[2];
    ct_tensor *y = ct_custom(&square_op, in, 2, NULL);
    CHECK_HOLDS(y, 4.5, 80);
    CHECK(ct_gradients(sum(y), NULL, in, 2, true, d) == CT_OK);
    CHECK_HOLDS(d[0], 3, 40);
    CHECK_HOLDS(d[1], 4.5, 8);
    CHECK(ct_gradients(sum(d[0]), NULL, in, 2, false, dd) == CT_OK);
    CHECK_HOLDS(dd[0], 1, 10);
    CHECK_HOLDS(dd[1], 3, 4);
    CHECK(!ct_gradcheck(call_square, NULL, in, 2, (ct_gradcheck_args){0}) &&
          !ct_gradgradcheck(call_square, NULL, in, 2, (ct_gradcheck_args){0}));
    int released = 0;
    ct_scope *scope = ct_scope_open();
    ct_tensor *z = ct_custom(&counted_op, in, 1, &released);
    CHECK(z != x && ct_data(z) == ct_data(x) && released == 0);
    REFUSED(ct_backward(sum(z)), "backward of counted: the gradient of input 0 is not of its shape");
    CHECK(ct_scope_close(scope) == CT_OK && released == 1);
    ct_custom(&counted_op, (ct_tensor *[]){VECTOR(1)}, 1, &released);
    CHECK(released == 2); /* no one can ask */
    ct_graph graph;
    CHECK(ct_capture_begin(&graph) == CT_OK);
    REFUSED(why(ct_custom(&counted_op, in, 1, &released)), "counted: an op in C cannot be captured");
    CHECK(ct_capture_end(&graph) == CT_OK && released == 3);
    ct_graph_free(&graph);
}

/* ---- gradient checks ---- */
static ct_tensor *product(ct_tensor *const *in, int n, void *ctx) {
    (void)n, (void)ctx;
    return ct_matmul(ct_tanh(in[0]), in[1]);
}

static void gradient_checks(void) {
    double half = 0.5;
    ct_gradcheck_args slow = {0}, fast = {.fast_mode = true}, coarse = {.atol = 10};
    ct_tensor *a = ct_requires_grad(ct_reshape(VECTOR(.1, .2, .3, .4, .5, .6), (ct_shape_args){CT_DIMS(2, 3)}), true);
    ct_tensor *turned = ct_requires_grad(ct_detach(ct_transpose(ct_square(a), (ct_transpose_args){.dim1 = 1})), true);
    ct_tensor *in[] = {a, turned}, *x[] = {LEAF(1, 2)}, *single = ct_to(x[0], CT_F32);
    for (int i = 0; i < 2; i++) {
        CHECK(ct_gradcheck(product, NULL, in, 2, i ? fast : slow) == CT_OK);
        CHECK(ct_gradgradcheck(product, NULL, in, 2, i ? fast : slow) == CT_OK);
    }
    CHECK_HOLDS(a, .1, .2, .3, .4, .5, .6); /* moved back */
    REFUSED(ct_gradcheck(call_square, &half, x, 1, slow),
            "gradcheck: input 0, element 0: the gradient of result 0 is 0.5, by differences 1");
    REFUSED(ct_gradcheck(call_square, &half, x, 1, fast), "gradcheck: input 0, element 0: the gradient is");
    CHECK(ct_gradcheck(call_square, &half, x, 1, coarse) == CT_OK);
    REFUSED(ct_gradcheck(product, NULL, (ct_tensor *[]){ct_detach(a), ct_detach(turned)}, 2, slow),
            "no input requires");
    REFUSED(ct_gradcheck(call_square, NULL, &single, 1, slow), "input 0 is f32; differences need f64");
}

/* The gradient of a sum is one number, repeated: through a product it has the bits of the same, written out. */
static void repeated_gradients(void) {
    ct_tensor *x = ct_requires_grad(ct_randn(CT_F32, CT_DIMS(50, 90)), true), *w = ct_randn(CT_F32, CT_DIMS(90, 70));
    ct_tensor *y = ct_matmul(x, w), *got = NULL, *want = NULL;
    CHECK(!ct_gradients(ct_sum(y, (ct_reduce_args){0}), NULL, &x, 1, false, &got));
    CHECK(!ct_gradients(ct_matmul(x, w), ct_full(CT_F32, CT_DIMS(50, 70), 1), &x, 1, false, &want));
    CHECK(!why(got) && !why(want) && !memcmp(ct_data(got), ct_data(want), 50 * 90 * sizeof(float)));
}

int main(void) {
    ct_scope *scope = ct_scope_open();
    RUN(accumulation), RUN(own_gradients), RUN(higher_order), RUN(any_tensor), RUN(hooks), RUN(hook_of_a_lost_handle);
    RUN(anomalies), RUN(in_place_values), RUN(in_place_history), RUN(in_place_refused), RUN(in_place_through_views);
    RUN(in_place_captured), RUN(checkpoints), RUN(checkpoint_corners), RUN(checkpoint_memory), RUN(custom_ops);
    RUN(gradient_checks), RUN(repeated_gradients);
    if (ct_scope_close(scope)) printf("    %s\n", ct_error());
    return check_done("autograd");
}
