/* Reverse-mode differentiation: nodes are visited from the newest to the oldest, so that each has its whole gradient
   when its turn comes; leaves last. */
#include "autograd/backward.h"
#include "autograd/hook.h"
#include "autograd/visits.h"
#include "ops/shape_util.h"
#include "tensor/scope.h"

typedef struct sweep {
    ct_visits all;
    ct_tensor *const *target; /* whose gradients are wanted; NULL: every leaf's */
    int n_target;
    uint64_t floor; /* nodes up to this one, and leaves, are passed by: they are another sweep's */
    bool create_graph, free_saved;
} sweep;

static bool is_mine(const sweep *s, const ct_visit *v) { return !s->floor || (v->node && v->node->seq > s->floor); }

/* Marks the targets, and what leads to one: the rest is not visited. */
static void mark(sweep *s) {
    for (int i = 0; i < s->n_target; i++) {
        ct_visit *v = ct_visits_find(&s->all, s->target[i]->node, s->target[i]);
        if (v) v->target = v->wanted = true;
    }
    for (size_t i = s->all.n; i-- > 0;) {
        ct_visit *v = &s->all.at[i];
        if (!s->target) v->wanted = true;
        for (int k = 0; v->node && is_mine(s, v) && !v->wanted && k < v->node->n_in; k++) {
            const ct_tensor *in = v->node->in[k];
            if (in && (in->node || v->node->leaf[k]))
                v->wanted = ct_visits_find(&s->all, in->node, v->node->leaf[k])->wanted;
        }
    }
}

/* Adds g to what has arrived at *sum. */
static ct_status deliver(ct_tensor **sum, ct_tensor *g) {
    ct_tensor *t = *sum ? ct_add(*sum, g) : g;
    if (ct_why(t)) return ct_fail(t->status, "%s", ct_why(t));
    ct_tensor_ref(t);
    ct_tensor_unref(*sum);
    *sum = t;
    return CT_OK;
}

static ct_status check_saved(const ct_node *n) {
    if (n->freed && (n->op->saves_in || n->op->saves_out))
        return ct_fail(CT_FAIL, "a second time: what was saved for it was let go by the first; retain_graph keeps it");
    for (int i = 0; i < n->n_in + n->n_out && !ct_capturing(); i++) {
        const ct_tensor *t = i < n->n_in ? n->in[i] : &n->out[i - n->n_in];
        if (t && t->storage && t->storage->version != n->version[i])
            return ct_fail(CT_FAIL, "%s %d was changed in place after it was used; the gradient needs its old value",
                           i < n->n_in ? "input" : "result", i < n->n_in ? i : i - n->n_in);
    }
    return CT_OK;
}

/* What a fused op's formula makes, to be differentiated with gradient *g: its result; or, where further results have a
   gradient too, the sum of all, each times its own. */
static ct_tensor *composed(const ct_visit *v, ct_tensor *const *in, ct_tensor **g) {
    const ct_node *n = v->node;
    ct_tensor *out[CT_MAX_IN] = {0}, *sum = NULL;
    bool more = false;
    for (int k = 1; k < n->n_out; k++) more |= v->g[k] != NULL;
    ct_tensor *y = out[0] = n->op->formula(in, n->n_in, n->args, more ? out : NULL);
    *g = more ? NULL : v->g[0];
    for (int k = 0; more && !ct_why(y) && k < n->n_out; k++) {
        ct_tensor *part = v->g[k] && out[k] ? ct_sum(ct_mul(out[k], v->g[k]), (ct_reduce_args){0}) : NULL;
        sum = sum && part ? ct_add(sum, part) : sum ? sum : part;
    }
    return sum ? sum : y;
}

/* A result's gradient for op's rule. What a sum's repeats is written out, in the result's order, where kernels read it
   by rows. */
static ct_tensor *written_out(const ct_op *op, ct_tensor *g, const ct_layout *result) {
    bool repeats = false;
    for (int d = 0; g && d < g->layout.ndim; d++) repeats |= g->layout.size[d] > 1 && !g->layout.stride[d];
    return repeats && !(op->flags & (CT_POINTWISE | CT_IS_VIEW)) ? ct_in_order_of(g, result) : g;
}

