#include "base/parallel.h"
#include "base/cgroup.h"
#include "base/error.h"
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MAX_ITEMS (1 << 30)   /* of one call of the pool: they are counted in 32 bits */
#define WORKER_SPIN_NS 500000 /* between two calls of a training step */
#define CALLER_SPIN_NS 20000  /* then it sleeps, so that a worker on our processor gets to finish */
#define LONG_NS 60000         /* of a call: what waking a worker costs matters little beside it */
#define WARY 100              /* calls after other processes took a worker's processor */
#define BUSY_NS 12000000      /* between two such times, at most: else it was the system's housekeeping */
#define STACK_BYTES (1 << 20)

/* A thread's own range: the call it belongs to (high half) and its next item (low half) change as one, so that a worker
   that comes late claims nothing of a newer call. */
typedef struct range {
    _Alignas(64) _Atomic uint64_t next;
} range;

/* The one call under way. `fn` to `threads` are written while every range is closed; a claim of an item of `epoch`
   proves that they were that call's when read. */
static struct {
    _Alignas(64) _Atomic uint32_t epoch;
    atomic_int sleepers;
    _Alignas(64) _Atomic(ct_parallel_fn) fn;
    _Atomic(void *) ctx;
    _Atomic int64_t n, grain, first; /* item i is the range from (first + i) * grain */
    atomic_int items, threads;
    _Alignas(64) _Atomic uint32_t left; /* items not finished: the join waits for these, not for workers */
    atomic_bool caller_sleeps;
    range ranges[CT_MOST_THREADS];
    atomic_int cpu[CT_MOST_THREADS], tid[CT_MOST_THREADS]; /* where worker t fell asleep, or -1 */
} pool;

static pthread_mutex_t in_use = PTHREAD_MUTEX_INITIALIZER;       /* held by the thread whose call is under way */
static pthread_mutex_t spare_in_use = PTHREAD_MUTEX_INITIALIZER; /* held while spare work begins or ends */
static int started = 1; /* threads there are, the caller counted; under in_use */
static _Thread_local bool inside;
static _Thread_local int me;
static atomic_int wanted;
static _Atomic(void (*)(void)) on_start;

static void futex_wait(_Atomic uint32_t *word, uint32_t value) {
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}
static void futex_wake(_Atomic uint32_t *word, int n) {
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, n, NULL, NULL, 0);
}

static int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* Items for threads that would wait, one call's: the numbers of calls and items as in a range. */
static struct {
    range range;
    _Atomic(ct_parallel_fn) fn;
    _Atomic(void *) ctx;
    _Atomic(int *) owner; /* `me` of the thread that began it, or ends it; NULL: there is none */
    _Atomic uint32_t items;
    _Alignas(64) _Atomic uint32_t left;
} spare = {.range.next = UINT32_MAX}; /* closed, as between calls */

/* Runs one of them; false: there is none. */
static bool run_spare(void) {
    uint64_t at = atomic_load(&spare.range.next);
    if ((uint32_t)at >= atomic_load(&spare.items) || me >= ct_threads()) return false;
    if (!me && atomic_load(&spare.owner) != &me) return false;
    ct_parallel_fn fn = atomic_load(&spare.fn);
    void *ctx = atomic_load(&spare.ctx);
    if (!atomic_compare_exchange_strong(&spare.range.next, &at, at + 1)) return true;
    bool was = inside;
    inside = true;
    fn(ctx, (uint32_t)at, (int64_t)(uint32_t)at + 1);
    inside = was;
    atomic_fetch_sub(&spare.left, 1);
    return true;
}

/* Spins until *word is not `value`, with spare work between looks; false after `limit` nanoseconds. */
static bool spin_while(_Atomic uint32_t *word, uint32_t value, int64_t limit) {
    int64_t start = 0;
    for (;;) {
        for (int i = 0; i < 64; i++) {
            if (atomic_load_explicit(word, memory_order_relaxed) != value) return true;
            if (i % 8 == 7 && run_spare())
                start = 0; /* that was no waiting */
            else
                ct_pause();
        }
        int64_t now = now_ns();
        if (!start) start = now;
        if (now - start > limit) return false;
    }
}

