/* Tensors made of arguments alone: sequences and the identity. */
#include "ops/shape_util.h"
#include <math.h>

SHAPE(arange) {
    ARGS(arange);
    (void)in, (void)n_in;
    *n_out = 1;
    double start = args->start, end = args->end, step = args->step, count = ceil((end - start) / step);
    if (!isfinite(start) || !isfinite(end) || !isfinite(step) || !(count >= 0 && count <= (double)CT_MAX_NUMEL))
        return ct_shape_fail("arange", "from %g to %g in steps of %g is not possible", start, end, step);
    bool whole = start == floor(start) && end == floor(end) && step == floor(step);
    ct_dtype dtype = args->dtype ? (ct_dtype)args->dtype : whole ? CT_I64 : CT_F32;
    CT_TRY(ct_want_dtype("arange", dtype));
    return ct_shape_make("arange", NULL, dtype, &(int64_t){(int64_t)count}, 1, out);
}

SHAPE(linspace) {
    ARGS(linspace);
    (void)in, (void)n_in;
    *n_out = 1;
    CT_TRY(ct_want_dtype("linspace", args->dtype));
    return ct_shape_make("linspace", NULL, (ct_dtype)args->dtype, &args->steps, 1, out);
}

static ct_tensor *counting(int64_t n) {
    return ct_apply(CT_OP_arange, NULL, 0, &(ct_arange_args){.end = (double)n, .step = 1, .dtype = CT_I64}, NULL);
}

FORMULA(eye) {
    ARGS(eye);
    (void)in, (void)n_in, (void)out;
    ct_tensor *rows = ct_unsqueeze(counting(args->n), (ct_dim_args){.dim = 1});
    return ct_to(ct_eq(rows, counting(args->m < 0 ? args->n : args->m)), (ct_dtype)args->dtype);
}
