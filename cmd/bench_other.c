/* Results beside others: another build's, in turn with this one's, and those of an earlier run. */
#include "cmd/bench.h"
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define TURNS 10

/* ---- another build ---- */

extern char **environ;

/* Starts it with its standard output as *out. */
static ct_status start(const char *binary, char *const *argv, pid_t *pid, FILE **out) {
    int fd[2];
    if (pipe(fd)) return ct_say(CT_FAIL, "no pipe: %s", strerror(errno));
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, fd[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&actions, fd[0]);
    posix_spawn_file_actions_addclose(&actions, fd[1]);
    int failed = posix_spawn(pid, binary, &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(fd[1]);
    if (!failed && (*out = fdopen(fd[0], "r"))) return CT_OK;
    close(fd[0]);
    return ct_say(CT_FAIL, "%s: cannot be run: %s", binary, strerror(failed ? failed : errno));
}

/* The median_s that it prints. */
static ct_status run(const char *binary, const char *const *args, double *median) {
    pid_t pid;
    FILE *out;
    int exit_status;
    ct_status status = start(binary, (char *const *)args, &pid, &out);
    if (status) return status;
    json_t *result = json_loadf(out, JSON_DISABLE_EOF_CHECK, NULL);
    *median = json_number_value(json_object_get(result, "median_s"));
    json_decref(result);
    fclose(out);
    while (waitpid(pid, &exit_status, 0) < 0 && errno == EINTR) {}
    if (WIFEXITED(exit_status) && !WEXITSTATUS(exit_status) && *median > 0) return CT_OK;
    return ct_say(CT_FAIL, "%s: 'bench --json' gives no median_s", binary);
}

ct_status ct_bench_against(const char *binary, const char *const *args, double seconds, ct_bench_row *out) {
    double median[2][TURNS];
    const char *side[] = {"/proc/self/exe", binary};
    size_t n = 0;
    while (args[n]) n++;
    const char **all = ct_cmd_alloc(n + 2, sizeof *all);
    char *each = ct_cmd_format("--seconds=%g", seconds / TURNS);
    memcpy(all, args, n * sizeof *all), all[n] = each;
    ct_status status = CT_OK;
    for (int i = 0; !status && i < TURNS; i++)
        for (int k = 0; !status && k < 2; k++) status = run(side[(i + k) % 2], all, &median[(i + k) % 2][i]);
    ct_interval ratio;
    if (!status) status = ct_say_error(ct_ratio_interval(median[0], median[1], TURNS, &ratio));
    if (!status) out->vs = binary, out->vs_ratio = ratio.value, out->vs_low = ratio.low, out->vs_high = ratio.high;
    free(each), free(all);
    return status;
}

/* ---- an earlier run ---- */

static bool is_same(const json_t *json, const ct_bench_row *r) {
    const char *model = json_string_value(json_object_get(json, "model"));
    const char *step = json_string_value(json_object_get(json, "step"));
    return model && step && !strcmp(model, r->model) && !strcmp(step, r->step) &&
           json_number_value(json_object_get(json, "batch")) == r->batch &&
           json_number_value(json_object_get(json, "threads")) == r->threads;
}

/* Slower beyond doubt: all of the median's interval is. */
static ct_status compare(const char *file, const ct_bench_row *r, double before, double most) {
    double low = r->low_s / before - 1, at = r->median_s / before - 1;
    ct_say(CT_OK, "%s, %s, batch %.0f: %.1f%% %s than in %s (95%%: %+.1f%% to %+.1f%%)", r->model, r->step, r->batch,
           fabs(100 * at), at > 0 ? "slower" : "faster", file, 100 * low, 100 * (r->high_s / before - 1));
    if (low <= most) return CT_OK;
    return ct_say(CT_FAIL, "%s: more than %.3g%% slower than in %s", r->model, 100 * most, file);
}

static bool is_more(FILE *f) {
    int c;
    while ((c = getc(f)) == ' ' || c == '\n' || c == '\r' || c == '\t') {}
    return ungetc(c, f) != EOF;
}

static ct_status find(const char *file, FILE *f, const ct_bench_row *r, double *before) {
    json_error_t why;
    *before = 0;
    rewind(f);
    while (!*before && is_more(f)) {
        json_t *json = json_loadf(f, JSON_DISABLE_EOF_CHECK, &why);
        if (!json) return ct_say(CT_FAIL, "%s: is no result of 'bench --json': line %d: %s", file, why.line, why.text);
        if (is_same(json, r)) *before = json_number_value(json_object_get(json, "median_s"));
        json_decref(json);
    }
    if (*before > 0) return CT_OK;
    return ct_say(CT_FAIL, "%s: has no result of %s, %s, batch %.0f, %.0f threads", file, r->model, r->step, r->batch,
                  r->threads);
}

ct_status ct_bench_baseline(const char *file, double most, const ct_bench_result *r, int n) {
    FILE *f = fopen(file, "re");
    if (!f) return ct_say(CT_FAIL, "%s: cannot be opened: %s", file, strerror(errno));
    ct_status worst = CT_OK;
    for (int i = 0; i < n; i++) {
        double before;
        ct_status status = find(file, f, &r[i].row, &before);
        if (!status) status = compare(file, &r[i].row, before, most);
        if (!worst) worst = status;
    }
    fclose(f);
    return worst;
}
