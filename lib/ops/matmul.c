/* Matrix products. */
#include "ops/shape_util.h"

static ct_status product_fail(const char *op, const char *why, const ct_layout *a, const ct_layout *b) {
    char x[CT_SHAPE_TEXT], y[CT_SHAPE_TEXT];
    ct_layout_text(a, x, sizeof x), ct_layout_text(b, y, sizeof y);
    return ct_shape_fail(op, "%s: %s and %s", why, x, y);
}

/* Floats or integers of one type. */
static ct_status want_numbers(const char *op, const ct_layout *in, int n) {
    if (in->dtype == CT_BOOL) return ct_shape_fail(op, "works on numbers, the input is bool");
    return ct_want_same(op, in, n);
}

/* ---- matmul ---- */
SHAPE(matmul) {
    (void)args_;
    const ct_layout *a = &in[0], *b = &in[1];
    *n_out = 1;
    CT_TRY(ct_want_there("matmul", in, n_in));
    CT_TRY(want_numbers("matmul", in, n_in));
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
/* A number for each of `features`, or one for all. */
static ct_status want_bias(const ct_layout *bias, const ct_layout *w) {
    bool one = bias->ndim <= w->ndim - 1 && ct_layout_numel(bias) == 1;
    return one || !bias->dtype ? CT_OK : ct_want_sizes("linear", "bias", bias, w->size, w->ndim - 1);
}

SHAPE(linear) {
    (void)args_;
    const ct_layout *x = &in[0], *w = &in[1];
    *n_out = 1;
    CT_TRY(ct_want_there("linear", in, 2));
    CT_TRY(want_numbers("linear", in, n_in));
    CT_TRY(ct_want_ndim("linear", "the input", x, 1, CT_MAX_DIMS));
    CT_TRY(ct_want_ndim("linear", "weight", w, 1, 2));
    int64_t features = w->size[w->ndim - 1], size[CT_MAX_DIMS];
    if (x->size[x->ndim - 1] != features) {
        char a[CT_SHAPE_TEXT], b[CT_SHAPE_TEXT];
        ct_layout_text(w, a, sizeof a), ct_layout_text(x, b, sizeof b);
        return ct_shape_fail("linear", "weight %s wants %lld features, input %s has %lld", a, (long long)features, b,
                             (long long)x->size[x->ndim - 1]);
    }
    CT_TRY(want_bias(&in[2], w));
    for (int d = 0; d < x->ndim; d++) size[d] = x->size[d];
    size[x->ndim - 1] = w->size[0];
    return ct_shape_make("linear", NULL, x->dtype, size, x->ndim - (w->ndim == 1), out);
}
GRAD(linear) {
    (void)n_in, (void)out, (void)args_;
    const ct_layout *x = &in[0]->layout, *w = &in[1]->layout;
    int64_t features = w->size[w->ndim - 1];
    ct_tensor *dy = w->ndim == 2 ? matrix(g[0]) : ct_reshape_to(g[0], (int64_t[]){ct_numel(g[0]), 1}, 2);
    ct_tensor *rows = w->ndim == 2 ? in[1] : ct_reshape_to(in[1], (int64_t[]){1, features}, 2);
    if (need[0]) din[0] = ct_reshape_to(ct_matmul(dy, rows), x->size, x->ndim);
    if (need[1]) din[1] = ct_reshape_to(ct_matmul(turned(dy), matrix(in[0])), w->size, w->ndim);
    if (need[2]) din[2] = ct_sum_to(w->ndim == 2 ? dy : g[0], &in[2]->layout);
}

/* ---- bilinear ---- */
static ct_status bilinear_inputs(const ct_layout *x1, const ct_layout *x2, const ct_layout *weight,
                                 const ct_layout *bias) {
    CT_TRY(ct_want_floats("bilinear", x1, 1));
    CT_TRY(ct_want_ndim("bilinear", "x1", x1, 1, CT_MAX_DIMS));
    CT_TRY(ct_want_ndim("bilinear", "weight", weight, 3, 3));
    int64_t size[CT_MAX_DIMS];
    int last = x1->ndim - 1;
    for (int d = 0; d < last; d++) size[d] = x1->size[d];
    size[last] = weight->size[1];
    CT_TRY(ct_want_sizes("bilinear", "x1", x1, size, x1->ndim));
    size[last] = weight->size[2];
    CT_TRY(ct_want_sizes("bilinear", "x2", x2, size, x1->ndim));
    return bias ? ct_want_sizes("bilinear", "bias", bias, weight->size, 1) : CT_OK;
}

/* One product gives x1 weight[o] of every o; each is then a matrix (O, J) a sample, times x2. */
FORMULA(bilinear) {
    (void)n_in, (void)args_, (void)out;
    ct_tensor *missing = ct_missing("bilinear", in, 3), *bias = in[3];
    if (missing) return missing;
    const ct_layout *l = &in[0]->layout, *w = &in[2]->layout;
    ct_status status = bilinear_inputs(l, &in[1]->layout, w, bias ? &bias->layout : NULL);
    if (status) return ct_tensor_failed(status);
    int64_t outs = w->size[0], ins = w->size[1], rest = w->size[2], rows = 1;
    for (int d = 0; d < l->ndim - 1; d++) rows *= l->size[d];
    ct_tensor *weight =
        ct_reshape_to(ct_permute(in[2], (ct_dims_args){.dims = CT_DIMS(1, 0, 2)}), (int64_t[]){ins, outs * rest}, 2);
    ct_tensor *x1 = ct_matmul(ct_reshape_to(in[0], (int64_t[]){rows, ins}, 2), weight);
    ct_tensor *x2 = ct_reshape_to(in[1], (int64_t[]){rows, rest, 1}, 3);
    ct_tensor *y = ct_matmul(ct_reshape_to(x1, (int64_t[]){rows, outs, rest}, 3), x2);
    ct_dims size = ct_shape_of(in[0]);
    size.v[l->ndim - 1] = outs;
    y = ct_reshape(y, (ct_shape_args){.shape = size});
    return bias ? ct_add(y, bias) : y;
}
