/* Batch rules: how an op of one sample becomes an op of all, by the class of its row. What has no rule runs a sample at
   a time. */
#include "autograd/batch.h"
#include "ops/shape_util.h"
#include <string.h>

typedef ct_status rule(const ct_batch *b, ct_tensor **out);

static int rank(const ct_batch *b, int i) { return b->in[i]->layout.ndim - b->mapped[i]; }

static ct_status apply(const ct_batch *b, ct_tensor *const *in, const void *args, ct_tensor **out) {
    const ct_tensor *y = ct_apply(ct_op_id(b->node->op), in, b->node->n_in, args, out);
    return ct_why(y) ? y->status : CT_OK;
}

/* The batch's size, then `size`. */
static ct_status with_batch(const ct_batch *b, const int64_t *size, int n, ct_dims *out) {
    if (n >= CT_MAX_DIMS) return ct_fail(CT_FAIL, "vmap: %s has %d dimensions already", b->node->op->kind.name, n);
    *out = (ct_dims){.n = n + 1, .v = {b->size}};
    for (int d = 0; d < n; d++) out->v[d + 1] = size[d];
    return CT_OK;
}

/* t, which has all samples if `mapped`, with ones put before each one's dimensions until there are `ndim`. */
static ct_tensor *raised(const ct_batch *b, ct_tensor *t, bool mapped, int ndim) {
    if (!t || !mapped || t->layout.ndim == ndim + 1) return t;
    ct_dims size;
    int64_t sizes[CT_MAX_DIMS] = {1, 1, 1, 1, 1, 1, 1, 1};
    for (int d = 1, n = t->layout.ndim; d < n; d++) sizes[ndim - n + d] = t->layout.size[d];
    ct_status status = with_batch(b, sizes, ndim, &size);
    return status ? ct_tensor_failed(status) : ct_reshape(t, (ct_shape_args){.shape = size});
}
static ct_tensor *lifted(const ct_batch *b, int i, int ndim) { return raised(b, b->in[i], b->mapped[i], ndim); }

/* Input i, repeated for each sample if it is the same for all. */
static ct_tensor *whole(const ct_batch *b, int i) {
    ct_tensor *t = b->in[i];
    ct_dims size;
    if (!t || b->mapped[i]) return t;
    ct_status status = with_batch(b, t->layout.size, t->layout.ndim, &size);
    return status ? ct_tensor_failed(status) : ct_expand(t, (ct_expand_args){.size = size});
}

static ct_tensor *sample(ct_tensor *t, int64_t i) {
    ct_slice_args at = {.start = CT_DIMS(i), .stop = CT_DIMS(i + 1)};
    return ct_squeeze(ct_slice(t, at), (ct_squeeze_args){CT_DIMS(0)});
}

static ct_status stacked(const ct_batch *b, ct_tensor **row, ct_tensor **out) {
    int n = (int)b->size, n_out = b->node->n_out;
    for (int k = 0; k < n_out; k++) {
        const ct_layout *l = &b->node->out[k].layout;
        ct_dims size;
        if (l->dtype == CT_NONE) continue;
        CT_TRY(with_batch(b, l->size, l->ndim, &size));
        out[k] = n ? ct_stack(row + (size_t)k * (size_t)n, n, (ct_dim_args){0}) : ct_constant(l->dtype, size, 0);
        if (ct_why(out[k])) return out[k]->status;
    }
    return CT_OK;
}

static ct_status each(const ct_batch *b, ct_tensor **out) {
    int n_in = b->node->n_in, n_out = b->node->n_out;
    if (b->size > INT32_MAX) return ct_fail(CT_FAIL, "vmap: over %lld samples", (long long)b->size);
    ct_tensor **row = ct_alloc((size_t)n_out, (size_t)(b->size + 1) * sizeof *row);
    ct_tensor **in = ct_alloc((size_t)(n_in + n_out), sizeof *in), **one = in + n_in;
    ct_status status = row && in ? CT_OK : CT_NO_MEMORY;
    for (int64_t s = 0; !status && s < b->size; s++) {
        for (int i = 0; i < n_in; i++) in[i] = b->mapped[i] ? sample(b->in[i], s) : b->in[i];
        status = apply(b, in, b->node->args, one);
        for (int k = 0; !status && k < n_out; k++) row[k * b->size + s] = one[k];
    }
    if (!status) status = stacked(b, row, out);
    ct_free(row), ct_free(in);
    return status;
}

