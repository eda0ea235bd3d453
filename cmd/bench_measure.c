/* Steps timed: warm until stable, and then all samples kept; two models in turns, each turn with both opened anew. */
#include "cmd/bench.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LEAST 8          /* steps, however slow they are */
#define WARM_SECONDS 0.1 /* at least, or half of what is timed */
#define WARM_STEPS 4
#define STABLE 0.01 /* that the second half of the warm-up is faster by, at most */
#define PAIRS 8     /* of rounds in a turn, at most */
#define ROOM 65536  /* bytes that models are moved by from turn to turn, at most */

typedef struct side {
    const char *path;
    ct_bench *bench;
    bool opened;           /* before: its notes were given */
    void *room;            /* what lies before it in memory */
    ct_bench_list samples; /* every step's seconds */
} side;

static void side_close(side *s) {
    ct_bench_close(s->bench);
    free(s->room);
    s->bench = NULL, s->room = NULL;
}

static ct_status side_open(const ct_bench_plan *p, side *s) {
    char *messages;
    ct_bench_options o = p->options;
    o.ctx = (void *)s->path;
    if (s->opened) o.note = NULL;
    s->opened = true;
    ct_status status = ct_bench_open(s->path, &o, &s->bench, &messages);
    if (status) return ct_say_spec(status, messages);
    ct_text_free(messages);
    return CT_OK;
}

static ct_status one_step(side *s, ct_bench_list *to, double *seconds) {
    double start = ct_now();
    ct_status status = ct_say_error(ct_bench_step(s->bench));
    *seconds = ct_now() - start;
    if (!status) ct_bench_list_add(to, *seconds);
    return status;
}

static double least(const double *s, size_t n) {
    double min = INFINITY;
    for (size_t i = 0; i < n; i++) min = s[i] < min ? s[i] : min;
    return min;
}

/* Until the fastest step of the second half is not faster than that of the first; for `most` seconds and some steps at
   most. */
static ct_status warm(side *s, double most, size_t *steps, bool *stable) {
    ct_bench_list w = {0};
    ct_status status = CT_OK;
    double start = ct_now(), took, wanted = fmin(WARM_SECONDS, most / 2);
    for (*stable = false; !status && !*stable && (w.n < WARM_STEPS || ct_now() - start < most);) {
        status = one_step(s, &w, &took);
        bool judged = w.n >= WARM_STEPS && !(w.n & (w.n - 1)) && ct_now() - start >= wanted;
        *stable = judged && least(w.v + w.n / 2, w.n / 2) >= (1 - STABLE) * least(w.v, w.n / 2);
    }
    *steps = w.n;
    free(w.v);
    return status;
}

/* Steps of at least `seconds` in all, and `steps` or more; their median. */
static ct_status run_round(side *s, double seconds, size_t steps, double *median) {
    size_t first = s->samples.n;
    double took;
    for (double sum = 0; sum < seconds || s->samples.n - first < steps; sum += took) {
        ct_status status = one_step(s, &s->samples, &took);
        if (status) return status;
        if (ct_line_due()) ct_line_show("%s: step %zu", s->path, s->samples.n);
    }
    size_t n = s->samples.n - first;
    double *sorted = ct_cmd_alloc(n, sizeof *sorted);
    memcpy(sorted, s->samples.v + first, n * sizeof *sorted);
    ct_sort_numbers(sorted, n);
    *median = ct_quantile(sorted, n, 0.5);
    free(sorted);
    return CT_OK;
}

/* ---- two in turn ---- */

unsigned ct_bench_draw(unsigned below) {
    static bool seeded;
    if (!seeded) srandom((unsigned)(int64_t)(1e6 * ct_now()) ^ (unsigned)getpid());
    seeded = true;
    return (unsigned)random() % below;
}

/* Both anew, one or the other first and each somewhere else in memory: where it lies makes a model faster or slower,
   and that is no property of it. */
static ct_status reopen(const ct_bench_plan *p, side *s) {
    size_t steps;
    bool stable;
    ct_status status = CT_OK;
    side_close(&s[0]), side_close(&s[1]);
    unsigned first = ct_bench_draw(2);
    for (unsigned i = 0; !status && i < 2; i++) {
        side *one = &s[first ^ i];
        size_t n = 1 + ct_bench_draw(ROOM);
        one->room = memset(ct_cmd_alloc(n, 1), 1, n);
        status = side_open(p, one);
    }
    for (int i = 0; !status && i < 2; i++) status = warm(&s[i], p->seconds / CT_BENCH_TURNS, &steps, &stable);
    return status;
}

