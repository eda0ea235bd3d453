/* Convolutions by oneDNN, the peer that shapes.c measures: images channels-last, the weight in whatever form oneDNN
   wants, ready before the clock starts. Versions 2 and 3 of its C API, where descriptors of memory are values in one
   and objects in the other, and operations lost a step between them. */
#ifndef CT_BENCH_ONEDNN_H
#define CT_BENCH_ONEDNN_H
#include <dnnl.h>
#include <stdbool.h>
#include <string.h>

enum { FORWARD, DX, DW };

typedef struct peer {
    dnnl_dims_t x, y, w; /* sizes; a weight of groups has five */
    int w_dims;
    dnnl_dims_t stride, dilation, padding; /* dilation from 0 */
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_primitive_desc_t hint, pd;
    dnnl_primitive_t conv;
    dnnl_memory_t memory[3]; /* of x, w, y */
} peer;

#if DNNL_VERSION_MAJOR >= 3
typedef dnnl_memory_desc_t desc;
typedef const_dnnl_memory_desc_t desc_ref;
static desc_ref desc_at(const desc *m) { return *m; }
static bool desc_last(desc *m, const dnnl_dims_t size, const dnnl_dims_t stride) {
    return !dnnl_memory_desc_create_with_strides(m, 4, size, dnnl_f32, stride);
}
static bool desc_any(desc *m, int n, const dnnl_dims_t size) {
    return !dnnl_memory_desc_create_with_tag(m, n, size, dnnl_f32, dnnl_format_tag_any);
}
static void desc_drop(desc *m) { dnnl_memory_desc_destroy(*m); }
static bool describe(peer *p, int pass, desc_ref x, desc_ref w, desc_ref y, dnnl_primitive_desc_t *pd) {
    dnnl_alg_kind_t alg = dnnl_convolution_direct;
    if (pass == FORWARD)
        return !dnnl_convolution_forward_primitive_desc_create(pd, p->engine, dnnl_forward_training, alg, x, w, NULL, y,
                                                               p->stride, p->dilation, p->padding, p->padding, NULL);
    if (pass == DX)
        return !dnnl_convolution_backward_data_primitive_desc_create(
            pd, p->engine, alg, x, w, y, p->stride, p->dilation, p->padding, p->padding, p->hint, NULL);
    return !dnnl_convolution_backward_weights_primitive_desc_create(pd, p->engine, alg, x, w, NULL, y, p->stride,
                                                                    p->dilation, p->padding, p->padding, p->hint, NULL);
}
#else
typedef dnnl_memory_desc_t desc;
typedef const dnnl_memory_desc_t *desc_ref;
static desc_ref desc_at(const desc *m) { return m; }
static bool desc_last(desc *m, const dnnl_dims_t size, const dnnl_dims_t stride) {
    return !dnnl_memory_desc_init_by_strides(m, 4, size, dnnl_f32, stride);
}
static bool desc_any(desc *m, int n, const dnnl_dims_t size) {
    return !dnnl_memory_desc_init_by_tag(m, n, size, dnnl_f32, dnnl_format_tag_any);
}
static void desc_drop(desc *m) { (void)m; }
static bool describe(peer *p, int pass, desc_ref x, desc_ref w, desc_ref y, dnnl_primitive_desc_t *pd) {
    dnnl_convolution_desc_t d;
    dnnl_alg_kind_t alg = dnnl_convolution_direct;
    dnnl_status_t status;
    if (pass == FORWARD)
        status = dnnl_dilated_convolution_forward_desc_init(&d, dnnl_forward_training, alg, x, w, NULL, y, p->stride,
                                                            p->dilation, p->padding, p->padding);
    else if (pass == DX)
        status = dnnl_dilated_convolution_backward_data_desc_init(&d, alg, x, w, y, p->stride, p->dilation, p->padding,
                                                                  p->padding);
    else
        status = dnnl_dilated_convolution_backward_weights_desc_init(&d, alg, x, w, NULL, y, p->stride, p->dilation,
                                                                     p->padding, p->padding);
    return !status && !dnnl_primitive_desc_create(pd, &d, NULL, p->engine, p->hint);
}
#endif

static bool peer_desc(desc *m, const dnnl_dims_t size) {
    return desc_last(m, size, (dnnl_dims_t){size[1] * size[2] * size[3], 1, size[1] * size[3], size[1]});
}

/* Sizes and steps are filled in; x, w (its values are of no concern) and y are memory. */
static bool peer_make(peer *p, int pass, float *x, float *y) {
    static const dnnl_query_t asked[] = {dnnl_query_weights_md, dnnl_query_weights_md, dnnl_query_diff_weights_md};
    desc dx, dy, dw;
    if (dnnl_engine_create(&p->engine, dnnl_cpu, 0) ||
        dnnl_stream_create(&p->stream, p->engine, dnnl_stream_default_flags) || !peer_desc(&dx, p->x) ||
        !peer_desc(&dy, p->y) || !desc_any(&dw, p->w_dims, p->w))
        return false;
    bool made = pass == FORWARD || describe(p, FORWARD, desc_at(&dx), desc_at(&dw), desc_at(&dy), &p->hint);
    made = made && describe(p, pass, desc_at(&dx), desc_at(&dw), desc_at(&dy), &p->pd) &&
           !dnnl_primitive_create(&p->conv, p->pd) && !dnnl_memory_create(&p->memory[0], desc_at(&dx), p->engine, x) &&
           !dnnl_memory_create(&p->memory[1], dnnl_primitive_desc_query_md(p->pd, asked[pass], 0), p->engine,
                               DNNL_MEMORY_ALLOCATE) &&
           !dnnl_memory_create(&p->memory[2], desc_at(&dy), p->engine, y);
    desc_drop(&dx), desc_drop(&dy), desc_drop(&dw);
    return made;
}

static void peer_run(peer *p, int pass) {
    static const int role[3][3] = {{DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST},
                                   {DNNL_ARG_DIFF_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_DST},
                                   {DNNL_ARG_SRC, DNNL_ARG_DIFF_WEIGHTS, DNNL_ARG_DIFF_DST}};
    dnnl_exec_arg_t args[3];
    for (int i = 0; i < 3; i++) args[i] = (dnnl_exec_arg_t){role[pass][i], p->memory[i]};
    dnnl_primitive_execute(p->conv, p->stream, 3, args);
    dnnl_stream_wait(p->stream);
}

static void peer_drop(peer *p) {
    for (int i = 0; i < 3; i++)
        if (p->memory[i]) dnnl_memory_destroy(p->memory[i]);
    if (p->conv) dnnl_primitive_destroy(p->conv);
    if (p->pd) dnnl_primitive_desc_destroy(p->pd);
    if (p->hint) dnnl_primitive_desc_destroy(p->hint);
    if (p->stream) dnnl_stream_destroy(p->stream);
    if (p->engine) dnnl_engine_destroy(p->engine);
    memset(p, 0, sizeof *p);
}
#endif
