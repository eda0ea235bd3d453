/* Weight normalisation (Salimans and Kingma, 2016): weight_g v / |v|, norms over all but the first dimension. Spectral
   normalisation (Miyato et al., 2018): the weight over u' W v, where u and v follow its first singular vectors. */
#include "nn/weight.h"
#include "ops/shape_util.h"

#define EPS 1e-12

/* ---- weight_norm ---- */
static ct_status new_size(ct_module *m, ct_dims shape) {
    ct_dims size = {.n = shape.n, .v = {shape.v[0], 1, 1, 1, 1, 1, 1, 1}};
    CT_TRY(ct_param_full(m, "weight_g", size, 0));
    const float *v = ct_data(ct_param_named(m, "weight_v"));
    float *g = ct_data(ct_param_named(m, "weight_g"));
    int64_t each = 1;
    for (int d = 1; d < shape.n; d++) each *= shape.v[d];
    for (int64_t r = 0; g && r < shape.v[0]; r++) {
        double sum = 0;
        for (int64_t i = 0; i < each; i++) sum += (double)v[r * each + i] * (double)v[r * each + i];
        g[r] = (float)sqrt(sum);
    }
    return CT_OK;
}

static ct_tensor *sized(ct_tensor *g, ct_tensor *v) {
    ct_norm_args norm = {.keepdim = true};
    for (int d = 1; d < ct_ndim(v); d++) norm.dim.v[norm.dim.n++] = d;
    return ct_mul(v, ct_div(g, ct_norm(v, norm)));
}

/* ---- spectral_norm ---- */
/* A buffer of a random direction. */
static ct_status new_direction(ct_module *m, const char *name, int64_t n) {
    CT_TRY(ct_buffer_normal(m, name, CT_DIMS(n), 1));
    float *x = ct_data(ct_param_named(m, name));
    double sum = 0;
    for (int64_t i = 0; x && i < n; i++) sum += (double)x[i] * (double)x[i];
    for (int64_t i = 0; x && i < n; i++) x[i] = (float)((double)x[i] / fmax(sqrt(sum), EPS));
    return CT_OK;
}

/* The weight as a matrix, a row an output. */
static ct_tensor *matrix(ct_tensor *w, int dim) {
    if (dim) w = ct_transpose(w, (ct_transpose_args){.dim0 = 0, .dim1 = dim});
    return ct_reshape_to(w, (int64_t[]){ct_size(w, 0), -1}, 2);
}

static ct_tensor *direction(ct_tensor *x) { return ct_normalize(x, (ct_normalize_args){.dim = CT_ZERO, .eps = EPS}); }

static ct_tensor *by_spectrum(ct_module *m, ct_tensor *w, int dim) {
    ct_tensor *u = ct_param_named(m, "weight_u"), *v = ct_param_named(m, "weight_v"), *rows = matrix(w, dim);
    if (m->training && !ct_recomputing()) {
        ct_no_grad_begin();
        ct_tensor *next_v = direction(ct_matmul(u, rows)), *next_u = direction(ct_matmul(rows, next_v));
        ct_status status = ct_set(v, next_v);
        if (!status) status = ct_set(u, next_u);
        ct_no_grad_end();
        if (status) return ct_tensor_failed(status);
        u = next_u, v = next_v; /* the buffers may move on before backward reads them */
    }
    return ct_div(w, ct_sum(ct_mul(u, ct_matmul(rows, v)), (ct_reduce_args){0}));
}

ct_status ct_weight_new(ct_module *m, ct_dims shape, double bound, ct_weight_form form) {
    if (form.weight_norm && form.spectral_norm)
        return ct_fail(CT_FAIL, "%s: weight_norm and spectral_norm exclude each other", m->layer->kind.name);
    if (form.weight_norm) {
        CT_TRY(ct_param_new(m, "weight_v", shape, bound));
        return new_size(m, shape);
    }
    if (!form.spectral_norm) return ct_param_new(m, "weight", shape, bound);
    int64_t outputs = shape.v[form.dim], rest = 1;
    for (int d = 0; d < shape.n; d++) rest *= d == form.dim ? 1 : shape.v[d];
    CT_TRY(ct_param_new(m, "weight_orig", shape, bound));
    CT_TRY(new_direction(m, "weight_u", outputs));
    return new_direction(m, "weight_v", rest);
}

ct_tensor *ct_weight_of(ct_module *m, int dim) {
    ct_tensor *g = ct_param_named(m, "weight_g"), *whole = ct_param_named(m, "weight_orig");
    if (g) return sized(g, ct_param_named(m, "weight_v"));
    return whole ? by_spectrum(m, whole, dim) : ct_param_named(m, "weight");
}
