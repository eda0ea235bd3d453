/* Each kernel of kernels/cpu, for each instruction set that this processor has, against kernels/ref; at 1, 2 and 3
   threads with the same bits; and v3 against v4 with the same bits. */
#include "tests/unit/check.h"
#include "base/alloc.h"
#include "base/parallel.h"
#include "kernels/backend.h"
#include <dirent.h>
#include <stdlib.h>

#define MAX 32 /* operands */
typedef struct operand {
    ct_layout l;
    char *data; /* where the elements are */
    size_t bytes;
} operand;
typedef struct trial {
    int n_in, n_out;
    operand in[MAX], out[MAX];
} trial;

enum { PLAIN, LAST, SWAPPED }; /* row-major; (N, C, ...) with C innermost; the last two dimensions swapped */

static uint32_t seed = 1;
static uint32_t next_random(void) { return (seed = seed * 1664525u + 1013904223u) >> 8; }
static float normal(void) {
    float s = 0;
    for (int i = 0; i < 4; i++) s += (float)next_random() * 0x1p-24f - 0.5f;
    return s * 1.7f;
}

static ct_layout layout(ct_dtype dtype, int order, int n, const int64_t *size) {
    ct_layout l = {.dtype = dtype, .ndim = n};
    int at[CT_MAX_DIMS];
    for (int i = 0; i < n; i++) at[i] = i, l.size[i] = size[i];
    if (order == LAST && n > 2) {
        for (int i = 1; i < n - 1; i++) at[i] = i + 1;
        at[n - 1] = 1;
    }
    if (order == SWAPPED && n > 1) at[n - 1] = n - 2, at[n - 2] = n - 1;
    int64_t step = 1;
    for (int i = n - 1; i >= 0; step *= l.size[at[i--]]) l.stride[at[i]] = step;
    return l;
}
#define SIZES(...) \
    (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), (int64_t[]) { __VA_ARGS__ }
#define F32(order, ...) layout(CT_F32, order, SIZES(__VA_ARGS__))
#define I64(order, ...) layout(CT_I64, order, SIZES(__VA_ARGS__))
static const ct_layout number = {.dtype = CT_F32}, absent = {.dtype = CT_NONE};

static operand operand_new(ct_layout l) {
    operand o = {.l = l};
    if (l.dtype == CT_NONE) return o;
    o.bytes = (size_t)ct_layout_numel(&l) * (l.dtype == CT_I64 ? 8 : l.dtype == CT_BOOL ? 1 : 4);
    o.data = malloc(o.bytes ? o.bytes : 1);
    memset(o.data, 0xff, o.bytes);
    return o;
}

static operand *input(trial *t, ct_layout l) {
    operand *o = &t->in[t->n_in++];
    *o = operand_new(l);
    for (size_t i = 0; l.dtype == CT_F32 && i < o->bytes / 4; i++) ((float *)o->data)[i] = normal();
    return o;
}
static operand *positive(trial *t, ct_layout l) {
    operand *o = input(t, l);
    for (size_t i = 0; i < o->bytes / 4; i++) ((float *)o->data)[i] = fabsf(((float *)o->data)[i]) + 0.1f;
    return o;
}
static operand *integers(trial *t, ct_layout l, int64_t below) {
    operand *o = input(t, l);
    for (size_t i = 0; i < o->bytes / 8; i++) ((int64_t *)o->data)[i] = next_random() % below;
    return o;
}
static void output(trial *t, ct_layout l) { t->out[t->n_out++] = operand_new(l); }

static ct_call call_of(int op, const trial *t, const void *args, ct_layout *in, ct_layout *out) {
    for (int i = 0; i < t->n_in; i++) in[i] = t->in[i].l;
    for (int i = 0; i < t->n_out; i++) out[i] = t->out[i].l;
    return (ct_call){op, t->n_in, t->n_out, in, out, args};
}

