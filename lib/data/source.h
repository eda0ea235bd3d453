/* Where a dataset's samples come from: each fills an empty ct_dataset. Inside lib/data only. */
#ifndef CT_DATA_SOURCE_H
#define CT_DATA_SOURCE_H
#include "data/dataset.h"
#include "data/manifest.h"
#include "file/file.h"

/* A manifest's files, or those that the library carries. */
ct_status ct_source_manifest(const ct_data_args *args, const char *const *data_dirs, ct_dataset *d);
/* A folder of PNG files. */
ct_status ct_source_images(const ct_data_args *args, uint64_t seed, ct_dataset *d);
/* The classes of masks, from the values that their pixels have. */
ct_status ct_masks_classes(const ct_data_args *args, ct_dataset *d);
/* The samples and labels of an archive of records, verified `bytes` that messages call `path`. */
ct_status ct_source_cifar(const ct_manifest *m, const char *path, const ct_bytes *bytes, bool coarse, ct_dataset *d);
/* Numbers out of thin air. */
ct_status ct_source_random(const ct_data_args *args, uint64_t seed, ct_dataset *d);

/* A safetensors file of named fields. */
ct_status ct_source_tensors(const ct_data_args *args, ct_dataset *d);
/* A CSV file. */
ct_status ct_source_csv(const ct_data_args *args, uint64_t seed, ct_dataset *d);
/* Windows of block_size tokens over a text, `bytes` that messages call `path`, and the token after each. */
ct_status ct_source_text(const ct_data_args *args, const char *path, const ct_bytes *bytes, ct_dataset *d);
/* `dataset: text`. */
ct_status ct_source_text_file(const ct_data_args *args, ct_dataset *d);
/* Of two names of classes, for qsort and bsearch: whole numbers first, as numbers; the rest bytewise. */
int ct_class_order(const void *a, const void *b);
/* Classes called by their numbers. */
ct_status ct_dataset_number(ct_dataset *d, int64_t classes);

/* Leaves only samples of the n classes `only`, which become 0 to n - 1. */
ct_status ct_dataset_only(ct_dataset *d, const char *const *only, int n);

/* Room for n rows of file_name and file_hash; the source fills them. */
ct_status ct_dataset_files(ct_dataset *d, size_t n);
/* Names and hashes a dataset that is one file. */
ct_status ct_source_file(ct_dataset *d, const char *path);
/* CT_OK, or a tensor's error as this thread's. */
ct_status ct_source_check(const ct_tensor *t);
#endif
