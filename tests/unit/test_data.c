/* Manifests, datasets from their files, folders of PNGs. */
#include "base/alloc.h"
#include "base/hash.h"
#include "data/dataset.h"
#include "data/manifest.h"
#include "file/file.h"
#include "tests/unit/scratch.h"
#include <zlib.h>

/* ---- manifests ---- */

static void embedded_manifests(void) {
    int n;
    const char *const *names = ct_manifest_names(&n);
    CHECK(n == 6);
    for (int i = 0; i < n; i++) {
        ct_manifest *m;
        if (!CHECK(!ct_manifest_load(names[i], &m))) {
            puts(ct_error());
            continue;
        }
        CHECK_STR(m->name, names[i]);
        bool cifar = !strncmp(names[i], "cifar", 5), text = !strcmp(names[i], "tinyshakespeare");
        CHECK_STR(m->format, cifar ? "cifar" : text ? "text" : "idx");
        CHECK(m->n_files == (cifar || text ? 1 : 4) && m->file[0].packed == cifar);
        CHECK(m->classes == (text ? 0 : strcmp(names[i], "cifar-100") ? 10 : 100));
        CHECK(m->coarse == (m->classes == 100 ? 20 : 0));
        CHECK(*m->title && *m->license && *m->source);
        CHECK((m->n_mirrors == 0) == !strcmp(m->name, "digits"));
        ct_manifest_free(m);
    }
    ct_manifest *m;
    CHECK(!ct_manifest_load("fashion-mnist", &m));
    CHECK_STR(m->class_name[9], "Ankle boot");
    CHECK_STR(m->mirror[0], "file:///usr/share/datasets/fashion-mnist");
    CHECK_STR(m->file[2].role, "test_x");
    CHECK(m->file[2].size == 7840016);
    ct_manifest_free(m);
    CHECK(ct_manifest_load("mnits", &m) == CT_BAD_SPEC && !m);
    CHECK_HAS(ct_error(), "no dataset is called 'mnits'; did you mean 'mnist'?");
    CHECK(ct_manifest_load(at("none.yaml"), &m) != CT_OK && !m);
    CHECK_HAS(ct_error(), "none.yaml");
}

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define FILE_(name, role) "{name: " name ", role: " role ", size: 9, sha256: \"" HASH "\"}"

static void refused_manifests(void) {
    static const struct {
        const char *text, *why;
    } row[] = {
        {"[]", "must be a map"},
        {"name: a/b\nfiles: [" FILE_("x", "train_x") "]\nclasses: [a]", "`name`"},
        {"name: ..\nfiles: [" FILE_("x", "train_x") "]\nclasses: [a]", "`name`"},
        {"name: a\nclasses: [a]", "`files` must be a list"},
        {"name: a\nfiles: [" FILE_("x", "train_x") "]", "`classes` must be a list"},
        {"name: a\nfiles: []\nclasses: [a]", "`files` must be a list"},
        {"name: a\nfiles: [" FILE_("../x", "train_x") "]\nclasses: [a]", "needs a name"},
        {"name: a\nfiles: [" FILE_(".x", "train_x") "]\nclasses: [a]", "needs a name"},
        {"name: a\nfiles: [" FILE_("x", "train") "]\nclasses: [a]", "train"},
        {"name: a\nfiles: [" FILE_("x", "train_x") ", " FILE_("y", "train_x") "]\nclasses: [a]", "second file"},
        {"name: a\nfiles: [{name: x, role: train_x, size: 9}]\nclasses: [a]", "sha256"},
        {"name: a\nfiles: [{name: x, role: train_x, size: 9, sha256: abc}]\nclasses: [a]", "64 digits"},
        {"name: a\nfiles: [{name: x, role: train_x, size: -1, sha256: \"" HASH "\"}]\nclasses: [a]", "size"},
        {"name: a\nmirrors: [\"http://a\"]\nfiles: [" FILE_("x", "train_x") "]\nclasses: [a]", "https://"},
        {"name: a\nmirrors: {a: b}\nfiles: [" FILE_("x", "train_x") "]\nclasses: [a]", "`mirrors`"},
        {"name: a\nfiles: [" FILE_("x", "train_x") "]\nclasses: [a]\ncolour: 1", "colour"},
        {"name: a\nformat: hdf5\nfiles: [" FILE_("x", "train_x") "]\nclasses: [a]", "hdf5"},
    };
    for (int i = 0; i < CT_COUNT(row); i++) {
        ct_manifest *m;
        puts_in("m.yaml", row[i].text);
        CHECK(ct_manifest_load(at("m.yaml"), &m) == CT_BAD_SPEC && !m);
        CHECK_HAS(ct_error(), "m.yaml");
        CHECK_HAS(ct_error(), row[i].why);
    }
}

