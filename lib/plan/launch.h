/* An item of a program made ready: its kernel, its chain, the addresses of what it reads and writes. */
#ifndef CT_PLAN_LAUNCH_H
#define CT_PLAN_LAUNCH_H
#include "kernels/chain.h"
#include "plan/kept.h"

#define CT_LAUNCH_BESIDE 6 /* the most that runs beside another */

typedef struct ct_launch {
    const ct_kernel *kernel; /* NULL: the chain alone */
    void *state;
    ct_call call;             /* its layouts: inputs, then outputs, owned */
    ct_chain *chain, *head;   /* after the kernel or alone; before it */
    int n_in, n, stays;       /* stays: which use is what the head makes, if others read it too; else 0 */
    void **at;                /* of the item's n uses, n_in inputs first; then room for the head's result */
    ct_kept *kept;            /* what the kernel made of its weight, or NULL */
    size_t workspace;         /* where its own begins, in the item's */
    struct ct_launch *beside; /* of CT_TOGETHER, of which this is the first: the others */
    int n_beside;
    bool watches;
    struct ct_launch *watcher, *another; /* who watches its result; who else watches what this one watches */
} ct_launch;

/* An item of p. kept: the list of what is kept of weights; NULL: nothing is. workspace: bytes that a run needs. What
   was made before a failure, ct_launch_free frees. */
ct_status ct_launch_new(const ct_program *p, const ct_stage *item, ct_kept **kept, ct_launch *out, size_t *workspace);
/* Before a run, once `at` is set: what is kept is made of the weight as it is now, who watches is ready to. */
ct_status ct_launch_ready(ct_launch *l);
/* `by` watches as l, which is told, makes its result. Both outlive runs of l. */
void ct_launch_watch(ct_launch *l, ct_launch *by);
void ct_launch_run(const ct_launch *l, void *workspace, _Atomic int64_t *bad);
void ct_launch_free(ct_launch *l);
typedef struct ct_takes {
    bool tails, heads, items, watches;
} ct_takes;
/* Whether the item's kernel hands its result on to parts, takes its first input from some, comes in items, and watches
   as its first input is made. */
ct_status ct_stage_takes(const ct_stage *item, ct_takes *out);
/* The row function of a pointwise item; NULL: it has none. */
ct_row_fn ct_stage_row(const ct_stage *item);
#endif
