/* ctorch eval: what a model is worth on a split of its data. */
#include "cmd/cmd.h"
#include <string.h>

typedef struct args {
    const char *split, *data, *masks, *predictions;
    int64_t show;
    bool json;
    ct_machine machine;
} args;

#define AT(field) offsetof(args, field)
static const ct_option options[] = {
    {"split", 0, "SPLIT", CT_OPTION_TEXT, AT(split),
     "test, train or validation, as training divided the data; else test, or validation where no sample is for tests",
     0, 0},
    {"data", 0, "DIR", CT_OPTION_TEXT, AT(data),
     "a folder of images or of the dataset's files, a file of tensors, a table, or a text, instead of the run's", 0, 0},
    {"masks", 0, "DIR", CT_OPTION_TEXT, AT(masks), "a folder of the images' masks, beside --data", 0, 0},
    {"json", 0, NULL, CT_OPTION_FLAG, AT(json), "print the result as JSON", 0, 0},
    {"predictions", 0, "FILE", CT_OPTION_TEXT, AT(predictions), "write a row a sample to this CSV file", 0, 0},
    {"show", 0, "N", CT_OPTION_INT, AT(show), "draw N samples beside what the model says of them", 1, 1000},
    CT_MACHINE_OPTIONS(args),
    {0}};

static void show_progress(void *ctx, int64_t done, int64_t total) {
    (void)ctx;
    if (ct_line_due()) ct_line_show("%lld of %lld samples", (long long)done, (long long)total);
}

static void add_prediction(void *ctx, int64_t i, const char *file, int label, int prediction,
                           const float *probability) {
    ct_predictions_add(ctx, i, file, label, prediction, probability);
}

static ct_status evaluate(const args *a, ct_model *m) {
    ct_eval_options o = {
        .split = a->split, .data = a->data, .masks = a->masks, .data_dirs = ct_data_dirs(), .progress = show_progress};
    ct_predictions *predictions = NULL;
    ct_eval_report report;
    if (a->predictions && !ct_model_classifies(m))
        return ct_say(CT_FAIL, "eval --predictions: the model gives no class for a sample");
    if (a->predictions && ct_predictions_open(a->predictions, m, &predictions)) return CT_FAIL;
    if (predictions) o.sample = add_prediction, o.ctx = predictions;
    ct_status status = ct_evaluate(m, &o, &report);
    ct_line_clear();
    ct_say_error(status);
    if (predictions) status = ct_predictions_close(predictions, status);
    if (status) return status;
    if (a->json)
        ct_report_json(&report);
    else
        ct_report_print(&report);
    if (a->show) status = ct_draw_samples(m, &o, report.n, a->show);
    ct_eval_report_free(&report);
    return status;
}

static bool is_split(const char *name) {
    return !name || !strcmp(name, "test") || !strcmp(name, "train") || !strcmp(name, "validation");
}

static ct_status run(const void *args_, ct_operands operands) {
    const args *a = args_;
    ct_model *m;
    if (!is_split(a->split))
        return ct_say(CT_BAD_SPEC, "eval --split: there is no split '%s': test, train or validation", a->split);
    if (a->json && a->show) return ct_say(CT_BAD_SPEC, "eval: --json or --show, not both");
    ct_status status = ct_machine_use(&a->machine);
    if (status) return status;
    if ((status = ct_model_open(operands.v[0], &m))) return ct_say_error(status);
    status = evaluate(a, m);
    ct_model_close(m);
    return status;
}

const ct_command ct_command_eval = {"eval", "Says how good a model is", "MODEL", 1, 1, options, sizeof(args), run};
