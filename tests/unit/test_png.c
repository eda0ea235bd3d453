/* PNG files of every colour type, depth and interlacing, held against their samples; damaged ones. */
#include "base/alloc.h"
#include "file/file.h"
#include "file/png.h"
#include "file/resize.h"
#include "tests/unit/check.h"
#include "tests/unit/scratch.h"
#include <png.h>
#include <zlib.h>

enum { H = 7, W = 11 };

/* How a PNG is made: `sample` are the numbers in the file, pixel by pixel. */
typedef struct recipe {
    int type, depth;
    bool interlaced, clear; /* clear: a tRNS chunk */
    unsigned sample[H * W * 4];
} recipe;

static const png_color palette[16] = {
    {0, 0, 0},    {255, 0, 0},   {0, 255, 0},   {0, 0, 255},  {9, 8, 7},   {1, 128, 254}, {77, 77, 77}, {255, 255, 255},
    {60, 50, 40}, {200, 100, 0}, {0, 100, 200}, {33, 66, 99}, {5, 250, 5}, {128, 0, 128}, {254, 1, 0},  {90, 91, 92}};
static const png_byte palette_alpha[5] = {0, 255, 128, 1, 254};

static int channels_of(int type) {
    return type == PNG_COLOR_TYPE_RGBA ? 4 : type == PNG_COLOR_TYPE_RGB ? 3 : type == PNG_COLOR_TYPE_GA ? 2 : 1;
}

static recipe make_recipe(int type, int depth, bool interlaced, bool clear) {
    recipe r = {.type = type, .depth = depth, .interlaced = interlaced, .clear = clear};
    unsigned state = 12345, most = type == PNG_COLOR_TYPE_PALETTE ? CT_MIN(1u << depth, 16) : 1u << depth;
    for (int i = 0; i < H * W * 4; i++) r.sample[i] = ((state = state * 1664525 + 1013904223) >> 8) % most;
    return r;
}

/* The one grey or colour that is clear: the file's own second pixel. */
static png_color_16 clear_colour(const recipe *r) {
    const unsigned *s = r->sample + channels_of(r->type);
    return (png_color_16){
        .gray = (png_uint_16)s[0], .red = (png_uint_16)s[0], .green = (png_uint_16)s[1], .blue = (png_uint_16)s[2]};
}

static void pack_row(const recipe *r, int y, unsigned char *row) {
    int n = W * channels_of(r->type);
    const unsigned *s = r->sample + y * n;
    memset(row, 0, (size_t)n * 2);
    for (int i = 0; i < n; i++) {
        if (r->depth == 16)
            row[2 * i] = (unsigned char)(s[i] >> 8), row[2 * i + 1] = (unsigned char)s[i];
        else
            row[i * r->depth / 8] |= (unsigned char)(s[i] << (8 - r->depth - i * r->depth % 8));
    }
}

static const char *write_recipe(const char *name, const recipe *r) {
    FILE *f = fopen(at(name), "wb");
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    png_color_16 clear = clear_colour(r);
    bool indexed = r->type == PNG_COLOR_TYPE_PALETTE;
    png_init_io(png, f);
    png_set_IHDR(png, info, W, H, r->depth, r->type, r->interlaced, 0, 0);
    if (indexed) png_set_PLTE(png, info, palette, CT_MIN(1 << r->depth, 16));
    if (r->clear && indexed) png_set_tRNS(png, info, palette_alpha, r->depth == 1 ? 2 : 4, NULL);
    if (r->clear && !indexed) png_set_tRNS(png, info, NULL, 0, &clear);
    png_set_gAMA(png, info, 1.0); /* has no say */
    png_write_info(png, info);
    for (int pass = png_set_interlace_handling(png); pass--;)
        for (int y = 0; y < H; y++) {
            unsigned char row[W * 8];
            pack_row(r, y, row);
            png_write_row(png, row);
        }
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    fclose(f);
    return at(name);
}

static unsigned eight(unsigned v, int depth) {
    return depth == 16 ? (unsigned)lround(v / 257.0) : v * 255 / ((1u << depth) - 1);
}

