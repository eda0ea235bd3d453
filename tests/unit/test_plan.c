/* A captured step does what the same step does eagerly: for every spec, and for the corners of a plan.
   usage: test_plan [PARAMETERS]   specs with more of them are left out, which under memcheck would take hours. */
#include "base/alloc.h"
#include "base/philox.h"
#include "check.h"
#include "plan/place.h"
#include "run/model.h"
#include <glob.h>
#include <math.h>
#include <stdlib.h>

/* The same batch every time it is asked for; whole numbers are below the least size of anything they index. */
static void fill(ct_step *s, int64_t n, uint64_t seed) {
    const ct_fields *f = &ct_step_net(s)->fields;
    ct_philox_key key = ct_philox_make(seed, 1);
    uint32_t w[4];
    for (int k = 0; k < f->n; k++) {
        const ct_layout *l = &f->of[k].layout;
        int64_t size = ct_layout_numel(l) / l->size[0], limit = f->classes;
        const ct_data_args *d = &ct_step_net(s)->spec->data;
        if (k != ct_step_net(s)->target && d->vocab) limit = d->vocab;
        for (int64_t i = 0; i < n * size; i++) {
            ct_philox_block(key, (uint64_t)i, (uint64_t)k, w);
            if (l->dtype == CT_F32)
                ((float *)ct_step_field(s, k))[i] = 2 * ct_philox_uniform(w[0]) - 1;
            else
                ((int64_t *)ct_step_field(s, k))[i] = (i * 7 + (int64_t)seed) % limit;
        }
    }
}

typedef struct trainee {
    ct_net net;
    ct_optim *o;
    ct_step *s;
} trainee;

static bool trainee_new(ct_spec *spec, const ct_fields *fields, bool eager, trainee *t) {
    *t = (trainee){0};
    if (!CHECK(ct_net_build(spec, fields, NULL, NULL, &t->net) == CT_OK)) return false;
    return CHECK(ct_run_optimizer(spec, t->net.module, &t->o) == CT_OK) &&
           CHECK(ct_step_new(&t->net, t->o, 6, eager, &t->s) == CT_OK);
}

static void trainee_free(trainee *t) {
    ct_step_free(t->s);
    ct_optim_free(t->o);
    ct_net_free(&t->net);
}

static double distance(const ct_module *a, const ct_module *b) {
    double worst = 0;
    for (int c = 0; c < a->n_children; c++) worst = fmax(worst, distance(a->child[c], b->child[c]));
    for (int i = 0; i < a->n_params; i++) {
        ct_tensor *x = a->param[i].tensor, *y = b->param[i].tensor;
        double diff = 0, norm = 1e-12;
        for (int64_t k = 0; k < ct_numel(x); k++) {
            double u = ct_element_get(ct_dtype_of(x), ct_data(x), k), v = ct_element_get(ct_dtype_of(y), ct_data(y), k);
            diff += (u - v) * (u - v), norm += v * v;
        }
        worst = fmax(worst, sqrt(diff / norm));
    }
    return worst;
}

/* Steps on whole and last, smaller batches, then an evaluation. of_loss: how much of a loss is rounding. */
static void compare(const char *name, ct_spec *spec, const ct_fields *fields, double of_loss) {
    static const int64_t batch[] = {6, 6, 4, 6};
    trainee plan, eager;
    bool ok = trainee_new(spec, fields, false, &plan);
    ok = trainee_new(spec, fields, true, &eager) && ok;
    for (int i = 0; ok && i < CT_COUNT(batch); i++) {
        ct_step_result a, b;
        fill(plan.s, batch[i], (uint64_t)i), fill(eager.s, batch[i], (uint64_t)i);
        ok = CHECK(ct_step_train(plan.s, batch[i], i, &a) == CT_OK) &&
             CHECK(ct_step_train(eager.s, batch[i], i, &b) == CT_OK);
        if (ok && !CHECK(fabs(a.loss - b.loss) <= of_loss * fabs(b.loss)))
            printf("    %s: step %d: %g, %g\n", name, i, a.loss, b.loss);
    }
    if (ok && !CHECK(distance(plan.net.module, eager.net.module) <= 1e-5)) printf("    %s: parameters differ\n", name);
    ct_step_result a, b;
    ok = ok && CHECK(ct_step_eval(plan.s, 5, true, &a) == CT_OK) && CHECK(ct_step_eval(eager.s, 5, true, &b) == CT_OK);
    if (ok) CHECK(fabs(a.loss - b.loss) <= of_loss * fabs(b.loss));
    trainee_free(&plan), trainee_free(&eager);
}

