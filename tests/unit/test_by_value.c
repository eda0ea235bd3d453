/* Results whose shape depends on values, lists of results, and draws by weights. */
#include "graph/node.h"
#include "ops/ops.h"
#include "plan/plan.h"
#include "tests/unit/check.h"
#include <string.h>

static bool holds(const ct_tensor *t, ct_dims shape, const double *want) {
    double got[64];
    if (ct_why(t) || ct_ndim(t) != shape.n || ct_numel(t) > 64 || ct_copy_out(t, CT_F64, got)) return false;
    for (int d = 0; d < shape.n; d++)
        if (ct_size(t, d) != shape.v[d]) return false;
    return !ct_numel(t) || !memcmp(got, want, (size_t)ct_numel(t) * sizeof *got);
}
#define LIST(...) \
    (const double[]) { __VA_ARGS__ }
#define F(...) ct_from(CT_F32, CT_DIMS(sizeof((float[]){__VA_ARGS__}) / 4), (float[]){__VA_ARGS__})
#define N(...) ct_from(CT_I64, CT_DIMS(sizeof((int64_t[]){__VA_ARGS__}) / 8), (int64_t[]){__VA_ARGS__})

static void where_not_zero(void) {
    ct_tensor *x = ct_from(CT_F32, CT_DIMS(2, 3), (float[]){0, 2, 0, -1, 0, 4});
    CHECK(holds(ct_nonzero(x), CT_DIMS(3, 2), LIST(0, 1, 1, 0, 1, 2)));
    CHECK(holds(ct_nonzero(ct_transpose(x, (ct_transpose_args){.dim1 = 1})), CT_DIMS(3, 2), LIST(0, 1, 1, 0, 2, 1)));
    CHECK(holds(ct_nonzero(ct_zeros(CT_I64, CT_DIMS(4))), CT_DIMS(0, 1), NULL));
    ct_graph g;
    CHECK(!ct_capture_begin(&g));
    CHECK_HAS(ct_why(ct_nonzero(x)), "plan");
    CHECK(!ct_capture_end(&g));
    ct_graph_free(&g);
}

static void selected(void) {
    ct_tensor *x = ct_requires_grad(F(1, 2, 3), true);
    ct_tensor *mask = ct_from(CT_BOOL, CT_DIMS(2, 3), (uint8_t[]){1, 0, 1, 0, 0, 1});
    ct_tensor *y = ct_masked_select(x, mask);
    CHECK(holds(y, CT_DIMS(3), LIST(1, 3, 3)));
    CHECK(!ct_backward(ct_sum(ct_mul(y, F(1, 10, 100)), (ct_reduce_args){0})));
    CHECK(holds(ct_grad(x), CT_DIMS(3), LIST(1, 0, 110)));
    CHECK_HAS(ct_why(ct_masked_select(x, ct_full(CT_BOOL, CT_DIMS(2), 1))), "broadcast");
}

static void different(void) {
    ct_tensor *inverse, *counts;
    ct_tensor *y = ct_unique(ct_from(CT_I64, CT_DIMS(2, 3), (int64_t[]){3, 1, 3, 7, 1, 3}), &inverse, &counts);
    CHECK(holds(y, CT_DIMS(3), LIST(1, 3, 7)));
    CHECK(holds(inverse, CT_DIMS(2, 3), LIST(1, 0, 1, 2, 0, 1)));
    CHECK(holds(counts, CT_DIMS(3), LIST(2, 3, 1)));
    CHECK(holds(ct_unique(F(5), NULL, NULL), CT_DIMS(1), LIST(5)));
    CHECK(holds(ct_unique(ct_zeros(CT_F32, CT_DIMS(0)), &inverse, &counts), CT_DIMS(0), NULL));
    int64_t big[] = {INT64_MAX, INT64_MAX - 1, INT64_MAX}; /* the same as doubles */
    CHECK(ct_numel(ct_unique(ct_from(CT_I64, CT_DIMS(3), big), NULL, NULL)) == 2);
}

