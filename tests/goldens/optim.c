/* Optimizers over a few steps with given gradients. */
#include "goldens.h"
#include "optim/optim.h"
#include <stdlib.h>

static ct_tensor *row(ct_tensor *t, int64_t i) {
    ct_slice_args s = {0};
    for (int d = 0; d < ct_ndim(t); d++) s.start.v[d] = d ? 0 : i, s.stop.v[d] = d ? ct_size(t, d) : i + 1;
    s.start.n = s.stop.n = ct_ndim(t);
    return ct_contiguous(ct_squeeze(ct_slice(t, s), (ct_squeeze_args){CT_DIMS(0)}));
}

static void run_case(golden *g, const char *name, const json_t *json, const ct_kind *kind, void *args) {
    ct_optim *o = NULL;
    ct_tensor *param = ct_requires_grad(ct_contiguous(golden_tensor(g, json_object_get(json, "param"))), true);
    ct_tensor *grads = golden_tensor(g, json_object_get(json, "grads")),
              *params = golden_tensor(g, json_object_get(json, "params"));
    if (ct_why(param) || ct_why(grads) || ct_why(params) ||
        ct_optim_new((const ct_optimizer *)kind, args, &param, 1, &o)) {
        golden_fail(g, name, "%s", ct_error());
        return;
    }
    double worst = 0;
    const char *why = "";
    ct_status status = CT_OK;
    for (int64_t i = 0; !status && i < ct_size(grads, 0); i++) {
        ct_zero_grad(param);
        param->grad = ct_keep(row(grads, i));
        status = ct_optim_step(o);
        double d = golden_distance(param, row(params, i), &why);
        worst = d > worst ? d : worst;
    }
    ct_optim_free(o);
    if (status)
        golden_fail(g, name, "%s", ct_error());
    else if (worst > 2e-5)
        golden_fail(g, name, "distance %.3g, at most 2e-5 (%s)", worst, why);
    else
        golden_pass(g);
}

static const ct_kind *find(const char *name) { return (const ct_kind *)ct_optimizer_find(name); }

void golden_optim(golden *g) { golden_each(g, "optimizer", find, run_case); }
