/* Sums of products as their subscripts say: "ij,jk->ik". Operands are contracted from left to right, each pair as one
   batched matrix product. */
#include "ops/shape_util.h"
#include <string.h>

/* Labels: letters, then the dimensions that "..." stands for, from the right. */
enum { LETTERS = 52, LABELS = LETTERS + CT_MAX_DIMS };

typedef struct term {
    ct_tensor *t;
    int label[CT_MAX_DIMS]; /* of each dimension */
} term;

static bool has(const term *x, int label) {
    for (int d = 0; d < x->t->layout.ndim; d++)
        if (x->label[d] == label) return true;
    return false;
}

static int letter(char c) { return c >= 'A' && c <= 'Z' ? c - 'A' : c >= 'a' && c <= 'z' ? 26 + c - 'a' : -1; }

/* ---- reading the equation ---- */
/* Reads subscripts up to ',' or the end, or "->", as labels; `open` is how many dimensions "..." has, or -1: what the
   letters leave of ndim. */
static ct_status read_labels(const char **s, int ndim, int open, int *label, int *n) {
    const char *p = *s, *dots = NULL;
    int letters = 0;
    for (; *p && *p != ',' && strncmp(p, "->", 2); p++) {
        if (*p == ' ') continue;
        if (!strncmp(p, "...", 3) && !dots)
            dots = p, p += 2;
        else if (letter(*p) < 0)
            return ct_shape_fail("einsum", "'%c' is no subscript", *p);
        else
            letters++;
    }
    if (open < 0) open = dots ? ndim - letters : 0;
    if (!dots) open = 0;
    if (open < 0 || letters + open > CT_MAX_DIMS || (ndim >= 0 && letters + open != ndim))
        return ct_shape_fail("einsum", "subscripts '%.*s' do not fit a tensor of %d dimensions", (int)(p - *s), *s,
                             ndim);
    *n = 0;
    for (const char *q = *s; q < p; q++) {
        for (int i = 0; q == dots && i < open; i++) label[(*n)++] = LABELS - open + i;
        if (letter(*q) >= 0) label[(*n)++] = letter(*q);
    }
    *s = p;
    return CT_OK;
}

typedef struct equation {
    int n_out, out[CT_MAX_DIMS]; /* labels of the result */
    int64_t size[LABELS];        /* 0: not there */
    int count[LABELS];           /* how often each is there */
    bool keep[LABELS];           /* in the result, or in an operand still to come */
} equation;

static ct_status note_sizes(equation *e, const term *x) {
    for (int d = 0; d < x->t->layout.ndim; d++) {
        int64_t n = x->t->layout.size[d], *size = &e->size[x->label[d]];
        if (e->count[x->label[d]]++ && *size != n && *size != 1 && n != 1)
            return ct_shape_fail("einsum", "sizes %lld and %lld of one subscript differ", (long long)*size,
                                 (long long)n);
        if (e->count[x->label[d]] == 1 || *size == 1) *size = n;
    }
    return CT_OK;
}

/* What the result has where the equation does not say: "..." and the letters that are there once, in order. */
static ct_status implied(equation *e) {
    for (int i = 0; i < LABELS; i++) {
        int label = (i + LETTERS) % LABELS; /* "..." first */
        if (label >= LETTERS ? !e->count[label] : e->count[label] != 1) continue;
        if (e->n_out == CT_MAX_DIMS) return ct_shape_fail("einsum", "the result has too many dimensions");
        e->out[e->n_out++] = label;
    }
    return CT_OK;
}

static ct_status read_equation(const char *s, ct_tensor *const *in, int n, term *x, equation *e) {
    int open = 0, ndim;
    for (int i = 0; i < n; i++) {
        x[i].t = in[i];
        CT_TRY(read_labels(&s, in[i]->layout.ndim, -1, x[i].label, &ndim));
        CT_TRY(note_sizes(e, &x[i]));
        if (i < n - 1 ? *s != ',' : *s == ',') return ct_shape_fail("einsum", "subscripts are not for %d operands", n);
        s += i < n - 1;
    }
    if (!*s) return implied(e);
    for (int label = LETTERS; label < LABELS; label++) open += e->count[label] > 0;
    s += 2;
    CT_TRY(read_labels(&s, -1, open, e->out, &e->n_out));
    if (*s) return ct_shape_fail("einsum", "there is more than one result");
    for (int i = 0; i < e->n_out; i++) {
        bool twice = false;
        for (int k = 0; k < i; k++) twice |= e->out[k] == e->out[i];
        if (twice || !e->count[e->out[i]])
            return ct_shape_fail("einsum", "a subscript of the result is %s", twice ? "there twice" : "in no operand");
    }
    return CT_OK;
}

/* ---- terms ---- */
static void drop(term *x, int d) {
    for (int i = d; i + 1 < x->t->layout.ndim; i++) x->label[i] = x->label[i + 1];
}

/* The diagonal where a subscript is there twice: the rest is masked, and summed away. */
static void take_diagonals(term *x) {
    for (int d = x->t->layout.ndim - 1; d > 0; d--) {
        int first = 0;
        while (x->label[first] != x->label[d]) first++;
        if (first == d) continue;
        const ct_layout *l = &x->t->layout;
        int64_t size[CT_MAX_DIMS] = {1, 1, 1, 1, 1, 1, 1, 1}, n = l->size[d];
        if (l->size[first] != n) {
            x->t = ct_tensor_error(CT_FAIL, "einsum: a subscript is there twice in one operand, of other sizes");
            return;
        }
        size[first] = size[d] = n;
        ct_tensor *on = ct_eye((ct_eye_args){.n = n ? n : CT_ZERO, .dtype = CT_BOOL});
        ct_tensor *none = ct_constant(l->dtype, (ct_dims){0}, 0);
        ct_tensor *y = ct_sum_dim(ct_where(ct_reshape_to(on, size, l->ndim), x->t, none), d, false);
        drop(x, d);
        x->t = y;
        if (ct_why(y)) return;
    }
}

