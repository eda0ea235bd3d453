/* oneDNN's C API, versions 2 and 3, as far as convolutions need it: descriptors of memory are values in one and objects
   in the other, and operations lost a step between them. */
#ifndef CT_KERNELS_CPU_DNNL_API_H
#define CT_KERNELS_CPU_DNNL_API_H
#include "kernels/cpu/conv.h"
#include <dnnl.h>

/* The memory of a convolution in oneDNN's order, and how its windows step. */
typedef struct dnnl_shapes {
    dnnl_dims_t stride, dilation, padding;
} dnnl_shapes;

#if DNNL_VERSION_MAJOR >= 3
typedef dnnl_memory_desc_t md;           /* owned */
typedef const_dnnl_memory_desc_t md_ref; /* as arguments take it */
static inline md_ref md_at(const md *m) { return *m; }
static inline void md_drop(md *m) {
    if (*m) dnnl_memory_desc_destroy(*m);
}
static inline bool md_strided(md *m, int n, const dnnl_dims_t size, const dnnl_dims_t stride) {
    return dnnl_memory_desc_create_with_strides(m, n, size, dnnl_f32, stride) == dnnl_success;
}
static inline bool md_any(md *m, int n, const dnnl_dims_t size) {
    return dnnl_memory_desc_create_with_tag(m, n, size, dnnl_f32, dnnl_format_tag_any) == dnnl_success;
}
static inline bool pd_create(conv_pass pass, dnnl_engine_t e, md_ref x, md_ref w, md_ref bias, md_ref y,
                             const dnnl_shapes *s, const_dnnl_primitive_desc_t hint, const_dnnl_primitive_attr_t attr,
                             dnnl_primitive_desc_t *pd) {
    dnnl_alg_kind_t alg = dnnl_convolution_direct;
    dnnl_status_t status;
    if (pass == CONV_FORWARD)
        status = dnnl_convolution_forward_primitive_desc_create(pd, e, dnnl_forward_training, alg, x, w, bias, y,
                                                                s->stride, s->dilation, s->padding, s->padding, attr);
    else if (pass == CONV_DX)
        status = dnnl_convolution_backward_data_primitive_desc_create(pd, e, alg, x, w, y, s->stride, s->dilation,
                                                                      s->padding, s->padding, hint, attr);
    else
        status = dnnl_convolution_backward_weights_primitive_desc_create(
            pd, e, alg, x, w, bias, y, s->stride, s->dilation, s->padding, s->padding, hint, attr);
    return status == dnnl_success;
}
#else
typedef dnnl_memory_desc_t md;
typedef const dnnl_memory_desc_t *md_ref;
static inline md_ref md_at(const md *m) { return m; }
static inline void md_drop(md *m) { (void)m; }
static inline bool md_strided(md *m, int n, const dnnl_dims_t size, const dnnl_dims_t stride) {
    return dnnl_memory_desc_init_by_strides(m, n, size, dnnl_f32, stride) == dnnl_success;
}
static inline bool md_any(md *m, int n, const dnnl_dims_t size) {
    return dnnl_memory_desc_init_by_tag(m, n, size, dnnl_f32, dnnl_format_tag_any) == dnnl_success;
}
static inline bool pd_create(conv_pass pass, dnnl_engine_t e, md_ref x, md_ref w, md_ref bias, md_ref y,
                             const dnnl_shapes *s, const_dnnl_primitive_desc_t hint, const_dnnl_primitive_attr_t attr,
                             dnnl_primitive_desc_t *pd) {
    dnnl_convolution_desc_t d;
    dnnl_alg_kind_t alg = dnnl_convolution_direct;
    dnnl_status_t status;
    if (pass == CONV_FORWARD)
        status = dnnl_dilated_convolution_forward_desc_init(&d, dnnl_forward_training, alg, x, w, bias, y, s->stride,
                                                            s->dilation, s->padding, s->padding);
    else if (pass == CONV_DX)
        status = dnnl_dilated_convolution_backward_data_desc_init(&d, alg, x, w, y, s->stride, s->dilation, s->padding,
                                                                  s->padding);
    else
        status = dnnl_dilated_convolution_backward_weights_desc_init(&d, alg, x, w, bias, y, s->stride, s->dilation,
                                                                     s->padding, s->padding);
    return status == dnnl_success && dnnl_primitive_desc_create(pd, &d, attr, e, hint) == dnnl_success;
}
#endif
#endif
