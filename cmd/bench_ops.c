/* ctorch bench --ops: ops of the table, each alone. */
#include "cmd/bench.h"
#include <fnmatch.h>
#include <string.h>

static bool is_asked(const char *name, ct_operands patterns) {
    for (int i = 0; i < patterns.n; i++)
        if (!fnmatch(patterns.v[i], name, 0)) return true;
    return !patterns.n;
}

int ct_bench_ops_list(ct_operands patterns, const char ***names) {
    int all = 0, n = 0;
    while (ct_op_name(all)) all++;
    *names = ct_cmd_alloc((size_t)all, sizeof **names);
    for (int i = 0; i < all; i++)
        if (is_asked(ct_op_name(i), patterns)) (*names)[n++] = ct_op_name(i);
    return n;
}

ct_status ct_bench_op(const ct_bench_plan *p, ct_bench_result *r) {
    ct_op_report report;
    ct_status status = ct_say_error(ct_op_time(p->path, p->seconds, &report));
    if (status) return status;
    ct_bench_result_start(p, r);
    for (size_t i = 0; i < report.n; i++) ct_bench_list_add(&r->samples, report.s[i]);
    memcpy(r->shape, report.of.shape, sizeof r->shape);
    r->row.op = p->path, r->row.shape = r->shape, r->row.precision = "f32";
    r->row.bytes = report.of.bytes, r->row.operations = report.of.operations;
    ct_op_report_free(&report);
    status = ct_bench_sum(r);
    if (!status && p->rates) status = ct_bench_rates(r);
    if (status) ct_bench_result_free(r);
    return status;
}
