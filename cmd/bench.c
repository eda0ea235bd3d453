/* ctorch bench: how long a step takes, and what of it. */
#include "cmd/bench.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECONDS 3
#define OP_SECONDS 0.1
#define MOST_RESULTS 1000
#define MOST_BATCH (1 << 20)
#define MOST_THREADS 1024
#define SLOWDOWN "5%"

typedef struct args {
    const char **set, *batch, *threads, *vs, *baseline, *slowdown, *trace, *jsonl;
    ct_number seconds;
    bool ops, eval, device_only, no_peak, markdown, csv, json, quiet;
    ct_machine machine;
} args;

#define AT(field) offsetof(args, field)
static const ct_option options[] = {
    {"batch", 'b', "LIST", CT_OPTION_TEXT, AT(batch), "samples of a step: 64; 1,8,64; 1:64:*2; else the spec's", 0, 0},
    {"threads", 0, "LIST", CT_OPTION_TEXT, AT(threads), "how many to use, as 1,2; else as many as there may be", 0, 0},
    {"eval", 0, NULL, CT_OPTION_FLAG, AT(eval), "forward alone, in evaluation mode; else a step of training", 0, 0},
    {"device-only", 0, NULL, CT_OPTION_FLAG, AT(device_only),
     "the same batch of random numbers in each step, not a new one loaded", 0, 0},
    {"ops", 0, NULL, CT_OPTION_FLAG, AT(ops), "time ops, not models: those whose names fit a PATTERN, else all", 0, 0},
    {"seconds", 's', "S", CT_OPTION_NUMBER, AT(seconds), "time steps for S seconds, else for 3; an op for 0.1", 0,
     86400},
    {"set", 0, "KEY=VALUE", CT_OPTION_LIST, AT(set), "set a key of the spec, as vars.dim=64; may be given again", 0, 0},
    {"vs", 0, "OTHER", CT_OPTION_TEXT, AT(vs), "time a spec, a model, or another ctorch program in turn", 0, 0},
    {"baseline", 0, "FILE", CT_OPTION_TEXT, AT(baseline), "fail where it is slower than in FILE, an earlier --json", 0,
     0},
    {"max-slowdown", 0, "PERCENT", CT_OPTION_TEXT, AT(slowdown), "what --baseline allows, else " SLOWDOWN, 0, 0},
    {"trace", 0, "FILE", CT_OPTION_TEXT, AT(trace), "write a step's kernels as a trace for Chrome or Perfetto", 0, 0},
    {"no-peak", 0, NULL, CT_OPTION_FLAG, AT(no_peak), "do not measure what the machine can do", 0, 0},
    {"markdown", 0, NULL, CT_OPTION_FLAG, AT(markdown), "print a table in Markdown", 0, 0},
    {"csv", 0, NULL, CT_OPTION_FLAG, AT(csv), "print a table as CSV", 0, 0},
    {"json", 0, NULL, CT_OPTION_FLAG, AT(json), "print a JSON object a result", 0, 0},
    {"jsonl", 0, "FILE", CT_OPTION_TEXT, AT(jsonl), "add the same to FILE as each result is there", 0, 0},
    {"quiet", 'q', NULL, CT_OPTION_FLAG, AT(quiet), "no warnings of what disturbed the measurement", 0, 0},
    CT_KERNEL_OPTIONS(args),
    {0}};

/* ---- lists and ranges ---- */

typedef struct list {
    int64_t v[64];
    int n;
} list;

/* A number from 1 to `most`, and what follows it. */
static const char *read_number(const char *s, int64_t most, int64_t *out) {
    char *end;
    errno = 0;
    *out = strtoll(s, &end, 10);
    return end != s && !errno && *out >= 1 && *out <= most ? end : NULL;
}