static void run_item(ct_parallel_fn fn, void *ctx, int64_t item, int64_t n, int64_t grain) {
    int64_t begin = item * grain;
    fn(ctx, begin, n - begin < grain ? n : begin + grain);
}

static uint32_t range_begin(int items, int threads, int t) { return (uint32_t)((int64_t)items * t / threads); }

/* Claims items of call `epoch` until none are left: those of our own range first, then the others'. */
static void drain(uint32_t epoch) {
    ct_parallel_fn fn = atomic_load(&pool.fn);
    void *ctx = atomic_load(&pool.ctx);
    int64_t n = atomic_load(&pool.n), grain = atomic_load(&pool.grain), first = atomic_load(&pool.first);
    int items = atomic_load(&pool.items), threads = atomic_load(&pool.threads);
    for (int d = 0; d < threads && me < threads; d++) {
        int t = (me + d) % threads;
        uint32_t end = range_begin(items, threads, t + 1);
        uint64_t at = atomic_load(&pool.ranges[t].next);
        while (at >> 32 == epoch && (uint32_t)at < end) {
            if (!atomic_compare_exchange_weak(&pool.ranges[t].next, &at, at + 1)) continue;
            run_item(fn, ctx, first + (uint32_t)at, n, grain);
            if (atomic_fetch_sub(&pool.left, 1) == 1 && atomic_load(&pool.caller_sleeps)) futex_wake(&pool.left, 1);
            at = atomic_load(&pool.ranges[t].next);
        }
    }
}

/* What a worker knows of others on its processor. */
typedef struct guard {
    long preempted; /* how often it was */
    int64_t when;   /* it last was so */
    int wary;       /* calls to go */
} guard;

/* On a machine with other work to do, spinning spends a worker's share of its processor, and it is taken away in the
   middle of an item; one that slept is let in at once. So a worker that was preempted lately sleeps after a long call.
   Returns how long to spin. */
static int64_t watch(guard *g, int64_t start, int64_t end) {
    struct rusage now;
    if (getrusage(RUSAGE_THREAD, &now)) return WORKER_SPIN_NS;
    g->wary = CT_MAX(g->wary - 1, 0);
    if (now.ru_nivcsw != g->preempted) {
        if (end - g->when < BUSY_NS * (now.ru_nivcsw - g->preempted)) g->wary = WARY;
        g->preempted = now.ru_nivcsw, g->when = end;
    }
    return g->wary && end - start > LONG_NS ? 0 : WORKER_SPIN_NS;
}

static void *worker(void *arg) {
    uint32_t seen = 0;
    int64_t spin = WORKER_SPIN_NS;
    guard g = {0};
    me = (int)(intptr_t)arg, inside = true;
    atomic_store(&pool.tid[me], (int)syscall(SYS_gettid));
    void (*hook)(void) = atomic_load(&on_start);
    if (hook) hook();
    for (;;) {
        while (!spin_while(&pool.epoch, seen, spin)) {
            atomic_store(&pool.cpu[me], sched_getcpu());
            atomic_fetch_add(&pool.sleepers, 1);
            futex_wait(&pool.epoch, seen);
            atomic_fetch_sub(&pool.sleepers, 1);
            atomic_store(&pool.cpu[me], -1);
        }
        seen = atomic_load(&pool.epoch);
        int64_t start = now_ns();
        drain(seen);
        spin = watch(&g, start, now_ns());
    }
    return NULL;
}

/* Sees to it that `threads` exist, as far as the system allows; how many do. The process's signals are not for them. */
static int start_threads(int threads) {
    if (started >= threads) return threads;
    sigset_t all, old;
    pthread_attr_t attr;
    if (pthread_attr_init(&attr)) return started;
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    for (pthread_t t; started < threads; started++) {
        atomic_store(&pool.cpu[started], -1);
        if (pthread_create(&t, &attr, worker, (void *)(intptr_t)started)) break;
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&attr);
    return CT_MIN(started, threads);
}

