/* What a C program sees of models, optimizers, schedules and random numbers, and how each says that it cannot. */
#include "scratch.h"
#include <ctorch_run.h>
#include "nn/module.h"

static double at_(const ct_tensor *t, int64_t i) {
    double v[64] = {0};
    return ct_numel(t) <= 64 && !ct_copy_out(t, CT_F64, v) ? v[i] : NAN;
}

static ct_optim *adam(ct_module *m, const char *text) {
    int n;
    ct_tensor *const *params = ct_module_params(m, &n);
    return ct_optim_open(text, params, n);
}

static ct_tensor *ones(int64_t n, int64_t d) { return ct_full(CT_F32, CT_DIMS(n, d), 1); }

/* What a failed call left: nothing crashes on it. */
static void no_tensor(void) {
    CHECK(ct_dtype_of(NULL) == CT_NONE && !ct_ndim(NULL) && !ct_size(NULL, 0) && !ct_stride(NULL, -1));
    CHECK(!ct_numel(NULL) && !ct_is_contiguous(NULL) && !ct_data(NULL) && isnan(ct_item(NULL)) && !ct_grad(NULL));
    CHECK(ct_why(ct_relu(NULL)) && ct_why(ct_add(NULL, NULL)) && ct_backward(NULL) == CT_FAIL);
    ct_zero_grad(NULL), ct_drop(ct_keep(NULL));
    CHECK(ct_set(ones(1, 1), NULL) == CT_FAIL && ct_set(NULL, ones(1, 1)) == CT_FAIL);
    CHECK_HAS(ct_error(), "set: there is no tensor");
}

/* ---- models ---- */
static void models(void) {
    ct_module *m = ct_module_open("[linear: {out_features: 3, name: in}, repeat: 2]", CT_F32, CT_DIMS(4));
    CHECK(!m && *ct_error());
    m = ct_module_open("- linear: 3\n  name: first\n- batch_norm\n- relu\n- linear: 2\n", CT_F32, CT_DIMS(4));
    if (!CHECK(m != NULL)) return;
    static const char *const names[] = {"first.weight", "first.bias", "1.weight", "1.bias", "3.weight", "3.bias"};
    char name[256];
    int n, found = 0, all = 0;
    ct_tensor *const *params = ct_module_params(m, &n);
    CHECK(n == 6 && ct_module_trained(m) == 12 + 3 + 3 + 3 + 6 + 2);
    for (int i = 0; i < n; i++) CHECK(ct_module_tensor(m, names[i]) == params[i]);
    for (; ct_module_name(m, all, name); all++) found += ct_module_tensor(m, name) != NULL;
    CHECK(all == 9 && found == 9 && ct_dtype_of(ct_module_tensor(m, "1.num_batches_tracked")) == CT_I64);
    CHECK(!ct_module_name(m, -1, name) && !ct_module_tensor(m, "9.weight"));
    ct_tensor *y = ct_module_forward(m, ones(5, 4));
    CHECK(ct_ndim(y) == 2 && ct_size(y, 0) == 5 && ct_size(y, 1) == 2);
    CHECK(at_(ct_module_tensor(m, "1.num_batches_tracked"), 0) == 1);
    ct_module_train(m, false);
    ct_module_forward(m, ones(5, 4));
    CHECK(at_(ct_module_tensor(m, "1.num_batches_tracked"), 0) == 1);
    ct_module_free(m);
}

static void wrong_models(void) {
    static const struct {
        const char *model;
        ct_dims sample;
        const char *why;
    } wrong[] = {
        {"[linear: 3, rellu]", {1, {4}}, "model:1:13: unknown layer 'rellu'; did you mean 'relu'?"},
        {"[conv2d: {out_channels: 3, kernel_size: 3}]", {1, {4}}, "model:1:2: conv2d"},
        {"[linear: 3", {1, {4}}, "model:1:"},
        {"[linear: 3]", {CT_MAX_DIMS, {1, 1, 1, 1, 1, 1, 1, 1}}, "dimensions"},
        {"[linear: 3]", {1, {-2}}, "at least 1"},
    };
    for (int i = 0; i < CT_COUNT(wrong); i++) {
        ct_scope *scope = ct_scope_open();
        CHECK(!ct_module_open(wrong[i].model, CT_F32, wrong[i].sample));
        CHECK_HAS(ct_error(), wrong[i].why);
        CHECK(ct_scope_close(scope) != CT_OK);
        CHECK_HAS(ct_error(), wrong[i].why);
    }
    ct_scope *scope = ct_scope_open();
    CHECK_HAS(ct_why(ct_module_forward(NULL, ones(1, 1))), "no module");
    ct_module_train(NULL, true), ct_module_free(NULL);
    CHECK(ct_scope_close(scope) == CT_FAIL && ct_module_trained(NULL) == 0 && !ct_module_tensor(NULL, "0.weight"));
}

