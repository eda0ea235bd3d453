#include "tests/unit/check.h"
#include "base/cgroup.h"
#include "base/parallel.h"
#include "kernels/cpu/slots.h"
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MOST 5000

typedef struct seen {
    int64_t n, grain;
    atomic_int times[MOST], wrong;
} seen;

static void mark(void *ctx, int64_t begin, int64_t end) {
    seen *s = ctx;
    if (begin % s->grain || end <= begin || end > s->n || (end - begin != s->grain && end != s->n)) s->wrong++;
    for (int64_t i = begin; i < end; i++) s->times[i]++;
}

/* Whether ranges of at most `grain`, cut by grain alone, cover [0, n) once. */
static bool covers(int64_t n, int64_t grain) {
    static _Thread_local seen s;
    memset(&s, 0, sizeof s);
    s.n = n, s.grain = grain;
    ct_parallel(n, grain, mark, &s);
    for (int64_t i = 0; i < n; i++) s.wrong += s.times[i] != 1;
    return !s.wrong;
}

static void test_coverage(void) {
    static const int64_t sizes[] = {0, 1, 2, 3, 7, 64, 1000, 4999}, grains[] = {1, 2, 3, 64, 999, 5000};
    for (int threads = 1; threads <= 5; threads++) {
        ct_set_threads(threads);
        CHECK(ct_threads() == threads);
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
            for (size_t j = 0; j < sizeof grains / sizeof *grains; j++) CHECK(covers(sizes[i], grains[j]));
    }
}

static void count(void *ctx, int64_t begin, int64_t end) { atomic_fetch_add((atomic_long *)ctx, end - begin); }

static void test_edges(void) {
    atomic_long n = 0;
    ct_parallel(-5, 1, count, &n);
    ct_parallel(0, 0, count, &n);
    CHECK(n == 0);
    ct_parallel(10, 0, count, &n); /* a grain below 1 is 1 */
    CHECK(n == 10);
    ct_parallel(INT64_MAX, INT64_MAX / 2, count, &n); /* 3 ranges: no overflow on the way */
    CHECK(n == (long)(INT64_MAX + UINT64_C(10)));
    ct_set_threads(0);
    CHECK(ct_threads() == 1);
    ct_set_threads(1 << 30);
    CHECK(ct_threads() == CT_MOST_THREADS);
}

/* A place for each of as many threads as there may be; a thread gets the one back that it had. */
static void test_slots(void) {
    static slots s;
    bool taken[CT_MOST_THREADS] = {0};
    ct_set_threads(CT_MOST_THREADS);
    s.n = slots_wanted(INT64_MAX);
    CHECK(s.n == CT_MOST_THREADS && slots_wanted(70) == 70);
    for (s.n = 70; s.n <= CT_MOST_THREADS; s.n += CT_MOST_THREADS - 70) {
        memset(taken, 0, sizeof taken);
        for (int i = 0; i < s.n; i++) {
            int slot = slots_take(&s);
            if (CHECK(slot >= 0 && slot < s.n && !taken[slot])) taken[slot] = true;
        }
        slots_give(&s, 3), slots_give(&s, 69);
        int slot = slots_take(&s), other = slots_take(&s);
        CHECK(slot + other == 72 && (slot == 3 || other == 3));
        slots_give(&s, slot), slots_give(&s, other);
        CHECK(slots_take(&s) == other);
        for (int i = 0; i < s.n; i++)
            if (i != slot) slots_give(&s, i);
    }
}

/* Items taken along run once: with the next call, or at the end where none came. */
static void test_beside(void) {
    for (int threads = 1; threads <= 3; threads++) {
        static seen s;
        memset(&s, 0, sizeof s);
        s.n = 5, s.grain = 1;
        ct_set_threads(threads);
        ct_parallel_beside(5, mark, &s);
        CHECK(s.times[0] == 0);
        ct_parallel_beside_end();
        for (int times = 2; times <= 4; times++) {
            ct_parallel_beside(5, mark, &s);
            CHECK(covers(times == 2 ? 2 : 1000, 3)); /* one range, or many */
            for (int i = 0; i < 5; i++) CHECK(s.times[i] == times);
            ct_parallel_beside_end();
        }
        CHECK(covers(100, 7));
        for (int i = 0; i < 5; i++) CHECK(s.times[i] == 4);
        CHECK(!s.wrong);
    }
}

static void nest(void *ctx, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) ct_parallel(100, 7, count, ctx);
}

static void test_nested(void) {
    atomic_long n = 0;
    ct_set_threads(3);
    ct_parallel(50, 1, nest, &n);
    CHECK(n == 5000);
}

