/* Convolution of volumes, by that of images: a window's planes become channels of one image. */
#include "base/alloc.h"
#include "ops/conv.h"
#include "ops/shape_util.h"

/* (N, A, B, H, W) as (N, B, A, H, W). */
static ct_tensor *swapped(ct_tensor *x) { return ct_permute(x, (ct_dims_args){CT_DIMS(0, 2, 1, 3, 4)}); }

/* Of x (N, C, D, H, W), n planes: at, at + stride... */
static ct_slice_args planes(const ct_layout *x, int64_t at, int64_t stride, int64_t n) {
    ct_slice_args s = {.start = {.n = 5}, .stop = ct_all_dims(x->size, 5), .step = CT_DIMS(1, 1, stride, 1, 1)};
    s.start.v[2] = at, s.stop.v[2] = at + (n - 1) * stride + 1;
    return s;
}

/* weight (O, C / groups, KD, KH, KW) as (O, KD * C / groups, KH, KW). */
static ct_tensor *flat_weight(ct_tensor *weight) {
    const int64_t *s = weight->layout.size;
    return ct_reshape_to(swapped(weight), (int64_t[]){s[0], s[2] * s[1], s[3], s[4]}, 4);
}

/* x (N, C, D, H, W) as images (N * n, KD * C, H, W) of the n windows along the depth: of each group plane after plane.
 */
static ct_tensor *windows(const ct_conv *c, ct_tensor *x, int64_t kernel, int64_t n) {
    ct_tensor **plane = ct_alloc((size_t)kernel, sizeof *plane);
    if (!plane) return ct_tensor_failed(CT_NO_MEMORY);
    if (c->padding[0]) x = ct_pad(x, (ct_pad_args){.pad = CT_DIMS(0, 0, 0, 0, c->padding[0], c->padding[0])});
    const int64_t *s = x->layout.size, each = s[1] / c->groups;
    for (int64_t k = 0; k < kernel; k++) {
        ct_slice_args at = planes(&x->layout, k * c->dilation[0], c->stride[0], n);
        plane[k] = ct_reshape_to(swapped(ct_slice(x, at)), (int64_t[]){s[0], n, c->groups, 1, each, s[3], s[4]}, 7);
    }
    ct_tensor *all = ct_cat(plane, (int)kernel, (ct_dim_args){.dim = 3});
    ct_free(plane);
    return ct_reshape_to(all, (int64_t[]){s[0] * n, kernel * s[1], s[3], s[4]}, 4);
}

static ct_status check(const ct_conv *c, ct_tensor *const *in, int64_t *size) {
    for (int i = 1; i < 3; i++) {
        ct_layout both[] = {in[0]->layout, in[i] ? in[i]->layout : (ct_layout){0}};
        CT_TRY(ct_want_floats(c->op, both, 2));
    }
    CT_TRY(ct_conv_sizes(c, &in[0]->layout, &in[1]->layout, size));
    return in[2] ? ct_want_sizes(c->op, "bias", &in[2]->layout, &size[1], 1) : CT_OK;
}

FORMULA(conv3d) {
    ARGS(conv3d);
    (void)n_in, (void)out;
    ct_tensor *missing = ct_missing("conv3d", in, 2);
    if (missing) return missing;
    int64_t size[CT_MAX_DIMS], p[] = {args->padding[0], args->padding[1], args->padding[2]};
    const int64_t *s = args->stride, *d = args->dilation, *kernel = in[1]->layout.size + 2;
    ct_conv c = {"conv3d", 3, s, p, d, args->groups};
    bool alone;
    ct_tensor *padded = ct_conv_padded(&c, ct_conv_batch(&c, in[0], &alone), in[1], p);
    if (ct_why(padded)) return padded;
    ct_status status = check(&c, (ct_tensor *[]){padded, in[1], in[2]}, size);
    if (status) return ct_tensor_failed(status);
    ct_conv2d_args flat = {{s[1], s[2]}, {p[1], p[2]}, {d[1], d[2]}, args->groups};
    ct_tensor *x = windows(&c, padded, kernel[0], size[2]);
    ct_tensor *y = CT_PART(conv2d_, &flat, x, flat_weight(in[1]), in[2]);
    y = swapped(ct_reshape_to(y, (int64_t[]){size[0], size[2], size[1], size[3], size[4]}, 5));
    return ct_conv_unbatch(ct_contiguous(y), alone);
}

ct_tensor *ct_conv3d_back(const ct_conv *c, ct_tensor *x, ct_tensor *weight, const ct_dims *size) {
    const int64_t *s = c->stride, *p = c->padding, *d = c->dilation, *in = x->layout.size, *to = size->v;
    int64_t kernel = weight->layout.size[2], each = weight->layout.size[1], fits[CT_MAX_DIMS];
    ct_layout whole = ct_layout_of(x->layout.dtype, *size);
    ct_status status = ct_conv_sizes(c, &whole, &weight->layout, fits);
    if (!status) status = ct_want_sizes(c->op, "the input", &x->layout, fits, 5);
    if (status) return ct_tensor_failed(status);
    whole.size[2] += 2 * p[0];
    ct_dims images = CT_DIMS(in[0] * in[2], kernel * to[1], to[3], to[4]);
    ct_conv2d_back_args flat = {{s[1], s[2]}, {p[1], p[2]}, {d[1], d[2]}, c->groups, images};
    x = ct_reshape_to(swapped(x), (int64_t[]){in[0] * in[2], in[1], in[3], in[4]}, 4);
    ct_tensor *y = CT_PART(conv2d_dx, &flat, x, flat_weight(weight)), *sum = NULL;
    y = ct_reshape_to(y, (int64_t[]){in[0], in[2], c->groups, kernel, each * to[3], to[4]}, 6);
    for (int64_t k = 0; k < kernel && !ct_why(y); k++) {
        ct_slice_args at = planes(&whole, k * d[0], s[0], in[2]);
        ct_slice_back_args put = {at.start, at.stop, at.step, ct_all_dims(whole.size, 5)};
        ct_tensor *plane = ct_select(y, (ct_select_args){.dim = 3, .index = k ? k : CT_ZERO});
        plane = swapped(ct_reshape_to(plane, (int64_t[]){in[0], in[2], to[1], to[3], to[4]}, 5));
        plane = CT_PART(slice_back, &put, plane);
        sum = sum ? ct_add(sum, plane) : plane;
    }
    return ct_why(y) ? y : ct_slice(sum, planes(&whole, p[0], 1, to[2]));
}
