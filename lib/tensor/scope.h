/* What the tensor room itself needs of scopes. */
#ifndef CT_TENSOR_SCOPE_H
#define CT_TENSOR_SCOPE_H
#include "tensor/tensor.h"

bool ct_scope_add(ct_tensor *t);            /* to the innermost one; false: no memory */
void ct_scope_note(ct_status status);       /* an error happened (ct_error() has it): the first one stays */
bool ct_tensor_is_static(const ct_tensor *t); /* the out-of-memory tensor, which nobody owns */
#endif
