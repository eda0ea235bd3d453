/* The one place where results are made. */
#include "ops/shape_util.h"
#include <math.h>
#include <string.h>

#define MAX_OUT 8 /* without a list */

/* Rank of a type in promotion: bool < integers < floats, as PyTorch's. */
static int rank(ct_dtype d) {
    static const int r[] = {[CT_BOOL] = 1, [CT_U8] = 2,  [CT_I32] = 3, [CT_I64] = 4,
                            [CT_BF16] = 5, [CT_F16] = 5, [CT_F32] = 6, [CT_F64] = 7};
    return r[d];
}
static int category(ct_dtype d) { return d == CT_BOOL ? 0 : ct_is_float(d) ? 2 : 1; }

/* The type that has both, of which either may be none yet. */
static ct_dtype joined(ct_dtype a, ct_dtype b) {
    if (!a || a == b) return b;
    return rank(a) == rank(b) ? CT_F32 : rank(a) > rank(b) ? a : b;
}

/* Whether an argument of a pointwise op is a fraction, which an integer cannot be added to, or multiplied by. */
static bool has_fraction(const ct_op *op, const void *args) {
    for (const ct_key *k = op->flags & CT_POINTWISE ? op->kind.keys : NULL; k && k->name; k++) {
        double v = k->type == CT_KEY_FLOAT ? *(const double *)((const char *)args + k->offset) : 0;
        if (isfinite(v) && v != floor(v)) return true;
    }
    return false;
}

/* The common type of inputs from `first` on: tensors with dimensions decide, 0-d ones only if their category is higher.
 */
static ct_dtype promoted(const ct_op *op, ct_tensor *const *in, int first, int n_in, const void *args) {
    ct_dtype best[2] = {CT_NONE, CT_NONE};
    for (int i = first; i < n_in; i++) {
        if (!in[i]) continue;
        ct_dtype d = in[i]->layout.dtype, *b = &best[in[i]->layout.ndim == 0];
        *b = joined(*b, d);
    }
    ct_dtype d = !best[0] || (best[1] && category(best[1]) > category(best[0])) ? best[1] : best[0];
    if (category(d) < 2 && (op->flags & CT_FLOAT_ONLY || has_fraction(op, args))) return CT_F32;
    return d == CT_BOOL && !(op->flags & (CT_BOOLEAN | CT_BOOLS | CT_MASK0 | CT_AS_IS)) ? CT_I64 : d;
}

static ct_tensor *cast_if(ct_tensor *t, ct_dtype dtype) { return !t || t->layout.dtype == dtype ? t : ct_to(t, dtype); }

/* The inputs as the op's rows want them, in `as`; an error among them is returned. */
static ct_tensor *check_inputs(const ct_op *op, ct_tensor *const *in, int n_in, const void *args, ct_tensor **as) {
    for (int i = 0; i < n_in; i++) {
        as[i] = in[i];
        if (in[i] && ct_why(in[i])) return in[i];
    }
    if (op->n_in >= 0 && op->n_in != n_in)
        return ct_tensor_error(CT_FAIL, "%s: wants %d inputs, got %d", op->kind.name, op->n_in, n_in);
    int first = op->flags & CT_MASK0 ? 1 : 0;
    if (!(op->flags & (CT_PROMOTE | CT_MASK0))) return NULL;
    for (int i = 0; i < n_in; i++)
        if (!in[i])
            return ct_tensor_error(CT_FAIL, "%s: input '%s' is missing", op->kind.name,
                                   op->in_names[op->n_in < 0 ? 0 : i]);
    ct_dtype d = promoted(op, in, first, n_in, args);
    if (first) as[0] = cast_if(in[0], CT_BOOL);
    for (int i = first; i < n_in; i++) as[i] = cast_if(in[i], d);
    for (int i = 0; i < n_in; i++)
        if (ct_why(as[i])) return as[i];
    return NULL;
}

static bool wants_grad(const ct_op *op, ct_tensor *const *in, int n_in) {
    if (!op->grad || !ct_grad_enabled()) return false;
    for (int i = 0; i < n_in; i++)
        if (in[i] && (in[i]->requires_grad || in[i]->node)) return true;
    return false;
}

