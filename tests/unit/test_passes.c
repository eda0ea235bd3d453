/* The passes of a plan: each alone on a small graph, and random graphs, which must compute what eager ops do, to the
   bit where they are pointwise. */
#include "plan/pass.h"
#include "autograd/backward.h"
#include "base/alloc.h"
#include "base/parallel.h"
#include "ops/cases.h"
#include "check.h"
#include "ctorch_run.h"
#include "plan/plan.h"
#include <stdlib.h>

/* ---- small graphs ---- */
typedef void build_fn(ct_tensor *const *x, ct_tensor **y);

static int count(const ct_buf *text, const char *word) {
    int n = 0;
    for (const char *s = text->data; s && (s = strstr(s, word)); s++) n++;
    return n;
}

/* How many kernels the graph of `build` runs with all passes but `off`; its text in *text. */
static int launches(build_fn *build, unsigned off, ct_buf *text) {
    ct_scope *scope = ct_scope_open();
    ct_tensor *x[3], *y = NULL;
    for (int i = 0; i < 3; i++) x[i] = ct_case_uniform(CT_F32, CT_DIMS(8, 16), -1, 1, 5 + (uint64_t)i);
    ct_graph g;
    ct_arena arena = {0};
    ct_plan *plan = NULL;
    CHECK(ct_capture_begin(&g) == CT_OK);
    build(x, &y);
    CHECK(ct_capture_end(&g) == CT_OK);
    CHECK(ct_plan_new(&g, &y, 1, &arena, &(ct_plan_options){.off = off, .after = text}, &plan) == CT_OK);
    int n = plan ? ct_plan_launches(plan) : -1;
    if (plan) CHECK(ct_plan_run(plan) == CT_OK);
    ct_tensor *planned = plan ? ct_plan_value(plan, 0) : NULL, *eager;
    build(x, &eager);
    CHECK(planned && ct_numel(planned) == ct_numel(eager) && ct_numel(eager) > 0);
    for (int64_t i = 0; planned && i < ct_numel(eager); i++)
        CHECK(ct_item(ct_select(ct_flatten(planned, (ct_flatten_args){0}), (ct_select_args){.index = i})) ==
              ct_item(ct_select(ct_flatten(eager, (ct_flatten_args){0}), (ct_select_args){.index = i})));
    ct_plan_free(plan), ct_arena_free(&arena), ct_graph_free(&g);
    CHECK(ct_scope_close(scope) == CT_OK);
    return n;
}

static unsigned but(const char *pass) {
    unsigned off = 0, bit = 0;
    char text[32];
    CHECK(ct_passes_read("-all", &off) == CT_OK);
    snprintf(text, sizeof text, "-%s", pass);
    CHECK(ct_passes_read(text, &bit) == CT_OK);
    return off & ~bit;
}

/* With the one pass alone the graph has `with` stages, without any `without`. */
static void falls(build_fn *build, const char *pass, int with, int without) {
    ct_buf text = CT_BUF(1 << 16);
    int one = launches(build, but(pass), &text), none = launches(build, ~0u, NULL);
    if (!CHECK(one == with) || !CHECK(none == without)) printf("    %s: %d, %d\n%s", pass, one, none, text.data);
    ct_buf_free(&text);
}