/* ---- datasets out of files ---- */

static void digits(void) {
    ct_dataset *d;
    if (!CHECK(!ct_dataset_load(&(ct_data_args){0}, 0, NULL, &d))) {
        puts(ct_error());
        return;
    }
    CHECK_STR(d->name, "digits");
    CHECK(ct_size(d->train.x, 0) == 1442 && ct_size(d->test.x, 0) == 355);
    CHECK(ct_ndim(d->train.x) == 3 && ct_size(d->train.x, 1) == 8 && ct_size(d->train.x, 2) == 8);
    CHECK(ct_dtype_of(d->train.x) == CT_U8 && ct_dtype_of(d->train.y) == CT_U8);
    const unsigned char *x = ct_data(d->train.x), *y = ct_data(d->train.y);
    CHECK(x[2] == 80 && x[3] == 207 && y[0] == 0); /* 5 and 13 of 16 */
    int count[10] = {0};
    for (int i = 0; i < 355; i++) count[((unsigned char *)ct_data(d->test.y))[i]]++;
    for (int i = 0; i < 10; i++) CHECK(count[i] == 34 || count[i] == 35 || count[i] == 36);
    CHECK(d->classes == 10 && d->files == 4 && !d->train.file && !d->skipped);
    CHECK_STR(d->class_name[3], "3");
    CHECK_STR(d->file_name[0], "train-images-idx3-ubyte");
    CHECK_STR(d->file_hash[0], "eaf17707f0d845100c830bc915a68a85ab9818144380bec6fa076cdb9dc6a056");
    CHECK(strlen(d->fingerprint) == 64);
    ct_dataset_free(d);
}

/* A dataset `set` of one 2x2 sample a label, written to DIR/set/ with its manifest DIR/set.yaml. */
typedef struct part {
    unsigned char type;
    int width, n, labels;
    unsigned char first_label;
} part;

static size_t add(unsigned char *out, int kind, const part *p) {
    unsigned char head[16] = {0, 0, kind ? 8 : p->type, kind ? 1 : 3}, *at = out;
    head[7] = (unsigned char)(kind ? p->labels : p->n), head[11] = 2, head[15] = (unsigned char)p->width;
    memcpy(at, head, kind ? 8 : 16), at += kind ? 8 : 16;
    int count = kind ? p->labels : p->n * 2 * p->width * (p->type == 0x0D ? 4 : 1);
    for (int i = 0; i < count; i++) *at++ = kind ? (unsigned char)(p->first_label + i % 2) : (unsigned char)(i % 64);
    return (size_t)(at - out);
}

static void put_set(part train, part test, bool gz) {
    static const char *const role[] = {"train_x", "train_y", "test_x", "test_y"};
    char manifest[2048] = "name: set\nclasses: [zero, one]\nfiles:\n", name[64], hex[65];
    for (int i = 0; i < 4; i++) {
        unsigned char bytes[4096];
        size_t n = add(bytes, i % 2, i / 2 ? &test : &train);
        CHECK(!ct_sha256_of(bytes, n, hex));
        snprintf(name, sizeof name, "set/%s%s", role[i], gz ? ".gz" : "");
        put(name, bytes, n);
        gzFile f = gz ? gzopen(at(name), "wb") : NULL;
        CHECK(!gz || (gzwrite(f, bytes, (unsigned)n) == (int)n && !gzclose(f)));
        char *end = manifest + strlen(manifest);
        sprintf(end, "  - {name: %s, role: %s, size: %zu, sha256: \"%s\"}\n", role[i], role[i], n, hex);
    }
    puts_in("set.yaml", manifest);
}

