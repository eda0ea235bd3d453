/* A spec's `data.augment:`, a list of transforms, at work on batches of training samples. */
#ifndef CT_DATA_AUGMENT_H
#define CT_DATA_AUGMENT_H
#include "data/loader.h"

typedef struct ct_transform_use {
    const struct ct_transform *transform;
    void *args;
} ct_transform_use;

typedef struct ct_augment ct_augment;
/* For samples of x, images (N, C, H, W) or (N, H, W), u8 or f32; CT_BAD_SPEC where a transform does not fit them. The
   list must outlive it. */
ct_status ct_augment_open(const ct_transform_use *list, int n, uint64_t seed, const ct_tensor *x, ct_augment **out);
void ct_augment_free(ct_augment *a);
/* As ct_batch_samples, each changed by the draws of (seed, epoch, first + its place in the batch, transform): `first`
   is where in the epoch's order the batch begins. */
ct_status ct_augment_samples(ct_augment *a, int64_t epoch, int64_t first, const ct_tensor *x, const int64_t *index,
                             int64_t n, const ct_normalizer *norm, float *out);
/* The same moves for masks (N, H, W) of u8 class numbers. */
ct_status ct_augment_masks(ct_augment *a, int64_t epoch, int64_t first, const ct_tensor *y, const int64_t *index,
                           int64_t n, int64_t *out);
#endif
