/* Convolutions written in others: of lines, and transposed. */
#include "ops/conv.h"
#include "ops/shape_util.h"

static ct_tensor *with(ct_tensor *x, int64_t dim) { return ct_unsqueeze(x, (ct_dim_args){.dim = dim}); }
static ct_tensor *without(ct_tensor *x, int64_t dim) { return ct_squeeze(x, (ct_squeeze_args){CT_DIMS(dim)}); }

/* An error unless x has `dims` sides, channels and perhaps a batch, and weight fits it in number. */
static ct_status want_sides(const char *op, ct_tensor *const *in, int dims) {
    CT_TRY(ct_want_floats(op, &in[0]->layout, 1));
    CT_TRY(ct_want_ndim(op, "the input", &in[0]->layout, dims + 1, dims + 2));
    return ct_want_ndim(op, "weight", &in[1]->layout, dims + 2, dims + 2);
}

/* ---- of lines: images of height 1 ---- */
FORMULA(conv1d) {
    ARGS(conv1d);
    (void)n_in, (void)out;
    ct_tensor *missing = ct_missing("conv1d", in, 2);
    if (missing) return missing;
    ct_status status = want_sides("conv1d", in, 1);
    if (status) return ct_tensor_failed(status);
    bool one = in[0]->layout.ndim == 2;
    int64_t padding = args->padding[0];
    ct_conv c = {"conv1d", 1, args->stride, &padding, args->dilation, args->groups};
    ct_tensor *x = ct_conv_padded(&c, in[0], in[1], &padding);
    ct_conv2d_args wide = {{1, args->stride[0]}, {0, padding}, {1, args->dilation[0]}, args->groups};
    x = with(one ? with(x, 0) : x, 2);
    ct_tensor *y = without(CT_PART(conv2d_, &wide, x, with(in[1], 2), in[2]), 2);
    return one ? without(y, 0) : y;
}

/* ---- transposed: the gradient of a convolution's input ---- */
typedef struct transposed {
    const char *op;
    int dims;
    const int64_t *stride, *padding, *output_padding, *dilation;
    int64_t groups;
} transposed;

/* What y (N, weight's size[1] * groups, ...) is made of; `more`: the zeros at x's ends that make up for output_padding
   of whole strides. */
static ct_status transposed_sizes(const transposed *t, const ct_layout *x, const ct_layout *w, ct_dims *size,
                                  ct_dims *more) {
    if (t->groups < 1 || __builtin_mul_overflow(w->size[1], t->groups, &size->v[1]))
        return ct_shape_fail(t->op, "%lld groups of channels are not possible", (long long)t->groups);
    size->n = t->dims + 2, size->v[0] = x->size[0], more->n = 2 * t->dims;
    for (int i = 0; i < t->dims; i++) {
        int64_t stride = t->stride[i], extra = t->output_padding[i], dilation = t->dilation[i], apart, reach;
        if (stride < 1 || dilation < 1 || extra < 0 || t->padding[i] < 0 || t->padding[i] > CT_MAX_NUMEL)
            return ct_shape_fail(t->op, "stride and dilation are above 0, padding is not negative");
        if (extra >= stride && extra >= dilation)
            return ct_shape_fail(t->op, "output_padding %lld is smaller neither than stride nor than dilation",
                                 (long long)extra);
        if (__builtin_mul_overflow(x->size[2 + i] - 1, stride, &apart) || apart > CT_MAX_NUMEL ||
            __builtin_mul_overflow(w->size[2 + i] - 1, dilation, &reach) || reach > CT_MAX_NUMEL ||
            extra > CT_MAX_NUMEL)
            return ct_shape_fail(t->op, "the result's sizes overflow");
        more->v[2 * (t->dims - 1 - i) + 1] = extra / stride;
        size->v[2 + i] = apart - 2 * t->padding[i] + reach + extra + 1;
    }
    return CT_OK;
}

/* By the 2-d or 3-d convolution's gradient; lines are images of height 1. */
static ct_tensor *back(const transposed *t, ct_tensor *x, ct_tensor *weight, ct_dims size) {
    const int64_t *s = t->stride, *p = t->padding, *d = t->dilation;
    if (t->dims == 3) {
        ct_conv three = {t->op, 3, s, p, d, t->groups};
        return ct_conv3d_back(&three, x, weight, &size);
    }
    if (t->dims == 2) {
        ct_conv2d_back_args two = {{s[0], s[1]}, {p[0], p[1]}, {d[0], d[1]}, t->groups, size};
        return CT_PART(conv2d_dx, &two, x, weight);
    }
    ct_conv2d_back_args one = {{1, s[0]}, {0, p[0]}, {1, d[0]}, t->groups, {4, {size.v[0], size.v[1], 1, size.v[2]}}};
    return without(CT_PART(conv2d_dx, &one, with(x, 2), with(weight, 2)), 2);
}

static ct_tensor *transpose(transposed t, ct_tensor *const *in) {
    ct_tensor *missing = ct_missing(t.op, in, 2);
    if (missing) return missing;
    ct_dims size = {0};
    ct_pad_args end = {0};
    ct_status status = want_sides(t.op, in, t.dims);
    if (status) return ct_tensor_failed(status);
    bool one = in[0]->layout.ndim == t.dims + 1, padded = false;
    ct_tensor *x = one ? with(in[0], 0) : in[0];
    status = transposed_sizes(&t, &x->layout, &in[1]->layout, &size, &end.pad);
    if (!status && in[2]) status = ct_want_sizes(t.op, "bias", &in[2]->layout, &size.v[1], 1);
    if (status) return ct_tensor_failed(status);
    for (int i = 0; i < end.pad.n; i++) padded |= end.pad.v[i] > 0;
    ct_tensor *y = back(&t, padded ? ct_pad(x, end) : x, in[1], size);
    if (in[2] && !ct_why(y)) y = ct_add(y, ct_by_channel(in[2], &y->layout));
    return one ? without(y, 0) : y;
}

#define TRANSPOSED(n)                                                                                                \
    FORMULA(conv_transpose##n##d) {                                                                                  \
        ARGS(conv_transpose##n##d);                                                                                  \
        (void)n_in, (void)out;                                                                                       \
        return transpose((transposed){"conv_transpose" #n "d", n, args->stride, args->padding, args->output_padding, \
                                      args->dilation, args->groups},                                                 \
                         in);                                                                                        \
    }
TRANSPOSED(1)
TRANSPOSED(2)
TRANSPOSED(3)
