/* The plain kernels that move, pick, order and add up elements. Results are PyTorch's. */
#include "tests/unit/ref_case.h"

static void casts(void) {
    const double max = (double)INT64_MAX, min = (double)INT64_MIN, inf = INFINITY;
    CASE(cast, ARGS(cast, CT_I64), LIST(F32((6), NAN, inf, -inf, -1.9, 2.7, 300)),
         LIST(I64((6), 0, max, min, -1, 2, 300)));
    CASE(cast, ARGS(cast, CT_I32), LIST(F32((4), NAN, 3e9, -3e9, -1.9)),
         LIST(TENSOR(CT_I32, (4), 0, INT32_MAX, INT32_MIN, -1)));
    CASE(cast, ARGS(cast, CT_U8), LIST(F32((4), NAN, 300, -1, 2.7)), LIST(TENSOR(CT_U8, (4), 0, 255, 0, 2)));
    CASE(cast, ARGS(cast, CT_BOOL), LIST(F32((2, 2), NAN, 0, -0.0, 0.25)), LIST(BOOL((2, 2), 1, 0, 0, 1)));
    CASE(cast, ARGS(cast, CT_U8), LIST(I64((3), 257, -1, 7)), LIST(TENSOR(CT_U8, (3), 1, 255, 7)));
    CASE(cast, ARGS(cast, CT_F32), LIST(TENSOR(CT_U8, (2, 2), 0, 1, 128, 255)), LIST(F32((2, 2), 0, 1, 128, 255)));
    CASE(cast, ARGS(cast, CT_F32), LIST(SCALAR(CT_BOOL, 1)), LIST(SCALAR(CT_F32, 1)));
}

static void fills(void) {
    CASE(fill, ARGS(full, .fill_value = -1.5), NOTHING, LIST(F32((2, 2), -1.5, -1.5, -1.5, -1.5)));
    CASE(fill, ARGS(full, .fill_value = 7), NOTHING, LIST(SCALAR(CT_I64, 7)));
    CASE(fill, ARGS(full, .fill_value = 7), NOTHING, LIST(I64((0, 2), 0)));
}

static void copies(void) {
    CASE(copy, NULL, LIST(F32((2, 3), -2, 0, -0.5, -1.5, -3, 2)), LIST(F32((2, 3), -2, 0, -0.5, -1.5, -3, 2)));
    CASE(contiguous, NULL, LIST(F32((2, 2, 2), -0.5, -2, 2.5, 0, -0.5, -3, -0.5, -0.5)),
         LIST(F32((2, 2, 2), -0.5, -2, 2.5, 0, -0.5, -3, -0.5, -0.5)));
    CASE(where_, NULL, LIST(BOOL((2, 1), 1, 0), F32((2, 3), 0.5, -3, 2, 2.5, 0.5, -1), F32((3), -0.5, 1, -1.5)),
         LIST(F32((2, 3), 0.5, -3, 2, -0.5, 1, -1.5)));
    CASE(where_, NULL, LIST(BOOL((2), 1, 0), I64((2), 3, 4), I64((2), -1, -2)), LIST(I64((2), 3, -2)));
}

