#include "run/split.h"
#include "base/alloc.h"

ct_layout ct_sample_layout(const ct_split *split) {
    const ct_layout *x = &split->x->layout;
    ct_dims d = {x->ndim, {1}};
    for (int i = 1; i < x->ndim; i++) d.v[i] = x->size[i];
    if (d.n == 3) d = CT_DIMS(1, 1, x->size[1], x->size[2]); /* grey images without a channel dimension */
    return ct_layout_of(CT_F32, d);
}

ct_status ct_samples_load(const ct_samples *s, int64_t first, int64_t n, ct_step *step) {
    int64_t order[1024];
    int64_t size = 1;
    const ct_layout *x = &s->split->x->layout;
    for (int i = 1; i < x->ndim; i++) size *= x->size[i];
    for (int64_t at = 0; at < n; at += CT_COUNT(order)) {
        int64_t k = CT_MIN(CT_COUNT(order), n - at);
        for (int64_t i = 0; i < k; i++) order[i] = s->index ? s->index[first + at + i] : first + at + i;
        float *out = ct_step_input(step) + at * size;
        CT_TRY(s->augment ? ct_augment_samples(s->augment, s->epoch, first + at, s->split->x, order, k, s->norm, out)
                          : ct_batch_samples(s->split->x, order, k, s->norm, out));
        if (s->split->y) CT_TRY(ct_batch_labels(s->split->y, order, k, ct_step_labels(step) + at));
    }
    return CT_OK;
}

int ct_argmax_row(const float *row, int n) {
    int best = 0;
    for (int i = 1; i < n; i++)
        if (row[i] > row[best]) best = i;
    return best;
}

ct_status ct_samples_eval(const ct_samples *s, ct_step *step, int classes, double *loss, int64_t *correct,
                          ct_batch_seen seen, void *ctx, const volatile int *stop) {
    int64_t capacity = ct_step_capacity(step);
    double sum = 0;
    *correct = 0;
    for (int64_t first = 0; first < s->n; first += capacity) {
        if (stop && *stop) return CT_STOPPED;
        int64_t n = CT_MIN(capacity, s->n - first);
        const int64_t *label = s->split->y ? ct_step_labels(step) : NULL;
        ct_step_result r;
        CT_TRY(ct_samples_load(s, first, n, step));
        CT_TRY(ct_step_eval(step, n, label != NULL, &r));
        sum += r.loss * (double)n;
        for (int64_t i = 0; label && i < n; i++) *correct += ct_argmax_row(r.output + i * classes, classes) == label[i];
        if (seen) seen(ctx, first, n, r.output, label);
    }
    *loss = s->n ? sum / (double)s->n : 0;
    return CT_OK;
}
