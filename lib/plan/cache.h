/* The plans of a run, by what they are for; when they take too much memory, the least recently used go. */
#ifndef CT_PLAN_CACHE_H
#define CT_PLAN_CACHE_H
#include "plan/plan.h"

#define CT_PLAN_CACHE_BYTES (8 << 20) /* of what plans take themselves; their values lie in the one arena */

typedef struct ct_plan_entry {
    int64_t key[2];
    ct_plan *plan;
    size_t bytes;
    uint64_t used; /* when: by the cache's count of finds */
} ct_plan_entry;

typedef struct ct_plan_cache {
    ct_arena arena; /* of all of them */
    ct_plan_entry *entry;
    int n;
    size_t cap, bytes;
    uint64_t count;
} ct_plan_cache; /* starts zeroed */

/* NULL: there is none. */
ct_plan *ct_plan_cache_find(ct_plan_cache *c, int64_t first, int64_t second);
/* Takes the plan over, also where it fails. */
ct_status ct_plan_cache_add(ct_plan_cache *c, int64_t first, int64_t second, ct_plan *plan);
void ct_plan_cache_free(ct_plan_cache *c);
#endif
