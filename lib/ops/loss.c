/* Losses. */
#include "ops/shape_util.h"

enum { REDUCE_MEAN, REDUCE_SUM, REDUCE_NONE }; /* choices of `reduction` */

/* ---- of a prediction and a target of the same shape ---- */
FORMULA(mse_loss) {
    ARGS(loss);
    (void)n_in, (void)out;
    ct_tensor *wrong = ct_unlike("mse_loss", in);
    return wrong ? wrong : ct_reduced(ct_square(ct_sub(in[0], in[1])), args->reduction);
}

FORMULA(l1_loss) {
    ARGS(loss);
    (void)n_in, (void)out;
    ct_tensor *wrong = ct_unlike("l1_loss", in);
    return wrong ? wrong : ct_reduced(ct_abs(ct_sub(in[0], in[1])), args->reduction);
}

/* d^2 / (2 at) where |d| is under `at`, else |d| - at / 2. */
static ct_tensor *smooth(ct_tensor *const *in, double at) {
    ct_tensor *d = ct_sub(in[0], in[1]), *size = ct_abs(d);
    ct_tensor *small = ct_lt(size, ct_constant(size->layout.dtype, (ct_dims){0}, at));
    return ct_where(small, ct_times(ct_square(d), 0.5 / at), ct_plus(size, -0.5 * at));
}

FORMULA(smooth_l1_loss) {
    ARGS(smooth_l1_loss);
    (void)n_in, (void)out;
    ct_tensor *wrong = ct_unlike("smooth_l1_loss", in);
    if (wrong) return wrong;
    if (args->beta == 0) return ct_reduced(ct_abs(ct_sub(in[0], in[1])), args->reduction);
    if (!(args->beta > 0)) return ct_tensor_error(CT_FAIL, "smooth_l1_loss: beta is %g, not 0 or more", args->beta);
    return ct_reduced(smooth(in, args->beta), args->reduction);
}

FORMULA(huber_loss) {
    ARGS(huber_loss);
    (void)n_in, (void)out;
    ct_tensor *wrong = ct_unlike("huber_loss", in);
    if (wrong) return wrong;
    if (!(args->delta > 0)) return ct_tensor_error(CT_FAIL, "huber_loss: delta is %g, not above 0", args->delta);
    return ct_reduced(ct_times(smooth(in, args->delta), args->delta), args->reduction);
}

/* ---- of log-probabilities and classes ---- */
/* Classes are in dimension 1 of x, or 0 where there is no batch; the target has the other dimensions. */
static int class_dim(const ct_layout *x) { return x->ndim > 1; }

static ct_status want_classes(const char *op, const ct_layout *x, const ct_layout *target, const ct_layout *weight) {
    CT_TRY(ct_want_floats(op, x, 1));
    CT_TRY(ct_want_ndim(op, "the prediction", x, 1, CT_MAX_DIMS));
    int64_t size[CT_MAX_DIMS];
    int n = 0;
    for (int d = 0; d < x->ndim; d++)
        if (d != class_dim(x)) size[n++] = x->size[d];
    CT_TRY(ct_want_index(op, target));
    CT_TRY(ct_want_sizes(op, "the target", target, size, n));
    if (!weight) return CT_OK;
    if (weight->dtype != x->dtype)
        return ct_shape_fail(op, "weight is %s, the prediction %s", ct_dtype_name(weight->dtype),
                             ct_dtype_name(x->dtype));
    return ct_want_sizes(op, "weight", weight, &x->size[class_dim(x)], 1);
}

/* What a target contributes: `classes` in range even where the target is ignored, and the weight of each, 0 there.
   The classes' weights are constants to gradients. */
typedef struct targets {
    ct_tensor *classes, *ignored, *weight;
} targets;

static targets targets_of(ct_tensor *target, ct_tensor *weight, int64_t ignore_index, ct_dtype dtype) {
    targets t;
    ct_tensor *wide = ct_to(target, CT_I64);
    t.ignored = ct_eq(wide, ct_constant(CT_I64, (ct_dims){0}, (double)ignore_index));
    t.classes = ct_masked_fill(wide, t.ignored, (ct_fill_args){.value = 0});
    ct_tensor *each = ct_constant(dtype, ct_shape_of(target), 1);
    if (weight) {
        each = ct_index_select(ct_detach(weight), ct_reshape_to(t.classes, (int64_t[]){ct_numel(target)}, 1),
                               (ct_dim_args){0});
        each = ct_reshape(each, (ct_shape_args){.shape = ct_shape_of(target)});
    }
    t.weight = ct_masked_fill(each, t.ignored, (ct_fill_args){.value = 0});
    return t;
}

