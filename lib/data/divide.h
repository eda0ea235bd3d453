/* Which samples of a dataset are trained on, and which are held out. */
#ifndef CT_DATA_DIVIDE_H
#define CT_DATA_DIVIDE_H
#include "data/dataset.h"

typedef struct ct_division {
    int64_t *train, *validation; /* sample numbers of d->train, ascending */
    int64_t n_train, n_validation;
    int64_t starts; /* of a text: where the windows of an epoch may begin, below this; else 1 */
} ct_division;
/* Holds out `fraction` (0: none) of the training part: by class and seed, or the end of a text. Of texts, the samples
   are windows side by side. Free it whatever is returned. */
ct_status ct_dataset_divide(const ct_dataset *d, double fraction, uint64_t seed, ct_division *out);
void ct_division_free(ct_division *v);
/* What an epoch trains on, n_train samples in order: a permutation of train by seed and epoch alone; of a text, windows
   side by side from a beginning that is drawn for the epoch. */
void ct_division_order(const ct_division *v, uint64_t seed, int64_t epoch, int64_t *order);
#endif