/* Autograd, and a plan, would take the value that such an input had before. */
static ct_status check_histories(const char *what, ct_tensor *const *in, int n_in) {
    for (int i = 0; i < n_in; i++)
        if (in[i] && in[i]->storage && in[i]->version < in[i]->storage->followed)
            return ct_fail(
                CT_FAIL, "%s: input %d was changed in place through another view of its memory, which has its history",
                what, i);
    return CT_OK;
}

/* Appends the node that made `out`, where something will read it. */
static ct_status record(const ct_op *op, ct_tensor *const *in, int n_in, const void *args, ct_tensor **out, int n_out) {
    ct_graph *capture = ct_capturing();
    bool grad = wants_grad(op, in, n_in);
    if (capture || ct_grad_enabled()) CT_TRY(check_histories(op->kind.name, in, n_in));
    if (!capture && !grad) return CT_OK;
    ct_node *n = ct_node_new(op, in, n_in, args, out, n_out, capture != NULL);
    if (!n) return CT_NO_MEMORY;
    n->quiet = !ct_grad_enabled(), n->again = ct_recomputing(), n->bf16 = ct_autocast(), n->direct = !ct_winograd();
    ct_status status = capture ? ct_graph_add(capture, n) : CT_OK;
    for (int i = 0; grad && !status && i < n_out; i++) {
        if (!ct_is_float(out[i]->layout.dtype)) continue;
        ct_node_ref(n);
        out[i]->node = n, out[i]->out_index = i, out[i]->requires_grad = true;
    }
    ct_node_unref(n);
    return status;
}

/* Runs the kernel on tensors that have memory. */
static ct_status run(const ct_op *op, const ct_call *call, ct_tensor *const *in, ct_tensor *const *out) {
    const void **src = ct_alloc((size_t)call->n_in + 1, sizeof *src);
    void **dst = ct_alloc((size_t)call->n_out + 1, sizeof *dst);
    ct_status status = src && dst ? CT_OK : CT_NO_MEMORY;
    for (int i = 0; !status && i < call->n_in; i++)
        if (in[i] && !(src[i] = ct_tensor_data(in[i])))
            status = ct_fail(CT_FAIL, "%s: an input has no value here: it is a shape only", op->kind.name);
    for (int i = 0; !status && i < call->n_out; i++) dst[i] = out[i] ? ct_tensor_data(out[i]) : NULL;
    if (!status) status = ct_kernel_run(call, src, dst);
    ct_free(src), ct_free(dst);
    return status;
}

static void layouts(ct_tensor *const *t, int n, ct_layout *l) {
    for (int i = 0; i < n; i++) l[i] = t[i] ? t[i]->layout : (ct_layout){0};
}

static ct_tensor *apply_view(const ct_op *op, ct_tensor *x, const void *args, ct_tensor **out) {
    ct_layout l = x->layout;
    int64_t offset = 0;
    ct_status status = op->view(&x->layout, args, &l, &offset);
    if (status) return ct_tensor_failed(status);
    ct_tensor *y = ct_tensor_make(&l, x->storage, x->offset + offset);
    if (ct_why(y)) return y;
    y->version = x->version;
    if ((status = record(op, &x, 1, args, &y, 1))) return ct_tensor_failed(status);
    if (out) out[0] = y;
    return y;
}

/* A tensor for an output: with memory, or in a capture with a place only. An absent output is a shell. */
static ct_tensor *make_output(const ct_layout *l) {
    if (l->dtype == CT_NONE) return ct_tensor_make(l, NULL, 0);
    ct_storage *s;
    if (ct_capturing()) {
        s = ct_alloc(1, sizeof *s);
        if (s) *s = (ct_storage){.refs = 1, .bytes = ct_layout_bytes(l)};
    } else
        s = ct_storage_new(ct_layout_bytes(l));
    if (!s) return ct_tensor_failed(CT_NO_MEMORY);
    ct_tensor *t = ct_tensor_make(l, s, 0);
    ct_storage_unref(s);
    return t;
}

