/* Numbers about numbers: quantiles, and the interval of a mean (Student, 1908). */
#include "base/alloc.h"
#include "base/math.h"
#include "ctorch_run.h"
#include <math.h>
#include <stdlib.h>

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void ct_sort_numbers(double *x, size_t n) { qsort(x, n, sizeof *x, by_value); }

double ct_quantile(const double *sorted, size_t n, double q) {
    double at = q * (double)(n - 1);
    size_t low = (size_t)at;
    return low + 1 < n ? sorted[low] + (at - (double)low) * (sorted[low + 1] - sorted[low]) : sorted[n - 1];
}

/* What a mean of n normal numbers lies off by at most, 19 times in 20, in its standard errors: Student's t of n - 1. */
static double student(size_t n) {
    static const double t[] = {12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179};
    return t[n - 2 < CT_COUNT(t) ? n - 2 : CT_COUNT(t) - 1];
}

ct_status ct_mean_interval(const double *x, size_t n, ct_interval *out) {
    double mean = 0, squares = 0;
    for (size_t i = 0; i < n; i++) {
        if (!(x[i] > 0)) return ct_fail(CT_FAIL, "an interval wants numbers above 0, not %g", x[i]);
        mean += ct_log_f64(x[i]) / (double)n;
    }
    for (size_t i = 0; i < n; i++) squares += (ct_log_f64(x[i]) - mean) * (ct_log_f64(x[i]) - mean);
    double off = n > 1 ? student(n) * sqrt(squares / (double)(n - 1) / (double)n) : INFINITY;
    *out = (ct_interval){ct_exp_f64(mean), ct_exp_f64(mean - off), ct_exp_f64(mean + off)};
    return CT_OK;
}
