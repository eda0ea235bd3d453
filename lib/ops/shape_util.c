#include "ops/shape_util.h"
#include <stdio.h>
#include <string.h>

ct_status ct_shape_fail(const char *op, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    ct_fail_v(CT_FAIL, fmt, args);
    va_end(args);
    return ct_fail_in(CT_FAIL, "%s", op);
}

static void sizes_text(const int64_t *size, int ndim, char *out, size_t room) {
    size_t n = (size_t)snprintf(out, room, "(");
    for (int i = 0; i < ndim && n < room; i++)
        n += (size_t)snprintf(out + n, room - n, i ? ", %lld" : "%lld", (long long)size[i]);
    if (n < room) snprintf(out + n, room - n, ")");
}

void ct_layout_text(const ct_layout *l, char *out, size_t size) { sizes_text(l->size, l->ndim, out, size); }

ct_status ct_dim_fix(const char *op, int64_t *dim, int ndim) {
    int64_t n = CT_MAX(ndim, 1);
    if (*dim < -n || *dim >= n)
        return ct_shape_fail(op, "dimension %lld is out of range: of %d dimensions, -%lld to %lld", (long long)*dim,
                             ndim, (long long)n, (long long)n - 1);
    if (*dim < 0) *dim += n;
    return CT_OK;
}

ct_status ct_dims_mask(const char *op, const ct_dims *dims, int ndim, unsigned *mask) {
    *mask = dims->n ? 0 : (1u << ndim) - 1;
    for (int i = 0; i < dims->n; i++) {
        int64_t d = dims->v[i];
        CT_TRY(ct_dim_fix(op, &d, ndim));
        if (*mask >> d & 1) return ct_shape_fail(op, "dimension %lld appears twice", (long long)d);
        *mask |= 1u << d;
    }
    return CT_OK;
}

ct_dims ct_all_dims(const int64_t *v, int n) {
    ct_dims d = {n, {0}};
    for (int i = 0; i < n; i++) d.v[i] = v[i];
    return d;
}

/* Whether dimension a lies outside dimension b in memory. Of equal strides the one of size 1 is the inner: so one
   channel counts as channels-last where height and width say so, and as channels-first where the batch does. */
static bool outside(const ct_layout *l, int a, int b) {
    if (l->stride[a] != l->stride[b]) return l->stride[a] > l->stride[b];
    if ((l->size[a] == 1) != (l->size[b] == 1)) return l->size[b] == 1;
    return a < b;
}

ct_layout ct_layout_like(const ct_layout *like, ct_dtype dtype, const int64_t *size, int ndim) {
    ct_layout l = ct_layout_of(dtype, ct_all_dims(size, ndim));
    if (!like || like->ndim != ndim) return l;
    int order[CT_MAX_DIMS];
    for (int i = 0; i < ndim; i++) {
        int at = i;
        for (; at > 0 && outside(like, i, order[at - 1]); at--) order[at] = order[at - 1];
        order[at] = i;
    }
    int64_t stride = 1;
    for (int i = ndim - 1; i >= 0; i--) {
        l.stride[order[i]] = stride;
        stride *= CT_MAX(size[order[i]], 1);
    }
    return l;
}

ct_status ct_shape_make(const char *op, const ct_layout *like, ct_dtype dtype, const int64_t *size, int ndim,
                        ct_layout *out) {
    if (ndim < 0 || ndim > CT_MAX_DIMS)
        return ct_shape_fail(op, "the result would have %d dimensions; up to %d are possible", ndim, CT_MAX_DIMS);
    char text[CT_SHAPE_TEXT];
    sizes_text(size, ndim, text, sizeof text);
    int64_t numel = 1;
    for (int i = 0; i < ndim; i++) {
        if (size[i] < 0) return ct_shape_fail(op, "the result's shape would be %s: a size is negative", text);
        if (__builtin_mul_overflow(numel, CT_MAX(size[i], 1), &numel) || numel > CT_MAX_NUMEL)
            return ct_shape_fail(op, "the result's shape would be %s: more elements than are possible", text);
    }
    *out = ct_layout_like(like, dtype, size, ndim);
    return CT_OK;
}

bool ct_same_sizes(const ct_layout *a, const ct_layout *b) {
    return a->ndim == b->ndim && !memcmp(a->size, b->size, (size_t)a->ndim * sizeof *a->size);
}

static ct_status not_broadcast(const char *op, const ct_layout *in, int n_in) {
    char all[4 * CT_SHAPE_TEXT] = "", text[CT_SHAPE_TEXT];
    for (int i = 0; i < n_in; i++) {
        ct_layout_text(&in[i], text, sizeof text);
        size_t n = strlen(all);
        snprintf(all + n, sizeof all - n, "%s%s", !i ? "" : i == n_in - 1 ? " and " : ", ", text);
    }
    return ct_shape_fail(op, "shapes %s do not broadcast together", all);
}

/* The input whose order in memory a broadcast result takes: of the same shape, and dense if one is. */
static const ct_layout *broadcast_like(const ct_layout *in, int n_in, const int64_t *size, int ndim) {
    const ct_layout *like = NULL;
    for (int i = n_in - 1; i >= 0; i--) {
        bool same = in[i].ndim == ndim, dense = true;
        for (int d = 0; d < ndim && same; d++) {
            same = in[i].size[d] == size[d];
            dense = dense && (in[i].stride[d] || size[d] == 1);
        }
        if (same && (dense || !like)) like = &in[i];
    }
    return like;
}

