/* Helpers that the families share, beyond ops.h. */
#ifndef CT_OPS_SHAPE_UTIL_H
#define CT_OPS_SHAPE_UTIL_H
#include "base/alloc.h"
#include "ops/ops.h"

#define CT_SHAPE_TEXT 128 /* room for any shape as text */
#define CT_MAX_NUMEL ((int64_t)1 << 48)

/* One output of these sizes, ordered in memory as `like`'s (NULL: row-major); CT_FAIL where they are too many. */
ct_status ct_shape_make(const char *op, const ct_layout *like, ct_dtype dtype, const int64_t *size, int ndim,
                        ct_layout *out);
/* The first input is of floats, and the others that are there are of the same type. */
ct_status ct_want_floats(const char *op, const ct_layout *in, int n);
ct_status ct_want_same(const char *op, const ct_layout *in, int n);
ct_status ct_want_there(const char *op, const ct_layout *in, int n);
ct_status ct_want_dtype(const char *op, int64_t dtype);
ct_status ct_want_index(const char *op, const ct_layout *index);
/* A negative index of n rows counts from the end; CT_NO_INDEX stays. */
ct_status ct_row_fix(const char *op, const char *what, int64_t *index, int64_t n);
ct_status ct_want_ndim(const char *op, const char *what, const ct_layout *l, int least, int most);
/* The layout that is named `what` has exactly these sizes. */
ct_status ct_want_sizes(const char *op, const char *what, const ct_layout *l, const int64_t *size, int ndim);
bool ct_same_sizes(const ct_layout *a, const ct_layout *b);

/* Type of a sum: integers are added as i64. */
static inline ct_dtype ct_sum_dtype(ct_dtype t) { return ct_is_float(t) ? t : CT_I64; }

/* The args of a view whose sizes have one -1, or a reshape: the sizes, all known. */
ct_status ct_shape_infer(const char *op, const ct_layout *x, const ct_dims *want, ct_dims *size);

/* A reduction over the dimensions of a ct_reduce_args. */
ct_status ct_shape_reduce(const char *op, const ct_layout *in, int n_in, const void *args, ct_layout *out, int *n_out,
                          ct_dtype dtype);

/* An error tensor where one of the first n inputs is NULL, else NULL. */
ct_tensor *ct_missing(const char *op, ct_tensor *const *in, int n);
/* x in floats: itself, or integers as f32. */
ct_tensor *ct_floats(ct_tensor *x);
/* x in the type it is computed with: 16-bit floats as f32. x may be NULL. */
ct_tensor *ct_wide(ct_tensor *x);
/* A tensor of one value, made by an op: a capture records it. */
ct_tensor *ct_constant(ct_dtype dtype, ct_dims size, double value);
ct_tensor *ct_times(ct_tensor *x, double factor);
ct_tensor *ct_plus(ct_tensor *x, double term);
/* The larger of x and a number; where they are equal there is no gradient. */
ct_tensor *ct_at_least(ct_tensor *x, double min);
/* The same value with x's gradient everywhere: PyTorch clamps norms and variances without telling autograd. */
ct_tensor *ct_lifted(ct_tensor *x, double min);
ct_tensor *ct_sum_dim(ct_tensor *x, int64_t dim, bool keepdim);
/* t, a reduction of a tensor of shape l over dims, with those dimensions kept as size 1. */
ct_tensor *ct_kept(const char *op, ct_tensor *t, const ct_layout *l, const ct_dims *dims);
/* x less its mean over dims, divided by its deviation. */
ct_tensor *ct_standard(ct_tensor *x, ct_dims dims, double eps);
/* A channel's value each, as x (N, C, ...) broadcasts with it. */
ct_tensor *ct_by_channel(ct_tensor *t, const ct_layout *x);
ct_tensor *ct_reshape_to(ct_tensor *x, const int64_t *size, int ndim);
/* t with its dimensions ordered in memory as x's are, copied where they are not. */
ct_tensor *ct_in_order_of(ct_tensor *t, const ct_layout *x);
/* An error tensor unless a prediction and a target, in[0] and in[1], are there and alike: one that merely broadcasts
   is a mistake. */
ct_tensor *ct_unlike(const char *op, ct_tensor *const *in);
/* Loss of each sample to the loss asked for: a choice of "mean|sum|none". */
ct_tensor *ct_reduced(ct_tensor *loss, int reduction);
#endif
