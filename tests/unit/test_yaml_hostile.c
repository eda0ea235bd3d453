/* YAML made to hurt: every case ends with a diagnostic or a tree, soon, and never with a signal. */
#include "base/key.h"
#include "check.h"
#include "yaml/read.h"
#include <stdlib.h>
#include <time.h>

/* The first error of `text`, "" when there is none; valid until the next call. */
static const char *error_of(const char *text, size_t len) {
    ct_doc *doc = ct_doc_new();
    ct_yaml *root;
    ct_status status = ct_doc_parse(doc, "t", text, len, &root);
    CHECK(status == CT_OK ? root != NULL : status == CT_BAD_SPEC && ct_diag_count(doc, CT_ERROR) > 0);
    ct_doc_free(doc);
    return status ? ct_error() : "";
}

/* `head`, then `part` n times, then `tail`. */
static const char *error_of_many(const char *head, const char *part, size_t n, const char *tail) {
    ct_buf text = CT_BUF(64 << 20);
    ct_buf_puts(&text, head);
    for (size_t i = 0; i < n; i++) ct_buf_puts(&text, part);
    ct_buf_puts(&text, tail);
    const char *error = error_of(text.data, text.len);
    ct_buf_free(&text);
    return error;
}

static void test_depth(void) {
    CHECK_STR(error_of_many("", "[", 64, ""), "t:1:65: expected a value here");
    CHECK_STR(error_of_many("", "[", 65, ""), "t:1:65: nested deeper than 64 levels");
    CHECK_STR(error_of_many("", "[", 100000, ""), "t:1:65: nested deeper than 64 levels");
    CHECK_STR(error_of_many("", "{a: ", 100000, ""), "t:1:257: nested deeper than 64 levels");
    CHECK_STR(error_of_many("", "- ", 100000, "x"), "t:1:129: nested deeper than 64 levels");
    CHECK_STR(error_of_many("", "? ", 100000, "x"), "t:1:129: nested deeper than 64 levels");
    CHECK_STR(error_of_many("", "- ", 64, "x"), "");
    /* an alias deepens as what it copies does */
    CHECK_HAS(error_of_many(
                  "- &a ", "[", 40,
                  "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]\n- [[[[[[[[[[[[[[[[[[[[[[[[[[*a]]]]]]]]]]]]]]]]]]]]]]]]]]"),
              "nested deeper than 64 levels");
    char deep[200] = "a=";
    memset(deep + 2, '[', 64);
    memset(deep + 66, ']', 64);
    ct_doc *doc = ct_doc_new();
    CHECK(ct_doc_set(doc, ct_yaml_new(doc, CT_MAP, NULL), deep) == CT_BAD_SPEC);
    CHECK_STR(ct_error(), "--set:1:66: nested deeper than 64 levels");
    ct_doc_free(doc);
    doc = ct_doc_new();
    for (int i = 0; i < 65; i++) memcpy(deep + 2 * i, i < 64 ? "a." : "a=", 2);
    CHECK(ct_doc_set(doc, ct_yaml_new(doc, CT_MAP, NULL), deep) == CT_BAD_SPEC);
    CHECK_STR(ct_error(), "--set:1:129: nested deeper than 64 levels");
    ct_doc_free(doc);
}

static void test_size(void) {
    CHECK_STR(error_of_many("", "- a\n", 199998, ""), "");
    CHECK_HAS(error_of_many("", "- a\n", 200001, ""), "over 200000 values");
    CHECK_STR(error_of_many("", "0123456789abcde\n", 4 << 16, ""), "");
    CHECK_STR(error_of_many("", "0123456789abcde\n", 4 << 16, "x"), "t: the text is over 4 MB");
    CHECK_HAS(error_of_many("", "- &a a\n", 300, ""), "more than 256 anchors");
    CHECK_STR(error_of_many("", "%TAG !a! b\n", 100000, "---\na"), "t:1:1: tags are not supported");
}

