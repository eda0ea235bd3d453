#include "tensor/tensor.h"
#include "base/alloc.h"
#include "tensor/scope.h"
#include <stdio.h>
#include <string.h>

static ct_tensor no_memory = {.refs = 1, .why = (char *)"out of memory", .status = CT_NO_MEMORY};
static void (*node_unref)(struct ct_node *);

void ct_tensor_on_node_unref(void (*fn)(struct ct_node *)) { node_unref = fn; }

bool ct_tensor_is_static(const ct_tensor *t) { return t == &no_memory; }

ct_tensor *ct_tensor_make(const ct_layout *layout, ct_storage *storage, int64_t offset) {
    ct_tensor *t = ct_alloc(1, sizeof *t);
    if (!t) return ct_tensor_failed(CT_NO_MEMORY);
    t->refs = 1;
    t->layout = *layout, t->offset = offset;
    t->storage = ct_storage_ref(storage);
    if (storage) t->version = storage->version;
    if (ct_scope_add(t)) return t;
    ct_tensor_unref(t);
    return ct_tensor_failed(CT_NO_MEMORY);
}

ct_tensor *ct_tensor_ref(ct_tensor *t) {
    if (t && !ct_tensor_is_static(t)) atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
    return t;
}

void ct_tensor_unref(ct_tensor *t) {
    if (!t || ct_tensor_is_static(t) || atomic_fetch_sub(&t->refs, 1) != 1) return;
    if (t->node) node_unref(t->node);
    ct_storage_unref(t->storage);
    ct_tensor_unref(t->grad);
    ct_hooks_free(t->hooks);
    ct_free(t->why);
    ct_free(t);
}

void ct_hooks_free(ct_hook_entry *list) {
    while (list) {
        ct_hook_entry *next = list->next;
        ct_tensor_unref(list->grad);
        ct_free(list);
        list = next;
    }
}

ct_tensor *ct_tensor_failed(ct_status status) {
    ct_tensor *t = status == CT_NO_MEMORY ? NULL : ct_alloc(1, sizeof *t);
    if (t) {
        t->refs = 1;
        t->status = status;
        if (!(t->why = ct_strdup(ct_error())) || !ct_scope_add(t)) {
            ct_tensor_unref(t);
            t = NULL;
        }
    }
    if (!t) ct_fail_memory();
    ct_scope_note(t ? status : CT_NO_MEMORY);
    return t ? t : &no_memory;
}

ct_tensor *ct_tensor_error(ct_status status, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    ct_fail_v(status, fmt, args);
    va_end(args);
    return ct_tensor_failed(status);
}

const char *ct_why(const ct_tensor *t) { return t ? t->why : "no tensor"; }

ct_tensor *ct_tensor_wrap(ct_dtype dtype, ct_dims shape, void *data, void (*release)(void *), void *owner) {
    ct_layout l = ct_layout_of(dtype, shape);
    ct_storage *s = ct_alloc(1, sizeof *s);
    if (!s) {
        if (release)
            release(owner);
        else
            ct_free(data);
        return ct_tensor_failed(CT_NO_MEMORY);
    }
    *s = (ct_storage){.refs = 1, .data = data, .bytes = ct_layout_bytes(&l), .release = release, .owner = owner};
    ct_tensor *t = ct_tensor_make(&l, s, 0);
    ct_storage_unref(s);
    return t;
}

static ct_status check_shape(ct_dtype dtype, const ct_dims *shape, ct_layout *l) {
    if (dtype <= CT_NONE || dtype > CT_LAST_DTYPE) return ct_fail(CT_FAIL, "no such element type: %d", dtype);
    if (shape->n < 0 || shape->n > CT_MAX_DIMS)
        return ct_fail(CT_FAIL, "a tensor has 0 to %d dimensions, got %d", CT_MAX_DIMS, shape->n);
    for (int i = 0; i < shape->n; i++)
        if (shape->v[i] < 0)
            return ct_fail(CT_FAIL, "size %lld of dimension %d is negative", (long long)shape->v[i], i);
    *l = ct_layout_of(dtype, *shape);
    if (ct_layout_bytes(l) > PTRDIFF_MAX) return ct_fail(CT_NO_MEMORY, "a tensor of that size cannot be addressed");
    return CT_OK;
}

