/* Convolutions by oneDNN, called with one thread on slices of the batch that ct_parallel hands out: its own threads
   (OpenMP's) are never started. Images stay channels-last, the weight is brought to the form that oneDNN wants; the
   gradient of the weight is a fixed number of slices' sums, added in order. */
#include "kernels/cpu/conv.h"
#ifdef CT_ONEDNN
#include "base/alloc.h"
#include "kernels/cpu/dnnl_api.h"
#include "kernels/cpu/layout.h"
#include "kernels/cpu/slots.h"

/* Of libgomp, whose threads oneDNN would use. */
extern int omp_get_max_threads(void);
extern void omp_set_num_threads(int n);

#define SLICES 16   /* of a batch */
#define SLICES_DW 8 /* of a weight gradient: part of the definition of the result */
#define ALIGN 16    /* floats */

/* A slice of so many images. */
typedef struct piece {
    int64_t images;
    md x, y;
    dnnl_primitive_desc_t hint, pd;
    dnnl_primitive_t conv;
} piece;

/* What a task works with: memory for each kind of slice, and scratch. */
typedef struct place {
    dnnl_stream_t stream;
    dnnl_memory_t x[2], y[2], scratch[2], sum;
} place;

typedef struct dnnl_plan {
    conv_problem p;
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    int64_t images, slices; /* of a slice but the last; slices */
    piece piece[2];         /* of most slices; of the last */
    md weight, bias;        /* as the user has them */
    dnnl_primitive_desc_t order_pd;
    dnnl_primitive_t order; /* from the user's weight to the one oneDNN wants; of a gradient, back */
    dnnl_memory_t user, wanted, bias_memory;
    int64_t wanted_floats, scratch_floats;
    int slots;
    place place[SLOTS_MAX];
} dnnl_plan;

static int threads_one(void) {
    int n = omp_get_max_threads();
    omp_set_num_threads(1);
    return n;
}

/* Where ours are slower: few channels, groups, and the gradient of x behind a stride (ours multiplies by zeros). */
static bool dnnl_fits(const conv_problem *p) {
    bool few = p->c <= 8 || p->o <= 8, strided = p->stride[0] > 1 || p->stride[1] > 1;
    return p->groups > 1 || few || (p->pass == CONV_DX && strided);
}

/* ---- preparing ---- */

static bool image_md(md *m, int64_t n, int64_t c, int64_t h, int64_t w) {
    return md_strided(m, 4, (dnnl_dims_t){n, c, h, w}, (dnnl_dims_t){h * w * c, 1, w * c, c});
}

/* The weight's sizes, and strides as the user has them; how many dimensions. */
static int weight_dims(const conv_problem *p, dnnl_dims_t size, dnnl_dims_t stride) {
    int64_t o = p->o / p->groups, sizes[5] = {p->groups, o, p->c / p->groups, p->kernel[0], p->kernel[1]};
    int64_t strides[5] = {o * p->weight[0], p->weight[0], p->weight[1], p->weight[2], p->weight[3]};
    int skip = p->groups == 1;
    for (int i = skip; i < 5; i++) size[i - skip] = sizes[i], stride[i - skip] = strides[i];
    return 5 - skip;
}

static md_ref wanted_md(const dnnl_plan *m) {
    bool dw = m->p.pass == CONV_DW;
    return dnnl_primitive_desc_query_md(m->piece[0].pd, dw ? dnnl_query_diff_weights_md : dnnl_query_weights_md, 0);
}

/* Primitives of slices of so many images; the second kind takes the weight as the first wants it. */
static bool make_piece(dnnl_plan *m, int i, int64_t images, const_dnnl_primitive_attr_t attr) {
    const conv_problem *p = &m->p;
    piece *k = &m->piece[i];
    dnnl_shapes s;
    dnnl_dims_t size, stride;
    md any;
    k->images = images;
    for (int d = 0; d < 2; d++)
        s.stride[d] = p->stride[d], s.dilation[d] = p->dilation[d] - 1, s.padding[d] = p->padding[d];
    if (!image_md(&k->x, images, p->c, p->h, p->w) || !image_md(&k->y, images, p->o, p->oh, p->ow)) return false;
    if (!md_any(&any, weight_dims(p, size, stride), size)) return false;
    md_ref x = md_at(&k->x), y = md_at(&k->y), free = md_at(&any), w = i ? wanted_md(m) : free;
    md_ref bias = p->bias ? md_at(&m->bias) : NULL;
    bool made =
        p->pass == CONV_FORWARD || pd_create(CONV_FORWARD, m->engine, x, free, NULL, y, &s, NULL, NULL, &k->hint);
    made = made && pd_create(p->pass, m->engine, x, w, bias, y, &s, k->hint, attr, &k->pd);
    md_drop(&any);
    return made && dnnl_primitive_create(&k->conv, k->pd) == dnnl_success;
}

