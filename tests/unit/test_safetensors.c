/* safetensors: what is written is read, what is damaged is refused. */
#include "base/alloc.h"
#include "file/safetensors.h"
#include "tests/unit/check.h"
#include "tests/unit/scratch.h"

static const float weight[6] = {1, 2, 3, 4, 5, 6};
static const unsigned char flags[3] = {1, 0, 1};
static const ct_meta meta[] = {{"spec", "model: [linear: 3]\n\"quoted\" \xc3\xa9"}, {"kind", "test"}};

/* A small model of every dtype, u8 and bool first, so that the writer has something to align. */
static ct_status write_model(const char *name) {
    static const double d[2] = {0.5, -1e300};
    static const int64_t l[2] = {-1, INT64_MAX};
    static const int32_t i[1] = {-7};
    ct_named all[] = {{"flags", ct_from(CT_BOOL, CT_DIMS(3), flags)},
                      {"bytes", ct_from(CT_U8, CT_DIMS(1, 3), "xyz")},
                      {"0.weight", ct_from(CT_F32, CT_DIMS(2, 3), weight)},
                      {"step", ct_from(CT_I32, (ct_dims){0}, i)},
                      {"empty", ct_empty(CT_F32, CT_DIMS(0, 4))},
                      {"exact", ct_from(CT_F64, CT_DIMS(2), d)},
                      {"count", ct_from(CT_I64, CT_DIMS(2), l)}};
    return ct_safetensors_write(at(name), all, CT_COUNT(all), meta, CT_COUNT(meta));
}

static bool holds(ct_safetensors *s, const char *name, ct_dtype dtype, ct_dims shape, const void *data) {
    ct_tensor *t = ct_safetensors_get(s, name);
    if (ct_why(t) || ct_dtype_of(t) != dtype || ct_ndim(t) != shape.n) return false;
    for (int i = 0; i < shape.n; i++)
        if (ct_size(t, i) != shape.v[i]) return false;
    return !data || !memcmp(ct_data(t), data, (size_t)ct_numel(t) * ct_dtype_bytes(dtype));
}

static bool is_model(ct_safetensors *s) {
    return ct_safetensors_count(s) == 7 && holds(s, "flags", CT_BOOL, CT_DIMS(3), flags) &&
           holds(s, "bytes", CT_U8, CT_DIMS(1, 3), "xyz") && holds(s, "0.weight", CT_F32, CT_DIMS(2, 3), weight) &&
           holds(s, "step", CT_I32, (ct_dims){0}, NULL) && holds(s, "empty", CT_F32, CT_DIMS(0, 4), NULL) &&
           holds(s, "exact", CT_F64, CT_DIMS(2), NULL) && holds(s, "count", CT_I64, CT_DIMS(2), NULL) &&
           !strcmp(ct_safetensors_meta(s, "spec"), meta[0].value);
}

static void models_round_trip(void) {
    static const char *const order[] = {"exact", "count", "0.weight", "step", "empty", "flags", "bytes"};
    ct_safetensors *s;
    ct_scope *scope = ct_scope_open();
    CHECK(write_model("m") == CT_OK);
    CHECK(ct_safetensors_open(at("m"), &s) == CT_OK);
    CHECK(is_model(s) && ct_safetensors_verify(s) == CT_OK);
    for (int i = 0; i < 7; i++) {
        CHECK_STR(ct_safetensors_name(s, i), order[i]);
        const ct_tensor *t = ct_safetensors_get(s, order[i]);
        CHECK((uintptr_t)ct_data(t) % ct_dtype_bytes(ct_dtype_of(t)) == 0);
    }
    CHECK(ct_safetensors_name(s, 7) == NULL && ct_safetensors_name(s, -1) == NULL);
    CHECK(ct_safetensors_has(s, "step") && !ct_safetensors_has(s, "steps"));
    CHECK(ct_safetensors_meta(s, "none") == NULL && strlen(ct_safetensors_meta(s, "digest")) == 64);
    ct_tensor *t = ct_safetensors_get(s, "0.weight");
    ct_safetensors_close(s);
    CHECK(!memcmp(ct_data(t), weight, sizeof weight)); /* it outlives the reader */
    ((float *)ct_data(t))[0] = 9;                      /* and the file outlives changes to it */
    CHECK(ct_scope_close(scope) == CT_OK);
    scope = ct_scope_open();
    CHECK(ct_safetensors_open(at("m"), &s) == CT_OK && is_model(s));
    CHECK_HAS(ct_why(ct_safetensors_get(s, "bias")), "/m: has no tensor \"bias\"");
    ct_safetensors_close(s);
    CHECK(ct_scope_close(scope) == CT_BAD_DATA);
}

