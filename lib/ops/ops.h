/* Calling ops from inside the library, and writing them: what a family file needs. */
#ifndef CT_OPS_OPS_H
#define CT_OPS_OPS_H
#include "base/philox.h"
#include "graph/node.h"
#include "ops/row.h"

/* The one place where results are made: promotion, shape rule, kernel, node. `args` has its defaults resolved.
   Returns the first output; all of them in out[] where that is given. */
ct_tensor *ct_apply(int op, ct_tensor *const *in, int n_in, const void *args, ct_tensor **out);
/* Any row, formulas too; args with every default filled (as a spec's are). */
ct_tensor *ct_call_filled(const ct_op *op, ct_tensor *const *in, int n_in, const void *args, ct_tensor **out);
/* The same, with args as a C caller gives them: a zero field is its default. */
ct_tensor *ct_call_op(const ct_op *op, ct_tensor *const *in, int n_in, const void *args, ct_tensor **out);
/* In place: output i becomes the value of the tensor that the row's `place` names (CT_INPLACE rows). */
ct_status ct_apply_in_place(int op, ct_tensor *const *in, int n_in, const void *args);
/* dst, a tensor that has memory, gets src's value (same shape); in a capture this is a rebinding, after which dst's
   views of before are refused. */
ct_status ct_set(ct_tensor *dst, ct_tensor *src);

/* The kernel for a call: the processor's own if it can, else the plain one. */
ct_status ct_kernel_pick(const ct_call *call, const ct_kernel **kernel, void **state, size_t *workspace);
/* The row function of a pointwise call's kernel, the one that ct_kernel_pick would choose; NULL: it has none. */
ct_row_fn ct_kernel_row(const ct_call *call);
/* Picks, prepares and runs the kernel once. CT_FAIL: a bad index in the data. */
ct_status ct_kernel_run(const ct_call *call, const void *const *in, void *const *out);
int64_t ct_kernel_runs(void); /* how many it has run so far, in this process */
/* "v4", "v3", ... or "ref". */
const char *ct_backend_name(void);
bool ct_backend_reproducible(bool bf16);
void ct_backend_portable(void);
bool ct_backend_bf16(void); /* whether products of bf16 are faster than of f32 */
/* "v2", "v3", "v4", "ref" (plain C only) or NULL (the best here); CT_FAIL when this processor cannot. */
ct_status ct_backend_use(const char *name);

bool ct_grad_enabled(void);
/* Whether a checkpoint runs again for its gradient. swap: from now on; returns what it was. */
bool ct_recomputing(void);
bool ct_recompute_swap(bool now);
/* ct_set of a running statistic: not a second time where a checkpoint runs again. */
ct_status ct_set_once(ct_tensor *dst, ct_tensor *src);
/* Whether formulas that have a kernel of their own are to be that, not their parts: while a plan is captured. */
bool ct_whole(void);
bool ct_whole_swap(bool now);
/* Whether convolutions may go by Winograd's algorithm: always, but for a plan without that pass. */
bool ct_winograd(void);
bool ct_winograd_swap(bool now);
int ct_no_grad_swap(int depth); /* of no_grad, 0: recording; returns what it was */
bool ct_autocast(void);
int ct_autocast_swap(int depth); /* of autocast, 0: none; returns what it was */

/* x gets y's value and history; y is of this call alone. Returns x, or an error that names `what`, with x as it was. */
ct_tensor *ct_overwrite(const char *what, ct_tensor *x, ct_tensor *y);
/* The in-place form of a pointwise op; args as a C caller gives them. */
ct_tensor *ct_apply_over(int op, ct_tensor *const *in, int n_in, const void *args);

bool ct_anomaly(void); /* on, and no capture is open: that has no values to look at */
/* CT_DIVERGED where an output has a NaN or an infinity and no input does. */
ct_status ct_anomaly_check(const char *name, ct_tensor *const *in, int n_in, ct_tensor *const *out, int n_out);

/* The stream of random numbers that eager calls and layers draw from: an i64 tensor {seed, step}, and a key of the name
   set last with the count of draws since. */
void ct_random_use(ct_tensor *seed_and_step); /* NULL: back to the thread's own */
void ct_random_name(const char *name);
ct_tensor *ct_random_stream(int64_t *key);
ct_philox_key ct_random_key(void); /* of a draw now, that no graph replays */
/* Where a thread is in its stream. swap: goes there, and says where it was. */
typedef struct ct_random_place {
    ct_tensor *used; /* a run's {seed, step}, by ct_random_use; else NULL */
    int64_t seed;    /* the thread's own, by ct_manual_seed */
    uint64_t name, draws;
} ct_random_place;
ct_random_place ct_random_here(void);
ct_random_place ct_random_swap(ct_random_place to);

#define SHAPE(name) \
    ct_status ct_shape_##name(const ct_layout *in, int n_in, const void *args_, ct_layout *out, int *n_out)
#define GRAD(name)                                                                                                     \
    void ct_grad_##name(ct_tensor *const *in, int n_in, ct_tensor *const *out, ct_tensor *const *g, const void *args_, \
                        const bool *need, ct_tensor **din)
#define FORMULA(name) ct_tensor *ct_formula_##name(ct_tensor *const *in, int n_in, const void *args_, ct_tensor **out)
#define VIEW(name) ct_status ct_view_##name(const ct_layout *in, const void *args_, ct_layout *out, int64_t *offset)
#define ARGS(name) const ct_##name##_args *args = args_

/* Calls a PART by name: CT_PART(conv2d_dx, &args, g, w). */
#define CT_PART(name, args, ...)                         \
    ct_apply(CT_OP_##name, (ct_tensor *[]){__VA_ARGS__}, \
             (int)(sizeof((ct_tensor *[]){__VA_ARGS__}) / sizeof(ct_tensor *)), args, NULL)

/* ---- helpers of shape rules ---- */
ct_status ct_shape_fail(const char *op, const char *fmt, ...) CT_PRINTF(2, 3); /* CT_FAIL, "conv2d: ..." */
void ct_layout_text(const ct_layout *l, char *out, size_t size);               /* "(2, 3, 4)" */
/* dim, which may be negative, in 0..ndim-1 (ndim 0 counts as 1); CT_FAIL when it is out of range. */
ct_status ct_dim_fix(const char *op, int64_t *dim, int ndim);
/* Bit i set for each dim listed (none: all). */
ct_status ct_dims_mask(const char *op, const ct_dims *dims, int ndim, unsigned *mask);
/* A layout of these sizes whose dimensions are ordered in memory as `like`'s are (channels-last stays so). */
ct_layout ct_layout_like(const ct_layout *like, ct_dtype dtype, const int64_t *size, int ndim);
ct_status ct_shape_broadcast(const char *op, const ct_layout *in, int n_in, ct_layout *out);
/* t summed over the dimensions that broadcasting it from `shape` added. */
ct_tensor *ct_sum_to(ct_tensor *t, const ct_layout *shape);
ct_dims ct_all_dims(const int64_t *v, int n);
#endif
