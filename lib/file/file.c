#include "file/file.h"
#include "file/gzip.h"
#include "base/alloc.h"
#include "base/hash.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static ct_status sys_fail(const char *path, const char *what) {
    return ct_fail(CT_FAIL, "%s: %s: %s", path, what, strerror(errno));
}

static ct_status map_fd(const char *path, int fd, ct_bytes *out) {
    struct stat st;
    if (fstat(fd, &st)) return sys_fail(path, "cannot be read");
    if (S_ISDIR(st.st_mode)) return ct_fail(CT_BAD_DATA, "%s: is a directory, a file was expected", path);
    if (!S_ISREG(st.st_mode)) return ct_fail(CT_BAD_DATA, "%s: is not a regular file", path);
    if (!st.st_size) return CT_OK;
    if ((uintmax_t)st.st_size > SIZE_MAX / 2) return ct_fail(CT_FAIL, "%s: is too large for this machine", path);
    size_t len = (size_t)st.st_size;
    void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, fd, 0);
    if (p == MAP_FAILED) return sys_fail(path, "cannot be mapped");
    *out = (ct_bytes){p, len, p};
    return CT_OK;
}

ct_status ct_file_map(const char *path, ct_bytes *out) {
    *out = (ct_bytes){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK); /* a FIFO is refused, not waited for */
    if (fd < 0) return sys_fail(path, "cannot be opened");
    ct_status status = map_fd(path, fd, out);
    close(fd);
    return status;
}

#define DEFLATE_MOST 1032 /* bytes that one of its bytes can stand for: a limit beyond that is no size */

ct_status ct_file_read(const char *path, size_t limit, ct_bytes *out) {
    CT_TRY(ct_file_map(path, out));
    ct_status status = CT_OK;
    if (ct_gzip_is(out)) {
        ct_buf text = CT_BUF(CT_MIN(limit, SIZE_MAX / 4)); /* so that no sum with it overflows */
        if (text.limit / DEFLATE_MOST <= out->len) ct_buf_reserve(&text);
        status = ct_gzip_unzip(path, out, true, &text);
        ct_bytes_free(out);
        if (status)
            ct_buf_free(&text);
        else
            *out = (ct_bytes){(unsigned char *)text.data, text.len, NULL};
    } else if (out->len > limit) {
        status = ct_fail(CT_BAD_DATA, "%s: has %zu bytes, at most %zu were expected", path, out->len, limit);
        ct_bytes_free(out);
    }
    return status;
}

ct_status ct_file_head(const char *path, void *out, size_t n, size_t *got) {
    ct_bytes in;
    *got = 0;
    CT_TRY(ct_file_map(path, &in));
    ct_status status = CT_OK;
    if (ct_gzip_is(&in)) {
        ct_buf text = CT_BUF(n);
        status = ct_gzip_unzip(path, &in, false, &text);
        if (!status && text.len) memcpy(out, text.data, *got = text.len);
        ct_buf_free(&text);
    } else if (in.len) {
        memcpy(out, in.data, *got = CT_MIN(n, in.len));
    }
    ct_bytes_free(&in);
    return status;
}

void ct_bytes_free(ct_bytes *b) {
    if (b->map)
        munmap(b->map, b->len);
    else
        ct_free((void *)b->data);
    *b = (ct_bytes){0};
}

void ct_bytes_leave(const ct_bytes *b, size_t n) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    if (b->map && n >= page) (void)!madvise(b->map, n / page * page, MADV_DONTNEED); /* only saves memory */
}

ct_status ct_file_sha256(const char *path, char hex[65]) {
    enum { STEP = 1 << 16 }; /* whole pages */
    ct_bytes in;
    CT_TRY(ct_file_map(path, &in));
    ct_sha256 *h = ct_sha256_new();
    for (size_t at = 0; h && at < in.len; at += STEP) {
        size_t n = CT_MIN(STEP, in.len - at);
        ct_sha256_add(h, in.data + at, n);
        ct_bytes_leave(&(ct_bytes){.map = (char *)in.map + at, .len = n}, n);
    }
    ct_bytes_free(&in);
    return h ? ct_sha256_hex(h, hex) : CT_NO_MEMORY;
}

