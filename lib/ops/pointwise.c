/* Pointwise ops: one shape rule, and the gradients that their rows give: fused, or in ops where the gradient is to be
   differentiated itself. */
#include "ops/pointwise.h"

ct_status ct_shape_pointwise(const ct_layout *in, int n_in, const void *args, ct_layout *out, int *n_out) {
    (void)args, (void)n_out;
    return ct_shape_broadcast("broadcast", in, n_in, out);
}

ct_status ct_shape_pow_scalar(const ct_layout *in, int n_in, const void *args_, ct_layout *out, int *n_out) {
    ARGS(scalar);
    if (!ct_is_float(in->dtype) && args->other < 0)
        return ct_shape_fail("pow_scalar", "integers have no negative powers; make them floats");
    return ct_shape_pointwise(in, n_in, args_, out, n_out);
}

static ct_tensor *number(ct_tensor *like, double v) {
    ct_full_args full = {.dtype = like->layout.dtype, .fill_value = v};
    return ct_apply(CT_OP_fill, NULL, 0, &full, NULL);
}

static ct_tensor *gelu_inner(ct_tensor *x) {
    ct_tensor *cubic = ct_mul_scalar(ct_mul(x, ct_mul(x, x)), 0.044715);
    return ct_mul_scalar(ct_add(x, cubic), 0.7978845608028654);
}

static ct_tensor *normal_cdf(ct_tensor *x) {
    return ct_mul_scalar(ct_add_scalar(ct_erf(ct_mul_scalar(x, 0.7071067811865476)), 1), 0.5);
}
static ct_tensor *normal_pdf(ct_tensor *x) {
    return ct_mul_scalar(ct_exp(ct_mul_scalar(ct_mul(x, x), -0.5)), 0.3989422804014327);
}

/* The words as op calls. */
#define ADD ct_add
#define SUB ct_sub
#define MUL ct_mul
#define DIV ct_div
#define NEG ct_neg
#define ABS ct_abs
#define SIGN ct_sign
#define SQRT ct_sqrt
#define FLOOR ct_floor
#define CEIL ct_ceil
#define EXP ct_exp
#define EXPM1 ct_expm1
#define LOG ct_log
#define SIN ct_sin
#define COS ct_cos
#define TANH ct_tanh
#define ERF ct_erf
#define NORMAL_CDF normal_cdf
#define NORMAL_PDF normal_pdf
#define POW ct_pow
#define ATAN2 ct_atan2
#define SIGMOID ct_sigmoid
#define SOFTPLUS(x) ct_softplus(x, (ct_softplus_args){0})
#define GELU_INNER gelu_inner
#define LT ct_lt
#define LE ct_le
#define GT ct_gt
#define GE ct_ge
#define EQ ct_eq
#define NE ct_ne
#define AND ct_logical_and
#define OR ct_logical_or
#define WHERE ct_where
#define K(v) number(g, v)
#define ZERO number(g, 0)
#define ONE number(g, 1)
#define P(field) number(g, p->field)
#define WRAP P

/* Gradient i by its fused kernel: what the row's words do not mention is left out. */
static ct_tensor *fused(int id, int i, ct_tensor *const *in, int n_in, ct_tensor *y, ct_tensor *g, const void *args) {
    const ct_op *d = ct_op_get(id + 1 + i);
    ct_tensor *list[CT_MAX_IN] = {g};
    for (int j = 0; j < n_in; j++) list[1 + j] = d->saves_in >> (1 + j) & 1 ? in[j] : NULL;
    list[1 + n_in] = d->saves_in >> (1 + n_in) & 1 ? y : NULL;
    return ct_apply(id + 1 + i, list, n_in + 2, args, NULL);
}

/* Whether an input's gradient is the result's, as it is. */
#define IS_G(words) (sizeof #words == sizeof "g")
/* A gradient of the result's shape (or a constant) as one of the input's. */
static ct_tensor *fit(ct_tensor *d, ct_tensor *y, ct_tensor *x) {
    if (!ct_why(d) && d->layout.ndim < y->layout.ndim) d = ct_expand(d, (ct_expand_args){ct_shape_of(y)});
    return ct_sum_to(d, &x->layout);
}

#define PICK(name, i, words) \
    if (need[i])             \
        din[i] = fit(IS_G(words) || ct_grad_enabled() ? (words) : fused(CT_OP_##name, i, in, n_in, y, g, p), y, in[i]);
#define DEFINE(name, argt, names, picks)                                                                  \
    void ct_grad_##name##_pw(ct_tensor *const *in, int n_in, ct_tensor *const *out, ct_tensor *const *g_, \
                             const void *p_, const bool *need, ct_tensor **din) {                         \
        const ct_##argt##_args *p = p_;                                                                   \
        ct_tensor *g = g_[0], *y = out[0];                                                                \
        names picks                                                                                       \
    }
#define NAMES1            \
    ct_tensor *x = in[0]; \
    (void)x;
#define NAMES2                        \
    ct_tensor *a = in[0], *b = in[1]; \
    (void)a, (void)b;
#define NAMES3                                    \
    ct_tensor *a = in[0], *b = in[1], *c = in[2]; \
    (void)a, (void)b, (void)c;
#define POINTWISE1(name, class, argt, d0, y_, dx) DEFINE(name, argt, NAMES1, PICK(name, 0, dx))
#define POINTWISE2(name, class, argt, other, d0, d1, y_, da, db) \
    DEFINE(name, argt, NAMES2, PICK(name, 0, da) PICK(name, 1, db))
#define POINTWISE3(name, class, argt, second, third, d0, d1, d2, y_, da, db, dc) \
    DEFINE(name, argt, NAMES3, PICK(name, 0, da) PICK(name, 1, db) PICK(name, 2, dc))
#define COMPARE1(...)
#define COMPARE2(...)
#include "kernels/pointwise.def"
