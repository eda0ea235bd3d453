/* A step as events on a line of time, in the format of Chrome's about:tracing. */
#include "cmd/bench.h"

static void start_event(ct_json *j, const char *name, const char *phase) {
    ct_json_open(j, NULL, '{');
    ct_json_text(j, "name", name);
    ct_json_text(j, "ph", phase);
    ct_json_int(j, "pid", 1), ct_json_int(j, "tid", 1);
}

/* What the viewer calls the process or the thread. */
static void write_name(ct_json *j, const char *what, const char *name) {
    start_event(j, what, "M");
    ct_json_open(j, "args", '{');
    ct_json_text(j, "name", name);
    ct_json_close(j, '}');
    ct_json_close(j, '}');
}

static void write_event(ct_json *j, const ct_kernel_report *k) {
    start_event(j, k->name, "X");
    ct_json_number(j, "ts", 1e6 * k->start), ct_json_number(j, "dur", 1e6 * k->seconds);
    ct_json_open(j, "args", '{');
    ct_json_text(j, "shape", k->shape);
    ct_json_number(j, "operations", k->operations), ct_json_number(j, "bytes", k->bytes);
    ct_json_close(j, '}');
    ct_json_close(j, '}');
}

ct_status ct_bench_trace(const char *file, const char *model, const ct_kernel_report *k, int n) {
    ct_output out;
    ct_status status = ct_output_open(file, &out);
    if (status) return status;
    ct_json j = {.out = out.f};
    ct_json_open(&j, NULL, '{');
    ct_json_open(&j, "traceEvents", '[');
    write_name(&j, "process_name", "ctorch bench");
    write_name(&j, "thread_name", model);
    for (int i = 0; i < n; i++) write_event(&j, &k[i]);
    ct_json_close(&j, ']');
    ct_json_close(&j, '}');
    return ct_output_close(&out, CT_OK);
}
