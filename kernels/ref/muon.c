/* Muon (Jordan, 2024): a step's matrix is made nearly orthogonal by Newton-Schulz iterations, here in double. Inputs: n
   params, n grads, n momentum buffers, lr, step; outputs: new params, new buffers. */
#include "kernels/muon.h"
#include "kernels/ref/ref.h"

/* The matrices of one parameter, (rows, columns) with rows <= columns: what it is turned, so that this is so. */
typedef struct work {
    int64_t rows, columns;
    bool turned;
    double *x, *next, *gram, *poly; /* the last two: (rows, rows) */
} work;

static size_t room(const ct_layout *l) {
    size_t small = (size_t)CT_MIN(l->size[0], l->size[1]), large = (size_t)CT_MAX(l->size[0], l->size[1]);
    return 2 * small * (large + small) * sizeof(double);
}

static work work_on(const ct_layout *l, double *at) {
    work w = {.turned = l->size[0] > l->size[1]};
    w.rows = l->size[w.turned], w.columns = l->size[!w.turned];
    w.x = at, w.next = w.x + w.rows * w.columns, w.gram = w.next + w.rows * w.columns,
    w.poly = w.gram + w.rows * w.rows;
    return w;
}

static ct_status prepare(const ct_call *call, void **state CT_UNUSED, size_t *workspace) {
    int n = (call->n_in - 2) / 3;
    *workspace = 0;
    for (int i = 0; i < call->n_in - 2; i++) {
        ct_dtype dtype = call->in[i].dtype, own = call->in[i % n].dtype;
        bool absent = i / n == 1 && dtype == CT_NONE;
        if (!ct_is_float(own) || (!absent && dtype != own)) return CT_UNSUPPORTED;
        if (i < n) *workspace = CT_MAX(*workspace, room(&call->in[i]));
    }
    return CT_OK;
}

/* x = (a + b x x' + c (x x')^2) x, again and again, from x of norm 1 */
static void orthogonalise(const ct_muon_args *a, work *w) {
    int64_t m = w->rows, n = w->columns;
    const double *c = a->ns_coefficients;
    double norm = 0;
    for (int64_t i = 0; i < m * n; i++) norm += w->x[i] * w->x[i];
    for (int64_t i = 0; i < m * n; i++) w->x[i] /= CT_MAX(sqrt(norm), a->eps);
    for (int64_t step = 0; step < a->ns_steps; step++) {
        for (int64_t i = 0; i < m * m; i++) {
            w->gram[i] = 0;
            for (int64_t k = 0; k < n; k++) w->gram[i] += w->x[i / m * n + k] * w->x[i % m * n + k];
        }
        for (int64_t i = 0; i < m * m; i++) {
            w->poly[i] = c[1] * w->gram[i] + (i / m == i % m ? c[0] : 0);
            for (int64_t k = 0; k < m; k++) w->poly[i] += c[2] * w->gram[i / m * m + k] * w->gram[k * m + i % m];
        }
        for (int64_t i = 0; i < m * n; i++) {
            w->next[i] = 0;
            for (int64_t k = 0; k < m; k++) w->next[i] += w->poly[i / n * m + k] * w->x[k * n + i % n];
        }
        double *x = w->x;
        w->x = w->next, w->next = x;
    }
}

typedef struct place {
    const ct_layout *in, *buffer_in, *grad, *out, *buffer_out;
    const void *p, *m, *g;
    void *q, *n;
} place;

/* Where (i, j) of w lies, turned back. */
static int64_t at(const ct_layout *l, const work *w, int64_t i) {
    int64_t row = i / w->columns, column = i % w->columns;
    return l->stride[w->turned] * row + l->stride[!w->turned] * column;
}

static void one(const ct_muon_args *a, double lr, const place *t, double *memory) {
    ct_dtype dtype = t->in->dtype;
    work w = work_on(t->in, memory);
    int64_t n = w.rows * w.columns;
    for (int64_t i = 0; i < n; i++) {
        double g = ct_elem_get(dtype, t->g, at(t->grad, &w, i)), m = ct_elem_get(dtype, t->m, at(t->buffer_in, &w, i));
        m = ct_muon_lerp(m, g, 1 - a->momentum);
        w.x[i] = a->no_nesterov ? m : ct_muon_lerp(g, m, a->momentum);
        ct_elem_put(dtype, t->n, at(t->buffer_out, &w, i), m);
    }
    orthogonalise(a, &w);
    double rate = ct_muon_rate(a, lr, t->in->size[0], t->in->size[1]);
    for (int64_t i = 0; i < n; i++) {
        double p = ct_elem_get(dtype, t->p, at(t->in, &w, i)) * (1 - lr * a->weight_decay) - rate * w.x[i];
        ct_elem_put(dtype, t->q, at(t->out, &w, i), p);
    }
}

/* Without a gradient a parameter and its buffer are handed on. */
static void hand_on(const place *t) {
    work w = work_on(t->in, NULL);
    for (int64_t i = 0; i < w.rows * w.columns; i++) {
        ct_elem_put(t->in->dtype, t->q, at(t->out, &w, i), ct_elem_get(t->in->dtype, t->p, at(t->in, &w, i)));
        ct_elem_put(t->in->dtype, t->n, at(t->buffer_out, &w, i),
                    ct_elem_get(t->in->dtype, t->m, at(t->buffer_in, &w, i)));
    }
}

RUN_OF(muon) {
    int n = (call->n_in - 2) / 3;
    double lr = ct_elem_get(call->in[3 * n].dtype, in[3 * n], 0);
    for (int i = 0; i < n; i++) {
        const ct_layout *l = call->in;
        place t = {&l[i], &l[2 * n + i], &l[n + i], &call->out[i], &call->out[n + i],
                   in[i], in[2 * n + i], in[n + i], out[i],        out[n + i]};
        if (t.g)
            one(call->args, lr, &t, exec->workspace);
        else
            hand_on(&t);
    }
}

const ct_kernel ct_ref_muon = {.prepare = prepare, .run = muon};
