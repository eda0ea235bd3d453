/* The plain kernels of layers, losses and optimizers. Results are PyTorch's. */
#include "base/philox.h"
#include "tests/unit/ref_case.h"

static void products(void) {
    CASE(matmul, NULL, LIST(F32((3), -2, 0, -0.5), F32((3), -1.5, -3, 2)), LIST(SCALAR(CT_F32, 2)));
    CASE(matmul, NULL, LIST(F32((2, 3), -0.5, -2, 2.5, 0, -0.5, -3), F32((3), -0.5, -0.5, -0.5)),
         LIST(F32((2), 0, 1.75)));
    CASE(matmul, NULL, LIST(F32((3), 1, -1.5, 0.5), F32((3, 2), -3, 2, 2.5, 0.5, -1, 2.5)), LIST(F32((2), -7.25, 2.5)));
    CASE(
        matmul, NULL,
        LIST(F32((2, 1, 2, 3), 2, -3, 1, -2.5, 3, -3, -2, 1, 3, 1, -2.5, -2), F32((2, 3, 1), -2, 2.5, 2, -3, -1, -1.5)),
        LIST(F32((2, 2, 2, 1), -9.5, 6.5, -4.5, 9, 12.5, -12.25, 0.5, 2.5)));
    CASE(linear, NULL,
         LIST(F32((2, 3), -1.5, -2.5, 1.5, -0.5, 0.5, 3), F32((2, 3), -0.5, 1.5, 0, 0.5, 2.5, 0.5), F32((2), 2.5, -3)),
         LIST(F32((2, 2), -0.5, -9.25, 3.5, -0.5)));
    CASE(linear, NULL, LIST(F32((3), -1.5, -2.5, 1.5), F32((2, 3), -0.5, 1.5, 0, 0.5, 2.5, 0.5), ABSENT),
         LIST(F32((2), -3, -6.25)));
}

static void convolutions(void) {
    CASE(conv2d_, ARGS(conv2d, .stride = {1, 2}, .padding = {0, 1}, .dilation = {1, 1}, .groups = 2),
         LIST(F32((1, 2, 3, 4), 0.5, -2, -0.5, 0, 2, -3, 0.5, 2.5, 0, 0, -2.5, 2.5, -0.5, 1, 2.5, -0.5, 0.5, 0.5, 2.5,
                  -3, 1, 2.5, -2, 0.5),
              F32((2, 1, 2, 2), 2, -2.5, 3, 2.5, -1, -2, -2, -1.5), F32((2), -1.5, 0)),
         LIST(F32((1, 2, 2, 3), 2.25, -12, 6, -6.5, -15, 11, 0.25, -10.75, 6.5, -2.5, -7.5, 2)));
    CASE(conv2d_dx,
         ARGS(conv2d_back, .stride = {1, 2}, .padding = {0, 1}, .dilation = {1, 1}, .groups = 2,
              .size = CT_DIMS(1, 2, 3, 4)),
         LIST(F32((1, 2, 2, 3), 1, -3, 1, -2.5, 1, 0, -2, -1.5, -2.5, 0, 0, 1),
              F32((2, 1, 2, 2), 2, -2.5, 3, 2.5, -1, -2, -2, -1.5)),
         LIST(F32((1, 2, 3, 4), -2.5, -6, 7.5, 2, 8.75, -7, -10, 3, -6.25, 3, 2.5, 0, 4, 1.5, 3, 2.5, 3, 3, 2.25, 4, 0,
                  0, 0, -2)));
    CASE(conv2d_dw,
         ARGS(conv2d_back, .stride = {1, 2}, .padding = {0, 1}, .dilation = {1, 1}, .groups = 2,
              .size = CT_DIMS(2, 1, 2, 2)),
         LIST(F32((1, 2, 2, 3), 1, -3, 1, -2.5, 1, 0, -2, -1.5, -2.5, 0, 0, 1),
              F32((1, 2, 3, 4), 0.5, -2, -0.5, 0, 2, -3, 0.5, 2.5, 0, 0, -2.5, 2.5, -0.5, 1, 2.5, -0.5, 0.5, 0.5, 2.5,
                  -3, 1, 2.5, -2, 0.5)),
         LIST(F32((2, 1, 2, 2), 3, -2.5, 11.5, -2, -3.25, -2.75, 7.25, -4.75)));
    CASE(conv2d_, ARGS(conv2d, .stride = {1, 1}, .dilation = {2, 1}, .groups = 1),
         LIST(F32((2, 1, 4, 3), 0, -3, -0.5, -1, 1, 1.5, 2.5, 2.5, 2, 0.5, 2, -3, 3, -1, 1.5, 2.5, -2.5, -1, 1.5, -1.5,
                  2, -0.5, -2, -3),
              F32((1, 1, 2, 1), -3, 3), F32((1), 3)),
         LIST(F32((2, 1, 2, 3), 10.5, 19.5, 10.5, 7.5, 6, -10.5, -1.5, 1.5, 4.5, -6, 4.5, -3)));
    CASE(conv2d_dx, ARGS(conv2d_back, .stride = {1, 1}, .dilation = {2, 1}, .groups = 1, .size = CT_DIMS(2, 1, 4, 3)),
         LIST(F32((2, 1, 2, 3), -3, 3, 0, 1.5, -1, -1, 2.5, -2, 0.5, -0.5, 1, 0.5), F32((1, 1, 2, 1), -3, 3)),
         LIST(F32((2, 1, 4, 3), 9, -9, 0, -4.5, 3, 3, -9, 9, 0, 4.5, -3, -3, -7.5, 6, -1.5, 1.5, -3, -1.5, 7.5, -6, 1.5,
                  -1.5, 3, 1.5)));
    CASE(conv2d_dw, ARGS(conv2d_back, .stride = {1, 1}, .dilation = {2, 1}, .groups = 1, .size = CT_DIMS(1, 1, 2, 1)),
         LIST(F32((2, 1, 2, 3), -3, 3, 0, 1.5, -1, -1, 2.5, -2, 0.5, -0.5, 1, 0.5),
              F32((2, 1, 4, 3), 0, -3, -0.5, -1, 1, 1.5, 2.5, 2.5, 2, 0.5, 2, -3, 3, -1, 1.5, 2.5, -2.5, -1, 1.5, -1.5,
                  2, -0.5, -2, -3)),
         LIST(F32((1, 1, 2, 1), -7, 6.25)));
}

