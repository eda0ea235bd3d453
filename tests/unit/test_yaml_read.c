/* Nodes against key rows: what fits fills the struct, what does not is said at its place. */
#include "check.h"
#include "yaml/read.h"

typedef struct norm {
    double mean[3], std;
} norm;
typedef struct train {
    int64_t epochs, every;
    double p, lr;
    bool shuffle, no_bias;
    int reduction;
    const char *name, *dir;
    int64_t stride[2];
    ct_dims dims;
    norm normalize;
} train;

static const ct_key norm_keys[] = {
    {.name = "mean", .type = CT_KEY_FLOATS, .offset = offsetof(norm, mean), .count = 3},
    {.name = "std", .type = CT_KEY_FLOAT, .offset = offsetof(norm, std), .def = 1, .max = INFINITY},
    {0}};
static const ct_key train_keys[] = {
    {.name = "epochs", .type = CT_KEY_INT, .offset = offsetof(train, epochs), .def = 5, .min = 1, .max = INFINITY},
    {.name = "every", .type = CT_KEY_INT, .offset = offsetof(train, every), .choices = "auto|never"},
    {.name = "p", .type = CT_KEY_FLOAT, .offset = offsetof(train, p), .def = 0.5, .max = 1},
    {.name = "lr", .type = CT_KEY_FLOAT, .offset = offsetof(train, lr), .def = 1e-3, .choices = "auto"},
    {.name = "shuffle", .type = CT_KEY_BOOL, .offset = offsetof(train, shuffle), .def = 1},
    {.name = "bias", .type = CT_KEY_NOT, .offset = offsetof(train, no_bias)},
    {.name = "reduction", .type = CT_KEY_ENUM, .offset = offsetof(train, reduction), .choices = "mean|sum|none"},
    {.name = "name", .type = CT_KEY_STRING, .offset = offsetof(train, name)},
    {.name = "dir", .type = CT_KEY_PATH, .offset = offsetof(train, dir)},
    {.name = "stride",
     .type = CT_KEY_INTS,
     .offset = offsetof(train, stride),
     .count = 2,
     .def = 1,
     .min = 1,
     .max = 9},
    {.name = "dims", .type = CT_KEY_DIMS, .offset = offsetof(train, dims)},
    {.name = "normalize", .type = CT_KEY_MAP, .offset = offsetof(train, normalize), .sub = norm_keys},
    {0}};
static const ct_key also[] = {{.name = "callbacks"}, {0}};

/* Reads `text` as a file of that name; the caller frees the doc. */
static ct_doc *read_as(const char *name, const char *text, train *t) {
    ct_doc *doc = ct_doc_new();
    ct_yaml *root = NULL;
    CHECK(!ct_doc_parse(doc, name, text, strlen(text), &root));
    memset(t, 0x55, sizeof *t);
    ct_read_keys(doc, root, "train", train_keys, t, also);
    return doc;
}

/* The one line of the first error, "" when there is none; valid until the next call. */
static const char *error_in(const char *text) {
    train t;
    ct_doc *doc = read_as("t.yaml", text, &t);
    ct_status status = ct_diag_status(doc);
    CHECK(status == (ct_diag_count(doc, CT_ERROR) ? CT_BAD_SPEC : CT_OK));
    ct_doc_free(doc);
    return status ? ct_error() : "";
}

