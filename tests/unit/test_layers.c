/* Layers at work: training and evaluation, first values, several inputs and results, what is refused. */
#include "nn_make.h"

/* ---- training and evaluation ---- */
static ct_tensor *ones(ct_dims d) { return ct_full(CT_F32, d, 1); }

/* How many of y's elements are 0; the others are `kept`. */
static int64_t zeros(ct_tensor *y, double kept) {
    int64_t n = 0;
    const float *v = ct_data(y);
    for (int64_t i = 0; i < ct_numel(y); i++) {
        n += v[i] == 0;
        if (v[i] != 0) CHECK_NEAR(v[i], kept, 1e-6);
    }
    return n;
}

static void dropouts(void) {
    ct_module *m = make("dropout", "p=0.25", "100x100", 1);
    ct_tensor *x = ones(CT_DIMS(100, 100)), *y = ct_module_forward(m, x);
    CHECK_NEAR((double)zeros(y, 1 / 0.75), 2500, 200);
    ct_module_train(m, false);
    CHECK(zeros(ct_module_forward(m, x), 1) == 0);
    ct_module_free(m);
    m = make("dropout2d", "p=0.4", "40x50x2x3", 1);
    x = ones(CT_DIMS(40, 50, 2, 3)), y = ct_module_forward(m, x);
    int64_t n = zeros(y, 1 / 0.6);
    CHECK_NEAR((double)n, 0.4 * 12000, 600);
    const float *v = ct_data(y);
    for (int64_t i = 0; i < 12000; i += 6)
        for (int k = 1; k < 6; k++) CHECK(v[i + k] == v[i]); /* channels go whole */
    ct_module_train(m, false);
    CHECK(zeros(ct_module_forward(m, x), 1) == 0);
    ct_module_free(m);
}

/* Dropout in these is inside: two forwards differ in training, never in evaluation. */
static void inner_dropout(void) {
    static const char *const rows[][4] = {
        {"lstm", "hidden_size=8 num_layers=2 dropout=0.5", "5x4x6", "dropout=0.5"},
        {"multi_head_attention", "num_heads=2 dropout=0.5", "7x4x6", ""},
        {"transformer_encoder_layer", "nhead=2 dim_feedforward=20 dropout=0.5", "7x4x6", ""},
    };
    for (int i = 0; i < CT_COUNT(rows); i++) {
        ct_tensor *in[CT_MAX_IN];
        make_inputs(rows[i][2], in);
        ct_module *m = make(rows[i][0], rows[i][1], rows[i][2], 1);
        int64_t rng[2] = {3, 1};
        ct_tensor *stream = ct_from(CT_I64, CT_DIMS(2), rng);
        ct_random_use(stream);
        ct_tensor *a = ct_module_forward(m, in[0]), *same = ct_module_forward(m, in[0]);
        ((int64_t *)ct_data(stream))[1] = 2;
        ct_tensor *next = ct_module_forward(m, in[0]);
        CHECK(distance(a, same) == 0); /* a function of seed, step and name */
        CHECK(distance(a, next) > 0.01);
        ct_module_train(m, false);
        a = ct_module_forward(m, in[0]);
        ((int64_t *)ct_data(stream))[1] = 3;
        CHECK(distance(a, ct_module_forward(m, in[0])) == 0);
        ct_random_use(NULL);
        ct_module_free(m);
    }
}

static void statistics(void) {
    ct_module *m = make("batch_norm", "momentum=0.5", "4x2", 1);
    ct_tensor *x = ct_from(CT_F32, CT_DIMS(4, 2), (float[]){1, 10, 2, 10, 3, 10, 6, 10});
    CHECK(!ct_why(ct_module_forward(m, x)));
    CHECK_NEAR(values(m, "running_mean")[0], 1.5, 1e-6); /* half of the mean, 3 */
    CHECK_NEAR(values(m, "running_var")[0], 0.5 + 14.0 / 6,
               1e-5); /* half of 1, half of the unbiased variance, 14 / 3 */
    CHECK(*(const int64_t *)ct_data(param(m, "num_batches_tracked")->tensor) == 1);
    ct_module_train(m, false);
    const float *y = ct_data(ct_module_forward(m, x));
    CHECK_NEAR(y[0], (1 - 1.5) / sqrt(0.5 + 14.0 / 6 + 1e-5), 1e-5);
    CHECK(*(const int64_t *)ct_data(param(m, "num_batches_tracked")->tensor) == 1);
    ct_module_free(m);
}

