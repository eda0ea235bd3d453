/* Shape rules: what they refuse, in which words, and the layouts and types they give. */
#include "check.h"
#include "ops/ops.h"

#define REFUSED(call, message) CHECK_HAS(ct_why(call), message)
#define F(...) ct_full(CT_F32, CT_DIMS(__VA_ARGS__), 1)
#define D(...) ct_full(CT_F64, CT_DIMS(__VA_ARGS__), 1)
#define I(...) ct_full(CT_I64, CT_DIMS(__VA_ARGS__), 1)

static bool has_shape(const ct_tensor *t, ct_dims shape) {
    if (ct_why(t)) printf("    error: %s\n", ct_why(t));
    bool same = !ct_why(t) && ct_ndim(t) == shape.n;
    for (int d = 0; same && d < shape.n; d++) same = ct_size(t, d) == shape.v[d];
    return same;
}
#define CHECK_SHAPE(t, ...) CHECK(has_shape(t, CT_DIMS(__VA_ARGS__)))

static void products(void) {
    REFUSED(ct_matmul(F(2, 3), F(4, 5)), "matmul: inner sizes differ: (2, 3) and (4, 5)");
    REFUSED(ct_matmul(F(2, 3, 4), F(3, 4, 5)), "matmul: batches do not broadcast: (2, 3, 4) and (3, 4, 5)");
    REFUSED(ct_matmul(F(2, 3), D(3, 5)), "matmul: inputs are f32 and f64");
    REFUSED(ct_matmul(I(2, 3), F(3, 5)), "matmul: inputs are i64 and f32; make them the same");
    REFUSED(ct_matmul(ct_to(I(2, 3), CT_BOOL), ct_to(I(3, 5), CT_BOOL)), "matmul: works on numbers, the input is bool");
    REFUSED(ct_matmul(ct_scalar(CT_F32, 1), F(3)), "matmul: a number has no rows");
    REFUSED(ct_linear(F(2, 3), F(4, 5), NULL), "linear: weight (4, 5) wants 5 features, input (2, 3) has 3");
    REFUSED(ct_linear(F(2, 5), F(4, 5), F(5)), "linear: bias has shape (5), wanted (4)");
    CHECK_SHAPE(ct_matmul(F(7, 0), F(0, 3)), 7, 3);
    CHECK(ct_item(ct_sum(ct_matmul(F(7, 0), F(0, 3)), (ct_reduce_args){0})) == 0);
}

static void convolution(void) {
    REFUSED(ct_conv2d(F(2, 4, 9, 11), F(8, 3, 3, 3), NULL, (ct_conv2d_args){0}),
            "conv2d: weight (8, 3, 3, 3) wants 3 input channels, input (2, 4, 9, 11) has 4");
    REFUSED(ct_conv2d(F(2, 4, 9, 11), F(8, 4, 3, 3), NULL, (ct_conv2d_args){.groups = 3}), "3 groups do not divide");
    REFUSED(ct_conv2d(F(2, 4, 2, 2), F(8, 4, 3, 3), NULL, (ct_conv2d_args){0}), "does not fit into input (2, 4, 2, 2)");
    REFUSED(ct_conv2d(F(2, 4, 2, 2), F(8, 4, 3, 3), F(4), (ct_conv2d_args){.padding = {1, 1}}), "bias has shape (4)");
    REFUSED(ct_conv2d(F(4, 2), F(8, 4, 3, 3), NULL, (ct_conv2d_args){0}), "the input has 4 dimensions, got (4, 2)");
    REFUSED(ct_conv2d(F(1, 1, 2, 2), NULL, NULL, (ct_conv2d_args){0}), "conv2d: input 2 is missing");
    REFUSED(ct_conv2d(F(1, 1, 2, 2), F(1, 1, 1, 1), NULL, (ct_conv2d_args){.stride = {-1, 1}}), "conv2d: stride");
    REFUSED(ct_conv2d(F(1, 1, 2, 2), F(1, 1, 1, 1), NULL, (ct_conv2d_args){.padding = {INT64_MAX, 1}}),
            "conv2d: stride");
    REFUSED(ct_conv2d(F(1, 1, 2, 2), F(1, 1, 1, 1), NULL, (ct_conv2d_args){.padding = {1 << 30, 1 << 30}}),
            "more elements");
    CHECK_SHAPE(ct_conv2d(F(2, 4, 9, 11), F(8, 4, 5, 3), NULL, (ct_conv2d_args){.stride = {2, 2}, .padding = {1, 1}}),
                2, 8, 4, 6);
}

