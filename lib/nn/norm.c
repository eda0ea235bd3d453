/* Normalisation within a sample: layer (Ba et al., 2016), RMS (Zhang and Sennrich, 2019), group (Wu and He, 2018) and
   instance norm (Ulyanov et al., 2016), with torch.nn's parameters. */
#include "nn/keys.h"
#include "nn/norm_part.h"

/* ---- over the last dimensions ---- */
typedef struct last_args {
    double eps;
    bool no_elementwise_affine, no_bias;
    ct_dims normalized_shape;
} last_args;
#define args last_args
static const ct_key layer_keys[] = {
    CT_ROW_FLOAT(eps, 1e-5, 0, 1, "added to the variance"),
    CT_ROW_NOT(elementwise_affine, "learn a scale and a shift an element"),
    CT_ROW_NOT(bias, "learn the shift"),
    CT_ROW_DIMS(normalized_shape, "sizes of the last dimensions, which are normalised together; none: the last one's"),
    {0},
};
static const ct_key rms_keys[] = {
    CT_ROW_FLOAT(eps, -1, -1, 1, "added to the mean square; -1: the element type's own"),
    CT_ROW_NOT(elementwise_affine, "learn a scale an element"),
    CT_ROW_DIMS(normalized_shape, "sizes of the last dimensions, which are normalised together; none: the last one's"),
    {0},
};
#undef args

static ct_status build_last(ct_module *m, const ct_layout *in, bool bias) {
    last_args *a = m->args;
    CT_TRY(ct_want_dims(m, in, 1, CT_MAX_DIMS, "of at least one dimension"));
    if (!a->normalized_shape.n) a->normalized_shape = CT_DIMS(in->size[in->ndim - 1]);
    if (a->no_elementwise_affine) return CT_OK;
    CT_TRY(ct_param_full(m, "weight", a->normalized_shape, 1));
    return bias ? ct_param_full(m, "bias", a->normalized_shape, 0) : CT_OK;
}

static ct_status build_layer(ct_module *m, const ct_layout *in) {
    return build_last(m, in, !((const last_args *)m->args)->no_bias);
}
static ct_status build_rms(ct_module *m, const ct_layout *in) { return build_last(m, in, false); }

static ct_tensor *forward_layer(ct_module *m, ct_tensor *x) {
    const last_args *a = m->args;
    ct_layer_norm_args by = {.normalized_shape = a->normalized_shape, .eps = CT_GIVEN(a->eps)};
    return ct_layer_norm(x, ct_param_named(m, "weight"), ct_param_named(m, "bias"), by);
}

static ct_tensor *forward_rms(ct_module *m, ct_tensor *x) {
    const last_args *a = m->args;
    ct_rms_norm_args by = {.normalized_shape = a->normalized_shape, .eps = CT_GIVEN(a->eps)};
    return ct_rms_norm(x, ct_param_named(m, "weight"), by);
}

static ct_flow flow_last(const ct_module *m, int64_t capacity, ct_dims *keeps) {
    return ((const last_args *)m->args)->normalized_shape.n > 1 ? CT_FLOW_MIXED : ct_flow_alone(m, capacity, keeps);
}

const ct_layer ct_layer_layer_norm = {
    .kind = {"layer_norm", layer_keys, sizeof(last_args), "normalises the last dimensions of each sample"},
    .build = build_layer,
    .forward = forward_layer,
    .flow = flow_last};
const ct_layer ct_layer_rms_norm = {
    .kind = {"rms_norm", rms_keys, sizeof(last_args), "divides the last dimensions by the root of their mean square"},
    .build = build_rms,
    .forward = forward_rms,
    .flow = flow_last};

/* ---- over channels ---- */
typedef struct group_args {
    int64_t num_groups;
    double eps;
    bool no_affine;
} group_args;
#define args group_args
static const ct_key group_keys[] = {
    CT_ROW_INT(num_groups, CT_REQUIRED, 1, 1 << 30, "channels are split into this many groups"),
    CT_ROW_FLOAT(eps, 1e-5, 0, 1, "added to the variance"),
    CT_ROW_NOT(affine, "learn a scale and a shift a channel"),
    {0},
};
#undef args

static ct_status build_group(ct_module *m, const ct_layout *in) {
    const group_args *a = m->args;
    CT_TRY(ct_want_dims(m, in, 2, CT_MAX_DIMS, "(N, C, ...)"));
    if (in->size[1] % a->num_groups)
        return ct_fail(CT_FAIL, "group_norm: %lld groups do not divide the input's %lld channels",
                       (long long)a->num_groups, (long long)in->size[1]);
    return ct_norm_build(m, in->size[1], !a->no_affine, false);
}

static ct_tensor *forward_group(ct_module *m, ct_tensor *x) {
    const group_args *a = m->args;
    ct_group_norm_args by = {.num_groups = a->num_groups, .eps = CT_GIVEN(a->eps)};
    return ct_group_norm(x, ct_param_named(m, "weight"), ct_param_named(m, "bias"), by);
}

typedef struct instance_args {
    double eps, momentum;
    bool affine, track_running_stats;
} instance_args;
#define args instance_args
static const ct_key instance_keys[] = {
    CT_ROW_FLOAT(eps, 1e-5, 0, 1, "added to the variance"),
    CT_ROW_FLOAT(momentum, 0.1, 0, 1, "weight of the batch in the running statistics"),
    CT_ROW_BOOL(affine, "learn a scale and a shift a channel"),
    CT_ROW_BOOL(track_running_stats, "keep running statistics, for use outside of training"),
    {0},
};
#undef args

static ct_status build_instance(ct_module *m, const ct_layout *in) {
    const instance_args *a = m->args;
    CT_TRY(ct_want_dims(m, in, 3, CT_MAX_DIMS, "(N, C, L, ...)"));
    return ct_norm_build(m, in->size[1], a->affine, a->track_running_stats);
}

static ct_tensor *forward_instance(ct_module *m, ct_tensor *x) {
    const instance_args *a = m->args;
    ct_instance_norm_args by = {.no_use_input_stats = !m->training && a->track_running_stats,
                                .momentum = CT_GIVEN(a->momentum),
                                .eps = CT_GIVEN(a->eps)};
    return ct_instance_norm(x, ct_param_named(m, "weight"), ct_param_named(m, "bias"),
                            ct_param_named(m, "running_mean"), ct_param_named(m, "running_var"), by);
}

const ct_layer ct_layer_group_norm = {
    .kind = {"group_norm", group_keys, sizeof(group_args), "normalises groups of channels of each sample"},
    .build = build_group,
    .forward = forward_group};
const ct_layer ct_layer_instance_norm = {
    .kind = {"instance_norm", instance_keys, sizeof(instance_args), "normalises each channel of each sample"},
    .build = build_instance,
    .forward = forward_instance};