static void test_many(void) { /* calls that follow at once, and after the workers went to sleep */
    atomic_long n = 0;
    ct_set_threads(3);
    for (int i = 0; i < 20000; i++) ct_parallel(4, 1, count, &n);
    CHECK(n == 80000);
    for (int i = 0; i < 20; i++) {
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
        ct_parallel(6, 1, count, &n);
    }
    CHECK(n == 80120);
    for (int i = 0; i < 2000; i++) ct_set_threads(1 + i % 4), ct_parallel(5, 2, count, &n);
    CHECK(n == 90120);
}

static void *from_thread(void *ctx) {
    bool *ok = ctx;
    *ok = true;
    for (int i = 0; i < 300; i++) *ok = covers(i, 1 + i % 5) && *ok;
    return NULL;
}

static void test_two_callers(void) {
    pthread_t t[2];
    bool ok[2] = {false, false};
    ct_set_threads(3);
    for (int i = 0; i < 2; i++) CHECK(!pthread_create(&t[i], NULL, from_thread, &ok[i]));
    for (int i = 0; i < 2; i++) CHECK(!pthread_join(t[i], NULL));
    CHECK(ok[0] && ok[1]);
}

static void spare_item(void *ctx, int64_t begin, int64_t end) { ct_parallel(end - begin, 1, count, ctx); }

/* Each item once, those that were not reached by the time of the end too; nested calls in them run serially. */
static void test_spare(void) {
    atomic_long spare = 0, other = 0;
    ct_set_threads(1);
    CHECK(!ct_parallel_spare(3, spare_item, &spare)); /* nobody would wait */
    for (int threads = 2; threads <= 4; threads++) {
        ct_set_threads(threads);
        CHECK(!ct_parallel_spare(0, spare_item, &spare));
        CHECK(!ct_parallel_spare_end(&spare, true));
        for (int i = 0; i < 300; i++) {
            spare = other = 0;
            CHECK(ct_parallel_spare(1 + i, spare_item, &spare));
            for (int k = 0; k < i % 5; k++) ct_parallel(100, 7, count, &other);
            CHECK(ct_parallel_spare_end(&spare, true));
            CHECK(spare == 1 + i && other == 100 * (i % 5));
        }
    }
}

static void wait_for_other(void *ctx, int64_t begin, int64_t end) {
    (void)begin, (void)end;
    atomic_int *arrived = ctx;
    atomic_fetch_add(arrived, 1);
    while (atomic_load(arrived) < 2) sched_yield();
}

/* The first of a process, begun while a worker spins for more work. */
static int first_spare(int pauses) {
    atomic_long spare = 0;
    atomic_int arrived = 0;
    alarm(20); /* a hang ends the process */
    ct_set_threads(2);
    ct_parallel(2, 1, wait_for_other, &arrived);
    while (pauses--) atomic_fetch_add(&arrived, 1); /* at another moment of the worker's each time */
    bool ok = ct_parallel_spare(10, spare_item, &spare) && ct_parallel_spare_end(&spare, true);
    return ok && spare == 10 ? 0 : 1;
}

static void test_first_spare(void) { /* before this process has threads, which a fork would not copy */
    int status = 0;
    time_t end = time(NULL) + 2;
    for (int i = 0; i < 1000 && !status && time(NULL) < end; i++) {
        pid_t pid = fork();
        if (!pid) _exit(first_spare(i));
        if (pid < 0 || waitpid(pid, &status, 0) != pid) status = -1;
    }
    CHECK(!status);
}

/* What is dropped, by its end or by other work of this thread, is not run afterwards. */
static void test_spare_is_dropped(void) {
    atomic_long first = 0, second = 0, other = 0;
    ct_set_threads(2);
    for (int i = 0; i < 300; i++) {
        first = second = 0;
        CHECK(ct_parallel_spare(50, spare_item, &first) && ct_parallel_spare(20, spare_item, &second));
        long before = first;
        CHECK(before <= 50 && !ct_parallel_spare_end(&first, true));
        CHECK(ct_parallel_spare_end(&second, i % 2) && (second == 20 || !(i % 2)));
        long at_end = second;
        ct_parallel(100, 7, count, &other);
        CHECK(first == before && second == at_end);
    }
}

static void *end_it(void *ctx) { return ct_parallel_spare_end(ctx, true) ? ctx : NULL; }

static void *begin_and_go(void *ctx) { return ct_parallel_spare(10, spare_item, ctx) ? ctx : NULL; }

