/* What the cgroup that this process is in allows it, and has kept from it. */
#ifndef CT_BASE_CGROUP_H
#define CT_BASE_CGROUP_H
#include <stdint.h>

/* The least quota (v2 cpu.max, v1 cpu.cfs_quota_us) from the group named in `self` (/proc/self/cgroup) up to the root
   of its tree below `root` (/sys/fs/cgroup), in processors, rounded up; 0 when none is set. `why` gets a static
   sentence when one is. */
int ct_cgroup_cpus(const char *self, const char *root, const char **why);
/* Times that a quota has stopped the one of these groups that was stopped most (cpu.stat), as far as is known. */
int64_t ct_cgroup_throttled(const char *self, const char *root);
#endif
