/* Two items made into one: pointwise ops into a chain, or a chain into the tail of what comes before it. */
#ifndef CT_PLAN_MERGE_H
#define CT_PLAN_MERGE_H
#include "plan/program.h"

#define CT_MERGE_WINDOW 64 /* stages from one to the other, at most: what is farther apart is in no cache either */
/* Merges items early < late (`late` pointwise or a chain), where nothing between them stands in the way: the later one
   moves up, if all that it reads is there by then, or the earlier one down, if nothing between reads it. reads: by
   ct_program_reads, once a pass. *to: where the item is now, the other place being empty; -1: they stay as they are. */
ct_status ct_merge(ct_program *p, const int *reads, int early, int late, int *to);
/* Whether item has a result that `by` reads just as it is made. */
bool ct_feeds(const ct_stage *item, const ct_stage *by);
/* How the elements lie that an item's parts run over, or its first result. */
const ct_layout *ct_stage_space(const ct_stage *item);
#endif
