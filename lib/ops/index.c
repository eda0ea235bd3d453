/* Moving elements: to other places, next to each other, by an index. */
#include "ops/shape_util.h"

static ct_status same_shape(const char *op, const ct_layout *in, ct_layout *out, int *n_out) {
    *n_out = 1;
    CT_TRY(ct_want_there(op, in, 1));
    return ct_shape_make(op, in, in->dtype, in->size, in->ndim, out);
}

/* ---- slice_back ---- */
SHAPE(slice_back) {
    ARGS(slice_back);
    (void)n_in;
    const ct_dims *size = &args->size;
    *n_out = 1;
    CT_TRY(ct_want_there("slice_back", in, 1));
    if (args->start.n != size->n || args->stop.n != size->n || (args->step.n && args->step.n != size->n))
        return ct_shape_fail("slice_back", "a range for each of %d dimensions is wanted", size->n);
    int64_t part[CT_MAX_DIMS];
    for (int d = 0; d < size->n; d++) {
        int64_t start = args->start.v[d], stop = args->stop.v[d], step = args->step.n ? args->step.v[d] : 1;
        if (start < 0 || start > stop || stop > size->v[d] || step < 1)
            return ct_shape_fail("slice_back", "range %lld to %lld does not lie in dimension %d of size %lld",
                                 (long long)start, (long long)stop, d, (long long)size->v[d]);
        part[d] = stop == start ? 0 : (stop - start - 1) / step + 1;
    }
    CT_TRY(ct_want_sizes("slice_back", "the gradient", in, part, size->n));
    return ct_shape_make("slice_back", in, in->dtype, size->v, size->n, out);
}
GRAD(slice_back) {
    ARGS(slice_back);
    (void)in, (void)n_in, (void)out, (void)need;
    din[0] = ct_slice(g[0], (ct_slice_args){.start = args->start, .stop = args->stop, .step = args->step});
}

/* ---- flip, roll ---- */
SHAPE(flip) {
    ARGS(dims);
    unsigned mask;
    (void)n_in;
    CT_TRY(same_shape("flip", in, out, n_out));
    return ct_dims_mask("flip", &args->dims, in->ndim, &mask);
}
GRAD(flip) {
    ARGS(dims);
    (void)in, (void)n_in, (void)out, (void)need;
    din[0] = ct_flip(g[0], *args);
}

SHAPE(roll) {
    ARGS(roll);
    (void)n_in;
    CT_TRY(same_shape("roll", in, out, n_out));
    if (args->shifts.n != CT_MAX(args->dims.n, 1))
        return ct_shape_fail("roll", "%d shifts for %d dimensions", args->shifts.n, args->dims.n);
    for (int i = 0; i < args->dims.n; i++) { /* one may be there twice */
        int64_t dim = args->dims.v[i];
        CT_TRY(ct_dim_fix("roll", &dim, in->ndim));
    }
    return CT_OK;
}
GRAD(roll) {
    ARGS(roll);
    (void)in, (void)n_in, (void)out, (void)need;
    ct_roll_args back = *args;
    for (int i = 0; i < back.shifts.n; i++) back.shifts.v[i] = -back.shifts.v[i];
    din[0] = ct_roll(g[0], back);
}

/* ---- cat, stack ---- */
/* PyTorch joins a tensor of shape (0) with any. */
static bool is_nothing(const ct_layout *l) { return l->ndim == 1 && !l->size[0]; }

static ct_status joins(const ct_layout *first, const ct_layout *l, int64_t dim) {
    ct_layout other = *l;
    if (dim < other.ndim) other.size[dim] = first->size[dim];
    if (ct_same_sizes(first, &other)) return CT_OK;
    char a[CT_SHAPE_TEXT], b[CT_SHAPE_TEXT];
    ct_layout_text(first, a, sizeof a), ct_layout_text(l, b, sizeof b);
    return ct_shape_fail("cat", "shapes %s and %s differ elsewhere than in dimension %lld", a, b, (long long)dim);
}

SHAPE(cat) {
    ARGS(dim);
    int64_t dim = args->dim, total = 0, size[CT_MAX_DIMS];
    int first = 0;
    *n_out = 1;
    if (n_in < 1) return ct_shape_fail("cat", "no tensors to join");
    CT_TRY(ct_want_there("cat", in, n_in));
    while (first < n_in - 1 && is_nothing(&in[first])) first++;
    const ct_layout *l = &in[first];
    CT_TRY(ct_want_ndim("cat", "each tensor", l, 1, CT_MAX_DIMS));
    CT_TRY(ct_dim_fix("cat", &dim, l->ndim));
    for (int i = 0; i < n_in; i++) {
        if (is_nothing(&in[i])) continue;
        CT_TRY(joins(l, &in[i], dim));
        if (__builtin_add_overflow(total, in[i].size[dim], &total)) return ct_shape_fail("cat", "sizes overflow");
    }
    for (int d = 0; d < l->ndim; d++) size[d] = d == dim ? total : l->size[d];
    return ct_shape_make("cat", l, l->dtype, size, l->ndim, out);
}
GRAD(cat) {
    ARGS(dim);
    int64_t dim = args->dim, at = 0;
    if (ct_dim_fix("cat", &dim, out[0]->layout.ndim)) return;
    for (int i = 0; i < n_in; i++) {
        if (is_nothing(&in[i]->layout)) continue;
        ct_slice_args part = {.start = {.n = in[i]->layout.ndim}, .stop = ct_shape_of(in[i])};
        part.start.v[dim] = at;
        part.stop.v[dim] = at += in[i]->layout.size[dim];
        if (need[i]) din[i] = ct_slice(g[0], part);
    }
}

