/* A recurrent layer step by step, in ops. */
#ifndef CT_OPS_RECURRENT_H
#define CT_OPS_RECURRENT_H
#include "ops/ops.h"

/* One layer at work. The steps are found by halving the sequence: so the gradient of the parts costs what the sequence
   does times the logarithm of its length, not times its length. */
typedef struct ct_recurrent {
    ct_tensor *w_hh, *b_hh, *h, *c; /* h and c (N, hidden): the state */
    int64_t hidden;
    bool reverse;
    ct_tensor **y, **cell, **act; /* h of each step; of an LSTM c and the gates too */
    void (*step)(struct ct_recurrent *r, ct_tensor *gates, int64_t t);
} ct_recurrent;

/* All steps of `gates` (steps, N, gates), the input's share; the first is step `first`. */
void ct_recurrent_steps(ct_recurrent *r, ct_tensor *gates, int64_t first);
/* Gate i of n units each. */
ct_tensor *ct_gate(ct_tensor *gates, int64_t i, int64_t n);
#endif
