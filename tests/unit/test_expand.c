/* Variables, arithmetic, blocks, repeats and includes, worked out to a plain spec. */
#include "scratch.h"
#include "spec/expand.h"
#include "spec/expr.h"

static bool vars(void *ctx, const char *name, size_t len, ct_number *out) {
    (void)ctx;
    if (len == 1 && *name == 'n')
        *out = (ct_number){12, true};
    else if (len == 1 && *name == 'x')
        *out = (ct_number){0.5, false};
    else
        return false;
    return true;
}

static void arithmetic(void) {
    static const struct {
        const char *text;
        double value;
        bool is_int;
    } good[] = {
        {"4*$n", 48, true},    {"$n + 2 * 3", 18, true},  {"($n+2)*3", 42, true}, {"$n // 5", 2, true},
        {"$n % 5", 2, true},   {"$n / 4", 3, true},       {"$n / 5", 2.4, false}, {"-$n + 1", -11, true},
        {"$x * 2", 1, false},  {"1e-3*$n", 0.012, false}, {"2-3", -1, true},      {"10-2-3", 5, true},
        {"-7 // 2", -4, true}, {"((($n)))", 12, true},
    };
    static const struct {
        const char *text, *why;
    } bad[] = {
        {"$m", "$m is not defined"},
        {"$n +", "expected a number"},
        {"($n", "a ')' is missing"},
        {"$n $n", "did not expect"},
        {"$n / 0", "division by zero"},
        {"$", "a name must follow"},
        {"$n ** 2", "expected a number"},
        {"system($n)", "expected a number"},
        {"9007199254740992*$n", "an integer over 2^53"},
    };
    char why[128];
    ct_number v;
    for (int i = 0; i < CT_COUNT(good); i++) {
        if (!CHECK(ct_expr_eval(good[i].text, vars, NULL, &v, why))) printf("    %s: %s\n", good[i].text, why);
        CHECK_NEAR(v.value, good[i].value, 1e-12);
        CHECK(v.is_int == good[i].is_int);
    }
    for (int i = 0; i < CT_COUNT(bad); i++) {
        CHECK(!ct_expr_eval(bad[i].text, vars, NULL, &v, why));
        CHECK_HAS(why, bad[i].why);
    }
}

/* What `text` becomes, as flow-less YAML, or its diagnostics. */
static const char *expanded(const char *name, const char *text, bool diagnostics) {
    static char out[8192];
    ct_doc *doc = ct_doc_new();
    ct_yaml *root = NULL;
    ct_buf b = CT_BUF(sizeof out - 1);
    CHECK(ct_doc_parse(doc, name, text, strlen(text), &root) == CT_OK);
    ct_yaml *whole = root ? ct_spec_include(doc, root) : NULL;
    if (whole) whole = ct_spec_expand(doc, whole);
    if (diagnostics)
        ct_diag_write(doc, &b);
    else if (CHECK(whole && !ct_diag_count(doc, CT_ERROR)))
        ct_yaml_write(whole, &b);
    else
        ct_diag_write(doc, &b);
    snprintf(out, sizeof out, "%s", b.data ? b.data : "");
    ct_buf_free(&b);
    ct_doc_free(doc);
    return out;
}

static void variables(void) {
    CHECK_STR(expanded("s", "vars: {dim: 64, list: [1, 2]}\na: $dim\nb: 4*$dim\nc: [$list, '$dim']\n", false),
              "a: 64\nb: 256\nc:\n  - - 1\n    - 2\n  - \"$dim\"\n");
    CHECK_HAS(expanded("s", "vars: {dim: 64}\na: $din\n", true),
              "s:2:4: error: $din is not defined; did you mean '$dim'?");
}

static void blocks(void) {
    static const char text[] = "vars: {c: 8}\n"
                               "blocks:\n"
                               "  conv:\n"
                               "    params: {width: , stride: 1}\n"
                               "    layers: [conv2d: {out_channels: $width, kernel_size: 3, stride: $stride}, relu]\n"
                               "  two:\n"
                               "    params: {width: $c}\n"
                               "    layers: [conv: $width, conv: {width: 2*$width, stride: 2}]\n"
                               "model:\n"
                               "  - two\n"
                               "  - {conv: 4, repeat: 2}\n"
                               "  - {conv: {width: $c}, name: last}\n";
    const char *out = expanded("s", text, false);
    CHECK_HAS(out, "- sequential:\n      - sequential:\n          - conv2d:\n              out_channels: 8\n");
    CHECK_HAS(out, "out_channels: 16\n              kernel_size: 3\n              stride: 2\n");
    CHECK_HAS(out, "    name: last\n");
    CHECK(!strstr(out, "repeat") && !strstr(out, "blocks") && !strchr(out, '$'));
    CHECK_HAS(expanded("s", "blocks: {b: {params: {w: }, layers: [linear: $w]}}\nmodel: [b]\n", true),
              "s:2:9: error: parameter 'w' of the block is missing");
    CHECK_HAS(expanded("s", "blocks: {b: {params: {w: 1}, layers: [linear: $v]}}\nmodel:\n  - b: {x: 2}\n", true),
              "s:3:9: error: the block has no parameter 'x'");
    CHECK_HAS(expanded("s", "blocks: {b: {layers: [b]}}\nmodel: [b]\n", true), "block 'b' is used inside itself");
    char deep[40 * 32] = "blocks:\n"; /* a chain of blocks, each of the next one */
    for (int i = 0; i < 36; i++)
        snprintf(deep + strlen(deep), sizeof deep - strlen(deep), "  b%d: {layers: [b%d]}\n", i, i + 1);
    strcat(deep, "  b36: {layers: [relu]}\nmodel: [b0]\n");
    CHECK_HAS(expanded("s", deep, true), "blocks use each other more than 32 deep");
    CHECK_HAS(expanded("s", "blocks: {b: {layers: [linear: $v]}}\nmodel:\n  - b\n", true), "s:3:5: note: used here");
    CHECK_HAS(expanded("s", "model: [{relu: {}, repeat: -1}]\n", true), "repeat must be an integer from 0 to 10000");
}

static void includes(void) {
    puts_in("base.yaml", "train: {epochs: 5, batch_size: 8}\nseed: 1\n");
    puts_in("sub/mid.yaml", "include: ../base.yaml\ntrain: {epochs: 7}\n");
    char text[512];
    snprintf(text, sizeof text, "include: sub/mid.yaml\ntrain: {batch_size: 9}\n");
    CHECK_STR(expanded(at("main.yaml"), text, false), "train:\n  epochs: 7\n  batch_size: 9\nseed: 1\n");
    puts_in("loop.yaml", "include: loop.yaml\n");
    CHECK_HAS(expanded(at("main.yaml"), "include: loop.yaml\n", true), "includes nested too deeply");
    CHECK_HAS(expanded(at("main.yaml"), "include: none.yaml\n", true), "note: included here");
}

int main(void) {
    if (!CHECK(scratch_open())) return check_done("expand");
    RUN(arithmetic);
    RUN(variables);
    RUN(blocks);
    RUN(includes);
    scratch_close();
    return check_done("expand");
}
