/* An op of one's own, with its gradient: a polynomial that fits a sine, as in PyTorch's tutorial.

     class LegendrePolynomial3(torch.autograd.Function):
         @staticmethod
         def forward(ctx, x):
             ctx.save_for_backward(x)
             return 0.5 * (5 * x**3 - 3 * x)
         @staticmethod
         def backward(ctx, grad):
             x, = ctx.saved_tensors
             return grad * 1.5 * (5 * x**2 - 1)

     P3 = LegendrePolynomial3.apply
     y_pred = a + b * P3(c + d * x)

     prints: the gradients are right
     prints: y = *0.000 + -2.209 P3(*0.000 + 0.255 x)
*/
#include <ctorch.h>
#include <stdio.h>

#define PI 3.141592653589793

/* Plain C over the elements ... */
static ct_tensor *p3_forward(ct_tensor *const *in, int n, void *ctx) {
    (void)n, (void)ctx;
    ct_tensor *y = ct_contiguous(in[0]); /* a copy */
    double *v = ct_data(y);
    for (int64_t i = 0; i < ct_numel(y); i++) v[i] = 0.5 * (5 * v[i] * v[i] * v[i] - 3 * v[i]);
    return y;
}

/* ... and a gradient in ops. */
static void p3_backward(ct_tensor *const *in, int n, ct_tensor *y, ct_tensor *g, void *ctx, const bool *need,
                        ct_tensor **din) {
    (void)n, (void)y, (void)ctx, (void)need;
    ct_tensor *slope = ct_add_scalar(ct_mul_scalar(ct_square(in[0]), 5), -1);
    din[0] = ct_mul(g, ct_mul_scalar(slope, 1.5));
}

static const ct_custom_op p3 = {"legendre_polynomial3", p3_forward, p3_backward, NULL};
static ct_tensor *P3(ct_tensor *x) { return ct_custom(&p3, &x, 1, NULL); }
static ct_tensor *checked(ct_tensor *const *in, int n, void *ctx) { return (void)n, (void)ctx, P3(in[0]); }

int main(void) {
    ct_scope *scope = ct_scope_open();
    ct_tensor *point = ct_requires_grad(ct_randn(CT_F64, CT_DIMS(5)), true);
    if (!ct_gradcheck(checked, NULL, &point, 1, (ct_gradcheck_args){0})) puts("the gradients are right");

    ct_tensor *x = ct_linspace((ct_linspace_args){.start = -PI, .end = PI, .steps = 2000, .dtype = CT_F64});
    ct_tensor *y = ct_sin(x), *w[4];
    const double start[4] = {0, -1, 0, 0.3};
    for (int i = 0; i < 4; i++) w[i] = ct_requires_grad(ct_scalar(CT_F64, start[i]), true);
    ct_optim *sgd = ct_optim_open("sgd: {lr: 5e-6}", w, 4);
    for (int i = 0; i < 2000; i++) {
        ct_scope *step = ct_scope_open();
        ct_tensor *y_pred = ct_add(w[0], ct_mul(w[1], P3(ct_add(w[2], ct_mul(w[3], x)))));
        ct_optim_zero_grad(sgd);
        ct_backward(ct_sum(ct_square(ct_sub(y_pred, y)), (ct_reduce_args){0}));
        ct_optim_step(sgd);
        if (ct_scope_close(step)) break;
    }
    printf("y = %.3f + %.3f P3(%.3f + %.3f x)\n", ct_item(w[0]), ct_item(w[1]), ct_item(w[2]), ct_item(w[3]));
    ct_optim_free(sgd);
    if (!ct_scope_close(scope)) return 0;
    fprintf(stderr, "%s\n", ct_error());
    return 1;
}
