/* One case an op call: outputs, gradients, and where given a second derivative; called, and captured as a plan that is
   run again and again. */
#include "base/alloc.h"
#include "goldens.h"
#include "ops/cases.h"
#include "ops/ops.h"
#include "plan/plan.h"
#include <stdlib.h>
#include <string.h>

#define MOST 32
#define REPLAYS 2

/* Something to compare, in the order in which it is computed. */
typedef struct wanted {
    const char *what;
    size_t i;
    const json_t *name; /* of the tensor in the file */
    double bound;
} wanted;

typedef struct one {
    golden *g;
    const char *name;
    const json_t *json;
    const ct_op *op;
    void *args;
    ct_tensor *in[MOST];
    int n_in;
    void *before[MOST];               /* what lies in them, which are the file's and which some ops change */
    ct_tensor *of[MOST], *grad, *vec; /* what gradients are asked of; of the first output; NULL: none, no second */
    int n_of;
    wanted want[3 * MOST];
    int n_want, place[MOST]; /* outputs that are inputs changed in place come last; which */
    int n_made;              /* the others */
    bool planned;
} one;

static int input_named(const ct_op *op, const char *name) {
    for (int i = 0; i < op->n_in; i++)
        if (op->in_names[i] && !strcmp(op->in_names[i], name)) return i;
    return -1;
}

/* The tensors of the file; those with a gradient to compare require one. Arguments named as an input are numbers that
   PyTorch takes in a tensor's place. */
static bool read_inputs(one *c, json_t *args) {
    const json_t *in = json_object_get(c->json, "inputs"), *grads = json_object_get(c->json, "grads");
    c->n_in = c->op->n_in < 0 ? (int)json_array_size(in) : c->op->n_in;
    if (c->n_in > MOST || (int)json_array_size(in) > c->n_in) return false;
    for (size_t i = 0; i < json_array_size(in); i++) {
        const json_t *name = json_array_get(in, i);
        if (json_is_null(name)) continue;
        c->in[i] = golden_tensor(c->g, name);
        if (json_is_string(json_array_get(grads, i))) c->in[i] = ct_requires_grad(ct_to(c->in[i], CT_F32), true);
    }
    for (int i = (int)json_array_size(in); i < c->n_in && c->op->n_in >= 0; i++) {
        const json_t *number = json_object_get(args, c->op->in_names[i]);
        if (!json_is_number(number)) continue;
        c->in[i] = ct_scalar(CT_F32, json_number_value(number));
        json_object_del(args, c->op->in_names[i]);
    }
    return true;
}

static bool near(one *c, int k, const ct_tensor *got) {
    const wanted *w = &c->want[k];
    const char *why;
    double d = golden_distance(got, golden_tensor(c->g, w->name), &why);
    if (d <= w->bound) return true;
    golden_fail(c->g, c->name, "%s%s %zu: distance %.3g, at most %.0e (%s)", c->planned ? "planned: " : "", w->what,
                w->i, d, w->bound, why);
    return false;
}

/* The input that output i is, changed in place; -1: it is none. */
static int place_of(const one *c, const json_t *names, size_t i) {
    return names ? input_named(c->op, json_string_value(json_array_get(names, i))) : -1;
}

static void want(one *c, const char *what, size_t i, const json_t *name, double bound) {
    c->want[c->n_want++] = (wanted){what, i, name, bound};
}

/* What the file has, and from what it is made. */
static void find_wanted(one *c, const json_t *args) {
    const json_t *out = json_object_get(c->json, "outputs"), *names = json_object_get(args, "outputs");
    const json_t *grads = json_object_get(c->json, "grads"), *hvp = json_object_get(c->json, "hvp");
    const json_t *grad = json_array_get(json_object_get(c->json, "grad_outputs"), 0);
    for (size_t i = 0; i < json_array_size(out); i++)
        if (place_of(c, names, i) < 0) want(c, "output", i, json_array_get(out, i), 2e-5);
    if (json_is_string(grad)) {
        c->grad = golden_tensor(c->g, grad);
        for (size_t i = 0; i < json_array_size(grads); i++) {
            if (!json_is_string(json_array_get(grads, i))) continue;
            want(c, "gradient", i, json_array_get(grads, i), 5e-5);
            c->of[c->n_of++] = c->in[i];
        }
        if (json_is_string(hvp)) {
            c->vec = ct_to(golden_tensor(c->g, json_object_get(c->json, "vec")), CT_F32);
            want(c, "second derivative", 0, hvp, 2e-4);
        }
    }
    c->n_made = c->n_want;
    for (size_t i = 0; i < json_array_size(out); i++) {
        if ((c->place[c->n_want - c->n_made] = place_of(c, names, i)) < 0) continue;
        want(c, "output", i, json_array_get(out, i), 2e-5);
    }
}

