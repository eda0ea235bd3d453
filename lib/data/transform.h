/* One random change to a training image: torchvision's names, settings and distributions. Inside lib/data only, but for
   the list of kinds. */
#ifndef CT_DATA_TRANSFORM_H
#define CT_DATA_TRANSFORM_H
#include "base/key.h"
#include "base/philox.h"

/* An image under way, (C, H, W) in 0..1, or its mask of class numbers, (1, H, W). */
typedef struct ct_picture {
    int64_t c, h, w;
    bool is_mask;            /* is moved as its image is, but to whole class numbers, and not tinted */
    float *at, *spare;       /* a transform may swap them */
    const float *mean, *std; /* of three channels: what normalising will take off and divide by */
} ct_picture;

/* Random words of one transform on one sample: the same whoever asks, and when. */
typedef struct ct_draw {
    ct_philox_key key;
    uint64_t sample, next;
} ct_draw;
float ct_draw_uniform(ct_draw *d, double low, double high);
int64_t ct_draw_below(ct_draw *d, int64_t n); /* in 0..n-1 */
bool ct_draw_hit(ct_draw *d, double p);
float ct_draw_normal(ct_draw *d);

typedef struct ct_transform {
    ct_kind kind;
    void (*apply)(const void *args, ct_picture *p, ct_draw *d);
    bool moves;                                                 /* pixels, and so a mask's too */
    ct_status (*check)(const void *args, int64_t h, int64_t w); /* settings that do not fit the image; NULL: all do */
} ct_transform;

extern const ct_transform ct_random_crop, ct_random_flip, ct_random_horizontal_flip, ct_random_vertical_flip,
    ct_random_rotation, ct_random_affine, ct_random_resized_crop, ct_color_jitter, ct_random_grayscale,
    ct_random_erasing, ct_cutout, ct_gaussian_noise, ct_gaussian_blur;
const ct_kind *const *ct_transform_kinds(int *n);
const ct_transform *ct_transform_find(const char *name);
#endif
