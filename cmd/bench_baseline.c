/* Results beside those of earlier runs, which are lines of JSON. */
#include "cmd/bench.h"
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct ct_bench_past {
    char *file;
    json_t **line; /* n results, in order */
    size_t n;
};

void ct_bench_past_close(ct_bench_past *p) {
    if (!p) return;
    for (size_t i = 0; i < p->n; i++) json_decref(p->line[i]);
    free(p->file), free(p->line), free(p);
}

static bool is_empty(const char *line) { return !line[strspn(line, " \t\r\n")]; }

/* A line that a crash left half written is passed over, with a warning. */
static void add_line(ct_bench_past *p, const char *text, int number) {
    json_error_t why;
    if (is_empty(text)) return;
    json_t *json = json_loads(text, 0, &why);
    if (!json_is_object(json)) {
        ct_say(CT_OK, "%s:%d: warning: no whole result, passed over: %s", p->file, number,
               json ? "no object" : why.text);
        json_decref(json);
        return;
    }
    json_t **line = ct_cmd_alloc(p->n + 1, sizeof *line);
    if (p->n) memcpy(line, p->line, p->n * sizeof *line);
    free(p->line);
    p->line = line, p->line[p->n++] = json;
}

ct_status ct_bench_past_open(const char *file, ct_bench_past **out) {
    char *text = NULL;
    size_t room = 0;
    FILE *f = fopen(file, "re");
    if (!f) return ct_say(CT_FAIL, "%s: cannot be opened: %s", file, strerror(errno));
    ct_bench_past *p = *out = ct_cmd_alloc(1, sizeof *p);
    p->file = ct_cmd_format("%s", file);
    for (int number = 1; getline(&text, &room, f) > 0; number++) add_line(p, text, number);
    bool failed = ferror(f);
    free(text), fclose(f);
    if (failed) return ct_say(CT_FAIL, "%s: cannot be read", file);
    return p->n ? CT_OK : ct_say(CT_FAIL, "%s: has no result of 'bench --json'", file);
}

/* What an older program did not write is not known: as NULL, 0 and false. */
static bool is_same(const json_t *json, const ct_bench_row *r, const ct_bench_column *c) {
    const json_t *its = json_object_get(json, c->key);
    const char *word = json_string_value(its);
    if (c->unit == CT_BENCH_FLAG) return json_is_true(its) == (*ct_bench_number((ct_bench_row *)r, c) == 1);
    if (c->unit != CT_BENCH_WORD) {
        double own = *ct_bench_number((ct_bench_row *)r, c);
        return json_is_number(its) ? json_number_value(its) == own : isnan(own);
    }
    const char *own = ct_bench_word(r, c);
    return word && own ? !strcmp(word, own) : !word && !own;
}

/* The latest of the same; 0: there is none. */
static double find(const ct_bench_past *p, const ct_bench_row *r) {
    const ct_bench_column *c;
    for (size_t k = p->n; k-- > 0;) {
        bool same = true;
        for (int i = 0; same && (c = ct_bench_column_at(i)); i++) same = !c->which || is_same(p->line[k], r, c);
        if (same) return json_number_value(json_object_get(p->line[k], "median_s"));
    }
    return 0;
}

/* Slower beyond doubt: all of the median's interval is. */
static ct_status compare(const ct_bench_past *p, double most, const ct_bench_row *r) {
    char *label = ct_bench_label(r);
    double before = find(p, r), low = r->low_s / before - 1, high = r->high_s / before - 1;
    double at = r->median_s / before - 1;
    ct_status status = CT_OK;
    if (!(before > 0))
        status = ct_say(CT_FAIL, "%s: has no result of %s", p->file, label);
    else {
        if (low <= 0 && high >= 0)
            ct_say(CT_OK, "%s: no difference from %s shown (95%%: %+.1f%% to %+.1f%%)", label, p->file, 100 * low,
                   100 * high);
        else
            ct_say(CT_OK, "%s: %.1f%% %s than in %s (95%%: %+.1f%% to %+.1f%%)", label, fabs(100 * at),
                   at > 0 ? "slower" : "faster", p->file, 100 * low, 100 * high);
        if (low > most) status = ct_say(CT_FAIL, "%s: more than %.3g%% slower than in %s", label, 100 * most, p->file);
    }
    free(label);
    return status;
}

ct_status ct_bench_past_compare(const ct_bench_past *p, double most, const ct_bench_result *r, int n) {
    ct_status worst = CT_OK;
    for (int i = 0; i < n; i++) {
        ct_status status = compare(p, most, &r[i].row);
        if (!worst) worst = status;
    }
    return worst;
}
