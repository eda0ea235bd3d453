/* YAML text to positioned nodes and back, and what is said of text that is wrong. */
#include "check.h"
#include "yaml/node.h"
#include <stdlib.h>
#include <unistd.h>

/* All diagnostics about `text`, after `set` (may be NULL) was applied; the caller frees. */
static char *diagnose(const char *text, const char *set) {
    ct_doc *doc = ct_doc_new();
    ct_yaml *root;
    ct_status status = ct_doc_parse(doc, "t.yaml", text, strlen(text), &root);
    if (!status && set) status = ct_doc_set(doc, root, set);
    ct_buf out = CT_BUF(1 << 20);
    ct_buf_puts(&out, "");
    ct_diag_write(doc, &out);
    CHECK(status == (out.len ? CT_BAD_SPEC : CT_OK));
    ct_doc_free(doc);
    return out.data;
}

static void check_set(const char *text, const char *set, const char *want) {
    char *got = diagnose(text, set);
    CHECK_STR(got, want);
    ct_buf_free(&(ct_buf){.data = got});
}

static void check_error(const char *text, const char *want) { check_set(text, NULL, want); }

static int is_at(const ct_yaml *node, int line, int col, int end_col) {
    return node && node->line == line && node->col == col && node->end_col == end_col;
}

static void test_nodes(void) {
    static const char text[] = "# first\nmodel:\n  - relu\n  - linear: 128 # wide\n  - [a, \"5\"]\nné: {x: , y: 'z'}\n";
    ct_doc *doc = ct_doc_new();
    ct_yaml *root;
    CHECK(!ct_doc_parse(doc, "t.yaml", text, strlen(text), &root));
    CHECK(root->kind == CT_MAP && root->n == 2 && !ct_yaml_get(root, "x"));
    ct_yaml *model = ct_yaml_get(root, "model"), *last = ct_yaml_get(root, "né");
    CHECK(model->kind == CT_LIST && model->n == 3);
    CHECK(is_at(root, 2, 1, 7));
    CHECK(is_at(model, 3, 3, 9));
    CHECK(is_at(model->value[0], 3, 5, 9));
    CHECK_STR(model->value[0]->text, "relu");
    ct_yaml *width = ct_yaml_get(model->value[1], "linear");
    CHECK(is_at(width, 4, 13, 16));
    CHECK_STR(width->text, "128");
    CHECK(!width->quoted);
    CHECK(is_at(model->value[2], 5, 5, 13));
    CHECK(model->value[2]->value[1]->quoted);
    CHECK_STR(width->source->name, "t.yaml");
    CHECK(is_at(last, 6, 5, 18));
    CHECK(is_at(ct_yaml_get(last, "x"), 6, 9, 9));
    CHECK_STR(ct_yaml_get(last, "x")->text, "");
    CHECK(!ct_yaml_get(last, "x")->quoted);
    CHECK(is_at(ct_yaml_get(last, "y"), 6, 14, 17));
    CHECK(!ct_yaml_get(model, "relu") && !ct_yaml_get(NULL, "a"));
    ct_doc_free(doc);
}

/* A byte order mark is not text; a line ends at CR, LF or both. */
static void test_line_ends(void) {
    static const char text[] = "\xef\xbb\xbf"
                               "a: 1\r\nb: 2\rc: 3\n";
    ct_doc *doc = ct_doc_new();
    ct_yaml *root;
    CHECK(!ct_doc_parse(doc, "t.yaml", text, strlen(text), &root));
    CHECK(is_at(root, 1, 1, 5));
    CHECK(is_at(ct_yaml_get(root, "b"), 2, 4, 5));
    CHECK(is_at(ct_yaml_get(root, "c"), 3, 4, 5));
    CHECK_STR(ct_yaml_get(root, "b")->text, "2");
    ct_doc_free(doc);
    check_error("a: 1\r\na: 2\r\n", "t.yaml:2:1: error: duplicate key 'a'\n"
                                    "    2 | a: 2\n"
                                    "      | ^\n"
                                    "t.yaml:1:1: note: first given here\n"
                                    "    1 | a: 1\n"
                                    "      | ^\n");
}