ct_status ct_shape_broadcast(const char *op, const ct_layout *in, int n_in, ct_layout *out) {
    int64_t size[CT_MAX_DIMS];
    int ndim = 0;
    for (int i = 0; i < n_in; i++) ndim = CT_MAX(ndim, in[i].ndim);
    for (int d = 0; d < ndim; d++) size[d] = 1;
    for (int i = 0; i < n_in; i++) {
        for (int d = 0; d < in[i].ndim; d++) {
            int64_t n = in[i].size[d], *s = &size[ndim - in[i].ndim + d];
            if (n != *s && n != 1 && *s != 1) return not_broadcast(op, in, n_in);
            if (n != 1) *s = n;
        }
    }
    return ct_shape_make(op, broadcast_like(in, n_in, size, ndim), in[0].dtype, size, ndim, out);
}

ct_status ct_want_there(const char *op, const ct_layout *in, int n) {
    for (int i = 0; i < n; i++)
        if (in[i].dtype == CT_NONE) return ct_shape_fail(op, "input %d is missing", i + 1);
    return CT_OK;
}

ct_status ct_want_floats(const char *op, const ct_layout *in, int n) {
    CT_TRY(ct_want_there(op, in, 1));
    if (!ct_is_float(in[0].dtype))
        return ct_shape_fail(op, "works on floats, the input is %s", ct_dtype_name(in[0].dtype));
    return ct_want_same(op, in, n);
}

ct_status ct_want_same(const char *op, const ct_layout *in, int n) {
    for (int i = 1; i < n; i++)
        if (in[i].dtype != CT_NONE && in[i].dtype != in[0].dtype)
            return ct_shape_fail(op, "inputs are %s and %s; make them the same", ct_dtype_name(in[0].dtype),
                                 ct_dtype_name(in[i].dtype));
    return CT_OK;
}

ct_status ct_row_fix(const char *op, const char *what, int64_t *index, int64_t n) {
    if (*index == CT_NO_INDEX) return CT_OK;
    if (*index < -n || *index >= n)
        return ct_shape_fail(op, "%s %lld is not one of %lld rows", what, (long long)*index, (long long)n);
    *index += *index < 0 ? n : 0;
    return CT_OK;
}

ct_status ct_want_index(const char *op, const ct_layout *index) {
    if (index->dtype == CT_NONE) return ct_shape_fail(op, "the index is missing");
    if (ct_is_index(index->dtype)) return CT_OK;
    return ct_shape_fail(op, "indices are i64, i32 or u8, not %s", ct_dtype_name(index->dtype));
}

ct_status ct_want_ndim(const char *op, const char *what, const ct_layout *l, int least, int most) {
    if (l->ndim >= least && l->ndim <= most) return CT_OK;
    char text[CT_SHAPE_TEXT];
    ct_layout_text(l, text, sizeof text);
    if (least == most)
        return ct_shape_fail(op, "%s has %d dimension%s, got %s", what, most, most == 1 ? "" : "s", text);
    return ct_shape_fail(op, "%s has %d to %d dimensions, got %s", what, least, most, text);
}

ct_status ct_want_sizes(const char *op, const char *what, const ct_layout *l, const int64_t *size, int ndim) {
    if (l->ndim == ndim && !memcmp(l->size, size, (size_t)ndim * sizeof *size)) return CT_OK;
    char got[CT_SHAPE_TEXT], want[CT_SHAPE_TEXT];
    ct_layout_text(l, got, sizeof got);
    sizes_text(size, ndim, want, sizeof want);
    return ct_shape_fail(op, "%s has shape %s, wanted %s", what, got, want);
}

ct_status ct_shape_reduce(const char *op, const ct_layout *in, int n_in, const void *args_, ct_layout *out, int *n_out,
                          ct_dtype dtype) {
    ARGS(reduce);
    unsigned mask;
    *n_out = 1;
    CT_TRY(ct_want_there(op, in, n_in));
    CT_TRY(ct_dims_mask(op, &args->dim, in->ndim, &mask));
    int64_t size[CT_MAX_DIMS];
    int ndim = 0;
    for (int d = 0; d < in->ndim; d++) {
        bool reduced = mask >> d & 1;
        if (!reduced || args->keepdim) size[ndim++] = reduced ? 1 : in->size[d];
    }
    return ct_shape_make(op, NULL, dtype, size, ndim, out);
}

ct_status ct_shape_infer(const char *op, const ct_layout *x, const ct_dims *want, ct_dims *size) {
    char from[CT_SHAPE_TEXT], to[CT_SHAPE_TEXT];
    ct_layout_text(x, from, sizeof from);
    sizes_text(want->v, want->n, to, sizeof to);
    int64_t numel = ct_layout_numel(x), known = 1;
    int open = -1;
    for (int i = 0; i < want->n; i++) {
        if (want->v[i] == -1 && open < 0)
            open = i;
        else if (want->v[i] < 0)
            return ct_shape_fail(op, "shape %s: one size may be -1, none less", to);
        else if (__builtin_mul_overflow(known, want->v[i], &known))
            return ct_shape_fail(op, "shape %s has too many elements", to);
    }
    *size = *want;
    if (open >= 0 && known > 0 && numel % known == 0)
        size->v[open] = numel / known, known = numel;
    else if (open >= 0)
        known = -1;
    if (known == numel) return CT_OK;
    return ct_shape_fail(op, "the elements of shape %s do not fill shape %s", from, to);
}
