/* Where random ops get their numbers: a tensor {seed, step}, and a key made of a name and the count of draws under it. */
#include "base/hash.h"
#include "ops/ops.h"

static _Thread_local struct {
    ct_tensor *used;   /* a run's, by ct_random_use */
    ct_tensor *own;    /* the thread's, by ct_manual_seed */
    uint64_t name, draws;
} stream;

void ct_manual_seed(uint64_t seed) {
    int64_t value[2] = {(int64_t)seed, 0};
    if (stream.own) ct_drop(stream.own);
    stream.own = ct_keep(ct_from(CT_I64, CT_DIMS(2), value));
    stream.name = stream.draws = 0;
}

void ct_random_use(ct_tensor *seed_and_step) {
    stream.used = seed_and_step;
    stream.name = stream.draws = 0;
}

void ct_random_name(const char *name) {
    if (!stream.used) return; /* a run counts its steps; a thread's own stream has its draws alone to tell them apart */
    stream.name = ct_hash_name(name);
    stream.draws = 0;
}

ct_tensor *ct_random_stream(int64_t *key) {
    if (!stream.used && !stream.own) ct_manual_seed(0);
    *key = (int64_t)((stream.name + 0x9E3779B97F4A7C15u * ++stream.draws) >> 2); /* fits a key's range */
    return stream.used ? stream.used : stream.own;
}
