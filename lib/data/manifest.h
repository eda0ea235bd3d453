/* A dataset's manifest: its files, where they can be had, what they must hash to. `datasets/NAME.yaml`, embedded. */
#ifndef CT_DATA_MANIFEST_H
#define CT_DATA_MANIFEST_H
#include "base/error.h"

typedef struct ct_manifest_file {
    char *name;      /* as it lies in the directory, uncompressed: train-images-idx3-ubyte */
    char *role;      /* train_x, train_y, test_x, test_y, archive, text */
    bool packed;     /* an archive: it lies there as it is served, compressed */
    char sha256[65]; /* of the uncompressed content, or of the archive */
    int64_t size;    /* its bytes */
} ct_manifest_file;

typedef struct ct_manifest {
    char *name, *title, *license, *source;
    char *format;        /* idx, cifar: an archive of records, or text */
    ct_dims shape;       /* of a sample, (C, H, W); n 0: the manifest does not say */
    int64_t train, test; /* samples of an archive; 0: the manifest does not say */
    int n_mirrors;
    char **mirror; /* URLs of folders, https:// or file://, in order; a file is MIRROR/NAME.gz or MIRROR/NAME */
    int n_files;
    ct_manifest_file *file;
    int classes;
    char **class_name;
    int coarse; /* classes that are groups of those; 0: there are none */
    char **coarse_name;
} ct_manifest;

/* `name` is one of the embedded ones, or a path that ends in .yaml. */
ct_status ct_manifest_load(const char *name, ct_manifest **out);
void ct_manifest_free(ct_manifest *m);
/* The names of the classes, fine or coarse, and how many (none of a text); CT_BAD_SPEC when there are no coarse ones.
 * They stay m's. */
ct_status ct_manifest_classes(const ct_manifest *m, bool coarse, char ***name, int *n);
/* The embedded names, in order; *n of them. */
const char *const *ct_manifest_names(int *n);

/* Bytes that the library carries (datasets/): NULL when there is none of that name. */
const void *ct_embedded(const char *name, size_t *size);
#endif
