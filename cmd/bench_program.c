/* This program beside another build of it: each a child, in turn. */
#include "cmd/bench.h"
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SELF "/proc/self/exe"

extern char **environ;

/* Reads the first bytes of an open file; whether they are `magic`. */
static bool begins_with(int fd, const char *magic) {
    char head[4];
    size_t n = strlen(magic);
    return pread(fd, head, n, 0) == (ssize_t)n && !memcmp(head, magic, n);
}

/* A spec may be executable too: a program is what the system would run. */
bool ct_bench_is_program(const char *path) {
    struct stat st;
    if (stat(path, &st) || !S_ISREG(st.st_mode) || access(path, X_OK)) return false;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool program = fd >= 0 && (begins_with(fd, "\177ELF") || begins_with(fd, "#!"));
    if (fd >= 0) close(fd);
    return program;
}

/* A copy of the program in memory, or -1: where the pages of its code lie makes it faster or slower, and each copy's
   lie elsewhere. Scripts are run where they are. */
static int copy_program(const char *binary) {
    struct stat st;
    int from = open(binary, O_RDONLY | O_CLOEXEC), to = -1;
    if (from >= 0 && !fstat(from, &st) && begins_with(from, "\177ELF")) to = memfd_create("ctorch", MFD_CLOEXEC);
    bool whole = to >= 0;
    for (off_t left = whole ? st.st_size : 0; whole && left;) {
        ssize_t n = sendfile(to, from, NULL, (size_t)left);
        whole = n > 0;
        left -= n;
    }
    if (from >= 0) close(from);
    if (to >= 0 && !whole) close(to);
    return whole ? to : -1;
}

/* Starts it with its standard output as *out. */
static ct_status start(const char *binary, char *const *argv, pid_t *pid, FILE **out) {
    int fd[2], copy = copy_program(binary);
    char *path = copy < 0 ? ct_cmd_format("%s", binary) : ct_cmd_format("/proc/self/fd/%d", copy);
    int failed = pipe(fd) ? errno : 0;
    if (!failed) {
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, fd[1], STDOUT_FILENO);
        posix_spawn_file_actions_addclose(&actions, fd[0]);
        posix_spawn_file_actions_addclose(&actions, fd[1]);
        failed = posix_spawn(pid, path, &actions, NULL, argv, environ);
        posix_spawn_file_actions_destroy(&actions);
        close(fd[1]);
        *out = failed ? NULL : fdopen(fd[0], "r");
        if (!*out) close(fd[0]);
    }
    if (copy >= 0) close(copy);
    free(path);
    return failed ? ct_say(CT_FAIL, "%s: cannot be run: %s", binary, strerror(failed)) : CT_OK;
}

/* ---- what it is asked, and says ---- */

/* The same measurement as the arguments of a child, NULL at the end; the texts from `own` on are its own. */
typedef struct arguments {
    const char **v;
    size_t n;
    char *own[3];
    int n_own;
} arguments;

static void give(arguments *a, const char *option, const char *value) {
    if (value) a->v[a->n++] = option, a->v[a->n++] = value;
}

static void give_own(arguments *a, char *text) { a->v[a->n++] = a->own[a->n_own++] = text; }

static arguments write_arguments(const ct_bench_plan *p, double seconds) {
    static const char *const first[] = {"ctorch", "bench", NULL, "--json", "--no-peak", "--quiet"};
    enum { FIRST = sizeof first / sizeof *first, REST = 12 };
    size_t sets = 0;
    while (p->options.set && p->options.set[sets]) sets++;
    arguments a = {.v = ct_cmd_alloc(FIRST + 2 * sets + REST, sizeof *a.v), .n = FIRST};
    memcpy(a.v, first, sizeof first);
    a.v[2] = p->path;
    for (size_t i = 0; i < sets; i++) give(&a, "--set", p->options.set[i]);
    if (p->options.eval) a.v[a.n++] = "--eval";
    if (p->options.device_only) a.v[a.n++] = "--device-only";
    give_own(&a, ct_cmd_format("--threads=%d", ct_threads()));
    if (p->options.batch) give_own(&a, ct_cmd_format("--batch=%lld", (long long)p->options.batch));
    give(&a, "--isa", p->isa), give(&a, "--passes", p->passes);
    give_own(&a, ct_cmd_format("--seconds=%g", seconds));
    return a;
}

static void free_arguments(arguments *a) {
    for (int i = 0; i < a->n_own; i++) free(a->own[i]);
    free(a->v);
}

/* Its result, to be json_decref'd. */
static ct_status run(const ct_bench_plan *p, const char *binary, double seconds, json_t **result) {
    pid_t pid;
    FILE *out;
    int exit_status;
    arguments a = write_arguments(p, seconds);
    ct_status status = start(binary, (char *const *)a.v, &pid, &out);
    free_arguments(&a);
    if (status) return status;
    *result = out ? json_loadf(out, JSON_DISABLE_EOF_CHECK, NULL) : NULL;
    if (out) fclose(out);
    while (waitpid(pid, &exit_status, 0) < 0 && errno == EINTR) {}
    bool told = json_number_value(json_object_get(*result, "median_s")) > 0;
    if (WIFEXITED(exit_status) && !WEXITSTATUS(exit_status) && told) return CT_OK;
    json_decref(*result);
    return ct_say(CT_FAIL, "%s: 'bench --json' gives no median_s", binary);
}

/* A text of its result, in room; NULL: it has none. */
static const char *text_of(const json_t *result, const char *key, char room[16]) {
    const char *text = json_string_value(json_object_get(result, key));
    snprintf(room, 16, "%s", text ? text : "");
    return text ? room : NULL;
}

ct_status ct_bench_program_try(const ct_bench_plan *p, ct_bench_result *r) {
    json_t *result;
    ct_status status = run(p, p->vs, 0.001, &result);
    if (status) return status;
    r->row.vs_batch = json_number_value(json_object_get(result, "batch"));
    r->row.vs_threads = json_number_value(json_object_get(result, "threads"));
    r->row.vs_kernels = text_of(result, "kernels", r->vs_kernels);
    r->row.vs_precision = text_of(result, "precision", r->vs_precision);
    json_decref(result);
    return CT_OK;
}

ct_status ct_bench_program_race(const ct_bench_plan *p, ct_bench_result *r) {
    const char *const binary[] = {SELF, p->vs};
    double ratio[CT_BENCH_TURNS];
    ct_status status = CT_OK;
    for (int i = 0; !status && i < CT_BENCH_TURNS; i++) {
        double median[2];
        if (ct_line_due()) ct_line_show("turn %d of %d", i + 1, CT_BENCH_TURNS);
        int first = (int)ct_bench_draw(2);
        for (int k = 0; !status && k < 2; k++) {
            json_t *result;
            if ((status = run(p, binary[first ^ k], p->seconds / CT_BENCH_TURNS, &result))) break;
            median[first ^ k] = json_number_value(json_object_get(result, "median_s"));
            json_decref(result);
        }
        if (!status) ratio[i] = median[0] / median[1];
    }
    ct_line_clear();
    return status ? status : ct_bench_ratio(ratio, r);
}
