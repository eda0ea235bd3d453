#include "data/divide.h"
#include "base/alloc.h"
#include "base/hash.h"
#include "base/philox.h"
#include "data/loader.h"
#include <inttypes.h>

static ct_status make_room(int64_t n_train, int64_t n_validation, ct_division *out) {
    out->train = ct_alloc((size_t)n_train, sizeof *out->train);
    out->validation = ct_alloc((size_t)n_validation, sizeof *out->validation);
    return out->train && out->validation ? CT_OK : CT_NO_MEMORY;
}

/* Of n tokens the last `held` are for validation. An epoch leaves out less than two windows, so that it can begin
   anywhere in the first one. */
static ct_status divide_text(const ct_dataset *d, double fraction, ct_division *out) {
    int64_t T = ct_size(d->train.x, 1), n = ct_size(d->train.x, 0) + T;
    int64_t held = (int64_t)((double)n * fraction + 0.5), first = n - held;
    if (first <= T || (held && held <= T))
        return ct_fail(CT_BAD_DATA,
                       "%s: of %" PRId64 " tokens %" PRId64
                       " are for validation; both parts want more than a block_size, "
                       "%" PRId64,
                       d->name, n, held, T);
    out->n_train = CT_MAX(first / T - 1, 1), out->n_validation = CT_MAX(held - 1, 0) / T;
    out->starts = first - out->n_train * T;
    CT_TRY(make_room(out->n_train, out->n_validation, out));
    for (int64_t i = 0; i < out->n_train; i++) out->train[i] = i * T;
    for (int64_t i = 0; i < out->n_validation; i++) out->validation[i] = first + i * T;
    return CT_OK;
}

ct_status ct_dataset_divide(const ct_dataset *d, double fraction, uint64_t seed, ct_division *out) {
    *out = (ct_division){.starts = 1};
    if (d->tokenizer.kind) return divide_text(d, fraction, out);
    int64_t n = ct_size(d->train.x, 0);
    CT_TRY(make_room(n, n, out));
    return ct_split_validation(d->train.y, n, fraction, seed, out->train, &out->n_train, out->validation,
                               &out->n_validation);
}

void ct_division_free(ct_division *v) {
    ct_free(v->train), ct_free(v->validation);
    *v = (ct_division){0};
}

/* A number below n by seed and epoch. */
static int64_t start_of(uint64_t seed, int64_t epoch, int64_t n) {
    uint32_t w[4];
    ct_philox_block(ct_philox_make(seed, ct_hash_name("start")), (uint64_t)epoch, 0, w);
    return (int64_t)(((uint64_t)w[0] << 32 | w[1]) % (uint64_t)n);
}

void ct_division_order(const ct_division *v, uint64_t seed, int64_t epoch, int64_t *order) {
    int64_t start = start_of(seed, epoch, v->starts);
    ct_epoch_order(seed, epoch, v->n_train, order);
    for (int64_t i = 0; i < v->n_train; i++) order[i] = v->train[order[i]] + start;
}
