/* What a spec says of parameters by name: `tie`, `init`, `freeze`. */
#include "run/model.h"
#include "scratch.h"
#include <math.h>

#define HEAD "data: {dataset: digits}\nloss: cross_entropy\ntrain: {epochs: 1, batch_size: 64}\n"
#define ADAMW "optimizer: {adamw: {lr: 1e-2, weight_decay: 0.1}}\n"
static const char small[] = HEAD ADAMW
    "model: [{conv2d: {out_channels: 4, kernel_size: 3}, name: stem}, {batch_norm: , name: bn}, relu, flatten,\n"
    "        {linear: 10, name: head}]\n";

/* Its spec and its model, for digits; both NULL where it is refused, and *messages say why. */
static ct_module *build(const char *text, const char *more, ct_spec **spec, char **messages) {
    char whole[4096];
    ct_net net = {0};
    ct_fields fields;
    ct_layout in = ct_layout_of(CT_F32, CT_DIMS(2, 1, 8, 8));
    snprintf(whole, sizeof whole, "%s%s", text, more);
    *spec = NULL;
    ct_fields_classes(&in, 10, &fields);
    if (!ct_spec_parse("s", whole, strlen(whole), NULL, spec, messages) &&
        ct_net_build(*spec, &fields, NULL, NULL, &net)) {
        ct_text_free(*messages);
        ct_spec_messages(*spec, messages);
        ct_spec_free(*spec);
        *spec = NULL;
    }
    return net.module;
}

static ct_module *sound(const char *text, const char *more, ct_spec **spec) {
    char *messages;
    ct_module *m = build(text, more, spec, &messages);
    if (!CHECK(m)) printf("%s", messages ? messages : "");
    ct_text_free(messages);
    return m;
}

static void refuse(const char *text, const char *more, const char *message) {
    char *messages;
    ct_spec *spec;
    CHECK(!build(text, more, &spec, &messages));
    CHECK_HAS(messages ? messages : "", message);
    ct_text_free(messages);
    ct_spec_free(spec);
}

static bool same(const ct_module *a, const ct_module *b, const char *name) {
    const ct_tensor *x = ct_module_tensor(a, name), *y = ct_module_tensor(b, name);
    return x && y && ct_numel(x) == ct_numel(y) &&
           !memcmp(ct_data((ct_tensor *)x), ct_data((ct_tensor *)y), (size_t)ct_numel(x) * sizeof(float));
}

static double mean_square(const ct_module *m, const char *name) {
    const ct_tensor *t = ct_module_tensor(m, name);
    const float *v = t ? ct_data((ct_tensor *)t) : NULL;
    double sum = 0;
    for (int64_t i = 0; v && i < ct_numel(t); i++) sum += (double)v[i] * (double)v[i] / (double)ct_numel(t);
    return v ? sum : NAN;
}

/* An epoch of it: the model at its end. */
static ct_model *trained(const char *text, const char *more, bool eager) {
    char whole[4096];
    ct_spec *spec;
    ct_model *m = NULL;
    ct_train_report r;
    ct_train_options o = {.dir = at("run"), .force = true, .eager = eager};
    snprintf(whole, sizeof whole, "%s%s", text, more);
    puts_in("s.yaml", whole);
    if (!CHECK(!ct_spec_load(at("s.yaml"), NULL, &spec, NULL))) return NULL;
    if (!CHECK(!ct_train(spec, &o, &r, NULL))) printf("%s\n", ct_error());
    ct_spec_free(spec);
    CHECK(!ct_model_open(at("run"), &m));
    return m;
}

/* ---- tie ---- */
static const char twice[] =
    HEAD ADAMW "model: [flatten, {linear: 64, name: a}, tanh, {linear: 64, name: b}, {linear: 10, name: head}]\n";

static void tie_counts(void) {
    ct_spec *spec;
    ct_optim *o;
    int n;
    ct_module *m = sound(twice, "tie: {b.weight: a.weight}\n", &spec);
    if (!m) return;
    CHECK(ct_module_tensor(m, "b.weight") == ct_module_tensor(m, "a.weight"));
    CHECK(ct_module_trained(m) == 64 * 64 + 64 + 64 + 650 && ct_module_count(m) == 5 && ct_module_ties(m, NULL) == 1);
    CHECK(!ct_run_optimizer(spec, m, &o));
    ct_optim_params(o, &n);
    CHECK(n == 5);
    ct_optim_free(o), ct_module_free(m), ct_spec_free(spec);
    if (!(m = sound(twice, "tie: {b: a}\ninit: {a.weight: zeros}\nfreeze: [a.bias]\n", &spec))) return;
    CHECK(ct_module_trained(m) == 64 * 64 + 650 && ct_module_parameters(m) == 64 * 64 + 64 + 650);
    CHECK(mean_square(m, "b.weight") == 0);
    ct_module_free(m), ct_spec_free(spec);
}