static void dead_graph(ct_tensor *const *x, ct_tensor **y) {
    ct_exp(ct_mul(x[0], x[1]));
    *y = ct_add(x[0], x[1]);
}
static void equal_graph(ct_tensor *const *x, ct_tensor **y) {
    *y = ct_add(ct_tanh(ct_add_scalar(x[0], 2)), ct_tanh(ct_add_scalar(x[0], 2)));
}
static void nearly_equal_graph(ct_tensor *const *x, ct_tensor **y) {
    *y = ct_add(ct_add_scalar(x[0], 2), ct_add_scalar(x[0], 3));
}
static void constant_graph(ct_tensor *const *x, ct_tensor **y) {
    ct_tensor *rows = ct_arange((ct_arange_args){.end = 8, .step = 1, .dtype = CT_F32});
    *y = ct_mul(x[0], ct_unsqueeze(ct_exp(rows), (ct_dim_args){1}));
}
static ct_tensor *dropped(ct_tensor *x) {
    ct_tensor *rng = ct_from(CT_I64, CT_DIMS(2), (int64_t[]){7, 3});
    ct_tensor *mask = ct_apply(CT_OP_dropout_mask, (ct_tensor *[]){x, rng}, 2, &(ct_dropout_args){.p = 0.5}, NULL);
    return ct_apply(CT_OP_mask_scale, (ct_tensor *[]){x, mask}, 2, &(ct_fill_args){.value = 2}, NULL);
}
/* Two draws of one key are equal, and stay two. */
static void random_graph(ct_tensor *const *x, ct_tensor **y) { *y = ct_add(dropped(x[0]), dropped(x[0])); }
static void dropout_graph(ct_tensor *const *x, ct_tensor **y) { *y = ct_neg(dropped(ct_relu(x[0]))); }
static void chain_graph(ct_tensor *const *x, ct_tensor **y) {
    ct_tensor *row = ct_sum(x[2], (ct_reduce_args){.dim = CT_DIMS(0)}),
              *column = ct_sum(x[2], (ct_reduce_args){.dim = CT_DIMS(1), .keepdim = true});
    *y = ct_gelu(ct_mul(ct_add(ct_tanh(x[0]), row), ct_div(x[1], column)), (ct_gelu_args){0});
}
/* A value whose elements are read in another order is needed whole; another shape alone is none. */
static void reordered_graph(ct_tensor *const *x, ct_tensor **y) {
    ct_tensor *a = ct_exp(ct_neg(x[0])), *b = ct_reshape(a, (ct_shape_args){CT_DIMS(16, 8)});
    *y = ct_add(ct_permute(b, (ct_dims_args){CT_DIMS(1, 0)}), a);
}
static void reshaped_graph(ct_tensor *const *x, ct_tensor **y) {
    *y = ct_abs(ct_reshape(ct_neg(x[0]), (ct_shape_args){CT_DIMS(4, 32)}));
}
/* Two numbers that have nothing to do with each other. */
static void numbers_graph(ct_tensor *const *x, ct_tensor **y) {
    ct_tensor *a = ct_sum(x[0], (ct_reduce_args){0}), *b = ct_sum(x[1], (ct_reduce_args){0});
    *y = ct_add(ct_mul(x[2], ct_exp(a)), ct_exp(b));
}
static void mask_graph(ct_tensor *const *x, ct_tensor **y) {
    ct_tensor *more = ct_gt(x[0], x[1]);
    *y = ct_where(more, ct_neg(x[0]), ct_to(ct_to(x[2], CT_F64), CT_F32));
}
static void linear_graph(ct_tensor *const *x, ct_tensor **y) {
    *y = ct_add(ct_relu(ct_linear(x[0], ct_matmul(ct_permute(x[1], (ct_dims_args){CT_DIMS(1, 0)}), x[0]), NULL)), x[1]);
}

/* A sum takes the op before it (which something else reads too) as its head, and the one after it as its tail. */
static void moment_graph(ct_tensor *const *x, ct_tensor **y) {
    ct_tensor *a = ct_square(x[0]), *s = ct_sum(a, (ct_reduce_args){.dim = CT_DIMS(1), .keepdim = true});
    *y = ct_mul(ct_rsqrt(s), a);
}

