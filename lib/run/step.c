#include "run/step.h"
#include "base/alloc.h"
#include "nn/stretch.h"
#include "plan/cache.h"
#include "plan/pass.h"
#include "run/ahead.h"
#include <string.h>

/* What a plan does besides forward: of a batch that is part of an update, MORE adds the gradients of those before it,
   and KEEP leaves the sum for those after it. STATISTICS: as in training, but nothing is learned. */
enum { TRAIN = 1, LOSSES = 2, PART = 4, MORE = 8, KEEP = 16, STATISTICS = 32 };
#define RESULTS (2 + CT_MAX_LOSSES) /* the output, the whole loss, each one */
_Static_assert(RESULTS <= CT_PLAN_KEEP, "a plan keeps them all");

struct ct_step {
    const ct_net *net;
    ct_optim *optim;
    ct_average *average; /* NULL: none follows */
    int64_t capacity;
    bool eager, bf16;
    ct_tensor *field[CT_MAX_FIELDS], *rng;
    ct_tensor *next[CT_MAX_FIELDS];  /* NULL until it is asked for */
    ct_ahead *ahead;                 /* NULL: there was none yet */
    ct_tensor *share[CT_MAX_LOSSES]; /* of a part in each loss: 0-d */
    ct_tensor **sum;                 /* of the gradients of an update's parts, a parameter; NULL: it has one part */
    float *output;                   /* eager: a copy of what the model said */
    size_t output_room;
    ct_plan_cache plans; /* by samples and mode */
    ct_stretch *stretch; /* NULL: all that the backward reads is kept */
    int n_stretches;
};

/* Images (capacity, C, H, W) lie channels-last; anything else row-major. */
static ct_tensor *make_field(const ct_layout *l, int64_t capacity, ct_begin begin) {
    ct_tensor *(*make)(ct_dtype, ct_dims) = begin == CT_BEGIN_SHAPES ? ct_tensor_shell : ct_zeros;
    ct_dims shape = {l->ndim, {capacity}};
    for (int i = 1; i < l->ndim; i++) shape.v[i] = l->size[i];
    if (shape.n != 4 || l->dtype != CT_F32) return make(l->dtype, shape);
    ct_tensor *t = make(CT_F32, CT_DIMS(shape.v[0], shape.v[2], shape.v[3], shape.v[1]));
    return ct_permute(t, (ct_dims_args){CT_DIMS(0, 3, 1, 2)});
}

/* Stretches keep no value inside them; losses may read none but the result. */
static ct_status start_stretches(ct_step *s) {
    const ct_net *net = s->net;
    if (!net->spec->train.checkpoint_activations) return CT_OK;
    for (int i = 0; i < net->spec->n_losses; i++)
        for (int k = 0; k < net->spec->loss[i].op->n_in; k++) {
            int v = net->in[i][k];
            if (v >= net->module->n_inputs && v < net->n_values - 1)
                return ct_fail(CT_BAD_SPEC, "train: checkpoint_activations keeps no layer's value, but %s reads '%s'",
                               net->spec->loss[i].name, net->value[v].name);
        }
    return ct_stretches_new(net->module, &s->stretch, &s->n_stretches);
}

/* What an update of several batches adds its gradients up in. */
static ct_status make_sums(ct_step *s) {
    int n = 0;
    ct_tensor *const *params = s->optim ? ct_optim_params(s->optim, &n) : NULL;
    if (!s->optim || s->net->spec->train.accumulate == 1) return CT_OK;
    if (!(s->sum = ct_alloc((size_t)n, sizeof *s->sum))) return CT_NO_MEMORY;
    for (int i = 0; i < n; i++) s->sum[i] = ct_keep(ct_zeros_as(params[i]));
    for (int i = 0; i < s->net->spec->n_losses; i++) s->share[i] = ct_keep(ct_scalar(CT_F32, 1));
    return CT_OK;
}