static void counted(void) {
    CHECK(holds(ct_bincount(N(1, 4, 1), NULL, 0), CT_DIMS(5), LIST(0, 2, 0, 0, 1)));
    CHECK(holds(ct_bincount(N(1, 0, 1), F(0.5, 2, 1), 4), CT_DIMS(4), LIST(2, 1.5, 0, 0)));
    CHECK(holds(ct_bincount(ct_zeros(CT_I64, CT_DIMS(0)), NULL, 2), CT_DIMS(2), LIST(0, 0)));
    CHECK_HAS(ct_why(ct_bincount(N(1, -2), NULL, 0)), "-2 is negative");
    CHECK_HAS(ct_why(ct_bincount(F(1), NULL, 0)), "integers");
}

static void parts(void) {
    ct_tensor *x = ct_reshape(ct_arange((ct_arange_args){.end = 10}), (ct_shape_args){CT_DIMS(2, 5)}), *p[3];
    CHECK(!ct_split_with_sizes(x, (int64_t[]){1, 0, 4}, 3, -1, p));
    CHECK(holds(p[0], CT_DIMS(2, 1), LIST(0, 5)));
    CHECK(holds(p[1], CT_DIMS(2, 0), NULL));
    CHECK(holds(p[2], CT_DIMS(2, 4), LIST(1, 2, 3, 4, 6, 7, 8, 9)));
    CHECK(ct_split_with_sizes(x, (int64_t[]){1, 2}, 2, 1, p) == CT_FAIL);
    CHECK_HAS(ct_error(), "add up to 3, dimension 1 has 5");
    CHECK(!ct_split(x, 2, 1, p));
    CHECK(holds(p[0], CT_DIMS(2, 2), LIST(0, 1, 5, 6)) && holds(p[2], CT_DIMS(2, 1), LIST(4, 9)));
    CHECK(!ct_split(x, INT64_MAX, 0, p) && p[0] != x && ct_data(p[0]) == ct_data(x) && ct_numel(p[0]) == 10);
    CHECK(ct_split(x, 0, 0, p) == CT_FAIL && ct_split(x, 1, 2, p) == CT_FAIL && ct_split(NULL, 1, 0, p) == CT_FAIL);
    CHECK(!ct_tensor_split(x, 3, -1, p));
    CHECK(holds(p[0], CT_DIMS(2, 2), LIST(0, 1, 5, 6)) && holds(p[1], CT_DIMS(2, 2), LIST(2, 3, 7, 8)));
    CHECK(holds(p[2], CT_DIMS(2, 1), LIST(4, 9)) && !ct_tensor_split(x, 3, 0, p) && ct_size(p[2], 0) == 0);
    CHECK(ct_tensor_split(x, 0, 0, p) == CT_FAIL);
    CHECK(!ct_unbind(x, -2, p) && holds(p[1], CT_DIMS(5), LIST(5, 6, 7, 8, 9)));
    CHECK(ct_unbind(ct_scalar(CT_F32, 1), 0, p) == CT_FAIL);
    CHECK_HAS(ct_error(), "unbind: a number has no parts");
    CHECK(!ct_meshgrid((ct_tensor *[]){F(1, 2), F(3, 4, 5)}, 2, p));
    CHECK(holds(p[0], CT_DIMS(2, 3), LIST(1, 1, 1, 2, 2, 2)));
    CHECK(holds(p[1], CT_DIMS(2, 3), LIST(3, 4, 5, 3, 4, 5)));
}

/* Frequencies within five standard deviations of what they should be. */
enum { DRAWS = 20000 };
static void draws(void) {
    ct_manual_seed(3);
    ct_tensor *w = F(1, 0, 3, 4);
    int64_t count[4];
    CHECK(!ct_copy_out(ct_bincount(ct_multinomial(w, DRAWS, true), NULL, 4), CT_I64, count));
    CHECK(count[1] == 0);
    CHECK_NEAR((double)count[0] / DRAWS, 1.0 / 8, 0.012);
    CHECK_NEAR((double)count[3] / DRAWS, 4.0 / 8, 0.018);
    ct_tensor *rows = ct_expand(w, (ct_expand_args){CT_DIMS(DRAWS, 4)}), *two = ct_multinomial(rows, 2, false);
    CHECK(ct_ndim(two) == 2 && ct_size(two, 0) == DRAWS && ct_size(two, 1) == 2);
    ct_tensor *first = ct_select(two, (ct_select_args){.dim = 1});
    CHECK(!ct_copy_out(ct_bincount(first, NULL, 4), CT_I64, count));
    CHECK(count[1] == 0);
    CHECK_NEAR((double)count[2] / DRAWS, 3.0 / 8, 0.018);
    ct_tensor *again = ct_select(two, (ct_select_args){.dim = 1, .index = 1});
    CHECK(ct_item(ct_sum(ct_to(ct_eq(first, again), CT_I64), (ct_reduce_args){0})) == 0);
    CHECK_HAS(ct_why(ct_multinomial(w, 5, false)), "1 to C draws");
    ct_tensor *ones = ct_bernoulli(ct_full(CT_F32, CT_DIMS(DRAWS), 0.25));
    CHECK_NEAR(ct_item(ct_mean(ones, (ct_reduce_args){0})), 0.25, 0.016);
}

