/* vmap: a function is captured for one sample, then each node of the graph is applied to all samples. */
#include "autograd/batch.h"
#include "ops/shape_util.h"

/* A value of the captured graph, by its place in memory, and what it is for all samples. */
typedef struct value {
    const ct_storage *storage;
    int64_t offset;
    ct_layout layout;
    ct_tensor *all;
    bool mapped;
} value;

typedef struct vmap {
    ct_graph graph;
    value *at;
    size_t n, cap;
    int64_t size; /* of the batch */
} vmap;

static bool is_value(const value *v, const ct_tensor *t) {
    const ct_layout *l = &t->layout;
    bool same = v->storage == t->storage && v->offset == t->offset && v->layout.ndim == l->ndim;
    for (int d = 0; same && d < l->ndim; d++)
        same = v->layout.size[d] == l->size[d] && v->layout.stride[d] == l->stride[d];
    return same;
}

static const value *find(const vmap *m, const ct_tensor *t) {
    for (size_t i = m->n; i-- > 0;)
        if (is_value(&m->at[i], t)) return &m->at[i];
    return NULL;
}

static ct_status add(vmap *m, const ct_tensor *t, ct_tensor *all, bool mapped) {
    if (ct_why(all)) return ct_fail(all->status, "%s", ct_why(all));
    value *p = ct_grow(m->at, m->n, &m->cap, sizeof *p);
    if (!p) return CT_NO_MEMORY;
    m->at = p;
    p[m->n++] = (value){t->storage, t->offset, t->layout, all, mapped};
    return CT_OK;
}

/* A tensor with the shape of one sample of t, whose batch is in front, and no value. */
static ct_tensor *shell(const ct_tensor *t) {
    ct_dims size = ct_shape_of(t);
    for (int d = 1; d < size.n; d++) size.v[d - 1] = size.v[d];
    size.n--;
    ct_layout l = ct_layout_of(t->layout.dtype, size);
    ct_storage *s = ct_alloc(1, sizeof *s);
    if (!s) return ct_tensor_failed(CT_NO_MEMORY);
    *s = (ct_storage){.refs = 1, .bytes = ct_layout_bytes(&l)};
    ct_tensor *y = ct_tensor_make(&l, s, 0);
    ct_storage_unref(s);
    return y;
}

/* Dimension `from` moved to `to`. */
static ct_tensor *moved(ct_tensor *t, int64_t from, int64_t to) {
    if (from == to) return t;
    ct_dims_args order = {.dims.n = t->layout.ndim};
    for (int64_t d = 0, k = 0; d < order.dims.n; d++) {
        if (k == from) k++;
        order.dims.v[d] = d == to ? from : k++;
    }
    return ct_permute(t, order);
}

/* An input that is there with its batch in front; *mapped: whether it has one. */
static ct_tensor *front(vmap *m, ct_tensor *t, int i, const ct_vmap_args *args, bool *mapped) {
    if (ct_why(t)) return t;
    int64_t dim = args->in_dims.n ? args->in_dims.v[i] : 0;
    *mapped = dim != CT_UNMAPPED;
    if (!*mapped) return t;
    ct_status status = t->layout.ndim ? ct_dim_fix("vmap", &dim, t->layout.ndim)
                                      : ct_fail(CT_FAIL, "vmap: input %d is one number: it has no dimension to map", i);
    if (status) return ct_tensor_failed(status);
    int64_t size = t->layout.size[dim];
    if (m->size >= 0 && m->size != size)
        return ct_tensor_error(CT_FAIL, "vmap: input %d has %lld samples, one before it %lld", i, (long long)size,
                               (long long)m->size);
    m->size = size;
    return moved(t, dim, 0);
}

static ct_status prepare(vmap *m, ct_tensor *const *in, int n, const ct_vmap_args *args, ct_tensor **one) {
    if (args->in_dims.n && args->in_dims.n != n)
        return ct_fail(CT_FAIL, "vmap: in_dims has %d entries for %d inputs", args->in_dims.n, n);
    m->size = -1;
    for (int i = 0; i < n; i++) {
        bool mapped = false;
        if (!in[i]) continue;
        ct_tensor *all = front(m, in[i], i, args, &mapped);
        one[i] = ct_why(all) || !mapped ? all : shell(all);
        if (ct_why(one[i])) return ct_fail(one[i]->status, "%s", ct_why(one[i]));
        CT_TRY(add(m, one[i], all, mapped));
    }
    return m->size < 0 ? ct_fail(CT_FAIL, "vmap: no input is mapped") : CT_OK;
}