/* ---- classes of rows ---- */
/* Inputs broadcast from the last dimension on. */
static ct_status broadcast(const ct_batch *b, ct_tensor **out) {
    ct_tensor *in[CT_MAX_IN];
    int ndim = 0;
    for (int i = 0; i < b->node->n_in; i++)
        if (b->in[i]) ndim = CT_MAX(ndim, rank(b, i));
    for (int i = 0; i < b->node->n_in; i++) in[i] = lifted(b, i, ndim);
    return apply(b, in, b->node->args, out);
}

/* Another dimension in front changes nothing. */
static ct_status plain(const ct_batch *b, ct_tensor **out) {
    ct_tensor *in[CT_MAX_IN];
    for (int i = 0; i < b->node->n_in; i++) in[i] = whole(b, i);
    return apply(b, in, b->node->args, out);
}

/* Counted from the front, dimension d is one further back. */
static int64_t shifted(int64_t d) { return d < 0 ? d : d + 1; }

/* Arguments with the dimensions that their keys dim and dims name shifted; false where they cannot be. */
static bool shift_args(const ct_batch *b, void *args) {
    for (const ct_key *key = b->node->op->kind.keys; key->name; key++) {
        void *field = (char *)args + key->offset;
        if (key->type == CT_KEY_INT && !strcmp(key->name, "dim")) *(int64_t *)field = shifted(*(int64_t *)field);
        if (key->type != CT_KEY_DIMS || (strcmp(key->name, "dim") && strcmp(key->name, "dims"))) continue;
        ct_dims *dims = field;
        if (!dims->n && strcmp(key->name, "dim")) return false; /* roll's flattened one */
        if (!dims->n)
            for (; dims->n < rank(b, 0); dims->n++) dims->v[dims->n] = dims->n;
        for (int i = 0; i < dims->n; i++) dims->v[i] = shifted(dims->v[i]);
    }
    return true;
}

static ct_status apply_shifted(const ct_batch *b, ct_tensor *const *in, ct_tensor **out) {
    size_t bytes = b->node->op->kind.args_size;
    void *args = ct_alloc(1, bytes);
    if (!args) return CT_NO_MEMORY;
    memcpy(args, b->node->args, bytes);
    ct_status status = shift_args(b, args) ? apply(b, in, args, out) : each(b, out);
    ct_free(args);
    return status;
}

/* Along dimensions that the arguments name; all inputs have the same. */
static ct_status along(const ct_batch *b, ct_tensor **out) {
    int n = b->node->n_in;
    for (int i = 0; i < n; i++)
        if (!b->in[i] || !rank(b, i)) return each(b, out); /* a number has no dimension, but takes 0 and -1 for one */
    ct_tensor **in = ct_alloc((size_t)n, sizeof *in);
    if (!in) return CT_NO_MEMORY;
    for (int i = 0; i < n; i++) in[i] = whole(b, i);
    ct_status status = apply_shifted(b, in, out);
    ct_free(in);
    return status;
}

/* Samples of shape (0), which fit any others, become such as have nothing along the dimension. */
static ct_status joined(const ct_batch *b, ct_tensor **out) {
    const ct_layout *l = &b->node->out[0].layout;
    int n = b->node->n_in;
    int64_t dim = ((const ct_dim_args *)b->node->args)->dim;
    ct_dims nothing;
    CT_TRY(with_batch(b, l->size, l->ndim, &nothing));
    nothing.v[1 + (dim < 0 ? dim + l->ndim : dim)] = 0;
    ct_tensor **in = ct_alloc((size_t)n, sizeof *in);
    if (!in) return CT_NO_MEMORY;
    for (int i = 0; i < n; i++) {
        in[i] = whole(b, i);
        if (rank(b, i) != l->ndim) in[i] = ct_reshape(in[i], (ct_shape_args){.shape = nothing});
    }
    ct_status status = apply_shifted(b, in, out);
    ct_free(in);
    return status;
}

