/* The kernels that a step is made of, each timed. */
#include "cmd/bench.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WARM 2      /* steps that do not count: the look at the clock is new */
#define LEAST 3     /* that do, however slow they are */
#define MOST 101    /* of them, */
#define SECONDS 0.5 /* or as many as fit in this, or in what steps are timed for */

static int by_seconds(const void *a, const void *b) {
    double x = ((const ct_bench_kernel *)a)->of.seconds, y = ((const ct_bench_kernel *)b)->of.seconds;
    return (x < y) - (x > y);
}

/* Those of the same name and shape together. */
static void group(const ct_kernel_report *k, int n, ct_bench_result *r) {
    r->kernel = ct_cmd_alloc((size_t)n, sizeof *r->kernel);
    for (int i = 0; i < n; i++) {
        int to = 0;
        while (to < r->n_kernels &&
               (strcmp(r->kernel[to].of.name, k[i].name) || strcmp(r->kernel[to].of.shape, k[i].shape)))
            to++;
        ct_bench_kernel *g = &r->kernel[to];
        if (to == r->n_kernels)
            r->n_kernels++, *g = (ct_bench_kernel){k[i], 1, 0, NAN};
        else
            g->calls++, g->of.seconds += k[i].seconds, g->of.operations += k[i].operations, g->of.bytes += k[i].bytes;
    }
}

/* Several steps' reports of n kernels each. */
typedef struct reports {
    ct_kernel_report *of[MOST];
    int steps, n;
} reports;

static double whole(const ct_kernel_report *k, int n) { return k[n - 1].start + k[n - 1].seconds - k[0].start; }

/* The step in the middle of them all. */
static const ct_kernel_report *typical(const reports *r) {
    double t[MOST];
    for (int j = 0; j < r->steps; j++) t[j] = whole(r->of[j], r->n);
    ct_sort_numbers(t, (size_t)r->steps);
    for (int j = 0; j < r->steps; j++)
        if (whole(r->of[j], r->n) == t[r->steps / 2]) return r->of[j];
    return r->of[0];
}

/* The median time of each kernel, in those of the first step. */
static void take_medians(reports *r) {
    double t[MOST];
    for (int i = 0; i < r->n; i++) {
        for (int j = 0; j < r->steps; j++) t[j] = r->of[j][i].seconds;
        ct_sort_numbers(t, (size_t)r->steps);
        r->of[0][i].seconds = ct_quantile(t, (size_t)r->steps, 0.5);
    }
}

static ct_status take_reports(ct_bench *b, double seconds, reports *r) {
    double end = INFINITY;
    for (int i = 0; i < WARM + LEAST || (r->steps < MOST && ct_now() < end); i++) {
        ct_status status = ct_say_error(ct_bench_kernels(b, &r->of[r->steps], &r->n));
        if (status) return status;
        if (i < WARM)
            ct_kernels_free(r->of[r->steps]), end = ct_now() + seconds;
        else
            r->steps++;
    }
    return CT_OK;
}

ct_status ct_bench_look_inside(const ct_bench_plan *p, ct_bench *b, ct_bench_result *r) {
    reports all = {.steps = 0};
    ct_status status = take_reports(b, fmin(SECONDS, p->seconds), &all);
    if (!status && p->trace) status = ct_bench_trace(p->trace, p->path, typical(&all), all.n);
    if (!status) {
        take_medians(&all);
        group(all.of[0], all.n, r);
        r->row.kernels_s = 0;
        for (int i = 0; i < r->n_kernels; i++) r->row.kernels_s += r->kernel[i].of.seconds;
        for (int i = 0; i < r->n_kernels; i++) r->kernel[i].share = r->kernel[i].of.seconds / r->row.kernels_s;
        qsort(r->kernel, (size_t)r->n_kernels, sizeof *r->kernel, by_seconds);
    }
    for (int j = 0; j < all.steps; j++) ct_kernels_free(all.of[j]);
    return status;
}
