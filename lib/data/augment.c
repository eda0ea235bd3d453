#include "data/augment.h"
#include "base/alloc.h"
#include "base/hash.h"
#include "base/parallel.h"
#include "data/transform.h"
#include <stdatomic.h>
#include <string.h>

#define GRAIN 4 /* samples that a thread takes at a time */

/* ---- the kinds ---- */

static const ct_transform *const transforms[] = {
    &ct_random_crop,          &ct_random_flip,     &ct_random_horizontal_flip,
    &ct_random_vertical_flip, &ct_random_rotation, &ct_random_affine,
    &ct_random_resized_crop,  &ct_color_jitter,    &ct_random_grayscale,
    &ct_random_erasing,       &ct_cutout,          &ct_gaussian_noise,
    &ct_gaussian_blur};

const ct_kind *const *ct_transform_kinds(int *n) {
    static const ct_kind *kinds[CT_COUNT(transforms)];
    for (int i = 0; i < CT_COUNT(transforms); i++) kinds[i] = &transforms[i]->kind;
    *n = CT_COUNT(transforms);
    return kinds;
}

const ct_transform *ct_transform_find(const char *name) {
    for (int i = 0; i < CT_COUNT(transforms); i++)
        if (!strcmp(transforms[i]->kind.name, name)) return transforms[i];
    return NULL;
}

/* ---- draws ---- */

/* A block a draw. */
static void words(ct_draw *d, uint32_t w[4]) { ct_philox_block(d->key, d->next++, d->sample, w); }

float ct_draw_uniform(ct_draw *d, double low, double high) {
    uint32_t w[4];
    words(d, w);
    return (float)(low + (high - low) * (double)ct_philox_uniform(w[0]));
}

int64_t ct_draw_below(ct_draw *d, int64_t n) {
    uint32_t w[4];
    words(d, w);
    return (int64_t)((uint64_t)w[0] * (uint64_t)n >> 32);
}

bool ct_draw_hit(ct_draw *d, double p) { return (double)ct_draw_uniform(d, 0, 1) < p; }

float ct_draw_normal(ct_draw *d) {
    uint32_t w[4];
    words(d, w);
    return (float)ct_philox_normal(w, false);
}

/* ---- batches ---- */

struct ct_augment {
    const ct_transform_use *list;
    int n;
    int64_t c, h, w;
    ct_philox_key key;
    float *room[CT_MOST_THREADS]; /* a thread's own: two images; NULL before it needs them */
};

ct_status ct_augment_open(const ct_transform_use *list, int n, uint64_t seed, const ct_tensor *x, ct_augment **out) {
    int d = ct_ndim(x);
    *out = NULL;
    if (d != 3 && d != 4)
        return ct_fail(CT_BAD_SPEC,
                       "augment: changes images, (N, C, H, W) or (N, H, W); these samples have %d dimensions", d);
    int64_t h = ct_size(x, d - 2), w = ct_size(x, d - 1);
    for (int i = 0; i < n; i++)
        if (list[i].transform->check) CT_TRY(list[i].transform->check(list[i].args, h, w));
    ct_augment *a = ct_alloc(1, sizeof *a);
    if (!a) return CT_NO_MEMORY;
    *a = (ct_augment){list, n, d == 4 ? ct_size(x, 1) : 1, h, w, ct_philox_make(seed, ct_hash_name("augment")), {NULL}};
    *out = a;
    return CT_OK;
}

void ct_augment_free(ct_augment *a) {
    if (!a) return;
    for (int t = 0; t < CT_MOST_THREADS; t++) ct_free(a->room[t]);
    ct_free(a);
}

/* A batch under way. */
typedef struct gather {
    ct_augment *a;
    const ct_tensor *x;
    const int64_t *index;
    const ct_normalizer *norm; /* NULL: masks */
    float *out;
    int64_t *classes; /* of masks */
    int64_t epoch, first, size;
    atomic_bool short_of; /* memory */
} gather;

