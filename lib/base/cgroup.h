/* How many processors the cgroup that this process is in may use. */
#ifndef CT_BASE_CGROUP_H
#define CT_BASE_CGROUP_H

/* The least quota (v2 cpu.max, v1 cpu.cfs_quota_us) from the group named in `self` (/proc/self/cgroup) up to the root
   of its tree below `root` (/sys/fs/cgroup), in processors, rounded up; 0 when none is set. `why` gets a static
   sentence when one is. */
int ct_cgroup_cpus(const char *self, const char *root, const char **why);
#endif