/* One index for all samples. */
static ct_status chosen(const ct_batch *b, ct_tensor **out) {
    return b->mapped[1] || !rank(b, 0) ? each(b, out) : apply_shifted(b, b->in, out);
}

/* Samples that are batches themselves become one. */
static ct_status folded(const ct_batch *b, ct_tensor **out) {
    for (int i = 1; i < b->node->n_in; i++)
        if (b->mapped[i]) return each(b, out);
    if (rank(b, 0) < 4 || !b->size) return each(b, out);
    ct_tensor *in[CT_MAX_IN];
    memcpy(in, b->in, (size_t)b->node->n_in * sizeof *in);
    ct_dims size = {.n = rank(b, 0)};
    for (int d = 0; d < size.n; d++) size.v[d] = in[0]->layout.size[d + 1] * (d ? 1 : b->size);
    in[0] = ct_reshape(in[0], (ct_shape_args){.shape = size});
    CT_TRY(apply(b, in, b->node->args, out));
    for (int k = 0; k < b->node->n_out; k++) {
        const ct_layout *l = &b->node->out[k].layout;
        CT_TRY(with_batch(b, l->size, l->ndim, &size));
        out[k] = ct_reshape(out[k], (ct_shape_args){.shape = size});
        if (ct_why(out[k])) return out[k]->status;
    }
    return CT_OK;
}

/* ---- shapes ---- */
static ct_status viewed(const ct_batch *b, ct_tensor **out) {
    const ct_layout *l = &b->node->out[0].layout;
    ct_dims size;
    CT_TRY(with_batch(b, l->size, l->ndim, &size));
    out[0] = ct_reshape(b->in[0], (ct_shape_args){.shape = size});
    return ct_why(out[0]) ? out[0]->status : CT_OK;
}

static ct_status expanded(const ct_batch *b, ct_tensor **out) {
    const ct_layout *l = &b->node->out[0].layout;
    ct_dims size;
    CT_TRY(with_batch(b, l->size, l->ndim, &size));
    out[0] = ct_expand(lifted(b, 0, l->ndim), (ct_expand_args){.size = size});
    return ct_why(out[0]) ? out[0]->status : CT_OK;
}

static ct_status permuted(const ct_batch *b, ct_tensor **out) {
    const ct_dims_args *args = b->node->args;
    ct_dims_args to = {0};
    CT_TRY(with_batch(b, args->dims.v, args->dims.n, &to.dims));
    for (int d = 0; d < to.dims.n; d++) to.dims.v[d] = d ? shifted(to.dims.v[d]) : 0;
    return apply(b, b->in, &to, out);
}

static ct_status sliced(const ct_batch *b, ct_tensor **out) {
    const ct_slice_args *args = b->node->args;
    ct_slice_args to = {0};
    CT_TRY(with_batch(b, args->start.v, args->start.n, &to.start));
    CT_TRY(with_batch(b, args->stop.v, args->stop.n, &to.stop));
    CT_TRY(with_batch(b, args->step.v, args->step.n, &to.step));
    to.start.v[0] = 0, to.step.v[0] = 1;
    return apply(b, b->in, &to, out);
}

static ct_status slice_put(const ct_batch *b, ct_tensor **out) {
    const ct_slice_back_args *args = b->node->args;
    ct_slice_back_args to = {0};
    CT_TRY(with_batch(b, args->start.v, args->start.n, &to.start));
    CT_TRY(with_batch(b, args->stop.v, args->stop.n, &to.stop));
    if (args->step.n) CT_TRY(with_batch(b, args->step.v, args->step.n, &to.step));
    CT_TRY(with_batch(b, args->size.v, args->size.n, &to.size));
    to.start.v[0] = 0, to.step.v[0] = 1;
    return apply(b, b->in, &to, out);
}

