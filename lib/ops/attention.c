/* Attention. */
#include "ops/attention.h"
#include "ops/shape_util.h"
#include <math.h>
#include <string.h>

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

/* ---- by one kernel each way ---- */
enum { QUERY, KEY, VALUE, MASK };
enum { Y, LSE };

static bool same_batch(const ct_layout *a, const ct_layout *b) {
    return a->ndim == b->ndim && !memcmp(a->size, b->size, (size_t)(a->ndim - 2) * sizeof *a->size);
}

static bool learned(const ct_tensor *t) { return t->requires_grad || t->node; }

/* Whether one kernel can do it, and is asked for: key and value may both be NULL, as attention_ takes them. */
static bool whole(ct_tensor *const *in, const ct_attention_args *args) {
    const ct_layout *q = &in[QUERY]->layout;
    bool fits = ct_whole() && args->dropout_p == 0;
    for (int i = KEY; i <= VALUE; i++)
        if (in[i]) fits = fits && in[i]->layout.dtype == q->dtype && same_batch(&in[i]->layout, q);
    if (!fits || !in[MASK]) return fits;
    const ct_layout *m = &in[MASK]->layout;
    return !learned(in[MASK]) && m->ndim <= q->ndim - !in[KEY] && (m->dtype == CT_BOOL || m->dtype == q->dtype);
}

/* Layouts of queries, keys and values, each (.., rows, columns), of attention_'s inputs. */
static ct_status parts_of(const ct_layout *in, ct_layout part[3]) {
    bool packed = !in[KEY].dtype;
    if (packed != !in[VALUE].dtype) return ct_shape_fail("attention", "of key and value one is missing");
    CT_TRY(ct_want_ndim("attention", "query", in, packed ? 3 : 2, CT_MAX_DIMS));
    if (packed && in->size[0] != 3) return ct_shape_fail("attention", "queries, keys and values are not 3");
    for (int i = 0; i < 3; i++) {
        part[i] = in[packed ? 0 : i];
        if (!packed) continue;
        part[i].ndim--;
        memmove(part[i].size, part[i].size + 1, (size_t)part[i].ndim * sizeof *part[i].size);
        memmove(part[i].stride, part[i].stride + 1, (size_t)part[i].ndim * sizeof *part[i].stride);
    }
    return CT_OK;
}

SHAPE(attention_) {
    ARGS(attention);
    (void)n_in;
    ct_layout part[3], both[2];
    *n_out = 2;
    if (args->is_causal && in[MASK].dtype) return ct_shape_fail("attention", "there are two masks");
    CT_TRY(ct_want_floats("attention", in, 3));
    CT_TRY(parts_of(in, part));
    const ct_layout *q = &part[QUERY], *k = &part[KEY], *v = &part[VALUE];
    int n = q->ndim - 2;
    if (!same_batch(q, k) || !same_batch(q, v)) return ct_shape_fail("attention", "batches differ");
    if (q->size[n + 1] != k->size[n + 1] || k->size[n] != v->size[n])
        return ct_shape_fail("attention", "queries of %lld, %lld keys of %lld, %lld values", (long long)q->size[n + 1],
                             (long long)k->size[n], (long long)k->size[n + 1], (long long)v->size[n]);
    int64_t size[CT_MAX_DIMS];
    memcpy(size, q->size, (size_t)q->ndim * sizeof *size);
    if (in[MASK].dtype) {
        size[n + 1] = k->size[n];
        both[0] = in[MASK], both[1] = ct_layout_of(CT_BOOL, ct_all_dims(size, q->ndim));
        CT_TRY(ct_shape_broadcast("attention", both, 2, &out[Y]));
        CT_TRY(ct_want_sizes("attention", "the mask's shape, with the scores',", &out[Y], size, q->ndim));
    }
    size[n + 1] = v->size[n + 1];
    CT_TRY(ct_shape_make("attention", q, q->dtype, size, q->ndim, &out[Y]));
    return ct_shape_make("attention", NULL, q->dtype, size, n + 1, &out[LSE]);
}