static void test_laughs(void) {
    static const char laughs[] =
        "a: &a [x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]\n"
        "c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b]\nd: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c]\n"
        "e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d]\nf: &f [*e, *e, *e, *e, *e, *e, *e, *e, *e]\n"
        "g: &g [*f, *f, *f, *f, *f, *f, *f, *f, *f]\nh: &h [*g, *g, *g, *g, *g, *g, *g, *g, *g]\n";
    CHECK_HAS(error_of(laughs, strlen(laughs)), "the document is too large: over 200000 values or 16 MB of text");
    char *fat = malloc(2 << 20); /* a long text, copied */
    CHECK(fat != NULL);
    memset(fat, 'x', 2 << 20);
    memcpy(fat, "a: &a ", 6);
    strcpy(fat + (1 << 20), "\nb: [");
    for (size_t i = (1 << 20) + 5, n = 0; n < 40; n++, i += 4) strcpy(fat + i, "*a, ");
    strcat(fat + (1 << 20), "]\n");
    CHECK_HAS(error_of(fat, strlen(fat)), "the document is too large: over 200000 values or 16 MB of text");
    free(fat);
}

/* Nothing here is quadratic: a second in all, and 20 leave room for sanitizers. */
static void test_time(void) {
    clock_t start = clock();
    ct_buf text = CT_BUF(8 << 20);
    for (int i = 0; i < 90000; i++) ct_buf_printf(&text, "k%d: %d\n", i, i);
    CHECK_STR(error_of(text.data, text.len), "");
    text.len = 0;
    for (int i = 0; i < 90000; i++) ct_buf_puts(&text, "k: 1\n");
    CHECK_STR(error_of(text.data, text.len), "t:2:1: duplicate key 'k'");
    text.len = 0;
    for (int i = 0; i < 60000; i++) ct_buf_puts(&text, "[[\n1],[2\n]],");
    ct_buf_puts(&text, "]");
    error_of(text.data, text.len);
    ct_buf_free(&text);
    error_of_many("- &a 1\n", "- *a\n", 150000, "");
    error_of_many("[", "{a: 1,\n", 60, "");
    error_of_many("a: \"", "\\n", 1 << 20, "\"");
    error_of_many("", "#\n", 1 << 20, "");
    error_of_many("", "a ", 1 << 20, ": b");
    CHECK((double)(clock() - start) / CLOCKS_PER_SEC < 20);
}

/* ---- mutations of a good spec: deterministic, 20,000 of them ---- */
static const char spec[] =
    "# digits\ndata: {dataset: mnist, normalize: {mean: 0.1307, std: 0.3081}}\n"
    "model:\n  - flatten\n  - linear: &w 128\n  - relu\n  - linear: {out_features: *w, bias: true}\n"
    "loss: cross_entropy\noptimizer: {adam: {lr: 1e-3, betas: [0.9, 0.999]}}\n"
    "train:\n  epochs: 5\n  batch_size: 64\n  note: \"caf\xc3\xa9 \\u00e9\"\n  text: |\n    a\n    b\n";

typedef struct train {
    int64_t epochs, batch_size;
    const char *note, *text;
} train;
static const ct_key train_keys[] = {
    {.name = "epochs", .type = CT_KEY_INT, .offset = offsetof(train, epochs), .min = 1, .max = 1e6, .def = NAN},
    {.name = "batch_size", .type = CT_KEY_INT, .offset = offsetof(train, batch_size), .min = 1, .max = 1e6},
    {.name = "note", .type = CT_KEY_STRING, .offset = offsetof(train, note)},
    {.name = "text", .type = CT_KEY_PATH, .offset = offsetof(train, text)},
    {0}};
static const ct_kind flatten = {.name = "flatten"}, linear = {"linear", train_keys, sizeof(train), ""};

static uint32_t next_random(void) {
    static uint32_t x = 2463534242u;
    x ^= x << 13, x ^= x >> 17;
    return x ^= x << 5;
}

