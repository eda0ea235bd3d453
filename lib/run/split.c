#include "run/split.h"
#include "run/ahead.h"

/* Elements of one sample. */
static int64_t size_of(const ct_layout *l) {
    int64_t size = 1;
    for (int i = 1; i < l->ndim; i++) size *= l->size[i];
    return size;
}

/* Field f of the samples order[k]; `at` is their place in the batch, `place` in the epoch. Pixels and the input's
   values are normalised. */
static ct_status load_field(const ct_samples *s, int f, const int64_t *order, int64_t k, int64_t at, int64_t place,
                            const ct_batch *to) {
    static const ct_normalizer plain = {.std = {1, 1, 1}};
    const ct_field *field = &to->net->fields.of[f];
    const ct_tensor *t = ct_split_field(s->split, f);
    int64_t start = at * size_of(&field->layout);
    if (!t) return CT_OK;
    bool mask = f == to->net->target && ct_dtype_of(t) == CT_U8 && ct_ndim(t) == 3;
    if (field->layout.dtype == CT_I64) {
        int64_t *out = (int64_t *)to->field[f] + start;
        return s->augment && mask ? ct_augment_masks(s->augment, s->epoch, place, t, order, k, out)
                                  : ct_batch_numbers(t, order, k, out);
    }
    float *out = (float *)to->field[f] + start;
    if (!f && s->augment) return ct_augment_samples(s->augment, s->epoch, place, t, order, k, s->norm, out);
    return ct_batch_samples(t, order, k, !f || ct_dtype_of(t) == CT_U8 ? s->norm : &plain, out);
}

ct_status ct_batch_load(const ct_samples *s, int64_t first, int64_t n, const ct_batch *to, int64_t at) {
    int64_t order[1024];
    for (int64_t end = at + n; at < end; at += CT_COUNT(order), first += CT_COUNT(order)) {
        int64_t k = CT_MIN(CT_COUNT(order), end - at);
        for (int64_t i = 0; i < k; i++) order[i] = s->index ? s->index[first + i] : first + i;
        for (int f = to->from; f < to->to; f++) CT_TRY(load_field(s, f, order, k, at, first, to));
    }
    return CT_OK;
}

static ct_status load(const ct_samples *s, int64_t first, int64_t n, int from, int to, ct_step *step) {
    ct_batch batch = {.net = ct_step_net(step), .from = from, .to = to};
    for (int f = from; f < to; f++) batch.field[f] = ct_step_field(step, f);
    return ct_batch_load(s, first, n, &batch, 0);
}

ct_status ct_samples_load(const ct_samples *s, int64_t first, int64_t n, ct_step *step) {
    return ct_ahead_take(s, first, n, step) ? CT_OK : load(s, first, n, 0, ct_step_net(step)->fields.n, step);
}

ct_status ct_samples_next(const ct_samples *s, int64_t first, int64_t n, ct_step *step) {
    CT_TRY(ct_samples_load(s, first, n, step));
    ct_ahead_begin(s, first + n, CT_MIN(n, s->n - first - n), step);
    return CT_OK;
}

ct_status ct_samples_load_target(const ct_samples *s, int64_t first, int64_t n, ct_step *step) {
    int target = ct_step_net(step)->target;
    return target < 0 ? CT_OK : load(s, first, n, target, target + 1, step);
}

static ct_status eval_batch(const ct_samples *s, int64_t first, int64_t n, ct_step *step, ct_tally *tally,
                            ct_step_result *r) {
    CT_TRY(ct_samples_next(s, first, n, step));
    CT_TRY(ct_step_eval(step, n, true, r));
    ct_tally_add(tally, step, n, r);
    return CT_OK;
}

ct_status ct_samples_eval(const ct_samples *s, ct_step *step, ct_tally *tally, ct_batch_seen seen, void *ctx,
                          const volatile int *stop) {
    int64_t capacity = ct_step_capacity(step);
    ct_status status = CT_OK;
    *tally = (ct_tally){0};
    for (int64_t first = 0; !status && first < s->n; first += capacity) {
        int64_t n = CT_MIN(capacity, s->n - first);
        ct_step_result r;
        status =
            stop && *stop ? ct_fail(CT_STOPPED, "stopped in the evaluation") : eval_batch(s, first, n, step, tally, &r);
        if (!status && seen) seen(ctx, first, n, step, &r);
    }
    ct_ahead_end(step);
    return status;
}
