/* dropout's mask and the product with it. Random word i belongs to the element at place i of the mask's memory. */
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

/* What is drawn: words from `least` on, by their upper 24 bits, keep. */
typedef struct draw {
    int64_t n;
    uint8_t *mask;
    uint32_t least;
    ct_philox_key key;
    uint64_t stream;
} draw;

static draw draw_of(const void *args_, const int64_t *rng, int64_t n, uint8_t *mask) {
    const ct_dropout_args *args = args_;
    return (draw){n, mask, (uint32_t)ceil(args->p * 0x1p24), ct_philox_make((uint64_t)rng[0], (uint64_t)args->key),
                  (uint64_t)rng[1]};
}

/* Elements [at, at + n), whose mask begins at `mask`. */
static void draw_range(const draw *d, int64_t at, int64_t n, uint8_t *mask) {
    uint32_t word[WORDS], least = d->least;
    for (int64_t run; n > 0; n -= run, at += run, mask += run) {
        const uint32_t *from = word + at % 4;
        philox_words(d->key, d->stream, (uint64_t)at / 4, word);
        run = CT_MIN(n, WORDS - at % 4);
#pragma omp simd
        for (int64_t i = 0; i < run; i++) mask[i] = from[i] >> 8 >= least;
    }
}

static void draw_chunks(void *ctx, int64_t begin, int64_t end) {
    const draw *d = ctx;
    begin *= CHUNK, end = CT_MIN(end * CHUNK, d->n);
    draw_range(d, begin, end - begin, d->mask + begin);
}

static bool mask_dtype(ct_dtype d) { return d == CT_BOOL || d == CT_U8; }

static ct_status dropout_prepare(const ct_call *call, void **state, size_t *workspace) {
    (void)state, (void)workspace;
    bool fits = layout_dense(call->out) && mask_dtype(call->out->dtype) && layout_is(&call->in[1], CT_I64);
    return fits ? CT_OK : CT_UNSUPPORTED;
}

static void dropout_run(const ct_exec *exec, const ct_call *call, void *state, const void *const *in,
                        void *const *out) {
    draw d = draw_of(call->args, in[1], ct_layout_numel(call->out), out[0]);
    ct_parallel(div_up_i64(d.n, CHUNK), 8, draw_chunks, &d);
    (void)exec, (void)state;
}

static void dropout_row(int64_t n, const void *const *in, const int64_t *st, void *out, int64_t so, const void *args) {
    draw d = draw_of(args, in[1], n, out);
    draw_range(&d, st[1], n, out);
    (void)so;
}

static ct_row_fn row_of_dropout(const ct_call *call) { return dropout_prepare(call, NULL, NULL) ? NULL : dropout_row; }

/* ---- the product with it ---- */

typedef struct mask_run {
    const float *x;
    const uint8_t *kept;
    float *y, scale;
} mask_run;

static ct_status mask_prepare(const ct_call *call, void **state, size_t *workspace) {
    const ct_layout *x = &call->in[0], *mask = &call->in[1], *y = &call->out[0];
    bool alike = layout_dense(x) && ct_layout_alike(x, y) && ct_layout_alike(x, mask);
    if (x->dtype != CT_F32 || y->dtype != CT_F32 || !mask_dtype(mask->dtype) || !alike) return CT_UNSUPPORTED;
    *state = NULL;
    *workspace = 0;
    return CT_OK;
}

static void scale_kept(void *ctx, int64_t begin, int64_t end) {
    const mask_run *r = ctx;
    const float *x = r->x, scale = r->scale;
    const uint8_t *kept = r->kept;
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

const ct_kernel CT_ISA_NAME(ct_cpu_dropout_mask) = {
    .prepare = dropout_prepare, .run = dropout_run, .row = row_of_dropout};
const ct_kernel CT_ISA_NAME(ct_cpu_mask_scale) = {.prepare = mask_prepare, .run = mask_run_, .row = row_of_mask};
