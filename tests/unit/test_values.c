/* Values and gradients where the formulas turn: zeros, ties, infinities, what is ignored. */
#include "check.h"
#include "ops/ops.h"
#include <stdlib.h>

#define VECTOR(...) ct_from(CT_F64, CT_DIMS(sizeof((double[]){__VA_ARGS__}) / sizeof(double)), (double[]){__VA_ARGS__})
#define LEAF(...) ct_requires_grad(VECTOR(__VA_ARGS__), true)
#define ALL \
    (ct_reduce_args) { 0 }

/* Whether t's elements are these, NaN where NaN is wanted. */
static bool holds(const ct_tensor *t, const double *want, int n) {
    double got[32];
    bool ok = t && !ct_why(t) && ct_numel(t) == n && !ct_copy_out(t, CT_F64, got);
    for (int i = 0; ok && i < n; i++)
        ok = isnan(want[i]) ? isnan(got[i]) : got[i] == want[i] || fabs(got[i] - want[i]) <= 1e-9;
    if (!ok) printf("    got %s\n", t ? ct_why(t) ? ct_why(t) : "" : "nothing");
    for (int i = 0; !ok && t && !ct_why(t) && ct_numel(t) == n && i < n; i++) printf("    %.12g\n", got[i]);
    return ok;
}
#define CHECK_HOLDS(t, ...) CHECK(holds(t, (double[]){__VA_ARGS__}, sizeof((double[]){__VA_ARGS__}) / sizeof(double)))

/* The gradient of the sum of y. */
static ct_tensor *grad(ct_tensor *y, ct_tensor *x, bool create_graph) {
    ct_tensor *dx = NULL;
    ct_status status = ct_gradients(ct_sum(y, ALL), NULL, &x, 1, create_graph, &dx);
    return status ? ct_tensor_error(CT_FAIL, "%s", ct_error()) : dx;
}

static void products(void) {
    ct_tensor *x = LEAF(2, 0, 3, 5), *twice = LEAF(2, 0, 3, 0);
    CHECK_HOLDS(ct_prod(x, ALL), 0);
    CHECK_HOLDS(grad(ct_prod(x, ALL), x, false), 0, 30, 0, 0);
    ct_tensor *dx = grad(ct_prod(x, ALL), x, true); /* of the sum of all: d/dx[j] of sum over i of prod without i */
    CHECK_HOLDS(grad(dx, x, false), 15, 31, 10, 6);
    CHECK_HOLDS(grad(ct_prod(twice, ALL), twice, false), 0, 0, 0, 0);
    CHECK_HOLDS(grad(grad(ct_prod(twice, ALL), twice, true), twice, false), 0, 6, 0, 6);
    CHECK(ct_item(ct_prod(ct_full(CT_I32, CT_DIMS(3), 4), ALL)) == 64);
    CHECK(ct_item(ct_prod(ct_full(CT_F32, CT_DIMS(0), 4), ALL)) == 1);
}

static void spread(void) {
    ct_tensor *same = LEAF(3, 3, 3), *one = VECTOR(3);
    CHECK_HOLDS(ct_std(same, (ct_var_args){0}), 0);
    CHECK_HOLDS(grad(ct_std(same, (ct_var_args){0}), same, false), 0, 0, 0);
    CHECK_HOLDS(ct_var(one, (ct_var_args){0}), NAN);
    CHECK_HOLDS(ct_var(one, (ct_var_args){.no_unbiased = true}), 0);
    CHECK_HOLDS(ct_mean(ct_full(CT_F32, CT_DIMS(0), 1), ALL), NAN);
}

static void norms(void) {
    ct_tensor *x = LEAF(3, 0, -4), *zero = LEAF(0, 0);
    const double by = pow(91, 2.0 / 3); /* norm of order 3, squared */
    const struct {
        double ord, value, gradient[3];
    } rows[] = {{2, 5, {0.6, 0, -0.8}},
                {1, 7, {1, 0, -1}},
                {INFINITY, 4, {0, 0, -1}},
                {(double)CT_ZERO, 2, {0, 0, 0}},
                {3, cbrt(91), {9 / by, 0, -16 / by}},
                {0.5, 7 + 4 * sqrt(3), {1 + 2 / sqrt(3), 0, -1 - sqrt(3) / 2}}};
    for (int i = 0; i < CT_COUNT(rows); i++) {
        ct_tensor *y = ct_norm(x, (ct_norm_args){.ord = rows[i].ord});
        CHECK_NEAR(ct_item(y), rows[i].value, 1e-9);
        if (rows[i].ord == (double)CT_ZERO) continue; /* a count has no gradient */
        ct_tensor *dx = grad(y, x, false);
        double got[3] = {0};
        CHECK(!ct_copy_out(dx, CT_F64, got));
        for (int k = 0; k < 3; k++) CHECK_NEAR(got[k], rows[i].gradient[k], 1e-7);
    }
    CHECK_HOLDS(ct_norm(x, (ct_norm_args){.ord = -INFINITY}), 0);
    CHECK_HOLDS(ct_norm(x, (ct_norm_args){.ord = -1}), 0);
    CHECK_HOLDS(grad(ct_norm(zero, (ct_norm_args){0}), zero, false), 0, 0);
}

