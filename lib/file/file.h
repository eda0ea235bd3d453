/* Files whole: mapped or unzipped in, written by rename. */
#ifndef CT_FILE_FILE_H
#define CT_FILE_FILE_H
#include "base/error.h"
#include "base/buf.h"

typedef struct ct_bytes {
    const unsigned char *data;
    size_t len;
    void *map; /* what munmap wants; NULL: data is ct_free'd */
} ct_bytes;
/* Maps a regular file for reading (a file that is no regular one is refused); an empty one has len 0. The pages are
   private: a tensor over them may be written to, and the file stays as it is. */
ct_status ct_file_map(const char *path, ct_bytes *out);
/* As ct_file_map, but unzips a gzip file into memory; at most `limit` bytes come out, more is an error. */
ct_status ct_file_read(const char *path, size_t limit, ct_bytes *out);
/* The first `n` bytes of what ct_file_read would give, or fewer where there are no more: *got of them. */
ct_status ct_file_head(const char *path, void *out, size_t n, size_t *got);
void ct_bytes_free(ct_bytes *b);
/* The first n bytes are read: where they are mapped their pages may go, to come again from the file if need be. */
void ct_bytes_leave(const ct_bytes *b, size_t n);
/* A file's SHA-256, of which few pages are in memory at once. */
ct_status ct_file_sha256(const char *path, char hex[65]);
/* Writes path.tmp in the same directory, fsync, rename, fsync of the directory: old or new, never half. A symbolic link
   is followed; a device or a pipe is written to as it is. */
ct_status ct_file_write(const char *path, const void *data, size_t len);
/* Makes path another name of the file `of`, in the same directory, where the file system can; whether it did. */
bool ct_file_link(const char *of, const char *path);
/* For writers that stream: create PATH.tmp, put, then commit (fsync, rename, fsync) or drop it. Both close `fd`; a
   commit that fails leaves no PATH.tmp. `path` is the final name in all four. */
ct_status ct_file_create(const char *path, int *fd);
ct_status ct_file_put(const char *path, int fd, const void *data, size_t len);
ct_status ct_file_commit(const char *path, int fd);
void ct_file_drop(const char *path, int fd);
#endif
