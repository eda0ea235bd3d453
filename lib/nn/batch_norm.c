/* Batch normalisation (Ioffe and Szegedy, 2015), as torch.nn.BatchNorm1d to 3d. */
#include "nn/keys.h"
#include "nn/norm_part.h"
#include "tensor/scope.h"

typedef struct args {
    double eps, momentum;
    bool no_affine, no_track_running_stats;
} args;
static const ct_key keys[] = {
    CT_ROW_FLOAT(eps, 1e-5, 0, 1, "added to the variance"),
    {"momentum", CT_KEY_FLOAT, offsetof(args, momentum), 1, 0.1, 0, 1, "none", NULL,
     "weight of the batch in the running statistics; none: they are means over all batches"},
    CT_ROW_NOT(affine, "learn a scale and a shift a channel"),
    CT_ROW_NOT(track_running_stats, "keep running statistics, for use outside of training"),
    {0},
};

static ct_status build(ct_module *m, const ct_layout *in) {
    const args *a = m->args;
    if (in->ndim < 2) return ct_fail(CT_FAIL, "batch_norm wants an input of at least 2 dimensions (N, C, ...)");
    return ct_norm_build(m, in->size[1], !a->no_affine, !a->no_track_running_stats);
}

/* Counts a batch of training. */
static ct_status count(const ct_module *m) {
    ct_tensor *n = ct_param_named(m, "num_batches_tracked");
    return n && m->training ? ct_set_once(n, ct_add_scalar(n, 1)) : CT_OK;
}

/* How many batches there were, as a share: of the newest in a mean over all. */
static ct_tensor *share_of(const ct_module *m) {
    return ct_reciprocal(ct_to(ct_param_named(m, "num_batches_tracked"), CT_F32));
}

/* Running statistics as means over all batches: what they were, and the batch's own, which `op` leaves in them. */
static ct_tensor *accumulate(ct_module *m, ct_tensor *x, ct_batch_norm_args b) {
    static const char *const names[] = {"running_mean", "running_var"};
    ct_tensor *running[2], *before[2], *share = share_of(m);
    for (int i = 0; i < 2; i++) {
        running[i] = ct_param_named(m, names[i]);
        before[i] = ct_sub(running[i], ct_mul(running[i], share));
    }
    b.momentum = 1;
    ct_tensor *y = ct_batch_norm(x, running[0], running[1], ct_param_named(m, "weight"), ct_param_named(m, "bias"), b);
    for (int i = 0; i < 2 && !ct_why(y); i++) {
        ct_status status = ct_set_once(running[i], ct_add(before[i], ct_mul(running[i], share)));
        if (status) return ct_tensor_failed(status);
    }
    return y;
}

static ct_tensor *forward(ct_module *m, ct_tensor *x) {
    const args *a = m->args;
    ct_batch_norm_args b = {.training = m->training || a->no_track_running_stats,
                            .momentum = CT_GIVEN(a->momentum),
                            .eps = CT_GIVEN(a->eps)};
    ct_status status = count(m);
    if (status) return ct_tensor_failed(status);
    if (m->training && !a->no_track_running_stats && (m->cumulative || a->momentum < 0)) return accumulate(m, x, b);
    return ct_batch_norm(x, ct_param_named(m, "running_mean"), ct_param_named(m, "running_var"),
                         ct_param_named(m, "weight"), ct_param_named(m, "bias"), b);
}

const ct_layer ct_layer_batch_norm = {
    .kind = {"batch_norm", keys, sizeof(args), "normalises each channel over the batch"},
    .build = build,
    .forward = forward};

/* Those that have running statistics; `each` of them. */
static ct_status of_all(ct_module *m, ct_status (*each)(ct_module *norm), int *n) {
    if (m->layer == &ct_layer_batch_norm && ct_param_named(m, "running_mean")) {
        CT_TRY(each(m));
        ++*n;
    }
    for (int i = 0; i < m->n_children; i++) CT_TRY(of_all(m->child[i], each, n));
    return CT_OK;
}

static ct_status reset(ct_module *m) {
    static const char *const names[] = {"running_mean", "running_var", "num_batches_tracked"};
    m->cumulative = true;
    for (int i = 0; i < 3; i++) {
        ct_tensor *t = ct_param_named(m, names[i]);
        CT_TRY(ct_set(t, ct_full(ct_dtype_of(t), ct_shape_of(t), i == 1)));
    }
    return CT_OK;
}

static ct_status resume(ct_module *m) {
    m->cumulative = false;
    return CT_OK;
}

static ct_status for_each(ct_module *m, ct_status (*each)(ct_module *norm), int *n) {
    ct_scope *guard = ct_scope_guard();
    ct_no_grad_begin();
    *n = 0;
    ct_status status = m ? of_all(m, each, n) : ct_fail(CT_FAIL, "update_bn: there is no module");
    ct_no_grad_end();
    ct_scope_end(guard, NULL);
    ct_scope_note(status);
    return status;
}

ct_status ct_update_bn_begin(ct_module *m, int *n) { return for_each(m, reset, n); }
ct_status ct_update_bn_end(ct_module *m) { return for_each(m, resume, &(int){0}); }
