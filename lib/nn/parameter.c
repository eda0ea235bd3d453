/* A learned tensor, the same for each sample of the batch that flows by: a class token, positions, a scale a channel.
 */
#include "nn/keys.h"
#include "ops/shape_util.h"

typedef struct args {
    ct_dims shape;
    double value, std;
} args;
static const ct_key keys[] = {
    CT_ROW_DIMS(shape, "of a sample's"),
    CT_ROW_FLOAT(value, 0, -INFINITY, INFINITY, "what it starts as"),
    CT_ROW_FLOAT(std, 0, 0, INFINITY, "standard deviation of normal numbers that it starts as; 0: all are `value`"),
    {0},
};

static ct_status build(ct_module *m, const ct_layout *in) {
    const args *a = m->args;
    if (in->ndim < 1 || !a->shape.n || a->shape.n >= CT_MAX_DIMS)
        return ct_fail(CT_FAIL, "parameter: a shape of 1 to %d sizes, and a batch to repeat it for, are wanted",
                       CT_MAX_DIMS - 1);
    if (a->std > 0) return ct_param_normal(m, "weight", a->shape, a->std);
    return ct_param_full(m, "weight", a->shape, a->value);
}

static ct_tensor *forward(ct_module *m, ct_tensor *x) {
    ct_tensor *w = ct_param_named(m, "weight");
    ct_dims size = {w->layout.ndim + 1, {x->layout.size[0]}};
    for (int d = 0; d < w->layout.ndim; d++) size.v[1 + d] = w->layout.size[d];
    return ct_expand(w, (ct_expand_args){.size = size});
}

const ct_layer ct_layer_parameter = {
    .kind = {"parameter", keys, sizeof(args), "a learned tensor (N, *shape), the same for each sample"},
    .build = build,
    .forward = forward};
