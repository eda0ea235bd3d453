/* Drawing a token by the scores that a model gives. */
#ifndef CT_RUN_SAMPLE_H
#define CT_RUN_SAMPLE_H
#include "base/error.h"

typedef struct ct_choice {
    int64_t token;
    double weight; /* its score, then its probability */
} ct_choice;

typedef struct ct_sample_args {
    double temperature; /* scores are divided by it; 0: the best token always */
    int64_t top_k;      /* of the k best tokens only; 0: of all */
    double top_p;       /* of the fewest best tokens whose probabilities add up to p; 1: of all */
} ct_sample_args;

/* The probabilities of the tokens that may be drawn, of `score` (n), in room[] (n): how many; the best first, of equal
   ones the first. Limits apply in the order of ct_sample_args, each to what the one before left. 0: a score is no
   number, or all are -inf. */
int64_t ct_sample_weigh(const float *score, int64_t n, const ct_sample_args *args, ct_choice *room);
/* The token at `u`, in [0, 1), of n choices whose probabilities lie end to end. */
int64_t ct_sample_draw(const ct_choice *choice, int64_t n, double u);
#endif
