/* Where in a sequence an element stands: learned vectors (weight (max_length, E) of N(0, 1)) or sines (Vaswani et al.,
   2017) are added; rotary positions (Su et al., 2021) turn each pair of features. */
#include "base/math.h"
#include "nn/cache.h"
#include "nn/keys.h"
#include "ops/shape_util.h"

enum { LEARNED, SINUSOIDAL, ROTARY };
typedef struct args {
    int kind;
    int64_t max_length, dim;
    double base;
} args;
static const ct_key keys[] = {
    CT_ROW_ENUM(kind, "learned|sinusoidal|rotary", "what says where"),
    CT_ROW_INT(max_length, 0, 0, 1 << 30, "learned: positions there are; 0: as many as the input is long"),
    CT_ROW_INT(dim, -2, -8, 7, "the dimension of the sequence; features are the last"),
    CT_ROW_FLOAT(base, 10000, 1, INFINITY, "sinusoidal, rotary: the slowest turn takes 2 pi times this"),
    {0},
};

static ct_status build(ct_module *m, const ct_layout *in) {
    args *a = m->args;
    CT_TRY(ct_want_dims(m, in, 2, CT_MAX_DIMS, "of at least two dimensions"));
    CT_TRY(ct_dim_fix("positions", &a->dim, in->ndim));
    int64_t length = in->size[a->dim], features = in->size[in->ndim - 1];
    if (a->dim == in->ndim - 1) return ct_fail(CT_FAIL, "positions: dim is the features' own");
    if (a->kind != LEARNED && features % 2)
        return ct_fail(CT_FAIL, "positions: pairs of features are wanted, there are %lld", (long long)features);
    if (a->kind != LEARNED) return CT_OK;
    if (!a->dim)
        return ct_fail(CT_FAIL, "positions: learned ones are of a sequence, (N, L, E): dimension 0 is the batch");
    if (!a->max_length) a->max_length = length;
    return ct_param_normal(m, "weight", CT_DIMS(a->max_length, features), 1);
}

/* A table (length, n) as it broadcasts with x. */
static ct_tensor *along(ct_tensor *table, const args *a, const ct_layout *x, int64_t n) {
    int64_t size[CT_MAX_DIMS] = {1, 1, 1, 1, 1, 1, 1, 1};
    size[a->dim] = x->size[a->dim], size[x->ndim - 1] = n;
    return ct_reshape_to(table, size, x->ndim);
}

static ct_tensor *count(int64_t n) {
    return ct_arange((ct_arange_args){.start = CT_ZERO, .end = CT_GIVEN((double)n), .step = 1, .dtype = CT_F32});
}

/* How far each pair of features has turned at each position, (length, pairs). */
static ct_tensor *angles(const args *a, int64_t length, int64_t pairs) {
    ct_tensor *places = ct_cache_places(length), *place = places ? ct_to(places, CT_F32) : count(length);
    ct_tensor *speed = ct_exp(ct_times(count(pairs), -ct_log_f64(a->base) / (double)pairs));
    return ct_mul(ct_unsqueeze(place, (ct_dim_args){.dim = 1}), speed);
}

/* The learned vectors (length, E). */
static ct_tensor *learned(ct_module *m, int64_t length) {
    ct_tensor *weight = ct_param_at(m, 0), *places = ct_cache_places(length);
    if (places) return ct_index_select(weight, places, (ct_dim_args){.dim = 0});
    return ct_slice(weight, (ct_slice_args){.start = CT_DIMS(0), .stop = CT_DIMS(length)});
}

static ct_tensor *beside(ct_tensor *a, ct_tensor *b) {
    return ct_stack((ct_tensor *[]){a, b}, 2, (ct_dim_args){.dim = -1});
}

static ct_tensor *half(ct_tensor *pairs, int which) {
    ct_slice_args by = {.start.n = pairs->layout.ndim, .stop = ct_shape_of(pairs)};
    by.start.v[by.start.n - 1] = which, by.stop.v[by.stop.n - 1] = which + 1;
    return ct_squeeze(ct_slice(pairs, by), (ct_squeeze_args){CT_DIMS(-1)});
}

static ct_tensor *rotated(ct_tensor *x, ct_tensor *cos, ct_tensor *sin) {
    ct_dims shape = ct_shape_of(x), apart = shape;
    apart.v[apart.n - 1] /= 2, apart.v[apart.n++] = 2;
    ct_tensor *pairs = ct_reshape(x, (ct_shape_args){.shape = apart});
    if (ct_why(pairs)) return pairs;
    ct_tensor *a = half(pairs, 0), *b = half(pairs, 1);
    ct_tensor *y = beside(ct_sub(ct_mul(a, cos), ct_mul(b, sin)), ct_add(ct_mul(a, sin), ct_mul(b, cos)));
    return ct_reshape(y, (ct_shape_args){.shape = shape});
}

static ct_tensor *forward(ct_module *m, ct_tensor *x) {
    const args *a = m->args;
    const ct_layout *l = &x->layout;
    if (l->ndim <= a->dim + 1) return ct_tensor_error(CT_FAIL, "positions: the input has %d dimensions", l->ndim);
    int64_t length = l->size[a->dim], features = l->size[l->ndim - 1];
    if (a->kind == LEARNED) {
        if (length > a->max_length)
            return ct_tensor_error(CT_FAIL, "positions: the sequence is %lld long, there are %lld positions",
                                   (long long)length, (long long)a->max_length);
        return ct_add(x, along(learned(m, length), a, l, features));
    }
    ct_tensor *angle = angles(a, length, features / 2), *sin = ct_sin(angle), *cos = ct_cos(angle);
    if (a->kind == SINUSOIDAL) return ct_add(x, along(beside(sin, cos), a, l, features));
    if (l->ndim == CT_MAX_DIMS) return ct_tensor_error(CT_FAIL, "positions: the input has %d dimensions", l->ndim);
    return rotated(x, along(cos, a, l, features / 2), along(sin, a, l, features / 2));
}

static ct_flow flow(const ct_module *m, int64_t capacity, ct_dims *keeps) {
    (void)capacity, (void)keeps;
    return ((const args *)m->args)->dim == 1 ? CT_FLOW_WINDOW : CT_FLOW_MIXED;
}

const ct_layer ct_layer_positions = {
    .kind = {"positions", keys, sizeof(args), "says where in a sequence an element stands"},
    .build = build,
    .forward = forward,
    .flow = flow};
