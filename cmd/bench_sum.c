/* What samples say, and of which part of what the machine can do. */
#include "cmd/bench.h"
#include "cmd/processor.h"
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define GROUPS 8 /* of samples, in order, from whose medians the interval is made */

void ct_bench_list_add(ct_bench_list *l, double v) {
    if (l->n == l->cap) {
        size_t cap = l->cap ? 2 * l->cap : 1024;
        double *larger = ct_cmd_alloc(cap, sizeof *larger);
        if (l->n) memcpy(larger, l->v, l->n * sizeof *larger);
        free(l->v);
        l->v = larger, l->cap = cap;
    }
    l->v[l->n++] = v;
}

void ct_bench_warn(ct_bench_result *r, const char *fmt, ...) {
    char text[256];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (r->n_warnings < CT_BENCH_WARNINGS) r->warning[r->n_warnings++] = ct_cmd_format("%s", text);
}

void ct_bench_result_free(ct_bench_result *r) {
    for (int i = 0; i < r->n_warnings; i++) free(r->warning[i]);
    free(r->kernel), free(r->samples.v);
    *r = (ct_bench_result){0};
}

static const char *cpu(void) {
    static char name[128];
    if (!*name) ct_processor_name(name, sizeof name);
    return name;
}

void ct_bench_result_start(const ct_bench_plan *p, ct_bench_result *r) {
    time_t now = time(NULL);
    const ct_bench_column *c;
    *r = (ct_bench_result){.row = {.kernels = ct_backend_name(), .passes = p->passes, .vs = p->vs}};
    for (int i = 0; (c = ct_bench_column_at(i)); i++)
        if (c->unit != CT_BENCH_WORD) *ct_bench_number(&r->row, c) = NAN;
    strftime(r->date, sizeof r->date, "%Y-%m-%dT%H:%M:%SZ", gmtime(&now));
    r->row.date = r->date, r->row.version = ct_version(), r->row.cpu = cpu();
    r->row.threads = ct_threads(), r->row.device_only = p->options.device_only;
    if (getloadavg(&r->row.load, 1) != 1) r->row.load = NAN;
}

/* The medians of GROUPS parts of the samples, or as many as there are: what is near in time is alike, and within one.
 */
static ct_status find_interval(const double *s, size_t n, ct_interval *out) {
    double median[GROUPS], *sorted = ct_cmd_alloc(n, sizeof *sorted);
    size_t groups = n < GROUPS ? n : GROUPS;
    for (size_t g = 0; g < groups; g++) {
        size_t from = g * n / groups, some = (g + 1) * n / groups - from;
        memcpy(sorted, s + from, some * sizeof *s);
        ct_sort_numbers(sorted, some);
        median[g] = ct_quantile(sorted, some, 0.5);
    }
    free(sorted);
    return ct_say_error(ct_mean_interval(median, groups, out));
}

ct_status ct_bench_sum(ct_bench_result *r) {
    ct_bench_row *row = &r->row;
    ct_interval interval;
    size_t n = r->samples.n;
    double *t = ct_cmd_alloc(n, sizeof *t), sum = 0, squares = 0;
    memcpy(t, r->samples.v, n * sizeof *t);
    ct_sort_numbers(t, n);
    for (size_t i = 0; i < n; i++) sum += t[i];
    for (size_t i = 0; i < n; i++) squares += (t[i] - sum / (double)n) * (t[i] - sum / (double)n);
    row->steps = (double)n;
    row->min_s = t[0], row->mean_s = sum / (double)n, row->sd_s = n > 1 ? sqrt(squares / (double)(n - 1)) : NAN;
    row->median_s = ct_quantile(t, n, 0.5), row->p75_s = ct_quantile(t, n, 0.75), row->p90_s = ct_quantile(t, n, 0.9);
    row->p95_s = ct_quantile(t, n, 0.95), row->p99_s = ct_quantile(t, n, 0.99);
    row->spread = (row->p75_s - ct_quantile(t, n, 0.25)) / row->median_s;
    row->per_s = (isfinite(row->batch) ? row->batch : 1) / row->median_s;
    if (row->operations > 0) row->per_s_operations = row->operations / row->median_s;
    if (row->bytes > 0) row->per_s_bytes = row->bytes / row->median_s;
    free(t);
    ct_status status = find_interval(r->samples.v, n, &interval);
    if (!status) row->low_s = fmin(interval.low, row->median_s), row->high_s = fmax(interval.high, row->median_s);
    return status;
}

ct_status ct_bench_ratio(const double *ratio, ct_bench_result *r) {
    ct_interval interval;
    ct_status status = ct_say_error(ct_mean_interval(ratio, CT_BENCH_TURNS, &interval));
    if (status) return status;
    double samples = r->row.vs_batch / r->row.batch;
    r->row.vs_ratio = samples * interval.value, r->row.vs_low = samples * interval.low;
    r->row.vs_high = samples * interval.high;
    return CT_OK;
}

ct_status ct_bench_rates(ct_bench_result *r) {
    static double product, copy; /* with as many threads */
    static int threads;
    ct_bench_row *row = &r->row;
    if (threads != ct_threads()) {
        ct_status status = ct_say_error(ct_machine_rates(&product, &copy));
        if (status) return status;
        threads = ct_threads();
    }
    row->product_rate = product, row->copy_rate = copy;
    row->of_product = row->per_s_operations / product, row->of_copy = row->per_s_bytes / copy;
    for (int i = 0; i < r->n_kernels; i++) {
        const ct_kernel_report *k = &r->kernel[i].of;
        r->kernel[i].roofline = k->seconds / fmax(k->operations / product, k->bytes / copy);
    }
    return CT_OK;
}
