/* ctorch bench, in its files: what is timed, how, what is said of it. */
#ifndef CT_CMD_BENCH_H
#define CT_CMD_BENCH_H
#include "cmd/cmd.h"

/* What can be said of one result; NULL or NAN where it is not known. Fields are columns' (bench_table.c). */
typedef struct ct_bench_row {
    const char *model, *op, *shape, *step;          /* path, or an op and its result's shape; "training", "forward" */
    const char *kernels, *precision, *passes, *set; /* the last two as they were given */
    const char *vs, *vs_kernels, *vs_precision;     /* what it is compared with */
    const char *date, *version, *cpu;
    double device_only; /* 0 or 1 */
    double batch, threads, parameters, launches;
    double steps, warm_steps; /* timed, and before */
    double median_s, low_s, high_s, spread, min_s, mean_s, sd_s, p75_s, p90_s, p95_s, p99_s, kernels_s;
    double per_s, operations, per_s_operations, of_product, bytes, per_s_bytes, of_copy, peak_bytes;
    double product_rate, copy_rate; /* the machine's */
    double vs_batch, vs_threads, vs_ratio, vs_low, vs_high;
    double load; /* of the machine, before */
} ct_bench_row;

/* A kernel of a step, or several of the same name and shape together. */
typedef struct ct_bench_kernel {
    ct_kernel_report of;
    int calls;
    double share, roofline; /* of all kernels' time; times what the machine's rates allow */
} ct_bench_kernel;

/* Numbers that are added one after another. */
typedef struct ct_bench_list {
    double *v;
    size_t n, cap;
} ct_bench_list;
void ct_bench_list_add(ct_bench_list *l, double v);

#define CT_BENCH_WARNINGS 8
typedef struct ct_bench_result {
    ct_bench_row row; /* some of its texts are these: */
    char date[24], shape[48], vs_kernels[16], vs_precision[16];
    ct_bench_list samples;   /* every step's seconds, in order */
    ct_bench_kernel *kernel; /* the dearest first */
    int n_kernels;
    char *warning[CT_BENCH_WARNINGS];
    int n_warnings;
} ct_bench_result;
void ct_bench_result_free(ct_bench_result *r);

typedef struct ct_bench_plan {
    const char *path, *vs;          /* what is timed: a spec, a model, an op; what beside it, or NULL */
    bool vs_program;                /* another ctorch */
    ct_bench_options options;       /* ctx: each one's path is put there */
    const char *set, *isa, *passes; /* as they were given, or NULL */
    double seconds;
    bool rates;        /* measure the machine's */
    const char *trace; /* a file for the trace of a step, or NULL */
} ct_bench_plan;

/* ---- bench_measure.c ---- */
ct_status ct_bench_measure(const ct_bench_plan *p, ct_bench_result *out);
unsigned ct_bench_draw(unsigned below); /* 0 to below - 1, otherwise in each run of the program */

/* ---- bench_ops.c ---- */
/* The ops whose names fit one of these patterns (none: all): names[] of them, to be freed; *n grows by their number. */
ct_status ct_bench_ops_list(ct_operands patterns, const char ***names, int *n);
ct_status ct_bench_op(const ct_bench_plan *p, ct_bench_result *out);

/* ---- bench_sum.c ---- */
/* A result of which nothing is known but what the plan says. */
void ct_bench_result_start(const ct_bench_plan *p, ct_bench_result *r);
/* What the samples say. */
ct_status ct_bench_sum(ct_bench_result *r);
/* From how many times as long a step took as the other's in each turn: vs_ratio, of a sample, and its interval. */
#define CT_BENCH_TURNS 10
ct_status ct_bench_ratio(const double *ratio, ct_bench_result *r);
/* The machine's rates, and what the result is of them. */
ct_status ct_bench_rates(ct_bench_result *r);
void ct_bench_warn(ct_bench_result *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* ---- bench_kernels.c ---- */
/* Times the kernels of further steps, which must be warm; p->trace gets one of these. */
ct_status ct_bench_look_inside(const ct_bench_plan *p, ct_bench *b, ct_bench_result *r);

/* ---- bench_trace.c ---- */
/* The kernels of a step as a trace that Chrome and Perfetto show. */
ct_status ct_bench_trace(const char *file, const char *model, const ct_kernel_report *k, int n);

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
typedef enum ct_bench_unit {
    CT_BENCH_WORD,
    CT_BENCH_FLAG,
    CT_BENCH_COUNT,
    CT_BENCH_TIME,
    CT_BENCH_RATE,
    CT_BENCH_PERCENT,
    CT_BENCH_MEMORY,
    CT_BENCH_RATIO
} ct_bench_unit;
typedef struct ct_bench_column {
    const char *head, *key; /* head NULL: for programs only */
    ct_bench_unit unit;
    size_t offset;
    bool which; /* it says what was measured: results that differ in it are not compared */
} ct_bench_column;
const ct_bench_column *ct_bench_column_at(int i); /* NULL past the last */
const char *ct_bench_word(const ct_bench_row *r, const ct_bench_column *c);
double *ct_bench_number(ct_bench_row *r, const ct_bench_column *c);
/* What was measured, to be freed: "specs/x.yaml, training, batch 64, 2 threads". */
char *ct_bench_label(const ct_bench_row *r);
/* samples: all of them too. */
void ct_bench_json(FILE *out, const ct_bench_result *r, bool samples);
void ct_bench_text(const ct_bench_result *r, int n);
void ct_bench_markdown(const ct_bench_result *r, int n);
void ct_bench_csv(const ct_bench_result *r, int n);

/* ---- bench_program.c: another build of ctorch ---- */
bool ct_bench_is_program(const char *path);
/* Whether p->vs can do what p says, and what it does it with: vs_batch, vs_threads and so on. */
ct_status ct_bench_program_try(const ct_bench_plan *p, ct_bench_result *r);
/* Runs this program and that one in turn, each as a child that does what p says: vs_ratio and its interval. */
ct_status ct_bench_program_race(const ct_bench_plan *p, ct_bench_result *r);

/* ---- bench_baseline.c: earlier results ---- */
typedef struct ct_bench_past ct_bench_past;
/* Of a file that --json or --jsonl wrote. */
ct_status ct_bench_past_open(const char *file, ct_bench_past **out);
void ct_bench_past_close(ct_bench_past *p);
/* CT_FAIL where a result is slower by more than `most` (0.05: 5%), or is none of the file's. */
ct_status ct_bench_past_compare(const ct_bench_past *p, double most, const ct_bench_result *r, int n);
#endif
