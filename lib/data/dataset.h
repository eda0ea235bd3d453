/* Labelled images (or any samples) in memory, from a manifest's files or a folder of PNGs. */
#ifndef CT_DATA_DATASET_H
#define CT_DATA_DATASET_H
#include "base/key.h"
#include "tensor/tensor.h"

/* The spec's `data:`. */
typedef struct ct_data_args {
    const char *dataset;       /* a manifest's name, or a path to one */
    const char *dir;           /* where the files are; NULL: CTORCH_DATA, as the command resolved it */
    const char *images;        /* a folder of PNG files, instead of dataset */
    int64_t size[2], channels; /* of images; 0: as the first file */
    ct_dims shape;             /* dataset random: of a sample, its classes, and how many there are of each part */
    int64_t classes, samples;
    int labels;        /* 0: fine, 1: coarse, where a dataset has both */
    int sampler;       /* 0: each sample once an epoch, 1: each class as often as any other */
    int on_bad;        /* 0: error, 1: skip */
    double test;       /* images without a test/ folder: the fraction held out */
    double validation; /* fraction of train, 0: none; -1: the word `test` */
    struct {
        double mean[3], std[3];
    } normalize;
    const struct ct_transform_use *augment; /* of training samples, n_augment in their order */
    int n_augment;
} ct_data_args;
extern const ct_key ct_data_keys[];

typedef struct ct_split {
    ct_tensor *x; /* u8 (N, C, H, W) or (N, H, W), or f32 of any shape; kept */
    ct_tensor *y; /* labels, u8 or i64 (N); kept; NULL: none */
    char **file;  /* images: N paths relative to the folder; else NULL */
} ct_split;

typedef struct ct_dataset {
    char *name;
    int classes;
    char **class_name; /* `classes` of them */
    ct_split train, test;
    char fingerprint[65]; /* SHA-256 over all the content, in a fixed order */
    int files;            /* what the fingerprint is made of: names and the hash of each, to say which changed */
    char **file_name;
    char (*file_hash)[65];
    int skipped;         /* damaged images left out by on_bad: skip */
    char **skipped_file; /* their paths and reasons */
} ct_dataset;

/* Loads what `args` names; `seed` decides the split of a folder without a test/ part. data_dirs: where a manifest's
   files are looked for when args->dir is NULL, in order, NULL-terminated. */
ct_status ct_dataset_load(const ct_data_args *args, uint64_t seed, const char *const *data_dirs, ct_dataset **out);
void ct_dataset_free(ct_dataset *d);
#endif
