/* Connectionist temporal classification (Graves et al., 2006): minus the log-probability of all alignments of a
   sequence with its labels, by the forward recursion over labels with blanks between them. */
#include "ops/shape_util.h"
#include <math.h>

#define NEVER -1e30 /* the logarithm of no chance: finite, so that gradients are */

enum { LOG_PROBS, TARGETS, INPUT_LENGTHS, TARGET_LENGTHS };

static ct_status want_inputs(ct_tensor *const *in, int64_t blank) {
    const ct_layout *x = &in[LOG_PROBS]->layout, *t = &in[TARGETS]->layout;
    CT_TRY(ct_want_floats("ctc_loss", x, 1));
    CT_TRY(ct_want_ndim("ctc_loss", "log_probs", x, 3, 3));
    CT_TRY(ct_want_ndim("ctc_loss", "targets (N, S), padded,", t, 2, 2));
    if (x->size[1] != t->size[0] || !x->size[0] || blank >= x->size[2])
        return ct_shape_fail("ctc_loss",
                             "log_probs (T, N, C) of %lld steps, %lld samples and %lld classes, %lld targets, "
                             "blank %lld: these do not fit",
                             (long long)x->size[0], (long long)x->size[1], (long long)x->size[2], (long long)t->size[0],
                             (long long)blank);
    for (int i = INPUT_LENGTHS; i <= TARGET_LENGTHS; i++)
        CT_TRY(ct_want_sizes("ctc_loss", "the lengths", &in[i]->layout, &x->size[1], 1));
    return CT_OK;
}

static ct_tensor *number(const ct_tensor *like, double v) { return ct_constant(like->layout.dtype, (ct_dims){0}, v); }

/* t (N, L) moved n places to the right, `fill` before. */
static ct_tensor *shifted(ct_tensor *t, int64_t n, double fill) {
    int64_t L = t->layout.size[1];
    if (n >= L) return ct_constant(t->layout.dtype, ct_shape_of(t), fill);
    ct_tensor *before = ct_constant(t->layout.dtype, CT_DIMS(t->layout.size[0], n), fill);
    return ct_cat((ct_tensor *[]){before, ct_narrow(t, (ct_narrow_args){.dim = 1, .length = L - n})}, 2,
                  (ct_dim_args){.dim = 1});
}

/* (N, 2 S + 1): the labels with blanks around; what pads them becomes a class that is there. */
static ct_tensor *extended(ct_tensor *targets, int64_t blank, int64_t classes) {
    int64_t N = targets->layout.size[0], S = targets->layout.size[1];
    ct_tensor *t = ct_minimum(ct_maximum(ct_to(targets, CT_I64), ct_constant(CT_I64, (ct_dims){0}, 0)),
                              ct_constant(CT_I64, (ct_dims){0}, (double)(classes - 1)));
    ct_tensor *b = ct_constant(CT_I64, CT_DIMS(N, S), (double)blank),
              *last = ct_constant(CT_I64, CT_DIMS(N, 1), (double)blank);
    ct_tensor *pairs =
        ct_reshape_to(ct_stack((ct_tensor *[]){b, t}, 2, (ct_dim_args){.dim = 2}), (int64_t[]){N, 2 * S}, 2);
    return ct_cat((ct_tensor *[]){pairs, last}, 2, (ct_dim_args){.dim = 1});
}

/* The last step's forward variables (N, L), from emissions (T, N, L); `skip` is NEVER where a label may not follow the
   one before it without a blank. */
