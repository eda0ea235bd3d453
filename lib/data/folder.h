/* A folder of PNG files, listed: which files, of what class, in an order that does not depend on the file system. */
#ifndef CT_DATA_FOLDER_H
#define CT_DATA_FOLDER_H
#include "base/error.h"

typedef struct ct_image_file {
    char *path;        /* below the folder */
    const char *class; /* its name: one of the folder's texts */
    int64_t label;     /* its index */
} ct_image_file;

typedef struct ct_folder {
    const char *dir;
    ct_image_file *image; /* training first, then test */
    size_t n, n_train, cap;
    bool has_test;     /* whether the folder says itself what is test */
    char **class_name; /* numbers in their order, then the others bytewise */
    int classes;
    char **list; /* the labels.csv files there are, below the folder */
    size_t n_lists, list_cap;
    char **text; /* memory that names point into */
    size_t n_texts, text_cap;
} ct_folder;

/* DIR/CLASS/x.png or DIR/labels.csv, or either of them in DIR/train/ and DIR/test/; without classes, every image in
   those or below. */
ct_status ct_folder_list(const char *dir, bool classes, ct_folder *out);
void ct_folder_free(ct_folder *f);

/* Reads FILE,LABEL rows (RFC 4180; a header is optional) and hands each to `row`, until one fails. Both strings point
   into *text, which is the caller's. */
typedef ct_status (*ct_label_fn)(void *ctx, int line, const char *file, const char *label);
ct_status ct_labels_read(const char *path, ct_label_fn row, void *ctx, char **text);
/* Ends in .png, in either case, and is not hidden. */
bool ct_is_png_name(const char *name);
#endif
