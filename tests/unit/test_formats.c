/* Files, gzip, IDX, resizing. */
#include "base/alloc.h"
#include "file/file.h"
#include "file/idx.h"
#include "file/resize.h"
#include "tests/unit/check.h"
#include "tests/unit/scratch.h"
#include <sys/stat.h>
#include <zlib.h>

/* `data` as one gzip member onto out; its length. */
static size_t zip(const void *data, size_t n, unsigned char *out, size_t room) {
    z_stream z = {0};
    deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
    z.next_in = (unsigned char *)data, z.avail_in = (uInt)n, z.next_out = out, z.avail_out = (uInt)room;
    CHECK(deflate(&z, Z_FINISH) == Z_STREAM_END);
    deflateEnd(&z);
    return z.total_out;
}

/* ---- files ---- */

static void files_are_written_whole(void) {
    ct_bytes b;
    CHECK(ct_file_write(at("a"), "first", 5) == CT_OK);
    CHECK(ct_file_write(at("a"), "hello there", 11) == CT_OK);
    CHECK(access(at("a.tmp"), F_OK) != 0);
    CHECK(ct_file_map(at("a"), &b) == CT_OK);
    CHECK(b.len == 11 && !memcmp(b.data, "hello there", 11));
    ct_bytes_free(&b);
    CHECK(b.data == NULL && b.len == 0);
    CHECK(ct_file_write(at("no/such/a"), "x", 1) == CT_FAIL);
    CHECK_HAS(ct_error(), "no/such/a.tmp: cannot be created: No such file");
    CHECK(ct_file_write(at("empty"), NULL, 0) == CT_OK);
    CHECK(ct_file_map(at("empty"), &b) == CT_OK && b.len == 0);
    ct_bytes_free(&b);
    CHECK(!link(at("a"), at("b.tmp")) && ct_file_write(at("b"), "b", 1) == CT_OK); /* left by a link that was killed */
    CHECK(ct_file_map(at("a"), &b) == CT_OK && b.len == 11);
    ct_bytes_free(&b);
    CHECK(ct_file_link(at("a"), at("b")) && ct_file_link(at("a"), at("b")) && access(at("b.tmp"), F_OK) != 0);
    CHECK(ct_file_map(at("b"), &b) == CT_OK && b.len == 11);
    ct_bytes_free(&b);
    CHECK(!ct_file_link(at("none"), at("c")) && access(at("c"), F_OK) != 0);
    CHECK(chdir(root) == 0 && ct_file_write("relative", "r", 1) == CT_OK && !access(at("relative"), F_OK));
}

static void streams_are_committed_or_dropped(void) {
    int fd;
    CHECK(ct_file_create(at("s"), &fd) == CT_OK);
    CHECK(ct_file_put(at("s"), fd, "one", 3) == CT_OK && ct_file_put(at("s"), fd, "two", 3) == CT_OK);
    CHECK(access(at("s"), F_OK) != 0);
    CHECK(ct_file_commit(at("s"), fd) == CT_OK);
    CHECK(access(at("s"), F_OK) == 0);
    CHECK(ct_file_create(at("s"), &fd) == CT_OK && ct_file_put(at("s"), fd, "worse", 5) == CT_OK);
    ct_file_drop(at("s"), fd);
    size_t n;
    unsigned char *data = get("s", &n);
    CHECK_STR((char *)data, "onetwo");
    free(data);
    CHECK(access(at("s.tmp"), F_OK) != 0);
    mkdir(at("d"), 0777);
    CHECK(ct_file_write(at("d"), "x", 1) == CT_FAIL && access(at("d.tmp"), F_OK) != 0);
    CHECK_HAS(ct_error(), "/d: cannot be renamed into place: Is a directory");
}

static void only_regular_files_are_read(void) {
    ct_bytes b;
    CHECK(ct_file_map(at("missing"), &b) == CT_FAIL);
    CHECK_HAS(ct_error(), "/missing: cannot be opened: No such file or directory");
    CHECK(ct_file_map(root, &b) == CT_BAD_DATA);
    CHECK_HAS(ct_error(), "is a directory");
    CHECK(mkfifo(at("fifo"), 0666) == 0);
    CHECK(ct_file_map(at("fifo"), &b) == CT_BAD_DATA);
    CHECK_HAS(ct_error(), "/fifo: is not a regular file");
}

/* ---- gzip ---- */

