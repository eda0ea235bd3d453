/* New tensors of random numbers. */
#include "nn/init.h"
#include "ops/ops.h"

static ct_tensor *filled(ct_tensor *t, ct_status (*fill)(ct_tensor *, ct_philox_key, double, double), double a,
                         double b) {
    if (ct_why(t)) return t;
    ct_status status = fill(t, ct_random_key(), a, b);
    return status ? ct_tensor_failed(status) : t;
}

ct_tensor *ct_rand(ct_dtype dtype, ct_dims shape) { return filled(ct_empty(dtype, shape), ct_fill_uniform, 0, 1); }
ct_tensor *ct_randn(ct_dtype dtype, ct_dims shape) { return filled(ct_empty(dtype, shape), ct_fill_normal, 0, 1); }

ct_tensor *ct_randint(int64_t low, int64_t high, ct_dims shape) {
    int64_t span;
    if (__builtin_sub_overflow(high, low, &span) || span < 1)
        return ct_tensor_error(CT_FAIL, "randint: no number is from %lld to under %lld", (long long)low,
                               (long long)high);
    ct_tensor *t = ct_empty(CT_I64, shape);
    int64_t *v = ct_data(t), n = ct_numel(t);
    ct_philox_key key = ct_random_key();
    for (int64_t i = 0; i < n; i++) {
        uint32_t w[4];
        ct_philox_block(key, (uint64_t)i, 0, w);
        unsigned __int128 word = (uint64_t)w[0] << 32 | w[1];
        v[i] = low + (int64_t)(word * (uint64_t)span >> 64);
    }
    return t;
}

ct_tensor *ct_randperm(int64_t n) {
    ct_tensor *t = ct_empty(CT_I64, CT_DIMS(n));
    if (!ct_why(t)) ct_philox_permute(ct_random_key(), 0, n, ct_data(t));
    return t;
}
