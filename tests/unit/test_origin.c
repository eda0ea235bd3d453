/* Runs that start with another model's weights: `init: {from: FILE}`, by names, a table of names, names of classes. */
#include "ctorch_run.h"
#include "file/safetensors.h"
#include "scratch.h"

#define HEAD "data: {dataset: digits, only: [\"0\", \"1\", \"2\", \"3\"]}\nloss: cross_entropy\noptimizer: adam\n"
#define MODEL "model: [flatten, {linear: 8, name: stem}, relu, {linear: 4, name: head}]\n"
#define EPOCH "train: {epochs: 1, batch_size: 64}\n"

static char table[4096], messages_text[4096];

static void keep_note(void *ctx, const char *line) {
    (void)ctx;
    if (strstr(line, "starting from")) snprintf(table, sizeof table, "%s\n", line);
}

/* Trains TEXT into root/DIR; its table and its diagnostics are kept. */
static ct_status train(const char *dir, const char *text, bool resume, volatile int *stop) {
    ct_spec *spec;
    ct_train_report r;
    char *messages = NULL;
    ct_train_options o = {.dir = at(dir), .resume = resume, .force = !resume, .stop = stop, .note = keep_note};
    *table = *messages_text = 0;
    puts_in("s.yaml", text);
    ct_status status = ct_spec_load(at("s.yaml"), NULL, &spec, &messages);
    if (!status) {
        status = ct_train(spec, &o, &r, &messages);
        ct_spec_free(spec);
    }
    snprintf(messages_text, sizeof messages_text, "%s", messages ? messages : "");
    ct_text_free(messages);
    return status;
}

/* A tensor of a run's model, kept; its rows are `size` numbers. */
static ct_tensor *weight(const char *dir, const char *name) {
    char path[64];
    ct_safetensors *f;
    snprintf(path, sizeof path, "%s/best.safetensors", dir);
    if (!CHECK(!ct_safetensors_open(at(path), &f))) return NULL;
    ct_scope *scope = ct_scope_open();
    ct_tensor *t = ct_keep(ct_contiguous(ct_safetensors_get(f, name)));
    CHECK(!ct_scope_close(scope));
    ct_safetensors_close(f);
    return t;
}

static bool same_row(const ct_tensor *a, int64_t i, const ct_tensor *b, int64_t k, int64_t size) {
    const float *x = ct_data((ct_tensor *)a), *y = ct_data((ct_tensor *)b);
    return !memcmp(x + i * size, y + k * size, (size_t)size * sizeof *x);
}

/* Frozen, so that what it starts with is what it ends with. */
static void all_of_a_run(void) {
    CHECK(!train("base", HEAD MODEL EPOCH, false, NULL) && !*table);
    CHECK(!train("next", HEAD MODEL EPOCH "init: {from: base}\nfreeze: [\"stem.*\", head.weight]\n", false, NULL));
    CHECK_HAS(table, "base/best.safetensors\n  loaded           4  stem.weight, stem.bias, head.weight, head.bias\n");
    CHECK(!strstr(table, "missing") && !strstr(table, "by class") && !strstr(table, "unused"));
    ct_tensor *a = weight("base", "head.weight"), *b = weight("next", "head.weight");
    CHECK(a && b && same_row(a, 0, b, 0, 32));
    ct_drop(a), ct_drop(b);
}

static void by_names_of_classes(void) {
    static const char text[] =
        "data: {dataset: digits, only: [\"7\", \"3\", \"1\"]}\nloss: cross_entropy\noptimizer: adam\n" EPOCH
        "model: [flatten, {linear: 8, name: stem}, relu, {linear: 3, name: head}]\n"
        "init: {from: base/best.safetensors}\nfreeze: [\"*.weight\"]\n";
    CHECK(!train("classes", text, false, NULL));
    CHECK_HAS(table, "  loaded           2  stem.weight, stem.bias\n");
    CHECK_HAS(table, "  by class         2  head.weight, head.bias; rows from the file: 3, 1; new ones: 7\n");
    ct_tensor *a = weight("base", "head.weight"), *b = weight("classes", "head.weight");
    CHECK(a && b && same_row(a, 3, b, 1, 8) && same_row(a, 1, b, 2, 8));
    for (int i = 0; i < 4; i++) CHECK(!same_row(a, i, b, 0, 8));
    ct_drop(a), ct_drop(b);
}