/* So does a softmax, a norm of rows (what it normalises is read by others too), and a loss. */
static void soft_graph(ct_tensor *const *x, ct_tensor **y) {
    *y = ct_softmax(ct_mul(x[0], x[1]), (ct_dim_args){.dim = 1});
}
static void rows_graph(ct_tensor *const *x, ct_tensor **y) {
    ct_tensor *a = ct_add(x[0], x[1]);
    *y = ct_add(ct_layer_norm(a, NULL, NULL, (ct_layer_norm_args){.normalized_shape = CT_DIMS(16), .eps = 1e-5}), a);
}
static void loss_graph(ct_tensor *const *x, ct_tensor **y) {
    ct_tensor *t = ct_argmax(x[1], (ct_reduce_args){.dim = CT_DIMS(1)});
    *y = ct_cross_entropy(ct_tanh(x[0]), t, NULL, (ct_cross_entropy_args){.ignore_index = -100});
}

/* A sum's head makes what a norm is of, in the order of the sum, not of the norm: that may not watch it. */
static void summed_graph(ct_tensor *const *x, ct_tensor **y) {
    ct_tensor *v = ct_relu(ct_add(x[0], x[1])), *s = ct_sum(v, (ct_reduce_args){.dim = CT_DIMS(1), .keepdim = true});
    *y = ct_add(ct_batch_norm(v, NULL, NULL, NULL, NULL, (ct_batch_norm_args){.training = true}), s);
}

/* An image's largest, where they were, put back there. */
static void pool_graph(ct_tensor *const *x, ct_tensor **y) {
    ct_max_pool2d_args args = {.kernel_size = {2, 2}, .dilation = {1, 1}};
    ct_tensor *image = ct_reshape(x[0], (ct_shape_args){CT_DIMS(1, 2, 8, 8)}), *made[8];
    ct_apply(CT_OP_max_pool2d_, &image, 1, &args, made);
    ct_tensor *back[] = {ct_exp(made[0]), made[1]};
    *y = ct_neg(ct_apply(CT_OP_pool_scatter, back, 2, &(ct_size_args){CT_DIMS(1, 2, 8, 8)}, NULL));
}
static void turned_graph(ct_tensor *const *x, ct_tensor **y) {
    *y = ct_neg(ct_contiguous(ct_permute(x[0], (ct_dims_args){CT_DIMS(1, 0)})));
}

static ct_tensor *product(ct_tensor *const *x) {
    return ct_matmul(ct_permute(x[0], (ct_dims_args){CT_DIMS(1, 0)}), x[1]);
}
static ct_tensor *sum_of_row(ct_tensor *x) { return ct_sum(ct_select(x, (ct_select_args){0}), (ct_reduce_args){0}); }
/* A small sum has nothing to do with the product before it, or comes from it. */
static void apart_graph(ct_tensor *const *x, ct_tensor **y) { *y = ct_add(product(x), sum_of_row(x[2])); }
static void after_graph(ct_tensor *const *x, ct_tensor **y) {
    ct_tensor *a = product(x);
    *y = ct_add(a, sum_of_row(a));
}
static void before_graph(ct_tensor *const *x, ct_tensor **y) {
    ct_tensor *s = sum_of_row(x[2]);
    *y = ct_add(product(x), s);
}
static void as_large_graph(ct_tensor *const *x, ct_tensor **y) {
    *y = ct_add(product(x), ct_sum(x[2], (ct_reduce_args){0}));
}

static void norm_graph(ct_tensor *const *x, ct_tensor **y) {
    *y = ct_add(ct_relu(ct_batch_norm(x[0], NULL, NULL, NULL, NULL, (ct_batch_norm_args){.training = true})), x[1]);
}