/* Runs op on a backend into fresh outputs. */
static ct_status run_on(const ct_backend *backend, int op, trial *t, const void *args, int64_t *bad) {
    ct_layout in_l[MAX], out_l[MAX];
    ct_call call = call_of(op, t, args, in_l, out_l);
    const ct_kernel *kernel = backend->kernel[op];
    void *state = NULL, *out[MAX];
    const void *in[MAX];
    size_t bytes = 0;
    _Atomic int64_t word = 0;
    ct_status status = kernel->prepare ? kernel->prepare(&call, &state, &bytes) : CT_OK;
    if (status) return status;
    ct_exec exec = {ct_alloc_aligned(bytes, 1), &word};
    memset(exec.workspace, 0xff, bytes);
    for (int i = 0; i < t->n_in; i++) in[i] = t->in[i].data;
    for (int i = 0; i < t->n_out; i++) out[i] = t->out[i].data;
    for (int i = 0; i < t->n_out; i++)
        if (out[i]) memset(out[i], 0xff, t->out[i].bytes);
    kernel->run(&exec, &call, state, in, out);
    ct_free(exec.workspace);
    if (kernel->release)
        kernel->release(state);
    else
        ct_free(state);
    *bad = word;
    return CT_OK;
}

static void copy_outputs(const trial *t, char **to) {
    for (int i = 0; i < t->n_out; i++) {
        to[i] = malloc(t->out[i].bytes + 1);
        if (t->out[i].bytes) memcpy(to[i], t->out[i].data, t->out[i].bytes);
    }
}
static void drop_outputs(const trial *t, char **p) {
    for (int i = 0; i < t->n_out; i++) free(p[i]);
}
/* Bit for bit. */
static int same_outputs(const trial *t, char **a) {
    for (int i = 0; i < t->n_out; i++)
        if (t->out[i].bytes && memcmp(a[i], t->out[i].data, t->out[i].bytes)) return 0;
    return 1;
}

/* The relative distance of floats, in the norm; 0 or 1 for integers. */
static double distance(const operand *got, const char *want) {
    double d = 0, w = 0;
    if (!got->bytes) return 0;
    if (got->l.dtype != CT_F32) return memcmp(got->data, want, got->bytes) ? 1 : 0;
    for (size_t i = 0; i < got->bytes / 4; i++) {
        double a = ((const float *)got->data)[i], b = ((const float *)want)[i];
        if (isnan(a) && isnan(b)) continue;
        d += (a - b) * (a - b), w += b * b;
    }
    return sqrt(d) / fmax(sqrt(w), 1e-6);
}

static const char *trial_name;
static int may_decline; /* a kernel may leave this to the plain one */
static int fused(const char *isa) { return !strcmp(isa, "v3") || !strcmp(isa, "v4"); }

static void compare(int op, trial *t, const void *args, double tolerance) {
    char *want[MAX], *first[MAX], *fast[MAX] = {0};
    int64_t want_bad, bad;
    if (!CHECK(run_on(&ct_backend_ref, op, t, args, &want_bad) == CT_OK)) return;
    copy_outputs(t, want);
    for (const ct_backend_choice *c = ct_backends_cpu; c->backend; c++) {
        if (!c->runs()) continue;
        int failed = check_failed;
        for (int threads = 1; threads <= 3; threads++) {
            ct_set_threads(threads);
            ct_status status = run_on(c->backend, op, t, args, &bad);
            if (status == CT_UNSUPPORTED && may_decline) goto done;
            if (!CHECK(status == CT_OK)) break;
            if (threads == 1)
                copy_outputs(t, first);
            else
                CHECK(same_outputs(t, first));
            CHECK(!!bad == !!want_bad);
        }
        if (check_failed != failed) printf("    in %s on %s\n", trial_name, c->backend->name);
        if (check_failed != failed) break;
        for (int i = 0; i < t->n_out; i++) {
            double d = distance(&t->out[i], want[i]);
            if (!CHECK(d <= tolerance))
                printf("    %s on %s: output %d is off by %.3g\n", trial_name, c->backend->name, i, d);
        }
        if (fused(c->backend->name) && fast[0] && !CHECK(same_outputs(t, fast)))
            printf("    in %s: v3 is not v4\n", trial_name);
        if (fused(c->backend->name) && !fast[0]) copy_outputs(t, fast);
        drop_outputs(t, first);
    }
done:
    if (fast[0]) drop_outputs(t, fast);
    drop_outputs(t, want);
}

