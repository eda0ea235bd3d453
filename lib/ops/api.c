/* The public function of each row (ctorch_ops.h). */
#include "ops/ops.h"
#include "tensor/scope.h"
#undef FORMULA
#undef VIEW

/* Calls op `id`; results after the first go to *second[i]. */
static ct_tensor *call(int id, ct_tensor *const *in, int n_in, const void *args, int n_out, ct_tensor **const *second) {
    ct_scope *guard = ct_scope_guard();
    ct_tensor *out[8] = {0};
    ct_tensor *y = ct_call_op(ct_op_get(id), in, n_in, args, out);
    for (int i = 1; i < n_out; i++)
        if (second[i - 1]) *second[i - 1] = ct_why(y) ? y : guard ? ct_scope_return(guard, out[i]) : out[i];
    return ct_scope_end(guard, y);
}

/* The same in place of the first input. */
static ct_tensor *call_over(int id, ct_tensor *const *in, int n_in, const void *args) {
    ct_scope *guard = ct_scope_guard();
    return ct_scope_end(guard, ct_apply_over(id, in, n_in, args));
}

#define BODY(name, ins, a, outs) \
    PROTO(name, ins, a, outs) { return call(CT_OP_##name, VALUES_##ins, ARGS_VALUE(a), COUNT_##outs, VALUES_##outs); }
#define OP(name, ins, a, outs, ...) BODY(name, ins, a, outs)
#define PART(...)
#define VIEW(name, ins, a, ...) BODY(name, ins, a, OUT1(y))
#define FORMULA(name, ins, a, outs, ...) BODY(name, ins, a, outs)
#include "kernels/ops.def"
#define BOTH(name, ins, a)      \
    BODY(name, ins, a, OUT1(y)) \
    PROTO(name##_, ins, a, OUT1(y)) { return call_over(CT_OP_##name, VALUES_##ins, ARGS_VALUE(a)); }
#define POINTWISE1(name, class, a, ...) BOTH(name, IN1(x), a)
#define POINTWISE2(name, class, a_, ...) BOTH(name, IN2(a, b), a_)
#define POINTWISE3(name, class, a_, ...) BOTH(name, IN3(a, b, c), a_)
#define COMPARE1(name, ...) BODY(name, IN1(x), none, OUT1(y))
#define COMPARE2(name, ...) BODY(name, IN2(a, b), none, OUT1(y))
#include "kernels/pointwise.def"

ct_tensor *ct_to(ct_tensor *t, ct_dtype dtype) {
    if (!t || ct_why(t) || t->layout.dtype == dtype) return t;
    ct_cast_args args = {.dtype = dtype};
    return ct_apply(CT_OP_cast, &t, 1, &args, NULL);
}
