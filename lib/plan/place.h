/* Where a plan's values lie: lifetimes to offsets in one arena. */
#ifndef CT_PLAN_PLACE_H
#define CT_PLAN_PLACE_H
#include "tensor/tensor.h"

typedef struct ct_value {
    ct_storage *storage;
    bool fixed;           /* it has memory of its own: a parameter, an input, a constant */
    char *at;             /* that memory; NULL where only shapes are known */
    size_t bytes, offset; /* in the arena */
    int first, last;      /* items that write it first, use it last; first -1: not written. fixed: last reads only */
    int number;           /* by which text calls it: in the order of the program */
    int joined;           /* index of the value whose place it shares, or -1 */
} ct_value;

#define CT_PLACE_ALIGN 64
/* Gives every value that is neither fixed nor joined an offset, so that none that live at once overlap; returns the
   arena's size. Larger values first, each at the lowest offset that is free for its life (greedy by size, as in
   Pisarchyk and Lee, "Efficient memory management for deep neural net inference", 2020). */
ct_status ct_place(ct_value *v, int n, size_t *bytes);
#endif
