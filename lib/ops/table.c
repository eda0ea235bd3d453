/* The rows of ops.def and pointwise.def as one table of ct_op. */
#include "ops/ops.h"
#include "ops/pointwise.h"
#include <math.h>
#include <string.h>

/* ---- key tables of the args structs ---- */
#define ROW(...) ROW_(__VA_ARGS__)
#define ROW_(s, type, field, place, count, choices, def, min, max, help) \
    {                                                                    \
        #field,        CT_KEY_##type, offsetof(ct_##s##_args, place),    \
        count,         (double)(def), (double)(min),                     \
        (double)(max), choices,       NULL,                              \
        help},
#define BEGIN(s) static const ct_key keys_##s[] = {
#define END(s) \
    { 0 }      \
    }          \
    ;
#define UNUSED
#define KEY(s, type, field, ...) ROW(s, type, field, field, 1, NULL, __VA_ARGS__)
#define INDEX(s, field, help) ROW(s, INT, field, field, 1, "none", CT_NO_INDEX, CT_NO_INDEX + 1, -CT_NO_INDEX, help)
#define NOT(s, field, help) ROW(s, NOT, field, no_##field, 1, NULL, 1, 0, 1, help)
#define ENUM(s, field, words, help) ROW(s, ENUM, field, field, 1, words, 0, 0, 0, help)
#define DIMS(s, field, help) ROW(s, DIMS, field, field, 1, NULL, 0, INT64_MIN / 2, INT64_MAX / 2, help)
#define INTS(s, field, n, ...) ROW(s, INTS, field, field, n, NULL, __VA_ARGS__)
#define WORDED(s, field, n, words, ...) ROW(s, INTS, field, field, n, words, __VA_ARGS__)
#define FLOATS(s, field, n, defaults, ...) ROW(s, FLOATS, field, field, n, defaults, 0, __VA_ARGS__)
#include "kernels/args.def"

/* ---- functions of the families ---- */
#undef SHAPE
#undef GRAD
#undef VIEW
#undef FORMULA
#define DECLARE_SHAPE(name) ct_status ct_shape_##name(const ct_layout *, int, const void *, ct_layout *, int *);
#define DECLARE_GRAD(name)                                                                                           \
    void ct_grad_##name(ct_tensor *const *, int, ct_tensor *const *, ct_tensor *const *, const void *, const bool *, \
                        ct_tensor **);
#define DECLARE_NOGRAD(name)
#define DECLARE_FORMULA(name) ct_tensor *ct_formula_##name(ct_tensor *const *, int, const void *, ct_tensor **);
#define DECLARE_COMPOSED(name) DECLARE_GRAD(name) DECLARE_FORMULA(name)
#define DECLARE_PLACE(name) int ct_place_##name(int, const void *, int);
#define OP(name, ins, args, outs, saves, diff, ...) DECLARE_SHAPE(name) DECLARE_##diff(name)
#define PART OP
#define VIEW(name, ...)                                                                \
    ct_status ct_view_##name(const ct_layout *, const void *, ct_layout *, int64_t *); \
    DECLARE_GRAD(name)
#define FORMULA(name, ...) DECLARE_FORMULA(name)
#include "kernels/ops.def"
#undef OP
#undef PART
#undef VIEW
#undef FORMULA
/* Updates of optimizers: outputs take the place of inputs. */
#define UPDATES(X) \
    X(sgd)         \
    X(adam) X(adamw) X(rmsprop) X(adagrad) X(adadelta) X(adamax) X(radam) X(nadam) X(lion) X(lamb) X(muon) X(average)
UPDATES(DECLARE_PLACE)
DECLARE_PLACE(batch_norm_train) /* new running statistics, of the old ones */
DECLARE_PLACE(index_copy)
/* Formulas that move elements, or leave the work to other ops: these take 16-bit floats as they are. */
#define RESHAPES(X) X(reshape) X(flatten) X(transpose) X(squeeze) X(unsqueeze) X(narrow) X(select) X(chunk)
#define MOVES(X) RESHAPES(X) X(stack) X(pixel_shuffle) X(pixel_unshuffle) X(where) X(masked_fill) X(embedding)
#define LEAVES(X) X(dropout) X(rand_like) X(batch_norm) X(instance_norm)