/* The gradients of one node's inputs, by its fused rule; or, to be differentiated again, through the op's formula. */
static ct_status differentiate(const sweep *s, const ct_visit *v, ct_tensor *const *in, ct_tensor **out, bool *need,
                               ct_tensor **din) {
    ct_node *n = v->node;
    if (!s->create_graph || !n->op->formula) {
        ct_tensor *g[CT_MAX_IN];
        bool few = n->n_out <= CT_MAX_IN; /* not a list */
        for (int k = 0; few && k < n->n_out; k++)
            if (ct_why(g[k] = written_out(n->op, v->g[k], &n->out[k].layout)) && g[k]) return g[k]->status;
        n->op->grad(in, n->n_in, out, few ? g : v->g, n->args, need, din);
        return ct_anomaly() ? ct_anomaly_check("it", v->g, n->n_out, din, n->n_in) : CT_OK;
    }
    ct_tensor *wanted[CT_MAX_IN], *got[CT_MAX_IN], *g;
    int at[CT_MAX_IN], count = 0;
    for (int i = 0; i < n->n_in; i++)
        if (need[i]) at[count] = i, wanted[count++] = in[i];
    ct_tensor *y = composed(v, in, &g);
    CT_TRY(ct_gradients(y, g, wanted, count, true, got));
    for (int k = 0; k < count; k++) din[at[k]] = got[k];
    return CT_OK;
}

typedef struct frame {                   /* of one node's turn */
    ct_tensor **in, **out, **din, ***to; /* to: where an input's gradient goes; NULL: nowhere */
    bool *need;
} frame;

static ct_status make_outputs(ct_node *n, ct_tensor **out) {
    for (int i = 0; i < n->n_out; i++) {
        out[i] = ct_tensor_make(&n->out[i].layout, n->out[i].storage, n->out[i].offset);
        if (ct_why(out[i])) return out[i]->status;
        ct_node_adopt(out[i], &(ct_tensor){.node = n, .out_index = i});
    }
    return CT_OK;
}

static ct_status pass_through(const sweep *s, const ct_visit *v, const frame *f) {
    ct_node *n = v->node;
    bool any = false;
    for (int i = 0; i < n->n_in; i++) {
        const ct_tensor *in = n->in[i];
        const ct_visit *to = in && (in->node || n->leaf[i]) ? ct_visits_find(&s->all, in->node, n->leaf[i]) : NULL;
        any |= f->need[i] = to && to->wanted;
        f->to[i] = f->need[i] ? &to->g[in->node ? in->out_index : 0] : NULL;
        f->in[i] = n->leaf[i] && (s->create_graph || !ct_capturing()) ? n->leaf[i] : n->in[i];
    }
    if (!any) return CT_OK;
    CT_TRY(check_saved(n));
    CT_TRY(make_outputs(n, f->out));
    int autocast = ct_autocast_swap(n->bf16);
    ct_status status = differentiate(s, v, f->in, f->out, f->need, f->din);
    ct_autocast_swap(autocast);
    for (int i = 0; !status && i < n->n_in; i++)
        if (f->need[i] && f->din[i]) status = deliver(f->to[i], f->din[i]);
    return status;
}

static ct_status visit_node(const sweep *s, const ct_visit *v) {
    size_t n_in = (size_t)v->node->n_in, n_out = (size_t)v->node->n_out;
    ct_tensor **t = ct_alloc(2 * n_in + n_out, sizeof *t);
    ct_tensor ***to = ct_alloc(n_in, sizeof *to);
    bool *need = ct_alloc(n_in, sizeof *need);
    ct_status status = t && to && need ? CT_OK : CT_NO_MEMORY;
    for (int k = 0; !status && k < v->node->n_out; k++)
        if (v->g[k]) status = ct_hooks_run(v->node->hooks, k, &v->g[k], !s->target);
    if (!status) status = pass_through(s, v, &(frame){t, t + 2 * n_in, t + n_in, to, need});
    if (!status && s->free_saved) ct_node_free_saved(v->node);
    ct_free(t), ct_free(to), ct_free(need);
    return status;
}

static ct_status visit_leaf(const sweep *s, const ct_visit *v) {
    CT_TRY(ct_hooks_run(v->leaf->hooks, 0, &v->g[0], false));
    return s->target ? CT_OK : ct_gradient_add(&v->leaf->grad, v->g[0]);
}

/* Each turn's temporary tensors end with it. */
static ct_status walk(const sweep *s) {
    for (size_t i = 0; i < s->all.n; i++) {
        ct_visit *v = &s->all.at[i];
        bool any = false;
        for (int k = 0; k < (v->node ? v->node->n_out : 1); k++) any |= v->g[k] != NULL;
        if (!any || !v->wanted || !is_mine(s, v)) continue;
        ct_scope *scope = ct_scope_open();
        if (!scope) return CT_NO_MEMORY;
        ct_status status = v->node ? visit_node(s, v) : visit_leaf(s, v), inner = ct_scope_close(scope);
        if (!status) status = inner;
        if (status) return v->node ? ct_fail_in(status, "backward of %s", v->node->op->kind.name) : status;
        if (!v->target) ct_visit_clear(v);
    }
    return CT_OK;
}

