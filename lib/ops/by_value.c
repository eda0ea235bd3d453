/* Results whose shape depends on values, and draws from given probabilities. The first are for eager calls: a plan has
   shapes alone. */
#include "base/alloc.h"
#include "ops/shape_util.h"
#include "tensor/scope.h"

static ct_tensor *refuse(const char *op, const ct_tensor *x) {
    if (!x) return ct_tensor_error(CT_FAIL, "%s: input 1 is missing", op);
    if (!ct_capturing()) return NULL;
    return ct_tensor_error(CT_FAIL, "%s: the shape of its result depends on values, which a plan does not have", op);
}

static ct_tensor *flat(ct_tensor *x) { return ct_reshape_to(x, (int64_t[]){ct_numel(x)}, 1); }

/* The places, row-major, of the elements of t (bools) that are true: i64 (n). */
static ct_tensor *places(ct_tensor *t) {
    int64_t numel = ct_numel(t), n = 0;
    uint8_t *is = ct_alloc((size_t)numel + 1, sizeof *is);
    ct_status status = is ? ct_copy_out(t, CT_BOOL, is) : CT_NO_MEMORY;
    for (int64_t i = 0; !status && i < numel; i++) n += is[i];
    ct_tensor *at = status ? ct_tensor_failed(status) : ct_empty(CT_I64, CT_DIMS(n));
    int64_t *p = ct_why(at) ? NULL : ct_data(at);
    for (int64_t i = 0; p && i < numel; i++)
        if (is[i]) *p++ = i;
    ct_free(is);
    return at;
}

static ct_tensor *not_zero(ct_tensor *x) { return ct_ne(x, ct_constant(x->layout.dtype, (ct_dims){0}, 0)); }

static ct_tensor *nonzero(ct_tensor *x) {
    ct_tensor *at = places(not_zero(x));
    int64_t n = ct_why(at) ? 0 : ct_numel(at), ndim = x->layout.ndim;
    ct_tensor *y = ct_why(at) ? at : ct_empty(CT_I64, CT_DIMS(n, ndim));
    if (ct_why(y)) return y;
    const int64_t *from = ct_data(at);
    int64_t *to = ct_data(y);
    for (int64_t i = 0; i < n; i++)
        for (int64_t d = ndim - 1, rest = from[i]; d >= 0; rest /= x->layout.size[d--])
            to[i * ndim + d] = rest % x->layout.size[d];
    return y;
}

ct_tensor *ct_nonzero(ct_tensor *x) {
    ct_tensor *why = refuse("nonzero", x);
    if (why || ct_why(x)) return why ? why : x;
    ct_scope *guard = ct_scope_guard();
    return ct_scope_end(guard, nonzero(x));
}

static ct_tensor *masked_select(ct_tensor *x, ct_tensor *mask) {
    const ct_layout in[] = {x->layout, mask->layout};
    ct_layout both;
    ct_status status = ct_shape_broadcast("masked_select", in, 2, &both);
    if (status) return ct_tensor_failed(status);
    ct_expand_args to = {.size = ct_all_dims(both.size, both.ndim)};
    ct_tensor *at = places(flat(ct_expand(ct_to(mask, CT_BOOL), to)));
    return ct_index_select(flat(ct_expand(x, to)), at, (ct_dim_args){.dim = 0});
}

ct_tensor *ct_masked_select(ct_tensor *x, ct_tensor *mask) {
    ct_tensor *why = refuse("masked_select", x && mask ? x : NULL);
    if (why || ct_why(x) || ct_why(mask)) return why ? why : ct_why(x) ? x : mask;
    ct_scope *guard = ct_scope_guard();
    return ct_scope_end(guard, masked_select(x, mask));
}

/* From where a sorted list's values change (at, n of them) and the list's order: which value each element has, and how
   often each occurs. */
