/* The sample cases of ops' rows (kernels/ops.def), and of pointwise rows by their domains, made into calls. */
#ifndef CT_OPS_CASES_H
#define CT_OPS_CASES_H
#include "graph/op.h"

#define CT_CASE_INPUTS 16

typedef struct ct_case {
    const ct_op *op;
    char text[256];  /* the case as the row has it */
    char words[256]; /* its arguments, which a string among them points into */
    int n_in;
    ct_tensor *in[CT_CASE_INPUTS]; /* NULL: absent */
    bool constant[CT_CASE_INPUTS]; /* no gradient is asked of it */
    union {
        char bytes[512];
        int64_t aligned;
        double aligned_too;
    } args; /* defaults and all */
} ct_case;

int ct_case_count(const ct_op *op);
/* Case i, in the open scope, with floats of type `dtype`; the same numbers from the same seed, each fit for f32. False,
   with ct_error() set, where the row's text cannot be read. */
bool ct_case_make(const ct_op *op, int i, ct_dtype dtype, uint64_t seed, ct_case *c);
/* The same of a case written as the rows write them. */
bool ct_case_read(const ct_op *op, const char *text, ct_dtype dtype, uint64_t seed, ct_case *c);
/* Runs it as a user's call would, on other inputs if `in` is given. All results in out[] where that is given. */
ct_tensor *ct_case_call(const ct_case *c, ct_tensor *const *in, ct_tensor **out);
/* Sets a field of args from text: 3, 0.5, true, word, [1,2]. Not only for cases: JSON's values are spelled so too. A
   string must outlive the args. */
ct_status ct_case_set(const ct_key *keys, void *args, const char *name, const char *value);
/* A tensor of `dtype` and shape, uniform between lo and hi; floats fit f32. */
ct_tensor *ct_case_uniform(ct_dtype dtype, ct_dims shape, double lo, double hi, uint64_t seed);
#endif