static void test_fills(void) {
    train t;
    ct_doc *doc = read_as("t.yaml",
                          "{callbacks: [], epochs: 1e1, every: never, p: 1, lr: .5, shuffle: false, bias: false,\n"
                          "reduction: \"none\", name: 5, stride: 2, dims: [0, -1], normalize: {mean: 0.5}}",
                          &t);
    CHECK(ct_diag_status(doc) == CT_OK);
    CHECK(t.epochs == 10 && t.every == -2 && t.p == 1 && t.lr == 0.5 && !t.shuffle && t.no_bias && t.reduction == 2);
    CHECK(t.stride[0] == 2 && t.stride[1] == 2 && t.dims.n == 2 && t.dims.v[0] == 0 && t.dims.v[1] == -1);
    CHECK(t.normalize.mean[0] == 0.5 && t.normalize.mean[2] == 0.5 && t.normalize.std == 1 && !t.dir);
    CHECK_STR(t.name, "5");
    ct_doc_free(doc);
    doc = read_as("t.yaml", "{every: 7, lr: auto, bias: true, stride: [3, 4], dims: 2, normalize: {mean: [1, 2, 3]}}",
                  &t);
    CHECK(ct_diag_status(doc) == CT_OK);
    CHECK(t.epochs == 5 && t.every == 7 && t.lr == -1 && t.shuffle && !t.no_bias && t.reduction == 0 && !t.name);
    CHECK(t.stride[0] == 3 && t.stride[1] == 4 && t.dims.n == 1 && t.dims.v[0] == 2 && t.normalize.mean[1] == 2);
    ct_read_keys(doc, NULL, "train", train_keys, &t, NULL);
    CHECK(ct_diag_status(doc) == CT_OK && t.every == 0 && t.lr == 1e-3 && t.dims.n == 0);
    ct_doc_free(doc);
}

static void test_unknown_keys(void) {
    train t;
    ct_doc *doc = read_as("t.yaml", "epoch: 5\nname: x\n\"colback\\e\": 1\nstd: 2\nnormalize: {men: 1}\n", &t);
    ct_buf out = CT_BUF(4096);
    ct_diag_write(doc, &out);
    CHECK_STR(out.data, "t.yaml:1:1: error: unknown key 'epoch' in train; did you mean 'epochs'?\n"
                        "    1 | epoch: 5\n      | ^~~~~\n"
                        "t.yaml:3:1: error: unknown key 'colback?' in train; did you mean 'callbacks'?\n"
                        "    3 | \"colback\\e\": 1\n      | ^~~~~~~~~~~\n"
                        "t.yaml:4:1: error: unknown key 'std' in train; expected one of epochs, every, p, lr, shuffle, "
                        "bias, reduction, "
                        "name, dir, stride, dims, normalize, callbacks\n    4 | std: 2\n      | ^~~\n"
                        "t.yaml:5:13: error: unknown key 'men' in normalize; did you mean 'mean'?\n"
                        "    5 | normalize: {men: 1}\n      |             ^~~\n");
    CHECK(ct_diag_count(doc, CT_ERROR) == 4);
    CHECK_STR(t.name, "x");
    ct_buf_free(&out);
    ct_doc_free(doc);
    CHECK_STR(error_in("[a]"), "t.yaml:1:1: train must be a map, got a list");
    CHECK_STR(error_in("normalize: 1"), "t.yaml:1:12: normalize must be a map, got '1'");
    CHECK_STR(error_in("normalize:"), "t.yaml:1:11: normalize must be a map, got nothing");
}

static void test_wrong_integers(void) {
    CHECK_STR(error_in("epochs: ten"), "t.yaml:1:9: epochs must be an integer, got 'ten'");
    CHECK_STR(error_in("epochs: 1.5"), "t.yaml:1:9: epochs must be an integer, got '1.5'");
    CHECK_STR(error_in("epochs: 1_000"), "t.yaml:1:9: epochs must be an integer, got '1_000'");
    CHECK_STR(error_in("epochs: 0x10"), "t.yaml:1:9: epochs must be an integer, got '0x10'");
    CHECK_STR(error_in("epochs: \"10\""),
              "t.yaml:1:9: epochs must be an integer, got the string '10'; a number stands without quotes");
    CHECK_STR(error_in("epochs: \"ten\""), "t.yaml:1:9: epochs must be an integer, got the string 'ten'");
    CHECK_STR(error_in("epochs:"), "t.yaml:1:8: epochs must be an integer, got nothing");
    CHECK_STR(error_in("epochs: ~"), "t.yaml:1:9: epochs must be an integer, got '~'");
    CHECK_STR(error_in("epochs: [1]"), "t.yaml:1:9: epochs must be an integer, got a list");
    CHECK_STR(error_in("epochs: {}"), "t.yaml:1:9: epochs must be an integer, got a map");
    CHECK_STR(error_in("epochs: true"), "t.yaml:1:9: epochs must be an integer, got 'true'");
    CHECK_STR(error_in("epochs: 0"), "t.yaml:1:9: epochs must be at least 1, got 0");
    CHECK_STR(error_in("epochs: 99999999999999999999"),
              "t.yaml:1:9: epochs is too large a number: 99999999999999999999");
    CHECK_STR(error_in("every: -9223372036854775808"), "t.yaml:1:8: every is too large a number: -9223372036854775808");
    CHECK_STR(error_in("every: -9223372036854775807"), "");
    CHECK_STR(error_in("every: atuo"),
              "t.yaml:1:8: every must be an integer, auto or never, got 'atuo'; did you mean 'auto'?");
}