static void shapes_that_differ(void) {
    static const char wide[] =
        HEAD EPOCH "model: [flatten, {linear: 9, name: stem}, relu, {linear: 4, name: head}, {linear: 4, name: end}]\n";
    char text[1024];
    snprintf(text, sizeof text, "%sinit: {from: base}\n", wide);
    CHECK(train("wide", text, false, NULL) == CT_BAD_SPEC);
    CHECK_HAS(messages_text, "s.yaml:6:14: error: ");
    CHECK_HAS(messages_text, "tensor 'stem.weight' is f32 (8, 64), the model's stem.weight is f32 (9, 64)");
    CHECK_HAS(messages_text, "tensor 'head.weight' is f32 (4, 8), the model's head.weight is f32 (4, 9)");
    snprintf(text, sizeof text, "%sinit: {from: base, on_mismatch: reinit}\n", wide);
    CHECK(!train("wide", text, false, NULL));
    CHECK_HAS(table, "  loaded           1  head.bias\n");
    CHECK_HAS(table, "  reinitialised    3  stem.weight (9, 64), the file's is (8, 64); ");
    CHECK_HAS(table, "  missing          2  end.weight, end.bias\n");
}

static void a_pattern_says_more(void) {
    CHECK(!train("pattern", HEAD MODEL EPOCH "init: {from: base, \"head.*\": zeros}\nfreeze: [head.weight]\n", false,
                 NULL));
    CHECK_HAS(table, "  loaded           2  stem.weight, stem.bias\n");
    CHECK_HAS(table, "  reinitialised    2  head.weight, as init says; head.bias, as init says\n");
    ct_tensor *b = weight("pattern", "head.weight");
    for (int i = 0; b && i < 32; i++) CHECK(((float *)ct_data(b))[i] == 0);
    ct_drop(b);
}

/* A file as others write it: their names, f64, no metadata. */
static void a_table_of_names(void) {
    ct_scope *scope = ct_scope_open();
    ct_named of[] = {{"enc.w", ct_randn(CT_F64, CT_DIMS(8, 64))},
                     {"enc.b", ct_randn(CT_F32, CT_DIMS(8))},
                     {"head.weight", ct_randn(CT_F32, CT_DIMS(4, 8))},
                     {"stem.weight", ct_randn(CT_F32, CT_DIMS(2))},
                     {"step", ct_full(CT_I64, (ct_dims){0}, 3)}};
    CHECK(!ct_safetensors_write(at("their.safetensors"), of, CT_COUNT(of), NULL, 0));
    CHECK(!ct_scope_close(scope));
    static const char text[] =
        HEAD MODEL EPOCH "init: {from: their.safetensors, rename: names.txt}\nfreeze: [\"*t\"]\n";
    puts_in("names.txt", "# theirs, ours\nenc.w stem.weight\n\n  enc.b\tstem.bias # and so on\r\n");
    CHECK(!train("theirs", text, false, NULL));
    CHECK_HAS(table, "  loaded           3  stem.weight, stem.bias, head.weight\n");
    CHECK_HAS(table, "  missing          1  head.bias\n");
    CHECK_HAS(table, "  unused           2  ");
    puts_in("names.txt", "enc.w stem.weight\nenc.c stem.bias\n");
    CHECK(train("theirs", text, false, NULL) == CT_BAD_SPEC);
    CHECK_HAS(ct_error(), "names.txt:2: ");
    CHECK_HAS(ct_error(), "their.safetensors has no tensor 'enc.c'");
    puts_in("names.txt", "enc.w stem.wieght\n");
    CHECK(train("theirs", text, false, NULL) == CT_BAD_SPEC);
    CHECK_HAS(ct_error(), "names.txt:1: no parameter of the model is named 'stem.wieght'");
    puts_in("names.txt", "enc.w\n");
    CHECK(train("theirs", text, false, NULL) == CT_BAD_SPEC);
    CHECK_HAS(ct_error(), "names.txt:1: a line is `their.name our.name`");
    puts_in("names.txt", "enc.w stem.weight\nenc.w stem.bias\n");
    CHECK(train("theirs", text, false, NULL) == CT_BAD_SPEC);
    CHECK_HAS(ct_error(), "names.txt:2: one of its names stood in a line before");
}

