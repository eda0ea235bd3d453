/* What a spec says of parameters by name: `init`, `freeze`. */
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
    ct_module *m = NULL;
    ct_layout in = ct_layout_of(CT_F32, CT_DIMS(2, 1, 8, 8));
    snprintf(whole, sizeof whole, "%s%s", text, more);
    *spec = NULL;
    if (!ct_spec_parse("s", whole, strlen(whole), NULL, spec, messages) && ct_run_build(*spec, &in, 10, &m)) {
        ct_text_free(*messages);
        ct_spec_messages(*spec, messages);
        ct_spec_free(*spec);
        *spec = NULL;
    }
    return m;
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

/* ---- init ---- */
static double mean_square(const ct_module *m, const char *name) {
    const ct_tensor *t = ct_module_tensor(m, name);
    const float *v = t ? ct_data((ct_tensor *)t) : NULL;
    double sum = 0;
    for (int64_t i = 0; v && i < ct_numel(t); i++) sum += (double)v[i] * (double)v[i] / (double)ct_numel(t);
    return v ? sum : NAN;
}

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
            CHECK(same(first, m->module, "stem.weight") && same(first, m->module, "stem.bias"));
            CHECK(same(first, m->module, "bn.weight") && !same(first, m->module, "head.weight"));
            CHECK(!same(first, m->module, "bn.running_mean")); /* as PyTorch's */
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
    refuse(small, "freeze: []\n", "freeze is a list of patterns");
}

int main(void) {
    if (!CHECK(scratch_open())) return check_done("param");
    RUN(init_values);
    RUN(init_kinds);
    RUN(init_refusals);
    RUN(freeze_counts);
    RUN(freeze_stays);
    RUN(freeze_refusals);
    scratch_close();
    return check_done("param");
}
