/* ctorch check: what a spec says, and what is wrong with it, without data. */
#include "cmd/cmd.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

typedef struct args {
    const char **set;
    const char *warn;
    bool json, expand;
    int64_t batch;
} args;

#define AT(field) offsetof(args, field)
static const ct_option options[] = {
    {"set", 0, "KEY=VALUE", CT_OPTION_LIST, AT(set), "set a key of the spec, as train.epochs=10; may be given again", 0,
     0},
    {"batch", 'b', "N", CT_OPTION_INT, AT(batch), "train with batches of N, not train.batch_size", 1, 1 << 24},
    {"json", 0, NULL, CT_OPTION_FLAG, AT(json), "print the table as JSON", 0, 0},
    {"expand", 0, NULL, CT_OPTION_FLAG, AT(expand), "print the spec without includes, variables, blocks and repeats", 0,
     0},
    CT_WARN_OPTION(args),
    {0}};

static int wider(int width, const char *text) {
    int w = ct_text_width(text);
    return w > width ? w : width;
}

static void print_numbers(int64_t parameters, int64_t multiply_adds, int64_t activations) {
    char bytes[24];
    ct_bytes_text((double)activations, bytes);
    printf("  %10" PRId64 "  %13" PRId64 "  %11s\n", parameters, multiply_adds, bytes);
}

static void print_table(const ct_check_report *r) {
    int name = wider(0, "name"), layer = wider(0, "layer"), output = wider(wider(0, "output"), r->input);
    for (int i = 0; i < r->n_layers; i++) {
        name = wider(name, r->layer[i].name), layer = wider(layer, r->layer[i].layer);
        output = wider(output, r->layer[i].output);
    }
    printf("%-*s  %-*s  %-*s  parameters  multiply-adds  activations\n", name, "name", layer, "layer", output,
           "output");
    printf("%-*s  %-*s  %s\n", name, "", layer, "input", r->input);
    for (int i = 0; i < r->n_layers; i++) {
        const ct_layer_report *l = &r->layer[i];
        printf("%-*s  %-*s  %-*s", name, l->name, layer, l->layer, output, l->output);
        print_numbers(l->parameters, l->multiply_adds, l->activations);
    }
    printf("%-*s", name + layer + output + 4, "total");
    print_numbers(r->parameters, r->multiply_adds, r->activations);
    if (r->trainable < r->parameters)
        printf("%-*s  %10" PRId64 "\n", name + layer + output + 4, "trainable", r->trainable);
}

/* What memory is for, in the order of the table. */
static const struct {
    const char *name;
    size_t offset;
} kinds[] = {{"parameters", offsetof(ct_memory_report, parameters)},
             {"averages", offsetof(ct_memory_report, averages)},
             {"gradients", offsetof(ct_memory_report, gradients)},
             {"optimizer", offsetof(ct_memory_report, optimizer)},
             {"activations", offsetof(ct_memory_report, activations)},
             {"workspace", offsetof(ct_memory_report, workspace)},
             {"batch", offsetof(ct_memory_report, batch)},
             {"plans", offsetof(ct_memory_report, plans)},
             {"data", offsetof(ct_memory_report, data)}};
#define KINDS (sizeof kinds / sizeof *kinds)

static int64_t bytes_of(const ct_memory_report *m, size_t kind) {
    return *(const int64_t *)((const char *)m + kinds[kind].offset);
}

static void print_bytes(const char *name, int64_t bytes) {
    char text[24];
    ct_bytes_text((double)bytes, text);
    printf("%-11s  %11s\n", name, bytes < 0 ? "not known without it" : text);
}

static void print_memory(const ct_check_report *r) {
    printf("\nmemory to train with batches of %" PRId64 "\n", r->batch);
    for (size_t i = 0; i < KINDS; i++) print_bytes(kinds[i].name, bytes_of(&r->memory, i));
    print_bytes("peak", r->peak);
}

static void print_why(const ct_check_report *r) {
    if (*r->why) printf("\nnot checked against the data: %s\n", r->why);
}

static void print_json_layer(ct_json *j, const ct_layer_report *l) {
    ct_json_open(j, NULL, '{');
    ct_json_text(j, "name", l->name);
    ct_json_text(j, "layer", l->layer);
    ct_json_text(j, "output", l->output);
    ct_json_int(j, "parameters", l->parameters);
    ct_json_int(j, "multiply_adds", l->multiply_adds);
    ct_json_int(j, "activation_bytes", l->activations);
    ct_json_close(j, '}');
}

static void print_json(const ct_check_report *r) {
    ct_json j = {0};
    bool known = *r->input;
    ct_json_open(&j, NULL, '{');
    ct_json_text(&j, "input", known ? r->input : NULL);
    ct_json_int(&j, "parameters", r->parameters);
    ct_json_int(&j, "trainable", r->trainable);
    if (known) {
        ct_json_int(&j, "multiply_adds", r->multiply_adds);
        ct_json_int(&j, "activation_bytes", r->activations);
        ct_json_int(&j, "batch_size", r->batch);
        ct_json_int(&j, "peak_bytes", r->peak);
        ct_json_open(&j, "bytes", '{');
        for (size_t i = 0; i < KINDS; i++) {
            int64_t bytes = bytes_of(&r->memory, i);
            if (bytes < 0)
                ct_json_text(&j, kinds[i].name, NULL);
            else
                ct_json_int(&j, kinds[i].name, bytes);
        }
        ct_json_close(&j, '}');
    }
    ct_json_open(&j, "layers", '[');
    for (int i = 0; i < r->n_layers; i++) print_json_layer(&j, &r->layer[i]);
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
        print_table(r), print_memory(r), print_why(r);
    else
        printf("The spec is sound; only its data would say what size the input has%s%s.\n",
               *r->why ? ": " : " (of images, data.size and channels do)", r->why);
}

static ct_status run(const void *args_, ct_operands operands) {
    const args *a = args_;
    ct_spec *spec;
    char *messages;
    ct_list set = {0};
    if (a->expand && a->json) return ct_say(CT_BAD_SPEC, "check --expand: prints YAML, and knows no --json");
    for (const char **key = a->set; key && *key; key++) ct_list_add(&set, *key);
    char *batch = ct_cmd_format("train.batch_size=%" PRId64, a->batch);
    if (a->batch) ct_list_add(&set, batch);
    ct_status status = ct_spec_load(operands.v[0], (const char *const *)set.v, &spec, &messages);
    free(batch), ct_list_free(&set);
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
