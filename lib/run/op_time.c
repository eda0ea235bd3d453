/* Ops of the table timed alone, each as a plan of its own. */
#include "base/alloc.h"
#include "base/clock.h"
#include "ctorch_run.h"
#include "ops/cases.h"
#include "ops/ops.h"
#include "plan/plan.h"
#include <stdio.h>
#include <string.h>

/* Cases of a size that is good for timing, written as the rows' own; pointwise ops have POINTWISE elements an input,
   and of others the first case of the row is timed. */
#define POINTWISE "+1048576 "
static const struct {
    const char *op, *text;
} sizes[] = {
    {"where", "b:1048576 1048576 1048576"},
    {"masked_fill", "1048576 b:1048576 | value=1"},
    {"prelu", "64x256x64 256"},
    {"glu", "1024x1024"},
    {"sum", "1024x1024 | dim=1"},
    {"mean", "1024x1024 | dim=1"},
    {"amax", "1024x1024 | dim=1"},
    {"amin", "1024x1024 | dim=1"},
    {"prod", "1024x1024 | dim=1"},
    {"var", "1024x1024 | dim=1"},
    {"std", "1024x1024 | dim=1"},
    {"norm", "1024x1024 | dim=1"},
    {"logsumexp", "1024x1024 | dim=1"},
    {"argmax", "1024x1024 | dim=1"},
    {"argmin", "1024x1024 | dim=1"},
    {"cumsum", "1024x1024 | dim=1"},
    {"sort", "256x1024"},
    {"topk", "256x1024 | k=8"},
    {"softmax", "1024x1024 | dim=-1"},
    {"log_softmax", "1024x1024 | dim=-1"},
    {"contiguous", "1024x1024"},
    {"cat", "512x1024 512x1024 | dim=0"},
    {"flip", "1024x1024 | dims=[1]"},
    {"roll", "1024x1024 | shifts=[7] dims=[1]"},
    {"pad", "32x32x32x32 | pad=[1,1,1,1]"},
    {"tril", "1024x1024"},
    {"triu", "1024x1024"},
    {"gather", "1024x1024 i1024:1024x1024 | dim=1"},
    {"index_select", "8192x128 i8192:8192"},
    {"embedding", "i8192:64x128 8192x128"},
    {"matmul", "512x512 512x512"},
    {"mm", "512x512 512x512"},
    {"bmm", "64x64x64 64x64x64"},
    {"linear", "512x512 512x512 512"},
    {"conv1d", "16x64x512 64x64x3 64 | padding=1"},
    {"conv2d", "16x64x32x32 64x64x3x3 64 | padding=1"},
    {"conv3d", "2x16x16x16x16 16x16x3x3x3 16 | padding=1"},
    {"conv_transpose2d", "16x64x16x16 64x32x2x2 32 | stride=2"},
    {"max_pool2d", "16x64x32x32 | kernel_size=2"},
    {"avg_pool2d", "16x64x32x32 | kernel_size=2"},
    {"adaptive_avg_pool2d", "16x64x32x32"},
    {"interpolate", "16x32x16x16 | scale_factor=2 mode=bilinear"},
    {"batch_norm", "16x64x32x32 64 +64 64 64 | training=true"},
    {"layer_norm", "1024x1024 1024 1024 | normalized_shape=[1024]"},
    {"rms_norm", "1024x1024 1024 | normalized_shape=[1024]"},
    {"group_norm", "16x64x32x32 64 64 | num_groups=8"},
    {"dropout", "1024x1024 | training=true"},
    {"scaled_dot_product_attention", "4x8x256x64 4x8x256x64 4x8x256x64 - | is_causal=true"},
    {"multi_head_attention", "8x128x256 768x256 768 256x256 256 - - - | num_heads=4 batch_first=true"},
    {"rnn_tanh", "32x64x128 128x128 128x128 128 128 - | batch_first=true"},
    {"gru", "32x64x128 384x128 384x128 384 384 - | batch_first=true"},
    {"lstm", "32x64x128 512x128 512x128 512 512 - - | batch_first=true"},
    {"stft_magnitude", "8x16000 +512 | n_fft=512"},
    {"cross_entropy", "1024x1024 i1024:1024 -"},
    {"mse_loss", "1024x1024 1024x1024"},
};

