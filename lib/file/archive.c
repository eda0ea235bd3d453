#include "file/archive.h"
#include "base/alloc.h"
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#if __has_include(<archive.h>)
#include <archive.h>
#include <archive_entry.h>

#define ENTRIES_MAX 10000

#define CALLS(X)                \
    X(read_new)                 \
    X(read_free)                \
    X(read_support_filter_gzip) \
    X(read_support_format_tar)  \
    X(read_open_memory)         \
    X(read_next_header)         \
    X(read_data)                \
    X(error_string)             \
    X(entry_pathname)           \
    X(entry_filetype)           \
    X(entry_size)

struct ct_archive {
    const char *path;
    const ct_bytes *bytes;
    void *library;
    struct archive *handle;
    char name[256]; /* of the file it is at */
    int entries;
#define POINTER(name) __typeof__(archive_##name) *name##_;
    CALLS(POINTER)
};

static ct_status load(ct_archive *a) {
    a->library = dlopen("libarchive.so.13", RTLD_NOW | RTLD_LOCAL);
    if (!a->library)
        return ct_fail(CT_FAIL, "%s: reading it needs libarchive: install libarchive13 (%s)", a->path, dlerror());
#define BIND(name)                                                      \
    if (!(*(void **)&a->name##_ = dlsym(a->library, "archive_" #name))) \
        return ct_fail(CT_FAIL, "libarchive: %s", dlerror());
    CALLS(BIND)
    return (a->handle = a->read_new_()) ? CT_OK : ct_fail_memory();
}

static ct_status damaged(ct_archive *a) {
    const char *why = a->error_string_(a->handle);
    return ct_fail(CT_BAD_DATA, "%s: damaged archive: %s", a->path, why ? why : "it ends too early");
}

/* The two that are read are the two that are known: no format of libarchive's starts a program. */
ct_status ct_archive_open(const char *path, const ct_bytes *bytes, ct_archive **out) {
    ct_archive *a = *out = ct_alloc(1, sizeof *a);
    if (!a) return CT_NO_MEMORY;
    a->path = path, a->bytes = bytes;
    ct_status s = load(a);
    if (!s && (a->read_support_filter_gzip_(a->handle) != ARCHIVE_OK ||
               a->read_support_format_tar_(a->handle) != ARCHIVE_OK ||
               a->read_open_memory_(a->handle, bytes->data, bytes->len) != ARCHIVE_OK))
        s = damaged(a);
    if (s) ct_archive_close(a), *out = NULL;
    return s;
}

void ct_archive_close(ct_archive *a) {
    if (!a) return;
    if (a->handle) a->read_free_(a->handle);
    ct_free(a); /* the library stays open, as those that it opens itself do not all survive being unloaded */
}

ct_status ct_archive_next(ct_archive *a, int64_t limit, const char **name, int64_t *size) {
    struct archive_entry *e;
    *name = NULL, *size = 0;
    for (;;) {
        int code = a->read_next_header_(a->handle, &e);
        if (code == ARCHIVE_EOF) return CT_OK;
        if (code != ARCHIVE_OK) return damaged(a);
        if (++a->entries > ENTRIES_MAX)
            return ct_fail(CT_BAD_DATA, "%s: has more than %d entries", a->path, ENTRIES_MAX);
        const char *whole = a->entry_pathname_(e), *slash = whole ? strrchr(whole, '/') : NULL;
        int64_t bytes = a->entry_size_(e); /* of any kind of entry: all of it would be unzipped */
        if (bytes < 0 || bytes > limit)
            return ct_fail(CT_BAD_DATA, "%s: '%.100s' in it has %lld bytes, at most %lld were expected", a->path,
                           whole ? whole : "", (long long)bytes, (long long)limit);
        if (a->entry_filetype_(e) != AE_IFREG || !whole) continue;
        snprintf(a->name, sizeof a->name, "%s", slash ? slash + 1 : whole);
        *name = a->name, *size = bytes;
        return CT_OK;
    }
}

ct_status ct_archive_read(ct_archive *a, void *out, int64_t size) {
    for (int64_t done = 0; done < size;) {
        la_ssize_t n = a->read_data_(a->handle, (char *)out + done, (size_t)(size - done));
        if (n < 0) return damaged(a);
        if (!n) return ct_fail(CT_BAD_DATA, "%s: '%s' in it is truncated", a->path, a->name);
        done += n;
    }
    ct_bytes_leave(a->bytes, a->bytes->len);
    return CT_OK;
}

#else /* left out: reading an archive says so, all else works */
ct_status ct_archive_open(const char *path, const ct_bytes *bytes, ct_archive **out) {
    (void)bytes, *out = NULL;
    return ct_fail(CT_FAIL, "%s: this build of ctorch reads no archives: it was made without libarchive's headers",
                   path);
}
void ct_archive_close(ct_archive *a) { (void)a; }
ct_status ct_archive_next(ct_archive *a, int64_t limit, const char **name, int64_t *size) {
    (void)a, (void)limit, *name = NULL, *size = 0;
    return CT_FAIL;
}
ct_status ct_archive_read(ct_archive *a, void *out, int64_t size) {
    (void)a, (void)out, (void)size;
    return CT_FAIL;
}
#endif
