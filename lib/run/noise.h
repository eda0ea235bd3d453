/* Samples of random numbers, for timing. */
#ifndef CT_RUN_NOISE_H
#define CT_RUN_NOISE_H
#include "data/dataset.h"

/* n rows of each field: bytes where they are images, normal numbers, whole ones in range. Free them whatever is
   returned. */
ct_status ct_noise_make(const ct_fields *f, int64_t n, ct_rows *out);
void ct_noise_free(ct_rows *r);
#endif