/* Minus the weighted log-probability of each target. */
static ct_tensor *picked(ct_tensor *logp, const targets *t, int dim) {
    ct_dim_args along = {.dim = dim};
    ct_tensor *of_class =
        ct_squeeze(ct_gather(logp, ct_unsqueeze(t->classes, along), along), (ct_squeeze_args){CT_DIMS(dim)});
    return ct_masked_fill(ct_neg(ct_mul(of_class, t->weight)), t->ignored, (ct_fill_args){.value = 0});
}

/* A mean is over the weights, so that a sample's share is its weight's. */
static ct_tensor *reduced_by_weight(ct_tensor *loss, const targets *t, int reduction) {
    if (reduction == REDUCE_NONE) return loss;
    ct_tensor *sum = ct_sum(loss, (ct_reduce_args){0});
    return reduction == REDUCE_SUM ? sum : ct_div(sum, ct_sum(t->weight, (ct_reduce_args){0}));
}

FORMULA(nll_loss) {
    ARGS(nll_loss);
    (void)n_in, (void)out;
    ct_tensor *missing = ct_missing("nll_loss", in, 2);
    if (missing) return missing;
    ct_status status = want_classes("nll_loss", &in[0]->layout, &in[1]->layout, in[2] ? &in[2]->layout : NULL);
    if (status) return ct_tensor_failed(status);
    targets t = targets_of(in[1], in[2], args->ignore_index, in[0]->layout.dtype);
    return reduced_by_weight(picked(in[0], &t, class_dim(&in[0]->layout)), &t, args->reduction);
}

/* ---- cross entropy of logits and classes, fused ---- */
SHAPE(cross_entropy_) {
    ARGS(cross_entropy);
    (void)n_in;
    *n_out = 2;
    CT_TRY(ct_want_there("cross_entropy", in, 2));
    CT_TRY(ct_want_ndim("cross_entropy", "the prediction", in, 2, 2));
    CT_TRY(want_classes("cross_entropy", &in[0], &in[1], in[2].dtype == CT_NONE ? NULL : &in[2]));
    if (!(args->label_smoothing >= 0 && args->label_smoothing <= 1))
        return ct_shape_fail("cross_entropy", "label_smoothing is %g, not between 0 and 1", args->label_smoothing);
    if (in->size[1] < 1) return ct_shape_fail("cross_entropy", "there are no classes");
    CT_TRY(ct_shape_make("cross_entropy", NULL, in->dtype, in->size, args->reduction == REDUCE_NONE, &out[0]));
    return ct_shape_make("cross_entropy", NULL, in->dtype, in->size, 1, &out[1]);
}
GRAD(cross_entropy_) {
    (void)n_in;
    if (g[0] && need[0]) din[0] = CT_PART(cross_entropy_back, args_, g[0], in[0], in[1], in[2], out[1]);
}

/* The smooth part of each sample's target: minus the weighted log-probabilities of all classes. */
static ct_tensor *smooth_part(ct_tensor *logp, ct_tensor *weight, const targets *t) {
    ct_tensor *all = ct_neg(ct_sum_dim(weight ? ct_mul(logp, ct_detach(weight)) : logp, 1, false));
    return ct_masked_fill(all, t->ignored, (ct_fill_args){.value = 0});
}

FORMULA(cross_entropy_) {
    ARGS(cross_entropy);
    (void)n_in;
    ct_tensor *x = in[0], *logp = ct_log_softmax(x, (ct_dim_args){.dim = 1});
    targets t = targets_of(in[1], in[2], args->ignore_index, x->layout.dtype);
    double smoothing = args->label_smoothing, classes = (double)x->layout.size[1];
    ct_tensor *loss = picked(logp, &t, 1);
    if (smoothing > 0)
        loss = ct_add(ct_times(loss, 1 - smoothing), ct_times(smooth_part(logp, in[2], &t), smoothing / classes));
    loss = reduced_by_weight(loss, &t, args->reduction);
    if (out) out[0] = loss, out[1] = ct_logsumexp(x, (ct_reduce_args){.dim = CT_DIMS(1)});
    return loss;
}

