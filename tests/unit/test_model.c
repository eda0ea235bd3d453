/* Models of any shape: what a spec's lists become, and what it says where they do not fit. */
#include "check.h"
#include "run/spec.h"
#include <glob.h>
#include <stdlib.h>

#define TAIL "loss: cross_entropy\noptimizer: sgd\n"

/* Builds `model` for (N, C, 8, 8): the output as text, or the diagnostics. */
static const char *built(const char *model, int64_t C, ct_module **m) {
    static char out[4096];
    char text[4096];
    ct_spec *spec = NULL;
    char *messages = NULL;
    ct_named_value in = {.name = "input", .layout = ct_layout_of(CT_F32, CT_DIMS(1, C, 8, 8))};
    const ct_named_value *value;
    int n;
    snprintf(text, sizeof text, "%s\n%s", model, TAIL);
    *m = NULL;
    if (!ct_spec_parse("s", text, strlen(text), NULL, &spec, &messages)) {
        *m = ct_model_build(spec->doc, &spec->model, 1, &in, 1, &value, &n, NULL, NULL);
        ct_text_free(messages); /* warnings */
        messages = NULL;
        if (*m)
            ct_batch_text(&value[n - 1].layout, out, sizeof out);
        else
            ct_spec_messages(spec, &messages);
    }
    if (messages) snprintf(out, sizeof out, "%s", messages);
    ct_text_free(messages);
    ct_spec_free(spec);
    return out;
}

/* The dotted names of all parameters, joined by spaces. */
static const char *names(ct_module *m) {
    static char out[4096];
    int n = m ? ct_module_count(m) : 0;
    ct_entry *e = calloc((size_t)n + 1, sizeof *e);
    if (m) ct_module_entries(m, e);
    *out = 0;
    for (int i = 0; i < n; i++) strcat(strcat(out, i ? " " : ""), e[i].name);
    free(e);
    return out;
}

static void expect(const char *model, int64_t C, const char *output, const char *parameters) {
    ct_module *m;
    CHECK_STR(built(model, C, &m), output);
    CHECK_STR(names(m), parameters);
    ct_module_free(m);
}

static void refuse(const char *model, const char *message) {
    ct_module *m;
    CHECK_HAS(built(model, 2, &m), message);
    CHECK(!m);
    ct_module_free(m);
}

static void shapes(void) {
    expect("model: [flatten, linear: 10]", 2, "(N, 10)", "1.weight 1.bias");
    expect("model: [sequential: [flatten, {linear: 3, name: a}], relu]", 2, "(N, 3)", "0.a.weight 0.a.bias");
    expect("model: [{residual: [{conv2d: {out_channels: 2, kernel_size: 3, padding: 1, bias: false}}, relu], name: r}]",
           2, "(N, 2, 8, 8)", "r.0.weight");
    expect("model: [residual: [{conv2d: {out_channels: 4, kernel_size: 3, padding: 1, stride: 2, bias: false}}]]", 2,
           "(N, 4, 4, 4)",
           "0.0.weight 0.shortcut.0.weight 0.shortcut.1.weight 0.shortcut.1.bias "
           "0.shortcut.1.running_mean 0.shortcut.1.running_var 0.shortcut.1.num_batches_tracked");
    expect("model: [{residual: [relu], shortcut: [{conv2d: {out_channels: 2, kernel_size: 1}}]}]", 2, "(N, 2, 8, 8)",
           "0.shortcut.0.weight 0.shortcut.0.bias");
    expect("model: [concat: [[relu], [{conv2d: {out_channels: 5, kernel_size: 1, bias: false}}]]]", 2, "(N, 7, 8, 8)",
           "0.1.0.weight");
    expect("model: [add: [[relu], [tanh], [sigmoid]]]", 2, "(N, 2, 8, 8)", "");
    expect("model: [{relu: , name: a}, {tanh: , name: b}, {concat: {inputs: [a, b, a]}}]", 2, "(N, 6, 8, 8)", "");
    expect("model: [{relu: , name: a}, tanh, {mul: {inputs: [a]}}, {add: , inputs: [a, a]}]", 2, "(N, 2, 8, 8)", "");
    expect("vars: {w: 3}\nmodel: [flatten, {linear: $w*2, repeat: 2}, linear: $w]", 2, "(N, 3)",
           "1.weight 1.bias 2.weight 2.bias 3.weight 3.bias");
}

static void results(void) {
    expect("model: [flatten, parallel: {mu: [linear: 3], s: [{linear: 4, name: b}, relu]}, {exp: , inputs: [s]}]", 2,
           "(N, 4)", "1.mu.0.weight 1.mu.0.bias 1.s.b.weight 1.s.b.bias");
    expect("model: [{parallel: [[relu], [flatten]], outputs: [a, b]}, {linear: 3, inputs: [b]}]", 2, "(N, 3)",
           "1.weight 1.bias");
    expect("model: [parallel: [[flatten], [relu]]]", 2, "(N, 128)", "");
    expect("model: [flatten, {unflatten: {unflattened_size: [16, 8]}}, {lstm: {hidden_size: 5, batch_first: true}, "
           "outputs: [y, h, c]}, {relu: , inputs: [c]}]",
           2, "(N, 1, 5)", "2.weight_ih_l0 2.weight_hh_l0 2.bias_ih_l0 2.bias_hh_l0");
    expect("model: [{sequential: [{topk: {k: 3, dim: 3}}], outputs: [v, i], name: top}, {relu: , inputs: [i]}]", 2,
           "(N, 2, 8, 3)", "");
    expect("model: [{relu: , name: a}, {where: , inputs: [a, a, -1.5]}, {pow: , inputs: [2, a]}, "
           "{add: {inputs: [a, 1]}}]",
           2, "(N, 2, 8, 8)", "");
    expect("model: [{flatten: 2, name: x}, {multi_head_attention: {num_heads: 2, batch_first: true, bias: false}, "
           "inputs: [x, null, x]}]",
           2, "(N, 2, 64)", "1.in_proj_weight 1.out_proj.weight");
}

