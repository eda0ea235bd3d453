/* conv2d and its gradients: which way a convolution is computed is a rule on its sizes, never a timing. */
#include "kernels/cpu/conv.h"
#include "base/alloc.h"
#include "base/parallel.h"
#include "kernels/cpu/layout.h"

/* An image that does not lie channels-last is copied to, or from, a place in the workspace. */
typedef struct staged {
    bool used;
    ct_layout layout;
    size_t at, bytes;
} staged;

typedef struct conv_state {
    const conv_method *method;
    void *plan;
    staged a, b, y;
} conv_state;

/* The ways there are, most wanted first; each says what it is good for. */
static const struct {
    const conv_method *method;
    bool multiplies; /* copied windows as they are, whose products may be in bf16 */
} ways[] = {
    {&ct_conv_winograd, false}, {&ct_conv_winograd_2, false}, {&ct_conv_direct, false}, {&ct_conv_depthwise, false},
    {&ct_conv_thin, false},     {&ct_conv_im2col, true},      {&ct_conv_col2im, true},
};

static void set_sizes(conv_problem *p, const ct_layout *x, const ct_layout *y, const ct_layout *w) {
    p->n = x->size[0], p->c = x->size[1], p->h = x->size[2], p->w = x->size[3];
    p->o = y->size[1], p->oh = y->size[2], p->ow = y->size[3];
    for (int d = 0; d < 4; d++) p->weight[d] = w->stride[d];
    for (int d = 0; d < 2; d++) p->kernel[d] = w->size[2 + d];
}

static void set_args(conv_problem *p, const int64_t *stride, const int64_t *padding, const int64_t *dilation,
                     int64_t groups) {
    for (int d = 0; d < 2; d++) p->stride[d] = stride[d], p->padding[d] = padding[d], p->dilation[d] = dilation[d];
    p->groups = groups;
}

static void stage(staged *s, const ct_layout *l, size_t *workspace) {
    *s =
        (staged){!layout_channels_last(l), *l, (*workspace + 63) / 64 * 64, (size_t)ct_layout_numel(l) * sizeof(float)};
    if (s->used) *workspace = s->at + s->bytes;
}

/* In bf16 products are the fastest with many channels, fewer behind a stride. */
static bool wants_products(const conv_problem *p) {
    int64_t many = p->stride[0] > 1 ? 32 : 128;
    return p->bf16 && p->pass != CONV_DW && p->groups == 1 && CT_MIN(p->c, p->o) >= many;
}

static ct_status choose(const conv_problem *p, conv_state *s, size_t *workspace) {
    ct_status status = CT_UNSUPPORTED;
    bool products = wants_products(p);
    for (int i = 0; i < CT_COUNT(ways) && status == CT_UNSUPPORTED; i++)
        if ((ways[i].multiplies || !products) && (s->method = ways[i].method)->fits(p))
            status = s->method->prepare(p, &s->plan, workspace);
    return status;
}

/* a, b and y are the images that the pass reads and makes; NULL where that is the weight. */
static ct_status prepare(const conv_problem *p, const ct_layout *a, const ct_layout *b, const ct_layout *y,
                         void **state, size_t *workspace) {
    const ct_layout *images[] = {a, b, y};
    for (int i = 0; i < 3; i++)
        if (images[i] && (images[i]->ndim != 4 || images[i]->dtype != CT_F32 || !ct_layout_numel(images[i])))
            return CT_UNSUPPORTED;
    conv_state *s = ct_alloc(1, sizeof *s);
    if (!s) return CT_NO_MEMORY;
    ct_status status = choose(p, s, workspace);
    if (status) {
        ct_free(s);
        return status;
    }
    stage(&s->a, a, workspace);
    if (b) stage(&s->b, b, workspace);
    if (y) stage(&s->y, y, workspace);
    *state = s;
    return CT_OK;
}

static ct_status forward_prepare(const ct_call *call, void **state, size_t *workspace) {
    const ct_layout *x = &call->in[0], *w = &call->in[1], *bias = &call->in[2], *y = &call->out[0];
    const ct_conv2d_args *args = call->args;
    conv_problem p = {.pass = CONV_FORWARD, .bias = bias->dtype != CT_NONE, .bf16 = call->bf16, .direct = call->direct};
    if (w->dtype != CT_F32 || (p.bias && !layout_is(bias, CT_F32))) return CT_UNSUPPORTED;
    set_sizes(&p, x, y, w);
    set_args(&p, args->stride, args->padding, args->dilation, args->groups);
    return prepare(&p, x, NULL, y, state, workspace);
}