static void end(trial *t) {
    for (int i = 0; i < t->n_in; i++) free(t->in[i].data);
    for (int i = 0; i < t->n_out; i++) free(t->out[i].data);
    *t = (trial){0};
}

#define TRY(op, args, tolerance) (trial_name = #op, compare(CT_OP_##op, &t, args, tolerance), end(&t))

static void test_sum(void) {
    trial t = {0};
    static const int64_t shapes[][4] = {{3, 4, 5, 6},    {1, 1, 1, 70000}, {130, 100, 2, 2}, {2, 70, 9, 17},
                                        {5000, 1, 1, 3}, {1, 33, 1, 3000}, {64, 64, 24, 24}};
    static const ct_dims dims[] = {{0, {0}}, {1, {1}}, {2, {0, 2}}, {3, {0, 2, 3}}, {2, {-1, 1}}, {1, {0}}};
    for (int s = 0; s < 7; s++)
        for (int d = 0; d < 6; d++)
            for (int order = PLAIN; order <= SWAPPED; order++)
                for (int keep = 0; keep < 2; keep++) {
                    ct_reduce_args args = {.dim = dims[d], .keepdim = keep};
                    int64_t size[4];
                    int n = 0;
                    for (int i = 0; i < 4; i++) {
                        int gone = dims[d].n == 0;
                        for (int j = 0; j < dims[d].n; j++) gone |= (dims[d].v[j] + 4) % 4 == i;
                        if (gone && keep) size[n++] = 1;
                        if (!gone) size[n++] = shapes[s][i];
                    }
                    if (s == 6 && (d < 3 || keep)) continue;
                    positive(&t, layout(CT_F32, order, 4, shapes[s]));
                    output(&t, layout(CT_F32, keep ? order : PLAIN, n, size));
                    if (order == PLAIN || keep || d == 0 || d == 3)
                        TRY(sum, &args, 1e-5);
                    else
                        end(&t);
                }
}

static void test_softmax(void) {
    trial t = {0};
    static const int64_t shapes[][3] = {{3, 4, 5}, {2, 1, 7}, {33, 10, 1}, {5, 1000, 3}, {300, 17, 70}};
    for (int s = 0; s < 5; s++)
        for (int64_t dim = -1; dim < 3; dim++)
            for (int order = PLAIN; order <= LAST; order++)
                for (int log = 0; log < 2; log++) {
                    ct_dim_args args = {dim};
                    operand *x = input(&t, layout(CT_F32, order, 3, shapes[s]));
                    ((float *)x->data)[1] = 95;
                    output(&t, x->l);
                    if (log)
                        TRY(log_softmax, &args, 1e-5);
                    else
                        TRY(softmax, &args, 1e-5);
                }
}

static void one_matmul(int order_a, int order_b, ct_layout a, ct_layout b, ct_layout y) {
    trial t = {0};
    input(&t, layout(CT_F32, order_a, a.ndim, a.size)), input(&t, layout(CT_F32, order_b, b.ndim, b.size));
    output(&t, y);
    TRY(matmul, NULL, 1e-5);
}