/* The settings are copied into the module: they must not point into the text that they were read from. */
static void settings_without_texts(void) {
    int n;
    const ct_kind *const *kinds = ct_layer_kinds(&n);
    for (int i = 0; i < n; i++)
        for (const ct_key *k = kinds[i]->keys; k && k->name; k++)
            CHECK(k->type != CT_KEY_STRING && k->type != CT_KEY_PATH);
}

static void seeds(void) {
    double first[3];
    for (int i = 0; i < 3; i++) {
        if (i != 1) ct_manual_seed(5);
        ct_module *m = ct_module_open("[linear: 2]", CT_F32, CT_DIMS(2));
        first[i] = at_(ct_module_tensor(m, "0.weight"), 0);
        ct_module_free(m);
    }
    CHECK(first[0] != first[1] && first[0] == first[2]);
    ct_module *m = ct_module_open("[dropout: 0.5]", CT_F32, CT_DIMS(32));
    int same = 0;
    ct_tensor *a = ct_module_forward(m, ones(1, 32)), *b = ct_module_forward(m, ones(1, 32));
    for (int i = 0; i < 32; i++) same += at_(a, i) == at_(b, i);
    CHECK(same > 2 && same < 30); /* each forward has a mask of its own */
    ct_module_free(m);
}

static void files(void) {
    ct_manual_seed(1);
    ct_module *a = ct_module_open("[linear: 3, batch_norm]", CT_F32, CT_DIMS(2));
    ct_module *b = ct_module_open("[linear: 3, batch_norm]", CT_F32, CT_DIMS(2));
    ct_module *c = ct_module_open("[linear: 4, batch_norm]", CT_F32, CT_DIMS(2));
    CHECK(at_(ct_module_tensor(a, "0.weight"), 0) != at_(ct_module_tensor(b, "0.weight"), 0));
    CHECK(!ct_module_save(a, at("a.safetensors")) && !ct_module_load(b, at("a.safetensors")));
    for (int i = 0; i < 6; i++)
        CHECK(at_(ct_module_tensor(a, "0.weight"), i) == at_(ct_module_tensor(b, "0.weight"), i));
    CHECK(ct_module_load(c, at("a.safetensors")) == CT_BAD_DATA);
    CHECK_HAS(ct_error(), "0.weight");
    ct_module *d = ct_module_open("[linear: {out_features: 3, bias: false}, linear: 3]", CT_F32, CT_DIMS(2));
    float before = at_(ct_module_tensor(d, "0.weight"), 0); /* which the file has, and more that it has not */
    CHECK(ct_module_load(d, at("a.safetensors")) == CT_BAD_DATA && at_(ct_module_tensor(d, "0.weight"), 0) == before);
    ct_module_free(d);
    CHECK(ct_module_load(a, at("none")) == CT_FAIL && ct_module_save(NULL, at("none")) == CT_FAIL);
    ct_module_free(a), ct_module_free(b), ct_module_free(c);
}

