/* Windows over images: pooling. */
#include "ops/shape_util.h"

static ct_status want_image(const char *op, const ct_layout *in) {
    CT_TRY(ct_want_floats(op, in, 1));
    return ct_want_ndim(op, "the input", in, 4, 4);
}

/* A size of the result along one side; `step` 0 is the window's size. */
static ct_status window_count(const char *op, int64_t in, int64_t window, int64_t step, int64_t padding,
                              int64_t dilation, bool ceil_mode, int64_t *count) {
    const int64_t most = 1 << 30; /* no product below overflows */
    if (!step) step = window;
    if (window < 1 || window > most || step < 1 || step > most || padding < 0 || dilation < 1 || dilation > most)
        return ct_shape_fail(op, "kernel_size, stride and dilation are above 0, padding is not negative");
    if (padding > window / 2)
        return ct_shape_fail(op, "padding %lld is more than half of kernel_size %lld", (long long)padding,
                             (long long)window);
    int64_t room = in + 2 * padding - dilation * (window - 1) - 1 + (ceil_mode ? step - 1 : 0);
    if (room < 0)
        return ct_shape_fail(op, "a window of %lld does not fit into size %lld", (long long)window, (long long)in);
    *count = room / step + 1;
    if (ceil_mode && (*count - 1) * step >= in + padding) --*count; /* the last starts inside */
    return CT_OK;
}

/* ---- max_pool2d ---- */
SHAPE(max_pool2d_) {
    ARGS(max_pool2d);
    (void)n_in;
    *n_out = 2;
    CT_TRY(want_image("max_pool2d", in));
    int64_t size[4] = {in->size[0], in->size[1]};
    for (int i = 0; i < 2; i++)
        CT_TRY(window_count("max_pool2d", in->size[2 + i], args->kernel_size[i], args->stride[i], args->padding[i],
                            args->dilation[i], args->ceil_mode, &size[2 + i]));
    CT_TRY(ct_shape_make("max_pool2d", in, in->dtype, size, 4, &out[0]));
    return ct_shape_make("max_pool2d", in, CT_I64, size, 4, &out[1]);
}

static ct_tensor *scattered(ct_tensor *g, ct_tensor *indices, const ct_tensor *x) {
    return CT_PART(pool_scatter, &(ct_size_args){.size = ct_shape_of(x)}, g, indices);
}

GRAD(max_pool2d_) {
    (void)n_in, (void)args_, (void)need;
    if (g[0]) din[0] = scattered(g[0], out[1], in[0]);
}

/* `indices`, of the shape of what they choose from or fill, count within planes. */
static ct_status want_planes(const char *op, const ct_layout *few, const ct_layout *indices, const ct_layout *many) {
    CT_TRY(want_image(op, many));
    if (indices->dtype != CT_I64) return ct_shape_fail(op, "indices are i64");
    CT_TRY(ct_want_sizes(op, "the indices", indices, few->size, few->ndim));
    if (few->size[0] == many->size[0] && few->size[1] == many->size[1]) return CT_OK;
    return ct_shape_fail(op, "batch or channels differ");
}

SHAPE(pool_scatter) {
    ARGS(size);
    (void)n_in;
    *n_out = 1;
    CT_TRY(want_image("pool_scatter", in));
    CT_TRY(ct_shape_make("pool_scatter", in, in->dtype, args->size.v, args->size.n, out));
    return want_planes("pool_scatter", &in[0], &in[1], out);
}
GRAD(pool_scatter) {
    (void)n_in, (void)out, (void)args_;
    if (need[0]) din[0] = CT_PART(pool_gather, NULL, g[0], in[1]);
}

SHAPE(pool_gather) {
    (void)n_in, (void)args_;
    *n_out = 1;
    CT_TRY(want_image("pool_gather", in));
    CT_TRY(ct_want_ndim("pool_gather", "the indices", &in[1], 4, 4));
    CT_TRY(want_planes("pool_gather", &in[1], &in[1], &in[0]));
    return ct_shape_make("pool_gather", in, in->dtype, in[1].size, 4, out);
}
GRAD(pool_gather) {
    (void)n_in, (void)out, (void)args_;
    if (need[0]) din[0] = scattered(g[0], in[1], in[0]);
}

