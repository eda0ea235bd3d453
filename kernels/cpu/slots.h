/* Places of workspace for tasks that run at once: a task takes one that is free. There are as many as there were
   threads when the workspace was asked for; should there be more by now, a task waits for one. */
#ifndef CT_KERNELS_CPU_SLOTS_H
#define CT_KERNELS_CPU_SLOTS_H
#include "base/error.h"
#include "base/parallel.h"
#include <stdatomic.h>

typedef struct slots {
    int n;
    _Atomic uint64_t taken[(CT_MOST_THREADS + 63) / 64]; /* a bit each */
} slots;

static inline int slots_wanted(int64_t tasks) { return (int)CT_MIN(tasks, ct_threads()); }

/* One of `most` bits of the word, if possible bit `before`; -1: all are taken. */
static inline int slots_take_of(_Atomic uint64_t *word, int most, int before) {
    uint64_t taken = atomic_load(word), all = most < 64 ? (UINT64_C(1) << most) - 1 : ~UINT64_C(0);
    for (uint64_t free; (free = all & ~taken);) {
        int bit = free >> before & 1 ? before : __builtin_ctzll(free);
        if (atomic_compare_exchange_weak(word, &taken, taken | UINT64_C(1) << bit)) return bit;
    }
    return -1;
}

/* If possible the one that this thread had before: it is in its caches. */
static inline int slots_take(slots *s) {
    static _Thread_local int before;
    for (int first = before < s->n ? before : 0, at = first & ~63;; at = at + 64 < s->n ? at + 64 : 0) {
        int bit = slots_take_of(&s->taken[at / 64], s->n - at, first & 63);
        if (bit >= 0) return before = at + bit;
        ct_pause();
    }
}
static inline void slots_give(slots *s, int slot) {
    atomic_fetch_and(&s->taken[slot / 64], ~(UINT64_C(1) << slot % 64));
}
#endif
