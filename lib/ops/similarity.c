/* How alike vectors are, and losses that ask for it. */
#include "ops/shape_util.h"

static ct_tensor *zero_of(const ct_tensor *t) { return ct_constant(t->layout.dtype, (ct_dims){0}, 0); }
static ct_tensor *is(ct_tensor *t, double value) { return ct_eq(t, ct_constant(t->layout.dtype, (ct_dims){0}, value)); }

/* ---- distances, cosines ---- */
static ct_tensor *distance(ct_tensor *a, ct_tensor *b, double p, double eps, bool keepdim) {
    ct_norm_args norm = {.ord = p == 0 ? (double)CT_ZERO : p, .dim = CT_DIMS(-1), .keepdim = keepdim};
    return ct_norm(ct_plus(ct_sub(a, b), eps), norm);
}

FORMULA(pairwise_distance) {
    ARGS(pairwise_distance);
    (void)n_in, (void)out;
    ct_tensor *missing = ct_missing("pairwise_distance", in, 2);
    return missing ? missing : distance(in[0], in[1], args->p, args->eps, args->keepdim);
}

/* x over its norm, which counts as eps at least. */
static ct_tensor *direction(ct_tensor *x, int64_t dim, double eps) {
    ct_tensor *norm = ct_norm(x, (ct_norm_args){.dim = CT_DIMS(dim), .keepdim = true});
    return ct_div(x, ct_lifted(norm, eps));
}

FORMULA(cosine_similarity) {
    ARGS(cosine_similarity);
    (void)n_in, (void)out;
    ct_tensor *missing = ct_missing("cosine_similarity", in, 2);
    if (missing) return missing;
    ct_layout both[2] = {in[0]->layout, in[1]->layout}, wide;
    ct_status status = ct_shape_broadcast("cosine_similarity", both, 2, &wide);
    if (status) return ct_tensor_failed(status);
    ct_expand_args to = {.size = ct_all_dims(wide.size, wide.ndim)};
    ct_tensor *x1 = ct_floats(ct_expand(in[0], to)), *x2 = ct_floats(ct_expand(in[1], to));
    return ct_sum_dim(ct_mul(direction(x1, args->dim, args->eps), direction(x2, args->dim, args->eps)), args->dim,
                      false);
}

/* ---- losses: a target of 1 says alike, -1 unlike ---- */
FORMULA(cosine_embedding_loss) {
    ARGS(margin_loss);
    const double least = 1e-12;
    (void)n_in, (void)out;
    ct_tensor *wrong = ct_missing("cosine_embedding_loss", in, 3);
    if (!wrong) wrong = ct_unlike("cosine_embedding_loss", in);
    if (wrong) return wrong;
    ct_tensor *a = in[0], *b = in[1], *target = in[2];
    int n = a->layout.ndim;
    if (n < 1 || n > 2 || target->layout.ndim != n - 1)
        return ct_tensor_error(CT_FAIL,
                               "cosine_embedding_loss: a vector each and one target a pair are wanted, or rows");
    ct_tensor *norms = ct_mul(ct_plus(ct_sum_dim(ct_square(a), -1, false), least),
                              ct_plus(ct_sum_dim(ct_square(b), -1, false), least));
    ct_tensor *cosine = ct_div(ct_sum_dim(ct_mul(a, b), -1, false), ct_sqrt(norms)), *zero = zero_of(cosine);
    ct_tensor *alike = ct_where(is(target, 1), ct_plus(ct_neg(cosine), 1), zero);
    ct_tensor *apart = ct_where(is(target, -1), ct_at_least(ct_plus(cosine, -args->margin), 0), zero);
    return ct_reduced(ct_add(alike, apart), args->reduction);
}

FORMULA(hinge_embedding_loss) {
    ARGS(hinge_embedding_loss);
    (void)n_in, (void)out;
    ct_tensor *missing = ct_missing("hinge_embedding_loss", in, 2);
    if (missing) return missing;
    ct_tensor *x = in[0], *target = in[1], *zero = zero_of(x);
    ct_tensor *apart = ct_where(is(target, 1), zero, ct_at_least(ct_plus(ct_neg(x), args->margin), 0));
    return ct_reduced(ct_add(apart, ct_where(is(target, -1), zero, x)), args->reduction);
}

FORMULA(margin_ranking_loss) {
    ARGS(margin_loss);
    (void)n_in, (void)out;
    ct_tensor *missing = ct_missing("margin_ranking_loss", in, 3);
    if (missing) return missing;
    ct_tensor *wrong_way = ct_mul(in[2], ct_sub(in[1], in[0]));
    return ct_reduced(ct_at_least(ct_plus(wrong_way, args->margin), 0), args->reduction);
}

FORMULA(triplet_margin_loss) {
    ARGS(triplet_margin_loss);
    (void)n_in, (void)out;
    ct_tensor *missing = ct_missing("triplet_margin_loss", in, 3);
    if (missing) return missing;
    ct_tensor *anchor = in[0], *positive = in[1], *negative = in[2];
    ct_tensor *to = distance(anchor, positive, args->p, args->eps, false);
    ct_tensor *from = distance(anchor, negative, args->p, args->eps, false);
    if (args->swap) from = ct_minimum(from, distance(positive, negative, args->p, args->eps, false));
    return ct_reduced(ct_at_least(ct_plus(ct_sub(to, from), args->margin), 0), args->reduction);
}
