/* Anomaly mode: which op first made a NaN or an infinity. */
#include "ops/ops.h"
#include <math.h>

static _Thread_local bool detect;

void ct_detect_anomaly(bool on) { detect = on; }
bool ct_anomaly(void) { return detect && !ct_capturing(); }

/* The first element that is not finite, counted row-major, and its value; -1: none. */
static int64_t first_bad(const ct_tensor *t, double *value) {
    if (!t || !ct_data(t) || !ct_is_float(ct_dtype_of(t))) return -1;
    const ct_layout *l = &t->layout;
    int64_t n = ct_numel(t);
    for (int64_t i = 0; i < n; i++) {
        int64_t at = 0, rest = i;
        for (int d = l->ndim - 1; d >= 0; rest /= l->size[d--]) at += rest % l->size[d] * l->stride[d];
        *value = ct_element_get(l->dtype, ct_data(t), at);
        if (!isfinite(*value)) return i;
    }
    return -1;
}

ct_status ct_anomaly_check(const char *name, ct_tensor *const *in, int n_in, ct_tensor *const *out, int n_out) {
    double value;
    if (!n_in) return CT_OK; /* a constant is what it was asked to be */
    for (int i = 0; i < n_out; i++) {
        int64_t at = first_bad(out[i], &value);
        if (at < 0) continue;
        for (int k = 0; k < n_in; k++)
            if (first_bad(in[k], &value) >= 0) return CT_OK;
        first_bad(out[i], &value);
        return ct_fail(CT_DIVERGED, "%s made the first %s, in element %lld of result %d", name,
                       isnan(value) ? "NaN" : "infinity", (long long)at, i);
    }
    return CT_OK;
}
