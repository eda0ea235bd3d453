/* ctorch show: a model drawn, its steps, its schedule and its data. */
#include "cmd/show.h"
#include <string.h>

typedef struct args {
    const char **set;
    const char *output, *warn, *batch;
    int64_t depth;
    bool json, dot, svg, plan, eval, schedule;
    ct_machine machine;
} args;

#define AT(field) offsetof(args, field)
static const ct_option options[] = {
    {"set", 0, "KEY=VALUE", CT_OPTION_LIST, AT(set), "set a key of the spec, as vars.dim=64; may be given again", 0, 0},
    {"depth", 'd', "N", CT_OPTION_INT, AT(depth), "open groups of layers down to N deep, else all", 1, 1000},
    {"dot", 0, NULL, CT_OPTION_FLAG, AT(dot), "write the graph as text for Graphviz's dot", 0, 0},
    {"svg", 0, NULL, CT_OPTION_FLAG, AT(svg), "write a drawing as SVG", 0, 0},
    {"plan", 0, NULL, CT_OPTION_FLAG, AT(plan), "print how a step is run, before and after the passes over it", 0, 0},
    {"eval", 0, NULL, CT_OPTION_FLAG, AT(eval), "with --plan: of evaluation, not of training", 0, 0},
    {"schedule", 0, NULL, CT_OPTION_FLAG, AT(schedule), "plot the learning rate over the run", 0, 0},
    {"batch", 0, "FILE", CT_OPTION_TEXT, AT(batch), "draw a batch as the model gets it, a PNG; of a text, its samples",
     0, 0},
    {"output", 'o', "FILE", CT_OPTION_TEXT, AT(output), "write FILE, not standard output", 0, 0},
    {"json", 0, NULL, CT_OPTION_FLAG, AT(json), "print it as JSON", 0, 0},
    CT_MACHINE_OPTIONS(args),
    CT_WARN_OPTION(args),
    {0}};

static ct_status write_model(FILE *out, const args *a, ct_show *s) {
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
    return CT_OK;
}

static ct_status write_plan(FILE *out, const args *a, ct_show *s) {
    ct_plan_report r;
    ct_status status = ct_show_plan(s, a->eval, &r);
    if (status) return ct_say_error(status);
    (a->json ? ct_show_plan_json : ct_show_plan_text)(out, &r, a->eval);
    ct_plan_report_free(&r);
    return CT_OK;
}

static ct_status write_schedule(FILE *out, const args *a, ct_show *s) {
    enum { MOST = 100000 }; /* steps in JSON */
    ct_rates_report r;
    ct_status status = ct_show_rates(s, a->json ? MOST : ct_show_schedule_points(a->svg), &r);
    if (status) return ct_say_error(status);
    (a->json ? ct_show_schedule_json : a->svg ? ct_show_schedule_svg : ct_show_schedule_text)(out, &r);
    ct_rates_report_free(&r);
    return CT_OK;
}

static ct_status write_batch(const args *a, ct_show *s) {
    ct_batch_report r;
    ct_status status = ct_show_batch(s, &r);
    if (status) return ct_say_error(status);
    status = ct_show_batch_file(a->batch, &r);
    ct_batch_report_free(&r);
    return status;
}

static ct_status show(const args *a, ct_show *s) {
    ct_output out;
    if (a->batch) return write_batch(a, s);
    ct_status status = ct_output_open(a->output && strcmp(a->output, "-") ? a->output : NULL, &out);
    if (status) return status;
    status = (a->plan ? write_plan : a->schedule ? write_schedule : write_model)(out.f, a, s);
    return ct_output_close(&out, status);
}

/* What goes together. */
static ct_status check(const args *a) {
    if (a->dot + a->svg + a->json > 1) return ct_say(CT_BAD_SPEC, "show: one of --dot, --svg and --json");
    if (a->plan + a->schedule + !!a->batch > 1)
        return ct_say(CT_BAD_SPEC, "show: one of --plan, --schedule and --batch");
    if (a->batch && (a->dot + a->svg + a->json || a->output))
        return ct_say(CT_BAD_SPEC, "show --batch: is a file, which it names");
    if (a->plan && (a->dot || a->svg)) return ct_say(CT_BAD_SPEC, "show --plan: is text, or JSON");
    if (a->schedule && a->dot) return ct_say(CT_BAD_SPEC, "show --schedule: is text, SVG, or JSON");
    if (a->eval && !a->plan) return ct_say(CT_BAD_SPEC, "show --eval: is of --plan");
    return CT_OK;
}

static ct_status run(const void *args_, ct_operands operands) {
    const args *a = args_;
    ct_show *s;
    char *messages;
    ct_status status = ct_machine_use(&a->machine);
    if (!status) status = check(a);
    if (status) return status;
    status = ct_show_open(operands.v[0], (const char *const *)a->set, ct_data_dirs(), &s, &messages);
    ct_say_spec(status, messages);
    if (status) return status;
    status = ct_say_warnings(ct_show_spec(s), a->warn);
    if (!status) status = show(a, s);
    ct_show_close(s);
    return status;
}

const ct_command ct_command_show = {
    "show", "Draws a model, its steps, its schedule or its data", "SPEC|MODEL", 1, 1, options, sizeof(args), run};