/* FIRST, FIRST:LAST, FIRST:LAST:STEP or FIRST:LAST:*FACTOR. */
static const char *read_range(const char *s, int64_t most, list *out) {
    int64_t first, last, by = 1;
    bool times = false;
    if (!(s = read_number(s, most, &first))) return NULL;
    last = first;
    if (*s == ':' && !(s = read_number(s + 1, most, &last))) return NULL;
    if (*s == ':') {
        times = s[1] == '*';
        if (!(s = read_number(s + 1 + times, most, &by)) || (times && by == 1)) return NULL;
    }
    for (int64_t v = first; v <= last; v = times ? v * by : v + by) {
        if (out->n == (int)(sizeof out->v / sizeof *out->v)) return NULL;
        out->v[out->n++] = v;
    }
    return last >= first ? s : NULL;
}

/* text NULL: one element, 0. */
static ct_status read_list(const char *option, const char *text, int64_t most, list *out) {
    *out = (list){{0}, !text};
    for (const char *s = text; s && (s == text || *s); s += *s == ',')
        if (!(s = read_range(s, most, out)) || (*s && (*s != ',' || !s[1])))
            return ct_say(CT_BAD_SPEC,
                          "bench --%s: '%.100s' is no list of numbers from 1 to %lld, as 8 or 1,8,64 or 1:64:*2, of at "
                          "most %d",
                          option, text, (long long)most, (int)(sizeof out->v / sizeof *out->v));
    return CT_OK;
}

static ct_status read_percent(const char *text, double *out) {
    char *end;
    double v = strtod(text, &end);
    if (end == text || (*end && strcmp(end, "%")) || !(v >= 0 && v <= 1e6))
        return ct_say(CT_BAD_SPEC, "bench --max-slowdown: '%.100s' is no percentage, as 5%%", text);
    *out = v / 100;
    return CT_OK;
}

/* ---- all results ---- */

typedef struct work {
    const args *a;
    ct_operands paths;
    list batches, threads;
    double seconds, slowdown;
    bool vs_build;
    FILE *lines; /* --jsonl's */
    ct_bench_result *result;
    int n;
} work;

static bool is_program(const char *path) {
    struct stat st;
    return !stat(path, &st) && S_ISREG(st.st_mode) && !access(path, X_OK);
}

/* What is so of a spec is said once, not for each of its results. */
static void note(void *ctx, const char *line) {
    static char *said;
    char *text = ct_cmd_format("%s: %s", (const char *)ctx, line);
    if (!said || strcmp(said, text)) ct_say(CT_OK, "%s", text);
    free(said);
    said = text;
}

/* The same measurement as the arguments of a child. */
static ct_status against_build(const work *w, const char *path, int64_t batch, ct_bench_row *row) {
    const args *a = w->a;
    const char *v[128] = {"ctorch", "bench", path, "--json", "--no-peak", "--quiet"};
    char *words[3];
    int n = 6, own = 0, sets = 0;
    while (a->set && a->set[sets]) sets++;
    if (sets > 50) return ct_say(CT_BAD_SPEC, "bench --vs: more than 50 --set");
    for (int i = 0; i < sets; i++) v[n++] = "--set", v[n++] = a->set[i];
    if (a->eval) v[n++] = "--eval";
    if (a->device_only) v[n++] = "--device-only";
    v[n++] = words[own++] = ct_cmd_format("--threads=%d", ct_threads());
    if (batch) v[n++] = words[own++] = ct_cmd_format("--batch=%lld", (long long)batch);
    if (a->machine.isa) v[n++] = "--isa", v[n++] = a->machine.isa;
    if (a->machine.passes) v[n++] = "--passes", v[n++] = a->machine.passes;
    ct_status status = ct_bench_against(a->vs, v, w->seconds, row);
    for (int i = 0; i < own; i++) free(words[i]);
    return status;
}

