/* Runs: stopped and resumed without a bit's difference, refused where they must be, evaluated as they were trained. */
#include "ctorch_run.h"
#include "scratch.h"
#include <math.h>

static const char spec_text[] = "data: {dataset: digits, validation: 0.2}\n"
                                "model: [flatten, linear: 24, relu, dropout: 0.2, linear: 10]\n"
                                "loss: cross_entropy\n"
                                "optimizer: {adam: {lr: 5e-3}, groups: {\"*.bias\": {lr: 1e-2}}}\n"
                                "schedule: {one_cycle: {max_lr: 1e-2, total_steps: 72}, per: step}\n"
                                "train: {epochs: 3, batch_size: 50, log_every: 1, clip_grad_norm: 1.5}\n";

static const char fields_text[] =
    "data: {dataset: random, shape: [9], vocab: 7, inputs: {a: [3]}, samples: 60, validation: 0.2}\n"
    "model: [{linear: 4, inputs: [a], name: mu},\n"
    "  {embedding: {num_embeddings: 7, embedding_dim: 8}, inputs: [input]}, dropout: 0.2, "
    "linear: 7]\n"
    "loss: [cross_entropy, {mse: {input: mu, target: mu}}, kl_normal: {inputs: [mu, mu]}]\n"
    "optimizer: {adam: {lr: 1e-2}}\n"
    "train: {epochs: 3, batch_size: 10, log_every: 1}\n";
static const char *spec_file = "spec.yaml";

static ct_spec *load(const char *const *set) {
    ct_spec *spec = NULL;
    char *messages = NULL;
    CHECK(ct_spec_load(at(spec_file), set, &spec, &messages) == CT_OK);
    if (messages) printf("%s", messages);
    ct_text_free(messages);
    return spec;
}

typedef struct watch {
    volatile int stop;
    int64_t steps, stop_at;
} watch;

static void count_step(void *ctx, const ct_progress *p) {
    watch *w = ctx;
    if (p->step && !strcmp(p->phase, "train") && ++w->steps == w->stop_at) w->stop = 1;
}

static ct_status train(const char *dir, const char *const *set, bool resume, bool force, int64_t stop_at,
                       ct_train_report *r) {
    watch w = {.stop_at = stop_at};
    ct_train_report unused;
    ct_train_options o = {
        .dir = at(dir), .resume = resume, .force = force, .stop = &w.stop, .progress = count_step, .ctx = &w};
    ct_spec *spec = load(set);
    ct_status status = ct_train(spec, &o, r ? r : &unused, NULL);
    ct_spec_free(spec);
    return status;
}

static bool same_file(const char *a, const char *b) {
    FILE *f = fopen(at(a), "rb"), *g = fopen(at(b), "rb");
    int c = 0, d = 0;
    while (f && g && c != EOF && c == d) c = getc(f), d = getc(g);
    bool same = f && g && c == d;
    if (f) fclose(f);
    if (g) fclose(g);
    return same;
}

static int lines(const char *file, const char *with) {
    char line[4096];
    int n = 0;
    FILE *f = fopen(at(file), "r");
    while (f && fgets(line, sizeof line, f)) n += strstr(line, with) != NULL;
    if (f) fclose(f);
    return n;
}

static void stopped_and_resumed(void) {
    ct_train_report whole, parts;
    CHECK(train("whole", NULL, false, false, -1, &whole) == CT_OK);
    CHECK(whole.epochs == 3 && whole.steps == 3 * 24 && whole.best_epoch >= 1);
    CHECK(whole.val_accuracy > 0.6 && whole.val_accuracy <= 1);
    int stops = 0;
    ct_status status = train("parts", NULL, false, false, 5, &parts);
    for (int64_t at = 1; status == CT_STOPPED && stops < 100; at = at * 3 % 17 + 1, stops++)
        status = train("parts", NULL, true, false, at, &parts);
    CHECK(status == CT_OK && stops > 5);
    CHECK(same_file("whole/best.safetensors", "parts/best.safetensors"));
    CHECK(same_file("whole/last.safetensors", "parts/last.safetensors"));
    CHECK(whole.val_accuracy == parts.val_accuracy && whole.loss == parts.loss && whole.best_epoch == parts.best_epoch);
    CHECK(lines("parts/log.jsonl", "\"type\":\"step\"") == 3 * 24);
    CHECK(lines("parts/log.jsonl", "\"type\":\"epoch\"") == 3);
}