/* Sums away what neither `other` nor anything later needs. */
static void sum_away(term *x, const term *other, const equation *e) {
    for (int d = x->t->layout.ndim - 1; d >= 0 && !ct_why(x->t); d--) {
        if (e->keep[x->label[d]] || (other && has(other, x->label[d]))) continue;
        ct_tensor *y = ct_sum_dim(x->t, d, false);
        drop(x, d);
        x->t = y;
    }
}

/* x with its dimensions in the order of `label`, all of which it has, each of its size in `size`. */
static ct_tensor *arranged(const term *x, const int *label, int n, const int64_t *size) {
    ct_dims order = {.n = n}, wide = {.n = n};
    for (int i = 0; i < n; i++) {
        while (x->label[order.v[i]] != label[i]) order.v[i]++;
        wide.v[i] = size[label[i]];
    }
    return ct_expand(ct_permute(x->t, (ct_dims_args){.dims = order}), (ct_expand_args){.size = wide});
}

typedef struct group {
    int n, label[CT_MAX_DIMS];
    int64_t size; /* of all together */
} group;

static void add(group *g, int label, const int64_t *size) {
    g->label[g->n++] = label;
    g->size *= size[label];
}

/* x as (a, b, c), each all dimensions of a group. */
static ct_tensor *grouped(const term *x, const group *a, const group *b, const group *c, const int64_t *size) {
    int label[3 * CT_MAX_DIMS], n = 0;
    const group *all[] = {a, b, c};
    for (int k = 0; k < 3; k++)
        for (int i = 0; i < all[k]->n; i++) label[n++] = all[k]->label[i];
    return ct_reshape_to(arranged(x, label, n, size), (int64_t[]){a->size, b->size, c->size}, 3);
}

/* x = x times y, summed over what nothing later needs. */
static ct_status contract(term *x, term *y, const equation *e) {
    group batch = {.size = 1}, left = {.size = 1}, right = {.size = 1}, inner = {.size = 1};
    int64_t size[LABELS] = {0};
    sum_away(x, y, e), sum_away(y, x, e);
    if (ct_why(x->t) || ct_why(y->t)) return CT_FAIL;
    for (int d = 0; d < x->t->layout.ndim; d++) size[x->label[d]] = x->t->layout.size[d];
    for (int d = 0; d < y->t->layout.ndim; d++) {
        int64_t n = y->t->layout.size[d];
        if (!has(x, y->label[d]) || n != 1) size[y->label[d]] = n;
    }
    for (int d = 0; d < x->t->layout.ndim; d++) {
        int label = x->label[d];
        add(!has(y, label) ? &left : e->keep[label] ? &batch : &inner, label, size);
    }
    for (int d = 0; d < y->t->layout.ndim; d++)
        if (!has(x, y->label[d])) add(&right, y->label[d], size);
    int n = batch.n + left.n + right.n;
    if (n > CT_MAX_DIMS) return ct_shape_fail("einsum", "an intermediate result would have %d dimensions", n);
    ct_tensor *product = ct_matmul(grouped(x, &batch, &left, &inner, size), grouped(y, &batch, &inner, &right, size));
    int64_t shape[CT_MAX_DIMS];
    const group *all[] = {&batch, &left, &right};
    n = 0;
    for (int k = 0; k < 3; k++)
        for (int i = 0; i < all[k]->n; i++) x->label[n] = all[k]->label[i], shape[n++] = size[all[k]->label[i]];
    x->t = ct_reshape_to(product, shape, n);
    return ct_why(x->t) ? CT_FAIL : CT_OK;
}

static ct_tensor *sum_of_products(const char *text, ct_tensor *const *in, int n, term *x) {
    equation e = {0};
    ct_status status = read_equation(text, in, n, x, &e);
    if (status) return ct_tensor_failed(status);
    for (int i = 0; i < n; i++) {
        take_diagonals(&x[i]);
        if (ct_why(x[i].t)) return x[i].t;
    }
    for (int i = 1; i < n; i++) {
        memset(e.keep, 0, sizeof e.keep);
        for (int k = 0; k < e.n_out; k++) e.keep[e.out[k]] = true;
        for (int k = i + 1; k < n; k++)
            for (int d = 0; d < x[k].t->layout.ndim; d++) e.keep[x[k].label[d]] = true;
        if (contract(&x[0], &x[i], &e)) return ct_tensor_failed(CT_FAIL);
    }
    memset(e.keep, 0, sizeof e.keep);
    for (int k = 0; k < e.n_out; k++) e.keep[e.out[k]] = true;
    sum_away(&x[0], NULL, &e);
    return ct_why(x[0].t) ? x[0].t : arranged(&x[0], e.out, e.n_out, e.size);
}

FORMULA(einsum) {
    ARGS(einsum);
    (void)out;
    ct_tensor *missing = ct_missing("einsum", in, n_in);
    if (missing) return missing;
    if (!args->equation || n_in < 1) return ct_tensor_error(CT_FAIL, "einsum: an equation and operands are wanted");
    term *x = ct_alloc((size_t)n_in, sizeof *x);
    if (!x) return ct_tensor_failed(CT_NO_MEMORY);
    ct_tensor *y = sum_of_products(args->equation, in, n_in, x);
    ct_free(x);
    return y;
}
