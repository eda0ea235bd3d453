/* A tensor is a layout over counted storage, and its place in the graph. */
#ifndef CT_TENSOR_H
#define CT_TENSOR_H
#include "base/error.h"
#include "kernels/kernel.h"

/* Memory that tensors share. data is NULL where only shapes are known (capture). */
typedef struct ct_storage {
    _Atomic int refs;
    uint32_t version;  /* of the content: in-place changes count it up */
    uint32_t followed; /* the version that the last change recorded for autograd made: older handles lack its history */
    void *data;
    size_t bytes;
    bool counted; /* a module's parameter: whatever changes its content counts the version up */
    bool shell; /* stands for memory that is not there: of a parameter, or an input, where only shapes are looked at */
    void (*release)(void *owner); /* NULL: data is ct_free'd */
    void *owner;
} ct_storage;

struct ct_node;

/* What is done with a gradient once it is whole. */
typedef struct ct_hook_entry {
    struct ct_hook_entry *next;
    int out_index; /* which of a node's outputs it is the gradient of */
    ct_hook_fn fn; /* NULL: it is kept, in `grad` */
    void *ctx;
    ct_tensor *grad;
} ct_hook_entry;
void ct_hooks_free(ct_hook_entry *list);

struct ct_tensor {
    _Atomic int refs;
    ct_layout layout;
    ct_storage *storage;  /* NULL: an error, or a shell that only has a shape */
    int64_t offset;       /* of the first element, in elements */
    struct ct_node *node; /* what made it, where something may walk back; else NULL */
    int out_index;        /* which of the node's outputs */
    bool requires_grad;
    uint32_t version;     /* of the storage when this handle's history began */
    ct_tensor *grad;      /* a leaf's */
    ct_hook_entry *hooks; /* a leaf's: other tensors' are their node's */
    char *why;            /* an error's message */
    ct_status status;
};

/* A tensor of this thread's scope that carries an error: the message is formatted here and set as ct_error() too. */
ct_tensor *ct_tensor_error(ct_status status, const char *fmt, ...) CT_PRINTF(2, 3);
/* The same, carrying the message ct_error() already has. */
ct_tensor *ct_tensor_failed(ct_status status);
/* A contiguous tensor over memory owned elsewhere (a mapped file): release(owner) is called when the last user ends;
   at once, too, if this fails. release may be NULL (then `data` is ct_free'd: the tensor takes it over). */
ct_tensor *ct_tensor_wrap(ct_dtype dtype, ct_dims shape, void *data, void (*release)(void *), void *owner);

/* As ct_empty, but without the memory: what a capture takes for a parameter, an input. */
ct_tensor *ct_tensor_shell(ct_dtype dtype, ct_dims shape);
/* Zeros of t's type and shape, row-major; of a shell: a shell. */
ct_tensor *ct_zeros_as(const ct_tensor *t);

/* ---- for the rooms that make tensors ---- */
ct_layout ct_layout_of(ct_dtype dtype, ct_dims shape); /* contiguous */
/* Bytes from the first element to past the last one; 0 when a size is 0; SIZE_MAX when that overflows. */
size_t ct_layout_bytes(const ct_layout *l);
ct_storage *ct_storage_new(size_t bytes); /* not zeroed; NULL: no memory */
ct_storage *ct_storage_ref(ct_storage *s);
void ct_storage_unref(ct_storage *s);
/* A tensor in the current scope over `storage` (takes a reference of its own; NULL makes a shell). */
ct_tensor *ct_tensor_make(const ct_layout *layout, ct_storage *storage, int64_t offset);
ct_tensor *ct_tensor_ref(ct_tensor *t);
void ct_tensor_unref(ct_tensor *t);
/* Element i of an array as a double, and from one (saturating). */
double ct_element_get(ct_dtype dtype, const void *data, int64_t i);
void ct_element_set(ct_dtype dtype, void *data, int64_t i, double v);
/* Lets the room above free what a tensor's node holds when the last handle goes. */
void ct_tensor_on_node_unref(void (*fn)(struct ct_node *));
static inline void *ct_tensor_data(const ct_tensor *t) {
    return t->storage && t->storage->data
               ? (char *)t->storage->data + t->offset * (int64_t)ct_dtype_bytes(t->layout.dtype)
               : NULL;
}
static inline ct_dims ct_shape_of(const ct_tensor *t) {
    ct_dims d = {t->layout.ndim, {0}};
    for (int i = 0; i < d.n; i++) d.v[i] = t->layout.size[i];
    return d;
}
#endif
