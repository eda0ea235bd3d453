/* `dataset: random`: samples that need no files, to try a model on. A sample is noise around its class's own picture,
   so that a model can learn something. */
#include "base/alloc.h"
#include "base/philox.h"
#include "data/source.h"
#include <math.h>
#include <stdio.h>

/* A normal number from two words (Box and Muller, 1958). */
static float normal(ct_philox_key key, uint64_t stream, uint64_t i) {
    uint32_t w[4];
    ct_philox_block(key, i, stream, w);
    return sqrtf(-2 * logf(1 - ct_philox_uniform(w[0]))) * cosf(6.2831853f * ct_philox_uniform(w[1]));
}

static ct_status make_part(const ct_data_args *a, ct_philox_key key, uint64_t stream, ct_split *out) {
    ct_dims shape = {a->shape.n + 1, {a->samples}};
    int64_t size = 1;
    for (int i = 0; i < a->shape.n; i++) shape.v[i + 1] = a->shape.v[i], size *= a->shape.v[i];
    out->x = ct_keep(ct_empty(CT_F32, shape)), out->y = ct_keep(ct_empty(CT_I64, CT_DIMS(a->samples)));
    CT_TRY(ct_source_check(out->x));
    CT_TRY(ct_source_check(out->y));
    float *x = ct_data(out->x);
    int64_t *y = ct_data(out->y);
    for (int64_t i = 0; i < a->samples; i++) {
        y[i] = i % a->classes;
        for (int64_t k = 0; k < size; k++)
            x[i * size + k] =
                normal(key, 0, (uint64_t)(y[i] * size + k)) + normal(key, stream, (uint64_t)(i * size + k));
    }
    return CT_OK;
}

ct_status ct_source_random(const ct_data_args *a, uint64_t seed, ct_dataset *d) {
    if (!a->shape.n || !a->classes)
        return ct_fail(CT_BAD_SPEC,
                       "data: dataset random wants shape and classes, such as shape: [3, 32, 32], classes: 10");
    if (a->shape.n >= CT_MAX_DIMS)
        return ct_fail(CT_BAD_SPEC, "data: shape has %d sizes, at most %d fit", a->shape.n, CT_MAX_DIMS - 1);
    ct_philox_key key = ct_philox_make(seed, 0x72616e64);
    if (!(d->name = ct_strdup("random")) || !(d->class_name = ct_alloc((size_t)a->classes, sizeof *d->class_name)))
        return CT_NO_MEMORY;
    for (char text[32]; d->classes < a->classes; d->classes++) {
        snprintf(text, sizeof text, "%d", d->classes);
        if (!(d->class_name[d->classes] = ct_strdup(text))) return CT_NO_MEMORY;
    }
    CT_TRY(make_part(a, key, 1, &d->train));
    return make_part(a, key, 2, &d->test);
}