ct_status ct_step_new(const ct_net *net, ct_optim *optim, int64_t capacity, bool eager, ct_step **out) {
    ct_step *s = ct_alloc(1, sizeof *s);
    if (!s) return CT_NO_MEMORY;
    *s = (ct_step){.net = net, .optim = optim, .capacity = capacity, .eager = eager};
    s->bf16 = net->spec->train.precision == CT_PRECISION_BF16;
    int64_t rng[2] = {net->spec->seed, 0};
    ct_scope *scope = ct_scope_open();
    for (int i = 0; i < net->fields.n; i++)
        s->field[i] = ct_keep(make_field(&net->fields.of[i].layout, capacity, net->module->begin));
    s->rng = ct_keep(ct_from(CT_I64, CT_DIMS(2), rng));
    ct_status made = make_sums(s), closed = ct_scope_close(scope);
    if (made || closed) {
        ct_step_free(s);
        return ct_fail(CT_NO_MEMORY, "out of memory for a batch of %lld samples", (long long)capacity);
    }
    ct_status status = start_stretches(s);
    if (status)
        ct_step_free(s);
    else
        *out = s;
    return status;
}

void ct_step_free(ct_step *s) {
    if (!s) return;
    ct_ahead_free(s->ahead);
    ct_plan_cache_free(&s->plans);
    for (int i = 0; i < CT_MAX_FIELDS; i++) ct_drop(s->field[i]), ct_drop(s->next[i]);
    int n = 0;
    if (s->optim) ct_optim_params(s->optim, &n);
    for (int i = 0; s->sum && i < n; i++) ct_drop(s->sum[i]);
    for (int i = 0; i < CT_MAX_LOSSES; i++) ct_drop(s->share[i]);
    ct_drop(s->rng);
    ct_free(s->sum), ct_free(s->output), ct_free(s->stretch), ct_free(s);
}

void ct_step_follow(ct_step *s, ct_average *average) { s->average = average; }

void *ct_step_field(ct_step *s, int i) { return ct_data(s->field[i]); }

ct_ahead **ct_step_ahead(ct_step *s) { return &s->ahead; }

void *ct_step_next(ct_step *s, int i) {
    if (s->next[i]) return ct_data(s->next[i]);
    ct_scope *scope = ct_scope_open();
    ct_tensor *t = make_field(&s->net->fields.of[i].layout, s->capacity, s->net->module->begin);
    if (!ct_why(t)) s->next[i] = ct_keep(t);
    return !ct_scope_close(scope) && s->next[i] ? ct_data(s->next[i]) : NULL;
}

void ct_step_exchange(ct_step *s, int i) {
    ct_storage *a = s->field[i]->storage, *b = s->next[i]->storage;
    void *data = a->data;
    a->data = b->data, b->data = data;
    s->plans.arena.moved++;
}

int64_t ct_step_capacity(const ct_step *s) { return s->capacity; }
const ct_net *ct_step_net(const ct_step *s) { return s->net; }

static ct_tensor *first(ct_tensor *t, int64_t n) {
    ct_layout l = t->layout;
    l.size[0] = n;
    return ct_tensor_make(&l, t->storage, t->offset);
}

/* The gradients and those of the parts before this one; what the loss does not reach has none. */
static ct_status add_up(ct_step *s, int mode, ct_tensor *const *params, int n) {
    ct_status status = CT_OK;
    ct_no_grad_begin();
    for (int i = 0; !status && i < n; i++) {
        if (!ct_grad(params[i])) continue;
        if (mode & MORE) status = ct_grad_replace(params[i], ct_add(s->sum[i], ct_grad(params[i])));
        if (!status && mode & KEEP) status = ct_set(s->sum[i], ct_grad(params[i]));
    }
    ct_no_grad_end();
    return status;
}

static ct_status update(ct_step *s, ct_tensor *const *params, int n) {
    const ct_train_args *t = &s->net->spec->train;
    if (t->clip_grad_value > 0) CT_TRY(ct_clip_grad_value(params, n, t->clip_grad_value));
    if (t->clip_grad_norm > 0) CT_TRY(ct_clip_grad_norm(params, n, t->clip_grad_norm));
    CT_TRY(ct_optim_step(s->optim));
    return s->average ? ct_average_update(s->average) : CT_OK;
}

/* Backward from the loss; clipping and the optimizer's step, unless more parts of the update are to come. */
static ct_status learn(ct_step *s, int mode, ct_tensor *loss) {
    int n;
    ct_tensor *const *params = ct_optim_params(s->optim, &n);
    ct_optim_zero_grad(s->optim);
    ct_status status = ct_backward(loss);
    if (!status && mode & PART) status = add_up(s, mode, params, n);
    if (!status && !(mode & KEEP)) status = update(s, params, n);
    ct_optim_zero_grad(s->optim);
    return status;
}

