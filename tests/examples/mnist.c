/* Learning to read digits, the loop that everyone writes first. The model is PyTorch's tutorial's:

     model = nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
     optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
     for epoch in range(epochs):
         for x, y in loader:                          # batches of 64, in random order
             loss = F.cross_entropy(model(x), y)
             optimizer.zero_grad()
             loss.backward()
             optimizer.step()

   usage: mnist [DIR]   MNIST's files in DIR/mnist, as `ctorch fetch mnist --dir DIR` leaves them; else the digits
                        that the library brings along

     prints: epoch 1: accuracy *
     prints: epoch 2: accuracy *
     prints: epoch 3: accuracy *
     prints: epoch 4: accuracy *
     prints: epoch 5: accuracy 0.9*
*/
#include <ctorch_run.h>
#include <stdio.h>

enum { BATCH = 64, EPOCHS = 5 };

typedef struct data {
    ct_tensor *x, *y;
} data;

static data load(const char *dir, const char *split) {
    data d = {NULL, NULL};
    ct_dataset_read(dir ? "mnist" : "digits", split, (const char *[]){dir, NULL}, &d.x, &d.y);
    return d;
}

/* Samples by number, as numbers from 0 to 1, and their labels. */
static data pick(data d, ct_tensor *index) {
    ct_tensor *x = ct_index_select(d.x, index, (ct_dim_args){0});
    return (data){ct_mul_scalar(ct_to(x, CT_F32), 1 / 255.0), ct_index_select(d.y, index, (ct_dim_args){0})};
}

static ct_status train(ct_module *model, ct_optim *optimizer, data d) {
    int64_t n = ct_size(d.x, 0);
    ct_tensor *order = ct_randperm(n);
    ct_module_train(model, true);
    for (int64_t i = 0; i < n; i += BATCH) {
        ct_scope *scope = ct_scope_open(); /* what a step makes ends with it */
        data batch = pick(d, ct_narrow(order, (ct_narrow_args){.start = i, .length = n - i < BATCH ? n - i : BATCH}));
        ct_tensor *says = ct_module_forward(model, batch.x);
        ct_tensor *loss = ct_cross_entropy(says, batch.y, NULL, (ct_cross_entropy_args){0});
        ct_optim_zero_grad(optimizer);
        ct_backward(loss);
        ct_optim_step(optimizer);
        CT_TRY(ct_scope_close(scope)); /* the first error of the step, if there was one */
    }
    return CT_OK;
}

static ct_status test(ct_module *model, data d, double *accuracy) {
    ct_scope *scope = ct_scope_open();
    ct_module_train(model, false);
    ct_no_grad_begin();
    data all = pick(d, ct_arange((ct_arange_args){.end = (double)ct_size(d.x, 0)}));
    ct_tensor *says = ct_argmax(ct_module_forward(model, all.x), (ct_reduce_args){.dim = CT_DIMS(1)});
    *accuracy = ct_item(ct_mean(ct_to(ct_eq(says, all.y), CT_F32), (ct_reduce_args){0}));
    ct_no_grad_end();
    return ct_scope_close(scope);
}

int main(int argc, char **argv) {
    const char *dir = argc > 1 ? argv[1] : NULL;
    ct_manual_seed(1);
    ct_scope *scope = ct_scope_open();
    data train_set = load(dir, "train"), test_set = load(dir, "test");
    ct_dims sample = CT_DIMS(ct_size(train_set.x, 1), ct_size(train_set.x, 2), ct_size(train_set.x, 3));
    ct_module *model = ct_module_open("[flatten, linear: 128, relu, linear: 10]", CT_F32, sample);
    int n;
    ct_tensor *const *params = ct_module_params(model, &n);
    ct_optim *optimizer = ct_optim_open("adam: {lr: 1e-3}", params, n);
    ct_status status = CT_OK;
    for (int epoch = 1; epoch <= EPOCHS && !status; epoch++) {
        double accuracy = 0;
        if (!(status = train(model, optimizer, train_set))) status = test(model, test_set, &accuracy);
        if (!status) printf("epoch %d: accuracy %.4f\n", epoch, accuracy);
    }
    if (!status) status = ct_module_save(model, "mnist.safetensors");
    ct_optim_free(optimizer);
    ct_module_free(model);
    if (ct_scope_close(scope) || status) fprintf(stderr, "mnist: %s\n", ct_error());
    return status;
}