static void test_syntax_errors(void) {
    check_error("a: b: c", "t.yaml:1:5: error: a ':' cannot stand here; is the indentation right, or does a text need "
                           "quotes?\n    1 | a: b: c\n      |     ^\n");
    check_error("a:\n\tb: 1", "t.yaml:2:1: error: a tab cannot indent; use spaces\n    2 |  b: 1\n      | ^\n");
    check_error("a: [1, 2\nb: 3", "t.yaml:2:2: error: expected ',' or ']'\n    2 | b: 3\n      |  ^\n"
                                  "t.yaml:1:4: note: the list starts here\n    1 | a: [1, 2\n      |    ^\n");
    check_error("a: {b: 1", "t.yaml:1:9: error: expected ',' or '}'\n    1 | a: {b: 1\n      |         ^\n"
                            "t.yaml:1:4: note: the map starts here\n    1 | a: {b: 1\n      |    ^\n");
    check_error("a: \"x\nb: 3", "t.yaml:1:4: error: these quotes are not closed\n    1 | a: \"x\n      |    ^\n");
    check_error(
        "- a\n-b",
        "t.yaml:2:1: error: expected ':' after this key; or does a space belong after '-'?\n    2 | -b\n      | ^\n");
    check_error("- 1\nb: 2", "t.yaml:2:1: error: expected '- ' here; is the indentation right?\n    2 | b: 2\n"
                             "      | ^\nt.yaml:1:1: note: the list starts here\n    1 | - 1\n      | ^\n");
    check_error("a: @x", "t.yaml:1:4: error: a value cannot start so; does the text need quotes?\n    1 | a: @x\n"
                         "      |    ^\n");
    check_error("a: \"\\q\"", "t.yaml:1:5: error: unknown escape in double quotes; a backslash itself is '\\\\'\n"
                              "    1 | a: \"\\q\"\n      |     ^\n");
}

static void test_refused(void) {
    check_error("", "t.yaml: error: the document is empty\n");
    check_error("# nothing\n---\n", "t.yaml: error: the document is empty\n");
    check_error("--- a\n--- b", "t.yaml:2:1: error: a second document starts here; there can be one\n"
                                "    2 | --- b\n      | ^~~\n");
    check_error("a: !!int 3", "t.yaml:1:4: error: tags are not supported, got 'tag:yaml.org,2002:int'\n"
                              "    1 | a: !!int 3\n      |    ^~~~~~~\n");
    check_error("%TAG ! x\n---\na", "t.yaml:1:1: error: tags are not supported\n    1 | %TAG ! x\n      | ^~~~\n");
    check_error("[a]: 1", "t.yaml:1:1: error: a key must be a word, got a list\n    1 | [a]: 1\n      | ^~~\n");
    check_error("a: *x", "t.yaml:1:4: error: no anchor '&x' comes before this\n    1 | a: *x\n      |    ^~\n");
    check_error("a: &x [*x]", "t.yaml:1:8: error: '*x' stands inside what it names\n    1 | a: &x [*x]\n"
                              "      |        ^~\n");
    check_error("a: \"\\0\"", "t.yaml:1:4: error: a text cannot hold character U+0000\n    1 | a: \"\\0\"\n"
                              "      |    ^~~~\n");
    check_error("é: \x01", "t.yaml:1:4: error: character U+0001 cannot stand here\n    1 | é: ?\n      |    ^\n");
    check_error("é: \xc3", "t.yaml:1:4: error: this is not UTF-8 text (byte 0xc3)\n    1 | é: ?\n      |    ^\n");
    check_error("a: \xc0\x80", "t.yaml:1:4: error: this is not UTF-8 text (byte 0xc0)\n    1 | a: ??\n      |    ^\n");
    check_error("a: \xed\xa0\x80", "t.yaml:1:4: error: this is not UTF-8 text (byte 0xed)\n    1 | a: ???\n"
                                   "      |    ^\n");
}

static void test_nul_bytes(void) {
    static const char text[] = "a: 1\nb\0: 2";
    ct_doc *doc = ct_doc_new();
    ct_yaml *root;
    CHECK(ct_doc_parse(doc, "t.yaml", text, sizeof text - 1, &root) == CT_BAD_SPEC && !root);
    CHECK_STR(ct_error(), "t.yaml:2:2: character U+0000 cannot stand here");
    ct_doc_free(doc);
}

