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
} ct_optimizer;

const ct_optimizer *ct_optimizer_find(const char *name);
const ct_kind *const *ct_optimizer_kinds(int *n);

typedef struct ct_optim ct_optim;
/* For params[n], which must outlive it: its first group. args: the kind's struct, defaults filled. */
ct_status ct_optim_new(const ct_optimizer *kind, const void *args, ct_tensor *const *params, int n, ct_optim **out);
/* A further group of parameters, with settings of its own. */
ct_status ct_optim_add(ct_optim *o, const void *args, ct_tensor *const *params, int n);
void ct_optim_free(ct_optim *o);
/* One step from the parameters' gradients (ct_grad); a parameter without one stays as it is. */
ct_status ct_optim_step(ct_optim *o);
void ct_optim_zero_grad(ct_optim *o);
/* The parameters of all groups; *n of them. */
ct_tensor *const *ct_optim_params(const ct_optim *o, int *n);
/* Gradients scaled so that their norm, all together, is at most max_norm; or each element brought into [-max, max]. */
ct_status ct_clip_grad_norm(ct_tensor *const *params, int n, double max_norm);
ct_status ct_clip_grad_value(ct_tensor *const *params, int n, double max);
/* 0-d f64 tensors, kept: a group's learning rate, and the count of steps taken. */
int ct_optim_groups(const ct_optim *o);
ct_tensor *ct_optim_lr(ct_optim *o, int group);
ct_tensor *ct_optim_count(ct_optim *o);
/* State i of a parameter, and its name; NULL past the last. */
ct_tensor *ct_optim_state(const ct_optim *o, const ct_tensor *param, int i, const char **name);
#endif