/* A worker that fell asleep on our processor would be woken there and wait for us: it is sent elsewhere first. */
static void nudge(int threads) {
    int cpu = sched_getcpu();
    for (int t = 1; t < threads; t++) {
        cpu_set_t all, others;
        int tid = atomic_load(&pool.tid[t]);
        if (atomic_load(&pool.cpu[t]) != cpu || sched_getaffinity(tid, sizeof all, &all)) continue;
        others = all;
        CPU_CLR(cpu, &others);
        if (!CPU_COUNT(&others)) continue;
        sched_setaffinity(tid, sizeof others, &others);
        sched_setaffinity(tid, sizeof all, &all);
    }
}

/* One call of the pool: opens the ranges, takes part, and waits for the items that others claimed. */
static void run_pool(ct_parallel_fn fn, void *ctx, int64_t n, int64_t grain, int64_t first, int items, int threads) {
    uint32_t epoch = atomic_load(&pool.epoch) + 1;
    for (int t = 0; t < started; t++) atomic_store(&pool.ranges[t].next, (uint64_t)epoch << 32 | UINT32_MAX);
    atomic_store(&pool.fn, fn), atomic_store(&pool.ctx, ctx);
    atomic_store(&pool.n, n), atomic_store(&pool.grain, grain), atomic_store(&pool.first, first);
    atomic_store(&pool.items, items), atomic_store(&pool.threads, threads);
    atomic_store(&pool.left, (uint32_t)items), atomic_store(&pool.caller_sleeps, false);
    for (int t = 0; t < threads; t++)
        atomic_store(&pool.ranges[t].next, (uint64_t)epoch << 32 | range_begin(items, threads, t));
    atomic_store(&pool.epoch, epoch);
    if (atomic_load(&pool.sleepers)) nudge(threads), futex_wake(&pool.epoch, INT_MAX);
    inside = true;
    drain(epoch);
    inside = false;
    for (uint32_t left; (left = atomic_load(&pool.left));) {
        if (spin_while(&pool.left, left, CALLER_SPIN_NS)) continue;
        atomic_store(&pool.caller_sleeps, true);
        futex_wait(&pool.left, left);
    }
}

/* A call of ct_parallel. */
typedef struct call {
    ct_parallel_fn fn;
    void *ctx;
    int64_t n, grain;
} call;
typedef struct calls {
    call beside, of;
} calls;
static _Thread_local call waiting; /* n 0: nothing is to be taken along */

void ct_parallel_beside(int64_t n, ct_parallel_fn fn, void *ctx) { waiting = (call){fn, ctx, n, 1}; }

void ct_parallel_beside_end(void) {
    call c = waiting;
    waiting.n = 0;
    for (int64_t i = 0; i < c.n; i++) c.fn(c.ctx, i, i + 1);
}

static void run_both(void *ctx, int64_t begin, int64_t end) {
    const calls *c = ctx;
    for (int64_t i = begin; i < end; i++)
        if (i < c->beside.n)
            c->beside.fn(c->beside.ctx, i, i + 1);
        else
            run_item(c->of.fn, c->of.ctx, i - c->beside.n, c->of.n, c->of.grain);
}

void ct_parallel(int64_t n, int64_t grain, ct_parallel_fn fn, void *ctx) {
    grain = CT_MAX(grain, 1);
    int64_t items = n > 0 ? (n - 1) / grain + 1 : 0;
    if (waiting.n && !inside) {
        calls both = {waiting, {fn, ctx, n, grain}};
        if (items < 2 || ct_threads() < 2) {
            ct_parallel_beside_end();
        } else {
            waiting.n = 0;
            ct_parallel(both.beside.n + items, 1, run_both, &both);
            return;
        }
    }
    int threads = (int)CT_MIN(items, ct_threads());
    if (threads < 2 || inside || pthread_mutex_trylock(&in_use)) {
        for (int64_t i = 0; i < items; i++) run_item(fn, ctx, i, n, grain);
        return;
    }
    threads = start_threads(threads);
    for (int64_t i = 0; i < items; i += MAX_ITEMS)
        run_pool(fn, ctx, n, grain, i, (int)CT_MIN(items - i, MAX_ITEMS), threads);
    pthread_mutex_unlock(&in_use);
}

static void run_spares(void *ctx, int64_t begin, int64_t end) {
    (void)ctx, (void)begin, (void)end;
    while (run_spare()) {}
}