static void reductions(void) {
    CASE(sum, ARGS(reduce, .dim = CT_DIMS(0, -1)), LIST(F32((2, 3, 2), 2.5, 2, -3, 1, -2.5, 3, -3, -2, 1, 3, 1, -2.5)),
         LIST(F32((3), -0.5, 2, -1)));
    CASE(sum, ARGS(reduce, .keepdim = true), LIST(F32((2, 3, 2), 2.5, 2, -3, 1, -2.5, 3, -3, -2, 1, 3, 1, -2.5)),
         LIST(F32((1, 1, 1), 0.5)));
    CASE(sum, ARGS(reduce, .dim = CT_DIMS(1)), LIST(BOOL((2, 3, 2), 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 1, 0)),
         LIST(I64((2, 2), 1, 3, 2, 1)));
    CASE(prod_, ARGS(arg, .dim = 1), LIST(F32((2, 3, 2), 2.5, 2, -3, 1, -2.5, 3, -3, -2, 1, 3, 1, -2.5)),
         LIST(F32((2, 2), 18.75, 6, -3, 15)));
    CASE(amax, ARGS(reduce, .dim = CT_DIMS(1)), LIST(F32((2, 3), 1, NAN, NAN, 3, 1, 3)), LIST(F32((2), NAN, 3)));
    CASE(amin, ARGS(reduce, .dim = CT_DIMS(-1), .keepdim = true), LIST(F32((2, 3), 1, NAN, NAN, 3, 1, 3)),
         LIST(F32((2, 1), NAN, 1)));
    CASE(argmax_, ARGS(arg, .dim = 1), LIST(F32((2, 3), 1, NAN, NAN, 3, 1, 3)), LIST(I64((2), 1, 0)));
    CASE(argmin_, ARGS(arg, .dim = 0, .keepdim = true), LIST(F32((2, 3), 1, NAN, NAN, 3, 1, 3)),
         LIST(I64((1, 3), 0, 0, 0)));
    CASE(argmax_, ARGS(arg, .dim = -1), LIST(I64((3), 3, 1, 3)), LIST(SCALAR(CT_I64, 0)));
    CASE(cumsum, ARGS(dim, .dim = -2), LIST(F32((2, 3, 2), 2.5, 2, -3, 1, -2.5, 3, -3, -2, 1, 3, 1, -2.5)),
         LIST(F32((2, 3, 2), 2.5, 2, -0.5, 3, -3, 6, -3, -2, -2, 1, -1, -1.5)));
    CASE(cumsum, ARGS(dim, .dim = 0), LIST(BOOL((3), 1, 0, 1)), LIST(I64((3), 1, 1, 2)));
    CASE(softmax, ARGS(dim, .dim = 1), LIST(F32((2, 3, 2), 2.5, 2, -3, 1, -2.5, 3, -3, -2, 1, 3, 1, -2.5)),
         LIST(F32((2, 3, 2), 0.9892912, 0.24472847, 0.004043007, 0.090030573, 0.0066657917, 0.66524096, 0.0090747148,
                  0.0066657917, 0.49546264, 0.9892912, 0.49546264, 0.004043007)));
    CASE(log_softmax, ARGS(dim, .dim = -1),
         LIST(F32((2, 3, 2), 102.5, 102, 97, 101, 97.5, 103, 97, 98, 101, 103, 101, 97.5)),
         LIST(F32((2, 3, 2), -0.47407698, -0.97407698, -4.0181499, -0.018149928, -5.5040784, -0.0040784433, -1.3132617,
                  -0.31326169, -2.126928, -0.12692801, -0.029750418, -3.5297504)));
}

static void orders(void) {
    CASE(sort, ARGS(sort, .dim = -1, .descending = false), LIST(F32((2, 5), 2, NAN, -1, 2, 5, 0, 0, 7, -3, 0)),
         LIST(F32((2, 5), -1, 2, 2, 5, NAN, -3, 0, 0, 0, 7), I64((2, 5), 2, 0, 3, 4, 1, 3, 0, 1, 4, 2)));
    CASE(sort, ARGS(sort, .dim = -1, .descending = true), LIST(F32((2, 5), 2, NAN, -1, 2, 5, 0, 0, 7, -3, 0)),
         LIST(F32((2, 5), NAN, 5, 2, 2, -1, 7, 0, 0, 0, -3), I64((2, 5), 1, 4, 0, 3, 2, 2, 0, 1, 4, 3)));
    CASE(sort, ARGS(sort, .dim = 0), LIST(I64((3), 4, -2, 9)), LIST(I64((3), -2, 4, 9), ABSENT));
    CASE(topk, ARGS(topk, .k = 2, .dim = 0), LIST(F32((5, 2), 2, 0, NAN, 0, -1, 7, 2, -3, 5, 0)),
         LIST(F32((2, 2), NAN, 7, 5, 0), I64((2, 2), 1, 2, 4, 0)));
}

