#include "run/sample.h"
#include "base/math.h"
#include <math.h>
#include <stdlib.h>

static int best_first(const void *a, const void *b) {
    const ct_choice *x = a, *y = b;
    if (x->weight != y->weight) return x->weight < y->weight ? 1 : -1;
    return (x->token > y->token) - (x->token < y->token);
}

/* As a heap whose root is the worst of the k best so far, then sorted: most scores need one look. */
static void sift(ct_choice *c, int64_t n, int64_t i) {
    for (int64_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && best_first(&c[child], &c[child + 1]) < 0) child++;
        if (best_first(&c[i], &c[child]) >= 0) return;
        ct_choice moved = c[i];
        c[i] = c[child], c[child] = moved;
    }
}

static void keep_best(const float *score, int64_t n, int64_t k, ct_choice *c) {
    for (int64_t i = 0; i < k; i++) c[i] = (ct_choice){i, (double)score[i]};
    if (k < n)
        for (int64_t i = k / 2; i-- > 0;) sift(c, k, i);
    for (int64_t i = k; i < n; i++) {
        if (!((double)score[i] > c[0].weight)) continue;
        c[0] = (ct_choice){i, (double)score[i]};
        sift(c, k, 0);
    }
    qsort(c, (size_t)k, sizeof *c, best_first);
}

/* Scores as probabilities. */
static void weigh(ct_choice *c, int64_t n, double temperature) {
    double best = c[0].weight, sum = 0;
    for (int64_t i = 0; i < n; i++) sum += c[i].weight = ct_exp_f64((c[i].weight - best) / temperature);
    for (int64_t i = 0; i < n; i++) c[i].weight /= sum;
}

int64_t ct_sample_weigh(const float *score, int64_t n, const ct_sample_args *args, ct_choice *c) {
    for (int64_t i = 0; i < n; i++)
        if (isnan(score[i]) || score[i] == INFINITY) return 0;
    int64_t k = args->temperature == 0 ? 1 : args->top_k && args->top_k < n ? args->top_k : n, left = 0;
    keep_best(score, n, k, c);
    if (c[0].weight == -INFINITY) return 0;
    if (k == 1) c[0].weight = 1;
    if (k == 1) return 1;
    weigh(c, k, args->temperature);
    double sum = 0;
    while (left < k && c[left].weight > 0 && (!left || sum < args->top_p)) sum += c[left++].weight;
    for (int64_t i = 0; i < left; i++) c[i].weight /= sum;
    return left;
}

int64_t ct_sample_draw(const ct_choice *c, int64_t n, double u) {
    int64_t i = 0;
    for (double sum = c[0].weight; i + 1 < n && u >= sum; i++) sum += c[i + 1].weight;
    return c[i].token;
}
