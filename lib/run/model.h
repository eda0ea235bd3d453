/* A model file: weights, the spec they belong to, and what the data was. */
#ifndef CT_RUN_MODEL_H
#define CT_RUN_MODEL_H
#include "run/generator.h"
#include "run/split.h"
#include "run/weights.h"

#define CT_MODEL_FORMAT "ctorch-model-1" /* a model file's metadata `format` */
/* That there is something to train: else a diagnostic, and CT_BAD_SPEC. */
ct_status ct_run_trainable(const ct_spec *spec, const ct_module *m);
/* The spec's optimizer over a module's trained parameters, grouped as its `groups` say. */
ct_status ct_run_optimizer(const ct_spec *spec, ct_module *m, ct_optim **out);
/* What the data is, as text: a line a file, "SHA-256 NAME". */
ct_status ct_data_text(const ct_dataset *d, char **out);
/* The names of classes that a model file's metadata has as `text`: n of them, for ct_classes_free also on failure. */
ct_status ct_classes_read(const char *path, const char *text, char ***name, int *n);
void ct_classes_free(char **name, int n);
/* A run directory's best.safetensors, or the file itself; *dir: which. */
ct_status ct_model_path(const char *path, char out[4096], bool *dir);
ct_status ct_model_save(const char *path, const ct_net *net, const ct_dataset *data);

/* A table's columns as JSON, to be free'd (NULL: no memory); and what a model file's metadata has as `text`. */
char *ct_columns_json(const ct_table *t);
ct_status ct_columns_read(const char *path, const char *text, ct_table *out);

struct ct_model {
    ct_spec *spec;
    ct_net net;
    ct_step *step; /* made when first used */
    ct_generator *generator;
    bool generator_asked; /* to keep what it can */
    ct_fields fields;
    char *field_name[CT_MAX_FIELDS];
    ct_normalizer norm;
    const ct_data_source *source; /* what it was trained on */
    ct_tokenizer tokenizer;       /* of a model of text; else its kind is NULL */
    ct_table table;               /* of a model of a table; else n is 0 */
    int classes;
    char **class_name;
    char *path;
};
/* The step for batches of up to n. */
ct_status ct_model_step(ct_model *m, int64_t n, ct_step **out);
#endif
