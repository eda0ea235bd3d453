/* What the tensor room itself needs of scopes. */
#ifndef CT_TENSOR_SCOPE_H
#define CT_TENSOR_SCOPE_H
#include "tensor/tensor.h"

bool ct_scope_add(ct_tensor *t);      /* to the innermost one; false: no memory */
void ct_scope_note(ct_status status); /* an error, if it is one: the first stays, with ct_error()'s message */
ct_status ct_scope_status(void);      /* the first error in any open scope; its message becomes ct_error()'s */
/* Where no scope is open, one for what a call makes on its way, which would be nobody's; NULL where one is. */
ct_scope *ct_scope_guard(void);
ct_tensor *ct_scope_end(ct_scope *guard, ct_tensor *t); /* ends it, but for t (or NULL), which is returned */
bool ct_tensor_is_static(const ct_tensor *t);           /* the out-of-memory tensor, which nobody owns */
#endif
