/* Folders of PNG files as datasets. */
#include "base/alloc.h"
#include "data/dataset.h"
#include "file/png.h"
#include "tests/unit/scratch.h"

/* An h x w PNG of one colour. */
static void put_png(const char *name, int64_t c, int64_t h, int64_t w, const unsigned char *colour) {
    puts_in(name, "");
    ct_scope *scope = ct_scope_open();
    ct_tensor *t = ct_empty(CT_U8, CT_DIMS(c, h, w));
    for (int64_t i = 0; i < c; i++) memset((unsigned char *)ct_data(t) + i * h * w, colour[i], (size_t)(h * w));
    CHECK(!ct_image_write(at(name), t));
    CHECK(!ct_scope_close(scope));
}
static void put_grey(const char *name, unsigned char value) { put_png(name, 1, 2, 3, &value); }

static ct_status load(ct_data_args args, uint64_t seed, ct_dataset **d) {
    args.images = root;
    return ct_dataset_load(&args, seed, NULL, d);
}

static void refused(ct_data_args args, ct_status status, const char *why) {
    ct_dataset *d;
    CHECK(load(args, 0, &d) == status && !d);
    CHECK_HAS(ct_error(), why);
}

/* The split as one text: "file=label:first pixel ..." */
static const char *words(const ct_rows *s) {
    static char text[4096];
    size_t n = 0;
    text[0] = 0;
    for (int64_t i = 0; s->x && i < ct_size(s->x, 0); i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%s=%d:%d", i ? " " : "", s->file[i],
                              (int)((int64_t *)ct_data(s->y))[i],
                              ((unsigned char *)ct_data(s->x))[i * ct_numel(s->x) / ct_size(s->x, 0)]);
    return text;
}

static void parts(void) {
    ct_dataset *d;
    scratch_clear();
    put_grey("train/10/b.png", 1);
    put_grey("train/10/a.PNG", 2);
    put_grey("train/9/x.png", 3);
    put_grey("train/cat/x.png", 4);
    put_grey("test/cat/z.png", 5);
    put_grey("test/9/z.png", 6);
    puts_in("train/9/notes.txt", "not an image");
    puts_in("train/9/.hidden.png", "not an image");
    puts_in("train/.git/x.png", "not an image");
    puts_in("train/README", "not a class");
    CHECK(!symlink("loop", at("train/loop")));
    CHECK(!symlink("..", at("train/9/up")));
    if (!CHECK(!load((ct_data_args){0}, 0, &d))) {
        puts(ct_error());
        return;
    }
    CHECK(d->classes == 3 && d->files == 6);
    CHECK_STR(d->class_name[0], "9");
    CHECK_STR(d->class_name[1], "10");
    CHECK_STR(d->class_name[2], "cat");
    CHECK_STR(words(&d->train), "train/9/x.png=0:3 train/10/a.PNG=1:2 train/10/b.png=1:1 train/cat/x.png=2:4");
    CHECK_STR(words(&d->test), "test/9/z.png=0:6 test/cat/z.png=2:5");
    CHECK(ct_ndim(d->train.x) == 4 && ct_size(d->train.x, 1) == 1 && ct_size(d->train.x, 2) == 2 &&
          ct_size(d->train.x, 3) == 3);
    CHECK_STR(d->file_name[0], "train/9/x.png");
    CHECK_STR(d->name, strrchr(root, '/') + 1);
    char print[65];
    strcpy(print, d->fingerprint);
    ct_dataset_free(d);
    CHECK(!rename(at("train/9/x.png"), at("train/9/y.png")));
    CHECK(!load((ct_data_args){0}, 0, &d));
    CHECK(strcmp(print, d->fingerprint)); /* names count, too */
    ct_dataset_free(d);
}

