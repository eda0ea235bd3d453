/* Batch normalisation and dropout. */
#include "ops/shape_util.h"
#include <math.h>

enum { X, RUNNING_MEAN, RUNNING_VAR, WEIGHT, BIAS }; /* inputs of batch_norm */
enum { Y, NEW_MEAN, NEW_VAR, MEAN, INVSTD };         /* outputs of batch_norm_train */

static ct_status batch_norm_inputs(const ct_layout *in) {
    static const char *const names[] = {"x", "running_mean", "running_var", "weight", "bias"};
    CT_TRY(ct_want_floats("batch_norm", in, 5));
    CT_TRY(ct_want_ndim("batch_norm", "the input", in, 2, CT_MAX_DIMS));
    for (int i = 1; i < 5; i++)
        if (in[i].dtype != CT_NONE) CT_TRY(ct_want_sizes("batch_norm", names[i], &in[i], &in->size[1], 1));
    if ((in[RUNNING_MEAN].dtype == CT_NONE) == (in[RUNNING_VAR].dtype == CT_NONE)) return CT_OK;
    return ct_shape_fail("batch_norm", "of running_mean and running_var one is missing");
}

/* Of x (N, C, ...): the dimensions but C, and how many values a channel has. */
static ct_dims but_channels(const ct_layout *x) {
    ct_dims d = {1, {0}};
    for (int i = 2; i < x->ndim; i++) d.v[d.n++] = i;
    return d;
}
static double values_a_channel(const ct_layout *x) {
    double n = (double)x->size[0];
    for (int d = 2; d < x->ndim; d++) n *= (double)x->size[d];
    return n;
}

SHAPE(batch_norm_train) {
    (void)n_in, (void)args_;
    *n_out = 5;
    CT_TRY(batch_norm_inputs(in));
    if (values_a_channel(in) < 2) {
        char text[CT_SHAPE_TEXT];
        ct_layout_text(in, text, sizeof text);
        return ct_shape_fail("batch_norm", "training wants more than one value a channel, got input %s", text);
    }
    CT_TRY(ct_shape_make("batch_norm", in, in->dtype, in->size, in->ndim, &out[Y]));
    for (int i = 1; i < 5; i++) CT_TRY(ct_shape_make("batch_norm", NULL, in->dtype, &in->size[1], 1, &out[i]));
    return CT_OK;
}
int ct_place_batch_norm_train(int n_in, const void *args, int i) {
    (void)n_in, (void)args;
    return i == NEW_MEAN ? RUNNING_MEAN : i == NEW_VAR ? RUNNING_VAR : -1;
}
GRAD(batch_norm_train) {
    (void)n_in, (void)args_;
    if (!g[Y]) return;
    ct_tensor *d[8], *back[] = {ct_in_order_of(g[Y], &in[X]->layout), in[X], out[MEAN], out[INVSTD], in[WEIGHT]};
    if (ct_why(d[0] = ct_apply(CT_OP_batch_norm_back, back, 5, NULL, d))) d[1] = d[2] = d[0];
    if (need[X]) din[X] = d[0];
    if (need[WEIGHT]) din[WEIGHT] = d[1];
    if (need[BIAS]) din[BIAS] = d[2];
}

/* A running statistic after a batch whose own was `now`. */
static ct_tensor *moved(ct_tensor *running, ct_tensor *now, double momentum) {
    return running ? ct_add(ct_times(running, 1 - momentum), ct_times(now, momentum)) : now;
}

FORMULA(batch_norm_train) {
    ARGS(batch_norm);
    (void)n_in;
    const ct_layout *l = &in[X]->layout;
    ct_reduce_args over = {.dim = but_channels(l), .keepdim = true};
    double n = values_a_channel(l);
    ct_tensor *mean = ct_mean(in[X], over), *apart = ct_sub(in[X], mean), *var = ct_mean(ct_square(apart), over);
    ct_tensor *invstd = ct_rsqrt(ct_add_scalar(var, args->eps));
    ct_tensor *y = ct_mul(apart, invstd);
    if (in[WEIGHT]) y = ct_mul(y, ct_by_channel(in[WEIGHT], l));
    if (in[BIAS]) y = ct_add(y, ct_by_channel(in[BIAS], l));
    if (!out) return y;
    out[Y] = y;
    out[MEAN] = ct_reshape_to(mean, &l->size[1], 1);
    out[INVSTD] = ct_reshape_to(invstd, &l->size[1], 1);
    out[NEW_MEAN] = moved(in[RUNNING_MEAN], out[MEAN], args->momentum);
    out[NEW_VAR] = moved(in[RUNNING_VAR], ct_reshape_to(ct_times(var, n / (n - 1)), &l->size[1], 1), args->momentum);
    return y;
}