/* The run that would be replaced is still there. */
static void files_that_are_none(void) {
    static const char from[] = HEAD MODEL EPOCH "init: {from: bad.safetensors}\n";
    CHECK(train("theirs", HEAD MODEL EPOCH "init: {from: nothing}\n", false, NULL) == CT_FAIL);
    CHECK_HAS(ct_error(), "init.from: ");
    CHECK_HAS(ct_error(), "nothing: cannot be opened");
    CHECK(train("theirs", HEAD MODEL EPOCH "init: {from: .}\n", false, NULL) == CT_FAIL);
    CHECK_HAS(ct_error(), "holds no model");
    char bytes[4096];
    FILE *f = fopen(at("base/best.safetensors"), "rb");
    size_t n = f ? fread(bytes, 1, sizeof bytes, f) : 0;
    if (f) fclose(f);
    put("bad.safetensors", bytes, n / 2);
    CHECK(train("theirs", from, false, NULL) == CT_BAD_DATA);
    CHECK_HAS(ct_error(), "bad.safetensors: ");
    static const char huge[] = "{\"stem.weight\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],"
                               "\"data_offsets\":[0,0]}}";
    uint64_t len = sizeof huge - 1;
    memcpy(bytes, &len, 8), memcpy(bytes + 8, huge, len);
    put("bad.safetensors", bytes, 8 + len);
    CHECK(train("theirs", from, false, NULL) == CT_BAD_DATA);
    CHECK_HAS(ct_error(), "is no number that can be");
    CHECK(!access(at("theirs/best.safetensors"), F_OK));
    CHECK(train("theirs", HEAD MODEL EPOCH "init: {from: base/state.safetensors}\n", false, NULL) == CT_BAD_SPEC);
    CHECK_HAS(messages_text, "none of its names is the model's");
}

/* It is read once: a run goes on without it, to the same bits, and its model names no file. */
static void resumed_without_it(void) {
    static const char text[] = HEAD MODEL "train: {epochs: 2, batch_size: 16}\ninit: {from: old}\n";
    CHECK(!train("old", HEAD MODEL EPOCH, false, NULL) && !train("whole", text, false, NULL));
    CHECK_HAS(table, "loaded           4");
    volatile int stop = 1;
    CHECK(train("parts", text, false, &stop) == CT_STOPPED);
    char path[64];
    snprintf(path, sizeof path, "%s", at("old/best.safetensors"));
    CHECK(!remove(path) && !remove(at("old/last.safetensors")));
    CHECK(!train("parts", text, true, NULL) && !*table);
    ct_tensor *a = weight("whole", "stem.weight"), *b = weight("parts", "stem.weight");
    CHECK(a && b && same_row(a, 0, b, 0, 8 * 64));
    ct_drop(a), ct_drop(b);
    ct_safetensors *f;
    CHECK(!ct_safetensors_open(at("parts/best.safetensors"), &f));
    CHECK(!strstr(ct_safetensors_meta(f, "spec"), "init") && !strstr(ct_safetensors_meta(f, "spec"), "old"));
    ct_safetensors_close(f);
    CHECK(train("parts", text, false, NULL) == CT_FAIL);
    CHECK_HAS(ct_error(), "old: holds no model");
}

int main(void) {
    if (!CHECK(scratch_open())) return check_done("origin");
    RUN(all_of_a_run);
    RUN(by_names_of_classes);
    RUN(shapes_that_differ);
    RUN(a_pattern_says_more);
    RUN(a_table_of_names);
    RUN(files_that_are_none);
    RUN(resumed_without_it);
    scratch_close();
    return check_done("origin");
}
