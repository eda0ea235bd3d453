/* What disturbs a measurement: other programs, the host, limits, the clock's governor. */
#include "cmd/bench.h"
#include <malloc.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define BUSY 0.1    /* of all processors' time, by others */
#define STOLEN 0.01 /* by the host */
#define ENOUGH 0.5  /* seconds of processors' time: the system counts it in hundredths */

/* The number after `key` in a file of lines that start with keys; `otherwise` where there is none. */
static double number_in(const char *path, const char *key, double otherwise) {
    char line[256];
    double v = otherwise;
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof line, f))
        if (!strncmp(line, key, strlen(key))) sscanf(line + strlen(key), " %lf", &v);
    if (f) fclose(f);
    return v;
}

/* "cpu" and user, nice, system, idle, iowait, irq, softirq, steal in ticks. */
static void read_stat(ct_bench_watch *w) {
    double t[8] = {0}, tick = (double)sysconf(_SC_CLK_TCK);
    FILE *f = fopen("/proc/stat", "re");
    if (f &&
        fscanf(f, "cpu %lf %lf %lf %lf %lf %lf %lf %lf", &t[0], &t[1], &t[2], &t[3], &t[4], &t[5], &t[6], &t[7]) == 8) {
        for (int i = 0; i < 8; i++) w->all += t[i] / tick;
        w->stolen = t[7] / tick;
        w->busy = w->all - (t[3] + t[4] + t[7]) / tick;
    }
    if (f) fclose(f);
}

static double seconds_of(const struct rusage *u) {
    return (double)(u->ru_utime.tv_sec + u->ru_stime.tv_sec) +
           1e-6 * (double)(u->ru_utime.tv_usec + u->ru_stime.tv_usec);
}

void ct_bench_watch_start(ct_bench_watch *w) {
    struct rusage own, children;
    *w = (ct_bench_watch){.throttled = (double)ct_throttled()};
    read_stat(w);
    if (!getrusage(RUSAGE_SELF, &own) && !getrusage(RUSAGE_CHILDREN, &children))
        w->own = seconds_of(&own) + seconds_of(&children);
}

static void look_at_settings(ct_bench_result *r) {
    const char *why;
    char governor[64] = "";
    int threads = ct_threads_available(&why);
    if (strstr(why, "quota"))
        ct_bench_warn(r, "%s leaves this program %d processor%s", why, threads, threads > 1 ? "s" : "");
    if (r->row.threads > threads)
        ct_bench_warn(r, "%.0f threads share %d processor%s", r->row.threads, threads, threads > 1 ? "s" : "");
    FILE *f = fopen("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "re");
    if (f && fscanf(f, "%63s", governor) == 1 && strcmp(governor, "performance"))
        ct_bench_warn(r, "the governor of the processors' clock is '%s', not performance", governor);
    if (f) fclose(f);
}

void ct_bench_watch_end(const ct_bench_watch *w, ct_bench_result *r) {
    ct_bench_watch end;
    ct_bench_watch_start(&end);
    double all = end.all - w->all, others = end.busy - w->busy - (end.own - w->own), stolen = end.stolen - w->stolen;
    double throttled = end.throttled - w->throttled;
    if (all > ENOUGH && others / all > BUSY)
        ct_bench_warn(r, "other programs used %.0f%% of the processors meanwhile", 100 * others / all);
    if (all > ENOUGH && stolen / all > STOLEN)
        ct_bench_warn(r, "the host took %.0f%% of the processors away meanwhile", 100 * stolen / all);
    if (throttled > 0) ct_bench_warn(r, "the cgroup's quota stopped this program %.0f times meanwhile", throttled);
    look_at_settings(r);
}

void ct_bench_memory_start(void) {
    malloc_trim(0);
    FILE *f = fopen("/proc/self/clear_refs", "we");
    if (!f) return;
    fputs("5", f);
    fclose(f);
}

double ct_bench_memory_peak(void) { return 1024 * number_in("/proc/self/status", "VmHWM:", 0); }