SHAPE(batch_norm_back) {
    (void)args_, (void)n_in;
    const ct_layout *g = &in[0], *x = &in[1], *weight = &in[4];
    *n_out = 3;
    CT_TRY(ct_want_there("batch_norm", in, 4));
    CT_TRY(ct_want_floats("batch_norm", in, 5));
    CT_TRY(ct_want_ndim("batch_norm", "the input", x, 2, CT_MAX_DIMS));
    CT_TRY(ct_want_sizes("batch_norm", "the gradient", g, x->size, x->ndim));
    CT_TRY(ct_want_sizes("batch_norm", "mean", &in[2], &x->size[1], 1));
    CT_TRY(ct_want_sizes("batch_norm", "invstd", &in[3], &x->size[1], 1));
    if (weight->dtype != CT_NONE) CT_TRY(ct_want_sizes("batch_norm", "weight", weight, &x->size[1], 1));
    CT_TRY(ct_shape_make("batch_norm", x, x->dtype, x->size, x->ndim, &out[0]));
    CT_TRY(ct_shape_make("batch_norm", NULL, x->dtype, &x->size[1], 1, &out[1]));
    return ct_shape_make("batch_norm", NULL, x->dtype, &x->size[1], 1, &out[2]);
}

/* By the running statistics: one factor and one term a channel. */
static ct_tensor *batch_norm_eval(ct_tensor *const *in, double eps) {
    const ct_layout *l = &in[X]->layout;
    if (!in[RUNNING_MEAN])
        return ct_tensor_error(CT_FAIL, "batch_norm: running_mean and running_var are wanted where not in training");
    ct_tensor *factor = ct_rsqrt(ct_add_scalar(ct_wide(in[RUNNING_VAR]), eps));
    if (in[WEIGHT]) factor = ct_mul(factor, ct_wide(in[WEIGHT]));
    ct_tensor *term = ct_neg(ct_mul(ct_wide(in[RUNNING_MEAN]), factor));
    if (in[BIAS]) term = ct_add(term, ct_wide(in[BIAS]));
    factor = ct_by_channel(factor, l), term = ct_by_channel(term, l);
    return ct_to(ct_addcmul(term, ct_wide(in[X]), factor, (ct_value_args){.value = 1}), l->dtype);
}

FORMULA(batch_norm) {
    ARGS(batch_norm);
    (void)n_in, (void)out;
    ct_layout l[5] = {0};
    for (int i = 0; i < 5; i++)
        if (in[i]) l[i] = in[i]->layout;
    ct_status status = batch_norm_inputs(l);
    if (status) return ct_tensor_failed(status);
    if (!args->training) return batch_norm_eval(in, args->eps);
    ct_tensor *made[8];
    ct_tensor *y = ct_apply(CT_OP_batch_norm_train, in, 5, args, made);
    if (ct_why(y) || !in[RUNNING_MEAN]) return y;
    status = ct_set_once(in[RUNNING_MEAN], made[NEW_MEAN]);
    if (!status) status = ct_set_once(in[RUNNING_VAR], made[NEW_VAR]);
    return status ? ct_tensor_failed(status) : y;
}

/* ---- dropout ---- */
FORMULA(dropout) {
    ARGS(dropout_layer);
    (void)n_in, (void)out;
    if (args->no_training || args->p == 0) return in[0];
    ct_dropout_args keyed = {.p = args->p};
    ct_tensor *rng = ct_random_stream(&keyed.key), *mask = CT_PART(dropout_mask, &keyed, in[0], rng);
    return CT_PART(mask_scale, &(ct_fill_args){.value = args->p < 1 ? 1 / (1 - args->p) : 0}, in[0], mask);
}

SHAPE(dropout_mask) {
    ARGS(dropout);
    (void)n_in;
    *n_out = 1;
    CT_TRY(ct_want_floats("dropout", in, 1));
    if (!(args->p >= 0 && args->p <= 1)) return ct_shape_fail("dropout", "p is %g, not between 0 and 1", args->p);
    if (in[1].dtype != CT_I64) return ct_shape_fail("dropout", "the random stream is i64: seed and step");
    CT_TRY(ct_want_sizes("dropout", "the random stream", &in[1], (int64_t[]){2}, 1));
    return ct_shape_make("dropout", in, CT_BOOL, in->size, in->ndim, out);
}

SHAPE(mask_scale) {
    (void)args_, (void)n_in;
    *n_out = 1;
    CT_TRY(ct_want_floats("mask_scale", in, 1));
    if (in[1].dtype != CT_BOOL) return ct_shape_fail("mask_scale", "the mask is bool");
    CT_TRY(ct_want_sizes("mask_scale", "the mask", &in[1], in->size, in->ndim));
    return ct_shape_make("mask_scale", in, in->dtype, in->size, in->ndim, out);
}
GRAD(mask_scale) {
    (void)n_in, (void)out;
    if (need[0]) din[0] = CT_PART(mask_scale, args_, g[0], in[1]);
}
