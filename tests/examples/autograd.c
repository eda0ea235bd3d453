/* Gradients, as PyTorch's autograd tutorial has them:

     a = torch.tensor([2., 3.], requires_grad=True)
     b = torch.tensor([6., 4.], requires_grad=True)
     Q = 3 * a**3 - b**2
     Q.sum().backward()
     print(a.grad)   # 9 a^2
     print(b.grad)   # -2 b

     prints: a.grad: [36, 81]
     prints: b.grad: [-12, -8]
*/
#include <ctorch.h>
#include <stdio.h>

static void show(const char *name, const ct_tensor *t) {
    char text[256];
    ct_format(t, text, sizeof text);
    printf("%s: %s\n", name, text);
}

int main(void) {
    ct_scope *scope = ct_scope_open();
    ct_tensor *a = ct_requires_grad(ct_from(CT_F32, CT_DIMS(2), (float[]){2, 3}), true);
    ct_tensor *b = ct_requires_grad(ct_from(CT_F32, CT_DIMS(2), (float[]){6, 4}), true);
    ct_tensor *Q = ct_sub(ct_mul_scalar(ct_pow_scalar(a, 3), 3), ct_pow_scalar(b, 2));
    ct_backward(ct_sum(Q, (ct_reduce_args){0}));
    show("a.grad", ct_grad(a));
    show("b.grad", ct_grad(b));
    if (!ct_scope_close(scope)) return 0;
    fprintf(stderr, "%s\n", ct_error());
    return 1;
}