static ct_tensor *inverse_of(const ct_tensor *x, ct_tensor *at, ct_tensor *order) {
    int64_t n = ct_numel(at), total = ct_numel(order);
    ct_tensor *y = ct_empty(CT_I64, ct_shape_of(x));
    if (ct_why(y)) return y;
    const int64_t *start = ct_data(at), *o = ct_data(order);
    int64_t *to = ct_data(y);
    for (int64_t k = 0; k < n; k++)
        for (int64_t i = start[k]; i < (k + 1 < n ? start[k + 1] : total); i++) to[o[i]] = k;
    return y;
}
static ct_tensor *counts_of(ct_tensor *at, int64_t total) {
    int64_t n = ct_numel(at);
    ct_tensor *y = ct_empty(CT_I64, CT_DIMS(n));
    if (ct_why(y)) return y;
    const int64_t *start = ct_data(at);
    int64_t *to = ct_data(y);
    for (int64_t k = 0; k < n; k++) to[k] = (k + 1 < n ? start[k + 1] : total) - start[k];
    return y;
}

static ct_tensor *unique(ct_tensor *x, ct_tensor **inverse, ct_tensor **counts) {
    int64_t n = ct_numel(x);
    ct_tensor *order, *sorted = ct_sort(flat(x), (ct_sort_args){0}, &order);
    ct_tensor *at = ct_why(sorted) || !n ? ct_empty(CT_I64, CT_DIMS(0)) : NULL;
    if (!at) {
        ct_slice_args later = {CT_DIMS(1), CT_DIMS(n), {0}}, before = {CT_DIMS(0), CT_DIMS(n - 1), {0}};
        ct_tensor *first = ct_full(CT_BOOL, CT_DIMS(1), 1),
                  *changes = ct_ne(ct_slice(sorted, later), ct_slice(sorted, before));
        at = places(ct_cat((ct_tensor *[]){first, changes}, 2, (ct_dim_args){.dim = 0}));
    }
    if (ct_why(sorted) || ct_why(at)) return ct_why(sorted) ? sorted : at;
    if (inverse) *inverse = inverse_of(x, at, order);
    if (counts) *counts = counts_of(at, n);
    return ct_index_select(sorted, at, (ct_dim_args){.dim = 0});
}

ct_tensor *ct_unique(ct_tensor *x, ct_tensor **inverse, ct_tensor **counts) {
    ct_tensor *why = refuse("unique", x), *more[2] = {NULL, NULL};
    if (why || ct_why(x)) return why ? why : x;
    ct_scope *guard = ct_scope_guard();
    ct_tensor *y = unique(x, inverse ? &more[0] : NULL, counts ? &more[1] : NULL);
    for (int i = 0; i < 2; i++)
        if (more[i] && guard) more[i] = ct_scope_return(guard, more[i]);
    if (inverse) *inverse = more[0] ? more[0] : y;
    if (counts) *counts = more[1] ? more[1] : y;
    return ct_scope_end(guard, y);
}

static ct_tensor *bincount(ct_tensor *x, ct_tensor *weights, int64_t minlength) {
    int64_t n = ct_numel(x), most = -1, *value = ct_alloc((size_t)n + 1, sizeof *value);
    if (ct_is_float(x->layout.dtype) || x->layout.ndim != 1 || minlength < 0) {
        ct_free(value);
        return ct_tensor_error(CT_FAIL, "bincount: a 1-d tensor of integers and a minlength of 0 or more are wanted");
    }
    ct_status status = value ? ct_copy_out(x, CT_I64, value) : CT_NO_MEMORY;
    for (int64_t i = 0; !status && i < n; i++) {
        if (value[i] < 0) status = ct_fail(CT_FAIL, "bincount: %lld is negative", (long long)value[i]);
        most = CT_MAX(most, value[i]);
    }
    ct_free(value);
    if (status) return ct_tensor_failed(status);
    ct_tensor *one = weights ? weights : ct_full(CT_I64, CT_DIMS(n), 1);
    if (ct_why(one)) return one;
    if (most == INT64_MAX) return ct_tensor_error(CT_FAIL, "bincount: %lld is too large", (long long)most);
    ct_tensor *zero = ct_zeros(one->layout.dtype, CT_DIMS(CT_MAX(most + 1, minlength)));
    return ct_scatter_add(zero, ct_to(x, CT_I64), one, (ct_dim_args){.dim = 0});
}

