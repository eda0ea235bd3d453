/* Random numbers of a tensor's shape and type, in a graph too. */
#include "ops/shape_util.h"

static ct_tensor *draw_like(ct_tensor *x, bool normal) {
    ct_draw_args keyed = {.normal = normal};
    ct_tensor *rng = ct_random_stream(&keyed.key);
    return CT_PART(draw_like, &keyed, x, rng);
}

FORMULA(rand_like) {
    (void)args_, (void)n_in, (void)out;
    return draw_like(in[0], false);
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
