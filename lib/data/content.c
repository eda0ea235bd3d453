#include "data/content.h"
#include "base/alloc.h"
#include "base/hash.h"
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

char *ct_content_path(const char *dir, const char *name, const char *suffix) {
    size_t n = strlen(dir) + strlen(name) + strlen(suffix) + 2;
    char *path = ct_alloc(n, 1);
    if (path) snprintf(path, n, "%s/%s%s", dir, name, suffix);
    return path;
}

ct_status ct_content_find(const char *dir, const char *name, char **path) {
    static const char *const suffixes[] = {"", ".gz"};
    *path = NULL;
    for (int i = 0; i < CT_COUNT(suffixes); i++) {
        struct stat st;
        char *p = ct_content_path(dir, name, suffixes[i]);
        if (!p) return CT_NO_MEMORY;
        if (!stat(p, &st)) {
            *path = p;
            return CT_OK;
        }
        ct_free(p);
    }
    return CT_OK;
}

static ct_status check(const char *path, const ct_manifest_file *file, const ct_bytes *b) {
    char hex[65];
    if ((int64_t)b->len != file->size)
        return ct_fail(CT_BAD_DATA, "%s: holds %zu bytes, the manifest says %lld", path, b->len, (long long)file->size);
    CT_TRY(ct_sha256_of(b->data, b->len, hex));
    if (strcmp(hex, file->sha256))
        return ct_fail(CT_BAD_DATA, "%s: SHA-256 is %s, the manifest says %s", path, hex, file->sha256);
    return CT_OK;
}

ct_status ct_content_read(const char *path, const ct_manifest_file *file, ct_bytes *out) {
    CT_TRY(file->packed ? ct_file_map(path, out) : ct_file_read(path, (size_t)file->size, out));
    ct_status s = check(path, file, out);
    if (file->packed) ct_bytes_leave(out, out->len); /* it is read again file by file */
    if (s) ct_bytes_free(out);
    return s;
}

const void *ct_content_embedded(const ct_manifest *m, const ct_manifest_file *file) {
    char name[512];
    size_t size;
    snprintf(name, sizeof name, "%s/%s", m->name, file->name);
    const void *bytes = ct_embedded(name, &size);
    return bytes && (int64_t)size == file->size ? bytes : NULL;
}