static void size_and_channels(void) {
    static const unsigned char red[] = {255, 0, 0};
    ct_dataset *d;
    scratch_clear();
    put_grey("train/a/1.png", 100);
    put_png("train/a/2.png", 3, 5, 4, red);
    put_png("test/a/3.png", 3, 5, 4, red);
    CHECK(!load((ct_data_args){0}, 0, &d)); /* as the first image: 1 channel, 2 x 3 */
    CHECK(ct_size(d->train.x, 1) == 1 && ct_size(d->test.x, 2) == 2 && ct_size(d->test.x, 3) == 3);
    ct_dataset_free(d);
    CHECK(!load((ct_data_args){.size = {7, 0}, .channels = 3}, 0, &d));
    CHECK(ct_size(d->train.x, 1) == 3 && ct_size(d->test.x, 2) == 7 && ct_size(d->test.x, 3) == 3);
    const unsigned char *x = ct_data(d->test.x);
    CHECK(x[0] == 255 && x[21] == 0 && x[62] == 0);
    ct_dataset_free(d);
    unlink(at("train/a/1.png"));
    CHECK(!load((ct_data_args){0}, 0, &d));
    CHECK(ct_size(d->train.x, 1) == 3 && ct_size(d->train.x, 2) == 5);
    ct_dataset_free(d);
    refused((ct_data_args){.channels = 2}, CT_BAD_SPEC, "`channels` is 2");
}

static void holds_out(void) {
    ct_dataset *d, *e;
    char name[32], first[4096], other[4096];
    scratch_clear();
    for (int i = 0; i < 40; i++) {
        snprintf(name, sizeof name, "%c/%02d.png", i % 4 ? 'a' : 'b', i);
        put_grey(name, (unsigned char)i);
    }
    CHECK(!load((ct_data_args){.test = 0.2}, 7, &d));
    CHECK(ct_size(d->train.x, 0) == 32 && ct_size(d->test.x, 0) == 8);
    int b = 0;
    for (int i = 0; i < 8; i++) b += ((int64_t *)ct_data(d->test.y))[i] == 1;
    CHECK(b == 2);
    for (int p = 0; p < 2; p++) { /* each pixel is still its own file's */
        const ct_rows *s = p ? &d->test : &d->train;
        for (int64_t i = 0; i < ct_size(s->x, 0); i++)
            CHECK(atoi(s->file[i] + 2) == ((unsigned char *)ct_data(s->x))[i * 6]);
    }
    strcpy(first, words(&d->test));
    CHECK(!load((ct_data_args){.test = 0.2}, 7, &e));
    CHECK_STR(words(&e->test), first);
    CHECK_STR(e->fingerprint, d->fingerprint);
    ct_dataset_free(e);
    CHECK(!load((ct_data_args){.test = 0.2}, 8, &e));
    strcpy(other, words(&e->test));
    CHECK(strcmp(first, other));
    ct_dataset_free(e);
    CHECK(!load((ct_data_args){.test = 0}, 7, &e));
    CHECK(ct_size(e->train.x, 0) == 40 && !e->test.x && !e->test.y);
    ct_dataset_free(e);
    ct_dataset_free(d);
}

static void labels(void) {
    ct_dataset *d;
    scratch_clear();
    put_grey("sub/one.png", 1);
    put_grey("two, \"2\".png", 2);
    put_grey("three.png", 3);
    puts_in("labels.csv", "\xEF\xBB\xBF"
                          "file,label\r\nthree.png,cat\r\n\r\nsub/one.png,\"dog\nhot\"\r\n"
                          "\"two, \"\"2\"\".png\",cat");
    CHECK(!load((ct_data_args){0}, 0, &d));
    CHECK(d->classes == 2 && d->files == 4);
    CHECK_STR(d->file_name[3], "labels.csv");
    CHECK_STR(d->class_name[1], "dog\nhot");
    CHECK_STR(words(&d->train), "three.png=0:3 two, \"2\".png=0:2 sub/one.png=1:1");
    ct_dataset_free(d);
    scratch_clear();
    put_grey("train/1.png", 1);
    put_grey("train/2.png", 2);
    put_grey("test/3.png", 3);
    puts_in("train/labels.csv", "2.png,b\n1.png,a\n");
    puts_in("test/labels.csv", "3.png,b\n");
    CHECK(!load((ct_data_args){0}, 0, &d));
    CHECK_STR(words(&d->train), "train/1.png=0:1 train/2.png=1:2");
    CHECK_STR(words(&d->test), "test/3.png=1:3");
    ct_dataset_free(d);
}