static void each_pass(void) {
    falls(dead_graph, "dead", 1, 3);
    falls(equal_graph, "cse", 3, 5);
    falls(nearly_equal_graph, "cse", 3, 3);
    falls(random_graph, "cse", 5, 5);
    falls(constant_graph, "fold", 1, 3);
    falls(chain_graph, "fuse", 3, 7);
    falls(reordered_graph, "fuse", 2, 3);
    falls(reshaped_graph, "fuse", 1, 2);
    falls(mask_graph, "fuse", 1, 5);
    falls(dropout_graph, "fuse", 1, 4);
    falls(numbers_graph, "fuse", 4, 6);
    falls(linear_graph, "join", 2, 4);
    falls(moment_graph, "join", 3, 4);
    falls(norm_graph, "join", 1, 3);
    falls(pool_graph, "join", 2, 4);
    falls(turned_graph, "join", 1, 2);
    falls(moment_graph, "reduce", 3, 4);
    falls(soft_graph, "reduce", 1, 2);
    falls(loss_graph, "reduce", 2, 3);
    bool before = ct_whole_swap(true);
    falls(rows_graph, "reduce", 2, 3);
    ct_whole_swap(before);
    falls(apart_graph, "beside", 2, 3);
    falls(before_graph, "beside", 2, 3);
    falls(after_graph, "beside", 3, 3);
    falls(as_large_graph, "beside", 3, 3);
    ct_buf text = CT_BUF(1 << 16);
    launches(summed_graph, 0, NULL);
    launches(linear_graph, 0, &text);
    CHECK(count(&text, "\n") == 2 && count(&text, "linear(") == 1 && count(&text, "; ") == 2);
    ct_buf_free(&text);
}

/* What runs beside a sum does not overwrite what that reads. */
static ct_status beside_graph(void *ctx, ct_tensor **keep) {
    ct_tensor *a = ct_exp(ctx), *some = ct_narrow(ct_select(a, (ct_select_args){0}), (ct_narrow_args){.length = 8});
    ct_tensor *s = ct_sum(some, (ct_reduce_args){0});
    keep[0] = ct_add(ct_neg(a), s);
    return CT_OK;
}

static size_t beside_bytes(unsigned off, const char *has) {
    ct_buf text = CT_BUF(1 << 16);
    ct_arena arena = {0};
    ct_plan *plan;
    ct_plan_options opt = {.off = off, .after = &text};
    ct_tensor *x = ct_case_uniform(CT_F32, CT_DIMS(8, 16), -1, 1, 1);
    if (!CHECK(ct_plan_capture(beside_graph, x, 1, &arena, &opt, &plan) == CT_OK)) return 0;
    CHECK_HAS(text.data, has);
    size_t bytes = ct_plan_bytes(plan);
    ct_plan_free(plan), ct_arena_free(&arena), ct_buf_free(&text);
    return bytes;
}

static void beside(void) {
    ct_scope *scope = ct_scope_open();
    size_t array = 8 * 16 * sizeof(float);
    CHECK(beside_bytes(but("beside"), "neg(v") >= beside_bytes(~0u, "neg(v") + array);
    CHECK(beside_bytes(but("beside"), " | ") >= 2 * array);
    CHECK(ct_scope_close(scope) == CT_OK);
}

/* ---- whole: one kernel each way instead of parts, near to what the parts compute ---- */
static ct_status whole_graph(void *ctx, ct_tensor **keep) {
    ct_tensor *const *x = ctx;
    ct_tensor *q = ct_layer_norm(x[0], x[1], x[2], (ct_layer_norm_args){.normalized_shape = CT_DIMS(16)});
    ct_tensor *k = ct_rms_norm(x[0], x[1], (ct_rms_norm_args){.normalized_shape = CT_DIMS(16)});
    keep[0] = ct_scaled_dot_product_attention(q, k, x[0], NULL, (ct_attention_args){.is_causal = true});
    ct_tensor *loss = ct_sum(ct_square(keep[0]), (ct_reduce_args){0});
    return ct_gradients(loss, NULL, x, 3, false, keep + 1);
}

static double apart(ct_tensor *a, ct_tensor *b) { return ct_item(ct_amax(ct_abs(ct_sub(a, b)), (ct_reduce_args){0})); }

