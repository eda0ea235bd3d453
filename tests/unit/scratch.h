/* A test's own directory, `root`, and files in it. */
#ifndef CT_TESTS_SCRATCH_H
#define CT_TESTS_SCRATCH_H
#include "tests/unit/check.h"
#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[64];

static inline int scratch_open(void) {
    strcpy(root, "/tmp/ctorch-test-XXXXXX");
    return mkdtemp(root) != NULL;
}

static inline int scratch_remove(const char *path, const struct stat *st, int type, struct FTW *ftw) {
    (void)st, (void)type, (void)ftw;
    return remove(path);
}
static inline void scratch_close(void) { nftw(root, scratch_remove, 8, FTW_DEPTH | FTW_PHYS); }
static inline void scratch_clear(void) {
    scratch_close();
    CHECK(!mkdir(root, 0777));
}

/* root/NAME; the last four stay valid. */
static inline const char *at(const char *name) {
    static char path[4][256];
    static int i;
    char *p = path[i++ % 4];
    snprintf(p, sizeof path[0], "%s/%s", root, name);
    return p;
}

/* Writes root/NAME and the folders above it; its path. */
static inline const char *put(const char *name, const void *bytes, size_t n) {
    char path[256];
    strcpy(path, at(name));
    for (char *p = strchr(path + strlen(root) + 1, '/'); p; p = strchr(p + 1, '/')) {
        *p = 0;
        mkdir(path, 0777);
        *p = '/';
    }
    FILE *f = fopen(path, "wb");
    CHECK(f && fwrite(bytes, 1, n, f) == n);
    if (f) fclose(f);
    return at(name);
}
static inline void puts_in(const char *name, const char *text) { put(name, text, strlen(text)); }

/* All of root/NAME and a 0, to be freed. */
static inline unsigned char *get(const char *name, size_t *n) {
    struct stat st;
    FILE *f = fopen(at(name), "rb");
    *n = f && !fstat(fileno(f), &st) ? (size_t)st.st_size : 0;
    unsigned char *bytes = malloc(*n + 1);
    CHECK(f && bytes && fread(bytes, 1, *n, f) == *n);
    if (bytes) bytes[*n] = 0;
    if (f) fclose(f);
    return bytes;
}
#endif
