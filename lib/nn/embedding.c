/* Rows of a table by index, as torch.nn.Embedding and EmbeddingBag: weight (num_embeddings, embedding_dim) of N(0, 1).
 */
#include "nn/keys.h"
#include "ops/shape_util.h"
#include <string.h>

enum { INDEX, OFFSETS, WEIGHTS }; /* the inputs of a layer of bags */
typedef struct args {
    int64_t num_embeddings, embedding_dim, padding_idx;
    int mode;
    bool include_last_offset;
} args;
#define TABLE                                                                 \
    CT_ROW_INT(num_embeddings, CT_REQUIRED, 1, 1 << 30, "rows of the table"), \
        CT_ROW_INT(embedding_dim, CT_REQUIRED, 1, 1 << 30, "size of a row")
static const ct_key keys[] = {
    TABLE,
    CT_ROW_INDEX(padding_idx, "a row of zeros that is not trained; a negative one counts from the end"),
    {0},
};
static const ct_key bag_keys[] = {
    TABLE,
    CT_ROW_ENUM(mode, "mean|sum|max", "how a bag's rows become one"),
    CT_ROW_BOOL(include_last_offset, "offsets end with the number of indices, where no bag begins"),
    CT_ROW_INDEX(padding_idx,
                 "a row of zeros that is not trained and counts for nothing; a negative one counts from the end"),
    {0},
};

static ct_status build_table(ct_module *m) {
    const args *a = m->args;
    int64_t padding_idx = a->padding_idx;
    CT_TRY(ct_row_fix(m->layer->kind.name, "padding_idx", &padding_idx, a->num_embeddings));
    CT_TRY(ct_param_normal(m, "weight", CT_DIMS(a->num_embeddings, a->embedding_dim), 1));
    float *w = ct_data(ct_param_named(m, "weight"));
    if (w && padding_idx >= 0) memset(w + padding_idx * a->embedding_dim, 0, (size_t)a->embedding_dim * sizeof *w);
    return CT_OK;
}

static ct_status build(ct_module *m, const ct_layout *in) {
    (void)in;
    return build_table(m);
}

static ct_status build_bag(ct_module *m, const ct_layout *in) {
    if (in[OFFSETS].dtype)
        CT_TRY(ct_want_dims(m, in, 1, 1, "(n) of indices beside offsets"));
    else
        CT_TRY(ct_want_dims(m, in, 2, 2, "(N, L) of bags of L indices, or offsets too"));
    return build_table(m);
}

static ct_tensor *forward(ct_module *m, ct_tensor *index) {
    const args *a = m->args;
    return ct_embedding(index, ct_param_named(m, "weight"),
                        (ct_embedding_args){.padding_idx = CT_GIVEN(a->padding_idx)});
}

static ct_tensor *forward_bag(ct_module *m, ct_tensor *const *in, ct_tensor **out) {
    const args *a = m->args;
    (void)out;
    ct_embedding_bag_args by = {
        .mode = a->mode, .include_last_offset = a->include_last_offset, .padding_idx = CT_GIVEN(a->padding_idx)};
    return ct_embedding_bag(in[INDEX], ct_param_named(m, "weight"), in[OFFSETS], in[WEIGHTS], by);
}

const ct_layer ct_layer_embedding = {.kind = {"embedding", keys, sizeof(args), "rows of a learned table, by index"},
                                     .build = build,
                                     .forward = forward,
                                     .flow = ct_flow_alone};
const ct_layer ct_layer_embedding_bag = {
    .kind =
        {"embedding_bag", bag_keys, sizeof(args),
         "means, sums or maxima of rows of a learned table, by index; further inputs: where each bag begins, and what "
         "each row of a sum weighs"},
    .build = build_bag,
    .forward_all = forward_bag,
    .min_in = 1,
    .max_in = 3};
