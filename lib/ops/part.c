/* Parts of tensors, and images whose parts are channels. */
#include "ops/shape_util.h"

/* Indices start..start + length - 1 of dimension dim. */
static ct_tensor *range(const char *op, ct_tensor *x, int64_t dim, int64_t start, int64_t length) {
    const ct_layout *l = &x->layout;
    if (!l->ndim) return ct_tensor_error(CT_FAIL, "%s: a number has no parts", op);
    ct_status status = ct_dim_fix(op, &dim, l->ndim);
    if (status) return ct_tensor_failed(status);
    int64_t n = l->size[dim];
    if (start < -n || start > n || length < 0 || length > n - start - (start < 0 ? n : 0))
        return ct_tensor_error(CT_FAIL, "%s: %lld from %lld on do not lie in dimension %lld of size %lld", op,
                               (long long)length, (long long)start, (long long)dim, (long long)n);
    ct_slice_args part = {.start = {.n = l->ndim}, .stop = ct_shape_of(x)};
    part.start.v[dim] = start < 0 ? start + n : start;
    part.stop.v[dim] = part.start.v[dim] + length;
    return ct_slice(x, part);
}

FORMULA(narrow) {
    ARGS(narrow);
    (void)n_in, (void)out;
    return range("narrow", in[0], args->dim, args->start, args->length);
}

FORMULA(select) {
    ARGS(select);
    (void)n_in, (void)out;
    return ct_squeeze(range("select", in[0], args->dim, args->index, 1), (ct_squeeze_args){CT_DIMS(args->dim)});
}

/* Parts as even as can be, of which the last may be smaller or missing. */
FORMULA(chunk) {
    ARGS(chunk);
    (void)n_in, (void)out;
    int64_t dim = args->dim, chunks = CT_MAX(args->chunks, 1), start;
    ct_status status = ct_dim_fix("chunk", &dim, in[0]->layout.ndim);
    if (status) return ct_tensor_failed(status);
    int64_t n = in[0]->layout.ndim ? in[0]->layout.size[dim] : 0, size = CT_MAX(n / chunks + (n % chunks > 0), 1);
    if (args->index < 0 || __builtin_mul_overflow(size, args->index, &start) || (start >= n && args->index))
        return ct_tensor_error(CT_FAIL, "chunk: there is no part %lld of size %lld in dimension %lld of size %lld",
                               (long long)args->index, (long long)size, (long long)dim, (long long)n);
    return range("chunk", in[0], dim, start, CT_MIN(size, n - start));
}

/* ---- pixels ---- */
/* The sizes before the channels as one, then channels, height, width. */
static ct_status want_image(const char *op, const ct_layout *l, int64_t factor, int64_t *size) {
    CT_TRY(ct_want_ndim(op, "the input", l, 3, CT_MAX_DIMS));
    if (factor < 1 || factor > 1 << 20) return ct_shape_fail(op, "a factor of %lld is not possible", (long long)factor);
    size[0] = 1;
    for (int d = 0; d < l->ndim - 3; d++) size[0] *= l->size[d];
    for (int i = 0; i < 3; i++) size[1 + i] = l->size[l->ndim - 3 + i];
    return CT_OK;
}

/* x (N, A, B, C, D, E) in the order given, its last sizes joined as x's shape but for these three. */
static ct_tensor *shuffled(ct_tensor *x, const int64_t *apart, ct_dims order, const int64_t *last) {
    ct_dims size = ct_shape_of(x);
    for (int i = 0; i < 3; i++) size.v[size.n - 3 + i] = last[i];
    x = ct_permute(ct_reshape_to(x, apart, 6), (ct_dims_args){.dims = order});
    return ct_reshape(x, (ct_shape_args){.shape = size});
}

FORMULA(pixel_shuffle) {
    ARGS(pixel_shuffle);
    (void)n_in, (void)out;
    int64_t r = args->upscale_factor, s[4];
    ct_status status = want_image("pixel_shuffle", &in[0]->layout, r, s);
    if (status) return ct_tensor_failed(status);
    if (s[1] % (r * r))
        return ct_tensor_error(CT_FAIL, "pixel_shuffle: %lld channels are no multiple of %lld", (long long)s[1],
                               (long long)(r * r));
    int64_t c = s[1] / (r * r), apart[] = {s[0], c, r, r, s[2], s[3]}, last[] = {c, s[2] * r, s[3] * r};
    return shuffled(in[0], apart, CT_DIMS(0, 1, 4, 2, 5, 3), last);
}

FORMULA(pixel_unshuffle) {
    ARGS(pixel_unshuffle);
    (void)n_in, (void)out;
    int64_t r = args->downscale_factor, s[4];
    ct_status status = want_image("pixel_unshuffle", &in[0]->layout, r, s);
    if (status) return ct_tensor_failed(status);
    if (s[2] % r || s[3] % r)
        return ct_tensor_error(CT_FAIL, "pixel_unshuffle: %lld does not divide an image of %lld by %lld", (long long)r,
                               (long long)s[2], (long long)s[3]);
    int64_t apart[] = {s[0], s[1], s[2] / r, r, s[3] / r, r}, last[] = {s[1] * r * r, s[2] / r, s[3] / r};
    return shuffled(in[0], apart, CT_DIMS(0, 1, 3, 5, 2, 4), last);
}
