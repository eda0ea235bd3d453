/* Views: the same memory, seen in another shape; and the shape ops that are made of them. */
#include "ops/shape_util.h"

/* ---- view, reshape ---- */
/* Strides with which x's elements take the shape of `out`; false where that needs a copy. Dimensions of x that follow
   one another in memory form a run, and each run must be made of whole new dimensions. */
static bool restride(const ct_layout *x, ct_layout *out) {
    int64_t run = 1, stride = 1; /* elements of the run so far, distance of its last ones */
    int to = out->ndim - 1;
    if (!ct_layout_numel(x)) return true;
    for (int from = x->ndim - 1; from >= 0; from--) {
        if (run == 1) stride = x->stride[from];
        run *= x->size[from];
        if (from && (x->size[from - 1] == 1 || x->stride[from - 1] == run * stride)) continue;
        int64_t made = 1;
        for (; to >= 0 && (made < run || out->size[to] == 1); to--) {
            out->stride[to] = made * stride;
            made *= out->size[to];
        }
        if (made != run) return false;
        run = 1;
    }
    return true;
}

VIEW(view) {
    ARGS(shape);
    ct_dims size;
    *offset = 0;
    CT_TRY(ct_want_there("view", in, 1));
    CT_TRY(ct_shape_infer("view", in, &args->shape, &size));
    CT_TRY(ct_shape_make("view", NULL, in->dtype, size.v, size.n, out));
    if (restride(in, out)) return CT_OK;
    char from[CT_SHAPE_TEXT], to[CT_SHAPE_TEXT];
    ct_layout_text(in, from, sizeof from), ct_layout_text(out, to, sizeof to);
    return ct_shape_fail("view", "shape %s with these strides cannot be seen as %s; use reshape", from, to);
}
GRAD(view) {
    (void)n_in, (void)out, (void)args_, (void)need;
    din[0] = ct_reshape(g[0], (ct_shape_args){.shape = ct_shape_of(in[0])});
}

FORMULA(reshape) {
    ARGS(shape);
    (void)n_in, (void)out;
    const ct_layout *l = &in[0]->layout;
    ct_dims size;
    ct_status status = ct_shape_infer("reshape", l, &args->shape, &size);
    ct_layout viewed;
    if (!status) status = ct_shape_make("reshape", NULL, l->dtype, size.v, size.n, &viewed);
    if (status) return ct_tensor_failed(status);
    return ct_view(restride(l, &viewed) ? in[0] : ct_contiguous(in[0]), (ct_shape_args){.shape = size});
}

FORMULA(flatten) {
    ARGS(flatten);
    (void)n_in, (void)out;
    const ct_layout *l = &in[0]->layout;
    int64_t first = args->start_dim, last = args->end_dim;
    ct_status status = ct_dim_fix("flatten", &first, l->ndim);
    if (!status) status = ct_dim_fix("flatten", &last, l->ndim);
    if (status) return ct_tensor_failed(status);
    if (first > last) return ct_tensor_error(CT_FAIL, "flatten: start_dim lies after end_dim");
    ct_dims size = {0};
    for (int d = 0; d < first; d++) size.v[size.n++] = l->size[d];
    size.v[size.n++] = 1;
    for (int64_t d = first; d <= last && d < l->ndim; d++) size.v[first] *= l->size[d];
    for (int64_t d = last + 1; d < l->ndim; d++) size.v[size.n++] = l->size[d];
    return ct_reshape(in[0], (ct_shape_args){.shape = size});
}

FORMULA(squeeze) {
    ARGS(squeeze);
    (void)n_in, (void)out;
    const ct_layout *l = &in[0]->layout;
    unsigned mask;
    ct_status status = ct_dims_mask("squeeze", &args->dim, l->ndim, &mask);
    if (status) return ct_tensor_failed(status);
    ct_dims size = {0};
    for (int d = 0; d < l->ndim; d++)
        if (!(mask >> d & 1) || l->size[d] != 1) size.v[size.n++] = l->size[d];
    return size.n < l->ndim ? ct_view(in[0], (ct_shape_args){.shape = size}) : in[0];
}

FORMULA(unsqueeze) {
    ARGS(dim);
    (void)n_in, (void)out;
    const ct_layout *l = &in[0]->layout;
    int64_t dim = args->dim;
    ct_status status = l->ndim < CT_MAX_DIMS ? ct_dim_fix("unsqueeze", &dim, l->ndim + 1)
                                             : ct_shape_fail("unsqueeze", "there are %d dimensions already", l->ndim);
    if (status) return ct_tensor_failed(status);
    ct_dims size = {0};
    for (int d = 0; d <= l->ndim; d++) size.v[size.n++] = d == dim ? 1 : l->size[d - (d > dim)];
    return ct_view(in[0], (ct_shape_args){.shape = size});
}

