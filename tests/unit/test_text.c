/* Texts as data: the tokenizer, windows, which of them are trained on. */
#include "base/alloc.h"
#include "data/divide.h"
#include "data/loader.h"
#include "run/net.h"
#include "tests/unit/scratch.h"

static void free_names(char **name, int n) {
    for (int i = 0; name && i < n; i++) ct_free(name[i]);
    ct_free(name);
}

/* Whether text comes back whole by way of tokens, and the tokenizer by way of its names. */
static bool comes_back(const char *kind, const char *text, size_t len, int want_n, int64_t want_tokens) {
    ct_tokenizer t, again;
    if (ct_tokenizer_learn(kind, "text", text, len, &t)) return false;
    char **name = ct_tokenizer_names(&t), out[4];
    bool ok = t.n == want_n && name && !ct_tokenizer_from(t.kind, name, t.n, &again);
    if (ok) {
        ct_tensor *token = ct_tokenizer_encode(&again, "text", text, len);
        size_t at = 0;
        ok = !ct_why(token) && ct_numel(token) == want_tokens;
        for (int64_t i = 0; ok && i < want_tokens; i++) {
            int64_t id = ct_dtype_of(token) == CT_U8 ? ((uint8_t *)ct_data(token))[i] : ((int32_t *)ct_data(token))[i];
            int n = ct_tokenizer_decode(&t, id, out);
            ok = id >= 0 && id < want_n && at + (size_t)n <= len && !memcmp(text + at, out, (size_t)n);
            at += (size_t)n;
        }
        ok = ok && at == len;
        ct_tokenizer_free(&again);
    }
    free_names(name, t.n);
    ct_tokenizer_free(&t);
    return ok;
}

static void round_trips(void) {
    static const char wide[] = "na\0\xc3\xafve \xe2\x82\xac\xf0\x9f\x90\x8d\x7f\xf4\x8f\xbf\xbf\xed\x9f\xbf";
    ct_scope *scope = ct_scope_open();
    CHECK(comes_back("char", "hello\n", 6, 5, 6));
    CHECK(comes_back("char", wide, sizeof wide - 1, 12, 12));
    CHECK(comes_back("byte", wide, sizeof wide - 1, 256, (int64_t)sizeof wide - 1));
    CHECK(comes_back("byte", "\xff\x00\xc3", 3, 256, 3));
    char many[3 * 300];
    for (int i = 0; i < 300; i++) { /* more than a byte counts */
        int c = 0x800 + 7 * i;
        many[3 * i] = (char)(0xe0 | c >> 12), many[3 * i + 1] = (char)(0x80 | (c >> 6 & 63));
        many[3 * i + 2] = (char)(0x80 | (c & 63));
    }
    CHECK(comes_back("char", many, sizeof many, 300, 300));
    CHECK(!ct_scope_close(scope));
}

static void wrong_text(void) {
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"abc\xff", "f: byte 3 (0xff) is no UTF-8; tokenizer: byte"},
        {"\xc0\x80", "byte 0 (0xc0)"},         /* overlong */
        {"a\xe0\x9f\xbf", "byte 1 (0xe0)"},    /* overlong */
        {"a\xed\xa0\x80", "byte 1 (0xed)"},    /* a surrogate */
        {"\xf4\x90\x80\x80", "byte 0 (0xf4)"}, /* past the last */
        {"ab\xe2\x82", "byte 2 (0xe2)"},       /* cut off */
        {"\x80", "byte 0 (0x80)"},
        {"", "f: is empty"},
    };
    ct_tokenizer t;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CHECK(ct_tokenizer_learn("char", "f", cases[i].text, strlen(cases[i].text), &t) == CT_BAD_DATA);
        CHECK_HAS(ct_error(), cases[i].says);
    }
    ct_scope *scope = ct_scope_open();
    CHECK(!ct_tokenizer_learn("char", "f", "abz", 3, &t));
    CHECK_HAS(ct_why(ct_tokenizer_encode(&t, "prompt", "az\xc3\xa9", 4)),
              "prompt: the character at byte 2, '\xc3\xa9' (U+00E9), is none of the 3 that the model knows");
    CHECK_HAS(ct_why(ct_tokenizer_encode(&t, "prompt", "ac", 2)), "byte 1, 'c' (U+0063)");
    CHECK_HAS(ct_why(ct_tokenizer_encode(&t, "prompt", "a\xff", 2)), "byte 1 (0xff) is no UTF-8");
    CHECK(ct_numel(ct_tokenizer_encode(&t, "prompt", "", 0)) == 0);
    ct_tokenizer_free(&t);
    CHECK(ct_scope_close(scope) == CT_BAD_DATA);
}

