/* Where random ops get their numbers: a tensor {seed, step}, and a key made of a name and the count of draws under it.
 */
#include "base/hash.h"
#include "ops/ops.h"

static _Thread_local ct_random_place stream;

void ct_manual_seed(uint64_t seed) {
    stream.seed = (int64_t)seed;
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

ct_random_place ct_random_here(void) { return stream; }

ct_random_place ct_random_swap(ct_random_place to) {
    ct_random_place was = stream;
    stream = to;
    return was;
}

static int64_t next_key(void) {
    return (int64_t)((stream.name + 0x9E3779B97F4A7C15u * ++stream.draws) >> 2); /* fits a key's range */
}

ct_tensor *ct_random_stream(int64_t *key) {
    *key = next_key();
    return stream.used ? stream.used : ct_from(CT_I64, CT_DIMS(2), (int64_t[]){stream.seed, 0});
}

ct_philox_key ct_random_key(void) {
    const int64_t own[] = {stream.seed, 0}, *from = stream.used ? ct_data(stream.used) : own;
    ct_philox_key k = ct_philox_make((uint64_t)from[0], (uint64_t)next_key());
    return ct_philox_make((uint64_t)k.k[0] << 32 | k.k[1], (uint64_t)from[1]);
}
