/* Key rows: defaults, what C callers leave zero, words, the nearest name; numbers in text. */
#include "base/key.h"
#include "base/number.h"
#include "check.h"
#include <locale.h>
#include <string.h>

typedef struct inner {
    double mean;
} inner;
typedef struct settings {
    int64_t n, size[3];
    double p, betas[2];
    bool on, no_bias;
    int mode;
    const char *name, *path;
    ct_dims dims;
    inner inner;
} settings;

static const ct_key inner_keys[] = {{.name = "mean", .type = CT_KEY_FLOAT, .offset = offsetof(inner, mean), .def = 0.5},
                                    {0}};
static const ct_key keys[] = {
    {.name = "n", .type = CT_KEY_INT, .offset = offsetof(settings, n), .def = 3},
    {.name = "size", .type = CT_KEY_INTS, .offset = offsetof(settings, size), .count = 3, .def = 1},
    {.name = "p", .type = CT_KEY_FLOAT, .offset = offsetof(settings, p), .def = NAN},
    {.name = "betas", .type = CT_KEY_FLOATS, .offset = offsetof(settings, betas), .count = 2, .choices = "0.9,0.999"},
    {.name = "on", .type = CT_KEY_BOOL, .offset = offsetof(settings, on), .def = 1},
    {.name = "bias", .type = CT_KEY_NOT, .offset = offsetof(settings, no_bias), .def = 1},
    {.name = "mode", .type = CT_KEY_ENUM, .offset = offsetof(settings, mode), .choices = "mean|sum|none"},
    {.name = "name", .type = CT_KEY_STRING, .offset = offsetof(settings, name)},
    {.name = "path", .type = CT_KEY_PATH, .offset = offsetof(settings, path), .choices = "out"},
    {.name = "dims", .type = CT_KEY_DIMS, .offset = offsetof(settings, dims)},
    {.name = "inner", .type = CT_KEY_MAP, .offset = offsetof(settings, inner), .sub = inner_keys},
    {0}};

static void test_default(void) {
    settings s;
    memset(&s, 0x55, sizeof s);
    ct_keys_default(keys, &s);
    CHECK(s.n == 3 && s.size[0] == 1 && s.size[1] == 1 && s.size[2] == 1);
    CHECK(s.p == 0 && s.betas[0] == 0.9 && s.betas[1] == 0.999);
    CHECK(s.on && !s.no_bias && s.mode == 0 && !s.name && s.dims.n == 0 && s.inner.mean == 0.5);
    CHECK_STR(s.path, "out");
    ct_keys_default(NULL, &s); /* a kind without settings */
}

static void test_resolve(void) {
    settings s = {0};
    ct_keys_resolve(keys, &s);
    CHECK(s.n == 3 && s.size[2] == 1 && s.betas[0] == 0.9 && s.betas[1] == 0.999 && s.inner.mean == 0.5);
    CHECK(!s.on && !s.no_bias && s.mode == 0 && !s.name);
    CHECK_STR(s.path, "out");
    s = (settings){.n = CT_ZERO,
                   .size = {2, CT_ZERO},
                   .betas = {(double)CT_ZERO, 0.5},
                   .name = "x",
                   .mode = 2,
                   .inner = {(double)CT_ZERO},
                   .dims = {2, {CT_ZERO, 1}}};
    ct_keys_resolve(keys, &s);
    CHECK(s.n == 0 && s.size[0] == 2 && s.size[1] == 0 && s.size[2] == 1);
    CHECK(s.betas[0] == 0 && s.betas[1] == 0.5 && s.inner.mean == 0 && s.mode == 2);
    CHECK(s.dims.n == 2 && s.dims.v[0] == 0 && s.dims.v[1] == 1);
    CHECK_STR(s.name, "x");
}

static void test_same(void) {
    settings a, b;
    memset(&a, 0x55, sizeof a), memset(&b, 0xaa, sizeof b); /* what lies between fields counts for nothing */
    ct_keys_default(keys, &a), ct_keys_default(keys, &b);
    a.p = b.p = NAN;
    a.dims = b.dims = CT_DIMS(2, 3);
    b.dims.v[2] = 7;
    CHECK(ct_keys_same(keys, &a, &b) && ct_keys_same(NULL, &a, &b));
#define DIFFERS(field, value)               \
    do {                                    \
        settings c = a;                     \
        CHECK(ct_keys_same(keys, &a, &c));  \
        c.field = value;                    \
        CHECK(!ct_keys_same(keys, &a, &c)); \
    } while (0)
    DIFFERS(n, 4);
    DIFFERS(size[2], 5);
    DIFFERS(p, 0);
    DIFFERS(betas[1], 0.5);
    DIFFERS(on, false);
    DIFFERS(no_bias, true);
    DIFFERS(mode, 1);
    DIFFERS(name, "x");
    DIFFERS(path, NULL);
    DIFFERS(dims.n, 1);
    DIFFERS(dims.v[1], 4);
    DIFFERS(inner.mean, 1);
}

