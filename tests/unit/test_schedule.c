/* Schedules made of others, warm-ups and a scheduler's state, through the C API. */
#include "scratch.h"
#include "optim/schedule.h"
#include <math.h>
#include <stdlib.h>

typedef struct trial {
    ct_tensor *w[2];
    ct_optim *o;
    ct_lr_scheduler *s;
} trial;

static trial start(const char *schedule) {
    trial t;
    for (int i = 0; i < 2; i++) t.w[i] = ct_keep(ct_requires_grad(ct_zeros(CT_F32, CT_DIMS(1)), true));
    t.o = ct_optim_open("sgd: {lr: 0.1}", t.w, 1);
    CHECK(!ct_optim_add_group(t.o, "sgd: {lr: 0.03}", t.w + 1, 1));
    t.s = ct_lr_scheduler_open(schedule, t.o);
    if (!CHECK(t.s != NULL)) printf("%s: %s\n", schedule, ct_error());
    return t;
}
static void end(trial *t) {
    ct_lr_scheduler_free(t->s), ct_optim_free(t->o);
    for (int i = 0; i < 2; i++) ct_drop(t->w[i]);
}
static double rate(const trial *t, int group) { return ct_item(ct_optim_lr(t->o, group)); }

/* What PyTorch 2.15 has, of a group of rate 0.1 and one of 0.03, after these steps. */
enum { N_LOOKS = 7 };
static const int looks[N_LOOKS] = {0, 1, 3, 5, 8, 12, 19};
static const struct {
    const char *schedule;
    double want[2 * N_LOOKS];
} rows[] = {
    {"constant: {factor: 0.5, total_iters: 0}",
     {0.05, 0.05, 0.05, 0.05, 0.05, 0.05, 0.05, 0.015, 0.015, 0.015, 0.015, 0.015, 0.015, 0.015}},
    {"sequential: {schedulers: [{linear: {start_factor: 0.1, total_iters: 4}}, {cosine: {T_max: 10, eta_min: 0.001}}], "
     "milestones: [4]}",
     {0.01, 0.0325, 0.0775, 0.0975772975566101, 0.0657963412215599, 0.0104536587784401, 0.0505000000000002, 0.003,
      0.00975, 0.02325, 0.0292903194862797, 0.0199807464184367, 0.00376925358156326, 0.0155000000000001}},
    {"sequential: {schedulers: [{constant: {factor: 0.5, total_iters: 3}}, {exponential: {gamma: 0.9}}, {step: "
     "{step_size: 2, gamma: 0.5}}], milestones: [5, 11]}",
     {0.05, 0.05, 0.1, 0.1, 0.0729, 0.1, 0.00625, 0.015, 0.015, 0.03, 0.03, 0.02187, 0.03, 0.001875}},
    {"sequential: {schedulers: [{linear: {start_factor: 0.2, total_iters: 6}}, {one_cycle: {max_lr: 0.4, total_steps: "
     "20}}], milestones: [6]}",
     {0.0032, 0.00533333333333333, 0.0096, 0.0138666666666667, 0.14866873708001, 0.394985602494035, 0.155496791225484,
      0.0032, 0.00533333333333333, 0.0096, 0.0138666666666667, 0.14866873708001, 0.394985602494035, 0.155496791225484}},
    {"sequential: {schedulers: [{exponential: {gamma: 0.5}}, {polynomial: {total_iters: 8, power: 2}}, "
     "{cosine_warm_restarts: {T_0: 3}}], milestones: [7, 7]}",
     {0.1, 0.05, 0.0125, 0.003125, 0.075, 0.025, 0.1, 0.03, 0.015, 0.00375, 0.0009375, 0.0225, 0.0075, 0.03}},
    {"sequential: {schedulers: [{multistep: {milestones: [2, 5], gamma: 0.5}}, {cyclic: {base_lr: 0.01, max_lr: 0.2, "
     "step_size_up: 4}}], milestones: [8]}",
     {0.1, 0.1, 0.05, 0.025, 0.01, 0.2, 0.1525, 0.03, 0.03, 0.015, 0.0075, 0.01, 0.2, 0.1525}},
    {"chained: {schedulers: [{linear: {start_factor: 0.25, total_iters: 5}}, {exponential: {gamma: 0.9}}]}",
     {0.025, 0.036, 0.05103, 0.059049, 0.043046721, 0.0282429536481, 0.0135085171767299, 0.0075, 0.0108, 0.015309,
      0.0177147, 0.0129140163, 0.00847288609443, 0.00405255515301898}},
    {"chained: {schedulers: [{exponential: {gamma: 0.9}}, {cosine: {T_max: 6, eta_min: 0.02}}]}",
     {0.1, 0.0853108891324554, 0.0460520495739146, 0.0220501007279747, 0.0238182069312383, 0.0164049087308927,
      0.0233589838486225, 0.03, 0.0265310889132455, 0.0205370495739146, 0.0192812276517982, 0.00806820693123827,
      -0.0249293912691073, 0.0186698729810778}},
    {"chained: {schedulers: [{cosine_warm_restarts: {T_0: 5, eta_min: 0.003}}, {step: {step_size: 4, gamma: 0.5}}, "
     "{constant: {factor: 0.5, total_iters: 6}}]}",
     {0.05, 0.090737324227185, 0.0365126757728151, 0.1, 0.0182563378864075, 0.0332436621135925, 0.0122626757728151,
      0.015, 0.0274217294240618, 0.0123282705759382, 0.03, 0.0061641352879691, 0.0103358647120309,
      0.00557827057593821}},
    {"chained: {schedulers: [{polynomial: {total_iters: 12, power: 0.5}}, {multistep: {milestones: [3, 9], gamma: "
     "0.3}}]}",
     {0.1, 0.0957427107756338, 0.0259807621135332, 0.0229128784747792, 0.0173205080756888, 0, 0, 0.03,
      0.0287228132326901, 0.00779422863405995, 0.00687386354243376, 0.00519615242270663, 0, 0}},
    {"chained: {schedulers: [{cyclic: {base_lr: 0.01, max_lr: 0.2, step_size_up: 3}}, {linear: {start_factor: 0.5, "
     "total_iters: 8}}]}",
     {0.005, 0.0825, 0.22, 0.0794444444444444, 0.145777777777778, 0.01, 0.0733333333333331, 0.005, 0.0825, 0.22,
      0.0794444444444444, 0.145777777777778, 0.01, 0.0733333333333331}},
};