/* Without a momentum they are the means of what two batches have. */
static void means_of_batches(void) {
    ct_module *m = make("batch_norm", "momentum=none", "2x1", 1);
    CHECK(!ct_why(ct_module_forward(m, ct_from(CT_F32, CT_DIMS(2, 1), (float[]){1, 3}))));
    CHECK(!ct_why(ct_module_forward(m, ct_from(CT_F32, CT_DIMS(2, 1), (float[]){4, 10}))));
    CHECK_NEAR(values(m, "running_mean")[0], (2 + 7) / 2.0, 1e-6);
    CHECK_NEAR(values(m, "running_var")[0], (2 + 18) / 2.0, 1e-5);
    ct_module_free(m);
}

/* weight_v becomes W'u, weight_u W v, both of norm 1; then the weight's largest singular value is 1. */
static void spectrum(void) {
    ct_module *m = make("linear", "out_features=2 bias=false spectral_norm=true", "1x2", 1);
    memcpy(ct_data(param(m, "weight_orig")->tensor), (float[]){3, 0, 0, 1}, 4 * sizeof(float));
    ct_tensor *x = ones(CT_DIMS(1, 2));
    for (int i = 0; i < 30; i++) CHECK(!ct_why(ct_module_forward(m, x)));
    CHECK_NEAR(fabsf(values(m, "weight_u")[0]), 1, 1e-5);
    CHECK_NEAR(values(m, "weight_v")[1], 0, 1e-5);
    ct_module_train(m, false);
    const float *y = ct_data(ct_module_forward(m, x));
    CHECK_NEAR(y[0], 1, 1e-5);
    CHECK_NEAR(y[1], 1.0 / 3, 1e-5);
    ct_module_free(m);
    m = make("linear", "out_features=3 weight_norm=true", "1x4", 1);
    ct_module *plain = make("linear", "out_features=3", "1x4", 1);
    memcpy(ct_data(param(plain, "weight")->tensor), values(m, "weight_v"), 12 * sizeof(float));
    memcpy(ct_data(param(plain, "bias")->tensor), values(m, "bias"), 3 * sizeof(float));
    x = ct_from(CT_F32, CT_DIMS(1, 4), (float[]){1, -2, 3, 4});
    CHECK(distance(ct_module_forward(m, x), ct_module_forward(plain, x)) < 1e-6); /* it starts as what it is made of */
    ct_module_free(m), ct_module_free(plain);
}

/* ---- first values ---- */
typedef struct moments {
    double mean, std, low, high;
} moments;

static moments moments_of(const float *v, int64_t n) {
    moments m = {0, 0, INFINITY, -INFINITY};
    for (int64_t i = 0; i < n; i++) {
        m.mean += v[i] / (double)n;
        m.low = fmin(m.low, v[i]), m.high = fmax(m.high, v[i]);
    }
    for (int64_t i = 0; i < n; i++) m.std += (v[i] - m.mean) * (v[i] - m.mean) / (double)n;
    m.std = sqrt(m.std);
    return m;
}

