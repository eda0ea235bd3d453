/* dropout and the product with its mask. Random word i belongs to the element at place i of y's memory. */
#include "base/alloc.h"
#include "base/parallel.h"
#include "base/philox.h"
#include "kernels/cpu/layout.h"
#include "kernels/cpu/math.h"
#include <math.h>
#include <string.h>

#define HALF (VW / 2) /* 64-bit lanes of a vector */
#define VECTORS 2     /* at once, to hide the multiplications' latency */
#define BLOCKS (VECTORS * HALF)
#define WORDS (4 * BLOCKS)
#define CHUNK 4096 /* elements of a task: a multiple of WORDS */

/* Lanes of two vectors in turn: the first half of them, and the last. */
#define SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#if VW == 16
#define FIRST(a, b) SHUFFLE(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define LAST(a, b) SHUFFLE(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
#elif VW == 8
#define FIRST(a, b) SHUFFLE(a, b, 0, 4, 1, 5)
#define LAST(a, b) SHUFFLE(a, b, 2, 6, 3, 7)
#else
#define FIRST(a, b) SHUFFLE(a, b, 0, 2)
#define LAST(a, b) SHUFFLE(a, b, 1, 3)
#endif

/* The lower halves of two lanes as one, a first in memory. */
CT_INLINE vu pair(vu a, vu b) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return (a & UINT32_MAX) | b << 32;
#else
    return a << 32 | (b & UINT32_MAX);
#endif
}

/* Words [4 * first, 4 * first + WORDS) of a stream: base/philox.c's, a lane a block. What the upper halves of lanes
   hold does not matter. */
static void philox_words(ct_philox_key key, uint64_t stream, uint64_t first, uint32_t out[WORDS]) {
    static const uint64_t lane[8] = {0, 1, 2, 3, 4, 5, 6, 7};
    const vu zero = {0}, ma = zero + 0xD2511F53u, mc = zero + 0xCD9E8D57u, up0 = zero + 0x9E3779B9u,
             up1 = zero + 0xBB67AE85u;
    vu a[VECTORS], b[VECTORS], c[VECTORS], d[VECTORS], k0 = zero + key.k[0], k1 = zero + key.k[1], lanes;
    memcpy(&lanes, lane, sizeof lanes);
    CT_EACH(v, VECTORS) {
        a[v] = lanes + (first + (uint64_t)(v * HALF)), b[v] = a[v] >> 32;
        c[v] = zero + stream, d[v] = c[v] >> 32;
    }
    for (int round = 0; round < 10; round++, k0 += up0, k1 += up1) CT_EACH(v, VECTORS) {
            vu p = vmul_halves(ma, a[v]), q = vmul_halves(mc, c[v]);
            a[v] = (q >> 32) ^ b[v] ^ k0, b[v] = q;
            c[v] = (p >> 32) ^ d[v] ^ k1, d[v] = p;
        }
    CT_EACH(v, VECTORS) {
        vu ab = pair(a[v], b[v]), cd = pair(c[v], d[v]), words[2] = {FIRST(ab, cd), LAST(ab, cd)};
        memcpy(out + 4 * v * HALF, words, sizeof words);
    }
}

typedef struct mask_run {
    int64_t n;
    const float *x;
    float *y, scale;
    uint8_t *mask;
    const uint8_t *kept; /* a mask that is given */
    uint32_t least;      /* words from here on, by their upper 24 bits, keep */
    ct_philox_key key;
    uint64_t stream;
} mask_run;

/* Selects by masks of bits: a branch on a random number would be guessed wrong. */
CT_INLINE void drop_words(const mask_run *r, int64_t at, int64_t n, const uint32_t *word) {
    const float *x = r->x, scale = r->scale;
    const uint32_t least = r->least;
    float *y = r->y;
    uint8_t *mask = r->mask;
    if (y)
#pragma omp simd
        for (int64_t i = 0; i < n; i++)
            y[at + i] = float_of(bits_of(x[at + i] * scale) & -(uint32_t)(word[i] >> 8 >= least));
    if (mask)
#pragma omp simd
        for (int64_t i = 0; i < n; i++) mask[at + i] = word[i] >> 8 >= least;
}

