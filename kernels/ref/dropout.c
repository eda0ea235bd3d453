#ifndef T
#include "base/philox.h"
#include "kernels/ref/ref.h"
#define BODY "kernels/ref/dropout.c"
#include "kernels/ref/floats.h"
FLOAT_KERNEL(dropout_)
FLOAT_KERNEL(mask_scale)
#else

/* Random word i belongs to the element whose place in y's memory is i. */
RUN_OF(F(dropout_)) {
    const ct_dropout_args *a = call->args;
    const ct_layout *lx = &call->in[0], *rng = &call->in[1], *ly = &call->out[0], *lm = &call->out[1];
    ct_philox_key key = ct_philox_make((uint64_t)ct_elem_get_int(rng->dtype, in[1], 0), (uint64_t)a->key);
    uint64_t step = (uint64_t)ct_elem_get_int(rng->dtype, in[1], rng->stride[0]);
    const T *x = in[0];
    T *y = out[0];
    uint8_t *mask = out[1];
    uint32_t word[4];
    int64_t block = -1;
    for (ct_sweep w = CT_SWEEP(ly->ndim, ly->size, 0, lx->stride, ly->stride, lm->stride); w.more; ct_sweep_next(&w)) {
        int64_t i = w.at[1];
        if (i / 4 != block) ct_philox_fill(key, step, (uint64_t)(block = i / 4) * 4, 4, word);
        bool keep = ct_philox_uniform(word[i % 4]) >= a->p;
        if (y) y[i] = keep ? (T)(x[w.at[0]] / (1 - a->p)) : 0;
        if (mask) mask[w.at[2]] = keep;
    }
}

RUN_OF(F(mask_scale)) {
    const ct_layout *lx = &call->in[0], *lm = &call->in[1], *ly = call->out;
    T value = (T)((const ct_fill_args *)call->args)->value, *y = out[0];
    const T *x = in[0];
    for (ct_sweep w = CT_SWEEP(ly->ndim, ly->size, 0, ly->stride, lx->stride, lm->stride); w.more; ct_sweep_next(&w))
        y[w.at[0]] = ct_elem_get_int(lm->dtype, in[1], w.at[2]) ? value * x[w.at[1]] : 0;
}
#endif
