/* How far a model's values are from the target's, number by number of a sample. */
#ifndef CT_RUN_VALUES_H
#define CT_RUN_VALUES_H
#include "run/net.h"

typedef struct ct_value_sum {
    double absolute, squared; /* of what was said minus what is */
    double mean, spread;      /* of what is; the spread: squares of its distances from the mean (Welford, 1962) */
} ct_value_sum;

typedef struct ct_values {
    ct_value_sum *of; /* columns */
    int columns;
    int64_t n; /* samples */
} ct_values;

/* Numbers of a sample's target (N) or (N, columns), where a loss of distances compares them with the model's result; 0:
   none does. */
int ct_values_columns(const ct_net *net);
/* Adds n samples, rows of the columns. */
void ct_values_add(ct_values *v, int64_t n, const float *said, const float *is);
/* Each column as r's value_of, and the means over them; of R2 over those that have one. name: of the only column, NULL:
   columns are called by their numbers. */
ct_status ct_values_report(const ct_values *v, const char *name, ct_eval_report *r);
#endif
