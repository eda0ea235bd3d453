/* What is said of results: a column is a row here, read by the table, Markdown, CSV and JSON. */
#include "cmd/bench.h"
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define AT(field) offsetof(ct_bench_row, field)
#define WHICH true
static const ct_bench_column columns[] = {
    {"model", "model", CT_BENCH_WORD, AT(model), WHICH},
    {"op", "op", CT_BENCH_WORD, AT(op), WHICH},
    {"result", "shape", CT_BENCH_WORD, AT(shape), WHICH},
    {"step", "step", CT_BENCH_WORD, AT(step), WHICH},
    {"batch", "batch", CT_BENCH_COUNT, AT(batch), WHICH},
    {"threads", "threads", CT_BENCH_COUNT, AT(threads), WHICH},
    {"kernels", "kernels", CT_BENCH_WORD, AT(kernels), WHICH},
    {"precision", "precision", CT_BENCH_WORD, AT(precision), WHICH},
    {"passes", "passes", CT_BENCH_WORD, AT(passes), WHICH},
    {"set", "set", CT_BENCH_WORD, AT(set), WHICH},
    {NULL, "device_only", CT_BENCH_FLAG, AT(device_only), WHICH},
    {NULL, "parameters", CT_BENCH_COUNT, AT(parameters), false},
    {"launches", "launches", CT_BENCH_COUNT, AT(launches), false},
    {"steps", "steps", CT_BENCH_COUNT, AT(steps), false},
    {NULL, "warm_steps", CT_BENCH_COUNT, AT(warm_steps), false},
    {"median", "median_s", CT_BENCH_TIME, AT(median_s), false},
    {"95% from", "low_s", CT_BENCH_TIME, AT(low_s), false},
    {"to", "high_s", CT_BENCH_TIME, AT(high_s), false},
    {"spread", "spread", CT_BENCH_PERCENT, AT(spread), false},
    {NULL, "min_s", CT_BENCH_TIME, AT(min_s), false},
    {"mean", "mean_s", CT_BENCH_TIME, AT(mean_s), false},
    {NULL, "sd_s", CT_BENCH_TIME, AT(sd_s), false},
    {"p75", "p75_s", CT_BENCH_TIME, AT(p75_s), false},
    {"p90", "p90_s", CT_BENCH_TIME, AT(p90_s), false},
    {"p95", "p95_s", CT_BENCH_TIME, AT(p95_s), false},
    {"p99", "p99_s", CT_BENCH_TIME, AT(p99_s), false},
    {NULL, "kernels_s", CT_BENCH_TIME, AT(kernels_s), false},
    {"per s", "per_s", CT_BENCH_RATE, AT(per_s), false},
    {NULL, "operations", CT_BENCH_COUNT, AT(operations), false},
    {"FLOP/s", "operations_per_s", CT_BENCH_RATE, AT(per_s_operations), false},
    {"of product", "of_product", CT_BENCH_PERCENT, AT(of_product), false},
    {NULL, "product_operations_per_s", CT_BENCH_RATE, AT(product_rate), false},
    {NULL, "bytes", CT_BENCH_COUNT, AT(bytes), false},
    {"byte/s", "bytes_per_s", CT_BENCH_RATE, AT(per_s_bytes), false},
    {"of copy", "of_copy", CT_BENCH_PERCENT, AT(of_copy), false},
    {NULL, "copy_bytes_per_s", CT_BENCH_RATE, AT(copy_rate), false},
    {"memory", "peak_bytes", CT_BENCH_MEMORY, AT(peak_bytes), false},
    {"against", "vs", CT_BENCH_WORD, AT(vs), false},
    {NULL, "vs_batch", CT_BENCH_COUNT, AT(vs_batch), false},
    {NULL, "vs_threads", CT_BENCH_COUNT, AT(vs_threads), false},
    {NULL, "vs_kernels", CT_BENCH_WORD, AT(vs_kernels), false},
    {NULL, "vs_precision", CT_BENCH_WORD, AT(vs_precision), false},
    {"ratio", "vs_ratio", CT_BENCH_RATIO, AT(vs_ratio), false},
    {"95% from", "vs_low", CT_BENCH_RATIO, AT(vs_low), false},
    {"to", "vs_high", CT_BENCH_RATIO, AT(vs_high), false},
    {NULL, "date", CT_BENCH_WORD, AT(date), false},
    {NULL, "version", CT_BENCH_WORD, AT(version), false},
    {NULL, "cpu", CT_BENCH_WORD, AT(cpu), false},
    {NULL, "load", CT_BENCH_RATIO, AT(load), false},
};
#define COLUMNS ((int)(sizeof columns / sizeof *columns))

