/* Functional transforms: numbers that PyTorch gives; and vmap of every row's sample cases against a loop. */
#include "base/alloc.h"
#include "ops/cases.h"
#include "ops/ops.h"
#include "vectors.h"

static ct_tensor *sum(ct_tensor *x) { return ct_sum(x, ALL); }

#define REFUSED(call, text)                 \
    do {                                    \
        ct_scope *scope_ = ct_scope_open(); \
        CHECK((call) != CT_OK);             \
        CHECK_HAS(ct_error(), text);        \
        if (ct_scope_close(scope_)) {}      \
    } while (0)
static ct_status why(const ct_tensor *t) { return ct_why(t) ? CT_FAIL : CT_OK; }

/* ---- transforms ---- */
static ct_tensor *times_sin(ct_tensor *const *in, int n, void *ctx) { /* x sin(w), elementwise */
    (void)n, (void)ctx;
    return ct_mul(ct_square(in[0]), ct_sin(in[1]));
}
static ct_tensor *energy(ct_tensor *const *in, int n, void *ctx) { return sum(times_sin(in, n, ctx)); }
static ct_tensor *rows(ct_tensor *const *in, int n, void *ctx) { /* (2, 3) from x (3): x and its square, unused w */
    (void)n, (void)ctx;
    return ct_stack((ct_tensor *[]){ct_square(in[0]), TIMES(in[0], 3)}, 2, (ct_dim_args){0});
}
static ct_tensor *embed(ct_tensor *const *in, int n, void *ctx) {
    (void)n, (void)ctx;
    return ct_index_select(in[0], in[1], (ct_dim_args){0});
}
static ct_tensor *broken(ct_tensor *const *in, int n, void *ctx) {
    (void)n, (void)ctx;
    return ct_matmul(in[0], VECTOR(1, 2, 3, 4, 5));
}

static void products(void) {
    ct_tensor *x = VECTOR(1, 2), *w = VECTOR(0.5, 1), *in[] = {x, w}, *v[] = {VECTOR(1, -1), VECTOR(0, 2)}, *y, *d[2];
    double s = sin(0.5), c = cos(1), t = sin(1);
    CHECK(ct_vjp(times_sin, NULL, in, 2, VECTOR(1, 10), false, &y, d) == CT_OK);
    CHECK_HOLDS(y, s, 4 * t);
    CHECK_HOLDS(d[0], 2 * s, 40 * t);
    CHECK_HOLDS(d[1], cos(0.5), 40 * c);
    CHECK(!y->requires_grad && !d[0]->requires_grad && !x->requires_grad);
    CHECK(ct_jvp(times_sin, NULL, in, 2, v, false, &y, d) == CT_OK);
    CHECK_HOLDS(d[0], 2 * s, -4 * t + 8 * c);
    CHECK(ct_jvp(times_sin, NULL, in, 2, (ct_tensor *[]){NULL, v[1]}, false, NULL, d) == CT_OK);
    CHECK_HOLDS(d[0], 0, 8 * c);
    CHECK(ct_hvp(energy, NULL, in, 2, v, false, &y, d) == CT_OK);
    CHECK_HOLDS(y, s + 4 * t);
    CHECK_HOLDS(d[0], 2 * s, -2 * t + 8 * c);
    CHECK_HOLDS(d[1], 2 * cos(0.5), -4 * c - 8 * t);
    CHECK(ct_vjp(rows, NULL, in, 2, ct_full(CT_F64, CT_DIMS(2, 2), 1), false, NULL, d) == CT_OK);
    CHECK_HOLDS(d[0], 5, 7);
    CHECK_HOLDS(d[1], 0, 0); /* not used */
    REFUSED(ct_vjp(rows, NULL, in, 2, NULL, false, NULL, d), "must have one element");
    CHECK(d[0] == NULL && d[1] == NULL);
    REFUSED(ct_hvp(times_sin, NULL, in, 2, v, false, NULL, d), "must have one element");
    REFUSED(ct_jvp(energy, NULL, in, 2, (ct_tensor *[]){v[0], VECTOR(1)}, false, NULL, d),
            "input 1 is not of the input's");
    REFUSED(ct_vjp(broken, NULL, in, 1, NULL, false, &y, d), "matmul");
    CHECK(y == NULL);
}