static void pools(void) {
    CASE(max_pool2d_,
         ARGS(max_pool2d, .kernel_size = {2, 2}, .stride = {2, 2}, .padding = {1, 1}, .ceil_mode = true,
              .dilation = {1, 1}),
         LIST(F32((1, 1, 4, 4), -3, -3, -0.5, 1, -2, -1.5, 3, 0, 0, 0.5, -1.5, 1, -0.5, -0.5, 1.5, -1.5)),
         LIST(F32((1, 1, 3, 3), -3, -0.5, 1, 0, 3, 1, -0.5, 1.5, -1.5),
              I64((1, 1, 3, 3), 0, 2, 3, 8, 6, 11, 12, 14, 15)));
    CASE(pool_scatter, ARGS(size, .size = CT_DIMS(1, 1, 4, 4)),
         LIST(F32((1, 1, 3, 3), 3, 0.5, 0, -1.5, 0.5, 2.5, -0.5, 3, 3),
              I64((1, 1, 3, 3), 0, 2, 3, 8, 6, 11, 12, 14, 15)),
         LIST(F32((1, 1, 4, 4), 3, 0, 0.5, 0, 0, 0, 0.5, 0, -1.5, 0, 0, 2.5, -0.5, 0, 3, 3)));
    CASE(pool_gather, NULL,
         LIST(F32((1, 1, 4, 4), -3, -3, -0.5, 1, -2, -1.5, 3, 0, 0, 0.5, -1.5, 1, -0.5, -0.5, 1.5, -1.5),
              I64((1, 1, 3, 3), 0, 2, 3, 8, 6, 11, 12, 14, 15)),
         LIST(F32((1, 1, 3, 3), -3, -0.5, 1, 0, 3, 1, -0.5, 1.5, -1.5)));
    CASE(max_pool2d_, ARGS(max_pool2d, .kernel_size = {2, 2}, .dilation = {1, 2}),
         LIST(F32((1, 1, 3, 5), -0.5, 0.5, -1, 2, -2, -1.5, NAN, 1, 2, 1, 2, 1.5, -2.5, -2.5, 1)),
         LIST(F32((1, 1, 1, 2), 1, 1), I64((1, 1, 1, 2), 7, 7)));
    CASE(avg_pool2d_, ARGS(avg_pool2d, .kernel_size = {2, 2}, .stride = {2, 2}, .padding = {1, 1}, .ceil_mode = true),
         LIST(F32((1, 1, 4, 4), -3, -3, -0.5, 1, -2, -1.5, 3, 0, 0, 0.5, -1.5, 1, -0.5, -0.5, 1.5, -1.5)),
         LIST(F32((1, 1, 3, 3), -0.75, -0.875, 0.25, -0.5, 0.125, 0.25, -0.125, 0.25, -0.375)));
    CASE(avg_pool2d_back,
         ARGS(avg_pool2d_back, .kernel_size = {2, 2}, .stride = {2, 2}, .padding = {1, 1}, .ceil_mode = true,
              .size = CT_DIMS(1, 1, 4, 4)),
         LIST(F32((1, 1, 3, 3), 1, 2, 1.5, -1.5, -0.5, 2.5, -2.5, 0.5, -1.5)),
         LIST(F32((1, 1, 4, 4), 0.25, 0.5, 0.5, 0.375, -0.375, -0.125, -0.125, 0.625, -0.375, -0.125, -0.125, 0.625,
                  -0.625, 0.125, 0.125, -0.375)));
    CASE(avg_pool2d_,
         ARGS(avg_pool2d, .kernel_size = {2, 2}, .stride = {2, 2}, .padding = {1, 1}, .ceil_mode = true,
              .no_count_include_pad = true),
         LIST(F32((1, 1, 4, 4), -3, -3, -0.5, 1, -2, -1.5, 3, 0, 0, 0.5, -1.5, 1, -0.5, -0.5, 1.5, -1.5)),
         LIST(F32((1, 1, 3, 3), -3, -1.75, 1, -1, 0.125, 0.5, -0.5, 0.5, -1.5)));
    CASE(avg_pool2d_back,
         ARGS(avg_pool2d_back, .kernel_size = {2, 2}, .stride = {2, 2}, .padding = {1, 1}, .ceil_mode = true,
              .no_count_include_pad = true, .size = CT_DIMS(1, 1, 4, 4)),
         LIST(F32((1, 1, 3, 3), -1.5, 0, -2.5, 0.5, -0.5, -3, 1, 1, 1.5)),
         LIST(F32((1, 1, 4, 4), -1.5, 0, 0, -2.5, 0.25, -0.125, -0.125, -1.5, 0.25, -0.125, -0.125, -1.5, 1, 0.5, 0.5,
                  1.5)));
    CASE(avg_pool2d_, ARGS(avg_pool2d, .kernel_size = {1, 3}, .stride = {0, 2}, .padding = {0, 1}, .ceil_mode = true),
         LIST(F32((1, 1, 2, 4), 3, 2, 1.5, -2.5, 0.5, -2, 0, -2)),
         LIST(F32((1, 1, 2, 3), 1.6666667, 0.33333333, -1.25, -0.5, -1.3333333, -1)));
    CASE(adaptive_avg_pool2d_, ARGS(adaptive_pool2d, .output_size = {2, 3}),
         LIST(F32((1, 1, 3, 4), -0.5, -2, -2.5, 3, -1, 1, -2, 3, 2.5, -3, -0.5, 2)),
         LIST(F32((1, 1, 2, 3), -0.625, -1.375, 0.375, -0.125, -1.125, 0.625)));
    CASE(adaptive_avg_pool2d_back, ARGS(size, .size = CT_DIMS(1, 1, 3, 4)),
         LIST(F32((1, 1, 2, 3), 2.5, 2, -1.5, 2.5, -2.5, -3)),
         LIST(F32((1, 1, 3, 4), 0.625, 1.125, 0.125, -0.375, 1.25, 1.125, -1.25, -1.125, 0.625, 0, -1.375, -0.75)));
    CASE(adaptive_max_pool2d_, ARGS(adaptive_pool2d, .output_size = {2, 3}),
         LIST(F32((1, 1, 3, 4), -0.5, -2, -2.5, 3, -1, 1, -2, 3, 2.5, -3, -0.5, 2)),
         LIST(F32((1, 1, 2, 3), 1, 1, 3, 2.5, 1, 3), I64((1, 1, 2, 3), 5, 5, 3, 8, 5, 7)));
}

