#include "base/cgroup.h"
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

/* The least quota of all groups from `group` up to the root. In a container the name may be the host's and lead
   nowhere; its parents, down to the root, are tried all the same. */
static int least(const char *root, const struct place *place, const char *group) {
    char dir[PATH_MAX];
    int head = snprintf(dir, sizeof dir, "%s%s", root, place->dir), n = 0;
    if (head >= (int)sizeof dir || snprintf(dir + head, sizeof dir - head, "%s", group) >= (int)sizeof dir - head)
        return 0;
    for (;;) {
        int q = quota_of(dir, place->v2);
        if (q && (!n || q < n)) n = q;
        char *slash = strrchr(dir + head, '/');
        if (!slash) return n;
        *slash = 0;
    }
}

int ct_cgroup_cpus(const char *self, const char *root, const char **why) {
    char line[PATH_MAX];
    int n = 0;
    FILE *f = fopen(self, "re");
    while (f && fgets(line, sizeof line, f)) { /* "4:cpu,cpuacct:/group", or v2's "0::/group" */
        line[strcspn(line, "\n")] = 0;
        char *controllers = strchr(line, ':'), *group = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!group) continue;
        *controllers++ = 0, *group++ = 0;
        bool v2 = !*controllers;
        if (!v2 && !has_cpu(controllers)) continue;
        for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
            int q = places[i].v2 == v2 ? least(root, &places[i], group) : 0;
            if (q && (!n || q < n)) n = q, *why = places[i].why;
        }
    }
    if (f) fclose(f);
    return n;
}