static void of_fields(void) {
    ct_train_report whole, parts;
    puts_in("fields.yaml", fields_text);
    spec_file = "fields.yaml";
    CHECK(train("tokens", NULL, false, false, -1, &whole) == CT_OK);
    CHECK(whole.steps == 15 && whole.loss > 0 && whole.val_accuracy >= 0);
    ct_status status = train("tokens-parts", NULL, false, false, 3, &parts);
    for (int i = 0; status == CT_STOPPED && i < 10; i++) status = train("tokens-parts", NULL, true, false, 4, &parts);
    spec_file = "spec.yaml";
    CHECK(status == CT_OK && whole.loss == parts.loss && whole.val_loss == parts.val_loss);
    CHECK(same_file("tokens/best.safetensors", "tokens-parts/best.safetensors"));
    CHECK(same_file("tokens/last.safetensors", "tokens-parts/last.safetensors"));
    CHECK(lines("tokens-parts/log.jsonl", "\"losses\":{\"cross_entropy\":") == 15 + 3);
}

/* Steps rather than epochs, evaluated in their midst; a schedule that goes on from its last rate. */
static void by_steps(void) {
    static const char *const set[] = {
        "train.steps=29", "train.eval_every=10",
        "schedule={chained: [exponential: 0.98, cosine: {T_max: 9, eta_min: 1e-3}], per: step, warmup: 3}", NULL};
    ct_train_report whole, parts;
    CHECK(train("steps", set, false, false, -1, &whole) == CT_OK);
    CHECK(whole.steps == 29 && whole.epochs == 1);
    CHECK(lines("steps/log.jsonl", "\"type\":\"step\"") == 29 && lines("steps/log.jsonl", "\"type\":\"epoch\"") == 3);
    CHECK(lines("steps/log.jsonl", "\"epoch\":2,\"step\":29,\"loss\"") == 2);
    ct_status status = train("steps-parts", set, false, false, 10, &parts); /* just before an evaluation */
    for (int64_t n = 1; status == CT_STOPPED && n < 20; n++) status = train("steps-parts", set, true, false, n, &parts);
    CHECK(status == CT_OK && whole.loss == parts.loss && whole.val_loss == parts.val_loss);
    CHECK(same_file("steps/best.safetensors", "steps-parts/best.safetensors"));
    CHECK(same_file("steps/last.safetensors", "steps-parts/last.safetensors"));
    CHECK(lines("steps-parts/log.jsonl", "\"type\":\"epoch\"") == 3);
}

/* A run, and the same one stopped every few steps: the same bits. */
static void in_parts(const char *const *set, ct_train_report *whole) {
    ct_train_report parts;
    CHECK(train("one", set, false, true, -1, whole) == CT_OK);
    ct_status status = train("pieces", set, false, true, 2, &parts);
    int stops = 0;
    for (; status == CT_STOPPED && stops < 100; stops++)
        status = train("pieces", set, true, false, stops % 5 + 1, &parts);
    CHECK(status == CT_OK && stops > 2 && whole->loss == parts.loss);
    CHECK(same_file("one/best.safetensors", "pieces/best.safetensors"));
    CHECK(same_file("one/last.safetensors", "pieces/last.safetensors"));
}