/* ---- optimizers ---- */
static void optimizers(void) {
    ct_tensor *w[2] = {ct_requires_grad(ct_full(CT_F32, CT_DIMS(2), 1), true),
                       ct_requires_grad(ct_full(CT_F32, CT_DIMS(2), 1), true)};
    ct_optim *o = ct_optim_open("sgd: {lr: 0.5}", w, 1);
    CHECK(!ct_optim_add_group(o, "sgd: {lr: 0.25}", w + 1, 1) && ct_optim_groups(o) == 2);
    ct_lr_scheduler *s = ct_lr_scheduler_open("exponential: {gamma: 0.1}", o);
    for (int i = 0; i < 2; i++) {
        ct_optim_zero_grad(o);
        CHECK(!ct_backward(ct_sum(ct_mul(w[0], w[1]), (ct_reduce_args){0})));
        if (!i) CHECK(!ct_clip_grad_value(w, 2, 0.5));
        CHECK(!ct_optim_step(o));
        CHECK_NEAR(ct_item(ct_optim_lr(o, 1)), i ? 0.025 : 0.25, 1e-12);
        ct_lr_scheduler_step(s, 0);
    }
    /* 1 - .5 * .5 and 1 - .25 * .5, then a tenth of the rates */
    CHECK_NEAR(at_(w[0], 0), 0.75 - 0.05 * 0.875, 1e-6);
    CHECK_NEAR(at_(w[1], 0), 0.875 - 0.025 * 0.75, 1e-6);
    CHECK(ct_optim_add_group(o, "muon", w + 1, 1) == CT_FAIL);
    CHECK_HAS(ct_error(), "muon: parameter 0 is (2), wanted 2 dimensions");
    ct_lr_scheduler_free(s), ct_optim_free(o);
    for (int i = 0; i < 2; i++) ct_drop(w[i]);
}

/* Some steps up or down 3 sum(tanh(w)). */
static ct_tensor *climbed(const char *kind, bool up) {
    char text[128];
    snprintf(text, sizeof text, "%s: {lr: 0.05, weight_decay: 0.1, maximize: %s}", kind, up ? "true" : "false");
    ct_tensor *w =
        ct_requires_grad(ct_linspace((ct_linspace_args){.start = -1, .end = 1, .steps = 7, .dtype = CT_F32}), true);
    ct_optim *o = ct_optim_open(text, &w, 1);
    if (!CHECK(o != NULL)) return w;
    for (int i = 0; i < 4; i++) {
        ct_optim_zero_grad(o);
        ct_tensor *value = ct_mul_scalar(ct_sum(ct_tanh(w), (ct_reduce_args){0}), up ? 3 : -3);
        CHECK(!ct_backward(value) && !ct_optim_step(o));
    }
    ct_optim_free(o);
    return w;
}

/* maximize is a step down the negated gradient, to the bit. */
static void maximize(void) {
    static const char *const kinds[] = {"sgd",      "adam",   "adamw", "rmsprop", "adagrad",
                                        "adadelta", "adamax", "nadam", "radam"};
    ct_scope *scope = ct_scope_open();
    for (int i = 0; i < CT_COUNT(kinds); i++) {
        ct_tensor *up = climbed(kinds[i], true), *down = climbed(kinds[i], false);
        CHECK(!memcmp(ct_data(up), ct_data(down), 7 * sizeof(float)));
        CHECK(at_(up, 3) > 0);
    }
    CHECK(ct_scope_close(scope) == CT_OK);
}

