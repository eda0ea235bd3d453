/* Products under the names that say which shapes they take. */
#include "ops/shape_util.h"

/* a and b have exactly so many dimensions. */
static ct_tensor *want_dims(const char *op, ct_tensor *a, ct_tensor *b, int na, int nb) {
    if (!a || !b) return ct_tensor_error(CT_FAIL, "%s: two factors are wanted", op);
    ct_status status = ct_want_ndim(op, "the first factor", &a->layout, na, na);
    if (!status) status = ct_want_ndim(op, "the second factor", &b->layout, nb, nb);
    if (!status && na == 3 && a->layout.size[0] != b->layout.size[0])
        status =
            ct_shape_fail(op, "batches of %lld and %lld", (long long)a->layout.size[0], (long long)b->layout.size[0]);
    return status ? ct_tensor_failed(status) : NULL;
}

#define PRODUCT(name, na, nb)                                      \
    FORMULA(name) {                                                \
        (void)n_in, (void)args_, (void)out;                        \
        ct_tensor *wrong = want_dims(#name, in[0], in[1], na, nb); \
        return wrong ? wrong : ct_matmul(in[0], in[1]);            \
    }
PRODUCT(mm, 2, 2)
PRODUCT(bmm, 3, 3)
PRODUCT(mv, 2, 1)
PRODUCT(dot, 1, 1)

FORMULA(outer) {
    (void)n_in, (void)args_, (void)out;
    ct_tensor *wrong = want_dims("outer", in[0], in[1], 1, 1);
    return wrong ? wrong : ct_mul(ct_unsqueeze(in[0], (ct_dim_args){.dim = 1}), in[1]);
}

/* beta input + alpha a b; an input of no weight is not looked at, NaN or not. */
static ct_tensor *added(const char *op, ct_tensor *const *in, const ct_addmm_args *args, int ndim) {
    ct_tensor *missing = ct_missing(op, in, 1), *wrong = missing ? missing : want_dims(op, in[1], in[2], ndim, ndim);
    if (wrong) return wrong;
    ct_tensor *y = ct_matmul(in[1], in[2]), *input = in[0];
    if (args->alpha != 1) y = ct_times(y, args->alpha);
    if (ct_why(y)) return y;
    ct_layout both[] = {y->layout, input->layout}, wide;
    ct_status status = ct_shape_broadcast(op, both, 2, &wide);
    if (!status) status = ct_want_sizes(op, "the input with the product", &wide, y->layout.size, y->layout.ndim);
    if (status) return ct_tensor_failed(status);
    if (args->beta == 0) return y;
    return ct_add(args->beta == 1 ? input : ct_times(input, args->beta), y);
}

FORMULA(addmm) {
    (void)n_in, (void)out;
    return added("addmm", in, args_, 2);
}
FORMULA(baddbmm) {
    (void)n_in, (void)out;
    return added("baddbmm", in, args_, 3);
}