const ct_bench_column *ct_bench_column_at(int i) { return i < COLUMNS ? &columns[i] : NULL; }

const char *ct_bench_word(const ct_bench_row *r, const ct_bench_column *c) {
    return *(const char *const *)((const char *)r + c->offset);
}
double *ct_bench_number(ct_bench_row *r, const ct_bench_column *c) { return (double *)((char *)r + c->offset); }
static double number_of(const ct_bench_row *r, const ct_bench_column *c) {
    return *(const double *)((const char *)r + c->offset);
}
static bool is_known(const ct_bench_row *r, const ct_bench_column *c) {
    return c->unit == CT_BENCH_WORD ? ct_bench_word(r, c) != NULL : isfinite(number_of(r, c));
}

char *ct_bench_label(const ct_bench_row *r) {
    const char *s = r->threads == 1 ? "" : "s";
    if (r->op) return ct_cmd_format("%s, %.0f thread%s", r->op, r->threads, s);
    return ct_cmd_format("%s, %s, batch %.0f, %.0f thread%s", r->model, r->step, r->batch, r->threads, s);
}

/* Three digits and the unit's prefix, as "2.37 M". */
static void write_rate(double v, char text[32]) {
    static const char *const prefix[] = {"", " k", " M", " G", " T"};
    int i = 0;
    for (; v >= 999.5 && i < 4; i++) v /= 1000;
    snprintf(text, 32, "%.3g%s", v, prefix[i]);
}

static void write_time(double v, char text[32]) {
    static const char *const name[] = {"s", "ms", "us", "ns"};
    int i = 0;
    for (; v < 0.9995 && i < 3; i++) v *= 1000;
    snprintf(text, 32, "%.*f %s", v < 9.995 ? 2 : v < 99.95 ? 1 : 0, v, name[i]);
}

static void write_number(double v, ct_bench_unit u, char text[32]) {
    if (u == CT_BENCH_TIME)
        write_time(v, text);
    else if (u == CT_BENCH_RATE)
        write_rate(v, text);
    else
        snprintf(text, 32,
                 u == CT_BENCH_PERCENT  ? "%.1f%%"
                 : u == CT_BENCH_MEMORY ? "%.1f MiB"
                 : u == CT_BENCH_RATIO  ? v < 0.1 ? "%.3g" : "%.3f"
                                        : "%.0f",
                 u == CT_BENCH_PERCENT  ? 100 * v
                 : u == CT_BENCH_MEMORY ? v / (1 << 20)
                                        : v);
}

/* What people read in a place of the table; valid until the next call. */
static const char *cell(const ct_bench_row *r, const ct_bench_column *c) {
    static char text[32];
    if (!is_known(r, c)) return "";
    if (c->unit == CT_BENCH_WORD) return ct_bench_word(r, c);
    write_number(number_of(r, c), c->unit, text);
    return text;
}

/* ---- for people ---- */

static bool is_shown(const ct_bench_column *c, const ct_bench_result *r, int n) {
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
    char all[32], step[32];
    bool rates = isfinite(r->row.product_rate);
    printf("\n%-44s %-18s %5s %9s %6s %8s %8s%s\n", "dearest kernels", "result", "calls", "time", "share", "FLOP/s",
           "byte/s", rates ? "  x roofline" : "");
    for (int i = 0; i < r->n_kernels && i < MOST; i++) {
        const ct_bench_kernel *k = &r->kernel[i];
        char time[32], operations[32] = "", bytes[32];
        write_time(k->of.seconds, time);
        if (k->of.operations > 0) write_rate(k->of.operations / k->of.seconds, operations);
        write_rate(k->of.bytes / k->of.seconds, bytes);
        printf("%-44.44s %-18s %5d %9s %5.1f%% %8s %8s", k->of.name, k->of.shape, k->calls, time, 100 * k->share,
               operations, bytes);
        if (rates) printf("  %10.2f", k->roofline);
        putchar('\n');
    }
    write_time(r->row.kernels_s, all), write_time(r->row.median_s, step);
    printf("Shares are of all kernels' time, %s when each is timed; a step takes %s.\n", all, step);
}

static void print_rates(const ct_bench_row *r) {
    char product[32], copy[32];
    if (!isfinite(r->product_rate)) return;
    write_rate(r->product_rate, product), write_rate(r->copy_rate, copy);
    printf("The machine, %.0f thread%s: a product's %sFLOP/s, a copy's %sbyte/s.\n", r->threads,
           r->threads == 1 ? "" : "s", product, copy);
}

