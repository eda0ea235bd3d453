/* Two items made into one: pointwise ops into a chain, a chain into the tail of what comes before it or the head of
   what comes after. */
#ifndef CT_PLAN_MERGE_H
#define CT_PLAN_MERGE_H
#include "kernels/chain.h"
#include "plan/program.h"

#define CT_MERGE_WINDOW 64 /* stages from one to the other, at most: what is farther apart is in no cache either */
/* Merges items early < late (one of them, or both, pointwise or a chain), where nothing between them stands in the way:
   the later one moves up, if all that it reads is there by then, or the earlier one down, if nothing between reads it.
   reads: by ct_program_reads, once a pass. *to: where the item is now, the other place being empty; -1: they stay as
   they are. */
ct_status ct_merge(ct_program *p, const int *reads, int early, int late, int *to);
/* Whether `by`, pointwise or a chain, reads a result of item; *whole: not element by element, as they are made. */
bool ct_feeds(const ct_stage *item, const ct_stage *by, bool *whole);
/* Whether the parts of a (or its first result) have as many elements as those of b. */
bool ct_same_count(const ct_stage *a, const ct_stage *b);
/* Whether one of the items between the two stands in the way of the later one's moving up to the earlier, or else of
   the earlier one's moving down. */
bool ct_blocked(const ct_program *p, int early, int late, bool up);
/* An item's parts, or a pointwise item itself. */
const ct_stage *ct_parts(const ct_stage *item, int *n);
#endif
