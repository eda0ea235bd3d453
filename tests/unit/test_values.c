/* Values and gradients where the formulas turn: zeros, ties, infinities, what is ignored. */
#include "ops/ops.h"
#include "vectors.h"
#include <stdlib.h>

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

/* As PyTorch: an index from the end, a single one, as many classes as there are, types and nothing joined. */
static void as_pytorch(void) {
    ct_tensor *weight = ct_requires_grad(ct_full(CT_F64, CT_DIMS(3, 1), 2), true);
    ct_tensor *index = ct_from(CT_I64, CT_DIMS(4), (int64_t[]){0, 1, 1, 2});
    CHECK_HOLDS(grad(ct_embedding(index, weight, (ct_embedding_args){.padding_idx = -2}), weight, false), 1, 0, 1);
    CHECK_HOLDS(grad(ct_embedding(index, weight, (ct_embedding_args){0}), weight, false), 1, 2, 1);
    CHECK_HAS(ct_why(ct_embedding(index, weight, (ct_embedding_args){.padding_idx = -4})), "not one of 3 rows");
    ct_tensor *at = ct_from(CT_I64, (ct_dims){0}, (int64_t[]){2});
    CHECK_HOLDS(ct_index_select(VECTOR(5, 6, 7), at, (ct_dim_args){0}), 7);
    ct_tensor *y = ct_one_hot(index, (ct_one_hot_args){0});
    CHECK(ct_size(y, 1) == 3 && ct_item(ct_sum(y, ALL)) == 4);
    at = ct_unsqueeze(at, (ct_dim_args){0});
    y = ct_cat((ct_tensor *[]){ct_zeros(CT_F32, CT_DIMS(0)), at, at}, 3, (ct_dim_args){0});
    CHECK(ct_dtype_of(y) == CT_F32);
    CHECK_HOLDS(y, 2, 2);
    ct_tensor *yes = ct_to(at, CT_BOOL), *both[] = {yes, yes};
    CHECK(ct_dtype_of(ct_cat(both, 2, (ct_dim_args){0})) == CT_BOOL);
    CHECK_HOLDS(ct_matmul(ct_from(CT_I64, CT_DIMS(2), (int64_t[]){(1LL << 53) + 1, -1}),
                          ct_from(CT_I64, CT_DIMS(2), (int64_t[]){1, 1LL << 53})),
                1);
    ct_tensor *image = ct_reshape(VECTOR(1, 2, 3, 4), (ct_shape_args){CT_DIMS(1, 2, 2)});
    y = ct_avg_pool2d(image, (ct_avg_pool2d_args){.kernel_size = {2, 2}, .divisor_override = 5});
    CHECK(ct_ndim(y) == 3);
    CHECK_HOLDS(y, 2);
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

/* Moments of what is drawn, that each call draws anew, and that a turned tensor gets its own shape. */
static void drawn(void) {
    ct_tensor *x = ct_full(CT_F64, CT_DIMS(200, 101), 3), *y = ct_randn_like(x), *z = ct_randn_like(x);
    ct_tensor *u = ct_rand_like(x);
    CHECK_NEAR(ct_item(ct_mean(y, ALL)), 0, 0.03);
    CHECK_NEAR(ct_item(ct_mean(ct_square(y), ALL)), 1, 0.04);
    CHECK_NEAR(ct_item(ct_mean(ct_square(ct_square(y)), ALL)), 3, 0.3);
    CHECK_NEAR(ct_item(ct_mean(ct_mul(y, z), ALL)), 0, 0.03);
    CHECK_NEAR(ct_item(ct_mean(u, ALL)), 0.5, 0.01);
    CHECK_NEAR(ct_item(ct_mean(ct_square(u), ALL)), 1.0 / 3, 0.01);
    CHECK(ct_item(ct_amin(u, ALL)) >= 0 && ct_item(ct_amax(u, ALL)) < 1);
    ct_tensor *turned = ct_rand_like(ct_transpose(x, (ct_transpose_args){.dim1 = 1}));
    CHECK(ct_size(turned, 0) == 101 && ct_size(turned, 1) == 200);
    CHECK(!ct_why(turned) && ct_why(ct_randn_like(ct_from(CT_I64, CT_DIMS(2), (int64_t[]){1, 2}))));
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

/* Logarithms of 0 count as -100, and PyTorch's gradient has its own floor. */
static void likelihoods(void) {
    ct_tensor *p = LEAF(0, 1, 0.5, 0), *target = VECTOR(1, 0, 0.5, 0);
    ct_loss_args each = {.reduction = 2};
    CHECK_HOLDS(ct_binary_cross_entropy(p, target, NULL, each), 100, 100, log(2), 0);
    CHECK_HOLDS(grad(ct_binary_cross_entropy(p, target, NULL, each), p, false), -1e12, 1e12, 0, 0);
    ct_tensor *t = LEAF(0, 0.5);
    CHECK_HOLDS(ct_kl_div(VECTOR(-1, -2), t, (ct_kl_div_args){.reduction = 2}), 0, 0.5 * log(0.5) + 1);
    CHECK_HOLDS(ct_kl_div(VECTOR(-1, -2), t, (ct_kl_div_args){.reduction = 3}), (0.5 * log(0.5) + 1) / 2);
    ct_poisson_nll_loss_args full = {.reduction = 2, .full = true};
    CHECK_HOLDS(ct_poisson_nll_loss(VECTOR(0, 0), VECTOR(1, 2), full), 1, 1 + 2 * log(2) - 2 + log(4 * M_PI) / 2);
    CHECK_HOLDS(ct_gaussian_nll_loss(VECTOR(1), VECTOR(3), VECTOR(0), (ct_gaussian_nll_loss_args){.eps = 0.5}),
                0.5 * (log(0.5) + 8));
    CHECK(ct_why(ct_gaussian_nll_loss(VECTOR(1, 2), VECTOR(3, 4), VECTOR(1, 2, 3), (ct_gaussian_nll_loss_args){0})));
}

static void similar(void) {
    ct_tensor *a = LEAF(3, 4), *b = VECTOR(4, 3), *away = VECTOR(-3, -4), *yes = ct_scalar(CT_I64, 1);
    ct_margin_loss_args margin = {.margin = 0.5};
    ct_tensor *no = ct_scalar(CT_I64, -1);
    CHECK_HOLDS(ct_cosine_embedding_loss(a, b, yes, margin), 0.04);
    CHECK_HOLDS(ct_cosine_embedding_loss(a, b, no, margin), 0.46);
    CHECK_HOLDS(ct_cosine_embedding_loss(a, away, no, margin), 0);
    CHECK_HOLDS(ct_cosine_similarity(a, b, (ct_cosine_similarity_args){.dim = CT_ZERO}), 0.96);
    CHECK_HOLDS(ct_cosine_similarity(VECTOR(0, 0), b, (ct_cosine_similarity_args){.dim = CT_ZERO}), 0);
    ct_hinge_embedding_loss_args each = {.reduction = 2};
    CHECK_HOLDS(ct_hinge_embedding_loss(VECTOR(0.3, 0.3, 2), VECTOR(1, -1, -1), each), 0.3, 0.7, 0);
    ct_tensor *x = LEAF(-3, -1, 0.5, 1, 4), *zero = VECTOR(0, 0, 0, 0, 0);
    ct_smooth_l1_loss_args smooth = {.reduction = 2};
    CHECK_HOLDS(ct_smooth_l1_loss(x, zero, smooth), 2.5, 0.5, 0.125, 0.5, 3.5);
    CHECK_HOLDS(grad(ct_smooth_l1_loss(x, zero, smooth), x, false), -1, -1, 0.5, 1, 1);
    smooth.beta = CT_ZERO;
    CHECK_HOLDS(ct_smooth_l1_loss(x, zero, smooth), 3, 1, 0.5, 1, 4);
    CHECK_HOLDS(ct_huber_loss(x, zero, (ct_huber_loss_args){.reduction = 2, .delta = 2}), 4, 0.5, 0.125, 0.5, 6);
}

/* A query that may look at nothing gets 0, and gives no gradient. */
static void unseen(void) {
    ct_shape_args rows = {CT_DIMS(2, 1)};
    ct_tensor *flat = LEAF(1, 2), *q = ct_reshape(flat, rows), *k = ct_reshape(VECTOR(1, 1), rows);
    ct_tensor *bools = ct_to(ct_from(CT_I64, CT_DIMS(2, 2), (int64_t[]){0, 0, 1, 0}), CT_BOOL);
    ct_tensor *added = ct_reshape(VECTOR(-INFINITY, -INFINITY, 0, 0), (ct_shape_args){CT_DIMS(2, 2)});
    ct_tensor *v = ct_reshape(VECTOR(5, 7), rows), *masks[] = {bools, added};
    for (int i = 0; i < 2; i++) {
        ct_tensor *y = ct_scaled_dot_product_attention(q, k, v, masks[i], (ct_attention_args){0});
        CHECK_HOLDS(y, 0, i ? 6 : 5);
        CHECK_HOLDS(grad(y, flat, false), 0, 0);
    }
    CHECK(ct_why(ct_scaled_dot_product_attention(q, k, v, bools, (ct_attention_args){.is_causal = true})));
    CHECK_HOLDS(ct_scaled_dot_product_attention(q, k, v, NULL, (ct_attention_args){.is_causal = true}), 5, 6);
}

static void middles(void) {
    ct_tensor *x = LEAF(3, 1, 2, 2), *nan = VECTOR(3, NAN, 2, NAN), *index;
    CHECK_HOLDS(ct_median(x, (ct_median_args){0}, NULL), 2);
    CHECK_HOLDS(grad(ct_median(x, (ct_median_args){0}, NULL), x, false), 0, 0, 0.5, 0.5);
    CHECK_HOLDS(ct_median(nan, (ct_median_args){0}, &index), NAN);
    CHECK_HOLDS(index, 1);
    CHECK_HOLDS(ct_median(nan, (ct_median_args){.dim = CT_DIMS(-1), .keepdim = true}, &index), NAN);
    CHECK_HOLDS(index, 1);
    CHECK_HOLDS(ct_median(ct_full(CT_I64, CT_DIMS(3), 4), (ct_median_args){0}, NULL), 4);
    CHECK(ct_why(ct_median(ct_full(CT_F32, CT_DIMS(0), 4), (ct_median_args){0}, NULL)));
    ct_tensor *z = LEAF(2, 0, 3, 0, 5);
    CHECK_HOLDS(ct_cumprod(z, (ct_dim_args){0}), 2, 0, 0, 0, 0);
    CHECK_HOLDS(grad(ct_cumprod(z, (ct_dim_args){0}), z, false), 1, 2 + 2 * 3, 0, 0, 0);
    CHECK(ct_dtype_of(ct_cumprod(ct_full(CT_I32, CT_DIMS(3), 4), (ct_dim_args){0})) == CT_I64);
}

static void sequences(void) {
    CHECK(ct_dtype_of(ct_arange((ct_arange_args){.end = 3})) == CT_I64);
    CHECK_HOLDS(ct_arange((ct_arange_args){.end = 3}), 0, 1, 2);
    CHECK(ct_dtype_of(ct_arange((ct_arange_args){.end = 1, .step = 0.5})) == CT_F32);
    CHECK_HOLDS(ct_arange((ct_arange_args){.start = 3, .step = -2}), 3, 1);
    CHECK(ct_numel(ct_arange((ct_arange_args){.start = 3, .end = 3})) == 0);
    CHECK(ct_why(ct_arange((ct_arange_args){.start = 3, .end = 1})));
    CHECK(ct_why(ct_arange((ct_arange_args){.end = 1, .step = CT_ZERO})));
    CHECK(ct_why(ct_arange((ct_arange_args){.end = 1e300})));
    CHECK_HOLDS(ct_linspace((ct_linspace_args){.start = 1, .end = 2, .steps = 5}), 1, 1.25, 1.5, 1.75, 2);
    CHECK_HOLDS(ct_linspace((ct_linspace_args){.start = 1, .end = 2}), 1);
    CHECK_HOLDS(ct_eye((ct_eye_args){.n = 2, .m = 3}), 1, 0, 0, 0, 1, 0);
    ct_tensor *x = VECTOR(1, 2, 3, 4, 5);
    CHECK_HOLDS(ct_chunk(x, (ct_chunk_args){.chunks = 2, .index = 1}), 4, 5);
    CHECK(ct_why(ct_chunk(x, (ct_chunk_args){.chunks = 4, .index = 3}))); /* three parts of 2 are all */
    CHECK_HOLDS(ct_narrow(x, (ct_narrow_args){.start = -2, .length = 2}), 4, 5);
    CHECK(ct_why(ct_narrow(x, (ct_narrow_args){.start = -2, .length = 3})));
    CHECK_HOLDS(ct_select(x, (ct_select_args){.index = -1}), 5);
    CHECK(ct_why(ct_select(x, (ct_select_args){.index = 5})));
    CHECK(ct_why(ct_select(x, (ct_select_args){.index = -6})));
}

static void subscripts(void) {
    ct_tensor *a = ct_reshape(VECTOR(1, 2, 3, 4), (ct_shape_args){CT_DIMS(2, 2)}), *v = VECTOR(5, 6), *two[] = {a, v};
    CHECK_HOLDS(ct_einsum(two, 2, (ct_einsum_args){"ij,j"}), 17, 39);
    CHECK_HOLDS(ct_einsum(two, 2, (ct_einsum_args){" i j , i -> j "}), 23, 34);
    CHECK_HOLDS(ct_einsum(two, 2, (ct_einsum_args){"ii,j->j"}), 25, 30);
    CHECK_HOLDS(ct_einsum(&a, 1, (ct_einsum_args){"ba"}), 1, 3, 2, 4);
    const char *wrong[] = {"ij",    "ij,j,k", "ij,jk", "ij,j->k", "ij,j->jj", "ij,j->j->i",  "i1,j",
                           "ijk,j", "",       "i,j",   "ij,j-",   "ij;j",     "...,j->...k", "ij,j->abcdefghi"};
    for (int i = 0; i < CT_COUNT(wrong); i++) CHECK(ct_why(ct_einsum(two, 2, (ct_einsum_args){wrong[i]})));
    CHECK(ct_why(ct_einsum(two, 2, (ct_einsum_args){0})));
    ct_tensor *apart[] = {a, VECTOR(1, 2, 3)};
    CHECK(ct_why(ct_einsum(apart, 2, (ct_einsum_args){"ij,j"})));
}

/* Sizes that do not fit are said, whatever they overflow. */
static void convolved(void) {
    ct_tensor *x = ct_full(CT_F64, CT_DIMS(1, 1, 3), 1), *w = ct_full(CT_F64, CT_DIMS(1, 1, 2), 1);
    CHECK_HOLDS(ct_conv_transpose1d(x, w, NULL, (ct_conv_transpose1d_args){.stride = {2}}), 1, 1, 1, 1, 1, 1);
    const ct_conv_transpose1d_args wrong[] = {{.stride = {INT64_MAX / 2}},
                                              {.dilation = {INT64_MAX / 2}},
                                              {.padding = {INT64_MAX}},
                                              {.output_padding = {1}},
                                              {.padding = {3}},
                                              {.groups = INT64_MAX},
                                              {.stride = {-1}},
                                              {.output_padding = {-1}}};
    for (int i = 0; i < CT_COUNT(wrong); i++) CHECK(ct_why(ct_conv_transpose1d(x, w, NULL, wrong[i])));
    CHECK_HOLDS(ct_conv1d(x, w, VECTOR(1), (ct_conv1d_args){.padding = {1}}), 2, 3, 3, 2);
    CHECK(ct_why(ct_conv1d(x, w, VECTOR(1, 2), (ct_conv1d_args){0})));
    CHECK(ct_why(ct_conv3d(x, w, NULL, (ct_conv3d_args){0})));
}

static void recurring(void) {
    ct_tensor *x = ct_reshape(VECTOR(0.1, 0.2, 0.3, 0.4), (ct_shape_args){CT_DIMS(4, 1)}), *h, *late;
    ct_tensor *w = ct_full(CT_F64, CT_DIMS(1, 1), 0.5), *first = VECTOR(0);
    double state = 0;
    for (int i = 0; i < 4; i++) state = tanh(0.05 * (i + 1) + 0.5 * state);
    ct_tensor *y = ct_rnn_tanh(x, w, w, NULL, NULL, first, (ct_recurrent_args){0}, &h);
    CHECK_HOLDS(h, state);
    CHECK_HOLDS(ct_select(y, (ct_select_args){.index = -1}), state);
    ct_dims_args time = {CT_DIMS(0)};
    y = ct_rnn_tanh(ct_flip(x, time), w, w, NULL, NULL, NULL, (ct_recurrent_args){.reverse = true}, &late);
    CHECK_HOLDS(late, state);
    CHECK_HOLDS(ct_select(y, (ct_select_args){0}), state);
    CHECK(ct_why(ct_rnn_tanh(x, w, w, NULL, NULL, NULL, (ct_recurrent_args){.hidden_size = 2}, NULL)));
    CHECK(ct_why(ct_gru(x, w, w, NULL, NULL, NULL, (ct_recurrent_args){0}, NULL)));
}

/* The size stays; of an odd number of zeros the last is at the end, as PyTorch has it. */
static void same_padding(void) {
    ct_tensor *x = ct_reshape(VECTOR(1, 2, 3, 4, 5), (ct_shape_args){CT_DIMS(1, 1, 5)});
    ct_tensor *w = ct_reshape(VECTOR(1, 10), (ct_shape_args){CT_DIMS(1, 1, 2)});
    ct_tensor *w3 = ct_reshape(VECTOR(1, 10, 100), (ct_shape_args){CT_DIMS(1, 1, 3)});
    CHECK_HOLDS(ct_conv1d(x, w, NULL, (ct_conv1d_args){.padding = {CT_SAME}}), 21, 32, 43, 54, 5);
    CHECK_HOLDS(ct_conv1d(x, w3, NULL, (ct_conv1d_args){.padding = {CT_SAME}, .dilation = {2}}), 310, 420, 531, 42, 53);
    CHECK_HOLDS(ct_conv1d(x, w, NULL, (ct_conv1d_args){.padding = {CT_SAME - 1}}), 21, 32, 43, 54);
    ct_shape_args image = {CT_DIMS(1, 1, 1, 5)}, kernel = {CT_DIMS(1, 1, 1, 2)}, volume = {CT_DIMS(1, 1, 1, 5, 1)};
    ct_conv2d_args same = {.padding = {CT_SAME, CT_SAME}};
    CHECK_HOLDS(ct_conv2d(ct_reshape(x, image), ct_reshape(w, kernel), NULL, same), 21, 32, 43, 54, 5);
    ct_tensor *deep = ct_reshape(w, (ct_shape_args){CT_DIMS(1, 1, 2, 1, 1)});
    CHECK_HOLDS(ct_conv3d(ct_reshape(x, (ct_shape_args){CT_DIMS(1, 1, 5, 1, 1)}), deep, NULL,
                          (ct_conv3d_args){.padding = {CT_SAME}}),
                21, 32, 43, 54, 5);
    CHECK_HOLDS(ct_conv3d(ct_reshape(x, volume), ct_reshape(w, (ct_shape_args){CT_DIMS(1, 1, 1, 2, 1)}), NULL,
                          (ct_conv3d_args){.padding = {CT_SAME}}),
                21, 32, 43, 54, 5);
    CHECK_STR(ct_why(ct_conv1d(x, w, NULL, (ct_conv1d_args){.padding = {CT_SAME}, .stride = {2}})),
              "conv1d: padding same wants a stride of 1, got 2");
    ct_tensor *y = ct_conv2d(ct_requires_grad(ct_reshape(x, image), true), ct_reshape(w, kernel), NULL, same);
    CHECK(!ct_why(y) && ct_size(y, 3) == 5);
}

/* A layer's settings in words give what numbers give. */
static void same_padding_of_layers(void) {
    static const char *const rows[][2] = {
        {"kernel_size: [3, 5], padding: same", "kernel_size: [3, 5], padding: [1, 2]"},
        {"kernel_size: 3, dilation: 2, padding: same, padding_mode: circular",
         "kernel_size: 3, dilation: 2, padding: 2, padding_mode: circular"},
        {"kernel_size: 3, stride: 2, padding: valid, padding_mode: reflect", "kernel_size: 3, stride: 2"}};
    ct_tensor *x = ct_randn(CT_F32, CT_DIMS(2, 3, 7, 8)), *y[2];
    for (int i = 0; i < CT_COUNT(rows); i++) {
        ct_module *m[2];
        for (int k = 0; k < 2; k++) {
            char text[160];
            snprintf(text, sizeof text, "[conv2d: {out_channels: 4, %s}]", rows[i][k]);
            ct_manual_seed(1);
            if (!CHECK(m[k] = ct_module_open(text, CT_F32, CT_DIMS(3, 7, 8)))) return;
            y[k] = ct_module_forward(m[k], x);
        }
        CHECK(!ct_why(y[0]) && ct_numel(y[0]) == ct_numel(y[1]) && !ct_item(ct_amax(ct_abs(ct_sub(y[0], y[1])), ALL)));
        ct_module_free(m[0]), ct_module_free(m[1]);
    }
    CHECK(!ct_module_open("[conv1d: {out_channels: 2, kernel_size: 3, stride: 2, padding: same}]", CT_F32,
                          CT_DIMS(3, 8)));
    CHECK_HAS(ct_error(), "padding same wants a stride of 1, got 2");
    CHECK(!ct_module_open("[conv2d: {out_channels: 2, kernel_size: 3, padding: [same, 1]}]", CT_F32, CT_DIMS(3, 8, 8)));
    CHECK_HAS(ct_error(), "padding must be an integer");
    CHECK(!ct_module_open("[conv2d: {out_channels: 2, kernel_size: 3, padding: smae}]", CT_F32, CT_DIMS(3, 8, 8)));
    CHECK_HAS(ct_error(), "same or valid");
}

/* Bags that begin at offsets, of which some are empty; rows that are weighed, or left out. */
static void bags(void) {
    ct_tensor *w = ct_reshape(LEAF(1, 2, 3, 4, 5, 6), (ct_shape_args){CT_DIMS(3, 2)});
    ct_tensor *index = ct_from(CT_I64, CT_DIMS(4), (int64_t[]){0, 2, 1, 2}), *each = VECTOR(1, 2, 3, 0.5);
    ct_tensor *offsets = ct_from(CT_I64, CT_DIMS(4), (int64_t[]){0, 2, 2, 4});
    ct_embedding_bag_args mean = {0}, sum = {.mode = 1}, most = {.mode = 2},
                          last = {.mode = 1, .include_last_offset = true};
    CHECK_HOLDS(ct_embedding_bag(index, w, offsets, NULL, mean), 3, 4, 0, 0, 4, 5, 0, 0);
    CHECK_HOLDS(ct_embedding_bag(index, w, offsets, each, sum), 11, 14, 0, 0, 11.5, 15, 0, 0);
    CHECK_HOLDS(ct_embedding_bag(index, w, offsets, NULL, most), 5, 6, 0, 0, 5, 6, 0, 0);
    CHECK_HOLDS(ct_embedding_bag(index, w, offsets, NULL, last), 6, 8, 0, 0, 8, 10);
    mean.padding_idx = 2, most.padding_idx = 2;
    CHECK_HOLDS(ct_embedding_bag(index, w, offsets, NULL, mean), 1, 2, 0, 0, 3, 4, 0, 0);
    CHECK_HOLDS(ct_embedding_bag(index, w, offsets, NULL, most), 1, 2, 0, 0, 3, 4, 0, 0);
    ct_tensor *rows = ct_reshape(index, (ct_shape_args){CT_DIMS(2, 2)}),
              *row_each = ct_reshape(each, (ct_shape_args){CT_DIMS(2, 2)});
    CHECK_HOLDS(ct_embedding_bag(rows, w, NULL, row_each, sum), 11, 14, 11.5, 15);
    CHECK_HOLDS(grad(ct_embedding_bag(index, w, offsets, each, sum), w, false), 1, 1, 3, 3, 2.5, 2.5);
    CHECK_HAS(ct_why(ct_embedding_bag(index, w, NULL, NULL, sum)), "want the offsets");
    CHECK_HAS(ct_why(ct_embedding_bag(rows, w, offsets, NULL, sum)), "have none");
    CHECK_HAS(ct_why(ct_embedding_bag(index, w, offsets, each, (ct_embedding_bag_args){0})), "for mode sum");
    CHECK_HAS(ct_why(ct_embedding_bag(index, w, ct_add_scalar(offsets, 1), NULL, sum)), "out of range");
}

int main(void) {
    ct_scope *scope = ct_scope_open();
    RUN(products), RUN(spread), RUN(norms), RUN(extremes), RUN(classes), RUN(planes), RUN(pairs), RUN(indexed),
        RUN(as_pytorch);
    RUN(batches), RUN(drawn), RUN(dropped), RUN(likelihoods), RUN(similar), RUN(unseen), RUN(middles), RUN(sequences);
    RUN(subscripts), RUN(convolved), RUN(recurring);
    RUN(same_padding), RUN(same_padding_of_layers), RUN(bags);
    CHECK(ct_scope_close(scope) == CT_FAIL); /* of the calls that were to fail */
    return check_done("values");
}
