/* ctorch bench: how long a step takes, and what of it. */
#include "cmd/bench.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SECONDS 3
#define OP_SECONDS 0.1
#define MOST_RESULTS 1000
#define MOST_BATCH (1 << 20)
#define SLOWDOWN "5%"

typedef struct args {
    const char **set, *batch, *threads, *vs, *baseline, *slowdown, *trace, *jsonl;
    ct_number seconds;
    bool ops, eval, device_only, no_peak, markdown, csv, json, samples, quiet;
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
    {"jsonl", 0, "FILE", CT_OPTION_TEXT, AT(jsonl), "add such an object to FILE as each result is there", 0, 0},
    {"samples", 0, NULL, CT_OPTION_FLAG, AT(samples), "with --json or --jsonl: the seconds of every step too", 0, 0},
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
    const char **name; /* paths or ops, n_names of them */
    int n_names;
    list batches, threads;
    double slowdown;
    char *set;           /* --set's, in one text; NULL: none */
    ct_bench_past *past; /* --baseline's */
    FILE *lines;         /* --jsonl's */
    ct_bench_result *result;
    int n;
} work;

/* What is so of a spec is said once, not for each of its results. */
static void note(void *ctx, const char *line) {
    static char *said;
    char *text = ct_cmd_format("%s: %s", (const char *)ctx, line);
    if (!said || strcmp(said, text)) ct_say(CT_OK, "%s", text);
    free(said);
    said = text;
}

static ct_bench_plan plan(const work *w, const char *name, int64_t batch) {
    const args *a = w->a;
    return (ct_bench_plan){.path = name,
                           .vs = a->vs,
                           .vs_program = a->vs && ct_bench_is_program(a->vs),
                           .options = {.set = a->set,
                                       .batch = batch,
                                       .eval = a->eval,
                                       .device_only = a->device_only,
                                       .data_dirs = ct_data_dirs(),
                                       .note = a->quiet ? NULL : note},
                           .set = w->set,
                           .isa = a->machine.isa,
                           .passes = a->machine.passes,
                           .seconds = a->seconds.given ? a->seconds.value
                                      : a->ops         ? OP_SECONDS
                                                       : SECONDS,
                           .rates = !a->no_peak,
                           .trace = a->trace};
}

static void say_warnings(const ct_bench_result *r, const char *of) {
    for (int i = 0; i < r->n_warnings; i++) ct_say(CT_OK, "%s: %s", of, r->warning[i]);
}

static ct_status one(work *w, const char *name, int64_t batch) {
    const args *a = w->a;
    ct_bench_result *r = &w->result[w->n];
    ct_bench_plan p = plan(w, name, batch);
    ct_status status = a->ops ? ct_bench_op(&p, r) : ct_bench_measure(&p, r);
    if (status) return status;
    w->n++;
    if (!a->quiet && r->n_warnings) {
        char *label = ct_bench_label(&r->row);
        say_warnings(r, label);
        free(label);
    }
    if (a->json) ct_bench_json(stdout, r, a->samples);
    if (w->lines) ct_bench_json(w->lines, r, a->samples);
    if (a->json && fflush(stdout)) return ct_say(CT_FAIL, "a result cannot be written: %s", strerror(errno));
    if (w->lines && fflush(w->lines)) return ct_say(CT_FAIL, "%s: cannot be written: %s", a->jsonl, strerror(errno));
    return CT_OK;
}

static ct_status each(work *w) {
    ct_status status = CT_OK;
    for (int i = 0; !status && i < w->n_names; i++)
        for (int t = 0; !status && t < w->threads.n; t++)
            for (int b = 0; !status && b < w->batches.n; b++) {
                if (w->threads.v[t]) ct_set_threads((int)w->threads.v[t]);
                status = one(w, w->name[i], w->batches.v[b]);
            }
    return status;
}

/* An op takes too little time for the system to tell who used the processors: that is said of all of them. */
static ct_status all(work *w) {
    ct_bench_watch watch;
    if (!w->a->ops) return each(w);
    ct_bench_watch_start(&watch);
    ct_status status = each(w);
    if (status || w->a->quiet) return status;
    ct_bench_result of_all = {.row.threads = ct_threads()};
    ct_bench_watch_end(&watch, &of_all);
    say_warnings(&of_all, "the ops");
    ct_bench_result_free(&of_all);
    return CT_OK;
}

static void report(const work *w) {
    const args *a = w->a;
    if (!w->n || a->json) return;
    (a->csv ? ct_bench_csv : a->markdown ? ct_bench_markdown : ct_bench_text)(w->result, w->n);
}

/* ---- before the first ---- */

