#include "run/dir.h"
#include "base/alloc.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define TRIES 100 /* to open a directory that others take away */

static const char *const files[] = {"state.safetensors", "last.safetensors", "best.safetensors",
                                    "log.jsonl",         "spec.yaml",        "skipped.txt"};

const char *ct_run_path(const ct_run_dir *d, const char *name) {
    static _Thread_local char text[4][4096];
    static _Thread_local int next;
    char *out = text[next++ % 4];
    snprintf(out, sizeof text[0], "%s/%s", d->path, name);
    return out;
}

/* *made: how long the first part of the path is that was not there; 0: all was. */
static ct_status make_dirs(const char *path, size_t *made) {
    char part[4096];
    *made = 0;
    if (strlen(path) >= sizeof part - 64) return ct_fail(CT_FAIL, "%s: the path is too long", path);
    for (const char *p = path; p;) {
        p = strchr(p + 1, '/');
        size_t n = p ? (size_t)(p - path) : strlen(path);
        memcpy(part, path, n);
        part[n] = 0;
        bool is_new = !mkdir(part, 0777);
        if (!is_new && errno != EEXIST) return ct_fail(CT_FAIL, "%s: cannot be made: %s", part, strerror(errno));
        if (is_new && !*made) *made = n;
    }
    return CT_OK;
}

static ct_status cannot_open(const char *path, int why) {
    return ct_fail(CT_FAIL, "%s/log.jsonl: cannot be opened: %s", path, strerror(why));
}

/* Opens and locks the log. A directory that was taken away meanwhile is no failure: is_there tells. */
static ct_status lock_log(ct_run_dir *d) {
    CT_TRY(make_dirs(d->path, &d->made));
    d->log = open(ct_run_path(d, "log.jsonl"), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (d->log < 0 && errno != ENOENT) return cannot_open(d->path, errno);
    if (d->log < 0 || !flock(d->log, LOCK_EX | LOCK_NB)) return CT_OK;
    close(d->log);
    d->log = -1; /* and so nothing of the other's is removed */
    return ct_fail(CT_FAIL, "%s: another run is writing there", d->path);
}

/* Whether the log is still the directory's: a run that was refused, with a directory of its own, removes both. */
static bool is_there(const ct_run_dir *d) {
    struct stat ours, there;
    return d->log >= 0 && !fstat(d->log, &ours) && !stat(ct_run_path(d, "log.jsonl"), &there) &&
           ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

ct_status ct_run_dir_open(const char *path, ct_run_dir *out) {
    *out = (ct_run_dir){.log = -1};
    if (!(out->path = ct_strdup(path))) return CT_NO_MEMORY;
    ct_status status = lock_log(out);
    for (int tries = 0; !status && !is_there(out); tries++) {
        if (out->log >= 0) close(out->log);
        out->log = -1;
        status = tries < TRIES ? lock_log(out) : cannot_open(path, ENOENT);
    }
    if (status)
        ct_run_dir_close(out);
    else
        out->log_length = lseek(out->log, 0, SEEK_END);
    return status;
}

bool ct_run_dir_has(const ct_run_dir *d, const char *name) { return access(ct_run_path(d, name), F_OK) == 0; }

ct_status ct_run_dir_clear(ct_run_dir *d) {
    for (int i = 0; i < CT_COUNT(files); i++) {
        if (!strcmp(files[i], "log.jsonl")) continue; /* it holds the lock: emptied below */
        if (unlink(ct_run_path(d, files[i])) && errno != ENOENT)
            return ct_fail(CT_FAIL, "%s: cannot be removed: %s", ct_run_path(d, files[i]), strerror(errno));
    }
    return ct_run_log_cut(d, 0);
}

ct_status ct_run_log_cut(ct_run_dir *d, int64_t length) {
    if (length > d->log_length)
        return ct_fail(CT_BAD_DATA, "%s/log.jsonl: has %lld bytes, the checkpoint knows of %lld", d->path,
                       (long long)d->log_length, (long long)length);
    if (ftruncate(d->log, length)) return ct_fail(CT_FAIL, "%s/log.jsonl: cannot be cut: %s", d->path, strerror(errno));
    d->log_length = length;
    return CT_OK;
}

ct_status ct_run_log(ct_run_dir *d, const char *fmt, ...) {
    char line[4096];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(line, sizeof line - 1, fmt, args);
    va_end(args);
    if (n < 0 || n >= (int)sizeof line - 1) return ct_fail(CT_FAIL, "a log record is too long");
    line[n++] = '\n';
    if (write(d->log, line, (size_t)n) != n)
        return ct_fail(CT_FAIL, "%s/log.jsonl: cannot be written: %s", d->path, strerror(errno));
    d->log_length += n;
    return CT_OK;
}

ct_status ct_run_log_sync(ct_run_dir *d) {
    return fsync(d->log) ? ct_fail(CT_FAIL, "%s/log.jsonl: cannot be written: %s", d->path, strerror(errno)) : CT_OK;
}

/* Removes the directories that were made, the innermost first, where nothing else has been written. */
static void unmake_dirs(ct_run_dir *d) {
    unlink(ct_run_path(d, "spec.yaml")), unlink(ct_run_path(d, "log.jsonl"));
    for (size_t n = strlen(d->path); n >= d->made; d->path[n] = 0) {
        if (rmdir(d->path) && errno != ENOENT) return;
        while (n && d->path[n - 1] != '/') n--;
        if (!n--) return;
    }
}

void ct_run_dir_close(ct_run_dir *d) {
    if (d->made && d->log >= 0 && !d->log_length) unmake_dirs(d);
    if (d->log >= 0) close(d->log);
    ct_free(d->path);
    *d = (ct_run_dir){.log = -1};
}
