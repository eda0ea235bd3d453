/* Normalisation of a sample's channels: in groups, each for itself, by those beside it. */
#include "ops/shape_util.h"

static ct_status want_channels(const char *op, const ct_layout *x, int least, ct_tensor *const *of_channel, int n) {
    CT_TRY(ct_want_floats(op, x, 1));
    CT_TRY(ct_want_ndim(op, "the input", x, least, CT_MAX_DIMS));
    for (int i = 0; i < n; i++)
        if (of_channel[i])
            CT_TRY(ct_want_sizes(op, "what each channel has one of", &of_channel[i]->layout, &x->size[1], 1));
    return CT_OK;
}

static ct_tensor *scaled(ct_tensor *y, ct_tensor *weight, ct_tensor *bias) {
    if (weight) y = ct_mul(y, ct_by_channel(weight, &y->layout));
    return bias ? ct_add(y, ct_by_channel(bias, &y->layout)) : y;
}

FORMULA(group_norm) {
    ARGS(group_norm);
    (void)n_in, (void)out;
    const ct_layout *l = &in[0]->layout;
    ct_status status = want_channels("group_norm", l, 2, in + 1, 2);
    if (status) return ct_tensor_failed(status);
    int64_t groups = args->num_groups, rest = 1;
    if (groups < 1 || l->size[1] % groups)
        return ct_tensor_error(CT_FAIL, "group_norm: %lld groups do not divide %lld channels", (long long)groups,
                               (long long)l->size[1]);
    for (int d = 2; d < l->ndim; d++) rest *= l->size[d];
    ct_tensor *x = ct_reshape_to(in[0], (int64_t[]){l->size[0], groups, l->size[1] / groups * rest}, 3);
    ct_tensor *y = ct_standard(x, CT_DIMS(2), args->eps);
    return scaled(ct_reshape_to(y, l->size, l->ndim), in[1], in[2]);
}

/* ---- instances ---- */
/* Moves a running statistic towards the mean over the batch of `now`. */
static ct_status move(ct_tensor *running, ct_tensor *now, double momentum) {
    ct_tensor *mean = ct_mean(ct_detach(now), (ct_reduce_args){.dim = CT_DIMS(0)});
    mean = ct_reshape(mean, (ct_shape_args){.shape = ct_shape_of(running)});
    return ct_set_once(running, ct_add(ct_times(running, 1 - momentum), ct_times(mean, momentum)));
}

static ct_status track(ct_tensor *x, ct_tensor *running_mean, ct_tensor *running_var, ct_dims dims, double momentum) {
    ct_status status = CT_OK;
    ct_no_grad_begin();
    if (running_mean) status = move(running_mean, ct_mean(x, (ct_reduce_args){.dim = dims, .keepdim = true}), momentum);
    if (!status && running_var)
        status = move(running_var, ct_var(x, (ct_var_args){.dim = dims, .keepdim = true}), momentum);
    ct_no_grad_end();
    return status;
}

FORMULA(instance_norm) {
    ARGS(instance_norm);
    (void)n_in, (void)out;
    ct_tensor *x = in[0], *weight = in[1], *bias = in[2], *running_mean = in[3], *running_var = in[4];
    const ct_layout *l = &x->layout;
    ct_status status = want_channels("instance_norm", l, 3, in + 1, 4);
    if (status) return ct_tensor_failed(status);
    if (args->no_use_input_stats) {
        ct_batch_norm_args by = {.momentum = args->momentum, .eps = args->eps};
        ct_tensor *list[] = {x, running_mean, running_var, weight, bias};
        return ct_call_filled(ct_op_get(CT_OP_batch_norm), list, 5, &by, NULL);
    }
    ct_dims dims = {0};
    int64_t each = 1;
    for (int d = 2; d < l->ndim; d++) dims.v[dims.n++] = d, each *= l->size[d];
    if (each < 2) return ct_tensor_error(CT_FAIL, "instance_norm: more than one value a channel is wanted");
    status = track(x, running_mean, running_var, dims, args->momentum);
    if (status) return ct_tensor_failed(status);
    return ct_to(scaled(ct_standard(ct_wide(x), dims, args->eps), ct_wide(weight), ct_wide(bias)), l->dtype);
}

/* ---- channels beside it ---- */
FORMULA(local_response_norm) {
    ARGS(local_response_norm);
    (void)n_in, (void)out;
    const ct_layout *l = &in[0]->layout;
    int64_t size = args->size, rest = 1;
    ct_status status = want_channels("local_response_norm", l, 3, NULL, 0);
    if (status) return ct_tensor_failed(status);
    if (size < 1) return ct_tensor_error(CT_FAIL, "local_response_norm: size %lld is not above 0", (long long)size);
    for (int d = 2; d < l->ndim; d++) rest *= l->size[d];
    ct_tensor *square = ct_reshape_to(ct_square(in[0]), (int64_t[]){l->size[0], 1, l->size[1], rest}, 4);
    square = ct_pad(square, (ct_pad_args){.pad = CT_DIMS(0, 0, size / 2, (size - 1) / 2)});
    ct_tensor *mean = ct_avg_pool2d(square, (ct_avg_pool2d_args){.kernel_size = {size, 1}, .stride = {1, 1}});
    mean = ct_plus(ct_times(ct_reshape_to(mean, l->size, l->ndim), args->alpha), args->k);
    return ct_div(in[0], CT_PART(pow_scalar, &(ct_scalar_args){args->beta}, mean));
}