/* A spec's own, but large images, which would only take time. */
static void fields_of(const ct_spec *spec, ct_fields *out) {
    const ct_data_args *d = &spec->data;
    int64_t side = d->dataset && !strcmp(d->dataset, "digits") ? 8 : 28;
    ct_layout input = ct_layout_of(CT_F32, CT_DIMS(1, 1, side, side)), *l = &out->of[0].layout;
    if (d->dataset && !strcmp(d->dataset, "tinyshakespeare"))
        ct_text_fields(d->block_size, 65, out);
    else if (ct_random_fields(d, out))
        ct_fields_classes(&input, 10, out);
    if (d->shape.n == 3 && d->target.n < 2)
        *l = ct_layout_of(CT_F32, CT_DIMS(1, l->size[1], CT_MIN(l->size[2], 32), CT_MIN(l->size[3], 32)));
}

static int64_t most = INT64_MAX; /* parameters of a spec */

/* A spec of the shelf, `set` changed in it (NULL: nothing); one of many millions of parameters made small by its vars.
   NULL: it is left out. */
static ct_status load(const char *path, const char *set, ct_spec **spec, char **messages) {
    const char *const one[] = {set, NULL};
    const char *const small[] = {
        "vars.dim=64", "vars.heads=4", "vars.depth=2", "vars.vocab=100", "data.shape=[16]", set, NULL};
    ct_check_report r;
    CT_TRY(ct_spec_load(path, set ? one : NULL, spec, messages));
    CT_TRY(ct_spec_check(*spec, &r, messages));
    int64_t parameters = r.parameters;
    ct_check_report_free(&r);
    if (parameters <= CT_MIN(most, 50000000)) return CT_OK;
    ct_spec_free(*spec);
    *spec = NULL;
    return parameters > 50000000 ? ct_spec_load(path, small, spec, messages) : CT_OK;
}

/* How many kernels a step takes; 0: an error. */
static int launches_of(ct_step *s) {
    ct_plan *plan;
    return CHECK(ct_step_plan(s, 6, CT_STEP_UPDATE, &plan) == CT_OK) ? ct_plan_launches(plan) : 0;
}

/* When `passes` are off. */
static int launches_without(const char *passes, ct_spec *spec, const ct_fields *fields) {
    trainee t;
    int n = 0;
    CHECK(ct_passes_use(passes) == CT_OK);
    if (trainee_new(spec, fields, false, &t)) n = launches_of(t.s);
    trainee_free(&t);
    return n;
}

/* Parts compute what eager ops do. Whole kernels round otherwise, which Adam would make steps of where a gradient is 0
   but for rounding, as that of a key's bias: gradient descent shows them as they are. */
static void one_spec(const char *path, bool whole) {
    ct_spec *spec;
    ct_fields fields;
    char *messages = NULL;
    ct_status status = load(path, whole ? "optimizer={sgd: {lr: 0.1}}" : NULL, &spec, &messages);
    if (CHECK(status == CT_OK) && spec) {
        fields_of(spec, &fields);
        int parts = launches_without("-whole", spec, &fields);
        if (!whole || (launches_without("", spec, &fields) != parts)) compare(path, spec, &fields, whole ? 1e-5 : 1e-6);
        ct_spec_free(spec);
    }
    if (status) printf("%s", messages ? messages : ct_error());
    ct_text_free(messages);
    CHECK(ct_passes_use("") == CT_OK);
}

static void every_spec(void) {
    glob_t g;
    if (!CHECK(glob("specs/*.yaml", 0, NULL, &g) == 0)) return;
    for (size_t i = 0; i < g.gl_pathc; i++) one_spec(g.gl_pathv[i], false), one_spec(g.gl_pathv[i], true);
    globfree(&g);
}