/* A gradient is the sum over the uses. */
static void tie_gradients(void) {
    ct_spec *spec, *other;
    ct_module *m = sound(twice, "tie: {b.weight: a.weight}\n", &spec), *n = sound(twice, "", &other);
    ct_scope *scope = ct_scope_open();
    if (m && n && scope) {
        CHECK(!ct_set(ct_module_tensor(n, "b.weight"), ct_module_tensor(m, "a.weight")));
        ct_tensor *x = ct_randn(CT_F32, CT_DIMS(3, 1, 8, 8));
        ct_backward(ct_sum(ct_square(ct_module_forward(m, x)), (ct_reduce_args){0}));
        ct_backward(ct_sum(ct_square(ct_module_forward(n, x)), (ct_reduce_args){0}));
        ct_tensor *one = ct_grad(ct_module_tensor(m, "a.weight"));
        ct_tensor *two = ct_add(ct_grad(ct_module_tensor(n, "a.weight")), ct_grad(ct_module_tensor(n, "b.weight")));
        CHECK_NEAR(ct_item(ct_amax(ct_abs(ct_sub(one, two)), (ct_reduce_args){0})), 0, 1e-5);
    }
    CHECK(!ct_scope_close(scope));
    ct_module_free(m), ct_module_free(n), ct_spec_free(spec), ct_spec_free(other);
}

/* Files of a run have it once; files with the other name, or with both, are read. */
static void tie_files(void) {
    ct_spec *spec, *other;
    ct_model *run = trained(twice, "tie: {b.weight: a.weight}\n", false);
    ct_module *m = sound(twice, "tie: {b.weight: a.weight}\n", &spec), *n = sound(twice, "", &other);
    if (run && m && n) {
        ct_safetensors *file;
        CHECK(!ct_safetensors_open(at("run/best.safetensors"), &file));
        CHECK(ct_safetensors_has(file, "a.weight") && !ct_safetensors_has(file, "b.weight"));
        ct_safetensors_close(file);
        CHECK(!same(run->net.module, m, "a.weight") && ct_module_load(n, at("run/best.safetensors")) == CT_BAD_DATA);
        CHECK(!ct_module_save(n, at("both")) && ct_module_load(m, at("both")) == CT_BAD_DATA);
        CHECK_HAS(ct_error(), "'b.weight' differs from the one that the model ties it to");
        CHECK(!ct_set(ct_module_tensor(n, "b.weight"), ct_module_tensor(n, "a.weight")));
        CHECK(!ct_module_save(n, at("both")) && !ct_module_load(m, at("both")) && same(m, n, "b.weight"));
        ct_named of[] = {{"b.weight", ct_module_tensor(run->net.module, "a.weight")},
                         {"a.bias", ct_module_tensor(n, "a.bias")},
                         {"b.bias", ct_module_tensor(n, "b.bias")},
                         {"head.weight", ct_module_tensor(n, "head.weight")},
                         {"head.bias", ct_module_tensor(n, "head.bias")}};
        CHECK(!ct_safetensors_write(at("one"), of, 5, NULL, 0) && !ct_module_load(m, at("one")));
        CHECK(same(m, run->net.module, "a.weight"));
    }
    ct_model_close(run);
    ct_module_free(m), ct_module_free(n), ct_spec_free(spec), ct_spec_free(other);
}

static void tie_refusals(void) {
    refuse(twice, "tie: {b.weight: a.wieght}\n", "did you mean 'a.weight'?");
    refuse(twice, "tie: {c: a}\n", "no parameter's name fits 'c'");
    refuse(twice, "tie: {a: a}\n", "it is that one");
    refuse(twice, "tie: {b: a, b.bias: a.bias}\n", "it is tied already");
    refuse(twice, "tie: {b.bias: a.bias, a.bias: b.bias}\n", "that is tied itself");
    refuse(twice, "tie: {head: a}\n",
           "head.weight, (10, 64), cannot be tied to a.weight, (64, 64): their shapes differ");
    refuse(small, "tie: {bn.running_mean: bn.weight}\n", "one is a parameter and the other is none");
}

/* ---- init ---- */
static void init_values(void) {
    ct_spec *spec, *other;
    ct_module *m = sound(small,
                         "init: {\"*.weight\": {normal: 0.02}, \"*.bias\": zeros, \"head.*\": {constant: 3}, "
                         "head.weight: {kaiming_normal: {mode: fan_out, nonlinearity: relu}}}\n",
                         &spec);
    ct_module *n = sound(small, "init: {stem.weight: {normal: {std: 0.02}}, bn.weight: ones}\n", &other);
    if (m && n) {
        CHECK(mean_square(m, "stem.bias") == 0 && fabs(mean_square(m, "head.bias") - 9) < 1e-9);
        CHECK_NEAR(mean_square(m, "head.weight"), 2.0 / 10, 0.03);
        CHECK_NEAR(mean_square(m, "stem.weight"), 0.0004, 0.0004);
        CHECK(same(m, n, "stem.weight") && !same(m, n, "head.weight")); /* by seed and name alone */
        CHECK(mean_square(n, "bn.weight") == 1 && mean_square(m, "bn.running_mean") == 0);
    }
    ct_module_free(m), ct_module_free(n);
    ct_spec_free(spec), ct_spec_free(other);
}

