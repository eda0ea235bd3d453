/* Attention. */
#include "ops/attention.h"
#include "ops/shape_util.h"
#include <math.h>

static ct_tensor *swapped(ct_tensor *x, int64_t a, int64_t b) {
    return ct_transpose(x, (ct_transpose_args){.dim0 = a, .dim1 = b});
}

/* x with elements where `mask` made to nothing under a softmax. */
static ct_tensor *hidden(ct_tensor *x, ct_tensor *mask) {
    return ct_masked_fill(x, mask, (ct_fill_args){.value = -INFINITY});
}
static ct_tensor *zeroed(ct_tensor *x, ct_tensor *mask) { return ct_masked_fill(x, mask, (ct_fill_args){.value = 0}); }

/* Softmax of scores to which a mask was added: a query without any key gets weights of 0. */
static ct_tensor *weights_of(ct_tensor *scores) {
    ct_tensor *most = ct_amax(ct_detach(scores), (ct_reduce_args){.dim = CT_DIMS(-1), .keepdim = true});
    ct_tensor *none = ct_eq(most, ct_constant(most->layout.dtype, (ct_dims){0}, -INFINITY));
    return zeroed(ct_softmax(zeroed(scores, none), (ct_dim_args){.dim = -1}), none);
}

/* The weight of each key for each query. */
static ct_tensor *weights(ct_tensor *scores, ct_tensor *mask, bool is_causal) {
    const ct_layout *l = &scores->layout;
    if (mask && ct_is_float(mask->layout.dtype)) return weights_of(ct_add(scores, mask));
    ct_tensor *hide = mask ? ct_logical_not(mask) : NULL;
    if (is_causal) {
        ct_tensor *all = ct_constant(CT_BOOL, CT_DIMS(l->size[l->ndim - 2], l->size[l->ndim - 1]), 1);
        hide = ct_triu(all, (ct_diagonal_args){.diagonal = 1});
    }
    if (!hide) return ct_softmax(scores, (ct_dim_args){.dim = -1});
    ct_tensor *y = ct_softmax(hidden(scores, hide), (ct_dim_args){.dim = -1});
    return mask ? zeroed(y, hide) : y;
}

/* One head of keys or values for each of `heads`: x (.., H, S, E), each of its heads repeated. */
static ct_tensor *repeated(ct_tensor *x, int64_t heads) {
    const ct_layout *l = &x->layout;
    int d = l->ndim - 3;
    if (l->size[d] == heads) return x;
    ct_dims size = ct_shape_of(x), wide = {.n = l->ndim + 1};
    for (int i = 0; i < wide.n; i++) wide.v[i] = i <= d ? l->size[i] : i == d + 1 ? heads / l->size[d] : l->size[i - 1];
    size.v[d] = heads;
    x = ct_expand(ct_unsqueeze(x, (ct_dim_args){.dim = d + 1}), (ct_expand_args){.size = wide});
    return ct_reshape(x, (ct_shape_args){.shape = size});
}

static ct_status attention_inputs(ct_tensor *const *in, const ct_attention_args *args) {
    static const char op[] = "scaled_dot_product_attention";
    const ct_layout *q = &in[0]->layout, *k = &in[1]->layout, *v = &in[2]->layout;
    int least = args->enable_gqa ? 3 : 2;
    CT_TRY(ct_want_floats(op, q, 1));
    CT_TRY(ct_want_ndim(op, "query", q, least, CT_MAX_DIMS));
    CT_TRY(ct_want_ndim(op, "key", k, least, CT_MAX_DIMS));
    CT_TRY(ct_want_ndim(op, "value", v, least, CT_MAX_DIMS));
    if (args->is_causal && in[3]) return ct_shape_fail(op, "is_causal is a mask of its own; attn_mask is another");
    if (k->size[k->ndim - 2] != v->size[v->ndim - 2])
        return ct_shape_fail(op, "%lld keys for %lld values", (long long)k->size[k->ndim - 2],
                             (long long)v->size[v->ndim - 2]);
    int64_t heads = args->enable_gqa ? q->size[q->ndim - 3] : 0;
    for (int i = 1; args->enable_gqa && i < 3; i++) {
        int64_t n = in[i]->layout.size[in[i]->layout.ndim - 3];
        if (n < 1 || heads % n)
            return ct_shape_fail(op, "%lld heads of queries cannot share %lld", (long long)heads, (long long)n);
    }
    return CT_OK;
}

FORMULA(scaled_dot_product_attention) {
    ARGS(attention);
    (void)n_in, (void)out;
    ct_tensor *missing = ct_missing("scaled_dot_product_attention", in, 3);
    ct_status status = missing ? CT_OK : attention_inputs(in, args);
    if (missing || status) return missing ? missing : ct_tensor_failed(status);
    const ct_layout *l = &in[0]->layout;
    int64_t heads = args->enable_gqa ? l->size[l->ndim - 3] : 0;
    ct_tensor *key = heads ? repeated(in[1], heads) : in[1], *value = heads ? repeated(in[2], heads) : in[2];
    double scale = args->scale ? args->scale : 1 / sqrt((double)l->size[l->ndim - 1]);
    ct_tensor *scores = ct_matmul(ct_times(in[0], scale), swapped(key, -2, -1));
    if (ct_why(scores)) return scores;
    ct_tensor *w = weights(scores, in[3], args->is_causal);
    if (args->dropout_p > 0) w = ct_dropout(w, (ct_dropout_layer_args){.p = args->dropout_p});
    return ct_matmul(w, value);
}