static void extremes(void) {
    ct_tensor *x = LEAF(1, 4, 4, 2);
    CHECK_HOLDS(grad(ct_amax(x, ALL), x, false), 0, 0.5, 0.5, 0);
    CHECK_HOLDS(grad(ct_amin(x, ALL), x, false), 1, 0, 0, 0);
    CHECK_HOLDS(ct_logsumexp(VECTOR(-INFINITY, -INFINITY), ALL), -INFINITY);
    CHECK_HOLDS(ct_logsumexp(VECTOR(INFINITY, 1), ALL), INFINITY);
    CHECK_HOLDS(ct_logsumexp(VECTOR(1000, 1000), ALL), 1000.6931471805599);
    CHECK_HOLDS(ct_masked_fill(x, ct_gt(x, ct_scalar(CT_F64, 3)), (ct_fill_args){.value = INFINITY}), 1, INFINITY,
                INFINITY, 2);
}

static ct_tensor *logits(void) {
    return ct_requires_grad(ct_reshape(VECTOR(1, 2, 3, 0, 0, 0, -1, 5, 2), (ct_shape_args){CT_DIMS(3, 3)}), true);
}

static void classes(void) {
    ct_tensor *target = ct_from(CT_I64, CT_DIMS(3), (int64_t[]){2, -100, 0});
    ct_tensor *x = ct_detach(logits()), *weight = VECTOR(1, 2, 4);
    ct_requires_grad(x, true);
    double first = log(1 + exp(-1) + exp(-2)), third = log(1 + exp(6) + exp(3));
    ct_cross_entropy_args each = {.reduction = 2}, mean = {0}, second = {.ignore_index = 2};
    CHECK_HOLDS(ct_cross_entropy(x, target, NULL, each), first, 0, third);
    CHECK_HOLDS(ct_cross_entropy(x, target, NULL, mean), (first + third) / 2);
    CHECK_HOLDS(ct_cross_entropy(x, target, weight, mean), (4 * first + third) / 5);
    CHECK_HOLDS(ct_cross_entropy(x, ct_full(CT_I64, CT_DIMS(3), 2), NULL, second), NAN); /* nothing counts */
    ct_tensor *logp = ct_log_softmax(x, (ct_dim_args){.dim = 1});
    CHECK_HOLDS(ct_nll_loss(logp, target, weight, (ct_nll_loss_args){0}), (4 * first + third) / 5);
    ct_tensor *a = grad(ct_cross_entropy(x, target, weight, mean), x, false);
    ct_tensor *b = grad(ct_nll_loss(logp, target, weight, (ct_nll_loss_args){0}), x, false);
    CHECK_HOLDS(ct_amax(ct_abs(ct_sub(a, b)), ALL), 0);
    ct_tensor *one = VECTOR(1, 2, 3), *its = ct_scalar(CT_I64, 2);
    CHECK_HOLDS(ct_cross_entropy(one, its, NULL, mean), first);
    CHECK_HOLDS(ct_nll_loss(ct_log_softmax(one, (ct_dim_args){0}), its, NULL, (ct_nll_loss_args){0}), first);
    CHECK_HOLDS(ct_cross_entropy(one, VECTOR(0, 0, 1), NULL, mean), first);
}

/* Planes of classes are rows of classes, whatever the target. */
static void planes(void) {
    ct_tensor *x =
        ct_permute(ct_reshape(logits(), (ct_shape_args){CT_DIMS(1, 1, 3, 3)}), (ct_dims_args){CT_DIMS(0, 3, 1, 2)});
    ct_tensor *target = ct_from(CT_I64, CT_DIMS(3), (int64_t[]){2, 1, 0}), *weight = VECTOR(1, 2, 4);
    ct_tensor *spread = ct_reshape(target, (ct_shape_args){CT_DIMS(1, 1, 3)});
    ct_tensor *chances = ct_to(ct_one_hot(spread, (ct_one_hot_args){.num_classes = 3}), CT_F64);
    for (int smooth = 0; smooth < 2; smooth++)
        for (int reduction = 0; reduction < 3; reduction++) {
            ct_cross_entropy_args args = {.reduction = reduction, .label_smoothing = 0.3 * smooth};
            ct_tensor *rows = ct_cross_entropy(logits(), target, weight, args),
                      *y = ct_cross_entropy(x, spread, weight, args);
            CHECK_HOLDS(ct_amax(ct_abs(ct_sub(rows, ct_reshape(y, (ct_shape_args){ct_shape_of(rows)}))), ALL), 0);
            CHECK(ct_ndim(y) == (reduction == 2 ? 3 : 0));
            y = ct_cross_entropy(x, ct_permute(chances, (ct_dims_args){CT_DIMS(0, 3, 1, 2)}), NULL, args);
            rows = ct_cross_entropy(logits(), target, NULL, args);
            CHECK_HOLDS(ct_amax(ct_abs(ct_sub(rows, ct_reshape(y, (ct_shape_args){ct_shape_of(rows)}))), ALL), 0);
        }
}