static int whole_launches(ct_tensor *const *x, unsigned off, ct_buf *text) {
    ct_plan_options opt = {.off = off, .after = text};
    ct_arena arena = {0};
    ct_plan *plan;
    ct_tensor *eager[4];
    if (!CHECK(ct_plan_capture(whole_graph, (void *)x, 4, &arena, &opt, &plan) == CT_OK)) return 0;
    CHECK(ct_plan_run(plan) == CT_OK && whole_graph((void *)x, eager) == CT_OK);
    for (int i = 0; i < 4; i++) CHECK(apart(ct_plan_value(plan, i), eager[i]) < 1e-4);
    int n = ct_plan_launches(plan);
    ct_plan_free(plan), ct_arena_free(&arena);
    return n;
}

/* Results lie as those of the parts do, by which random ops draw. */
static ct_status turned_norms(void *ctx, ct_tensor **keep) {
    ct_tensor *x = ct_transpose(*(ct_tensor **)ctx, (ct_transpose_args){0, 1});
    keep[0] = ct_layer_norm(x, NULL, NULL, (ct_layer_norm_args){.normalized_shape = CT_DIMS(8)});
    keep[1] = ct_rms_norm(x, NULL, (ct_rms_norm_args){.normalized_shape = CT_DIMS(8)});
    return CT_OK;
}

static void whole_lies_alike(ct_tensor *x) {
    ct_arena arena = {0};
    ct_plan *plan;
    if (!CHECK(ct_plan_capture(turned_norms, &x, 2, &arena, NULL, &plan) == CT_OK)) return;
    for (int i = 0; i < 2; i++) CHECK(ct_stride(ct_plan_value(plan, i), 0) == 1);
    ct_plan_free(plan), ct_arena_free(&arena);
}

static void whole(void) {
    static const char *const kernels[] = {" = layer_norm_(",   " = layer_norm_back(", " = rms_norm_(",
                                          " = rms_norm_back(", " = attention_(",      " = attention_back("};
    ct_scope *scope = ct_scope_open();
    ct_buf with = CT_BUF(1 << 16), without = CT_BUF(1 << 16);
    ct_tensor *x[] = {ct_case_uniform(CT_F32, CT_DIMS(2, 70, 16), -1, 1, 1),
                      ct_case_uniform(CT_F32, CT_DIMS(16), 0, 1, 2), ct_case_uniform(CT_F32, CT_DIMS(16), -1, 1, 3)};
    whole_lies_alike(ct_case_uniform(CT_F32, CT_DIMS(8, 5), -1, 1, 4));
    for (int i = 0; i < 3; i++) ct_requires_grad(x[i], true);
    CHECK(whole_launches(x, but("whole"), &with) < whole_launches(x, ~0u, &without));
    for (int i = 0; i < CT_COUNT(kernels); i++)
        CHECK(count(&with, kernels[i]) == 1 && count(&without, kernels[i]) == 0);
    ct_buf_free(&with), ct_buf_free(&without);
    CHECK(ct_scope_close(scope) == CT_OK);
}

/* ---- winograd: convolutions and their gradients, which it rounds less finely ---- */
typedef struct conv_case {
    ct_tensor *x[3];
    int64_t stride;
} conv_case;

static ct_status wino_graph(void *ctx, ct_tensor **keep) {
    const conv_case *c = ctx;
    ct_conv2d_args args = {.stride = {c->stride, c->stride}, .padding = {1, 1}};
    keep[0] = ct_conv2d(c->x[0], c->x[1], NULL, args);
    return ct_gradients(ct_sum(ct_square(keep[0]), (ct_reduce_args){0}), NULL, c->x, 2, false, keep + 1);
}

/* How far the result and the gradients are from those of doubles. */
static void wino_errors(conv_case *c, ct_tensor *const *exact, unsigned off, double error[3]) {
    ct_arena arena = {0};
    ct_plan *plan;
    if (!CHECK(ct_plan_capture(wino_graph, c, 3, &arena, &(ct_plan_options){.off = off}, &plan) == CT_OK)) return;
    CHECK(ct_plan_run(plan) == CT_OK);
    for (int i = 0; i < 3; i++) error[i] = apart(ct_to(ct_plan_value(plan, i), CT_F64), exact[i]);
    ct_plan_free(plan), ct_arena_free(&arena);
}

