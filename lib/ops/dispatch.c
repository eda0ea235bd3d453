/* Which kernel runs: the processor's best instruction set if its kernel can, else plain C. */
#include "base/alloc.h"
#include "kernels/backend.h"
#include "ops/ops.h"
#include <stdio.h>
#include <string.h>

static const ct_backend *_Atomic chosen; /* NULL: not asked yet */

static const ct_backend *best(void) {
    for (const ct_backend_choice *c = ct_backends_cpu; c->backend; c++)
        if (c->runs()) return c->backend;
    return &ct_backend_ref;
}

static const ct_backend *backend(void) {
    const ct_backend *b = chosen;
    if (!b) chosen = b = best();
    return b;
}

const char *ct_backend_name(void) { return backend()->name; }
static ct_bf16_way bf16_way(void) { return backend()->bf16 ? ct_cpu_bf16() : CT_BF16_PLAIN; }
bool ct_backend_reproducible(bool bf16) { return backend()->fused && !(bf16 && bf16_way() == CT_BF16_DOT); }
void ct_backend_portable(void) { ct_cpu_bf16_portable(); }
bool ct_backend_bf16(void) { return bf16_way() != CT_BF16_PLAIN; }

ct_status ct_backend_use(const char *name) {
    if (!name)
        chosen = best();
    else if (!strcmp(name, ct_backend_ref.name))
        chosen = &ct_backend_ref;
    else {
        const ct_backend_choice *c = ct_backends_cpu;
        while (c->backend && strcmp(c->backend->name, name)) c++;
        if (!c->backend || !c->runs()) return ct_fail(CT_FAIL, "instruction set '%s' is not to be had here", name);
        chosen = c->backend;
    }
    return CT_OK;
}

ct_status ct_kernel_pick(const ct_call *call, const ct_kernel **kernel, void **state, size_t *workspace) {
    const ct_backend *order[] = {backend(), &ct_backend_ref};
    for (int i = 0; i < 2; i++) {
        const ct_kernel *k = order[i]->kernel[call->op];
        if (!k) continue;
        *kernel = k, *state = NULL, *workspace = 0;
        ct_status status = k->prepare ? k->prepare(call, state, workspace) : CT_OK;
        if (status != CT_UNSUPPORTED) return status;
    }
    return ct_fail(CT_FAIL, "%s: not for %s", ct_op_get(call->op)->kind.name,
                   call->n_in ? ct_dtype_name(call->in[0].dtype) : "this type");
}

ct_row_fn ct_kernel_row(const ct_call *call) {
    const ct_backend *order[] = {backend(), &ct_backend_ref};
    ct_row_fn row = NULL;
    for (int i = 0; i < 2 && !row; i++) {
        const ct_kernel *k = order[i]->kernel[call->op];
        if (k && k->row) row = k->row(call);
    }
    return row;
}

static _Atomic int64_t runs;

int64_t ct_kernel_runs(void) { return runs; }

ct_status ct_kernel_run(const ct_call *call, const void *const *in, void *const *out) {
    const ct_kernel *kernel;
    void *state, *workspace = NULL;
    size_t bytes;
    CT_TRY(ct_kernel_pick(call, &kernel, &state, &bytes));
    ct_status status = bytes && !(workspace = ct_alloc_aligned(bytes, 1)) ? CT_NO_MEMORY : CT_OK;
    if (!status) {
        _Atomic int64_t bad = 0;
        runs++;
        kernel->run(&(ct_exec){.workspace = workspace, .bad = &bad}, call, state, in, out);
        if (bad)
            status = ct_fail(CT_FAIL, "%s: index %lld is out of range", ct_op_get(call->op)->kind.name,
                             (long long)ct_bad_value(bad));
    }
    if (state) (kernel->release ? kernel->release : ct_free)(state);
    ct_free(workspace);
    return status;
}
