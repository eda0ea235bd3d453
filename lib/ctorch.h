/* ctorch: PyTorch's core in C. Tensors, define-by-run autograd, layers, optimizers.
   Op prototypes are in ctorch_ops.h, made from the tables of ops; specs, data and runs in ctorch_run.h. */
#ifndef CTORCH_H
#define CTORCH_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif

/* ---- status: what a call without a tensor returns; the command's exit statuses are the first five ---- */
typedef enum ct_status {
    CT_OK = 0,
    CT_FAIL = 1,     /* could not be done: a file cannot be written, an argument does not fit */
    CT_BAD_SPEC = 2, /* what the user wrote is wrong */
    CT_BAD_DATA = 3, /* a file's content is damaged or not what it should be */
    CT_DIVERGED = 4, /* the loss is not a number */
    CT_NO_MEMORY = 5,
    CT_STOPPED = 6 /* a run was asked to stop and has checkpointed */
} ct_status;

/* The message of this thread's last failed call; valid until the next. */
const char *ct_error(void);
const char *ct_version(void);
/* For functions that return a status: ends them with that of a call that failed. */
#define CT_TRY(call)                 \
    do {                             \
        ct_status status_ = (call);  \
        if (status_) return status_; \
    } while (0)

/* ---- tensors ---- */
#define CT_MAX_DIMS 8
#define CT_SAME (-1)      /* padding[0] of a convolution: as much as keeps the size */
#define CT_ZERO INT64_MIN /* in an args struct: an explicit 0 where a zero field would mean PyTorch's default */

/* bf16 and f16 are to store: ops compute with them in f32 and round each result once. */
typedef enum ct_dtype { CT_NONE, CT_F32, CT_F64, CT_I64, CT_I32, CT_U8, CT_BOOL, CT_BF16, CT_F16 } ct_dtype;
typedef struct ct_dims {
    int n;
    int64_t v[CT_MAX_DIMS];
} ct_dims;
/* A list of dims or sizes: CT_DIMS(2, 3, 4). */
#ifdef __cplusplus
#define CT_DIMS(...) (ct_dims{(int)(sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), {__VA_ARGS__}})
#else
#define CT_DIMS(...) ((ct_dims){(int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), {__VA_ARGS__}})
#endif
typedef struct ct_tensor ct_tensor;
typedef struct ct_scope ct_scope;

/* What a call returns belongs to the calling thread's innermost open scope and ends with it. */
ct_scope *ct_scope_open(void);
/* Ends the scope and all it owns; the first error inside it, if any (ct_error() has its message). */
ct_status ct_scope_close(ct_scope *scope) __attribute__((warn_unused_result));
/* Hands `t` to the scope around `scope` (the innermost open one), so that it outlives it. */
ct_tensor *ct_scope_return(ct_scope *scope, ct_tensor *t);
/* Takes `t` out of all scopes: it is yours until ct_drop. */
ct_tensor *ct_keep(ct_tensor *t);
void ct_drop(ct_tensor *t);

/* Why `t` is an error, or NULL when it is a tensor. Calls given an error return it. */
const char *ct_why(const ct_tensor *t);

ct_tensor *ct_empty(ct_dtype dtype, ct_dims shape);
ct_tensor *ct_zeros(ct_dtype dtype, ct_dims shape);
ct_tensor *ct_full(ct_dtype dtype, ct_dims shape, double value);
/* Copies `data` (row-major, of `dtype`). */
ct_tensor *ct_from(ct_dtype dtype, ct_dims shape, const void *data);
ct_tensor *ct_scalar(ct_dtype dtype, double value);

ct_dtype ct_dtype_of(const ct_tensor *t);
int ct_ndim(const ct_tensor *t);
int64_t ct_size(const ct_tensor *t, int dim);   /* dim may be negative */
int64_t ct_stride(const ct_tensor *t, int dim); /* in elements */
int64_t ct_numel(const ct_tensor *t);
bool ct_is_contiguous(const ct_tensor *t);
/* The first element; rows follow by ct_stride. NULL for an error or where there is no data (shapes only). */
void *ct_data(const ct_tensor *t);
/* The one element as a double; NAN, and an error in the open scope, when there is not exactly one with a value. */
double ct_item(const ct_tensor *t);
/* Copies all elements, row-major, converted to `dtype`, into `out` (ct_numel elements). */
ct_status ct_copy_out(const ct_tensor *t, ct_dtype dtype, void *out);
/* Text as PyTorch prints it, abridged to `size`. */
void ct_format(const ct_tensor *t, char *out, size_t size);
const char *ct_dtype_name(ct_dtype dtype); /* "f32" */
size_t ct_dtype_bytes(ct_dtype dtype);
ct_tensor *ct_to(ct_tensor *t, ct_dtype dtype);

