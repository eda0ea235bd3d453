/* Orders of an epoch other than a permutation. */
#ifndef CT_DATA_SAMPLER_H
#define CT_DATA_SAMPLER_H
#include "tensor/tensor.h"

/* n draws out of the samples from[n] with replacement, by seed and epoch alone: a class that is there as often as any
   other, then any sample of it, as PyTorch's WeightedRandomSampler with 1 / count draws. y: the labels, u8 or i64 (N),
   below `classes`. */
ct_status ct_sample_balanced(const ct_tensor *y, int classes, const int64_t *from, int64_t n, uint64_t seed,
                             int64_t epoch, int64_t *out);
#endif