/* Two steps of torch.optim.Muon, with its bfloat16 made float64; a matrix and its transpose. */
static void muon(void) {
    static const double start[] = {1, -2, 0.5, 0.25, -1, 3};
    static const double grads[][6] = {{0.5, -1, 2, 1, 0.5, -0.25}, {-1, 0.25, 1, 2, -0.5, 0.75}};
    static const struct {
        const char *optimizer;
        bool turned;
        double want[6];
    } cases[] = {
        {"muon: {lr: 0.1}",
         false,
         {0.9883243386734178, -1.9256610336737696, 0.3536574361307204, 0.03774180879750802, -1.0097682319770291,
          2.9217747819286934}},
        {"muon: {lr: 0.1}",
         true,
         {0.9901727166108562, -0.008844025350934025, -1.9178985781287823, -1.016436014957122, 0.32300390690514935,
          2.9176113341757564}},
        {"muon: {lr: 0.1, nesterov: false, momentum: 0.4, adjust_lr_fn: match_rms_adamw, ns_steps: 3, weight_decay: 0}",
         false,
         {1.003500281035318, -1.987455040506489, 0.4511283713513299, 0.18115771225186497, -1.008876431820535,
          2.993322719146194}},
        {"muon: {lr: 0.1, adjust_lr_fn: spectral_unclamped, ns_coefficients: [2.0, -1.5, 0.5]}",
         false,
         {0.982931854549578, -1.9179170294826768, 0.3427725490289147, 0.09357934860673084, -1.0023307047867152,
          2.9247847349930356}},
    };
    for (int k = 0; k < 2 * CT_COUNT(cases); k++) {
        ct_dtype dtype = k % 2 ? CT_F32 : CT_F64;
        bool turned = cases[k / 2].turned;
        ct_scope *scope = ct_scope_open();
        ct_tensor *p[3]; /* the parameter, gradients */
        for (int i = 0; i < 3; i++) {
            p[i] = ct_to(ct_from(CT_F64, CT_DIMS(2, 3), i ? grads[i - 1] : start), dtype);
            if (turned) p[i] = ct_contiguous(ct_transpose(p[i], (ct_transpose_args){.dim0 = 0, .dim1 = 1}));
        }
        p[0] = ct_requires_grad(ct_detach(p[0]), true);
        ct_optim *o = ct_optim_open(cases[k / 2].optimizer, p, 1);
        for (int i = 1; CHECK(o) && i < 3; i++) {
            ct_optim_zero_grad(o);
            CHECK(!ct_backward(ct_sum(ct_mul(p[0], p[i]), (ct_reduce_args){0})) && !ct_optim_step(o));
        }
        double got[6] = {0};
        ct_tensor *wide = ct_to(p[0], CT_F64);
        for (int i = 0; i < 6; i++) {
            got[i] = ((double *)ct_data(wide))[i];
            CHECK_NEAR(got[i], cases[k / 2].want[i], dtype == CT_F64 ? 1e-12 : 1e-5);
        }
        ct_optim_free(o);
        CHECK(ct_scope_close(scope) == CT_OK);
    }
}

/* Values 1, 3, 5 and their averages: 1, then 3 or 5 with a share. */
static void averages(void) {
    static const double decays[] = {0.75, 0.25, 0}, want[][2] = {{1.5, 2.375}, {2.5, 4.375}, {2, 3}};
    for (int k = 0; k < 3; k++) {
        ct_scope *scope = ct_scope_open();
        ct_tensor *t[2] = {ct_requires_grad(ct_zeros(CT_F32, CT_DIMS(3)), true), ct_zeros(CT_F64, CT_DIMS(2, 2))};
        ct_average *a = ct_average_open(t, 2, decays[k]);
        CHECK(!ct_average_swap(a) && at_(t[0], 2) == 0);
        for (int i = 0; i < 3; i++) {
            for (int j = 0; j < 2; j++) CHECK(!ct_init_constant(t[j], 1 + 2 * i));
            CHECK(!ct_average_update(a) && ct_item(ct_average_count(a)) == i + 1);
            CHECK_NEAR(at_(ct_average_of(a, t[0]), 2), i ? want[k][i - 1] : 1, 1e-6);
            CHECK_NEAR(ct_item(ct_amax(ct_average_of(a, t[1]), (ct_reduce_args){0})), i ? want[k][i - 1] : 1, 1e-12);
        }
        CHECK(!ct_average_swap(a) && at_(ct_average_of(a, t[0]), 1) == 5);
        CHECK_NEAR(at_(t[0], 1), want[k][1], 1e-6);
        CHECK(!ct_average_swap(a) && at_(t[0], 1) == 5 && !ct_average_of(a, ct_average_count(a)));
        ct_average_free(a);
        CHECK(ct_scope_close(scope) == CT_OK);
    }
    ct_tensor *whole = ct_zeros(CT_I64, CT_DIMS(2));
    CHECK(!ct_average_open(&whole, 1, 1) && strstr(ct_error(), "decay is 1, wanted 0 to below 1"));
    CHECK(!ct_average_open(NULL, 0, 0.5) && strstr(ct_error(), "there are no tensors"));
    CHECK(!ct_average_open(&whole, 1, 0.5) && strstr(ct_error(), "i64"));
    CHECK(ct_average_update(NULL) == CT_FAIL && ct_average_swap(NULL) == CT_FAIL);
    ct_average_free(NULL), ct_drop(whole);
}

