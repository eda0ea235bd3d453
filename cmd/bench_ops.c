/* ctorch bench --ops: every op of the table, alone. */
#include "cmd/bench.h"
#include <fnmatch.h>

static bool is_asked(const char *name, ct_operands patterns) {
    for (int i = 0; i < patterns.n; i++)
        if (!fnmatch(patterns.v[i], name, 0)) return true;
    return !patterns.n;
}

static void print_json(const ct_kernel_report *k) {
    ct_json j = {.out = stdout};
    ct_json_open(&j, NULL, '{');
    ct_json_text(&j, "op", k->name);
    ct_json_text(&j, "shape", k->shape);
    ct_json_number(&j, "seconds", k->seconds);
    ct_json_number(&j, "operations", k->operations);
    ct_json_number(&j, "bytes", k->bytes);
    ct_json_int(&j, "threads", ct_threads());
    ct_json_close(&j, '}');
}

static void print_line(const ct_kernel_report *k) {
    char time[32], operations[32] = "", bytes[32] = "";
    ct_bench_time(k->seconds, time);
    if (k->operations > 0) ct_bench_rate(k->operations / k->seconds, operations);
    if (k->bytes > 0) ct_bench_rate(k->bytes / k->seconds, bytes);
    printf("%-30s %-20s %9s %8.3g %8s %8s\n", k->name, k->shape, time, k->bytes, operations, bytes);
}

ct_status ct_bench_ops(ct_operands patterns, double seconds, bool json) {
    int n = 0;
    const char *name;
    for (int i = 0; (name = ct_op_name(i)); i++) {
        ct_kernel_report k;
        if (!is_asked(name, patterns)) continue;
        ct_status status = ct_say_error(ct_op_time(name, seconds, &k));
        if (status) return status;
        if (!n++ && !json) printf("%-30s %-20s %9s %8s %8s %8s\n", "op", "result", "time", "bytes", "FLOP/s", "byte/s");
        json ? print_json(&k) : print_line(&k);
        fflush(stdout);
    }
    return n ? CT_OK : ct_say(CT_BAD_SPEC, "bench --ops: no op is called so; ctorch-ops(7) lists them");
}