static void resizes(void) {
    CASE(interpolate, ARGS(interpolate, .size = CT_DIMS(3, 4)), LIST(F32((1, 1, 2, 3), 2.5, -0.5, 1.5, 3, 2.5, -0.5)),
         LIST(F32((1, 1, 3, 4), 2.5, 2.5, -0.5, 1.5, 2.5, 2.5, -0.5, 1.5, 3, 3, 2.5, -0.5)));
    CASE(interpolate, ARGS(interpolate, .scale_factor = {1, 0.75}), LIST(F32((1, 1, 1, 5), 2, 0, -1.5, 3, -2.5)),
         LIST(F32((1, 1, 1, 3), 2, 0, -1.5)));
    CASE(interpolate, ARGS(interpolate, .scale_factor = {1, 0.75}, .mode = 1),
         LIST(F32((1, 1, 1, 5), 2, 0, -1.5, 3, -2.5)), LIST(F32((1, 1, 1, 3), 1.6666667, -0.75, 2.25)));
    CASE(interpolate, ARGS(interpolate, .size = CT_DIMS(3, 4), .mode = 1),
         LIST(F32((1, 1, 2, 3), 2.5, -0.5, 1.5, 3, 2.5, -0.5)),
         LIST(F32((1, 1, 3, 4), 2.5, 0.625, 0.25, 1.5, 2.75, 1.65625, 0.8125, 0.5, 3, 2.6875, 1.375, -0.5)));
    CASE(interpolate_back, ARGS(interpolate_back, .mode = 1, .input = CT_DIMS(1, 1, 2, 3)),
         LIST(F32((1, 1, 3, 4), 0, -0.5, -1.5, 0, -2, -2, 2.5, 3, 1.5, -0.5, -1.5, 3)),
         LIST(F32((1, 1, 2, 3), -1.5625, -1.09375, 1.40625, -0.0625, -1.09375, 4.40625)));
    CASE(interpolate, ARGS(interpolate, .size = CT_DIMS(3, 4), .mode = 1, .align_corners = true),
         LIST(F32((1, 1, 2, 3), 2.5, -0.5, 1.5, 3, 2.5, -0.5)),
         LIST(F32((1, 1, 3, 4), 2.5, 0.5, 0.16666667, 1.5, 2.75, 1.5833333, 0.83333333, 0.5, 3, 2.6666667, 1.5, -0.5)));
    CASE(interpolate_back, ARGS(interpolate_back, .mode = 1, .input = CT_DIMS(1, 1, 2, 3), .align_corners = true),
         LIST(F32((1, 1, 3, 4), -0.5, 2, -2.5, 1.5, -2, 2.5, -0.5, -2, 2.5, 0.5, 1, 0)),
         LIST(F32((1, 1, 2, 3), -0.41666667, 0.33333333, -0.41666667, 2.0833333, 1.6666667, -0.75)));
    CASE(interpolate_back, ARGS(interpolate_back, .input = CT_DIMS(1, 1, 2, 3)),
         LIST(F32((1, 1, 3, 4), -0.5, 3, 2.5, 2.5, -1, -2.5, 1.5, -2, 1.5, -1, -3, -2)),
         LIST(F32((1, 1, 2, 3), -1, 4, 0.5, 0.5, -3, -2)));
}