/* x (N, C, H, W), with its channels innermost in memory. */
static ct_tensor *channels_last(ct_tensor *x) {
    return ct_permute(ct_contiguous(ct_permute(x, (ct_dims_args){.dims = CT_DIMS(0, 2, 3, 1)})),
                      (ct_dims_args){.dims = CT_DIMS(0, 3, 1, 2)});
}
static bool is_last(const ct_tensor *t) {
    return !ct_why(t) && ct_stride(t, 1) == 1 && ct_stride(t, 3) == ct_size(t, 1);
}

static void layouts(void) {
    for (int64_t c = 1; c < 4; c += 2) {
        ct_tensor *x = channels_last(F(2, c, 6, 6)), *w = F(5, c, 3, 3), *indices, *y;
        CHECK(is_last(y = ct_conv2d(x, w, NULL, (ct_conv2d_args){0})));
        CHECK(is_last(ct_max_pool2d(y, (ct_max_pool2d_args){.kernel_size = {2, 2}}, &indices)));
        CHECK(is_last(indices));
        CHECK(is_last(ct_batch_norm(y, NULL, NULL, NULL, NULL, (ct_batch_norm_args){.training = true})));
        CHECK(is_last(ct_relu(y)) && is_last(ct_add(y, F(5, 1, 1))));
        CHECK(ct_is_contiguous(ct_conv2d(F(2, c, 6, 6), w, NULL, (ct_conv2d_args){0})));
    }
    ct_tensor *w = ct_requires_grad(channels_last(F(5, 3, 3, 3)), true), *dw;
    ct_tensor *y = ct_conv2d(channels_last(F(2, 3, 6, 6)), w, NULL, (ct_conv2d_args){0});
    CHECK(!ct_gradients(ct_sum(y, (ct_reduce_args){0}), NULL, &w, 1, false, &dw) && ct_is_contiguous(dw));
}

static void windows(void) {
    ct_tensor *x = F(2, 3, 8, 9);
    REFUSED(ct_max_pool2d(x, (ct_max_pool2d_args){.kernel_size = {2, 2}, .padding = {2, 2}}, NULL),
            "max_pool2d: padding 2 is more than half of kernel_size 2");
    REFUSED(ct_avg_pool2d(x, (ct_avg_pool2d_args){.kernel_size = {9, 9}}), "a window of 9 does not fit into size 8");
    REFUSED(ct_max_pool2d(x, (ct_max_pool2d_args){.kernel_size = {INT64_MAX, 2}}, NULL), "max_pool2d: kernel_size");
    CHECK_SHAPE(ct_max_pool2d(F(1, 1, 7, 7), (ct_max_pool2d_args){.kernel_size = {2, 2}, .ceil_mode = true}, NULL), 1,
                1, 4, 4);
    CHECK_SHAPE(ct_max_pool2d(
                    F(1, 1, 4, 4), /* a window would start in the padding */
                    (ct_max_pool2d_args){.kernel_size = {2, 2}, .padding = {1, 1}, .stride = {3, 3}, .ceil_mode = true},
                    NULL),
                1, 1, 2, 2);
    REFUSED(ct_interpolate(x, (ct_interpolate_args){0}), "interpolate: from size 8 to size 0");
    CHECK_SHAPE(ct_interpolate(x, (ct_interpolate_args){.scale_factor = {1.5, 0.5}}), 2, 3, 12, 4);
    REFUSED(ct_interpolate(x, (ct_interpolate_args){.scale_factor = {1.5}}), "scale_factor is one number or 2, got 1");
    REFUSED(ct_interpolate(x, (ct_interpolate_args){.size = CT_DIMS(2), .align_corners = true}), "align_corners is of");
    REFUSED(ct_interpolate(x, (ct_interpolate_args){.size = CT_DIMS(2, 2, 2)}), "size is one number or 2, got 3");
    REFUSED(ct_interpolate(x, (ct_interpolate_args){.size = CT_DIMS(2), .mode = 2}), "dimensions");
}