static void gzip_members_are_joined(void) {
    unsigned char z[512];
    ct_bytes b;
    size_t n = zip("hello ", 6, z, sizeof z);
    n += zip("", 0, z + n, sizeof z - n);
    n += zip("world", 5, z + n, sizeof z - n);
    CHECK(ct_file_read(put("m.gz", z, n), 11, &b) == CT_OK);
    CHECK(b.len == 11 && !memcmp(b.data, "hello world", 11) && b.map == NULL);
    ct_bytes_free(&b);
    CHECK(ct_file_read(at("m.gz"), SIZE_MAX, &b) == CT_OK && b.len == 11);
    ct_bytes_free(&b);
    CHECK(ct_file_read(at("m.gz"), 10, &b) == CT_BAD_DATA && b.len == 0);
    CHECK_HAS(ct_error(), "m.gz: unzips to more than the 10 bytes expected");
    z[n] = 'x';
    CHECK(ct_file_read(put("m.gz", z, n + 1), 100, &b) == CT_BAD_DATA);
    CHECK_HAS(ct_error(), "m.gz: 1 bytes follow its gzip data");
    CHECK(ct_file_read(put("plain", "12345", 5), 4, &b) == CT_BAD_DATA);
    CHECK_HAS(ct_error(), "plain: has 5 bytes, at most 4 were expected");
}

static void gzip_heads_are_read(void) {
    unsigned char z[512];
    char head[8];
    size_t got, n = zip("hello ", 6, z, sizeof z);
    n += zip("world", 5, z + n, sizeof z - n);
    put("h.gz", z, n);
    CHECK(ct_file_head(at("h.gz"), head, 8, &got) == CT_OK && got == 8 && !memcmp(head, "hello wo", 8));
    CHECK(ct_file_head(put("h", "abc", 3), head, 8, &got) == CT_OK && got == 3 && !memcmp(head, "abc", 3));
    CHECK(ct_file_head(put("h", "", 0), head, 8, &got) == CT_OK && got == 0);
    CHECK(ct_file_head(put("h.gz", z, 20), head, 8, &got) == CT_BAD_DATA);
}

/* A bomb is not unzipped further than what is wanted of it. */
static void gzip_bombs_are_bounded(void) {
    size_t n = 64 << 20, room = 1 << 20;
    unsigned char *zeros = calloc(n, 1), *z = malloc(room);
    ct_bytes b;
    size_t len = zip(zeros, n, z, room);
    put("bomb.gz", z, len);
    free(zeros), free(z);
    CHECK(ct_file_read(at("bomb.gz"), 1000, &b) == CT_BAD_DATA);
    ct_scope *scope = ct_scope_open();
    CHECK(ct_why(ct_idx_read(at("bomb.gz"))));
    CHECK(ct_scope_close(scope) == CT_BAD_DATA);
}

/* ---- IDX ---- */

static const unsigned char idx_u8[] = {0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 10, 20, 30, 40, 250, 7};

/* What reading `bytes` gives: 0 an error that names the file, 1 the tensor of idx_u8, 2 anything else. */
static int outcome(const void *bytes, size_t n) {
    static const unsigned char want[] = {10, 20, 30, 40, 250, 7};
    ct_scope *scope = ct_scope_open();
    ct_tensor *t = ct_idx_read(put("case.idx", bytes, n));
    int what = 2;
    if (ct_why(t))
        what = strstr(ct_why(t), "case.idx: ") ? 0 : 2;
    else if (ct_dtype_of(t) == CT_U8 && ct_ndim(t) == 2 && ct_size(t, 0) == 2 && ct_size(t, 1) == 3)
        what = memcmp(ct_data(t), want, 6) ? 2 : 1;
    ct_status status = ct_scope_close(scope);
    return status == (what ? CT_OK : CT_BAD_DATA) ? what : 2;
}

static void idx_types_are_read(void) {
    static const struct {
        unsigned char code, bytes;
        ct_dtype dtype;
        unsigned char raw[8];
        double want;
    } cases[] = {{0x08, 1, CT_U8, {200}, 200},
                 {0x09, 1, CT_I32, {200}, -56},
                 {0x0B, 2, CT_I32, {0xff, 0x38}, -200},
                 {0x0B, 2, CT_I32, {0x12, 0x34}, 0x1234},
                 {0x0C, 4, CT_I32, {0x80, 0, 0, 1}, -2147483647.0},
                 {0x0D, 4, CT_F32, {0xc0, 0x20, 0, 0}, -2.5},
                 {0x0E, 8, CT_F64, {0x3f, 0xd0, 0, 0, 0, 0, 0, 0}, 0.25}};
    for (int i = 0; i < CT_COUNT(cases); i++) {
        unsigned char file[16] = {0, 0, cases[i].code, 1, 0, 0, 0, 1};
        memcpy(file + 8, cases[i].raw, cases[i].bytes);
        ct_scope *scope = ct_scope_open();
        ct_tensor *t = ct_idx_read(put("t.idx", file, 8 + cases[i].bytes));
        CHECK(!ct_why(t) && ct_dtype_of(t) == cases[i].dtype && ct_ndim(t) == 1);
        double got = 0;
        CHECK(ct_copy_out(t, CT_F64, &got) == CT_OK);
        CHECK_NEAR(got, cases[i].want, 0);
        CHECK(ct_scope_close(scope) == CT_OK);
    }
}

