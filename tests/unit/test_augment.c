/* Transforms: moves by hand, random ones by their statistics, the same bytes for any threads and batches. */
#include "base/parallel.h"
#include "data/augment.h"
#include "data/transform.h"
#include "tests/unit/check.h"
#include "yaml/read.h"
#include <stdlib.h>

enum { MANY = 512 };
static ct_normalizer plain; /* out = byte / 255 */
static int64_t all[MANY];

/* Runs `name: args` over n samples of x, from place `first` of an epoch. */
static ct_status run(const char *name, const char *text, const ct_tensor *x, int64_t n, int64_t epoch, int64_t first,
                     float *out) {
    const ct_transform *t = ct_transform_find(name);
    _Alignas(16) char args[256];
    ct_augment *a;
    if (!CHECK(t && t->kind.args_size <= sizeof args)) return CT_FAIL;
    if (ct_read_args_text(t->kind.keys, text, args)) return puts(ct_error()), CT_FAIL;
    ct_status s = ct_augment_open(&(ct_transform_use){t, args}, 1, 7, x, &a);
    if (!s) s = ct_augment_samples(a, epoch, first, x, all + first, n, &plain, out);
    ct_augment_free(a);
    return s;
}

/* MANY times the same image. */
static ct_tensor *many(ct_dims shape, const unsigned char *image) {
    int64_t size = 1;
    for (int i = 1; i < shape.n; i++) size *= shape.v[i];
    shape.v[0] = MANY;
    ct_tensor *x = ct_empty(CT_U8, shape);
    for (int64_t i = 0; i < MANY * size; i++) ((unsigned char *)ct_data(x))[i] = image[i % size];
    return x;
}

static bool is(const float *out, const unsigned char *want, int n) {
    for (int i = 0; i < n; i++)
        if (out[i] != (float)want[i] / 255.0f) return false;
    return true;
}

static const unsigned char six[6] = {10, 20, 30, 40, 50, 60};

static void flips(void) {
    static float out[MANY * 6];
    ct_scope *scope = ct_scope_open();
    const ct_tensor *x = many(CT_DIMS(0, 2, 3), six);
    CHECK(!run("random_flip", "p=1", x, 1, 0, 0, out));
    CHECK(is(out, (unsigned char[]){30, 20, 10, 60, 50, 40}, 6));
    CHECK(!run("random_vertical_flip", "p=1", x, 1, 0, 0, out));
    CHECK(is(out, (unsigned char[]){40, 50, 60, 10, 20, 30}, 6));
    CHECK(!run("random_horizontal_flip", "p=0", x, 1, 0, 0, out));
    CHECK(is(out, six, 6));
    CHECK(!run("random_horizontal_flip", "", x, MANY, 0, 0, out));
    int flipped = 0;
    for (int i = 0; i < MANY; i++) flipped += out[i * 6] == 30 / 255.0f;
    CHECK(abs(flipped - MANY / 2) < 60); /* over five standard deviations */
    CHECK(!ct_scope_close(scope));
}

/* Every one of the nine shifts of a 3x3 image, and what padding it shows. */
static void crops(void) {
    static const unsigned char image[9] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    static const struct {
        const char *mode;
        unsigned char corner[9]; /* the crop furthest up and left */
    } row[] = {{"constant", {0, 0, 0, 0, 1, 2, 0, 4, 5}},
               {"edge", {1, 1, 2, 1, 1, 2, 4, 4, 5}},
               {"reflect", {5, 4, 5, 2, 1, 2, 5, 4, 5}},
               {"symmetric", {1, 1, 2, 1, 1, 2, 4, 4, 5}}};
    static float out[MANY * 9];
    ct_scope *scope = ct_scope_open();
    const ct_tensor *x = many(CT_DIMS(0, 3, 3), image);
    for (int r = 0; r < 4; r++) {
        char text[64];
        int centre[10] = {0}, corner = 0;
        snprintf(text, sizeof text, "padding=1 padding_mode=%s", row[r].mode);
        CHECK(!run("random_crop", text, x, MANY, 0, 0, out));
        for (int i = 0; i < MANY; i++) {
            centre[(int)lrintf(out[i * 9 + 4] * 255)]++;
            corner += is(out + i * 9, row[r].corner, 9);
        }
        CHECK(corner == centre[1] && corner > 0);
        for (int v = 1; v <= 9; v++) CHECK(abs(centre[v] - MANY / 9) < 40);
    }
    CHECK(!run("random_crop", "padding=3 padding_mode=constant fill=1", x, 1, 0, 0, out));
    CHECK(run("random_crop", "padding=3 padding_mode=reflect", x, 1, 0, 0, out) == CT_BAD_SPEC);
    CHECK_HAS(ct_error(), "padding 3, 3 is more than");
    CHECK(!ct_scope_close(scope));
}