static void views(void) {
    ct_tensor *x = F(2, 3, 4), *t = ct_transpose(x, (ct_transpose_args){.dim0 = 0, .dim1 = 2});
    REFUSED(ct_view(t, (ct_shape_args){CT_DIMS(24)}),
            "view: shape (4, 3, 2) with these strides cannot be seen as (24)");
    CHECK_SHAPE(ct_reshape(t, (ct_shape_args){CT_DIMS(6, -1)}), 6, 4);
    CHECK(ct_data(ct_reshape(x, (ct_shape_args){CT_DIMS(6, -1)})) == ct_data(x));
    REFUSED(ct_reshape(x, (ct_shape_args){CT_DIMS(5, -1)}),
            "the elements of shape (2, 3, 4) do not fill shape (5, -1)");
    REFUSED(ct_reshape(x, (ct_shape_args){CT_DIMS(-1, -1)}), "one size may be -1");
    REFUSED(ct_reshape(F(0, 3), (ct_shape_args){CT_DIMS(0, -1)}), "do not fill");
    REFUSED(ct_reshape(x, (ct_shape_args){CT_DIMS(INT64_MAX, INT64_MAX)}), "too many elements");
    CHECK_SHAPE(ct_reshape(F(0, 3), (ct_shape_args){CT_DIMS(-1, 5)}), 0, 5);
    CHECK_SHAPE(ct_view(ct_slice(x, (ct_slice_args){.stop = CT_DIMS(2, 2)}), (ct_shape_args){CT_DIMS(2, 1, 8, 1)}), 2,
                1, 8, 1);
    REFUSED(ct_expand(x, (ct_expand_args){CT_DIMS(2, 5, 4)}), "size 3 where 5 is asked for; only 1 can be repeated");
    REFUSED(ct_expand(F(1), (ct_expand_args){CT_DIMS((int64_t)1 << 50)}), "more elements than are possible");
    REFUSED(ct_permute(x, (ct_dims_args){CT_DIMS(0, 1, 1)}), "permute: dimension 1 appears twice");
    REFUSED(ct_permute(x, (ct_dims_args){CT_DIMS(0, 1)}), "permute: 2 dimensions named, 3 are there");
    REFUSED(ct_transpose(x, (ct_transpose_args){.dim0 = 3}), "dimension 3 is out of range: of 3 dimensions, -3 to 2");
    CHECK_SHAPE(ct_flatten(x, (ct_flatten_args){.start_dim = 1}), 2, 12);
    CHECK_SHAPE(ct_flatten(ct_scalar(CT_F32, 1), (ct_flatten_args){0}), 1);
    CHECK_SHAPE(ct_squeeze(x, (ct_squeeze_args){CT_DIMS(1)}), 2, 3, 4);
    REFUSED(ct_unsqueeze(F(1, 1, 1, 1, 1, 1, 1, 1), (ct_dim_args){0}), "unsqueeze: there are 8 dimensions already");
}

static void slices(void) {
    int64_t v[2][5] = {{0, 1, 2, 3, 4}, {5, 6, 7, 8, 9}}, got[8];
    ct_tensor *x = ct_from(CT_I64, CT_DIMS(2, 5), v);
    ct_tensor *y =
        ct_slice(x, (ct_slice_args){.start = CT_DIMS(-1, -4), .stop = CT_DIMS(99, -1), .step = CT_DIMS(1, 2)});
    CHECK_SHAPE(y, 1, 2);
    CHECK(!ct_copy_out(y, CT_I64, got) && got[0] == 6 && got[1] == 8);
    CHECK_SHAPE(ct_slice(x, (ct_slice_args){.start = CT_DIMS(1), .stop = CT_DIMS(0)}), 0, 5);
    CHECK_SHAPE(ct_slice(x, (ct_slice_args){.start = CT_DIMS(7), .stop = CT_DIMS(-9)}), 0, 5);
    REFUSED(ct_slice(x, (ct_slice_args){.step = CT_DIMS(-1)}), "slice: step -1 of dimension 0 is not positive");
    REFUSED(ct_slice(x, (ct_slice_args){.stop = CT_DIMS(1, 1, 1)}), "slice: ranges for more than the 2 dimensions");
}