/* All errors at once, in order of place; the tree stays usable. */
static void test_duplicates(void) {
    check_error("b: 1\na: {x: 1, y: 2, x: 3}\nb: 2\n", "t.yaml:2:17: error: duplicate key 'x'\n"
                                                       "    2 | a: {x: 1, y: 2, x: 3}\n      |                 ^\n"
                                                       "t.yaml:2:5: note: first given here\n"
                                                       "    2 | a: {x: 1, y: 2, x: 3}\n      |     ^\n"
                                                       "t.yaml:3:1: error: duplicate key 'b'\n    3 | b: 2\n      | ^\n"
                                                       "t.yaml:1:1: note: first given here\n    1 | b: 1\n      | ^\n");
    ct_doc *doc = ct_doc_new();
    ct_yaml *root;
    CHECK(ct_doc_parse(doc, "t.yaml", "a: 1\na: 2", 9, &root) == CT_BAD_SPEC);
    CHECK_STR(ct_yaml_get(root, "a")->text, "1");
    CHECK(ct_diag_count(doc, CT_ERROR) == 1 && ct_diag_count(doc, CT_NOTE) == 1);
    /* a later document of the same doc is judged by itself */
    CHECK(ct_doc_parse(doc, "u.yaml", "a: 1", 4, &root) == CT_OK && root);
    CHECK(ct_diag_status(doc) == CT_BAD_SPEC);
    ct_doc_free(doc);
}

/* An alias is a copy: changing one leaves the others. */
static void test_aliases(void) {
    static const char text[] = "a: &x {k: [1, 2]}\nb: *x\nc: *x\n&y d: *y\n";
    ct_doc *doc = ct_doc_new();
    ct_yaml *root;
    CHECK(!ct_doc_parse(doc, "t.yaml", text, strlen(text), &root));
    CHECK(!ct_doc_set(doc, root, "b.k.0=7"));
    CHECK(is_at(ct_yaml_get(root, "c"), 3, 4, 6));
    CHECK(is_at(ct_yaml_get(ct_yaml_get(root, "c"), "k"), 1, 11, 17));
    ct_buf out = CT_BUF(4096);
    ct_yaml_write(root, &out);
    CHECK_STR(out.data, "a:\n  k:\n    - 1\n    - 2\nb:\n  k:\n    - 7\n    - 2\nc:\n  k:\n    - 1\n    - 2\nd: d\n");
    ct_buf_free(&out);
    ct_doc_free(doc);
}

static void check_written(const char *text, const char *set, const char *want) {
    ct_doc *doc = ct_doc_new();
    ct_yaml *root;
    ct_buf out = CT_BUF(4096);
    CHECK(!ct_doc_parse(doc, "t.yaml", text, strlen(text), &root));
    CHECK(!ct_doc_set(doc, root, set));
    ct_yaml_write(root, &out);
    CHECK_STR(out.data, want);
    ct_buf_free(&out);
    ct_doc_free(doc);
}

static void test_set(void) {
    check_written("train: {epochs: 5}", "train.epochs=10", "train:\n  epochs: 10\n");
    check_written("train: {epochs: 5}", "train.lr=1e-3", "train:\n  epochs: 5\n  lr: 1e-3\n");
    check_written("a: 1", "b.c.d=[1, {e: f}]", "a: 1\nb:\n  c:\n    d:\n      - 1\n      - e: f\n");
    check_written("a:", "a.b=\"x\"", "a:\n  b: \"x\"\n");
    check_written("m: [x, linear: 1]", "m.1.linear=64", "m:\n  - x\n  - linear: 64\n");
    check_written("m: [x]", "m.1=y", "m:\n  - x\n  - y\n");
    check_written("m: [x]", "m=", "m:\n");
    check_written("a: 1", "a=b=c", "a: b=c\n");
    check_written("a: 1", "a=two words", "a: two words\n");
}

