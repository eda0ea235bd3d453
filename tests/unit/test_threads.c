/* Two threads train two models at once, through the C API and from plans; each ends where it ends alone. Under the
   thread sanitizer (make test-long) this also says that they share nothing. */
#include "check.h"
#include "run/model.h"
#include "run/step.h"
#include <pthread.h>

typedef struct job {
    uint64_t seed;
    ct_status (*train)(struct job *j);
    double loss;
    ct_status status;
    char why[256];
} job;

/* Convolutions, of one channel and of several, whose channels an LSTM reads one after another; large enough that
   kernels ask the pool for help. */
#define CHANNELS                                                                                                \
    "conv2d: {out_channels: 8, kernel_size: 3}, relu, conv2d: {out_channels: 16, kernel_size: 3, padding: 1}, " \
    "batch_norm, relu, max_pool2d: 2, flatten: {start_dim: 2}, lstm: {hidden_size: 64, batch_first: true}, "    \
    "flatten, dropout: 0.2, linear: 64, tanh, linear: 10"

/* Define-by-run. */
static ct_status train_eagerly(job *j) {
    ct_manual_seed(j->seed);
    int n;
    ct_scope *scope = ct_scope_open();
    ct_module *m = ct_module_open("[" CHANNELS "]", CT_F32, CT_DIMS(1, 12, 12));
    ct_tensor *const *params = ct_module_params(m, &n);
    ct_optim *o = ct_optim_open("adam: {lr: 1e-2}", params, n);
    ct_status status = CT_OK;
    for (int i = 0; i < 8 && !status; i++) {
        ct_scope *step = ct_scope_open();
        ct_tensor *x = ct_randn(CT_F32, CT_DIMS(32, 1, 12, 12)), *y = ct_randint(0, 10, CT_DIMS(32));
        ct_tensor *loss = ct_cross_entropy(ct_module_forward(m, x), y, NULL, (ct_cross_entropy_args){0});
        ct_optim_zero_grad(o);
        ct_backward(loss);
        ct_clip_grad_norm(params, n, 1);
        ct_optim_step(o);
        j->loss = ct_item(loss);
        status = ct_scope_close(step);
    }
    ct_optim_free(o), ct_module_free(m);
    ct_status closed = ct_scope_close(scope);
    return status ? status : closed;
}

/* A spec's step, from a plan. */
static ct_status train_planned(job *j) {
    static const char *const text = "model: [" CHANNELS "]\nloss: cross_entropy\n"
                                    "optimizer: {sgd: {lr: 0.1, momentum: 0.9}}\n";
    ct_spec *spec = NULL;
    ct_net net = {0};
    ct_fields fields;
    ct_optim *o = NULL;
    ct_step *s = NULL;
    ct_step_result r = {0};
    ct_layout input = ct_layout_of(CT_F32, CT_DIMS(32, 1, 12, 12));
    ct_status status = ct_spec_parse("spec", text, strlen(text), NULL, &spec, NULL);
    if (!status) spec->seed = (int64_t)j->seed;
    ct_fields_classes(&input, 10, &fields);
    if (!status) status = ct_net_build(spec, &fields, NULL, NULL, &net);
    if (!status) status = ct_run_optimizer(spec, net.module, &o);
    if (!status) status = ct_step_new(&net, o, 32, false, &s);
    for (int i = 0; !status && i < 20; i++) {
        float *x = ct_step_field(s, 0);
        int64_t *y = ct_step_field(s, 1);
        for (int k = 0; k < 32 * 144; k++) x[k] = (float)((k * 7 + i) % 13) / 13;
        for (int k = 0; k < 32; k++) y[k] = k % 10;
        status = ct_step_train(s, 32, i, &r);
    }
    j->loss = r.loss;
    ct_step_free(s), ct_optim_free(o), ct_net_free(&net), ct_spec_free(spec);
    return status;
}

static void *work(void *ctx) {
    job *j = ctx;
    if ((j->status = j->train(j))) snprintf(j->why, sizeof j->why, "%s", ct_error());
    return NULL;
}

static void alone_and_together(job a, job b) {
    job alone[] = {a, b}, together[] = {a, b};
    pthread_t thread[2];
    for (int i = 0; i < 2; i++) work(&alone[i]);
    for (int i = 0; i < 2; i++)
        if (!CHECK(!pthread_create(&thread[i], NULL, work, &together[i]))) return;
    for (int i = 0; i < 2; i++) pthread_join(thread[i], NULL);
    for (int i = 0; i < 2; i++) {
        if (!CHECK(!alone[i].status && !together[i].status)) printf("    %s%s\n", alone[i].why, together[i].why);
        CHECK(alone[i].loss > 0 && alone[i].loss == together[i].loss);
    }
    CHECK(a.train != b.train || alone[0].loss != alone[1].loss);
}

int main(void) {
    alone_and_together((job){.seed = 1, .train = train_eagerly}, (job){.seed = 2, .train = train_eagerly});
    alone_and_together((job){.seed = 3, .train = train_planned}, (job){.seed = 4, .train = train_planned});
    alone_and_together((job){.seed = 5, .train = train_eagerly}, (job){.seed = 6, .train = train_planned});
    return check_done("threads");
}
