/* First values of tensors, as torch.nn.init's; the public ones (ctorch.h) draw their key from this thread's stream. */
#ifndef CT_NN_INIT_H
#define CT_NN_INIT_H
#include "base/key.h"
#include "base/philox.h"
#include "tensor/tensor.h"

/* Element i, in row-major order, depends on the key and i alone. t is of floats and has memory, else CT_FAIL. */
ct_status ct_fill_uniform(ct_tensor *t, ct_philox_key key, double low, double high);
ct_status ct_fill_normal(ct_tensor *t, ct_philox_key key, double mean, double std);

/* Every init as a spec says it; *n of them. And one at work, by this thread's random numbers; args: its struct,
   defaults filled. shape_only: just whether t has as many dimensions as it must. */
const ct_kind *const *ct_init_kinds(int *n);
ct_status ct_init_fill(const ct_kind *kind, const void *args, ct_tensor *t, bool shape_only);

/* ---- what the inits share ---- */
/* CT_FAIL unless t is of floats, has memory and from `least` to `most` dimensions. */
ct_status ct_init_check(const char *name, const ct_tensor *t, int least, int most);
/* Sets element i, in row-major order. */
void ct_init_put(ct_tensor *t, int64_t i, double value);
double ct_init_get(const ct_tensor *t, int64_t i);
#endif
