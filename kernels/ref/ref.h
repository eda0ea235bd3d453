/* What the plain kernels share: the shape of a run function, sweeps over strided elements, elements of any type. */
#ifndef CT_KERNELS_REF_H
#define CT_KERNELS_REF_H
#include "base/math.h"
#include "kernels/kernel.h"
#include <math.h>

/* The head of a run function; most need only some of what they are given. */
#define CT_UNUSED __attribute__((unused))
#define RUN_OF(name)                                                                                      \
    static void name(const ct_exec *exec CT_UNUSED, const ct_call *call CT_UNUSED, void *state CT_UNUSED, \
                     const void *const *in CT_UNUSED, void *const *out CT_UNUSED)
typedef void ct_run_fn(const ct_exec *, const ct_call *, void *, const void *const *, void *const *);

/* The type of the first input, which may be absent, or else of what is made. */
static inline ct_dtype ct_float_of(const ct_call *call) {
    return call->in[0].dtype == CT_NONE ? call->out[0].dtype : call->in[0].dtype;
}
/* CT_UNSUPPORTED unless that is f32 or f64, and all that is f32 or f64 is of its type. */
ct_status ct_prepare_floats(const ct_call *call, void **state, size_t *workspace);
/* CT_UNSUPPORTED unless all inputs are of output 0's type. */
ct_status ct_prepare_same(const ct_call *call, void **state, size_t *workspace);

/* The kernel of an op whose run functions were made for each type of input 0, by floats.h or numbers.h. */
#define FLOAT_KERNEL(name)                                                                                \
    RUN_OF(name) { (ct_float_of(call) == CT_F64 ? name##_f64 : name##_f32)(exec, call, state, in, out); } \
    const ct_kernel ct_ref_##name = {.prepare = ct_prepare_floats, .run = name};
#define NUMBER_KERNEL(name, prepare_)                                                                          \
    RUN_OF(name) {                                                                                             \
        static ct_run_fn *const run[] = {[CT_F32] = name##_f32, [CT_F64] = name##_f64, [CT_I64] = name##_i64,  \
                                         [CT_I32] = name##_i32, [CT_U8] = name##_u8,   [CT_BOOL] = name##_u8}; \
        run[call->in[0].dtype](exec, call, state, in, out);                                                    \
    }                                                                                                          \
    const ct_kernel ct_ref_##name = {.prepare = prepare_, .run = name};

/* ---- sweeps: all elements of a shape, row by row, and how far each of several tensors' is from its first ----
   for (ct_sweep w = CT_SWEEP(ndim, size, skip, strides of a, of b); w.more; ct_sweep_next(&w)) a[w.at[0]] = b[w.at[1]];
   Dimensions whose bit is set in `skip` stay at index 0. */
#define CT_SWEEP_MAX 9
typedef struct ct_sweep {
    bool more;
    int ndim, n;
    int64_t size[CT_MAX_DIMS], index[CT_MAX_DIMS];
    const int64_t *stride[CT_SWEEP_MAX];
    int64_t at[CT_SWEEP_MAX];
} ct_sweep;

#define CT_SWEEP(ndim, size, skip, ...)                                   \
    ct_sweep_new(ndim, size, skip, (const int64_t *const[]){__VA_ARGS__}, \
                 CT_COUNT(((const int64_t *const[]){__VA_ARGS__})))

static inline ct_sweep ct_sweep_new(int ndim, const int64_t *size, unsigned skip, const int64_t *const *stride, int n) {
    ct_sweep w = {.more = true, .ndim = ndim, .n = n};
    for (int k = 0; k < n; k++) w.stride[k] = stride[k];
    for (int d = 0; d < ndim; d++) {
        w.size[d] = skip >> d & 1 ? 1 : size[d];
        w.more &= w.size[d] > 0;
    }
    return w;
}

static inline void ct_sweep_next(ct_sweep *w) {
    for (int d = w->ndim - 1; d >= 0; d--) {
        bool turn = ++w->index[d] == w->size[d];
        int64_t steps = turn ? 1 - w->size[d] : 1;
        for (int k = 0; k < w->n; k++) w->at[k] += steps * w->stride[k][d];
        if (!turn) return;
        w->index[d] = 0;
    }
    w->more = false;
}

extern const int64_t ct_stride_none[CT_MAX_DIMS]; /* strides of 0: one element everywhere */

static inline int64_t ct_at4(const ct_layout *l, int64_t i, int64_t j, int64_t k, int64_t m) {
    return i * l->stride[0] + j * l->stride[1] + k * l->stride[2] + m * l->stride[3];
}

/* ---- dimensions: a negative one counts from the end; without any there is one, of size 1 ---- */
static inline int ct_dim_of(const ct_layout *l, int64_t dim) { return (int)(dim < 0 ? dim + CT_MAX(l->ndim, 1) : dim); }
static inline int64_t ct_dim_size(const ct_layout *l, int d) { return d < l->ndim ? l->size[d] : 1; }
static inline int64_t ct_dim_stride(const ct_layout *l, int d) { return d < l->ndim ? l->stride[d] : 0; }
/* The strides of `l` seen as a shape of `ndim` dimensions that it broadcasts to. */
void ct_stride_broadcast(const ct_layout *l, int ndim, int64_t *stride);

/* ---- elements ---- */
/* v towards 0, within lo and hi; 0 from NaN. */
static inline int64_t ct_truncate(double v, int64_t lo, int64_t hi) {
    if (isnan(v)) return 0;
    return v <= (double)lo ? lo : v >= (double)hi ? hi : (int64_t)v;
}
/* Element i in one of two wide types, and back: to bool is != 0, a float becomes an integer by ct_truncate. */
double ct_elem_get(ct_dtype dtype, const void *p, int64_t i);
int64_t ct_elem_get_int(ct_dtype dtype, const void *p, int64_t i);
void ct_elem_put(ct_dtype dtype, void *p, int64_t i, double v);
void ct_elem_put_int(ct_dtype dtype, void *p, int64_t i, int64_t v);
/* y[i] += x[j], in the type itself. */
void ct_elem_add(ct_dtype dtype, void *y, int64_t i, const void *x, int64_t j);
/* y[i] = x[j]. */
void ct_elem_copy(size_t bytes, void *y, int64_t i, const void *x, int64_t j);
/* y = x over a shape, whatever the strides. */
void ct_elems_copy(int ndim, const int64_t *size, size_t bytes, void *y, const int64_t *ystride, const void *x,
                   const int64_t *xstride);
void ct_elems_zero(const ct_layout *l, void *y);
/* Reads index i; false, and said so in `exec`, when it is not in 0..n-1. */
bool ct_elem_index(const ct_exec *exec, const ct_layout *l, const void *p, int64_t i, int64_t n, int64_t *index);

/* p + n elements of any size. */
static inline void *ct_elem_to(void *p, int64_t n, size_t bytes) { return (char *)p + n * (int64_t)bytes; }
static inline const void *ct_elem_from(const void *p, int64_t n, size_t bytes) {
    return (const char *)p + n * (int64_t)bytes;
}
#endif
