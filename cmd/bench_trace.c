/* A step as events on a line of time, in the format of Chrome's about:tracing. */
#include "cmd/bench.h"

static void write_event(ct_json *j, const ct_kernel_report *k) {
    ct_json_open(j, NULL, '{');
    ct_json_text(j, "name", k->name);
    ct_json_text(j, "ph", "X");
    ct_json_int(j, "pid", 1), ct_json_int(j, "tid", 1);
    ct_json_number(j, "ts", 1e6 * k->start), ct_json_number(j, "dur", 1e6 * k->seconds);
    ct_json_open(j, "args", '{');
    ct_json_text(j, "shape", k->shape);
    ct_json_number(j, "operations", k->operations), ct_json_number(j, "bytes", k->bytes);
    ct_json_close(j, '}');
    ct_json_close(j, '}');
}

ct_status ct_bench_trace(const char *file, const ct_kernel_report *k, int n) {
    ct_output out;
    ct_status status = ct_output_open(file, &out);
    if (status) return status;
    ct_json j = {.out = out.f};
    ct_json_open(&j, NULL, '{');
    ct_json_open(&j, "traceEvents", '[');
    for (int i = 0; i < n; i++) write_event(&j, &k[i]);
    ct_json_close(&j, ']');
    ct_json_close(&j, '}');
    return ct_output_close(&out, CT_OK);
}