static void pairs(void) {
    ct_tensor *x = LEAF(800, -800, 0), *target = VECTOR(0, 1, 0.5);
    ct_loss_args each = {.reduction = 2};
    CHECK_HOLDS(ct_binary_cross_entropy_with_logits(x, target, NULL, NULL, each), 800, 800, log(2));
    CHECK_HOLDS(grad(ct_binary_cross_entropy_with_logits(x, target, NULL, NULL, each), x, false), 1, -1, 0);
    CHECK_HOLDS(ct_mse_loss(x, VECTOR(799, -798, 0), (ct_loss_args){0}), 5.0 / 3);
    CHECK_HOLDS(ct_l1_loss(x, VECTOR(799, -798, 0), (ct_loss_args){.reduction = 1}), 3);
}

static void indexed(void) {
    ct_tensor *weight = ct_requires_grad(ct_full(CT_F64, CT_DIMS(3, 1), 2), true);
    ct_tensor *index = ct_from(CT_I64, CT_DIMS(2, 2), (int64_t[]){0, 1, 1, 2});
    ct_tensor *y = ct_embedding(index, weight, (ct_embedding_args){.padding_idx = 1});
    CHECK_HOLDS(y, 2, 2, 2, 2);
    CHECK_HOLDS(grad(y, weight, false), 1, 0, 1);
    CHECK_HOLDS(grad(ct_embedding(index, weight, (ct_embedding_args){.padding_idx = CT_ZERO}), weight, false), 0, 2, 1);
    ct_tensor *src = LEAF(5, 6, 7), *few = ct_from(CT_I64, CT_DIMS(2), (int64_t[]){1, 1});
    y = ct_scatter_add(VECTOR(1, 1), few, src, (ct_dim_args){0});
    CHECK_HOLDS(y, 1, 12);
    CHECK_HOLDS(grad(y, src, false), 1, 1, 0);
}

static void batches(void) {
    ct_tensor *x = ct_reshape(VECTOR(1, 2, 3, 4), (ct_shape_args){CT_DIMS(4, 1)}), *mean = VECTOR(0), *var = VECTOR(1);
    ct_batch_norm_args training = {.training = true, .momentum = 0.5};
    ct_tensor *y = ct_batch_norm(x, mean, var, NULL, NULL, training);
    CHECK_HOLDS(mean, 1.25);
    CHECK_HOLDS(var, 0.5 + 0.5 * 5 / 3);
    CHECK_NEAR(ct_item(ct_sum(ct_square(y), ALL)), 4 * 1.25 / (1.25 + 1e-5), 1e-9);
    CHECK_HOLDS(ct_batch_norm(x, VECTOR(1), VECTOR(4), VECTOR(2), VECTOR(7), (ct_batch_norm_args){.eps = CT_ZERO}), 7,
                8, 9, 10);
    CHECK_HOLDS(mean, 1.25);
}

static void dropped(void) {
    ct_tensor *x = ct_requires_grad(ct_full(CT_F64, CT_DIMS(1000), 1), true);
    CHECK(ct_dropout(x, (ct_dropout_layer_args){.no_training = true}) == x);
    CHECK(ct_dropout(x, (ct_dropout_layer_args){.p = CT_ZERO}) == x);
    CHECK_HOLDS(ct_amax(ct_dropout(x, (ct_dropout_layer_args){.p = 1}), ALL), 0);
    ct_tensor *y = ct_dropout(x, (ct_dropout_layer_args){.p = 0.25}),
              *z = ct_dropout(x, (ct_dropout_layer_args){.p = 0.25});
    CHECK_NEAR(ct_item(ct_mean(y, ALL)), 1, 0.1);
    CHECK_HOLDS(ct_amax(y, ALL), 4.0 / 3);
    CHECK(ct_item(ct_sum(ct_ne(y, z), ALL)) > 100); /* each call has its own mask */
    CHECK_HOLDS(ct_amax(ct_abs(ct_sub(grad(y, x, false), y)), ALL), 0);
}

int main(void) {
    ct_scope *scope = ct_scope_open();
    RUN(products), RUN(spread), RUN(norms), RUN(extremes), RUN(classes), RUN(planes), RUN(pairs), RUN(indexed);
    RUN(batches), RUN(dropped);
    CHECK(ct_scope_close(scope) == CT_OK);
    return check_done("values");
}
