/* One case an op call: outputs, gradients, and where given a second derivative. */
#include "ops/cases.h"
#include "goldens.h"
#include "ops/ops.h"
#include <stdlib.h>
#include <string.h>

#define MOST 32

typedef struct one {
    golden *g;
    const char *name;
    const json_t *json;
    const ct_op *op;
    void *args;
    ct_tensor *in[MOST], *out[MOST];
    int n_in;
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

static bool near(one *c, const char *what, size_t i, const ct_tensor *got, const json_t *want, double bound) {
    const char *why;
    double d = golden_distance(got, golden_tensor(c->g, want), &why);
    if (d <= bound) return true;
    golden_fail(c->g, c->name, "%s %zu: distance %.3g, at most %.0e (%s)", what, i, d, bound, why);
    return false;
}

static bool outputs_agree(one *c, const json_t *args) {
    const json_t *want = json_object_get(c->json, "outputs"), *names = json_object_get(args, "outputs");
    for (size_t i = 0; i < json_array_size(want); i++) {
        int at = names ? input_named(c->op, json_string_value(json_array_get(names, i))) : -1;
        if (!near(c, "output", i, at >= 0 ? c->in[at] : c->out[i], json_array_get(want, i), 2e-5)) return false;
    }
    return true;
}

/* din = the gradients asked for; in 0's own gradient too, if a second derivative is. */
static bool gradients_agree(one *c) {
    const json_t *want = json_object_get(c->json, "grads"), *gout = json_object_get(c->json, "grad_outputs");
    const json_t *hvp = json_object_get(c->json, "hvp");
    if (!json_array_size(gout) || json_is_null(json_array_get(gout, 0))) return true;
    ct_tensor *of[MOST], *din[MOST];
    size_t at[MOST];
    int n = 0;
    for (size_t i = 0; i < json_array_size(want); i++)
        if (json_is_string(json_array_get(want, i))) at[n] = i, of[n++] = c->in[i];
    ct_tensor *g = ct_to(golden_tensor(c->g, json_array_get(gout, 0)), ct_dtype_of(c->out[0]));
    bool second = json_is_string(hvp);
    if (ct_gradients(c->out[0], g, of, n, second, din)) {
        golden_fail(c->g, c->name, "gradient: %s", ct_error());
        return false;
    }
    for (int i = 0; i < n; i++) {
        ct_tensor *d = din[i] ? din[i] : ct_mul_scalar(of[i], 0);
        if (!near(c, "gradient", at[i], d, json_array_get(want, at[i]), 5e-5)) return false;
    }
    if (!second) return true;
    ct_tensor *vec = ct_to(golden_tensor(c->g, json_object_get(c->json, "vec")), CT_F32), *h;
    ct_tensor *sum = ct_sum(ct_mul(vec, din[0]), (ct_reduce_args){0});
    if (ct_gradients(sum, NULL, c->in, 1, false, &h)) {
        golden_fail(c->g, c->name, "second derivative: %s", ct_error());
        return false;
    }
    if (!h) h = ct_mul_scalar(c->in[0], 0); /* nothing depends on it */
    return near(c, "second derivative", 0, h, hvp, 2e-4);
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
        ct_call_filled(c->op, c->in, c->n_in, c->args, c->out);
        if (outputs_agree(c, args) && gradients_agree(c)) golden_pass(c->g);
    }
    json_decref(args);
}

void golden_ops(golden *g) {
    size_t i;
    json_t *json;
    json_array_foreach(g->cases, i, json) {
        one c = {.g = g, .json = json, .name = json_string_value(json_object_get(json, "name"))};
        const char *op = json_string_value(json_object_get(json, "op"));
        if (!c.name || !op) {
            golden_fail(g, "case", "number %zu has no name or op", i);
            continue;
        }
        if (!(c.op = ct_op_find(op))) {
            golden_skip(g, c.name, "there is no op '%s'", op);
            continue;
        }
        ct_scope *scope = ct_scope_open();
        c.args = calloc(1, c.op->kind.args_size);
        run_case(&c);
        free(c.args);
        (void)!ct_scope_close(scope); /* an error inside was reported */
    }
}