static void refused_labels(void) {
    static const struct {
        const char *csv, *why;
    } row[] = {
        {"", "labels.csv: names no image"},
        {"file,label\n", "labels.csv: names no image"},
        {"1.png\n", "labels.csv:1:1: `file,label` was expected"},
        {"1.png,a\n2.png\n", "labels.csv:2:1: `file,label` was expected"},
        {"1.png,a\n\n2.png,\n", "labels.csv:3:1: `file,label` was expected"},
        {"1.png,a,b\n", "labels.csv:1:1: `file,label` was expected"},
        {"1.png,a\n\"2\n.png\",b\n3.jpg,c\n", "labels.csv:4:1: the first field must be the name of a .png file"},
        {"1.png,\"a\n", "labels.csv:1:7: a quote is not closed"},
        {"1.png,\"a\"b\n", "labels.csv:1:7: text after a closing quote"},
        {"1.png,a\n/etc/x.png,a\n", "labels.csv:2: /etc/x.png is not below the folder"},
        {"a/../../x.png,a\n", "is not below the folder"},
        {"none.png,a\n", "none.png: cannot be opened"},
    };
    scratch_clear();
    put_grey("1.png", 1);
    for (int i = 0; i < CT_COUNT(row); i++) {
        ct_dataset *d;
        puts_in("labels.csv", row[i].csv);
        CHECK(load((ct_data_args){0}, 0, &d) != CT_OK && !d);
        CHECK_HAS(ct_error(), row[i].why);
    }
    put("labels.csv", "1.png,a\0", 8);
    refused((ct_data_args){0}, CT_BAD_DATA, "labels.csv:1:8: a byte 0");
}

static void damaged(void) {
    ct_dataset *d;
    scratch_clear();
    for (int i = 0; i < 30; i++) {
        char name[32];
        snprintf(name, sizeof name, "train/a/%02d.png", i);
        put_grey(name, (unsigned char)i);
    }
    puts_in("train/a/00.png", "no PNG");
    puts_in("train/a/20.png", "\x89PNG\r\n\x1a\n");
    put_grey("test/a/z.png", 9);
    for (int i = 0; i < 5; i++) refused((ct_data_args){0}, CT_BAD_DATA, "/train/a/00.png: ");
    refused((ct_data_args){.size = {2, 3}, .channels = 1}, CT_BAD_DATA, "/train/a/00.png: ");
    CHECK(!load((ct_data_args){.on_bad = 1}, 0, &d));
    CHECK(d->skipped == 2 && ct_size(d->train.x, 0) == 28 && d->files == 31);
    CHECK_HAS(d->skipped_file[0], "/train/a/00.png: ");
    CHECK_HAS(d->skipped_file[1], "/train/a/20.png: ");
    CHECK_HAS(words(&d->train), "train/a/01.png=0:1 train/a/02.png=0:2 ");
    CHECK_HAS(words(&d->train), "train/a/19.png=0:19 train/a/21.png=0:21 ");
    ct_dataset_free(d);
    puts_in("test/a/z.png", "");
    refused((ct_data_args){.on_bad = 1}, CT_BAD_DATA, "all test images are damaged");
}

static void refused_folders(void) {
    scratch_clear();
    refused((ct_data_args){0}, CT_BAD_DATA, "neither a folder for each class nor a labels.csv");
    put_grey("1.png", 1);
    refused((ct_data_args){0}, CT_BAD_DATA, "neither a folder for each class nor a labels.csv");
    put_grey("a/1.png", 1);
    CHECK(!mkdir(at("b"), 0777));
    refused((ct_data_args){0}, CT_BAD_DATA, "/b: no .png file is in this class's folder");
    scratch_clear();
    put_grey("train/a/1.png", 1);
    put_grey("test/b/1.png", 1);
    refused((ct_data_args){0}, CT_BAD_DATA, "test/b/1.png: class 'b' is not among the training images");
    scratch_close();
    refused((ct_data_args){0}, CT_FAIL, "cannot be opened");
}

