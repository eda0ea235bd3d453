/* Pointwise ops one after another on tiles of a few thousand bytes, so that what passes between them stays in the
   first-level cache. Each op is its kernel's own row function: the bits are those of the ops run apart. */
#ifndef CT_KERNELS_CHAIN_H
#define CT_KERNELS_CHAIN_H
#include "kernels/pointwise.h"

#define CT_CHAIN_PARTS 24    /* at most */
#define CT_CHAIN_OPERANDS 24 /* at most: what is read from or written to memory */
#define CT_ABSENT INT32_MIN

/* One op. An input is the number of an operand, or -1 - i for the result of part i before it, or CT_ABSENT. */
typedef struct ct_chain_part {
    ct_row_fn row;
    const void *args;
    int n_in, in[CT_POINTWISE_IN];
    int out; /* an operand's number, or -1: only later parts read it */
    ct_dtype dtype;
} ct_chain_part;

typedef struct ct_chain ct_chain;
/* A chain over all elements of `space`, dense, with operands of these layouts, broadcast to it; operands that are
   written lie as `space` does. CT_NO_MEMORY. */
ct_status ct_chain_new(const ct_layout *space, const ct_layout *operand, int n_operands, const ct_chain_part *part,
                       int n_parts, ct_chain **out);
/* On elements [begin, end) in memory's order; at[i]: operand i. What is written may take the place of an operand that
   no later part reads. Freed with ct_free. */
void ct_chain_range(const ct_chain *c, void *const *at, int64_t begin, int64_t end);
extern const size_t ct_chain_bytes; /* of a chain */
/* On all elements, in parallel. */
void ct_chain_run(const ct_chain *c, void *const *at);
#endif