/* Red, green, blue and alpha that pixel i should have. */
static void pixel(const recipe *r, int i, unsigned v[4]) {
    int n = channels_of(r->type);
    const unsigned *s = r->sample + i * n, *c = r->sample + n;
    bool colour = n >= 3;
    v[3] = n % 2 ? 255 : eight(s[n - 1], r->depth);
    if (r->type == PNG_COLOR_TYPE_PALETTE) {
        v[0] = palette[s[0]].red, v[1] = palette[s[0]].green, v[2] = palette[s[0]].blue;
        if (r->clear && s[0] < 4) v[3] = palette_alpha[s[0]];
        return;
    }
    for (int k = 0; k < 3; k++) v[k] = eight(s[colour ? k : 0], r->depth);
    if (r->clear && s[0] == c[0] && (!colour || (s[1] == c[1] && s[2] == c[2]))) v[3] = 0;
}

static void expect(const recipe *r, int c, unsigned char *out) {
    for (int i = 0; i < H * W; i++) {
        unsigned v[4];
        pixel(r, i, v);
        for (int k = 0; k < 3; k++) v[k] = (v[k] * v[3] + 255 * (255 - v[3]) + 127) / 255;
        if (c == 1 && r->type & PNG_COLOR_MASK_COLOR)
            out[i] = (unsigned char)((v[0] * 19595 + v[1] * 38470 + v[2] * 7471 + 0x8000) >> 16);
        else
            for (int k = 0; k < c; k++) out[k * H * W + i] = (unsigned char)v[k];
    }
}

static void check_recipe(int type, int depth, bool interlaced, bool clear) {
    recipe r = make_recipe(type, depth, interlaced, clear);
    const char *path = write_recipe("r.png", &r);
    unsigned char want[3 * H * W], got[3 * H * W];
    int own = type & PNG_COLOR_MASK_COLOR ? 3 : 1;
    int64_t hwc[3];
    CHECK(ct_image_size(path, hwc) == CT_OK && hwc[0] == H && hwc[1] == W && hwc[2] == own);
    for (int c = 0; c <= 3; c++) {
        if (c == 2) continue;
        int n = c ? c : own;
        ct_scope *scope = ct_scope_open();
        ct_tensor *t = ct_image_read(path, (ct_image_args){.channels = c});
        expect(&r, n, want);
        CHECK(!ct_why(t) && ct_dtype_of(t) == CT_U8 && ct_size(t, 0) == n && ct_size(t, 1) == H && ct_size(t, 2) == W);
        if (!CHECK(!ct_why(t) && !memcmp(ct_data(t), want, (size_t)n * H * W)))
            printf("    type %d depth %d interlaced %d tRNS %d, %d channels\n", type, depth, interlaced, clear, n);
        CHECK(ct_png_decode(path, n, H, W, got) == CT_OK && !memcmp(got, want, (size_t)n * H * W));
        CHECK(ct_scope_close(scope) == CT_OK);
    }
}

static void every_type_is_read(void) {
    static const struct {
        int type, depth;
    } cases[] = {{PNG_COLOR_TYPE_GRAY, 1},    {PNG_COLOR_TYPE_GRAY, 2},    {PNG_COLOR_TYPE_GRAY, 4},
                 {PNG_COLOR_TYPE_GRAY, 8},    {PNG_COLOR_TYPE_GRAY, 16},   {PNG_COLOR_TYPE_RGB, 8},
                 {PNG_COLOR_TYPE_RGB, 16},    {PNG_COLOR_TYPE_PALETTE, 1}, {PNG_COLOR_TYPE_PALETTE, 2},
                 {PNG_COLOR_TYPE_PALETTE, 4}, {PNG_COLOR_TYPE_PALETTE, 8}, {PNG_COLOR_TYPE_GA, 8},
                 {PNG_COLOR_TYPE_GA, 16},     {PNG_COLOR_TYPE_RGBA, 8},    {PNG_COLOR_TYPE_RGBA, 16}};
    for (int i = 0; i < CT_COUNT(cases); i++)
        for (int how = 0; how < 4; how++)
            if (how < 2 || !(cases[i].type & PNG_COLOR_MASK_ALPHA))
                check_recipe(cases[i].type, cases[i].depth, how & 1, how & 2);
}

