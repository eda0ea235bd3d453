/* A training run under way: inside the room, what its files share. */
#ifndef CT_RUN_TRAIN_H
#define CT_RUN_TRAIN_H
#include "data/divide.h"
#include "optim/schedule.h"
#include "run/dir.h"
#include "run/origin.h"
#include "run/split.h"
#include "run/state.h"

/* A buffer of the model, and what it was. */
typedef struct ct_own {
    ct_tensor *of, *copy;
} ct_own;

typedef struct ct_run {
    ct_spec *spec;
    const ct_train_options *opt;
    ct_train_report *report;
    ct_dataset *data;
    ct_origin_report taken; /* of another model's weights */
    ct_run_dir dir;
    ct_net net;
    ct_optim *optim;
    ct_average *average; /* NULL: none */
    ct_own *own;         /* SWA: the model's buffers, while it has averaged weights */
    int n_own;
    ct_step *step;
    ct_normalizer norm;
    ct_augment *augment;     /* NULL: none */
    ct_division parts;       /* of the training samples */
    int64_t *order, ordered; /* sample numbers of an epoch, and of which */
    int64_t steps;           /* of an epoch */
    ct_samples held_out;
    ct_schedule schedule; /* kind NULL: the rate stays */
    double *base_lr;      /* of each group of parameters */
    ct_run_state state;
    char *files; /* what the data is, for the checkpoint */
    double began, checkpointed, first_step;
    int64_t number_at_start;
} ct_run;

/* One that has read nothing yet. */
ct_run ct_run_begin(ct_spec *spec, const ct_train_options *options, ct_train_report *report);
void ct_run_note(const ct_run *r, const char *line); /* what a user should know */
/* Data, model, optimizer and what a step needs; no directory. resume: a checkpoint will say what the weights are.
   messages: as in ct_train. */
ct_status ct_run_make(ct_run *r, bool resume, char **messages);
/* Refuses a last, smaller batch that a layer cannot train on: said before the work, not an epoch later. */
ct_status ct_run_try_last(const ct_run *r);
/* Notes what checkpointed activations save, and what they cost, where the spec wants them. */
ct_status ct_run_tell_saving(const ct_run *r);
/* Everything up to the first step: the directory, ct_run_make, the log's beginning or the checkpoint. */
ct_status ct_run_start(ct_run *r, char **messages);
/* Counts the classes for losses whose class_weights are balanced, before the net is built. */
ct_status ct_run_balance(ct_run *r);
/* What the spec's precision `auto` is to be: of a run to go on with what it was, else what two steps' times say. The
   spec says it from now on. Notes that say so, or that bf16 is slower here. */
ct_status ct_run_precision_recall(ct_run *r);
ct_status ct_run_precision_choose(ct_run *r);
void ct_run_free(ct_run *r);
/* What the steps of the state's epoch see, in order. */
ct_status ct_run_order(ct_run *r);
/* The batches of the next step and the update that they make, their losses counted in the state's tally. out: the
   losses over all of them; there is no output. */
ct_status ct_run_update(ct_run *r, ct_step_result *out);
/* Samples that a step sees, but for the last of an epoch. */
int64_t ct_run_step_samples(const ct_run *r);
/* Whether a parameter is averaged where the spec wants averages. */
bool ct_run_averages(const ct_spec *spec, const ct_param *p);
/* The averages that the spec wants, none yet. */
ct_status ct_run_average_start(ct_run *r);
/* After an epoch: SWA's average with its weights, if it is not yet in it. */
ct_status ct_run_average_epoch(ct_run *r);
/* The model gets its averaged weights, with running statistics that fit them; CT_STOPPED on the way to those. */
ct_status ct_run_average_enter(ct_run *r);
/* And its own back, after an error too. */
ct_status ct_run_average_leave(ct_run *r);
/* Moves the learning rates as the schedule says, or SWA does: after a step where the schedule moves with them, and
   after an epoch. */
void ct_run_move_rate(ct_run *r, double metric, bool after_epoch);
/* Steps of the whole run; passes over the data, the last one perhaps not whole. */
int64_t ct_run_total(const ct_run *r);
int64_t ct_run_epochs(const ct_run *r);
/* Seconds that it has taken, those before it was resumed too. */
double ct_run_spent(const ct_run *r);
#endif
