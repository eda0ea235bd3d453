/* Cross entropy of logits x (N, C) and classes (N), and its gradient. The target is a distribution: all on the class t,
   but for label_smoothing's share, spread evenly; w are the classes' weights. */
#include "base/alloc.h"
#include "base/parallel.h"
#include "kernels/cpu/lanes.h"
#include "kernels/cpu/layout.h"
#include "kernels/cpu/math.h"

enum { MEAN, SUM, NONE };

typedef struct loss_run {
    const ct_exec *exec;
    const ct_cross_entropy_args *args;
    int64_t n, classes;
    const float *x, *weight, *g;
    const int64_t *target;
    const float *lse_in;
    float *lse, *loss, *weights, *dx; /* loss and weights: of each sample */
    float all, scale;                 /* the sum of all classes' weights; what a gradient is multiplied by */
} loss_run;

static bool rows_fit(const ct_layout *x, const ct_layout *target, const ct_layout *weight) {
    return layout_is(x, CT_F32) && x->ndim == 2 && ct_layout_numel(x) && layout_is(target, CT_I64) &&
           (weight->dtype == CT_NONE || layout_is(weight, CT_F32));
}

static ct_status loss_prepare(const ct_call *call, void **state, size_t *workspace) {
    if (!rows_fit(&call->in[0], &call->in[1], &call->in[2])) return CT_UNSUPPORTED;
    if (!layout_is(&call->out[0], CT_F32) || !layout_is(&call->out[1], CT_F32)) return CT_UNSUPPORTED;
    *state = NULL;
    *workspace = (size_t)call->in[0].size[0] * 2 * sizeof(float);
    return CT_OK;
}

static ct_status back_prepare(const ct_call *call, void **state, size_t *workspace) {
    bool fits = rows_fit(&call->in[1], &call->in[2], &call->in[3]) && layout_is(&call->in[0], CT_F32);
    if (!fits || !layout_is(&call->in[4], CT_F32) || !layout_is(&call->out[0], CT_F32)) return CT_UNSUPPORTED;
    *state = NULL;
    *workspace = 0;
    return CT_OK;
}

/* The class of sample i; -1 where it counts for nothing. */
static int64_t target_of(const loss_run *r, int64_t i) {
    int64_t t = r->target[i];
    if (t == r->args->ignore_index) return -1;
    if (t >= 0 && t < r->classes) return t;
    ct_exec_bad(r->exec, t);
    return -1;
}
static float weight_of(const loss_run *r, int64_t t) { return t < 0 ? 0 : r->weight ? r->weight[t] : 1; }

CT_INLINE lanes exp_less(const float *x, float most) {
    float e[LANES];
#pragma omp simd
    for (int j = 0; j < LANES; j++) e[j] = exp_f32(x[j] - most);
    return lanes_load(e);
}

/* The logarithm of the sum of e^x. */
static float logsumexp(const float *x, int64_t n) {
    float most = max_f32(x, n), rest[LANES];
    lanes sum = lanes_set(0);
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) sum = lanes_add(sum, exp_less(x + i, most));
    lanes_store(rest, lanes_load_part(x + i, n - i, -__builtin_inff()));
    if (i < n) sum = lanes_add(sum, exp_less(rest, most));
    return most + log_f32(lanes_sum(sum));
}

/* The sum over the classes of w (lse - x). */
static float spread_loss(const loss_run *r, const float *x, float lse) {
    lanes sum = lanes_set(0), at = lanes_set(lse);
    for (int64_t i = 0; i < r->classes; i += LANES) {
        int64_t n = r->classes - i;
        lanes part = lanes_sub(at, lanes_load_part(x + i, n, lse));
        sum = r->weight ? lanes_fma(part, lanes_load_part(r->weight + i, n, 0), sum) : lanes_add(sum, part);
    }
    return lanes_sum(sum);
}

static void loss_row(const loss_run *r, const float *x, int64_t i) {
    float smooth = (float)r->args->label_smoothing;
    int64_t t = target_of(r, i);
    float lse = logsumexp(x, r->classes), w = weight_of(r, t), loss = 0;
    if (t >= 0) loss = (1 - smooth) * w * (lse - x[t]);
    if (t >= 0 && smooth > 0) loss += smooth / (float)r->classes * spread_loss(r, x, lse);
    if (r->lse) r->lse[i] = lse;
    r->loss[i] = loss, r->weights[i] = w;
}