FORMULA(stack) {
    ARGS(dim);
    (void)out;
    if (n_in < 1) return ct_tensor_error(CT_FAIL, "stack: no tensors to join");
    ct_tensor *missing = ct_missing("stack", in, n_in);
    if (missing) return missing;
    ct_tensor **each = ct_alloc((size_t)n_in, sizeof *each);
    if (!each) return ct_tensor_failed(CT_NO_MEMORY);
    for (int i = 0; i < n_in; i++) each[i] = ct_unsqueeze(in[i], *args);
    ct_tensor *y = ct_cat(each, n_in, *args);
    ct_free(each);
    return y;
}

/* ---- pad ---- */
enum { CONSTANT, REFLECT, REPLICATE, CIRCULAR };

/* Sizes after padding `size`. */
static ct_status pad_sizes(const ct_dims *pad, int mode, const ct_dims *size, int64_t *padded) {
    if (pad->n % 2 || pad->n > 2 * size->n)
        return ct_shape_fail("pad", "%d numbers for %d dimensions; two a dimension, last dimension first", pad->n,
                             size->n);
    for (int d = 0; d < size->n; d++) {
        int at = 2 * (size->n - 1 - d);
        int64_t n = size->v[d], before = at < pad->n ? pad->v[at] : 0, after = at < pad->n ? pad->v[at + 1] : 0;
        int64_t most = mode == REFLECT ? n - 1 : mode == CIRCULAR ? n : mode == REPLICATE && !n ? 0 : CT_MAX_NUMEL;
        if (before > CT_MAX_NUMEL || after > CT_MAX_NUMEL || before < -n || after < -n || before + after < -n)
            return ct_shape_fail("pad", "%lld and %lld do not fit dimension %d of size %lld", (long long)before,
                                 (long long)after, d, (long long)n);
        if ((before > 0 && before > most) || (after > 0 && after > most))
            return ct_shape_fail("pad", "%lld and %lld are more than this mode can take from dimension %d of size %lld",
                                 (long long)before, (long long)after, d, (long long)n);
        padded[d] = n + before + after;
    }
    return CT_OK;
}

SHAPE(pad) {
    ARGS(pad);
    (void)n_in;
    int64_t size[CT_MAX_DIMS];
    ct_dims from = ct_all_dims(in->size, in->ndim);
    *n_out = 1;
    CT_TRY(ct_want_there("pad", in, 1));
    CT_TRY(pad_sizes(&args->pad, args->mode, &from, size));
    return ct_shape_make("pad", in, in->dtype, size, in->ndim, out);
}
GRAD(pad) {
    ARGS(pad);
    (void)n_in, (void)out, (void)need;
    ct_pad_back_args back = {.pad = args->pad, .mode = args->mode, .size = ct_shape_of(in[0])};
    din[0] = CT_PART(pad_back, &back, g[0]);
}

SHAPE(pad_back) {
    ARGS(pad_back);
    (void)n_in;
    int64_t padded[CT_MAX_DIMS];
    *n_out = 1;
    CT_TRY(ct_want_there("pad_back", in, 1));
    CT_TRY(pad_sizes(&args->pad, args->mode, &args->size, padded));
    CT_TRY(ct_want_sizes("pad_back", "the gradient", in, padded, args->size.n));
    return ct_shape_make("pad_back", in, in->dtype, args->size.v, args->size.n, out);
}
GRAD(pad_back) {
    ARGS(pad_back);
    (void)in, (void)n_in, (void)out, (void)need;
    din[0] = ct_pad(g[0], (ct_pad_args){.pad = args->pad, .mode = args->mode});
}

/* ---- triangles ---- */
SHAPE(tril) {
    (void)n_in, (void)args_;
    CT_TRY(same_shape("tril", in, out, n_out));
    return ct_want_ndim("tril", "the input", in, 2, CT_MAX_DIMS);
}
GRAD(tril) {
    ARGS(diagonal);
    (void)in, (void)n_in, (void)out, (void)need;
    din[0] = ct_tril(g[0], *args);
}

SHAPE(triu) {
    (void)n_in, (void)args_;
    CT_TRY(same_shape("triu", in, out, n_out));
    return ct_want_ndim("triu", "the input", in, 2, CT_MAX_DIMS);
}
GRAD(triu) {
    ARGS(diagonal);
    (void)in, (void)n_in, (void)out, (void)need;
    din[0] = ct_triu(g[0], *args);
}