/* Where it is made, beside the file that path, maybe a symbolic link, leads to. */
typedef struct names {
    char final[PATH_MAX], tmp[PATH_MAX];
} names;

static ct_status names_of(const char *path, names *out) {
    if (!realpath(path, out->final)) snprintf(out->final, sizeof out->final, "%s", path);
    int n = snprintf(out->tmp, sizeof out->tmp, "%s.tmp", out->final);
    bool fits = strlen(path) < sizeof out->final && n > 0 && n < (int)sizeof out->tmp;
    return fits ? CT_OK : ct_fail(CT_FAIL, "%s: is too long a path", path);
}

/* A device or a pipe is written to, never replaced. */
static bool is_special(const struct stat *st) { return !S_ISREG(st->st_mode) && !S_ISDIR(st->st_mode); }

ct_status ct_file_create(const char *path, int *fd) {
    names at;
    struct stat st;
    CT_TRY(names_of(path, &at));
    if (!stat(path, &st) && is_special(&st)) {
        *fd = open(path, O_WRONLY | O_CLOEXEC);
        return *fd < 0 ? sys_fail(path, "cannot be opened") : CT_OK;
    }
    unlink(at.tmp); /* what a crash left may be another name of a file that is to stay */
    *fd = open(at.tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
    return *fd < 0 ? sys_fail(at.tmp, "cannot be created") : CT_OK;
}

ct_status ct_file_put(const char *path, int fd, const void *data, size_t len) {
    const char *p = data;
    while (len) {
        ssize_t n = write(fd, p, CT_MIN(len, (size_t)1 << 30));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return sys_fail(path, "cannot be written");
        p += n, len -= (size_t)n;
    }
    return CT_OK;
}

/* The rename is on the disk only once its directory is. */
static ct_status sync_dir(const char *path) {
    char dir[PATH_MAX];
    const char *slash = strrchr(path, '/');
    if (slash)
        snprintf(dir, sizeof dir, "%.*s", slash == path ? 1 : (int)(slash - path), path);
    else
        strcpy(dir, ".");
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return sys_fail(dir, "cannot be opened");
    ct_status status = CT_OK;
    if (fsync(fd) && errno != EINVAL && errno != ENOTSUP) status = sys_fail(dir, "cannot be synced");
    close(fd);
    return status;
}

ct_status ct_file_commit(const char *path, int fd) {
    names at;
    struct stat st;
    bool special = !fstat(fd, &st) && is_special(&st);
    ct_status status = names_of(path, &at);
    if (!status && !special && fsync(fd)) status = sys_fail(path, "cannot be written");
    if (close(fd) && !status) status = sys_fail(path, "cannot be written");
    if (special) return status;
    if (!status && rename(at.tmp, at.final)) status = sys_fail(path, "cannot be renamed into place");
    if (status) {
        unlink(at.tmp);
        return status;
    }
    return sync_dir(at.final);
}

bool ct_file_link(const char *of, const char *path) {
    names at;
    if (names_of(path, &at)) return false;
    unlink(at.tmp);
    if (link(of, at.tmp)) return false;
    bool done = !rename(at.tmp, at.final);
    unlink(at.tmp); /* it stays where both are one file already */
    return done && !sync_dir(at.final);
}

void ct_file_drop(const char *path, int fd) {
    names at;
    close(fd);
    if (!names_of(path, &at)) unlink(at.tmp);
}

ct_status ct_file_write(const char *path, const void *data, size_t len) {
    int fd;
    CT_TRY(ct_file_create(path, &fd));
    ct_status status = ct_file_put(path, fd, data, len);
    if (!status) return ct_file_commit(path, fd);
    ct_file_drop(path, fd);
    return status;
}
