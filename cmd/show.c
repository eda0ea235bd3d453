/* ctorch show: a model drawn, its steps, its schedule and its data. */
#include "cmd/show.h"
#include <string.h>

typedef struct args {
    const char **set;
    const char *output, *warn;
    int64_t depth;
    bool json, dot, svg;
} args;

#define AT(field) offsetof(args, field)
static const ct_option options[] = {
    {"set", 0, "KEY=VALUE", CT_OPTION_LIST, AT(set), "set a key of the spec, as vars.dim=64; may be given again", 0, 0},
    {"depth", 'd', "N", CT_OPTION_INT, AT(depth), "open groups of layers down to N deep, else all", 1, 1000},
    {"dot", 0, NULL, CT_OPTION_FLAG, AT(dot), "write the graph as text for Graphviz's dot", 0, 0},
    {"svg", 0, NULL, CT_OPTION_FLAG, AT(svg), "write a drawing as SVG", 0, 0},
    {"output", 'o', "FILE", CT_OPTION_TEXT, AT(output), "write FILE, not standard output", 0, 0},
    {"json", 0, NULL, CT_OPTION_FLAG, AT(json), "print it as JSON", 0, 0},
    CT_WARN_OPTION(args),
    {0}};

static void write_model(FILE *out, const args *a, const ct_show *s) {
    ct_sight v;
    ct_sight_open(ct_show_parts(s), a->depth, &v);
    if (a->json)
        ct_show_json(out, v.all);
    else if (a->dot)
        ct_show_dot(out, &v);
    else if (a->svg)
        ct_show_svg(out, &v);
    else
        ct_show_tree(out, &v);
    ct_sight_free(&v);
}

static ct_status show(const args *a, const ct_show *s) {
    ct_output out;
    ct_status status = ct_output_open(a->output && strcmp(a->output, "-") ? a->output : NULL, &out);
    if (status) return status;
    write_model(out.f, a, s);
    return ct_output_close(&out, CT_OK);
}

static ct_status run(const void *args_, ct_operands operands) {
    const args *a = args_;
    ct_show *s;
    char *messages;
    ct_status status = ct_show_open(operands.v[0], (const char *const *)a->set, ct_data_dirs(), &s, &messages);
    ct_say_spec(status, messages);
    if (status) return status;
    status = ct_say_warnings(ct_show_spec(s), a->warn);
    if (!status) status = show(a, s);
    ct_show_close(s);
    return status;
}

const ct_command ct_command_show = {
    "show", "Draws a model, its steps, its schedule or its data", "SPEC|MODEL", 1, 1, options, sizeof(args), run};