static void norms(void) {
    CASE(batch_norm_train, ARGS(batch_norm, .momentum = 0.25, .eps = 1e-3),
         LIST(F32((3, 2, 2), -2.5, 2.5, -0.5, 0.5, 0, -1, 3, 1, -1.5, -2.5, -2, -2.5), F32((2), -1.5, 0.5),
              F32((2), 2, 2), F32((2), 1.5, 1.5), F32((2), -2.5, 1.5)),
         LIST(F32((3, 2, 2), -3.9498609, 0.3997217, 1.1636277, 1.9709212, -1.7750696, -2.6449861, 3.9891547, 2.3745679,
                  -3.0799443, -3.9498609, -0.047312357, -0.45095906),
              F32((2), -1.3333333, 0.35416667), F32((2), 2.3916667, 2.5354167), F32((2), -0.83333333, -0.083333333),
              F32((2), 0.57994434, 0.5381956)));
    CASE(batch_norm_train, ARGS(batch_norm, .momentum = 0.25, .eps = 1e-3),
         LIST(F32((3, 2, 2), -2.5, 2.5, -0.5, 0.5, 0, -1, 3, 1, -1.5, -2.5, -2, -2.5), ABSENT, ABSENT, ABSENT, ABSENT),
         LIST(F32((3, 2, 2), -0.9665739, 1.9331478, -0.22424817, 0.31394743, 0.48328695, -0.09665739, 1.6594364,
                  0.58304524, -0.38662956, -0.9665739, -1.0315416, -1.3006394),
              ABSENT, ABSENT, F32((2), -0.83333333, -0.083333333), F32((2), 0.57994434, 0.5381956)));
    CASE(batch_norm_back, NULL,
         LIST(F32((3, 2, 2), -1.5, 1, 2, 2.5, 0.5, 2, -1, -0.5, 1.5, -0.5, 0.5, 1.5),
              F32((3, 2, 2), -2.5, 2.5, -0.5, 0.5, 0, -1, 3, 1, -1.5, -2.5, -2, -2.5),
              F32((2), -0.83333333, -0.083333333), F32((2), 0.57994434, 0.5381956), F32((2), 1.5, 1.5)),
         LIST(F32((3, 2, 2), -1.2725118, -0.49968428, 0.81869941, 1.5178891, -0.23366063, 1.3516069, -0.56878051,
                  -0.75621969, 1.056845, -0.40259524, -0.8355551, -0.17603317),
              F32((2), 3.33468, -4.0813167), F32((2), 3, 5)));
    CASE(batch_norm_back, NULL,
         LIST(F32((3, 2, 2), -1.5, 1, 2, 2.5, 0.5, 2, -1, -0.5, 1.5, -0.5, 0.5, 1.5),
              F32((3, 2, 2), -2.5, 2.5, -0.5, 0.5, 0, -1, 3, 1, -1.5, -2.5, -2, -2.5),
              F32((2), -0.83333333, -0.083333333), F32((2), 0.57994434, 0.5381956), F32((2), 1.5, 1.5)),
         LIST(ABSENT, F32((2), 3.33468, -4.0813167), ABSENT));
}

