/* Batches loaded while the step is at work are those that are loaded when they are asked for. */
#include "check.h"
#include "base/parallel.h"
#include "data/transform.h"
#include "run/ahead.h"
#include "run/model.h"
#include "yaml/read.h"
#include <string.h>

#define N 70
#define BATCH 16
#define SIDE 8
#define PIXELS (3 * SIDE * SIDE)

static unsigned char pixels[N * PIXELS];
static int64_t classes[N], order[N];
static ct_normalizer norm;

/* A model with batch norms and dropout, a step of it, and images. */
typedef struct bed {
    ct_scope *scope;
    ct_spec *spec;
    ct_net net;
    ct_optim *optim;
    ct_step *step;
    ct_rows rows;
    ct_augment *augment;
    ct_samples of;
} bed;

static bool open(bed *b, bool eager) {
    static const char text[] = "model: [conv2d: {out_channels: 8, kernel_size: 3}, batch_norm, relu, flatten, "
                               "dropout: 0.2, linear: 10]\nloss: cross_entropy\noptimizer: {sgd: {lr: 0.1}}\n";
    static const double mean[3] = {0.5, 0.4, 0.3}, std[3] = {0.2, 0.3, 0.25};
    static _Alignas(16) char args[256];
    static ct_transform_use use;
    ct_layout input = ct_layout_of(CT_F32, CT_DIMS(1, 3, SIDE, SIDE));
    ct_fields fields;
    *b = (bed){.scope = ct_scope_open()};
    for (int i = 0; i < N * PIXELS; i++) pixels[i] = (unsigned char)(i * 2654435761u >> 24);
    for (int i = 0; i < N; i++) classes[i] = i % 10, order[i] = i * 29 % N;
    ct_fields_classes(&input, 10, &fields);
    ct_normalizer_make(mean, std, &norm);
    b->rows.x = ct_from(CT_U8, CT_DIMS(N, 3, SIDE, SIDE), pixels);
    b->rows.y = ct_from(CT_I64, CT_DIMS(N), classes);
    use = (ct_transform_use){ct_transform_find("random_crop"), args};
    b->of = (ct_samples){.split = &b->rows, .norm = &norm, .index = order, .n = N, .epoch = 3};
    return CHECK(ct_spec_parse("ahead", text, sizeof text - 1, NULL, &b->spec, NULL) == CT_OK) &&
           CHECK(ct_net_build(b->spec, &fields, NULL, NULL, &b->net) == CT_OK) &&
           CHECK(ct_run_optimizer(b->spec, b->net.module, &b->optim) == CT_OK) &&
           CHECK(ct_step_new(&b->net, b->optim, BATCH, eager, &b->step) == CT_OK) &&
           CHECK(ct_read_args_text(use.transform->kind.keys, "padding=2", args) == CT_OK) &&
           CHECK(ct_augment_open(&use, 1, 7, b->rows.x, &b->augment) == CT_OK);
}

static void close_bed(bed *b) {
    ct_step_free(b->step);
    ct_augment_free(b->augment);
    ct_optim_free(b->optim);
    ct_net_free(&b->net);
    ct_spec_free(b->spec);
    CHECK(ct_scope_close(b->scope) == CT_OK);
}

static int64_t batch_at(int64_t first) { return CT_MIN(BATCH, N - first); }

/* What the step's fields hold is what loading into others gives. */
static bool holds(const bed *b, int64_t first) {
    static float x[BATCH * PIXELS];
    static int64_t y[BATCH];
    ct_batch to = {.net = &b->net, .to = 2, .field = {x, y}};
    int64_t n = batch_at(first);
    return CHECK(ct_batch_load(&b->of, first, n, &to, 0) == CT_OK) &&
           CHECK(!memcmp(x, ct_step_field(b->step, 0), (size_t)n * PIXELS * sizeof *x)) &&
           CHECK(!memcmp(y, ct_step_field(b->step, 1), (size_t)n * sizeof *y));
}

/* An epoch of steps; its losses one after another. */
static bool epoch(bed *b, bool next, double *loss) {
    for (int64_t first = 0; first < N; first += BATCH) {
        ct_step_result r;
        int64_t n = batch_at(first);
        if (!CHECK((next ? ct_samples_next : ct_samples_load)(&b->of, first, n, b->step) == CT_OK)) return false;
        if (!holds(b, first) || !CHECK(ct_step_train(b->step, n, first, &r) == CT_OK) || !holds(b, first)) return false;
        loss[first / BATCH] = r.loss;
    }
    return true;
}

static void same(bool eager, bool augmented) {
    double ahead[N / BATCH + 1], one[N / BATCH + 1];
    for (int next = 0; next <= 1; next++) {
        bed b;
        if (open(&b, eager)) {
            b.of.augment = augmented ? b.augment : NULL;
            epoch(&b, next, next ? ahead : one);
            CHECK(epoch(&b, next, next ? ahead : one)); /* from both rooms by now */
        }
        close_bed(&b);
    }
    CHECK(!memcmp(ahead, one, sizeof one));
}

static void is_the_same(void) {
    int threads = ct_threads();
    for (int n = 1; n <= 3; n++) {
        ct_set_threads(n);
        same(false, false), same(false, true), same(true, false);
    }
    ct_set_threads(threads);
}

/* What was begun and is not wanted after all; one whose sample is not there fails when it is its turn. */
static void is_given_up(void) {
    bed b;
    int threads = ct_threads();
    ct_set_threads(2);
    if (open(&b, false)) {
        CHECK(ct_samples_next(&b.of, 0, BATCH, b.step) == CT_OK);
        CHECK(ct_samples_load(&b.of, 32, BATCH, b.step) == CT_OK && holds(&b, 32));
        CHECK(!ct_ahead_take(&b.of, 16, BATCH, b.step));
        CHECK(ct_samples_next(&b.of, 0, BATCH, b.step) == CT_OK);
        b.of.epoch++; /* other draws */
        b.of.augment = b.augment;
        CHECK(ct_samples_next(&b.of, 16, BATCH, b.step) == CT_OK && holds(&b, 16));
        ct_ahead_end(b.step);
        CHECK(!ct_ahead_take(&b.of, 32, BATCH, b.step));
        order[20] = N;
        CHECK(ct_samples_next(&b.of, 0, BATCH, b.step) == CT_OK && holds(&b, 0));
        CHECK(ct_samples_next(&b.of, 16, BATCH, b.step) == CT_FAIL);
        CHECK_HAS(ct_error(), "sample 70 is asked for; there are 70");
        CHECK(ct_samples_next(&b.of, 32, BATCH, b.step) == CT_OK && holds(&b, 32)); /* freed under way */
    }
    close_bed(&b);
    ct_set_threads(threads);
}

int main(void) {
    RUN(is_the_same);
    RUN(is_given_up);
    return check_done("ahead");
}
