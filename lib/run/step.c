#include "run/step.h"
#include "base/alloc.h"
#include "nn/stretch.h"
#include "plan/cache.h"
#include "plan/pass.h"
#include <string.h>

enum { TRAIN = 1, LABELLED = 2 }; /* what a plan does besides forward */

struct ct_step {
    const ct_spec *spec;
    ct_module *module;
    ct_optim *optim;
    ct_layout input;
    int classes;
    int64_t capacity;
    bool eager;
    ct_tensor *x, *y, *rng;
    float *output;       /* eager: a copy of what the model said */
    ct_plan_cache plans; /* by samples and mode */
    ct_stretch *stretch; /* NULL: all that the backward reads is kept */
    int n_stretches;
};

/* (capacity, C, H, W) lies channels-last; anything else row-major. */
static ct_tensor *make_input(const ct_layout *input, int64_t capacity) {
    ct_dims shape = {input->ndim, {0}};
    for (int i = 0; i < input->ndim; i++) shape.v[i] = i ? input->size[i] : capacity;
    if (shape.n != 4) return ct_zeros(CT_F32, shape);
    ct_tensor *t = ct_zeros(CT_F32, CT_DIMS(shape.v[0], shape.v[2], shape.v[3], shape.v[1]));
    return ct_permute(t, (ct_dims_args){CT_DIMS(0, 3, 1, 2)});
}

ct_status ct_step_new(const ct_spec *spec, ct_module *module, ct_optim *optim, const ct_layout *input, int classes,
                      int64_t capacity, bool eager, ct_step **out) {
    ct_step *s = ct_alloc(1, sizeof *s);
    if (!s) return CT_NO_MEMORY;
    *s = (ct_step){.spec = spec,
                   .module = module,
                   .optim = optim,
                   .input = *input,
                   .classes = classes,
                   .capacity = capacity,
                   .eager = eager};
    int64_t rng[2] = {spec->seed, 0};
    ct_scope *scope = ct_scope_open();
    s->x = ct_keep(make_input(input, capacity));
    s->y = ct_keep(ct_zeros(CT_I64, CT_DIMS(capacity)));
    s->rng = ct_keep(ct_from(CT_I64, CT_DIMS(2), rng));
    s->output = eager ? ct_alloc((size_t)capacity * (size_t)classes, sizeof *s->output) : NULL;
    if (ct_scope_close(scope) || (eager && !s->output)) {
        ct_step_free(s);
        return ct_fail(CT_NO_MEMORY, "out of memory for a batch of %lld samples", (long long)capacity);
    }
    ct_status status =
        spec->train.checkpoint_activations ? ct_stretches_new(module, &s->stretch, &s->n_stretches) : CT_OK;
    if (status)
        ct_step_free(s);
    else
        *out = s;
    return status;
}

void ct_step_free(ct_step *s) {
    if (!s) return;
    ct_plan_cache_free(&s->plans);
    ct_drop(s->x), ct_drop(s->y), ct_drop(s->rng);
    ct_free(s->output), ct_free(s->stretch), ct_free(s);
}

float *ct_step_input(ct_step *s) { return ct_data(s->x); }
int64_t *ct_step_labels(ct_step *s) { return ct_data(s->y); }
int64_t ct_step_capacity(const ct_step *s) { return s->capacity; }

static ct_tensor *first(ct_tensor *t, int64_t n) {
    ct_layout l = t->layout;
    l.size[0] = n;
    return ct_tensor_make(&l, t->storage, t->offset);
}

/* Backward from the loss, clipping, the optimizer's step. */
static ct_status update(ct_step *s, ct_tensor *loss) {
    int n;
    ct_tensor *const *params = ct_optim_params(s->optim, &n);
    const ct_train_args *t = &s->spec->train;
    ct_optim_zero_grad(s->optim);
    ct_status status = ct_backward(loss);
    if (!status && t->clip_grad_value > 0) status = ct_clip_grad_value(params, n, t->clip_grad_value);
    if (!status && t->clip_grad_norm > 0) status = ct_clip_grad_norm(params, n, t->clip_grad_norm);
    if (!status) status = ct_optim_step(s->optim);
    ct_optim_zero_grad(s->optim);
    return status;
}

