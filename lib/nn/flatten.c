/* As torch.nn.Flatten, where the batch dimension stays, Unflatten and Identity. */
#include "nn/keys.h"
#include "ops/shape_util.h"

typedef struct args {
    int64_t start_dim, end_dim;
} args;
static const ct_key keys[] = {
    CT_ROW_INT(start_dim, 1, -8, 7, "first dimension joined"),
    CT_ROW_INT(end_dim, -1, -8, 7, "last dimension joined"),
    {0},
};

static ct_tensor *forward(ct_module *m, ct_tensor *x) {
    const args *a = m->args;
    return ct_flatten(x, (ct_flatten_args){a->start_dim, CT_GIVEN(a->end_dim)});
}

const ct_layer ct_layer_flatten = {.kind = {"flatten", keys, sizeof(args), "joins all dimensions but the batch's"},
                                   .forward = forward};

typedef struct unflatten_args {
    int64_t dim;
    ct_dims unflattened_size;
} unflatten_args;
#define args unflatten_args
static const ct_key unflatten_keys[] = {
    CT_ROW_INT(dim, 1, -8, 7, "the dimension that is split"),
    CT_ROW(unflattened_size, DIMS, 1, CT_REQUIRED, -1, 1 << 30, "what it becomes; one size may be -1"),
    {0},
};
#undef args

static ct_tensor *forward_unflatten(ct_module *m, ct_tensor *x) {
    const unflatten_args *a = m->args;
    const ct_layout *l = &x->layout;
    const ct_dims *into = &a->unflattened_size;
    int64_t dim = a->dim;
    ct_status status = ct_dim_fix("unflatten", &dim, l->ndim);
    if (status) return ct_tensor_failed(status);
    ct_layout one = {.dtype = l->dtype, .ndim = 1, .size = {l->size[dim]}};
    ct_dims parts, shape = {0};
    if ((status = ct_shape_infer("unflatten", &one, into, &parts))) return ct_tensor_failed(status);
    if (l->ndim - 1 + parts.n > CT_MAX_DIMS)
        return ct_tensor_error(CT_FAIL, "unflatten: %d dimensions are more than %d", l->ndim - 1 + parts.n,
                               CT_MAX_DIMS);
    for (int d = 0; d < l->ndim; d++)
        if (d != dim)
            shape.v[shape.n++] = l->size[d];
        else
            for (int i = 0; i < parts.n; i++) shape.v[shape.n++] = parts.v[i];
    return ct_reshape(x, (ct_shape_args){.shape = shape});
}

const ct_layer ct_layer_unflatten = {
    .kind = {"unflatten", unflatten_keys, sizeof(unflatten_args), "splits a dimension into several"},
    .forward = forward_unflatten};

static ct_tensor *forward_identity(ct_module *m, ct_tensor *x) {
    (void)m;
    return x;
}

const ct_layer ct_layer_identity = {
    .kind = {"identity", NULL, 1, "its input"}, .forward = forward_identity, .flow = ct_flow_alone};