static void bytes_are_a_function_of_the_arguments(void) {
    size_t n, m;
    ct_scope *scope = ct_scope_open();
    CHECK(write_model("a") == CT_OK && write_model("b") == CT_OK);
    unsigned char *a = get("a", &n), *b = get("b", &m);
    CHECK(n == m && !memcmp(a, b, n) && a[0] % 8 == 0);
    free(a), free(b);
    CHECK(ct_scope_close(scope) == CT_OK);
}

static void strided_tensors_are_packed(void) {
    static const float want[6] = {1, 4, 2, 5, 3, 6};
    ct_safetensors *s;
    ct_scope *scope = ct_scope_open();
    ct_tensor *t = ct_from(CT_F32, CT_DIMS(2, 3), weight);
    ct_layout turned = {CT_F32, 2, {3, 2}, {1, 3}};
    ct_named named = {"t", ct_tensor_make(&turned, t->storage, 0)};
    CHECK(ct_safetensors_write(at("t"), &named, 1, NULL, 0) == CT_OK);
    CHECK(ct_safetensors_open(at("t"), &s) == CT_OK && holds(s, "t", CT_F32, CT_DIMS(3, 2), want));
    ct_safetensors_close(s);
    CHECK(ct_safetensors_write(at("none"), NULL, 0, NULL, 0) == CT_OK);
    CHECK(ct_safetensors_open(at("none"), &s) == CT_OK && ct_safetensors_count(s) == 0);
    CHECK(ct_safetensors_verify(s) == CT_OK);
    ct_safetensors_close(s);
    CHECK(ct_scope_close(scope) == CT_OK);
}

static void writing_is_refused(void) {
    ct_scope *scope = ct_scope_open();
    ct_tensor *t = ct_from(CT_F32, CT_DIMS(6), weight);
    ct_named twice[] = {{"w", t}, {"w", t}}, odd = {"a\nb", t}, latin = {"\xe9", t}, taken = {"__metadata__", t};
    ct_meta digest = {"digest", "mine"};
    CHECK(ct_safetensors_write(at("x"), twice, 2, NULL, 0) == CT_FAIL);
    CHECK_HAS(ct_error(), "/x: \"w\" is there twice");
    CHECK(ct_safetensors_write(at("x"), &odd, 1, NULL, 0) == CT_FAIL);
    CHECK(ct_safetensors_write(at("x"), &latin, 1, NULL, 0) == CT_FAIL);
    CHECK(ct_safetensors_write(at("x"), &taken, 1, NULL, 0) == CT_FAIL);
    CHECK(ct_safetensors_write(at("x"), twice, 1, &digest, 1) == CT_FAIL);
    CHECK(access(at("x"), F_OK) && access(at("x.tmp"), F_OK));
    CHECK(ct_safetensors_write(at("no/x"), twice, 1, NULL, 0) == CT_FAIL);
    CHECK_HAS(ct_error(), "no/x.tmp: cannot be created");
    CHECK(ct_scope_close(scope) == CT_OK);
}

/* ---- files made by others ---- */

static ct_status open_made(const char *header, const void *data, size_t n, ct_safetensors **s) {
    unsigned char file[4096] = {0};
    size_t len = strlen(header);
    file[0] = (unsigned char)len, file[1] = (unsigned char)(len >> 8);
    memcpy(file + 8, header, len);
    if (n) memcpy(file + 8 + len, data, n);
    return ct_safetensors_open(put("made", file, 8 + len + n), s);
}

/* Integers are widened, floats stay what they are. */
static void narrow_types(void) {
    static const unsigned char data[] = {0x00, 0x3c, 0x00, 0xc0, 0x01, 0x00, 0x00, 0x7c, 0xff, 0x7b, /* F16 */
                                         0x80, 0x3f, 0x20, 0xc0, 0xff, 0x80, 0xff, 0x7f};            /* BF16, I8, I16 */
    static const int32_t i8[2] = {-1, -128}, i16[1] = {0x7fff};
    ct_safetensors *s;
    ct_scope *scope = ct_scope_open();
    CHECK(open_made("{\"h\":{\"dtype\":\"F16\",\"shape\":[5],\"data_offsets\":[0,10]},"
                    "\"b\":{\"dtype\":\"BF16\",\"shape\":[2],\"data_offsets\":[10,14]},"
                    "\"i\":{\"dtype\":\"I8\",\"shape\":[2],\"data_offsets\":[14,16]},"
                    "\"j\":{\"dtype\":\"I16\",\"shape\":[1],\"data_offsets\":[16,18]}}",
                    data, sizeof data, &s) == CT_OK);
    CHECK(holds(s, "h", CT_F16, CT_DIMS(5), data) && holds(s, "b", CT_BF16, CT_DIMS(2), data + 10));
    CHECK(holds(s, "i", CT_I32, CT_DIMS(2), i8) && holds(s, "j", CT_I32, CT_DIMS(1), i16));
    CHECK(ct_safetensors_verify(s) == CT_OK && ct_safetensors_meta(s, "digest") == NULL);
    ct_safetensors_close(s);
    CHECK(ct_scope_close(scope) == CT_OK);
}

