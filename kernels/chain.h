/* Pointwise ops one after another on tiles of a few thousand bytes, so that what passes between them stays in the
   first-level cache. Each op is its kernel's own row function: the bits are those of the ops run apart. */
#ifndef CT_KERNELS_CHAIN_H
#define CT_KERNELS_CHAIN_H
#include "kernels/pointwise.h"

#define CT_CHAIN_PARTS 24    /* at most */
#define CT_CHAIN_OPERANDS 24 /* at most: addresses that are read or written */
#define CT_ABSENT INT32_MIN

/* One op over all elements of `space`, its result's layout, dense; other parts' spaces may have other shapes. */
typedef struct ct_chain_part {
    ct_row_fn row;
    const void *args;
    ct_layout space;
    int n_in, in[CT_POINTWISE_IN];     /* the number of an address, -1 - i for the result of part i, or CT_ABSENT */
    ct_layout layout[CT_POINTWISE_IN]; /* of an address, broadcast to the space */
    int out;                           /* an address's number, or -1: only later parts read it */
    int stream;                        /* of a random op: the address of its stream, in[1]; else -1 */
} ct_chain_part;

typedef struct ct_chain ct_chain;
/* All spaces have as many elements: element i of one, in memory's order, goes with element i of the others. Freed with
   ct_free. CT_NO_MEMORY. */
ct_status ct_chain_new(const ct_chain_part *part, int n_parts, ct_chain **out);
/* Whether l, broadcast to `space`, has its elements where the space has them. */
bool ct_chain_flat(const ct_layout *l, const ct_layout *space);
/* On elements [begin, end) in memory's order. What is written may take the place of what lies flat and no later part
   reads. */
void ct_chain_range(const ct_chain *c, void *const *at, int64_t begin, int64_t end);
/* The addresses below n, `most` at most, that are read as floats where the space has them; returns how many. */
int ct_chain_reads(const ct_chain *c, void *const *at, int n, int most, const float **reads);
size_t ct_chain_bytes(const ct_chain *c); /* that it takes */
/* On all elements, in parallel. */
void ct_chain_run(const ct_chain *c, void *const *at);
#endif
