/* Define-by-run: what is computed depends on what was computed, and gradients follow. As in PyTorch:

     x = torch.tensor([0.5, -1.0, -2.0], requires_grad=True)
     y, steps = x, 0
     while y.norm() < 1000:
         y = 2 * y if y.sum() > 0 else -y
         steps += 1
     y.sum().backward()
     print(steps, y, x.grad)

     prints: steps: 10
     prints: y: [-256, 512, 1024]
     prints: x.grad: [-512, -512, -512]
*/
#include <ctorch.h>
#include <stdio.h>

int main(void) {
    char text[2][128];
    int steps = 0;
    ct_scope *scope = ct_scope_open();
    ct_tensor *x = ct_requires_grad(ct_from(CT_F32, CT_DIMS(3), (float[]){0.5, -1, -2}), true), *y = x;
    while (ct_item(ct_norm(y, (ct_norm_args){0})) < 1000) {
        if (ct_item(ct_sum(y, (ct_reduce_args){0})) > 0)
            y = ct_mul_scalar(y, 2);
        else
            y = ct_neg(y);
        steps++;
    }
    ct_backward(ct_sum(y, (ct_reduce_args){0}));
    ct_format(y, text[0], sizeof text[0]), ct_format(ct_grad(x), text[1], sizeof text[1]);
    printf("steps: %d\ny: %s\nx.grad: %s\n", steps, text[0], text[1]);
    if (!ct_scope_close(scope)) return 0;
    fprintf(stderr, "%s\n", ct_error());
    return 1;
}