static void places(void) {
    CASE(flip, ARGS(dims, .dims = CT_DIMS(0, -1)), LIST(F32((2, 3), -2, -2, 2.5, 2, -3, -1)),
         LIST(F32((2, 3), -1, -3, 2, 2.5, -2, -2)));
    CASE(flip, ARGS(dims, .dims = CT_DIMS(1)), LIST(F32((2, 3), -2, -2, 2.5, 2, -3, -1)),
         LIST(F32((2, 3), 2.5, -2, -2, -1, -3, 2)));
    CASE(roll, ARGS(roll, .shifts = CT_DIMS(1, -2), .dims = CT_DIMS(0, 1)), LIST(F32((2, 3), -2, -2, 2.5, 2, -3, -1)),
         LIST(F32((2, 3), -1, 2, -3, 2.5, -2, -2)));
    CASE(roll, ARGS(roll, .shifts = CT_DIMS(-7)), LIST(F32((2, 3), -2, -2, 2.5, 2, -3, -1)),
         LIST(F32((2, 3), -2, 2.5, 2, -3, -1, -2)));
    CASE(cat, ARGS(dim, .dim = -1),
         LIST(F32((2, 3), -2, -2, 2.5, 2, -3, -1), F32((2, 1), -1.5, -1.5), F32((2, 3), -2, -2, 2.5, 2, -3, -1)),
         LIST(F32((2, 7), -2, -2, 2.5, -1.5, -2, -2, 2.5, 2, -3, -1, -1.5, 2, -3, -1)));
    CASE(slice_back,
         ARGS(slice_back, .start = CT_DIMS(1, 0), .stop = CT_DIMS(4, 4), .step = CT_DIMS(2, 3), .size = CT_DIMS(4, 5)),
         LIST(F32((2, 2), -2.5, 1.5, -0.5, 0.5)),
         LIST(F32((4, 5), 0, 0, 0, 0, 0, -2.5, 0, 0, 1.5, 0, 0, 0, 0, 0, 0, -0.5, 0, 0, 0.5, 0)));
    CASE(tril, ARGS(diagonal, .diagonal = -1),
         LIST(F32((3, 4), 3, -0.5, 1.5, 0, 0.5, 2.5, 0.5, 2.5, -3, 0.5, -2, -0.5)),
         LIST(F32((3, 4), 0, 0, 0, 0, 0.5, 0, 0, 0, -3, 0.5, 0, 0)));
    CASE(triu, ARGS(diagonal, .diagonal = 1), LIST(F32((3, 4), 3, -0.5, 1.5, 0, 0.5, 2.5, 0.5, 2.5, -3, 0.5, -2, -0.5)),
         LIST(F32((3, 4), 0, -0.5, 1.5, 0, 0, 0, 0.5, 2.5, 0, 0, 0, -0.5)));
}

static void pads(void) {
    CASE(pad, ARGS(pad, .pad = CT_DIMS(1, -1, 0, 1), .value = 0.5),
         LIST(F32((1, 3, 3), 0, 2, -3, 0.5, 2.5, 0, 0, -2.5, 2.5)),
         LIST(F32((1, 4, 3), 0.5, 0, 2, 0.5, 0.5, 2.5, 0.5, 0, -2.5, 0.5, 0.5, 0.5)));
    CASE(pad, ARGS(pad, .pad = CT_DIMS(1, 0), .value = 1), LIST(BOOL((1, 3, 3), 0, 1, 0, 1, 1, 0, 0, 0, 1)),
         LIST(BOOL((1, 3, 4), 1, 0, 1, 0, 1, 1, 1, 0, 1, 0, 0, 1)));
    CASE(pad, ARGS(pad, .pad = CT_DIMS(2, 1), .mode = 1), LIST(F32((1, 3, 3), 0, 2, -3, 0.5, 2.5, 0, 0, -2.5, 2.5)),
         LIST(F32((1, 3, 6), -3, 2, 0, 2, -3, 2, 0, 2.5, 0.5, 2.5, 0, 2.5, 2.5, -2.5, 0, -2.5, 2.5, -2.5)));
    CASE(pad_back, ARGS(pad_back, .pad = CT_DIMS(2, 1), .mode = 1, .size = CT_DIMS(1, 3, 3)),
         LIST(F32((1, 3, 6), -0.5, 1, 2.5, -0.5, 0.5, 0.5, 2.5, -3, 1, 2.5, -2, 0.5, 2, -2.5, 3, 2.5, -1, -2)),
         LIST(F32((1, 3, 3), 2.5, 1, 0, 1, 0, 0.5, 3, -2, 1)));
    CASE(pad, ARGS(pad, .pad = CT_DIMS(2, 1), .mode = 2), LIST(F32((1, 3, 3), 0, 2, -3, 0.5, 2.5, 0, 0, -2.5, 2.5)),
         LIST(F32((1, 3, 6), 0, 0, 0, 2, -3, -3, 0.5, 0.5, 0.5, 2.5, 0, 0, 0, 0, 0, -2.5, 2.5, 2.5)));
    CASE(pad_back, ARGS(pad_back, .pad = CT_DIMS(2, 1), .mode = 2, .size = CT_DIMS(1, 3, 3)),
         LIST(F32((1, 3, 6), -2, -1.5, -1.5, 0, 1, -3, 1, -2.5, 1, 0, -2, -1.5, -2.5, 0, 0, 1, 0, -3)),
         LIST(F32((1, 3, 3), -5, 0, -2, -0.5, 0, -3.5, -2.5, 1, -3)));
    CASE(pad, ARGS(pad, .pad = CT_DIMS(2, 1), .mode = 3), LIST(F32((1, 3, 3), 0, 2, -3, 0.5, 2.5, 0, 0, -2.5, 2.5)),
         LIST(F32((1, 3, 6), 2, -3, 0, 2, -3, 0, 2.5, 0, 0.5, 2.5, 0, 0.5, -2.5, 2.5, 0, -2.5, 2.5, 0)));
    CASE(pad_back, ARGS(pad_back, .pad = CT_DIMS(2, 1), .mode = 3, .size = CT_DIMS(1, 3, 3)),
         LIST(F32((1, 3, 6), -0.5, -1, 1, 1.5, 2.5, 2.5, 2, 0.5, 2, -3, 3, -1, 1.5, 2.5, -2.5, -1, 1.5, -1.5)),
         LIST(F32((1, 3, 3), 3.5, 1, 1.5, 1, -1, 3.5, -4, 0.5, 4)));
}