static bool memory(dnnl_memory_t *m, md_ref desc, dnnl_engine_t engine) {
    return dnnl_memory_create(m, desc, engine, DNNL_MEMORY_NONE) == dnnl_success;
}

static int64_t floats_of(md_ref desc) {
    return round_up_i64((int64_t)(dnnl_memory_desc_get_size(desc) / sizeof(float)) + 1, ALIGN);
}

static bool make_place(dnnl_plan *m, place *at) {
    if (dnnl_stream_create(&at->stream, m->engine, dnnl_stream_default_flags)) return false;
    if (!memory(&at->sum, wanted_md(m), m->engine)) return false;
    for (int i = 0; i < 2; i++) {
        md_ref scratch = dnnl_primitive_desc_query_md(m->piece[i].pd, dnnl_query_scratchpad_md, 0);
        m->scratch_floats = CT_MAX(m->scratch_floats, floats_of(scratch));
        if (!memory(&at->x[i], md_at(&m->piece[i].x), m->engine) ||
            !memory(&at->y[i], md_at(&m->piece[i].y), m->engine) || !memory(&at->scratch[i], scratch, m->engine))
            return false;
    }
    return true;
}

static bool make_order(dnnl_plan *m) {
    md_ref user = md_at(&m->weight), wanted = wanted_md(m), from = user, to = wanted;
    if (m->p.pass == CONV_DW) from = wanted, to = user;
    m->wanted_floats = floats_of(wanted);
    return !dnnl_reorder_primitive_desc_create(&m->order_pd, from, m->engine, to, m->engine, NULL) &&
           !dnnl_primitive_create(&m->order, m->order_pd) && memory(&m->user, user, m->engine) &&
           memory(&m->wanted, wanted, m->engine);
}

static bool make_all(dnnl_plan *m, const_dnnl_primitive_attr_t attr) {
    const conv_problem *p = &m->p;
    dnnl_dims_t size, stride;
    if (dnnl_engine_create(&m->engine, dnnl_cpu, 0)) return false;
    if (dnnl_stream_create(&m->stream, m->engine, dnnl_stream_default_flags)) return false;
    if (!md_strided(&m->weight, weight_dims(p, size, stride), size, stride)) return false;
    if (p->bias && (!md_strided(&m->bias, 1, (dnnl_dims_t){p->o}, (dnnl_dims_t){1}) ||
                    !memory(&m->bias_memory, md_at(&m->bias), m->engine)))
        return false;
    if (!make_piece(m, 0, m->images, attr)) return false;
    if (!make_piece(m, 1, p->n - (m->slices - 1) * m->images, attr) || !make_order(m)) return false;
    for (int i = 0; i < m->slots; i++)
        if (!make_place(m, &m->place[i])) return false;
    return true;
}

static void dnnl_release(void *plan) {
    dnnl_plan *m = plan;
    for (int i = 0; i < m->slots; i++) {
        place *at = &m->place[i];
        for (int k = 0; k < 2; k++)
            dnnl_memory_destroy(at->x[k]), dnnl_memory_destroy(at->y[k]), dnnl_memory_destroy(at->scratch[k]);
        dnnl_memory_destroy(at->sum);
        dnnl_stream_destroy(at->stream);
    }
    for (int k = 0; k < 2; k++) {
        piece *s = &m->piece[k];
        dnnl_primitive_destroy(s->conv);
        dnnl_primitive_desc_destroy(s->pd), dnnl_primitive_desc_destroy(s->hint);
        md_drop(&s->x), md_drop(&s->y);
    }
    dnnl_primitive_destroy(m->order);
    dnnl_primitive_desc_destroy(m->order_pd);
    dnnl_memory_destroy(m->user), dnnl_memory_destroy(m->wanted), dnnl_memory_destroy(m->bias_memory);
    md_drop(&m->weight), md_drop(&m->bias);
    dnnl_stream_destroy(m->stream);
    dnnl_engine_destroy(m->engine);
    ct_free(m);
}

static ct_status dnnl_prepare(const conv_problem *p, void **plan, size_t *workspace) {
    dnnl_plan *m = ct_alloc(1, sizeof *m);
    dnnl_primitive_attr_t attr;
    if (!m) return CT_NO_MEMORY;
    m->p = *p;
    m->images = div_up_i64(p->n, CT_MIN(p->n, p->pass == CONV_DW ? SLICES_DW : SLICES));
    m->slices = div_up_i64(p->n, m->images);
    m->slots = slots_wanted(m->slices);
    int threads = threads_one();
    bool made = !dnnl_primitive_attr_create(&attr);
    if (made) {
        made = !dnnl_primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user) && make_all(m, attr);
        dnnl_primitive_attr_destroy(attr);
    }
    omp_set_num_threads(threads);
    if (!made) {
        dnnl_release(m);
        return CT_UNSUPPORTED;
    }
    int64_t sums = p->pass == CONV_DW ? m->slices : 1;
    *workspace = (size_t)(sums * m->wanted_floats + m->slots * m->scratch_floats) * sizeof(float);
    *plan = m;
    return CT_OK;
}