/* bound > 0: uniform in +-bound; 0: normal, of deviation 1. */
static void first_values(void) {
    static const struct {
        const char *layer, *args, *input, *name;
        double bound;
    } rows[] = {
        {"linear", "out_features=200", "1x64", "weight", 1.0 / 8},
        {"linear", "out_features=5000", "1x64", "bias", 1.0 / 8},
        {"linear", "out_features=200 weight_norm=true", "1x64", "weight_v", 1.0 / 8},
        {"conv2d", "out_channels=64 kernel_size=[3,3] groups=2", "1x32x4x4", "weight", 1.0 / 12}, /* fan in 16 * 9 */
        {"conv_transpose2d", "out_channels=32 kernel_size=2", "1x64x4x4", "weight",
         1 / 11.3137085}, /* 32 * 4, of out */
        {"lstm", "hidden_size=25", "3x1x40", "weight_ih_l0", 1.0 / 5},
        {"gru", "hidden_size=36 num_layers=2", "3x1x10", "weight_hh_l1", 1.0 / 6},
        {"multi_head_attention", "num_heads=2", "3x1x54", "in_proj_weight", 1.0 / 6}, /* sqrt(6 / (54 + 162)) */
        {"multi_head_attention", "num_heads=2", "3x1x64", "out_proj.weight", 1.0 / 8},
        {"embedding", "num_embeddings=200 embedding_dim=40", "i7:3", "weight", 0},
        {"embedding_bag", "num_embeddings=200 embedding_dim=40", "i7:3x2", "weight", 0},
        {"positions", "max_length=200", "1x5x40", "weight", 0},
    };
    for (int i = 0; i < CT_COUNT(rows); i++) {
        int failed = check_failed;
        ct_module *m = make(rows[i].layer, rows[i].args, rows[i].input, 1);
        ct_tensor *t = CHECK(m && param(m, rows[i].name)) ? param(m, rows[i].name)->tensor : ct_scalar(CT_F32, 0);
        double bound = rows[i].bound, std = bound > 0 ? bound / sqrt(3) : 1, n = (double)ct_numel(t);
        moments got = moments_of(ct_data(t), ct_numel(t));
        CHECK_NEAR(got.mean, 0, 5 * std / sqrt(n));
        CHECK_NEAR(got.std, std, 5 * std / sqrt(n));
        if (bound > 0)
            CHECK(got.low >= -bound - 1e-6 && got.low < -0.98 * bound && got.high <= bound && got.high > 0.98 * bound);
        else
            CHECK(got.low < -3 && got.high > 3 && got.low > -7 && got.high < 7);
        if (failed != check_failed) printf("    %s %s\n", rows[i].layer, rows[i].name);
        ct_module_free(m);
    }
}

static void constants(void) {
    static const struct {
        const char *layer, *args, *input, *name;
        double value;
    } rows[] = {
        {"batch_norm", "", "2x3", "weight", 1},
        {"batch_norm", "", "2x3", "bias", 0},
        {"batch_norm", "", "2x3", "running_var", 1},
        {"layer_norm", "", "2x3", "weight", 1},
        {"layer_norm", "", "2x3", "bias", 0},
        {"rms_norm", "", "2x3", "weight", 1},
        {"prelu", "", "2x3", "weight", 0.25},
        {"prelu", "init=0.5", "2x3", "weight", 0.5},
        {"multi_head_attention", "num_heads=2", "3x1x4", "in_proj_bias", 0},
        {"multi_head_attention", "num_heads=2", "3x1x4", "out_proj.bias", 0},
    };
    for (int i = 0; i < CT_COUNT(rows); i++) {
        ct_module *m = make(rows[i].layer, rows[i].args, rows[i].input, 1);
        const float *v = values(m, rows[i].name);
        for (int64_t k = 0; v && k < ct_numel(param(m, rows[i].name)->tensor); k++) CHECK_NEAR(v[k], rows[i].value, 0);
        ct_module_free(m);
    }
    ct_module *m = make("embedding", "num_embeddings=9 embedding_dim=3 padding_idx=4", "i7:3", 1);
    for (int i = 0; i < 27; i++) CHECK((values(m, "weight")[i] == 0) == (i / 3 == 4));
    ct_module_free(m);
}

/* Numbers depend on the seed and the name. */
static void keyed(void) {
    ct_module *a = make("lstm", "hidden_size=8", "3x1x8", 1), *b = make("lstm", "hidden_size=8", "3x1x8", 1);
    ct_module *c = make("lstm", "hidden_size=8", "3x1x8", 2);
    size_t bytes = 4 * 8 * 8 * sizeof(float);
    CHECK(!memcmp(values(a, "weight_ih_l0"), values(b, "weight_ih_l0"), bytes));
    CHECK(memcmp(values(a, "weight_ih_l0"), values(a, "weight_hh_l0"), bytes));
    CHECK(memcmp(values(a, "weight_ih_l0"), values(c, "weight_ih_l0"), bytes));
    ct_module_free(a), ct_module_free(b), ct_module_free(c);
}