static void test_wrong_numbers(void) {
    CHECK_STR(error_in("p: 1.5"), "t.yaml:1:4: p must be between 0 and 1, got 1.5");
    CHECK_STR(error_in("p: -1e-3"), "t.yaml:1:4: p must be between 0 and 1, got -1e-3");
    CHECK_STR(error_in("p: .inf"), "t.yaml:1:4: p must be a number, got '.inf'");
    CHECK_STR(error_in("p: nan"), "t.yaml:1:4: p must be a number, got 'nan'");
    CHECK_STR(error_in("p: 1e999"), "t.yaml:1:4: p is too large a number: 1e999");
    CHECK_STR(error_in("p: 1e"), "t.yaml:1:4: p must be a number, got '1e'");
    CHECK_STR(error_in("lr: []"), "t.yaml:1:5: lr must be a number or auto, got an empty list");
    CHECK_STR(error_in("stride: 0"), "t.yaml:1:9: stride must be between 1 and 9, got 0");
    CHECK_STR(error_in("stride: [1, 2, 3]"), "t.yaml:1:9: stride must be a number or a list of 2, got a list of 3");
    CHECK_STR(error_in("stride: [1, a]"), "t.yaml:1:13: stride must be an integer, got 'a'");
    CHECK_STR(error_in("dims: [1, 2, 3, 4, 5, 6, 7, 8, 9]"), "t.yaml:1:7: dims has 9 numbers, the most is 8");
    CHECK_STR(error_in("dims: [1, [2]]"), "t.yaml:1:11: dims must be an integer, got a list");
    CHECK_STR(error_in("normalize: {std: -1}"), "t.yaml:1:18: std must be at least 0, got -1");
}

static void test_wrong_words(void) {
    CHECK_STR(error_in("shuffle: yes"),
              "t.yaml:1:10: shuffle must be true or false, got 'yes'; yes, no, on and off are "
              "words, not booleans");
    CHECK_STR(error_in("bias: on"), "t.yaml:1:7: bias must be true or false, got 'on'; yes, no, on and off are words, "
                                    "not booleans");
    CHECK_STR(error_in("shuffle: True"),
              "t.yaml:1:10: shuffle must be true or false, got 'True'; a boolean is lower case");
    CHECK_STR(error_in("shuffle: 'true'"),
              "t.yaml:1:10: shuffle must be true or false, got the string 'true'; a boolean stands without quotes");
    CHECK_STR(error_in("shuffle: 1"), "t.yaml:1:10: shuffle must be true or false, got '1'");
    CHECK_STR(error_in("reduction: men"),
              "t.yaml:1:12: unknown reduction 'men'; expected one of mean, sum, none; did you "
              "mean 'mean'?");
    CHECK_STR(error_in("reduction: [sum]"),
              "t.yaml:1:12: reduction must be a word, got a list; expected one of mean, sum, none");
    CHECK_STR(error_in("reduction:"),
              "t.yaml:1:11: reduction must be a word, got nothing; expected one of mean, sum, none");
    CHECK_STR(error_in("name: null"), "t.yaml:1:7: name must be a text, got 'null'");
    CHECK_STR(error_in("name: [a]"), "t.yaml:1:7: name must be a text, got a list");
    CHECK_STR(error_in("dir: ''"), "t.yaml:1:6: dir must be a path, got the string ''");
    char long_text[200] = "epochs: ";
    for (int i = 0; i < 80; i++) strcat(long_text, "é");
    CHECK_STR(error_in(long_text), "t.yaml:1:9: epochs must be an integer, got 'éééééééééééééééééééé...'");
}