/* Running statistics counted anew are the means of the batches' own. */
static void new_statistics(void) {
    ct_module *m = ct_module_open("[linear: 3, residual: [batch_norm]]", CT_F32, CT_DIMS(2));
    ct_tensor *mean = ct_module_tensor(m, "1.0.running_mean"), *var = ct_module_tensor(m, "1.0.running_var");
    ct_tensor *count = ct_module_tensor(m, "1.0.num_batches_tracked");
    int n;
    ct_scope *scope = ct_scope_open();
    ct_tensor *x[3], *means = NULL, *vars = NULL, *weight = ct_module_tensor(m, "0.weight");
    for (int i = 0; i < 3; i++) x[i] = ct_mul_scalar(ct_randn(CT_F32, CT_DIMS(6, 2)), i + 1);
    ct_module_forward(m, x[0]);
    CHECK(!ct_update_bn_begin(m, &n) && n == 1 && ct_item(count) == 0 && at_(mean, 1) == 0 && at_(var, 1) == 1);
    for (int i = 0; i < 3; i++) {
        ct_tensor *y = ct_linear(x[i], weight, ct_module_tensor(m, "0.bias"));
        ct_tensor *own = ct_mean(y, (ct_reduce_args){.dim = CT_DIMS(0)});
        ct_tensor *spread = ct_var(y, (ct_var_args){.dim = CT_DIMS(0)});
        means = means ? ct_add(means, own) : own, vars = vars ? ct_add(vars, spread) : spread;
        ct_module_forward(m, x[i]);
    }
    CHECK(!ct_update_bn_end(m) && ct_item(count) == 3);
    for (int c = 0; c < 3; c++) {
        CHECK_NEAR(at_(mean, c), at_(means, c) / 3, 1e-5);
        CHECK_NEAR(at_(var, c), at_(vars, c) / 3, 1e-4);
    }
    double before = at_(mean, 0);
    CHECK(!ct_init_zeros(weight) && !ct_init_zeros(ct_module_tensor(m, "0.bias")));
    ct_module_forward(m, x[0]);
    CHECK_NEAR(at_(mean, 0), 0.9 * before, 1e-6); /* a moving average again */
    CHECK(ct_update_bn_begin(NULL, &n) == CT_FAIL);
    CHECK(ct_scope_close(scope) == CT_FAIL);
    ct_module_free(m);
}

/* Two parameters under two optimizers, and some steps of them. */
static void train_some(ct_tensor **w, ct_optim *o, int steps) {
    for (int i = 0; i < steps; i++) {
        ct_scope *scope = ct_scope_open();
        ct_optim_zero_grad(o);
        ct_tensor *loss = ct_sum(ct_mul(ct_square(w[0]), ct_tanh(w[1])), (ct_reduce_args){0});
        CHECK(ct_backward(loss) == CT_OK && ct_optim_step(o) == CT_OK);
        CHECK(ct_scope_close(scope) == CT_OK);
    }
}

static ct_optim *open_two(ct_tensor **w, int64_t n) {
    for (int i = 0; i < 2; i++) w[i] = ct_keep(ct_requires_grad(ct_full(CT_F32, CT_DIMS(n), 0.7 - i), true));
    ct_optim *o = ct_optim_open("adamw: {lr: 0.1, amsgrad: true}", &w[0], 1);
    CHECK(ct_optim_add_group(o, "sgd: {lr: 0.01, momentum: 0.9}", &w[1], 1) == CT_OK);
    return o;
}

