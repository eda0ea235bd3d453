/* Every layer: its parameters by name and shape, its values against PyTorch's, without memory, and in captures. */
#include "nn_cases.h"
#include "nn_make.h"
#include "plan/plan.h"

static void set_parameters(ct_module *m) {
    ct_entry e[64];
    ct_module_entries(m, e);
    for (int i = 0; i < ct_module_count(m); i++) {
        ct_tensor *t = e[i].param->tensor;
        const char *name = e[i].name + 2;
        for (int64_t k = 0; ct_dtype_of(t) == CT_F32 && k < ct_numel(t); k++)
            ((float *)ct_data(t))[k] = (float)(0.1 * (double)((5 * k + (int64_t)strlen(name)) % 7) -
                                               (strstr(name, "running_var") ? -0.1 : 0.2));
    }
}

static void list_parameters(ct_module *m, char *out, size_t size) {
    ct_entry e[64];
    ct_module_entries(m, e);
    *out = 0;
    for (int i = 0; i < ct_module_count(m); i++) {
        const ct_layout *l = &e[i].param->tensor->layout;
        size_t n = strlen(out);
        n += (size_t)snprintf(out + n, size - n, "%s%s(", n ? " " : "", e[i].name + 2);
        for (int d = 0; d < l->ndim; d++)
            n += (size_t)snprintf(out + n, size - n, "%s%lld", d ? "," : "", (long long)l->size[d]);
        snprintf(out + n, size - n, ")");
    }
}

/* ---- every layer ---- */
static void against_pytorch(const nn_case *c) {
    ct_tensor *in[CT_MAX_IN];
    char text[2048];
    int n = make_inputs(c->inputs, in), failed = check_failed;
    ct_module *m = make_from(c->layer, c->args, in, n, 1, CT_BEGIN_ZERO);
    if (!CHECK(m)) return (void)printf("    %s %s: %s\n", c->layer, c->args, ct_error());
    list_parameters(m, text, sizeof text);
    CHECK_STR(text, c->parameters);
    set_parameters(m);
    ct_module_train(m, false);
    ct_tensor *y = ct_to(ct_module_forward_all(m, in, n, NULL), CT_F64);
    double sum = 0, weighted = 0, size = 0, *v = calloc((size_t)ct_numel(y) + 1, sizeof *v);
    CHECK(ct_copy_out(y, CT_F64, v) == CT_OK);
    for (int64_t i = 0; i < ct_numel(y); i++)
        sum += v[i], weighted += v[i] * (double)(i % 13 + 1) / 13, size += fabs(v[i]);
    CHECK_NEAR(sum, c->sum, 2e-6 * size + 1e-6);
    CHECK_NEAR(weighted, c->weighted, 2e-6 * size + 1e-6);
    if (failed != check_failed) printf("    %s %s\n", c->layer, c->args);
    free(v);
    ct_module_free(m);
}

/* How much each query takes of each key, a second result where it is asked for: PyTorch's sums, as in nn_cases.h. */
static void attention_weights(void) {
    static const struct {
        const char *args, *inputs, *shape;
        double sum, weighted;
    } row[] = {
        {"num_heads=2", "5x2x6", "(2, 5, 5)", 10, 5.208534},
        {"num_heads=2 average_attn_weights=false", "5x2x6", "(2, 2, 5, 5)", 20, 10.50865},
        {"num_heads=2 batch_first=true", "2x5x6 2x7x6 - b:2x7", "(2, 5, 7)", 10, 5.466450},
        {"num_heads=3 batch_first=true average_attn_weights=false", "5x6", "(3, 5, 5)", 15, 7.820830},
    };
    ct_scope *scope = ct_scope_open();
    for (int i = 0; i < CT_COUNT(row); i++) {
        ct_tensor *in[CT_MAX_IN], *out[CT_MAX_IN];
        char shape[64] = "(";
        int n = make_inputs(row[i].inputs, in);
        ct_module *m = make_from("multi_head_attention", row[i].args, in, n, 1, CT_BEGIN_ZERO);
        if (!CHECK(m)) continue;
        set_parameters(m);
        ct_module_train(m, false);
        ct_tensor *y = ct_module_forward_all(m, in, n, out), *plain = ct_module_forward_all(m, in, n, NULL);
        CHECK(!ct_why(y) && out[0] == y && out[1] && !ct_why(out[1]));
        for (int d = 0; d < ct_ndim(out[1]); d++)
            snprintf(shape + strlen(shape), 32, "%s%lld", d ? ", " : "", (long long)ct_size(out[1], d));
        CHECK_STR(strcat(shape, ")"), row[i].shape);
        double sum = 0, weighted = 0, apart = 0, v[100], a[100], b[100];
        CHECK(ct_copy_out(out[1], CT_F64, v) == CT_OK);
        for (int64_t k = 0; k < ct_numel(out[1]); k++) sum += v[k], weighted += v[k] * (double)(k % 13 + 1) / 13;
        CHECK_NEAR(sum, row[i].sum, 2e-5);
        CHECK_NEAR(weighted, row[i].weighted, 2e-5);
        CHECK(ct_copy_out(y, CT_F64, a) == CT_OK && ct_copy_out(plain, CT_F64, b) == CT_OK);
        for (int64_t k = 0; k < ct_numel(y); k++) apart = fmax(apart, fabs(a[k] - b[k]));
        CHECK(apart < 1e-5);
        ct_module_free(m);
    }
    CHECK(ct_scope_close(scope) == CT_OK);
}