static ct_tensor *forward(ct_tensor *e, ct_tensor *skip, ct_tensor *lengths) {
    int64_t T = e->layout.size[0], L = e->layout.size[2];
    ct_tensor *place = ct_to(ct_arange((ct_arange_args){.end = (double)L}), CT_I64);
    ct_tensor *starts = ct_lt(place, ct_constant(CT_I64, (ct_dims){0}, 2));
    ct_tensor *alpha = ct_where(starts, ct_select(e, (ct_select_args){0}), number(e, NEVER));
    for (int64_t t = 1; t < T; t++) {
        ct_tensor *ways[] = {alpha, shifted(alpha, 1, NEVER), ct_add(shifted(alpha, 2, NEVER), skip)};
        ct_tensor *sum = ct_logsumexp(ct_stack(ways, 3, (ct_dim_args){0}), (ct_reduce_args){.dim = CT_DIMS(0)});
        ct_tensor *next = ct_add(sum, ct_select(e, (ct_select_args){.index = t}));
        ct_tensor *runs = ct_gt(lengths, ct_constant(CT_I64, (ct_dims){0}, (double)t));
        alpha = ct_where(ct_unsqueeze(runs, (ct_dim_args){.dim = 1}), ct_maximum(next, number(e, NEVER)), alpha);
    }
    return alpha;
}

/* Of each sample (N): alignments end with the last label or the blank behind it. */
static ct_tensor *losses(ct_tensor *const *in, const ct_ctc_loss_args *args) {
    const int64_t *size = in[LOG_PROBS]->layout.size;
    ct_tensor *ext = extended(in[TARGETS], args->blank, size[2]);
    if (ct_why(ext)) return ext;
    int64_t N = size[1], L = ext->layout.size[1];
    ct_tensor *each = ct_expand(ct_unsqueeze(ext, (ct_dim_args){0}), (ct_expand_args){CT_DIMS(size[0], N, L)});
    ct_tensor *e = ct_gather(in[LOG_PROBS], ct_contiguous(each), (ct_dim_args){.dim = 2});
    e = ct_maximum(e, number(e, NEVER));
    ct_tensor *repeats = ct_eq(ext, shifted(ext, 2, -1)),
              *blanks = ct_eq(ext, ct_constant(CT_I64, (ct_dims){0}, (double)args->blank));
    ct_tensor *skip = ct_where(ct_logical_or(repeats, blanks), number(e, NEVER), number(e, 0));
    ct_tensor *inputs = ct_to(in[INPUT_LENGTHS], CT_I64), *labels = ct_to(in[TARGET_LENGTHS], CT_I64);
    ct_tensor *zero = ct_constant(CT_I64, (ct_dims){0}, 0), *one = ct_constant(CT_I64, (ct_dims){0}, 1);
    ct_tensor *alpha = forward(e, skip, inputs), *end = ct_add(labels, labels);
    ct_tensor *before = ct_maximum(ct_sub(end, one), zero);
    ct_tensor *ends =
        ct_gather(alpha, ct_stack((ct_tensor *[]){end, before}, 2, (ct_dim_args){.dim = 1}), (ct_dim_args){.dim = 1});
    ct_tensor *there = ct_stack((ct_tensor *[]){ct_ge(labels, zero), ct_gt(labels, zero)}, 2, (ct_dim_args){.dim = 1});
    ct_tensor *loss =
        ct_neg(ct_logsumexp(ct_where(there, ends, number(e, NEVER)), (ct_reduce_args){.dim = CT_DIMS(1)}));
    ct_tensor *none =
        ct_where(ct_gt(labels, zero), number(e, INFINITY), number(e, 0)); /* of a sequence without steps */
    ct_tensor *hopeless = ct_gt(loss, number(e, -NEVER / 10));
    loss = ct_where(hopeless, number(e, args->zero_infinity ? 0 : INFINITY), loss);
    return ct_where(ct_gt(inputs, zero), loss, args->zero_infinity ? number(e, 0) : none);
}

FORMULA(ctc_loss) {
    ARGS(ctc_loss);
    (void)n_in, (void)out;
    enum { MEAN };
    ct_tensor *missing = ct_missing("ctc_loss", in, 4);
    if (missing) return missing;
    ct_status status = want_inputs(in, args->blank);
    if (status) return ct_tensor_failed(status);
    ct_tensor *loss = losses(in, args);
    if (args->reduction != MEAN || ct_why(loss)) return ct_reduced(loss, args->reduction);
    ct_tensor *labels = ct_at_least(ct_to(in[TARGET_LENGTHS], loss->layout.dtype), 1);
    return ct_reduced(ct_div(loss, labels), MEAN);
}
