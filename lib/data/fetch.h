/* Brings a dataset's files: the only part of ctorch that opens a socket (libcurl, opened when first needed). */
#ifndef CT_DATA_FETCH_H
#define CT_DATA_FETCH_H
#include "data/manifest.h"

typedef struct ct_fetch_args {
    const char *dir;    /* files land in DIR/NAME/ */
    const char *mirror; /* instead of the manifest's: one URL (file:// works), or NULL */
    int retries;        /* of each mirror after a failure that may pass; 0 means 3 */
    int timeout_s;      /* without a byte: the mirror has stalled; 0 means 30 */
    void (*progress)(void *ctx, const char *file, int64_t done, int64_t total); /* total 0: not known; may be NULL */
    void (*note)(void *ctx, const char *line); /* a mirror failed, a file is already there; may be NULL */
    void *ctx;
} ct_fetch_args;

/* Every file present, whole and verified afterwards, or an error that says which was not and why. Partial files
   (NAME.part) are resumed; a file moves into place only when its SHA-256 is right. */
ct_status ct_fetch(const ct_manifest *m, const ct_fetch_args *args);
/* Checks the files in dir/NAME/ without fetching; `note` gets a line a file. CT_BAD_DATA if one is missing or wrong. */
ct_status ct_fetch_verify(const ct_manifest *m, const ct_fetch_args *args);
#endif
