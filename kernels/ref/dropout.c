#ifndef T
#include "base/philox.h"
#include "kernels/ref/ref.h"
#define BODY "kernels/ref/dropout.c"
#include "kernels/ref/floats.h"
FLOAT_KERNEL(mask_scale)

/* Random word i belongs to the element whose place in the mask's memory is i. */
RUN_OF(dropout_mask) {
    const ct_dropout_args *a = call->args;
    const ct_layout *rng = &call->in[1], *l = call->out;
    ct_philox_key key = ct_philox_make((uint64_t)ct_elem_get_int(rng->dtype, in[1], 0), (uint64_t)a->key);
    uint64_t step = (uint64_t)ct_elem_get_int(rng->dtype, in[1], rng->stride[0]);
    uint8_t *mask = out[0];
    uint32_t word[4];
    int64_t block = -1;
    for (ct_sweep w = CT_SWEEP(l->ndim, l->size, 0, l->stride); w.more; ct_sweep_next(&w)) {
        int64_t i = w.at[0];
        if (i / 4 != block) ct_philox_fill(key, step, (uint64_t)(block = i / 4) * 4, 4, word);
        mask[i] = ct_philox_uniform(word[i % 4]) >= a->p;
    }
}
const ct_kernel ct_ref_dropout_mask = {.run = dropout_mask};
#else

RUN_OF(F(mask_scale)) {
    const ct_layout *lx = &call->in[0], *lm = &call->in[1], *ly = call->out;
    T value = (T)((const ct_fill_args *)call->args)->value, *y = out[0];
    const T *x = in[0];
    for (ct_sweep w = CT_SWEEP(ly->ndim, ly->size, 0, ly->stride, lx->stride, lm->stride); w.more; ct_sweep_next(&w))
        y[w.at[0]] = ct_elem_get_int(lm->dtype, in[1], w.at[2]) ? value * x[w.at[1]] : 0;
}
#endif
