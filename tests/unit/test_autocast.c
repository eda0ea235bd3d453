/* Autocast: products of what is rounded to bf16, forward and backward, summed in f32, by every kernel there is. */
#include "ops/cases.h"
#include "check.h"
#include "ops/ops.h"
#include "plan/plan.h"

static const char *const kernels[] = {"ref", "v2", "v3", "v4", "generic"};
#define KERNELS ((int)(sizeof kernels / sizeof *kernels))

static ct_tensor *draw(ct_dims shape, uint64_t seed) { return ct_case_uniform(CT_F32, shape, -1, 1, seed); }
static ct_tensor *exactly(ct_tensor *t) { return ct_to(t, CT_F64); }
static ct_tensor *rounded(ct_tensor *t) { return exactly(ct_to(t, CT_BF16)); }

static double norm(ct_tensor *t) { return sqrt(ct_item(ct_sum(ct_square(t), (ct_reduce_args){0}))); }

/* |got - want| / |want| */
static double distance(ct_tensor *got, ct_tensor *want) { return norm(ct_sub(exactly(got), want)) / norm(want); }

static bool same_bits(ct_tensor *a, ct_tensor *b) {
    return ct_numel(a) == ct_numel(b) && !memcmp(ct_data(a), ct_data(b), (size_t)ct_numel(a) * sizeof(float));
}

typedef struct product {
    ct_tensor *x, *w, *b;
} product;

static product make(int64_t m, int64_t n, int64_t k) {
    return (product){draw(CT_DIMS(m, k), 1), draw(CT_DIMS(n, k), 2), draw(CT_DIMS(n), 3)};
}

static ct_tensor *linear_cast(const product *p) {
    ct_autocast_begin();
    ct_tensor *y = ct_linear(p->x, p->w, p->b);
    ct_autocast_end();
    return y;
}

/* ---- values ---- */
static void check_product(int64_t m, int64_t n, int64_t k) {
    product p = make(m, n, k);
    ct_tensor *want = ct_linear(rounded(p.x), rounded(p.w), exactly(p.b)), *y = linear_cast(&p);
    CHECK(ct_dtype_of(y) == CT_F32);
    if (CHECK(distance(y, want) < 1e-6)) return;
    printf("    %s: %d x %d x %d\n", ct_backend_name(), (int)m, (int)n, (int)k);
}

static void products_are_of_rounded_inputs(void) {
    static const int64_t sizes[] = {1, 2, 3, 17, 31, 65};
    enum { N = sizeof sizes / sizeof *sizes };
    for (int i = 0; i < N * N * N; i++) check_product(sizes[i % N], sizes[i / N % N], sizes[i / N / N]);
    check_product(130, 67, 509);
    ct_tensor *a = draw(CT_DIMS(2, 3, 17, 33), 4), *b = draw(CT_DIMS(3, 33, 5), 5);
    ct_autocast_begin();
    ct_tensor *y = ct_matmul(a, b);
    ct_autocast_end();
    CHECK(distance(y, ct_matmul(rounded(a), rounded(b))) < 1e-6);
}

static void f64_and_what_comes_after_are_exact(void) {
    product p = make(5, 7, 33), q = {exactly(p.x), exactly(p.w), exactly(p.b)};
    ct_tensor *before = ct_linear(p.x, p.w, p.b), *cast = linear_cast(&p), *after = ct_linear(p.x, p.w, p.b);
    CHECK(same_bits(before, after) && !same_bits(before, cast));
    CHECK(distance(cast, exactly(before)) < 1e-2);
    CHECK(distance(linear_cast(&q), ct_linear(q.x, q.w, q.b)) == 0);
}

/* ---- gradients ---- */
static void gradients_are_as_their_products_were(void) {
    product p = make(17, 13, 33);
    ct_tensor *in[] = {ct_requires_grad(p.x, true), ct_requires_grad(p.w, true), ct_requires_grad(p.b, true)}, *d[3];
    ct_tensor *g = draw(CT_DIMS(17, 13), 6), *y = linear_cast(&p);
    CHECK(ct_gradients(y, g, in, 3, false, d) == CT_OK);
    ct_no_grad_begin();
    ct_tensor *turned = ct_transpose(rounded(g), (ct_transpose_args){.dim0 = 0, .dim1 = 1});
    CHECK(distance(d[0], ct_matmul(rounded(g), rounded(p.w))) < 1e-6);
    CHECK(distance(d[1], ct_matmul(turned, rounded(p.x))) < 1e-6);
    CHECK(distance(d[2], exactly(ct_sum(g, (ct_reduce_args){.dim = CT_DIMS(0)}))) < 1e-6);
    ct_no_grad_end();
    ct_tensor *plain = ct_linear(p.x, p.w, p.b), *want[3];
    CHECK(ct_gradients(plain, g, in, 3, true, want) == CT_OK);
    ct_autocast_begin(); /* which the product was not made under */
    CHECK(ct_gradients(plain, g, in, 3, false, d) == CT_OK);
    ct_autocast_end();
    CHECK(same_bits(d[0], want[0]) && same_bits(d[1], want[1]));
}

