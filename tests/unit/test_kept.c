/* What plans keep of weights follows whatever changes them, is shared, and is there for small, whole batches alone. */
#include "check.h"
#include "plan/kept.h"
#include "run/model.h"
#include <math.h>
#include <string.h>

#define BATCH 3
#define SIDE 16
#define CLASSES 40

/* One net, by plans and define-by-run. */
typedef struct pair {
    ct_spec *spec;
    ct_net net;
    ct_optim *optim;
    ct_step *plan, *eager;
} pair;

static bool pair_new(int64_t capacity, pair *p) {
    static const char text[] =
        "model: [conv2d: {out_channels: 16, kernel_size: 3, padding: 1}, relu, "
        "{conv2d: {out_channels: 16, kernel_size: 3, padding: 1}, name: a}, relu, "
        "{conv2d: {out_channels: 16, kernel_size: 3, padding: 1, stride: 2}, name: b}, relu, "
        "conv2d: {out_channels: 24, kernel_size: 3, padding: 1}, relu, "
        "conv2d: {out_channels: 16, kernel_size: 3, stride: 2}, relu, flatten, linear: 48, relu, linear: 40]\n"
        "tie: {b.weight: a.weight}\n" /* transformed in two ways */
        "loss: cross_entropy\noptimizer: {sgd: {lr: 0.1}}\n";
    ct_layout input = ct_layout_of(CT_F32, CT_DIMS(1, 3, SIDE, SIDE));
    ct_fields fields;
    *p = (pair){0};
    ct_fields_classes(&input, CLASSES, &fields);
    return CHECK(ct_spec_parse("kept", text, sizeof text - 1, NULL, &p->spec, NULL) == CT_OK) &&
           CHECK(ct_net_build(p->spec, &fields, NULL, NULL, &p->net) == CT_OK) &&
           CHECK(ct_run_optimizer(p->spec, p->net.module, &p->optim) == CT_OK) &&
           CHECK(ct_step_new(&p->net, p->optim, capacity, false, &p->plan) == CT_OK) &&
           CHECK(ct_step_new(&p->net, p->optim, capacity, true, &p->eager) == CT_OK);
}

static void pair_free(pair *p) {
    ct_step_free(p->plan), ct_step_free(p->eager);
    ct_optim_free(p->optim);
    ct_net_free(&p->net);
    ct_spec_free(p->spec);
}

static void fill(ct_step *s) {
    float *x = ct_step_field(s, 0);
    int64_t *y = ct_step_field(s, 1);
    for (int i = 0; i < BATCH * 3 * SIDE * SIDE; i++) x[i] = sinf((float)i);
    for (int i = 0; i < BATCH; i++) y[i] = i * 7;
}

/* Both say the same of n samples; *first: the first of the scores. */
static bool agree(pair *p, int64_t n, float *first) {
    ct_step_result a, b;
    if (!CHECK(ct_step_eval(p->plan, n, false, &a) == CT_OK) || !CHECK(ct_step_eval(p->eager, n, false, &b) == CT_OK))
        return false;
    double worst = 0;
    for (int i = 0; i < n * CLASSES; i++) worst = fmax(worst, fabs(a.output[i] - b.output[i]));
    *first = a.output[0];
    return CHECK(worst <= 1e-6);
}

static void double_all(ct_module *m) {
    for (int i = 0; i < m->n_params; i++) {
        ct_tensor *t = m->param[i].tensor;
        ct_no_grad_begin();
        CHECK(ct_set(t, ct_mul_scalar(t, 2)) == CT_OK);
        ct_no_grad_end();
    }
    for (int i = 0; i < m->n_children; i++) double_all(m->child[i]);
}

static void follows(void) {
    pair p;
    ct_step_result r;
    float score, before = NAN;
    if (pair_new(BATCH, &p)) {
        fill(p.plan), fill(p.eager);
        for (int i = 0; i < 6;
             i++) { /* trained by a plan, by ops; set; each looked at by plans that keep them, and not */
            if (i % 3 == 0) CHECK(ct_step_train(p.plan, BATCH, i, &r) == CT_OK);
            if (i % 3 == 1) CHECK(ct_step_train(p.eager, BATCH, i, &r) == CT_OK);
            if (i % 3 == 2) double_all(p.net.module);
            if (!agree(&p, BATCH, &score) || !agree(&p, 1, &score)) printf("    after change %d\n", i);
            CHECK(score != before);
            before = score;
        }
    }
    pair_free(&p);
}

/* What the plan for n of at most `capacity` samples keeps. */
static size_t kept_bytes(int64_t capacity, int64_t n, bool train) {
    pair p;
    ct_plan *plan;
    size_t bytes = SIZE_MAX;
    if (pair_new(capacity, &p) &&
        CHECK(ct_step_plan(p.plan, n, train ? CT_STEP_TRAIN : CT_STEP_FORWARD, &plan) == CT_OK))
        bytes = ct_plan_kept_bytes(plan);
    pair_free(&p);
    return bytes;
}

static void only_where_it_pays(void) {
    size_t linear = (48 * 16 * 3 * 3 + 40 * 48) * sizeof(float), one = kept_bytes(1, 1, false);
    CHECK(one >= linear && one < SIZE_MAX);
    CHECK(kept_bytes(2, 2, false) == one);
    CHECK(kept_bytes(256, 256, false) == 0);
    CHECK(kept_bytes(2, 1, false) == 0); /* a last, smaller batch */
    CHECK(kept_bytes(1, 1, true) == 0);  /* each step changes them */
}

static void shared(void) {
    ct_scope *scope = ct_scope_open();
    ct_tensor *w = ct_full(CT_F32, CT_DIMS(4, 4), 1);
    static const int form, other;
    ct_kept *list = NULL, like = {.of = w->storage, .layout = w->layout, .form = &form, .bytes = 64};
    ct_kept *a = ct_kept_share(&list, &like), *b = ct_kept_share(&list, &like);
    bool stale = false;
    CHECK(a && a == b);
    like.form = &other;
    ct_kept *c = ct_kept_share(&list, &like);
    CHECK(c && c != a);
    CHECK(ct_kept_stale(a, &stale) == CT_OK && stale && a->data);
    CHECK(ct_kept_stale(b, &stale) == CT_OK && !stale);
    CHECK(ct_fill_(w, 2) == w);
    CHECK(ct_kept_stale(a, &stale) == CT_OK && stale);
    ct_kept_drop(a);
    CHECK(ct_kept_stale(b, &stale) == CT_OK && !stale); /* b is still there */
    ct_kept_drop(c), ct_kept_drop(b);
    CHECK(list == NULL);
    CHECK(ct_scope_close(scope) == CT_OK);
}

int main(void) {
    ct_scope *scope = ct_scope_open();
    RUN(shared);
    RUN(only_where_it_pays);
    RUN(follows);
    if (ct_scope_close(scope)) printf("scope: %s\n", ct_error());
    return check_done("kept");
}
