/* Archives of records: CIFAR's two forms, in any order of files; hostile ones refused. */
#include "base/hash.h"
#include "data/dataset.h"
#include "data/manifest.h"
#include "file/archive.h"
#include "tests/unit/scratch.h"
#include <zlib.h>

static unsigned char tar[1 << 16];
static size_t tar_len;

/* A header of the ustar format that claims `size` bytes, then `n` bytes of data. */
static void add_as(const char *name, char type, size_t size, const void *data, size_t n) {
    unsigned char *h = tar + tar_len, *p = h;
    unsigned sum = 0;
    memset(h, 0, 512);
    snprintf((char *)h, 100, "%s", name);
    memcpy(h + 100, "0000644\0000000000\0000000000", 24);
    snprintf((char *)h + 124, 13, "%011zo", size);
    memcpy(h + 136, "00000000000", 11);
    memset(h + 148, ' ', 8);
    h[156] = (unsigned char)type;
    memcpy(h + 257, "ustar\00000", 8);
    for (int i = 0; i < 512; i++) sum += *p++;
    snprintf((char *)h + 148, 8, "%06o", sum);
    memset(p, 0, (n + 511) / 512 * 512);
    memcpy(p, data, n);
    tar_len += 512 + (n + 511) / 512 * 512;
}
static void add(const char *name, const void *data, size_t n) { add_as(name, '0', n, data, n); }

/* Writes the archive so far, and a manifest for it: samples of (3, 1, 2). */
static void seal(const char *more, bool whole) {
    char hex[65], text[1024];
    size_t n;
    if (whole) memset(tar + tar_len, 0, 1024), tar_len += 1024;
    gzFile f = gzopen(at("a.tar.gz"), "wb");
    CHECK(gzwrite(f, tar, (unsigned)tar_len) == (int)tar_len && gzclose(f) == Z_OK);
    unsigned char *bytes = get("a.tar.gz", &n);
    CHECK(!ct_sha256_of(bytes, n, hex));
    free(bytes);
    snprintf(text, sizeof text,
             "name: tiny\nformat: cifar\nshape: [3, 1, 2]\nclasses: [a, b, c]\n"
             "files: [{name: a.tar.gz, role: archive, size: %zu, sha256: \"%s\"}]\n%s",
             n, hex, more);
    puts_in("tiny.yaml", text);
    tar_len = 0;
}

static ct_status load(bool coarse, ct_dataset **d) {
    char manifest[256], dir[256];
    snprintf(manifest, sizeof manifest, "%s", at("tiny.yaml"));
    snprintf(dir, sizeof dir, "%s", root);
    return ct_dataset_load(&(ct_data_args){.dataset = manifest, .dir = dir, .labels = coarse}, 0, NULL, d);
}

static void one_label(void) {
    ct_dataset *d;
    add_as("x/", '5', 0, "", 0);
    add("x/test_batch.bin", "\1TTTTTT", 7);
    add("x/batches.meta.txt", "a\nb\nc\n", 6);
    add("x/data_batch_2.bin", "\2RRGGBB", 7);
    add("../../data_batch_1.bin", "\0rRgGbB\1uvwxyz", 14);
    seal("", true);
    if (!CHECK(!load(false, &d))) return (void)puts(ct_error());
    CHECK(ct_size(d->train.x, 0) == 3 && ct_size(d->train.x, 1) == 3 && ct_size(d->train.x, 3) == 2);
    CHECK(!memcmp(ct_data(d->train.x), "rRgGbBuvwxyzRRGGBB", 18));
    CHECK(!memcmp(ct_data(d->train.y), "\0\1\2", 3));
    CHECK(!memcmp(ct_data(d->test.x), "TTTTTT", 6) && *(unsigned char *)ct_data(d->test.y) == 1);
    CHECK(d->classes == 3);
    CHECK_STR(d->class_name[2], "c");
    ct_dataset_free(d);
    CHECK(load(true, &d) == CT_BAD_SPEC);
    CHECK_HAS(ct_error(), "tiny has no coarse labels");
}

static void two_labels(void) {
    ct_dataset *d;
    add("train.bin", "\1\0aaaaaa\0\2bbbbbb", 16);
    add("test.bin", "\1\2cccccc", 8);
    seal("coarse_classes: [p, q]\n", true);
    if (!CHECK(!load(false, &d))) return (void)puts(ct_error());
    CHECK(!memcmp(ct_data(d->train.y), "\0\2", 2) && d->classes == 3);
    ct_dataset_free(d);
    if (!CHECK(!load(true, &d))) return (void)puts(ct_error());
    CHECK(!memcmp(ct_data(d->train.y), "\1\0", 2) && d->classes == 2);
    CHECK(!memcmp(ct_data(d->train.x), "aaaaaabbbbbb", 12));
    CHECK_STR(d->class_name[1], "q");
    ct_dataset_free(d);
}

static void refuse(const char *why) {
    ct_dataset *d;
    CHECK(load(false, &d) == CT_BAD_DATA && !d);
    CHECK_HAS(ct_error(), why);
}

static void hostile(void) {
    add("train.bin", "\1aaaaa", 6);
    seal("", true);
    refuse("'train.bin' in it has 6 bytes, records of 7 were expected");
    add("train.bin", "\3aaaaaa", 7);
    seal("", true);
    refuse("training sample 0 has label 3; there are 3 classes");
    add("test.bin", "\1aaaaaa", 7);
    seal("", true);
    refuse("holds no training samples");
    add_as("train.bin", '2', 0, "", 0); /* a link: nothing to read */
    seal("", true);
    refuse("holds no training samples");
    add_as("other", '0', (size_t)1 << 31, "", 0);
    seal("", true);
    refuse("'other' in it has 2147483648 bytes");
    add_as("train.bin", '0', 7000, "\1aaaaaa", 7);
    seal("", false);
    refuse("a.tar.gz");
    memset(tar, 'x', tar_len = 2048);
    seal("", false);
    refuse("damaged archive");
    add("train.bin", "\1aaaaaa", 7);
    seal("", true);
    puts_in("a.tar.gz", "short");
    refuse("holds 5 bytes");
}

int main(void) {
    CHECK(scratch_open());
    ct_archive *a;
    bool there = ct_archive_open("x", &(ct_bytes){(const unsigned char *)"", 0, NULL}, &a) != CT_FAIL;
    ct_archive_close(a);
    if (there) { /* libarchive */
        RUN(one_label);
        RUN(two_labels);
        RUN(hostile);
    } else
        CHECK_HAS(ct_error(), "libarchive");
    scratch_close();
    return check_done("cifar");
}
