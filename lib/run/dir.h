/* A run directory: its files, its log, and that only one run at a time writes there. */
#ifndef CT_RUN_DIR_H
#define CT_RUN_DIR_H
#include "base/buf.h"

typedef struct ct_run_dir {
    char *path;
    int log; /* log.jsonl, open and locked */
    int64_t log_length;
    size_t made; /* of the path, how long the first part is that was made for the run; 0: all was there */
} ct_run_dir;

/* "DIR/NAME" in a static buffer of this thread: four at a time stay valid. */
const char *ct_run_path(const ct_run_dir *d, const char *name);
/* Opens DIR, made with its parents if missing, and locks it. */
ct_status ct_run_dir_open(const char *path, ct_run_dir *out);
bool ct_run_dir_has(const ct_run_dir *d, const char *name);
/* Removes what a run leaves there, the checkpoint first. */
ct_status ct_run_dir_clear(ct_run_dir *d);
/* The log cut to `length` bytes: what a checkpoint vouches for. */
ct_status ct_run_log_cut(ct_run_dir *d, int64_t length);
/* One record, a JSON object in text, on a line of its own. */
ct_status ct_run_log(ct_run_dir *d, const char *fmt, ...) CT_PRINTF(2, 3);
ct_status ct_run_log_sync(ct_run_dir *d);
/* A directory that was made for a run which did not begin is gone again. */
void ct_run_dir_close(ct_run_dir *d);
#endif