/* ---- several inputs, several results ---- */
static void states(void) {
    ct_tensor *in[CT_MAX_IN], *out[CT_MAX_IN], *rest[CT_MAX_IN];
    make_inputs("6x2x3", in);
    ct_module *m = make("lstm", "hidden_size=4", "6x2x3", 1);
    ct_tensor *y = ct_module_forward_all(m, in, 1, out);
    CHECK(y == out[0] && out[1] && out[2] && !out[3]);
    ct_tensor *last = ct_slice(y, (ct_slice_args){.start = CT_DIMS(5), .stop = CT_DIMS(6)});
    CHECK(distance(last, out[1]) == 0);
    /* the sequence in two parts, the second from where the first ended */
    ct_tensor *first = ct_slice(in[0], (ct_slice_args){.start = CT_DIMS(0), .stop = CT_DIMS(4)});
    ct_tensor *second = ct_slice(in[0], (ct_slice_args){.start = CT_DIMS(4), .stop = CT_DIMS(6)});
    ct_module_forward_all(m, &first, 1, rest);
    ct_tensor *next[] = {second, rest[1], rest[2]};
    CHECK(distance(ct_module_forward_all(m, next, 3, NULL),
                   ct_slice(y, (ct_slice_args){.start = CT_DIMS(4), .stop = CT_DIMS(6)})) < 1e-6);
    ct_module_free(m);
    /* two layers, two directions: h is the last step of the one and the first of the other */
    m = make("gru", "hidden_size=4 num_layers=2 bidirectional=true", "6x2x3", 1);
    y = ct_module_forward_all(m, in, 1, out);
    CHECK(ct_ndim(out[1]) == 3 && ct_size(out[1], 0) == 4 && ct_size(out[1], 1) == 2 && ct_size(out[1], 2) == 4);
    ct_slice_args forth = {.start = CT_DIMS(5, 0, 0), .stop = CT_DIMS(6, 2, 4)},
                  back = {.start = CT_DIMS(0, 0, 4), .stop = CT_DIMS(1, 2, 8)};
    CHECK(distance(ct_slice(y, forth), ct_slice(out[1], (ct_slice_args){.start = CT_DIMS(2), .stop = CT_DIMS(3)})) ==
          0);
    CHECK(distance(ct_slice(y, back), ct_slice(out[1], (ct_slice_args){.start = CT_DIMS(3), .stop = CT_DIMS(4)})) == 0);
    ct_module_free(m);
}

/* A causal layer's output at a place does not depend on what comes after it. */
static void causal(void) {
    ct_tensor *in[CT_MAX_IN];
    make_inputs("2x5x6", in);
    ct_module *m = make("transformer_encoder_layer", "nhead=2 batch_first=true is_causal=true", "2x5x6", 1);
    ct_module_train(m, false);
    ct_slice_args early = {.start = CT_DIMS(0, 0), .stop = CT_DIMS(2, 3)};
    ct_tensor *whole = ct_module_forward(m, in[0]), *part = ct_module_forward(m, ct_slice(in[0], early));
    CHECK(distance(ct_slice(whole, early), part) < 1e-5);
    ct_module_free(m);
}