static void as_pytorch(void) {
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        trial t = start(rows[i].schedule);
        for (int k = 0, step = 0; t.s && k < N_LOOKS; k++) {
            for (; step < looks[k]; step++) ct_lr_scheduler_step(t.s, 0);
            for (int g = 0; g < 2; g++) CHECK_NEAR(rate(&t, g), rows[i].want[g * N_LOOKS + k], 1e-12);
        }
        end(&t);
    }
}

/* A warm-up beside any schedule is the linear one before it. */
static void warm_up(void) {
    trial a = start("{cosine: {T_max: 10}, warmup: 4}");
    trial b =
        start("sequential: {schedulers: [linear: {start_factor: 0.2, total_iters: 4}, cosine: 10], milestones: [4]}");
    trial c = start("{chained: [exponential: 0.9, constant: 1], warmup: 2}");
    for (int i = 0; i < 12; i++) {
        CHECK_NEAR(rate(&a, 1), rate(&b, 1), 1e-15);
        CHECK_NEAR(rate(&c, 0), i < 2 ? 0.1 * (i + 1) / 3 : 0.1 * pow(0.9, i - 2), 1e-15);
        ct_lr_scheduler_step(a.s, 0), ct_lr_scheduler_step(b.s, 0), ct_lr_scheduler_step(c.s, 0);
    }
    end(&a), end(&b), end(&c);
}

