#include "base/philox.h"
#include "base/math.h"
#include <math.h>

static void round_(uint32_t c[4], const uint32_t k[2]) {
    uint64_t p = (uint64_t)0xD2511F53u * c[0], q = (uint64_t)0xCD9E8D57u * c[2];
    uint32_t r[4] = {(uint32_t)(q >> 32) ^ c[1] ^ k[0], (uint32_t)q, (uint32_t)(p >> 32) ^ c[3] ^ k[1], (uint32_t)p};
    for (int i = 0; i < 4; i++) c[i] = r[i];
}

void ct_philox_block(ct_philox_key key, uint64_t lo, uint64_t hi, uint32_t out[4]) {
    uint32_t c[4] = {(uint32_t)lo, (uint32_t)(lo >> 32), (uint32_t)hi, (uint32_t)(hi >> 32)};
    uint32_t k[2] = {key.k[0], key.k[1]};
    for (int i = 0; i < 10; i++, k[0] += 0x9E3779B9u, k[1] += 0xBB67AE85u) round_(c, k);
    for (int i = 0; i < 4; i++) out[i] = c[i];
}

ct_philox_key ct_philox_make(uint64_t a, uint64_t b) {
    uint32_t w[4];
    ct_philox_block((ct_philox_key){{0x243F6A88u, 0x85A308D3u}}, a, b, w);
    return (ct_philox_key){{w[0], w[1]}};
}

void ct_philox_fill(ct_philox_key key, uint64_t stream, uint64_t first, int64_t n, uint32_t *out) {
    uint32_t w[4];
    for (int64_t i = 0; i < n;) {
        uint64_t at = first + (uint64_t)i;
        ct_philox_block(key, at / 4, stream, w);
        for (int j = (int)(at % 4); j < 4 && i < n; j++) out[i++] = w[j];
    }
}

/* Box and Muller, 1958. */
double ct_philox_normal(const uint32_t two[2], bool other) {
    double far = sqrt(-2 * ct_log_f64(ct_philox_open(two[0]))), turn = 6.283185307179586 * ct_philox_open(two[1]);
    return far * (other ? ct_sin_f64(turn) : ct_cos_f64(turn));
}

void ct_philox_permute(ct_philox_key key, uint64_t stream, int64_t n, int64_t *out) {
    for (int64_t i = 0; i < n; i++) out[i] = i;
    for (int64_t i = n - 1; i > 0; i--) {
        uint32_t w[4];
        ct_philox_block(key, (uint64_t)i, stream, w);
        uint64_t r = (uint64_t)w[0] << 32 | w[1];
        int64_t j = (int64_t)(((unsigned __int128)r * (uint64_t)(i + 1)) >> 64), t = out[i];
        out[i] = out[j], out[j] = t;
    }
}