/* A ramp stays one, whatever turns it; its two slopes say by how much. */
static void turns(void) {
    static unsigned char image[16 * 16];
    static float out[MANY * 256];
    for (int i = 0; i < 256; i++) image[i] = (unsigned char)(i % 16 * 10);
    ct_scope *scope = ct_scope_open();
    const ct_tensor *x = many(CT_DIMS(0, 16, 16), image);
    CHECK(!run("random_rotation", "degrees=0 interpolation=bilinear", x, 1, 0, 0, out));
    CHECK(is(out, image, 256));
    CHECK(!run("random_affine", "degrees=0 scale=1", x, 1, 0, 0, out));
    CHECK(is(out, image, 256));
    CHECK(!run("random_rotation", "degrees=90 interpolation=bilinear", x, MANY, 0, 0, out));
    double sum = 0, most = 0;
    for (int i = 0; i < MANY; i++) { /* near the centre, pixel (x, y) says 75 + 10 (cos x - sin y) of the angle */
        const float *p = out + i * 256;
        double dx = 255 * (p[7 * 16 + 8] - p[7 * 16 + 7]) / 10, dy = 255 * (p[8 * 16 + 7] - p[7 * 16 + 7]) / 10;
        CHECK_NEAR(dx * dx + dy * dy, 1, 1e-3);
        CHECK_NEAR(255 * (p[7 * 16 + 7] + p[8 * 16 + 8]) / 2, 75, 1e-2);
        sum += atan2(dy, dx), most = fmax(most, fabs(atan2(dy, dx)));
    }
    CHECK(fabs(sum / MANY) < 0.2 && most > 1.5 && most < 1.5709);
    CHECK(!run("random_affine", "degrees=0 translate=[0.25,0] interpolation=nearest", x, MANY, 0, 0, out));
    int moved[9] = {0};
    for (int i = 0; i < MANY; i++) {
        double by = 7 - 255 * (double)out[i * 256 + 7] / 10; /* to the right by `by`: the pixel comes from there */
        CHECK_NEAR(by, rint(by), 1e-4);
        if (CHECK(by > -4.5 && by < 4.5)) moved[(int)rint(by) + 4]++;
    }
    for (int i = 0; i < 9; i++) CHECK(moved[i] > 5);
    CHECK(!run("random_affine", "degrees=0 scale=[2,2] interpolation=bilinear", x, 1, 0, 0, out));
    CHECK_NEAR(255 * (out[7 * 16 + 8] - out[7 * 16 + 7]), 5, 1e-3);
    CHECK(!ct_scope_close(scope));
}

static void resized_crops(void) {
    static unsigned char image[16 * 16];
    static float out[MANY * 256];
    for (int i = 0; i < 256; i++) image[i] = (unsigned char)(i % 16 * 10 + i / 16);
    ct_scope *scope = ct_scope_open();
    const ct_tensor *x = many(CT_DIMS(0, 16, 16), image);
    CHECK(!run("random_resized_crop", "scale=[1,1] ratio=[1,1]", x, 1, 0, 0, out));
    CHECK(is(out, image, 256));
    CHECK(!run("random_resized_crop", "scale=[0.25,0.25] ratio=[1,1]", x, MANY, 0, 0, out));
    for (int i = 0; i < MANY; i++) /* 8x8 stretched to 16x16: half the slope */
        CHECK_NEAR(255 * (out[i * 256 + 8] - out[i * 256 + 7]), 5, 1e-3);
    CHECK(!run("random_resized_crop", "", x, MANY, 0, 0, out));
    double area = 0;
    for (int i = 0; i < MANY; i++) {
        double wide = 255 * (out[i * 256 + 8] - out[i * 256 + 7]) / 10 * 16;
        double high = 255 * (out[i * 256 + 128] - out[i * 256 + 112]) * 16;
        area += wide * high / 256 / MANY;
    }
    CHECK_NEAR(area, 0.54, 0.06);
    CHECK(!ct_scope_close(scope));
}