static void winograd(void) {
    for (int64_t stride = 1; stride <= 2; stride++) {
        ct_scope *scope = ct_scope_open();
        conv_case c = {{ct_case_uniform(CT_F32, CT_DIMS(4, 48, 16, 16), -1, 1, 1),
                        ct_case_uniform(CT_F32, CT_DIMS(48, 48, 3, 3), -1, 1, 2)},
                       stride},
                  doubles = {{ct_to(c.x[0], CT_F64), ct_to(c.x[1], CT_F64)}, stride};
        ct_tensor *exact[3];
        double with[3] = {0}, without[3] = {0}, most[] = {1e-3, 1e-2, 1e-2};
        for (int i = 0; i < 2; i++) ct_requires_grad(c.x[i], true), ct_requires_grad(doubles.x[i], true);
        CHECK(wino_graph(&doubles, exact) == CT_OK);
        wino_errors(&c, exact, but("winograd"), with), wino_errors(&c, exact, ~0u, without);
        for (int i = 0; i < 3; i++) CHECK(without[i] > 0 && without[i] < with[i] && with[i] < most[i]);
        CHECK(ct_scope_close(scope) == CT_OK);
    }
}

/* ---- tails: products and convolutions of many sizes hand on each element once ---- */
typedef struct size {
    int64_t batch, m, n, k; /* of a convolution: images, side, channels made, channels read */
    bool conv;
} size;

/* act(op(a, b) + c), where the activation's gradient needs its result, and the gradient of a. */
static int tailed(const size *s, ct_tensor *const *x, ct_tensor **out) {
    ct_tensor *y = s->conv    ? ct_conv2d(x[0], x[1], x[2], (ct_conv2d_args){.padding = {1, 1}})
                   : s->batch ? ct_matmul(x[0], x[1])
                              : ct_linear(x[0], x[1], x[2]);
    out[0] = ct_tanh(ct_add(ct_relu(y), x[3]));
    CHECK(ct_gradients(ct_sum(out[0], (ct_reduce_args){0}), NULL, x, 1, false, &out[1]) == CT_OK);
    out[1] = ct_mul_scalar(out[1], 3);
    return 2;
}

static void make_inputs(const size *s, ct_tensor **x) {
    ct_dims a = CT_DIMS(s->m, s->k), b = CT_DIMS(s->n, s->k), y = CT_DIMS(s->m, s->n);
    if (s->batch) a = CT_DIMS(s->batch, s->m, s->k), b = CT_DIMS(s->k, s->n), y = CT_DIMS(s->batch, s->m, s->n);
    if (s->conv) {
        a = CT_DIMS(s->batch, s->m, s->m, s->k), b = CT_DIMS(s->n, s->k, 3, 3);
        y = CT_DIMS(s->batch, s->m, s->m, s->n);
    }
    x[0] = ct_case_uniform(CT_F32, a, -1, 1, 1), x[1] = ct_case_uniform(CT_F32, b, -1, 1, 2);
    x[2] = ct_case_uniform(CT_F32, CT_DIMS(s->n), -1, 1, 3), x[3] = ct_case_uniform(CT_F32, y, -1, 1, 4);
    ct_dims_args nchw = {CT_DIMS(0, 3, 1, 2)};
    if (s->conv) x[0] = ct_permute(x[0], nchw), x[3] = ct_permute(x[3], nchw);
    ct_requires_grad(x[0], true);
}