static void test_matmul(void) {
    trial t = {0};
    for (int a = PLAIN; a <= SWAPPED; a += SWAPPED)
        for (int b = PLAIN; b <= SWAPPED; b += SWAPPED)
            for (int y = PLAIN; y <= SWAPPED; y += SWAPPED) {
                one_matmul(a, b, F32(PLAIN, 4, 5), F32(PLAIN, 5, 3), F32(y, 4, 3));
                one_matmul(a, b, F32(PLAIN, 100, 130), F32(PLAIN, 130, 70), F32(y, 100, 70));
                one_matmul(a, b, F32(PLAIN, 1, 9), F32(PLAIN, 9, 5), F32(y, 1, 5));
                one_matmul(a, b, F32(PLAIN, 7, 9), F32(PLAIN, 9, 1), F32(y, 7, 1));
                one_matmul(a, b, F32(PLAIN, 7, 1), F32(PLAIN, 1, 6), F32(y, 7, 6));
                one_matmul(a, b, F32(PLAIN, 2, 4, 5), F32(PLAIN, 5, 3), F32(y, 2, 4, 3));
                one_matmul(a, b, F32(PLAIN, 2, 1, 4, 5), F32(PLAIN, 3, 5, 2), F32(y, 2, 3, 4, 2));
                one_matmul(a, b, F32(PLAIN, 4, 5), F32(PLAIN, 3, 5, 2), F32(y, 3, 4, 2));
            }
    one_matmul(PLAIN, PLAIN, F32(PLAIN, 5), F32(PLAIN, 5), number);
    one_matmul(PLAIN, PLAIN, F32(PLAIN, 4, 5), F32(PLAIN, 5), F32(PLAIN, 4));
    one_matmul(PLAIN, PLAIN, F32(PLAIN, 5), F32(PLAIN, 5, 2), F32(PLAIN, 2));
    one_matmul(PLAIN, PLAIN, F32(PLAIN, 5), F32(PLAIN, 3, 5, 2), F32(PLAIN, 3, 2));
    one_matmul(PLAIN, PLAIN, F32(PLAIN, 3, 4, 5), F32(PLAIN, 5), F32(PLAIN, 3, 4));
    for (int w = PLAIN; w <= SWAPPED; w += SWAPPED)
        for (int bias = 0; bias < 2; bias++) {
            input(&t, F32(PLAIN, 3, 2, 50)), input(&t, F32(w, 40, 50)), input(&t, bias ? F32(PLAIN, 40) : absent);
            output(&t, F32(PLAIN, 3, 2, 40));
            TRY(linear, NULL, 1e-5);
            input(&t, F32(PLAIN, 64, 784)), input(&t, F32(w, 128, 784)), input(&t, bias ? F32(PLAIN, 128) : absent);
            output(&t, F32(PLAIN, 64, 128));
            TRY(linear, NULL, 1e-5);
            input(&t, F32(PLAIN, 9)), input(&t, F32(w, 5, 9)), input(&t, bias ? F32(PLAIN, 5) : absent);
            output(&t, F32(PLAIN, 5));
            TRY(linear, NULL, 1e-5);
        }
}

typedef struct shape {
    int64_t n, c, h, w, o, kh, kw, stride[2], padding[2], dilation[2], groups;
} shape;

static void one_conv(const shape *s, int order_x, int order_y) {
    trial t = {0};
    int64_t groups = s->groups;
    may_decline = groups > 1; /* done by oneDNN alone */
    int64_t oh = (s->h + 2 * s->padding[0] - s->dilation[0] * (s->kh - 1) - 1) / s->stride[0] + 1;
    int64_t ow = (s->w + 2 * s->padding[1] - s->dilation[1] * (s->kw - 1) - 1) / s->stride[1] + 1;
    ct_conv2d_args args = {
        {s->stride[0], s->stride[1]}, {s->padding[0], s->padding[1]}, {s->dilation[0], s->dilation[1]}, groups};
    ct_layout x = F32(order_x, s->n, s->c, s->h, s->w), y = F32(order_y, s->n, s->o, oh, ow);
    ct_layout w = F32(PLAIN, s->o, s->c / groups, s->kh, s->kw);
    for (int bias = 0; bias < 2; bias++) {
        input(&t, x), input(&t, w), input(&t, bias ? F32(PLAIN, s->o) : absent), output(&t, y);
        TRY(conv2d, &args, 5e-6);
    }
    ct_conv2d_back_args back = {{s->stride[0], s->stride[1]},
                                {s->padding[0], s->padding[1]},
                                {s->dilation[0], s->dilation[1]},
                                groups,
                                CT_DIMS(s->n, s->c, s->h, s->w)};
    input(&t, y), input(&t, w), output(&t, x);
    TRY(conv2d_dx, &back, 5e-6);
    back.size = CT_DIMS(s->o, s->c / groups, s->kh, s->kw);
    input(&t, y), input(&t, x), output(&t, w);
    TRY(conv2d_dw, &back, 1e-5);
    may_decline = 0;
}

