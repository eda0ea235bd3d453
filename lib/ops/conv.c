/* Convolution of images: itself and its two gradients, each of which has its gradients in the other two. */
#include "ops/conv.h"
#include "ops/shape_util.h"
#include <stddef.h>

/* The gradients' arguments begin as the convolution's do, so one reads as the other. */
_Static_assert(offsetof(ct_conv2d_back_args, size) == sizeof(ct_conv2d_args), "conv2d_back begins as conv2d");
static ct_conv conv2(const void *args) {
    const ct_conv2d_args *a = args;
    return (ct_conv){"conv2d", 2, a->stride, a->padding, a->dilation, a->groups};
}

static ct_tensor *call(int op, const void *args, ct_tensor *a, ct_tensor *b, ct_dims size) {
    const ct_conv2d_args *c = args;
    ct_conv2d_back_args back = {.groups = c->groups, .size = size};
    for (int i = 0; i < 2; i++)
        back.stride[i] = c->stride[i], back.padding[i] = c->padding[i], back.dilation[i] = c->dilation[i];
    return ct_apply(op, (ct_tensor *[]){a, b, NULL}, op == CT_OP_conv2d_ ? 3 : 2, &back, NULL);
}

/* Size of the result along side i of the window. */
static ct_status side(const ct_conv *c, int i, int64_t in, int64_t kernel, const ct_layout *x, const ct_layout *w,
                      int64_t *size) {
    char wt[CT_SHAPE_TEXT], xt[CT_SHAPE_TEXT];
    int64_t stride = c->stride[i], padding = c->padding[i], dilation = c->dilation[i], reach, room = 0;
    ct_layout_text(w, wt, sizeof wt), ct_layout_text(x, xt, sizeof xt);
    if (stride < 1 || dilation < 1 || padding < 0 || padding > CT_MAX_NUMEL || kernel < 1)
        return ct_shape_fail(c->op, "stride, dilation and weight %s want sizes above 0, padding 0 or more", wt);
    if (__builtin_mul_overflow(kernel - 1, dilation, &reach) || (room = in + 2 * padding) <= reach)
        return ct_shape_fail(c->op, "weight %s does not fit into input %s", wt, xt);
    *size = (room - reach - 1) / stride + 1;
    return CT_OK;
}

ct_status ct_conv_sizes(const ct_conv *c, const ct_layout *x, const ct_layout *w, int64_t *size) {
    char wt[CT_SHAPE_TEXT], xt[CT_SHAPE_TEXT];
    CT_TRY(ct_want_ndim(c->op, "the input", x, 2 + c->dims, 2 + c->dims));
    CT_TRY(ct_want_ndim(c->op, "weight", w, 2 + c->dims, 2 + c->dims));
    ct_layout_text(w, wt, sizeof wt), ct_layout_text(x, xt, sizeof xt);
    if (c->groups < 1 || w->size[0] % c->groups || x->size[1] % c->groups)
        return ct_shape_fail(c->op, "%lld groups do not divide the channels of weight %s and input %s",
                             (long long)c->groups, wt, xt);
    int64_t channels;
    if (__builtin_mul_overflow(w->size[1], c->groups, &channels) || channels != x->size[1])
        return ct_shape_fail(c->op, "weight %s wants %lld input channels, input %s has %lld", wt, (long long)channels,
                             xt, (long long)x->size[1]);
    size[0] = x->size[0], size[1] = w->size[0];
    for (int i = 0; i < c->dims; i++) CT_TRY(side(c, i, x->size[2 + i], w->size[2 + i], x, w, &size[2 + i]));
    return CT_OK;
}

/* ---- the convolution ---- */
ct_tensor *ct_conv_batch(const ct_conv *c, ct_tensor *x, bool *alone) {
    *alone = x->layout.ndim == 1 + c->dims;
    return *alone ? ct_unsqueeze(x, (ct_dim_args){0}) : x;
}

ct_tensor *ct_conv_unbatch(ct_tensor *y, bool alone) {
    return alone ? ct_squeeze(y, (ct_squeeze_args){CT_DIMS(0)}) : y;
}