static bool is_public(const ct_op *op) { return !(op->flags & (CT_IS_GRAD | CT_IS_PART)); }

const char *ct_op_name(int i) {
    for (int id = 0; id < CT_OP_COUNT; id++)
        if (is_public(ct_op_get(id)) && !i--) return ct_op_get(id)->kind.name;
    return NULL;
}

static bool read_case(const ct_op *op, ct_case *c) {
    const uint64_t seed = 1;
    if (op->flags & CT_POINTWISE) {
        const char *text = POINTWISE POINTWISE POINTWISE;
        return ct_case_read(op, text + (sizeof POINTWISE - 1) * (size_t)(3 - op->n_in), CT_F32, seed, c);
    }
    for (int i = 0; i < CT_COUNT(sizes); i++)
        if (!strcmp(sizes[i].op, op->kind.name)) return ct_case_read(op, sizes[i].text, CT_F32, seed, c);
    return ct_case_make(op, 0, CT_F32, seed, c);
}

static ct_status call(void *c, ct_tensor **keep) {
    keep[0] = ct_case_call(c, NULL, NULL);
    return ct_why(keep[0]) ? keep[0]->status : CT_OK;
}

/* Runs that take `seconds`, LEAST or more, after a tenth of them that do not count. */
static ct_status time_plan(ct_plan *p, double seconds, ct_op_report *out) {
    enum { LEAST = 8, MOST = 4096 }; /* runs */
    out->s = ct_alloc(MOST, sizeof *out->s);
    ct_status status = out->s ? ct_plan_run(p) : CT_NO_MEMORY;
    for (double end = ct_now() + seconds / 10; !status && ct_now() < end;) status = ct_plan_run(p);
    double start = ct_now();
    for (double now = start, end; !status && out->n < MOST && (out->n < LEAST || now < start + seconds); now = end) {
        status = ct_plan_run(p);
        end = ct_now();
        out->s[out->n++] = end - now;
    }
    return status;
}

static ct_status find_median(ct_op_report *out) {
    double *sorted = ct_alloc(out->n, sizeof *sorted);
    if (!sorted) return CT_NO_MEMORY;
    memcpy(sorted, out->s, out->n * sizeof *sorted);
    ct_sort_numbers(sorted, out->n);
    out->of.seconds = ct_quantile(sorted, out->n, 0.5);
    ct_free(sorted);
    return CT_OK;
}

static ct_status time_case(ct_case *c, double seconds, ct_op_report *out) {
    ct_arena arena = {0};
    ct_plan *p = NULL;
    ct_status status = ct_plan_capture(call, c, 1, &arena, NULL, &p);
    if (!status) status = time_plan(p, seconds, out);
    if (!status) status = find_median(out);
    for (int i = 0; !status && i < ct_plan_launches(p); i++) {
        ct_launch_facts f;
        ct_plan_launch_facts(p, i, &f);
        out->of.operations += f.operations, out->of.bytes += f.bytes;
        memcpy(out->of.shape, f.shape, sizeof f.shape);
    }
    ct_plan_free(p);
    ct_arena_free(&arena);
    return status;
}

ct_status ct_op_time(const char *name, double seconds, ct_op_report *out) {
    const ct_op *op = ct_op_find(name);
    ct_case c;
    *out = (ct_op_report){0};
    if (!op || !is_public(op)) return ct_fail(CT_BAD_SPEC, "there is no op '%.80s'", name);
    snprintf(out->of.name, sizeof out->of.name, "%s", name);
    ct_scope *scope = ct_scope_open();
    ct_no_grad_begin();
    ct_status status = !scope ? CT_NO_MEMORY : read_case(op, &c) ? time_case(&c, seconds, out) : CT_FAIL;
    ct_no_grad_end();
    ct_status closed = ct_scope_close(scope);
    if (!status) status = closed;
    if (status) ct_op_report_free(out);
    return status;
}

void ct_op_report_free(ct_op_report *r) {
    ct_free(r->s);
    *r = (ct_op_report){0};
}
