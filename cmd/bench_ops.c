/* ctorch bench --ops: ops of the table, each alone. */
#include "cmd/bench.h"
#include <fnmatch.h>
#include <string.h>

static bool is_asked(const char *name, ct_operands patterns) {
    for (int i = 0; i < patterns.n; i++)
        if (!fnmatch(patterns.v[i], name, 0)) return true;
    return !patterns.n;
}

/* The first pattern that no op's name fits; NULL: all have some. */
static const char *useless(ct_operands patterns) {
    for (int i = 0; i < patterns.n; i++) {
        int k = 0;
        while (ct_op_name(k) && fnmatch(patterns.v[i], ct_op_name(k), 0)) k++;
        if (!ct_op_name(k)) return patterns.v[i];
    }
    return NULL;
}

ct_status ct_bench_ops_list(ct_operands patterns, const char ***names, int *n) {
    int all = 0;
    const char *wrong = useless(patterns);
    if (wrong) return ct_say(CT_BAD_SPEC, "bench --ops: no op is called '%.100s'; ctorch-ops(7) lists them", wrong);
    while (ct_op_name(all)) all++;
    *names = ct_cmd_alloc((size_t)all, sizeof **names);
    for (int i = 0; i < all; i++)
        if (is_asked(ct_op_name(i), patterns)) (*names)[(*n)++] = ct_op_name(i);
    return CT_OK;
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
