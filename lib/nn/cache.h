/* What layers remember of the elements of a sequence (N, L, ...) that came before, so that a forward pass is given the
   next ones alone: attention its keys and values, recurrent layers their states. For one sequence, N = 1. */
#ifndef CT_NN_CACHE_H
#define CT_NN_CACHE_H
#include "nn/module.h"

typedef struct ct_cache ct_cache;
/* Room for up to `capacity` elements, or for any number where m's flow is better than CT_FLOW_WINDOW. *out is NULL
   where it is CT_FLOW_MIXED. m must outlive it. */
ct_status ct_cache_new(const ct_module *m, int64_t capacity, ct_cache **out);
void ct_cache_free(ct_cache *c);
ct_flow ct_cache_flow(const ct_cache *c); /* of all the model */
/* A new sequence: nothing came before. */
void ct_cache_clear(ct_cache *c);
/* The next elements stand at `place` and on; those of CT_FLOW_WINDOW below the capacity. A plan reads it as it runs. */
void ct_cache_go(ct_cache *c, int64_t place);
/* What this thread's forward passes use from now on, in evaluation mode; NULL: they see whole sequences again. */
void ct_cache_use(ct_cache *c);

/* ---- for layers ---- */
/* i64 (length): where the elements stand; NULL: no cache is in use. */
ct_tensor *ct_cache_places(int64_t length);
/* Tensor i of those that m said it keeps; NULL: no cache is in use. */
ct_tensor *ct_cache_kept(const ct_module *m, int i);
#endif
