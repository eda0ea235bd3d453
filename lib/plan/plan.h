/* A captured graph made ready to run again and again: improved by passes, kernels prepared, every value given its
   place. */
#ifndef CT_PLAN_H
#define CT_PLAN_H
#include "base/buf.h"
#include "graph/node.h"

/* Memory that the plans of a run share: one runs at a time. */
typedef struct ct_arena {
    char *data;
    size_t bytes;
    unsigned moved;       /* counts its moves: plans look again where their values are */
    struct ct_kept *kept; /* what kernels made of weights, while plans use it */
} ct_arena;
void ct_arena_free(ct_arena *a);

typedef struct ct_plan_options {
    unsigned off;           /* passes that do not run: ct_passes_read */
    bool keeps;             /* many runs read weights before these change: kernels may keep them made ready */
    ct_buf *before, *after; /* where given: what runs, before and after the passes, as text */
    const struct ct_pass_watch *watch; /* of the passes; NULL: none */
} ct_plan_options;

typedef struct ct_plan ct_plan;
/* A plan of `g`, which it keeps. The values of keep[] can be read after a run, until the next of any plan of the arena.
   Tensors that had memory when they were captured (parameters, inputs) are read, and rebound ones written, where they
   are: change their content between runs, never their memory. opt: NULL for all passes. */
ct_status ct_plan_new(ct_graph *g, ct_tensor *const *keep, int n_keep, ct_arena *arena, const ct_plan_options *opt,
                      ct_plan **out);
/* Captures fn, which leaves n_keep tensors in keep[], and makes a plan of it; the arguments are ct_plan_new's. */
#define CT_PLAN_KEEP 16 /* the most of them */
ct_status ct_plan_capture(ct_status (*fn)(void *ctx, ct_tensor **keep), void *ctx, int n_keep, ct_arena *arena,
                          const ct_plan_options *opt, ct_plan **out);
/* Asks no allocator, but where the arena must grow. */
ct_status ct_plan_run(ct_plan *p);
/* The same, and in at[] when (ct_now) each of its launches began, and the end after the last. */
ct_status ct_plan_run_timed(ct_plan *p, double *at);
/* What a launch is, and what it takes. */
typedef struct ct_launch_facts {
    char name[96], shape[48]; /* its ops, as "linear+relu"; of its first result */
    double bytes;             /* of all that it reads and writes, each value once */
    double operations;        /* of products and convolutions: two a multiply-add */
} ct_launch_facts;
void ct_plan_launch_facts(const ct_plan *p, int i, ct_launch_facts *out);
/* A tensor of this scope over the value of keep[i]. */
ct_tensor *ct_plan_value(ct_plan *p, int i);
const void *ct_plan_data(const ct_plan *p, int i); /* its first element */
size_t ct_plan_bytes(const ct_plan *p);            /* of the arena, workspace included */
size_t ct_plan_workspace(const ct_plan *p);        /* of them: the kernels' */
size_t ct_plan_apart_bytes(const ct_plan *p);      /* of the values, if no two shared a place */
size_t ct_plan_own_bytes(const ct_plan *p);        /* about what the plan itself takes, which the arena does not */
size_t ct_plan_kept_bytes(const ct_plan *p);       /* of weights that kernels keep in their own form */
int ct_plan_launches(const ct_plan *p);            /* kernels a run */
void ct_plan_free(ct_plan *p);
#endif
