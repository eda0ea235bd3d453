/* Random numbers of a tensor's shape and type, in a graph too. */
#include "ops/shape_util.h"
#include <math.h>

static ct_tensor *draw_like(ct_tensor *x, bool normal) {
    ct_draw_args keyed = {.normal = normal};
    ct_tensor *rng = ct_random_stream(&keyed.key);
    return CT_PART(draw_like, &keyed, x, rng);
}

FORMULA(rand_like) {
    (void)args_, (void)n_in, (void)out;
    ct_dtype dtype = in[0]->layout.dtype;
    ct_tensor *y = draw_like(ct_wide(in[0]), false);
    if (!ct_is_half(dtype)) return y;
    double steps = ldexp(1, ct_float_digits(dtype)); /* rounding could make a 1 */
    return ct_to(ct_times(ct_floor(ct_times(y, steps)), 1 / steps), dtype);
}
FORMULA(randn_like) {
    (void)args_, (void)n_in, (void)out;
    return draw_like(in[0], true);
}

SHAPE(draw_like) {
    (void)args_, (void)n_in;
    *n_out = 1;
    CT_TRY(ct_want_floats("draw_like", in, 1));
    if (in[1].dtype != CT_I64) return ct_shape_fail("draw_like", "the random stream is i64: seed and step");
    CT_TRY(ct_want_sizes("draw_like", "the random stream", &in[1], (int64_t[]){2}, 1));
    return ct_shape_make("draw_like", in, in->dtype, in->size, in->ndim, out);
}
