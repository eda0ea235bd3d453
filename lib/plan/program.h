/* A captured graph as a plain list of ops over values, which passes rewrite before a plan is made of it. */
#ifndef CT_PLAN_PROGRAM_H
#define CT_PLAN_PROGRAM_H
#include "base/buf.h"
#include "ops/ops.h"
#include "plan/place.h"

/* What an op reads or writes: a value, bytes into it, and how the elements lie there. value -1: absent. */
typedef struct ct_use {
    int value;
    int64_t offset;
    ct_layout layout;
} ct_use;

#define CT_CHAIN (-1) /* an item that is pointwise parts only */
#define CT_TOGETHER \
    (-2) /* parts are whole items: the first, and small ones that run beside it, on one of its threads */

/* One kernel launch. Its first `own_in` inputs and `own_out` outputs are op's; the others are read and written by the
   parts, which run on each range of op's first result while it is in the cache, or before it, or alone (CT_CHAIN). */
typedef struct ct_stage {
    int op;           /* CT_OP_... */
    const void *args; /* the graph's node has them */
    int own_in, own_out, n_in, n_out;
    ct_use *use; /* inputs, then outputs */
    struct ct_stage *part;
    int n_parts;
    int n_head;     /* the first so many parts make op's first input, whose use has no value then, as op reads it */
    int head_value; /* that input */
    bool sets;      /* copies a new value into its slot, at the end of the step */
    bool told;      /* some that read a result of it watch as it is made */
    bool watches;   /* its first input */
    bool bf16;      /* its products may round to bf16 */
    bool direct;    /* a convolution, not by Winograd's algorithm */
    bool again;     /* of a checkpoint that runs again: to be done late, so never one with what ran before */
} ct_stage;

typedef struct ct_program {
    ct_graph graph; /* keeps arguments and storage */
    ct_value *value;
    int n_values;
    ct_stage *item;
    int n_items;
    ct_use *keep; /* what can be read after a run */
    int n_keep;
    void **constant; /* memory of folded values */
    int n_constants;
    size_t constant_bytes;
} ct_program;

/* Takes g over (*g becomes empty), also where it fails; views are resolved, a new value of a slot becomes a copy into
   it at the end. keep[]: tensors of the capture. */
ct_status ct_program_new(ct_graph *g, ct_tensor *const *keep, int n_keep, ct_program *p);
void ct_program_free(ct_program *p);
/* A line an item: `v7 f32(64, 128) = linear(x1, w2, b3)`; values with memory of their own are m1, m2... `; ` comes
   before what is done to a result while it is in the cache, ` | ` before what runs beside the first; what is watched is
   read "as made". */
void ct_program_text(const ct_program *p, ct_buf *out);

/* ---- for passes ---- */
/* item is taken out: the list is closed up by ct_program_close. */
void ct_stage_clear(ct_stage *item);
void ct_program_close(ct_program *p);
/* For each value, how many reads there are: by ops, and as kept ones. NULL: no memory; ct_free'd by the caller. */
int *ct_program_reads(const ct_program *p);
bool ct_stage_reads(const ct_stage *item, int value);
const ct_use *ct_stage_makes(const ct_stage *item, int value); /* as what; NULL: it does not */
bool ct_use_same(const ct_use *a, const ct_use *b);
/* Those that run at once in it: of CT_TOGETHER its parts, or it alone. */
const ct_stage *ct_stage_items(const ct_stage *item, int *n);
/* Its ops in their order, as "linear+relu", and what runs beside it, as "matmul|sum"; "..." where they do not fit. */
void ct_stage_name(const ct_stage *item, char *out, size_t size);
/* That it reads and writes; what lies in one place once each way. */
double ct_stage_bytes(const ct_program *p, const ct_stage *item);
double ct_stage_work(const ct_stage *item);     /* multiply-adds of products and convolutions */
const ct_op *ct_stage_op(const ct_stage *item); /* NULL: a chain */
#endif
