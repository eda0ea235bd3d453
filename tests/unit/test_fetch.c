/* Fetching from a server that misbehaves (tests/bats/server.py): resumed or refused, never a wrong file in place. */
#include "base/alloc.h"
#include "base/hash.h"
#include "data/fetch.h"
#include "file/file.h"
#include "tests/unit/check.h"
#include <ftw.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#define SIZE 300000

static unsigned char content[SIZE];
static char root[64], from[128], to[128], notes[8192];
static int port;
static ct_manifest_file file = {.name = (char *)"numbers", .role = (char *)"train_x", .size = SIZE};
static ct_manifest manifest = {.name = (char *)"set", .n_files = 1, .file = &file};

static void on_note(void *ctx, const char *line) {
    (void)ctx;
    size_t n = strlen(notes);
    snprintf(notes + n, sizeof notes - n, "%s\n", line);
}

static ct_status fetch(const char *mirror, int retries) {
    notes[0] = 0;
    int patience = mirror && strstr(mirror, "/stall/") ? 1 : 30; /* a busy machine's server may take its time */
    ct_fetch_args args = {.dir = to, .mirror = mirror, .retries = retries, .timeout_s = patience, .note = on_note};
    return ct_fetch(&manifest, &args);
}

/* Through the server, in the manner `how`. */
static ct_status fetch_how(const char *how, int retries) {
    char mirror[64];
    snprintf(mirror, sizeof mirror, "http://127.0.0.1:%d/%s/", port, how);
    return fetch(mirror, retries);
}