/* Another thread may end it, whose own work then is not in the way of anyone's. */
static void test_spare_of_another(void) {
    atomic_long spare = 0, other = 0;
    pthread_t thread;
    void *said;
    ct_set_threads(2);
    CHECK(!pthread_create(&thread, NULL, begin_and_go, &spare) && !pthread_join(thread, &said) && said);
    CHECK(!ct_parallel_spare(1, spare_item, &other)); /* one thread's at a time */
    CHECK(ct_parallel_spare_end(&spare, true) && spare == 10);
    spare = 0;
    CHECK(ct_parallel_spare(10, spare_item, &spare));
    CHECK(!pthread_create(&thread, NULL, end_it, &spare) && !pthread_join(thread, &said) && said && spare == 10);
}

static atomic_long spent;

static void spend(void *ctx, int64_t begin, int64_t end) {
    (void)ctx;
    atomic_fetch_add(&spent, end - begin);
}

/* One thread waits (seconds at most) for spare items, which the other, done with its own, has time for. */
static void wait_for_spare(void *ctx, int64_t begin, int64_t end) {
    (void)ctx, (void)end;
    for (int ms = 0; !begin && spent < 10 && ms < 10000; ms++) nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

static void test_spare_is_spent(void) {
    ct_set_threads(2);
    CHECK(ct_parallel_spare(10, spend, NULL));
    ct_parallel(2, 1, wait_for_spare, NULL);
    CHECK(spent == 10);
    CHECK(ct_parallel_spare_end(NULL, true) && spent == 10);
}

static void rest(int ms) { nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL); }

static atomic_int under_way, at_once, foreign; /* thread 0's items; times that there were two; whether it has any */

static void slow_item(void *ctx, int64_t begin, int64_t end) {
    (void)ctx, (void)begin, (void)end;
    if (ct_thread()) return;
    if (atomic_fetch_add(&under_way, 1)) at_once++;
    foreign = 1;
    rest(3);
    atomic_fetch_sub(&under_way, 1);
}

static void hold_worker(void *ctx, int64_t begin, int64_t end) {
    (void)ctx, (void)begin, (void)end;
    rest(ct_thread() ? 60 : 1);
}

static void *work_and_wait(void *ctx) {
    ct_parallel_spare(20, slow_item, ctx);
    ct_parallel(2, 1, hold_worker, NULL); /* its own item done, this thread runs spare ones */
    foreign = 1;
    return NULL;
}

/* One that another thread ends while its first is at an item: threads that the pool did not start are all thread 0, of
   which items may know room. */
static void test_spare_is_taken_over(void) {
    pthread_t thread;
    ct_set_threads(2);
    CHECK(!pthread_create(&thread, NULL, work_and_wait, &under_way));
    for (int ms = 0; !foreign && ms < 10000; ms++) rest(1);
    CHECK(ct_parallel_spare_end(&under_way, true) && !at_once && !under_way);
    CHECK(!pthread_join(thread, NULL));
}

static void long_item(void *ctx, int64_t begin, int64_t end) {
    (void)begin, (void)end;
    atomic_store((atomic_int *)ctx, 1);
    rest(100);
}

/* A child has no thread that would finish an item which was under way. */
static void test_spare_in_a_child(void) {
    atomic_int begun = 0;
    atomic_long n = 0;
    int status = -1;
    ct_set_threads(2);
    ct_parallel(100, 1, count, &n);
    CHECK(ct_parallel_spare(3, long_item, &begun));
    for (int ms = 0; !begun && ms < 1000; ms++) rest(1);
    pid_t pid = fork();
    if (!pid) {
        alarm(20);
        n = 0;
        bool gone = !ct_parallel_spare_end(&begun, true), works = ct_parallel_spare(10, spare_item, &n);
        _exit(gone && works && ct_parallel_spare_end(&n, true) && n == 10 ? 0 : 1);
    }
    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && !status);
    CHECK(ct_parallel_spare_end(&begun, false));
}

static atomic_int started, unblocked, meeting;

static void on_start(void) { started++; }

