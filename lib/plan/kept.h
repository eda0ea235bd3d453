/* Weights as kernels want them, made once and made again when a weight's content has changed: the plans of an arena
   share them. */
#ifndef CT_PLAN_KEPT_H
#define CT_PLAN_KEPT_H
#include "plan/program.h"

typedef struct ct_kept {
    ct_storage *of; /* the weight's, referenced, and how it lies there */
    int64_t offset;
    ct_layout layout;
    const void *form; /* what is made of it */
    bool bf16;
    size_t bytes;
    void *data;       /* NULL: not yet made */
    uint32_t version; /* of the content that it was made of */
    int users;
    struct ct_kept **list, *next;
} ct_kept;

/* Whether the content behind `use` stays while the program runs, and is known to have changed by its version. */
bool ct_kept_can(const ct_program *p, const ct_use *use);
/* The one on the list that is like `like` (of, offset, layout, form, bf16, bytes), else a new one; for ct_kept_drop.
   NULL: no memory. */
ct_kept *ct_kept_share(ct_kept **list, const ct_kept *like);
void ct_kept_drop(ct_kept *k); /* may be NULL */
/* Whether it must be made, now or again: then `data` has room. CT_NO_MEMORY. */
ct_status ct_kept_stale(ct_kept *k, bool *stale);
#endif