/* All 65536 values of 16 bits, each to the nearest of 8. */
static void sixteen_bits_are_rounded(void) {
    recipe r = make_recipe(PNG_COLOR_TYPE_GRAY, 16, false, false);
    int wrong = 0;
    for (unsigned v = 0; v < 65536; v += H * W) {
        unsigned char got[H * W];
        for (unsigned i = 0; i < H * W; i++) r.sample[i] = CT_MIN(v + i, 65535);
        CHECK(ct_png_decode(write_recipe("deep.png", &r), 1, H, W, got) == CT_OK);
        for (int i = 0; i < H * W; i++) wrong += got[i] != lround(r.sample[i] / 257.0);
    }
    CHECK(wrong == 0);
}

static void images_are_resized(void) {
    recipe r = make_recipe(PNG_COLOR_TYPE_RGB, 8, false, false);
    const char *path = write_recipe("big.png", &r);
    unsigned char planes[3 * H * W], want[3 * 4 * 5], got[3 * 4 * 5];
    expect(&r, 3, planes);
    CHECK(ct_resize_u8(planes, 3, H, W, want, 4, 5) == CT_OK);
    CHECK(ct_png_decode(path, 3, 4, 5, got) == CT_OK && !memcmp(got, want, sizeof want));
    ct_scope *scope = ct_scope_open();
    ct_tensor *t = ct_image_read(path, (ct_image_args){.size = {4, 5}});
    CHECK(!ct_why(t) && ct_size(t, 1) == 4 && ct_size(t, 2) == 5 && !memcmp(ct_data(t), want, sizeof want));
    t = ct_image_read(path, (ct_image_args){.size = {4}});
    CHECK(!ct_why(t) && ct_size(t, 1) == 4 && ct_size(t, 2) == W);
    CHECK(ct_scope_close(scope) == CT_OK);
}

static void written_images_are_read(void) {
    for (int c = 1; c <= 3; c += 2) {
        unsigned char data[3 * 2 * 5];
        for (int i = 0; i < 30; i++) data[i] = (unsigned char)(i * 67);
        ct_scope *scope = ct_scope_open();
        ct_tensor *t = ct_from(CT_U8, CT_DIMS(c, 2, 5), data);
        CHECK(ct_image_write(at("w.png"), t) == CT_OK);
        ct_tensor *u = ct_image_read(at("w.png"), (ct_image_args){0});
        CHECK(!ct_why(u) && ct_size(u, 0) == c && !memcmp(ct_data(u), data, (size_t)c * 10));
        CHECK(ct_image_write(at("w.png"), ct_from(CT_U8, CT_DIMS(2, 2, 2), data)) == CT_FAIL);
        CHECK(ct_scope_close(scope) == CT_OK);
    }
}

