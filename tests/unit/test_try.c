/* Specs tried: a dry run, a few batches learned by heart; and runs that end by the clock. */
#include "run/state.h"
#include "scratch.h"

static const char text[] = "data: {dataset: digits, validation: 0.2}\n"
                           "model: [flatten, linear: 24, relu, linear: 10]\n"
                           "loss: cross_entropy\n"
                           "optimizer: {adam: {lr: 1e-2}}\n"
                           "schedule: {linear: {start_factor: 1, end_factor: 0, total_iters: 23000000}, per: step}\n"
                           "train: {epochs: 1000000, batch_size: 50}\n";

static ct_spec *load(const char *const *set) {
    ct_spec *spec = NULL;
    CHECK(ct_spec_load(at("s.yaml"), set, &spec, NULL) == CT_OK);
    return spec;
}

/* Nothing is in the directory but the spec. */
static bool nothing_left(void) {
    char path[80];
    snprintf(path, sizeof path, "%s", root);
    struct stat st;
    return !stat(path, &st) && st.st_nlink == 2 && access(at("log.jsonl"), F_OK);
}

static void dry_run(void) {
    ct_spec *spec = load(NULL);
    ct_try_report r;
    CHECK(!ct_train_dry_run(spec, &(ct_train_options){0}, &r, NULL));
    CHECK(r.parameters == 64 * 24 + 24 + 24 * 10 + 10 && r.samples == 50 && r.passes == 1);
    CHECK(fabs(r.loss - log(10)) < 0.3 && r.eval_loss < r.loss + 0.3 && !strcmp(r.split, "validation"));
    CHECK(r.step_s > 0 && r.step_s <= r.seconds);
    volatile int stop = 1;
    CHECK(ct_fail(CT_FAIL, "an older one") &&
          ct_train_dry_run(spec, &(ct_train_options){.stop = &stop}, &r, NULL) == CT_STOPPED);
    CHECK_HAS(ct_error(), "stopped in the evaluation");
    ct_spec_free(spec);
    spec = load((const char *const[]){"data.validation=0", NULL});
    CHECK(!ct_train_dry_run(spec, &(ct_train_options){.eager = true}, &r, NULL) && !strcmp(r.split, "test"));
    ct_spec_free(spec);
    spec = load((const char *const[]){"init={\"*\": {constant: 1e38}}", "data.normalize.std=1e-6", NULL});
    CHECK(ct_train_dry_run(spec, &(ct_train_options){0}, &r, NULL) == CT_DIVERGED);
    CHECK_HAS(ct_error(), "at step 1");
    ct_spec_free(spec);
    CHECK(nothing_left());
}

static char noted[512];
static void note(void *ctx, const char *line) {
    (void)ctx;
    snprintf(noted, sizeof noted, "%s", line);
}

/* Of activations computed again: what that saves, in a unit that shows it, and what it costs. */
static void saving(void) {
    const char *const set[] = {"train.checkpoint_activations=true",
                               "model=[flatten, linear: 64, relu, linear: 64, relu, linear: 64, relu, linear: 10]",
                               NULL};
    ct_spec *spec = load(set);
    ct_try_report r;
    char with[8], without[8];
    double a, b, more;
    CHECK(!ct_train_dry_run(spec, &(ct_train_options){.note = note}, &r, NULL));
    if (CHECK(sscanf(noted,
                     "checkpoint_activations: a step's values take %lf %7[a-zA-Z], %lf %7[a-zA-Z] without it; what is "
                     "computed again makes %lf%% more operations",
                     &a, with, &b, without, &more) == 5))
        CHECK(a >= 1 && b >= 1 && a < 1000 && b < 1000 && !strcmp(with, "kB") && more > 0 && more < 50);
    *noted = 0;
    CHECK(!ct_train_dry_run(spec, &(ct_train_options){.note = note, .eager = true}, &r, NULL) && !*noted);
    ct_spec_free(spec);
}

