/* Columns of a table: what their values mean, as training found it. */
#ifndef CT_DATA_COLUMNS_H
#define CT_DATA_COLUMNS_H
#include "base/error.h"
#include <stdbool.h>

#define CT_MAX_CATEGORIES 1000 /* of a column; a target's classes are not bounded so */

typedef struct ct_column {
    char *name;
    double mean, std; /* of numbers, which come in as (x - mean) / std */
    char **category;  /* n, in the order of ct_class_order: a 1 in the place of the one that is said, else 0 */
    int n;            /* 0: numbers */
} ct_column;

typedef struct ct_table {
    ct_column *input; /* n */
    int n;
    ct_column target; /* its categories are the classes; numbers as they are; name NULL: there is none */
} ct_table;
void ct_table_free(ct_table *t);
ct_status ct_table_copy(const ct_table *t, ct_table *out);
/* How many numbers a sample is. */
int64_t ct_table_width(const ct_table *t);

/* Empty, or NA, N/A, NaN, null, None, ? in any case. */
bool ct_is_missing(const char *text);
bool ct_is_number(const char *text, double *out);
/* The mean and deviation of n numbers; the distinct ones of n texts. CT_BAD_DATA: too many, more than `most` (0: any).
 */
ct_status ct_column_fit_numbers(ct_column *c, const double *x, int64_t n);
ct_status ct_column_fit_texts(ct_column *c, const char **text, int64_t n, int most);
/* A text's category; -1: it was not there in training. */
int ct_column_category(const ct_column *c, const char *text);
/* Writes what a value, which fits the column, is: a number, or c->n of them. Returns the place after it. */
float *ct_column_write(const ct_column *c, const char *text, float *out);
#endif