/* Threads of this process. */
static int threads_alive(void) {
    int n = 0;
    DIR *d = opendir("/proc/self/task");
    for (struct dirent *e; d && (e = readdir(d));) n += e->d_name[0] != '.';
    if (d) closedir(d);
    return n;
}

static void test_conv(void) {
    static const shape shapes[] = {
        {2, 4, 6, 7, 6, 3, 2, {1, 1}, {1, 1}, {1, 1}, 1},     {3, 1, 28, 28, 32, 3, 3, {1, 1}, {0, 0}, {1, 1}, 1},
        {2, 3, 9, 8, 5, 3, 3, {2, 2}, {1, 1}, {1, 1}, 1},     {2, 5, 7, 7, 7, 3, 3, {1, 1}, {2, 1}, {2, 1}, 1},
        {3, 17, 12, 9, 20, 1, 1, {1, 1}, {0, 0}, {1, 1}, 1},  {2, 8, 8, 8, 8, 1, 1, {2, 2}, {0, 0}, {1, 1}, 1},
        {2, 16, 14, 14, 33, 3, 3, {1, 1}, {1, 1}, {1, 1}, 1}, {5, 32, 26, 26, 64, 3, 3, {1, 1}, {0, 0}, {1, 1}, 1},
        {1, 64, 5, 6, 48, 3, 3, {1, 1}, {1, 1}, {1, 1}, 1},   {1, 3, 30, 31, 16, 7, 7, {2, 3}, {3, 3}, {1, 1}, 1},
        {2, 19, 4, 4, 21, 3, 3, {1, 1}, {1, 0}, {1, 1}, 1},   {9, 196, 4, 4, 176, 3, 3, {1, 1}, {1, 1}, {1, 1}, 1},
        {7, 96, 7, 8, 100, 3, 3, {1, 1}, {0, 2}, {1, 1}, 1},  {1, 40, 1, 1, 24, 3, 3, {1, 1}, {1, 1}, {1, 1}, 1},
        {3, 8, 9, 8, 12, 3, 3, {2, 1}, {1, 1}, {1, 1}, 4},    {2, 16, 7, 7, 16, 3, 3, {1, 1}, {1, 1}, {1, 1}, 16},
        {19, 20, 9, 9, 12, 3, 3, {2, 2}, {1, 1}, {1, 1}, 1}};
    for (int s = 0; s < CT_COUNT(shapes); s++) {
        one_conv(&shapes[s], LAST, LAST);
        one_conv(&shapes[s], PLAIN, LAST);
        one_conv(&shapes[s], LAST, PLAIN);
    }
    CHECK(threads_alive() <= 3); /* oneDNN started none of its own */
}

static void one_pool(int order, ct_max_pool2d_args a, int64_t n, int64_t c, int64_t h, int64_t w) {
    trial t = {0};
    int64_t size[2] = {h, w}, out[2];
    for (int d = 0; d < 2; d++) {
        int64_t step = a.stride[d] ? a.stride[d] : a.kernel_size[d];
        int64_t room = size[d] + 2 * a.padding[d] - a.dilation[d] * (a.kernel_size[d] - 1) - 1;
        out[d] = (room + (a.ceil_mode ? step - 1 : 0)) / step + 1;
        if (a.ceil_mode && (out[d] - 1) * step >= size[d] + a.padding[d]) out[d]--;
    }
    operand *x = input(&t, F32(order, n, c, h, w));
    for (size_t i = 0; i < x->bytes / 4; i++) ((float *)x->data)[i] = (float)(next_random() % 9); /* many are equal */
    ((float *)x->data)[3] = NAN;
    output(&t, F32(order, n, c, out[0], out[1])), output(&t, I64(order, n, c, out[0], out[1]));
    TRY(max_pool2d, &a, 0);
    ct_size_args back = {CT_DIMS(n, c, h, w)};
    input(&t, F32(order, n, c, out[0], out[1])), integers(&t, I64(order, n, c, out[0], out[1]), h * w);
    output(&t, F32(order, n, c, h, w));
    TRY(pool_scatter, &back, 1e-6);
}