static void refusals(void) {
    refuse("model: [{relu: , name: a}, {add: {inputs: [a, null]}}]", "add: its input 2 is missing");
    refuse("model: [{relu: , inputs: [~]}]", "relu: its input 1 is missing");
    refuse("model: [{add: {inputs: [a, b]}}]", "no layer before this one is named 'a'");
    refuse("model: [add: [[flatten], [relu]]]", "add: its values must have one shape");
    refuse("model: [add: 3]", "add wants a list of branches, or inputs");
    refuse("model: [residual: relu]", "expected a list of layers");
    refuse("model: [{residual: [relu], shortcat: [relu]}]", "unknown key 'shortcat' beside residual");
    refuse("model: [{relu: , name: a}, {tanh: , name: a}]", "a second layer named 'a'");
    refuse("model: [{relu: , inputs: [x, y, 3, [4]]}]", "inputs is a list of 1 to 8 names of layers");
    refuse("model: [flatten, conv2d: {out_channels: 3, kernel_size: 3}]", "note: its input, (N, 128), comes from here");
    refuse("model: [linear: $width]", "$width is not defined");
    refuse("model: [{relu: , inputs: [b]}, {tanh: , name: b}]", "note: this one comes later");
    refuse("model: [{relu: , inputs: [b]}, residual: [{lstm: 3, outputs: [a, b]}]]", "note: this one comes later");
    refuse("model: [{relu: , name: skip}, {tanh: , inputs: [skp]}]", "did you mean 'skip'?");
    refuse("model: [{relu: , inputs: ['2']}]", "no layer before this one is named '2'");
    refuse("model: [{relu: , outputs: [a, b]}]", "relu has 1 result here, this is number 2");
    refuse("model: [{relu: , outputs: a}]", "outputs is a list of 1 to 8 names of results");
    refuse("model: [{relu: , outputs: [a.b]}]", "a result's name is 1 to 63 letters");
    refuse("model: [parallel: {a.b: [relu]}]", "a branch's name is 1 to 63 letters");
    refuse("model: [parallel: ]", "parallel wants branches, a list or a map of lists of layers");
    refuse("model: [parallel]", "parallel wants branches, a list or a map of lists of layers");
    refuse("model: [add: [[relu], [relu], [relu], [relu], [relu], [relu], [relu], [relu], [relu]]]",
           "add has 9 branches, at most 8 are possible");
}

/* What named values are in a forward: y = relu(x) relu(x) + (exp(0 x) + 1) relu(x) + 1, the middle's factors branches.
 */
static void values(void) {
    ct_module *m;
    const char *text = built("model: [{relu: , name: a}, {mul: , inputs: [a, a], name: b}, "
                             "{parallel: {p: [mul_scalar: 0, exp, add_scalar: 1], q: [identity]}, inputs: [a]}, "
                             "{mul: {inputs: [p, q]}, name: c}, {add: {inputs: [b, c, 1]}}]",
                             2, &m);
    if (!CHECK(m)) {
        printf("%s", text);
        return;
    }
    ct_scope *scope = ct_scope_open();
    ct_tensor *x = ct_full(CT_F32, CT_DIMS(1, 2, 8, 8), 3);
    for (int i = 0; i < 2; i++) CHECK_NEAR(((float *)ct_data(ct_module_forward(m, x)))[100], 16, 0);
    CHECK(ct_scope_close(scope) == CT_OK);
    ct_module_free(m);
}

/* "..., 61,706 parameters..." in a spec's first line. */
static int64_t claimed(const char *path) {
    char line[512] = "";
    FILE *f = fopen(path, "r");
    if (f && !fgets(line, sizeof line, f)) *line = 0;
    if (f) fclose(f);
    char *end = strstr(line, " parameters");
    int64_t n = 0, unit = 1;
    for (; end && end > line && strchr("0123456789,", end[-1]); end--)
        if (end[-1] != ',') n += (end[-1] - '0') * unit, unit *= 10;
    return n;
}

/* Every spec that comes along is what its first line says. */
static void shelf(void) {
    glob_t g;
    if (!CHECK(!glob("specs/*.yaml", 0, NULL, &g) && g.gl_pathc >= 8)) return;
    for (size_t i = 0; i < g.gl_pathc; i++) {
        ct_spec *spec;
        ct_check_report r;
        char *messages = NULL;
        if (!CHECK(!ct_spec_load(g.gl_pathv[i], NULL, &spec, &messages))) continue;
        if (CHECK(!ct_spec_check(spec, &r, &messages)) && !CHECK(r.parameters == claimed(g.gl_pathv[i])))
            printf("    %s: %lld\n", g.gl_pathv[i], (long long)r.parameters);
        ct_check_report_free(&r);
        ct_text_free(messages);
        ct_spec_free(spec);
    }
    globfree(&g);
}

int main(void) {
    ct_scope *scope = ct_scope_open();
    RUN(shapes);
    RUN(results);
    RUN(refusals);
    RUN(values);
    RUN(shelf);
    (void)!ct_scope_close(scope);
    return check_done("model");
}