static void test_required(void) {
    static const ct_key keys[] = {{.name = "width", .type = CT_KEY_INT, .def = NAN}, {0}};
    ct_doc *doc = ct_doc_new();
    ct_yaml *root;
    int64_t width = 7;
    CHECK(!ct_doc_parse(doc, "t.yaml", "a: {}", 5, &root));
    ct_read_keys(doc, ct_yaml_get(root, "a"), "linear", keys, &width, NULL);
    CHECK(ct_diag_status(doc) == CT_BAD_SPEC && width == 0);
    CHECK_STR(ct_error(), "t.yaml:1:4: missing key 'width' in linear");
    ct_doc_free(doc);
}

static void check_path(const char *source, const char *text, const char *want) {
    train t;
    ct_doc *doc = read_as(source, text, &t);
    CHECK_STR(t.dir, want);
    ct_doc_free(doc);
}

static void test_paths(void) {
    check_path("specs/a.yaml", "dir: ../images", "specs/../images");
    check_path("/x/a.yaml", "dir: images", "/x/images");
    check_path("a.yaml", "dir: images", "images");
    check_path("specs/a.yaml", "dir: /images", "/images");
    check_path("-", "dir: images", "images");
    train t;
    ct_doc *doc = ct_doc_new();
    ct_yaml *root;
    CHECK(!ct_doc_parse(doc, "specs/a.yaml", "dir: x", 6, &root) && !ct_doc_set(doc, root, "dir=images"));
    ct_read_keys(doc, root, NULL, train_keys, &t, NULL);
    CHECK_STR(t.dir, "images"); /* what the command line says is relative to where it is said */
    ct_doc_free(doc);
}

/* ---- kinds ---- */
typedef struct linear {
    int64_t out_features;
    bool no_bias;
} linear;
static const ct_key linear_keys[] = {{.name = "out_features",
                                      .type = CT_KEY_INT,
                                      .offset = offsetof(linear, out_features),
                                      .def = NAN,
                                      .min = 1,
                                      .max = 1e9},
                                     {.name = "bias", .type = CT_KEY_NOT, .offset = offsetof(linear, no_bias)},
                                     {0}};
static const ct_key dropout_keys[] = {{.name = "p", .type = CT_KEY_FLOAT, .def = 0.5, .max = 1}, {0}};
static const ct_kind linear_kind = {"linear", linear_keys, sizeof(linear), ""}, relu_kind = {"relu", NULL, 0, ""},
                     dropout_kind = {"dropout", dropout_keys, sizeof(double), ""};
static const ct_kind *const kinds[] = {&linear_kind, &relu_kind, &dropout_kind};
static const ct_key beside[] = {{.name = "name"}, {0}};

/* Reads one layer; *args and the kind live as long as *doc. */
static const ct_kind *read_layer(ct_doc **doc, const char *text, void **args) {
    ct_yaml *root = NULL;
    *doc = ct_doc_new();
    CHECK(!ct_doc_parse(*doc, "t.yaml", text, strlen(text), &root));
    const ct_kind *kind = ct_read_kind(*doc, root, "layer", kinds, 3, args, beside);
    CHECK(!kind == (ct_diag_status(*doc) == CT_BAD_SPEC));
    return kind;
}

static void check_linear(const char *text, int64_t out, bool no_bias) {
    ct_doc *doc;
    void *args;
    const ct_kind *kind = read_layer(&doc, text, &args);
    if (CHECK(kind == &linear_kind))
        CHECK(((linear *)args)->out_features == out && ((linear *)args)->no_bias == no_bias);
    ct_doc_free(doc);
}

static void check_kind(const char *text, const ct_kind *want, const char *error) {
    ct_doc *doc;
    void *args;
    CHECK(read_layer(&doc, text, &args) == want);
    if (!want) CHECK_STR(ct_error(), error);
    ct_doc_free(doc);
}