/* The results' bits, in *bytes. */
static void run_tailed(const size *s, unsigned off, char *bytes, ct_buf *text) {
    ct_scope *scope = ct_scope_open();
    ct_tensor *x[4], *y[2];
    ct_graph g;
    ct_arena arena = {0};
    ct_plan *plan = NULL;
    make_inputs(s, x);
    CHECK(ct_capture_begin(&g) == CT_OK);
    int n = tailed(s, x, y);
    CHECK(ct_capture_end(&g) == CT_OK);
    CHECK(ct_plan_new(&g, y, n, &arena, &(ct_plan_options){.off = off, .after = text}, &plan) == CT_OK);
    if (plan) CHECK(ct_plan_run(plan) == CT_OK);
    for (int i = 0; plan && i < n; i++) {
        ct_tensor *t = ct_contiguous(ct_plan_value(plan, i));
        memcpy(bytes, ct_data(t), (size_t)ct_numel(t) * sizeof(float));
        bytes += (size_t)ct_numel(t) * sizeof(float);
    }
    ct_plan_free(plan), ct_arena_free(&arena), ct_graph_free(&g);
    CHECK(ct_scope_close(scope) == CT_OK);
}

static void tails(void) {
    static const size sizes[] = {
        {0, 1, 1, 1, false},     {0, 1, 70, 33, false},     {0, 70, 1, 33, false},     {0, 3, 5, 7, false},
        {0, 64, 10, 128, false}, {0, 100, 300, 900, false}, {0, 300, 129, 500, false}, {2, 65, 66, 67, false},
        {5, 1, 40, 30, false},   {7, 13, 1, 300, false},    {3, 200, 100, 400, false}, {2, 9, 16, 16, true},
        {3, 14, 32, 16, true},   {2, 13, 17, 19, true},     {1, 28, 8, 1, true},       {4, 12, 6, 3, true},
        {2, 8, 256, 128, true},  {5, 4, 64, 64, true},      {1, 6, 256, 128, true},    {2, 9, 12, 16, true},
    };
    char *a = malloc(1 << 22), *b = malloc(1 << 22);
    for (int i = 0; i < CT_COUNT(sizes); i++)
        for (int threads = 1; threads <= 3; threads += 2) {
            const size *s = &sizes[i];
            ct_buf text = CT_BUF(1 << 16);
            int64_t area = s->conv ? s->m * s->m : s->m, images = CT_MAX(s->batch, 1);
            size_t bytes = (size_t)(images * area * (s->n + s->k)) * sizeof(float);
            ct_set_threads(threads);
            run_tailed(s, ~0u, a, NULL);
            run_tailed(s, 0, b, &text);
            CHECK(count(&text, "; ") >= 1);
            if (!CHECK(bytes <= 1 << 22 && !memcmp(a, b, bytes)))
                printf("    %d threads, size %d\n%s", threads, i, text.data);
            ct_buf_free(&text);
        }
    free(a), free(b);
    ct_set_threads(ct_threads_available(NULL));
}

/* ---- early: a batch norm sums up what a convolution makes while it is made ---- */
static ct_status early_graph(void *ctx, ct_tensor **keep) {
    const conv_case *c = ctx;
    ct_tensor *const *x = c->x;
    ct_conv2d_args args = {.padding = {1, 1}, .stride = {c->stride, c->stride}};
    ct_tensor *y = ct_conv2d(x[0], x[1], NULL, args);
    y = ct_relu(ct_batch_norm(y, NULL, NULL, NULL, NULL, (ct_batch_norm_args){.training = true}));
    keep[0] = ct_conv2d(y, x[2], NULL, args);
    return ct_gradients(ct_sum(ct_square(keep[0]), (ct_reduce_args){0}), NULL, x + 1, 2, false, keep + 1);
}