/* The largest difference between the weights of run a and the mean of those of b and c. */
static double from_mean(const char *a, const char *b, const char *c) {
    static const char model[] = "[flatten, linear: 24, relu, dropout: 0.2, linear: 10]";
    const char *file[] = {a, b, c};
    ct_module *m[3];
    ct_tensor *const *w[3];
    int n;
    double most = 0;
    for (int i = 0; i < 3; i++) {
        m[i] = ct_module_open(model, CT_F32, CT_DIMS(1, 8, 8));
        CHECK(ct_module_load(m[i], at(file[i])) == CT_OK);
        w[i] = ct_module_params(m[i], &n);
    }
    for (int p = 0; p < n; p++)
        for (int64_t k = 0; k < ct_numel(w[0][p]); k++) {
            double v[3];
            for (int i = 0; i < 3; i++) v[i] = (double)((float *)ct_data(w[i][p]))[k];
            most = fmax(most, fabs(v[0] - (v[1] + v[2]) / 2));
        }
    for (int i = 0; i < 3; i++) ct_module_free(m[i]);
    return most;
}
static double apart(const char *a, const char *b) { return from_mean(a, b, b); }

/* Several batches are one large one: also where they differ in size, and in how many of their samples count. */
static void accumulation(void) {
    static const char *const loss[] = {"loss=cross_entropy", "loss={cross_entropy: {ignore_index: 3}}",
                                       "loss={cross_entropy: {class_weights: [1, 2, 0.5, 1, 3, 1, 1, 0.1, 1, 1]}}",
                                       "loss=[cross_entropy: {ignore_index: 5}, mse: {reduction: sum, weight: 0.01}]"};
    for (int i = 0; i < 4; i++) {
        const char *large[] = {loss[i], "train.batch_size=80", "model.3.dropout=0", NULL};
        const char *small[] = {loss[i], "train.batch_size=16", "train.accumulate=5", "model.3.dropout=0", NULL};
        ct_train_report a, b;
        CHECK(train("large", large, false, true, -1, &a) == CT_OK);
        in_parts(small, &b);
        CHECK(a.steps == b.steps && a.steps == 3 * 15);
        CHECK_NEAR(a.loss, b.loss, 1e-6 * a.loss);
        CHECK_NEAR(a.val_loss, b.val_loss, 1e-5 * a.val_loss);
        CHECK(apart("large/last.safetensors", "one/last.safetensors") < 1e-5);
        CHECK(lines("one/log.jsonl", "\"type\":\"step\"") == 3 * 15);
    }
}

/* The model that is measured and saved is the average; training goes on with its own weights. */
static void exponential_average(void) {
    const char *none[] = {"train.ema={decay: 0}", NULL}, *light[] = {"train.ema={decay: 1e-7}", NULL};
    const char *heavy[] = {"train.ema={decay: 0.9}", NULL}, *one[] = {"train.steps=1", NULL};
    const char *one_averaged[] = {"train.steps=1", heavy[0], NULL};
    ct_train_report plain, averaged;
    CHECK(train("large", none, false, true, -1, &plain) == CT_OK);
    CHECK(train("one", light, false, true, -1, &averaged) == CT_OK && averaged.loss == plain.loss);
    CHECK(apart("large/last.safetensors", "one/last.safetensors") < 1e-6);
    in_parts(heavy, &averaged);
    CHECK(averaged.loss == plain.loss && averaged.val_loss != plain.val_loss);
    ct_model *m;
    ct_eval_report r;
    CHECK(ct_model_open(at("one"), &m) == CT_OK);
    CHECK(ct_evaluate(m, &(ct_eval_options){.split = "validation"}, &r) == CT_OK);
    CHECK_NEAR(r.loss, averaged.val_loss, 1e-6);
    ct_eval_report_free(&r), ct_model_close(m);
    CHECK(apart("large/last.safetensors", "one/last.safetensors") > 1e-4);
    CHECK(train("large", one, false, true, -1, &plain) == CT_OK);
    CHECK(train("one", one_averaged, false, true, -1, &averaged) == CT_OK && averaged.val_loss == plain.val_loss);
    CHECK(apart("large/last.safetensors", "one/last.safetensors") == 0);
    const char *with_statistics[] = {heavy[0],
                                     "model=[flatten, linear: {out_features: 8, bias: false}, batch_norm, linear: 10]",
                                     "train.accumulate=2", "train.batch_size=30", NULL};
    in_parts(with_statistics, &averaged);
}