static void indices(void) {
    CASE(gather, ARGS(dim, .dim = 1), LIST(F32((3, 3), 2, -0.5, -2, -3, -3, 3, 3, -3, 3), I64((2, 2), 0, 2, 1, 1)),
         LIST(F32((2, 2), 2, -2, -3, -3)));
    CASE(scatter_add, ARGS(dim, .dim = -1),
         LIST(F32((3, 3), 2, -0.5, -2, -3, -3, 3, 3, -3, 3), I64((2, 2), 0, 2, 1, 1),
              F32((2, 3), 0, 1.5, -1, -1, 2.5, -2)),
         LIST(F32((3, 3), 2, -0.5, -0.5, -3, -1.5, 3, 3, -3, 3)));
    CASE(index_select, ARGS(dim, .dim = 0), LIST(F32((3, 3), 2, -0.5, -2, -3, -3, 3, 3, -3, 3), I64((3), 2, 0, 2)),
         LIST(F32((3, 3), 3, -3, 3, 2, -0.5, -2, 3, -3, 3)));
    CASE(index_back, ARGS(index_back, .dim = 0, .n = 4),
         LIST(F32((3, 2), 0.5, -0.5, 1, 0.5, -1.5, -0.5), I64((3), 2, 0, 2)),
         LIST(F32((4, 2), 1, 0.5, 0, 0, -1, -1, 0, 0)));
    CASE(index_copy, ARGS(dim, .dim = -1),
         LIST(F32((2, 3), 2, -0.5, -2, -3, -3, 3), I64((2), 2, 0), F32((2, 2), 1, 1.5, -1, 2.5)),
         LIST(F32((2, 3), 1.5, -0.5, 1, 2.5, -3, -1)));
    CASE(one_hot_, ARGS(one_hot, .num_classes = 4), LIST(I64((2, 2), 0, 2, 1, 1)),
         LIST(I64((2, 2, 4), 1, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 1, 0, 0)));
}

/* Shapes without dimensions, and without elements. */
static void small_shapes(void) {
    CASE(sum, ARGS(reduce, .keepdim = false), LIST(SCALAR(CT_F32, 2)), LIST(SCALAR(CT_F32, 2)));
    CASE(sum, ARGS(reduce, .dim = CT_DIMS(0)), LIST(F32((0, 2), 0)), LIST(F32((2), 0, 0)));
    CASE(argmax_, ARGS(arg, .dim = -1), LIST(SCALAR(CT_F32, 2)), LIST(SCALAR(CT_I64, 0)));
    CASE(sort, ARGS(sort, .dim = 0), LIST(SCALAR(CT_F32, 2)), LIST(SCALAR(CT_F32, 2), SCALAR(CT_I64, 0)));
    CASE(sort, ARGS(sort, .dim = 0), LIST(F32((0), 0)), LIST(F32((0), 0), I64((0), 0)));
    CASE(softmax, ARGS(dim, .dim = 0), LIST(SCALAR(CT_F32, 2)), LIST(SCALAR(CT_F32, 1)));
    CASE(flip, ARGS(dims, .dims = CT_DIMS(0)), LIST(F32((0), 0)), LIST(F32((0), 0)));
    CASE(roll, ARGS(roll, .shifts = CT_DIMS(2), .dims = CT_DIMS(1)), LIST(F32((2, 0), 0)), LIST(F32((2, 0), 0)));
    CASE(cat, ARGS(dim, .dim = 1), LIST(F32((0), 0), F32((1, 2), 3, 4)), LIST(F32((1, 2), 3, 4)));
    CASE(gather, ARGS(dim, .dim = 0), LIST(SCALAR(CT_F32, 2), SCALAR(CT_I64, 0)), LIST(SCALAR(CT_F32, 2)));
    CASE(copy, NULL, LIST(F32((2, 0, 3), 0)), LIST(F32((2, 0, 3), 0)));
}

