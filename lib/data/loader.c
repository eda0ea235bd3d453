#include "data/loader.h"
#include "base/alloc.h"
#include "base/hash.h"
#include "base/parallel.h"
#include "base/philox.h"

void ct_normalizer_make(const double mean[3], const double std[3], ct_normalizer *out) {
    for (int c = 0; c < 3; c++) {
        out->mean[c] = (float)mean[c], out->std[c] = (float)std[c];
        for (int v = 0; v < 256; v++) out->table[c][v] = ((float)v / 255.0f - out->mean[c]) / out->std[c];
    }
}

typedef struct gather {
    const void *x;
    const int64_t *index;
    const ct_normalizer *norm;
    float *out;
    int64_t channels, plane; /* of a sample: (channels, plane) in x and (plane, channels) in out */
    int64_t row;             /* elements from one sample of x to the next */
} gather;

#define AHEAD 2     /* samples lie anywhere: they are asked for before they are read */
#define RANGE 25600 /* elements that are worth a thread's while */
#define LINE 64     /* bytes that memory hands over at a time */
#define FETCH 32    /* lines; of a longer sample, the processor sees by itself how it goes on */

/* Inlined always: gcc drops calls of a function that does nothing but prefetch. */
static inline __attribute__((always_inline)) void fetch(const gather *g, int64_t i, int64_t size) {
    const char *x = (const char *)g->x + g->index[i] * g->row;
    for (int64_t at = 0; at < CT_MIN(size, FETCH * LINE); at += LINE) __builtin_prefetch(x + at);
}

/* out[i * step] = table[x[i]]; a step of 1 has its own loop, four at a time. */
static void look_up(const uint8_t *x, const float *table, int64_t n, float *out, int64_t step) {
    int64_t i = 0;
    for (; step == 1 && i + 4 <= n; i += 4) {
        float a = table[x[i]], b = table[x[i + 1]], c = table[x[i + 2]], d = table[x[i + 3]];
        out[i] = a, out[i + 1] = b, out[i + 2] = c, out[i + 3] = d;
    }
    for (; i < n; i++) out[i * step] = table[x[i]];
}

static void gather_u8(void *ctx, int64_t begin, int64_t end) {
    const gather *g = ctx;
    int64_t size = g->channels * g->plane;
    for (int64_t i = begin; i < CT_MIN(begin + AHEAD, end); i++) fetch(g, i, size);
    for (int64_t i = begin; i < end; i++) {
        const uint8_t *x = (const uint8_t *)g->x + g->index[i] * g->row;
        if (i + AHEAD < end) fetch(g, i + AHEAD, size);
        for (int64_t c = 0; c < g->channels; c++)
            look_up(x + c * g->plane, g->norm->table[CT_MIN(c, 2)], g->plane, g->out + i * size + c, g->channels);
    }
}

static void gather_f32(void *ctx, int64_t begin, int64_t end) {
    const gather *g = ctx;
    int64_t size = g->channels * g->plane;
    for (int64_t i = begin; i < end; i++) {
        for (int64_t c = 0; c < g->channels; c++) {
            const float *x = (const float *)g->x + g->index[i] * g->row + c * g->plane;
            float mean = g->norm->mean[CT_MIN(c, 2)], std = g->norm->std[CT_MIN(c, 2)];
            float *out = g->out + i * size + c;
            for (int64_t p = 0; p < g->plane; p++) out[p * g->channels] = (x[p] - mean) / std;
        }
    }
}

static ct_status check_index(const ct_tensor *t, const int64_t *index, int64_t n) {
    int64_t samples = ct_ndim(t) ? ct_size(t, 0) : 0;
    for (int64_t i = 0; i < n; i++)
        if (index[i] < 0 || index[i] >= samples)
            return ct_fail(CT_FAIL, "sample %lld is asked for; there are %lld", (long long)index[i],
                           (long long)samples);
    return CT_OK;
}

/* Whether each sample is contiguous, wherever the next one is. */
static bool has_rows(const ct_tensor *t) {
    const ct_layout *l = &t->layout;
    int64_t stride = 1;
    for (int d = l->ndim - 1; d > 0; d--) {
        if (l->size[d] != 1 && l->stride[d] != stride) return false;
        stride *= l->size[d];
    }
    return l->ndim >= 1;
}

static int64_t row_size(const ct_tensor *t) {
    int64_t size = 1;
    for (int d = 1; d < ct_ndim(t); d++) size *= ct_size(t, d);
    return size;
}

ct_status ct_batch_samples(const ct_tensor *x, const int64_t *index, int64_t n, const ct_normalizer *norm, float *out) {
    bool is_u8 = ct_dtype_of(x) == CT_U8;
    if ((!is_u8 && ct_dtype_of(x) != CT_F32) || !has_rows(x))
        return ct_fail(CT_FAIL, "samples must be contiguous, u8 or f32; got %s", ct_dtype_name(ct_dtype_of(x)));
    CT_TRY(check_index(x, index, n));
    if (!n) return CT_OK;
    int64_t size = row_size(x), channels = ct_ndim(x) == 4 ? ct_size(x, 1) : 1;
    gather g = {ct_data(x), index, norm, out, channels, channels ? size / channels : 0, x->layout.stride[0]};
    ct_parallel(n, CT_MAX(1, RANGE / CT_MAX(size, 1)), is_u8 ? gather_u8 : gather_f32, &g);
    return CT_OK;
}