static void test_kinds(void) {
    check_linear("linear: 128", 128, false);
    check_linear("{name: fc1, linear: {out_features: 10, bias: false}}", 10, true);
    check_kind("relu", &relu_kind, NULL);
    check_kind("relu:", &relu_kind, NULL);
    check_kind("dropout: {}", &dropout_kind, NULL);
    check_kind("linaer", NULL, "t.yaml:1:1: unknown layer 'linaer'; did you mean 'linear'?");
    check_kind("linaer: 5", NULL, "t.yaml:1:1: unknown layer 'linaer'; did you mean 'linear'?");
    check_kind("attention", NULL, "t.yaml:1:1: unknown layer 'attention'; expected one of linear, relu, dropout");
    check_kind("linear", NULL, "t.yaml:1:1: missing key 'out_features' in linear");
    check_kind("linear: {bias: true}", NULL, "t.yaml:1:9: missing key 'out_features' in linear");
    check_kind("linear: wide", NULL, "t.yaml:1:9: out_features must be an integer, got 'wide'");
    check_kind("linear: {outfeatures: 5, out_features: 1}", NULL,
               "t.yaml:1:10: unknown key 'outfeatures' in linear; did you mean 'out_features'?");
    check_kind("relu: 0.1", NULL, "t.yaml:1:7: relu has no settings, got '0.1'");
    check_kind("relu: {slope: 1}", NULL, "t.yaml:1:8: unknown key 'slope' in relu");
    check_kind("{linear: 5, bias: false}", NULL, "t.yaml:1:13: 'bias' belongs inside: linear: {bias: ...}");
    check_kind("{linear: 5, relu: }", NULL,
               "t.yaml:1:13: 'linear' and 'relu' are two layers; each is an item of its own");
    check_kind("{linear: 5, nmae: x}", NULL, "t.yaml:1:13: unknown key 'nmae' beside linear; did you mean 'name'?");
    check_kind("{name: x}", NULL, "t.yaml:1:1: expected a layer: its name, or its name and settings, got neither");
    check_kind("[relu]", NULL, "t.yaml:1:1: expected a layer: its name, or its name and settings, got a list");
    check_kind("- ", NULL, "t.yaml:1:1: expected a layer: its name, or its name and settings, got a list");
    check_kind("~", NULL, "t.yaml:1:1: expected a layer: its name, or its name and settings, got '~'");
}

/* ---- args as text ---- */
static void test_args(void) {
    train t;
    CHECK(!ct_read_args_text(train_keys, "stride=[2,1]  epochs=3 reduction=\"sum\" dims=[0, 2] shuffle=false lr=1e-05 ",
                             &t));
    CHECK(t.stride[0] == 2 && t.stride[1] == 1 && t.epochs == 3 && t.reduction == 1 && t.dims.n == 2 &&
          t.dims.v[1] == 2);
    CHECK(!t.shuffle && t.lr == 1e-5 && t.p == 0.5);
    CHECK(!ct_read_args_text(train_keys, "", &t) && t.epochs == 5);
    CHECK(!ct_read_args_text(train_keys, NULL, &t) && !ct_read_args_text(NULL, "", NULL));
    CHECK(ct_read_args_text(train_keys, "stride=[2,x]", &t) == CT_BAD_SPEC);
    CHECK_STR(ct_error(), "args:1:11: stride must be an integer, got 'x'");
    CHECK(ct_read_args_text(train_keys, "strid=2", &t) == CT_BAD_SPEC);
    CHECK_STR(ct_error(), "args:1:1: unknown key 'strid'; did you mean 'stride'?");
    CHECK(ct_read_args_text(train_keys, "stride", &t) == CT_BAD_SPEC);
    CHECK_STR(ct_error(), "args:1:1: expected path=value, as in train.epochs=10");
    CHECK(ct_read_args_text(train_keys, "name=x", &t) == CT_BAD_SPEC);
    CHECK_STR(ct_error(), "args: name cannot be given as text");
}

int main(void) {
    RUN(test_fills);
    RUN(test_unknown_keys);
    RUN(test_wrong_integers);
    RUN(test_wrong_numbers);
    RUN(test_wrong_words);
    RUN(test_required);
    RUN(test_paths);
    RUN(test_kinds);
    RUN(test_args);
    return check_done("yaml_read");
}