static ct_tensor *in_stretches(void *ctx, ct_tensor *const *in, int n_in) {
    ct_step *s = ctx;
    ct_module_give(s->net->module, in, n_in);
    return ct_stretches_forward(s->stretch, s->n_stretches, in[0]);
}

/* Forward, and the losses if wanted: result[0] is the output, then the whole loss and each one. */
static ct_status forward(ct_step *s, int64_t n, int mode, ct_tensor **result) {
    const ct_net *net = s->net;
    ct_tensor *field[CT_MAX_FIELDS], *value[CT_MAX_VALUES + 1];
    for (int i = 0; i < net->fields.n; i++) field[i] = first(s->field[i], n);
    CT_TRY(ct_net_forward(net, field, mode & TRAIN && s->stretch ? in_stretches : NULL, s, value));
    result[0] = ct_net_output(net, value);
    ct_tensor *part[CT_MAX_LOSSES];
    for (int i = 0; mode & LOSSES && i < net->spec->n_losses; i++) {
        result[2 + i] = ct_net_loss(net, value, i);
        part[i] = mode & PART ? ct_mul(result[2 + i], s->share[i]) : result[2 + i];
    }
    if (mode & LOSSES) result[1] = ct_net_total(net, part);
    const ct_tensor *last = mode & LOSSES ? result[1] : result[0];
    return ct_why(last) ? ct_fail(last->status, "%s", ct_why(last)) : CT_OK;
}

static int results(const ct_step *s, int mode) { return mode & LOSSES ? 2 + s->net->spec->n_losses : 1; }

/* The whole step in ops. */
static ct_status compute(ct_step *s, int64_t n, int mode, ct_tensor **result) {
    ct_module_train(s->net->module, mode & (TRAIN | STATISTICS));
    ct_random_use(s->rng);
    int autocast = ct_autocast_swap(s->bf16);
    if (!(mode & TRAIN)) ct_no_grad_begin();
    ct_status status = forward(s, n, mode, result);
    if (!(mode & TRAIN)) ct_no_grad_end();
    ct_autocast_swap(autocast);
    ct_random_use(NULL);
    return status || !(mode & TRAIN) ? status : learn(s, mode, result[1]);
}

typedef struct captured {
    ct_step *step;
    int64_t n;
    int mode;
    const ct_step_view *view;
} captured;

static ct_status capture(void *ctx, ct_tensor **result) {
    const captured *c = ctx;
    CT_TRY(compute(c->step, c->n, c->mode, result));
    return c->view && c->view->graph ? c->view->graph(c->view->ctx, ct_capturing()) : CT_OK;
}

/* view: what is wanted to be known of it; NULL: nothing. A last, smaller batch comes too seldom for weights to be kept.
 */
static ct_status make_plan(ct_step *s, int64_t n, int mode, const ct_step_view *view, ct_plan **out) {
    captured c = {s, n, mode, view};
    ct_plan_options options = {.off = ct_passes_off(), .keeps = !(mode & (TRAIN | STATISTICS)) && n == s->capacity};
    if (view)
        options.off |= view->off, options.before = view->before, options.after = view->after,
                                  options.watch = view->watch;
    return ct_plan_capture(capture, &c, results(s, mode), &s->plans.arena, &options, out);
}

/* The plan for n samples. */
static ct_status get_plan(ct_step *s, int64_t n, int mode, ct_plan **out) {
    if ((*out = ct_plan_cache_find(&s->plans, n, mode))) return CT_OK;
    CT_TRY(make_plan(s, n, mode, NULL, out));
    return ct_plan_cache_add(&s->plans, n, mode, *out);
}

static ct_status replay(ct_step *s, int64_t n, int mode, ct_step_result *out) {
    ct_plan *plan;
    CT_TRY(get_plan(s, n, mode, &plan));
    CT_TRY(ct_plan_run(plan));
    out->output = ct_plan_data(plan, 0);
    for (int i = 0; mode & LOSSES && i <= s->net->spec->n_losses; i++)
        *(i ? &out->each[i - 1] : &out->loss) = *(const float *)ct_plan_data(plan, 1 + i);
    return CT_OK;
}

