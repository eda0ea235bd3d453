/* ctorch check: what a spec says, and what is wrong with it, without data. */
#include "cmd/cmd.h"
#include <inttypes.h>
#include <string.h>

typedef struct args {
    const char **set;
    const char *warn;
    bool json, expand;
} args;

#define AT(field) offsetof(args, field)
static const ct_option options[] = {{"set", 0, "KEY=VALUE", CT_OPTION_LIST, AT(set),
                                     "set a key of the spec, as train.epochs=10; may be given again", 0, 0},
                                    {"json", 0, NULL, CT_OPTION_FLAG, AT(json), "print the table as JSON", 0, 0},
                                    {"expand", 0, NULL, CT_OPTION_FLAG, AT(expand),
                                     "print the spec without includes, variables, blocks and repeats", 0, 0},
                                    CT_WARN_OPTION(args),
                                    {0}};

static int wider(int width, const char *text) {
    int w = ct_text_width(text);
    return w > width ? w : width;
}

static void print_table(const ct_check_report *r) {
    int name = wider(0, "name"), layer = wider(0, "layer"), output = wider(wider(0, "output"), r->input);
    for (int i = 0; i < r->n_layers; i++) {
        name = wider(name, r->layer[i].name), layer = wider(layer, r->layer[i].layer);
        output = wider(output, r->layer[i].output);
    }
    printf("%-*s  %-*s  %-*s  parameters\n", name, "name", layer, "layer", output, "output");
    printf("%-*s  %-*s  %-*s  %10s\n", name, "", layer, "input", output, r->input, "");
    for (int i = 0; i < r->n_layers; i++) {
        const ct_layer_report *l = &r->layer[i];
        printf("%-*s  %-*s  %-*s  %10" PRId64 "\n", name, l->name, layer, l->layer, output, l->output, l->parameters);
    }
    printf("%-*s  %10" PRId64 "\n", name + layer + output + 4, "total", r->parameters);
    if (r->trainable < r->parameters)
        printf("%-*s  %10" PRId64 "\n", name + layer + output + 4, "trainable", r->trainable);
}

static void print_json(const ct_check_report *r) {
    ct_json j = {0};
    ct_json_open(&j, NULL, '{');
    ct_json_text(&j, "input", *r->input ? r->input : NULL);
    ct_json_int(&j, "parameters", r->parameters);
    ct_json_int(&j, "trainable", r->trainable);
    ct_json_open(&j, "layers", '[');
    for (int i = 0; i < r->n_layers; i++) {
        ct_json_open(&j, NULL, '{');
        ct_json_text(&j, "name", r->layer[i].name);
        ct_json_text(&j, "layer", r->layer[i].layer);
        ct_json_text(&j, "output", r->layer[i].output);
        ct_json_int(&j, "parameters", r->layer[i].parameters);
        ct_json_close(&j, '}');
    }
    ct_json_close(&j, ']');
    ct_json_close(&j, '}');
}

static ct_status print_expanded(const ct_spec *spec) {
    char *text;
    ct_status status = ct_spec_expanded(spec, &text);
    if (status) return ct_say_error(status);
    fputs(text, stdout);
    ct_text_free(text);
    return CT_OK;
}

static void print(const args *a, const ct_check_report *r) {
    if (a->json)
        print_json(r);
    else if (*r->input)
        print_table(r);
    else
        puts("The spec is sound; only its data would say what size the input has (or data.size).");
}

static ct_status run(const void *args_, ct_operands operands) {
    const args *a = args_;
    ct_spec *spec;
    char *messages;
    ct_status status = ct_spec_load(operands.v[0], (const char *const *)a->set, &spec, &messages);
    if (status) return ct_say_spec(status, messages);
    ct_text_free(messages); /* what there is comes again, with what the shapes say */
    ct_check_report report;
    status = ct_spec_check(spec, &report, &messages);
    ct_say_spec(status, messages);
    bool sound = !status;
    if (sound) status = ct_say_warnings(spec, a->warn);
    if (!status && a->expand)
        status = print_expanded(spec);
    else if (!status)
        print(a, &report);
    if (sound) ct_check_report_free(&report);
    ct_spec_free(spec);
    return status;
}

const ct_command ct_command_check = {
    "check", "Says what is wrong with a spec, or what its model is", "SPEC", 1, 1, options, sizeof(args), run};
