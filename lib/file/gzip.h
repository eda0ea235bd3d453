/* gzip (RFC 1952), by zlib: any number of members, each with its checksum, and nothing else. */
#ifndef CT_FILE_GZIP_H
#define CT_FILE_GZIP_H
#include "file/file.h"

bool ct_gzip_is(const ct_bytes *b);
/* Unzips `in` (the content of `path`, for messages) onto `out`, at most out->limit bytes. whole: everything must be
   there and fit, or it is CT_BAD_DATA; else it ends without an error once `out` is full. */
ct_status ct_gzip_unzip(const char *path, const ct_bytes *in, bool whole, ct_buf *out);
#endif