/* Numbers come back as they were, whatever the colours; nearest to the middle of each place. */
static void written_masks_are_read(void) {
    unsigned char data[2 * 3] = {0, 1, 2, 200, 255, 3}, got[24], rgb[3];
    static const unsigned char wide[] = {0, 1, 2, 0, 1, 2, 200, 255, 3, 200, 255, 3};
    int64_t own[2];
    ct_scope *scope = ct_scope_open();
    CHECK(ct_mask_write(at("m.png"), ct_from(CT_U8, CT_DIMS(2, 3), data), NULL) == CT_OK);
    CHECK(ct_png_mask(at("m.png"), 2, 3, own, got) == CT_OK && !memcmp(got, data, 6) && own[0] == 2 && own[1] == 3);
    CHECK(ct_png_mask(at("m.png"), 4, 3, own, got) == CT_OK && !memcmp(got, wide, 12) && own[0] == 2);
    CHECK(ct_png_mask(at("m.png"), 1, 1, own, got) == CT_OK && got[0] == 255);
    CHECK(ct_mask_write(at("m.png"), ct_from(CT_U8, CT_DIMS(2, 3), data), (int64_t[2]){4, 0}) == CT_OK);
    CHECK(ct_png_mask(at("m.png"), 4, 3, own, got) == CT_OK && !memcmp(got, wide, 12) && own[0] == 4);
    ct_tensor *t = ct_image_read(at("m.png"), (ct_image_args){0});
    ct_mask_colour(2, rgb);
    CHECK(!ct_why(t) && ct_size(t, 0) == 3 && rgb[0] == 0 && rgb[1] == 128 && rgb[2] == 0);
    for (int c = 0; c < 3; c++) CHECK(((unsigned char *)ct_data(t))[c * 12 + 2] == rgb[c]);
    CHECK(ct_image_write(at("g.png"), ct_from(CT_U8, CT_DIMS(1, 2, 3), data)) == CT_OK);
    CHECK(ct_png_mask(at("g.png"), 2, 3, own, got) == CT_OK && !memcmp(got, data, 6));
    CHECK(ct_image_write(at("c.png"), ct_from(CT_U8, CT_DIMS(3, 1, 2), data)) == CT_OK);
    CHECK(ct_png_mask(at("c.png"), 1, 2, own, got) == CT_BAD_DATA);
    CHECK_HAS(ct_error(), "c.png: is no mask");
    CHECK(ct_mask_write(at("m.png"), ct_from(CT_U8, CT_DIMS(6), data), NULL) == CT_FAIL);
    CHECK(ct_scope_close(scope) == CT_OK);
    recipe one_bit = make_recipe(PNG_COLOR_TYPE_GRAY, 1, false, false);
    unsigned char bits[H * W];
    CHECK(ct_png_mask(write_recipe("bits.png", &one_bit), H, W, own, bits) == CT_OK);
    for (int i = 0; i < H * W; i++) CHECK(bits[i] <= 1);
}

/* ---- damage ---- */

static void arguments_are_checked(void) {
    ct_scope *scope = ct_scope_open();
    CHECK_HAS(ct_why(ct_image_read("x.png", (ct_image_args){.channels = 2})), "x.png: channels is 2, 1 or 3");
    CHECK_HAS(ct_why(ct_image_read("x.png", (ct_image_args){.size = {-1, 3}})), "x.png: cannot be resized to -1");
    CHECK_HAS(ct_why(ct_image_read("x.png", (ct_image_args){.size = {3, 16385}})), "cannot be resized to 16385");
    CHECK_HAS(ct_why(ct_image_read(at("none.png"), (ct_image_args){0})), "none.png: cannot be opened: No such file");
    CHECK_HAS(ct_why(ct_image_read(root, (ct_image_args){0})), "is a directory");
    CHECK_HAS(ct_why(ct_image_read(put("text.png", "hello world", 11), (ct_image_args){0})),
              "text.png: is not a PNG file");
    CHECK(ct_scope_close(scope) == CT_FAIL);
}

static ct_status decode(const void *bytes, size_t n, unsigned char out[3 * H * W]) {
    return ct_png_decode(put("case.png", bytes, n), 3, H, W, out);
}

/* Every cut and every flipped bit of a file: refused by name, or the same pixels. */
static void check_damage(int type, int depth, bool interlaced) {
    recipe r = make_recipe(type, depth, interlaced, !(type & PNG_COLOR_MASK_ALPHA));
    unsigned char want[3 * H * W], got[3 * H * W];
    size_t n;
    write_recipe("whole.png", &r);
    unsigned char *file = get("whole.png", &n);
    expect(&r, 3, want);
    for (size_t i = 0; i < n; i++) CHECK(decode(file, i, got) == CT_BAD_DATA && strstr(ct_error(), "case.png: "));
    int same = 0, refused = 0;
    for (size_t i = 0; i < n; i++)
        for (int bit = 0; bit < 8; bit += 3) {
            file[i] ^= (unsigned char)(1 << bit);
            ct_status status = decode(file, n, got);
            if (status == CT_BAD_DATA && strstr(ct_error(), "case.png: "))
                refused++;
            else if (status == CT_OK && !memcmp(got, want, sizeof want))
                same++;
            else
                CHECK(!"refused, or the same pixels"), printf("    byte %zu bit %d: %s\n", i, bit, ct_error());
            file[i] ^= (unsigned char)(1 << bit);
        }
    CHECK(refused > 0 && same == 0);
    CHECK(decode(file, n, got) == CT_OK && !memcmp(got, want, sizeof want));
    free(file);
}

