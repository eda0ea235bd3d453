/* Matrix products. */
#include "ops/shape_util.h"

static ct_status product_fail(const char *op, const char *why, const ct_layout *a, const ct_layout *b) {
    char x[CT_SHAPE_TEXT], y[CT_SHAPE_TEXT];
    ct_layout_text(a, x, sizeof x), ct_layout_text(b, y, sizeof y);
    return ct_shape_fail(op, "%s: %s and %s", why, x, y);
}

/* ---- matmul ---- */
SHAPE(matmul) {
    (void)args_;
    const ct_layout *a = &in[0], *b = &in[1];
    *n_out = 1;
    CT_TRY(ct_want_there("matmul", in, n_in));
    CT_TRY(ct_want_floats("matmul", in, n_in));
    if (!a->ndim || !b->ndim) return product_fail("matmul", "a number has no rows", a, b);
    int64_t inner = b->size[CT_MAX(b->ndim - 2, 0)], size[CT_MAX_DIMS];
    if (a->size[a->ndim - 1] != inner) return product_fail("matmul", "inner sizes differ", a, b);
    int na = CT_MAX(a->ndim - 2, 0), nb = CT_MAX(b->ndim - 2, 0), n = CT_MAX(na, nb);
    for (int d = 0; d < n; d++) { /* batches broadcast */
        int64_t x = d < n - na ? 1 : a->size[d - (n - na)], y = d < n - nb ? 1 : b->size[d - (n - nb)];
        if (x != y && x != 1 && y != 1) return product_fail("matmul", "batches do not broadcast", a, b);
        size[d] = x == 1 ? y : x;
    }
    if (a->ndim > 1) size[n++] = a->size[a->ndim - 2];
    if (b->ndim > 1) size[n++] = b->size[b->ndim - 1];
    return ct_shape_make("matmul", NULL, a->dtype, size, n, out);
}

static ct_tensor *turned(ct_tensor *x) { return ct_transpose(x, (ct_transpose_args){.dim0 = -2, .dim1 = -1}); }

/* t (.., columns) as one matrix. */
static ct_tensor *matrix(ct_tensor *t) {
    const ct_layout *l = &t->layout;
    int64_t size[2] = {1, l->ndim ? l->size[l->ndim - 1] : 1};
    for (int d = 0; d < l->ndim - 1; d++) size[0] *= l->size[d];
    return ct_reshape_to(t, size, 2);
}

/* da = g b', db = a' g, with vectors as matrices of one row (a) or column (b). One b for a whole batch sums over it in
   its own product. */
GRAD(matmul) {
    (void)n_in, (void)out, (void)args_;
    const ct_layout *la = &in[0]->layout, *lb = &in[1]->layout;
    ct_tensor *a = in[0], *b = in[1], *dy = g[0];
    if (la->ndim == 1) dy = ct_unsqueeze(dy, (ct_dim_args){.dim = lb->ndim == 1 ? -1 : -2});
    if (lb->ndim == 1) dy = ct_unsqueeze(dy, (ct_dim_args){.dim = -1});
    if (la->ndim == 1) a = ct_unsqueeze(a, (ct_dim_args){.dim = 0});
    if (lb->ndim == 1) b = ct_unsqueeze(b, (ct_dim_args){.dim = 1});
    if (la->ndim > 2 && lb->ndim <= 2) a = matrix(a), dy = matrix(dy);
    if (need[0]) din[0] = ct_reshape_to(ct_sum_to(ct_matmul(dy, turned(b)), &a->layout), la->size, la->ndim);
    if (need[1]) din[1] = ct_reshape_to(ct_sum_to(ct_matmul(turned(a), dy), &b->layout), lb->size, lb->ndim);
}

/* ---- linear ---- */
SHAPE(linear) {
    (void)args_;
    const ct_layout *x = &in[0], *w = &in[1], *bias = &in[2];
    *n_out = 1;
    CT_TRY(ct_want_there("linear", in, 2));
    CT_TRY(ct_want_floats("linear", in, n_in));
    CT_TRY(ct_want_ndim("linear", "the input", x, 1, CT_MAX_DIMS));
    CT_TRY(ct_want_ndim("linear", "weight", w, 2, 2));
    if (x->size[x->ndim - 1] != w->size[1]) {
        char a[CT_SHAPE_TEXT], b[CT_SHAPE_TEXT];
        ct_layout_text(w, a, sizeof a), ct_layout_text(x, b, sizeof b);
        return ct_shape_fail("linear", "weight %s wants %lld features, input %s has %lld", a, (long long)w->size[1], b,
                             (long long)x->size[x->ndim - 1]);
    }
    if (bias->dtype != CT_NONE) CT_TRY(ct_want_sizes("linear", "bias", bias, w->size, 1));
    int64_t size[CT_MAX_DIMS];
    for (int d = 0; d < x->ndim; d++) size[d] = x->size[d];
    size[x->ndim - 1] = w->size[0];
    return ct_shape_make("linear", NULL, x->dtype, size, x->ndim, out);
}
GRAD(linear) {
    (void)n_in, (void)out, (void)args_;
    const ct_layout *x = &in[0]->layout;
    ct_tensor *dy = matrix(g[0]);
    if (need[0]) din[0] = ct_reshape_to(ct_matmul(dy, in[1]), x->size, x->ndim);
    if (need[1]) din[1] = ct_matmul(turned(dy), matrix(in[0]));
    if (need[2]) din[2] = ct_sum_dim(dy, 0, false);
}