/* ---- the table ---- */
#define I(i) (1u << (i))
#define I0 I(0)
#define I1 I(1)
#define I2 I(2)
#define I3 I(3)
#define O(i) (1u << (16 + (i)))
#define O0 O(0)
#define O1 O(1)
#define O2 O(2)
#define O3 O(3)
#define O4 O(4)
#define KIND(name, a, help) .kind = {#name, keys_##a, sizeof(ct_##a##_args), help}
#define DIFF_GRAD(name) .grad = ct_grad_##name,
#define DIFF_NOGRAD(name)
#define DIFF_COMPOSED(name) .grad = ct_grad_##name, .formula = ct_formula_##name,
#define BACKENDS_REF "ref"
#define BACKENDS_CPU "ref cpu"
#define PLACE_(op) [CT_OP_##op] = ct_place_##op,
static int (*const places[CT_OP_COUNT])(int, const void *,
                                        int) = {UPDATES(PLACE_) PLACE_(batch_norm_train) PLACE_(index_copy)};

#define AS_IS_(op) [CT_OP_##op] = CT_AS_IS,
static const unsigned more_flags[CT_OP_COUNT] = {MOVES(AS_IS_) LEAVES(AS_IS_)};

static ct_op table[CT_OP_COUNT] = {
#define STRUCTURED(name, ins, a, outs, saves, diff, backends_, flags_, help, cases_) \
    [CT_OP_##name] = {KIND(name, a, help),                                           \
                      .n_in = COUNT_##ins,                                           \
                      .n_out = COUNT_##outs,                                         \
                      .flags = flags_,                                               \
                      .saves_in = (saves)&0xffff,                                    \
                      .saves_out = (unsigned)(saves) >> 16,                          \
                      .in_names = {NAMES_##ins},                                     \
                      .out_names = {NAMES_##outs},                                   \
                      .cases = cases_,                                               \
                      .backends = BACKENDS_##backends_,                              \
                      .shape = ct_shape_##name,                                      \
                      DIFF_##diff(name)},
#define OP(name, ins, a, outs, saves, diff, b, flags, ...) \
    STRUCTURED(name, ins, a, outs, saves, diff, b, flags, __VA_ARGS__)
#define PART(name, ins, a, outs, saves, diff, b, flags, ...) \
    STRUCTURED(name, ins, a, outs, saves, diff, b, (flags) | CT_IS_PART, __VA_ARGS__)
#define VIEW(name, ins, a, help, cases_)                                                  \
    [CT_OP_##name] = {KIND(name, a, help), .n_in = COUNT_##ins,       .n_out = 1,         \
                      .flags = CT_IS_VIEW, .in_names = {NAMES_##ins}, .out_names = {"y"}, \
                      .cases = cases_,     .view = ct_view_##name,    .grad = ct_grad_##name},
#define FORMULA(name, ins, a, outs, help, cases_)                                                       \
    [CT_OP_##name] = {KIND(name, a, help),    .n_in = COUNT_##ins,         .n_out = COUNT_##outs,       \
                      .flags = CT_IS_FORMULA, .in_names = {NAMES_##ins},   .out_names = {NAMES_##outs}, \
                      .cases = cases_,        .formula = ct_formula_##name},
#include "kernels/ops.def"

#define FLOAT CT_FLOAT_ONLY
#define NUMBER 0
#define ALL CT_BOOLS
#define IN(lo, hi) \
    { lo, hi }
#define ROW_POINTWISE(name, class, a, n, text_, ...)                \
    [CT_OP_##name] = {KIND(name, a, "pointwise"),                   \
                      .n_in = n,                                    \
                      .n_out = 1,                                   \
                      .flags = CT_POINTWISE | CT_PROMOTE | (class), \
                      .out_names = {"y"},                           \
                      .text = text_,                                \
                      .backends = "ref cpu",                        \
                      .shape = ct_shape_pointwise,                  \
                      __VA_ARGS__}
#define ROW_GRAD(name, a, n, i)                                                  \
    [CT_OP_##name##_d##i] = {KIND(name##_d##i, a, "gradient of a pointwise op"), \
                             .n_in = (n) + 2,                                    \
                             .n_out = 1,                                         \
                             .first_in = i,                                      \
                             .flags = CT_POINTWISE | CT_IS_GRAD,                 \
                             .out_names = {"dx"},                                \
                             .backends = "ref cpu",                              \
                             .shape = ct_shape_pointwise}
#define POINTWISE1(name, class, a, d0, y, dx)                                             \
    ROW_POINTWISE(name, class, a, 1, #y "\0" #dx "\0", .in_names = {"x"}, .domain = {d0}, \
                  .grad = ct_grad_##name##_pw),                                           \
        ROW_GRAD(name, a, 1, 0),
#define POINTWISE2(name, class, a, other, d0, d1, y, da, db)                                                      \
    ROW_POINTWISE(name, class, a, 2, #y "\0" #da "\0" #db "\0", .in_names = {"input", other}, .domain = {d0, d1}, \
                  .grad = ct_grad_##name##_pw),                                                                   \
        ROW_GRAD(name, a, 2, 0), ROW_GRAD(name, a, 2, 1),
#define POINTWISE3(name, class, a, second, third, d0, d1, d2, y, da, db, dc)                                   \
    ROW_POINTWISE(name, class, a, 3, #y "\0" #da "\0" #db "\0" #dc "\0", .in_names = {"input", second, third}, \
                  .domain = {d0, d1, d2}, .grad = ct_grad_##name##_pw),                                        \
        ROW_GRAD(name, a, 3, 0), ROW_GRAD(name, a, 3, 1), ROW_GRAD(name, a, 3, 2),
#define COMPARE1(name, d0, y) ROW_POINTWISE(name, CT_BOOLEAN, none, 1, #y "\0", .in_names = {"x"}, .domain = {d0}),
#define COMPARE2(name, other, d0, d1, y) \
    ROW_POINTWISE(name, CT_BOOLEAN, none, 2, #y "\0", .in_names = {"input", other}, .domain = {d0, d1}),
#include "kernels/pointwise.def"
};

/* Whether the words of a gradient mention a variable: what they mention is what is saved. */
static bool mentions(const char *text, char variable) {
    for (const char *p = text; *p; p++) {
        bool word = p > text &&
                    (p[-1] == '_' || (p[-1] >= '0' && p[-1] <= '9') || ((p[-1] | 32) >= 'a' && (p[-1] | 32) <= 'z'));
        bool ends = !(p[1] == '_' || (p[1] >= '0' && p[1] <= '9') || ((p[1] | 32) >= 'a' && (p[1] | 32) <= 'z'));
        if (*p == variable && !word && ends) return true;
    }
    return false;
}

__attribute__((constructor)) static void derive(void) {
    table[CT_OP_detach].grad = NULL; /* that is what it is for */
    table[CT_OP_pow_scalar].shape = ct_shape_pow_scalar;
    for (int id = 0; id < CT_OP_COUNT; id++) {
        ct_op *op = &table[id];
        op->place = places[id];
        op->flags |= more_flags[id];
        if (!(op->flags & CT_POINTWISE) || op->flags & (CT_IS_GRAD | CT_BOOLEAN)) continue;
        const char *text = op->text + strlen(op->text) + 1; /* past the value: the gradients */
        for (int i = 0; i < op->n_in; i++, text += strlen(text) + 1) {
            ct_op *d = &table[id + 1 + i];
            for (int j = 0; j < op->n_in; j++)
                if (mentions(text, op->n_in == 1 ? 'x' : (char)('a' + j)))
                    op->saves_in |= 1u << j, d->saves_in |= 2u << j;
            if (mentions(text, 'y')) op->saves_out = 1, d->saves_in |= 2u << op->n_in;
        }
    }
}

const ct_op *ct_op_get(int id) { return &table[id]; }
int ct_op_id(const ct_op *op) { return (int)(op - table); }

const ct_op *ct_op_find(const char *name) {
    for (int id = 0; id < CT_OP_COUNT; id++)
        if (!strcmp(table[id].kind.name, name)) return &table[id];
    return NULL;
}
