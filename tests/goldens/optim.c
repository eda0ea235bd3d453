/* Optimizers over a few steps with given gradients: called, and as a plan that is run for each of them. */
#include "base/alloc.h"
#include "goldens.h"
#include "optim/optim.h"
#include "plan/plan.h"
#include <math.h>

static ct_tensor *row(ct_tensor *t, int64_t i) {
    ct_slice_args s = {0};
    for (int d = 0; d < ct_ndim(t); d++) s.start.v[d] = d ? 0 : i, s.stop.v[d] = d ? ct_size(t, d) : i + 1;
    s.start.n = s.stop.n = ct_ndim(t);
    return ct_contiguous(ct_squeeze(ct_slice(t, s), (ct_squeeze_args){CT_DIMS(0)}));
}

static ct_status step(void *o, ct_tensor **keep) {
    (void)keep;
    return ct_optim_step(o);
}

/* The largest distance from params after each of the steps, all of which find their gradient in the same place. */
static ct_status steps(ct_optim *o, ct_tensor *param, const json_t *json, golden *g, bool planned, double *worst) {
    ct_tensor *grads = golden_tensor(g, json_object_get(json, "grads")),
              *params = golden_tensor(g, json_object_get(json, "params"));
    if (ct_why(grads) || ct_why(params)) return ct_fail(CT_FAIL, "it has no gradients, or no values");
    ct_arena arena = {0};
    ct_plan *plan = NULL;
    ct_tensor *grad = ct_full(ct_dtype_of(param), ct_shape_of(param), 0);
    ct_zero_grad(param);
    param->grad = ct_tensor_ref(grad);
    ct_status status = planned ? ct_plan_capture(step, o, 0, &arena, NULL, &plan) : CT_OK;
    for (int64_t i = 0; !status && i < ct_size(grads, 0); i++) {
        const char *why;
        status = ct_set(grad, row(grads, i));
        if (!status) status = planned ? ct_plan_run(plan) : ct_optim_step(o);
        *worst = fmax(*worst, golden_distance(param, row(params, i), &why));
    }
    ct_plan_free(plan), ct_arena_free(&arena);
    return status;
}

static void run_as(golden *g, const char *name, const json_t *json, const ct_kind *kind, void *args, bool planned) {
    ct_optim *o = NULL;
    double worst = 0;
    ct_tensor *given = golden_tensor(g, json_object_get(json, "param"));
    ct_tensor *param = ct_requires_grad(ct_mul_scalar(given, 1), true); /* not the file's own */
    ct_status status = ct_why(param) ? CT_FAIL : ct_optim_new((const ct_optimizer *)kind, args, &param, 1, &o);
    if (!status) status = steps(o, param, json, g, planned, &worst);
    ct_optim_free(o);
    const char *way = planned ? "planned: " : "";
    if (status)
        golden_fail(g, name, "%s%s", way, ct_error());
    else if (worst > 2e-5)
        golden_fail(g, name, "%sdistance %.3g, at most 2e-5", way, worst);
    else
        golden_pass(g);
}

static void run_case(golden *g, const char *name, const json_t *json, const ct_kind *kind, void *args) {
    for (int planned = 0; planned < 2; planned++) run_as(g, name, json, kind, args, planned);
}

static const ct_kind *find(const char *name) { return (const ct_kind *)ct_optimizer_find(name); }

void golden_optim(golden *g) { golden_each(g, "optimizer", find, run_case); }