static void wrong_names(void) {
    ct_tokenizer t;
    CHECK(ct_tokenizer_from("char", (char *[]){"b", "a"}, 2, &t) == CT_BAD_DATA);
    CHECK(ct_tokenizer_from("char", (char *[]){"a", "a"}, 2, &t) == CT_BAD_DATA);
    CHECK(ct_tokenizer_from("char", (char *[]){"a", "bc"}, 2, &t) == CT_BAD_DATA);
    CHECK(ct_tokenizer_from("char", (char *[]){"a", "\xff"}, 2, &t) == CT_BAD_DATA);
    CHECK(ct_tokenizer_from("char", NULL, 0, &t) == CT_BAD_DATA);
    CHECK(ct_tokenizer_from("byte", (char *[]){"0", "1"}, 2, &t) == CT_BAD_DATA);
    CHECK(ct_tokenizer_from("word", (char *[]){"a", "b"}, 2, &t) == CT_BAD_DATA);
}

/* ---- datasets ---- */
enum { T = 8, N = 1000 };

/* Text of N letters, each saying where it is: the i-th token's window is known by its letters. */
static void fill(char text[N]) {
    for (int i = 0; i < N; i++) text[i] = (char)('a' + (i * i / 3 + i) % 26);
}

static ct_status load(const char *path, double test, ct_dataset **out) {
    ct_data_args a = {0};
    ct_keys_default(ct_data_keys, &a);
    a.dataset = "text", a.file = path, a.tokenizer = 1, a.block_size = T, a.test = test;
    return ct_dataset_load(&a, 0, NULL, out);
}

/* Whether sample i of the part is text[first...] and the letters after those. */
static bool is_window(const ct_rows *s, int64_t i, const char *text, int64_t first) {
    int64_t x[T], y[T];
    bool ok = !ct_batch_numbers(s->x, &i, 1, x) && !ct_batch_numbers(s->y, &i, 1, y);
    for (int k = 0; ok && k < T; k++) ok = x[k] == text[first + k] && y[k] == text[first + k + 1];
    return ok;
}

static void windows(void) {
    char text[N];
    ct_dataset *d;
    ct_division v;
    fill(text);
    CHECK(!load(put("text", text, N), 0.2, &d));
    CHECK(d->classes == 256 && ct_size(d->train.x, 0) == 800 - T);
    CHECK(ct_dtype_of(d->train.x) == CT_U8 && d->train.x->storage == d->test.y->storage); /* no copies */
    CHECK(ct_size(d->test.x, 0) == 199 / T && is_window(&d->test, 0, text, 800) && is_window(&d->test, 3, text, 824));
    CHECK(!ct_dataset_divide(d, 0.25, 1, &v)); /* 600 tokens, then 200 */
    CHECK(v.n_train == 600 / T - 1 && v.n_validation == 199 / T);
    for (int64_t i = 0; i < v.n_train; i++) CHECK(is_window(&d->train, v.train[i], text, i * T));
    for (int64_t i = 0; i < v.n_validation; i++) CHECK(is_window(&d->train, v.validation[i], text, 600 + i * T));
    ct_division_free(&v);
    CHECK(ct_dataset_divide(d, 0.009, 1, &v) == CT_BAD_DATA); /* 7 tokens are no window */
    CHECK_HAS(ct_error(), "text: of 800 tokens 7 are for validation");
    ct_division_free(&v);
    ct_dataset_free(d);
}

