#include "run/tally.h"
#include "base/math.h"
#include "base/parallel.h"
#include <math.h>

int ct_argmax_row(const float *row, int n) {
    int best = 0;
    for (int i = 1; i < n; i++)
        if (row[i] > row[best]) best = i;
    return best;
}

void ct_softmax_row(const float *row, int n, float *p) {
    float top = row[ct_argmax_row(row, n)], sum = 0;
    for (int i = 0; i < n; i++) sum += p[i] = (float)ct_exp_f64((double)(row[i] - top));
    for (int i = 0; i < n; i++) p[i] /= sum;
}

typedef struct answers {
    const float *scores;
    const int64_t *is;
    int classes;
    int64_t ignored;
    _Atomic int64_t correct, counted;
} answers;

static void count(void *ctx, int64_t begin, int64_t end) {
    answers *a = ctx;
    int64_t correct = 0, counted = 0;
    for (int64_t i = begin; i < end; i++) {
        if (a->is[i] == a->ignored) continue;
        counted++;
        correct += ct_argmax_row(a->scores + i * a->classes, a->classes) == a->is[i];
    }
    a->correct += correct;
    a->counted += counted;
}

/* What a loss's targets weigh: PyTorch's mean leaves out those of ignore_index, and counts each by its class's weight.
 */
static double weight_of(const ct_net *net, const int64_t *target, int which, int64_t n) {
    const ct_loss *l = &net->spec->loss[which];
    bool classes = ct_loss_takes_classes(l->op) && !ct_loss_is_sum(l) && net->target >= 0 &&
                   net->in[which][1] == net->n_values && net->fields.of[net->target].layout.dtype == CT_I64;
    if (!classes) return (double)n;
    int64_t ignored = ct_loss_ignored(l), all = n * ct_net_rows(net);
    const float *w = net->class_weight[which] ? ct_data(net->class_weight[which]) : NULL;
    double weight = 0;
    for (int64_t i = 0; i < all; i++)
        if (target[i] != ignored)
            weight += !w ? 1 : target[i] >= 0 && target[i] < net->fields.classes ? w[target[i]] : 0;
    return weight;
}

void ct_batch_weights(ct_step *step, int64_t n, double *weight) {
    const ct_net *net = ct_step_net(step);
    const int64_t *target = net->target >= 0 ? ct_step_field(step, net->target) : NULL;
    for (int i = 0; i < net->spec->n_losses; i++) weight[i] = weight_of(net, target, i, n);
}

void ct_tally_add(ct_tally *t, ct_step *step, int64_t n, const ct_step_result *r) {
    const ct_net *net = ct_step_net(step);
    const int64_t *target = net->target >= 0 ? ct_step_field(step, net->target) : NULL;
    double weight[CT_MAX_LOSSES];
    ct_batch_weights(step, n, weight);
    for (int i = 0; i < net->spec->n_losses; i++) {
        bool is_sum = ct_loss_is_sum(&net->spec->loss[i]);
        t->sum[i] += is_sum ? r->each[i] : weight[i] > 0 ? r->each[i] * weight[i] : 0;
        t->weight[i] += weight[i];
    }
    if (net->scores < 0) return;
    answers a = {r->output, target, net->fields.classes, ct_loss_ignored(&net->spec->loss[net->scores]), 0, 0};
    ct_parallel(n * ct_net_rows(net), CT_MAX(1, 65536 / a.classes), count, &a);
    t->correct += a.correct, t->counted += a.counted;
}

double ct_tally_loss(const ct_tally *t, int i) { return t->weight[i] > 0 ? t->sum[i] / t->weight[i] : NAN; }

double ct_tally_total(const ct_tally *t, const ct_spec *spec) {
    double sum = 0;
    for (int i = 0; i < spec->n_losses; i++) sum += spec->loss[i].more->weight * ct_tally_loss(t, i);
    return sum;
}

double ct_tally_accuracy(const ct_tally *t) { return t->counted ? (double)t->correct / (double)t->counted : NAN; }
