/* Runs a command N times and prints, as JSON, the median seconds from start to end, the most memory that a run had
   resident, and with -u the median seconds until FILE held TEXT. measure -o RESULT [-n N] [-u FILE TEXT] COMMAND ... */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MOST 1000

typedef struct options {
    const char *result, *file, *text;
    int runs;
    char **command;
} options;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static bool holds(const char *file, const char *text) {
    char head[65536];
    FILE *f = fopen(file, "r");
    if (!f) return false;
    head[fread(head, 1, sizeof head - 1, f)] = 0;
    fclose(f);
    return strstr(head, text);
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *x, int n) {
    qsort(x, (size_t)n, sizeof *x, by_value);
    return (x[(n - 1) / 2] + x[n / 2]) / 2;
}

/* The command's exit status; *seen is when the file held the text. */
static int run(const options *o, double *seconds, double *seen, long *peak_kib) {
    struct rusage used;
    int status;
    double start = now();
    if (o->file) unlink(o->file);
    pid_t pid = fork(), ended = 0;
    if (pid < 0) return -1;
    if (!pid) {
        execvp(o->command[0], o->command);
        fprintf(stderr, "measure: %s: %s\n", o->command[0], strerror(errno));
        _exit(127);
    }
    while (!ended) {
        bool watch = o->file && *seen == 0;
        ended = wait4(pid, &status, watch ? WNOHANG : 0, &used);
        if (watch && holds(o->file, o->text)) *seen = now() - start;
        if (watch) nanosleep(&(struct timespec){0, 500000}, NULL);
    }
    *seconds = now() - start;
    if (ended < 0) return -1;
    if (used.ru_maxrss > *peak_kib) *peak_kib = used.ru_maxrss;
    if (o->file && *seen == 0) fprintf(stderr, "measure: %s never held %s\n", o->file, o->text);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static bool read_options(int argc, char **argv, options *o) {
    *o = (options){.runs = 1};
    int i = 1;
    for (; i < argc && argv[i][0] == '-'; i++) {
        if (!strcmp(argv[i], "-o") && i + 1 < argc)
            o->result = argv[++i];
        else if (!strcmp(argv[i], "-n") && i + 1 < argc)
            o->runs = atoi(argv[++i]);
        else if (!strcmp(argv[i], "-u") && i + 2 < argc)
            o->file = argv[++i], o->text = argv[++i];
        else
            return false;
    }
    o->command = argv + i;
    return i < argc && o->result && o->runs > 0 && o->runs <= MOST;
}

int main(int argc, char **argv) {
    static double seconds[MOST], seen[MOST];
    options o;
    long peak_kib = 0;
    int status = 0;
    if (!read_options(argc, argv, &o)) {
        fprintf(stderr, "usage: measure -o RESULT [-n N] [-u FILE TEXT] COMMAND ...\n");
        return 2;
    }
    for (int i = 0; i < o.runs && !status; i++) status = run(&o, &seconds[i], &seen[i], &peak_kib);
    if (status) return status < 0 ? 1 : status;
    FILE *f = fopen(o.result, "w");
    if (!f) return 1;
    fprintf(f, "{\"seconds\": %.6f, \"seen\": %.6f, \"peak_mib\": %.1f}\n", median(seconds, o.runs),
            median(seen, o.runs), (double)peak_kib / 1024);
    return fclose(f) ? 1 : 0;
}