static void colours(void) {
    static const unsigned char image[12] = {255, 51, 102, 0, 51, 51, 102, 0, 204, 51, 102, 0}; /* planes of 2x2 */
    static float out[MANY * 12];
    ct_scope *scope = ct_scope_open();
    const ct_tensor *x = many(CT_DIMS(0, 3, 2, 2), image);
    CHECK(!run("color_jitter", "brightness=0.5", x, MANY, 0, 0, out));
    double low = 9, high = 0;
    for (int i = 0; i < MANY; i++) { /* channels last: pixel 1 is (51, 51, 51) */
        double f = out[i * 12 + 3] / 0.2;
        low = fmin(low, f), high = fmax(high, f);
        CHECK_NEAR(out[i * 12 + 6], 0.4 * f, 1e-6);
        CHECK_NEAR(out[i * 12], fmin(f, 1), 1e-6);
    }
    CHECK(low > 0.499 && low < 0.52 && high < 1.501 && high > 1.48);
    CHECK(!run("random_grayscale", "p=1", x, 1, 0, 0, out));
    for (int c = 0; c < 3; c++) CHECK_NEAR(out[c], 0.2989 * 1 + 0.587 * 0.2 + 0.114 * 0.8, 1e-6);
    CHECK(!run("color_jitter", "saturation=1", x, MANY, 0, 0, out));
    for (int i = 0; i < MANY; i++) CHECK_NEAR(out[i * 12 + 3], 0.2, 1e-3); /* grey has none */
    CHECK(!run("color_jitter", "hue=0.5", x, MANY, 0, 0, out));
    double seen = 0;
    for (int i = 0; i < MANY; i++) { /* (1, 0.2, 0.8): largest and smallest stay, in some place */
        const float *v = out + i * 12;
        CHECK_NEAR(fmax(fmax(v[0], v[1]), v[2]), 1, 1e-6);
        CHECK_NEAR(fmin(fmin(v[0], v[1]), v[2]), 0.2, 1e-6);
        seen += v[1] > v[0];
    }
    CHECK(seen > MANY / 5 && seen < MANY * 4 / 5);
    CHECK(!run("color_jitter", "contrast=1", x, MANY, 0, 0, out));
    double mean = (0.2989 * 1 + 0.587 * 0.2 + 0.114 * 0.8 + 0.2 + 0.4 + 0) / 4, f0 = 0;
    for (int i = 0; i < MANY; i++) {
        double f = (out[i * 12 + 6] - mean) / (0.4 - mean);
        f0 += f / MANY;
        CHECK_NEAR(out[i * 12 + 9], fmax((1 - f) * mean, 0), 1e-4);
    }
    CHECK_NEAR(f0, 1, 0.15);
    CHECK(!ct_scope_close(scope));
}

static void holes(void) {
    static unsigned char image[8 * 8];
    static float out[MANY * 64];
    memset(image, 255, sizeof image);
    ct_scope *scope = ct_scope_open();
    const ct_tensor *x = many(CT_DIMS(0, 8, 8), image);
    CHECK(!run("cutout", "size=4", x, MANY, 0, 0, out));
    int cut[65] = {0};
    for (int i = 0; i < MANY; i++) {
        int n = 0;
        for (int k = 0; k < 64; k++) n += out[i * 64 + k] == 0;
        cut[n]++;
    }
    CHECK(cut[0] == 0 && cut[16] > MANY / 4 && cut[4] > 0); /* whole, and a corner */
    CHECK(cut[16] + cut[12] + cut[8] + cut[9] + cut[6] + cut[4] == MANY);
    CHECK(!run("random_erasing", "p=1 scale=[0.25,0.25] ratio=[1,1] value=2", x, MANY, 0, 0, out));
    for (int i = 0; i < MANY; i++) {
        int n = 0;
        for (int k = 0; k < 64; k++) n += out[i * 64 + k] == 2;
        CHECK(n == 16);
    }
    CHECK(!ct_scope_close(scope));
}

static void noise_and_blur(void) {
    static unsigned char image[8 * 8];
    static float out[MANY * 64];
    memset(image, 128, sizeof image);
    ct_scope *scope = ct_scope_open();
    const ct_tensor *x = many(CT_DIMS(0, 8, 8), image);
    CHECK(!run("gaussian_noise", "mean=0.1 sigma=0.05", x, MANY, 0, 0, out));
    double sum = 0, squares = 0;
    for (int i = 0; i < MANY * 64; i++) {
        double v = (double)out[i] - 128 / 255.0;
        sum += v, squares += v * v;
    }
    CHECK_NEAR(sum / (MANY * 64), 0.1, 0.002);
    CHECK_NEAR(sqrt(squares / (MANY * 64) - 0.01), 0.05, 0.002);
    CHECK(!run("gaussian_blur", "kernel_size=5", x, 1, 0, 0, out));
    for (int k = 0; k < 64; k++) CHECK_NEAR(out[k], 128 / 255.0, 1e-6);
    memset(image, 0, sizeof image), image[27] = 255;
    CHECK(!run("gaussian_blur", "kernel_size=3 sigma=[1,1]", many(CT_DIMS(0, 8, 8), image), 1, 0, 0, out));
    double side = exp(-0.5) / (1 + 2 * exp(-0.5));
    CHECK_NEAR(out[27], (1 - 2 * side) * (1 - 2 * side), 1e-6);
    CHECK_NEAR(out[18], side * side, 1e-6);
    CHECK(run("gaussian_blur", "kernel_size=4", x, 1, 0, 0, out) == CT_BAD_SPEC);
    CHECK(!ct_scope_close(scope));
}