/* ---- autograd ---- */
ct_tensor *ct_requires_grad(ct_tensor *t, bool on); /* returns t */
/* Gradient of the 0-d `loss` into every leaf that requires one (added to what is there). */
ct_status ct_backward(ct_tensor *loss);
typedef struct ct_backward_args {
    bool retain_graph; /* another backward can follow */
    bool create_graph; /* the gradients can be differentiated; they hold the graph, and it them, until ct_zero_grad */
} ct_backward_args;
/* The same of sum(output * grad); grad may be NULL for an output of one element. */
ct_status ct_backward_with(ct_tensor *output, ct_tensor *grad, ct_backward_args args);
/* The gradient that backward left, or NULL; belongs to t. */
ct_tensor *ct_grad(const ct_tensor *t);
void ct_zero_grad(ct_tensor *t);
/* ct_backward leaves a gradient in t too, which is no leaf. */
ct_status ct_retain_grad(ct_tensor *t);
/* fn is called with the whole gradient of t in each backward (a plan refuses); what it returns, unless NULL, goes on in
   its place. Hooks of a tensor run in the order of their making. */
typedef ct_tensor *(*ct_hook_fn)(ct_tensor *grad, void *ctx);
ct_status ct_hook(ct_tensor *t, ct_hook_fn fn, void *ctx);
void ct_unhook(ct_tensor *t, ct_hook_fn fn, void *ctx);
/* This thread's ops, forward and backward, fail with CT_DIVERGED where they first make a NaN or an infinity of finite
   inputs; the message names the op. Slow. */
void ct_detect_anomaly(bool on);
/* d(sum(output * grad_output)) / d(in[i]), leaves or not, into din[n_in]; a NULL where there is no path. create_graph
   makes the results differentiable. grad_output may be NULL for an output of one element. The graph is kept. */
ct_status ct_gradients(ct_tensor *output, ct_tensor *grad_output, ct_tensor *const *in, int n_in, bool create_graph,
                       ct_tensor **din);
/* Between these, nothing is recorded on this thread; they nest. */
void ct_no_grad_begin(void);
void ct_no_grad_end(void);
/* Between these, this thread's products and convolutions of f32, and their gradients, may round what they multiply to
   bf16; sums and results are f32. As torch.autocast("cpu"), whose results are bf16 too. */
void ct_autocast_begin(void);
void ct_autocast_end(void);

/* In place, as PyTorch's copy_, fill_, zero_ (each pointwise op has such a form too: ct_add_): x has the new value and
   its history; other views of its memory see the value, but refuse to be differentiated. Returns x, or an error,
   which changes nothing: a leaf that requires a gradient (outside no_grad), a value of another shape or wider kind. */
ct_tensor *ct_copy_(ct_tensor *x, ct_tensor *src); /* src broadcasts, and is converted */
ct_tensor *ct_fill_(ct_tensor *x, double value);
ct_tensor *ct_zero_(ct_tensor *x);

/* A function of tensors: what is differentiated, checked, or mapped below. Its result belongs to the open scope. */
typedef ct_tensor *(*ct_fn)(ct_tensor *const *in, int n, void *ctx);

/* fn(in), with nothing inside kept for the backward, which calls fn again (with the same random numbers): ctx must live
   until then. Tensors that fn reads through ctx have their gradients too. */
ct_tensor *ct_checkpoint(ct_fn fn, void *ctx, ct_tensor *const *in, int n);

/* An op with a gradient of one's own, in C. A plan refuses it. */
typedef struct ct_custom_op {
    const char *name;
    ct_fn forward; /* nothing inside is recorded */
    /* din[i], where need[i], from the result y and its gradient g. Written in ops, it can be differentiated again. */
    void (*backward)(ct_tensor *const *in, int n, ct_tensor *y, ct_tensor *g, void *ctx, const bool *need,
                     ct_tensor **din);
    void (*release)(void *ctx); /* called when no one can ask for a gradient any more; may be NULL */
} ct_custom_op;
ct_tensor *ct_custom(const ct_custom_op *op, ct_tensor *const *in, int n, void *ctx); /* op: must outlive the graph */

/* Gradients against differences, as torch.autograd.gradcheck: of every element of each f64 input that requires one. OK,
   or CT_FAIL with a message that names input, element, analytic and numeric value. */