static void indices(void) {
    ct_tensor *x = F(3, 5), *pair[] = {x, F(2, 4)};
    REFUSED(ct_cat(pair, 2, (ct_dim_args){0}), "cat: shapes (3, 5) and (2, 4) differ elsewhere than in dimension 0");
    REFUSED(ct_cat(NULL, 0, (ct_dim_args){0}), "cat: no tensors");
    REFUSED(ct_gather(x, I(4, 2), (ct_dim_args){.dim = 1}),
            "gather: index (4, 2) does not fit (3, 5) but for dimension 1");
    REFUSED(ct_gather(x, F(3, 2), (ct_dim_args){.dim = 1}), "gather: indices are i64, i32 or u8, not f32");
    REFUSED(ct_gather(x, ct_full(CT_I64, CT_DIMS(3, 2), 5), (ct_dim_args){.dim = 1}), "index 5 is out of range");
    REFUSED(ct_index_select(x, ct_full(CT_I64, CT_DIMS(2), -1), (ct_dim_args){0}), "index -1 is out of range");
    REFUSED(ct_pad(x, (ct_pad_args){.pad = CT_DIMS(1)}), "pad: 1 numbers for 2 dimensions");
    REFUSED(ct_pad(x, (ct_pad_args){.pad = CT_DIMS(5, 0), .mode = 1}), "pad: 5 and 0 are more than this mode can take");
    REFUSED(ct_pad(x, (ct_pad_args){.pad = CT_DIMS(-3, -3)}), "pad: -3 and -3 do not fit");
    REFUSED(ct_pad(x, (ct_pad_args){.pad = CT_DIMS(INT64_MAX, INT64_MAX)}), "do not fit dimension 1 of size 5");
    REFUSED(ct_topk(x, (ct_topk_args){.k = 6}, NULL), "topk: k 6 is out of range: dimension 1 has size 5");
    REFUSED(ct_roll(x, (ct_roll_args){.shifts = CT_DIMS(1, 2), .dims = CT_DIMS(0)}), "roll: 2 shifts for 1 dimensions");
}

static void types(void) {
    ct_tensor *ints = ct_full(CT_U8, CT_DIMS(3, 200), 200), *yes = ct_full(CT_BOOL, CT_DIMS(5), 1);
    CHECK(ct_dtype_of(ct_sum(ints, (ct_reduce_args){0})) == CT_I64 &&
          ct_item(ct_sum(ints, (ct_reduce_args){0})) == 120000);
    CHECK(ct_item(ct_sum(yes, (ct_reduce_args){0})) == 5);
    CHECK(ct_dtype_of(ct_mean(ints, (ct_reduce_args){0})) == CT_F32 &&
          ct_item(ct_mean(ints, (ct_reduce_args){0})) == 200);
    CHECK(ct_dtype_of(ct_cumsum(yes, (ct_dim_args){0})) == CT_I64);
    CHECK(ct_dtype_of(ct_argmax(F(3, 4), (ct_reduce_args){.dim = CT_DIMS(1)})) == CT_I64);
    CHECK(ct_dtype_of(ct_amax(ints, (ct_reduce_args){0})) == CT_U8);
    CHECK(ct_dtype_of(ct_one_hot(I(3), (ct_one_hot_args){.num_classes = 4})) == CT_I64);
    REFUSED(ct_softmax(ints, (ct_dim_args){0}), "softmax: works on floats, the input is u8");
    REFUSED(ct_amax(F(0, 3), (ct_reduce_args){0}), "amax: no elements to choose from");
    REFUSED(ct_sum(F(2, 3), (ct_reduce_args){.dim = CT_DIMS(0, -2)}), "sum: dimension 0 appears twice");
    REFUSED(ct_where(yes, F(5), F(4)), "where: shapes (5), (5) and (4) do not broadcast together");
}