static void losses(void) {
    CASE(cross_entropy_, ARGS(cross_entropy, .reduction = 0, .label_smoothing = 0, .ignore_index = -100),
         LIST(F32((3, 3), 0, 2.5, 2.5, -2.5, 1.5, 1, -3, 1.5, 1.5), I64((3), 2, -100, 0), ABSENT),
         LIST(SCALAR(CT_F32, 2.9660281), F32((3), 3.2333698, 1.9854132, 2.1986863)));
    CASE(cross_entropy_back, ARGS(cross_entropy, .reduction = 0, .label_smoothing = 0, .ignore_index = -100),
         LIST(SCALAR(CT_F32, 1.5), F32((3, 3), 0, 2.5, 2.5, -2.5, 1.5, 1, -3, 1.5, 1.5), I64((3), 2, -100, 0), ABSENT,
              F32((3), 3.2333698, 1.9854132, 2.1986863)),
         LIST(F32((3, 3), 0.029568317, 0.36021584, -0.38978416, 0, 0, 0, -0.74585714, 0.37292857, 0.37292857)));
    CASE(cross_entropy_, ARGS(cross_entropy, .reduction = 0, .label_smoothing = 0.25, .ignore_index = -100),
         LIST(F32((3, 3), -2.5, -1.5, -1.5, -1, 0, 3, 1, -1, 1), I64((3), 2, -100, 0), F32((3), 0.5, 1, 2)),
         LIST(SCALAR(CT_F32, 0.90339592), F32((3), -0.6380052, 3.0658839, 1.7586237)));
    CASE(cross_entropy_back, ARGS(cross_entropy, .reduction = 0, .label_smoothing = 0.25, .ignore_index = -100),
         LIST(SCALAR(CT_F32, 1.5), F32((3, 3), -2.5, -1.5, -1.5, -1, 0, 3, 1, -1, 1), I64((3), 2, -100, 0),
              F32((3), 0.5, 1, 2), F32((3), -0.6380052, 3.0658839, 1.7586237)),
         LIST(F32((3, 3), 0.14201458, 0.40399271, -0.54600729, 0, 0, 0, -0.062675788, -0.024648425, 0.087324212)));
    CASE(cross_entropy_, ARGS(cross_entropy, .reduction = 2, .label_smoothing = 0.25, .ignore_index = -100),
         LIST(F32((3, 3), -1, 2.5, 3, 1.5, 2, -1, 0, 2, 2.5), I64((3), 2, -100, 0), ABSENT),
         LIST(F32((3), 0.86041323, 0, 2.6489091), F32((3), 3.4854132, 2.5045969, 3.0239091)));
    CASE(cross_entropy_back, ARGS(cross_entropy, .reduction = 2, .label_smoothing = 0.25, .ignore_index = -100),
         LIST(F32((3), 2, -2.5, 2), F32((3, 3), -1, 2.5, 3, 1.5, 2, -1, 0, 2, 2.5), I64((3), 2, -100, 0), ABSENT,
              F32((3), 3.4854132, 2.5045969, 3.0239091)),
         LIST(F32((3, 3), -0.14412221, 0.57990322, -0.43578101, 0, 0, 0, -1.569445, 0.55170954, 1.0177355)));
    CASE(cross_entropy_, ARGS(cross_entropy, .reduction = 1, .label_smoothing = 0, .ignore_index = -100),
         LIST(F32((3, 3), -2.5, 3, -0.5, -1, 3, -0.5, 2.5, 2.5, 0), I64((3), 2, -100, 0), F32((3), 0.5, 1, 2)),
         LIST(SCALAR(CT_F32, 7.434104), F32((3), 3.0337095, 3.047373, 3.2333698)));
    CASE(cross_entropy_back, ARGS(cross_entropy, .reduction = 1, .label_smoothing = 0, .ignore_index = -100),
         LIST(SCALAR(CT_F32, 1.5), F32((3, 3), -2.5, 3, -0.5, -1, 3, -0.5, 2.5, 2.5, 0), I64((3), 2, -100, 0),
              F32((3), 0.5, 1, 2), F32((3), 3.0337095, 3.047373, 3.2333698)),
         LIST(F32((3, 3), 0.011853913, 2.9005569, -2.9124108, 0, 0, 0, -0.38978416, 0.36021584, 0.029568317)));
}