static size_t mutate(char *text, size_t len) {
    static const char marks[] = "\t\n\r :-?,[]{}#&*!|>'\"%@`\\\xff\xc3\xe2\x01~09ae.=<";
    for (uint32_t n = 1 + next_random() % 4; n--;) {
        size_t at = next_random() % len, count = 1 + next_random() % 8;
        switch (next_random() % 4) {
        case 0:
            text[at] = marks[next_random() % sizeof marks];
            break;
        case 1:
            text[at] ^= (char)(1 << next_random() % 8);
            break;
        case 2: /* out */
            count = CT_MIN(count, len - at);
            if (count == len) break;
            memmove(text + at, text + at + count, len - at - count);
            len -= count;
            break;
        case 3: /* twice */
            count = CT_MIN(count, len - at);
            memmove(text + at + count, text + at, len - at);
            len += count;
            break;
        }
    }
    return len;
}

static void read_all(ct_doc *doc, const ct_yaml *root) {
    static const ct_kind *const kinds[] = {&flatten, &linear};
    static const ct_key also[] = {{.name = "data"}, {.name = "model"}, {.name = "train"}, {0}};
    train t;
    void *args;
    ct_read_keys(doc, root, NULL, NULL, &t, also);
    ct_read_keys(doc, ct_yaml_get(root, "train"), "train", train_keys, &t, NULL);
    const ct_yaml *model = ct_yaml_get(root, "model");
    for (int i = 0; model && i < model->n; i++) ct_read_kind(doc, model->value[i], "layer", kinds, 2, &args, also);
}

/* Whatever the text, what was read is written so that it reads the same. */
static int try_one(const char *text, size_t len) {
    ct_doc *doc = ct_doc_new();
    ct_yaml *root, *again;
    ct_buf out = CT_BUF(1 << 20), twice = CT_BUF(1 << 20);
    ct_status status = ct_doc_parse(doc, "t", text, len, &root);
    int ok = status == CT_OK || status == CT_BAD_SPEC;
    if (root) read_all(doc, root);
    if (root && !status) {
        ct_yaml_write(root, &out);
        ok = ok && !ct_doc_parse(doc, "again", out.data, out.len, &again);
        if (ok) ct_yaml_write(again, &twice);
        ok = ok && !strcmp(out.data, twice.data);
    }
    out.len = 0;
    ct_diag_write(doc, &out);
    ct_buf_free(&out), ct_buf_free(&twice);
    ct_doc_free(doc);
    return ok;
}

static void test_mutations(void) {
    char text[2 * sizeof spec];
    int bad = 0;
    for (int i = 0; i < 20000; i++) {
        memcpy(text, spec, sizeof spec);
        bad += !try_one(text, mutate(text, sizeof spec - 1));
    }
    CHECK(bad == 0);
    for (size_t n = 0; n < sizeof spec; n++) bad += !try_one(spec, n); /* cut anywhere, in a character too */
    CHECK(bad == 0);
}

/* An assignment and args of any bytes. */
static void test_wild_assignments(void) {
    static const char start[] = "train.epochs=[1, {a: \"b\"}] model.1=x";
    train t;
    int bad = 0;
    for (int i = 0; i < 3000; i++) {
        char text[2 * sizeof start] = {0};
        memcpy(text, start, sizeof start);
        size_t len = mutate(text, sizeof start - 1);
        text[len] = 0;
        ct_doc *doc = ct_doc_new();
        ct_yaml *root;
        ct_doc_parse(doc, "t", spec, sizeof spec - 1, &root);
        ct_status status = ct_doc_set(doc, root, text);
        bad += status != (ct_diag_count(doc, CT_ERROR) ? CT_BAD_SPEC : CT_OK);
        ct_doc_free(doc);
        ct_read_args_text(train_keys, text, &t);
    }
    CHECK(bad == 0);
}

int main(void) {
    RUN(test_depth);
    RUN(test_size);
    RUN(test_laughs);
    RUN(test_time);
    RUN(test_mutations);
    RUN(test_wild_assignments);
    return check_done("yaml_hostile");
}
