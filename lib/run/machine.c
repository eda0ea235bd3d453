/* What a process that trains wants of its processor. */
#include "base/cgroup.h"
#include "base/parallel.h"
#include "ctorch_run.h"

#if defined(__x86_64__)
#include <xmmintrin.h>
/* Flush-to-zero and denormals-are-zero: a denormal operand costs a hundred cycles and carries nothing. */
static void flush(void) { _mm_setcsr(_mm_getcsr() | 0x8040); }
#else
static void flush(void) {}
#endif

void ct_flush_denormals(void) {
    flush();
    ct_parallel_on_start(flush);
}

int64_t ct_throttled(void) { return ct_cgroup_throttled("/proc/self/cgroup", "/sys/fs/cgroup"); }
