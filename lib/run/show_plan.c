/* How a step of what is shown is run. */
#include "base/alloc.h"
#include "plan/pass.h"
#include "run/show.h"
#include "run/step.h"
#include <string.h>

#define MAX_TEXT ((size_t)64 << 20)

static void count_ops(void *ctx, const ct_pass *pass, int ops) {
    ct_plan_report *r = ctx;
    if (!pass)
        r->captured = ops;
    else
        r->pass[pass - ct_passes].ops = ops, r->pass[pass - ct_passes].on = true;
}

static ct_status list_kernels(void *ctx, const ct_plan *p) {
    ct_plan_report *r = ctx;
    int n = ct_plan_launches(p);
    if (!(r->kernel = ct_alloc((size_t)n, sizeof *r->kernel))) return CT_NO_MEMORY;
    for (r->n_kernels = 0; r->n_kernels < n; r->n_kernels++) {
        ct_launch_facts f;
        ct_kernel_report *k = &r->kernel[r->n_kernels];
        ct_plan_launch_facts(p, r->n_kernels, &f);
        *k = (ct_kernel_report){.operations = f.operations, .bytes = f.bytes};
        memcpy(k->name, f.name, sizeof f.name), memcpy(k->shape, f.shape, sizeof f.shape);
    }
    r->apart = (int64_t)ct_plan_apart_bytes(p);
    return CT_OK;
}

/* What the first pass changes in the capture shows when that is made without it. */
static ct_status count_whole(ct_step *s, bool eval, ct_plan_report *r) {
    ct_step_bytes unused;
    ct_step_view view = {.watch = &(ct_pass_watch){count_ops, r}, .off = ~0u};
    return r->pass[0].on ? ct_step_look(s, r->batch, !eval, &view, &unused) : CT_OK;
}

static ct_status look(ct_step *s, bool eval, ct_plan_report *r) {
    ct_buf before = CT_BUF(MAX_TEXT), after = CT_BUF(MAX_TEXT);
    ct_step_bytes bytes = {0};
    ct_step_view view = {
        .before = &before, .after = &after, .watch = &(ct_pass_watch){count_ops, r}, .plan = list_kernels, .ctx = r};
    ct_status status = ct_step_look(s, r->batch, !eval, &view, &bytes);
    r->before = before.data, r->after = after.data;
    if (!status) status = ct_buf_status(&before);
    if (!status) status = ct_buf_status(&after);
    r->values = (int64_t)bytes.values, r->workspace = (int64_t)bytes.workspace;
    return status ? status : count_whole(s, eval, r);
}

static ct_status plan(ct_show *s, bool eval, ct_plan_report *r) {
    ct_optim *optim;
    ct_step *step;
    while (ct_passes[r->n_passes].name) r->n_passes++;
    if (!(r->pass = ct_alloc((size_t)r->n_passes, sizeof *r->pass))) return CT_NO_MEMORY;
    for (int i = 0; i < r->n_passes; i++) r->pass[i] = (ct_pass_report){ct_passes[i].name, ct_passes[i].help, false, 0};
    r->batch = s->given.spec->train.batch_size;
    CT_TRY(ct_run_optimizer(s->given.spec, s->net.module, &optim));
    ct_status status = ct_step_new(&s->net, optim, r->batch, false, &step);
    if (!status) {
        status = look(step, eval, r);
        ct_step_free(step);
    }
    ct_optim_free(optim);
    return status;
}

ct_status ct_show_plan(ct_show *s, bool eval, ct_plan_report *out) {
    *out = (ct_plan_report){0};
    ct_scope *scope = ct_scope_open();
    if (!scope) return CT_NO_MEMORY;
    ct_status status = plan(s, eval, out), closed = ct_scope_close(scope);
    if (!status) status = closed;
    if (status) ct_plan_report_free(out);
    return status;
}

void ct_plan_report_free(ct_plan_report *r) {
    ct_free(r->pass), ct_free(r->kernel), ct_free(r->before), ct_free(r->after);
    *r = (ct_plan_report){0};
}
