/* What an op is: its row, read once for every use. */
#ifndef CT_GRAPH_OP_H
#define CT_GRAPH_OP_H
#include "base/key.h"
#include "kernels/ops.h"
#include "tensor/tensor.h"

/* Flags of rows. */
enum {
    CT_POINTWISE = 1,  /* broadcasts; an output may take the place of an input */
    CT_FLOAT_ONLY = 2, /* integers become f32 first */
    CT_BOOLEAN = 4,    /* the result is bool */
    CT_MASK0 = 8,      /* the first input is a mask (bool); the others are promoted together */
    CT_RANDOM = 16,    /* reads a random stream */
    CT_INPLACE = 32,   /* output i is an updated input, whose place it may take: `place` says which */
    CT_IS_VIEW = 64,
    CT_IS_FORMULA = 128,
    CT_IS_GRAD = 256,  /* a pointwise op's fused gradient: inputs g, x..., y */
    CT_PROMOTE = 512,  /* inputs are promoted to one type */
    CT_IS_PART = 1024, /* used by other ops' formulas and gradients only */
    CT_BOOLS = 4096,   /* bools stay, where other ops of numbers make them i64 */
    CT_AS_IS = 2048    /* takes 16-bit floats as they are: it moves elements, or leaves the work to other ops */
};

#define CT_MAX_IN 8 /* inputs and outputs of an op that takes no list */

typedef struct ct_op {
    ct_kind kind;    /* name, keys, size of args, help */
    int n_in, n_out; /* -1: a list */
    int first_in;    /* of a fused gradient: which input it is the gradient of */
    unsigned flags;
    unsigned saves_in, saves_out; /* bit i: the gradient reads input i, output i; bit 31 stands for all from there */
    const char *in_names[CT_MAX_IN], *out_names[CT_MAX_IN];
    const char *cases;           /* sample cases (ops.def) */
    double domain[3][2];         /* of pointwise inputs */
    const char *backends, *text; /* pointwise: the row's words, value then gradients, as text */
    /* Output layouts from input layouts. */
    ct_status (*shape)(const ct_layout *in, int n_in, const void *args, ct_layout *out, int *n_out);
    /* A view's layout and how far its first element is from the input's. */
    ct_status (*view)(const ct_layout *in, const void *args, ct_layout *out, int64_t *offset);
    /* Gradients, as tensors, from the outputs' gradients (NULL where there is none); din[i] only where need[i]. */
    void (*grad)(ct_tensor *const *in, int n_in, ct_tensor *const *out, ct_tensor *const *g, const void *args,
                 const bool *need, ct_tensor **din);
    /* The op in other ops: what a FORMULA does, and what is differentiated twice where `grad` is fused. */
    ct_tensor *(*formula)(ct_tensor *const *in, int n_in, const void *args, ct_tensor **out);
    /* Frees what the args of a node hold. NULL: nothing. */
    void (*release)(void *args);
    /* Which input output i may take the place of, -1: none; every one of CT_INPLACE. */
    int (*place)(int n_in, const void *args, int i);
} ct_op;

/* Row of an op, by CT_OP_...; every row, CT_OP_COUNT of them, is there. */
const ct_op *ct_op_get(int id);
/* By name; NULL when there is none. */
const ct_op *ct_op_find(const char *name);
int ct_op_id(const ct_op *op);
#endif