/* The same shapes and counts where there is no memory for parameters. */
static void by_shapes_only(const nn_case *c) {
    ct_tensor *in[CT_MAX_IN];
    int n = make_inputs(c->inputs, in);
    ct_module *m = make_from(c->layer, c->args, in, n, 1, CT_BEGIN_DRAWN),
              *s = make_from(c->layer, c->args, in, n, 1, CT_BEGIN_SHAPES);
    if (CHECK(m && s)) {
        char text[2048];
        ct_graph g;
        ct_tensor *y = ct_module_forward_all(m, in, n, NULL), *z = NULL;
        list_parameters(s, text, sizeof text);
        CHECK_STR(text, c->parameters);
        CHECK(ct_module_trained(m) == ct_module_trained(s));
        CHECK(ct_capture_begin(&g) == CT_OK);
        z = ct_module_forward_all(s, in, n, NULL);
        CHECK(ct_capture_end(&g) == CT_OK);
        if (!CHECK(!ct_why(z) && z->layout.ndim == y->layout.ndim &&
                   !memcmp(z->layout.size, y->layout.size, sizeof z->layout.size)))
            printf("    %s %s\n", c->layer, c->args);
        for (int i = 0; i < s->child[0]->n_params; i++) CHECK(!ct_data(s->child[0]->param[i].tensor));
        ct_graph_free(&g);
    }
    ct_module_free(m), ct_module_free(s);
}

/* ---- eager and replayed ---- */
/* A step's results: the output and the gradients of its square; returns how many. */
static int results(ct_module *m, ct_tensor *const *in, int n, ct_tensor **out) {
    ct_entry e[64];
    int k = 0, trained = 0;
    ct_module_entries(m, e);
    for (int i = 0; i < ct_module_count(m); i++) trained += e[i].param->trained;
    out[k++] = ct_mul_scalar(ct_module_forward_all(m, in, n, NULL), 1); /* a value of its own, of identity too */
    if (!trained) return k;
    CHECK(ct_backward(ct_sum(ct_mul(out[0], out[0]), (ct_reduce_args){0})) == CT_OK);
    for (int i = 0; i < ct_module_count(m); i++)
        if (ct_grad(e[i].param->tensor)) out[k++] = ct_grad(e[i].param->tensor);
    return k;
}

static void zero_grads(ct_module *m) {
    ct_entry e[64];
    ct_module_entries(m, e);
    for (int i = 0; i < ct_module_count(m); i++) ct_zero_grad(e[i].param->tensor);
}

static void eager_and_replayed(const nn_case *c) {
    ct_tensor *in[CT_MAX_IN], *eager[64], *captured[64];
    int n = make_inputs(c->inputs, in), failed = check_failed;
    ct_module *a = make_from(c->layer, c->args, in, n, 1, CT_BEGIN_DRAWN),
              *b = make_from(c->layer, c->args, in, n, 1, CT_BEGIN_DRAWN);
    ct_graph g;
    ct_arena arena = {0};
    ct_plan *plan = NULL;
    ct_random_use(ct_from(CT_I64, CT_DIMS(2), (int64_t[]){7, 0}));
    CHECK(ct_capture_begin(&g) == CT_OK);
    int kept = results(b, in, n, captured);
    CHECK(ct_capture_end(&g) == CT_OK);
    CHECK(ct_plan_new(&g, captured, kept, &arena, NULL, &plan) == CT_OK);
    zero_grads(b);
    for (int step = 0; plan && step < 2; step++) {
        zero_grads(a);
        CHECK(results(a, in, n, eager) == kept);
        CHECK(ct_plan_run(plan) == CT_OK);
        for (int i = 0; i < kept; i++) CHECK(distance(ct_plan_value(plan, i), eager[i]) <= 2e-5);
    }
    ct_random_use(NULL);
    ct_entry p[64], q[64];
    ct_module_entries(a, p), ct_module_entries(b, q);
    for (int i = 0; i < ct_module_count(a); i++) CHECK(distance(p[i].param->tensor, q[i].param->tensor) <= 1e-6);
    if (failed != check_failed) printf("    %s %s\n", c->layer, c->args);
    ct_plan_free(plan), ct_arena_free(&arena), ct_graph_free(&g);
    ct_module_free(a), ct_module_free(b);
}

static void every_layer(void (*test)(const nn_case *)) {
    for (int i = 0; i < CT_COUNT(nn_cases); i++) {
        ct_scope *scope = ct_scope_open();
        test(&nn_cases[i]);
        if (!CHECK(ct_scope_close(scope) == CT_OK)) printf("    %s: %s\n", nn_cases[i].layer, ct_error());
    }
}

static void pytorch(void) { every_layer(against_pytorch); }
static void shapes_only(void) { every_layer(by_shapes_only); }
static void captures(void) { every_layer(eager_and_replayed); }

/* Each layer that has a file of its own is in the table. */
static void table(void) {
    int n;
    const ct_kind *const *kinds = ct_layer_kinds(&n);
    for (int i = 0; i < n; i++) {
        const ct_layer *l = ct_layer_find(kinds[i]->name);
        bool there = l->op || strstr("sequential residual parallel add mul concat flatten", l->kind.name);
        const char *pad = strstr(l->kind.name, "_pad"), *dropout = strstr(l->kind.name, "dropout");
        for (int k = 0; k < CT_COUNT(nn_cases); k++) there |= !strcmp(nn_cases[k].layer, l->kind.name);
        if (!CHECK(there || pad || dropout)) printf("    %s\n", l->kind.name);
    }
}

int main(void) {
    RUN(table);
    RUN(pytorch);
    RUN(shapes_only);
    RUN(attention_weights);
    RUN(captures);
    return check_done("nn");
}
