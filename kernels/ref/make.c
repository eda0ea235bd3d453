/* Sequences of numbers. */
#include "kernels/ref/ref.h"

RUN_OF(arange) {
    const ct_arange_args *a = call->args;
    const ct_layout *y = call->out;
    bool floats = ct_is_float(y->dtype);
    for (int64_t i = 0; i < y->size[0]; i++) {
        double v = a->start + (double)i * a->step;
        if (floats)
            ct_elem_put(y->dtype, out[0], i * y->stride[0], v);
        else
            ct_elem_put_int(y->dtype, out[0], i * y->stride[0], ct_truncate(v, INT64_MIN, INT64_MAX));
    }
}
const ct_kernel ct_ref_arange = {.run = arange};

/* From both ends, so that the last is exact. */
RUN_OF(linspace) {
    const ct_linspace_args *a = call->args;
    const ct_layout *y = call->out;
    int64_t n = y->size[0];
    double step = n > 1 ? (a->end - a->start) / (double)(n - 1) : 0;
    for (int64_t i = 0; i < n; i++)
        ct_elem_put(y->dtype, out[0], i * y->stride[0],
                    i < n / 2 || n == 1 ? a->start + (double)i * step : a->end - (double)(n - 1 - i) * step);
}
const ct_kernel ct_ref_linspace = {.run = linspace};
