/* Attention of several heads, as torch.nn.MultiheadAttention: in_proj_weight (3 E, E) by Glorot and Bengio, out_proj as
   a linear layer, biases of 0. Inputs: query, key, value, key_padding_mask (N, S), attn_mask (L, S) or (N heads, L, S);
   key is query and value is key where they are not given; a mask's true, or -inf, hides. A second result that is asked
   for is how much each query took of each key, (N, L, S) or (N, heads, L, S), after dropout. */
#include "nn/cache.h"
#include "nn/keys.h"
#include "ops/attention.h"
#include "ops/shape_util.h"

enum { QUERY, KEY, VALUE, PADDING, MASK };
typedef struct args {
    int64_t num_heads;
    double dropout;
    bool no_bias, batch_first, is_causal, no_average_attn_weights;
} args;
static const ct_key keys[] = {
    CT_ROW_INT(num_heads, CT_REQUIRED, 1, 1 << 20, "how many heads share the features"),
    CT_ROW_FLOAT(dropout, 0, 0, 1, "probability of leaving out a weight, in training"),
    CT_ROW_NOT(bias, "learn additive biases"),
    CT_ROW_BOOL(batch_first, "inputs are (N, L, E), else (L, N, E)"),
    CT_ROW_BOOL(is_causal, "each query sees the keys up to its own place only"),
    CT_ROW_NOT(average_attn_weights, "the second result is the mean of all heads' weights, else each head's own"),
    {0},
};

static ct_status build(ct_module *m, const ct_layout *in) {
    const args *a = m->args;
    CT_TRY(ct_want_dims(m, in, 2, 3, a->batch_first ? "(N, L, E)" : "(L, N, E)"));
    int64_t E = in->size[in->ndim - 1];
    if (E < 1 || E % a->num_heads)
        return ct_fail(CT_FAIL, "multi_head_attention: %lld heads do not divide %lld features", (long long)a->num_heads,
                       (long long)E);
    for (int i = KEY; i <= VALUE; i++)
        if (in[i].dtype && (in[i].ndim != in->ndim || in[i].size[in->ndim - 1] != E))
            return ct_fail(CT_FAIL,
                           "multi_head_attention: key and value must have %d dimensions, and %lld features, as query",
                           in->ndim, (long long)E);
    CT_TRY(ct_param_new(m, "in_proj_weight", CT_DIMS(3 * E, E), sqrt(6 / (4 * (double)E))));
    if (!a->no_bias) CT_TRY(ct_param_full(m, "in_proj_bias", CT_DIMS(3 * E), 0));
    CT_TRY(ct_module_part(m, "out_proj", "linear", in, "out_features=%lld bias=%s", (long long)E,
                          a->no_bias ? "false" : "true"));
    ct_tensor *bias = ct_param_named(m->child[0], "bias");
    return bias && ct_data(bias) ? ct_init_zeros(bias) : CT_OK;
}

/* ---- masks ---- */
static ct_tensor *as_term(ct_tensor *mask) {
    if (ct_is_float(mask->layout.dtype)) return mask;
    ct_tensor *none = ct_constant(CT_F32, ct_shape_of(mask), 0);
    return ct_masked_fill(none, mask, (ct_fill_args){.value = -INFINITY});
}

/* What either of two masks hides; NULL: none. */
static ct_tensor *both(ct_tensor *a, ct_tensor *b) {
    if (!a || !b) return a ? a : b;
    if (ct_why(a) || ct_why(b)) return ct_why(a) ? a : b;
    if (!ct_is_float(a->layout.dtype) && !ct_is_float(b->layout.dtype)) return ct_logical_or(a, b);
    return ct_add(as_term(a), as_term(b));
}

/* All that is hidden, as one mask (N heads, L, S). */
static ct_tensor *joined(const args *a, ct_tensor *const *in) {
    const ct_layout *q = &in[QUERY]->layout, *k = in[KEY] ? &in[KEY]->layout : q;
    bool one = q->ndim == 2;
    int64_t N = one ? 1 : q->size[!a->batch_first], L = q->size[!one && a->batch_first],
            S = k->size[!one && a->batch_first];
    ct_tensor *mask = in[MASK], *padding = in[PADDING];
    if (mask && mask->layout.ndim == 3) mask = ct_reshape_to(mask, (int64_t[]){N, a->num_heads, L, S}, 4);
    if (padding) padding = ct_reshape_to(padding, (int64_t[]){N, 1, 1, S}, 4);
    if (a->is_causal)
        mask = both(mask, ct_triu(ct_constant(CT_BOOL, CT_DIMS(L, S), 1), (ct_diagonal_args){.diagonal = 1}));
    ct_tensor *all = ct_expand(both(mask, padding), (ct_expand_args){.size = CT_DIMS(N, a->num_heads, L, S)});
    return ct_reshape_to(all, (int64_t[]){N * a->num_heads, L, S}, 3);
}

