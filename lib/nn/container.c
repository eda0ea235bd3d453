/* Modules made of modules: sequential, residual, branches, and joins of branches or of named values. Their parts are
   lists, which who builds them adds (ct_module_part_list). */
#include "nn/container.h"
#include "nn/keys.h"
#include <string.h>

static ct_tensor *forward_sequential(ct_module *m, ct_tensor *const *in, ct_tensor **out) {
    return ct_module_forward_all(m->child[0], in, 1, out);
}

const ct_layer ct_layer_sequential = {.kind = {"sequential", NULL, 1, "a list of layers as one"},
                                      .forward_all = forward_sequential,
                                      .min_in = 1,
                                      .max_in = 1,
                                      .flow = ct_flow_alone};

/* The body, and a shortcut around it: x itself without a second part. */
static ct_tensor *forward_residual(ct_module *m, ct_tensor *x) {
    ct_tensor *body = ct_module_forward(m->child[0], x);
    return ct_add(body, m->n_children > 1 ? ct_module_forward(m->child[1], x) : x);
}

const ct_layer ct_layer_residual = {
    .kind = {"residual", NULL, 1, "adds its input, or its shortcut's result, to its body's"},
    .forward = forward_residual,
    .flow = ct_flow_alone};

bool ct_same_shape(const ct_tensor *a, const ct_tensor *b) {
    return a->layout.ndim == b->layout.ndim &&
           !memcmp(a->layout.size, b->layout.size, (size_t)a->layout.ndim * sizeof a->layout.size[0]);
}

/* Whether sizes are the same but for ones: a factor a channel, for all pixels. */
static bool scales(const ct_tensor *a, const ct_tensor *b) {
    const ct_layout *x = &a->layout, *y = &b->layout;
    bool fits = x->ndim == y->ndim;
    for (int d = 0; fits && d < x->ndim; d++) fits = x->size[d] == y->size[d] || x->size[d] == 1 || y->size[d] == 1;
    return fits;
}

typedef struct args {
    int64_t dim;
} args;
static const ct_key concat_keys[] = {CT_ROW_INT(dim, 1, -8, 7, "the dimension that grows"), {0}};

/* What is joined: the results of the branches on the one input, or the inputs. */
static int operands(ct_module *m, ct_tensor *const *in, ct_tensor **out) {
    int n = 0;
    for (; m->n_children && n < m->n_children; n++) out[n] = ct_module_forward(m->child[n], in[0]);
    for (; !m->n_children && n < CT_MAX_IN && in[n]; n++) out[n] = in[n];
    return n;
}

static ct_tensor *shapes_differ(const ct_module *m, const ct_tensor *a, const ct_tensor *b) {
    char x[128], y[128];
    ct_layout_text(&a->layout, x, sizeof x), ct_layout_text(&b->layout, y, sizeof y);
    return ct_tensor_error(CT_FAIL, "%s: its values must have one shape, but one is %s and another %s",
                           m->layer->kind.name, x, y);
}

static ct_tensor *fold(ct_module *m, ct_tensor *const *in, ct_tensor *(*op)(ct_tensor *, ct_tensor *)) {
    ct_tensor *x[CT_MAX_IN];
    int n = operands(m, in, x);
    for (int i = 1; i < n; i++) {
        bool fit = ct_why(x[0]) || ct_why(x[i]) || ct_same_shape(x[0], x[i]) || !x[0]->layout.ndim ||
                   !x[i]->layout.ndim || (op == ct_mul && scales(x[0], x[i]));
        if (!fit) return shapes_differ(m, x[0], x[i]);
        x[0] = op(x[0], x[i]);
    }
    return x[0];
}

static ct_tensor *forward_add(ct_module *m, ct_tensor *const *in, ct_tensor **out) {
    (void)out;
    return fold(m, in, ct_add);
}
static ct_tensor *forward_mul(ct_module *m, ct_tensor *const *in, ct_tensor **out) {
    (void)out;
    return fold(m, in, ct_mul);
}
static ct_tensor *forward_concat(ct_module *m, ct_tensor *const *in, ct_tensor **out) {
    (void)out;
    ct_tensor *x[CT_MAX_IN];
    int n = operands(m, in, x);
    int64_t dim = ((const args *)m->args)->dim;
    return ct_cat(x, n, (ct_dim_args){dim});
}

/* The first branch's result; the others' are its further ones. */
static ct_tensor *forward_parallel(ct_module *m, ct_tensor *const *in, ct_tensor **out) {
    ct_tensor *x[CT_MAX_IN];
    int n = operands(m, in, x);
    for (int i = 0; i < n; i++) {
        if (ct_why(x[i])) return x[i];
        if (out) out[i] = x[i];
    }
    return x[0];
}

const ct_layer ct_layer_add = {.kind = {"add", NULL, 1, "the sum of branches or of named values"},
                               .forward_all = forward_add,
                               .min_in = 1,
                               .max_in = CT_MAX_IN,
                               .flow = ct_flow_alone};
const ct_layer ct_layer_mul = {.kind = {"mul", NULL, 1, "the product of branches or of named values"},
                               .forward_all = forward_mul,
                               .min_in = 1,
                               .max_in = CT_MAX_IN,
                               .flow = ct_flow_alone};

static ct_flow flow_concat(const ct_module *m, int64_t capacity, ct_dims *keeps) {
    int64_t dim = ((const args *)m->args)->dim;
    return dim == -1 || dim > 1 ? ct_flow_alone(m, capacity, keeps) : CT_FLOW_MIXED;
}

const ct_layer ct_layer_concat = {
    .kind = {"concat", concat_keys, sizeof(args), "branches or named values, joined along dim"},
    .forward_all = forward_concat,
    .min_in = 1,
    .max_in = CT_MAX_IN,
    .flow = flow_concat};
const ct_layer ct_layer_parallel = {
    .kind = {"parallel", NULL, 1, "branches that are not joined; the first one's result flows on"},
    .forward_all = forward_parallel,
    .min_in = 1,
    .max_in = 1,
    .flow = ct_flow_alone};