/* The turn's ratio: the median of those of pairs of rounds, of which one or the other is the first. */
static ct_status run_turn(side *s, double seconds, double *out) {
    double ratio[PAIRS], median[2], end = ct_now() + 2 * seconds;
    size_t n = 0;
    for (; n < 1 || (n < PAIRS && ct_now() < end); n++) {
        unsigned first = ct_bench_draw(2);
        for (unsigned i = 0; i < 2; i++) {
            ct_status status = run_round(&s[first ^ i], seconds / PAIRS, 1, &median[first ^ i]);
            if (status) return status;
        }
        ratio[n] = median[0] / median[1];
    }
    ct_sort_numbers(ratio, n);
    *out = ct_quantile(ratio, n, 0.5);
    return CT_OK;
}

static ct_status look_at_other(side *s, ct_bench_result *r) {
    ct_bench_facts facts;
    ct_status status = ct_say_error(ct_bench_look(s->bench, &facts));
    if (status) return status;
    r->row.vs_batch = (double)facts.batch, r->row.vs_threads = r->row.threads;
    r->row.vs_kernels = r->row.kernels, r->row.vs_precision = facts.precision;
    return CT_OK;
}

static ct_status run_in_turn(const ct_bench_plan *p, side *s, ct_bench_result *r) {
    double ratio[CT_BENCH_TURNS];
    ct_status status = CT_OK;
    for (int k = 0; !status && k < CT_BENCH_TURNS; k++) {
        status = reopen(p, s);
        if (!status) status = run_turn(s, p->seconds / CT_BENCH_TURNS, &ratio[k]);
    }
    if (!status) status = look_at_other(&s[1], r);
    return status ? status : ct_bench_ratio(ratio, r);
}

/* ---- all of it ---- */

static ct_status describe(side *s, ct_bench_row *r) {
    ct_bench_facts facts;
    ct_status status = ct_say_error(ct_bench_look(s->bench, &facts));
    if (status) return status;
    r->batch = (double)facts.batch, r->parameters = (double)facts.parameters, r->launches = facts.launches;
    r->operations = facts.operations, r->bytes = facts.bytes, r->precision = facts.precision;
    return CT_OK;
}

static ct_status start(const ct_bench_plan *p, side *s, ct_bench_result *r) {
    size_t steps;
    bool stable;
    ct_bench_memory_start();
    ct_status status = side_open(p, s);
    if (!status) status = warm(s, p->seconds, &steps, &stable);
    if (!status) status = describe(s, &r->row);
    if (status) return status;
    r->row.warm_steps = (double)steps, r->row.peak_bytes = ct_bench_memory_peak();
    if (!stable) ct_bench_warn(r, "%zu steps of warm-up had not become stable", steps);
    return CT_OK;
}

static ct_status measure(const ct_bench_plan *p, side *s, ct_bench_result *r) {
    double median;
    bool two = p->vs && !p->vs_program;
    ct_status status = p->vs_program ? ct_bench_program_try(p, r) : CT_OK;
    if (!status) status = start(p, &s[0], r);
    if (!status) status = two ? run_in_turn(p, s, r) : run_round(&s[0], p->seconds, LEAST, &median);
    ct_line_clear();
    if (!status) status = ct_bench_look_inside(p, s[0].bench, r);
    side_close(&s[0]), side_close(&s[1]);
    r->samples = s[0].samples, s[0].samples = (ct_bench_list){0};
    if (!status) status = ct_bench_sum(r);
    if (!status && p->rates) status = ct_bench_rates(r);
    return !status && p->vs_program ? ct_bench_program_race(p, r) : status;
}

ct_status ct_bench_measure(const ct_bench_plan *p, ct_bench_result *r) {
    side s[2] = {{.path = p->path}, {.path = p->vs}};
    ct_bench_watch watch;
    ct_bench_result_start(p, r);
    r->row.model = p->path, r->row.step = p->options.eval ? "forward" : "training", r->row.set = p->set;
    ct_bench_watch_start(&watch);
    ct_status status = measure(p, s, r);
    if (!status) ct_bench_watch_end(&watch, r);
    side_close(&s[0]), side_close(&s[1]);
    free(s[0].samples.v), free(s[1].samples.v);
    if (status) ct_bench_result_free(r);
    return status;
}