static void what_cannot_be_got_is_said(void) {
    unsigned char data[9] = {1, 2, 0, 0, 0x80, 0x3f, 7, 8, 9};
    ct_safetensors *s;
    ct_scope *scope = ct_scope_open();
    const float one = 1;
    CHECK(open_made("{\"b\":{\"dtype\":\"BOOL\",\"shape\":[2],\"data_offsets\":[0,2]},"
                    "\"f\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[2,6]},"
                    "\"q\":{\"dtype\":\"F4\",\"shape\":[6],\"data_offsets\":[6,9]}}  ",
                    data, sizeof data, &s) == CT_OK);
    CHECK(holds(s, "f", CT_F32, (ct_dims){0}, &one));
    CHECK_HAS(ct_why(ct_safetensors_get(s, "b")), "/made: tensor \"b\" is BOOL, but has a byte 2");
    CHECK_HAS(ct_why(ct_safetensors_get(s, "q")), "/made: tensor \"q\" is of dtype F4, which cannot be read");
    ct_safetensors_close(s);
    CHECK(ct_scope_close(scope) == CT_BAD_DATA);
}

#define T(name, dtype, shape, offsets) \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"

static void headers_are_checked(void) {
    static const struct {
        const char *header, *why;
    } cases[] = {
        {"[]", "its header is not a JSON object"},
        {"{", "its header is not valid JSON (at byte 1)"},
        {"{} x", "its header is not valid JSON"},
        {"{" T("a", "U8", "[8]", "[0,8]") "," T("a", "U8", "[8]", "[0,8]") "}", "names something twice"},
        {"{" T("a", "F99", "[8]", "[0,8]") "}", "tensor \"a\": unknown dtype"},
        {"{" T("a\\n", "U8", "[8]", "[0,8]") "}", "a tensor's name has control characters"},
        {"{" T("a", "U8", "[-8]", "[0,8]") "}", "size 0 of its shape"},
        {"{" T("a", "U8", "[8.0]", "[0,8]") "}", "size 0 of its shape"},
        {"{" T("a", "U8", "[\"8\"]", "[0,8]") "}", "size 0 of its shape"},
        {"{" T("a", "U8", "8", "[0,8]") "}", "shape is not a list of at most 8 sizes"},
        {"{" T("a", "U8", "[1,1,1,1,1,1,1,1,8]", "[0,8]") "}", "shape is not a list of at most 8 sizes"},
        {"{" T("a", "U8", "[4294967296,4294967296]", "[0,8]") "}", "size 1 of its shape"},
        {"{" T("a", "U8", "[4294967296,4294967296,0]", "[0,8]") "}", "size 1 of its shape"},
        {"{" T("a", "U8", "[99999999999999999999]", "[0,8]") "}", "not valid JSON"},
        {"{" T("a", "U8", "[8]", "[0,9]") "}", "data_offsets [0, 9] are not within the 8 bytes"},
        {"{" T("a", "U8", "[8]", "[8,0]") "}", "data_offsets [8, 0] are not within"},
        {"{" T("a", "U8", "[8]", "[-1,7]") "}", "data_offsets [-1, 7] are not within"},
        {"{" T("a", "U8", "[8]", "[0,8,9]") "}", "data_offsets: [begin, end]} was expected"},
        {"{" T("a", "U8", "[8]", "[0]") "}", "data_offsets: [begin, end]} was expected"},
        {"{" T("a", "F32", "[8]", "[0,8]") "}", "has 8 bytes, its shape and dtype need 256 bits"},
        {"{" T("a", "F4", "[3]", "[0,1]") "}", "has 1 bytes, its shape and dtype need 12 bits"},
        {"{" T("a", "U8", "[7]", "[0,7]") "}", "has 8 bytes of data, its header describes 7"},
        {"{" T("a", "U8", "[7]", "[1,8]") "}", "tensor \"a\": begins at byte 1 of the data, 0 was expected"},
        {"{" T("a", "U8", "[5]", "[0,5]") "," T("b", "U8", "[4]", "[4,8]") "}", "tensor \"b\": begins at byte 4"},
        {"{" T("a", "U8", "[3]", "[0,3]") "," T("b", "U8", "[4]", "[4,8]") "}", "tensor \"b\": begins at byte 4"},
        {"{\"a\":7}", "tensor \"a\": {dtype, shape, data_offsets: [begin, end]} was expected"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[8]}}", "was expected"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[0,8],\"more\":1}}", "was expected"},
        {"{\"__metadata__\":7}", "__metadata__ is not a map of strings"},
        {"{\"__metadata__\":{\"a\":7}}", "__metadata__ is not a map of strings"},
        {"{\"__metadata__\":{\"header_digest\":\"abc\"}}", "its header was changed"},
    };
    for (int i = 0; i < CT_COUNT(cases); i++) {
        ct_safetensors *s = (ct_safetensors *)cases;
        CHECK(open_made(cases[i].header, "12345678", 8, &s) == CT_BAD_DATA && s == NULL);
        CHECK_HAS(ct_error(), "/made: ");
        CHECK_HAS(ct_error(), cases[i].why);
    }
}