static ct_status padded(const ct_batch *b, ct_tensor **out) {
    enum { CONSTANT };
    return ((const ct_pad_args *)b->node->args)->mode == CONSTANT ? plain(b, out) : each(b, out);
}

/* ---- products ---- */
/* Vectors are matrices of one row, or column, for a while. */
static ct_status multiplied(const ct_batch *b, ct_tensor **out) {
    const ct_layout *l = &b->node->out[0].layout;
    int m = rank(b, 0), n = rank(b, 1), ndim = CT_MAX(CT_MAX(m, n), 2);
    ct_dims size;
    CT_TRY(with_batch(b, l->size, l->ndim, &size));
    ct_tensor *x = m == 1 ? ct_unsqueeze(b->in[0], (ct_dim_args){.dim = -2}) : b->in[0];
    ct_tensor *y = n == 1 ? ct_unsqueeze(b->in[1], (ct_dim_args){.dim = -1}) : b->in[1];
    if (ct_why(x) || ct_why(y)) return ct_why(x) ? x->status : y->status;
    y = ct_matmul(raised(b, x, b->mapped[0], ndim), raised(b, y, b->mapped[1], ndim));
    out[0] = ct_reshape(y, (ct_shape_args){.shape = size});
    return ct_why(out[0]) ? out[0]->status : CT_OK;
}

static ct_status linear(const ct_batch *b, ct_tensor **out) {
    if (!b->mapped[1] && !b->mapped[2]) return apply(b, b->in, b->node->args, out);
    int n = rank(b, 0);
    if (n < 2 || rank(b, 1) < 2) return each(b, out);
    ct_tensor *w = ct_transpose(lifted(b, 1, b->mapped[1] ? n : 2), (ct_transpose_args){.dim0 = -2, .dim1 = -1});
    out[0] = ct_matmul(b->in[0], w);
    if (b->in[2]) out[0] = ct_add(out[0], lifted(b, 2, n));
    return ct_why(out[0]) ? out[0]->status : CT_OK;
}

static rule *const rules[CT_OP_COUNT] = {
    [CT_OP_where_] = broadcast,   [CT_OP_cast] = plain,         [CT_OP_contiguous] = plain,
    [CT_OP_copy] = plain,         [CT_OP_detach] = plain,       [CT_OP_tril] = plain,
    [CT_OP_triu] = plain,         [CT_OP_one_hot_] = plain,     [CT_OP_mask_scale] = plain,
    [CT_OP_pad] = padded,         [CT_OP_sum] = along,          [CT_OP_amax] = along,
    [CT_OP_amin] = along,         [CT_OP_prod_] = along,        [CT_OP_argmax_] = along,
    [CT_OP_argmin_] = along,      [CT_OP_cumsum] = along,       [CT_OP_sort] = along,
    [CT_OP_topk] = along,         [CT_OP_softmax] = along,      [CT_OP_log_softmax] = along,
    [CT_OP_flip] = along,         [CT_OP_roll] = along,         [CT_OP_cat] = joined,
    [CT_OP_gather] = along,       [CT_OP_scatter_add] = along,  [CT_OP_index_select] = chosen,
    [CT_OP_index_back] = chosen,  [CT_OP_view] = viewed,        [CT_OP_expand] = expanded,
    [CT_OP_permute] = permuted,   [CT_OP_slice] = sliced,       [CT_OP_slice_back] = slice_put,
    [CT_OP_matmul] = multiplied,  [CT_OP_linear] = linear,      [CT_OP_conv2d_] = folded,
    [CT_OP_max_pool2d_] = folded, [CT_OP_avg_pool2d_] = folded, [CT_OP_adaptive_avg_pool2d_] = folded,
};

ct_status ct_batch_apply(const ct_batch *b, ct_tensor **out) {
    const ct_op *op = b->node->op;
    rule *r = op->flags & CT_POINTWISE ? broadcast : rules[ct_op_id(op)];
    return (r ? r : each)(b, out);
}