static ct_status one(work *w, const char *path, int64_t batch) {
    const args *a = w->a;
    ct_bench_result *r = &w->result[w->n];
    ct_bench_plan p = {.path = path,
                       .vs = w->vs_build ? NULL : a->vs,
                       .options = {.set = a->set,
                                   .batch = batch,
                                   .eval = a->eval,
                                   .device_only = a->device_only,
                                   .data_dirs = ct_data_dirs(),
                                   .note = a->quiet ? NULL : note,
                                   .ctx = (void *)path},
                       .seconds = w->seconds,
                       .rates = !a->no_peak,
                       .trace = a->trace};
    ct_status status = ct_bench_measure(&p, r);
    if (status) return status;
    w->n++;
    for (int i = 0; !a->quiet && i < r->n_warnings; i++) ct_say(CT_OK, "%s: %s", path, r->warning[i]);
    if (w->vs_build) status = against_build(w, path, batch, &r->row);
    if (!status && a->json) ct_bench_json(stdout, r);
    if (!status && w->lines) ct_bench_json(w->lines, r);
    if (!status && ((a->json && fflush(stdout)) || (w->lines && fflush(w->lines))))
        status = ct_say(CT_FAIL, "a result cannot be written: %s", strerror(errno));
    return status;
}

static ct_status all(work *w) {
    ct_status status = CT_OK;
    for (int i = 0; !status && i < w->paths.n; i++)
        for (int t = 0; !status && t < w->threads.n; t++)
            for (int b = 0; !status && b < w->batches.n; b++) {
                if (w->threads.v[t]) ct_set_threads((int)w->threads.v[t]);
                status = one(w, w->paths.v[i], w->batches.v[b]);
            }
    return status;
}

static ct_status report(work *w) {
    const args *a = w->a;
    ct_bench_format f = a->json       ? CT_BENCH_JSON
                        : a->csv      ? CT_BENCH_CSV
                        : a->markdown ? CT_BENCH_MARKDOWN
                                      : CT_BENCH_TEXT;
    if (w->n) ct_bench_print(f, w->result, w->n);
    return CT_OK;
}

static ct_status prepare(work *w) {
    const args *a = w->a;
    ct_status status = read_list("batch", a->batch, MOST_BATCH, &w->batches);
    if (!status) status = read_list("threads", a->threads, MOST_THREADS, &w->threads);
    if (!status) status = read_percent(a->slowdown ? a->slowdown : SLOWDOWN, &w->slowdown);
    if (status) return status;
    int n = w->paths.n * w->batches.n * w->threads.n;
    if (n > MOST_RESULTS) return ct_say(CT_BAD_SPEC, "bench: that makes %d results, at most %d", n, MOST_RESULTS);
    if (a->trace && n > 1) return ct_say(CT_BAD_SPEC, "bench --trace: one result was expected, not %d", n);
    if (a->markdown + a->csv + a->json > 1)
        return ct_say(CT_BAD_SPEC, "bench: --markdown, --csv or --json, one of them");
    if (a->slowdown && !a->baseline) return ct_say(CT_BAD_SPEC, "bench --max-slowdown: wants --baseline FILE");
    if (a->jsonl && !(w->lines = fopen(a->jsonl, "ae")))
        return ct_say(CT_FAIL, "%s: cannot be written: %s", a->jsonl, strerror(errno));
    w->vs_build = a->vs && is_program(a->vs);
    w->seconds = a->seconds.given ? a->seconds.value : SECONDS;
    w->result = ct_cmd_alloc((size_t)n, sizeof *w->result);
    return CT_OK;
}

static ct_status run(const void *args_, ct_operands operands) {
    const args *a = args_;
    work w = {.a = a, .paths = operands};
    ct_status status = ct_machine_use(&a->machine);
    if (!status && a->ops) return ct_bench_ops(operands, a->seconds.given ? a->seconds.value : OP_SECONDS, a->json);
    if (!status && !operands.n) status = ct_say(CT_BAD_SPEC, "bench wants SPEC|MODEL..., or --ops");
    if (!status) status = prepare(&w);
    if (!status) {
        status = all(&w);
        report(&w);
        if (!status && a->baseline) status = ct_bench_baseline(a->baseline, w.slowdown, w.result, w.n);
    }
    for (int i = 0; i < w.n; i++) ct_bench_result_free(&w.result[i]);
    if (w.lines) fclose(w.lines);
    free(w.result);
    return status;
}

const ct_command ct_command_bench = {"bench",
                                     "Times steps of a model, and says what they are made of",
                                     "SPEC|MODEL|PATTERN...",
                                     0,
                                     -1,
                                     options,
                                     sizeof(args),
                                     run};