static void idx_round_trips(void) {
    static const ct_dtype dtypes[] = {CT_U8, CT_I32, CT_F32, CT_F64};
    unsigned char data[24 * 8];
    for (size_t i = 0; i < sizeof data; i++) data[i] = (unsigned char)(37 * i % 61);
    for (int i = 0; i < CT_COUNT(dtypes); i++) {
        ct_scope *scope = ct_scope_open();
        ct_tensor *t = ct_from(dtypes[i], CT_DIMS(2, 3, 4), data);
        CHECK(ct_idx_write(at("r.idx"), t) == CT_OK);
        ct_tensor *u = ct_idx_read(at("r.idx"));
        CHECK(!ct_why(u) && ct_dtype_of(u) == dtypes[i] && ct_ndim(u) == 3 && ct_size(u, 1) == 3 && ct_size(u, 2) == 4);
        CHECK(!memcmp(ct_data(u), data, 24 * ct_dtype_bytes(dtypes[i])));
        CHECK(ct_idx_write(at("r.idx"), ct_from(CT_I64, CT_DIMS(2), data)) == CT_FAIL);
        CHECK_HAS(ct_error(), "r.idx: IDX has no type for i64");
        CHECK(ct_idx_write(at("r.idx"), ct_from(CT_U8, CT_DIMS(2, 0), data)) == CT_FAIL);
        CHECK(ct_scope_close(scope) == CT_OK);
    }
}

/* A tensor over a mapped file can be written to; the file stays. */
static void idx_mapping_is_private(void) {
    for (int k = 0; k < 2; k++) {
        ct_scope *scope = ct_scope_open();
        ct_tensor *t = ct_idx_read(put("p.idx", idx_u8, sizeof idx_u8));
        ((unsigned char *)ct_data(t))[0] = 99;
        ct_tensor *u = ct_idx_read(at("p.idx"));
        CHECK(((unsigned char *)ct_data(u))[0] == 10);
        CHECK(ct_scope_close(scope) == CT_OK);
    }
}

static void idx_damage_is_refused(void) {
    unsigned char file[64], z[256];
    size_t n = sizeof idx_u8, zn = zip(idx_u8, n, z, sizeof z);
    CHECK(outcome(idx_u8, n) == 1 && outcome(z, zn) == 1);
    for (size_t i = 0; i < n; i++) CHECK(outcome(idx_u8, i) == 0);
    for (size_t i = 0; i < zn; i++) CHECK(outcome(z, i) == 0);
    memcpy(file, idx_u8, n), file[n] = 0;
    CHECK(outcome(file, n + 1) == 0);
    CHECK_HAS(ct_error(), "case.idx: has 19 bytes, at most 18 were expected");
    CHECK(outcome(idx_u8, n - 1) == 0);
    CHECK_HAS(ct_error(), "case.idx: has 17 bytes, its IDX header says 18");
    for (size_t i = 0; i < 12; i++)
        for (int v = 0; v < 256; v++) {
            memcpy(file, idx_u8, n), file[i] = (unsigned char)v;
            if (i == 2 && v == 9) continue; /* i8 instead of u8 is a whole file too */
            CHECK(outcome(file, n) == (v == idx_u8[i]));
            size_t len = zip(file, n, z, sizeof z);
            CHECK(outcome(z, len) == (v == idx_u8[i]));
        }
}

static void gzip_damage_is_refused(void) {
    unsigned char z[256];
    size_t n = zip(idx_u8, sizeof idx_u8, z, sizeof z);
    for (size_t i = 0; i < n; i++)
        for (int bit = 0; bit < 8; bit++) {
            z[i] ^= (unsigned char)(1 << bit);
            CHECK(outcome(z, n) != 2);
            z[i] ^= (unsigned char)(1 << bit);
        }
}