static void loss_rows(void *ctx, int64_t begin, int64_t end) {
    const loss_run *r = ctx;
    float room[HEAD_FLOATS];
    int64_t n = r->classes;
    for (int64_t row = begin, k; row < end; row += k) {
        k = head_rows(r->exec, n, end - row);
        const float *x = ct_head_read(r->exec, r->x, row * n, k * n, room);
        for (int64_t i = 0; i < k; i++) loss_row(r, x + i * n, row + i);
    }
}

static void loss_run_(const ct_exec *exec, const ct_call *call, void *state, const void *const *in, void *const *out) {
    loss_run r = {.exec = exec, .args = call->args, .x = in[0], .target = in[1], .weight = in[2], .lse = out[1]};
    float *loss = out[0];
    r.n = call->in[0].size[0], r.classes = call->in[0].size[1];
    r.loss = exec->workspace, r.weights = r.loss + r.n;
    if (r.args->reduction == NONE && loss) r.loss = loss;
    ct_parallel(r.n, grain_of(r.classes * 4), loss_rows, &r);
    double total = 0, weights = 0;
    for (int64_t i = 0; i < r.n; i++) total += (double)r.loss[i], weights += (double)r.weights[i];
    if (r.args->reduction != NONE && loss) *loss = (float)(r.args->reduction == MEAN ? total / weights : total);
    (void)state;
}

static bool loss_heads(const ct_call *call, const void *state) {
    (void)state;
    return call->in[0].size[1] <= HEAD_FLOATS;
}

/* With p = softmax(x): g times (p times the target's mass, less the target). */
static void back_rows(void *ctx, int64_t begin, int64_t end) {
    const loss_run *r = ctx;
    float smooth = (float)r->args->label_smoothing, each = smooth / (float)r->classes;
    for (int64_t i = begin; i < end; i++) {
        const float *x = r->x + i * r->classes, lse = r->lse_in[i];
        float *dx = r->dx + i * r->classes;
        int64_t t = target_of(r, i);
        float hit = (1 - smooth) * weight_of(r, t), mass = hit + each * r->all;
        float g = t < 0 ? 0 : r->args->reduction == NONE ? r->g[i] : r->scale;
        for (int64_t c = 0; c < r->classes && t < 0; c++) dx[c] = 0;
        if (t < 0) continue;
        if (r->weight)
#pragma omp simd
            for (int64_t c = 0; c < r->classes; c++) dx[c] = g * (exp_f32(x[c] - lse) * mass - each * r->weight[c]);
        else
#pragma omp simd
            for (int64_t c = 0; c < r->classes; c++) dx[c] = g * (exp_f32(x[c] - lse) * mass - each);
        dx[t] -= g * hit;
    }
}

static void back_run(const ct_exec *exec, const ct_call *call, void *state, const void *const *in, void *const *out) {
    loss_run r = {.exec = exec, .args = call->args, .g = in[0], .x = in[1], .target = in[2], .weight = in[3]};
    r.lse_in = in[4], r.dx = out[0];
    r.n = call->in[1].size[0], r.classes = call->in[1].size[1];
    double all = (double)r.classes, weights = 0;
    for (int64_t i = 0; i < r.n && r.args->reduction == MEAN; i++) weights += (double)weight_of(&r, target_of(&r, i));
    if (r.weight) all = 0;
    for (int64_t c = 0; c < r.classes && r.weight; c++) all += (double)r.weight[c];
    r.all = (float)all;
    if (r.args->reduction != NONE) r.scale = (float)(r.args->reduction == MEAN ? r.g[0] / weights : r.g[0]);
    ct_parallel(r.n, grain_of(r.classes * 4), back_rows, &r);
    (void)state;
}

const ct_kernel CT_ISA_NAME(ct_cpu_cross_entropy_) = {.prepare = loss_prepare, .run = loss_run_, .heads = loss_heads};
const ct_kernel CT_ISA_NAME(ct_cpu_cross_entropy_back) = {.prepare = back_prepare, .run = back_run};
