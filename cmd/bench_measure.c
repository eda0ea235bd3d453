/* Steps timed: warm until stable, then in rounds, all samples kept. */
#include "cmd/bench.h"
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS 20        /* of the time, whose medians the intervals are made from */
#define LEAST 5          /* of them, however slow a step is */
#define WARM_SECONDS 0.1 /* at least */
#define WARM_STEPS 4
#define STABLE 0.01 /* that the second half of the warm-up is faster by, at most */
#define TIMES 9     /* steps that each kernel's time is the median of */
#define TIMES_S 2.0 /* or as many as fit in this */

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
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
    free(r->kernel);
    *r = (ct_bench_result){0};
}

typedef struct samples {
    double *s;
    size_t n, cap;
} samples;

static void add(samples *a, double s) {
    if (a->n == a->cap) {
        size_t cap = a->cap ? 2 * a->cap : 1024;
        double *larger = ct_cmd_alloc(cap, sizeof *larger);
        if (a->n) memcpy(larger, a->s, a->n * sizeof *larger);
        free(a->s);
        a->s = larger, a->cap = cap;
    }
    a->s[a->n++] = s;
}

/* One of the two that are timed in turn. */
typedef struct side {
    ct_bench *bench;
    samples all, round; /* every step's seconds, and each round's median */
} side;

static void side_free(side *s) {
    ct_bench_close(s->bench);
    free(s->all.s), free(s->round.s);
}

static ct_status open_side(const ct_bench_plan *p, const char *path, side *s) {
    char *messages;
    *s = (side){0};
    ct_status status = ct_bench_open(path, &p->options, &s->bench, &messages);
    if (status) return ct_say_spec(status, messages);
    ct_text_free(messages);
    return CT_OK;
}

static ct_status one_step(side *s, samples *to, double *seconds) {
    double start = now();
    ct_status status = ct_say_error(ct_bench_step(s->bench));
    *seconds = now() - start;
    if (!status) add(to, *seconds);
    return status;
}

static double least(const double *s, size_t n) {
    double min = INFINITY;
    for (size_t i = 0; i < n; i++) min = s[i] < min ? s[i] : min;
    return min;
}

/* Until the fastest step of the second half is not faster than that of the first; `most` seconds at most. */
static ct_status warm(side *s, double most, size_t *steps, bool *stable) {
    samples w = {0};
    ct_status status = CT_OK;
    double start = now(), took;
    for (*stable = false; !status && !*stable && (w.n < 2 || now() - start < most);) {
        status = one_step(s, &w, &took);
        bool enough = w.n >= WARM_STEPS && !(w.n & (w.n - 1)) && now() - start >= WARM_SECONDS;
        *stable = enough && least(w.s + w.n / 2, w.n / 2) >= (1 - STABLE) * least(w.s, w.n / 2);
    }
    *steps = w.n;
    free(w.s);
    return status;
}

/* Steps of at least `seconds` in all, one or more. */
static ct_status run_round(side *s, double seconds) {
    size_t first = s->all.n;
    double took, sum = 0;
    do {
        ct_status status = one_step(s, &s->all, &took);
        if (status) return status;
        sum += took;
    } while (sum < seconds);
    size_t n = s->all.n - first;
    double *sorted = ct_cmd_alloc(n, sizeof *sorted);
    memcpy(sorted, s->all.s + first, n * sizeof *sorted);
    ct_sort_numbers(sorted, n);
    add(&s->round, ct_quantile(sorted, n, 0.5));
    free(sorted);
    return CT_OK;
}

static ct_status run_rounds(side *s, int sides, double seconds) {
    double end = now() + seconds * sides;
    for (size_t k = 0; k < LEAST || (k < ROUNDS && now() < end); k++) {
        if (ct_line_due()) ct_line_show("round %zu of %d", k + 1, ROUNDS);
        for (int i = 0; i < sides; i++) {
            ct_status status = run_round(&s[(k + (size_t)i) % (size_t)sides], seconds / ROUNDS);
            if (status) return status;
        }
    }
    ct_line_clear();
    return CT_OK;
}

/* ---- what comes of it ---- */

static ct_status describe(side *s, ct_bench_row *r) {
    ct_bench_facts facts;
    ct_interval median;
    ct_status status = ct_bench_look(s->bench, &facts);
    if (!status) status = ct_median_interval(s->round.s, s->round.n, &median);
    if (status) return ct_say_error(status);
    size_t n = s->all.n;
    double *t = s->all.s;
    ct_sort_numbers(t, n);
    r->batch = (double)facts.batch, r->parameters = (double)facts.parameters, r->launches = facts.launches;
    r->precision = facts.precision;
    r->steps = (double)n, r->p50_s = r->median_s = ct_quantile(t, n, 0.5);
    r->low_s = fmin(median.low, r->median_s), r->high_s = fmax(median.high, r->median_s);
    r->spread = (ct_quantile(t, n, 0.75) - ct_quantile(t, n, 0.25)) / r->median_s;
    r->p75_s = ct_quantile(t, n, 0.75), r->p90_s = ct_quantile(t, n, 0.9), r->p95_s = ct_quantile(t, n, 0.95);
    r->p99_s = ct_quantile(t, n, 0.99);
    r->per_s = r->batch / r->median_s;
    r->operations = facts.operations, r->per_s_operations = r->operations / r->median_s;
    r->bytes = facts.bytes, r->per_s_bytes = r->bytes / r->median_s;
    return CT_OK;
}