static void matrices(void) {
    ct_tensor *in[] = {VECTOR(1, 2), VECTOR(0.5, 1)}, *d[4];
    double s = 2 * sin(0.5), t = 2 * sin(1), c = 2 * cos(0.5), e = 4 * cos(1);
    CHECK(ct_jacobian(rows, NULL, in, 2, false, d) == CT_OK);
    CHECK(ct_ndim(d[0]) == 3 && ct_size(d[0], 0) == 2);
    CHECK_HOLDS(d[0], 2, 0, 0, 4, 3, 0, 0, 3);
    CHECK_HOLDS(d[1], 0, 0, 0, 0, 0, 0, 0, 0);
    CHECK(ct_jacobian(energy, NULL, in, 2, false, d) == CT_OK && ct_ndim(d[0]) == 1);
    CHECK_HOLDS(d[0], s, 2 * t);
    CHECK(ct_hessian(energy, NULL, in, 2, false, d) == CT_OK);
    CHECK_HOLDS(d[0], s, 0, 0, t);
    CHECK_HOLDS(d[1], c, 0, 0, e);
    CHECK_HOLDS(d[2], c, 0, 0, e);
    CHECK_HOLDS(d[3], -s / 2, 0, 0, -2 * t);
    ct_tensor *index = ct_from(CT_I64, CT_DIMS(1), (int64_t[]){1}), *mixed[] = {in[0], index};
    CHECK(ct_jacobian(embed, NULL, mixed, 2, false, d) == CT_OK && d[1] == NULL);
    CHECK_HOLDS(d[0], 0, 1);
    REFUSED(ct_hessian(rows, NULL, in, 2, false, d), "must have one element");
}

static void differentiable(void) {
    ct_tensor *x = LEAF(1, 2), *w = LEAF(0.5, 1), *in[] = {x, w}, *y, *d[4], *dd[2];
    CHECK(ct_vjp(energy, NULL, in, 2, NULL, true, &y, d) == CT_OK && y->requires_grad);
    CHECK(ct_gradients(sum(d[0]), NULL, in, 2, false, dd) == CT_OK);
    CHECK_HOLDS(dd[0], 2 * sin(0.5), 2 * sin(1));
    CHECK(ct_hessian(energy, NULL, in, 2, true, d) == CT_OK);
    CHECK(ct_gradients(sum(d[0]), NULL, in, 2, false, dd) == CT_OK);
    CHECK_HOLDS(dd[1], 2 * cos(0.5), 2 * cos(1));
    ct_no_grad_begin();
    CHECK(ct_jvp(energy, NULL, in, 2, in, true, NULL, d) == CT_OK);
    ct_no_grad_end();
    CHECK(d[0]->requires_grad && ct_grad(x) == NULL);
}

/* ---- vmap ---- */
static ct_tensor *dot(ct_tensor *const *in, int n, void *ctx) {
    (void)n, (void)ctx;
    return sum(ct_mul(in[0], in[1]));
}
static ct_tensor *distances(ct_tensor *const *in, int n, void *ctx) { /* of one to all, by a vmap inside */
    (void)n, (void)ctx;
    return ct_vmap(dot, NULL, in, 2, (ct_vmap_args){.in_dims = CT_DIMS(CT_UNMAPPED, 0)});
}
static ct_tensor *sample_gradient(ct_tensor *const *in, int n, void *ctx) { /* d/dx of sum(x^3) */
    (void)n, (void)ctx;
    ct_tensor *x = ct_requires_grad(ct_detach(in[0]), true), *d;
    if (ct_gradients(sum(ct_mul(x, ct_square(x))), NULL, &x, 1, false, &d)) return ct_tensor_failed(CT_FAIL);
    return d;
}
static ct_tensor *constant(ct_tensor *const *in, int n, void *ctx) {
    (void)in, (void)n;
    return ctx;
}
static ct_tensor *in_place(ct_tensor *const *in, int n, void *ctx) { /* of its own, unless ctx says whose */
    (void)n;
    ct_tensor *h = TIMES(in[0], 2);
    ct_add_(ctx ? ctx : h, ct_scalar(CT_F64, 1));
    return h;
}
static ct_tensor *drop(ct_tensor *const *in, int n, void *ctx) {
    (void)n, (void)ctx;
    return ct_dropout(in[0], (ct_dropout_layer_args){0});
}
static ct_tensor *read_value(ct_tensor *const *in, int n, void *ctx) {
    (void)n, (void)ctx;
    return ct_scalar(CT_F64, ct_item(sum(in[0])));
}
static ct_tensor *with_nothing(ct_tensor *const *in, int n, void *ctx) { /* of shape (0), the sample's and not */
    (void)n, (void)ctx;
    ct_tensor *none = ct_slice(in[0], (ct_slice_args){.start = CT_DIMS(0), .stop = CT_DIMS(0)});
    ct_tensor *row = ct_unsqueeze(in[0], (ct_dim_args){.dim = CT_ZERO});
    return ct_cat((ct_tensor *[]){none, row, ct_zeros(CT_F64, CT_DIMS(0)), row}, 4, (ct_dim_args){.dim = -1});
}
static ct_tensor *silenced(ct_tensor *const *in, int n, void *ctx) {
    (void)n, (void)ctx;
    ct_no_grad_begin();
    ct_tensor *scale = ct_square(in[0]);
    ct_no_grad_end();
    return ct_mul(scale, in[0]);
}