ct_tensor *ct_conv_padded(const ct_conv *c, ct_tensor *x, const ct_tensor *weight, int64_t *padding) {
    enum { VALID = CT_SAME - 1 }; /* the words of `padding` */
    ct_pad_args more = {.pad.n = 2 * c->dims};
    bool same = padding[0] == CT_SAME, odd = false;
    if (!same && padding[0] != VALID) return x;
    for (int i = 0; i < c->dims; i++) {
        int64_t total = 0, kernel = i + 2 < weight->layout.ndim ? weight->layout.size[i + 2] : 1;
        if (same && c->stride[i] != 1)
            return ct_tensor_error(CT_FAIL, "%s: padding same wants a stride of 1, got %lld", c->op,
                                   (long long)c->stride[i]);
        if (same && (kernel < 1 || __builtin_mul_overflow(kernel - 1, c->dilation[i], &total)))
            return ct_tensor_error(CT_FAIL, "%s: there is no padding that keeps the size", c->op);
        padding[i] = total / 2, odd |= total % 2;
        more.pad.v[2 * (c->dims - 1 - i) + 1] = total % 2;
    }
    return odd ? ct_pad(x, more) : x;
}

FORMULA(conv2d) {
    ct_conv2d_args a = *(const ct_conv2d_args *)args_;
    (void)n_in, (void)out;
    ct_tensor *missing = ct_missing("conv2d", in, 2);
    if (missing) return missing;
    ct_conv c = conv2(&a);
    bool alone;
    ct_tensor *x = ct_conv_padded(&c, ct_conv_batch(&c, in[0], &alone), in[1], a.padding);
    return ct_conv_unbatch(CT_PART(conv2d_, &a, x, in[1], in[2]), alone);
}

SHAPE(conv2d_) {
    ct_conv c = conv2(args_);
    int64_t size[CT_MAX_DIMS];
    *n_out = 1;
    CT_TRY(ct_want_there("conv2d", in, 2));
    CT_TRY(ct_want_floats("conv2d", in, n_in));
    CT_TRY(ct_conv_sizes(&c, &in[0], &in[1], size));
    if (in[2].dtype != CT_NONE) CT_TRY(ct_want_sizes("conv2d", "bias", &in[2], &size[1], 1));
    return ct_shape_make("conv2d", &in[0], in[0].dtype, size, 4, out);
}
GRAD(conv2d_) {
    (void)n_in, (void)out;
    if (need[0]) din[0] = call(CT_OP_conv2d_dx, args_, g[0], in[1], ct_shape_of(in[0]));
    if (need[1]) din[1] = call(CT_OP_conv2d_dw, args_, g[0], in[0], ct_shape_of(in[1]));
    if (need[2]) din[2] = ct_sum(g[0], (ct_reduce_args){.dim = CT_DIMS(0, 2, 3)});
}

/* ---- its gradients ---- */
/* x and weight give a result of g's shape. */
static ct_status back_fits(const void *args, const ct_layout *g, const ct_layout *x, const ct_layout *w) {
    ct_conv c = conv2(args);
    int64_t size[CT_MAX_DIMS];
    CT_TRY(ct_conv_sizes(&c, x, w, size));
    return ct_want_sizes("conv2d", "the gradient", g, size, 4);
}

SHAPE(conv2d_dx) {
    ARGS(conv2d_back);
    *n_out = 1;
    CT_TRY(ct_want_there("conv2d", in, 2));
    CT_TRY(ct_want_floats("conv2d", in, n_in));
    CT_TRY(ct_shape_make("conv2d", &in[0], in[0].dtype, args->size.v, args->size.n, out));
    return back_fits(args_, &in[0], out, &in[1]);
}
GRAD(conv2d_dx) {
    (void)n_in, (void)out;
    if (need[0]) din[0] = call(CT_OP_conv2d_, args_, g[0], in[1], (ct_dims){0});
    if (need[1]) din[1] = call(CT_OP_conv2d_dw, args_, in[0], g[0], ct_shape_of(in[1]));
}

SHAPE(conv2d_dw) {
    ARGS(conv2d_back);
    *n_out = 1;
    CT_TRY(ct_want_there("conv2d", in, 2));
    CT_TRY(ct_want_floats("conv2d", in, n_in));
    CT_TRY(ct_shape_make("conv2d", NULL, in[0].dtype, args->size.v, args->size.n, out));
    return back_fits(args_, &in[0], &in[1], out);
}
GRAD(conv2d_dw) {
    (void)n_in, (void)out;
    if (need[0]) din[0] = call(CT_OP_conv2d_, args_, in[1], g[0], (ct_dims){0});
    if (need[1]) din[1] = call(CT_OP_conv2d_dx, args_, in[0], g[0], ct_shape_of(in[1]));
}