/* The mean of the weights after the epochs past `start`; its rate falls as a schedule could have it. */
static void stochastic_average(void) {
    static const char *const anneals[] = {"lr: 0.05, anneal_epochs: 0", "lr: 0.05, anneal_epochs: 2",
                                          "lr: 0.05, anneal_epochs: 3",
                                          "lr: 0.05, anneal_strategy: linear, anneal_epochs: 4"};
    static const char *const schedules[] = {"schedule={multistep: {milestones: [1], gamma: 0.5}}",
                                            "schedule={multistep: {milestones: [2], gamma: 0.75}}",
                                            "schedule={multistep: {milestones: [2], gamma: 0.875}}",
                                            "schedule={multistep: {milestones: [2], gamma: 0.875}}"};
    const char *two[] = {"train.epochs=2", NULL}, *mean[] = {"train.swa={start: 1}", NULL};
    ct_train_report plain, averaged;
    CHECK(train("large", NULL, false, true, -1, &plain) == CT_OK && train("two", two, false, true, -1, NULL) == CT_OK);
    in_parts(mean, &averaged);
    CHECK(plain.loss == averaged.loss);
    CHECK(from_mean("one/last.safetensors", "two/last.safetensors", "large/last.safetensors") < 1e-6);
    for (int i = 0; i < 4; i++) {
        char swa[128];
        snprintf(swa, sizeof swa, "train.swa={start: 1, %s}", anneals[i]);
        const char *anneal[] = {swa, "optimizer={sgd: {lr: 0.1}}", "schedule={constant: 1}", NULL};
        const char *same[] = {mean[0], anneal[1], schedules[i], NULL};
        CHECK(train("large", same, false, true, -1, &plain) == CT_OK);
        in_parts(anneal, &averaged);
        CHECK(apart("large/last.safetensors", "one/last.safetensors") < 1e-6);
    }
    const char *rests[] = {
        "train.swa={start: 1, lr: 1e-3, anneal_epochs: 1}", /* as the schedule moves with steps */
        "model=[flatten, linear: {out_features: 8, bias: false}, batch_norm, dropout: 0.2, linear: 10]",
        "train.eval_every=20", "train.steps=70", NULL};
    in_parts(rests, &averaged);
}

/* Muon for the matrices, the rest by another; all of it goes on to the bit. */
static void two_optimizers(void) {
    const char *matrices[] = {"optimizer={adamw: {lr: 1e-2}, groups: {\"[13].*\": {muon: {lr: 0.02}}, \"*.bias\": "
                              "{lr: 1e-3}}}",
                              NULL};
    ct_train_report r;
    in_parts(matrices, &r);
    CHECK(r.val_accuracy > 0.6);
}

static void refusals(void) {
    CHECK(train("whole", NULL, false, false, -1, NULL) == CT_FAIL);
    CHECK_HAS(ct_error(), "holds a finished run; --force replaces it");
    ct_train_report again;
    CHECK(train("whole", NULL, true, false, -1, &again) == CT_OK); /* nothing is left to do */
    CHECK(again.epochs == 3);
    CHECK(train("half", NULL, false, false, 7, NULL) == CT_STOPPED);
    CHECK(train("half", NULL, false, false, -1, NULL) == CT_FAIL);
    CHECK_HAS(ct_error(), "holds an unfinished run");
    CHECK(train("half", (const char *const[]){"seed=3", NULL}, true, false, -1, NULL) == CT_BAD_SPEC);
    CHECK_HAS(ct_error(), "differs from the spec given");
    CHECK(train("half", NULL, false, true, -1, NULL) == CT_OK);
    CHECK(same_file("whole/best.safetensors", "half/best.safetensors"));
}