/* ---- running ---- */

typedef struct dnnl_run {
    dnnl_plan *m;
    const float *x, *y; /* of the gradients, one of them is written */
    float *wanted, *scratch;
    const ct_tail *tail;
    slots slots;
} dnnl_run;

static void set(dnnl_memory_t memory, const void *data) { dnnl_memory_set_data_handle(memory, (void *)data); }

static void run_slice(const dnnl_run *r, place *at, float *scratch, int64_t slice) {
    static const int role[3][3] = {[CONV_FORWARD] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST},
                                   [CONV_DX] = {DNNL_ARG_DIFF_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_DST},
                                   [CONV_DW] = {DNNL_ARG_SRC, DNNL_ARG_DIFF_WEIGHTS, DNNL_ARG_DIFF_DST}};
    const dnnl_plan *m = r->m;
    const conv_problem *p = &m->p;
    const int *as = role[p->pass], k = slice == m->slices - 1;
    int64_t first = slice * m->images;
    set(at->x[k], r->x + first * p->h * p->w * p->c);
    set(at->y[k], r->y + first * p->oh * p->ow * p->o);
    set(at->scratch[k], scratch);
    if (p->pass == CONV_DW) set(at->sum, r->wanted + slice * m->wanted_floats);
    dnnl_exec_arg_t args[] = {{as[0], at->x[k]},
                              {as[1], p->pass == CONV_DW ? at->sum : m->wanted},
                              {as[2], at->y[k]},
                              {DNNL_ARG_SCRATCHPAD, at->scratch[k]},
                              {DNNL_ARG_BIAS, m->bias_memory}};
    dnnl_primitive_execute(m->piece[k].conv, at->stream, p->bias ? 5 : 4, args);
    dnnl_stream_wait(at->stream);
    int64_t images = CT_MIN(m->images, p->n - first);
    if (p->pass == CONV_FORWARD)
        ct_tail_run(r->tail, r->y + first * p->oh * p->ow * p->o, images * p->oh * p->ow * p->o);
    else if (p->pass == CONV_DX)
        ct_tail_run(r->tail, r->x + first * p->h * p->w * p->c, images * p->h * p->w * p->c);
}

static void run_slices(void *ctx, int64_t begin, int64_t end) {
    dnnl_run *r = ctx;
    int threads = threads_one(), slot = slots_take(&r->slots);
    for (int64_t s = begin; s < end; s++) run_slice(r, &r->m->place[slot], r->scratch + slot * r->m->scratch_floats, s);
    slots_give(&r->slots, slot);
    omp_set_num_threads(threads);
}

/* All slices' sums into the first's. */
static void join_slices(void *ctx, int64_t begin, int64_t end) {
    const dnnl_run *r = ctx;
    for (int64_t s = 1; s < r->m->slices; s++) {
        const float *sum = r->wanted + s * r->m->wanted_floats;
#pragma omp simd
        for (int64_t i = begin; i < end; i++) r->wanted[i] += sum[i];
    }
}

static void order_weight(dnnl_plan *m, const void *user, float *wanted) {
    int threads = threads_one();
    bool dw = m->p.pass == CONV_DW;
    set(m->user, user);
    set(m->wanted, wanted);
    dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, dw ? m->wanted : m->user}, {DNNL_ARG_TO, dw ? m->user : m->wanted}};
    dnnl_primitive_execute(m->order, m->stream, 2, args);
    dnnl_stream_wait(m->stream);
    omp_set_num_threads(threads);
}

static void dnnl_run_(void *plan, const float *a, const float *b, const float *bias, float *y, void *work,
                      const ct_tail *tail) {
    dnnl_plan *m = plan;
    bool dw = m->p.pass == CONV_DW;
    dnnl_run r = {.m = m, .wanted = work, .tail = tail};
    r.scratch = r.wanted + m->wanted_floats * (dw ? m->slices : 1);
    r.slots.n = m->slots;
    r.x = m->p.pass == CONV_FORWARD ? a : dw ? b : y;
    r.y = m->p.pass == CONV_FORWARD ? y : a;
    if (m->p.bias) set(m->bias_memory, bias);
    if (!dw) order_weight(m, b, r.wanted);
    ct_parallel(m->slices, 1, run_slices, &r);
    if (!dw) return;
    ct_parallel(m->wanted_floats, grain_of(m->slices), join_slices, &r);
    order_weight(m, y, r.wanted);
}

const conv_method ct_conv_dnnl = {dnnl_fits, dnnl_prepare, dnnl_run_, dnnl_release};
#endif