static void losses(void) {
    REFUSED(ct_mse_loss(F(5, 1), F(5), (ct_loss_args){0}),
            "mse_loss: prediction (5, 1) and target (5) differ in shape");
    REFUSED(ct_l1_loss(F(5), NULL, (ct_loss_args){0}), "l1_loss: input 2 is missing");
    REFUSED(ct_cross_entropy(F(5, 7), I(4), NULL, (ct_cross_entropy_args){0}), "the target has shape (4), wanted (5)");
    REFUSED(ct_cross_entropy(F(5, 7), F(5), NULL, (ct_cross_entropy_args){0}), "differ in shape");
    REFUSED(ct_cross_entropy(F(5, 7), I(5), F(6), (ct_cross_entropy_args){0}), "weight has shape (6), wanted (7)");
    REFUSED(ct_cross_entropy(F(5, 7), ct_full(CT_I64, CT_DIMS(5), 7), NULL, (ct_cross_entropy_args){0}), "index 7");
    REFUSED(ct_cross_entropy(F(5, 7), I(5), NULL, (ct_cross_entropy_args){.label_smoothing = 2}),
            "label_smoothing is 2");
    REFUSED(ct_batch_norm(F(1, 3), NULL, NULL, NULL, NULL, (ct_batch_norm_args){.training = true}),
            "training wants more than one value a channel, got input (1, 3)");
    REFUSED(ct_batch_norm(F(4, 3), NULL, NULL, NULL, NULL, (ct_batch_norm_args){0}), "batch_norm: running_mean");
    REFUSED(ct_batch_norm(F(4, 3), F(4), F(3), NULL, NULL, (ct_batch_norm_args){0}),
            "running_mean has shape (4), wanted (3)");
    REFUSED(ct_dropout(F(4, 3), (ct_dropout_layer_args){.p = 1.5}), "dropout: p is 1.5");
    REFUSED(ct_prelu(F(2, 3), F(2)), "prelu: 2 slopes for 3 channels");
    REFUSED(ct_glu(F(2, 3), (ct_glu_args){0}), "glu: dimension 1 is of an odd size");
}

static void updates(void) {
    ct_sgd_args plain = {.lr = 0.1}, heavy = {.lr = 0.1, .momentum = 0.9};
    ct_tensor *lr = ct_scalar(CT_F32, 0.1), *step = ct_scalar(CT_F32, 1), *p = F(2), *q = F(3);
    ct_tensor *in[] = {p, q, F(2), NULL, lr, step}, *wrong[] = {p, q, F(3), NULL, lr, step};
    CHECK_HAS(ct_why(ct_apply(CT_OP_sgd, in, 6, &heavy, NULL)), "sgd: 6 inputs are not parameters");
    CHECK_HAS(ct_why(ct_apply(CT_OP_sgd, wrong, 6, &plain, NULL)), "a gradient or state has shape (3), wanted (2)");
    CHECK(!ct_apply_in_place(CT_OP_sgd, in, 6, &plain));
    CHECK_NEAR(ct_item(ct_sum(p, (ct_reduce_args){0})), 1.8, 1e-6);
    CHECK(ct_item(ct_sum(q, (ct_reduce_args){0})) == 3);
    const ct_op *adam = ct_op_find("adam");
    ct_adam_args grown = {.amsgrad = true};
    CHECK(adam->place(2 * 5 + 2, &grown, 1) == 1 && adam->place(2 * 5 + 2, &grown, 2) == 4);
}

static void errors_pass_on(void) {
    ct_tensor *bad = ct_matmul(F(2, 3), F(4, 5));
    CHECK(ct_conv2d(bad, F(1, 1, 1, 1), NULL, (ct_conv2d_args){0}) == bad);
    CHECK(ct_cross_entropy(F(2, 3), bad, NULL, (ct_cross_entropy_args){0}) == bad);
    CHECK(ct_std(bad, (ct_var_args){0}) == bad);
}

int main(void) {
    ct_scope *scope = ct_scope_open();
    RUN(products), RUN(convolution), RUN(layouts), RUN(windows), RUN(views), RUN(slices), RUN(indices), RUN(types);
    RUN(losses), RUN(updates), RUN(errors_pass_on);
    CHECK(ct_scope_close(scope) == CT_FAIL);
    return check_done("rules");
}