/* Each of two items waits (seconds at most) for the other: so two threads do run. */
static void meet(void *ctx, int64_t begin, int64_t end) {
    (void)begin, (void)end;
    sigset_t set;
    pthread_sigmask(SIG_BLOCK, NULL, &set);
    if (!pthread_equal(pthread_self(), *(pthread_t *)ctx) && !sigismember(&set, SIGTERM)) unblocked++;
    meeting++;
    for (int ms = 0; meeting < 2 && ms < 10000; ms++) nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

static void test_threads_start(void) { /* first: before there are any */
    pthread_t me = pthread_self();
    ct_parallel_on_start(on_start);
    ct_set_threads(2);
    ct_parallel(2, 1, meet, &me);
    CHECK(meeting == 2);
    CHECK(started == 1);
    CHECK(unblocked == 0);
}

static void test_available(void) {
    cpu_set_t all, one;
    const char *why = NULL;
    int n = ct_threads_available(&why);
    CHECK(why && *why);
    CHECK(!sched_getaffinity(0, sizeof all, &all));
    CHECK(n >= 1 && n <= CPU_COUNT(&all));
    CPU_ZERO(&one);
    for (int i = 0; i < CPU_SETSIZE; i++)
        if (CPU_ISSET(i, &all) && !CPU_COUNT(&one)) CPU_SET(i, &one);
    CHECK(!sched_setaffinity(0, sizeof one, &one));
    CHECK(ct_threads_available(NULL) == 1);
    CHECK(!sched_setaffinity(0, sizeof all, &all));
}

static char root[64];

static void put(const char *name, const char *text) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", root, name);
    for (char *p = path + strlen(root) + 1; (p = strchr(p, '/')); *p++ = '/') *p = 0, mkdir(path, 0700);
    FILE *f = fopen(path, "w");
    if (CHECK(f != NULL)) fputs(text, f), fclose(f);
}

static int quota(const char *self, const char **why) {
    char path[256];
    put("self", self);
    snprintf(path, sizeof path, "%s/self", root);
    return ct_cgroup_cpus(path, root, why);
}

static int64_t throttled(const char *self) {
    char path[256];
    put("self", self);
    snprintf(path, sizeof path, "%s/self", root);
    return ct_cgroup_throttled(path, root);
}

static void test_cgroup(void) {
    const char *why = NULL;
    strcpy(root, "/tmp/ct-test-parallel-XXXXXX");
    if (!CHECK(mkdtemp(root) != NULL)) return;
    CHECK(quota("0::/a/b\n", &why) == 0 && !why);
    put("a/b/cpu.max", "max 100000\n");
    CHECK(quota("0::/a/b\n", &why) == 0);
    put("a/cpu.max", "250000 100000\n");
    CHECK(quota("0::/a/b\n", &why) == 3); /* a parent's, rounded up */
    CHECK_HAS(why, "cpu.max");
    put("a/b/cpu.max", "10000 100000\n");
    CHECK(quota("0::/a/b\n", &why) == 1);
    CHECK(quota("0::/gone/away\n", &why) == 0);
    put("cpu.max", "400000 100000\n");
    CHECK(quota("0::/gone/away\n", &why) == 4); /* the container's root */
    put("cpu,cpuacct/x/cpu.cfs_quota_us", "150000\n");
    put("cpu,cpuacct/x/cpu.cfs_period_us", "100000\n");
    CHECK(quota("3:cpuset:/y\n2:cpu,cpuacct:/x\n", &why) == 2);
    CHECK_HAS(why, "cfs_quota");
    put("cpu,cpuacct/x/cpu.cfs_quota_us", "-1\n");
    CHECK(quota("2:cpu,cpuacct:/x\n", &why) == 0);
    CHECK(quota("4:cpuacct:/x\nnonsense\n7\n", &why) == 0);
    put("a/b/cpu.max", "9999999999999 1\n");
    CHECK(quota("0::/a/b\n", &why) == 3);
    put("a/b/cpu.max", "100 0\n");
    CHECK(quota("0::/a/b\n", &why) == 3);
    CHECK(throttled("0::/a/b\n") == 0);
    put("a/b/cpu.stat", "usage_usec 7\nnr_periods 9\nnr_throttled 5\nthrottled_usec 8\n");
    put("a/cpu.stat", "nr_throttled 30\n");
    CHECK(throttled("0::/a/b\n") == 30); /* the one that was stopped most */
    CHECK(throttled("0::/a\n") == 30);
    put("cpu,cpuacct/x/cpu.stat", "nr_periods 2\nnr_throttled 1\n");
    CHECK(throttled("3:cpuset:/y\n2:cpu,cpuacct:/x\n") == 1);
    CHECK(throttled("4:cpuacct:/x\n") == 0);
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", root);
    CHECK(system(command) == 0);
}

int main(void) {
    RUN(test_first_spare);
    RUN(test_threads_start);
    RUN(test_coverage);
    RUN(test_slots);
    RUN(test_beside);
    RUN(test_spare);
    RUN(test_spare_is_spent);
    RUN(test_spare_is_dropped);
    RUN(test_spare_of_another);
    RUN(test_spare_is_taken_over);
    RUN(test_spare_in_a_child);
    RUN(test_nested);
    RUN(test_many);
    RUN(test_two_callers);
    RUN(test_edges);
    RUN(test_available);
    RUN(test_cgroup);
    return check_done("parallel");
}
