/* Optimizers: a row says which op makes a step and what it remembers. */
#ifndef CT_OPTIM_H
#define CT_OPTIM_H
#include "ops/ops.h"

#define CT_MAX_STATES 3

typedef struct ct_optimizer {
    ct_kind kind; /* the op's own name and keys */
    int op;
    int (*n_state)(const void *args);      /* tensors remembered a parameter; NULL: as many as have names */
    const char *state_name[CT_MAX_STATES]; /* PyTorch's */
    int ndim;                              /* of the parameters that it takes; 0: any */
} ct_optimizer;

const ct_optimizer *ct_optimizer_find(const char *name);
const ct_kind *const *ct_optimizer_kinds(int *n);

/* For params[n], which must outlive it: its first group. args: the kind's struct, defaults filled. */
ct_status ct_optim_new(const ct_optimizer *kind, const void *args, ct_tensor *const *params, int n, ct_optim **out);
/* A further group of parameters, with an optimizer or settings of its own. */
ct_status ct_optim_add(ct_optim *o, const ct_optimizer *kind, const void *args, ct_tensor *const *params, int n);
/* Whether an optimizer takes a parameter. */
bool ct_optimizer_takes(const ct_optimizer *kind, const ct_tensor *param);
/* The parameters of all groups; *n of them. */
ct_tensor *const *ct_optim_params(const ct_optim *o, int *n);
/* t's gradient becomes g, which t then owns. */
ct_status ct_grad_replace(ct_tensor *t, ct_tensor *g);
ct_tensor *ct_optim_count(ct_optim *o); /* of steps taken: 0-d f64, kept */
/* State i of a parameter, and its name; NULL past the last. */
ct_tensor *ct_optim_state(const ct_optim *o, const ct_tensor *param, int i, const char **name);
#endif
