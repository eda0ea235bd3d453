/* What is said of results: a column is a row here, read by the table, Markdown, CSV and JSON. */
#include "cmd/bench.h"
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

typedef enum unit { WORD, COUNT, TIME, RATE, PERCENT, MEMORY, RATIO } unit;
typedef struct column {
    const char *head, *key; /* head NULL: for programs only */
    unit unit;
    size_t offset;
} column;
#define AT(field) offsetof(ct_bench_row, field)
static const column columns[] = {
    {"model", "model", WORD, AT(model)},
    {"step", "step", WORD, AT(step)},
    {"batch", "batch", COUNT, AT(batch)},
    {"threads", "threads", COUNT, AT(threads)},
    {"kernels", "kernels", WORD, AT(kernels)},
    {NULL, "parameters", COUNT, AT(parameters)},
    {"launches", "launches", COUNT, AT(launches)},
    {"precision", "precision", WORD, AT(precision)},
    {"steps", "steps", COUNT, AT(steps)},
    {NULL, "warm_steps", COUNT, AT(warm_steps)},
    {"median", "median_s", TIME, AT(median_s)},
    {"95% from", "low_s", TIME, AT(low_s)},
    {"to", "high_s", TIME, AT(high_s)},
    {"spread", "spread", PERCENT, AT(spread)},
    {NULL, "p50_s", TIME, AT(p50_s)},
    {"p75", "p75_s", TIME, AT(p75_s)},
    {"p90", "p90_s", TIME, AT(p90_s)},
    {"p95", "p95_s", TIME, AT(p95_s)},
    {"p99", "p99_s", TIME, AT(p99_s)},
    {"samples/s", "per_s", RATE, AT(per_s)},
    {NULL, "operations", COUNT, AT(operations)},
    {"FLOP/s", "operations_per_s", RATE, AT(per_s_operations)},
    {"of product", "of_product", PERCENT, AT(of_product)},
    {NULL, "bytes", COUNT, AT(bytes)},
    {"byte/s", "bytes_per_s", RATE, AT(per_s_bytes)},
    {"of copy", "of_copy", PERCENT, AT(of_copy)},
    {"memory", "peak_bytes", MEMORY, AT(peak_bytes)},
    {"against", "vs", WORD, AT(vs)},
    {"ratio", "vs_ratio", RATIO, AT(vs_ratio)},
    {"95% from", "vs_low", RATIO, AT(vs_low)},
    {"to", "vs_high", RATIO, AT(vs_high)},
};
#define COLUMNS ((int)(sizeof columns / sizeof *columns))

static const char *word_of(const ct_bench_row *r, const column *c) {
    return *(const char *const *)((const char *)r + c->offset);
}
static double number_of(const ct_bench_row *r, const column *c) {
    return *(const double *)((const char *)r + c->offset);
}
static bool is_known(const ct_bench_row *r, const column *c) {
    return c->unit == WORD ? word_of(r, c) != NULL : isfinite(number_of(r, c));
}

void ct_bench_rate(double v, char text[32]) {
    static const char *const prefix[] = {"", " k", " M", " G", " T"};
    int i = 0;
    for (; v >= 999.5 && i < 4; i++) v /= 1000;
    snprintf(text, 32, "%.3g%s", v, prefix[i]);
}

void ct_bench_time(double v, char text[32]) {
    static const char *const name[] = {"s", "ms", "us", "ns"};
    int i = 0;
    for (; v < 0.9995 && i < 3; i++) v *= 1000;
    snprintf(text, 32, "%.*f %s", v < 9.995 ? 2 : v < 99.95 ? 1 : 0, v, name[i]);
}

static void write_number(double v, unit u, char text[32]) {
    if (u == TIME)
        ct_bench_time(v, text);
    else if (u == RATE)
        ct_bench_rate(v, text);
    else
        snprintf(text, 32,
                 u == PERCENT  ? "%.1f%%"
                 : u == MEMORY ? "%.1f MiB"
                 : u == RATIO  ? "%.3f"
                               : "%.0f",
                 u == PERCENT  ? 100 * v
                 : u == MEMORY ? v / (1 << 20)
                               : v);
}

/* What people read in a place of the table; valid until the next call. */
static const char *cell(const ct_bench_row *r, const column *c) {
    static char text[32];
    if (!is_known(r, c)) return "";
    if (c->unit == WORD) return word_of(r, c);
    write_number(number_of(r, c), c->unit, text);
    return text;
}

/* ---- for people ---- */

static bool is_shown(const column *c, const ct_bench_result *r, int n) {
    bool known = false;
    for (int i = 0; i < n; i++) known = known || is_known(&r[i].row, c);
    return c->head && known;
}

static void pad(int width) { printf("%*s", width > 0 ? width : 0, ""); }

static void print_cell(const char *text, int width, bool left) {
    if (!left) pad(width - ct_text_width(text));
    ct_say_text(stdout, text, -1);
    if (left) pad(width - ct_text_width(text));
}

