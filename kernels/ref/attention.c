/* Attention: y = softmax(scale q k' + mask) v, for each item of a batch; and its gradients, from the logarithms of the
   softmax's sums. */
#ifndef T
#include "kernels/attention.h"
#include "kernels/ref/ref.h"

/* Room for the weights of one query. */
static ct_status prepare(const ct_call *call, void **state, size_t *workspace) {
    CT_TRY(ct_prepare_floats(call, state, workspace));
    const ct_layout *q = &call->in[call->n_in > 4], *key = call->in[1 + (call->n_in > 4)].dtype ? q + 1 : q;
    *workspace = (size_t)key->size[key->ndim - 2] * sizeof(double);
    return CT_OK;
}

#define BODY "kernels/ref/attention.c"
#include "kernels/ref/floats.h"
#define ATTENTION_KERNEL(name)                                                                            \
    RUN_OF(name) { (call->in[0].dtype == CT_F64 ? name##_f64 : name##_f32)(exec, call, state, in, out); } \
    const ct_kernel ct_ref_##name = {.prepare = prepare, .run = name};
ATTENTION_KERNEL(attention_)
ATTENTION_KERNEL(attention_back)
#else

/* The scores of query i, whose mask's matrix begins at `mask`. */
static void F(scores)(const ct_attention *a, const T *q, const T *k, const ct_layout *l, const void *mask, int64_t at,
                      int64_t i, double *w) {
    for (int64_t j = 0; j < a->S; j++) {
        int64_t m = at + i * a->mask.row + j * a->mask.column;
        double s = 0;
        for (int64_t e = 0; e < a->E; e++)
            s += (double)q[i * a->q.row + e * a->q.column] * (double)k[j * a->k.row + e * a->k.column];
        s *= a->scale;
        if (mask && l->dtype != CT_BOOL) s += (double)((const T *)mask)[m];
        bool hidden = (a->is_causal && j > i) || (mask && l->dtype == CT_BOOL && !((const uint8_t *)mask)[m]);
        w[j] = hidden ? -INFINITY : s;
    }
}

RUN_OF(F(attention_)) { /* query, key, value, mask: y, lse */
    ct_attention a = ct_attention_of(call->in, &call->out[0], &call->out[1], call->args);
    double *w = exec->workspace;
    for (int64_t b = 0; b < a.items; b++) {
        const T *q = (const T *)in[0] + ct_matrices_at(&a, &a.q, b);
        const T *k = (const T *)in[a.packed ? 0 : 1] + ct_matrices_at(&a, &a.k, b);
        const T *v = (const T *)in[a.packed ? 0 : 2] + ct_matrices_at(&a, &a.v, b);
        T *y = (T *)out[0] + ct_matrices_at(&a, &a.y, b), *lse = out[1];
        for (int64_t i = 0; i < a.L; i++) {
            double most = -FLT_MAX, sum = 0;
            F(scores)(&a, q, k, &call->in[3], in[3], ct_matrices_at(&a, &a.mask, b), i, w);
            for (int64_t j = 0; j < a.S; j++) most = CT_MAX(most, w[j]);
            for (int64_t j = 0; j < a.S; j++) sum += w[j] = ct_exp_f64(w[j] - most);
            for (int64_t e = 0; e < a.V; e++) {
                double s = 0;
                for (int64_t j = 0; j < a.S && sum != 0; j++) s += w[j] / sum * (double)v[j * a.v.row + e * a.v.column];
                y[i * a.y.row + e * a.y.column] = (T)s;
            }
            if (lse)
                lse[ct_matrices_at(&a, &a.lse, b) + i * a.lse.row] =
                    (T)(sum == 0 ? CT_NO_KEYS : most + ct_log_f64(sum));
        }
    }
}

/* Where item b's gradients of queries, keys and values go; NULL: nowhere. */
typedef struct F(gradients) {
    ct_matrices at[3];
    T *of[3];
} F(gradients);

/* g and y: query i's rows of theirs. */
static void F(back_row)(const ct_attention *a, const T *q, const T *k, const T *v, const T *g, int64_t sg, const T *y,
                        const double *w, double lse, int64_t i, const F(gradients) * d) {
    double dot = 0;
    T *dq = d->of[0] ? d->of[0] + i * d->at[0].row : NULL;
    for (int64_t e = 0; e < a->V; e++) dot += (double)g[e * sg] * (double)y[e * a->y.column];
    for (int64_t j = 0; j < a->S; j++) {
        double weight = ct_exp_f64(w[j] - lse), ds = 0;
        T *dk = d->of[1] ? d->of[1] + j * d->at[1].row : NULL, *dv = d->of[2] ? d->of[2] + j * d->at[2].row : NULL;
        for (int64_t e = 0; e < a->V; e++) {
            ds += (double)g[e * sg] * (double)v[j * a->v.row + e * a->v.column];
            if (dv) dv[e * d->at[2].column] += (T)(weight * (double)g[e * sg]);
        }
        ds = weight * (ds - dot) * a->scale;
        for (int64_t e = 0; e < a->E; e++) {
            if (dq) dq[e * d->at[0].column] += (T)(ds * (double)k[j * a->k.row + e * a->k.column]);
            if (dk) dk[e * d->at[1].column] += (T)(ds * (double)q[i * a->q.row + e * a->q.column]);
        }
    }
}

RUN_OF(F(attention_back)) { /* g, query, key, value, mask, y, lse: dq, dk, dv, or their one */
    ct_attention a = ct_attention_of(call->in + 1, &call->in[5], &call->in[6], call->args);
    ct_matrices g = ct_matrices_of(&call->in[0], 0, 2, a.n);
    F(gradients) d;
    double *w = exec->workspace;
    ct_attention_parts(call->out, a.packed, a.n, d.at);
    for (int i = 0; i < call->n_out; i++)
        if (out[i]) ct_elems_zero(&call->out[i], out[i]);
    for (int64_t b = 0; b < a.items; b++) {
        const T *q = (const T *)in[1] + ct_matrices_at(&a, &a.q, b);
        const T *k = (const T *)in[a.packed ? 1 : 2] + ct_matrices_at(&a, &a.k, b);
        const T *v = (const T *)in[a.packed ? 1 : 3] + ct_matrices_at(&a, &a.v, b);
        for (int p = 0; p < 3; p++) {
            T *to = out[a.packed ? 0 : p];
            d.of[p] = to ? to + ct_matrices_at(&a, &d.at[p], b) : NULL;
        }
        for (int64_t i = 0; i < a.L; i++) {
            F(scores)(&a, q, k, &call->in[4], in[4], ct_matrices_at(&a, &a.mask, b), i, w);
            F(back_row)
            (&a, q, k, v, (const T *)in[0] + ct_matrices_at(&a, &g, b) + i * g.row, g.column,
             (const T *)in[5] + ct_matrices_at(&a, &a.y, b) + i * a.y.row, w,
             (double)((const T *)in[6])[ct_matrices_at(&a, &a.lse, b) + i * a.lse.row], i, &d);
        }
    }
}
#endif
