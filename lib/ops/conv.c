/* Convolution of images and volumes: itself and its two gradients, each of which has its gradients in the other two. */
#include "ops/shape_util.h"
#include <stddef.h>

enum { FORWARD, DX, DW };
static const int ids[][3] = {
    [2] = {CT_OP_conv2d, CT_OP_conv2d_dx, CT_OP_conv2d_dw}, [3] = {CT_OP_conv3d, CT_OP_conv3d_dx, CT_OP_conv3d_dw}};
static const char *const names[] = {[2] = "conv2d", [3] = "conv3d"};

/* Arguments, whatever the dimensions. */
typedef struct conv {
    int dims;
    const int64_t *stride, *padding, *dilation;
    int64_t groups;
} conv;

/* The gradients' arguments begin as the convolution's do, so one reads as the other. */
_Static_assert(offsetof(ct_conv2d_back_args, size) == sizeof(ct_conv2d_args), "conv2d_back begins as conv2d");
_Static_assert(offsetof(ct_conv3d_back_args, size) == sizeof(ct_conv3d_args), "conv3d_back begins as conv3d");
static conv conv2(const void *args) {
    const ct_conv2d_args *a = args;
    return (conv){2, a->stride, a->padding, a->dilation, a->groups};
}
static conv conv3(const void *args) {
    const ct_conv3d_args *a = args;
    return (conv){3, a->stride, a->padding, a->dilation, a->groups};
}

static ct_tensor *call(int which, const conv *c, ct_tensor *a, ct_tensor *b, ct_dims size) {
    ct_conv2d_back_args two = {.groups = c->groups, .size = size};
    ct_conv3d_back_args three = {.groups = c->groups, .size = size};
    int64_t *stride = c->dims == 2 ? two.stride : three.stride, *padding = c->dims == 2 ? two.padding : three.padding;
    int64_t *dilation = c->dims == 2 ? two.dilation : three.dilation;
    for (int i = 0; i < c->dims; i++)
        stride[i] = c->stride[i], padding[i] = c->padding[i], dilation[i] = c->dilation[i];
    const void *args = c->dims == 2 ? (const void *)&two : &three;
    return ct_apply(ids[c->dims][which], (ct_tensor *[]){a, b, NULL}, which == FORWARD ? 3 : 2, args, NULL);
}

/* Size of the result along side i of the window. */
static ct_status side(const conv *c, int i, int64_t in, int64_t kernel, const ct_layout *x, const ct_layout *w,
                      int64_t *size) {
    char wt[CT_SHAPE_TEXT], xt[CT_SHAPE_TEXT];
    int64_t stride = c->stride[i], padding = c->padding[i], dilation = c->dilation[i], reach, room = 0;
    ct_layout_text(w, wt, sizeof wt), ct_layout_text(x, xt, sizeof xt);
    if (stride < 1 || dilation < 1 || padding < 0 || padding > CT_MAX_NUMEL || kernel < 1)
        return ct_shape_fail(names[c->dims], "stride, dilation and weight %s want sizes above 0, padding 0 or more",
                             wt);
    if (__builtin_mul_overflow(kernel - 1, dilation, &reach) || (room = in + 2 * padding) <= reach)
        return ct_shape_fail(names[c->dims], "weight %s does not fit into input %s", wt, xt);
    *size = (room - reach - 1) / stride + 1;
    return CT_OK;
}

/* Sizes of the result for x (N, C, H, W) and weight (O, C / groups, KH, KW), or with a depth before the height. */
static ct_status conv_sizes(const conv *c, const ct_layout *x, const ct_layout *w, int64_t *size) {
    const char *op = names[c->dims];
    char wt[CT_SHAPE_TEXT], xt[CT_SHAPE_TEXT];
    CT_TRY(ct_want_ndim(op, "the input", x, 2 + c->dims, 2 + c->dims));
    CT_TRY(ct_want_ndim(op, "weight", w, 2 + c->dims, 2 + c->dims));
    ct_layout_text(w, wt, sizeof wt), ct_layout_text(x, xt, sizeof xt);
    if (c->groups < 1 || w->size[0] % c->groups || x->size[1] % c->groups)
        return ct_shape_fail(op, "%lld groups do not divide the channels of weight %s and input %s",
                             (long long)c->groups, wt, xt);
    int64_t channels;
    if (__builtin_mul_overflow(w->size[1], c->groups, &channels) || channels != x->size[1])
        return ct_shape_fail(op, "weight %s wants %lld input channels, input %s has %lld", wt, (long long)channels, xt,
                             (long long)x->size[1]);
    size[0] = x->size[0], size[1] = w->size[0];
    for (int i = 0; i < c->dims; i++) CT_TRY(side(c, i, x->size[2 + i], w->size[2 + i], x, w, &size[2 + i]));
    return CT_OK;
}