/* A 1 x 2 mask, and the image that it belongs to where `image` is not NULL. */
static void put_mask(const char *name, const char *image, unsigned char a, unsigned char b) {
    unsigned char value[] = {a, b};
    puts_in(name, "");
    ct_scope *scope = ct_scope_open();
    CHECK(!ct_mask_write(at(name), ct_from(CT_U8, CT_DIMS(1, 2), value), NULL));
    CHECK(!ct_scope_close(scope));
    if (image) put_png(image, 1, 1, 2, value);
}

/* The values of a part's masks, file by file. */
static const char *mask_words(const ct_rows *s) {
    static char text[256];
    size_t n = 0;
    text[0] = 0;
    const unsigned char *y = ct_data(s->y);
    for (int64_t i = 0; i < ct_size(s->y, 0); i++)
        n +=
            (size_t)snprintf(text + n, sizeof text - n, "%s%s=%d,%d", i ? " " : "", s->file[i], y[2 * i], y[2 * i + 1]);
    return text;
}

static void masks(void) {
    char folder[80];
    ct_dataset *d;
    ct_data_args args = {.masks = folder, .ignored = -1};
    scratch_clear();
    snprintf(folder, sizeof folder, "%s/train/.masks", root); /* hidden, so no image of the folder */
    put_mask("train/.masks/train/a.png", "train/a.png", 0, 1);
    put_mask("train/.masks/train/sub/deep/b.png", "train/sub/deep/b.png", 4, 0);
    put_mask("train/.masks/test/c.png", "test/c.png", 5, 1);
    put_mask("train/.masks/train/unused.png", NULL, 200, 0);
    CHECK(!load(args, 0, &d));
    CHECK(d->classes == 6 && d->files == 6);
    CHECK_STR(d->class_name[5], "5");
    CHECK_STR(d->file_name[4], "masks/train/sub/deep/b.png");
    CHECK_STR(mask_words(&d->train), "train/a.png=0,1 train/sub/deep/b.png=4,0");
    CHECK_STR(mask_words(&d->test), "test/c.png=5,1");
    CHECK(ct_ndim(d->train.y) == 3 && ct_dtype_of(d->train.y) == CT_U8);
    ct_dataset_free(d);
    CHECK(!load((ct_data_args){.masks = folder, .ignored = 5}, 0, &d)); /* 5 is no class */
    CHECK(d->classes == 5);
    ct_dataset_free(d);
    CHECK(!load((ct_data_args){.masks = folder, .ignored = -1, .size = {2, 4}, .classes = 8}, 0, &d));
    const unsigned char *y = ct_data(d->train.y);
    CHECK(d->classes == 8 && !memcmp(y, "\0\0\1\1\0\0\1\1", 8)); /* to the nearest */
    ct_dataset_free(d);
    refused((ct_data_args){.masks = folder, .ignored = -1, .classes = 5}, CT_BAD_DATA,
            "/test/c.png: has a pixel of value 5, and there are 5 classes");
    put_mask("train/.masks/train/sub/deep/b.png", NULL, 255, 0);
    put_mask("train/.masks/test/c.png", NULL, 255, 255);
    put_mask("train/.masks/train/a.png", NULL, 0, 0);
    CHECK(!load(args, 0, &d)); /* black and white */
    CHECK(d->classes == 2);
    CHECK_STR(mask_words(&d->train), "train/a.png=0,0 train/sub/deep/b.png=1,0");
    ct_dataset_free(d);
    CHECK(!load((ct_data_args){.masks = folder, .ignored = 255}, 0, &d));
    CHECK(d->classes == 1);
    CHECK_STR(mask_words(&d->train), "train/a.png=0,0 train/sub/deep/b.png=255,0");
    ct_dataset_free(d);
    scratch_clear();
    puts_in("empty/notes.txt", "no image");
    refused(args, CT_BAD_DATA, "no .png file is in it");
}

int main(void) {
    if (!scratch_open()) return 1;
    RUN(parts);
    RUN(size_and_channels);
    RUN(holds_out);
    RUN(labels);
    RUN(refused_labels);
    RUN(damaged);
    RUN(masks);
    RUN(refused_folders);
    scratch_close();
    return check_done("images");
}
