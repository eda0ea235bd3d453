/* Cases of plain kernels: the elements of every tensor in row-major order, as doubles. A case is run over several
   orders of memory, and where it has f32 tensors over f64 too; memory between an output's elements must stay as it was.
 */
#ifndef CT_TESTS_REF_CASE_H
#define CT_TESTS_REF_CASE_H
#include "base/alloc.h"
#include "kernels/ref/ref.h"
#include "tests/unit/check.h"
#include <stdlib.h>

#define OP(name, ...) extern const ct_kernel ct_ref_##name;
#define PART(name, ...) extern const ct_kernel ct_ref_##name;
#define VIEW(...)
#define FORMULA(...)
#include "kernels/ops.def"
#undef OP
#undef PART
#undef VIEW
#undef FORMULA

typedef struct operand {
    ct_dtype dtype;
    ct_dims size;
    const double *values;
} operand;
typedef struct ref_case {
    const char *name;
    const ct_kernel *kernel;
    const void *args;
    int64_t bad; /* what it must say of bad data */
    int n_in, n_out;
    const operand *in, *out;
} ref_case;

#define TENSOR(dtype, size, ...)                              \
    {                                                         \
        dtype, CT_DIMS size, (const double[]) { __VA_ARGS__ } \
    }
#define F32(size, ...) TENSOR(CT_F32, size, __VA_ARGS__)
#define I64(size, ...) TENSOR(CT_I64, size, __VA_ARGS__)
#define BOOL(size, ...) TENSOR(CT_BOOL, size, __VA_ARGS__)
#define SCALAR(dtype, v)                        \
    {                                           \
        dtype, {.n = 0}, (const double[]) { v } \
    }
#define ABSENT \
    { CT_NONE, {.n = 0}, NULL }
#define LIST(...) \
    (int)(sizeof((operand[]){__VA_ARGS__}) / sizeof(operand)), (operand[]) { __VA_ARGS__ }
#define NOTHING 0, NULL
#define ARGS(op, ...) (&(ct_##op##_args){__VA_ARGS__})
#define CASE(op, args, ins, outs) run_case(#op, &ct_ref_##op, args, 0, ins, outs)
#define BAD_CASE(op, bad, args, ins, outs) run_case(#op, &ct_ref_##op, args, bad, ins, outs)

enum { ROWS, COLUMNS, GAPS, ORDERS };

/* Row-major, column-major, or column-major with every second element of memory unused. Returns the elements in memory.
 */
static inline size_t layout_of(const operand *o, int order, bool wide, ct_layout *l) {
    size_t n = order == GAPS ? 2 : 1;
    *l = (ct_layout){.dtype = wide && o->dtype == CT_F32 ? CT_F64 : o->dtype, .ndim = o->size.n};
    for (int i = 0; i < l->ndim; i++) {
        int d = order == ROWS ? l->ndim - 1 - i : i;
        l->size[d] = o->size.v[d], l->stride[d] = (int64_t)n;
        n *= (size_t)l->size[d];
    }
    return n;
}

/* Exactly as much memory as the elements take, so that a sanitizer sees a step out of it. */
static inline void *memory_of(const ct_layout *l, size_t n, const double *values) {
    size_t bytes = n * ct_dtype_bytes(l->dtype);
    void *p = malloc(bytes + !bytes);
    if (!p) abort();
    memset(p, 0x55, bytes);
    for (ct_sweep w = CT_SWEEP(l->ndim, l->size, 0, l->stride); w.more && values; ct_sweep_next(&w))
        ct_elem_put(l->dtype, p, w.at[0], *values++);
    return p;
}

static inline bool near(double got, double want) {
    return got == want || (isnan(got) && isnan(want)) || fabs(got - want) <= 1e-5 * CT_MAX(fabs(want), 1);
}

/* The elements are as wanted, and what lies between them was not touched. */
static inline bool output_is(const ct_layout *l, size_t n, const void *p, const double *want) {
    size_t bytes = ct_dtype_bytes(l->dtype), untouched = 0, k = 0;
    bool same = true;
    for (ct_sweep w = CT_SWEEP(l->ndim, l->size, 0, l->stride); w.more; ct_sweep_next(&w), k++) {
        double got = ct_elem_get(l->dtype, p, w.at[0]);
        if (!near(got, want[k])) printf("  element %zu: got %.9g, want %.9g\n", k, got, want[k]), same = false;
    }
    for (size_t i = 0; i < n * bytes; i++) untouched += ((const unsigned char *)p)[i] == 0x55;
    return same && untouched >= (n - k) * bytes;
}

/* One run; the answer is prepare's, and `bad` what the kernel said of bad data. */
static inline ct_status run_kernel(const ref_case *c, const ct_layout *in, const ct_layout *out, const void *const *pin,
                                   void *const *pout, int64_t *bad) {
    ct_call call = {0, c->n_in, c->n_out, in, out, .args = c->args};
    size_t workspace = 0;
    void *state = NULL;
    if (c->kernel->prepare) CT_TRY(c->kernel->prepare(&call, &state, &workspace));
    _Atomic int64_t said = 0;
    ct_exec exec = {.workspace = malloc(workspace + 1), .bad = &said};
    c->kernel->run(&exec, &call, state, pin, pout);
    free(exec.workspace);
    (c->kernel->release ? c->kernel->release : ct_free)(state);
    *bad = said;
    return CT_OK;
}

static inline void run_order(const ref_case *c, int order_in, int order_out, bool wide) {
    ct_layout in[16], out[16];
    void *pin[16], *pout[16];
    size_t n[16];
    int64_t bad = 0;
    for (int i = 0; i < c->n_in; i++) {
        size_t k = layout_of(&c->in[i], order_in, wide, &in[i]);
        pin[i] = c->in[i].values ? memory_of(&in[i], k, c->in[i].values) : NULL;
    }
    for (int i = 0; i < c->n_out; i++) {
        n[i] = layout_of(&c->out[i], order_out, wide, &out[i]);
        pout[i] = c->out[i].values ? memory_of(&out[i], n[i], NULL) : NULL;
    }
    CHECK(run_kernel(c, in, out, (const void *const *)pin, pout, &bad) == CT_OK);
    CHECK(bad == c->bad);
    for (int i = 0; i < c->n_out; i++)
        if (pout[i] && !CHECK(output_is(&out[i], n[i], pout[i], c->out[i].values)))
            printf("  that was output %d of %s, %s, orders %d to %d\n", i, c->name, wide ? "f64" : "f32", order_in,
                   order_out);
    for (int i = 0; i < c->n_in; i++) free(pin[i]);
    for (int i = 0; i < c->n_out; i++) free(pout[i]);
}

static inline void run_case(const char *name, const ct_kernel *kernel, const void *args, int64_t bad, int n_in,
                            const operand *in, int n_out, const operand *out) {
    ref_case c = {name, kernel, args, bad, n_in, n_out, in, out};
    for (int i = 0; i < ORDERS * ORDERS * 2; i++) run_order(&c, i / 2 % ORDERS, i / 2 / ORDERS, i % 2);
}
#endif
