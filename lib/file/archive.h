/* The files inside a .tar.gz, one after the other into memory, by libarchive, which is opened only here. */
#ifndef CT_FILE_ARCHIVE_H
#define CT_FILE_ARCHIVE_H
#include "file/file.h"

typedef struct ct_archive ct_archive;
/* `bytes` must outlive it; `path` is what messages call it. CT_FAIL when this machine (or the build) has no
   libarchive. */
ct_status ct_archive_open(const char *path, const ct_bytes *bytes, ct_archive **out);
void ct_archive_close(ct_archive *a);
/* Goes to the next regular file: its name (the archive's own, whatever it says, without folders) and its bytes, of
   which at most `limit` are allowed. *name is NULL after the last. */
ct_status ct_archive_next(ct_archive *a, int64_t limit, const char **name, int64_t *size);
/* All `size` bytes of that file; CT_BAD_DATA when there are fewer. */
ct_status ct_archive_read(ct_archive *a, void *out, int64_t size);
#endif