ct_tensor *ct_bincount(ct_tensor *x, ct_tensor *weights, int64_t minlength) {
    ct_tensor *why = refuse("bincount", x);
    if (why || ct_why(x)) return why ? why : x;
    ct_scope *guard = ct_scope_guard();
    return ct_scope_end(guard, bincount(x, weights, minlength));
}

/* ---- parts ---- */
/* The view of indices at..at + size - 1. */
static ct_status cut(ct_tensor *x, int64_t dim, int64_t at, int64_t size, ct_tensor **out) {
    ct_slice_args part = {.start.n = x->layout.ndim, .stop = ct_shape_of(x)};
    part.start.v[dim] = at, part.stop.v[dim] = at + size;
    *out = ct_slice(x, part);
    return ct_why(*out) ? (*out)->status : CT_OK;
}

ct_status ct_split_with_sizes(ct_tensor *x, const int64_t *sizes, int n, int64_t dim, ct_tensor **out) {
    ct_status status =
        ct_why(x) ? ct_fail(x->status, "%s", ct_why(x)) : ct_dim_fix("split_with_sizes", &dim, x->layout.ndim);
    int64_t sum = 0;
    for (int i = 0; i < n; i++) sum += CT_MAX(sizes[i], 0);
    if (!status && (!x->layout.ndim || sum != x->layout.size[dim]))
        status = ct_fail(CT_FAIL, "split_with_sizes: the parts' sizes add up to %lld, dimension %lld has %lld",
                         (long long)sum, (long long)dim, x->layout.ndim ? (long long)x->layout.size[dim] : 0);
    for (int64_t i = 0, at = 0; !status && i < n; at += sizes[i++]) status = cut(x, dim, at, sizes[i], &out[i]);
    return status;
}

/* How long x is along *dim, which may be negative. */
static ct_status length(const char *op, const ct_tensor *x, int64_t *dim, int64_t *n) {
    if (ct_why(x)) return ct_fail(x ? x->status : CT_FAIL, "%s: %s", op, ct_why(x));
    if (!x->layout.ndim) return ct_fail(CT_FAIL, "%s: a number has no parts", op);
    CT_TRY(ct_dim_fix(op, dim, x->layout.ndim));
    *n = x->layout.size[*dim];
    return CT_OK;
}

ct_status ct_split(ct_tensor *x, int64_t split_size, int64_t dim, ct_tensor **out) {
    int64_t n;
    CT_TRY(length("split", x, &dim, &n));
    if (split_size < 1) return ct_fail(CT_FAIL, "split: a size of %lld is not above 0", (long long)split_size);
    for (int64_t at = 0; !at || at < n; at += CT_MIN(split_size, n - at))
        CT_TRY(cut(x, dim, at, CT_MIN(split_size, n - at), out++));
    return CT_OK;
}

ct_status ct_tensor_split(ct_tensor *x, int64_t sections, int64_t dim, ct_tensor **out) {
    int64_t n, at = 0;
    CT_TRY(length("tensor_split", x, &dim, &n));
    if (sections < 1) return ct_fail(CT_FAIL, "tensor_split: %lld sections are not possible", (long long)sections);
    for (int64_t i = 0; i < sections; i++) {
        int64_t size = n / sections + (i < n % sections);
        CT_TRY(cut(x, dim, at, size, out++));
        at += size;
    }
    return CT_OK;
}

ct_status ct_unbind(ct_tensor *x, int64_t dim, ct_tensor **out) {
    int64_t n;
    CT_TRY(length("unbind", x, &dim, &n));
    for (int64_t i = 0; i < n; i++) {
        out[i] = ct_select(x, (ct_select_args){.dim = dim ? dim : CT_ZERO, .index = i ? i : CT_ZERO});
        if (ct_why(out[i])) return out[i]->status;
    }
    return CT_OK;
}