/* A spec's whole list, with 1, 2 and 3 threads, in one batch and in several; another epoch is another. */
static void same_bytes(void) {
    static unsigned char image[3 * 8 * 8];
    static float one[MANY * 192], out[MANY * 192];
    const char *const names[] = {"random_crop", "random_rotation", "color_jitter", "gaussian_noise"};
    const char *const texts[] = {"padding=2", "degrees=15", "brightness=0.4 hue=0.1", ""};
    _Alignas(16) char args[4][256];
    ct_transform_use list[4];
    ct_augment *a;
    for (int i = 0; i < 192; i++) image[i] = (unsigned char)(i * 37);
    for (int i = 0; i < 4; i++) {
        list[i] = (ct_transform_use){ct_transform_find(names[i]), args[i]};
        CHECK(!ct_read_args_text(list[i].transform->kind.keys, texts[i], args[i]));
    }
    ct_scope *scope = ct_scope_open();
    const ct_tensor *x = many(CT_DIMS(0, 3, 8, 8), image);
    CHECK(!ct_augment_open(list, 4, 3, x, &a));
    int threads = ct_threads();
    for (int n = 1; n <= 3; n++) {
        ct_set_threads(n);
        CHECK(!ct_augment_samples(a, 5, 0, x, all, MANY, &plain, n == 1 ? one : out));
        CHECK(n == 1 || !memcmp(one, out, sizeof one));
    }
    ct_set_threads(threads);
    for (int64_t at = 0; at < MANY; at += 100)
        CHECK(!ct_augment_samples(a, 5, at, x, all + at, CT_MIN(100, MANY - at), &plain, out + at * 192));
    CHECK(!memcmp(one, out, sizeof one));
    CHECK(memcmp(one, one + 192, 192 * sizeof *one)); /* each sample its own */
    CHECK(!ct_augment_samples(a, 6, 0, x, all, MANY, &plain, out));
    CHECK(memcmp(one, out, 192 * sizeof *one));
    CHECK(ct_augment_samples(a, 6, 0, x, (int64_t[]){MANY}, 1, &plain, out) == CT_FAIL);
    ct_augment_free(a);
    CHECK(ct_augment_open(list, 4, 3, ct_zeros(CT_U8, CT_DIMS(2, 9)), &a) == CT_BAD_SPEC && !a);
    CHECK(!ct_scope_close(scope));
}

/* An image that is its own mask: both end up the same, whatever moved. */
static void masks(void) {
    static unsigned char image[8 * 8];
    static float out[MANY * 64];
    static int64_t classes[MANY * 64];
    const char *const names[] = {"random_crop",   "random_flip",         "random_rotation",
                                 "random_affine", "random_resized_crop", "random_vertical_flip"};
    const char *const texts[] = {"padding=2", "", "degrees=30", "degrees=10 shear=5", "interpolation=nearest", ""};
    for (int i = 0; i < 64; i++) image[i] = (unsigned char)i;
    ct_scope *scope = ct_scope_open();
    const ct_tensor *x = many(CT_DIMS(0, 8, 8), image);
    for (int k = 0; k < CT_COUNT(names); k++) {
        const ct_transform *t = ct_transform_find(names[k]);
        _Alignas(16) char args[256];
        ct_augment *a;
        CHECK(!ct_read_args_text(t->kind.keys, texts[k], args));
        CHECK(!ct_augment_open(&(ct_transform_use){t, args}, 1, 1, x, &a));
        CHECK(!ct_augment_samples(a, 0, 0, x, all, MANY, &plain, out));
        CHECK(!ct_augment_masks(a, 0, 0, x, all, MANY, classes));
        int wrong = 0, moved = 0;
        for (int i = 0; i < MANY * 64; i++) {
            wrong += (int64_t)lrintf(out[i] * 255) != classes[i];
            moved += classes[i] != i % 64;
        }
        CHECK(!wrong && moved > MANY);
        ct_augment_free(a);
    }
    CHECK(!ct_scope_close(scope));
}

int main(void) {
    for (int i = 0; i < MANY; i++) all[i] = i;
    ct_normalizer_make((double[]){0, 0, 0}, (double[]){1, 1, 1}, &plain);
    RUN(flips);
    RUN(crops);
    RUN(turns);
    RUN(resized_crops);
    RUN(colours);
    RUN(holes);
    RUN(noise_and_blur);
    RUN(same_bytes);
    RUN(masks);
    return check_done("augment");
}