/* An epoch is windows side by side, in any order, of what is trained on alone; and begins anywhere. */
static void epochs(void) {
    char text[N];
    ct_dataset *d;
    ct_division v;
    int64_t order[N], again[N];
    bool begun[2 * T] = {0};
    fill(text);
    CHECK(!load(put("text", text, N), 0, &d));
    CHECK(!ct_dataset_divide(d, 0.1, 1, &v));
    int out_of_place = 0, begins = 0;
    for (int64_t e = 0; e < 200; e++) {
        bool seen[N] = {0};
        ct_division_order(&v, 7, e, order), ct_division_order(&v, 7, e, again);
        CHECK(!memcmp(order, again, (size_t)v.n_train * sizeof *order));
        int64_t first = N;
        for (int64_t i = 0; i < v.n_train; i++) first = order[i] < first ? order[i] : first;
        for (int64_t i = 0; i < v.n_train; i++) {
            out_of_place += (order[i] - first) % T || seen[order[i]] || order[i] + T >= 900;
            seen[order[i]] = true;
        }
        CHECK(first < v.starts && v.starts <= 2 * T);
        begins += !begun[first], begun[first] = true;
    }
    CHECK(!out_of_place && begins == v.starts);
    ct_division_order(&v, 8, 0, order), ct_division_order(&v, 7, 0, again);
    CHECK(memcmp(order, again, (size_t)v.n_train * sizeof *order));
    ct_division_free(&v);
    ct_dataset_free(d);
}

static void short_texts(void) {
    ct_dataset *d;
    CHECK(load(put("t", "", 0), 0, &d) == CT_BAD_DATA);
    CHECK_HAS(ct_error(), "/t: 0 tokens are too few for training: a block_size of 8 wants at least 9");
    CHECK(load(put("t", "12345678", 8), 0, &d) == CT_BAD_DATA);
    CHECK(load(put("t", "123456789012", 12), 0.1, &d) == CT_BAD_DATA);
    CHECK_HAS(ct_error(), "1 tokens are too few for the test part (test: 0 does without)");
    CHECK(!load(put("t", "123456789", 9), 0, &d)); /* one window */
    ct_division v;
    int64_t order[1];
    CHECK(!ct_dataset_divide(d, 0, 1, &v));
    ct_division_order(&v, 1, 1, order);
    CHECK(v.n_train == 1 && !v.n_validation && order[0] == 0 && is_window(&d->train, 0, "123456789", 0));
    ct_division_free(&v);
    ct_dataset_free(d);
    CHECK(load(at("nowhere"), 0, &d) == CT_FAIL);
    CHECK_HAS(ct_error(), "/nowhere: cannot be opened");
    CHECK(load(NULL, 0, &d) == CT_BAD_SPEC);
}

/* An evaluation's batches take no more memory where samples are long. */
static void long_samples(void) {
    static const char text[] = "data: {dataset: text, file: f, tokenizer: byte, block_size: 1024}\n"
                               "model: [embedding: {num_embeddings: 256, embedding_dim: 2}, linear: 256]\n"
                               "loss: cross_entropy\noptimizer: adam\n";
    static const int64_t block[] = {1, 64, 1024, 1 << 20}, want[] = {256, 256, 16, 1};
    ct_spec *spec;
    if (!CHECK(!ct_spec_parse("s", text, sizeof text - 1, NULL, &spec, NULL))) return;
    for (int i = 0; i < CT_COUNT(block); i++) {
        ct_fields fields;
        ct_net net;
        ct_scope *scope = ct_scope_open();
        ct_text_fields(block[i], 256, &fields);
        CHECK(!ct_net_look(spec, &fields, NULL, NULL, &net));
        CHECK(ct_net_batch(&net, 1000) == want[i] && ct_net_batch(&net, 1) == 1);
        ct_net_free(&net);
        CHECK(!ct_scope_close(scope));
    }
    ct_spec_free(spec);
}

int main(void) {
    if (!scratch_open()) return 1;
    RUN(round_trips);
    RUN(wrong_text);
    RUN(wrong_names);
    RUN(windows);
    RUN(epochs);
    RUN(short_texts);
    RUN(long_samples);
    scratch_close();
    return check_done("text");
}