static ct_status copy_output(ct_step *s, const ct_tensor *y) {
    size_t n = (size_t)ct_numel(y);
    if (n > s->output_room) {
        float *p = ct_realloc(s->output, n, sizeof *p);
        if (!p) return CT_NO_MEMORY;
        s->output = p, s->output_room = n;
    }
    return ct_copy_out(y, CT_F32, s->output);
}

static ct_status run_eager(ct_step *s, int64_t n, int mode, ct_step_result *out) {
    ct_scope *scope = ct_scope_open();
    if (!scope) return CT_NO_MEMORY;
    ct_tensor *result[RESULTS];
    ct_status status = compute(s, n, mode, result);
    if (!status) status = copy_output(s, result[0]);
    for (int i = 1; !status && i < results(s, mode); i++)
        *(i > 1 ? &out->each[i - 2] : &out->loss) = ct_item(result[i]);
    out->output = s->output;
    ct_status closed = ct_scope_close(scope);
    return status ? status : closed;
}

static ct_status step(ct_step *s, int64_t n, int mode, ct_step_result *out) {
    return s->eager ? run_eager(s, n, mode, out) : replay(s, n, mode, out);
}

ct_status ct_step_train(ct_step *s, int64_t n, int64_t number, ct_step_result *out) {
    ((int64_t *)ct_data(s->rng))[1] = number;
    return step(s, n, TRAIN | LOSSES, out);
}

ct_status ct_step_train_part(ct_step *s, int64_t n, int64_t number, const ct_step_part *part, ct_step_result *out) {
    int n_losses = s->net->spec->n_losses;
    ((int64_t *)ct_data(s->rng))[1] = number;
    for (int i = 0; i < n_losses; i++) *(float *)ct_data(s->share[i]) = (float)part->share[i];
    return step(s, n, TRAIN | LOSSES | PART | (part->first ? 0 : MORE) | (part->last ? 0 : KEEP), out);
}

ct_status ct_step_statistics(ct_step *s, int64_t n, int64_t number) {
    ct_step_result unused;
    ((int64_t *)ct_data(s->rng))[1] = number;
    return step(s, n, STATISTICS, &unused);
}

ct_status ct_step_eval(ct_step *s, int64_t n, bool losses, ct_step_result *out) {
    return step(s, n, losses ? LOSSES : 0, out);
}

/* Of an update's several batches, the last. */
static int training(const ct_step *s) { return s->sum ? TRAIN | LOSSES | PART | MORE : TRAIN | LOSSES; }

ct_status ct_step_look(ct_step *s, int64_t n, bool train, const ct_step_view *view, ct_step_bytes *bytes) {
    ct_plan *plan;
    CT_TRY(make_plan(s, n, train ? training(s) : LOSSES, view, &plan));
    ct_status status = view && view->plan ? view->plan(view->ctx, plan) : CT_OK;
    *bytes = (ct_step_bytes){.workspace = ct_plan_workspace(plan),
                             .own = ct_plan_own_bytes(plan) + ct_plan_kept_bytes(plan)};
    bytes->values = ct_plan_bytes(plan) - bytes->workspace;
    ct_plan_free(plan);
    return status;
}

ct_status ct_step_plan(ct_step *s, int64_t n, ct_step_kind kind, ct_plan **out) {
    const int mode[] = {[CT_STEP_FORWARD] = 0, [CT_STEP_TRAIN] = TRAIN | LOSSES, [CT_STEP_UPDATE] = training(s)};
    return get_plan(s, n, mode[kind], out);
}

static ct_step_cost cost_of(const ct_plan *p) {
    ct_step_cost cost = {.bytes = ct_plan_bytes(p)};
    for (int i = 0; i < ct_plan_launches(p); i++) {
        ct_launch_facts f;
        ct_plan_launch_facts(p, i, &f);
        cost.operations += f.operations;
    }
    return cost;
}

/* Both are captured; neither is kept. */
ct_status ct_step_checkpoint_cost(ct_step *s, int64_t n, ct_step_cost cost[2]) {
    ct_stretch *stretch = s->stretch;
    ct_status status = CT_OK;
    for (int i = 0; !status && i < 2; i++) {
        ct_plan *plan;
        s->stretch = i ? NULL : stretch;
        if ((status = make_plan(s, n, TRAIN | LOSSES, NULL, &plan))) break;
        cost[i] = cost_of(plan);
        ct_plan_free(plan);
    }
    s->stretch = stretch;
    return status;
}