ct_tensor *ct_empty(ct_dtype dtype, ct_dims shape) {
    ct_layout l;
    ct_status status = check_shape(dtype, &shape, &l);
    if (status) return ct_tensor_failed(status);
    ct_storage *s = ct_storage_new(ct_layout_bytes(&l));
    if (!s) return ct_tensor_failed(CT_NO_MEMORY);
    ct_tensor *t = ct_tensor_make(&l, s, 0);
    ct_storage_unref(s);
    return t;
}

ct_tensor *ct_zeros(ct_dtype dtype, ct_dims shape) {
    ct_tensor *t = ct_empty(dtype, shape);
    if (!ct_why(t) && t->storage->bytes) memset(t->storage->data, 0, t->storage->bytes);
    return t;
}

ct_tensor *ct_tensor_shell(ct_dtype dtype, ct_dims shape) {
    ct_layout l;
    ct_status status = check_shape(dtype, &shape, &l);
    ct_storage *s = status ? NULL : ct_alloc(1, sizeof *s);
    if (!s) return ct_tensor_failed(status ? status : CT_NO_MEMORY);
    *s = (ct_storage){.refs = 1, .shell = true, .bytes = ct_layout_bytes(&l)};
    ct_tensor *t = ct_tensor_make(&l, s, 0);
    ct_storage_unref(s);
    return t;
}

ct_tensor *ct_zeros_as(const ct_tensor *t) {
    return t->storage->shell ? ct_tensor_shell(t->layout.dtype, ct_shape_of(t))
                             : ct_zeros(t->layout.dtype, ct_shape_of(t));
}

ct_tensor *ct_from(ct_dtype dtype, ct_dims shape, const void *data) {
    ct_tensor *t = ct_empty(dtype, shape);
    if (!ct_why(t) && t->storage->bytes) memcpy(t->storage->data, data, t->storage->bytes);
    return t;
}

ct_tensor *ct_full(ct_dtype dtype, ct_dims shape, double value) {
    ct_tensor *t = ct_empty(dtype, shape);
    if (ct_why(t)) return t;
    int64_t n = ct_numel(t);
    for (int64_t i = 0; i < n; i++) ct_element_set(dtype, t->storage->data, i, value);
    return t;
}

ct_tensor *ct_scalar(ct_dtype dtype, double value) { return ct_full(dtype, (ct_dims){0}, value); }

/* No tensor has no dimensions and no elements. */
ct_dtype ct_dtype_of(const ct_tensor *t) { return t ? t->layout.dtype : CT_NONE; }
int ct_ndim(const ct_tensor *t) { return t ? t->layout.ndim : 0; }

/* dim, which may count from the end, of t; -1 when it has no such one. */
static int dim_of(const ct_tensor *t, int dim) {
    int n = ct_ndim(t), d = dim < 0 ? dim + n : dim;
    return d < 0 || d >= n ? -1 : d;
}
int64_t ct_size(const ct_tensor *t, int dim) { return (dim = dim_of(t, dim)) < 0 ? 0 : t->layout.size[dim]; }
int64_t ct_stride(const ct_tensor *t, int dim) { return (dim = dim_of(t, dim)) < 0 ? 0 : t->layout.stride[dim]; }
int64_t ct_numel(const ct_tensor *t) { return ct_why(t) ? 0 : ct_layout_numel(&t->layout); }
bool ct_is_contiguous(const ct_tensor *t) { return t && ct_layout_contiguous(&t->layout); }
void *ct_data(const ct_tensor *t) { return ct_why(t) ? NULL : ct_tensor_data(t); }
