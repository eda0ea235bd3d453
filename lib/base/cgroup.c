#include "base/cgroup.h"
#include "base/error.h"
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Both versions may be mounted at once, each at one of its usual places. */
static const struct place {
    bool v2;
    const char *dir, *why;
} places[] = {
    {true, "", "the quota of the cgroup (cpu.max)"},
    {true, "/unified", "the quota of the cgroup (cpu.max)"},
    {false, "/cpu", "the quota of the cgroup (cpu.cfs_quota_us)"},
    {false, "/cpu,cpuacct", "the quota of the cgroup (cpu.cfs_quota_us)"},
};

static int parts(long long quota, long long period) {
    if (quota <= 0 || period <= 0) return 0;
    long long n = quota / period + (quota % period != 0);
    return n > INT_MAX ? INT_MAX : (int)n;
}

/* The first words of dir/name, read by `fmt` into a and b: how many there were. */
static int words(const char *dir, const char *name, const char *fmt, long long *a, long long *b) {
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/%s", dir, name) >= (int)sizeof path) return 0;
    FILE *f = fopen(path, "re");
    if (!f) return 0;
    int n = fscanf(f, fmt, a, b);
    fclose(f);
    return n;
}

/* The quota that `dir` itself sets, or 0. "max", v2's word for none, does not scan; v1's is -1. */
static int quota_of(const char *dir, bool v2) {
    long long quota = 0, period = 0, none;
    if (v2) return words(dir, "cpu.max", "%lld %lld", &quota, &period) == 2 ? parts(quota, period) : 0;
    if (words(dir, "cpu.cfs_quota_us", "%lld", &quota, &none) != 1) return 0;
    return words(dir, "cpu.cfs_period_us", "%lld", &period, &none) == 1 ? parts(quota, period) : 0;
}

static bool has_cpu(const char *controllers) {
    for (const char *c = controllers; *c; c += strcspn(c, ","), c += *c == ',')
        if (strcspn(c, ",") == 3 && !strncmp(c, "cpu", 3)) return true;
    return false;
}

/* What is done in the directory of each group. */
typedef void visit(void *ctx, const struct place *place, const char *dir);

/* All groups from `group` up to the root. In a container the name may be the host's and lead nowhere; its parents, down
   to the root, are tried all the same. */
static void climb(const char *root, const struct place *place, const char *group, visit *fn, void *ctx) {
    char dir[PATH_MAX];
    int head = snprintf(dir, sizeof dir, "%s%s", root, place->dir);
    if (head >= (int)sizeof dir || snprintf(dir + head, sizeof dir - head, "%s", group) >= (int)sizeof dir - head)
        return;
    for (char *slash = dir; slash;) {
        fn(ctx, place, dir);
        if ((slash = strrchr(dir + head, '/'))) *slash = 0;
    }
}

static void each_group(const char *self, const char *root, visit *fn, void *ctx) {
    char line[PATH_MAX];
    FILE *f = fopen(self, "re");
    while (f && fgets(line, sizeof line, f)) { /* "4:cpu,cpuacct:/group", or v2's "0::/group" */
        line[strcspn(line, "\n")] = 0;
        char *controllers = strchr(line, ':'), *group = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!group) continue;
        *controllers++ = 0, *group++ = 0;
        bool v2 = !*controllers;
        if (!v2 && !has_cpu(controllers)) continue;
        for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
            if (places[i].v2 == v2) climb(root, &places[i], group, fn, ctx);
    }
    if (f) fclose(f);
}

typedef struct least {
    int n;
    const char *why;
} least;

static void take_quota(void *ctx, const struct place *place, const char *dir) {
    least *l = ctx;
    int q = quota_of(dir, place->v2);
    if (q && (!l->n || q < l->n)) *l = (least){q, place->why};
}

int ct_cgroup_cpus(const char *self, const char *root, const char **why) {
    least l = {0};
    each_group(self, root, take_quota, &l);
    if (l.n) *why = l.why;
    return l.n;
}

static void take_throttled(void *ctx, const struct place *place, const char *dir) {
    char path[PATH_MAX], line[256];
    long long n;
    (void)place;
    if (snprintf(path, sizeof path, "%s/cpu.stat", dir) >= (int)sizeof path) return;
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "nr_throttled %lld", &n) == 1) *(int64_t *)ctx = CT_MAX(*(int64_t *)ctx, n);
    if (f) fclose(f);
}

int64_t ct_cgroup_throttled(const char *self, const char *root) {
    int64_t n = 0;
    each_group(self, root, take_throttled, &n);
    return n;
}