static void test_set_errors(void) {
    check_set("a: 1", "a", "--set:1:1: error: expected path=value, as in train.epochs=10\n    1 | a\n      | ^\n");
    check_set("a: 1", "x..y=1",
              "--set:1:3: error: expected a path of words and dots, as in train.epochs=10\n"
              "    1 | x..y=1\n      |   ^\n");
    check_set("a: 1", "=1",
              "--set:1:1: error: expected a path of words and dots, as in train.epochs=10\n"
              "    1 | =1\n      | ^\n");
    check_set("m: [x]", "m.2=y",
              "--set:1:3: error: this is a list of 1, whose items go by numbers from 0; got '2'\n"
              "    1 | m.2=y\n      |   ^\n");
    check_set("m: [x]", "m.-1=y",
              "--set:1:3: error: this is a list of 1, whose items go by numbers from 0; got '-1'\n"
              "    1 | m.-1=y\n      |   ^~\n");
    check_set("m: [x]", "m.99999999999999999999=y",
              "--set:1:3: error: this is a list of 1, whose items go by numbers from 0; got '99999999999999999999'\n"
              "    1 | m.99999999999999999999=y\n      |   ^~~~~~~~~~~~~~~~~~~~\n");
    check_set("a: 1", "a.b=2",
              "--set:1:3: error: there is no 'b' inside the value '1'\n    1 | a.b=2\n"
              "      |   ^\nt.yaml:1:4: note: the value is here\n    1 | a: 1\n      |    ^\n");
    check_set("a: 1", "é=[1, *x]",
              "--set:1:7: error: no anchor '&x' comes before this\n    1 | é=[1, *x]\n"
              "      |       ^~\n");
    check_set("a: 1", "a=b: c",
              "--set:1:3: error: a list is written [a, b] here, and a map {a: b}\n"
              "    1 | a=b: c\n      |   ^\n");
    check_set("a: 1", "a=[1",
              "--set:1:5: error: expected ',' or ']'\n    1 | a=[1\n      |     ^\n"
              "--set:1:3: note: the list starts here\n    1 | a=[1\n      |   ^\n");
}

static int same(const ct_yaml *a, const ct_yaml *b) {
    if (a->kind != b->kind || a->n != b->n) return 0;
    if (a->kind == CT_SCALAR) return a->quoted == b->quoted && !strcmp(a->text, b->text);
    for (int i = 0; i < a->n; i++)
        if ((a->kind == CT_MAP && !same(a->key[i], b->key[i])) || !same(a->value[i], b->value[i])) return 0;
    return 1;
}

static void check_round_trip(const char *text) {
    ct_doc *doc = ct_doc_new();
    ct_yaml *root, *again;
    ct_buf out = CT_BUF(1 << 20);
    CHECK(!ct_doc_parse(doc, "t.yaml", text, strlen(text), &root));
    ct_yaml_write(root, &out);
    CHECK(!ct_doc_parse(doc, "again.yaml", out.data, out.len, &again));
    if (!CHECK(again && same(root, again))) printf("    of: %s\n    wrote: %s\n", text, out.data);
    ct_buf_free(&out);
    ct_doc_free(doc);
}

