#include "file/file.h"
#include "file/gzip.h"
#include "base/alloc.h"
#include "base/hash.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
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

static ct_status tmp_name(const char *path, char out[PATH_MAX]) {
    int n = snprintf(out, PATH_MAX, "%s.tmp", path);
    return n < 0 || n >= PATH_MAX ? ct_fail(CT_FAIL, "%s: is too long a path", path) : CT_OK;
}

ct_status ct_file_create(const char *path, int *fd) {
    char tmp[PATH_MAX];
    CT_TRY(tmp_name(path, tmp));
    unlink(tmp); /* what a crash left may be another name of a file that is to stay */
    *fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
    return *fd < 0 ? sys_fail(tmp, "cannot be created") : CT_OK;
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
    char tmp[PATH_MAX];
    ct_status status = tmp_name(path, tmp);
    if (!status && fsync(fd)) status = sys_fail(path, "cannot be written");
    if (close(fd) && !status) status = sys_fail(path, "cannot be written");
    if (!status && rename(tmp, path)) status = sys_fail(path, "cannot be renamed into place");
    if (status) {
        unlink(tmp);
        return status;
    }
    return sync_dir(path);
}

bool ct_file_link(const char *of, const char *path) {
    char tmp[PATH_MAX];
    if (tmp_name(path, tmp)) return false;
    unlink(tmp);
    if (link(of, tmp)) return false;
    bool done = !rename(tmp, path);
    unlink(tmp); /* it stays where both are one file already */
    return done && !sync_dir(path);
}

void ct_file_drop(const char *path, int fd) {
    char tmp[PATH_MAX];
    close(fd);
    if (!tmp_name(path, tmp)) unlink(tmp);
}

ct_status ct_file_write(const char *path, const void *data, size_t len) {
    int fd;
    CT_TRY(ct_file_create(path, &fd));
    ct_status status = ct_file_put(path, fd, data, len);
    if (!status) return ct_file_commit(path, fd);
    ct_file_drop(path, fd);
    return status;
}