static void optimizer_files(void) {
    ct_scope *scope = ct_scope_open();
    ct_tensor *w[2], *v[2], *other[2];
    const char *path = at("optimizer");
    ct_optim *one = open_two(w, 3), *two = open_two(v, 3), *four = open_two(other, 4);
    train_some(w, one, 3);
    *(double *)ct_data(ct_optim_lr(one, 1)) = 0.05;
    CHECK(ct_optim_save(one, path) == CT_OK);
    ct_no_grad_begin();
    for (int i = 0; i < 2; i++) CHECK(!ct_why(ct_copy_(v[i], w[i])));
    ct_no_grad_end();
    CHECK(ct_optim_load(two, path) == CT_OK);
    CHECK_NEAR(ct_item(ct_optim_lr(two, 1)), 0.05, 0);
    train_some(w, one, 2), train_some(v, two, 2);
    for (int i = 0; i < 2; i++) CHECK(!memcmp(ct_data(w[i]), ct_data(v[i]), 3 * sizeof(float)));
    CHECK(ct_optim_load(four, path) == CT_BAD_DATA);
    CHECK_HAS(ct_error(), "'0.exp_avg' is f32 (3), f32 (4) is wanted");
    CHECK_NEAR(ct_item(ct_optim_lr(four, 1)), 0.01, 0);
    CHECK(ct_optim_save(NULL, path) == CT_FAIL && ct_optim_load(NULL, path) == CT_FAIL);
    ct_optim_free(one), ct_optim_free(two), ct_optim_free(four);
    for (int i = 0; i < 2; i++) ct_drop(w[i]), ct_drop(v[i]), ct_drop(other[i]);
    CHECK(ct_scope_close(scope) == CT_OK);
}

static void wrong_optimizers(void) {
    ct_module *m = ct_module_open("[linear: 2]", CT_F32, CT_DIMS(2));
    ct_scope *scope = ct_scope_open();
    CHECK(!adam(m, "adam: {lr: fast}") && strstr(ct_error(), "optimizer:1:12: "));
    CHECK(!adam(m, "adm") && strstr(ct_error(), "did you mean 'adam'?"));
    CHECK(!ct_optim_open("adam", NULL, 0) && strstr(ct_error(), "no parameters"));
    CHECK(!ct_lr_scheduler_open("cosine: {T_max: 3}", NULL));
    CHECK(ct_optim_step(NULL) == CT_FAIL);
    ct_optim_zero_grad(NULL), ct_optim_free(NULL), ct_lr_scheduler_free(NULL), ct_lr_scheduler_step(NULL, 0);
    CHECK(ct_scope_close(scope) == CT_BAD_SPEC);
    CHECK_HAS(ct_error(), "optimizer:1:12: "); /* the first of them */
    ct_module_free(m);
}

/* After an error no step is taken, though nobody looked. */
static void no_step_over_errors(void) {
    ct_module *m = ct_module_open("[linear: 2]", CT_F32, CT_DIMS(2));
    ct_optim *o = adam(m, "adam: {lr: 0.1}");
    ct_tensor *w = ct_module_tensor(m, "0.weight");
    double before = at_(w, 0);
    ct_scope *outer = ct_scope_open();
    ct_backward(ct_sum(ct_module_forward(m, ones(3, 2)), (ct_reduce_args){0}));
    ct_backward(ct_sum(ct_module_forward(m, ones(3, 7)), (ct_reduce_args){0}));
    CHECK(ct_optim_step(o) == CT_FAIL);
    ct_scope *inner = ct_scope_open();
    CHECK(ct_optim_step(o) == CT_FAIL);
    CHECK(ct_scope_close(inner) == CT_FAIL && ct_scope_close(outer) == CT_FAIL);
    CHECK_HAS(ct_error(), "linear: ");
    CHECK(at_(w, 0) == before);
    CHECK(!ct_optim_step(o) && at_(w, 0) != before); /* with the gradients of the first backward */
    ct_optim_free(o), ct_module_free(m);
}

/* Without a scope, a result is the caller's, and what was made on the way is gone (memcheck says so). */
static void without_a_scope(void) {
    int n;
    ct_module *m = ct_module_open("[linear: 4, tanh, linear: 2]", CT_F32, CT_DIMS(2));
    ct_optim *o = adam(m, "adam: {lr: 0.1}");
    ct_tensor *x = ones(3, 2), *indices, *y = ct_module_forward(m, x), *loss = ct_mse_loss(y, x, (ct_loss_args){0});
    ct_tensor *top = ct_topk(y, (ct_topk_args){.k = 1}, &indices);
    ct_tensor *const *params = ct_module_params(m, &n);
    CHECK(!ct_backward(loss) && !ct_clip_grad_norm(params, n, 1) && !ct_optim_step(o));
    CHECK(ct_size(y, 1) == 2 && ct_size(top, 1) == 1 && ct_size(indices, 1) == 1 && ct_item(loss) > 0);
    ct_drop(x), ct_drop(y), ct_drop(loss), ct_drop(top), ct_drop(indices);
    ct_optim_free(o), ct_module_free(m);
}