static void bad_targets(void) {
    BAD_CASE(cross_entropy_, 3, ARGS(cross_entropy, .reduction = 1, .ignore_index = -100),
             LIST(F32((2, 2), 0, 0, 1, 1), I64((2), 1, 2), ABSENT),
             LIST(SCALAR(CT_F32, 0.69314718), F32((2), 0.69314718, 1.6931472)));
    BAD_CASE(pool_scatter, 5, ARGS(size, .size = CT_DIMS(1, 1, 2, 2)),
             LIST(F32((1, 1, 1, 2), 1, 2), I64((1, 1, 1, 2), 4, 3)), LIST(F32((1, 1, 2, 2), 0, 0, 0, 2)));
}

/* Which elements stay depends on seed, step, key and the place in the output's memory alone. */
static void dropouts(void) {
    enum { N = 21 };
    const ct_layout x = {CT_F32, 2, {3, 7}, {7, 1}}, turned = {CT_F32, 2, {3, 7}, {1, 3}}, rng = {CT_I64, 1, {2}, {1}};
    ct_layout in[] = {x, rng}, out[] = {turned};
    out[0].dtype = CT_BOOL;
    ref_case c = {"dropout_mask", &ct_ref_dropout_mask, ARGS(dropout, .p = 0.25, .key = 7), 0, 2, 1, NULL, NULL};
    bool mask[N];
    uint32_t word[N];
    int64_t stream[2] = {42, 5}, bad, kept = 0;
    const void *pin[] = {NULL, stream};
    CHECK(run_kernel(&c, in, out, pin, (void *[]){mask}, &bad) == CT_OK);
    ct_philox_fill(ct_philox_make(42, 7), 5, 0, N, word);
    for (int i = 0; i < N; i++) {
        CHECK(mask[i] == (ct_philox_uniform(word[i]) >= 0.25));
        kept += mask[i];
    }
    CHECK(kept > N / 2 && kept < N);
    c.args = ARGS(dropout, .p = 1, .key = 7);
    CHECK(run_kernel(&c, in, out, pin, (void *[]){mask}, &bad) == CT_OK);
    for (int i = 0; i < N; i++) CHECK(!mask[i]);
    CASE(mask_scale, ARGS(fill, 1.5), LIST(F32((2, 2), 1, INFINITY, -3, 4), BOOL((2, 2), 1, 0, 0, 1)),
         LIST(F32((2, 2), 1.5, 0, 0, 6)));
}