static void test_words(void) {
    const ct_key *mode = ct_key_find(keys, "mode");
    char word[8];
    CHECK(mode && !strcmp(mode->name, "mode") && !ct_key_find(keys, "mod") && !ct_key_find(NULL, "mode"));
    CHECK(ct_key_choice(mode, 0, word, sizeof word) && !strcmp(word, "mean"));
    CHECK(ct_key_choice(mode, 2, word, sizeof word) && !strcmp(word, "none"));
    CHECK(!ct_key_choice(mode, 3, word, sizeof word) && !ct_key_choice(mode, -1, word, sizeof word));
    CHECK(ct_key_choice(mode, 0, word, 3) && !strcmp(word, "me"));
    CHECK(ct_key_choice_index(mode, "sum", 3) == 1 && ct_key_choice_index(mode, "none", 4) == 2);
    CHECK(ct_key_choice_index(mode, "su", 2) < 0 && ct_key_choice_index(mode, "mean|sum", 8) < 0);
    CHECK(ct_key_choice_index(mode, "", 0) < 0 && ct_key_choice_index(ct_key_find(keys, "n"), "x", 1) < 0);
}

static void test_nearest(void) {
    static const char *const names[] = {"epochs",     "batch_size",    "linear", "relu",
                                        "batch_norm", "cross_entropy", "lr",     "p"};
    int n = CT_COUNT(names);
    CHECK_STR(ct_nearest("epoch", names, n), "epochs");
    CHECK_STR(ct_nearest("linaer", names, n), "linear");
    CHECK_STR(ct_nearest("ReLU", names, n), "relu");
    CHECK_STR(ct_nearest("batch-size", names, n), "batch_size");
    CHECK_STR(ct_nearest("BatchNorm2d", names, n), "batch_norm");
    CHECK_STR(ct_nearest("CrossEntropyLoss", names, n), "cross_entropy");
    CHECK_STR(ct_nearest("rl", names, n), "lr");
    CHECK(!ct_nearest("sigmoid", names, n) && !ct_nearest("x", names, n) && !ct_nearest("", names, n));
    CHECK(!ct_nearest("epochs", names, 0));
    char word[5000];
    memset(word, 'e', sizeof word);
    word[sizeof word - 1] = 0;
    CHECK(!ct_nearest(word, names, n));
}

static int reads(const char *s, double want, const char *rest) {
    double v = -7;
    const char *end = ct_number_read(s, &v);
    return end && v == want && !strcmp(end, rest);
}

static void test_numbers(void) {
    setlocale(LC_ALL, "de_DE.UTF-8"); /* where it is installed, 0.5 must not become 0 */
    double v;
    CHECK(reads("1e-3", 1e-3, "") && reads(".5", 0.5, "") && reads("-2.", -2, "") && reads("+3E2x", 300, "x"));
    CHECK(reads("0.1307", 0.1307, "") && reads("1e", 1, "e") && reads("1_000", 1, "_000") && reads("0x10", 0, "x10"));
    CHECK(reads("1e999", INFINITY, "") && reads("0.9,0.999", 0.9, ",0.999"));
    CHECK(!ct_number_read(".", &v) && !ct_number_read("", &v) && !ct_number_read("-", &v));
    CHECK(!ct_number_read("inf", &v) && !ct_number_read("nan", &v) && !ct_number_read(".inf", &v));
    CHECK(!ct_number_read(" 1", &v) && !ct_number_read("e5", &v));
    int64_t i;
    CHECK(ct_number_int("-12", &i) == CT_NUMBER_FITS && i == -12);
    CHECK(ct_number_int("9223372036854775807", &i) == CT_NUMBER_FITS && i == INT64_MAX);
    CHECK(ct_number_int("1e3", &i) == CT_NUMBER_FITS && i == 1000);
    CHECK(ct_number_int("2.0", &i) == CT_NUMBER_FITS && i == 2);
    CHECK(ct_number_int("9007199254740992.0", &i) == CT_NUMBER_FITS && i == (int64_t)1 << 53);
    CHECK(ct_number_int("9223372036854775808", &i) == CT_NUMBER_TOO_LARGE);
    CHECK(ct_number_int("1e17", &i) == CT_NUMBER_TOO_LARGE && ct_number_int("-1e400", &i) == CT_NUMBER_TOO_LARGE);
    CHECK(ct_number_int("1.5", &i) == CT_NUMBER_FRACTION);
    CHECK(ct_number_int("12x", &i) == CT_NUMBER_NONE && ct_number_int("", &i) == CT_NUMBER_NONE);
    CHECK(ct_number_int("1 ", &i) == CT_NUMBER_NONE && ct_number_int("0x10", &i) == CT_NUMBER_NONE);
}

int main(void) {
    RUN(test_default);
    RUN(test_resolve);
    RUN(test_same);
    RUN(test_words);
    RUN(test_nearest);
    RUN(test_numbers);
    return check_done("key");
}