/* The machine's rates, measured once a number of threads. */
static ct_status find_rates(double *operations, double *bytes) {
    static double known[2];
    static int threads;
    if (threads != ct_threads()) {
        ct_status status = ct_say_error(ct_machine_rates(&known[0], &known[1]));
        if (status) return status;
        threads = ct_threads();
    }
    *operations = known[0], *bytes = known[1];
    return CT_OK;
}

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

/* The median time of each kernel over several steps, in k[]; of `steps` reports. */
static void take_medians(ct_kernel_report **of, int steps, ct_kernel_report *k, int n) {
    double t[TIMES];
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < steps; j++) t[j] = of[j][i].seconds;
        ct_sort_numbers(t, (size_t)steps);
        k[i].seconds = ct_quantile(t, (size_t)steps, 0.5);
    }
}

static ct_status look_at_kernels(const ct_bench_plan *p, side *s, double operations, double bytes, ct_bench_result *r) {
    ct_kernel_report *of[TIMES];
    ct_status status = CT_OK;
    int n = 0, steps = 0;
    for (double end = now() + TIMES_S; !status && steps < TIMES && (!steps || now() < end);)
        if (!(status = ct_say_error(ct_bench_kernels(s->bench, &of[steps], &n)))) steps++;
    if (!status && p->trace) status = ct_bench_trace(p->trace, of[0], n);
    if (!status) {
        double sum = 0;
        take_medians(of, steps, of[0], n);
        group(of[0], n, r);
        for (int i = 0; i < r->n_kernels; i++) sum += r->kernel[i].of.seconds;
        for (int i = 0; i < r->n_kernels; i++) {
            ct_bench_kernel *k = &r->kernel[i];
            k->share = k->of.seconds / sum;
            k->roofline = k->of.seconds / fmax(k->of.operations / operations, k->of.bytes / bytes);
        }
        qsort(r->kernel, (size_t)r->n_kernels, sizeof *r->kernel, by_seconds);
    }
    for (int j = 0; j < steps; j++) ct_kernels_free(of[j]);
    return status;
}

static ct_status compare(const side *s, ct_bench_row *r) {
    ct_interval ratio;
    ct_status status = ct_say_error(ct_ratio_interval(s[0].round.s, s[1].round.s, s[0].round.n, &ratio));
    if (!status) r->vs_ratio = ratio.value, r->vs_low = ratio.low, r->vs_high = ratio.high;
    return status;
}

static ct_status measure(const ct_bench_plan *p, side *s, ct_bench_result *r) {
    size_t steps, others;
    bool stable[2] = {true, true};
    double operations = NAN, bytes = NAN;
    ct_bench_watch watch;
    ct_bench_memory_start();
    ct_status status = open_side(p, p->path, &s[0]);
    if (!status) status = warm(&s[0], p->seconds, &steps, &stable[0]);
    r->row.peak_bytes = ct_bench_memory_peak();
    if (!status && p->vs) status = open_side(p, p->vs, &s[1]);
    if (!status && p->vs) status = warm(&s[1], p->seconds, &others, &stable[1]);
    ct_bench_watch_start(&watch);
    if (!status) status = run_rounds(s, p->vs ? 2 : 1, p->seconds);
    if (status) return status;
    ct_bench_watch_end(&watch, r);
    if (!stable[0] || !stable[1])
        ct_bench_warn(r, "a warm-up of %.2g s did not bring steps that are as fast as any before", p->seconds);
    status = describe(&s[0], &r->row);
    r->row.warm_steps = (double)steps;
    if (!status && p->vs) status = compare(s, &r->row);
    if (!status && p->rates) status = find_rates(&operations, &bytes);
    r->row.of_product = r->row.per_s_operations / operations, r->row.of_copy = r->row.per_s_bytes / bytes;
    return status ? status : look_at_kernels(p, &s[0], operations, bytes, r);
}

ct_status ct_bench_measure(const ct_bench_plan *p, ct_bench_result *r) {
    side s[2] = {0};
    *r = (ct_bench_result){.row = {.model = p->path,
                                   .step = p->options.eval ? "forward" : "training",
                                   .kernels = ct_backend_name(),
                                   .vs = p->vs,
                                   .threads = ct_threads(),
                                   .vs_ratio = NAN,
                                   .vs_low = NAN,
                                   .vs_high = NAN}};
    ct_status status = measure(p, s, r);
    side_free(&s[0]), side_free(&s[1]);
    if (status) ct_bench_result_free(r);
    return status;
}