/* What is out of range is said, and nothing else is harmed. */
static void bad_indices(void) {
    BAD_CASE(gather, 4, ARGS(dim, .dim = 0), LIST(F32((3), 1, 2, 3), I64((3), 2, 3, 0)), LIST(F32((3), 3, 0, 1)));
    BAD_CASE(gather, -1, ARGS(dim, .dim = 0), LIST(F32((3), 1, 2, 3), I64((2), -1, 1)), LIST(F32((2), 0, 2)));
    BAD_CASE(index_select, -9, ARGS(dim, .dim = 0), LIST(F32((2), 1, 2), TENSOR(CT_I32, (2), 1, -9)),
             LIST(F32((2), 2, 0)));
    BAD_CASE(scatter_add, 3, ARGS(dim, .dim = 0), LIST(F32((2), 1, 2), I64((2), 1, 2), F32((2), 5, 6)),
             LIST(F32((2), 1, 7)));
    BAD_CASE(index_copy, -1, ARGS(dim, .dim = 0), LIST(F32((2), 1, 2), I64((2), -1, 1), F32((2), 5, 6)),
             LIST(F32((2), 1, 6)));
    BAD_CASE(index_back, 256, ARGS(index_back, .n = 2), LIST(F32((2), 5, 6), TENSOR(CT_U8, (2), 255, 0)),
             LIST(F32((2), 6, 0)));
    BAD_CASE(one_hot_, 3, ARGS(one_hot, .num_classes = 2), LIST(I64((2), 1, 2)), LIST(I64((2, 2), 0, 1, 0, 0)));
}

static ct_status prepared(const ct_kernel *kernel, const void *args, ct_dtype in, ct_dtype in2, ct_dtype out) {
    ct_layout layouts[2] = {{.dtype = in, .ndim = 1, .size = {2}, .stride = {1}},
                            {.dtype = in2, .ndim = 1, .size = {2}}};
    ct_layout result = {.dtype = out, .ndim = 1, .size = {2}, .stride = {1}};
    ct_call call = {0, in2 ? 2 : 1, 1, layouts, &result, .args = args};
    void *state = NULL;
    size_t workspace = 0;
    return kernel->prepare(&call, &state, &workspace);
}

static void types_refused(void) {
    CHECK(prepared(&ct_ref_softmax, ARGS(dim, 0), CT_I64, CT_NONE, CT_I64) == CT_UNSUPPORTED);
    CHECK(prepared(&ct_ref_softmax, ARGS(dim, 0), CT_F32, CT_NONE, CT_F64) == CT_UNSUPPORTED);
    CHECK(prepared(&ct_ref_gather, ARGS(dim, 0), CT_F32, CT_F32, CT_F32) == CT_UNSUPPORTED);
    CHECK(prepared(&ct_ref_gather, ARGS(dim, 0), CT_BOOL, CT_U8, CT_BOOL) == CT_OK);
    CHECK(prepared(&ct_ref_sum, ARGS(reduce, .keepdim = true), CT_I32, CT_NONE, CT_I32) == CT_UNSUPPORTED);
    CHECK(prepared(&ct_ref_copy, NULL, CT_I32, CT_NONE, CT_F32) == CT_UNSUPPORTED);
}

int main(void) {
    RUN(casts);
    RUN(fills);
    RUN(copies);
    RUN(reductions);
    RUN(orders);
    RUN(places);
    RUN(pads);
    RUN(indices);
    RUN(small_shapes);
    RUN(bad_indices);
    RUN(types_refused);
    return check_done("test_ref");
}