enum { P = 3, STEPS = 2 };
/* Two steps of two parameters in place; the second never has a gradient, so that it and its states stay. */
static void check_update(const ct_kernel *kernel, const void *args, int states, const double (*want)[P]) {
    static const double start[P] = {1, -2, 0.5}, grads[STEPS][P] = {{0.5, -1, 2}, {-1, 0.25, 1}};
    double tensor[10][P] = {{0}}, lr = 0.1; /* params, grads, states */
    float step;
    void *p[12];
    ct_layout in[12];
    int n = 4 + 2 * states;
    for (int i = 0; i < n; i++) p[i] = tensor[i], in[i] = (ct_layout){CT_F64, 1, {P}, {1}};
    p[3] = NULL, in[3].dtype = CT_NONE;
    p[n] = &lr, in[n] = (ct_layout){.dtype = CT_F64};
    p[n + 1] = &step, in[n + 1] = (ct_layout){.dtype = CT_F32};
    memcpy(tensor[0], start, sizeof start), memcpy(tensor[1], start, sizeof start);
    ct_layout out[8];
    void *pout[8];
    for (int i = 0; i < 2 + 2 * states; i++) out[i] = in[i < 2 ? i : i + 2], pout[i] = p[i < 2 ? i : i + 2];
    ref_case c = {"update", kernel, args, 0, n + 2, 2 + 2 * states, NULL, NULL};
    for (int s = 0; s < STEPS; s++) {
        int64_t bad;
        memcpy(tensor[2], grads[s], sizeof grads[s]);
        step = (float)(s + 1);
        CHECK(run_kernel(&c, in, out, (const void *const *)p, pout, &bad) == CT_OK);
    }
    for (int j = 0; j <= states; j++) {
        for (int i = 0; i < P; i++) {
            CHECK_NEAR(tensor[j ? 2 + 2 * j : 0][i], want[j][i], 1e-7);
            CHECK(tensor[j ? 3 + 2 * j : 1][i] == (j ? 0 : start[i]));
        }
    }
}