static const char *at(const char *dir, const char *name) {
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static bool is_there(const char *name) { return !access(at(to, name), F_OK); }

static bool is_whole(void) {
    ct_bytes b;
    if (ct_file_map(at(to, "set/numbers"), &b)) return false;
    bool same = b.len == SIZE && !memcmp(b.data, content, SIZE);
    ct_bytes_free(&b);
    return same;
}

static bool put(const char *path, const void *bytes, size_t n) {
    FILE *f = fopen(path, "wb");
    bool ok = f && fwrite(bytes, 1, n, f) == n;
    return f && !fclose(f) && ok;
}

static void put_gz(const char *path) {
    gzFile f = gzopen(path, "wb1");
    CHECK(gzwrite(f, content, SIZE) == SIZE);
    CHECK(gzclose(f) == Z_OK);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw) {
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

/* An empty directory to fetch into; the server has NAME.gz, or NAME alone. */
static void fresh(bool gz) {
    nftw(to, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    unlink(at(from, "numbers")), unlink(at(from, "numbers.gz"));
    if (gz)
        put_gz(at(from, "numbers.gz"));
    else
        CHECK(put(at(from, "numbers"), content, SIZE));
}

static void from_a_folder(void) {
    char mirror[160];
    snprintf(mirror, sizeof mirror, "file://%s", from);
    for (int gz = 0; gz < 2; gz++) {
        fresh(gz);
        CHECK(!fetch(mirror, 1));
        CHECK(is_whole());
        CHECK(!is_there("set/numbers.part") && !is_there("set/numbers.part.url"));
    }
    unlink(at(from, "numbers.gz"));
    CHECK(!fetch(mirror, 1)); /* nothing is fetched again */
    CHECK_HAS(notes, "is there already");
    CHECK(put(at(to, "set/numbers"), content, SIZE - 1));
    CHECK(fetch(mirror, 1) == CT_FAIL); /* a wrong file, and none to be had */
    CHECK_HAS(notes, "fetching it again");
    CHECK_HAS(ct_error(), "set: numbers: no mirror has it");
}

static void verifies(void) {
    ct_fetch_args args = {.dir = to, .note = on_note};
    fresh(true);
    notes[0] = 0;
    CHECK(ct_fetch_verify(&manifest, &args) == CT_BAD_DATA);
    CHECK_STR(ct_error(), "set: 1 of 1 files missing or wrong");
    CHECK_HAS(notes, "is not there");
    CHECK(!mkdir(to, 0777) && !mkdir(at(to, "set"), 0777));
    put_gz(at(to, "set/numbers.gz"));
    CHECK(!ct_fetch_verify(&manifest, &args));
    content[7] ^= 1;
    CHECK(put(at(to, "set/numbers"), content, SIZE));
    content[7] ^= 1;
    CHECK(ct_fetch_verify(&manifest, &args) == CT_BAD_DATA);
    CHECK_HAS(notes, "SHA-256 is");
}

static void good_servers(void) {
    static const char *const how[] = {"ok", "norange", "redirect", "truncate", "503-once"};
    for (int i = 0; i < CT_COUNT(how); i++) {
        for (int gz = 0; gz < 2; gz++) {
            fresh(gz);
            if (!CHECK(!fetch_how(how[i], 1)) || !CHECK(is_whole())) printf("    %s: %s\n", how[i], ct_error());
            CHECK(!is_there("set/numbers.part") && !is_there("set/numbers.part.url"));
        }
    }
}

static void bad_servers(void) {
    static const struct {
        const char *how, *why;
    } row[] = {
        {"404", "HTTP 404"},       {"503", "HTTP 503"},         {"wrong", "numbers.part: "},
        {"loop", "redirects"},     {"escape", "not supported"}, {"endless", "sends more than"},
        {"stall", "no byte came"}, {"always-truncate", ""},
    };
    for (int i = 0; i < CT_COUNT(row); i++) {
        fresh(i % 2);
        CHECK(fetch_how(row[i].how, 1) == CT_FAIL);
        CHECK_HAS(ct_error(), row[i].why);
        CHECK_HAS(ct_error(), row[i].how); /* the URL is named */
        CHECK(!is_there("set/numbers"));
        bool goes_on = !strcmp(row[i].how, "stall") || !strcmp(row[i].how, "always-truncate");
        CHECK(is_there("set/numbers.part") == goes_on);
    }
    CHECK(fetch("http://127.0.0.1:1/x", 1) == CT_FAIL); /* nobody listens */
    CHECK(fetch("ftp://127.0.0.1/x", 1) == CT_FAIL);
}

/* Leaves a partial file that came from /ok/. */
static void put_part(const void *bytes, size_t n) {
    char url[96];
    fresh(false);
    CHECK(!mkdir(to, 0777) && !mkdir(at(to, "set"), 0777));
    CHECK(put(at(to, "set/numbers.part"), bytes, n));
    snprintf(url, sizeof url, "http://127.0.0.1:%d/ok/numbers", port);
    CHECK(put(at(to, "set/numbers.part.url"), url, strlen(url)));
}

/* The last line of the server's log. */
static const char *last_request(void) {
    static char line[256];
    FILE *f = fopen(at(root, "log"), "r");
    while (f && fgets(line, sizeof line, f)) {}
    if (f) fclose(f);
    return line;
}

static void resumes(void) {
    fresh(false);
    CHECK(fetch_how("always-truncate", 1) == CT_FAIL);
    CHECK(!fetch_how("ok", 1)); /* a part of another URL is not gone on with */
    CHECK(is_whole());
    CHECK_HAS(last_request(), "/ok/numbers -");
    unlink(at(from, "numbers.gz"));
    put_part(content, SIZE / 3);
    unlink(at(to, "set/numbers.part.url"));
    CHECK(!fetch_how("ok", 1)); /* nor one of unknown origin */
    CHECK_HAS(last_request(), "/ok/numbers -");
    static const char *const how[] = {"stall", "always-truncate"};
    for (int i = 0; i < CT_COUNT(how); i++) {
        fresh(false);
        fetch_how(how[i], 1);
        CHECK_HAS(last_request(), "numbers bytes=150000-");
    }
}

/* numbers.gz is asked for first, and its part replaces the one there; so these serve the file by its .gz name. */
static void put_gz_part(const void *bytes, size_t n, const char *how) {
    char url[96];
    put_part(bytes, n);
    CHECK(put(at(from, "numbers.gz"), content, SIZE)); /* raw, whatever its name says */
    snprintf(url, sizeof url, "http://127.0.0.1:%d/%s/numbers.gz", port, how);
    CHECK(put(at(to, "set/numbers.part.url"), url, strlen(url)));
}

static void resumes_an_older_part(void) {
    static unsigned char other[SIZE + 10];
    put_gz_part(content, SIZE / 3, "ok");
    CHECK(!fetch_how("ok", 1) && is_whole());
    CHECK_HAS(last_request(), "/ok/numbers.gz bytes=100000-");
    put_gz_part(content, SIZE, "ok"); /* all of it: HTTP 416 */
    CHECK(!fetch_how("ok", 1) && is_whole());
    CHECK_HAS(last_request(), "bytes=300000-");
    put_gz_part(other, SIZE / 2, "ok"); /* damaged: wrong in the end, then from nothing */
    CHECK(!fetch_how("ok", 1) && is_whole());
    CHECK_HAS(last_request(), "/ok/numbers.gz -");
    put_gz_part(other, sizeof other, "ok"); /* longer than the file */
    CHECK(!fetch_how("ok", 1) && is_whole());
    put_gz_part(content, SIZE / 3, "norange"); /* the server starts again: so does the part */
    CHECK(!fetch_how("norange", 1) && is_whole());
    put_gz_part(content, SIZE / 3, "wrong-range");
    CHECK(!fetch_how("wrong-range", 1) && is_whole());
}

static void next_mirror(void) {
    char url[3][64];
    char *mirror[3] = {url[0], url[1], url[2]};
    const char *how[3] = {"wrong", "404", "ok"};
    for (int i = 0; i < 3; i++) snprintf(url[i], sizeof url[i], "http://127.0.0.1:%d/%s", port, how[i]);
    fresh(true);
    manifest.mirror = mirror, manifest.n_mirrors = 3;
    CHECK(!fetch(NULL, 1));
    CHECK(is_whole());
    CHECK_HAS(notes, "HTTP 404");
    manifest.n_mirrors = 2;
    fresh(true);
    CHECK(fetch(NULL, 1) == CT_FAIL);
    CHECK_HAS(ct_error(), "/wrong/numbers.gz: ");
    CHECK_HAS(ct_error(), "/404/numbers.gz: ");
    CHECK_HAS(ct_error(), "/404/numbers: ");
    manifest.n_mirrors = 0;
    CHECK(fetch(NULL, 1) == CT_FAIL);
    CHECK_HAS(ct_error(), "has no mirrors");
}

/* The server's port, 0 if it does not start (no Python). It ends when *stop is closed. */
static int start_server(int *stop) {
    int in[2], out[2];
    if (pipe(in) || pipe(out)) return 0;
    char log[128];
    snprintf(log, sizeof log, "%s/log", root);
    if (!fork()) {
        dup2(in[0], 0), dup2(out[1], 1);
        close(in[0]), close(in[1]), close(out[0]), close(out[1]);
        execlp("python3", "python3", "tests/bats/server.py", from, log, (char *)NULL);
        _exit(127);
    }
    close(in[0]), close(out[1]);
    *stop = in[1];
    FILE *f = fdopen(out[0], "r");
    int number = 0;
    if (!f || fscanf(f, "%d", &number) != 1) number = 0;
    if (f) fclose(f);
    return number;
}

int main(void) {
    int stop = -1;
    uint32_t x = 1;
    unsetenv("http_proxy"), unsetenv("all_proxy"), unsetenv("ALL_PROXY");
    signal(SIGPIPE, SIG_IGN);
    strcpy(root, "/tmp/ctorch-fetch-XXXXXX");
    if (!mkdtemp(root)) return 1;
    snprintf(from, sizeof from, "%s/from", root), snprintf(to, sizeof to, "%s/to", root);
    if (mkdir(from, 0777)) return 1;
    for (int i = 0; i < SIZE; i++) content[i] = (unsigned char)((x = x * 1664525 + 1013904223) >> 24 & 63);
    CHECK(!ct_sha256_of(content, SIZE, file.sha256));
    RUN(from_a_folder);
    RUN(verifies);
    if ((port = start_server(&stop))) {
        RUN(good_servers);
        RUN(bad_servers);
        RUN(resumes);
        RUN(resumes_an_older_part);
        RUN(next_mirror);
    } else
        printf("test_fetch: no python3, so nothing is fetched from a server\n");
    if (stop >= 0) close(stop);
    wait(NULL);
    nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    return check_done("fetch");
}