static void test_pool(void) {
    for (int order = PLAIN; order <= LAST; order++) {
        one_pool(order, (ct_max_pool2d_args){{2, 2}, {0, 0}, {0, 0}, {1, 1}, false}, 2, 3, 8, 9);
        one_pool(order, (ct_max_pool2d_args){{3, 3}, {2, 2}, {1, 1}, {1, 1}, false}, 2, 70, 8, 9);
        one_pool(order, (ct_max_pool2d_args){{2, 2}, {2, 2}, {0, 0}, {1, 1}, true}, 1, 2, 7, 7);
        one_pool(order, (ct_max_pool2d_args){{2, 3}, {1, 2}, {1, 1}, {2, 1}, false}, 1, 17, 9, 10);
        one_pool(order, (ct_max_pool2d_args){{2, 2}, {2, 2}, {0, 0}, {1, 1}, false}, 6, 64, 24, 24);
    }
    trial t = {0};
    ct_size_args back = {CT_DIMS(1, 2, 3, 3)};
    input(&t, F32(PLAIN, 1, 2, 1, 1)), integers(&t, I64(PLAIN, 1, 2, 1, 1), 9);
    ((int64_t *)t.in[1].data)[1] = 9; /* there is no such place: said, and left out */
    output(&t, F32(PLAIN, 1, 2, 3, 3));
    TRY(pool_scatter, &back, 0);
}

static void test_norm(void) {
    trial t = {0};
    static const int64_t shapes[][4] = {{4, 6, 1, 1}, {3, 6, 4, 5}, {300, 70, 1, 1}, {9, 130, 7, 6}, {64, 3, 30, 30}};
    ct_batch_norm_args args = {true, 0.1, 1e-5};
    for (int s = 0; s < 5; s++)
        for (int order = PLAIN; order <= LAST; order++)
            for (int affine = 0; affine < 2; affine++) {
                int n = shapes[s][3] == 1 ? 2 : 4;
                ct_layout x = layout(CT_F32, order, n, shapes[s]), c = F32(PLAIN, shapes[s][1]),
                          w = affine ? c : absent;
                operand *in = input(&t, x);
                for (size_t i = 0; i < in->bytes / 4; i++) ((float *)in->data)[i] += 50; /* far from 0 */
                input(&t, affine ? c : absent), affine ? positive(&t, c) : input(&t, absent), input(&t, w),
                    input(&t, w);
                output(&t, x);
                for (int i = 0; i < 4; i++) output(&t, i < 2 && !affine ? absent : c);
                TRY(batch_norm_train, &args, 2e-5);
                input(&t, x), input(&t, x), input(&t, c), positive(&t, c), input(&t, w);
                output(&t, x), output(&t, c), output(&t, c);
                TRY(batch_norm_back, NULL, 1e-5);
            }
}

static void test_dropout(void) {
    trial t = {0};
    for (int order = PLAIN; order <= LAST; order++)
        for (int64_t n = 1; n < 200000; n = n * 7 + 3) {
            ct_layout x = F32(order, 2, n, 3), mask = x;
            mask.dtype = CT_BOOL;
            ct_dropout_args args = {n % 4 == 0 ? 0 : n % 4 == 1 ? 1 : 0.3, n};
            input(&t, x), integers(&t, I64(PLAIN, 2), 1000);
            output(&t, x), output(&t, mask);
            TRY(dropout_, &args, 1e-6);
            ct_fill_args fill = {1.5};
            operand *m = (input(&t, x), input(&t, mask));
            for (size_t i = 0; i < m->bytes; i++) m->data[i] = next_random() & 1;
            output(&t, x);
            TRY(mask_scale, &fill, 1e-6);
        }
}