static ct_tensor *grid(int64_t m, int64_t n) {
    return ct_reshape(ct_detach(VECTOR(1, 2, 3, 4, 5, 6)), (ct_shape_args){CT_DIMS(m, n)});
}

static void maps(void) {
    ct_vmap_args none = {0}, columns = {.in_dims = CT_DIMS(1, 0)}, out = {.out_dim = -1};
    ct_tensor *a = grid(3, 2), *b = grid(2, 3), *pair[] = {b, a}, *both[] = {a, a};
    CHECK_HOLDS(ct_vmap(dot, NULL, both, 2, none), 5, 25, 61);
    CHECK_HOLDS(ct_vmap(dot, NULL, pair, 2, columns), 9, 26, 51);
    CHECK_HOLDS(ct_vmap(distances, NULL, both, 2, (ct_vmap_args){.in_dims = CT_DIMS(0, CT_UNMAPPED)}), 5, 11, 17, 11,
                25, 39, 17, 39, 61);
    CHECK_HOLDS(ct_vmap(sample_gradient, NULL, &a, 1, none), 3, 12, 27, 48, 75, 108);
    CHECK_HOLDS(ct_vmap(sample_gradient, NULL, &a, 1, out), 3, 27, 75, 12, 48, 108);
    CHECK_HOLDS(ct_vmap(with_nothing, NULL, &a, 1, none), 1, 2, 1, 2, 3, 4, 3, 4, 5, 6, 5, 6);
    CHECK_HOLDS(ct_vmap(constant, VECTOR(7, 8), &a, 1, none), 7, 8, 7, 8, 7, 8);
    CHECK_HOLDS(ct_vmap(in_place, NULL, &a, 1, none), 3, 5, 7, 9, 11, 13);
    ct_tensor *x = ct_requires_grad(grid(3, 2), true), *w = LEAF(1, 2), *of[] = {x, w}, *d[2];
    ct_tensor *y = ct_vmap(dot, NULL, of, 2, (ct_vmap_args){.in_dims = CT_DIMS(0, CT_UNMAPPED)});
    CHECK(ct_gradients(sum(ct_square(y)), NULL, of, 2, false, d) == CT_OK);
    CHECK_HOLDS(d[0], 10, 20, 22, 44, 34, 68);
    CHECK_HOLDS(d[1], 2 * (5 + 33 + 85), 2 * (10 + 44 + 102));
    CHECK(ct_gradients(sum(ct_vmap(silenced, NULL, of, 1, none)), NULL, of, 1, false, d) == CT_OK);
    CHECK_HOLDS(d[0], 1, 4, 9, 16, 25, 36);
}

static void maps_refused(void) {
    ct_vmap_args none = {0};
    ct_tensor *a = grid(3, 2), *uneven[] = {a, grid(2, 3)}, *number = ct_scalar(CT_F64, 1), *old = VECTOR(0, 0);
    REFUSED(why(ct_vmap(dot, NULL, uneven, 2, none)), "input 1 has 2 samples, one before it 3");
    REFUSED(why(ct_vmap(dot, NULL, &number, 1, none)), "one number");
    REFUSED(why(ct_vmap(constant, a, &a, 1, (ct_vmap_args){.in_dims = CT_DIMS(CT_UNMAPPED)})), "no input is mapped");
    REFUSED(why(ct_vmap(constant, a, &a, 1, (ct_vmap_args){.in_dims = CT_DIMS(0, 0)})), "2 entries for 1 inputs");
    REFUSED(why(ct_vmap(constant, a, &a, 1, (ct_vmap_args){.in_dims = CT_DIMS(2)})), "vmap");
    REFUSED(why(ct_vmap(in_place, old, &a, 1, none)), "changes a tensor in place that was there before");
    REFUSED(why(ct_vmap(drop, NULL, &a, 1, none)), "draws random numbers");
    REFUSED(why(ct_vmap(read_value, NULL, &a, 1, none)), "shape only");
    REFUSED(why(ct_vmap(broken, NULL, &a, 1, none)), "matmul");
    CHECK(ct_capturing() == NULL);
    CHECK_HOLDS(old, 0, 0);
}