typedef struct ct_gradcheck_args {
    double eps, atol, rtol; /* 0: 1e-6, 1e-5, 1e-3 */
    bool fast_mode;         /* one random sum of all results; at most 48 elements of an input, spread over it */
} ct_gradcheck_args;
ct_status ct_gradcheck(ct_fn fn, void *ctx, ct_tensor *const *in, int n, ct_gradcheck_args args);
/* The same of the gradients, as functions of the inputs and of the result's gradient (random numbers). */
ct_status ct_gradgradcheck(ct_fn fn, void *ctx, ct_tensor *const *in, int n, ct_gradcheck_args args);

/* Functional transforms, as torch.autograd.functional. Only float inputs are differentiated; a gradient without a path
   is 0 (a NULL for an input of another type). create_graph: results can be differentiated, by the inputs that require
   it. y, the value of fn, may be NULL. */
ct_status ct_vjp(ct_fn fn, void *ctx, ct_tensor *const *in, int n, ct_tensor *v, bool create_graph, ct_tensor **y,
                 ct_tensor **vjp); /* v: of y's shape (NULL: 1, for one element); vjp[n]: of the inputs' */
ct_status ct_jvp(ct_fn fn, void *ctx, ct_tensor *const *in, int n, ct_tensor *const *v, bool create_graph,
                 ct_tensor **y, ct_tensor **jvp); /* v[n]: of the inputs' shapes, NULL is 0; *jvp: of y's */
ct_status ct_hvp(ct_fn fn, void *ctx, ct_tensor *const *in, int n, ct_tensor *const *v, bool create_graph,
                 ct_tensor **y, ct_tensor **hvp); /* fn has one element; v[n], hvp[n]: of the inputs' shapes */
/* jacobian[i]: (*shape of y, *shape of in[i]); hessian[i * n + j]: (*shape of in[i], *shape of in[j]). */
ct_status ct_jacobian(ct_fn fn, void *ctx, ct_tensor *const *in, int n, bool create_graph, ct_tensor **jacobian);
ct_status ct_hessian(ct_fn fn, void *ctx, ct_tensor *const *in, int n, bool create_graph, ct_tensor **hessian);

/* fn over a dimension of its inputs at once: fn is captured for one sample, then its ops are applied to all. fn may not
   read values, draw random numbers, or change what was there before. It may use ct_gradients or another ct_vmap. */
#define CT_UNMAPPED INT64_MAX
typedef struct ct_vmap_args {
    ct_dims in_dims; /* of each input, CT_UNMAPPED: the same for all samples; none: all 0 */
    int64_t out_dim;
} ct_vmap_args;
ct_tensor *ct_vmap(ct_fn fn, void *ctx, ct_tensor *const *in, int n, ct_vmap_args args);

/* ---- random numbers: Philox, a function of seed, step, name and place alone ---- */
void ct_manual_seed(uint64_t seed);                              /* of this thread's eager calls */
ct_tensor *ct_rand(ct_dtype dtype, ct_dims shape);               /* uniform in [0, 1) */
ct_tensor *ct_randn(ct_dtype dtype, ct_dims shape);              /* normal */
ct_tensor *ct_randint(int64_t low, int64_t high, ct_dims shape); /* i64, from low to high - 1 */
ct_tensor *ct_randperm(int64_t n);                               /* i64: 0..n-1 in random order */
/* In place: x, of floats (bernoulli_: of any type), gets numbers of this kind, in a plan new ones each time. */
ct_tensor *ct_uniform_(ct_tensor *x, double from, double to);
ct_tensor *ct_normal_(ct_tensor *x, double mean, double std);
ct_tensor *ct_bernoulli_(ct_tensor *x, double p);

ct_tensor *ct_bernoulli(ct_tensor *p); /* 1 with probability p, else 0, each in p's type */
/* i64 (n) or (N, n): places drawn by weights (C) or (N, C), which need not add up to 1. */
ct_tensor *ct_multinomial(ct_tensor *weights, int64_t n, bool replacement);

/* ---- lists of results, and results whose shape depends on values (these only eagerly, not in a plan) ---- */
ct_status ct_split_with_sizes(ct_tensor *x, const int64_t *sizes, int n, int64_t dim,
                              ct_tensor **out); /* n views along dim */
