/* ctorch bench, in its files: what is timed, how, what is said of it. */
#ifndef CT_CMD_BENCH_H
#define CT_CMD_BENCH_H
#include "cmd/cmd.h"

/* What can be said of one result, as numbers; NAN where it is not known. Fields are columns' (bench_table.c). */
typedef struct ct_bench_row {
    const char *model, *step, *kernels, *precision; /* path, "training" or "forward", and so on */
    const char *vs;                                 /* what it is compared with, or NULL */
    double batch, threads, parameters, launches;
    double steps, warm_steps; /* timed, and before */
    double median_s, low_s, high_s, spread, p50_s, p75_s, p90_s, p95_s, p99_s;
    double per_s, operations, per_s_operations, of_product, bytes, per_s_bytes, of_copy, peak_bytes;
    double vs_ratio, vs_low, vs_high;
} ct_bench_row;

/* A kernel of a step, or several of the same name and shape together. */
typedef struct ct_bench_kernel {
    ct_kernel_report of;
    int calls;
    double share, roofline; /* of all kernels' time; times what the machine's rates allow */
} ct_bench_kernel;

#define CT_BENCH_WARNINGS 8
typedef struct ct_bench_result {
    ct_bench_row row;
    ct_bench_kernel *kernel; /* the dearest first */
    int n_kernels;
    char *warning[CT_BENCH_WARNINGS];
    int n_warnings;
} ct_bench_result;
void ct_bench_warn(ct_bench_result *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void ct_bench_result_free(ct_bench_result *r);

/* ---- bench_measure.c ---- */
typedef struct ct_bench_plan {
    const char *path, *vs; /* vs: a spec or a model to compare with, or NULL */
    ct_bench_options options;
    double seconds;
    bool rates;        /* measure the machine's */
    const char *trace; /* a file for the trace of a step, or NULL */
} ct_bench_plan;
ct_status ct_bench_measure(const ct_bench_plan *p, ct_bench_result *out);

/* ---- bench_trace.c ---- */
/* The kernels of a step as a trace that Chrome and Perfetto show. */
ct_status ct_bench_trace(const char *file, const ct_kernel_report *k, int n);

/* ---- bench_machine.c ---- */
typedef struct ct_bench_watch {
    double all, busy, stolen, own; /* seconds of processors since the machine started, and this program's */
    double throttled;              /* times */
} ct_bench_watch;
void ct_bench_watch_start(ct_bench_watch *w);
/* Warns of what disturbed since then, and of how the machine is set. */
void ct_bench_watch_end(const ct_bench_watch *w, ct_bench_result *r);
void ct_bench_memory_start(void); /* forgets this program's peak, where it can */
double ct_bench_memory_peak(void);

/* ---- bench_table.c ---- */
typedef enum ct_bench_format { CT_BENCH_TEXT, CT_BENCH_MARKDOWN, CT_BENCH_CSV, CT_BENCH_JSON } ct_bench_format;
/* Three digits and the unit's prefix, as "2.37 M"; a time with its unit. */
void ct_bench_rate(double v, char text[32]);
void ct_bench_time(double v, char text[32]);
/* JSON is written a result at a time; the others when all are there. */
void ct_bench_json(FILE *out, const ct_bench_result *r);
void ct_bench_print(ct_bench_format format, const ct_bench_result *r, int n);

/* ---- bench_ops.c ---- */
/* Times the ops whose names fit one of these patterns (none: all), each for `seconds`, and prints a line each. */
ct_status ct_bench_ops(ct_operands patterns, double seconds, bool json);

/* ---- bench_other.c ---- */
/* Runs `binary bench` and this program in turn, each as a child with these arguments; vs_ratio and its interval. */
ct_status ct_bench_against(const char *binary, const char *const *args, double seconds, ct_bench_row *out);
/* Compares with the results in `file` (--json's); CT_FAIL, said, if one is slower by more than `most` (0.05) or not
   there. */
ct_status ct_bench_baseline(const char *file, double most, const ct_bench_result *r, int n);
#endif