static void drop_chunks(void *ctx, int64_t begin, int64_t end) {
    const mask_run *r = ctx;
    uint32_t word[WORDS];
    for (int64_t at = begin * CHUNK; at < CT_MIN(end * CHUNK, r->n); at += WORDS) {
        philox_words(r->key, r->stream, (uint64_t)at / 4, word);
        if (r->n - at >= WORDS)
            drop_words(r, at, WORDS, word);
        else
            drop_words(r, at, r->n - at, word);
    }
}

static bool mask_dtype(ct_dtype d) { return d == CT_BOOL || d == CT_U8; }

static ct_status dropout_prepare(const ct_call *call, void **state, size_t *workspace) {
    const ct_layout *x = &call->in[0], *rng = &call->in[1], *y = &call->out[0], *mask = &call->out[1];
    bool alike = layout_dense(x) && layout_same(x, y) && layout_same(x, mask);
    if (x->dtype != CT_F32 || y->dtype != CT_F32 || !mask_dtype(mask->dtype) || !layout_is(rng, CT_I64) || !alike)
        return CT_UNSUPPORTED;
    *state = NULL;
    *workspace = 0;
    return CT_OK;
}

static void dropout_run(const ct_exec *exec, const ct_call *call, void *state, const void *const *in,
                        void *const *out) {
    const ct_dropout_args *args = call->args;
    const int64_t *rng = in[1];
    mask_run r = {.n = ct_layout_numel(&call->in[0]), .x = in[0], .y = out[0], .mask = out[1]};
    r.scale = args->p < 1 ? (float)(1 / (1 - args->p)) : 0;
    r.least = (uint32_t)ceil(args->p * 0x1p24);
    r.key = ct_philox_make((uint64_t)rng[0], (uint64_t)args->key), r.stream = (uint64_t)rng[1];
    ct_parallel(div_up_i64(r.n, CHUNK), 8, drop_chunks, &r);
    (void)exec, (void)state;
}

static ct_status mask_prepare(const ct_call *call, void **state, size_t *workspace) {
    const ct_layout *x = &call->in[0], *mask = &call->in[1], *y = &call->out[0];
    bool alike = layout_dense(x) && layout_same(x, y) && layout_same(x, mask);
    if (x->dtype != CT_F32 || y->dtype != CT_F32 || !mask_dtype(mask->dtype) || !alike) return CT_UNSUPPORTED;
    *state = NULL;
    *workspace = 0;
    return CT_OK;
}

static void scale_kept(void *ctx, int64_t begin, int64_t end) {
    const mask_run *r = ctx;
    const float *x = r->x, scale = r->scale;
    const unsigned char *kept = r->kept;
    float *y = r->y;
#pragma omp simd
    for (int64_t i = begin; i < end; i++) {
        float v = x[i] * scale; /* computed for all, so that the choice is a blend */
        y[i] = kept[i] ? v : 0;
    }
}

static void mask_run_(const ct_exec *exec, const ct_call *call, void *state, const void *const *in, void *const *out) {
    mask_run r = {.x = in[0], .y = out[0], .kept = in[1]};
    r.scale = (float)((const ct_fill_args *)call->args)->value;
    ct_parallel(ct_layout_numel(&call->in[0]), grain_of(1), scale_kept, &r);
    (void)exec, (void)state;
}

/* The same as a row; a chain's rows are dense. */
static void mask_row(int64_t n, const void *const *in, const int64_t *st, void *out, int64_t so, const void *args) {
    mask_run r = {.x = in[0], .y = out, .kept = in[1]};
    r.scale = (float)((const ct_fill_args *)args)->value;
    (void)st, (void)so;
    scale_kept(&r, 0, n);
}

static ct_row_fn row_of_mask(const ct_call *call) {
    void *state;
    size_t workspace;
    return mask_prepare(call, &state, &workspace) ? NULL : mask_row;
}

const ct_kernel CT_ISA_NAME(ct_cpu_dropout_) = {.prepare = dropout_prepare, .run = dropout_run};
const ct_kernel CT_ISA_NAME(ct_cpu_mask_scale) = {.prepare = mask_prepare, .run = mask_run_, .row = row_of_mask};
