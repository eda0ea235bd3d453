/* Batch normalisation (Ioffe and Szegedy, 2015), as torch.nn.BatchNorm1d and 2d. */
#include "nn/keys.h"

typedef struct args { double momentum, eps; bool no_affine; } args;
static const ct_key keys[] = {
    CT_ROW_FLOAT(eps, 1e-5, 0, 1, "added to the variance"),
    CT_ROW_FLOAT(momentum, 0.1, 0, 1, "weight of the batch in the running statistics"),
    CT_ROW_NOT(affine, "learn a scale and a shift a channel"),
    {0},
};

static ct_status build(ct_module *m, const ct_layout *in) {
    const args *a = m->args;
    if (in->ndim < 2) return ct_fail(CT_FAIL, "batch_norm wants an input of at least 2 dimensions (N, C, ...)");
    ct_dims C = CT_DIMS(in->size[1]);
    CT_TRY(ct_buffer_new(m, "running_mean", CT_F32, C, 0));
    CT_TRY(ct_buffer_new(m, "running_var", CT_F32, C, 1));
    CT_TRY(ct_buffer_new(m, "num_batches_tracked", CT_I64, (ct_dims){0}, 0));
    if (a->no_affine) return CT_OK;
    CT_TRY(ct_param_full(m, "weight", C, 1));
    return ct_param_full(m, "bias", C, 0);
}

static ct_tensor *forward(ct_module *m, ct_tensor *x) {
    const args *a = m->args;
    ct_batch_norm_args b = {.training = m->training, .momentum = a->momentum ? a->momentum : CT_ZERO,
                            .eps = a->eps ? a->eps : CT_ZERO};
    if (m->training) {
        ct_tensor *count = ct_param_at(m, 2);
        ct_status status = ct_set(count, ct_add_scalar(count, (ct_scalar_args){1}));
        if (status) return ct_tensor_failed(status);
    }
    return ct_batch_norm(x, ct_param_at(m, 0), ct_param_at(m, 1), ct_param_at(m, 3), ct_param_at(m, 4), b);
}

const ct_layer ct_layer_batch_norm = {
    {"batch_norm", keys, sizeof(args), "normalises each channel over the batch"}, build, forward};
