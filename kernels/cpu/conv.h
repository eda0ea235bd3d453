/* What the ways of computing a convolution share: one problem, three passes. Images are channels-last; a pass reads `a`
   (x, or the output's gradient g) and `b` (the weight; of CONV_DW: x). */
#ifndef CT_KERNELS_CPU_CONV_H
#define CT_KERNELS_CPU_CONV_H
#include "kernels/cpu/simd.h"
#include "kernels/kernel.h"

typedef enum conv_pass { CONV_FORWARD, CONV_DX, CONV_DW } conv_pass;

typedef struct conv_problem {
    conv_pass pass;
    bool bias, bf16, direct; /* bf16, direct: as of the call */
    int64_t n, c, h, w;      /* images x */
    int64_t o, oh, ow;       /* images y, or g */
    int64_t kernel[2], stride[2], padding[2], dilation[2], groups;
    int64_t weight[4]; /* strides of the weight (O, C / groups, KH, KW), or of its gradient */
} conv_problem;

typedef struct conv_method {
    bool (*fits)(const conv_problem *p);
    /* A plan, freed by `release`, and bytes of workspace. CT_UNSUPPORTED: the next way is asked. */
    ct_status (*prepare)(const conv_problem *p, void **plan, size_t *workspace);
    /* tail: NULL, or run on y, of CONV_FORWARD and CONV_DX. */
    void (*run)(void *plan, const float *a, const float *b, const float *bias, float *y, void *work,
                const ct_tail *tail);
    void (*release)(void *plan);
    /* As a kernel's: bytes of what `keep` makes of the weight, for runs whose b is that; 0: nothing. NULL: never. */
    size_t (*keeps)(void *plan);
    void (*keep)(const void *plan, const float *weight, float *kept);
} conv_method;

#define ct_conv_im2col CT_ISA_NAME(ct_conv_im2col)
#define ct_conv_winograd CT_ISA_NAME(ct_conv_winograd)
#define ct_conv_winograd_2 CT_ISA_NAME(ct_conv_winograd_2)
#define ct_conv_direct CT_ISA_NAME(ct_conv_direct)
#define ct_conv_depthwise CT_ISA_NAME(ct_conv_depthwise)
#define ct_conv_thin CT_ISA_NAME(ct_conv_thin)
#define ct_conv_col2im CT_ISA_NAME(ct_conv_col2im)
extern const conv_method ct_conv_im2col, ct_conv_col2im, ct_conv_winograd, ct_conv_winograd_2, ct_conv_direct,
    ct_conv_depthwise, ct_conv_thin;

/* Whether a channel's weight is one run. */
static inline bool conv_weight_dense(const conv_problem *p) {
    return (p->kernel[1] == 1 || p->weight[3] == 1) && (p->kernel[0] == 1 || p->weight[2] == p->kernel[1]);
}

#define CONV_BLOCK_FLOATS 49152 /* of copied windows at a time: they stay in the second-level cache */
#define CONV_BLOCK_LEAST 84     /* pixels, where taps can be cut so: for fewer the weight is read too often */

/* How many of a window's taps, of `channels` floats each, to take at a time: all, a row of them or one. */
static inline int64_t conv_taps_at_once(const conv_problem *p, int64_t channels) {
    int64_t row = p->kernel[1], all = p->kernel[0] * row, most = CONV_BLOCK_FLOATS / CONV_BLOCK_LEAST;
    return all * channels <= most ? all : row * channels <= most ? row : 1;
}

static inline int64_t round_up_i64(int64_t n, int64_t to) { return (n + to - 1) / to * to; }
#endif