static void idx_sizes_are_not_trusted(void) {
    unsigned char big[36] = {0, 0, 0x0E, 8};
    memset(big + 4, 0xff, 32);
    CHECK(outcome(big, sizeof big) == 0);
    CHECK_HAS(ct_error(), "dimensions are too large together");
    unsigned char large[12] = {0, 0, 8, 2, 0x7f, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff}, z[128];
    CHECK(outcome(large, sizeof large) == 0);
    CHECK(outcome(z, zip(large, sizeof large, z, sizeof z)) == 0);
    ct_scope *scope = ct_scope_open();
    CHECK_HAS(ct_why(ct_idx_read(at("gone.idx"))), "gone.idx: cannot be opened: No such file");
    CHECK_HAS(ct_why(ct_idx_read(root)), "is a directory");
    CHECK(ct_scope_close(scope) == CT_FAIL);
}

/* ---- resizing: the numbers are Pillow 12's ---- */

static void resized(const unsigned char *in, int h, int w, const unsigned char *want, int out_h, int out_w) {
    unsigned char out[64] = {0};
    CHECK(ct_resize_u8(in, 1, h, w, out, out_h, out_w) == CT_OK);
    if (!CHECK(!memcmp(out, want, (size_t)(out_h * out_w))))
        for (int i = 0; i < out_h * out_w; i++) printf("%d,%s", out[i], i % out_w == out_w - 1 ? "\n" : " ");
}

static const unsigned char picture[35] = {0,  48,  170, 110, 124, 212, 118, 98,  152, 24,  226, 246,
                                          84, 252, 238, 42,  176, 128, 154, 254, 172, 164, 230, 114,
                                          72, 104, 210, 134, 132, 204, 94,  58,  96,  208, 138};

static void resizing_is_pillows(void) {
    static const struct {
        int h, w;
        unsigned char want[63];
    } cases[] = {
        {3, 4, {67, 119, 168, 168, 152, 127, 165, 191, 173, 114, 111, 166}},
        {8, 5, {16,  116, 123, 163, 149, 60,  101, 154, 168, 170, 120, 83,  190, 176, 196, 155, 105, 157, 191, 198,
                177, 132, 124, 183, 187, 185, 163, 89,  154, 162, 169, 153, 77,  148, 160, 156, 143, 71,  146, 161}},
        {2, 7, {102, 97, 109, 160, 180, 169, 186, 168, 175, 118, 87, 119, 214, 149}},
        {5, 3, {57, 130, 160, 105, 170, 179, 141, 148, 203, 182, 107, 160, 155, 93, 159}},
        {1, 1, {144}},
        {7, 9, {0,   32,  102, 157, 110, 121, 173, 181, 118, 56,  90,  98,  107, 176, 190, 163,
                158, 195, 138, 126, 97,  96,  198, 215, 171, 165, 229, 238, 107, 102, 165, 128,
                148, 210, 227, 172, 185, 179, 156, 122, 88,  112, 176, 197, 145, 150, 196, 168,
                97,  66,  93,  161, 185, 136, 132, 180, 155, 86,  58,  88,  158, 185, 138}},
    };
    for (int i = 0; i < CT_COUNT(cases); i++) resized(picture, 5, 7, cases[i].want, cases[i].h, cases[i].w);
    resized(picture, 5, 7, picture, 5, 7);
    unsigned char white[40];
    memset(white, 255, sizeof white);
    resized(white, 5, 8, white, 3, 7);
    resized(white, 2, 3, white, 5, 8);
}

static void planes_are_resized_alone(void) {
    unsigned char in[70], out[24], alone[12];
    for (int i = 0; i < 35; i++) in[i] = picture[i], in[35 + i] = (unsigned char)(255 - picture[i]);
    CHECK(ct_resize_u8(in, 2, 5, 7, out, 3, 4) == CT_OK);
    for (int c = 0; c < 2; c++) {
        CHECK(ct_resize_u8(in + 35 * c, 1, 5, 7, alone, 3, 4) == CT_OK);
        CHECK(!memcmp(out + 12 * c, alone, 12));
    }
}

int main(void) {
    scratch_open();
    RUN(files_are_written_whole);
    RUN(streams_are_committed_or_dropped);
    RUN(only_regular_files_are_read);
    RUN(gzip_members_are_joined);
    RUN(gzip_heads_are_read);
    RUN(gzip_bombs_are_bounded);
    RUN(idx_types_are_read);
    RUN(idx_round_trips);
    RUN(idx_mapping_is_private);
    RUN(idx_damage_is_refused);
    RUN(gzip_damage_is_refused);
    RUN(idx_sizes_are_not_trusted);
    RUN(resizing_is_pillows);
    RUN(planes_are_resized_alone);
    scratch_close();
    return check_done("test_formats");
}