/* ---- avg_pool2d ---- */
static ct_avg_pool2d_args forward_args(const ct_avg_pool2d_back_args *b) {
    return (ct_avg_pool2d_args){{b->kernel_size[0], b->kernel_size[1]},
                                {b->stride[0], b->stride[1]},
                                {b->padding[0], b->padding[1]},
                                b->ceil_mode,
                                b->no_count_include_pad,
                                b->divisor_override};
}
static ct_avg_pool2d_back_args back_args(const ct_avg_pool2d_args *a, ct_dims size) {
    return (ct_avg_pool2d_back_args){{a->kernel_size[0], a->kernel_size[1]},
                                     {a->stride[0], a->stride[1]},
                                     {a->padding[0], a->padding[1]},
                                     a->ceil_mode,
                                     a->no_count_include_pad,
                                     a->divisor_override,
                                     size};
}

SHAPE(avg_pool2d_) {
    ARGS(avg_pool2d);
    (void)n_in;
    *n_out = 1;
    CT_TRY(want_image("avg_pool2d", in));
    if (args->divisor_override < 0) return ct_shape_fail("avg_pool2d", "divisor_override is negative");
    int64_t size[4] = {in->size[0], in->size[1]};
    for (int i = 0; i < 2; i++)
        CT_TRY(window_count("avg_pool2d", in->size[2 + i], args->kernel_size[i], args->stride[i], args->padding[i], 1,
                            args->ceil_mode, &size[2 + i]));
    return ct_shape_make("avg_pool2d", in, in->dtype, size, 4, out);
}
GRAD(avg_pool2d_) {
    ARGS(avg_pool2d);
    (void)n_in, (void)out, (void)need;
    ct_avg_pool2d_back_args back = back_args(args, ct_shape_of(in[0]));
    din[0] = CT_PART(avg_pool2d_back, &back, g[0]);
}

SHAPE(avg_pool2d_back) {
    ARGS(avg_pool2d_back);
    ct_avg_pool2d_args forward = forward_args(args);
    ct_layout pooled;
    *n_out = 1;
    CT_TRY(want_image("avg_pool2d", in));
    CT_TRY(ct_shape_make("avg_pool2d", in, in->dtype, args->size.v, args->size.n, out));
    CT_TRY(ct_shape_avg_pool2d_(out, n_in, &forward, &pooled, n_out));
    return ct_want_sizes("avg_pool2d", "the gradient", in, pooled.size, 4);
}
GRAD(avg_pool2d_back) {
    ARGS(avg_pool2d_back);
    (void)in, (void)n_in, (void)out, (void)need;
    ct_avg_pool2d_args forward = forward_args(args);
    din[0] = CT_PART(avg_pool2d_, &forward, g[0]);
}

/* ---- a grid of a given size ---- */
static ct_status adaptive_shape(const char *op, const ct_layout *in, const ct_adaptive_pool2d_args *args,
                                ct_dtype dtype, ct_layout *out) {
    CT_TRY(want_image(op, in));
    for (int i = 0; i < 2; i++)
        if (in->size[2 + i] < 1 || args->output_size[i] < 1)
            return ct_shape_fail(op, "from size %lld to size %lld", (long long)in->size[2 + i],
                                 (long long)args->output_size[i]);
    int64_t size[4] = {in->size[0], in->size[1], args->output_size[0], args->output_size[1]};
    return ct_shape_make(op, in, dtype, size, 4, out);
}

SHAPE(adaptive_avg_pool2d_) {
    (void)n_in;
    *n_out = 1;
    return adaptive_shape("adaptive_avg_pool2d", in, args_, in->dtype, out);
}
/* Of a mean over all pixels it is the same for each: a view. */
GRAD(adaptive_avg_pool2d_) {
    (void)n_in, (void)args_, (void)need;
    ct_dims size = ct_shape_of(in[0]);
    if (out[0]->layout.size[2] * out[0]->layout.size[3] == 1)
        din[0] = ct_expand(ct_times(g[0], 1 / (double)(size.v[2] * size.v[3])), (ct_expand_args){.size = size});
    else
        din[0] = CT_PART(adaptive_avg_pool2d_back, &(ct_size_args){.size = size}, g[0]);
}

