/* class_weights: the loss is the mean weighted by the targets' classes, as PyTorch's. */
#include "check.h"
#include "run/train.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#define N 7
#define C 3
static const int64_t classes[N] = {0, 2, 2, 1, 0, 0, -100};

/* The step's loss on N samples, and what its scores and weights w say. */
static void one(const char *loss, const float w[C]) {
    char text[400];
    ct_spec *spec = NULL;
    ct_net net = {0};
    ct_step *step = NULL;
    ct_step_result got = {0};
    ct_fields fields;
    ct_layout input = ct_layout_of(CT_F32, CT_DIMS(1, 4));
    ct_fields_classes(&input, C, &fields);
    snprintf(text, sizeof text, "model: [linear: %d]\nloss: %s\noptimizer: sgd\n", C, loss);
    ct_scope *scope = ct_scope_open();
    bool ok = CHECK(ct_spec_parse("spec", text, strlen(text), NULL, &spec, NULL) == CT_OK) &&
              CHECK(ct_net_build(spec, &fields, NULL, NULL, &net) == CT_OK) &&
              CHECK(ct_step_new(&net, NULL, N, false, &step) == CT_OK);
    for (int i = 0; ok && i < N * 4; i++) ((float *)ct_step_field(step, 0))[i] = (float)(i % 5) - 2;
    if (ok) memcpy(ct_step_field(step, net.target), classes, sizeof classes);
    ok = ok && CHECK(ct_step_eval(step, N, true, &got) == CT_OK);
    double sum = 0, weight = 0;
    for (int i = 0; ok && i < N; i++) {
        const float *x = got.output + i * C;
        if (classes[i] < 0) continue;
        double all = 0;
        for (int c = 0; c < C; c++) all += exp(x[c]);
        sum -= w[classes[i]] * (x[classes[i]] - log(all)), weight += w[classes[i]];
    }
    CHECK(fabs(got.loss - sum / weight) < 1e-6 * fabs(got.loss));
    ct_tally t = {0};
    if (ok) ct_tally_add(&t, step, N, &got);
    CHECK(fabs(ct_tally_loss(&t, 0) - sum / weight) < 1e-6 && fabs(t.weight[0] - weight) < 1e-6 && t.counted == N - 1);
    ct_step_free(step), ct_net_free(&net), ct_spec_free(spec);
    CHECK(ct_scope_close(scope) == CT_OK);
}

static void test_weights(void) {
    one("cross_entropy", (const float[]){1, 1, 1});
    one("{cross_entropy: {class_weights: [0.5, 3, 1.25]}}", (const float[]){0.5, 3, 1.25});
    one("{cross_entropy: {class_weights: [0, 1, 0]}}", (const float[]){0, 1, 0});
}

/* balanced is scikit-learn's: n / (classes * count). */
static void test_balanced(void) {
    static const char text[] = "model: [linear: 3]\nloss: {cross_entropy: {class_weights: balanced}}\noptimizer: sgd\n";
    ct_spec *spec = NULL;
    if (!CHECK(ct_spec_parse("spec", text, strlen(text), NULL, &spec, NULL) == CT_OK)) return;
    ct_loss *l = &spec->loss[0];
    CHECK(l->weights && !l->class_weight);
    CHECK(ct_loss_balance(spec->doc, l, (const int64_t[]){10, 2, 4}, 3) == CT_OK && l->n_class_weights == 3);
    const float want[] = {16.f / 30, 16.f / 6, 16.f / 12};
    for (int c = 0; c < 3; c++) CHECK(l->class_weight && l->class_weight[c] == want[c]);
    ct_buf out = CT_BUF(10000);
    CHECK(ct_spec_text(spec, NULL, &out) == CT_OK && strstr(out.data, "0.533333361"));
    ct_buf_free(&out);
    ct_spec_free(spec);
}

int main(void) {
    test_weights();
    test_balanced();
    return check_done("class_weights");
}
