/* What is behind a result: the nodes that it came from, and the leaves, each once. */
#ifndef CT_AUTOGRAD_VISITS_H
#define CT_AUTOGRAD_VISITS_H
#include "ops/ops.h"

typedef struct ct_visit {
    ct_node *node; /* or NULL: a leaf */
    ct_tensor *leaf;
    size_t found;  /* in which order */
    ct_tensor **g; /* the gradient that has arrived at each output (a leaf is its only one), referenced; or NULL */
    bool target;   /* its gradient is asked for */
    bool wanted;   /* so is that of something it came from */
} ct_visit;

typedef struct ct_visits {
    ct_visit *at;
    size_t n, cap;
    size_t *slot, n_slots; /* hash table of indices into `at`, plus 1; n_slots is a power of two */
} ct_visits;

/* All that is behind `root`, its own node first: nodes made after `floor`, and what they read (which is not followed
   where it was made before). */
ct_status ct_visits_collect(ct_visits *v, ct_node *root, uint64_t floor);
ct_status ct_visits_add(ct_visits *v, ct_node *node, ct_tensor *leaf);
/* The newest node first, so that each has its whole gradient when its turn comes; leaves last. */
ct_status ct_visits_sort(ct_visits *v);
ct_visit *ct_visits_find(const ct_visits *v, const ct_node *node, const ct_tensor *leaf); /* or NULL */
/* Where a tensor's gradient arrives; NULL: nothing leads there. */
ct_tensor **ct_visits_gradient(const ct_visits *v, const ct_tensor *t);
void ct_visit_clear(ct_visit *v); /* drops the gradients */
void ct_visits_free(ct_visits *v);
#endif
