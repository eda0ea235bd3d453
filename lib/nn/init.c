/* First values by distribution: uniform, normal, truncated normal; and of one value. */
#include "nn/init.h"
#include "base/math.h"
#include "base/parallel.h"
#include "ops/ops.h"
#include <math.h>

/* ---- elements ---- */
/* Where element i lies. */
static int64_t place(const ct_layout *l, int64_t i) {
    int64_t at = 0;
    for (int d = l->ndim - 1; d >= 0; d--) {
        at += i % l->size[d] * l->stride[d];
        i /= l->size[d];
    }
    return at;
}

void ct_init_put(ct_tensor *t, int64_t i, double value) {
    ct_element_set(t->layout.dtype, ct_data(t), place(&t->layout, i), value);
}

double ct_init_get(const ct_tensor *t, int64_t i) {
    return ct_element_get(t->layout.dtype, ct_data(t), place(&t->layout, i));
}

ct_status ct_init_check(const char *name, const ct_tensor *t, int least, int most) {
    if (ct_why(t)) return ct_fail(t ? t->status : CT_FAIL, "%s", ct_why(t));
    if (!ct_is_float(t->layout.dtype))
        return ct_fail(CT_FAIL, "%s: wants floats, got %s", name, ct_dtype_name(t->layout.dtype));
    if (t->layout.ndim < least || t->layout.ndim > most)
        return ct_fail(CT_FAIL, "%s: wants a tensor of %d to %d dimensions, got %d", name, least, most, t->layout.ndim);
    if (!ct_data(t)) return ct_fail(CT_FAIL, "%s: the tensor has no memory, it is a shape only", name);
    t->storage->version++;
    return CT_OK;
}

/* ---- filling ---- */
#define BLOCK 1024

/* How a block of values comes from random words, `words` an element. */
typedef struct filler {
    ct_philox_key key;
    int words;
    double (*value)(const struct filler *f, const uint32_t *w);
    ct_tensor *t;
    double a, b;      /* bounds, or mean and deviation */
    double low, high; /* all values are kept within these */
    double from, to;  /* of a truncated distribution: the probabilities of low and high */
} filler;

static void fill_block(const filler *f, int64_t first, int n) {
    uint32_t w[2 * BLOCK];
    const ct_layout *l = &f->t->layout;
    bool plain = ct_layout_contiguous(l);
    void *data = ct_data(f->t);
    ct_philox_fill(f->key, 0, (uint64_t)first * (uint64_t)f->words, (int64_t)n * f->words, w);
    for (int i = 0; i < n; i++) {
        double v = fmin(fmax(f->value(f, w + i * f->words), f->low), f->high);
        ct_element_set(l->dtype, data, plain ? first + i : place(l, first + i), v);
    }
}

static void fill_range(void *ctx, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i += BLOCK) fill_block(ctx, i, (int)CT_MIN(BLOCK, end - i));
}

static ct_status fill(const char *name, filler f) {
    CT_TRY(ct_init_check(name, f.t, 0, CT_MAX_DIMS));
    ct_parallel(ct_numel(f.t), 16 * BLOCK, fill_range, &f);
    return CT_OK;
}

/* A fraction of no more digits than the type has, which would round it up to 1. */
static double uniform(const filler *f, const uint32_t *w) {
    double steps = ldexp(1, CT_MIN(ct_float_digits(f->t->layout.dtype), 24));
    return f->a + (f->b - f->a) * floor((double)ct_philox_uniform(*w) * steps) / steps;
}

static double normal(const filler *f, const uint32_t *w) { return f->a + f->b * ct_philox_normal(w, false); }

/* The y whose erf is x: a first guess (Winitzki, 2008), then Newton's steps. */
static double erf_inverse(double x) {
    double l = ct_log1p_f64(-x * x), k = 2 / (M_PI * 0.147) + l / 2, y = copysign(sqrt(sqrt(k * k - l / 0.147) - k), x);
    for (int i = 0; i < 3; i++) y -= (ct_erf_f64(y) - x) / M_2_SQRTPI * ct_exp_f64(y * y);
    return y;
}

static double trunc_normal(const filler *f, const uint32_t *w) {
    double p = f->from + (f->to - f->from) * ct_philox_open(*w);
    return f->a + f->b * M_SQRT2 * erf_inverse(2 * p - 1);
}

ct_status ct_fill_uniform(ct_tensor *t, ct_philox_key key, double low, double high) {
    return fill("uniform", (filler){key, 1, uniform, t, low, high, low, high, 0, 0});
}

ct_status ct_fill_normal(ct_tensor *t, ct_philox_key key, double mean, double std) {
    return fill("normal", (filler){key, 2, normal, t, mean, std, -INFINITY, INFINITY, 0, 0});
}

/* ---- for users ---- */
ct_status ct_init_uniform(ct_tensor *t, double a, double b) {
    if (!(b >= a)) return ct_fail(CT_FAIL, "uniform: from %g to %g is no range", a, b);
    return ct_fill_uniform(t, ct_random_key(), a, b);
}

ct_status ct_init_normal(ct_tensor *t, double mean, double std) {
    if (!(std >= 0)) return ct_fail(CT_FAIL, "normal: a deviation of %g is below 0", std);
    return ct_fill_normal(t, ct_random_key(), mean, std);
}

ct_status ct_init_trunc_normal(ct_tensor *t, double mean, double std, double a, double b) {
    filler f = {.words = 1, .value = trunc_normal, .t = t, .a = mean, .b = std, .low = a, .high = b};
    if (!(std > 0)) return ct_fail(CT_FAIL, "trunc_normal: a deviation of %g is not above 0", std);
    if (!(b >= a)) return ct_fail(CT_FAIL, "trunc_normal: from %g to %g is no range", a, b);
    f.from = 0.5 * ct_erfc_f64((mean - a) / std * M_SQRT1_2), f.to = 0.5 * ct_erfc_f64((mean - b) / std * M_SQRT1_2);
    f.key = ct_random_key();
    return fill("trunc_normal", f);
}

ct_status ct_init_constant(ct_tensor *t, double value) {
    CT_TRY(ct_init_check("constant", t, 0, CT_MAX_DIMS));
    int64_t n = ct_numel(t);
    for (int64_t i = 0; i < n; i++) ct_init_put(t, i, value);
    return CT_OK;
}

ct_status ct_init_ones(ct_tensor *t) { return ct_init_constant(t, 1); }
ct_status ct_init_zeros(ct_tensor *t) { return ct_init_constant(t, 0); }
