/* What one use of attention_ or attention_back computes, and where its matrices lie; for its kernels. */
#ifndef CT_KERNELS_ATTENTION_H
#define CT_KERNELS_ATTENTION_H
#include "kernels/kernel.h"
#include "kernels/ops.h"
#include <float.h>
#include <math.h>

/* The logarithm of the sum of a query that has no keys, by which all weights come out as 0. */
#define CT_NO_KEYS FLT_MAX

/* The matrices of a batch: elements from the tensor's first to theirs, from a row, a column, an item of each dimension
   of the batch to the next. Where a size is 1 the step is 0. */
typedef struct ct_matrices {
    int64_t first, row, column, step[CT_MAX_DIMS];
} ct_matrices;

typedef struct ct_attention {
    int n; /* dimensions of the batch */
    int64_t size[CT_MAX_DIMS], items;
    int64_t L, S, E, V; /* queries, keys, numbers of a key, of a value */
    double scale;
    bool is_causal, packed; /* packed: one input (3, .., L, E) of queries, keys and values */
    ct_matrices q, k, v, mask, y, lse;
} ct_attention;

/* Of l (.., rows, columns), or (.., rows) where tail is 1, whose first `skip` dimensions are none of the batch's n. */
static inline ct_matrices ct_matrices_of(const ct_layout *l, int skip, int tail, int n) {
    ct_matrices m = {0};
    int row = l->ndim - tail, column = row + 1;
    for (int d = 0; l->dtype && d < n; d++) {
        int from = d + row - n;
        if (from >= skip && l->size[from] > 1) m.step[d] = l->stride[from];
    }
    if (l->dtype && row >= 0 && l->size[row] > 1) m.row = l->stride[row];
    if (l->dtype && tail > 1 && column >= 0 && l->size[column] > 1) m.column = l->stride[column];
    return m;
}

/* Elements from a tensor's first to item b's matrix. */
static inline int64_t ct_matrices_at(const ct_attention *a, const ct_matrices *m, int64_t b) {
    int64_t at = m->first;
    for (int d = a->n - 1; d >= 0; b /= a->size[d--]) at += b % a->size[d] * m->step[d];
    return at;
}

/* Queries, keys and values: three layouts, or one of all. */
static inline void ct_attention_parts(const ct_layout *in, bool packed, int n, ct_matrices part[3]) {
    for (int i = 0; i < 3; i++) {
        part[i] = ct_matrices_of(packed ? in : &in[i], packed, 2, n);
        if (packed) part[i].first = i * in->stride[0];
    }
}

/* in: query, key, value, mask. */
static inline ct_attention ct_attention_of(const ct_layout *in, const ct_layout *y, const ct_layout *lse,
                                           const ct_attention_args *args) {
    ct_attention a = {.n = y->ndim - 2, .items = 1, .is_causal = args->is_causal, .packed = !in[1].dtype};
    const ct_layout *key = a.packed ? in : &in[1];
    for (int d = 0; d < a.n; d++) a.items *= a.size[d] = y->size[d];
    a.L = y->size[a.n], a.V = y->size[a.n + 1];
    a.S = key->size[key->ndim - 2], a.E = key->size[key->ndim - 1];
    a.scale = args->scale ? args->scale : 1 / sqrt((double)a.E);
    ct_matrices part[3];
    ct_attention_parts(in, a.packed, a.n, part);
    a.q = part[0], a.k = part[1], a.v = part[2];
    a.mask = ct_matrices_of(&in[3], 0, 2, a.n);
    a.y = ct_matrices_of(y, 0, 2, a.n), a.lse = ct_matrices_of(lse, 0, 1, a.n);
    return a;
}
#endif
