/* NAdam's momentum schedule (Dozat, 2016), a function of the step alone. */
#ifndef CT_KERNELS_NADAM_H
#define CT_KERNELS_NADAM_H
#include "base/math.h"
#include "kernels/kernel.h"

/* What a step takes of the gradient and of its average, each over the root of the squares' average; lr still to come.
 */
typedef struct ct_nadam_share {
    double grad, mean;
} ct_nadam_share;

/* mu_t = beta1 (1 - 0.96^(t momentum_decay) / 2), and their product up to t. The average's correction is by
   1 - product_t mu_t mu_t+1, as in PyTorch 1.13; the paper and PyTorch since 2.0 have 1 - product_t mu_t+1,
   whose first step takes 14% less of the average, its fifth 0.5%. */
static inline ct_nadam_share ct_nadam_shares(const ct_nadam_args *a, double step) {
    double beta = a->betas[0], decay = ct_pow_f64(0.96, a->momentum_decay), power = 1, product = 1, mu = 0;
    for (double t = 1; t <= step && product > 0x1p-60; t++) { /* beyond, 1 - product is 1 */
        power *= decay;
        product *= mu = beta * (1 - 0.5 * power);
    }
    mu = beta * (1 - 0.5 * ct_pow_f64(decay, step));
    double next = beta * (1 - 0.5 * ct_pow_f64(decay, step + 1));
    return (ct_nadam_share){(1 - mu) / (1 - product), next / (1 - product * mu * next)};
}
#endif
