#include "data/fetch.h"
#include "base/alloc.h"
#include "data/content.h"
#include "data/curl.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define WORTH_GOING_ON (1 << 20) /* bytes after which a failure does not count as one more in a row */

/* One file on its way. */
typedef struct job {
    const ct_manifest *manifest;
    const ct_manifest_file *file;
    const ct_fetch_args *args;
    ct_curl **curl; /* of all jobs, opened by the first that needs it */
    const char *dir;
    char *path, *part, *origin; /* DIR/NAME/FILE, FILE.part, FILE.part.url: where the part is from */
    ct_buf why;                 /* a line a mirror that failed */
} job;

static void note(const ct_fetch_args *a, const char *fmt, ...) CT_PRINTF(2, 3);
static void note(const ct_fetch_args *a, const char *fmt, ...) {
    char line[1024];
    va_list args;
    if (!a->note) return;
    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    a->note(a->ctx, line);
}

static void failed(job *j, const char *url, const char *why) {
    ct_buf_printf(&j->why, "\n  %s: %s", url, why);
    note(j->args, "%s: %s", url, why);
}

static void on_progress(void *ctx, int64_t done, int64_t total) {
    const job *j = ctx;
    if (j->args->progress) j->args->progress(j->args->ctx, j->file->name, done, total);
}

/* ---- the part: bytes as they were served, and the URL that served them ---- */

static bool part_is_from(const job *j, const char *url) {
    ct_bytes b;
    if (ct_file_read(j->origin, 4096, &b)) return false;
    bool same = b.len == strlen(url) && !memcmp(b.data, url, b.len);
    ct_bytes_free(&b);
    return same;
}

static void part_drop(const job *j) { unlink(j->part), unlink(j->origin); }

static int part_fail(const job *j, int fd, const char *what) {
    ct_fail(CT_FAIL, "%s: %s: %s", j->part, what, strerror(errno));
    if (fd >= 0) close(fd);
    return -1;
}

