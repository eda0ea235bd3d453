/* First values with a structure: identities, orthogonal rows, few that are not 0. */
#include "base/alloc.h"
#include "nn/init.h"
#include "ops/ops.h"
#include <math.h>

ct_status ct_init_eye(ct_tensor *t) {
    CT_TRY(ct_init_check("eye", t, 2, 2));
    CT_TRY(ct_init_zeros(t));
    int64_t columns = ct_size(t, 1), n = CT_MIN(ct_size(t, 0), columns);
    for (int64_t i = 0; i < n; i++) ct_init_put(t, i * columns + i, 1);
    return CT_OK;
}

/* In each group, output channel i is input channel i: a 1 in the middle of the window. */
ct_status ct_init_dirac(ct_tensor *t, int64_t groups) {
    CT_TRY(ct_init_check("dirac", t, 3, 5));
    if (!groups) groups = 1;
    int64_t channels = ct_size(t, 0), inputs = ct_size(t, 1), window = 1, middle = 0;
    if (groups < 1 || channels % groups)
        return ct_fail(CT_FAIL, "dirac: %lld groups do not divide %lld channels", (long long)groups,
                       (long long)channels);
    for (int d = 2; d < ct_ndim(t); d++) {
        middle = middle * ct_size(t, d) + ct_size(t, d) / 2;
        window *= ct_size(t, d);
    }
    CT_TRY(ct_init_zeros(t));
    int64_t each = channels / groups, n = window ? CT_MIN(each, inputs) : 0;
    for (int64_t g = 0; g < groups; g++)
        for (int64_t i = 0; i < n; i++) ct_init_put(t, ((g * each + i) * inputs + i) * window + middle, 1);
    return CT_OK;
}

/* ---- orthogonal ---- */
static double dot(const double *a, const double *b, int64_t n) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

/* Gram and Schmidt's: each of `rows` rows made orthogonal to those before it, twice as once is not exact, and of
   norm 1. This is the Q of a QR decomposition whose R has a positive diagonal. */
static void orthogonalize(double *q, int64_t rows, int64_t n) {
    for (int64_t r = 0; r < rows; r++) {
        double *row = q + r * n;
        for (int pass = 0; pass < 2; pass++)
            for (int64_t k = 0; k < r; k++) {
                double share = dot(row, q + k * n, n);
                for (int64_t i = 0; i < n; i++) row[i] -= share * q[k * n + i];
            }
        double norm = sqrt(dot(row, row, n));
        for (int64_t i = 0; norm > 0 && i < n; i++) row[i] /= norm;
    }
}

/* The first dimension against all others; the fewer of the two are the orthonormal ones. */
ct_status ct_init_orthogonal(ct_tensor *t, double gain) {
    CT_TRY(ct_init_check("orthogonal", t, 2, CT_MAX_DIMS));
    if (!ct_numel(t)) return CT_OK;
    int64_t rows = ct_size(t, 0), columns = ct_numel(t) / rows, few = CT_MIN(rows, columns),
            many = CT_MAX(rows, columns);
    bool wide = rows <= columns;
    CT_TRY(ct_init_normal(t, 0, 1));
    double *q = ct_alloc((size_t)ct_numel(t), sizeof *q);
    if (!q) return CT_NO_MEMORY;
    for (int64_t r = 0; r < few; r++)
        for (int64_t i = 0; i < many; i++) q[r * many + i] = ct_init_get(t, wide ? r * columns + i : i * columns + r);
    orthogonalize(q, few, many);
    for (int64_t r = 0; r < few; r++)
        for (int64_t i = 0; i < many; i++)
            ct_init_put(t, wide ? r * columns + i : i * columns + r, gain * q[r * many + i]);
    ct_free(q);
    return CT_OK;
}

ct_status ct_init_sparse(ct_tensor *t, double sparsity, double std) {
    CT_TRY(ct_init_check("sparse", t, 2, 2));
    if (!(sparsity >= 0 && sparsity <= 1)) return ct_fail(CT_FAIL, "sparse: %g is not a share", sparsity);
    CT_TRY(ct_init_normal(t, 0, std));
    ct_philox_key key = ct_random_key();
    int64_t rows = ct_size(t, 0), columns = ct_size(t, 1), zeros = (int64_t)ceil(sparsity * (double)rows);
    int64_t *order = ct_alloc((size_t)rows, sizeof *order);
    if (!order) return CT_NO_MEMORY;
    for (int64_t c = 0; c < columns; c++) {
        ct_philox_permute(key, (uint64_t)c, rows, order);
        for (int64_t i = 0; i < zeros; i++) ct_init_put(t, order[i] * columns + c, 0);
    }
    ct_free(order);
    return CT_OK;
}
