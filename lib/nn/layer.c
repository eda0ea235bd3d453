/* Finding layers: those of layers.def, and ops. */
#include "nn/module.h"
#include <string.h>

#define LAYER(name) extern const ct_layer ct_layer_##name;
#include "nn/layers.def"
#undef LAYER
#define LAYER(name) &ct_layer_##name,
static const ct_layer *const named[] = {
#include "nn/layers.def"
};

static ct_tensor *forward_op(ct_module *m, ct_tensor *const *in, ct_tensor **out) {
    return ct_call_filled(m->layer->op, in, m->layer->op->n_in, m->args, out);
}

/* Layers that PyTorch calls otherwise than the op. */
static const struct {
    const char *name;
    int op;
} aliases[] = {{"upsample", CT_OP_interpolate}};

static ct_layer of_op[CT_OP_COUNT + CT_COUNT(aliases)];
static const ct_kind *kinds[CT_COUNT(named) + CT_COUNT(of_op)];
static int n_kinds;

static bool is_layer(const ct_op *op) {
    return op->n_in >= 1 && op->n_out >= 1 && !(op->flags & (CT_IS_GRAD | CT_IS_PART | CT_RANDOM | CT_INPLACE));
}

/* Inputs after the first are for the op to miss. */
static ct_layer layer_of(const ct_op *op) {
    return (ct_layer){.kind = op->kind,
                      .forward_all = forward_op,
                      .min_in = 1,
                      .max_in = op->n_in,
                      .flow = op->flags & CT_POINTWISE ? ct_flow_alone : NULL,
                      .op = op};
}

__attribute__((constructor)) static void list(void) {
    for (int i = 0; i < CT_COUNT(named); i++) kinds[n_kinds++] = &named[i]->kind;
    for (int id = 0; id < CT_OP_COUNT; id++) {
        const ct_op *op = ct_op_get(id);
        if (!is_layer(op)) continue;
        bool taken = false;
        for (int i = 0; i < CT_COUNT(named); i++) taken |= !strcmp(named[i]->kind.name, op->kind.name);
        if (taken) continue;
        of_op[id] = layer_of(op);
        kinds[n_kinds++] = &of_op[id].kind;
    }
    for (int i = 0; i < CT_COUNT(aliases); i++) {
        ct_layer *l = &of_op[CT_OP_COUNT + i];
        const ct_op *op = ct_op_get(aliases[i].op);
        *l = layer_of(op);
        l->kind.name = aliases[i].name;
        kinds[n_kinds++] = &l->kind;
    }
}

const ct_kind *const *ct_layer_kinds(int *n) {
    *n = n_kinds;
    return kinds;
}

const ct_layer *ct_layer_find(const char *name) {
    for (int i = 0; i < n_kinds; i++)
        if (!strcmp(kinds[i]->name, name)) return (const ct_layer *)kinds[i]; /* kind is its first member */
    return NULL;
}
