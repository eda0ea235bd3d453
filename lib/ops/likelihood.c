/* Losses that are minus the logarithm of how likely a target is. */
#include "ops/shape_util.h"
#include <math.h>

static ct_tensor *zero_of(const ct_tensor *t) { return ct_constant(t->layout.dtype, (ct_dims){0}, 0); }

/* t log(t), 0 where t is 0. */
static ct_tensor *entropy(ct_tensor *t) {
    ct_tensor *safe = ct_masked_fill(t, ct_eq(t, zero_of(t)), (ct_fill_args){.value = 1});
    return ct_mul(t, ct_log(safe));
}

/* ---- two classes ---- */
FORMULA(binary_cross_entropy) {
    ARGS(loss);
    (void)n_in, (void)out;
    ct_tensor *wrong = ct_unlike("binary_cross_entropy", in);
    if (wrong) return wrong;
    ct_tensor *loss = ct_log_loss(in[0], in[1]);
    return ct_reduced(in[2] ? ct_mul(loss, in[2]) : loss, args->reduction);
}

/* (1 - target) x - logsigmoid(x): no exponential overflows. pos_weight counts the second of its two parts for targets
   of 1. */
FORMULA(binary_cross_entropy_with_logits) {
    ARGS(loss);
    (void)n_in, (void)out;
    ct_tensor *wrong = ct_unlike("binary_cross_entropy_with_logits", in);
    if (wrong) return wrong;
    ct_tensor *x = in[0], *target = in[1], *weight = in[2], *pos_weight = in[3], *log_p = ct_logsigmoid(x);
    if (pos_weight) log_p = ct_mul(log_p, ct_plus(ct_mul(ct_plus(pos_weight, -1), target), 1));
    ct_tensor *loss = ct_sub(ct_mul(ct_plus(ct_neg(target), 1), x), log_p);
    return ct_reduced(weight ? ct_mul(loss, weight) : loss, args->reduction);
}

FORMULA(soft_margin_loss) {
    ARGS(loss);
    (void)n_in, (void)out;
    ct_tensor *wrong = ct_unlike("soft_margin_loss", in);
    return wrong ? wrong : ct_reduced(ct_neg(ct_logsigmoid(ct_mul(in[1], in[0]))), args->reduction);
}

/* ---- distributions ---- */
FORMULA(kl_div) {
    ARGS(kl_div);
    enum { BATCHMEAN = 3 };
    (void)n_in, (void)out;
    ct_tensor *missing = ct_missing("kl_div", in, 2);
    if (missing) return missing;
    ct_tensor *x = in[0], *target = in[1];
    ct_tensor *loss =
        args->log_target ? ct_mul(ct_exp(target), ct_sub(target, x)) : ct_sub(entropy(target), ct_mul(target, x));
    if (args->reduction != BATCHMEAN) return ct_reduced(loss, args->reduction);
    if (!x->layout.ndim) return ct_tensor_error(CT_FAIL, "kl_div: a number is no batch");
    return ct_times(ct_sum(loss, (ct_reduce_args){0}), 1 / (double)x->layout.size[0]);
}

/* Stirling's approximation of log(target!), where the target is above 1. */
static ct_tensor *stirling(ct_tensor *target) {
    const double pi = 3.14159265358979323846;
    ct_tensor *few = ct_le(target, ct_constant(target->layout.dtype, (ct_dims){0}, 1));
    ct_tensor *t = ct_masked_fill(target, few, (ct_fill_args){.value = 1});
    ct_tensor *y = ct_add(ct_sub(ct_mul(t, ct_log(t)), t), ct_times(ct_log(ct_times(t, 2 * pi)), 0.5));
    return ct_masked_fill(y, few, (ct_fill_args){.value = 0});
}

FORMULA(poisson_nll_loss) {
    ARGS(poisson_nll_loss);
    (void)n_in, (void)out;
    ct_tensor *missing = ct_missing("poisson_nll_loss", in, 2);
    if (missing) return missing;
    ct_tensor *x = in[0], *target = ct_floats(in[1]);
    ct_tensor *loss = args->no_log_input ? ct_sub(x, ct_mul(target, ct_log(ct_plus(x, args->eps))))
                                         : ct_sub(ct_exp(x), ct_mul(target, x));
    if (args->full) loss = ct_add(loss, stirling(target));
    return ct_reduced(loss, args->reduction);
}

/* The variance has x's shape, but its last dimension may be of size 1 or absent. */
static ct_tensor *variance(ct_tensor *x, ct_tensor *var) {
    const ct_layout *l = &x->layout, *v = &var->layout;
    if (ct_same_sizes(l, v)) return var;
    ct_tensor *wide = v->ndim == l->ndim - 1 ? ct_unsqueeze(var, (ct_dim_args){.dim = -1}) : var;
    ct_layout one = *l;
    if (l->ndim) one.size[l->ndim - 1] = 1;
    if (ct_why(wide) || (l->ndim && ct_same_sizes(&one, &wide->layout))) return wide;
    char a[CT_SHAPE_TEXT], b[CT_SHAPE_TEXT];
    ct_layout_text(l, a, sizeof a), ct_layout_text(v, b, sizeof b);
    return ct_tensor_error(CT_FAIL, "gaussian_nll_loss: variance %s does not fit prediction %s", b, a);
}

FORMULA(gaussian_nll_loss) {
    ARGS(gaussian_nll_loss);
    (void)n_in, (void)out;
    ct_tensor *wrong = ct_missing("gaussian_nll_loss", in, 3);
    if (!wrong) wrong = ct_unlike("gaussian_nll_loss", in);
    if (wrong) return wrong;
    ct_tensor *var = variance(in[0], in[2]);
    if (ct_why(var)) return var;
    var = ct_lifted(var, args->eps);
    ct_tensor *loss = ct_add(ct_log(var), ct_div(ct_square(ct_sub(in[0], in[1])), var));
    if (args->full) loss = ct_plus(loss, 1.8378770664093453); /* log(2 pi) */
    return ct_reduced(ct_times(loss, 0.5), args->reduction);
}

/* The divergence of N(mu, exp(logvar)) from N(0, 1) (Kingma and Welling, "Auto-encoding variational Bayes", 2014,
   appendix B). */
FORMULA(kl_normal) {
    (void)n_in, (void)args_, (void)out;
    ct_tensor *wrong = ct_unlike("kl_normal", in);
    if (wrong) return wrong;
    ct_tensor *mu = in[0], *logvar = in[1];
    if (!mu->layout.ndim) return ct_tensor_error(CT_FAIL, "kl_normal: a number is no batch");
    ct_tensor *each = ct_sub(ct_sub(ct_plus(logvar, 1), ct_square(mu)), ct_exp(logvar));
    return ct_times(ct_sum(each, (ct_reduce_args){0}), -0.5 / (double)mu->layout.size[0]);
}