static void damage_is_refused(void) {
    check_damage(PNG_COLOR_TYPE_GRAY, 8, false);
    check_damage(PNG_COLOR_TYPE_PALETTE, 4, true);
    check_damage(PNG_COLOR_TYPE_RGBA, 16, true);
}

static unsigned char *put32(unsigned char *p, unsigned long v) {
    p[0] = (unsigned char)(v >> 24), p[1] = (unsigned char)(v >> 16), p[2] = (unsigned char)(v >> 8);
    p[3] = (unsigned char)v;
    return p + 4;
}

static unsigned char *put_chunk(unsigned char *p, const char *name, const void *data, size_t n) {
    unsigned char *start = put32(p, n);
    memcpy(start, name, 4);
    if (n) memcpy(start + 4, data, n);
    return put32(start + 4 + n, crc32(0, start, (uInt)n + 4));
}

/* A PNG with right checksums whose header says h x w, and whose one IDAT chunk has `data`. */
static unsigned char forged_out[3 * H * W];
static ct_status forged(unsigned long h, unsigned long w, int type, const void *data, size_t n) {
    static const unsigned char sign[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    unsigned char file[512], head[13] = {0};
    memcpy(file, sign, 8);
    put32(put32(head, w), h), head[8] = 8, head[9] = (unsigned char)type;
    unsigned char *p = put_chunk(file + 8, "IHDR", head, 13);
    if (type == PNG_COLOR_TYPE_PALETTE) p = put_chunk(p, "PLTE", "abcdef", 6);
    p = put_chunk(put_chunk(p, "IDAT", data, n), "IEND", NULL, 0);
    return decode(file, (size_t)(p - file), forged_out);
}

static void forged_files_are_refused(void) {
    unsigned char rows[H * (W + 1)] = {0}, z[256];
    uLongf n = sizeof z;
    CHECK(compress(z, &n, rows, sizeof rows) == Z_OK);
    CHECK(forged(H, W, PNG_COLOR_TYPE_GRAY, z, n) == CT_OK);
    CHECK(forged(16385, 1, PNG_COLOR_TYPE_GRAY, z, n) == CT_BAD_DATA);
    CHECK(forged(1, 0x7fffffff, PNG_COLOR_TYPE_GRAY, z, n) == CT_BAD_DATA);
    CHECK(forged(16384, 16384, PNG_COLOR_TYPE_GRAY, z, n) == CT_BAD_DATA);
    CHECK_HAS(ct_error(), "case.png: has 16384 x 16384 pixels, more than 2^26");
    CHECK(forged(0, W, PNG_COLOR_TYPE_GRAY, z, n) == CT_BAD_DATA);
    CHECK(forged(H, W, 5, z, n) == CT_BAD_DATA);
    CHECK(forged(H + 1, W, PNG_COLOR_TYPE_GRAY, z, n) == CT_BAD_DATA); /* a row too few */
    CHECK(forged(H - 1, W, PNG_COLOR_TYPE_GRAY, z, n) == CT_BAD_DATA); /* a row too many */
    CHECK(forged(H, W, PNG_COLOR_TYPE_PALETTE, z, n) == CT_OK);
    rows[5] = 2; /* the palette has two colours: black, as other readers have it */
    unsigned char z2[256];
    uLongf n2 = sizeof z2;
    CHECK(compress(z2, &n2, rows, sizeof rows) == Z_OK);
    CHECK(forged(H, W, PNG_COLOR_TYPE_PALETTE, z2, n2) == CT_OK);
    CHECK(forged_out[3] == 'a' && forged_out[4] == 0 && forged_out[H * W + 4] == 0 && forged_out[5] == 'a');
    z[n - 1] ^= 1; /* zlib's own checksum */
    CHECK(forged(H, W, PNG_COLOR_TYPE_GRAY, z, n) == CT_BAD_DATA);
}

int main(void) {
    scratch_open();
    RUN(every_type_is_read);
    RUN(sixteen_bits_are_rounded);
    RUN(images_are_resized);
    RUN(written_images_are_read);
    RUN(written_masks_are_read);
    RUN(arguments_are_checked);
    RUN(damage_is_refused);
    RUN(forged_files_are_refused);
    scratch_close();
    return check_done("test_png");
}
