/* What Muon's step on a matrix is made of, for all kernels; as torch.optim.Muon. */
#ifndef CT_KERNELS_MUON_H
#define CT_KERNELS_MUON_H
#include "kernels/kernel.h"
#include <math.h>
#include <stdint.h>

/* The learning rate of a matrix of so many rows and columns. */
static inline double ct_muon_rate(const ct_muon_args *a, double lr, int64_t rows, int64_t columns) {
    double tall = (double)rows / (double)columns;
    switch (a->adjust_lr_fn) {
    case 1:
        return lr * 0.2 * sqrt((double)(rows > columns ? rows : columns));
    case 2:
        return lr * sqrt(tall);
    default:
        return lr * sqrt(tall > 1 ? tall : 1);
    }
}

/* torch.lerp: from a to b, which it reaches exactly. */
static inline double ct_muon_lerp(double a, double b, double share) {
    return share < 0.5 ? a + share * (b - a) : b - (b - a) * (1 - share);
}
#endif