/* Some are computed as products, some of them only with many channels. */
static void check_convolution(int64_t c, int64_t o, int64_t stride) {
    ct_conv2d_args args = {.stride = {stride, stride}, .padding = {1, 1}};
    ct_tensor *x = ct_requires_grad(draw(CT_DIMS(3, c, 8, 12), 1), true);
    ct_tensor *w = ct_requires_grad(draw(CT_DIMS(o, c, 3, 3), 2), true), *b = draw(CT_DIMS(o), 3);
    ct_tensor *in[] = {x, w}, *far[] = {exactly(x), exactly(w)}, *d[2], *want[2];
    ct_autocast_begin();
    ct_tensor *y = ct_conv2d(x, w, b, args);
    ct_autocast_end();
    ct_tensor *exact = ct_conv2d(far[0], far[1], exactly(b), args);
    ct_tensor *g = draw(CT_DIMS(3, o, 8 / stride, 12 / stride), 4);
    CHECK(ct_gradients(y, g, in, 2, false, d) == CT_OK &&
          ct_gradients(exact, exactly(g), far, 2, false, want) == CT_OK);
    double off[] = {distance(y, exact), distance(d[0], want[0]), distance(d[1], want[1])};
    bool rounds = strcmp(ct_backend_name(), "ref"), product = c >= 32;
    for (int i = 0; i < 3; i++) CHECK(off[i] < 5e-3);
    for (int i = 0; i < 2 && product; i++) CHECK((off[i] > 5e-4) == rounds);
}
static void convolutions_are_near(void) {
    check_convolution(17, 19, 2);
    check_convolution(35, 33, 2);
    check_convolution(128, 130, 1);
}

/* What is multiplied in an LSTM's steps, here its first state and what comes of it alone, and in their gradients. */
static void an_lstm_is_near(void) {
    ct_tensor *x = ct_zeros(CT_F32, CT_DIMS(4, 3, 7)), *w = draw(CT_DIMS(140, 7), 1), *c = draw(CT_DIMS(3, 35), 2);
    ct_tensor *in[] = {draw(CT_DIMS(140, 35), 3), draw(CT_DIMS(3, 35), 4)}, *far[2], *d[2], *want[2];
    for (int i = 0; i < 2; i++) far[i] = exactly(ct_requires_grad(in[i], true));
    ct_autocast_begin();
    ct_tensor *y = ct_lstm(x, w, in[0], NULL, NULL, in[1], c, (ct_recurrent_args){0}, NULL, NULL);
    ct_autocast_end();
    ct_tensor *exact =
        ct_lstm(exactly(x), exactly(w), far[0], NULL, NULL, far[1], exactly(c), (ct_recurrent_args){0}, NULL, NULL);
    CHECK(ct_gradients(ct_sum(y, (ct_reduce_args){0}), NULL, in, 2, false, d) == CT_OK);
    CHECK(ct_gradients(ct_sum(exact, (ct_reduce_args){0}), NULL, far, 2, false, want) == CT_OK);
    double off[] = {distance(y, exact), distance(d[0], want[0]), distance(d[1], want[1])};
    bool rounds = strcmp(ct_backend_name(), "ref");
    for (int i = 0; i < 3; i++) CHECK(off[i] < 2e-2 && (off[i] > 1e-4 || !rounds));
    CHECK((off[0] < 1e-5) == !rounds);
}

/* ---- with what else there is ---- */
static ct_tensor *two_layers(ct_tensor *const *in, int n, void *ctx) {
    (void)n, (void)ctx;
    return ct_linear(ct_tanh(ct_linear(in[0], in[1], NULL)), in[2], NULL);
}

static void checkpoints_run_again_as_before(void) {
    ct_tensor *in[] = {draw(CT_DIMS(5, 33), 1), draw(CT_DIMS(17, 33), 2), draw(CT_DIMS(3, 17), 3)}, *d[2][3];
    for (int i = 0; i < 3; i++) ct_requires_grad(in[i], true);
    for (int again = 0; again < 2; again++) {
        ct_autocast_begin();
        ct_tensor *y = again ? ct_checkpoint(two_layers, NULL, in, 3) : two_layers(in, 3, NULL);
        ct_autocast_end();
        CHECK(ct_gradients(ct_sum(y, (ct_reduce_args){0}), NULL, in, 3, false, d[again]) == CT_OK);
    }
    for (int i = 0; i < 3; i++) CHECK(same_bits(d[0][i], d[1][i]));
}

/* Twice the same product, once under autocast: neither a plan nor its passes take one for the other. */
static ct_status both(void *ctx, ct_tensor **keep) {
    const product *p = ctx;
    keep[0] = ct_linear(p->x, p->w, p->b), keep[1] = linear_cast(p);
    return CT_OK;
}

static void plans_keep_them_apart(void) {
    product p = make(5, 7, 33);
    ct_arena arena = {0};
    ct_plan *plan;
    ct_tensor *want[2];
    CHECK(both(&p, want) == CT_OK);
    if (!CHECK(ct_plan_capture(both, &p, 2, &arena, NULL, &plan) == CT_OK)) return;
    CHECK(ct_plan_run(plan) == CT_OK);
    for (int i = 0; i < 2; i++) CHECK(same_bits(ct_plan_value(plan, i), want[i]));
    ct_plan_free(plan);
    ct_arena_free(&arena);
}

int main(void) {
    static void (*const tests[])(void) = {products_are_of_rounded_inputs,
                                          f64_and_what_comes_after_are_exact,
                                          gradients_are_as_their_products_were,
                                          convolutions_are_near,
                                          an_lstm_is_near,
                                          checkpoints_run_again_as_before,
                                          plans_keep_them_apart};
    for (int k = 0; k < KERNELS; k++)
        for (size_t i = 0; !ct_backend_use(kernels[k]) && i < sizeof tests / sizeof *tests; i++) {
            ct_scope *scope = ct_scope_open();
            tests[i]();
            CHECK(ct_scope_close(scope) == CT_OK);
        }
    return check_done("autocast");
}