ct_status ct_batch_numbers(const ct_tensor *y, const int64_t *index, int64_t n, int64_t *out) {
    ct_dtype dtype = ct_dtype_of(y);
    if ((dtype != CT_U8 && dtype != CT_I32 && dtype != CT_I64) || !has_rows(y))
        return ct_fail(CT_FAIL, "classes and tokens must be contiguous, u8, i32 or i64; got %s", ct_dtype_name(dtype));
    CT_TRY(check_index(y, index, n));
    int64_t size = row_size(y), row = y->layout.stride[0];
    for (int64_t i = 0; i < n; i++, out += size) {
        const void *at = (const char *)ct_data(y) + index[i] * row * (int64_t)ct_dtype_bytes(dtype);
        for (int64_t k = 0; dtype == CT_U8 && k < size; k++) out[k] = ((const uint8_t *)at)[k];
        for (int64_t k = 0; dtype == CT_I32 && k < size; k++) out[k] = ((const int32_t *)at)[k];
        for (int64_t k = 0; dtype == CT_I64 && k < size; k++) out[k] = ((const int64_t *)at)[k];
    }
    return CT_OK;
}

void ct_epoch_order(uint64_t seed, int64_t epoch, int64_t n, int64_t *out) {
    ct_philox_permute(ct_philox_make(seed, ct_hash_name("order")), (uint64_t)epoch, n, out);
}

/* Marks `hold` of the n samples in `member`; `order` is scratch for n. */
static void hold_some(ct_philox_key key, uint64_t stream, const int64_t *member, int64_t n, int64_t hold,
                      int64_t *order, bool *held) {
    ct_philox_permute(key, stream, n, order);
    for (int64_t i = 0; i < hold; i++) held[member[order[i]]] = true;
}

ct_status ct_stratify(const int64_t *label, int64_t n, int classes, double fraction, uint64_t seed, const char *purpose,
                      bool *held) {
    ct_philox_key key = ct_philox_make(seed, ct_hash_name(purpose));
    int64_t *start = ct_alloc((size_t)classes + 2, sizeof *start); /* of each class in member */
    int64_t *member = ct_alloc((size_t)n, sizeof *member), *order = ct_alloc((size_t)n, sizeof *order);
    ct_status s = start && member && order ? CT_OK : CT_NO_MEMORY;
    for (int64_t i = 0; !s && i < n; i++) start[(label ? label[i] : 0) + 2]++;
    for (int c = 0; !s && c < classes; c++) start[c + 2] += start[c + 1];
    for (int64_t i = 0; !s && i < n; i++) member[start[(label ? label[i] : 0) + 1]++] = i, held[i] = false;
    for (int c = 0; !s && c < classes; c++) {
        int64_t size = start[c + 1] - start[c], hold = (int64_t)((double)size * fraction + 0.5);
        hold = fraction > 0 ? CT_MIN(CT_MAX(hold, 1), size - 1) : 0;
        hold_some(key, (uint64_t)c, member + start[c], size, hold, order, held);
    }
    ct_free(start), ct_free(member), ct_free(order);
    return s;
}

static ct_status labels_of(const ct_tensor *y, int64_t n, int64_t *label, int *classes) {
    for (int64_t i = 0; i < n; i++) label[i] = i;
    CT_TRY(ct_batch_numbers(y, label, n, label)); /* in place: each index is read before its label is written */
    for (int64_t i = 0; i < n; i++) {
        if (label[i] < 0 || label[i] >= 1 << 24)
            return ct_fail(CT_BAD_DATA, "label %lld is out of range", (long long)label[i]);
        *classes = CT_MAX(*classes, (int)label[i] + 1);
    }
    return CT_OK;
}

ct_status ct_split_validation(const ct_tensor *y, int64_t n, double fraction, uint64_t seed, int64_t *train,
                              int64_t *n_train, int64_t *validation, int64_t *n_validation) {
    if (y && (ct_ndim(y) != 1 || ct_dtype_of(y) == CT_F32)) y = NULL; /* no class of the whole sample */
    int64_t *label = y ? ct_alloc((size_t)n, sizeof *label) : NULL;
    bool *held = ct_alloc((size_t)n, sizeof *held);
    int classes = 1;
    ct_status s = held && (label || !y) ? CT_OK : CT_NO_MEMORY;
    if (!s && y) s = labels_of(y, n, label, &classes);
    if (!s) s = ct_stratify(label, n, classes, fraction, seed, "validation", held);
    *n_train = *n_validation = 0;
    for (int64_t i = 0; !s && i < n; i++) {
        if (held[i])
            validation[(*n_validation)++] = i;
        else
            train[(*n_train)++] = i;
    }
    ct_free(label), ct_free(held);
    return s;
}
