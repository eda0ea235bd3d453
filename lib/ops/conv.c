/* Convolution of images: itself and its two gradients, each of which has its gradients in the other two. */
#include "ops/shape_util.h"

static ct_conv2d_args forward_args(const ct_conv2d_back_args *b) {
    return (ct_conv2d_args){
        {b->stride[0], b->stride[1]}, {b->padding[0], b->padding[1]}, {b->dilation[0], b->dilation[1]}, b->groups};
}
static ct_conv2d_back_args back_args(const ct_conv2d_args *a, ct_dims size) {
    return (ct_conv2d_back_args){{a->stride[0], a->stride[1]},
                                 {a->padding[0], a->padding[1]},
                                 {a->dilation[0], a->dilation[1]},
                                 a->groups,
                                 size};
}

/* Sizes of the result for x (N, C, H, W) and weight (O, C / groups, KH, KW). */
static ct_status conv_sizes(const ct_conv2d_args *a, const ct_layout *x, const ct_layout *w, int64_t *size) {
    char wt[CT_SHAPE_TEXT], xt[CT_SHAPE_TEXT];
    CT_TRY(ct_want_ndim("conv2d", "the input", x, 4, 4));
    CT_TRY(ct_want_ndim("conv2d", "weight", w, 4, 4));
    ct_layout_text(w, wt, sizeof wt), ct_layout_text(x, xt, sizeof xt);
    if (a->groups < 1 || w->size[0] % a->groups || x->size[1] % a->groups)
        return ct_shape_fail("conv2d", "%lld groups do not divide the channels of weight %s and input %s",
                             (long long)a->groups, wt, xt);
    int64_t channels;
    if (__builtin_mul_overflow(w->size[1], a->groups, &channels) || channels != x->size[1])
        return ct_shape_fail("conv2d", "weight %s wants %lld input channels, input %s has %lld", wt,
                             (long long)channels, xt, (long long)x->size[1]);
    size[0] = x->size[0], size[1] = w->size[0];
    for (int i = 0; i < 2; i++) {
        int64_t kernel = w->size[2 + i], reach, room;
        if (a->stride[i] < 1 || a->dilation[i] < 1 || a->padding[i] < 0 || a->padding[i] > CT_MAX_NUMEL || kernel < 1)
            return ct_shape_fail("conv2d", "stride, dilation and weight %s want sizes above 0, padding 0 or more", wt);
        if (__builtin_mul_overflow(kernel - 1, a->dilation[i], &reach) ||
            (room = x->size[2 + i] + 2 * a->padding[i]) <= reach)
            return ct_shape_fail("conv2d", "weight %s does not fit into input %s", wt, xt);
        size[2 + i] = (room - reach - 1) / a->stride[i] + 1;
    }
    return CT_OK;
}

SHAPE(conv2d) {
    ARGS(conv2d);
    int64_t size[4];
    *n_out = 1;
    CT_TRY(ct_want_there("conv2d", in, 2));
    CT_TRY(ct_want_floats("conv2d", in, n_in));
    CT_TRY(conv_sizes(args, &in[0], &in[1], size));
    if (in[2].dtype != CT_NONE) CT_TRY(ct_want_sizes("conv2d", "bias", &in[2], &size[1], 1));
    return ct_shape_make("conv2d", &in[0], in[0].dtype, size, 4, out);
}
GRAD(conv2d) {
    ARGS(conv2d);
    (void)n_in, (void)out;
    ct_conv2d_back_args dx = back_args(args, ct_shape_of(in[0])), dw = back_args(args, ct_shape_of(in[1]));
    if (need[0]) din[0] = CT_PART(conv2d_dx, &dx, g[0], in[1]);
    if (need[1]) din[1] = CT_PART(conv2d_dw, &dw, g[0], in[0]);
    if (need[2]) din[2] = ct_sum(g[0], (ct_reduce_args){.dim = CT_DIMS(0, 2, 3)});
}

/* x and weight give a result of g's shape. */
static ct_status back_fits(const ct_conv2d_back_args *args, const ct_layout *g, const ct_layout *x,
                           const ct_layout *w) {
    ct_conv2d_args a = forward_args(args);
    int64_t size[4];
    CT_TRY(conv_sizes(&a, x, w, size));
    return ct_want_sizes("conv2d", "the gradient", g, size, 4);
}

SHAPE(conv2d_dx) {
    ARGS(conv2d_back);
    *n_out = 1;
    CT_TRY(ct_want_there("conv2d", in, 2));
    CT_TRY(ct_want_floats("conv2d", in, n_in));
    CT_TRY(ct_shape_make("conv2d", &in[0], in[0].dtype, args->size.v, args->size.n, out));
    return back_fits(args, &in[0], out, &in[1]);
}
GRAD(conv2d_dx) {
    ARGS(conv2d_back);
    (void)n_in, (void)out;
    ct_conv2d_args a = forward_args(args);
    ct_conv2d_back_args dw = back_args(&a, ct_shape_of(in[1]));
    if (need[0]) din[0] = CT_PART(conv2d, &a, g[0], in[1], NULL);
    if (need[1]) din[1] = CT_PART(conv2d_dw, &dw, in[0], g[0]);
}

SHAPE(conv2d_dw) {
    ARGS(conv2d_back);
    *n_out = 1;
    CT_TRY(ct_want_there("conv2d", in, 2));
    CT_TRY(ct_want_floats("conv2d", in, n_in));
    CT_TRY(ct_shape_make("conv2d", NULL, in[0].dtype, args->size.v, args->size.n, out));
    return back_fits(args, &in[0], &in[1], out);
}
GRAD(conv2d_dw) {
    ARGS(conv2d_back);
    (void)n_in, (void)out;
    ct_conv2d_args a = forward_args(args);
    ct_conv2d_back_args dx = back_args(&a, ct_shape_of(in[1]));
    if (need[0]) din[0] = CT_PART(conv2d, &a, in[1], g[0], NULL);
    if (need[1]) din[1] = CT_PART(conv2d_dx, &dx, in[0], g[0]);
}