/* Each is found by its name and fills what it can fill. */
static void init_kinds(void) {
    static const char *const kinds[] = {"normal",
                                        "trunc_normal: {std: 2, a: -1, b: 1}",
                                        "uniform",
                                        "constant: 2",
                                        "zeros",
                                        "ones",
                                        "dirac",
                                        "orthogonal: 2",
                                        "sparse: 0.5",
                                        "xavier_uniform",
                                        "eye",
                                        "xavier_normal",
                                        "kaiming_normal",
                                        "kaiming_uniform"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        char more[128];
        ct_spec *spec, *plain;
        bool conv = !strcmp(kinds[i], "dirac");
        snprintf(more, sizeof more, "init: {%s.weight: {%s: }}\n", conv ? "stem" : "head", kinds[i]);
        if (strchr(kinds[i], ':')) snprintf(more, sizeof more, "init: {head.weight: {%s}}\n", kinds[i]);
        ct_module *m = sound(small, more, &spec), *n = sound(small, "", &plain);
        CHECK(m && n && !same(m, n, conv ? "stem.weight" : "head.weight") && same(m, n, "head.bias"));
        ct_module_free(m), ct_module_free(n);
        ct_spec_free(spec), ct_spec_free(plain);
    }
}

static void init_refusals(void) {
    refuse(small, "init: {\"*.wieght\": zeros}\n", "s:7:8: error: no parameter's name fits '*.wieght'");
    refuse(small, "init: {\"*\": orthogonal, \"bn.*\": ones}\n", "stem.bias: orthogonal: wants a tensor of 2 to");
    refuse(small, "init: {stem.weight: {dirac: 3}}\n", "3 groups do not divide 4 channels");
    refuse(small, "init: {stem.weight: {normal: -1}}\n", "std must be");
    refuse(small, "init: {stem.weight: sparse}\n", "sparsity");
}

/* ---- freeze ---- */
static void freeze_counts(void) {
    ct_spec *spec;
    ct_optim *o;
    ct_check_report r;
    int n;
    ct_module *m = sound(small, "freeze: [\"stem.*\", \"bn.bias\"]\n", &spec);
    if (!m) return;
    CHECK(ct_module_parameters(m) == 40 + 8 + 1450 && ct_module_trained(m) == 4 + 1450);
    CHECK(ct_module_count(m) == 9); /* they and the statistics are saved all the same */
    CHECK(!ct_run_optimizer(spec, m, &o));
    ct_tensor *const *p = ct_optim_params(o, &n);
    CHECK(n == 3 && p[0] == ct_module_tensor(m, "bn.weight") && p[1] == ct_module_tensor(m, "head.weight"));
    const char *name;
    CHECK(!ct_optim_state(o, ct_module_tensor(m, "stem.weight"), 0, &name));
    ct_optim_free(o);
    CHECK(!ct_spec_check(spec, &r, NULL) && r.parameters == ct_module_parameters(m) && r.trainable == 1454);
    ct_check_report_free(&r);
    ct_module_free(m);
    ct_spec_free(spec);
}

static void freeze_stays(void) {
    static const char more[] = "freeze: [\"stem.*\", \"bn.*\"]\n";
    for (int eager = 0; eager < 2; eager++) {
        ct_spec *spec;
        ct_module *first = sound(small, more, &spec);
        ct_model *m = trained(small, more, eager);
        if (m && first) {
            CHECK(same(first, m->net.module, "stem.weight") && same(first, m->net.module, "stem.bias"));
            CHECK(same(first, m->net.module, "bn.weight") && !same(first, m->net.module, "head.weight"));
            CHECK(!same(first, m->net.module, "bn.running_mean")); /* as PyTorch's */
            CHECK(ct_model_parameters(m) == ct_module_parameters(first));
        }
        ct_model_close(m);
        ct_module_free(first);
        ct_spec_free(spec);
    }
}

static void freeze_refusals(void) {
    refuse(small, "freeze: [head.weigth]\n",
           "s:7:10: error: no parameter's name fits 'head.weigth'; did you mean 'head.weight'?");
    refuse(small, "freeze: [\"haed.*\"]\n", "did you mean 'head.*'?");
    refuse(small, "freeze: [\"bn.running*\"]\n", "no parameter's name fits 'bn.running*'");
    refuse(small, "freeze: [\"*\"]\n", "freeze leaves no parameter to train");
    refuse(small, "freeze: []\n", "freeze is a list of up to 256 patterns");
}

int main(void) {
    if (!CHECK(scratch_open())) return check_done("param");
    RUN(tie_counts);
    RUN(tie_gradients);
    RUN(tie_files);
    RUN(tie_refusals);
    RUN(init_values);
    RUN(init_kinds);
    RUN(init_refusals);
    RUN(freeze_counts);
    RUN(freeze_stays);
    RUN(freeze_refusals);
    scratch_close();
    return check_done("param");
}
