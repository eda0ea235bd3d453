/* Places of workspace for tasks that run at once: a task takes one that is free. There are as many as there were
   threads when the workspace was asked for; should there be more by now, a task waits for one. */
#ifndef CT_KERNELS_CPU_SLOTS_H
#define CT_KERNELS_CPU_SLOTS_H
#include "base/error.h"
#include "base/parallel.h"
#include <stdatomic.h>

#define SLOTS_MAX 64
typedef struct slots {
    _Atomic uint64_t taken; /* a bit each */
    int n;
} slots;

static inline int slots_wanted(int64_t tasks) { return (int)CT_MIN(CT_MIN(tasks, ct_threads()), SLOTS_MAX); }

static inline int slots_take(slots *s) {
    uint64_t all = ~UINT64_C(0) >> (SLOTS_MAX - s->n), taken = atomic_load(&s->taken);
    for (;;) {
        int slot = taken == all ? 0 : __builtin_ctzll(~taken);
        if (taken == all)
            taken = atomic_load(&s->taken);
        else if (atomic_compare_exchange_weak(&s->taken, &taken, taken | UINT64_C(1) << slot))
            return slot;
    }
}
static inline void slots_give(slots *s, int slot) { atomic_fetch_and(&s->taken, ~(UINT64_C(1) << slot)); }
#endif
