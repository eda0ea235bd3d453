#include "base/alloc.h"
#include "tensor/tensor.h"

ct_storage *ct_storage_new(size_t bytes) {
    ct_storage *s = ct_alloc(1, sizeof *s);
    if (!s) return NULL;
    s->refs = 1;
    s->bytes = bytes;
    if (!(s->data = ct_alloc_aligned(bytes, 1))) {
        ct_free(s);
        return NULL;
    }
    return s;
}

ct_storage *ct_storage_ref(ct_storage *s) {
    if (s) atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

void ct_storage_unref(ct_storage *s) {
    if (!s || atomic_fetch_sub(&s->refs, 1) != 1) return;
    if (s->release)
        s->release(s->owner);
    else
        ct_free(s->data);
    ct_free(s);
}

ct_layout ct_layout_of(ct_dtype dtype, ct_dims shape) {
    ct_layout l = {.dtype = dtype, .ndim = shape.n};
    int64_t stride = 1;
    for (int i = shape.n - 1; i >= 0; i--) {
        l.size[i] = shape.v[i], l.stride[i] = stride;
        if (__builtin_mul_overflow(stride, CT_MAX(shape.v[i], 1), &stride)) stride = INT64_MAX;
    }
    return l;
}

size_t ct_layout_bytes(const ct_layout *l) {
    size_t last = 0, step, bytes;
    for (int i = 0; i < l->ndim; i++) {
        if (l->size[i] == 0) return 0;
        if (l->size[i] < 0 || l->stride[i] < 0) return SIZE_MAX;
        if (__builtin_mul_overflow((size_t)(l->size[i] - 1), (size_t)l->stride[i], &step)) return SIZE_MAX;
        if (__builtin_add_overflow(last, step, &last)) return SIZE_MAX;
    }
    if (last == SIZE_MAX || __builtin_mul_overflow(last + 1, ct_dtype_bytes(l->dtype), &bytes)) return SIZE_MAX;
    return bytes;
}
