#ifndef T
#include "base/philox.h"
#include "kernels/ref/ref.h"
#define BODY "kernels/ref/draw.c"
#include "kernels/ref/floats.h"
FLOAT_KERNEL(draw_like)
#else

/* Element i takes random word i; or words i and its neighbour, of which a pair of normal numbers is made. */
RUN_OF(F(draw_like)) {
    const ct_draw_args *a = call->args;
    const ct_layout *rng = &call->in[1], *ly = &call->out[0];
    ct_philox_key key = ct_philox_make((uint64_t)ct_elem_get_int(rng->dtype, in[1], 0), (uint64_t)a->key);
    uint64_t step = (uint64_t)ct_elem_get_int(rng->dtype, in[1], rng->stride[0]);
    T *y = out[0];
    uint32_t word[4];
    int64_t i = 0;
    for (ct_sweep w = CT_SWEEP(ly->ndim, ly->size, 0, ly->stride); w.more; ct_sweep_next(&w), i++) {
        if (i % 4 == 0) ct_philox_fill(key, step, (uint64_t)i, 4, word);
        const uint32_t *two = word + i % 4 / 2 * 2;
        y[w.at[0]] = (T)(a->normal ? ct_philox_normal(two, i % 2) : ct_philox_uniform(word[i % 4]));
    }
}
#endif
