/* A model file: weights, the spec they belong to, and what the data was. */
#ifndef CT_RUN_MODEL_H
#define CT_RUN_MODEL_H
#include "run/generator.h"
#include "run/split.h"
#include "run/weights.h"

/* The spec's optimizer over a module's trained parameters, grouped as its `groups` say. */
ct_status ct_run_optimizer(const ct_spec *spec, ct_module *m, ct_optim **out);
/* What the data is, as text: a line a file, "SHA-256 NAME". */
ct_status ct_data_text(const ct_dataset *d, char **out);
ct_status ct_model_save(const char *path, const ct_net *net, const ct_dataset *data);

struct ct_model {
    ct_spec *spec;
    ct_net net;
    ct_step *step; /* made when first used */
    ct_generator *generator;
    bool generator_asked; /* to keep what it can */
    ct_fields fields;
    char *field_name[CT_MAX_FIELDS];
    ct_normalizer norm;
    bool of_images, of_tensors; /* trained on a folder of images, a file of tensors */
    ct_tokenizer tokenizer;     /* of a model of text; else its kind is NULL */
    int classes;
    char **class_name;
    char *path;
};
/* The step for batches of up to n. */
ct_status ct_model_step(ct_model *m, int64_t n, ct_step **out);
#endif
