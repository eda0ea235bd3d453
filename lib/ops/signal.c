/* Signals: the short-time Fourier transform, as a convolution by waves. */
#include "ops/shape_util.h"
#include <math.h>

static ct_tensor *counting(int64_t n, double step) {
    ct_arange_args args = {.end = (double)n * step - step / 2, .step = step, .dtype = CT_F64};
    return ct_apply(CT_OP_arange, NULL, 0, &args, NULL);
}

/* Cosines, then sines, of each frequency: (2 frequencies, n_fft). In f64 until they are made: angles are large. */
static ct_tensor *waves(int64_t n, int64_t frequencies, ct_dtype dtype) {
    ct_tensor *angle =
        ct_mul(ct_unsqueeze(counting(frequencies, 2 * 3.14159265358979323846 / (double)n), (ct_dim_args){.dim = 1}),
               counting(n, 1));
    ct_tensor *both[] = {ct_cos(angle), ct_sin(angle)};
    return ct_to(ct_cat(both, 2, (ct_dim_args){.dim = 0}), dtype);
}

static ct_status want_signal(ct_tensor *const *in, const ct_stft_args *args, int64_t *hop, int64_t *window) {
    static const char op[] = "stft_magnitude";
    CT_TRY(ct_want_floats(op, &in[0]->layout, 1));
    CT_TRY(ct_want_ndim(op, "x", &in[0]->layout, 1, 2));
    *hop = args->hop_length ? args->hop_length : args->n_fft / 4;
    *window = args->win_length ? args->win_length : args->n_fft;
    if (args->n_fft < 1 || args->n_fft > 1 << 20 || *hop < 1 || *window < 1 || *window > args->n_fft)
        return ct_shape_fail(op, "n_fft, hop_length and win_length are above 0, and win_length is at most n_fft");
    return in[1] ? ct_want_sizes(op, "the window", &in[1]->layout, window, 1) : CT_OK;
}

FORMULA(stft_magnitude) {
    ARGS(stft);
    enum { REFLECT, CONSTANT, REPLICATE, CIRCULAR };
    static const int mode[] = {[REFLECT] = 1, [CONSTANT] = 0, [REPLICATE] = 2, [CIRCULAR] = 3}; /* pad's */
    (void)n_in, (void)out;
    int64_t hop, window, n = args->n_fft;
    ct_status status = want_signal(in, args, &hop, &window);
    if (status) return ct_tensor_failed(status);
    bool one = in[0]->layout.ndim == 1;
    ct_tensor *x = one ? ct_unsqueeze(in[0], (ct_dim_args){.dim = 0}) : in[0];
    if (!args->no_center) x = ct_pad(x, (ct_pad_args){.pad = CT_DIMS(n / 2, n / 2), .mode = mode[args->pad_mode]});
    if (ct_why(x)) return x;
    int64_t frequencies = args->no_onesided ? n : n / 2 + 1, before = (n - window) / 2;
    ct_dtype dtype = x->layout.dtype;
    ct_tensor *by = waves(n, frequencies, dtype), *shape = in[1];
    if (!shape && window < n) shape = ct_constant(dtype, CT_DIMS(window), 1);
    if (shape) by = ct_mul(by, ct_pad(shape, (ct_pad_args){.pad = CT_DIMS(before, n - window - before)}));
    if (args->normalized) by = ct_times(by, 1 / sqrt((double)n));
    ct_conv2d_args conv = {.stride = {1, hop}};
    x = ct_reshape_to(x, (int64_t[]){x->layout.size[0], 1, 1, x->layout.size[1]}, 4);
    ct_tensor *y = ct_conv2d(x, ct_reshape_to(by, (int64_t[]){2 * frequencies, 1, 1, n}, 4), NULL, conv);
    if (ct_why(y)) return y;
    int64_t size[] = {y->layout.size[0], 2, frequencies, y->layout.size[3]};
    y = ct_norm(ct_reshape_to(y, size, 4), (ct_norm_args){.dim = CT_DIMS(1)});
    return one ? ct_squeeze(y, (ct_squeeze_args){CT_DIMS(0)}) : y;
}