static void print_kernels(const ct_bench_result *r) {
    enum { MOST = 10 };
    printf("\n%-44s %-18s %5s %9s %6s %8s %8s  %s\n", "dearest kernels", "result", "calls", "time", "share", "FLOP/s",
           "byte/s", "x roofline");
    for (int i = 0; i < r->n_kernels && i < MOST; i++) {
        const ct_bench_kernel *k = &r->kernel[i];
        char time[32], operations[32] = "", bytes[32], roofline[32] = "";
        ct_bench_time(k->of.seconds, time);
        if (k->of.operations > 0) ct_bench_rate(k->of.operations / k->of.seconds, operations);
        ct_bench_rate(k->of.bytes / k->of.seconds, bytes);
        if (isfinite(k->roofline)) snprintf(roofline, sizeof roofline, "%.2f", k->roofline);
        printf("%-44.44s %-18s %5d %9s %5.1f%% %8s %8s  %10s\n", k->of.name, k->of.shape, k->calls, time,
               100 * k->share, operations, bytes, roofline);
    }
}

static void print_verdict(const ct_bench_row *r) {
    if (!r->vs) return;
    bool slower = r->vs_low > 1, faster = r->vs_high < 1;
    ct_say_text(stdout, r->model, -1);
    printf(" takes %.3f times as long as ", r->vs_ratio);
    ct_say_text(stdout, r->vs, -1);
    printf(", 95%%: %.3f to %.3f: %s\n", r->vs_low, r->vs_high,
           slower   ? "slower"
           : faster ? "faster"
                    : "no difference shown");
}

/* One result: a line a column. */
static void print_one(const ct_bench_result *r) {
    for (int c = 0; c < COLUMNS; c++) {
        if (!is_shown(&columns[c], r, 1)) continue;
        print_cell(columns[c].head, 12, true);
        ct_say_text(stdout, cell(&r->row, &columns[c]), -1);
        putchar('\n');
    }
    if (r->n_kernels) print_kernels(r);
}

static void print_table(const ct_bench_result *r, int n) {
    for (int i = -1; i < n; i++) {
        const char *between = "";
        for (int c = 0; c < COLUMNS; c++) {
            if (!is_shown(&columns[c], r, n)) continue;
            int width = ct_text_width(columns[c].head);
            for (int k = 0; k < n; k++) {
                int w = ct_text_width(cell(&r[k].row, &columns[c]));
                width = w > width ? w : width;
            }
            fputs(between, stdout);
            print_cell(i < 0 ? columns[c].head : cell(&r[i].row, &columns[c]), width, columns[c].unit == WORD);
            between = "  ";
        }
        putchar('\n');
    }
}

static void print_text(const ct_bench_result *r, int n) {
    if (n == 1)
        print_one(r);
    else
        print_table(r, n);
    for (int i = 0; i < n; i++) print_verdict(&r[i].row);
}

static void print_markdown(const ct_bench_result *r, int n) {
    for (int i = -2; i < n; i++) {
        for (int c = 0; c < COLUMNS; c++) {
            if (!is_shown(&columns[c], r, n)) continue;
            fputs("| ", stdout);
            const char *rule = columns[c].unit == WORD ? "---" : "---:";
            ct_say_text(stdout, i == -2 ? columns[c].head : i == -1 ? rule : cell(&r[i].row, &columns[c]), -1);
            putchar(' ');
        }
        puts("|");
    }
}

/* ---- for programs ---- */

static void print_csv(const ct_bench_result *r, int n) {
    for (int i = -1; i < n; i++)
        for (int c = 0; c < COLUMNS; c++) {
            if (i < 0)
                fputs(columns[c].key, stdout);
            else if (columns[c].unit == WORD)
                ct_csv_field(stdout, is_known(&r[i].row, &columns[c]) ? word_of(&r[i].row, &columns[c]) : "");
            else if (is_known(&r[i].row, &columns[c]))
                printf("%.9g", number_of(&r[i].row, &columns[c]));
            fputs(c + 1 < COLUMNS ? "," : "\r\n", stdout);
        }
}

static void write_kernel(ct_json *j, const ct_bench_kernel *k) {
    ct_json_open(j, NULL, '{');
    ct_json_text(j, "name", k->of.name);
    ct_json_text(j, "shape", k->of.shape);
    ct_json_int(j, "calls", k->calls);
    ct_json_number(j, "seconds", k->of.seconds);
    ct_json_number(j, "share", k->share);
    ct_json_number(j, "operations", k->of.operations);
    ct_json_number(j, "bytes", k->of.bytes);
    ct_json_number(j, "roofline", k->roofline);
    ct_json_close(j, '}');
}

void ct_bench_json(FILE *out, const ct_bench_result *r) {
    ct_json j = {.out = out};
    ct_json_open(&j, NULL, '{');
    for (int c = 0; c < COLUMNS; c++)
        if (columns[c].unit == WORD)
            ct_json_text(&j, columns[c].key, word_of(&r->row, &columns[c]));
        else if (columns[c].unit == COUNT)
            ct_json_int(&j, columns[c].key, (int64_t)number_of(&r->row, &columns[c]));
        else
            ct_json_number(&j, columns[c].key, number_of(&r->row, &columns[c]));
    ct_json_open(&j, "dearest", '[');
    for (int i = 0; i < r->n_kernels; i++) write_kernel(&j, &r->kernel[i]);
    ct_json_close(&j, ']');
    ct_json_open(&j, "warnings", '[');
    for (int i = 0; i < r->n_warnings; i++) ct_json_text(&j, NULL, r->warning[i]);
    ct_json_close(&j, ']');
    ct_json_close(&j, '}');
}

void ct_bench_print(ct_bench_format format, const ct_bench_result *r, int n) {
    static void (*const print[])(const ct_bench_result *r, int n) = {print_text, print_markdown, print_csv};
    if (format != CT_BENCH_JSON) print[format](r, n);
}