/* ---- the convolution ---- */
static ct_status forward_shape(conv c, const ct_layout *in, int n_in, ct_layout *out, int *n_out) {
    const char *op = names[c.dims];
    int64_t size[CT_MAX_DIMS];
    *n_out = 1;
    CT_TRY(ct_want_there(op, in, 2));
    CT_TRY(ct_want_floats(op, in, n_in));
    CT_TRY(conv_sizes(&c, &in[0], &in[1], size));
    if (in[2].dtype != CT_NONE) CT_TRY(ct_want_sizes(op, "bias", &in[2], &size[1], 1));
    return ct_shape_make(op, &in[0], in[0].dtype, size, 2 + c.dims, out);
}
static void forward_grad(conv c, ct_tensor *const *in, ct_tensor *g, const bool *need, ct_tensor **din) {
    ct_reduce_args but_channels = {.dim = c.dims == 2 ? CT_DIMS(0, 2, 3) : CT_DIMS(0, 2, 3, 4)};
    if (need[0]) din[0] = call(DX, &c, g, in[1], ct_shape_of(in[0]));
    if (need[1]) din[1] = call(DW, &c, g, in[0], ct_shape_of(in[1]));
    if (need[2]) din[2] = ct_sum(g, but_channels);
}

SHAPE(conv2d) { return forward_shape(conv2(args_), in, n_in, out, n_out); }
SHAPE(conv3d) { return forward_shape(conv3(args_), in, n_in, out, n_out); }
GRAD(conv2d) { (void)n_in, (void)out, forward_grad(conv2(args_), in, g[0], need, din); }
GRAD(conv3d) { (void)n_in, (void)out, forward_grad(conv3(args_), in, g[0], need, din); }

/* ---- its gradients ---- */
/* x and weight give a result of g's shape. */
static ct_status back_fits(const conv *c, const ct_layout *g, const ct_layout *x, const ct_layout *w) {
    int64_t size[CT_MAX_DIMS];
    CT_TRY(conv_sizes(c, x, w, size));
    return ct_want_sizes(names[c->dims], "the gradient", g, size, 2 + c->dims);
}

static ct_status dx_shape(conv c, const ct_dims *size, const ct_layout *in, int n_in, ct_layout *out, int *n_out) {
    *n_out = 1;
    CT_TRY(ct_want_there(names[c.dims], in, 2));
    CT_TRY(ct_want_floats(names[c.dims], in, n_in));
    CT_TRY(ct_shape_make(names[c.dims], &in[0], in[0].dtype, size->v, size->n, out));
    return back_fits(&c, &in[0], out, &in[1]);
}
static void dx_grad(conv c, ct_tensor *const *in, ct_tensor *g, const bool *need, ct_tensor **din) {
    if (need[0]) din[0] = call(FORWARD, &c, g, in[1], (ct_dims){0});
    if (need[1]) din[1] = call(DW, &c, in[0], g, ct_shape_of(in[1]));
}

SHAPE(conv2d_dx) {
    ARGS(conv2d_back);
    return dx_shape(conv2(args_), &args->size, in, n_in, out, n_out);
}
SHAPE(conv3d_dx) {
    ARGS(conv3d_back);
    return dx_shape(conv3(args_), &args->size, in, n_in, out, n_out);
}
GRAD(conv2d_dx) { (void)n_in, (void)out, dx_grad(conv2(args_), in, g[0], need, din); }
GRAD(conv3d_dx) { (void)n_in, (void)out, dx_grad(conv3(args_), in, g[0], need, din); }

static ct_status dw_shape(conv c, const ct_dims *size, const ct_layout *in, int n_in, ct_layout *out, int *n_out) {
    *n_out = 1;
    CT_TRY(ct_want_there(names[c.dims], in, 2));
    CT_TRY(ct_want_floats(names[c.dims], in, n_in));
    CT_TRY(ct_shape_make(names[c.dims], NULL, in[0].dtype, size->v, size->n, out));
    return back_fits(&c, &in[0], &in[1], out);
}
static void dw_grad(conv c, ct_tensor *const *in, ct_tensor *g, const bool *need, ct_tensor **din) {
    if (need[0]) din[0] = call(FORWARD, &c, in[1], g, (ct_dims){0});
    if (need[1]) din[1] = call(DX, &c, in[0], g, ct_shape_of(in[1]));
}

SHAPE(conv2d_dw) {
    ARGS(conv2d_back);
    return dw_shape(conv2(args_), &args->size, in, n_in, out, n_out);
}
SHAPE(conv3d_dw) {
    ARGS(conv3d_back);
    return dw_shape(conv3(args_), &args->size, in, n_in, out, n_out);
}
GRAD(conv2d_dw) { (void)n_in, (void)out, dw_grad(conv2(args_), in, g[0], need, din); }
GRAD(conv3d_dw) { (void)n_in, (void)out, dw_grad(conv3(args_), in, g[0], need, din); }
