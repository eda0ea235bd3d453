/* The inits as a spec says them: rows of settings, torch.nn.init's names without their last "_". */
#include "nn/init.h"
#include "nn/keys.h"
#include <string.h>

typedef struct args {
    double std, mean, a, b, val, gain, sparsity;
    int64_t groups;
    int mode, nonlinearity;
} args;

#define WORDS "leaky_relu|relu|tanh|sigmoid|selu|linear"
#define STD(def) CT_ROW_FLOAT(std, def, 0, INFINITY, "standard deviation")
#define ANY(field, def, help) CT_ROW_FLOAT(field, def, -INFINITY, INFINITY, help)
static const ct_key uniform_keys[] = {ANY(a, 0, "the least"), ANY(b, 1, "the bound above"), {0}};
static const ct_key normal_keys[] = {STD(1), ANY(mean, 0, "mean"), {0}};
static const ct_key trunc_keys[] = {STD(1), ANY(mean, 0, "mean"), ANY(a, -2, "the least"), ANY(b, 2, "the most"), {0}};
static const ct_key constant_keys[] = {ANY(val, CT_REQUIRED, "what each number is"), {0}};
static const ct_key dirac_keys[] = {CT_ROW_INT(groups, 1, 1, 1 << 20, "groups of channels"), {0}};
static const ct_key gain_keys[] = {ANY(gain, 1, "a factor"), {0}};
static const ct_key sparse_keys[] = {
    CT_ROW_FLOAT(sparsity, CT_REQUIRED, 0, 1, "the share of each column that is 0"), STD(0.01), {0}};
static const ct_key kaiming_keys[] = {
    CT_ROW_ENUM(mode, "fan_in|fan_out", "what stays as large as it was: what flows forward, or gradients"),
    CT_ROW_ENUM(nonlinearity, WORDS, "what follows the layer"),
    ANY(a, 0, "leaky_relu's negative slope"),
    {0}};

typedef ct_status fill_fn(ct_tensor *t, const args *x);

static ct_status uniform(ct_tensor *t, const args *x) { return ct_init_uniform(t, x->a, x->b); }
static ct_status normal(ct_tensor *t, const args *x) { return ct_init_normal(t, x->mean, x->std); }
static ct_status trunc_normal(ct_tensor *t, const args *x) {
    return ct_init_trunc_normal(t, x->mean, x->std, x->a, x->b);
}
static ct_status constant(ct_tensor *t, const args *x) { return ct_init_constant(t, x->val); }
static ct_status ones(ct_tensor *t, const args *x) { return (void)x, ct_init_ones(t); }
static ct_status zeros(ct_tensor *t, const args *x) { return (void)x, ct_init_zeros(t); }
static ct_status eye(ct_tensor *t, const args *x) { return (void)x, ct_init_eye(t); }
static ct_status dirac(ct_tensor *t, const args *x) { return ct_init_dirac(t, x->groups); }
static ct_status orthogonal(ct_tensor *t, const args *x) { return ct_init_orthogonal(t, x->gain); }
static ct_status sparse(ct_tensor *t, const args *x) { return ct_init_sparse(t, x->sparsity, x->std); }
static ct_status xavier_uniform(ct_tensor *t, const args *x) { return ct_init_xavier_uniform(t, x->gain); }
static ct_status xavier_normal(ct_tensor *t, const args *x) { return ct_init_xavier_normal(t, x->gain); }

static ct_status kaiming(ct_tensor *t, const args *x, ct_status (*fill)(ct_tensor *, ct_kaiming_args)) {
    char word[32] = "";
    ct_key_choice(&kaiming_keys[1], x->nonlinearity, word, sizeof word);
    return fill(t, (ct_kaiming_args){.a = x->a, .fan_out = x->mode == 1, .nonlinearity = word});
}
static ct_status kaiming_uniform(ct_tensor *t, const args *x) { return kaiming(t, x, ct_init_kaiming_uniform); }
static ct_status kaiming_normal(ct_tensor *t, const args *x) { return kaiming(t, x, ct_init_kaiming_normal); }

static const struct {
    ct_kind kind;
    fill_fn *fill;
    int least, most; /* dimensions */
} rows[] = {
#define ROW(name, keys, least, most, help) \
    { {#name, keys, sizeof(args), help}, name, least, most }
    ROW(uniform, uniform_keys, 0, CT_MAX_DIMS, "uniform numbers from a to b"),
    ROW(normal, normal_keys, 0, CT_MAX_DIMS, "normal numbers"),
    ROW(trunc_normal, trunc_keys, 0, CT_MAX_DIMS, "normal numbers, of which only those from a to b count"),
    ROW(constant, constant_keys, 0, CT_MAX_DIMS, "one number"),
    ROW(ones, NULL, 0, CT_MAX_DIMS, "ones"),
    ROW(zeros, NULL, 0, CT_MAX_DIMS, "zeros"),
    ROW(eye, NULL, 2, 2, "the identity"),
    ROW(dirac, dirac_keys, 3, 5, "a convolution that passes channels on as they are"),
    ROW(orthogonal, gain_keys, 2, CT_MAX_DIMS, "orthogonal rows or columns (Saxe et al., 2013)"),
    ROW(sparse, sparse_keys, 2, 2, "normal numbers, some of each column 0 (Martens, 2010)"),
    ROW(xavier_uniform, gain_keys, 2, CT_MAX_DIMS, "uniform numbers by Glorot and Bengio (2010)"),
    ROW(xavier_normal, gain_keys, 2, CT_MAX_DIMS, "normal numbers by Glorot and Bengio (2010)"),
    ROW(kaiming_uniform, kaiming_keys, 2, CT_MAX_DIMS, "uniform numbers by He et al. (2015)"),
    ROW(kaiming_normal, kaiming_keys, 2, CT_MAX_DIMS, "normal numbers by He et al. (2015)"),
};
static const ct_kind *kinds[CT_COUNT(rows)];

__attribute__((constructor)) static void list_rows(void) {
    for (int i = 0; i < CT_COUNT(rows); i++) kinds[i] = &rows[i].kind;
}

const ct_kind *const *ct_init_kinds(int *n) {
    *n = CT_COUNT(rows);
    return kinds;
}

ct_status ct_init_fill(const ct_kind *kind, const void *p, ct_tensor *t, bool shape_only) {
    for (int i = 0; i < CT_COUNT(rows); i++) {
        if (kinds[i] != kind) continue;
        int n = ct_ndim(t);
        if (n >= rows[i].least && n <= rows[i].most) return shape_only ? CT_OK : rows[i].fill(t, p);
        return ct_fail(CT_FAIL, "%s: wants a tensor of %d to %d dimensions, got %d", kind->name, rows[i].least,
                       rows[i].most, n);
    }
    return ct_fail(CT_FAIL, "%s: is no init", kind->name);
}