/* The same of parts of split_size, the last maybe smaller: one for each that is begun, or one that is empty. */
ct_status ct_split(ct_tensor *x, int64_t split_size, int64_t dim, ct_tensor **out);
/* Of `sections` parts, as even as can be, the larger ones first (ct_chunk: one part of a number of them). */
ct_status ct_tensor_split(ct_tensor *x, int64_t sections, int64_t dim, ct_tensor **out);
ct_status ct_unbind(ct_tensor *x, int64_t dim, ct_tensor **out);     /* a view without dim for each index of it */
ct_status ct_meshgrid(ct_tensor *const *in, int n, ct_tensor **out); /* n views of each 1-d input over all; "ij" */
ct_tensor *ct_nonzero(ct_tensor *x);                                 /* i64 (how many, ndim), row-major */
ct_tensor *ct_masked_select(ct_tensor *x, ct_tensor *mask); /* 1-d: where mask, which broadcasts; differentiable */
/* The different values, sorted; which of them each element is, and how often each occurs (either may be NULL). */
ct_tensor *ct_unique(ct_tensor *x, ct_tensor **inverse, ct_tensor **counts);
/* How often 0, 1, 2... occur in x (n) of integers: i64, or sums of weights (n; NULL: 1), minlength of them or more. */
ct_tensor *ct_bincount(ct_tensor *x, ct_tensor *weights, int64_t minlength);

/* ---- first values, as torch.nn.init's: each fills t, of floats, in place from this thread's random numbers ---- */
ct_status ct_init_uniform(ct_tensor *t, double a, double b);
ct_status ct_init_normal(ct_tensor *t, double mean, double std);
/* Normal numbers, of which only those in [a, b] count. */
ct_status ct_init_trunc_normal(ct_tensor *t, double mean, double std, double a, double b);
ct_status ct_init_constant(ct_tensor *t, double value);
ct_status ct_init_ones(ct_tensor *t);
ct_status ct_init_zeros(ct_tensor *t);
ct_status ct_init_eye(ct_tensor *t);
ct_status ct_init_dirac(ct_tensor *t, int64_t groups); /* 0: 1 */
ct_status ct_init_orthogonal(ct_tensor *t, double gain);
ct_status ct_init_sparse(ct_tensor *t, double sparsity, double std);
ct_status ct_init_xavier_uniform(ct_tensor *t, double gain);
ct_status ct_init_xavier_normal(ct_tensor *t, double gain);
typedef struct ct_kaiming_args {
    double a;                 /* slope below 0 of leaky_relu */
    bool fan_out;             /* scale by the outputs, else by the inputs */
    const char *nonlinearity; /* NULL: "leaky_relu" */
} ct_kaiming_args;
ct_status ct_init_kaiming_uniform(ct_tensor *t, ct_kaiming_args args);
ct_status ct_init_kaiming_normal(ct_tensor *t, ct_kaiming_args args);
/* The gain of "relu", "tanh", "leaky_relu" (param: its slope)...; NAN, with ct_error() set, when it is unknown. */
double ct_init_gain(const char *nonlinearity, double param);

/* ---- modules: layers with their parameters ---- */
typedef struct ct_module ct_module;
/* A model as a spec says it (ctorch-spec(5)), "[flatten, linear: 128, relu, linear: 10]", for batches of samples of
   this type and shape. Input sizes are inferred; parameters start as PyTorch's do, from this thread's random numbers.
   NULL when it cannot be: ct_error() says what is wrong, and where. */
ct_module *ct_module_open(const char *model, ct_dtype dtype, ct_dims sample);
void ct_module_free(ct_module *m);
ct_tensor *ct_module_forward(ct_module *m, ct_tensor *x);
/* Whether dropout drops and batch_norm looks at the batch; a new module is in training. */
void ct_module_train(ct_module *m, bool training);
/* Between these, as torch.optim.swa_utils.update_bn: the running statistics of every batch_norm begin anew, and each
   forward in training adds its batch to their mean. *n: how many there are. */
ct_status ct_update_bn_begin(ct_module *m, int *n);
ct_status ct_update_bn_end(ct_module *m);
/* What is trained, *n tensors in order; they and the list are the module's. NULL: no memory. */
ct_tensor *const *ct_module_params(ct_module *m, int *n);
/* Name of tensor i, parameters and running statistics, as in PyTorch's state dict ("1.weight"); false past the last. */
bool ct_module_name(const ct_module *m, int i, char name[256]);
ct_tensor *ct_module_tensor(const ct_module *m, const char *name); /* by name, or NULL */
int64_t ct_module_trained(const ct_module *m);                     /* numbers that are trained in it */
/* All its tensors by name, as a safetensors file; and back, each of exactly the shape and type it has (a file's bf16
   and f16 are widened). */
ct_status ct_module_save(ct_module *m, const char *path);
ct_status ct_module_load(ct_module *m, const char *path);