ct_status ct_meshgrid(ct_tensor *const *in, int n, ct_tensor **out) {
    ct_dims all = {n, {0}};
    ct_status status =
        n < 1 || n > CT_MAX_DIMS ? ct_fail(CT_FAIL, "meshgrid: 1 to %d tensors are wanted", CT_MAX_DIMS) : CT_OK;
    for (int i = 0; !status && i < n; i++) {
        if (ct_why(in[i]))
            status = ct_fail(in[i]->status, "%s", ct_why(in[i]));
        else if (in[i]->layout.ndim > 1)
            status = ct_fail(CT_FAIL, "meshgrid: input %d has %d dimensions, not 1", i + 1, in[i]->layout.ndim);
        else
            all.v[i] = ct_numel(in[i]);
    }
    for (int i = 0; !status && i < n; i++) {
        int64_t size[CT_MAX_DIMS] = {1, 1, 1, 1, 1, 1, 1, 1};
        size[i] = all.v[i];
        out[i] = ct_expand(ct_reshape_to(in[i], size, n), (ct_expand_args){.size = all});
        if (ct_why(out[i])) status = out[i]->status;
    }
    return status;
}

/* ---- draws ---- */
ct_tensor *ct_bernoulli(ct_tensor *p) {
    if (!p || ct_why(p)) return p ? p : ct_tensor_error(CT_FAIL, "bernoulli: input 1 is missing");
    ct_scope *guard = ct_scope_guard();
    ct_tensor *wide = ct_wide(p);
    return ct_scope_end(guard, ct_to(ct_lt(ct_rand(wide->layout.dtype, ct_shape_of(p)), wide), p->layout.dtype));
}

/* Without replacement: the first of exponential waiting times with these rates (Efraimidis and Spirakis, 2006). With:
   the place of a uniform number among the running sums. */
static ct_tensor *multinomial(ct_tensor *w, int64_t n, bool replacement) {
    int last = w->layout.ndim - 1;
    ct_dims shape = ct_shape_of(w);
    ct_dim_args along = {.dim = last};
    if (!replacement) {
        ct_tensor *wait = ct_neg(ct_log1p(ct_neg(ct_rand(w->layout.dtype, shape)))), *at;
        ct_tensor *best = ct_topk(ct_div(w, wait), (ct_topk_args){.k = n, .dim = last}, &at);
        return ct_why(best) ? best : at;
    }
    ct_tensor *sums = ct_cumsum(w, along);
    ct_tensor *total = ct_narrow(sums, (ct_narrow_args){.dim = last, .start = shape.v[last] - 1, .length = 1});
    shape.v[last] = n;
    ct_tensor *u = ct_mul(ct_rand(w->layout.dtype, shape), total);
    ct_tensor *below = ct_le(ct_unsqueeze(sums, (ct_dim_args){.dim = last}), ct_unsqueeze(u, (ct_dim_args){.dim = -1}));
    return ct_sum(ct_to(below, CT_I64), (ct_reduce_args){.dim = CT_DIMS(-1)});
}

ct_tensor *ct_multinomial(ct_tensor *weights, int64_t n, bool replacement) {
    if (!weights || ct_why(weights)) return weights ? weights : ct_tensor_error(CT_FAIL, "multinomial: no weights");
    const ct_layout *l = &weights->layout;
    if (l->ndim < 1 || l->ndim > 2 || !ct_is_float(l->dtype) || n < 1 || (!replacement && n > l->size[l->ndim - 1]))
        return ct_tensor_error(CT_FAIL, "multinomial: weights (C) or (N, C) of floats, and 1 to C draws without "
                                        "replacement, are wanted");
    ct_scope *guard = ct_scope_guard();
    return ct_scope_end(guard, multinomial(ct_wide(weights), n, replacement));
}