/* ---- refusals ---- */
static void refusals(void) {
    static const char *const rows[][4] = {
        {"conv2d", "out_channels=4 kernel_size=3", "2x3x8", "conv2d wants an input (N, C, H, W), it has 3 dimensions"},
        {"conv1d", "out_channels=4 kernel_size=3 groups=2", "2x3x8", "groups 2 must divide the input's 3 channels"},
        {"linear", "out_features=4 weight_norm=true spectral_norm=true", "2x3", "exclude each other"},
        {"bilinear", "out_features=4", "2x3", "bilinear wants 2 inputs, it has 1"},
        {"linear", "out_features=4", "2x3 2x3", "linear wants 1 input, it has 2"},
        {"group_norm", "num_groups=2", "2x3", "2 groups do not divide the input's 3 channels"},
        {"prelu", "num_parameters=2", "2x3", "2 slopes for 3 channels"},
        {"embedding", "num_embeddings=3 embedding_dim=2 padding_idx=3", "i3:2", "padding_idx 3 is not one of 3 rows"},
        {"embedding_bag", "num_embeddings=3 embedding_dim=2", "i3:2", "(N, L) of bags of L indices"},
        {"embedding_bag", "num_embeddings=3 embedding_dim=2", "i3:2x2 i1:2", "(n) of indices beside offsets"},
        {"multi_head_attention", "num_heads=4", "2x1x6", "4 heads do not divide 6 features"},
        {"multi_head_attention", "num_heads=2", "2x1x6 2x1x4", "6 features, as query"},
        {"transformer_encoder_layer", "nhead=4", "2x1x6", "4 heads do not divide 6 features"},
        {"positions", "kind=rotary", "2x4x5", "pairs of features are wanted, there are 5"},
        {"positions", "dim=2", "2x4x5", "dim is the features' own"},
        {"positions", "dim=3", "2x4x5", "dim"},
        {"positions", "", "2x6", "dimension 0 is the batch"},
        {"lstm", "hidden_size=4", "3", "(L, N, features)"},
        {"conv2d", "out_channels=1048576 kernel_size=1048576", "1x1024x2x2", ""}, /* no memory is that large */
    };
    for (int i = 0; i < CT_COUNT(rows); i++) {
        ct_scope *scope = ct_scope_open();
        ct_tensor *in[CT_MAX_IN];
        int n = make_inputs(rows[i][2], in);
        ct_module *m = make_from(rows[i][0], rows[i][1], in, n, 1, CT_BEGIN_DRAWN);
        if (!CHECK(!m)) printf("    %s %s\n", rows[i][0], rows[i][1]);
        CHECK_HAS(ct_error(), rows[i][3]);
        ct_module_free(m);
        (void)!ct_scope_close(scope);
    }
}

/* What only the values' shapes can tell, at the forward. */
static void late_refusals(void) {
    static const char *const rows[][5] = {
        {"positions", "max_length=4", "2x4x6", "2x5x6", "the sequence is 5 long, there are 4 positions"},
        {"unflatten", "dim=1 unflattened_size=[2,3]", "2x6", "2x5", "unflatten"},
        {"unflatten", "dim=4 unflattened_size=[2,3]", "2x6", "2x6", "unflatten"},
        {"gru", "hidden_size=4 num_layers=2", "5x2x3", "5x2x3 1x2x4", "a first state is (2, N, hidden_size)"},
        {"reflection_pad2d", "padding=1", "2x3x4x4", "4x4", "wants an input of 3 or 4 dimensions"},
        {"linear", "out_features=3", "2x4", "-", "its input 1 is missing"},
        {"add", "", "2x4 2x4 2x4", "2x4 - 2x4", "its input 2 is missing"},
    };
    for (int i = 0; i < CT_COUNT(rows); i++) {
        ct_scope *scope = ct_scope_open();
        ct_tensor *in[CT_MAX_IN];
        ct_module *m = make(rows[i][0], rows[i][1], rows[i][2], 1);
        ct_tensor *y =
            CHECK(m) ? ct_module_forward_all(m, in, make_inputs(rows[i][3], in), NULL) : ct_scalar(CT_F32, 0);
        CHECK_HAS(ct_why(y), rows[i][4]);
        ct_module_free(m);
        (void)!ct_scope_close(scope);
    }
    ct_module *list = ct_module_list("", 1);
    char name[300];
    ct_layout in = ct_layout_of(CT_F32, CT_DIMS(2, 3));
    memset(name, 'x', sizeof name - 1), name[sizeof name - 1] = 0;
    CHECK(ct_module_part(list, name, "relu", &in, "%s", "") == CT_FAIL && list->n_children == 0);
    CHECK_HAS(ct_error(), "name is too long");
    CHECK(ct_module_part(list, "a", "no_such", &in, "%s", "") == CT_FAIL);
    CHECK(ct_module_part(list, "a", "linear", &in, "out_features=%d unknown=1", 3) == CT_BAD_SPEC);
    ct_module_free(list);
}

int main(void) {
    ct_scope *scope = ct_scope_open();
    RUN(dropouts);
    RUN(inner_dropout);
    RUN(statistics), RUN(means_of_batches);
    RUN(spectrum);
    RUN(first_values);
    RUN(constants);
    RUN(keyed);
    RUN(states);
    RUN(causal);
    RUN(refusals);
    RUN(late_refusals);
    if (!CHECK(ct_scope_close(scope) == CT_OK)) printf("%s\n", ct_error());
    return check_done("layers");
}
