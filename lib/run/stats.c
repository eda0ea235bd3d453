/* Numbers about numbers: quantiles, and intervals by the bootstrap (Efron, 1979). */
#include "base/alloc.h"
#include "base/philox.h"
#include "ctorch_run.h"
#include <math.h>
#include <stdlib.h>

#define RESAMPLES 2000

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

static double median(double *x, size_t n) {
    ct_sort_numbers(x, n);
    return ct_quantile(x, n, 0.5);
}

/* a's median over b's (NULL: 1) of the n pairs at index[], or of all in order where that is NULL. room: 2n. */
static double ratio_of(const double *a, const double *b, const uint32_t *index, size_t n, double *room) {
    for (size_t i = 0; i < n; i++) {
        size_t from = index ? index[i] % n : i;
        room[i] = a[from];
        if (b) room[n + i] = b[from];
    }
    return median(room, n) / (b ? median(room + n, n) : 1);
}

static ct_status interval(const double *a, const double *b, size_t n, ct_interval *out) {
    ct_philox_key key = ct_philox_make(0, 0x626f6f74);
    double *all = ct_alloc(RESAMPLES, sizeof *all), *room = ct_alloc(2 * n, sizeof *room);
    uint32_t *index = ct_alloc(n, sizeof *index);
    ct_status status = all && room && index ? CT_OK : CT_NO_MEMORY;
    for (int i = 0; !status && i < RESAMPLES; i++) {
        ct_philox_fill(key, (uint64_t)i, 0, (int64_t)n, index);
        all[i] = ratio_of(a, b, index, n, room);
    }
    if (!status) {
        ct_sort_numbers(all, RESAMPLES);
        *out = (ct_interval){ratio_of(a, b, NULL, n, room), ct_quantile(all, RESAMPLES, 0.025),
                             ct_quantile(all, RESAMPLES, 0.975)};
    }
    ct_free(all), ct_free(room), ct_free(index);
    return status;
}

ct_status ct_median_interval(const double *x, size_t n, ct_interval *out) { return interval(x, NULL, n, out); }
ct_status ct_ratio_interval(const double *a, const double *b, size_t n, ct_interval *out) {
    return interval(a, b, n, out);
}
