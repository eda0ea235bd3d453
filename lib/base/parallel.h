/* The library's own small pool of threads; the only place that starts any. */
#ifndef CT_BASE_PARALLEL_H
#define CT_BASE_PARALLEL_H
#include <stdbool.h>
#include <stdint.h>

typedef void (*ct_parallel_fn)(void *ctx, int64_t begin, int64_t end);

/* Calls fn over disjoint ranges that cover [0, n), each of at most max(grain, 1) items, on this thread and the pool's;
   returns when all are done. Ranges are cut by grain alone, so what a range computes never depends on the number of
   threads. Runs serially inside another ct_parallel, when n <= grain, or while another thread uses the pool. */
void ct_parallel(int64_t n, int64_t grain, ct_parallel_fn fn, void *ctx);

/* n items more for this thread's next ct_parallel, each a range of one: fn(ctx, i, i + 1). Where that runs serially, so
   do they, before it. */
void ct_parallel_beside(int64_t n, ct_parallel_fn fn, void *ctx);
/* Runs what no ct_parallel took along. */
void ct_parallel_beside_end(void);

/* Work for threads of the pool, this one included, while they would wait: n ranges of one, each soon done. It takes the
   place of what this thread began before, which is dropped. Two items that run at once have two ct_thread()s. A forked
   child has none of it. false: there is one thread, or another one's work. */
bool ct_parallel_spare(int64_t n, ct_parallel_fn fn, void *ctx);
/* Ends the work of ctx, on whichever thread: runs what is left of it, or drops that. false: it was dropped before. */
bool ct_parallel_spare_end(void *ctx, bool all);

/* Which of the pool's threads this is; 0: none of those that it started. */
int ct_thread(void);
/* Threads that ct_parallel uses, this one included; from ct_threads_available() at first use. */
int ct_threads(void);
/* n: 1 to CT_MOST_THREADS; takes effect at the next ct_parallel. */
void ct_set_threads(int n);
/* The smaller of the affinity mask and the cgroup's quota (v2 cpu.max, v1 cfs_quota, rounded up); `why` (if given)
   gets a static sentence that names which of them it was. */
int ct_threads_available(const char **why);
/* Called once on every thread the pool starts (the command flushes denormals there); set it before the first use. */
void ct_parallel_on_start(void (*fn)(void));

/* Once a turn of a loop that waits for another thread. */
static inline void ct_pause(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}
#endif