static ct_tensor *ones(const ct_tensor *root) {
    if (!ct_capturing()) return ct_full(root->layout.dtype, ct_shape_of(root), 1);
    return ct_constant(root->layout.dtype, ct_shape_of(root), 1); /* in a plan, constants are nodes too */
}

static ct_status start(sweep *s, ct_tensor *root, ct_tensor *g) {
    CT_TRY(root->node ? ct_visits_collect(&s->all, root->node, s->floor) : ct_visits_add(&s->all, NULL, root));
    CT_TRY(ct_visits_sort(&s->all));
    mark(s);
    ct_scope *scope = ct_scope_open();
    if (!scope) return CT_NO_MEMORY;
    ct_status status = deliver(ct_visits_gradient(&s->all, root), g ? g : ones(root)), inner = ct_scope_close(scope);
    return status ? status : inner;
}

/* g flows back from root. */
static ct_status run(sweep *s, ct_tensor *root, ct_tensor *g, ct_tensor **result) {
    int depth = ct_no_grad_swap(!s->create_graph);
    ct_status status = start(s, root, g);
    if (!status) status = walk(s);
    ct_no_grad_swap(depth);
    for (int i = 0; !status && i < s->n_target; i++) {
        ct_tensor **sum = ct_visits_gradient(&s->all, s->target[i]);
        if (!sum || !*sum) continue;
        if (ct_scope_add(ct_tensor_ref(*sum)))
            result[i] = *sum;
        else
            status = CT_NO_MEMORY, ct_tensor_unref(*sum);
    }
    ct_visits_free(&s->all);
    return status;
}

static ct_status check(const ct_tensor *output, const ct_tensor *g) {
    if (ct_why(output)) return ct_fail(output ? output->status : CT_FAIL, "%s", ct_why(output));
    if (g && ct_why(g)) return ct_fail(g->status, "%s", ct_why(g));
    if (!g && ct_layout_numel(&output->layout) != 1)
        return ct_fail(CT_FAIL, "backward: the result must have one element, or its gradient be given; it has %lld",
                       (long long)ct_numel(output));
    if (!g || (ct_same_sizes(&g->layout, &output->layout) && g->layout.dtype == output->layout.dtype)) return CT_OK;
    char is[CT_SHAPE_TEXT], wants[CT_SHAPE_TEXT];
    ct_layout_text(&g->layout, is, sizeof is), ct_layout_text(&output->layout, wants, sizeof wants);
    return ct_fail(CT_FAIL, "backward: the gradient is %s %s, the result %s %s", ct_dtype_name(g->layout.dtype), is,
                   ct_dtype_name(output->layout.dtype), wants);
}

ct_status ct_backward(ct_tensor *loss) { return ct_backward_with(loss, NULL, (ct_backward_args){0}); }

static ct_status backward(ct_tensor *output, ct_tensor *grad, ct_backward_args args) {
    CT_TRY(check(output, grad));
    if (!output->requires_grad)
        return ct_fail(CT_FAIL, "backward: nothing that the result depends on requires a gradient");
    sweep s = {.create_graph = args.create_graph};
    s.free_saved = !args.retain_graph && !args.create_graph && !ct_capturing();
    return run(&s, output, grad, NULL);
}

ct_status ct_backward_with(ct_tensor *output, ct_tensor *grad, ct_backward_args args) {
    ct_status status = backward(output, grad, args);
    ct_scope_note(status);
    return status;
}

static ct_status gradients(sweep *s, ct_tensor *output, ct_tensor *grad_output, ct_tensor **din) {
    for (int i = 0; i < s->n_target; i++) din[i] = NULL;
    CT_TRY(check(output, grad_output));
    for (int i = 0; i < s->n_target; i++)
        if (ct_why(s->target[i])) return ct_fail(CT_FAIL, "gradients: input %d: %s", i, ct_why(s->target[i]));
    return s->n_target ? run(s, output, grad_output, din) : CT_OK;
}

ct_status ct_gradients_above(uint64_t floor, ct_tensor *output, ct_tensor *grad_output, ct_tensor *const *in, int n_in,
                             bool create_graph, ct_tensor **din) {
    sweep s = {.target = in, .n_target = n_in, .floor = floor, .create_graph = create_graph};
    ct_status status = gradients(&s, output, grad_output, din);
    ct_scope_note(status);
    return status;
}

ct_status ct_gradients(ct_tensor *output, ct_tensor *grad_output, ct_tensor *const *in, int n_in, bool create_graph,
                       ct_tensor **din) {
    return ct_gradients_above(0, output, grad_output, in, n_in, create_graph, din);
}
