/* What a kernel sees: pointers, sizes and strides, never a tensor. */
#ifndef CT_KERNEL_H
#define CT_KERNEL_H
#include "base/dtype.h"
#include "base/error.h"
#include <stdatomic.h>

/* Where and how a tensor's elements lie; strides are in elements. dtype CT_NONE: an optional input that is absent. */
typedef struct ct_layout {
    ct_dtype dtype;
    int ndim;
    int64_t size[CT_MAX_DIMS], stride[CT_MAX_DIMS];
} ct_layout;

/* One use of an op: all that is known before there is data. Outputs may have any strides that the shape rule gave. */
typedef struct ct_call {
    int op; /* CT_OP_..., of kernels/ops.h */
    int n_in, n_out;
    const ct_layout *in, *out;
    const void *args; /* the op's args struct, defaults resolved */
    bool bf16;        /* products may round their f32 inputs to bf16; sums and results stay f32 */
    bool direct;      /* convolutions multiply what they are given, not Winograd's transforms of it */
} ct_call;

#define CT_TAIL_READS 2
/* What is to be done with a result's elements as they are made. */
typedef struct ct_tail {
    void (*run)(void *ctx, int64_t begin, int64_t end); /* of elements in memory's order; from any thread */
    void *ctx;
    const float *origin;               /* element 0 */
    const float *reads[CT_TAIL_READS]; /* what lies like the result and is read with it; NULL after the last */
} ct_tail;

/* n elements from `first` on have their final values. tail: NULL does nothing. */
static inline void ct_tail_run(const ct_tail *tail, const float *first, int64_t n) {
    if (tail) tail->run(tail->ctx, first - tail->origin, first - tail->origin + n);
}

/* n elements from `first` on are about to be computed: what the tail will read with them is fetched meanwhile. */
static inline void ct_tail_fetch(const ct_tail *tail, const float *first, int64_t n) {
    for (int i = 0; tail && i < CT_TAIL_READS && tail->reads[i]; i++)
        for (int64_t k = 0; k < n; k += 16) __builtin_prefetch(tail->reads[i] + (first - tail->origin) + k);
}

/* Elements of an input as they are asked for, each once. */
typedef struct ct_head {
    /* Elements [begin, begin + n) in memory's order: in `room`, or where they are to stay. From any thread. */
    const float *(*run)(void *ctx, int64_t begin, int64_t n, float *room);
    void *ctx;
} ct_head;

/* What a running kernel may use. */
typedef struct ct_exec {
    void *workspace;      /* as many bytes as prepare asked for, 64-byte aligned */
    _Atomic int64_t *bad; /* the first bad value met (an index out of range), by ct_exec_bad; 0: none */
    const ct_tail *tail;  /* NULL, or for a kernel that `tails`: to be run once on each element of out[0] */
    const ct_head *head;  /* NULL, or for a kernel that `heads`: what in[0] is, which is NULL then */
    const void *kept;     /* NULL, or for a kernel that `keeps`: what it made of in[1] */
} ct_exec;

/* Elements [at, at + n) of in[0], which is x where it has no head. */
static inline const float *ct_head_read(const ct_exec *exec, const float *x, int64_t at, int64_t n, float *room) {
    return exec->head ? exec->head->run(exec->head->ctx, at, n, room) : x + at;
}

/* n elements: in[i] and out step by the given strides, in elements. An absent input points at a zero, stride 0; a
   random op's in[1] is its stream, stride[1] the place of the first element in the result's memory. */
typedef void (*ct_row_fn)(int64_t n, const void *const *in, const int64_t *stride, void *out, int64_t out_stride,
                          const void *args);

/* A kernel that meets bad data says so here and goes on: `bad` becomes value + 1, or a negative value as it is. */
static inline void ct_exec_bad(const ct_exec *exec, int64_t value) {
    int64_t none = 0, said = value < 0 || value == INT64_MAX ? value : value + 1;
    atomic_compare_exchange_strong_explicit(exec->bad, &none, said, memory_order_relaxed, memory_order_relaxed);
}
/* The value that was said. */
static inline int64_t ct_bad_value(int64_t bad) { return bad < 0 ? bad : bad - 1; }

/* prepare's answer, which no caller of the library sees: not this dtype, shape or layout; the next backend is asked. */
#define CT_UNSUPPORTED ((ct_status)(CT_STOPPED + 1))

/* What the items of a kernel share. */
typedef struct ct_items_room {
    _Alignas(64) char bytes[64];
} ct_items_room;

/* A kernel is two functions. prepare, once a use: checks that it can, and may leave a state (freed by `release`) and
   a size of workspace. run, every time: in[i] and out[i] point at the first elements (NULL for an absent input, or an
   output that nobody wants). An output may be the same memory as an input where the op's row says INPLACE. */
typedef struct ct_kernel {
    ct_status (*prepare)(const ct_call *call, void **state, size_t *workspace); /* NULL: any call, nothing to do */
    void (*run)(const ct_exec *exec, const ct_call *call, void *state, const void *const *in, void *const *out);
    void (*release)(void *state); /* NULL: ct_free */
    /* Pointwise: the function that run calls for each row of this call; NULL where it cannot. */
    ct_row_fn (*row)(const ct_call *call);
    /* After prepare: readies the state for runs that have a tail; false: it cannot. NULL: never. */
    bool (*tails)(const ct_call *call, void *state, size_t *workspace);
    /* Whether run, with this state, reads in[0] by exec's head, which has no gaps. NULL: never. */
    bool (*heads)(const ct_call *call, const void *state);
    /* Of in[1] whose content stays for many runs: how many bytes `keep` makes of it, once, for runs that are given
       those (exec->kept), for which the state is readied, after `tails`; 0: nothing, in[1] is as good. What is made
       depends on the weight's layout, bf16 and *form alone. NULL: never. */
    size_t (*keeps)(const ct_call *call, void *state, size_t *workspace, const void **form);
    void (*keep)(const void *state, const void *weight, void *kept);
    /* Before each run that comes after `watched` was told of every element of in[0] once, as it was made: ranges in
       memory's order, from any thread, when all other inputs are there. Readies the state, the first time; false: no
       memory. NULL: never. */
    bool (*watches)(void *state);
    void (*watched)(void *state, const void *const *in, int64_t begin, int64_t end);
    /* What run does, as items that may run at any time, in any order and at once, so that another kernel's ct_parallel
       can take them along: readies `room` and says how many; then `items` runs them. NULL: run alone does it. */
    int64_t (*begin)(const ct_exec *exec, const ct_call *call, void *state, const void *const *in, void *const *out,
                     ct_items_room *room);
    void (*items)(void *room, int64_t begin, int64_t end);
} ct_kernel;

static inline int64_t ct_layout_numel(const ct_layout *l) {
    int64_t n = 1;
    for (int i = 0; i < l->ndim; i++) n *= l->size[i];
    return n;
}
/* Elements of the two lie alike, whatever their types: the strides of sizes of 1 do not count. */
static inline bool ct_layout_alike(const ct_layout *a, const ct_layout *b) {
    if (a->ndim != b->ndim) return false;
    for (int i = 0; i < a->ndim; i++)
        if (a->size[i] != b->size[i] || (a->size[i] != 1 && a->stride[i] != b->stride[i])) return false;
    return true;
}
/* Row-major, without gaps. */
static inline bool ct_layout_contiguous(const ct_layout *l) {
    int64_t n = 1;
    for (int i = l->ndim - 1; i >= 0; n *= l->size[i--])
        if (l->size[i] != 1 && l->stride[i] != n) return false;
    return true;
}
#endif
