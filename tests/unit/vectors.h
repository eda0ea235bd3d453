/* Short spellings for tests of values. */
#ifndef CT_TESTS_VECTORS_H
#define CT_TESTS_VECTORS_H
#include "check.h"
#include "ctorch.h"

#define VECTOR(...) ct_from(CT_F64, CT_DIMS(sizeof((double[]){__VA_ARGS__}) / sizeof(double)), (double[]){__VA_ARGS__})
#define LEAF(...) ct_requires_grad(VECTOR(__VA_ARGS__), true)
#define ALL ((ct_reduce_args){0})
#define TIMES(x, k) ct_mul_scalar(x, k)

/* Whether t's elements are these, NaN where NaN is wanted. */
static inline bool holds(const ct_tensor *t, const double *want, int n) {
    double got[32];
    bool ok = t && !ct_why(t) && n <= 32 && ct_numel(t) == n && !ct_copy_out(t, CT_F64, got);
    for (int i = 0; ok && i < n; i++)
        ok = isnan(want[i]) ? isnan(got[i]) : got[i] == want[i] || fabs(got[i] - want[i]) <= 1e-9;
    if (!ok) printf("    got %s\n", t ? ct_why(t) ? ct_why(t) : "" : "nothing");
    for (int i = 0; !ok && t && !ct_why(t) && ct_numel(t) == n && i < n; i++) printf("    %.12g\n", got[i]);
    return ok;
}
#define CHECK_HOLDS(t, ...) CHECK(holds(t, (double[]){__VA_ARGS__}, sizeof((double[]){__VA_ARGS__}) / sizeof(double)))
#endif