/* The bits of all that is kept after a second run; how many norms read theirs as made. */
static int early_bits(conv_case *c, unsigned off, char *bits) {
    ct_buf text = CT_BUF(1 << 16);
    ct_arena arena = {0};
    ct_plan *plan;
    ct_plan_options opt = {.off = off, .after = &text};
    if (!CHECK(ct_plan_capture(early_graph, c, 3, &arena, &opt, &plan) == CT_OK)) return -1;
    CHECK(ct_plan_run(plan) == CT_OK && ct_plan_run(plan) == CT_OK);
    for (int i = 0; i < 3; i++) {
        ct_tensor *t = ct_contiguous(ct_plan_value(plan, i));
        size_t bytes = (size_t)ct_numel(t) * sizeof(float);
        memcpy(bits, ct_data(t), bytes), bits += bytes;
    }
    int n = count(&text, " as made");
    ct_plan_free(plan), ct_arena_free(&arena), ct_buf_free(&text);
    return n;
}

/* By Winograd, by windows, and of images that lie plane by plane, which a convolution does not hand on. */
static void early(void) {
    static const struct {
        int64_t channels, side, stride, made;
        bool planes;
    } cases[] = {
        {16, 21, 1, 1, false}, {64, 9, 1, 1, false}, {3, 30, 1, 1, false}, {16, 12, 1, 0, true}, {64, 32, 2, 1, false}};
    char *a = malloc(1 << 22), *b = malloc(1 << 22);
    for (int i = 0; i < CT_COUNT(cases); i++) {
        ct_scope *scope = ct_scope_open();
        int64_t c = cases[i].channels, side = cases[i].side;
        ct_tensor *image = cases[i].planes ? ct_case_uniform(CT_F32, CT_DIMS(5, c, side, side), -1, 1, 1)
                                           : ct_permute(ct_case_uniform(CT_F32, CT_DIMS(5, side, side, c), -1, 1, 1),
                                                        (ct_dims_args){CT_DIMS(0, 3, 1, 2)});
        conv_case e = {{image, ct_case_uniform(CT_F32, CT_DIMS(c, c, 3, 3), -1, 1, 2),
                        ct_case_uniform(CT_F32, CT_DIMS(c, c, 3, 3), -1, 1, 3)},
                       cases[i].stride};
        ct_requires_grad(e.x[1], true), ct_requires_grad(e.x[2], true);
        int64_t made = side / (e.stride * e.stride);
        size_t bytes = (size_t)(5 * c * made * made + 2 * c * c * 9) * sizeof(float);
        unsigned off = 0;
        CHECK(bytes <= 1 << 22 && ct_passes_read("-early", &off) == CT_OK);
        for (int threads = 1; threads <= 3; threads += 2) {
            ct_set_threads(threads);
            CHECK(early_bits(&e, off, a) == 0);
            int norms = early_bits(&e, 0, b);
            if (!CHECK(norms == cases[i].made) || !CHECK(!memcmp(a, b, bytes))) printf("    case %d: %d\n", i, norms);
        }
        CHECK(ct_scope_close(scope) == CT_OK);
    }
    free(a), free(b);
    ct_set_threads(ct_threads_available(NULL));
}

static void switches(void) {
    unsigned off = 0;
    CHECK(ct_passes_read("-fuse,-cse", &off) == CT_OK && off && off != ~0u);
    CHECK(ct_passes_read("", &off) == CT_OK);
    CHECK(ct_passes_read("-fuze", &off) == CT_FAIL);
    CHECK_HAS(ct_error(), "-fuse");
    CHECK(ct_passes_read("fuse", &off) == CT_FAIL);
    CHECK(ct_passes_read("-", &off) == CT_FAIL);
    CHECK(ct_passes_use("-all") == CT_OK && ct_passes_off() == ~0u);
    CHECK(ct_passes_use("-nothing") == CT_FAIL && ct_passes_off() == ~0u);
    CHECK(ct_passes_use("") == CT_OK && !ct_passes_off());
}

int main(void) {
    RUN(switches);
    RUN(each_pass);
    RUN(beside);
    RUN(whole);
    RUN(winograd);
    RUN(tails);
    RUN(early);
    return check_done("passes");
}