/* Everything that a convolutional classifier is made of, each optimizer, each loss. */
static void layers(void) {
    static const char *const model =
        "[conv2d: {out_channels: 6, kernel_size: 3, padding: 1, bias: false}, batch_norm, relu, "
        "dropout: 0.3, max_pool2d: 2, conv2d: {out_channels: 8, kernel_size: 3, stride: 2}, tanh, "
        "avg_pool2d: 2, adaptive_avg_pool2d: 1, flatten, linear: 16, gelu, batch_norm, linear: 10%s]";
    static const char *const loss[][2] = {
        {"cross_entropy", ""}, {"nll_loss", ", log_softmax: -1"}, {"mse_loss", ", softmax: 1"}};
    static const char *const optimizer[] = {"sgd: {lr: 0.1, momentum: 0.9, nesterov: true}",
                                            "adam: {lr: 1e-2, amsgrad: true}", "adamw: {lr: 1e-2}",
                                            "rmsprop: {lr: 1e-3, momentum: 0.5, centered: true}"};
    for (int l = 0; l < CT_COUNT(loss); l++)
        for (int o = 0; o < CT_COUNT(optimizer); o++) {
            char list[1024], text[2048];
            snprintf(list, sizeof list, model, loss[l][1]);
            snprintf(text, sizeof text, "model: %s\nloss: %s\noptimizer: {%s}\n", list, loss[l][0], optimizer[o]);
            ct_spec *spec;
            char *messages = NULL;
            if (CHECK(ct_spec_parse("layers", text, strlen(text), NULL, &spec, &messages) == CT_OK)) {
                ct_layout input = ct_layout_of(CT_F32, CT_DIMS(6, 3, 12, 12));
                ct_fields fields;
                ct_fields_classes(&input, 10, &fields);
                compare(optimizer[o], spec, &fields, 1e-6);
                ct_spec_free(spec);
            } else
                printf("%s", messages);
            ct_text_free(messages);
        }
}

/* Checkpointed activations: the same steps in less memory, planned and define-by-run; a value that is read by name from
   far away (which is never cut off from its reader), running statistics and dropout among them. */
static void checkpointed(void) {
    static const char *const model =
        "[conv2d: {out_channels: 8, kernel_size: 3, padding: 1}, batch_norm, relu, "
        "{conv2d: {out_channels: 8, kernel_size: 3, padding: 1}, name: far}, batch_norm, gelu, dropout: 0.3, "
        "residual: [conv2d: {out_channels: 8, kernel_size: 3, padding: 1}, batch_norm, tanh], "
        "conv2d: {out_channels: 8, kernel_size: 3, padding: 1}, {name: near, tanh: }, "
        "{add: , inputs: [%s, near]}, flatten, linear: 10]";
    static const char *const from[] = {"far", "near"};
    ct_layout input = ct_layout_of(CT_F32, CT_DIMS(6, 3, 16, 16));
    ct_fields fields;
    ct_fields_classes(&input, 10, &fields);
    for (int i = 0; i < 4; i++) {
        char list[1024], text[2048];
        trainee t[2] = {0};
        ct_spec *spec[2] = {0};
        bool ok = true;
        snprintf(list, sizeof list, model, from[i % 2]);
        for (int k = 0; k < 2; k++) {
            char *messages = NULL;
            snprintf(text, sizeof text, "model: %s\nloss: cross_entropy\noptimizer: {sgd: {lr: 0.1}}\n%s", list,
                     k ? "train: {checkpoint_activations: true}\n" : "");
            if (!CHECK(ct_spec_parse("checkpointed", text, strlen(text), NULL, &spec[k], &messages) == CT_OK))
                printf("%s", messages);
            ct_text_free(messages);
            ok = ok && spec[k] && trainee_new(spec[k], &fields, i / 2, &t[k]);
        }
        for (int step = 0; ok && step < 3; step++) {
            ct_step_result r[2];
            for (int k = 0; k < 2; k++) {
                fill(t[k].s, 6, (uint64_t)step);
                ok = CHECK(ct_step_train(t[k].s, 6, step, &r[k]) == CT_OK) && ok;
            }
            CHECK(ok && r[0].loss == r[1].loss);
        }
        ct_step_cost cost[2];
        if (ok) CHECK(distance(t[0].net.module, t[1].net.module) <= 1e-6);
        if (ok && CHECK(ct_step_checkpoint_cost(t[1].s, 6, cost) == CT_OK)) {
            CHECK(i % 2 == 0 || cost[0].bytes < cost[1].bytes);
            CHECK(cost[0].operations > cost[1].operations && cost[0].operations < 1.34 * cost[1].operations);
        }
        for (int k = 0; k < 2; k++) trainee_free(&t[k]), ct_spec_free(spec[k]);
    }
}