static ct_status load_set(bool in_dirs, ct_dataset **d) {
    char manifest[128], dir[128];
    strcpy(manifest, at("set.yaml")), strcpy(dir, at("set"));
    const char *const dirs[] = {"/nonexistent", root, NULL};
    return ct_dataset_load(&(ct_data_args){.dataset = manifest, .dir = in_dirs ? NULL : dir}, 0, dirs, d);
}

static void files(void) {
    char print[65] = "";
    for (int i = 0; i < 4; i++) { /* raw and gzip, by data_dirs and by dir: all the same */
        ct_dataset *d;
        scratch_clear();
        put_set((part){8, 2, 6, 6, 0}, (part){8, 2, 3, 3, 0}, i % 2);
        if (!CHECK(!load_set(i / 2, &d))) {
            puts(ct_error());
            return;
        }
        CHECK(ct_size(d->train.x, 0) == 6 && ct_size(d->test.x, 0) == 3 && ct_size(d->test.x, 2) == 2);
        CHECK(((unsigned char *)ct_data(d->train.x))[23] == 23 && ((unsigned char *)ct_data(d->test.y))[1] == 1);
        if (i) CHECK_STR(d->fingerprint, print);
        strcpy(print, d->fingerprint);
        ct_dataset_free(d);
    }
    ct_dataset *d;
    put_set((part){0x0D, 2, 6, 6, 0}, (part){0x0D, 2, 3, 3, 0}, false);
    unlink(at("set/train_x.gz"));
    CHECK(!load_set(false, &d));
    CHECK(ct_dtype_of(d->train.x) == CT_F32 && strcmp(d->fingerprint, print));
    CHECK_NEAR(((float *)ct_data(d->train.x))[0], 9.25571648671185e-41, 1e-46); /* 00 01 02 03 */
    ct_dataset_free(d);
}

static void refused_files(void) {
    static const struct {
        part train, test;
        const char *why;
    } row[] = {
        {{8, 2, 6, 5, 0}, {8, 2, 3, 3, 0}, "6 training samples have 5 labels"},
        {{8, 2, 6, 6, 0}, {8, 2, 3, 3, 1}, "test sample 1 has label 2; there are 2 classes"},
        {{8, 2, 6, 6, 0}, {8, 3, 3, 3, 0}, "differ in shape"},
        {{7, 2, 6, 6, 0}, {8, 2, 3, 3, 0}, "train_x"},
    };
    ct_dataset *d;
    for (int i = 0; i < CT_COUNT(row); i++) {
        scratch_clear();
        put_set(row[i].train, row[i].test, false);
        CHECK(load_set(true, &d) == CT_BAD_DATA && !d);
        CHECK_HAS(ct_error(), row[i].why);
    }
    scratch_clear();
    put_set((part){8, 2, 6, 6, 0}, (part){8, 2, 3, 3, 0}, false);
    puts_in("set/train_y", "\0\0\x8\1\0\0\0\6\0\0\0\0\0\1");
    CHECK(load_set(true, &d) == CT_BAD_DATA);
    CHECK_HAS(ct_error(), "set/train_y: holds 0 bytes, the manifest says 14");
    put("set/train_y", "\0\0\x8\1\0\0\0\6\0\0\0\0\0\1", 14);
    CHECK(load_set(true, &d) == CT_BAD_DATA);
    CHECK_HAS(ct_error(), "set/train_y: SHA-256 is ");
    unlink(at("set/train_y"));
    CHECK(load_set(true, &d) == CT_BAD_DATA);
    CHECK_HAS(ct_error(), "set: train_y is not in /nonexistent/set, ");
    CHECK_HAS(ct_error(), "get it with `ctorch fetch set`");
    CHECK(ct_dataset_load(&(ct_data_args){.dataset = "digits", .images = root}, 0, NULL, &d) == CT_BAD_SPEC);
    CHECK(ct_dataset_load(&(ct_data_args){.dataset = "mnist"}, 0, NULL, &d) == CT_BAD_DATA);
    CHECK_HAS(ct_error(), "ctorch fetch mnist");
}

int main(void) {
    if (!scratch_open()) return 1;
    RUN(embedded_manifests);
    RUN(refused_manifests);
    RUN(digits);
    RUN(files);
    RUN(refused_files);
    scratch_close();
    return check_done("data");
}