static void deep_headers_do_not_crash(void) {
    char deep[4001] = "{\"a\":";
    ct_safetensors *s;
    memset(deep + 5, '[', sizeof deep - 6);
    CHECK(open_made(deep, NULL, 0, &s) == CT_BAD_DATA);
}

/* ---- damage ---- */

/* 0: refused, by name; 1: the model of write_model; 2: anything else. */
static int outcome(const void *bytes, size_t n) {
    ct_safetensors *s;
    ct_status status = ct_safetensors_open(put("case", bytes, n), &s);
    if (!status) status = ct_safetensors_verify(s);
    if (status) {
        ct_safetensors_close(s);
        return status == CT_BAD_DATA && strstr(ct_error(), "/case: ") ? 0 : 2;
    }
    ct_scope *scope = ct_scope_open();
    int what = is_model(s) ? 1 : 2;
    ct_safetensors_close(s);
    return ct_scope_close(scope) ? 2 : what;
}

static void damage_is_refused(void) {
    size_t n;
    ct_scope *scope = ct_scope_open();
    CHECK(write_model("d") == CT_OK);
    CHECK(ct_scope_close(scope) == CT_OK);
    unsigned char *file = get("d", &n);
    size_t data = 8 + file[0] + 256u * file[1];
    CHECK(outcome(file, n) == 1 && outcome(file, n + 1) == 0);
    for (size_t i = 0; i < n; i++) CHECK(outcome(file, i) == 0);
    for (size_t i = 0; i < n; i++)
        for (int bit = 0; bit < 8; bit++) {
            file[i] ^= (unsigned char)(1 << bit);
            int what = outcome(file, n);
            if (!CHECK(what == 0 || (what == 1 && i < data))) printf("    byte %zu bit %d\n", i, bit);
            file[i] ^= (unsigned char)(1 << bit);
        }
    free(file);
}

static void other_files_are_refused(void) {
    static const unsigned char huge[16] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    ct_safetensors *s;
    CHECK(ct_safetensors_open(at("gone"), &s) == CT_FAIL && s == NULL);
    CHECK_HAS(ct_error(), "/gone: cannot be opened: No such file or directory");
    CHECK(ct_safetensors_open(root, &s) == CT_BAD_DATA);
    CHECK_HAS(ct_error(), "is a directory");
    CHECK(ct_safetensors_open(put("huge", huge, sizeof huge), &s) == CT_BAD_DATA);
    CHECK_HAS(ct_error(), "its header would have 18446744073709551615 bytes");
    CHECK(ct_safetensors_open(put("nothing", "", 0), &s) == CT_BAD_DATA);
    CHECK(ct_safetensors_open(put("zip", "PK\3\4\0\0\b\b........", 16), &s) == CT_BAD_DATA);
    CHECK_HAS(ct_error(), "this is a file of torch.save");
    ct_safetensors_close(NULL);
}

int main(void) {
    scratch_open();
    RUN(models_round_trip);
    RUN(bytes_are_a_function_of_the_arguments);
    RUN(strided_tensors_are_packed);
    RUN(writing_is_refused);
    RUN(narrow_types);
    RUN(what_cannot_be_got_is_said);
    RUN(headers_are_checked);
    RUN(deep_headers_do_not_crash);
    RUN(damage_is_refused);
    RUN(other_files_are_refused);
    scratch_close();
    return check_done("test_safetensors");
}