/* ---- of several heads ---- */
enum { X, IN_WEIGHT, IN_BIAS, OUT_WEIGHT, OUT_BIAS, KEY, VALUE, MASK };

static ct_status heads_inputs(ct_tensor *const *in, const ct_multi_head_attention_args *args) {
    static const char op[] = "multi_head_attention";
    const ct_layout *x = &in[X]->layout;
    CT_TRY(ct_want_floats(op, x, 1));
    CT_TRY(ct_want_ndim(op, "x", x, 2, 3));
    int64_t size = x->size[x->ndim - 1];
    if (args->embed_dim && args->embed_dim != size)
        return ct_shape_fail(op, "x has vectors of %lld, embed_dim is %lld", (long long)size,
                             (long long)args->embed_dim);
    if (args->num_heads < 1 || size % args->num_heads)
        return ct_shape_fail(op, "%lld heads do not divide %lld", (long long)args->num_heads, (long long)size);
    CT_TRY(ct_want_sizes(op, "in_proj_weight", &in[IN_WEIGHT]->layout, (int64_t[]){3 * size, size}, 2));
    if (in[IN_BIAS]) CT_TRY(ct_want_sizes(op, "in_proj_bias", &in[IN_BIAS]->layout, (int64_t[]){3 * size}, 1));
    for (int i = KEY; i <= VALUE; i++)
        if (in[i]) CT_TRY(ct_want_ndim(op, i == KEY ? "key" : "value", &in[i]->layout, x->ndim, x->ndim));
    return CT_OK;
}

/* Third i of t's first dimension; NULL of NULL. */
static ct_tensor *third(ct_tensor *t, int i) {
    if (!t) return NULL;
    int64_t n = t->layout.size[0] / 3;
    return ct_slice(t, (ct_slice_args){.start = CT_DIMS(i * n), .stop = CT_DIMS((i + 1) * n)});
}

/* x (L, N, E), (N, L, E) or (L, E) as (N, L, E). */
static ct_tensor *batched(ct_tensor *x, bool batch_first) {
    if (x->layout.ndim == 2) return ct_unsqueeze(x, (ct_dim_args){.dim = 0});
    return batch_first ? x : swapped(x, 0, 1);
}

/* (N, L, E) as (N, heads, L, E / heads). */
static ct_tensor *split(ct_tensor *x, int64_t heads) {
    if (ct_why(x)) return x;
    const int64_t *n = x->layout.size;
    return swapped(ct_reshape_to(x, (int64_t[]){n[0], n[1], heads, n[2] / heads}, 4), 1, 2);
}

ct_tensor *ct_heads_in(ct_tensor *x, ct_tensor *weight, ct_tensor *bias, int i, int64_t heads) {
    return split(ct_linear(x, third(weight, i), third(bias, i)), heads);
}

ct_tensor *ct_heads_out(ct_tensor *y, ct_tensor *weight, ct_tensor *bias) {
    y = swapped(y, 1, 2);
    if (ct_why(y)) return y;
    const int64_t *n = y->layout.size;
    return ct_linear(ct_reshape_to(y, (int64_t[]){n[0], n[1], n[2] * n[3]}, 3), weight, bias);
}

/* As scaled_dot_product_attention wants it: bools say what counts, and (N * heads, L, S) has its dimensions apart. */
static ct_tensor *mask_of(ct_tensor *mask, int64_t heads) {
    if (!mask) return NULL;
    const ct_layout *l = &mask->layout;
    if (l->ndim == 3 && l->size[0] % heads == 0)
        mask = ct_reshape_to(mask, (int64_t[]){l->size[0] / heads, heads, l->size[1], l->size[2]}, 4);
    return ct_is_float(l->dtype) ? mask : ct_logical_not(mask);
}

FORMULA(multi_head_attention) {
    ARGS(multi_head_attention);
    (void)n_in, (void)out;
    if (!in[IN_WEIGHT] || !in[OUT_WEIGHT])
        return ct_tensor_error(CT_FAIL, "multi_head_attention: both projections' weights are wanted");
    ct_status status = heads_inputs(in, args);
    if (status) return ct_tensor_failed(status);
    ct_tensor *from[3] = {in[X], in[KEY] ? in[KEY] : in[X], in[VALUE]}, *part[3];
    if (!from[2]) from[2] = from[1];
    bool one = in[X]->layout.ndim == 2;
    for (int i = 0; i < 3; i++) {
        ct_tensor *x = batched(from[i], args->batch_first);
        part[i] = ct_heads_in(x, in[IN_WEIGHT], in[IN_BIAS], i, args->num_heads);
    }
    ct_tensor *mask = mask_of(in[MASK], args->num_heads);
    ct_attention_args by = {.dropout_p = args->dropout, .is_causal = args->is_causal};
    ct_tensor *y = ct_scaled_dot_product_attention(part[0], part[1], part[2], mask, by);
    y = ct_heads_out(y, in[OUT_WEIGHT], in[OUT_BIAS]);
    if (ct_why(y)) return y;
    return one ? ct_squeeze(y, (ct_dim_args){.dim = 0}) : args->batch_first ? y : swapped(y, 0, 1);
}