/* ---- every row ---- */
#define SAMPLES 3

static ct_tensor *call(ct_tensor *const *in, int n, void *ctx) {
    (void)n;
    return ct_case_call(ctx, in, NULL);
}

static double distance(ct_tensor *a, ct_tensor *b) {
    ct_no_grad_begin();
    ct_tensor *d = ct_sub(ct_to(a, CT_F64), ct_to(b, CT_F64));
    double worst =
        ct_numel(d) ? ct_item(ct_amax(ct_abs(d), ALL)) / fmax(1, ct_item(ct_amax(ct_abs(ct_to(b, CT_F64)), ALL))) : 0;
    ct_no_grad_end();
    return worst;
}

/* The case with some of its inputs mapped (bits of `which`), against a loop. */
static void check_map(const ct_case *sample, unsigned which) {
    const ct_case *c = &sample[0];
    ct_tensor *in[CT_CASE_INPUTS], *one[CT_CASE_INPUTS], *want[SAMPLES];
    ct_vmap_args args = {.in_dims.n = c->n_in};
    int n_mapped = 0;
    for (int i = 0; i < c->n_in; i++) {
        bool mapped = c->in[i] && which >> i & 1;
        ct_tensor *all[SAMPLES];
        for (int s = 0; s < SAMPLES; s++) all[s] = sample[s].in[i];
        in[i] = mapped ? ct_stack(all, SAMPLES, (ct_dim_args){0}) : c->in[i];
        args.in_dims.v[i] = mapped ? 0 : CT_UNMAPPED;
        n_mapped += mapped;
    }
    if (!n_mapped) return;
    for (int s = 0; s < SAMPLES; s++) {
        for (int i = 0; i < c->n_in; i++) one[i] = args.in_dims.v[i] ? c->in[i] : sample[s].in[i];
        want[s] = call(one, c->n_in, (void *)c);
    }
    ct_tensor *y = ct_vmap(call, (void *)c, in, c->n_in, args), *z = ct_stack(want, SAMPLES, (ct_dim_args){0});
    bool ok = !ct_why(y) && !ct_why(z) && ct_dtype_of(y) == ct_dtype_of(z) && ct_ndim(y) == ct_ndim(z) &&
              distance(y, z) < 1e-12;
    if (!CHECK(ok))
        printf("    %s (%s), inputs %x: %s\n", c->op->kind.name, c->text, which, ct_why(y) ? ct_why(y) : "differs");
}

static bool mappable(const ct_case *c) {
    bool absent = false, fixed = c->op->flags & (CT_RANDOM | CT_INPLACE);
    for (int i = 0; i < c->n_in; i++) absent |= !c->in[i];
    return c->n_in && !fixed && !(absent && c->op->n_in < 0) && c->n_in <= CT_MAX_DIMS;
}

static void every_row(void) {
    static const char *const random_or_statistics[] = {"dropout", "batch_norm", "instance_norm", "rand_like",
                                                       "randn_like"};
    for (int id = 0; id < CT_OP_COUNT; id++) {
        const ct_op *op = ct_op_get(id);
        bool skip = false;
        for (int k = 0; k < CT_COUNT(random_or_statistics); k++)
            skip |= !strcmp(op->kind.name, random_or_statistics[k]);
        for (int i = 0; !skip && i < ct_case_count(op); i++) {
            ct_case sample[SAMPLES];
            ct_scope *scope = ct_scope_open();
            bool made = true;
            for (int s = 0; s < SAMPLES; s++) made &= ct_case_make(op, i, CT_F64, 1 + (uint64_t)s, &sample[s]);
            if (CHECK(made) && mappable(&sample[0]))
                for (unsigned which = 1; which < 4; which++) check_map(sample, which == 3 ? ~0u : which);
            if (ct_scope_close(scope)) CHECK(!"an error inside"), printf("    %s: %s\n", op->kind.name, ct_error());
        }
    }
}

int main(void) {
    ct_scope *scope = ct_scope_open();
    RUN(products), RUN(matrices), RUN(differentiable), RUN(maps), RUN(maps_refused), RUN(every_row);
    if (ct_scope_close(scope)) printf("    %s\n", ct_error());
    return check_done("functional");
}