static void take(const gather *g, int64_t sample, float *to) {
    int64_t at = sample * ct_stride(g->x, 0);
    float scale = g->norm ? 255.0f : 1.0f;
    if (ct_dtype_of(g->x) == CT_F32) {
        memcpy(to, (const float *)ct_data(g->x) + at, (size_t)g->size * sizeof *to);
        return;
    }
    const uint8_t *x = (const uint8_t *)ct_data(g->x) + at;
    for (int64_t i = 0; i < g->size; i++) to[i] = (float)x[i] / scale;
}

static void give(const gather *g, const ct_picture *p, int64_t i) {
    int64_t plane = p->h * p->w;
    if (p->is_mask) {
        for (int64_t k = 0; k < plane; k++) g->classes[i * plane + k] = (int64_t)p->at[k];
        return;
    }
    for (int64_t c = 0; c < p->c; c++) {
        float mean = g->norm->mean[CT_MIN(c, 2)], std = g->norm->std[CT_MIN(c, 2)], *out = g->out + i * g->size + c;
        const float *in = p->at + c * plane;
        for (int64_t k = 0; k < plane; k++) out[k * p->c] = (in[k] - mean) / std;
    }
}

/* The draws of transform k on sample i of the batch. */
static ct_draw draws(const gather *g, int k, int64_t i) {
    const ct_philox_key *key = &g->a->key;
    uint64_t base = (uint64_t)key->k[0] << 32 | key->k[1];
    return (ct_draw){ct_philox_make(base, (uint64_t)g->epoch << 16 | (uint64_t)k), (uint64_t)(g->first + i), 0};
}

static void gather_some(void *ctx, int64_t begin, int64_t end) {
    gather *g = ctx;
    ct_augment *a = g->a;
    float **room = &a->room[ct_thread()];
    if (!*room && !(*room = ct_alloc((size_t)(2 * a->c), (size_t)(a->h * a->w) * sizeof **room))) {
        atomic_store(&g->short_of, true);
        return;
    }
    for (int64_t i = begin; i < end; i++) {
        ct_picture p = {g->norm ? a->c : 1, a->h, a->w, !g->norm, *room, *room + g->size, NULL, NULL};
        if (g->norm) p.mean = g->norm->mean, p.std = g->norm->std;
        take(g, g->index[i], p.at);
        for (int k = 0; k < a->n; k++) {
            ct_draw d = draws(g, k, i);
            if (!p.is_mask || a->list[k].transform->moves) a->list[k].transform->apply(a->list[k].args, &p, &d);
        }
        give(g, &p, i);
    }
}

static ct_status run(gather *g, int64_t n) {
    int64_t samples = ct_size(g->x, 0);
    for (int64_t i = 0; i < n; i++)
        if (g->index[i] < 0 || g->index[i] >= samples)
            return ct_fail(CT_FAIL, "sample %lld is asked for; there are %lld", (long long)g->index[i],
                           (long long)samples);
    ct_parallel(n, GRAIN, gather_some, g);
    return atomic_load(&g->short_of) ? CT_NO_MEMORY : CT_OK;
}

ct_status ct_augment_samples(ct_augment *a, int64_t epoch, int64_t first, const ct_tensor *x, const int64_t *index,
                             int64_t n, const ct_normalizer *norm, float *out) {
    if (ct_dtype_of(x) != CT_U8 && ct_dtype_of(x) != CT_F32)
        return ct_fail(CT_FAIL, "augment: images must be u8 or f32; got %s", ct_dtype_name(ct_dtype_of(x)));
    gather g = {a, x, index, norm, out, NULL, epoch, first, a->c * a->h * a->w, false};
    return run(&g, n);
}

ct_status ct_augment_masks(ct_augment *a, int64_t epoch, int64_t first, const ct_tensor *y, const int64_t *index,
                           int64_t n, int64_t *out) {
    if (ct_dtype_of(y) != CT_U8 || ct_ndim(y) != 3 || ct_size(y, 1) != a->h || ct_size(y, 2) != a->w)
        return ct_fail(CT_FAIL, "augment: masks must be u8, of the images' height and width");
    gather g = {a, y, index, NULL, NULL, out, epoch, first, a->h * a->w, false};
    return run(&g, n);
}