/* ---- with a cache: keys and values (1, heads, capacity, E / heads) of all elements so far ---- */
static ct_flow flow(const ct_module *m, int64_t capacity, ct_dims *keeps) {
    const args *a = m->args;
    if (!a->is_causal || !a->batch_first || m->n_sources > 1 || m->n_outputs) return CT_FLOW_MIXED;
    int64_t E = ct_param_named(m, "in_proj_weight")->layout.size[1];
    keeps[0] = keeps[1] = CT_DIMS(1, a->num_heads, capacity, E / a->num_heads);
    return CT_FLOW_WINDOW;
}

/* Those of kind i, with the new ones at their places. */
static ct_tensor *with_new(const ct_module *m, int i, ct_tensor *new) {
    if (ct_why(new)) return new;
    ct_tensor *all = ct_cache_kept(m, i), *places = ct_cache_places(new->layout.size[2]);
    ct_status status = ct_apply_in_place(CT_OP_index_copy, (ct_tensor *[]){all, places, new}, 3, &(ct_dim_args){2});
    return status ? ct_tensor_failed(status) : all;
}

/* (length, capacity): whether a key's place is the query's own or before it. */
static ct_tensor *seen(int64_t length, int64_t capacity) {
    ct_arange_args all = {.start = CT_ZERO, .end = CT_GIVEN((double)capacity), .step = 1, .dtype = CT_I64};
    return ct_le(ct_arange(all), ct_unsqueeze(ct_cache_places(length), (ct_dim_args){1}));
}

static ct_tensor *forward_next(const ct_module *m, ct_tensor *x) {
    int64_t heads = ((const args *)m->args)->num_heads;
    ct_tensor *weight = ct_param_named(m, "in_proj_weight"), *bias = ct_param_named(m, "in_proj_bias"), *part[3];
    ct_tensor *all = ct_heads_in(x, weight, bias, heads);
    for (int i = QUERY; i <= VALUE; i++) part[i] = ct_select(all, (ct_select_args){.dim = 0, .index = i});
    ct_tensor *keys = with_new(m, 0, part[KEY]), *values = with_new(m, 1, part[VALUE]);
    if (ct_why(keys)) return keys;
    ct_tensor *mask = seen(x->layout.size[1], keys->layout.size[2]);
    ct_tensor *y = ct_scaled_dot_product_attention(part[QUERY], keys, values, mask, (ct_attention_args){0});
    return ct_heads_out(y, ct_param_named(m->child[0], "weight"), ct_param_named(m->child[0], "bias"));
}

static ct_tensor *forward(ct_module *m, ct_tensor *const *in, ct_tensor **out) {
    if (ct_cache_kept(m, 0)) return forward_next(m, in[QUERY]);
    const args *a = m->args;
    const ct_module *out_proj = m->child[0];
    for (int i = KEY; i <= VALUE; i++)
        if (in[i] && in[i]->layout.ndim != in[QUERY]->layout.ndim)
            return ct_tensor_error(CT_FAIL, "multi_head_attention: key and value must have query's dimensions");
    bool join = in[PADDING] || (in[MASK] && a->is_causal);
    ct_tensor *mask = join ? joined(a, in) : in[MASK];
    ct_multi_head_attention_args by = {.num_heads = a->num_heads,
                                       .batch_first = a->batch_first,
                                       .dropout = m->training ? a->dropout : 0,
                                       .is_causal = a->is_causal && !join,
                                       .need_weights = out != NULL,
                                       .no_average_attn_weights = a->no_average_attn_weights};
    return ct_multi_head_attention(in[QUERY], ct_param_named(m, "in_proj_weight"), ct_param_named(m, "in_proj_bias"),
                                   ct_param_named(out_proj, "weight"), ct_param_named(out_proj, "bias"), in[KEY],
                                   in[VALUE], mask, by, out ? &out[1] : NULL);
}

const ct_layer ct_layer_multi_head_attention = {
    .kind = {"multi_head_attention", keys, sizeof(args), "each element looks at all others of a sequence"},
    .build = build,
    .forward_all = forward,
    .min_in = 1,
    .max_in = 5,
    .flow = flow};