static void test_loss(void) {
    trial t = {0};
    static const int64_t shapes[][2] = {{5, 7}, {64, 10}, {1, 1}, {300, 1000}};
    for (int s = 0; s < 4; s++)
        for (int reduction = 0; reduction < 3; reduction++)
            for (int kind = 0; kind < 4; kind++) { /* bit 0: weights, bit 1: smoothing */
                int64_t n = shapes[s][0], c = shapes[s][1];
                ct_cross_entropy_args args = {reduction, kind & 2 ? 0.1 : 0, 2};
                ct_layout w = kind & 1 ? F32(PLAIN, c) : absent, loss = reduction == 2 ? F32(PLAIN, n) : number;
                for (int wrong = 0; wrong < 2; wrong++) {
                    input(&t, F32(PLAIN, n, c)), integers(&t, I64(PLAIN, n), c);
                    if (wrong) ((int64_t *)t.in[1].data)[0] = s & 1 ? -1 : c;
                    kind & 1 ? positive(&t, w) : input(&t, w);
                    output(&t, loss), output(&t, F32(PLAIN, n));
                    TRY(cross_entropy_, &args, 1e-5);
                }
                input(&t, loss), input(&t, F32(PLAIN, n, c)), integers(&t, I64(PLAIN, n), c);
                kind & 1 ? positive(&t, w) : input(&t, w);
                operand *lse = positive(&t, F32(PLAIN, n));
                for (int64_t i = 0; i < n; i++) ((float *)lse->data)[i] += 3;
                output(&t, F32(PLAIN, n, c));
                TRY(cross_entropy_back, &args, 1e-5);
            }
}

/* n params of several sizes with `states` lists; the second has no gradient. */
static void one_update(const char *name, int op, const void *args, int states, double step) {
    trial t = {0};
    static const int64_t sizes[] = {35, 3, 70000, 1};
    for (int list = 0; list < 2 + states; list++)
        for (int i = 0; i < 4; i++) {
            ct_layout l = list == 1 && i == 1 ? absent : F32(PLAIN, sizes[i]);
            list < 2 ? input(&t, l) : positive(&t, l);
        }
    positive(&t, number), input(&t, number);
    *(float *)t.in[t.n_in - 1].data = (float)step;
    for (int list = 0; list < 1 + states; list++)
        for (int i = 0; i < 4; i++) output(&t, F32(PLAIN, sizes[i]));
    trial_name = name;
    compare(op, &t, args, 2e-6);
    end(&t);
}
#define UPDATE(op, states, ...)                                                                       \
    do {                                                                                              \
        ct_##op##_args args = {__VA_ARGS__};                                                          \
        one_update(#op, CT_OP_##op, &args, states, 1), one_update(#op, CT_OP_##op, &args, states, 7); \
    } while (0)

static void test_update(void) {
    UPDATE(sgd, 0, .weight_decay = 0.01);
    UPDATE(sgd, 1, .weight_decay = 0.01);
    UPDATE(sgd, 1, .momentum = 0.9, .dampening = 0.2, .weight_decay = 0.01);
    UPDATE(sgd, 1, .momentum = 0.9, .nesterov = true);
    UPDATE(adam, 2, .betas = {0.9, 0.999}, .eps = 1e-8, .weight_decay = 0.1);
    UPDATE(adam, 3, .betas = {0.9, 0.999}, .eps = 1e-8, .amsgrad = true);
    UPDATE(adamw, 2, .betas = {0.8, 0.99}, .eps = 1e-8, .weight_decay = 0.1);
    UPDATE(adamw, 3, .betas = {0.8, 0.99}, .eps = 1e-8, .weight_decay = 0.1, .amsgrad = true);
    UPDATE(rmsprop, 1, .alpha = 0.9, .eps = 1e-6, .weight_decay = 0.1);
    UPDATE(rmsprop, 2, .alpha = 0.9, .eps = 1e-6, .momentum = 0.9);
}

int main(void) {
    RUN(test_sum), RUN(test_softmax), RUN(test_matmul), RUN(test_conv), RUN(test_pool);
    RUN(test_norm), RUN(test_dropout), RUN(test_loss), RUN(test_update);
    return check_done("cpu");
}