/* Shape rule, outputs, kernel, node. l_in has room for n_in layouts, l_out and out for the outputs. */
static ct_status compute(int id, ct_tensor *const *in, int n_in, const void *args, ct_layout *l_in, ct_layout *l_out,
                         ct_tensor **out, int *n_out) {
    const ct_op *op = ct_op_get(id);
    layouts(in, n_in, l_in);
    *n_out = op->n_out;
    CT_TRY(op->shape(l_in, n_in, args, l_out, n_out));
    if (op->flags & CT_BOOLEAN) l_out[0].dtype = CT_BOOL;
    for (int i = 0; i < *n_out; i++) {
        out[i] = make_output(&l_out[i]);
        if (ct_why(out[i])) return out[i]->status;
    }
    ct_call call = {id, n_in, *n_out, l_in, l_out, args, .bf16 = ct_autocast(), .direct = !ct_winograd()};
    if (!ct_capturing()) CT_TRY(run(op, &call, in, out));
    if (ct_anomaly()) CT_TRY(ct_anomaly_check(op->kind.name, in, n_in, out, *n_out));
    return record(op, in, n_in, args, out, *n_out);
}

/* ---- 16-bit floats: computed with in f32, an op's results rounded once, and so are its gradients ---- */
/* What f32 results are rounded to once inputs of 16 bits are f32: the inputs' one type, or f32 itself where a formula
   mixes types. CT_NONE: there are none, or they stay as they are. */
static ct_status rounding(const ct_op *op, ct_tensor *const *in, int n_in, ct_dtype *to) {
    bool any = false;
    ct_dtype one = CT_NONE, other = CT_NONE;
    *to = CT_NONE;
    for (int i = 0; i < n_in; i++) {
        ct_dtype d = in[i] ? in[i]->layout.dtype : CT_NONE;
        if (!ct_is_float(d)) continue;
        any |= ct_is_half(d);
        *(one && d != one ? &other : &one) = d;
    }
    if (!any || op->flags & (CT_AS_IS | CT_INPLACE | CT_IS_VIEW)) return CT_OK;
    if (other && !(op->flags & CT_IS_FORMULA))
        return ct_fail(CT_FAIL, "%s: inputs are %s and %s; make them the same", op->kind.name, ct_dtype_name(one),
                       ct_dtype_name(other));
    *to = other ? CT_F32 : one;
    return CT_OK;
}

static ct_tensor *call_in_f32(const ct_op *op, ct_tensor *const *in, int n_in, const void *args, ct_dtype to,
                              ct_tensor **out) {
    int room = CT_MAX(n_in, MAX_OUT);
    ct_tensor **as = ct_alloc(2 * (size_t)room, sizeof *as), **made = as + room;
    if (!as) return ct_tensor_failed(CT_NO_MEMORY);
    for (int i = 0; i < n_in; i++) as[i] = ct_wide(in[i]);
    ct_tensor *y = ct_call_filled(op, as, n_in, args, made);
    for (int i = 0; !ct_why(y) && i < room; i++) {
        if (!made[i]) continue;
        if (made[i]->layout.dtype == CT_F32) made[i] = ct_to(made[i], to);
        if (out) out[i] = made[i];
    }
    if (!ct_why(y)) y = made[0];
    ct_free(as);
    return y;
}

ct_tensor *ct_apply(int id, ct_tensor *const *in, int n_in, const void *args, ct_tensor **out) {
    const ct_op *op = ct_op_get(id);
    ct_dtype to = CT_NONE;
    int room = CT_MAX(n_in, MAX_OUT), n_out;
    ct_tensor **as = ct_alloc(2 * (size_t)room, sizeof *as), **made = as + room;
    ct_layout *l = ct_alloc(2 * (size_t)room, sizeof *l);
    ct_tensor *y = as && l ? check_inputs(op, in, n_in, args, as) : ct_tensor_failed(CT_NO_MEMORY);
    ct_status fits = y ? CT_OK : rounding(op, as, n_in, &to);
    if (fits)
        y = ct_tensor_failed(fits);
    else if (!y && to)
        y = call_in_f32(op, as, n_in, args, to, out);
    else if (!y && op->flags & CT_IS_VIEW)
        y = apply_view(op, as[0], args, out);
    else if (!y) {
        ct_status status = compute(id, as, n_in, args, l, l + room, made, &n_out);
        y = status ? ct_tensor_failed(status) : made[0];
        for (int i = 0; out && !status && i < n_out; i++) out[i] = made[i];
    }
    if (out && ct_why(y)) out[0] = y;
    ct_free(as), ct_free(l);
    return y;
}

