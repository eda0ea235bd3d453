/* Random numbers of a tensor's shape and type, in a graph too; and in its place. */
#include "ops/shape_util.h"
#include "tensor/scope.h"
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

/* ---- in place ---- */
/* An error for an x that cannot be filled, or NULL. */
static ct_tensor *refuse(const char *what, ct_tensor *x, bool floats) {
    if (ct_why(x)) return x ? x : ct_tensor_error(CT_FAIL, "%s: there is no tensor", what);
    if (!floats || ct_is_float(x->layout.dtype)) return NULL;
    return ct_tensor_error(CT_FAIL, "%s: wants floats, got %s", what, ct_dtype_name(x->layout.dtype));
}

ct_tensor *ct_uniform_(ct_tensor *x, double from, double to) {
    ct_tensor *why = refuse("uniform_", x, true);
    if (why) return why;
    if (!(to >= from)) return ct_tensor_error(CT_FAIL, "uniform_: from %g to %g is no range", from, to);
    ct_scope *guard = ct_scope_guard();
    ct_tensor *y = ct_plus(ct_times(ct_rand_like(x), to - from), from);
    return ct_scope_end(guard, ct_overwrite("uniform_", x, y));
}

ct_tensor *ct_normal_(ct_tensor *x, double mean, double std) {
    ct_tensor *why = refuse("normal_", x, true);
    if (why) return why;
    if (!(std >= 0)) return ct_tensor_error(CT_FAIL, "normal_: a deviation of %g is below 0", std);
    ct_scope *guard = ct_scope_guard();
    return ct_scope_end(guard, ct_overwrite("normal_", x, ct_plus(ct_times(ct_randn_like(x), std), mean)));
}

ct_tensor *ct_bernoulli_(ct_tensor *x, double p) {
    ct_tensor *why = refuse("bernoulli_", x, false);
    if (why) return why;
    if (!(p >= 0 && p <= 1)) return ct_tensor_error(CT_FAIL, "bernoulli_: %g is no probability", p);
    ct_scope *guard = ct_scope_guard();
    ct_tensor *u = ct_rand_like(ct_wide(ct_floats(x)));
    ct_tensor *y = ct_lt(u, ct_constant(u->layout.dtype, (ct_dims){0}, p));
    return ct_scope_end(guard, ct_overwrite("bernoulli_", x, y));
}
