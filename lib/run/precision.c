/* `train.precision: auto`: a step is timed in f32 and in bf16, once a run, and the faster one stands in its spec. */
#include "base/clock.h"
#include "run/model.h"
#include "run/train.h"
#include <math.h>
#include <stdio.h>

const char *ct_precision_name(const ct_spec *spec) {
    return spec->train.precision == CT_PRECISION_BF16 ? "bf16" : "f32";
}

#define SECONDS 1.0
#define ROUNDS 50
#define WORTH 0.97 /* bf16 is chosen below this share of f32's time */

/* Says it in the spec, whose text goes with the run and its models. */
static ct_status settle(ct_run *r, int precision) {
    ct_spec *spec = r->spec;
    ct_yaml *said = ct_yaml_get(ct_yaml_get(spec->root, "train"), "precision");
    spec->train.precision = precision;
    said->text = ct_doc_strdup(spec->doc, ct_precision_name(spec));
    return said->text ? CT_OK : CT_NO_MEMORY;
}

ct_status ct_run_precision_recall(ct_run *r) {
    ct_spec *own;
    if (r->spec->train.precision != CT_PRECISION_AUTO) return CT_OK;
    CT_TRY(ct_train_resume_spec(r->opt->dir, &own, NULL));
    int was = own->train.precision;
    ct_spec_free(own);
    return settle(r, was);
}

/* A model and an optimizer of their own, so that the run's stay as they are. */
typedef struct trial {
    ct_net net;
    ct_optim *optim;
    ct_step *step[2]; /* by ct_precision */
} trial;

static void trial_free(trial *t) {
    for (int i = 0; i < 2; i++) ct_step_free(t->step[i]);
    ct_optim_free(t->optim);
    ct_net_free(&t->net);
}

static ct_status make(ct_run *r, const ct_samples *batch, trial *t) {
    ct_fields fields;
    ct_dataset_fields(r->data, &fields);
    CT_TRY(ct_net_build(r->spec, &fields, NULL, NULL, &t->net));
    CT_TRY(ct_run_optimizer(r->spec, t->net.module, &t->optim));
    for (int i = 0; i < 2; i++) {
        r->spec->train.precision = i;
        CT_TRY(ct_step_new(&t->net, t->optim, batch->n, r->opt->eager, &t->step[i]));
        CT_TRY(ct_samples_load(batch, 0, batch->n, t->step[i]));
    }
    return CT_OK;
}

/* The best of steps in turn, the first of each apart, which make its plan. */
static ct_status measure(trial *t, int64_t n, double best[2]) {
    ct_step_result out;
    double begin = ct_now();
    best[0] = best[1] = INFINITY;
    for (int round = 0; round < 2 || (round < ROUNDS && ct_now() - begin < SECONDS); round++)
        for (int i = 0; i < 2; i++) {
            double start = ct_now();
            CT_TRY(ct_step_train(t->step[i], n, round, &out));
            if (round) best[i] = CT_MIN(best[i], ct_now() - start);
        }
    return CT_OK;
}

static void tell(const ct_run *r, bool bf16, const double best[2]) {
    char line[192];
    snprintf(line, sizeof line, "precision: auto took %s: a step takes %.3g ms, with %s %.3g ms%s",
             bf16 ? "bf16" : "f32", 1e3 * best[bf16], bf16 ? "f32" : "bf16", 1e3 * best[!bf16],
             best[!bf16] < best[bf16] ? ", which saves too little" : "");
    ct_run_note(r, line);
}

static ct_status choose(ct_run *r) {
    trial t = {0};
    double best[2];
    ct_samples batch = {.split = &r->data->train,
                        .norm = &r->norm,
                        .index = r->parts.train,
                        .n = CT_MIN(r->spec->train.batch_size, r->parts.n_train)};
    ct_status status = make(r, &batch, &t);
    if (!status) status = measure(&t, batch.n, best);
    trial_free(&t);
    CT_TRY(status);
    bool bf16 = best[CT_PRECISION_BF16] < WORTH * best[CT_PRECISION_F32];
    tell(r, bf16, best);
    return settle(r, bf16);
}

ct_status ct_run_precision_choose(ct_run *r) {
    if (r->spec->train.precision == CT_PRECISION_AUTO) return choose(r);
    if (r->spec->train.precision == CT_PRECISION_BF16 && !ct_backend_bf16())
        ct_run_note(r,
                    "precision: bf16 is slower than f32 here: this processor or these kernels have no instructions for "
                    "its products, or none whose bits are reproducible");
    return CT_OK;
}