GRAD(attention_) {
    (void)n_in;
    if (!g[Y]) return;
    ct_tensor *back[] = {
        ct_in_order_of(g[Y], &out[Y]->layout), in[QUERY], in[KEY], in[VALUE], in[MASK], out[Y], out[LSE]};
    ct_tensor *d[8];
    if (ct_why(d[0] = ct_apply(CT_OP_attention_back, back, 7, args_, d))) d[1] = d[2] = d[0];
    for (int i = QUERY; i <= VALUE; i++)
        if (need[i]) din[i] = d[i];
}

SHAPE(attention_back) {
    ct_layout forward[2];
    CT_TRY(ct_want_there("attention", in, 2));
    CT_TRY(ct_want_there("attention", in + 5, 2));
    CT_TRY(ct_shape_attention_(in + 1, n_in - 3, args_, forward, n_out));
    *n_out = in[1 + KEY].dtype ? 3 : 1;
    for (int i = 0; i < 2; i++)
        CT_TRY(ct_want_sizes("attention", "a gradient, or result,", &in[i ? 5 : 0], forward->size, forward->ndim));
    CT_TRY(ct_want_sizes("attention", "the sums' logarithms", &in[6], forward[LSE].size, forward[LSE].ndim));
    for (int i = 0; i < *n_out; i++) {
        const ct_layout *l = &in[1 + i];
        CT_TRY(ct_shape_make("attention", l, l->dtype, l->size, l->ndim, &out[i]));
    }
    return CT_OK;
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

/* used: gets the weights; may be NULL. */
static ct_tensor *by_parts(ct_tensor *const *in, const ct_attention_args *args, ct_tensor **used) {
    const ct_layout *l = &in[0]->layout;
    double scale = args->scale ? args->scale : 1 / sqrt((double)l->size[l->ndim - 1]);
    ct_tensor *scores = ct_matmul(ct_times(in[0], scale), swapped(in[1], -2, -1));
    if (ct_why(scores)) return scores;
    ct_tensor *w = weights(scores, in[3], args->is_causal);
    if (args->dropout_p > 0) w = ct_dropout(w, (ct_dropout_layer_args){.p = args->dropout_p});
    if (used) *used = w;
    return ct_matmul(w, in[2]);
}

/* The three of what attention_ takes as one. */
static void unpack(ct_tensor *packed, ct_tensor **part) {
    for (int i = QUERY; i <= VALUE; i++) part[i] = ct_select(packed, (ct_select_args){.dim = 0, .index = i});
}

FORMULA(attention_) { /* for its gradients: y alone */
    (void)n_in, (void)out;
    ct_tensor *as[] = {in[QUERY], in[KEY], in[VALUE], in[MASK]};
    if (!in[KEY]) unpack(in[QUERY], as);
    return by_parts(as, args_, NULL);
}

FORMULA(scaled_dot_product_attention) {
    ARGS(attention);
    (void)n_in, (void)out;
    ct_tensor *missing = ct_missing("scaled_dot_product_attention", in, 3);
    ct_status status = missing ? CT_OK : attention_inputs(in, args);
    if (missing || status) return missing ? missing : ct_tensor_failed(status);
    const ct_layout *l = &in[0]->layout;
    ct_tensor *as[] = {in[0], in[1], in[2], in[3]};
    for (int i = 1; args->enable_gqa && i < 3; i++) as[i] = repeated(in[i], l->size[l->ndim - 3]);
    return whole(as, args) ? ct_apply(CT_OP_attention_, as, 4, args, NULL) : by_parts(as, args, NULL);
}

ct_tensor *ct_attention_of(ct_tensor *const *part, ct_tensor *mask, ct_attention_args args, ct_tensor **weights) {
    if (!weights) return ct_scaled_dot_product_attention(part[QUERY], part[KEY], part[VALUE], mask, args);
    for (int i = QUERY; i <= VALUE; i++)
        if (ct_why(part[i])) return part[i];
    return by_parts((ct_tensor *[]){part[QUERY], part[KEY], part[VALUE], mask}, &args, weights);
}

ct_tensor *ct_attention_packed(ct_tensor *packed, ct_tensor *mask, ct_attention_args args, ct_tensor **weights) {
    ct_tensor *as[] = {packed, NULL, NULL, mask};
    if (ct_why(packed)) return packed;
    if (!weights && whole(as, &args)) return ct_apply(CT_OP_attention_, as, 4, &args, NULL);
    unpack(packed, as);
    return ct_attention_of(as, mask, args, weights);
}
