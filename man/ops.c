/* Writes ctorch-ops(7) on stdout. All of it comes from the rows of the ops: what they say, and, over their sample
   cases, which types they take and how often they can be differentiated. */
#include "ops/cases.h"
#include "base/alloc.h"
#include "ops/ops.h"
#include <stdio.h>
#include <string.h>

#define ORDERS 3 /* tried */
#define ROW "%-29s %-24s %-5s %-8s %s\n"

static bool is_float(const ct_tensor *t) { return t && (ct_dtype_of(t) == CT_F32 || ct_dtype_of(t) == CT_F64); }

/* Whether a case of the op runs with its numbers in this type: the floats among its inputs, or the only one. */
static bool takes(const ct_op *op, ct_dtype dtype) {
    bool runs = false;
    for (int i = 0; !runs && i < ct_case_count(op); i++) {
        ct_case c;
        ct_scope *scope = ct_scope_open();
        if (ct_case_make(op, i, dtype == CT_F64 ? CT_F64 : CT_F32, 1, &c)) {
            for (int k = 0; k < c.n_in; k++)
                if (is_float(c.in[k]) || (c.n_in == 1 && c.in[k])) c.in[k] = ct_to(c.in[k], dtype);
            runs = !ct_why(ct_case_call(&c, NULL, NULL));
        }
        runs &= !ct_scope_close(scope);
    }
    return runs;
}

/* sum of the squares of all that is there, NULL where there is nothing. */
static ct_tensor *squares(ct_tensor *const *t, int n) {
    ct_tensor *sum = NULL;
    for (int i = 0; i < n; i++) {
        if (!t[i]) continue;
        ct_tensor *s = ct_sum(ct_square(t[i]), (ct_reduce_args){0});
        sum = sum ? ct_add(sum, s) : s;
    }
    return sum;
}

/* How often case i can be differentiated, up to ORDERS. */
static int order_of(const ct_op *op, int i) {
    ct_case c;
    int order = 0, n = 0;
    ct_tensor *want[CT_CASE_INPUTS], *din[CT_CASE_INPUTS];
    ct_scope *scope = ct_scope_open();
    if (ct_case_make(op, i, CT_F64, 1, &c)) {
        for (int k = 0; k < c.n_in; k++)
            if (is_float(c.in[k]) && !c.constant[k]) want[n++] = ct_requires_grad(c.in[k], true);
        ct_tensor *y = ct_case_call(&c, NULL, NULL);
        if (is_float(y) && !ct_why(y))
            y = squares(&y, 1);
        else
            n = 0;
        while (n && order < ORDERS && !ct_gradients(y, NULL, want, n, true, din)) {
            if (!(y = squares(din, n)))
                n = 0; /* nothing depends on the inputs: from here on all is 0, or was never there */
            order = n ? order + 1 : order ? ORDERS : 0;
        }
    }
    return ct_scope_close(scope) ? 0 : order;
}

static const char *kernel_of(const ct_op *op) {
    if (op->flags & CT_IS_VIEW) return "view";
    if (op->flags & CT_IS_FORMULA) return "ops";
    if (op->flags & CT_POINTWISE) return "pointwise";
    return op->formula ? "fused" : "one";
}

static void write_row(const ct_op *op) {
    int order = ORDERS;
    for (int i = 0; i < ct_case_count(op); i++) order = CT_MIN(order, order_of(op, i));
    char types[64] = "";
    for (ct_dtype d = CT_F32; op->n_in && d <= CT_BOOL; d++)
        if (takes(op, d)) snprintf(types + strlen(types), sizeof types - strlen(types), "%s ", ct_dtype_name(d));
    printf(ROW, op->kind.name, *types ? types : "-", (const char *[]){"-", "1", "2", "any"}[order],
           op->backends ? op->backends : "-", kernel_of(op));
}

static const char *const head =
    ".Dd $Mdocdate$\n.Dt CTORCH-OPS 7\n.Os\n.Sh NAME\n.Nm ctorch-ops\n.Nd the ops of libctorch, one by one\n.Sh "
    "DESCRIPTION\n"
    "Made from the tables of ops, whose sample cases were run for it.\nWhole numbers over 0, and what is left of "
    "them, are 0.\n.Bl -tag -width Backends\n"
    ".It Types\nof tensors that the op takes; bf16 and f16 wherever f32.\n"
    ".It Order\nto which it can be differentiated:\n.Sq any\nwas tried three times,\n.Sq -\nhas no gradient.\n"
    ".It Backends\n.Sq ref\nis plain C,\n.Sq cpu\nvectorised for the processor.\n"
    ".It Kernel\n.Sq pointwise :\none made from a row, and one for its gradient;\n"
    ".Sq fused :\none for all of it, and one for its gradient, higher orders in other ops;\n"
    ".Sq one :\none, its gradient in other ops;\n.Sq ops :\nnone, it is written in other ops;\n"
    ".Sq view :\nnone, the result shares its input's memory.\n.El\n"
    ".Bd -literal";

int main(void) {
    puts(head);
    printf(ROW, "op", "types", "order", "backends", "kernel");
    for (int id = 0; id < CT_OP_COUNT; id++) {
        const ct_op *op = ct_op_get(id);
        if (!(op->flags & (CT_IS_GRAD | CT_IS_PART))) write_row(op);
    }
    puts(".Ed\n.Sh SEE ALSO\n.Xr ctorch-spec 5 ,\n.Xr libctorch 3");
    return 0;
}