/* A planned step of a transformer runs fewer than half the kernels of an eager one. */
static void launches(void) {
#define BLOCK                                                                                                \
    "residual: [layer_norm: {}, multi_head_attention: {num_heads: 4, is_causal: true, batch_first: true}], " \
    "residual: [layer_norm: {}, linear: 64, gelu, linear: 32]"
    static const char text[] =
        "model: [" BLOCK ", " BLOCK ", " BLOCK ", " BLOCK ", layer_norm: {}, flatten, linear: 10]\n"
        "loss: cross_entropy\noptimizer: {adam: {lr: 1e-3}}\n";
    ct_layout input = ct_layout_of(CT_F32, CT_DIMS(6, 16, 32));
    ct_spec *spec;
    trainee plan, eager;
    ct_step_result r;
    int planned = 0;
    ct_fields fields;
    ct_fields_classes(&input, 10, &fields);
    if (!CHECK(ct_spec_parse("launches", text, sizeof text - 1, NULL, &spec, NULL) == CT_OK)) return;
    bool ok = trainee_new(spec, &fields, false, &plan);
    if (trainee_new(spec, &fields, true, &eager) && ok) {
        int64_t before = ct_kernel_runs();
        CHECK(ct_step_train(eager.s, 6, 0, &r) == CT_OK);
        int64_t called = ct_kernel_runs() - before;
        planned = launches_of(plan.s);
        if (!CHECK(planned > 0 && 2 * planned < called)) printf("    %d of %lld\n", planned, (long long)called);
        before = ct_kernel_runs();
        CHECK(ct_step_train(plan.s, 6, 0, &r) == CT_OK && ct_kernel_runs() == before);
    }
    trainee_free(&plan), trainee_free(&eager), ct_spec_free(spec);
}

/* A model that only hands on its input. */
static void nothing_to_do(void) {
    static const char text[] = "model: [flatten]\nloss: cross_entropy\noptimizer: sgd\n";
    ct_layout input = ct_layout_of(CT_F32, CT_DIMS(1, 10));
    ct_spec *spec;
    ct_net net;
    ct_fields fields;
    ct_step *s = NULL;
    ct_step_result r;
    ct_fields_classes(&input, 10, &fields);
    if (!CHECK(ct_spec_parse("nothing", text, sizeof text - 1, NULL, &spec, NULL) == CT_OK)) return;
    if (CHECK(ct_net_build(spec, &fields, NULL, NULL, &net) == CT_OK)) {
        if (CHECK(ct_step_new(&net, NULL, 6, false, &s) == CT_OK)) {
            fill(s, 6, 1);
            CHECK(ct_step_eval(s, 4, false, &r) == CT_OK && !memcmp(r.output, ct_step_field(s, 0), 40 * sizeof(float)));
            CHECK(ct_step_eval(s, 4, true, &r) == CT_OK && r.loss > 1);
        }
        ct_step_free(s);
        ct_net_free(&net);
    }
    ct_spec_free(spec);
}

