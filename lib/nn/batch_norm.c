/* Batch normalisation (Ioffe and Szegedy, 2015), as torch.nn.BatchNorm1d to 3d. */
#include "nn/keys.h"
#include "nn/norm_part.h"

typedef struct args {
    double eps, momentum;
    bool no_affine, no_track_running_stats;
} args;
static const ct_key keys[] = {
    CT_ROW_FLOAT(eps, 1e-5, 0, 1, "added to the variance"),
    CT_ROW_FLOAT(momentum, 0.1, 0, 1, "weight of the batch in the running statistics"),
    CT_ROW_NOT(affine, "learn a scale and a shift a channel"),
    CT_ROW_NOT(track_running_stats, "keep running statistics, for use outside of training"),
    {0},
};

static ct_status build(ct_module *m, const ct_layout *in) {
    const args *a = m->args;
    if (in->ndim < 2) return ct_fail(CT_FAIL, "batch_norm wants an input of at least 2 dimensions (N, C, ...)");
    return ct_norm_build(m, in->size[1], !a->no_affine, !a->no_track_running_stats);
}

/* Counts a batch of training. */
static ct_status count(const ct_module *m) {
    ct_tensor *n = ct_param_named(m, "num_batches_tracked");
    return n && m->training ? ct_set_once(n, ct_add_scalar(n, 1)) : CT_OK;
}

static ct_tensor *forward(ct_module *m, ct_tensor *x) {
    const args *a = m->args;
    ct_batch_norm_args b = {.training = m->training || a->no_track_running_stats,
                            .momentum = CT_GIVEN(a->momentum),
                            .eps = CT_GIVEN(a->eps)};
    ct_status status = count(m);
    if (status) return ct_tensor_failed(status);
    return ct_batch_norm(x, ct_param_named(m, "running_mean"), ct_param_named(m, "running_var"),
                         ct_param_named(m, "weight"), ct_param_named(m, "bias"), b);
}

const ct_layer ct_layer_batch_norm = {
    .kind = {"batch_norm", keys, sizeof(args), "normalises each channel over the batch"},
    .build = build,
    .forward = forward};
