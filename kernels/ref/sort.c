/* Order along a dimension, equal elements in the order they came in, NaN above all numbers. */
#ifndef T
#include "kernels/ref/ref.h"

/* Workspace: two lists of places in a line of x. */
static ct_status prepare_sort(const ct_call *call, int64_t dim, size_t *workspace) {
    size_t n = (size_t)ct_dim_size(call->in, ct_dim_of(call->in, dim));
    return __builtin_mul_overflow(n, 2 * sizeof(int64_t), workspace) ? ct_fail_memory() : CT_OK;
}
static ct_status prepare_sort_args(const ct_call *call, void **state CT_UNUSED, size_t *workspace) {
    return prepare_sort(call, ((const ct_sort_args *)call->args)->dim, workspace);
}
static ct_status prepare_topk_args(const ct_call *call, void **state CT_UNUSED, size_t *workspace) {
    return prepare_sort(call, ((const ct_topk_args *)call->args)->dim, workspace);
}

#define BODY "kernels/ref/sort.c"
#include "kernels/ref/numbers.h"
NUMBER_KERNEL(sort, prepare_sort_args)
NUMBER_KERNEL(topk, prepare_topk_args)
#else

static bool F(before)(T a, T b, bool descending) {
    if (descending) return a > b || (IS_NAN(a) && !IS_NAN(b));
    return a < b || (IS_NAN(b) && !IS_NAN(a));
}

/* Merge sort of n places of the line x, `dx` apart; returns the sorted list, one of the two given. */
static int64_t *F(sorted)(const T *x, int64_t dx, int64_t n, bool descending, int64_t *list, int64_t *spare) {
    for (int64_t i = 0; i < n; i++) list[i] = i;
    for (int64_t run = 1; run < n; run *= 2) {
        for (int64_t begin = 0; begin < n; begin += 2 * run) {
            int64_t middle = CT_MIN(begin + run, n), end = CT_MIN(middle + run, n), a = begin, b = middle;
            for (int64_t i = begin; i < end; i++) {
                bool second = a == middle || (b < end && F(before)(x[list[b] * dx], x[list[a] * dx], descending));
                spare[i] = list[second ? b++ : a++];
            }
        }
        int64_t *t = list;
        list = spare, spare = t;
    }
    return list;
}

/* The first of each line's sorted elements, as many as the outputs hold, and where they were. */
static void F(sort_lines)(const ct_exec *exec, const ct_call *call, const T *x, void *const *out, int64_t dim_,
                          bool descending) {
    const ct_layout *lx = call->in, *lv = call->out, *li = call->out + 1;
    int dim = ct_dim_of(lx, dim_);
    int64_t n = ct_dim_size(lx, dim), k = ct_dim_size(lv, dim), dx = ct_dim_stride(lx, dim);
    int64_t dv = ct_dim_stride(lv, dim), di = ct_dim_stride(li, dim), *list = exec->workspace;
    T *value = out[0];
    int64_t *index = out[1];
    for (ct_sweep w = CT_SWEEP(lx->ndim, lx->size, 1u << dim, lx->stride, lv->stride, li->stride); w.more;
         ct_sweep_next(&w)) {
        const int64_t *order = F(sorted)(x + w.at[0], dx, n, descending, list, list + n);
        for (int64_t i = 0; i < k; i++) {
            if (value) value[w.at[1] + i * dv] = x[w.at[0] + order[i] * dx];
            if (index) index[w.at[2] + i * di] = order[i];
        }
    }
}

RUN_OF(F(sort)) {
    const ct_sort_args *args = call->args;
    F(sort_lines)(exec, call, in[0], out, args->dim, args->descending);
}

RUN_OF(F(topk)) {
    const ct_topk_args *args = call->args;
    F(sort_lines)(exec, call, in[0], out, args->dim, !args->no_largest);
}
#endif