static void overfit(void) {
    ct_spec *spec = load((const char *const[]){"data.augment=[{random_crop: 2}]", NULL});
    ct_try_report r, again;
    CHECK(!ct_train_overfit(spec, 2, &(ct_train_options){0}, &r, NULL));
    CHECK(r.samples == 100 && r.passes > 5 && r.passes < 1000 && r.first_loss > 1 && r.loss <= 0.01 * r.first_loss);
    CHECK(!ct_train_overfit(spec, 2, &(ct_train_options){0}, &again, NULL));
    CHECK(again.loss == r.loss && again.passes == r.passes);
    volatile int stop = 1;
    CHECK(ct_train_overfit(spec, 2, &(ct_train_options){.stop = &stop}, &r, NULL) == CT_STOPPED);
    ct_spec_free(spec);
    spec = load((const char *const[]){"optimizer.adam.lr=1e-9", "train.batch_size=4", NULL});
    CHECK(ct_train_overfit(spec, 1, &(ct_train_options){0}, &r, NULL) == CT_FAIL);
    CHECK_HAS(ct_error(), "after 1000 passes over 4 samples the loss is ");
    CHECK(r.passes == 1000 && r.loss > 0.9 * r.first_loss);
    ct_spec_free(spec);
    spec = load((const char *const[]){"train.batch_size=1000", NULL}); /* more than there are */
    CHECK(!ct_train_overfit(spec, 1000, &(ct_train_options){0}, &r, NULL) && r.samples == 1154);
    ct_spec_free(spec);
    CHECK(nothing_left());
}

/* A model that gives the same for whatever it sees: of samples of several classes it can learn none by heart. And a dry
   run's loss is that of the first step of the run. */
static void many_samples(void) {
    const char *const set[] = {"init={\"*\": {constant: 0}}", NULL};
    ct_spec *spec = load(set);
    ct_try_report r;
    CHECK(ct_train_overfit(spec, 1, &(ct_train_options){0}, &r, NULL) == CT_FAIL && r.loss > 1);
    ct_spec_free(spec);
    spec = load((const char *const[]){"train={steps: 1, batch_size: 50}", NULL});
    ct_train_report run;
    CHECK(!ct_train_dry_run(spec, &(ct_train_options){0}, &r, NULL));
    CHECK(!ct_train(spec, &(ct_train_options){.dir = at("one-step")}, &run, NULL));
    CHECK(r.loss == run.loss);
    ct_spec_free(spec);
}

/* Far from its last step the run is complete, and so is its schedule. */
static void max_time(void) {
    ct_spec *spec = load(NULL);
    ct_train_report r;
    ct_run_state s;
    ct_train_options o = {.dir = at("clock"), .max_seconds = 0.2};
    CHECK(!ct_train(spec, &o, &r, NULL));
    CHECK(r.out_of_time && !r.stopped_early && r.steps >= 1 && r.steps < 1000000 && r.best_epoch > 0);
    CHECK(!ct_state_peek(at("clock/state.safetensors"), &s, NULL));
    CHECK(s.finished && s.max_seconds == 0.2 && s.schedule_t > 0.8 * 23000000 && s.schedule_lr < 0.2 * 1e-2);
    ct_train_report again;
    o.resume = true, o.max_seconds = 100;
    CHECK(!ct_train(spec, &o, &again, NULL) && again.steps == r.steps); /* it is finished */
    ct_spec_free(spec);
}

/* The limit is the run's: time before it was stopped counts, and the schedule goes on from where it was. */
static void stopped_and_resumed(void) {
    ct_spec *spec = load(NULL);
    ct_train_report r;
    ct_run_state s, first;
    volatile int stop = 1;
    ct_train_options o = {.dir = at("parts"), .max_seconds = 0.3, .stop = &stop};
    CHECK(ct_train(spec, &o, &r, NULL) == CT_STOPPED);
    CHECK(!ct_state_peek(at("parts/state.safetensors"), &first, NULL) && !first.finished && first.seconds > 0);
    o = (ct_train_options){.dir = at("parts"), .resume = true};
    CHECK(!ct_train(spec, &o, &r, NULL) && r.out_of_time);
    CHECK(!ct_state_peek(at("parts/state.safetensors"), &s, NULL) && s.finished && s.max_seconds == 0.3);
    CHECK(s.schedule_t > first.schedule_t && s.seconds >= 0.3);
    ct_spec_free(spec);
}

/* A limit that is not reached changes no bit. */
static void time_enough(void) {
    const char *const set[] = {"train.epochs=2", "schedule.linear.total_iters=46", NULL};
    ct_train_report a, b;
    for (int i = 0; i < 2; i++) {
        ct_spec *spec = load(set);
        ct_train_options o = {.dir = at(i ? "limited" : "free"), .max_seconds = i ? 1e6 : 0};
        CHECK(!ct_train(spec, &o, i ? &b : &a, NULL));
        ct_spec_free(spec);
    }
    CHECK(!a.out_of_time && !b.out_of_time && a.steps == b.steps && !strcmp(a.sha256, b.sha256));
}

int main(void) {
    if (!CHECK(scratch_open())) return check_done("try");
    puts_in("s.yaml", text);
    RUN(dry_run);
    RUN(saving);
    RUN(overfit);
    RUN(many_samples);
    RUN(max_time);
    RUN(stopped_and_resumed);
    RUN(time_enough);
    scratch_close();
    return check_done("try");
}
