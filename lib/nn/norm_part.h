/* What norms of channels share. */
#ifndef CT_NN_NORM_PART_H
#define CT_NN_NORM_PART_H
#include "nn/module.h"

/* weight and bias of 1 and 0, running_mean, running_var and num_batches_tracked, a value a channel. */
static inline ct_status ct_norm_build(ct_module *m, int64_t channels, bool affine, bool tracked) {
    ct_dims C = CT_DIMS(channels);
    if (affine) {
        CT_TRY(ct_param_full(m, "weight", C, 1));
        CT_TRY(ct_param_full(m, "bias", C, 0));
    }
    if (!tracked) return CT_OK;
    CT_TRY(ct_buffer_new(m, "running_mean", CT_F32, C, 0));
    CT_TRY(ct_buffer_new(m, "running_var", CT_F32, C, 1));
    return ct_buffer_new(m, "num_batches_tracked", CT_I64, (ct_dims){0}, 0);
}
#endif