/* Saved after any step, a scheduler goes on to the bit. */
static void saved(void) {
    static const char *const of[] = {
        "{cosine: {T_max: 9}, warmup: 3}",
        "sequential: {schedulers: [chained: [linear, exponential: 0.9], cosine: 9], milestones: [7]}",
        "sequential: {schedulers: [linear, chained: [cosine: {T_max: 4, eta_min: 0.02}, step: 2]], milestones: [3]}",
        "{reduce_on_plateau: {factor: 0.5, patience: 1, cooldown: 1, min_lr: 0.004}, warmup: 2}",
    };
    const char *path = at("scheduler.safetensors");
    for (size_t i = 0; i < sizeof of / sizeof *of; i++)
        for (int stop = 0; stop < 15; stop += 2) {
            trial a = start(of[i]), b = start(of[i]);
            double metric[] = {3, 2, 2, 2, 1, 1, 1, 1};
            for (int k = 0; k < stop; k++) ct_lr_scheduler_step(a.s, metric[k % 8]);
            CHECK(!ct_lr_scheduler_save(a.s, path) && !ct_lr_scheduler_load(b.s, path));
            for (int k = stop; k < 25; k++) {
                CHECK(rate(&a, 0) == rate(&b, 0) && rate(&a, 1) == rate(&b, 1));
                ct_lr_scheduler_step(a.s, metric[k % 8]), ct_lr_scheduler_step(b.s, metric[k % 8]);
            }
            end(&a), end(&b);
        }
}

static void refused(void) {
    static const char *const wrong[][2] = {
        {"sequential: {schedulers: [linear, cosine: 9], milestones: [3, 4]}", "2 schedulers have 1 milestones"},
        {"sequential: {schedulers: [linear, reduce_on_plateau], milestones: [3]}", "listens to a metric"},
        {"chained: [linear: {start_factor: 0}]", "starts at 0"},
        {"chained: []", "schedulers of chained is a list"},
        {"{cosine: 9, per: step}", "unknown key 'per'"},
    };
    trial t = start("linear");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        CHECK(!ct_lr_scheduler_open(wrong[i][0], t.o));
        CHECK_HAS(ct_error(), wrong[i][1]);
    }
    ct_optim *one = ct_optim_open("sgd: {lr: 1}", t.w, 1);
    ct_lr_scheduler *s = ct_lr_scheduler_open("linear", one);
    const char *path = at("two.safetensors");
    CHECK(!ct_lr_scheduler_save(t.s, path) && ct_lr_scheduler_load(s, path) == CT_BAD_DATA);
    CHECK_HAS(ct_error(), "is no state of a scheduler of 1 groups");
    CHECK_NEAR(ct_item(ct_optim_lr(one, 0)), 1.0 / 3, 1e-15);
    CHECK(ct_lr_scheduler_load(s, at("none")) == CT_FAIL);
    CHECK(ct_lr_scheduler_save(NULL, path) == CT_FAIL && ct_lr_scheduler_load(NULL, path) == CT_FAIL);
    ct_lr_scheduler_free(s), ct_optim_free(one);
    end(&t);
}

/* One schedule of a run's groups: each has the rate that it has alone, whatever the first one's. */
static void groups(void) {
    const ct_scheduler *plateau = ct_scheduler_find("reduce_on_plateau");
    const double base[] = {0, 0.1, 3, 1e-9};
    void *args = calloc(1, plateau->kind.args_size);
    ct_keys_default(plateau->kind.keys, args);
    for (int i = 0; i < 4; i++) {
        ct_schedule all = ct_schedule_start(plateau, args, 2, base[i]), alone[4];
        for (int k = 0; k < 4; k++) alone[k] = ct_schedule_start(plateau, args, 2, base[k]);
        for (int step = 0; step < 60; step++) {
            for (int k = 0; k < 4; k++) CHECK(ct_schedule_rate(&all, base[k]) == ct_schedule_rate(&alone[k], base[k]));
            ct_schedule_step(&all, 1);
            for (int k = 0; k < 4; k++) ct_schedule_step(&alone[k], 1);
        }
        CHECK(ct_schedule_rate(&all, 0) == 0 && ct_schedule_rate(&all, 1e-9) == 1e-9); /* a drop below eps is none */
        CHECK_NEAR(ct_schedule_rate(&all, 0.1), 1e-6, 1e-15);
    }
    free(args);
}

int main(void) {
    if (!scratch_open()) return 1;
    RUN(as_pytorch);
    RUN(warm_up);
    RUN(saved);
    RUN(groups);
    RUN(refused);
    scratch_close();
    return check_done("schedule");
}