static ct_tensor *apply_formula(const ct_op *op, ct_tensor *const *in, int n_in, const void *args, ct_tensor **out) {
    ct_dtype to;
    ct_status status = rounding(op, in, n_in, &to);
    if (status) return ct_tensor_failed(status);
    return to ? call_in_f32(op, in, n_in, args, to, out) : op->formula(in, n_in, args, out);
}

ct_tensor *ct_call_filled(const ct_op *op, ct_tensor *const *in, int n_in, const void *args, ct_tensor **out) {
    if (n_in && !in[0]) return ct_tensor_error(CT_FAIL, "%s: input '%s' is missing", op->kind.name, op->in_names[0]);
    for (int i = 0; i < n_in; i++)
        if (in[i] && ct_why(in[i])) return in[i];
    ct_tensor *y = op->flags & CT_IS_FORMULA ? apply_formula(op, in, n_in, args, out)
                                             : ct_apply(ct_op_id(op), in, n_in, args, out);
    if (out) out[0] = y;
    return y;
}

ct_tensor *ct_call_op(const ct_op *op, ct_tensor *const *in, int n_in, const void *args, ct_tensor **out) {
    void *filled = ct_alloc(1, op->kind.args_size);
    if (!filled) return ct_tensor_failed(CT_NO_MEMORY);
    if (args) memcpy(filled, args, op->kind.args_size);
    ct_keys_resolve(op->kind.keys, filled);
    ct_tensor *y = ct_call_filled(op, in, n_in, filled, out);
    ct_free(filled);
    return y;
}

/* In a capture, and where memory is shared in ways the kernel does not expect, in place is: compute, then set. */
ct_status ct_apply_in_place(int id, ct_tensor *const *in, int n_in, const void *args) {
    const ct_op *op = ct_op_get(id);
    ct_tensor **out = ct_alloc(2 * (size_t)n_in, sizeof *out);
    ct_layout *l = ct_alloc(2 * (size_t)n_in, sizeof *l);
    int n_out = 0;
    ct_status status = out && l ? CT_OK : CT_NO_MEMORY;
    for (int i = 0; !status && i < n_in; i++)
        if (in[i] && ct_why(in[i])) status = ct_fail(in[i]->status, "%s", ct_why(in[i]));
    if (!status) layouts(in, n_in, l);
    if (!status) status = op->shape(l, n_in, args, l + n_in, &n_out);
    if (!status && ct_capturing()) {
        ct_tensor *y = ct_apply(id, in, n_in, args, out);
        status = ct_why(y) ? y->status : CT_OK;
        for (int i = 0; !status && i < n_out; i++) status = ct_set(in[op->place(n_in, args, i)], out[i]);
    } else if (!status) {
        for (int i = 0; i < n_out; i++) out[i] = in[op->place(n_in, args, i)];
        for (int i = 0; i < n_out; i++) l[n_in + i] = out[i]->layout;
        status =
            run(op, &(ct_call){id, n_in, n_out, l, l + n_in, args, .bf16 = ct_autocast(), .direct = !ct_winograd()}, in,
                out);
        for (int i = 0; i < n_out; i++) out[i]->storage->version++;
    }
    ct_free(out), ct_free(l);
    return status;
}

ct_status ct_set(ct_tensor *dst, ct_tensor *src) {
    if (!dst || !src) return ct_fail(CT_FAIL, "set: there is no tensor");
    if (ct_why(src)) return ct_fail(src->status, "%s", ct_why(src));
    if (ct_why(dst)) return ct_fail(dst->status, "%s", ct_why(dst));
    if (dst->layout.dtype != src->layout.dtype || dst->layout.ndim != src->layout.ndim ||
        memcmp(dst->layout.size, src->layout.size, (size_t)dst->layout.ndim * sizeof(int64_t)))
        return ct_fail(CT_FAIL, "set: the value's shape or type is not the tensor's");
    if (ct_capturing()) {
        CT_TRY(check_histories("set", &src, 1));
        return ct_graph_bind(ct_capturing(), dst, src);
    }
    ct_none_args none = {0};
    ct_call call = {CT_OP_copy, 1, 1, &src->layout, &dst->layout, .args = &none};
    dst->storage->version++;
    return run(ct_op_get(CT_OP_copy), &call, &src, &dst);
}