static conv_problem back_problem(conv_pass pass, const ct_call *call, const ct_layout *x, const ct_layout *w) {
    const ct_conv2d_back_args *args = call->args;
    conv_problem p = {.pass = pass, .bf16 = call->bf16, .direct = call->direct};
    set_sizes(&p, x, &call->in[0], w);
    set_args(&p, args->stride, args->padding, args->dilation, args->groups);
    return p;
}

static ct_status dx_prepare(const ct_call *call, void **state, size_t *workspace) {
    const ct_layout *g = &call->in[0], *w = &call->in[1], *dx = &call->out[0];
    conv_problem p = back_problem(CONV_DX, call, dx, w);
    return w->dtype == CT_F32 ? prepare(&p, g, NULL, dx, state, workspace) : CT_UNSUPPORTED;
}

static ct_status dw_prepare(const ct_call *call, void **state, size_t *workspace) {
    const ct_layout *g = &call->in[0], *x = &call->in[1], *dw = &call->out[0];
    conv_problem p = back_problem(CONV_DW, call, x, dw);
    return dw->dtype == CT_F32 ? prepare(&p, g, x, NULL, state, workspace) : CT_UNSUPPORTED;
}

/* ---- images between their own strides and channels-last ---- */

typedef struct moving {
    const ct_layout *l;
    float *image, *staged;
    bool out; /* to the image */
} moving;

/* Rows of all images. Sixteen channels at a time, so that each is read in runs. */
static void move_rows(void *ctx, int64_t begin, int64_t end) {
    const moving *m = ctx;
    int64_t c = m->l->size[1], h = m->l->size[2], w = m->l->size[3], sc = m->l->stride[1], sw = m->l->stride[3];
    for (int64_t row = begin; row < end; row++) {
        float *image = m->image + row / h * m->l->stride[0] + row % h * m->l->stride[2],
              *staged = m->staged + row * w * c;
        for (int64_t k = 0; k < c; k += 16)
            for (int64_t x = 0; x < w; x++)
                for (int64_t i = k; i < CT_MIN(k + 16, c); i++) {
                    if (m->out)
                        image[i * sc + x * sw] = staged[x * c + i];
                    else
                        staged[x * c + i] = image[i * sc + x * sw];
                }
    }
}

static void move(const staged *s, float *image, void *workspace, bool out) {
    moving m = {&s->layout, image, (float *)((char *)workspace + s->at), out};
    ct_parallel(m.l->size[0] * m.l->size[2], grain_of(m.l->size[1] * m.l->size[3] * 4), move_rows, &m);
}

static const float *read_image(const staged *s, const void *image, void *workspace) {
    if (!s->used) return image;
    move(s, (float *)image, workspace, false);
    return (float *)((char *)workspace + s->at);
}

static void conv_run(const ct_exec *exec, const ct_call *call, void *state, const void *const *in, void *const *out) {
    const conv_state *s = state;
    char *work = exec->workspace;
    const float *a = read_image(&s->a, in[0], work), *b = exec->kept ? exec->kept : read_image(&s->b, in[1], work);
    float *y = s->y.used ? (float *)(work + s->y.at) : out[0];
    s->method->run(s->plan, a, b, call->n_in > 2 ? in[2] : NULL, y, work, exec->tail);
    if (s->y.used) move(&s->y, out[0], work, true);
}

static void conv_release(void *state) {
    conv_state *s = state;
    if (!s) return;
    s->method->release(s->plan);
    ct_free(s);
}

/* A result that is moved to its place at the end is not handed on in parts. */
static bool conv_tails(const ct_call *call, void *state, size_t *workspace) {
    (void)call, (void)workspace;
    return !((const conv_state *)state)->y.used;
}

static size_t conv_keeps(const ct_call *call, void *state, size_t *workspace, const void **form) {
    const conv_state *s = state;
    (void)call, (void)workspace;
    *form = s->method;
    return s->method->keeps ? s->method->keeps(s->plan) : 0;
}

static void conv_keep(const void *state, const void *weight, void *kept) {
    const conv_state *s = state;
    s->method->keep(s->plan, weight, kept);
}

#define CONV(name, prepare_, ...)                  \
    const ct_kernel CT_ISA_NAME(ct_cpu_##name) = { \
        .prepare = prepare_, .run = conv_run, .release = conv_release, __VA_ARGS__};
CONV(conv2d_, forward_prepare, .tails = conv_tails, .keeps = conv_keeps, .keep = conv_keep)
CONV(conv2d_dx, dx_prepare, .tails = conv_tails)
CONV(conv2d_dw, dw_prepare, .tails = NULL)