/* ---- random tensors, data ---- */
static void random_tensors(void) {
    ct_scope *scope = ct_scope_open();
    ct_manual_seed(2);
    ct_tensor *u = ct_rand(CT_F64, CT_DIMS(4000)), *g = ct_randn(CT_F64, CT_DIMS(4000));
    ct_tensor *k = ct_randint(-3, 4, CT_DIMS(4000)), *p = ct_randperm(64);
    CHECK_NEAR(ct_item(ct_mean(u, (ct_reduce_args){0})), 0.5, 0.03);
    CHECK(ct_item(ct_amin(u, (ct_reduce_args){0})) >= 0 && ct_item(ct_amax(u, (ct_reduce_args){0})) < 1);
    CHECK_NEAR(ct_item(ct_mean(g, (ct_reduce_args){0})), 0, 0.08);
    CHECK_NEAR(ct_item(ct_var(g, (ct_var_args){0})), 1, 0.1);
    CHECK(ct_dtype_of(k) == CT_I64 && ct_item(ct_amin(k, (ct_reduce_args){0})) == -3);
    CHECK(ct_item(ct_amax(k, (ct_reduce_args){0})) == 3);
    CHECK_NEAR(ct_item(ct_mean(ct_to(k, CT_F64), (ct_reduce_args){0})), 0, 0.15);
    bool seen[64] = {0}, moved = false;
    for (int i = 0; i < 64; i++) seen[(int)at_(p, i)] = true, moved |= at_(p, i) != i;
    for (int i = 0; i < 64; i++) CHECK(seen[i]);
    CHECK(moved);
    CHECK(ct_why(ct_randint(3, 3, CT_DIMS(1))) && ct_why(ct_rand(CT_I64, CT_DIMS(2))) && ct_why(ct_randperm(-1)));
    CHECK(ct_scope_close(scope) == CT_FAIL);
}

static void data(void) {
    ct_tensor *x = NULL, *y = NULL;
    ct_scope *scope = ct_scope_open();
    CHECK(!ct_dataset_read("digits", "test", NULL, &x, &y));
    CHECK(ct_dtype_of(x) == CT_U8 && ct_ndim(x) == 4 && ct_size(x, 1) == 1 && ct_size(x, 0) == ct_size(y, 0));
    CHECK(ct_dtype_of(y) == CT_I64 && ct_item(ct_amax(y, (ct_reduce_args){0})) == 9);
    CHECK(ct_dataset_read("digits", "spare", NULL, &x, &y) == CT_FAIL);
    CHECK(ct_dataset_read("mnist", "test", NULL, &x, &y) != CT_OK && *ct_error());
    CHECK(ct_scope_close(scope) == CT_OK);
}

int main(void) {
    if (!CHECK(scratch_open())) return 1;
    ct_scope *scope = ct_scope_open();
    RUN(no_tensor);
    RUN(models);
    CHECK(ct_scope_close(scope) != CT_OK); /* the model that could not be */
    RUN(wrong_models);
    RUN(settings_without_texts);
    scope = ct_scope_open();
    RUN(seeds);
    RUN(files);
    RUN(maximize);
    CHECK(ct_scope_close(scope) == CT_OK);
    scope = ct_scope_open();
    RUN(optimizers);
    CHECK(ct_scope_close(scope) == CT_FAIL); /* a group of another optimizer */
    RUN(muon);
    RUN(optimizer_files);
    RUN(averages);
    RUN(new_statistics);
    RUN(wrong_optimizers);
    RUN(no_step_over_errors);
    RUN(without_a_scope);
    RUN(random_tensors);
    RUN(data);
    scratch_close();
    return check_done("api");
}
