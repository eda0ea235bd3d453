/* What a spec says of parameters by name: `freeze`. */
#include "run/model.h"
#include "scratch.h"

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
    RUN(freeze_counts);
    RUN(freeze_stays);
    RUN(freeze_refusals);
    scratch_close();
    return check_done("param");
}
