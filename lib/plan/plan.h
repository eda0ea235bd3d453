/* A captured graph made ready to run again and again: kernels prepared, every value given its place. */
#ifndef CT_PLAN_H
#define CT_PLAN_H
#include "graph/node.h"

/* Memory that the plans of a run share: one runs at a time. */
typedef struct ct_arena {
    char *data;
    size_t bytes;
    unsigned moved; /* counts its moves: plans look again where their values are */
} ct_arena;
void ct_arena_free(ct_arena *a);

typedef struct ct_plan ct_plan;
/* A plan of `g`, which it keeps. The values of keep[] can be read after a run, until the next of any plan of the arena.
   Tensors that had memory when they were captured (parameters, inputs) are read, and rebound ones written, where they
   are: change their content between runs, never their memory. */
ct_status ct_plan_new(ct_graph *g, ct_tensor *const *keep, int n_keep, ct_arena *arena, ct_plan **out);
ct_status ct_plan_run(ct_plan *p);
/* A tensor of this scope over the value of keep[i]. */
ct_tensor *ct_plan_value(ct_plan *p, int i);
size_t ct_plan_bytes(const ct_plan *p); /* of the arena, workspace included */
int ct_plan_launches(const ct_plan *p); /* kernels a run */
void ct_plan_free(ct_plan *p);
#endif