/* The whole step in ops: result[0] is the output, result[1] the loss (or NULL). */
static ct_status compute(ct_step *s, int64_t n, int mode, ct_tensor **result) {
    ct_module_train(s->module, mode & TRAIN);
    ct_random_use(s->rng);
    if (!(mode & TRAIN)) ct_no_grad_begin();
    result[0] = mode & TRAIN && s->stretch ? ct_stretches_forward(s->stretch, s->n_stretches, first(s->x, n))
                                           : ct_module_forward(s->module, first(s->x, n));
    result[1] = NULL;
    ct_status status = ct_why(result[0]) ? result[0]->status : CT_OK;
    if (!status && (result[0]->layout.ndim != 2 || result[0]->layout.size[1] != s->classes)) {
        char text[128];
        ct_layout_text(&result[0]->layout, text, sizeof text);
        status = ct_fail(CT_BAD_SPEC, "the model's output is %s, the data has %d classes: (%lld, %d) is wanted", text,
                         s->classes, (long long)n, s->classes);
    }
    if (!status && mode & LABELLED) {
        ct_tensor *target = first(s->y, n);
        if (!ct_spec_is_classifier(s->spec)) target = ct_to(ct_one_hot(target, (ct_one_hot_args){s->classes}), CT_F32);
        result[1] = ct_spec_loss(s->spec, result[0], target);
        if (ct_why(result[1])) status = result[1]->status;
    }
    if (!(mode & TRAIN)) ct_no_grad_end();
    ct_random_use(NULL);
    if (status || !(mode & TRAIN)) return status;
    return update(s, result[1]);
}

static ct_status make_plan(ct_step *s, int64_t n, int mode, ct_buf *before, ct_buf *after, ct_plan **out) {
    ct_scope *scope = ct_scope_open();
    if (!scope) return CT_NO_MEMORY;
    ct_graph g;
    ct_tensor *result[2];
    ct_plan_options options = {ct_passes_off(), before, after};
    ct_status status = ct_capture_begin(&g);
    if (!status) {
        status = compute(s, n, mode, result);
        ct_status ended = ct_capture_end(&g);
        if (!status) status = ended;
        if (!status) status = ct_plan_new(&g, result, result[1] ? 2 : 1, &s->plans.arena, &options, out);
        ct_graph_free(&g);
    }
    ct_status closed = ct_scope_close(scope);
    if (!status && closed) ct_plan_free(*out);
    return status ? status : closed;
}

/* The plan for n samples. */
static ct_status get_plan(ct_step *s, int64_t n, int mode, ct_plan **out) {
    if ((*out = ct_plan_cache_find(&s->plans, n, mode))) return CT_OK;
    CT_TRY(make_plan(s, n, mode, NULL, NULL, out));
    return ct_plan_cache_add(&s->plans, n, mode, *out);
}

static ct_status replay(ct_step *s, int64_t n, int mode, ct_step_result *out) {
    ct_plan *plan;
    CT_TRY(get_plan(s, n, mode, &plan));
    CT_TRY(ct_plan_run(plan));
    out->output = ct_plan_data(plan, 0);
    out->loss = mode & LABELLED ? *(const float *)ct_plan_data(plan, 1) : 0;
    return CT_OK;
}

static ct_status run_eager(ct_step *s, int64_t n, int mode, ct_step_result *out) {
    ct_scope *scope = ct_scope_open();
    if (!scope) return CT_NO_MEMORY;
    ct_tensor *result[2];
    ct_status status = compute(s, n, mode, result);
    if (!status) status = ct_copy_out(result[0], CT_F32, s->output);
    if (!status && result[1]) out->loss = ct_item(result[1]);
    out->output = s->output;
    ct_status closed = ct_scope_close(scope);
    return status ? status : closed;
}

static ct_status step(ct_step *s, int64_t n, int mode, ct_step_result *out) {
    return s->eager ? run_eager(s, n, mode, out) : replay(s, n, mode, out);
}

ct_status ct_step_train(ct_step *s, int64_t n, int64_t number, ct_step_result *out) {
    ((int64_t *)ct_data(s->rng))[1] = number;
    return step(s, n, TRAIN | LABELLED, out);
}

ct_status ct_step_eval(ct_step *s, int64_t n, bool labelled, ct_step_result *out) {
    return step(s, n, labelled ? LABELLED : 0, out);
}

ct_status ct_step_text(ct_step *s, int64_t n, bool train, ct_buf *before, ct_buf *after) {
    ct_plan *plan;
    CT_TRY(make_plan(s, n, train ? TRAIN | LABELLED : 0, before, after, &plan));
    ct_plan_free(plan);
    return CT_OK;
}

ct_status ct_step_launches(ct_step *s, int64_t n, bool train, int *launches) {
    ct_plan *plan;
    CT_TRY(get_plan(s, n, train ? TRAIN | LABELLED : 0, &plan));
    *launches = ct_plan_launches(plan);
    return CT_OK;
}

/* Both are captured; neither is kept. */
ct_status ct_step_checkpoint_bytes(ct_step *s, int64_t n, size_t bytes[2]) {
    ct_stretch *stretch = s->stretch;
    ct_status status = CT_OK;
    for (int i = 0; !status && i < 2; i++) {
        ct_plan *plan;
        s->stretch = i ? NULL : stretch;
        if ((status = make_plan(s, n, TRAIN | LABELLED, NULL, NULL, &plan))) break;
        bytes[i] = ct_plan_bytes(plan);
        ct_plan_free(plan);
    }
    s->stretch = stretch;
    return status;
}