static void divergence(void) {
    const char *const set[] = {"schedule.one_cycle.max_lr=1e30", NULL};
    CHECK(train("diverged", set, false, false, -1, NULL) == CT_DIVERGED);
    CHECK_HAS(ct_error(), "the loss is");
    CHECK_HAS(ct_error(), "at step");
}

static void early_stopping(void) {
    const char *const set[] = {"train.epochs=200",       "train.early_stopping=2", "schedule={constant: 1}",
                               "optimizer.adam.lr=0.05", "train.monitor=loss",     NULL};
    ct_train_report r;
    CHECK(train("early", set, false, false, -1, &r) == CT_OK);
    CHECK(r.stopped_early && r.epochs < 200 && r.epochs == r.best_epoch + 2);
}

static void eager_is_the_same(void) {
    ct_spec *spec = load(NULL);
    ct_train_report eager, whole;
    ct_train_options o = {.dir = at("eager"), .eager = true};
    CHECK(ct_train(spec, &o, &eager, NULL) == CT_OK);
    ct_spec_free(spec);
    CHECK(train("whole", NULL, true, false, -1, &whole) == CT_OK);
    CHECK_NEAR(eager.loss, whole.loss, 1e-5 * whole.loss);
}

static void evaluation(void) {
    ct_model *m;
    ct_eval_report r;
    ct_eval_options o = {0}, v = {.split = "validation"};
    CHECK(ct_model_open(at("whole"), &m) == CT_OK);
    CHECK(ct_model_classes(m) == 10 && !strcmp(ct_model_class(m, 3), "3"));
    CHECK(ct_model_parameters(m) == 64 * 24 + 24 + 24 * 10 + 10);
    CHECK(ct_evaluate(m, &o, &r) == CT_OK);
    int64_t diagonal = 0, all = 0;
    for (int i = 0; i < 100; i++) all += r.confusion[i], diagonal += i % 11 ? 0 : r.confusion[i];
    CHECK(r.n == 355 && all == r.n && diagonal == r.correct && r.accuracy == (double)r.correct / (double)r.n);
    CHECK(r.low < r.accuracy && r.accuracy < r.high && isnan(r.top5));
    ct_eval_report_free(&r);
    ct_train_report whole;
    CHECK(train("whole", NULL, true, false, -1, &whole) == CT_OK);
    CHECK(ct_evaluate(m, &v, &r) == CT_OK);
    CHECK(r.accuracy == whole.val_accuracy && fabs(r.loss - whole.val_loss) < 1e-6);
    ct_eval_report_free(&r);
    ct_scope *scope = ct_scope_open();
    float p[20 * 10];
    int64_t label[20];
    ct_tensor *images = ct_model_samples(m, &o, 0, 20, label);
    CHECK(ct_model_predict(m, images, p) == CT_OK);
    for (int i = 0; i < 20; i++) {
        double sum = 0;
        for (int k = 0; k < 10; k++) sum += p[i * 10 + k];
        CHECK_NEAR(sum, 1, 1e-5);
    }
    CHECK(ct_scope_close(scope) == CT_OK);
    ct_model_close(m);
    CHECK(ct_model_open(at("none"), &m) == CT_FAIL);
    CHECK(ct_model_open(at("whole/state.safetensors"), &m) == CT_BAD_DATA);
}

int main(void) {
    if (!CHECK(scratch_open())) return check_done("run");
    puts_in("spec.yaml", spec_text);
    RUN(stopped_and_resumed);
    RUN(of_fields);
    RUN(by_steps);
    RUN(accumulation);
    RUN(exponential_average);
    RUN(stochastic_average);
    RUN(two_optimizers);
    RUN(refusals);
    RUN(divergence);
    RUN(early_stopping);
    RUN(eager_is_the_same);
    RUN(evaluation);
    scratch_close();
    return check_done("run");
}