SHAPE(adaptive_avg_pool2d_back) {
    ARGS(size);
    (void)n_in;
    *n_out = 1;
    CT_TRY(want_image("adaptive_avg_pool2d", in));
    CT_TRY(ct_shape_make("adaptive_avg_pool2d", in, in->dtype, args->size.v, args->size.n, out));
    ct_adaptive_pool2d_args forward = {{in->size[2], in->size[3]}};
    ct_layout pooled;
    CT_TRY(adaptive_shape("adaptive_avg_pool2d", out, &forward, in->dtype, &pooled));
    return ct_want_sizes("adaptive_avg_pool2d", "the gradient", in, pooled.size, 4);
}
GRAD(adaptive_avg_pool2d_back) {
    (void)n_in, (void)out, (void)args_, (void)need;
    const ct_layout *l = &in[0]->layout;
    din[0] = CT_PART(adaptive_avg_pool2d_, &((ct_adaptive_pool2d_args){{l->size[2], l->size[3]}}), g[0]);
}

SHAPE(adaptive_max_pool2d_) {
    (void)n_in;
    *n_out = 2;
    CT_TRY(adaptive_shape("adaptive_max_pool2d", in, args_, in->dtype, &out[0]));
    return adaptive_shape("adaptive_max_pool2d", in, args_, CT_I64, &out[1]);
}
GRAD(adaptive_max_pool2d_) {
    (void)n_in, (void)args_, (void)need;
    if (g[0]) din[0] = scattered(g[0], out[1], in[0]);
}

/* ---- images and lines, with a batch or without: lines are images of height 1 ---- */
static ct_tensor *pooled(const char *name, int id, int dims, const void *args, ct_tensor *x, ct_tensor **out) {
    const ct_layout *l = &x->layout;
    ct_status status = ct_want_ndim(name, "the input", l, 1 + dims, 2 + dims);
    if (status) return ct_tensor_failed(status);
    int first = l->ndim - dims - 1;
    int64_t image[4] = {first ? l->size[0] : 1, l->size[first], 1};
    for (int d = 0; d < dims; d++) image[4 - dims + d] = l->size[first + 1 + d];
    ct_tensor *made[8], *batch = ct_reshape_to(x, image, 4);
    if (ct_why(ct_apply(id, &batch, 1, args, made))) return made[0];
    for (int i = 0; i < ct_op_get(id)->n_out; i++) {
        ct_dims size = ct_shape_of(x);
        for (int d = 0; d < dims; d++) size.v[first + 1 + d] = made[i]->layout.size[4 - dims + d];
        made[i] = ct_reshape_to(made[i], size.v, size.n);
        if (out && i) out[i] = made[i];
    }
    return made[0];
}

#define IMAGES(name)                                                 \
    FORMULA(name) {                                                  \
        (void)n_in;                                                  \
        return pooled(#name, CT_OP_##name##_, 2, args_, in[0], out); \
    }
IMAGES(max_pool2d)
IMAGES(avg_pool2d)
IMAGES(adaptive_max_pool2d)
IMAGES(adaptive_avg_pool2d)

FORMULA(max_pool1d) {
    ARGS(max_pool1d);
    (void)n_in;
    ct_max_pool2d_args wide = {{1, args->kernel_size[0]},
                               {1, args->stride[0]},
                               {0, args->padding[0]},
                               {1, args->dilation[0]},
                               args->ceil_mode};
    return pooled("max_pool1d", CT_OP_max_pool2d_, 1, &wide, in[0], out);
}
FORMULA(avg_pool1d) {
    ARGS(avg_pool1d);
    (void)n_in;
    ct_avg_pool2d_args wide = {{1, args->kernel_size[0]}, {1, args->stride[0]},       {0, args->padding[0]},
                               args->ceil_mode,           args->no_count_include_pad, 0};
    return pooled("avg_pool1d", CT_OP_avg_pool2d_, 1, &wide, in[0], out);
}
FORMULA(adaptive_max_pool1d) {
    ARGS(adaptive_pool1d);
    (void)n_in;
    ct_adaptive_pool2d_args wide = {{1, args->output_size[0]}};
    return pooled("adaptive_max_pool1d", CT_OP_adaptive_max_pool2d_, 1, &wide, in[0], out);
}
FORMULA(adaptive_avg_pool1d) {
    ARGS(adaptive_pool1d);
    (void)n_in;
    ct_adaptive_pool2d_args wide = {{1, args->output_size[0]}};
    return pooled("adaptive_avg_pool1d", CT_OP_adaptive_avg_pool2d_, 1, &wide, in[0], out);
}
