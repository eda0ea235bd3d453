/* Samples in memory: named fields of a row each, from a manifest's files, a folder of PNGs, a file of tensors, a text.
 */
#ifndef CT_DATA_DATASET_H
#define CT_DATA_DATASET_H
#include "base/key.h"
#include "data/columns.h"
#include "data/tokenizer.h"

#define CT_MAX_FIELDS 8 /* of a sample: input, target, others */
#define CT_MAX_MORE (CT_MAX_FIELDS - 2)

/* The spec's `data:`. */
typedef struct ct_data_args {
    const char *dataset;       /* a manifest's name, or a path to one */
    const char *dir;           /* where the files are; NULL: CTORCH_DATA, as the command resolved it */
    const char *images;        /* a folder of PNG files, instead of dataset */
    const char *masks;         /* beside images: their masks, as far below as they are */
    int64_t ignored;           /* a value of masks that is no class, which the losses leave out; -1: none */
    const char *tensors;       /* a safetensors file, instead of dataset */
    const char *csv;           /* a table, instead of dataset */
    const char *file;          /* dataset text: what is read; or where a dataset's one file lies */
    int64_t size[2], channels; /* of images; 0: as the first file */
    ct_dims shape, target;     /* dataset random: of a sample, of its target if that is no class */
    int64_t classes, vocab, samples;
    int tokenizer;      /* of a text, 0: char, 1: byte */
    int64_t block_size; /* of a text: tokens of a sample */
    int labels;         /* 0: fine, 1: coarse, where a dataset has both */
    int sampler;        /* 0: each sample once an epoch, 1: each class as often as any other */
    int on_bad;         /* 0: error, 1: skip */
    double test;        /* images without a test/ folder, and texts: the fraction held out */
    double validation;  /* fraction of train, 0: none; -1: the word `test` */
    struct {
        double mean[3], std[3];
    } normalize;
    const struct ct_transform_use *augment; /* of training samples, n_augment in their order */
    int n_augment;
    struct ct_shape_of { /* dataset random: further fields, n_inputs */
        const char *name;
        ct_dims shape;
    } inputs[CT_MAX_MORE];
    int n_inputs;
    const char *const *only; /* names of the classes that are kept, n_only; NULL: all */
    int n_only;
    const char *target_column;     /* of a table; NULL: there is no target */
    const char *const *columns;    /* of a table: its inputs, n_columns; NULL: all but the target */
    const char *const *categories; /* of a table: columns whose numbers are names, n_categories */
    int n_columns, n_categories;
    bool by_class;              /* of a table: the target's numbers are classes, as a loss wants them */
    const ct_table *table;      /* of a table, as a model knows it; NULL: as its rows say */
    bool inputs_only;           /* the target need not be there */
    const ct_tokenizer *tokens; /* of a text, as a model knows it; NULL: as `tokenizer` says, learned from the text */
} ct_data_args;
extern const ct_key ct_data_keys[];

/* Where samples come from: the key whose path or name says so. */
typedef struct ct_data_source {
    const char *key, *what; /* "images", "folder of images" */
    size_t offset;          /* of the path in ct_data_args */
} ct_data_source;
extern const ct_data_source ct_data_sources[]; /* a dataset first; ends with a NULL key */
/* What args say of it; NULL: nothing. */
static inline const char *ct_data_path(const ct_data_args *args, const ct_data_source *s) {
    return *(const char *const *)((const char *)args + s->offset);
}
const ct_data_source *ct_data_source_of(const ct_data_args *args);

/* Rows of fields: u8 (pixels; of the target: classes), f32 or i64 (N, ...). A row is contiguous; rows may lie any
   distance apart, and so overlap. All kept. */
typedef struct ct_rows {
    ct_tensor *x;                 /* "input" */
    ct_tensor *y;                 /* "target"; NULL: none */
    ct_tensor *more[CT_MAX_MORE]; /* the dataset's n_more */
    char **file;                  /* images: N paths relative to the folder; else NULL */
} ct_rows;

typedef struct ct_dataset {
    char *name;
    int classes;       /* that integer targets count; 0: values, not classes */
    char **class_name; /* `classes` of them */
    int n_more;
    char *more_name[CT_MAX_MORE];
    ct_rows train, test;
    ct_table table;         /* of a table: what its columns are; else n is 0 */
    ct_tokenizer tokenizer; /* of a text: a row of train is block_size tokens, beginning at each there is */
    char fingerprint[65];   /* SHA-256 over all the content, in a fixed order */
    int files;              /* what the fingerprint is made of: names and the hash of each, to say which changed */
    char **file_name;
    char (*file_hash)[65];
    int skipped;         /* damaged images left out by on_bad: skip */
    char **skipped_file; /* their paths and reasons */
} ct_dataset;

/* Loads what `args` names; `seed` decides the split of a folder without a test/ part. data_dirs: where a manifest's
   files are looked for when args->dir is NULL, in order, NULL-terminated. */
ct_status ct_dataset_load(const ct_data_args *args, uint64_t seed, const char *const *data_dirs, ct_dataset **out);
void ct_dataset_free(ct_dataset *d);

/* A field as batches hold it: f32 (images channels-last) or i64, with a batch of one. */
typedef struct ct_field {
    const char *name;
    ct_layout layout;
    int64_t below; /* whole numbers are below this; 0: not known */
} ct_field;
/* "input", "target" where there is one, then the others. */
typedef struct ct_fields {
    ct_field of[CT_MAX_FIELDS];
    int n, classes; /* classes -1: not known */
} ct_fields;
/* The names are the dataset's. */
void ct_dataset_fields(const ct_dataset *d, ct_fields *out);
/* An input, and a class as target (classes 0: no target). */
void ct_fields_classes(const ct_layout *input, int classes, ct_fields *out);
/* Those of `dataset: random`; CT_BAD_SPEC where args do not say enough. */
ct_status ct_random_fields(const ct_data_args *args, ct_fields *out);
/* What a folder's names and its first image say: (C, H, W) of samples, how many images, classes by their folders. Where
   there are no images to look at it fails. */
ct_status ct_images_known(const ct_data_args *args, ct_dims *chw, size_t *n, int *classes);
/* Those of a text: block_size tokens, and the next one of each. tokens: how many there are, or -1. */
void ct_text_fields(int64_t block_size, int tokens, ct_fields *out);
/* That `dataset: text` says which: else CT_BAD_SPEC. */
ct_status ct_text_check(const ct_data_args *args);
/* A part's field by its place in ct_fields; NULL: it has none there. */
ct_tensor *ct_split_field(const ct_rows *s, int i);
#endif
