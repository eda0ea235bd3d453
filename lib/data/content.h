/* A manifest's file as it lies in a directory, raw or as NAME.gz: found, read, checked. */
#ifndef CT_DATA_CONTENT_H
#define CT_DATA_CONTENT_H
#include "data/manifest.h"
#include "file/file.h"

/* DIR/NAME, or DIR/NAME.gz, in *path (yours to free); *path stays NULL when neither is there. */
ct_status ct_content_find(const char *dir, const char *name, char **path);
/* The uncompressed content, or the archive as it lies there; CT_BAD_DATA when its size or its SHA-256 is not the
 * manifest's. */
ct_status ct_content_read(const char *path, const ct_manifest_file *file, ct_bytes *out);
/* The content that the library carries, if it does, else NULL; the hash is not checked. */
const void *ct_content_embedded(const ct_manifest *m, const ct_manifest_file *file);
/* "A/B" or "A/BC", yours to free; NULL: no memory. */
char *ct_content_path(const char *dir, const char *name, const char *suffix);
#endif
