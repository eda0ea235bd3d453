/* Batches out of a dataset in memory: which samples, in what order, as floats in the layout that a run wants. */
#ifndef CT_DATA_LOADER_H
#define CT_DATA_LOADER_H
#include "tensor/tensor.h"

/* (u8 / 255 - mean) / std in f32, as PyTorch computes it, for each byte; a channel past the third uses the third's. */
typedef struct ct_normalizer {
    float mean[3], std[3];
    float table[3][256];
} ct_normalizer;
void ct_normalizer_make(const double mean[3], const double std[3], ct_normalizer *out);

/* out[i] = sample index[i] of x, normalised; images of several channels, (N, C, H, W) in x, come out channels-last.
   x is u8 or f32 (which is not divided by 255), each sample contiguous, the next one at any stride; anything but
   (N, C, H, W) has one channel. */
ct_status ct_batch_samples(const ct_tensor *x, const int64_t *index, int64_t n, const ct_normalizer *norm, float *out);
/* Classes or tokens, u8, i32 or i64 (N, ...), sample after sample. */
ct_status ct_batch_numbers(const ct_tensor *y, const int64_t *index, int64_t n, int64_t *out);

/* The order in which an epoch sees n samples: a permutation, by seed and epoch alone. */
void ct_epoch_order(uint64_t seed, int64_t epoch, int64_t n, int64_t *out);

/* Marks `fraction` of each class (rounded; where there are two or more, at least one and not all) in held[n], by seed
   and purpose ("test") alone. label may be NULL: all are one class. */
ct_status ct_stratify(const int64_t *label, int64_t n, int classes, double fraction, uint64_t seed, const char *purpose,
                      bool *held);
/* Splits the samples of labels y (NULL or no class a sample: n unlabelled ones) into train[*n_train] and
   validation[*n_validation], both ascending, with room for n each. */
ct_status ct_split_validation(const ct_tensor *y, int64_t n, double fraction, uint64_t seed, int64_t *train,
                              int64_t *n_train, int64_t *validation, int64_t *n_validation);
#endif