/* What goes together. */
static ct_status look_at_options(const args *a) {
    const struct {
        bool given;
        const char *why;
    } wrong[] = {
        {a->ops && a->vs, "--ops: no --vs"},
        {a->ops && a->set, "--ops: no --set, an op has no spec"},
        {a->ops && a->batch, "--ops: no --batch, an op has inputs of its own"},
        {a->ops && a->eval, "--ops: no --eval, ops are timed forward"},
        {a->ops && a->device_only, "--ops: no --device-only, ops load no data"},
        {a->ops && a->trace, "--ops: no --trace, an op is no step"},
        {a->markdown + a->csv + a->json > 1, "--markdown, --csv or --json, one of them"},
        {a->samples && !a->json && !a->jsonl, "--samples: wants --json or --jsonl FILE"},
        {a->slowdown && !a->baseline, "--max-slowdown: wants --baseline FILE"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (wrong[i].given) return ct_say(CT_BAD_SPEC, "bench %s", wrong[i].why);
    return CT_OK;
}

static ct_status find_names(work *w, ct_operands operands) {
    if (w->a->ops) return ct_bench_ops_list(operands, &w->name, &w->n_names);
    if (!operands.n) return ct_say(CT_BAD_SPEC, "bench wants SPEC|MODEL..., or --ops");
    w->name = ct_cmd_alloc((size_t)operands.n, sizeof *w->name);
    w->n_names = operands.n;
    for (int i = 0; i < operands.n; i++) w->name[i] = operands.v[i];
    return CT_OK;
}

/* That it is a spec or a model at all: what is wrong with the last is not to be said after the first was timed. */
static ct_status look_at(const work *w, const char *path) {
    ct_show *s;
    char *messages;
    ct_status status = ct_show_open(path, w->a->set, ct_data_dirs(), &s, &messages);
    if (status) return ct_say_spec(status, messages);
    ct_text_free(messages);
    ct_show_close(s);
    return CT_OK;
}

static ct_status look_at_all(const work *w) {
    const args *a = w->a;
    ct_status status = CT_OK;
    if (a->ops || (w->n_names == 1 && !a->vs)) return CT_OK;
    for (int i = 0; !status && i < w->n_names; i++) status = look_at(w, w->name[i]);
    return !status && a->vs && !ct_bench_is_program(a->vs) ? look_at(w, a->vs) : status;
}

/* To be added to: a line that a crash left without an end gets one. */
static ct_status open_lines(work *w, const char *file) {
    if (!(w->lines = fopen(file, "a+e"))) return ct_say(CT_FAIL, "%s: cannot be written: %s", file, strerror(errno));
    bool torn = !fseek(w->lines, -1, SEEK_END) && getc(w->lines) != '\n';
    fseek(w->lines, 0, SEEK_END);
    if (torn) putc('\n', w->lines);
    return CT_OK;
}

static char *join(const char *const *v) {
    char *all = NULL;
    for (; v && *v; v++) {
        char *longer = ct_cmd_format("%s%s%s", all ? all : "", all ? " " : "", *v);
        free(all);
        all = longer;
    }
    return all;
}

static ct_status prepare(work *w, ct_operands operands) {
    const args *a = w->a;
    ct_status status = look_at_options(a);
    if (!status) status = find_names(w, operands);
    if (!status) status = read_list("batch", a->batch, MOST_BATCH, &w->batches);
    if (!status) status = read_list("threads", a->threads, CT_MOST_THREADS, &w->threads);
    if (!status) status = read_percent(a->slowdown ? a->slowdown : SLOWDOWN, &w->slowdown);
    if (status) return status;
    int n = w->n_names * w->batches.n * w->threads.n;
    if (n > MOST_RESULTS) return ct_say(CT_BAD_SPEC, "bench: that makes %d results, at most %d", n, MOST_RESULTS);
    if (a->trace && n > 1) return ct_say(CT_BAD_SPEC, "bench --trace: one result was expected, not %d", n);
    w->result = ct_cmd_alloc((size_t)n, sizeof *w->result);
    w->set = join(a->set);
    status = look_at_all(w);
    if (!status && a->baseline) status = ct_bench_past_open(a->baseline, &w->past);
    if (!status && a->trace) status = ct_output_try(a->trace);
    return !status && a->jsonl ? open_lines(w, a->jsonl) : status;
}

static ct_status run(const void *args_, ct_operands operands) {
    work w = {.a = args_};
    ct_status status = ct_machine_use(&w.a->machine);
    if (!status) status = prepare(&w, operands);
    if (!status) {
        status = all(&w);
        report(&w);
        if (!status && w.past) status = ct_bench_past_compare(w.past, w.slowdown, w.result, w.n);
    }
    for (int i = 0; i < w.n; i++) ct_bench_result_free(&w.result[i]);
    if (w.lines) fclose(w.lines);
    ct_bench_past_close(w.past);
    free(w.result), free(w.name), free(w.set);
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