/* Opens the part at its end, `have` bytes in; emptied first if they are from elsewhere. -1: it cannot be. */
static int part_open(const job *j, const char *url, int64_t *have) {
    int fd = open(j->part, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (fd < 0) return part_fail(j, fd, "cannot be opened");
    if (flock(fd, LOCK_EX | LOCK_NB)) return part_fail(j, fd, "is in use by another fetch");
    if (!part_is_from(j, url)) {
        if (ftruncate(fd, 0)) return part_fail(j, fd, "cannot be emptied");
        if (ct_file_write(j->origin, url, strlen(url))) {
            close(fd);
            return -1;
        }
    }
    off_t end = lseek(fd, 0, SEEK_END);
    if (end < 0) return part_fail(j, fd, "cannot be read");
    *have = end;
    return fd;
}

/* ---- one URL ---- */

static void wait_before(int attempt) {
    int64_t ms = CT_MIN((int64_t)250 << CT_MIN(attempt, 5), 4000);
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

/* Downloads into the part, going on where it broke off; *resumed: some of it was there before. */
static ct_status download(job *j, const char *url, ct_outcome *outcome, bool *resumed) {
    const ct_fetch_args *a = j->args;
    ct_transfer t = {.url = url, .timeout_s = a->timeout_s > 0 ? a->timeout_s : 30, .progress = on_progress, .ctx = j};
    t.limit = j->file->size + j->file->size / 512 + 65536; /* what gzip can add at worst, and a long file name */
    int retries = a->retries > 0 ? a->retries : 3;
    if ((t.fd = part_open(j, url, &t.have)) < 0) return CT_FAIL;
    *resumed = t.have > 0;
    for (int attempt = 0;;) {
        int64_t before = t.have;
        *outcome = ct_curl_get(*j->curl, &t);
        if (*outcome == CT_RESTART && before) {
            if (ftruncate(t.fd, 0)) return part_fail(j, t.fd, "cannot be emptied"), CT_FAIL;
            t.have = 0, *resumed = false;
            continue;
        }
        if (t.have - before >= WORTH_GOING_ON) attempt = 0;
        if (*outcome != CT_AGAIN || attempt == retries) break;
        note(a, "%s: %s; trying again", url, t.why);
        wait_before(attempt++);
    }
    close(t.fd);
    if (*outcome != CT_GOT) failed(j, url, t.why);
    if (*outcome != CT_GOT && (*outcome != CT_AGAIN || !t.have)) part_drop(j);
    return CT_OK;
}

/* Unzips and verifies the part and moves the content into place. CT_BAD_DATA: it is not the file. */
static ct_status finish(job *j) {
    ct_bytes b;
    CT_TRY(ct_content_read(j->part, j->file, &b));
    ct_status s = ct_file_write(j->path, b.data, b.len);
    ct_bytes_free(&b);
    if (!s) part_drop(j);
    return s;
}

/* The file from one URL. Wrong bytes after a resumed download may be the part's fault: then once more from nothing. */
static ct_status fetch_url(job *j, const char *url, ct_outcome *outcome) {
    for (bool resumed = true; resumed;) {
        CT_TRY(download(j, url, outcome, &resumed));
        if (*outcome != CT_GOT) return CT_OK;
        ct_status s = finish(j);
        if (s != CT_BAD_DATA) return s;
        part_drop(j);
        if (!resumed) failed(j, url, ct_error());
    }
    *outcome = CT_REFUSED;
    return CT_OK;
}

/* ---- one file ---- */

/* FILE.gz, then FILE; an archive is FILE alone. *got: it is in place. */
static ct_status fetch_mirror(job *j, const char *mirror, bool *got) {
    static const char *const suffixes[] = {".gz", ""};
    int n = (int)strlen(mirror);
    while (n > 0 && mirror[n - 1] == '/') n--;
    for (int i = j->file->packed; i < CT_COUNT(suffixes); i++) {
        char url[2048];
        ct_outcome outcome;
        if (snprintf(url, sizeof url, "%.*s/%s%s", n, mirror, j->file->name, suffixes[i]) >= (int)sizeof url)
            return ct_fail(CT_FAIL, "%.100s...: the URL is too long", mirror);
        CT_TRY(fetch_url(j, url, &outcome));
        *got = outcome == CT_GOT;
        if (outcome != CT_ABSENT) break;
    }
    return CT_OK;
}

static bool is_whole(const job *j) {
    ct_bytes b;
    if (access(j->path, F_OK)) return false;
    if (ct_content_read(j->path, j->file, &b)) {
        note(j->args, "%s; fetching it again", ct_error());
        return false;
    }
    ct_bytes_free(&b);
    return true;
}

/* As mkdir -p. */
static ct_status make_dirs(const char *path) {
    char *p = ct_strdup(path), *at = p;
    if (!p) return CT_NO_MEMORY;
    ct_status s = CT_OK;
    do {
        at = strchr(at + 1, '/');
        if (at) *at = 0;
        if (mkdir(p, 0777) && errno != EEXIST) s = ct_fail(CT_FAIL, "%s: cannot be made: %s", p, strerror(errno));
        if (at) *at = '/';
    } while (at && !s);
    ct_free(p);
    return s;
}

static ct_status fetch_mirrors(job *j) {
    const char *const *mirrors = (const char *const *)j->manifest->mirror;
    int n = j->manifest->n_mirrors;
    if (j->args->mirror) mirrors = &j->args->mirror, n = 1;
    if (!n) return ct_fail(CT_FAIL, "%s: the manifest of %s has no mirrors", j->file->name, j->manifest->name);
    CT_TRY(make_dirs(j->dir));
    if (!*j->curl) CT_TRY(ct_curl_open(j->curl));
    bool got = false;
    for (int i = 0; i < n && !got; i++) CT_TRY(fetch_mirror(j, mirrors[i], &got));
    if (got) return CT_OK;
    return ct_fail(CT_FAIL, "%s: no mirror has it:%s", j->file->name, j->why.data ? j->why.data : "");
}

static ct_status fetch_file(job *j) {
    if (!j->path || !j->part || !j->origin) return CT_NO_MEMORY;
    if (!j->args->mirror && ct_content_embedded(j->manifest, j->file)) {
        note(j->args, "%s/%s: ctorch carries it", j->manifest->name, j->file->name);
        return CT_OK;
    }
    if (is_whole(j)) {
        note(j->args, "%s: is there already", j->path);
        return CT_OK;
    }
    return fetch_mirrors(j);
}

/* ---- all of them ---- */

static ct_status fetch_all(const ct_manifest *m, const ct_fetch_args *args, const char *dir, ct_curl **curl) {
    ct_status s = CT_OK;
    for (int i = 0; !s && i < m->n_files; i++) {
        const char *name = m->file[i].name;
        job j = {.manifest = m, .file = &m->file[i], .args = args, .curl = curl, .dir = dir, .why = CT_BUF(1400)};
        j.path = ct_content_path(dir, name, ""), j.part = ct_content_path(dir, name, ".part");
        j.origin = ct_content_path(dir, name, ".part.url");
        s = fetch_file(&j);
        ct_free(j.path), ct_free(j.part), ct_free(j.origin);
        ct_buf_free(&j.why);
    }
    return s;
}

ct_status ct_fetch(const ct_manifest *m, const ct_fetch_args *args) {
    char *dir = ct_content_path(args->dir, m->name, "");
    ct_curl *curl = NULL;
    ct_status s = dir ? fetch_all(m, args, dir, &curl) : CT_NO_MEMORY;
    ct_curl_close(curl);
    ct_free(dir);
    return s ? ct_fail_in(s, "%s", m->name) : CT_OK;
}

static ct_status verify_file(const ct_manifest_file *f, const char *dir, const ct_fetch_args *args) {
    char *path;
    ct_bytes b;
    CT_TRY(ct_content_find(dir, f->name, &path));
    ct_status s = path ? ct_content_read(path, f, &b) : ct_fail(CT_BAD_DATA, "%s/%s: is not there", dir, f->name);
    if (!s) ct_bytes_free(&b);
    note(args, s ? "%s" : "%s: whole", s ? ct_error() : path);
    ct_free(path);
    return s;
}

ct_status ct_fetch_verify(const ct_manifest *m, const ct_fetch_args *args) {
    char *dir = ct_content_path(args->dir, m->name, "");
    if (!dir) return CT_NO_MEMORY;
    int bad = 0;
    for (int i = 0; i < m->n_files; i++) {
        if (ct_content_embedded(m, &m->file[i]))
            note(args, "%s/%s: ctorch carries it", m->name, m->file[i].name);
        else
            bad += verify_file(&m->file[i], dir, args) != CT_OK;
    }
    ct_free(dir);
    return bad ? ct_fail(CT_BAD_DATA, "%s: %d of %d files missing or wrong", m->name, bad, m->n_files) : CT_OK;
}
