/* dropout and the product with its mask. Random word i belongs to the element at place i of y's memory. */
#include "base/alloc.h"
#include "base/parallel.h"
#include "base/philox.h"
#include "kernels/cpu/layout.h"
#include "kernels/cpu/simd.h"
#include <math.h>
#include <string.h>

#define BLOCKS 16 /* of Philox, at once */
#define WORDS (4 * BLOCKS)
#define CHUNK (64 * WORDS) /* elements of a task */

/* Words [4 * first, 4 * first + WORDS) of a stream: base/philox.c's, a lane a block. */
static void philox_words(ct_philox_key key, uint64_t stream, uint64_t first, uint32_t out[WORDS]) {
    uint32_t a[BLOCKS], b[BLOCKS], c[BLOCKS], d[BLOCKS], k0 = key.k[0], k1 = key.k[1];
    for (uint32_t i = 0; i < BLOCKS; i++) {
        a[i] = (uint32_t)(first + i), b[i] = (uint32_t)((first + i) >> 32);
        c[i] = (uint32_t)stream, d[i] = (uint32_t)(stream >> 32);
    }
    for (int round = 0; round < 10; round++, k0 += 0x9E3779B9u, k1 += 0xBB67AE85u)
#pragma omp simd
        for (int i = 0; i < BLOCKS; i++) {
            uint64_t p = (uint64_t)0xD2511F53u * a[i], q = (uint64_t)0xCD9E8D57u * c[i];
            a[i] = (uint32_t)(q >> 32) ^ b[i] ^ k0, b[i] = (uint32_t)q;
            c[i] = (uint32_t)(p >> 32) ^ d[i] ^ k1, d[i] = (uint32_t)p;
        }
    for (int i = 0; i < BLOCKS; i++)
        out[4 * i] = a[i], out[4 * i + 1] = b[i], out[4 * i + 2] = c[i], out[4 * i + 3] = d[i];
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

static void drop_words(const mask_run *r, int64_t at, int64_t n, const uint32_t *word) {
    if (r->y)
#pragma omp simd
        for (int64_t i = 0; i < n; i++) r->y[at + i] = word[i] >> 8 >= r->least ? r->x[at + i] * r->scale : 0;
    if (r->mask)
#pragma omp simd
        for (int64_t i = 0; i < n; i++) r->mask[at + i] = word[i] >> 8 >= r->least;
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
    ct_parallel(div_up_i64(r.n, CHUNK), 4, drop_chunks, &r);
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
#pragma omp simd
    for (int64_t i = begin; i < end; i++) r->y[i] = r->kept[i] ? r->x[i] * r->scale : 0;
}

static void mask_run_(const ct_exec *exec, const ct_call *call, void *state, const void *const *in, void *const *out) {
    mask_run r = {.x = in[0], .y = out[0], .kept = in[1]};
    r.scale = (float)((const ct_fill_args *)call->args)->value;
    ct_parallel(ct_layout_numel(&call->in[0]), grain_of(1), scale_kept, &r);
    (void)exec, (void)state;
}

const ct_kernel CT_ISA_NAME(ct_cpu_dropout_) = {dropout_prepare, dropout_run, NULL};
const ct_kernel CT_ISA_NAME(ct_cpu_mask_scale) = {mask_prepare, mask_run_, NULL};
