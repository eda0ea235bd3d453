/* Questions that prepare asks of a layout. */
#ifndef CT_KERNELS_CPU_LAYOUT_H
#define CT_KERNELS_CPU_LAYOUT_H
#include "kernels/kernel.h"

static inline int64_t div_up_i64(int64_t a, int64_t b) { return (a + b - 1) / b; }

static inline bool layout_is(const ct_layout *l, ct_dtype dtype) {
    return l->dtype == dtype && ct_layout_contiguous(l);
}

/* The same, or absent. */
static inline bool layout_is_or_none(const ct_layout *l, ct_dtype dtype) {
    return l->dtype == CT_NONE || layout_is(l, dtype);
}

/* The dimensions whose size is not 1, the one that moves least in memory last; how many. */
static inline int layout_order(const ct_layout *l, int order[CT_MAX_DIMS]) {
    int n = 0;
    for (int i = 0; i < l->ndim; i++) {
        int at = n;
        if (l->size[i] == 1) continue;
        for (; at > 0 && l->stride[order[at - 1]] < l->stride[i]; at--) order[at] = order[at - 1];
        order[at] = i, n++;
    }
    return n;
}

/* Every element between the first and the last in memory, once: some order of the dimensions is row-major. */
static inline bool layout_dense(const ct_layout *l) {
    int order[CT_MAX_DIMS];
    int64_t step = 1;
    for (int i = layout_order(l, order) - 1; i >= 0; step *= l->size[order[i--]])
        if (l->stride[order[i]] != step) return false;
    return true;
}

/* (N, C, H, W) with the channels side by side. */
static inline bool layout_channels_last(const ct_layout *l) {
    if (l->ndim != 4) return false;
    ct_layout nhwc = {.ndim = 4};
    for (int i = 0; i < 4; i++) {
        int from = i == 0 ? 0 : i == 3 ? 1 : i + 1;
        nhwc.size[i] = l->size[from], nhwc.stride[i] = l->stride[from];
    }
    return ct_layout_contiguous(&nhwc);
}

#define HEAD_FLOATS 2048 /* that a head makes at a time, of rows one at least */
static inline int64_t head_rows(const ct_exec *exec, int64_t n, int64_t left) {
    return exec->head ? CT_MIN(CT_MAX(HEAD_FLOATS / n, 1), left) : left;
}

/* Items a range for ct_parallel, so that one is worth claiming: `cost` floats moved or ten times as many operations an
   item. */
static inline int64_t grain_of(int64_t cost) { return CT_MAX(65536 / CT_MAX(cost, 1), 1); }
#endif
