/* First values whose scale keeps signals as large as they were: by Glorot and Bengio (2010) and He et al. (2015). */
#include "base/error.h"
#include "ctorch.h"
#include <math.h>
#include <string.h>

/* PyTorch's recommended gains. */
static const struct {
    const char *name;
    double gain;
} gains[] = {
    {"linear", 1},           {"conv1d", 1},           {"conv2d", 1},           {"conv3d", 1},
    {"conv_transpose1d", 1}, {"conv_transpose2d", 1}, {"conv_transpose3d", 1}, {"sigmoid", 1},
    {"tanh", 5.0 / 3},       {"relu", M_SQRT2},       {"selu", 0.75},
};

double ct_init_gain(const char *nonlinearity, double param) {
    if (!nonlinearity || !strcmp(nonlinearity, "leaky_relu")) return sqrt(2 / (1 + param * param));
    for (int i = 0; i < CT_COUNT(gains); i++)
        if (!strcmp(gains[i].name, nonlinearity)) return gains[i].gain;
    ct_fail(CT_FAIL, "gain: unknown nonlinearity '%.40s'", nonlinearity);
    return NAN;
}

/* How many inputs each output of a weight (out, in, window...) has, and the other way round. */
static ct_status fans(const char *name, const ct_tensor *t, double *in, double *out) {
    if (ct_why(t)) return ct_fail(CT_FAIL, "%s", ct_why(t));
    if (ct_ndim(t) < 2)
        return ct_fail(CT_FAIL, "%s: wants a tensor of at least 2 dimensions, got %d", name, ct_ndim(t));
    double window = 1;
    for (int d = 2; d < ct_ndim(t); d++) window *= (double)ct_size(t, d);
    *in = (double)ct_size(t, 1) * window, *out = (double)ct_size(t, 0) * window;
    return CT_OK;
}

/* Without elements there is nothing to scale. */
static double root(double variance) { return isfinite(variance) ? sqrt(variance) : 0; }

ct_status ct_init_xavier_uniform(ct_tensor *t, double gain) {
    double in, out;
    CT_TRY(fans("xavier_uniform", t, &in, &out));
    double bound = gain * root(6 / (in + out));
    return ct_init_uniform(t, -bound, bound);
}

ct_status ct_init_xavier_normal(ct_tensor *t, double gain) {
    double in, out;
    CT_TRY(fans("xavier_normal", t, &in, &out));
    return ct_init_normal(t, 0, gain * root(2 / (in + out)));
}

static ct_status kaiming(const char *name, const ct_tensor *t, const ct_kaiming_args *args, double *std) {
    double in, out, gain = ct_init_gain(args->nonlinearity, args->a);
    if (isnan(gain)) return CT_FAIL;
    CT_TRY(fans(name, t, &in, &out));
    *std = gain * root(1 / (args->fan_out ? out : in));
    return CT_OK;
}

ct_status ct_init_kaiming_uniform(ct_tensor *t, ct_kaiming_args args) {
    double std;
    CT_TRY(kaiming("kaiming_uniform", t, &args, &std));
    return ct_init_uniform(t, -sqrt(3) * std, sqrt(3) * std);
}

ct_status ct_init_kaiming_normal(ct_tensor *t, ct_kaiming_args args) {
    double std;
    CT_TRY(kaiming("kaiming_normal", t, &args, &std));
    return ct_init_normal(t, 0, std);
}