/* Values that live at once never share a byte; the arena is no larger than their sum. */
static void placement(void) {
    ct_philox_key key = ct_philox_make(3, 4);
    for (uint64_t round = 0; round < 50; round++) {
        ct_value v[40];
        size_t sum = 0, bytes;
        for (int i = 0; i < 40; i++) {
            uint32_t w[4];
            ct_philox_block(key, round * 40 + (uint64_t)i, 0, w);
            v[i] = (ct_value){.bytes = w[0] % 5000 + 1, .first = (int)(w[1] % 30), .joined = -1};
            v[i].last = v[i].first + (int)(w[2] % 10);
        }
        CHECK(ct_place(v, 40, &bytes) == CT_OK);
        for (int i = 0; i < 40; i++) {
            sum += v[i].bytes;
            CHECK(v[i].offset % CT_PLACE_ALIGN == 0 && v[i].offset + v[i].bytes <= bytes);
            for (int j = 0; j < i; j++) {
                bool together = v[i].first <= v[j].last && v[j].first <= v[i].last;
                bool overlap = v[i].offset < v[j].offset + v[j].bytes && v[j].offset < v[i].offset + v[i].bytes;
                CHECK(!together || !overlap);
            }
        }
        CHECK(bytes < sum);
    }
    ct_value huge[3];
    for (int i = 0; i < 3; i++) huge[i] = (ct_value){.bytes = (size_t)1 << 63, .last = 1, .joined = -1};
    CHECK(ct_place(huge, 3, &(size_t){0}) == CT_NO_MEMORY);
}

/* In-place updates in a capture: the slot has its old memory and, after a run, its new value. */
static void rebinding(void) {
    ct_scope *scope = ct_scope_open();
    ct_tensor *w = ct_full(CT_F32, CT_DIMS(3), 2), *x = ct_full(CT_F32, CT_DIMS(3), 5);
    ct_graph g;
    ct_arena arena = {0};
    ct_plan *plan;
    void *memory = ct_data(w);
    CHECK(ct_capture_begin(&g) == CT_OK);
    CHECK(ct_set(w, ct_add(w, x)) == CT_OK);
    ct_tensor *y = ct_mul(w, w); /* of the new value */
    CHECK(ct_set(w, ct_mul_scalar(w, 10)) == CT_OK);
    ct_scope *reading = ct_scope_open();
    CHECK(isnan(ct_item(y)));
    CHECK(ct_scope_close(reading) == CT_FAIL);
    CHECK(ct_capture_end(&g) == CT_OK);
    CHECK(ct_data(w) == memory);
    CHECK(ct_plan_new(&g, &y, 1, &arena, NULL, &plan) == CT_OK);
    for (int i = 0; i < 3; i++) {
        double before = ((float *)memory)[0];
        CHECK(ct_plan_run(plan) == CT_OK);
        CHECK_NEAR(((float *)ct_data(ct_plan_value(plan, 0)))[2], (before + 5) * (before + 5), 1e-3 * before * before);
        CHECK_NEAR(((float *)memory)[2], (before + 5) * 10, 1e-3 * before);
    }
    ct_plan_free(plan);
    ct_arena_free(&arena);
    CHECK(ct_scope_close(scope) == CT_OK);
}

/* A view from before a rebinding would have the old value in a plan, the new one eagerly. */
static void rebound_views(void) {
    ct_scope *scope = ct_scope_open();
    ct_tensor *w = ct_full(CT_F32, CT_DIMS(2, 3), 2), *v = ct_full(CT_F32, CT_DIMS(3), 5);
    ct_tensor *row = ct_select(w, (ct_select_args){.dim = 0, .index = 1});
    ct_graph g;
    CHECK(ct_capture_begin(&g) == CT_OK);
    CHECK(ct_set(w, ct_mul_scalar(w, 10)) == CT_OK);
    ct_scope *reading = ct_scope_open();
    CHECK(strstr(ct_why(ct_square(row)), "another view") != NULL);
    CHECK(ct_set(v, row) == CT_FAIL && strstr(ct_error(), "another view"));
    CHECK(ct_scope_close(reading) == CT_FAIL);
    CHECK(!ct_why(ct_square(w)));
    CHECK(ct_capture_end(&g) == CT_OK);
    ct_graph_free(&g);
    CHECK_NEAR(ct_item(ct_sum(ct_square(row), (ct_reduce_args){0})), 12, 0); /* nothing ran */
    CHECK(ct_scope_close(scope) == CT_OK);
}

int main(int argc, char **argv) {
    if (argc > 1) most = atoll(argv[1]);
    ct_scope *scope = ct_scope_open();
    RUN(nothing_to_do);
    RUN(placement);
    RUN(rebinding);
    RUN(rebound_views);
    RUN(layers);
    RUN(checkpointed);
    RUN(launches);
    RUN(every_spec);
    if (ct_scope_close(scope)) printf("scope: %s\n", ct_error());
    return check_done("plan");
}