/* ---- optimizers ---- */
typedef struct ct_optim ct_optim;
/* "adam: {lr: 1e-3}", as a spec says it, for params[n], which must outlive it. NULL when it cannot be. */
ct_optim *ct_optim_open(const char *optimizer, ct_tensor *const *params, int n);
/* A further group of parameters, with an optimizer and settings of its own. */
ct_status ct_optim_add_group(ct_optim *o, const char *optimizer, ct_tensor *const *params, int n);
void ct_optim_free(ct_optim *o);
void ct_optim_zero_grad(ct_optim *o);
/* One step from the gradients; a parameter without one stays as it is. After an error in an open scope there is no
   step: that error is returned. */
ct_status ct_optim_step(ct_optim *o);
/* Gradients scaled so that their norm, all together, is at most max_norm; or each element brought into [-max, max]. */
ct_status ct_clip_grad_norm(ct_tensor *const *params, int n, double max_norm);
ct_status ct_clip_grad_value(ct_tensor *const *params, int n, double max);
int ct_optim_groups(const ct_optim *o);
ct_tensor *ct_optim_lr(ct_optim *o, int group); /* a group's learning rate: 0-d f64, the optimizer's; it may be set */
/* What it remembers, steps and rates as a safetensors file; and back, exactly, into one of the same kinds for
   parameters of the same shapes in the same order. A file that does not fit changes nothing. */
ct_status ct_optim_save(ct_optim *o, const char *path);
ct_status ct_optim_load(ct_optim *o, const char *path);

/* Running averages of of[n], floats that must outlive them, as torch.optim.swa_utils.AveragedModel. decay: what stays
   of an average in an update (EMA); 0: the mean of all values (SWA). The first update copies. NULL when it cannot be.
 */
typedef struct ct_average ct_average;
ct_average *ct_average_open(ct_tensor *const *of, int n, double decay);
void ct_average_free(ct_average *a);
ct_status ct_average_update(ct_average *a);
/* The tensors get their averages for values, and these theirs; a second time, all is as before. Before the first update
   nothing changes. */
ct_status ct_average_swap(ct_average *a);
ct_tensor *ct_average_of(const ct_average *a, const ct_tensor *t); /* t's average, which is a's; NULL: it has none */
ct_tensor *ct_average_count(const ct_average *a);                  /* of updates: 0-d f64, a's */

typedef struct ct_lr_scheduler ct_lr_scheduler;
/* "cosine: {T_max: 20}", as a spec says it, with `warmup` or without: moves the learning rates of `o`, which must
   outlive it. "sequential: {schedulers: [linear, cosine: 20], milestones: [5]}" is torch's SequentialLR, "chained:
   [linear, exponential: 0.9]" its ChainedScheduler. NULL as above. */
ct_lr_scheduler *ct_lr_scheduler_open(const char *schedule, ct_optim *o);
void ct_lr_scheduler_step(ct_lr_scheduler *s, double metric); /* metric: for reduce_on_plateau alone */
/* Where it is, as a safetensors file; and back, exactly, into one opened by the same words for as many groups, whose
   rates are set. */
ct_status ct_lr_scheduler_save(const ct_lr_scheduler *s, const char *path);
ct_status ct_lr_scheduler_load(ct_lr_scheduler *s, const char *path);
void ct_lr_scheduler_free(ct_lr_scheduler *s);

/* ---- threads: of the library's own pool ---- */
#define CT_MOST_THREADS 256
int ct_threads(void);
void ct_set_threads(int n); /* 1 to CT_MOST_THREADS */
int ct_threads_available(const char **why);

/* ---- files ---- */
/* An IDX file, raw (mapped) or gzip, of any of the format's types (i8 and i16 come as i32). */
ct_tensor *ct_idx_read(const char *path);

typedef struct ct_image_args {
    int64_t size[2];  /* height, width; 0: as the file has them */
    int64_t channels; /* 1 or 3; 0: 3 if the file has colour, else 1 */
} ct_image_args;
/* A PNG as u8 (C, H, W): alpha composed on white (ctorch-spec(5) has the rules), then resized, antialiased bilinear. */
ct_tensor *ct_image_read(const char *path, ct_image_args args);
/* Height, width, and 3 channels if the file has colour (a palette counts as colour), else 1; from the header alone. */
ct_status ct_image_size(const char *path, int64_t hwc[3]);
/* u8 (C, H, W) of 1 or 3 channels as a PNG, which is in place only when it is whole. */
ct_status ct_image_write(const char *path, const ct_tensor *t);
/* u8 (H, W) of class numbers as a PNG with a palette, resized to the nearest; size NULL or 0: as it is. */
ct_status ct_mask_write(const char *path, const ct_tensor *mask, const int64_t size[2]);
void ct_mask_colour(int class_number, unsigned char rgb[3]); /* in that palette, PASCAL VOC's */

#ifdef __cplusplus
}
#endif
#include "ctorch_ops.h"
#endif
