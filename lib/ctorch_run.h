/* ctorch_run.h: specs, data, runs. What the command is made of; nothing here prints or exits. */
#ifndef CTORCH_RUN_H
#define CTORCH_RUN_H
#include "ctorch.h"
#ifdef __cplusplus
extern "C" {
#endif

/* ---- specs ---- */
typedef struct ct_spec ct_spec;
/* Reads a spec ("-": stdin) and applies `set` ("train.epochs=10"), NULL-terminated or NULL. *messages (may be NULL)
   gets every error and warning as a compiler prints them, to be ct_text_free'd; NULL where there are none. CT_BAD_SPEC
   when there is an error, a file that cannot be read among them. */
ct_status ct_spec_load(const char *path, const char *const *set, ct_spec **out, char **messages);
void ct_spec_free(ct_spec *spec);
int ct_spec_warnings(const ct_spec *spec); /* how many there were */
/* The spec as YAML without includes, variables, blocks and repeats, paths as seen from the working directory; to be
   ct_text_free'd. */
ct_status ct_spec_expanded(const ct_spec *spec, char **text);
void ct_text_free(char *text);

/* ---- the schema: every key that a spec can say ---- */
typedef struct ct_schema_key {
    const char *path; /* "train.epochs", "model.N.linear.bias": N is a place in a list, NAME a name of the spec's own */
    const char *type; /* "integer from 1 to 1024", "mean|sum|none"; of a kind of layer, loss, ...: "settings" */
    const char *def;  /* its default as in YAML, NULL: none */
    bool required;
    const char *help;
} ct_schema_key;
/* Calls each(ctx, key) with every key in order, a map before what is in it; the texts last as long as the call. */
void ct_schema_each(void (*each)(void *ctx, const ct_schema_key *key), void *ctx);
/* The schema as JSON Schema (draft 2020-12), to be ct_text_free'd. */
ct_status ct_schema_json(char **text);

/* A layer in `check`'s table. */
typedef struct ct_layer_report {
    char name[64], layer[32], output[64]; /* "0", "linear", "(N, 128)" */
    int64_t parameters;
    int64_t multiply_adds; /* of products and convolutions, forward, for one sample */
    int64_t activations;   /* bytes of what it makes of a batch and the backward reads */
} ct_layer_report;
/* Bytes that a training run has in memory at its peak, by what they are for. */
typedef struct ct_memory_report {
    int64_t parameters, averages, gradients, optimizer;
    int64_t activations; /* and all other values that a step has at once, but for gradients */
    int64_t workspace;   /* of kernels */
    int64_t batch;       /* what is loaded for a step */
    int64_t plans;       /* of training and evaluation, about, with what they keep of weights in kernels' own form */
    int64_t data;        /* the data set; -1: not known without it */
} ct_memory_report;
typedef struct ct_check_report {
    ct_layer_report *layer; /* n_layers; freed by ct_check_report_free */
    int n_layers;
    int64_t parameters, trainable; /* trainable: those that the spec does not freeze */
    int64_t multiply_adds, activations;
    int64_t batch, peak; /* samples of a batch; the sum of all memory that is known */
    ct_memory_report memory;
    char input[64]; /* "(N, 1, 28, 28)", or "" where only the data would tell */
    char why[400];  /* what of the user's own data could not be looked at, and why; or "" */
} ct_check_report;
/* Builds the model and plans a training step on shapes alone: the input's shape comes from the dataset's manifest, from
   data.size, or from the user's own files where they are there. messages as in ct_spec_load; CT_BAD_DATA: a table or a
   file of tensors is damaged. */
ct_status ct_spec_check(ct_spec *spec, ct_check_report *out, char **messages);
void ct_check_report_free(ct_check_report *r);

/* ---- a spec or a model, to be drawn ---- */
typedef enum ct_part_kind {
    CT_PART_FIELD, /* what the data gives */
    CT_PART_LAYER,
    CT_PART_JOIN,   /* what a residual, add, mul or concat does with its branches: the last part in that group */
    CT_PART_GROUP,  /* a layer made of layers, a block */
    CT_PART_BRANCH, /* a list of layers beside others in a group */
    CT_PART_LOSS
} ct_part_kind;
#define CT_PART_IN 8
typedef struct ct_part {
    ct_part_kind kind;
    int group;                      /* the group that it is in, which comes before it; -1: none */
    char name[208];                 /* "stage1.0.conv1", its dotted name; of a field or a loss its own */
    char what[64];                  /* the layer's name, the block's, "branch"; of a join the op's */
    char settings[128], reads[128]; /* as the spec has them, "out_channels: 16, kernel_size: 3", and the values that it
                                       reads by name, "skip, up"; cut where they are longer */
    char output[64];                /* "(N, 16, 32, 32)"; "": of a loss */
    int64_t parameters;             /* of a group: those of all in it */
    int in[CT_PART_IN];             /* n_in parts, none of them a group: whose results it reads; -1: a number */
    int n_in;                       /* of a group: 0 */
} ct_part;
typedef struct ct_parts {
    ct_part *part; /* n of them, in the order of the spec */
    int n;
    int64_t parameters, trainable; /* as in ct_check_report */
} ct_parts;

typedef struct ct_show ct_show;
/* path: a spec, to which `set` is applied as in ct_spec_load, or a model as in ct_model_open. Where only the data would
   tell the input's shape, it is read; data_dirs as in ct_train_options. messages as in ct_spec_load. */
ct_status ct_show_open(const char *path, const char *const *set, const char *const *data_dirs, ct_show **out,
                       char **messages);
void ct_show_close(ct_show *s);
const ct_spec *ct_show_spec(const ct_show *s);   /* s's */
const ct_parts *ct_show_parts(const ct_show *s); /* s's */

typedef struct ct_kernel_report {
    char name[96], shape[48];                 /* its ops, "linear+relu", "matmul|sum"; of its first result */
    double operations, bytes, start, seconds; /* start: from the step's */
} ct_kernel_report;
typedef struct ct_pass_report {
    const char *name, *help; /* static */
    bool on;
    int ops; /* what is run after it */
} ct_pass_report;
typedef struct ct_plan_report {
    int64_t batch;            /* samples of the step */
    int captured;             /* ops before any pass */
    ct_pass_report *pass;     /* n_passes, in their order */
    ct_kernel_report *kernel; /* n_kernels, which a step launches; their times are 0 */
    int n_passes, n_kernels;
    char *before, *after;             /* what is run before the passes and after them, a line an op, a line a kernel */
    int64_t values, apart, workspace; /* bytes of the arena: of values, as much as they would be if no two shared a
                                         place, and of the kernels' workspace */
} ct_plan_report;
/* How a step is run, planned on shapes alone: of training, or of evaluation with its losses. */
ct_status ct_show_plan(ct_show *s, bool eval, ct_plan_report *out);
void ct_plan_report_free(ct_plan_report *r);

typedef struct ct_rates_report {
    const char *schedule;       /* its kind; NULL: none. Static */
    bool per_step, listens;     /* it moves after every step, not epoch; by a metric, which is taken to get better */
    int64_t steps, epoch_steps; /* of the whole run, of an epoch */
    int n_groups;               /* of parameters */
    char (*group)[64];          /* the patterns of their names; "": of all others, which come first */
    int64_t n, *step;           /* steps from 0 on: all of the run, or some that are equally far apart, the last too */
    double *rate;               /* of step[i] and group g: [i * n_groups + g] */
} ct_rates_report;
/* The learning rate at up to `most` steps of a run. */
ct_status ct_show_rates(ct_show *s, int64_t most, ct_rates_report *out);
void ct_rates_report_free(ct_rates_report *r);

typedef struct ct_batch_report {
    int64_t n;         /* samples */
    ct_tensor *images; /* u8 (n, 1 or 3, H, W), which ct_batch_report_free drops; NULL: of a text */
    ct_tensor *masks;  /* i64 (n, H, W) of class numbers, the images' sizes; NULL: there are none */
    char **label;      /* n: a class's name, a value, or the text of a sample; "" */
} ct_batch_report;
/* The first batch of a run as the model gets it, in the order of training and with what augmentation does, but for the
   normalisation, which is undone. CT_FAIL: its samples are neither images nor text. */
ct_status ct_show_batch(ct_show *s, ct_batch_report *out);
void ct_batch_report_free(ct_batch_report *r);

/* ---- training ---- */
typedef struct ct_progress {
    const char *phase;                  /* "train" or "validation" */
    int64_t epoch, epochs, step, steps; /* from 1; steps of this epoch */
    double loss, accuracy;              /* means of this epoch so far; accuracy NAN where there is none */
    double samples_per_s, seconds_left; /* of the whole run */
} ct_progress;

typedef struct ct_epoch_report {
    int64_t epoch, epochs, step;
    double loss, accuracy;         /* of training */
    double val_loss, val_accuracy; /* NAN where there is no validation split */
    double seconds;
    bool best; /* the best one so far by `monitor` */
} ct_epoch_report;

typedef struct ct_train_options {
    const char *dir;              /* the run directory */
    bool resume;                  /* go on from its last checkpoint */
    bool force;                   /* replace a run that is there */
    bool eager;                   /* define-by-run rather than plans */
    double max_seconds;           /* the run, and its schedule, end then; 0: as it was begun, with any if it is new */
    const char *const *data_dirs; /* where datasets lie, in order, NULL-terminated */
    const volatile int *stop;     /* set by a signal handler: checkpoint, then CT_STOPPED; may be NULL */
    void (*progress)(void *ctx, const ct_progress *p);  /* after every step; may be NULL */
    void (*epoch)(void *ctx, const ct_epoch_report *e); /* after every epoch; may be NULL */
    void (*note)(void *ctx, const char *line);          /* what a user should know; may be NULL */
    void *ctx;
} ct_train_options;

typedef struct ct_train_report {
    int64_t epochs, steps, parameters;   /* epochs: done, fewer when stopped early */
    double seconds, first_step_s;        /* from the call to the end of the first step */
    int64_t best_epoch, best_step;       /* 1 for the first; steps done by then */
    double loss, val_loss, val_accuracy; /* of the last epoch, and of the best one; NAN where not measured */
    bool stopped_early, out_of_time;
    char sha256[65]; /* of best.safetensors, as sha256sum says it */
} ct_train_report;

/* Trains and leaves a run directory: spec.yaml, log.jsonl, best.safetensors, last.safetensors, state.safetensors.
   messages as in ct_spec_load (a shape that clashes shows only here where the data decides the input). */
ct_status ct_train(ct_spec *spec, const ct_train_options *options, ct_train_report *out, char **messages);
/* Smoke tests of a spec, which leave nothing behind; of the options, `dir` to `max_seconds` but for eager are unused.
 */
typedef struct ct_try_report {
    int64_t parameters, samples, passes; /* samples: that were learned from; passes over them */
    double loss, first_loss;             /* of the last pass (which is the step), of the first */
    double eval_loss;                    /* of the evaluation's batch */
    const char *split;                   /* that it is of: "validation", "test" or "training"; static */
    double seconds, step_s;              /* from the call on; of the first step, its plan included */
} ct_try_report;
/* A step forward and back, and an evaluation of one batch. */
ct_status ct_train_dry_run(ct_spec *spec, const ct_train_options *options, ct_try_report *out, char **messages);
/* Trains on the first `steps` steps' samples of an epoch, always in one order, without augmentation and schedule, until
   a pass's loss is a hundredth of the first one's; CT_FAIL where 1000 passes do not get there. `out` is filled then
   too.
 */
ct_status ct_train_overfit(ct_spec *spec, int64_t steps, const ct_train_options *options, ct_try_report *out,
                           char **messages);
/* --resume DIR without a spec: the run's own. */
ct_status ct_train_resume_spec(const char *dir, ct_spec **out, char **messages);

/* ---- models ---- */
typedef struct ct_model ct_model;
/* A run directory (its best.safetensors) or a model file; its digest is verified. */
ct_status ct_model_open(const char *path, ct_model **out);
void ct_model_close(ct_model *m);
int ct_model_classes(const ct_model *m);
const char *ct_model_class(const ct_model *m, int i); /* its name */
/* Height, width and channels of the images it takes; false when its input is no image. */
bool ct_model_image(const ct_model *m, int64_t size[2], int64_t *channels);
/* Whether it gives one class for a sample of one input. */
bool ct_model_classifies(const ct_model *m);
/* Height and width of the mask that it gives for an image, a class for each pixel; false when it gives none. */
bool ct_model_mask(const ct_model *m, int64_t size[2]);
int64_t ct_model_parameters(const ct_model *m);
/* Probabilities of each class, row-major (N, classes), for u8 images (N, C, H, W) of that size. */
ct_status ct_model_predict(ct_model *m, const ct_tensor *images, float *out);
/* Likewise the masks, row-major (N, height, width). */
ct_status ct_model_predict_masks(ct_model *m, const ct_tensor *images, unsigned char *out);
/* Whether it was trained on a table; then what it says of each row of a CSV file, in order, which needs its columns but
   for the target: probabilities of the classes, or values. where: "FILE:LINE". */
bool ct_model_table(const ct_model *m);
typedef void (*ct_row_seen)(void *ctx, const char *where, const float *value, int n);
ct_status ct_model_predict_table(ct_model *m, const char *path, ct_row_seen row, void *ctx);

/* ---- writing text ---- */
typedef struct ct_generate_options {
    const char *prompt, *prompt_name; /* prompt_bytes of it, NULL: none; prompt_name: what messages call it */
    size_t prompt_bytes;
    int64_t tokens;        /* to write */
    double temperature;    /* scores are divided by it; 0: the best token always */
    int64_t top_k;         /* of the k best tokens only; 0: of all */
    double top_p;          /* of the fewest best tokens whose probabilities add up to p; 1: of all */
    uint64_t seed, sample; /* the same text for the same two */
    bool no_cache;         /* a pass over the whole window for each token */
    bool (*text)(void *ctx, const char *bytes, size_t n); /* a token as it is made; false: enough */
    void (*note)(void *ctx, const char *line);            /* what a user should know; may be NULL */
    void *ctx;
} ct_generate_options;
typedef struct ct_generate_report {
    int64_t prompt_tokens, tokens;
    double prompt_seconds, seconds; /* for reading the prompt, and then for the tokens */
    bool cached;                    /* what layers keep of earlier tokens was not computed again */
} ct_generate_report;
/* A text that goes on from the prompt. CT_FAIL: a model that was not trained on text, or gives no scores of the next
   token; CT_BAD_DATA: a prompt of characters that it does not know; CT_DIVERGED: its scores are no numbers. */
ct_status ct_generate(ct_model *m, const ct_generate_options *options, ct_generate_report *out);

/* ---- evaluation ---- */
typedef struct ct_eval_options {
    const char *split; /* "test", "train", "validation"; NULL: test, or validation where nothing is for tests */
    const char *data;  /* a folder to use instead of what the run names: of images, or of the dataset's files */
    const char *masks; /* likewise a folder of the images' masks */
    const char *const *data_dirs;                             /* as in ct_train_options */
    void (*progress)(void *ctx, int64_t done, int64_t total); /* may be NULL */
    /* A row a sample, in order: index, file (or NULL), label, prediction, probabilities (classes of them). May be NULL.
     */
    void (*sample)(void *ctx, int64_t i, const char *file, int label, int prediction, const float *probability);
    void *ctx;
} ct_eval_options;

typedef struct ct_class_report {
    const char *name;
    int64_t support;
    double precision, recall, f1;
} ct_class_report;
typedef struct ct_loss_report {
    const char *name;
    double value;
} ct_loss_report;
typedef struct ct_value_report { /* how far values are from a column of the target, in its units */
    char name[64];               /* the column's, or its number */
    double mae, rmse, r2;        /* r2: the coefficient of determination; NAN where all of the target is the same */
} ct_value_report;
typedef struct ct_eval_report {
    char dataset[128], split[16];
    const char *unit;            /* what has a class: "samples", "tokens", "pixels"; NULL: nothing */
    int64_t n, counted, correct; /* samples; of the unit, those that count, and the right answers */
    double loss;                 /* the weighted sum of all */
    ct_loss_report *loss_of;     /* n_losses */
    int n_losses;
    double accuracy, low, high; /* and its 95% interval (Wilson's score); NAN without classes */
    double top5;                /* NAN with 10 classes or fewer */
    double perplexity;          /* of tokens; else NAN */
    double mae, rmse, r2;       /* of values, the means of those of the columns; else NAN */
    ct_value_report *value_of; /* n_values columns; none where the target is no values that the result is compared to */
    int n_values;
    int classes;         /* in the tables; 0 where there are none: values, tokens */
    ct_class_report *of; /* `classes` of them */
    int64_t *confusion;  /* [label * classes + prediction] */
    double seconds;
} ct_eval_report;
ct_status ct_evaluate(ct_model *m, const ct_eval_options *options, ct_eval_report *out);
void ct_eval_report_free(ct_eval_report *r);

/* ---- timing ---- */
typedef struct ct_bench ct_bench; /* a model at work on batch after batch */
typedef struct ct_bench_options {
    const char *const *set;       /* of a spec, as in ct_spec_load */
    int64_t batch;                /* samples of a step; 0: as the spec says */
    bool eval;                    /* forward alone, in evaluation mode, without a loss; else a step of training */
    bool device_only;             /* always the same batch, of random numbers, which is in memory already */
    const char *const *data_dirs; /* as in ct_train_options */
    void (*note)(void *ctx, const char *line); /* what a user should know; may be NULL */
    void *ctx;
} ct_bench_options;
/* path: a spec, or a model as in ct_model_open. Where its data is not there, random numbers of its shape do, and a note
   says so. messages as in ct_spec_load. */
ct_status ct_bench_open(const char *path, const ct_bench_options *options, ct_bench **out, char **messages);
void ct_bench_close(ct_bench *b);
/* The next batch gathered and normalised, and a step on it. */
ct_status ct_bench_step(ct_bench *b);
typedef struct ct_bench_facts {
    int64_t batch, parameters;
    int launches;             /* kernels of a step */
    double operations, bytes; /* of them all: two a multiply-add of products and convolutions; read and written */
    const char *precision;    /* of the products: "f32" or "bf16"; static */
} ct_bench_facts;
ct_status ct_bench_look(ct_bench *b, ct_bench_facts *out);

/* A step with a look at the clock between its kernels: *n of them in their order, which ct_kernels_free ends. The first
   is "load", the gathering, unless device_only. */
ct_status ct_bench_kernels(ct_bench *b, ct_kernel_report **out, int *n);
void ct_kernels_free(ct_kernel_report *k);
/* Ops by name, as ctorch-ops(7) lists them; NULL past the last. */
const char *ct_op_name(int i);
typedef struct ct_op_report {
    ct_kernel_report of; /* the median of its runs, all its kernels together, the shape of the last one's result */
    double *s;           /* seconds of each of n runs, in order */
    size_t n;
} ct_op_report;
/* One of them timed alone, forward, for `seconds`, in a plan of its own on inputs of a size that is good for it. */
ct_status ct_op_time(const char *name, double seconds, ct_op_report *out);
void ct_op_report_free(ct_op_report *r);
/* What this machine can do with the threads in use: operations a second of a product of 2048 x 2048 matrices, bytes a
   second read and written by copying what no cache holds. Takes about a second. */
ct_status ct_machine_rates(double *operations, double *bytes);

/* The value at share q of n >= 1 sorted numbers, between two neighbours in proportion; 0.5: the median. */
double ct_quantile(const double *sorted, size_t n, double q);
void ct_sort_numbers(double *x, size_t n); /* ascending */
typedef struct ct_interval {
    double value, low, high; /* 95%; of one number alone, from 0 to infinity */
} ct_interval;
/* The geometric mean of n >= 1 numbers above 0, none of which depends on another, by Student's t of their logarithms.
 */
ct_status ct_mean_interval(const double *x, size_t n, ct_interval *out);

/* ---- datasets ---- */
typedef struct ct_fetch_options {
    const char *dir, *mirror; /* files land in DIR/NAME/; mirror: instead of the manifest's, or NULL */
    int retries, timeout_s;   /* 0: 3 and 30 */
    void (*progress)(void *ctx, const char *file, int64_t done, int64_t total); /* may be NULL */
    void (*note)(void *ctx, const char *line);
    void *ctx;
} ct_fetch_options;
typedef struct ct_dataset_info {
    const char *name, *title, *license;
    int64_t bytes;
    int files, classes;
    bool embedded;
} ct_dataset_info;
/* Dataset number i that ctorch knows by name; false past the last. The strings are static. */
bool ct_dataset_list(int i, ct_dataset_info *out);
ct_status ct_dataset_fetch(const char *name, const ct_fetch_options *options);
ct_status ct_dataset_verify(const char *name, const ct_fetch_options *options);
/* The samples of a dataset's "train" or "test" split as u8 (N, C, H, W) and their labels as i64 (N), in this scope.
   data_dirs: as in ct_train_options, or NULL: `digits`, which is embedded, needs none. */
ct_status ct_dataset_read(const char *name, const char *split, const char *const *data_dirs, ct_tensor **x,
                          ct_tensor **y);
/* Of the samples that the options choose, `n` from `first` on, which are images, as u8 (N, C, H, W) in this scope, for
   showing; and their classes, where they have such, in labels[n], which may be NULL. */
ct_tensor *ct_model_samples(ct_model *m, const ct_eval_options *options, int64_t first, int64_t n, int64_t *labels);

void ct_bytes_text(double bytes, char out[24]); /* as "512 B", "18.8 MB"; a kB is 1000 B */
/* Bytes of the character at s (n >= 1 bytes), which goes to *c; 0 when it is not UTF-8. */
int ct_utf8_read(const char *s, size_t n, uint32_t *c);
/* Control characters, line and paragraph separators, marks that reorder text: never written to a terminal. */
bool ct_utf8_is_control(uint32_t c);

/* ---- the machine ---- */
const char *ct_backend_name(void); /* the kernels in use: "v4", "v3", "v2", "generic", "ref" */
/* Whether their bits, and those of products of bf16 too, are those of any other machine's that says so. */
bool ct_backend_reproducible(bool bf16);
void ct_backend_portable(void); /* from now on products of bf16 by none but instructions that are so */
bool ct_backend_bf16(void);     /* whether products of bf16 are faster than of f32: by AMX or AVX-512's instructions */
/* Switches passes over plans off, for the plans made from now on: "-fuse,-cse", "-all"; "" none. CT_FAIL names what
   there is. */
ct_status ct_passes_use(const char *list);
ct_status ct_backend_use(const char *name); /* others than the best; NULL: the best */
int64_t ct_throttled(void);                 /* times that a quota has stopped its cgroup, as far as is known */
double ct_now(void);                        /* seconds from some moment on, however the clock on the wall is set */
void ct_flush_denormals(void);              /* on this thread and on those of the pool from now on */

#ifdef __cplusplus
}
#endif
#endif