/* In place, through any strides; in a plan other numbers at each step of its stream. */
static void filled(void) {
    ct_reduce_args all = {0};
    ct_tensor *x = ct_zeros(CT_F32, CT_DIMS(200, 200)), *half = ct_narrow(x, (ct_narrow_args){.dim = 1, .length = 100});
    CHECK(ct_uniform_(half, 3, 5) == half && ct_item(ct_amin(half, all)) >= 3 && ct_item(ct_amax(half, all)) < 5);
    CHECK_NEAR(ct_item(ct_mean(half, all)), 4, 0.03);
    CHECK(ct_item(ct_sum(ct_ne(x, ct_scalar(CT_F32, 0)), all)) == 20000);
    CHECK(ct_normal_(x, -2, 3) == x);
    CHECK_NEAR(ct_item(ct_mean(x, all)), -2, 0.08);
    CHECK_NEAR(ct_item(ct_std(x, (ct_var_args){0})), 3, 0.06);
    ct_tensor *n = ct_zeros(CT_I64, CT_DIMS(DRAWS));
    CHECK(ct_bernoulli_(n, 0.25) == n && ct_dtype_of(n) == CT_I64);
    CHECK_NEAR(ct_item(ct_mean(ct_to(n, CT_F32), all)), 0.25, 0.016);
    CHECK_HAS(ct_why(ct_uniform_(x, 2, 1)), "from 2 to 1 is no range");
    CHECK_HAS(ct_why(ct_normal_(n, 0, 1)), "normal_: wants floats, got i64");
    CHECK_HAS(ct_why(ct_normal_(x, 0, NAN)), "is below 0");
    CHECK_HAS(ct_why(ct_bernoulli_(x, 1.5)), "1.5 is no probability");
    CHECK_HAS(ct_why(ct_uniform_(ct_requires_grad(ct_zeros(CT_F32, CT_DIMS(2)), true), 0, 1)), "a leaf");
    CHECK_HAS(ct_why(ct_uniform_(NULL, 0, 1)), "there is no tensor");
}

static void filled_in_a_plan(void) {
    ct_tensor *seed = ct_from(CT_I64, CT_DIMS(2), (int64_t[]){7, 0}), *x = ct_zeros(CT_F32, CT_DIMS(DRAWS));
    ct_graph g;
    ct_arena arena = {0};
    ct_plan *plan = NULL;
    double mean[2], third;
    ct_random_use(seed);
    CHECK(!ct_capture_begin(&g) && ct_normal_(x, 1, 2) == x);
    CHECK(!ct_capture_end(&g) && !ct_plan_new(&g, NULL, 0, &arena, &(ct_plan_options){0}, &plan));
    for (int i = 0; i < 3; i++) {
        ((int64_t *)ct_data(seed))[1] = i % 2;
        CHECK(!ct_plan_run(plan));
        *(i < 2 ? &mean[i] : &third) = ct_item(ct_mean(x, (ct_reduce_args){0}));
    }
    CHECK_NEAR(mean[0], 1, 0.08);
    CHECK(mean[0] != mean[1] && mean[0] == third);
    ct_random_use(NULL);
    ct_plan_free(plan), ct_arena_free(&arena), ct_graph_free(&g);
}

int main(void) {
    ct_scope *scope = ct_scope_open();
    where_not_zero(), selected(), different(), counted(), parts(), draws(), filled(), filled_in_a_plan();
    (void)!ct_scope_close(scope); /* with the errors that were asked for */
    return check_done("by_value");
}