#define UPDATE(op, args, states, ...) check_update(&ct_ref_##op, args, states, (const double[][P]){__VA_ARGS__})
static void updates(void) {
    UPDATE(sgd, ARGS(sgd, .weight_decay = 0.1), 0, {1.0306, -1.8862, 0.19205});
    UPDATE(sgd, ARGS(sgd, .momentum = 0.9, .dampening = 0.5), 1, {0.955, -1.8225, 0.07}, {-0.05, -0.775, 2.3});
    UPDATE(sgd, ARGS(sgd, .momentum = 0.5, .nesterov = true), 1, {1.0625, -1.8625, 0}, {-0.75, -0.25, 2});
    UPDATE(adam, ARGS(adam, .betas = {0.9, 0.999}, .eps = 1e-8, .weight_decay = 0.1, .amsgrad = true), 3,
           {0.92526352, -1.8367958, 0.3065701}, {-0.037, -0.102, 0.2885}, {0.00118774, 0.00144216, 0.0052798975},
           {0.00118774, 0.00144216, 0.0052798975});
    UPDATE(adamw, ARGS(adamw, .betas = {0.9, 0.999}, .eps = 1e-8, .weight_decay = 0.5), 2,
           {0.84411035, -1.6630532, 0.26303204}, {-0.055, -0.065, 0.28}, {0.00124975, 0.0010615, 0.004996});
    UPDATE(rmsprop, ARGS(rmsprop, .alpha = 0.9, .eps = 1e-8, .momentum = 0.5, .centered = true), 3,
           {0.78930872, -1.5824114, -0.16188097}, {0.1225, 0.09625, 0.46}, {-1.2264203, -0.84255301, 3.2854764},
           {-0.055, -0.065, 0.28});
    UPDATE(rmsprop, ARGS(rmsprop, .alpha = 0.9, .eps = 1e-8, .centered = true), 2,
           {0.95597537, -1.749078, 0.0047856978}, {0.1225, 0.09625, 0.46}, {-0.055, -0.065, 0.28});
    UPDATE(rmsprop, ARGS(rmsprop, .alpha = 0.9, .eps = 1e-8, .momentum = 0.5), 2, {0.81137266, -1.6062407, -0.1217836},
           {0.1225, 0.09625, 0.46}, {-1.276004, -0.77531584, 3.0555583});
    UPDATE(adagrad, ARGS(adagrad, .weight_decay = 0.1, .lr_decay = 0.1, .initial_accumulator_value = 0.5, .eps = 1e-10),
           1, {0.998846311, -1.91766741, 0.366137111}, {1.6816878, 1.94343578, 5.78523716});
    UPDATE(adadelta, ARGS(adadelta, .rho = 0.9, .eps = 1e-6, .weight_decay = 0.1), 2,
           {1.00006174, -1.99970341, 0.499471315}, {0.113405692, 0.129850316, 0.488468359},
           {2.32854267e-06, 9.03849167e-07, 1.35138023e-06});
    UPDATE(adamax, ARGS(adamax, .betas = {0.9, 0.999}, .eps = 1e-8, .weight_decay = 0.1), 2,
           {0.921399654, -1.85521838, 0.325856538}, {-0.037, -0.102, 0.2885}, {0.91000001, 1.19880001, 2.04795001});
    UPDATE(radam, ARGS(radam, .betas = {0.5, 0.7}, .eps = 1e-8, .weight_decay = 0.1), 2,
           {0.9804, -1.84413333, 0.158033333}, {-0.303, -0.269, 1.02725}, {0.3218508, 0.3035532, 1.20048607});
    UPDATE(radam, ARGS(radam, .betas = {0.5, 0.7}, .weight_decay = 0.1, .decoupled_weight_decay = true), 2,
           {0.9806, -1.84453333, 0.158716667}, {-0.375, -0.125, 1}, {0.3525, 0.22875, 1.14});
    UPDATE(nadam, ARGS(nadam, .betas = {0.9, 0.999}, .eps = 1e-8, .weight_decay = 0.1, .momentum_decay = 4e-3), 2,
           {0.9787222, -1.89432277, 0.342603593}, {-0.0370495312, -0.101950469, 0.288450469},
           {0.00118864171, 0.00144221968, 0.0052788675});
    UPDATE(lion, ARGS(lion, .betas = {0.9, 0.99}, .weight_decay = 0.5), 1, {0.9075, -1.81, 0.25625},
           {-0.00505, -0.0074, 0.0298});
    UPDATE(lamb, ARGS(lamb, .betas = {0.9, 0.999}, .eps = 1e-6, .weight_decay = 0.1), 2,
           {0.918273541, -1.74447107, 0.207697919}, {-0.055, -0.065, 0.28}, {0.00124975, 0.0010615, 0.004996});
    UPDATE(average, &(ct_none_args){0}, 0, {0.35, -0.875, 1.9}); /* the first value, then a tenth of the second */
}

int main(void) {
    RUN(products);
    RUN(convolutions);
    RUN(pools);
    RUN(resizes);
    RUN(norms);
    RUN(losses);
    RUN(bad_targets);
    RUN(dropouts);
    RUN(updates);
    return check_done("test_ref_layers");
}