/* ---- order of dimensions ---- */
VIEW(permute) {
    ARGS(dims);
    unsigned mask;
    *offset = 0;
    CT_TRY(ct_want_there("permute", in, 1));
    if (args->dims.n != in->ndim)
        return ct_shape_fail("permute", "%d dimensions named, %d are there", args->dims.n, in->ndim);
    CT_TRY(ct_dims_mask("permute", &args->dims, in->ndim, &mask));
    *out = *in;
    for (int i = 0; i < in->ndim; i++) {
        int64_t from = args->dims.v[i] + (args->dims.v[i] < 0 ? in->ndim : 0);
        out->size[i] = in->size[from], out->stride[i] = in->stride[from];
    }
    return CT_OK;
}
GRAD(permute) {
    ARGS(dims);
    (void)in, (void)n_in, (void)out, (void)need;
    ct_dims back = {.n = args->dims.n};
    for (int i = 0; i < back.n; i++) back.v[args->dims.v[i] + (args->dims.v[i] < 0 ? back.n : 0)] = i;
    din[0] = ct_permute(g[0], (ct_dims_args){.dims = back});
}

FORMULA(transpose) {
    ARGS(transpose);
    (void)n_in, (void)out;
    int64_t a = args->dim0, b = args->dim1;
    ct_dims order = {.n = in[0]->layout.ndim};
    ct_status status = ct_dim_fix("transpose", &a, order.n);
    if (!status) status = ct_dim_fix("transpose", &b, order.n);
    if (status) return ct_tensor_failed(status);
    for (int i = 0; i < order.n; i++) order.v[i] = i == a ? b : i == b ? a : i;
    return ct_permute(in[0], (ct_dims_args){.dims = order});
}

/* ---- repetition, ranges ---- */
VIEW(expand) {
    ARGS(expand);
    const ct_dims *to = &args->size;
    int lead = to->n - in->ndim;
    char text[CT_SHAPE_TEXT];
    *offset = 0;
    CT_TRY(ct_want_there("expand", in, 1));
    ct_layout_text(in, text, sizeof text);
    if (lead < 0) return ct_shape_fail("expand", "shape %s has more dimensions than the %d asked for", text, to->n);
    ct_dims size = *to;
    for (int d = 0; d < to->n; d++) {
        int64_t from = d < lead ? 1 : in->size[d - lead];
        if (to->v[d] == -1 && d >= lead)
            size.v[d] = from;
        else if (from != 1 && from != to->v[d])
            return ct_shape_fail("expand", "shape %s has size %lld where %lld is asked for; only 1 can be repeated",
                                 text, (long long)from, (long long)to->v[d]);
    }
    CT_TRY(ct_shape_make("expand", NULL, in->dtype, size.v, size.n, out));
    for (int d = 0; d < to->n; d++)
        out->stride[d] = d < lead || in->size[d - lead] != size.v[d] ? 0 : in->stride[d - lead];
    return CT_OK;
}
GRAD(expand) {
    (void)n_in, (void)out, (void)args_, (void)need;
    din[0] = ct_sum_to(g[0], &in[0]->layout);
}

/* First index and count of a range whose ends may count from the end. */
static ct_status slice_range(const ct_slice_args *args, const ct_layout *l, int d, int64_t *start, int64_t *stop,
                             int64_t *step) {
    int64_t n = l->size[d];
    *start = d < args->start.n ? args->start.v[d] : 0;
    *stop = d < args->stop.n ? args->stop.v[d] : n;
    *step = d < args->step.n ? args->step.v[d] : 1;
    if (*step < 1) return ct_shape_fail("slice", "step %lld of dimension %d is not positive", (long long)*step, d);
    if (*start < 0) *start = CT_MAX(*start, -n) + n;
    if (*stop < 0) *stop = CT_MAX(*stop, -n) + n;
    *start = CT_MIN(*start, n), *stop = CT_MAX(CT_MIN(*stop, n), *start);
    return CT_OK;
}

VIEW(slice) {
    ARGS(slice);
    *offset = 0;
    CT_TRY(ct_want_there("slice", in, 1));
    if (args->start.n > in->ndim || args->stop.n > in->ndim || args->step.n > in->ndim)
        return ct_shape_fail("slice", "ranges for more than the %d dimensions there are", in->ndim);
    *out = *in;
    for (int d = 0; d < in->ndim; d++) {
        int64_t start, stop, step;
        CT_TRY(slice_range(args, in, d, &start, &stop, &step));
        out->size[d] = stop == start ? 0 : (stop - start - 1) / step + 1;
        if (out->size[d]) *offset += start * in->stride[d];
        if (out->size[d] > 1) out->stride[d] *= step;
    }
    return CT_OK;
}
GRAD(slice) {
    ARGS(slice);
    (void)n_in, (void)out, (void)need;
    const ct_layout *l = &in[0]->layout;
    ct_slice_back_args back = {.size = ct_shape_of(in[0])};
    back.start.n = back.stop.n = back.step.n = l->ndim;
    for (int d = 0; d < l->ndim; d++)
        if (slice_range(args, l, d, &back.start.v[d], &back.stop.v[d], &back.step.v[d])) return;
    din[0] = CT_PART(slice_back, &back, g[0]);
}

VIEW(detach) {
    (void)args_;
    *offset = 0;
    CT_TRY(ct_want_there("detach", in, 1));
    *out = *in;
    return CT_OK;
}
GRAD(detach) { (void)in, (void)n_in, (void)out, (void)g, (void)args_, (void)need, (void)din; }