SHAPE(cross_entropy_back) {
    ARGS(cross_entropy);
    const ct_layout *g = &in[0], *x = &in[1], *weight = &in[3], *lse = &in[4];
    (void)n_in;
    *n_out = 1;
    CT_TRY(ct_want_there("cross_entropy", in, 3));
    CT_TRY(ct_want_ndim("cross_entropy", "the prediction", x, 2, 2));
    CT_TRY(want_classes("cross_entropy", x, &in[2], weight->dtype == CT_NONE ? NULL : weight));
    CT_TRY(ct_want_sizes("cross_entropy", "the gradient", g, x->size, args->reduction == REDUCE_NONE));
    CT_TRY(ct_want_sizes("cross_entropy", "the saved sums", lse, x->size, 1));
    if (g->dtype != x->dtype || lse->dtype != x->dtype) return ct_shape_fail("cross_entropy", "types differ");
    return ct_shape_make("cross_entropy", x, x->dtype, x->size, 2, out);
}

/* ---- cross entropy, whatever the target ---- */
/* Classes: (N, C, ...) becomes rows of classes for the fused op. */
static ct_tensor *of_classes(ct_tensor *const *in, const ct_cross_entropy_args *args) {
    ct_tensor *x = in[0];
    const ct_layout *l = &x->layout;
    ct_status status = want_classes("cross_entropy", l, &in[1]->layout, in[2] ? &in[2]->layout : NULL);
    if (status) return ct_tensor_failed(status);
    if (l->ndim == 2) return CT_PART(cross_entropy_, args, x, in[1], in[2]);
    int64_t n = ct_numel(in[1]), classes = l->size[class_dim(l)];
    if (l->ndim > 2) {
        ct_dims order = {1, {0}};
        for (int d = 2; d < l->ndim; d++) order.v[order.n++] = d;
        order.v[order.n++] = 1;
        x = ct_permute(x, (ct_dims_args){.dims = order});
    }
    x = ct_reshape_to(x, (int64_t[]){n, classes}, 2);
    ct_tensor *target = ct_reshape_to(in[1], &n, 1);
    ct_tensor *loss = CT_PART(cross_entropy_, args, x, target, in[2]);
    return args->reduction == REDUCE_NONE ? ct_reshape(loss, (ct_shape_args){.shape = ct_shape_of(in[1])}) : loss;
}

/* Probabilities: weights count the classes, and a mean is over the samples. */
static ct_tensor *of_probabilities(ct_tensor *const *in, const ct_cross_entropy_args *args) {
    const ct_layout *l = &in[0]->layout;
    ct_status status = ct_want_floats("cross_entropy", l, 1);
    if (!status) status = ct_want_ndim("cross_entropy", "the prediction", l, 1, CT_MAX_DIMS);
    if (!status && in[2]) status = ct_want_sizes("cross_entropy", "weight", &in[2]->layout, &l->size[class_dim(l)], 1);
    if (status) return ct_tensor_failed(status);
    int dim = class_dim(l);
    double s = args->label_smoothing, classes = (double)l->size[dim];
    ct_tensor *target = in[1];
    if (s > 0) target = ct_add_scalar(ct_times(target, 1 - s), s / classes);
    ct_tensor *loss = ct_mul(ct_log_softmax(in[0], (ct_dim_args){.dim = dim}), target);
    if (in[2]) {
        int64_t size[CT_MAX_DIMS] = {1, 1, 1, 1, 1, 1, 1, 1};
        size[dim] = l->size[dim];
        loss = ct_mul(loss, ct_reshape_to(in[2], size, l->ndim));
    }
    loss = ct_neg(ct_sum_dim(loss, dim, false));
    return ct_reduced(loss, args->reduction);
}

FORMULA(cross_entropy) {
    ARGS(cross_entropy);
    (void)n_in, (void)out;
    ct_tensor *missing = ct_missing("cross_entropy", in, 2);
    if (missing) return missing;
    if (!ct_is_float(in[1]->layout.dtype)) return of_classes(in, args);
    ct_tensor *wrong = ct_unlike("cross_entropy", in);
    return wrong ? wrong : of_probabilities(in, args);
}
