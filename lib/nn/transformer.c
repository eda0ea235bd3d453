/* Layers of the Transformer (Vaswani et al., 2017), as torch.nn.TransformerEncoderLayer and TransformerDecoderLayer:
   the parts have PyTorch's names. Inputs: src, src_mask, src_key_padding_mask; and tgt, memory, tgt_mask, memory_mask,
   tgt_key_padding_mask, memory_key_padding_mask. */
#include "nn/keys.h"
#include <stdio.h>
#include <string.h>

typedef struct args {
    int64_t nhead, dim_feedforward;
    double dropout, layer_norm_eps;
    int activation;
    bool batch_first, norm_first, no_bias, is_causal;
} args;
static const ct_key keys[] = {
    CT_ROW_INT(nhead, CT_REQUIRED, 1, 1 << 20, "heads of attention"),
    CT_ROW_INT(dim_feedforward, 2048, 1, 1 << 30, "features between the two linear layers"),
    CT_ROW_FLOAT(dropout, 0.1, 0, 1, "probability of zeroing an element"),
    CT_ROW_ENUM(activation, "relu|gelu", "between the two linear layers"),
    CT_ROW_FLOAT(layer_norm_eps, 1e-5, 0, 1, "added to the variance in norms"),
    CT_ROW_BOOL(batch_first, "inputs are (N, L, E), else (L, N, E)"),
    CT_ROW_BOOL(norm_first, "normalise before each part, else after it"),
    CT_ROW_NOT(bias, "learn additive biases"),
    CT_ROW_BOOL(is_causal, "each element sees those before it only"),
    {0},
};

/* ---- parts ---- */
static const char *word(bool b) { return b ? "true" : "false"; }

static ct_status add_attention(ct_module *m, const char *name, const ct_layout *in, bool is_causal) {
    const args *a = m->args;
    return ct_module_part(m, name, "multi_head_attention", in,
                          "num_heads=%lld dropout=%.17g bias=%s batch_first=%s is_causal=%s", (long long)a->nhead,
                          a->dropout, word(!a->no_bias), word(a->batch_first), word(is_causal));
}

/* The linear layers, and the norms and dropouts of `n` parts. */
static ct_status add_rest(ct_module *m, const ct_layout *in, int n) {
    const args *a = m->args;
    ct_layout wide = *in;
    char name[32];
    wide.size[in->ndim - 1] = a->dim_feedforward;
    CT_TRY(ct_module_part(m, "linear1", "linear", in, "out_features=%lld bias=%s", (long long)a->dim_feedforward,
                          word(!a->no_bias)));
    CT_TRY(ct_module_part(m, "dropout", "dropout", &wide, "p=%.17g", a->dropout));
    CT_TRY(ct_module_part(m, "linear2", "linear", &wide, "out_features=%lld bias=%s", (long long)in->size[in->ndim - 1],
                          word(!a->no_bias)));
    for (int i = 1; i <= n; i++) {
        snprintf(name, sizeof name, "norm%d", i);
        CT_TRY(ct_module_part(m, name, "layer_norm", in, "eps=%.17g bias=%s", a->layer_norm_eps, word(!a->no_bias)));
    }
    for (int i = 1; i <= n; i++) {
        snprintf(name, sizeof name, "dropout%d", i);
        CT_TRY(ct_module_part(m, name, "dropout", in, "p=%.17g", a->dropout));
    }
    return CT_OK;
}

static ct_module *part(const ct_module *m, const char *name, int number) {
    char text[32];
    if (number) snprintf(text, sizeof text, "%s%d", name, number), name = text;
    int i = 0;
    while (strcmp(m->child[i]->name, name)) i++;
    return m->child[i];
}

/* ---- around part k: what it reads of x, and what its result y makes of x ---- */
static ct_tensor *before(ct_module *m, ct_tensor *x, int k) {
    return ((const args *)m->args)->norm_first ? ct_module_forward(part(m, "norm", k), x) : x;
}

static ct_tensor *after(ct_module *m, ct_tensor *x, ct_tensor *y, int k) {
    ct_tensor *sum = ct_add(x, ct_module_forward(part(m, "dropout", k), y));
    return ((const args *)m->args)->norm_first ? sum : ct_module_forward(part(m, "norm", k), sum);
}

static ct_tensor *attend(ct_module *m, const char *name, ct_tensor *x, ct_tensor *memory, ct_tensor *mask,
                         ct_tensor *padding) {
    return ct_module_forward_all(part(m, name, 0), (ct_tensor *[]){x, memory, memory, padding, mask}, 5, NULL);
}

static ct_tensor *feed_forward(ct_module *m, ct_tensor *x) {
    x = ct_module_forward(part(m, "linear", 1), x);
    x = ((const args *)m->args)->activation ? ct_gelu(x, (ct_gelu_args){0}) : ct_relu(x);
    return ct_module_forward(part(m, "linear", 2), ct_module_forward(part(m, "dropout", 0), x));
}

/* ---- encoder ---- */
static ct_status build_encoder(ct_module *m, const ct_layout *in) {
    CT_TRY(add_attention(m, "self_attn", in, ((const args *)m->args)->is_causal));
    return add_rest(m, in, 2);
}

static ct_tensor *forward_encoder(ct_module *m, ct_tensor *const *in, ct_tensor **out) {
    enum { SRC, MASK, PADDING };
    (void)out;
    ct_tensor *x = in[SRC];
    x = after(m, x, attend(m, "self_attn", before(m, x, 1), NULL, in[MASK], in[PADDING]), 1);
    return after(m, x, feed_forward(m, before(m, x, 2)), 2);
}

static ct_flow flow_encoder(const ct_module *m, int64_t capacity, ct_dims *keeps) {
    return m->n_sources > 1 ? CT_FLOW_MIXED : ct_flow_alone(m, capacity, keeps); /* but for self_attn */
}

/* ---- decoder ---- */
static ct_status build_decoder(ct_module *m, const ct_layout *in) {
    CT_TRY(add_attention(m, "self_attn", in, ((const args *)m->args)->is_causal));
    CT_TRY(add_attention(m, "multihead_attn", in, false));
    return add_rest(m, in, 3);
}

static ct_tensor *forward_decoder(ct_module *m, ct_tensor *const *in, ct_tensor **out) {
    enum { TGT, MEMORY, TGT_MASK, MEMORY_MASK, TGT_PADDING, MEMORY_PADDING };
    (void)out;
    ct_tensor *x = in[TGT], *memory = in[MEMORY];
    if (!memory) return ct_tensor_error(CT_FAIL, "transformer_decoder_layer: the memory is missing");
    x = after(m, x, attend(m, "self_attn", before(m, x, 1), NULL, in[TGT_MASK], in[TGT_PADDING]), 1);
    x = after(m, x, attend(m, "multihead_attn", before(m, x, 2), memory, in[MEMORY_MASK], in[MEMORY_PADDING]), 2);
    return after(m, x, feed_forward(m, before(m, x, 3)), 3);
}

const ct_layer ct_layer_transformer_encoder_layer = {
    .kind = {"transformer_encoder_layer", keys, sizeof(args), "self-attention, then two linear layers"},
    .build = build_encoder,
    .forward_all = forward_encoder,
    .min_in = 1,
    .max_in = 3,
    .flow = flow_encoder};
const ct_layer ct_layer_transformer_decoder_layer = {
    .kind = {"transformer_decoder_layer", keys, sizeof(args),
             "self-attention, attention to a memory, two linear layers"},
    .build = build_decoder,
    .forward_all = forward_decoder,
    .min_in = 2,
    .max_in = 6};
