/* `dataset: random`: samples that need no files, to try a model on. A sample belongs to a group (its class, where there
   are classes), and is that group's own pattern with noise, so that a model can learn something. */
#include "base/alloc.h"
#include "base/philox.h"
#include "data/source.h"
#include <string.h>

#define GROUPS 10      /* where there are no classes */
#define STREAMS 16     /* of random numbers, a field */
#define TOKENS 8       /* of them: where a field's tokens start */
#define TARGET 7       /* of them: the targets' */
#define WRONG_TOKENS 8 /* one of so many is noise */

static ct_field field_of(const char *name, ct_dtype dtype, const ct_dims *shape) {
    ct_dims d = {shape->n + 1, {1}};
    memcpy(d.v + 1, shape->v, (size_t)shape->n * sizeof d.v[0]);
    return (ct_field){name, ct_layout_of(dtype, d), 0};
}

static ct_status check_shapes(const ct_data_args *a) {
    if (!a->shape.n || !(a->classes || a->vocab || a->target.n))
        return ct_fail(CT_BAD_SPEC,
                       "data: dataset random wants shape and classes, such as shape: [3, 32, 32], classes: 10; or "
                       "vocab, or target");
    int most = CT_MAX(a->shape.n, a->target.n);
    for (int i = 0; i < a->n_inputs; i++) most = CT_MAX(most, a->inputs[i].shape.n);
    if (most >= CT_MAX_DIMS)
        return ct_fail(CT_BAD_SPEC, "data: shape has %d sizes, at most %d fit", most, CT_MAX_DIMS - 1);
    if (a->vocab && a->shape.n != 1)
        return ct_fail(CT_BAD_SPEC, "data: vocab wants shape to be a number of tokens, such as shape: [64]");
    return CT_OK;
}

/* Each token's target is the next one. */
static bool is_next_token(const ct_data_args *a) { return a->vocab && !a->classes && !a->target.n; }

ct_status ct_random_fields(const ct_data_args *a, ct_fields *out) {
    CT_TRY(check_shapes(a));
    ct_dtype target = a->classes || is_next_token(a) ? CT_I64 : CT_F32;
    *out = (ct_fields){.classes = (int)(is_next_token(a) ? a->vocab : a->classes)};
    out->of[out->n++] = field_of("input", a->vocab ? CT_I64 : CT_F32, &a->shape);
    out->of[0].below = a->vocab;
    out->of[out->n++] = field_of("target", target, is_next_token(a) ? &a->shape : &a->target);
    for (int i = 0; i < a->n_inputs; i++) out->of[out->n++] = field_of(a->inputs[i].name, CT_F32, &a->inputs[i].shape);
    return CT_OK;
}

typedef struct maker {
    ct_philox_key key;
    int64_t n, groups;
    uint64_t part; /* 1: train, 2: test */
} maker;

static float normal(const maker *m, uint64_t stream, int64_t i) {
    uint32_t w[4];
    ct_philox_block(m->key, (uint64_t)i, stream, w);
    return (float)ct_philox_normal(w, false);
}

static int64_t below(const maker *m, uint64_t stream, int64_t i, int64_t limit) {
    uint32_t w[4];
    ct_philox_block(m->key, (uint64_t)i, stream, w);
    return (int64_t)(w[0] % (uint32_t)limit);
}

/* Values of field f: the group's own, and for inputs as much noise. */
static void make_values(const maker *m, int f, bool target, int64_t size, float *x) {
    uint64_t own = (uint64_t)f * STREAMS + (target ? TARGET : 0), noise = (uint64_t)f * STREAMS + m->part;
    for (int64_t i = 0; i < m->n; i++)
        for (int64_t k = 0; k < size; k++) {
            x[i * size + k] = normal(m, own, i % m->groups * size + k);
            if (!target) x[i * size + k] += normal(m, noise, i * size + k);
        }
}

/* The group's own row of numbers below `limit`, some of them noise where `noisy`. */
static void make_numbers(const maker *m, bool noisy, int64_t size, int64_t limit, int64_t *x) {
    for (int64_t i = 0; i < m->n; i++)
        for (int64_t k = 0; k < size; k++) {
            bool wrong = noisy && !below(m, TOKENS + 4 + m->part, i * size + k, WRONG_TOKENS);
            x[i * size + k] = wrong ? below(m, TOKENS + m->part, i * size + k, limit)
                                    : below(m, noisy ? TOKENS : TARGET, i % m->groups * size + k, limit);
        }
}

/* Tokens and the tokens after them: two views of one row that is longer by one. */
static ct_status make_next(const maker *m, const ct_data_args *a, ct_rows *out) {
    int64_t T = a->shape.v[0];
    ct_tensor *all = ct_empty(CT_I64, CT_DIMS(m->n, T + 1));
    CT_TRY(ct_source_check(all));
    make_numbers(m, true, T + 1, a->vocab, ct_data(all));
    out->x = ct_keep(ct_narrow(all, (ct_narrow_args){.dim = 1, .start = CT_ZERO, .length = T}));
    out->y = ct_keep(ct_narrow(all, (ct_narrow_args){.dim = 1, .start = 1, .length = T}));
    CT_TRY(ct_source_check(out->x));
    return ct_source_check(out->y);
}

static ct_status make_field(const maker *m, const ct_data_args *a, const ct_fields *fields, int f, ct_tensor **out) {
    bool target = f == 1;
    ct_dims shape = {fields->of[f].layout.ndim, {m->n}};
    memcpy(shape.v + 1, fields->of[f].layout.size + 1, (size_t)(shape.n - 1) * sizeof shape.v[0]);
    ct_dtype dtype = fields->of[f].layout.dtype;
    ct_tensor *t = *out = ct_keep(ct_empty(dtype, shape));
    CT_TRY(ct_source_check(t));
    int64_t size = ct_numel(t) / m->n;
    if (dtype == CT_F32)
        make_values(m, f, target, size, ct_data(t));
    else if (target && !a->target.n)
        for (int64_t i = 0; i < m->n; i++) ((int64_t *)ct_data(t))[i] = i % a->classes;
    else
        make_numbers(m, !target, size, target ? a->classes : a->vocab, ct_data(t));
    return CT_OK;
}

static ct_status make_part(const ct_data_args *a, const ct_fields *fields, uint64_t seed, uint64_t part, ct_rows *out) {
    maker m = {ct_philox_make(seed, 0x72616e64), a->samples, a->classes ? a->classes : GROUPS, part};
    for (int f = 2; f < fields->n; f++) CT_TRY(make_field(&m, a, fields, f, &out->more[f - 2]));
    if (is_next_token(a)) return make_next(&m, a, out);
    CT_TRY(make_field(&m, a, fields, 0, &out->x));
    return make_field(&m, a, fields, 1, &out->y);
}

ct_status ct_source_random(const ct_data_args *a, uint64_t seed, ct_dataset *d) {
    ct_fields fields;
    CT_TRY(ct_random_fields(a, &fields));
    if (!(d->name = ct_strdup("random"))) return CT_NO_MEMORY;
    for (int i = 2; i < fields.n; i++, d->n_more++)
        if (!(d->more_name[d->n_more] = ct_strdup(fields.of[i].name))) return CT_NO_MEMORY;
    CT_TRY(ct_dataset_number(d, fields.classes));
    CT_TRY(make_part(a, &fields, seed, 1, &d->train));
    return make_part(a, &fields, seed, 2, &d->test);
}