/* Everything that is made, got[0..n_made). */
static ct_status compute(void *ctx, ct_tensor **got) {
    one *c = ctx;
    ct_tensor *out[MOST] = {0}, *din[MOST];
    ct_tensor *y = ct_call_filled(c->op, c->in, c->n_in, c->args, out);
    if (ct_why(y) && c->n_made) return ct_fail(CT_FAIL, "%s", ct_why(y));
    int n = 0;
    for (; n < c->n_made && !strcmp(c->want[n].what, "output"); n++)
        if (!(got[n] = out[c->want[n].i])) return ct_fail(CT_FAIL, "there is no output %zu", c->want[n].i);
    if (!c->n_of) return CT_OK;
    CT_TRY(ct_gradients(y, ct_to(c->grad, ct_dtype_of(y)), c->of, c->n_of, c->vec != NULL, din));
    for (int i = 0; i < c->n_of; i++) got[n++] = din[i] ? din[i] : ct_mul_scalar(c->of[i], 0);
    if (!c->vec) return CT_OK;
    ct_tensor *sum = ct_sum(ct_mul(c->vec, got[n - c->n_of]), (ct_reduce_args){0});
    CT_TRY(ct_gradients(sum, NULL, c->in, 1, false, &got[n]));
    if (!got[n]) got[n] = ct_mul_scalar(c->in[0], 0); /* nothing depends on it */
    return CT_OK;
}

static bool agree(one *c, ct_tensor *const *made) {
    bool ok = true;
    for (int k = 0; k < c->n_want && ok; k++) ok = near(c, k, k < c->n_made ? made[k] : c->in[c->place[k - c->n_made]]);
    return ok;
}

static bool called(one *c) {
    ct_tensor *made[3 * MOST];
    if (!compute(c, made)) return agree(c, made);
    golden_fail(c->g, c->name, "%s", ct_error());
    return false;
}

static size_t input_bytes(const one *c, int i) { return c->in[i] ? ct_layout_bytes(&c->in[i]->layout) : 0; }

static void keep_inputs(one *c) {
    for (int i = 0; i < c->n_in; i++) {
        size_t bytes = input_bytes(c, i);
        c->before[i] = malloc(bytes + 1);
        if (bytes) memcpy(c->before[i], ct_data(c->in[i]), bytes);
    }
}

static void restore_inputs(const one *c) {
    for (int i = 0; i < c->n_in; i++)
        if (input_bytes(c, i)) memcpy(ct_data(c->in[i]), c->before[i], input_bytes(c, i));
}

/* Runs the plan several times, each from the same inputs. */
static bool replays(one *c, ct_plan *plan) {
    for (int i = 0; i < REPLAYS; i++) {
        ct_tensor *made[CT_PLAN_KEEP];
        restore_inputs(c);
        if (ct_plan_run(plan)) {
            golden_fail(c->g, c->name, "planned: %s", ct_error());
            return false;
        }
        for (int k = 0; k < c->n_made; k++) made[k] = ct_plan_value(plan, k);
        if (!agree(c, made)) return false;
    }
    return true;
}

/* What is no step's to compute, as a result that is the input itself, has no plan. */
static bool replayed(one *c) {
    ct_arena arena = {0};
    ct_plan *plan = NULL;
    ct_fail(CT_FAIL, "it makes more than %d tensors", CT_PLAN_KEEP);
    bool fits = c->n_made <= CT_PLAN_KEEP && !ct_plan_capture(compute, c, c->n_made, &arena, NULL, &plan);
    bool ok = fits && replays(c, plan);
    if (!fits) golden_skip(c->g, c->name, "no plan of it: %s", ct_error());
    ct_plan_free(plan), ct_arena_free(&arena);
    return ok;
}

static void run_case(one *c) {
    json_t *args = json_deep_copy(json_object_get(c->json, "args"));
    const char *what = "inputs";
    ct_keys_default(c->op->kind.keys, c->args);
    if (!read_inputs(c, args))
        golden_fail(c->g, c->name, "takes other inputs than %s's", c->op->kind.name);
    else if (!golden_args(c->op->kind.keys, c->args, args, "outputs", &what))
        golden_fail(c->g, c->name, "%s has no argument '%s' of that value", c->op->kind.name, what);
    else {
        find_wanted(c, args);
        keep_inputs(c);
        if (c->planned ? replayed(c) : called(c)) golden_pass(c->g);
        restore_inputs(c);
        for (int i = 0; i < c->n_in; i++) free(c->before[i]);
    }
    json_decref(args);
}

static void run_both(golden *g, const json_t *json, const char *name, const ct_op *op) {
    for (int planned = 0; planned < 2; planned++) {
        ct_scope *scope = ct_scope_open();
        one c = {.g = g, .json = json, .name = name, .op = op, .planned = planned};
        c.args = calloc(1, op->kind.args_size);
        run_case(&c);
        free(c.args);
        (void)!ct_scope_close(scope); /* an error inside was reported */
    }
}

void golden_ops(golden *g) {
    size_t i;
    json_t *json;
    json_array_foreach(g->cases, i, json) {
        const char *name = json_string_value(json_object_get(json, "name"));
        const char *which = json_string_value(json_object_get(json, "op"));
        const ct_op *op = which ? ct_op_find(which) : NULL;
        if (!name || !which)
            golden_fail(g, "case", "number %zu has no name or op", i);
        else if (!op)
            golden_skip(g, name, "there is no op '%s'", which);
        else
            run_both(g, json, name, op);
    }
}
