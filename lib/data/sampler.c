#include "data/sampler.h"
#include "base/alloc.h"
#include "base/hash.h"
#include "base/philox.h"
#include "data/loader.h"

/* Sorts from[n] by class into member[n]; start[c] to start[c + 1] is class c. */
static void group(const int64_t *label, const int64_t *from, int64_t n, int classes, int64_t *start, int64_t *member) {
    for (int64_t i = 0; i < n; i++) start[label[i] + 2]++;
    for (int c = 0; c < classes; c++) start[c + 2] += start[c + 1];
    for (int64_t i = 0; i < n; i++) member[start[label[i] + 1]++] = from[i];
}

/* Which of n, from a word: n is far below 2^32. */
static int64_t pick(uint32_t word, int64_t n) { return (int64_t)((uint64_t)word * (uint64_t)n >> 32); }

ct_status ct_sample_balanced(const ct_tensor *y, int classes, const int64_t *from, int64_t n, uint64_t seed,
                             int64_t epoch, int64_t *out) {
    int64_t *start = ct_alloc((size_t)classes + 2, sizeof *start), *label = ct_alloc((size_t)n, sizeof *label);
    int64_t *member = ct_alloc((size_t)n, sizeof *member), *there = ct_alloc((size_t)classes, sizeof *there),
            n_there = 0;
    ct_status s = start && label && member && there ? ct_batch_numbers(y, from, n, label) : CT_NO_MEMORY;
    for (int64_t i = 0; !s && i < n; i++)
        if (label[i] < 0 || label[i] >= classes)
            s = ct_fail(CT_BAD_DATA, "label %lld is none of %d classes", (long long)label[i], classes);
    if (!s) group(label, from, n, classes, start, member);
    for (int c = 0; !s && c < classes; c++)
        if (start[c + 1] > start[c]) there[n_there++] = c;
    ct_philox_key key = ct_philox_make(seed, ct_hash_name("balanced"));
    for (int64_t i = 0; !s && i < n; i++) {
        uint32_t w[4];
        ct_philox_block(key, (uint64_t)i, (uint64_t)epoch, w);
        int64_t c = there[pick(w[0], n_there)];
        out[i] = member[start[c] + pick(w[1], start[c + 1] - start[c])];
    }
    ct_free(start), ct_free(label), ct_free(member), ct_free(there);
    return s;
}