static void test_round_trip(void) {
    static const char *const texts[] = {
        ("data: {dataset: mnist, normalize: {mean: 0.1307, std: 0.3081}}\n"
         "model: [flatten, linear: 128, relu, {linear: {out_features: 10, bias: false}}]\n"),
        "[]",
        "{}",
        "- []\n- {}\n- [[], [{}]]",
        "a:\nb: ~\nc: null\n? \n: x",
        "- \n- - \n- a:\n",
        "x",
        "'5'",
        "\"\"",
        "a: 'it''s'\nb: \"q\\\"\\\\\"\nc: \"\\n\\t\\x01\\u2028\\uFEFF\\U0001F600é\"",
        "a: |\n  two\n  lines\nb: >\n  folded\n",
        "a: one\n  line\nb: two\n\n  lines\n",
        "a b: -1\n?x: :y\n-z: ---\n",
        "[a#b, 'a #b', 'a: b', 'a:', ' a', 'a ', '- a']",
        "[--- x, '---', '...', '%x', '@', '!a', '&a', '*a', '`']",
        "'': 1\n'a: b': 2\n\"\\n\": 3\n'5': 4\n",
        "{--- x: 1, \"a\tb\": a\tb}",
        "- - - a\n    - b\n  - c\n- d: {e: [f, g]}\n  h: i\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) check_round_trip(texts[i]);
    char key[3000] = "? ";
    memset(key + 2, 'k', 2900);
    strcpy(key + 2902, "\n: [a, b]\n? [x]\n");
    key[2902 + 10] = 0;
    check_round_trip(key);
}

static void test_by_hand(void) {
    ct_doc *doc = ct_doc_new();
    ct_yaml *map = ct_yaml_new(doc, CT_MAP, NULL), *list = ct_yaml_new(doc, CT_LIST, NULL);
    CHECK(ct_yaml_add(doc, map, ct_yaml_scalar(doc, "a", false, NULL), list));
    for (int i = 0; i < 5; i++) CHECK(ct_yaml_add(doc, list, NULL, ct_yaml_scalar(doc, "5", i % 2, NULL)));
    CHECK(ct_yaml_add(doc, list, NULL, ct_yaml_scalar(doc, "a: b", false, NULL)));
    ct_yaml *copy = ct_yaml_copy(doc, map);
    CHECK(copy != map && same(copy, map));
    ct_buf out = CT_BUF(4096);
    ct_yaml_write(map, &out);
    CHECK_STR(out.data, "a:\n  - 5\n  - \"5\"\n  - 5\n  - \"5\"\n  - 5\n  - \"a: b\"\n");
    ct_buf_free(&out);
    ct_doc_free(doc);
}

static void test_diagnostics(void) {
    char text[600] = "a: [";
    memset(text + 4, 'x', 295);
    strcpy(text + 299, ", ");
    memset(text + 301, 'y', 250);
    strcpy(text + 551, "]\n\tb");
    ct_doc *doc = ct_doc_new();
    ct_yaml *root;
    ct_doc_parse(doc, "t\x1b.yaml", text, 553, &root);
    ct_yaml *y = ct_yaml_get(root, "a")->value[1];
    ct_diag(doc, CT_WARNING, y, "careful\x1b[0m");
    ct_diag(doc, CT_NOTE, NULL, "of %s", "this");
    ct_diag(doc, CT_ERROR, root, "first by place");
    CHECK(ct_diag_status(doc) == CT_BAD_SPEC);
    CHECK_STR(ct_error(), "t?.yaml:1:1: first by place");
    ct_buf out = CT_BUF(4096);
    ct_diag_write(doc, &out);
    char want[2000], run[200] = "";
    memset(run, '~', 159);
    int n = snprintf(want, sizeof want, "t?.yaml:1:1: error: first by place\n    1 | a: [%.153s...\n      | ^%.159s\n",
                     text + 4, run);
    memset(run, '~', 80);
    run[80] = 0;
    snprintf(want + n, sizeof want - (size_t)n,
             "t?.yaml:1:302: warning: careful?[0m\n    1 | ...%.74s, %.78s...\n      | %*s^%s\nnote: of this\n",
             text + 4, text + 301, 79, "", run);
    CHECK_STR(out.data, want);
    ct_buf_free(&out);
    ct_doc_free(doc);
}

static void test_many_diagnostics(void) {
    ct_doc *doc = ct_doc_new();
    CHECK(ct_diag_status(doc) == CT_OK);
    for (int i = 0; i < 150; i++) ct_diag(doc, CT_ERROR, NULL, "number %d", i), ct_diag(doc, CT_NOTE, NULL, "a note");
    ct_buf out = CT_BUF(1 << 16);
    ct_diag_write(doc, &out);
    CHECK_HAS(out.data, "error: number 49\nnote: a note\nnote: 100 more are not shown\n");
    CHECK(ct_diag_count(doc, CT_ERROR) == 150);
    CHECK(ct_diag_status(doc) == CT_BAD_SPEC);
    CHECK_STR(ct_error(), "number 0");
    ct_buf_free(&out);
    ct_doc_free(doc);
}

static void test_files(void) {
    char path[] = "/tmp/ct-yaml-XXXXXX";
    int fd = mkstemp(path);
    CHECK(fd >= 0 && write(fd, "a: 1\n", 5) == 5 && !close(fd));
    ct_doc *doc = ct_doc_new();
    ct_yaml *root;
    CHECK(!ct_doc_parse_file(doc, path, &root) && !strcmp(root->source->name, path));
    CHECK(freopen(path, "r", stdin) && !ct_doc_parse_file(doc, "-", &root) && !strcmp(root->source->name, "-"));
    unlink(path);
    CHECK(ct_doc_parse_file(doc, "/nowhere/t.yaml", &root) == CT_BAD_SPEC && !root);
    CHECK_STR(ct_error(), "/nowhere/t.yaml: cannot be read: No such file or directory");
    ct_doc_free(doc);
    doc = ct_doc_new();
    CHECK(ct_doc_parse_file(doc, "/", &root) == CT_BAD_SPEC && !root);
    CHECK_STR(ct_error(), "/: cannot be read: Is a directory");
    ct_doc_free(doc);
}

int main(void) {
    RUN(test_nodes);
    RUN(test_line_ends);
    RUN(test_syntax_errors);
    RUN(test_refused);
    RUN(test_nul_bytes);
    RUN(test_duplicates);
    RUN(test_aliases);
    RUN(test_set);
    RUN(test_set_errors);
    RUN(test_round_trip);
    RUN(test_by_hand);
    RUN(test_diagnostics);
    RUN(test_many_diagnostics);
    RUN(test_files);
    return check_done("yaml");
}