/* Only what the function itself made may have changed in place. */
static ct_status check_bindings(const vmap *m) {
    for (size_t i = 0; i < m->graph.n_bindings; i++) {
        bool own = false;
        for (size_t k = 0; k < m->graph.n && !own; k++)
            for (int o = 0; o < m->graph.node[k]->n_out; o++)
                own |= m->graph.node[k]->out[o].storage == m->graph.binding[i].before;
        if (!own) return ct_fail(CT_FAIL, "vmap: the function changes a tensor in place that was there before");
    }
    return CT_OK;
}

static ct_status apply(const vmap *m, const ct_node *n, ct_tensor **in, bool *mapped, ct_tensor **out, bool *any) {
    *any = false;
    for (int i = 0; i < n->n_in; i++) {
        const value *v = n->in[i] ? find(m, n->in[i]) : NULL;
        in[i] = v ? v->all : n->leaf[i] ? n->leaf[i] : n->in[i];
        *any |= mapped[i] = v && v->mapped;
    }
    if (n->op->flags & CT_RANDOM)
        return ct_fail(CT_FAIL, "vmap: %s draws random numbers; draw them before, for all samples", n->op->kind.name);
    if (*any) return ct_batch_apply(&(ct_batch){n, m->size, in, mapped}, out);
    const ct_tensor *y = ct_apply(ct_op_id(n->op), in, n->n_in, n->args, out);
    return ct_why(y) ? y->status : CT_OK;
}

static ct_status run_node(vmap *m, const ct_node *n) {
    bool any, *mapped = ct_alloc((size_t)n->n_in, sizeof *mapped);
    ct_tensor **in = ct_alloc((size_t)(n->n_in + n->n_out), sizeof *in), **out = in + n->n_in;
    ct_status status = in && mapped ? CT_OK : CT_NO_MEMORY;
    int depth = ct_no_grad_swap(n->quiet || !ct_grad_enabled());
    if (!status) status = apply(m, n, in, mapped, out, &any);
    ct_no_grad_swap(depth);
    for (int i = 0; !status && i < n->n_out; i++)
        if (n->out[i].layout.dtype != CT_NONE) status = add(m, &n->out[i], out[i], any);
    ct_free(in), ct_free(mapped);
    return status;
}

/* The captured result for all samples, with the batch where it is wanted. */
static ct_tensor *result(const vmap *m, ct_tensor *y, ct_tensor *handle, int64_t out_dim) {
    const value *v = find(m, y);
    ct_tensor *all = v ? v->all : handle;
    if (!v || !v->mapped) {
        ct_dims size = {.n = all->layout.ndim + 1, .v = {m->size}};
        if (size.n > CT_MAX_DIMS) return ct_tensor_error(CT_FAIL, "vmap: the result has too many dimensions");
        for (int d = 1; d < size.n; d++) size.v[d] = all->layout.size[d - 1];
        all = ct_expand(all, (ct_expand_args){.size = size});
    }
    ct_status status = ct_why(all) ? CT_OK : ct_dim_fix("vmap", &out_dim, all->layout.ndim);
    return status ? ct_tensor_failed(status) : ct_why(all) ? all : moved(all, 0, out_dim);
}

static ct_tensor *run(vmap *m, ct_fn fn, void *ctx, ct_tensor *const *one, int n, int64_t out_dim) {
    ct_status status = ct_capture_begin(&m->graph);
    if (status) return ct_tensor_failed(status);
    ct_tensor *y = fn(one, n, ctx);
    ct_tensor at = {0}; /* where the result is: the end of the capture moves what was rebound back */
    if (!ct_why(y)) at = (ct_tensor){.layout = y->layout, .storage = y->storage, .offset = y->offset};
    status = ct_capture_end(&m->graph);
    if (ct_why(y)) return y ? y : ct_tensor_error(CT_FAIL, "vmap: the function gave no tensor");
    if (!status) status = check_bindings(m);
    for (size_t i = 0; !status && i < m->graph.n; i++) status = run_node(m, m->graph.node[i]);
    return status ? ct_tensor_failed(status) : result(m, &at, y, out_dim);
}

ct_tensor *ct_vmap(ct_fn fn, void *ctx, ct_tensor *const *in, int n, ct_vmap_args args) {
    vmap m = {0};
    ct_scope *scope = ct_scope_open();
    ct_tensor **one = ct_alloc((size_t)n, sizeof *one);
    ct_status status = scope && one ? prepare(&m, in, n, &args, one) : CT_NO_MEMORY;
    ct_tensor *y = status ? ct_tensor_failed(status) : run(&m, fn, ctx, one, n, args.out_dim);
    ct_graph_free(&m.graph);
    ct_free(m.at), ct_free(one);
    y = ct_scope_return(scope, y);
    status = ct_scope_close(scope);
    return status && !ct_why(y) ? ct_tensor_failed(status) : y;
}
