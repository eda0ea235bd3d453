/* A model file: weights, the spec they belong to, and what the data was. */
#ifndef CT_RUN_MODEL_H
#define CT_RUN_MODEL_H
#include "run/split.h"
#include "run/weights.h"

/* The module for samples of layout `input`; what does not fit is a diagnostic of the spec and CT_BAD_SPEC. */
ct_status ct_run_build(const ct_spec *spec, const ct_layout *input, int classes, ct_module **out);
/* The spec's optimizer over a module's trained parameters, grouped as its `groups` say. */
ct_status ct_run_optimizer(const ct_spec *spec, ct_module *m, ct_optim **out);
/* That the output is a score a class, else a diagnostic at the model's last layer. */
void ct_run_check_output(const ct_spec *spec, const ct_layout *out, int classes);
/* What the data is, as text: a line a file, "SHA-256 NAME". */
ct_status ct_data_text(const ct_dataset *d, char **out);
ct_status ct_model_save(const char *path, const ct_spec *spec, ct_module *m, const ct_dataset *data);

struct ct_model {
    ct_spec *spec;
    ct_module *module;
    ct_step *step; /* made when first used */
    ct_layout input;
    ct_normalizer norm;
    bool of_images; /* trained on a folder of them */
    int classes;
    char **class_name;
    char *path;
};
/* The step for batches of up to n. */
ct_status ct_model_step(ct_model *m, int64_t n, ct_step **out);
#endif