/* "specs/x.yaml (batch 64, 2 threads, v4, f32)" */
static void print_side(const char *name, double batch, double threads, const char *kernels, const char *precision) {
    ct_say_text(stdout, name, -1);
    printf(" (batch %.0f, %.0f thread%s", batch, threads, threads == 1 ? "" : "s");
    const char *rest[] = {kernels, precision};
    for (int i = 0; i < 2; i++)
        if (rest[i]) fputs(", ", stdout), ct_say_text(stdout, rest[i], -1);
    putchar(')');
}

/* A difference has its interval on one side of 1, and is one that is worth a word. */
static void print_verdict(const ct_bench_row *r) {
    enum { LEAST = 10, WHOLE = 1000 }; /* thousandths */
    if (!r->vs) return;
    long at = lround(WHOLE * r->vs_ratio), low = lround(WHOLE * r->vs_low), high = lround(WHOLE * r->vs_high);
    bool slower = low > WHOLE && at >= WHOLE + LEAST, faster = high < WHOLE && at <= WHOLE - LEAST;
    bool same = r->batch == r->vs_batch;
    print_side(r->model, r->batch, r->threads, r->kernels, r->precision);
    printf(" takes %.3f times as long%s as ", r->vs_ratio, same ? "" : " a sample");
    print_side(r->vs, r->vs_batch, r->vs_threads, r->vs_kernels, r->vs_precision);
    printf(", 95%%: %.3f to %.3f: %s\n", r->vs_low, r->vs_high,
           slower   ? "slower"
           : faster ? "faster"
                    : "no difference of 1% shown");
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
            print_cell(i < 0 ? columns[c].head : cell(&r[i].row, &columns[c]), width, columns[c].unit == CT_BENCH_WORD);
            between = "  ";
        }
        putchar('\n');
    }
}

void ct_bench_text(const ct_bench_result *r, int n) {
    if (n == 1)
        print_one(r);
    else
        print_table(r, n);
    if (n) print_rates(&r[n - 1].row);
    for (int i = 0; i < n; i++) print_verdict(&r[i].row);
}

void ct_bench_markdown(const ct_bench_result *r, int n) {
    for (int i = -2; i < n; i++) {
        for (int c = 0; c < COLUMNS; c++) {
            if (!is_shown(&columns[c], r, n)) continue;
            fputs("| ", stdout);
            const char *rule = columns[c].unit == CT_BENCH_WORD ? "---" : "---:";
            ct_say_text(stdout, i == -2 ? columns[c].head : i == -1 ? rule : cell(&r[i].row, &columns[c]), -1);
            putchar(' ');
        }
        puts("|");
    }
}

/* ---- for programs ---- */

void ct_bench_csv(const ct_bench_result *r, int n) {
    for (int i = -1; i < n; i++)
        for (int c = 0; c < COLUMNS; c++) {
            if (i < 0)
                fputs(columns[c].key, stdout);
            else if (columns[c].unit == CT_BENCH_WORD)
                ct_csv_field(stdout, is_known(&r[i].row, &columns[c]) ? ct_bench_word(&r[i].row, &columns[c]) : "");
            else if (columns[c].unit == CT_BENCH_FLAG)
                fputs(number_of(&r[i].row, &columns[c]) == 1 ? "true" : "false", stdout);
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

static void write_column(ct_json *j, const ct_bench_row *r, const ct_bench_column *c) {
    if (c->unit == CT_BENCH_WORD)
        ct_json_text(j, c->key, ct_bench_word(r, c));
    else if (c->unit == CT_BENCH_FLAG)
        ct_json_bool(j, c->key, number_of(r, c) == 1);
    else if (c->unit == CT_BENCH_COUNT && is_known(r, c))
        ct_json_int(j, c->key, (int64_t)number_of(r, c));
    else
        ct_json_number(j, c->key, number_of(r, c));
}

void ct_bench_json(FILE *out, const ct_bench_result *r, bool samples) {
    ct_json j = {.out = out};
    ct_json_open(&j, NULL, '{');
    for (int c = 0; c < COLUMNS; c++) write_column(&j, &r->row, &columns[c]);
    if (samples) {
        ct_json_open(&j, "samples_s", '[');
        for (size_t i = 0; i < r->samples.n; i++) ct_json_number(&j, NULL, r->samples.v[i]);
        ct_json_close(&j, ']');
    }
    ct_json_open(&j, "dearest", '[');
    for (int i = 0; i < r->n_kernels; i++) write_kernel(&j, &r->kernel[i]);
    ct_json_close(&j, ']');
    ct_json_open(&j, "warnings", '[');
    for (int i = 0; i < r->n_warnings; i++) ct_json_text(&j, NULL, r->warning[i]);
    ct_json_close(&j, ']');
    ct_json_close(&j, '}');
}