/* Nothing of it is claimed any more: what was to be claimed next. */
static uint32_t close_spare(void) {
    uint64_t call = atomic_load(&spare.range.next) >> 32,
             at = atomic_exchange(&spare.range.next, call << 32 | UINT32_MAX);
    return CT_MIN((uint32_t)at, atomic_load(&spare.items));
}

/* From item `at` on, as a call of its own. */
static void open_spare(uint32_t at) {
    uint64_t call = (atomic_load(&spare.range.next) >> 32) + 1;
    atomic_store(&spare.range.next, call << 32 | at);
}

/* Until only `left` items are not finished: those that are claimed are. */
static void wait_for_spare(uint32_t left) {
    for (uint32_t of; (of = atomic_load(&spare.left)) != left;)
        if (!spin_while(&spare.left, of, CALLER_SPIN_NS)) sched_yield();
}

static void end_spare(bool all) {
    if (all && atomic_load(&spare.owner) != &me) { /* which may be at an item, and be thread 0 as we are */
        uint32_t at = close_spare();
        wait_for_spare(atomic_load(&spare.items) - at);
        atomic_store(&spare.owner, &me);
        open_spare(at);
    }
    int64_t left = atomic_load(&spare.left);
    if (all && left) ct_parallel(CT_MIN(left, ct_threads()), 1, run_spares, NULL);
    if (all) run_spares(NULL, 0, 0); /* where that ran on no thread of the pool but this */
    atomic_fetch_sub(&spare.left, atomic_load(&spare.items) - close_spare());
    wait_for_spare(0);
    atomic_store(&spare.owner, NULL);
}

static void begin_spare(uint32_t n, ct_parallel_fn fn, void *ctx) {
    atomic_store(&spare.owner, &me);
    atomic_store(&spare.fn, fn), atomic_store(&spare.ctx, ctx);
    atomic_store(&spare.items, n), atomic_store(&spare.left, n);
    open_spare(0);
}

/* The threads that were at it are not there in a child, and nobody would finish it. */
static void forget_spare(void) {
    close_spare();
    atomic_store(&spare.left, 0), atomic_store(&spare.owner, NULL);
    pthread_mutex_init(&spare_in_use, NULL);
}

static void watch_forks(void) { pthread_atfork(NULL, NULL, forget_spare); }

bool ct_parallel_spare(int64_t n, ct_parallel_fn fn, void *ctx) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    if (n < 1 || n > MAX_ITEMS || ct_threads() < 2 || pthread_mutex_trylock(&spare_in_use)) return false;
    pthread_once(&once, watch_forks);
    if (atomic_load(&spare.owner) == &me) end_spare(false);
    bool is_free = !atomic_load(&spare.owner);
    if (is_free) begin_spare((uint32_t)n, fn, ctx);
    pthread_mutex_unlock(&spare_in_use);
    return is_free;
}

bool ct_parallel_spare_end(void *ctx, bool all) {
    pthread_mutex_lock(&spare_in_use);
    bool is_ours = atomic_load(&spare.owner) && atomic_load(&spare.ctx) == ctx;
    if (is_ours) end_spare(all);
    pthread_mutex_unlock(&spare_in_use);
    return is_ours;
}

int ct_thread(void) { return me; }

int ct_threads(void) {
    int n = atomic_load(&wanted);
    if (n) return n;
    int found = CT_MIN(ct_threads_available(NULL), CT_MOST_THREADS);
    return atomic_compare_exchange_strong(&wanted, &n, found) ? found : n; /* someone may have set it meanwhile */
}

void ct_set_threads(int n) { atomic_store(&wanted, CT_MIN(CT_MAX(n, 1), CT_MOST_THREADS)); }

void ct_parallel_on_start(void (*fn)(void)) { atomic_store(&on_start, fn); }

int ct_threads_available(const char **why) {
    const char *none;
    if (!why) why = &none;
    cpu_set_t set;
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    int n = sched_getaffinity(0, sizeof set, &set) ? (int)CT_MAX(online, 1) : CPU_COUNT(&set);
    *why = n < online ? "the affinity mask" : "the processors online";
    const char *quota_why = NULL;
    int quota = ct_cgroup_cpus("/proc/self/cgroup", "/sys/fs/cgroup", &quota_why);
    if (quota && quota < n) n = quota, *why = quota_why;
    return n;
}
