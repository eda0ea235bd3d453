/* A whole spec: its sections read into structs. */
#ifndef CT_RUN_SPEC_H
#define CT_RUN_SPEC_H
#include "ctorch_run.h"
#include "data/dataset.h"
#include "optim/optim.h"
#include "run/loss.h"
#include "spec/model.h"
#include "spec/schedule.h"

/* The spec's `train.ema:`, `train.swa:`, `train:`. */
typedef struct ct_ema_args {
    double decay; /* 0: none */
} ct_ema_args;

typedef struct ct_swa_args {
    int64_t start; /* 0: none */
    double lr;     /* 0: the schedule's */
    int64_t anneal_epochs;
    int anneal_strategy; /* 0: cos, 1: linear */
} ct_swa_args;

typedef enum ct_precision { CT_PRECISION_F32, CT_PRECISION_BF16, CT_PRECISION_AUTO } ct_precision;

typedef struct ct_train_args {
    int64_t epochs, steps, eval_every, batch_size, accumulate, early_stopping, log_every;
    double checkpoint_every, clip_grad_norm, clip_grad_value;
    ct_ema_args ema;
    ct_swa_args swa;
    bool checkpoint_activations;
    int monitor;   /* 0: accuracy, 1: loss */
    int precision; /* ct_precision */
} ct_train_args;

/* "bf16", or "f32", which `auto` is where nothing was timed. */
const char *ct_precision_name(const ct_spec *spec);

/* The rows of the whole, and of what stands beside an optimizer. */
extern const ct_key ct_spec_keys[], ct_optimizer_beside[];

struct ct_spec {
    int64_t seed;
    ct_data_args data;
    ct_train_args train;
    ct_model_spec model;
    ct_loss loss[CT_MAX_LOSSES];
    int n_losses;
    void *optimizer_args; /* of model.optimizer */
    ct_schedule_use schedule;
    ct_doc *doc;
    ct_yaml *root;
};

/* From text rather than a file; `name` is what messages call it. */
ct_status ct_spec_parse(const char *name, const char *text, size_t len, const char *const *set, ct_spec **out,
                        char **messages);
/* -1: not known. */
typedef struct ct_data_size {
    int64_t train, test; /* samples */
    int64_t bytes;       /* in memory */
    char why[400];       /* what of the user's own data could not be looked at, and why; or "" */
} ct_data_size;
/* What is known of a sample without data: from the manifest, from data's keys, or from the user's own files where they
   are there. No fields: nothing. And of all of them. CT_BAD_DATA: such a file is damaged; CT_BAD_SPEC: there is a
   diagnostic. */
ct_status ct_spec_fields(const ct_spec *s, ct_fields *out, ct_data_size *size);
/* What the keys of data: leave to be read, and that it fits what else the spec says. */
void ct_spec_read_data(ct_spec *s, const ct_yaml *node);
void ct_spec_check_data(ct_spec *s);
/* That the columns which data: names are its table's, where that is there: else diagnostics, and CT_BAD_SPEC. */
ct_status ct_spec_check_columns(const ct_spec *s);
/* Warns of what is legal and surely wrong; of a spec without errors. */
void ct_spec_warn(ct_spec *s);
/* The diagnostics so far as text in *messages (if wanted), and whether there is an error among them. */
ct_status ct_spec_messages(const ct_spec *spec, char **messages);
/* The spec as YAML. dir: with paths relative to that directory; NULL: without any (they are left out). */
ct_status ct_spec_text(const ct_spec *spec, const char *dir, ct_buf *out);
#endif
